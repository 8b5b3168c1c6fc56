//! A KDL text as statements and the pieces of their lines, with every comment
//! and everything that `/-` takes out where it stands. The text is one that
//! the tree accepts; what cannot be followed here ends the reading.

use std::borrow::Cow;
use std::ops::Range;

use crate::tree::kdl::{Token, tokens};

/// A node, or a comment on a line of its own.
#[derive(Debug)]
pub(super) struct Statement<'s> {
    /// Whether an empty line stands before it.
    pub(super) blank: bool,
    pub(super) kind: Kind<'s>,
}

#[derive(Debug)]
pub(super) enum Kind<'s> {
    Remark(Remark<'s>),
    Node(Node<'s>),
}

/// A comment with its marks.
#[derive(Clone, Debug)]
pub(super) struct Remark<'s> {
    pub(super) text: Cow<'s, str>,
    pub(super) start: usize,
}

/// A node, its name being the first piece.
#[derive(Debug)]
pub(super) struct Node<'s> {
    pub(super) range: Range<usize>,
    /// Whether `/-` takes it out.
    pub(super) hidden: bool,
    pub(super) pieces: Vec<Piece<'s>>,
    /// The `//` comment at its end.
    pub(super) beside: Option<Remark<'s>>,
}

/// Something on the line of a node.
#[derive(Debug)]
pub(super) enum Piece<'s> {
    /// A name, a value or a property as it is written, with its `/-`.
    Text(String, Range<usize>),
    /// A `/* */` comment.
    Aside(Remark<'s>),
    /// The end of a line that goes on, with the comments there.
    Continued(Vec<Remark<'s>>),
    Block(Block<'s>),
}

#[derive(Debug)]
pub(super) struct Block<'s> {
    pub(super) range: Range<usize>,
    /// Whether `/-` takes it out.
    pub(super) hidden: bool,
    /// Whether it was written on one line.
    pub(super) one_line: bool,
    /// The `//` comment behind its brace.
    pub(super) beside: Option<Remark<'s>>,
    pub(super) statements: Vec<Statement<'s>>,
}

impl Piece<'_> {
    fn end(&self) -> usize {
        match self {
            Self::Text(_, range) | Self::Block(Block { range, .. }) => range.end,
            Self::Aside(said) => said.start + said.text.len(),
            // Never the last.
            Self::Continued(_) => 0,
        }
    }
}

/// Reads a text.
pub(super) fn outline(text: &str) -> Option<Vec<Statement<'_>>> {
    let tokens = tokens(text)?;
    let mut reading = Reading {
        text,
        tokens: &tokens,
        at: 0,
        floating: Vec::new(),
    };
    let statements = reading.statements()?;
    reading.peek().is_none().then_some(statements)
}

struct Reading<'s, 't> {
    text: &'s str,
    tokens: &'t [(Token, Range<usize>)],
    at: usize,
    /// Comments within a node that can only stand above it.
    floating: Vec<Remark<'s>>,
}

impl<'s> Reading<'s, '_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).map(|(token, _)| *token)
    }

    fn next(&mut self) -> Option<Range<usize>> {
        let (_, range) = self.tokens.get(self.at)?;
        self.at += 1;
        Some(range.clone())
    }

    fn eat(&mut self, token: Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn remark(&mut self) -> Option<Remark<'s>> {
        let range = self.next()?;
        let text = self.text.get(range.clone())?.trim_end().into();
        let start = range.start;
        Some(Remark { text, start })
    }

    /// The comments of a line that goes on.
    fn continued(&mut self) -> Option<Vec<Remark<'s>>> {
        self.next()?;
        let mut said = Vec::new();
        while !self.eat(Token::Joined) {
            said.push(self.remark()?);
        }
        Some(said)
    }

    /// Statements up to the end of their block.
    fn statements(&mut self) -> Option<Vec<Statement<'s>>> {
        let mut statements: Vec<Statement<'s>> = Vec::new();
        let mut breaks = 0;
        while let Some(token) = self.peek() {
            let said = match token {
                Token::Close => break,
                Token::Break => {
                    breaks += 1;
                    self.at += 1;
                    continue;
                }
                Token::Semicolon => {
                    self.at += 1;
                    continue;
                }
                Token::Line | Token::Aside => self.remark()?,
                Token::Continued => {
                    let said = self.continued()?;
                    statements.extend(said.into_iter().map(|said| Statement {
                        blank: std::mem::take(&mut breaks) > 1,
                        kind: Kind::Remark(said),
                    }));
                    continue;
                }
                _ => {
                    let node = self.node()?;
                    let above = std::mem::take(&mut self.floating).into_iter();
                    let both = above.map(Kind::Remark).chain([Kind::Node(node)]);
                    let first = statements.len();
                    statements.extend(both.map(|kind| Statement { blank: false, kind }));
                    statements[first].blank = breaks > 1;
                    breaks = 0;
                    continue;
                }
            };
            match statements.last_mut().map(|last| &mut last.kind) {
                Some(Kind::Node(node))
                    if breaks == 0 && token == Token::Line && node.beside.is_none() =>
                {
                    node.beside = Some(said);
                }
                _ => statements.push(Statement {
                    blank: breaks > 1,
                    kind: Kind::Remark(said),
                }),
            }
            breaks = 0;
        }
        Some(statements)
    }

    /// What `/-` takes out may stand further down; comments before it are kept apart.
    fn hidden(&mut self) -> Option<bool> {
        if !self.eat(Token::Hide) {
            return Some(false);
        }
        loop {
            match self.peek() {
                Some(Token::Break) => self.at += 1,
                Some(Token::Line | Token::Aside) => {
                    let said = self.remark()?;
                    self.floating.push(said);
                }
                Some(Token::Continued) => {
                    let said = self.continued()?;
                    self.floating.extend(said);
                }
                _ => return Some(true),
            }
        }
    }

    fn node(&mut self) -> Option<Node<'s>> {
        let start = self.tokens.get(self.at)?.1.start;
        let hidden = self.hidden()?;
        let mut pieces = vec![self.text(false, start)?];
        let mut beside = None;
        loop {
            match self.peek() {
                None | Some(Token::Break | Token::Semicolon | Token::Close) => break,
                Some(Token::Line) => {
                    beside = Some(self.remark()?);
                    break;
                }
                Some(Token::Aside) => pieces.push(Piece::Aside(self.remark()?)),
                Some(Token::Continued) => pieces.push(Piece::Continued(self.continued()?)),
                Some(_) => {
                    let start = self.tokens[self.at].1.start;
                    let hidden = self.hidden()?;
                    pieces.push(match self.peek()? {
                        Token::Open => self.block(hidden, start)?,
                        _ => self.text(hidden, start)?,
                    });
                }
            }
        }
        // Nothing follows on the line that would go on.
        while let Some(Piece::Continued(said)) =
            pieces.pop_if(|last| matches!(last, Piece::Continued(_)))
        {
            self.floating.extend(said);
        }
        let end = pieces.last().map_or(start, Piece::end);
        Some(Node {
            range: start..end,
            hidden,
            pieces,
            beside,
        })
    }

    fn block(&mut self, hidden: bool, start: usize) -> Option<Piece<'s>> {
        self.next()?;
        let first = self.at;
        let beside = match self.peek() {
            Some(Token::Line) => Some(self.remark()?),
            _ => None,
        };
        let statements = self.statements()?;
        let inner = self.tokens.get(first..self.at)?;
        let one_line = !inner.iter().any(|(token, _)| *token == Token::Break);
        let end = self.next()?.end;
        Some(Piece::Block(Block {
            range: start..end,
            hidden,
            one_line,
            beside,
            statements,
        }))
    }

    /// A name, a value or a property.
    fn text(&mut self, hidden: bool, start: usize) -> Option<Piece<'s>> {
        let mut text = if hidden { "/-" } else { "" }.to_owned();
        let mut end = self.value(&mut text)?;
        let mut continued = false;
        let rest = &self.tokens[self.at..];
        let next = rest.iter().find(|(token, _)| {
            continued |= *token == Token::Continued;
            let passed = match token {
                Token::Aside | Token::Continued => true,
                _ => continued,
            };
            continued &= *token != Token::Joined;
            !passed
        });
        if next.is_some_and(|(token, _)| *token == Token::Equals) {
            self.asides()?;
            self.next()?;
            text.push('=');
            self.asides()?;
            end = self.value(&mut text)?;
        }
        Some(Piece::Text(text, start..end))
    }

    /// Moves comments around a `=` away.
    fn asides(&mut self) -> Option<()> {
        loop {
            match self.peek() {
                Some(Token::Aside) => {
                    let said = self.remark()?;
                    self.floating.push(said);
                }
                Some(Token::Continued) => {
                    let said = self.continued()?;
                    self.floating.extend(said);
                }
                _ => return Some(()),
            }
        }
    }

    fn value(&mut self, text: &mut String) -> Option<usize> {
        if self.peek() == Some(Token::Type) {
            let range = self.next()?;
            text.push_str(self.text.get(range)?);
            self.asides()?;
        }
        let range = (self.peek()? == Token::Value).then(|| self.next())??;
        text.push_str(self.text.get(range.clone())?);
        Some(range.end)
    }
}
