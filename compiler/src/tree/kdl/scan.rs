//! The tokens of KDL 2: space, comments, names and values.

use std::borrow::Cow;
use std::ops::Range;

use super::Read;
use super::string::{self, is_newline, is_space};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{SourceId, Span, Spanned};
use crate::tree::{Node, Scalar, Value};

/// Words that KDL keeps for values, which start with `#`.
const RESERVED: &[&str] = &["true", "false", "null", "inf", "-inf", "nan"];

/// A text and how far it was read.
pub(super) struct Scan<'s> {
    id: SourceId,
    pub(super) text: &'s str,
    pub(super) at: usize,
}

impl<'s> Scan<'s> {
    pub(super) fn new(id: SourceId, text: &'s str) -> Self {
        Self { id, text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(super) fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.id, range)
    }

    /// The one diagnostic of a text that is not KDL. The place is clipped to its first line.
    pub(super) fn fail(
        &self,
        range: Range<usize>,
        what: &str,
        label: &str,
        help: &str,
    ) -> Box<Diagnostic> {
        let place = &self.text[range.clone()];
        let end = range.start + place.find(is_newline).unwrap_or(place.len());
        Box::new(
            Diagnostic::new(Code::SyntaxInvalidKdl, format!("this is not KDL: {what}"))
                .at(self.span(range.start..end), label)
                .help(help),
        )
    }

    /// A character that cannot stand here.
    pub(super) fn unexpected(&self, after_block: bool) -> Box<Diagnostic> {
        let Some(c) = self.peek() else {
            let end = self.text.trim_end().len();
            return self.fail(
                end..end,
                "the text ends where a value is missing",
                "something must follow",
                "add what is missing, or remove the mark before it",
            );
        };
        let place = self.at..self.at + c.len_utf8();
        let (what, label, help) = match c {
            _ if after_block => (
                "something follows a block",
                "a node ends with its block",
                "start a new line after `}`, or write values before `{`",
            ),
            ':' => (
                "a colon stands between a name and its value",
                "KDL has no colon here",
                "write `name value`, with a space and no colon",
            ),
            '[' | ']' => (
                "brackets mean nothing here",
                "KDL has no lists in brackets",
                "write the values one after the other: `name \"a\" \"b\"`",
            ),
            '{' => (
                "a block has no name",
                "a node's name must stand before it",
                "write the name before `{`",
            ),
            _ if string::is_disallowed(c) => (
                "a control character stands here",
                "this character cannot stand in KDL",
                "remove it; inside quotes it can be written as an escape, such as `\\u{7}`",
            ),
            _ => (
                "this character cannot stand here",
                "reading stopped here",
                "quote the value, and put a space between values",
            ),
        };
        self.fail(place, what, label, help)
    }

    /// Skips space within a node; says whether there was any.
    pub(super) fn spaces(&mut self) -> Read<bool> {
        let start = self.at;
        loop {
            match self.peek() {
                Some(c) if is_space(c) => self.at += c.len_utf8(),
                Some('/') if self.rest().starts_with("/*") => self.comment()?,
                Some('\\') => self.continued()?,
                _ => return Ok(self.at > start),
            }
        }
    }

    /// Skips space, line breaks and comments between nodes.
    pub(super) fn lines(&mut self) -> Read<()> {
        loop {
            self.spaces()?;
            match self.peek() {
                Some(c) if is_newline(c) => self.at += c.len_utf8(),
                Some('/') if self.rest().starts_with("//") => self.line_comment()?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn line_comment(&mut self) -> Read<()> {
        let rest = self.rest();
        self.pass(rest.find(is_newline).unwrap_or(rest.len()))
    }

    /// Goes past text of which only the characters matter.
    pub(super) fn pass(&mut self, length: usize) -> Read<()> {
        let passed = &self.rest()[..length];
        match passed.find(string::is_disallowed) {
            Some(found) => {
                self.at += found;
                Err(self.unexpected(false))
            }
            None => {
                self.at += length;
                Ok(())
            }
        }
    }

    /// `/* … */`, which may hold others.
    pub(super) fn comment(&mut self) -> Read<()> {
        let start = self.at;
        let (mut open, mut length) = (0usize, 0);
        let bytes = self.rest().as_bytes();
        while let Some(pair) = bytes.get(length..length + 2) {
            match pair {
                b"/*" => open += 1,
                b"*/" => open -= 1,
                _ => {
                    length += 1;
                    continue;
                }
            }
            length += 2;
            if open == 0 {
                return self.pass(length);
            }
        }
        Err(self.fail(
            start..start + 2,
            "a comment is never closed",
            "it starts here",
            "close it with `*/`",
        ))
    }

    /// `\` and the rest of its line, which may be a comment.
    fn continued(&mut self) -> Read<()> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(c) if is_space(c) => self.at += c.len_utf8(),
                Some('/') if self.rest().starts_with("/*") => self.comment()?,
                _ => break,
            }
        }
        if self.rest().starts_with("//") {
            self.line_comment()?;
        }
        match self.peek() {
            Some('\r') if self.rest().starts_with("\r\n") => self.at += 2,
            Some(c) if is_newline(c) => self.at += c.len_utf8(),
            None => {}
            Some(_) => {
                return Err(self.fail(
                    start..start + 1,
                    "a backslash stands outside quotes",
                    "it continues a line, and must be the last of it",
                    "quote the value, or start a new line after it",
                ));
            }
        }
        Ok(())
    }

    /// `(type)`, if one starts here.
    pub(super) fn annotation(&mut self) -> Read<Option<Span>> {
        let start = self.at;
        if !self.eat("(") {
            return Ok(None);
        }
        self.spaces()?;
        self.name()?;
        self.spaces()?;
        if !self.eat(")") {
            return Err(self.fail(
                start..start + 1,
                "a parenthesis is never closed",
                "it starts a type annotation",
                "remove it, or quote the value",
            ));
        }
        let span = self.span(start..self.at);
        self.spaces()?;
        Ok(Some(span))
    }

    /// A name: a bare or a quoted text.
    pub(super) fn name(&mut self) -> Read<Spanned<Cow<'s, str>>> {
        let start = self.at;
        let node = self.value()?;
        match node.value {
            Value::Scalar(Scalar { text, quoted: true }) => Ok(Spanned::new(text, node.span)),
            _ => Err(self.fail(
                start..self.at,
                "a name was expected here",
                "this is a value",
                "write the name before its value, or quote the name",
            )),
        }
    }

    /// A text, a number, a boolean or nothing.
    pub(super) fn value(&mut self) -> Read<Node<'s>> {
        let start = self.at;
        let value = match self.peek() {
            Some('"') => quoted(self.quoted()?),
            Some('#') => match self.rest().trim_start_matches('#').starts_with('"') {
                true => quoted(self.raw()?),
                false => self.keyword()?,
            },
            Some(c) if string::is_bare_char(c) => self.word()?,
            _ => return Err(self.unexpected(false)),
        };
        Ok(Node {
            value,
            span: self.span(start..self.at),
        })
    }

    fn keyword(&mut self) -> Read<Value<'s>> {
        let start = self.at;
        self.at += 1;
        let word = self.bare();
        Ok(match word {
            "null" => Value::Null,
            "true" | "false" => plain(word),
            // No key takes one; each says so.
            "inf" | "-inf" | "nan" => plain(&self.text[start..self.at]),
            _ => {
                return Err(self.fail(
                    start..self.at,
                    "a word after `#` is not known",
                    "only `#true`, `#false` and `#null` mean something",
                    "quote it if it is meant to be text; comments start with `//`",
                ));
            }
        })
    }

    fn bare(&mut self) -> &'s str {
        let rest = self.rest();
        let end = rest
            .find(|c| !string::is_bare_char(c))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A number or a bare text.
    fn word(&mut self) -> Read<Value<'s>> {
        let start = self.at;
        let word = self.bare();
        let place = start..self.at;
        if string::starts_as_number(word) {
            return match is_number(word) {
                true if word.contains('_') => Ok(Value::Scalar(Scalar {
                    text: word.replace('_', "").into(),
                    quoted: false,
                })),
                true => Ok(plain(word)),
                false => Err(self.fail(
                    place,
                    "this starts as a number and is none",
                    "neither a number nor a text",
                    "quote it if it is meant to be text; numbers are separated by spaces",
                )),
            };
        }
        if RESERVED.contains(&word) {
            return Err(self.fail(
                place,
                "a reserved word stands here without its `#`",
                "neither a value nor a text",
                &format!("write `#{word}`, or quote it if it is meant to be text"),
            ));
        }
        if word.len() > 1 && word.ends_with(':') {
            self.at -= 1;
            let colon = self.at..self.at + 1;
            let mut diagnostic = self.unexpected(false);
            diagnostic.fix = None;
            return Err(Box::new(diagnostic.fix(self.span(colon), "")));
        }
        Ok(quoted(Cow::Borrowed(word)))
    }
}

fn quoted(text: Cow<'_, str>) -> Value<'_> {
    Value::Scalar(Scalar { text, quoted: true })
}

fn plain(text: &str) -> Value<'_> {
    Value::Scalar(Scalar {
        text: Cow::Borrowed(text),
        quoted: false,
    })
}

/// Whether this is a number of KDL in any of its bases.
pub(super) fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    for (mark, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = unsigned.strip_prefix(mark) {
            return has_digits(digits, base);
        }
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|digits| digits.strip_prefix(['+', '-']).unwrap_or(digits));
    has_digits(whole, 10)
        && fraction.is_none_or(|digits| has_digits(digits, 10))
        && exponent.is_none_or(|digits| has_digits(digits, 10))
}

/// At least one digit first, then digits and `_`.
fn has_digits(text: &str, base: u32) -> bool {
    text.starts_with(|c: char| c.is_digit(base))
        && text.chars().all(|c| c == '_' || c.is_digit(base))
}
