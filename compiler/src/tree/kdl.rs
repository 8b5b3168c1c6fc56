//! KDL 2 to the same spanned tree that YAML becomes.
//!
//! One pass over the text with a stack of its own, so depth costs memory and
//! not our stack, and time grows with the text only. The first syntax error of
//! a file is told and ends its reading; sections that were complete before it
//! are kept.

mod map;
mod scan;
pub(crate) mod shape;
mod string;
mod token;

use std::borrow::Cow;

use scan::Scan;
pub(crate) use string::is_bare;
pub(crate) use token::{Token, tokens};

use super::{Entry, Node, Root, Scalar, Value};
use crate::Limits;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::{SourceId, Span, Spanned};

/// What reading gives, or the one thing that is wrong.
type Read<T> = Result<T, Box<Diagnostic>>;

/// Parses one text. A syntax error, keys given twice, deep nesting and type
/// annotations are reported.
pub fn parse<'s>(
    id: SourceId,
    text: &'s str,
    limits: &Limits,
    problems: &mut Problems,
) -> Root<'s> {
    let mut parser = Parser {
        scan: Scan::new(id, text),
        depth: limits.depth,
        problems,
        blocks: vec![Block::default()],
    };
    let read = parser.document();
    let complete = read.is_ok();
    if let Err(diagnostic) = read {
        parser.problems.push(*diagnostic);
    }
    let nodes = parser.blocks.swap_remove(0).nodes;
    let (value, whole) = match nodes.is_empty() {
        true => (Value::Null, true),
        false => map::document(nodes, problems),
    };
    let span = Span::new(id, 0..0);
    Root {
        node: Node { value, span },
        complete: complete && whole,
    }
}

/// Makes of a fix, which is offered as YAML writes it, one for KDL.
pub(crate) fn adapt(diagnostic: &mut Diagnostic) {
    let Some(fix) = diagnostic.fix.as_mut() else {
        return;
    };
    if fix.span.range().is_empty() {
        diagnostic.fix = None;
        return;
    }
    let spelt = spelt(&fix.replacement);
    if spelt.starts_with('#') {
        diagnostic.help = Some(format!("write `{spelt}`"));
    }
    fix.replacement = spelt;
}

fn spelt(replacement: &str) -> String {
    if replacement.is_empty() {
        return String::new();
    }
    if matches!(replacement, "true" | "false") {
        return format!("#{replacement}");
    }
    if string::is_bare(replacement) || scan::is_number(replacement) {
        return replacement.to_owned();
    }
    let escaped = replacement.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// One KDL node: `name arguments… property=value… { children }`.
struct Written<'s> {
    name: Spanned<Cow<'s, str>>,
    arguments: Vec<Node<'s>>,
    properties: Vec<Entry<'s>>,
    children: Option<Vec<Written<'s>>>,
    /// Carries a type annotation, which was reported.
    typed: bool,
    end: usize,
}

/// A node whose end was not met yet.
struct Unfinished<'s> {
    node: Written<'s>,
    /// Whether `/-` takes it out.
    hidden: bool,
    /// Whether a block was met, after which no value may come.
    after_block: bool,
}

/// Children being read; the first block is the document.
#[derive(Default)]
struct Block<'s> {
    nodes: Vec<Written<'s>>,
    owner: Option<Unfinished<'s>>,
    /// Whether `/-` takes out the block.
    hidden: bool,
    open: usize,
}

struct Parser<'s, 'p> {
    scan: Scan<'s>,
    depth: usize,
    problems: &'p mut Problems,
    blocks: Vec<Block<'s>>,
}

impl<'s> Parser<'s, '_> {
    fn document(&mut self) -> Read<()> {
        loop {
            self.scan.lines()?;
            if self.scan.at_end() {
                return match self.blocks.last() {
                    Some(block) if block.owner.is_some() => Err(self.scan.fail(
                        block.open..block.open + 1,
                        "a block is never closed",
                        "this brace stays open",
                        "close it with `}`",
                    )),
                    _ => Ok(()),
                };
            }
            let unfinished = if self.scan.peek() == Some('}') {
                self.close()?
            } else {
                self.begin()?
            };
            self.finish(unfinished)?;
        }
    }

    fn close(&mut self) -> Read<Unfinished<'s>> {
        let at = self.scan.at;
        let last = self.blocks.pop_if(|block| block.owner.is_some());
        let Some((mut owner, block)) =
            last.and_then(|mut block| Some((block.owner.take()?, block)))
        else {
            return Err(self.scan.fail(
                at..at + 1,
                "a brace closes nothing",
                "no block is open here",
                "remove it, or open a block with `{` before it",
            ));
        };
        self.scan.at += 1;
        owner.after_block = true;
        if !block.hidden {
            owner.node.children = Some(block.nodes);
        }
        owner.node.end = self.scan.at;
        Ok(owner)
    }

    /// Reads up to and with the name of a node.
    fn begin(&mut self) -> Read<Unfinished<'s>> {
        let hidden = self.scan.eat("/-");
        if hidden {
            self.scan.lines()?;
        }
        let typed = self.annotation(hidden)?;
        let name = self.scan.name()?;
        Ok(Unfinished {
            node: Written {
                end: name.span.range().end,
                name,
                arguments: Vec::new(),
                properties: Vec::new(),
                children: None,
                typed,
            },
            hidden,
            after_block: false,
        })
    }

    /// Reads what follows the name, or a block, up to the end of the node or
    /// the start of its next block.
    fn finish(&mut self, mut node: Unfinished<'s>) -> Read<()> {
        loop {
            let apart = self.scan.spaces()?;
            let hidden = self.scan.eat("/-");
            if hidden {
                self.scan.lines()?;
            }
            match self.scan.peek() {
                Some('{') if hidden || node.node.children.is_none() => {
                    return self.open(node, hidden);
                }
                Some('}') if !hidden => break,
                None if !hidden => break,
                Some(c) if !hidden && (c == ';' || string::is_newline(c)) => {
                    self.scan.at += c.len_utf8();
                    break;
                }
                Some('/') if !hidden && self.scan.rest().starts_with("//") => break,
                Some(_) if (apart || hidden) && !node.after_block => {
                    self.entry(&mut node, hidden)?;
                }
                _ => return Err(self.scan.unexpected(node.after_block)),
            }
        }
        if !node.hidden
            && let Some(block) = self.blocks.last_mut()
        {
            block.nodes.push(node.node);
        }
        Ok(())
    }

    fn open(&mut self, node: Unfinished<'s>, hidden: bool) -> Read<()> {
        let at = self.scan.at;
        // The document is a level too.
        if self.blocks.len() >= self.depth {
            return Err(Box::new(too_deep(self.scan.span(at..at + 1), self.depth)));
        }
        self.scan.at += 1;
        self.blocks.push(Block {
            nodes: Vec::new(),
            owner: Some(node),
            hidden,
            open: at,
        });
        Ok(())
    }

    /// Reads an argument or a property.
    fn entry(&mut self, node: &mut Unfinished<'s>, hidden: bool) -> Read<()> {
        let silent = hidden || node.hidden;
        let typed = self.annotation(silent)?;
        let value = self.scan.value()?;
        let end = self.scan.at;
        self.scan.spaces()?;
        let is_name = matches!(&value.value, Value::Scalar(scalar) if scalar.quoted);
        if !typed && is_name && self.scan.eat("=") {
            let Value::Scalar(Scalar { text, .. }) = value.value else {
                return Ok(());
            };
            self.scan.spaces()?;
            let typed = self.annotation(silent)?;
            let given = untyped(self.scan.value()?, typed);
            if !hidden {
                node.node.end = self.scan.at;
                node.node.properties.push(Entry {
                    key: Spanned::new(text, value.span),
                    value: given,
                });
            }
            return Ok(());
        }
        self.scan.at = end;
        if !hidden {
            node.node.end = end;
            // Most nodes have one, for which a list would keep room for four.
            if node.node.arguments.is_empty() {
                node.node.arguments.reserve_exact(1);
            }
            node.node.arguments.push(untyped(value, typed));
        }
        Ok(())
    }

    /// Reads `(type)`, if there is one, and reports it unless it is taken out.
    fn annotation(&mut self, hidden: bool) -> Read<bool> {
        let Some(span) = self.scan.annotation()? else {
            return Ok(false);
        };
        let outer = |block: &Block<'_>| {
            block.hidden || block.owner.as_ref().is_some_and(|owner| owner.hidden)
        };
        if !hidden && !self.blocks.iter().any(outer) {
            self.problems.push(
                Diagnostic::new(
                    Code::SyntaxUnsupportedTag,
                    "a type annotation means nothing here",
                )
                .at(span, "this value is annotated")
                .help(
                    "remove the annotation; write `\"${NAME}\"` for a value from the environment",
                ),
            );
        }
        Ok(true)
    }
}

fn untyped(node: Node<'_>, typed: bool) -> Node<'_> {
    match typed {
        true => Node {
            value: Value::Broken,
            ..node
        },
        false => node,
    }
}

fn too_deep(span: Span, depth: usize) -> Diagnostic {
    Diagnostic::new(
        Code::SyntaxTooDeep,
        format!("blocks are nested more than {depth} levels deep"),
    )
    .at(span, "the limit is reached here")
    .help("flatten the document; no section needs more than 8 levels")
}
