//! The shape of KDL: nodes, their values and blocks, as the keys of a
//! registration.

use std::ops::Range;

use super::{Cursor, Entry, Outline, Slot, Step, find};
use crate::registration::VOCABULARY;
use crate::tree::kdl::shape::{self, Form, Shape};

pub(super) fn outline(text: &str, cursor: Option<usize>) -> Outline<'_> {
    let mut scan = Scan {
        text,
        at: 0,
        cursor,
        blocks: vec![Block {
            level: 0,
            shapes: shape::DOCUMENT,
        }],
        outline: Outline::with_root(),
    };
    while scan.at < text.len() {
        scan.node();
    }
    scan.gap(text.len(), text.len());
    scan.outline
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    cursor: Option<usize>,
    blocks: Vec<Block>,
    outline: Outline<'t>,
}

/// A block that is open, and how the nodes in it are read.
#[derive(Clone, Copy)]
struct Block {
    level: usize,
    shapes: &'static [Shape],
}

/// A node whose values are being read.
struct Node<'t> {
    /// The map it stands in, and its key there.
    outer: usize,
    name: &'t str,
    /// The map that its properties and block are.
    inner: usize,
    /// How the nodes of its block are read.
    shapes: &'static [Shape],
    /// The key that its next value is of, where it is an item.
    wants: Option<&'static str>,
    /// Whether all further ones are too.
    wants_all: bool,
    /// Where its entry is, if it is a key.
    entry: Option<usize>,
}

impl<'t> Scan<'t> {
    /// Reads up to the end of a node, or to the start or end of a block.
    fn node(&mut self) {
        let from = self.at;
        self.skip(true);
        self.gap(from, self.at);
        match self.peek() {
            None => return,
            Some('}') => {
                self.at += 1;
                if self.blocks.len() > 1 {
                    self.blocks.pop();
                }
                return;
            }
            Some('{') => {
                // A block without a name; whatever is in it has no meaning.
                self.at += 1;
                let level = self.outline.level(self.block().level, Step::Item);
                self.blocks.push(Block { level, shapes: &[] });
                return;
            }
            Some(_) => {}
        }
        let name = self.word();
        if self.is_lost(&name) {
            self.blocks.truncate(1);
        }
        if self.here(name.start, name.end).is_some() {
            self.found(Slot::Key(self.block().level), name.clone());
        }
        let node = self.begin(name);
        self.rest(node);
    }

    /// Whether a name begins a section in the first column, while a block is
    /// open that somebody forgot to close.
    fn is_lost(&self, name: &Range<usize>) -> bool {
        let begins_line = self.text[..name.start].ends_with(is_newline);
        if self.blocks.len() < 2 || !begins_line {
            return false;
        }
        let rest = &self.text[name.end..];
        let line = &rest[..rest.find(is_newline).unwrap_or(rest.len())];
        let name = &self.text[name.clone()];
        line.trim_end().ends_with('{')
            && (shape::of(shape::DOCUMENT, name).is_some() || find(VOCABULARY, name).is_some())
    }

    /// A cursor where a node can begin.
    fn gap(&mut self, from: usize, to: usize) {
        if let Some(cursor) = self.here(from, to) {
            let follows = self.text[..cursor].ends_with('}') && cursor == from;
            if !follows && (cursor < to || self.peek().is_none_or(|c| c == '}')) {
                self.found(Slot::Key(self.block().level), cursor..cursor);
            }
        }
    }

    fn begin(&mut self, name: Range<usize>) -> Node<'t> {
        let Block { level, shapes } = self.block();
        let written = unquoted(&self.text[name.clone()]);
        let shape = shape::of(shapes, written);
        let inside = shape.map_or(&[] as &[Shape], |shape| shape.inside);
        let (list, wants, wants_all) = match shape.map(|shape| shape.form) {
            Some(Form::Item { list, argument }) => (Some(list), Some(argument), false),
            Some(Form::Pattern { kind, arguments }) => {
                (Some("patterns"), Some(arguments), kind == "exact")
            }
            Some(Form::Key(_)) | None => (None, None, false),
        };
        let key = match shape.map(|shape| shape.form) {
            Some(Form::Key(key)) => key,
            _ => written,
        };
        let (inner, entry) = match list {
            Some(list) => {
                let list = self.outline.level(level, Step::Key(list));
                (self.outline.level(list, Step::Item), None)
            }
            None if written == "-" => (self.outline.level(level, Step::Item), None),
            None => {
                let entry = self.push(level, key, name);
                (self.outline.level(level, Step::Key(key)), Some(entry))
            }
        };
        Node {
            outer: level,
            name: key,
            inner,
            shapes: inside,
            wants,
            wants_all,
            entry,
        }
    }

    /// Reads what follows the name of a node.
    fn rest(&mut self, mut node: Node<'t>) {
        loop {
            let from = self.at;
            self.skip(false);
            let ends = self
                .peek()
                .is_none_or(|c| c == ';' || c == '}' || is_newline(c));
            if let Some(cursor) = self.here(from, self.at)
                && cursor > from
                && (cursor < self.at || ends || self.peek() == Some('{'))
            {
                self.found(node.slot(), cursor..cursor);
            }
            match self.peek() {
                None | Some('}') => return,
                Some(c) if c == ';' || is_newline(c) => {
                    self.at += c.len_utf8();
                    return;
                }
                Some('{') => {
                    self.at += 1;
                    let (level, shapes) = (node.inner, node.shapes);
                    self.blocks.push(Block { level, shapes });
                    return;
                }
                Some(_) => self.argument(&mut node),
            }
        }
    }

    /// Takes a value or a property.
    fn argument(&mut self, node: &mut Node<'t>) {
        let word = self.word();
        if self.peek() == Some('=') {
            if self.here(word.start, word.end).is_some() {
                self.found(Slot::Key(node.inner), word.clone());
            }
            self.at += 1;
            let name = unquoted(&self.text[word.clone()]);
            let entry = self.push(node.inner, name, word);
            let is_value = self.peek().is_some_and(|c| !is_end(c));
            let value = if is_value {
                self.word()
            } else {
                self.at..self.at
            };
            if self.here(value.start, value.end).is_some() {
                self.found(Slot::Value(node.inner, name), value.clone());
            }
            self.outline.entries[entry].value = value;
            return;
        }
        if self.here(word.start, word.end).is_some() {
            self.found(node.slot(), word.clone());
        }
        if let Some(key) = node.wants {
            node.wants = node.wants.filter(|_| node.wants_all);
            let entry = self.push(node.inner, key, word.start..word.start);
            self.outline.entries[entry].value = word;
        } else if let Some(entry) = node.entry.map(|at| &mut self.outline.entries[at])
            && entry.value.is_empty()
        {
            entry.value = word;
        }
    }

    fn push(&mut self, level: usize, name: &'t str, key: Range<usize>) -> usize {
        let value = key.end..key.end;
        self.outline.entries.push(Entry {
            level,
            name,
            key,
            value,
        });
        self.outline.entries.len() - 1
    }

    fn block(&self) -> Block {
        self.blocks.last().copied().unwrap_or(Block {
            level: 0,
            shapes: shape::DOCUMENT,
        })
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// Passes over space and comments; `between` nodes also over what ends one.
    fn skip(&mut self, between: bool) {
        loop {
            let rest = &self.text[self.at..];
            let start = self.at;
            let Some(c) = rest.chars().next() else { return };
            if rest.starts_with("/-") {
                self.at += 2;
            } else if rest.starts_with("//") {
                self.at += rest.find(is_newline).unwrap_or(rest.len());
                self.silence(start + 1);
            } else if rest.starts_with("/*") {
                self.at += comment_length(rest);
                self.silence(start + 1);
            } else if c == '\\' && !between {
                self.at += rest.find(is_newline).map_or(rest.len(), |end| end + 1);
            } else if c == ' '
                || c == '\t'
                || matches!(c, '(' | ')')
                || c == '\u{feff}'
                || (between && (c == ';' || is_newline(c)))
            {
                self.at += c.len_utf8();
            } else {
                return;
            }
        }
    }

    /// Nothing is offered in a comment.
    fn silence(&mut self, from: usize) {
        if self.here(from, self.at).is_some() {
            self.cursor = None;
        }
    }

    /// Takes a word: bare, quoted or raw. Always goes forward.
    fn word(&mut self) -> Range<usize> {
        let start = self.at;
        let rest = &self.text[start..];
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let length = match rest[hashes..].starts_with('"') {
            true => hashes + quote_length(&rest[hashes..], hashes),
            false => rest
                .find(|c| is_end(c) || c == '=' || c == '"')
                .unwrap_or(rest.len()),
        };
        let first = rest.chars().next().map_or(0, char::len_utf8);
        self.at = start + length.max(first);
        start..self.at
    }

    /// The cursor, if it is between two places and was not found yet.
    fn here(&self, from: usize, to: usize) -> Option<usize> {
        self.cursor
            .filter(|cursor| (from..=to).contains(cursor) && self.outline.cursor.is_none())
    }

    fn found(&mut self, slot: Slot<'t>, word: Range<usize>) {
        let rest = &self.text[word.end..];
        let line = rest[..rest.find(is_newline).unwrap_or(rest.len())].trim_start();
        let has_mark = !line.is_empty() && !line.starts_with(['}', ';', '/']);
        self.outline.cursor = Some(Cursor {
            slot,
            word,
            in_brackets: false,
            has_mark,
        });
    }
}

impl<'t> Node<'t> {
    /// What stands behind its name.
    fn slot(&self) -> Slot<'t> {
        match (self.wants, self.entry) {
            (Some(key), _) => Slot::Value(self.inner, key),
            (None, Some(_)) => Slot::Argument(self.outer, self.name, self.inner),
            (None, None) => Slot::Property(self.inner),
        }
    }
}

fn is_newline(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn is_end(c: char) -> bool {
    is_newline(c) || matches!(c, ' ' | '\t' | ';' | '{' | '}' | '(' | ')')
}

/// Bytes of a text in quotes, with them; up to the end of the line where it is not closed.
fn quote_length(rest: &str, hashes: usize) -> usize {
    let mark = if rest.starts_with("\"\"\"") {
        "\"\"\""
    } else {
        "\""
    };
    let close = format!("{mark}{}", "#".repeat(hashes));
    let mut at = mark.len();
    while let Some(c) = rest[at..].chars().next() {
        if rest[at..].starts_with(&close) {
            return at + close.len();
        }
        if mark.len() == 1 && is_newline(c) {
            return at;
        }
        at += c.len_utf8();
        if c == '\\' && hashes == 0 {
            at += rest[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    rest.len()
}

/// Bytes of a comment, which may hold others.
fn comment_length(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest[at..].starts_with("*/") {
            (at, depth) = (at + 2, depth.saturating_sub(1));
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// The text between quotes as it stands there.
fn unquoted(text: &str) -> &str {
    let inner = text.trim_matches('#');
    match inner.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').unwrap_or(rest),
        None => text,
    }
}
