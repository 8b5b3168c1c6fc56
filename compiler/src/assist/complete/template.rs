//! The text of a key that is not there yet, with places to fill in.

use std::fmt::Write;

use crate::assist::outline::Step;
use crate::assist::spell::Style;
use crate::registration::{Key, Meaning, Takes};
use crate::tree::kdl::shape::{self, Form, Shape};

/// Where a key is put.
pub(super) struct Layout<'p> {
    pub(super) style: Style,
    pub(super) in_brackets: bool,
    pub(super) path: Vec<Step<'p>>,
}

/// A text with places to fill in.
#[derive(Default)]
struct Template {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    /// A place with what stands in it at first.
    Hole(String),
    /// A place for one of several words, the first of which stands there.
    Choice(Vec<String>),
}

impl Layout<'_> {
    /// The name a key has here.
    pub(super) fn name(&self, key: &Key) -> String {
        match self.style {
            Style::Kdl => self.node(key).to_owned(),
            Style::Json => format!("\"{}\"", key.name),
            Style::Yaml => key.name.to_owned(),
        }
    }

    /// The KDL node that stands for a key, or for an item of it.
    fn node(&self, key: &Key) -> &'static str {
        let shapes = self.shapes().iter();
        let mut named = shapes.filter(|shape| match shape.form {
            Form::Item { list: name, .. } | Form::Key(name) => name == key.name,
            Form::Pattern { .. } => false,
        });
        named.next().map_or(key.name, |shape| shape.node)
    }

    /// What the nodes here stand for.
    fn shapes(&self) -> &'static [Shape] {
        let mut shapes = shape::DOCUMENT;
        for step in &self.path {
            let Step::Key(key) = step else { continue };
            let inside = shapes.iter().find(|shape| match shape.form {
                Form::Item { list: name, .. } | Form::Key(name) => name == *key,
                Form::Pattern { .. } => false,
            });
            shapes = inside.map_or(&[], |shape| shape.inside);
        }
        shapes
    }

    /// The key that stands before the block of an item, where a key is a list of such.
    pub(super) fn argument(&self, key: &Key) -> Option<&'static str> {
        if self.style != Style::Kdl || self.in_brackets {
            return None;
        }
        let mut shapes = self.shapes().iter();
        shapes.find_map(|shape| match shape.form {
            Form::Item { list, argument } if list == key.name => Some(argument),
            _ => None,
        })
    }

    /// Nodes that stand for an item of `key` and have several names: `exact` and
    /// `regex` for `patterns`.
    pub(super) fn several(&self, key: &Key) -> Vec<(&'static str, String)> {
        if self.style != Style::Kdl || self.in_brackets || key.name != "patterns" {
            return Vec::new();
        }
        let nodes = self.shapes().iter();
        let nodes = nodes.filter(|shape| matches!(shape.form, Form::Pattern { .. }));
        nodes
            .map(|shape| (shape.node, format!("{} \"$1\"", shape.node)))
            .collect()
    }

    /// Whether a value can stand behind `name=`.
    pub(super) fn fits_one_line(&self, takes: &Takes) -> bool {
        match takes {
            Takes::Map(_)
            | Takes::List(_)
            | Takes::Named(..)
            | Takes::Codes(..)
            | Takes::Anything => false,
            Takes::Either(one, _) => self.fits_one_line(one),
            _ => true,
        }
    }

    /// A key with its value: as it is, and with places to fill in.
    pub(super) fn entry(&self, key: &Key) -> (String, Option<String>) {
        let mut template = Template::default();
        self.write(key, 0, &mut template);
        (template.plain(), Some(template.snippet()))
    }

    fn write(&self, key: &Key, depth: usize, out: &mut Template) {
        out.text(&if depth == 0 {
            self.name(key)
        } else {
            key.name.to_owned()
        });
        match (self.style, self.in_brackets) {
            (Style::Kdl, true) => out.text("="),
            (Style::Kdl, false) => out.text(" "),
            _ if self.breaks(&key.takes) => out.text(":"),
            _ => out.text(": "),
        }
        let argument = self.argument(key).filter(|_| depth == 0);
        if argument.is_some() {
            out.text("\"");
            out.hole("");
            out.text("\" ");
        }
        match (&key.takes, argument) {
            (Takes::List(Takes::Map(keys)), Some(argument)) => {
                self.map(keys, depth, Some(argument), out);
            }
            _ => self.value(&key.takes, key.default, depth, out),
        }
    }

    /// Whether the value begins on the next line.
    fn breaks(&self, takes: &Takes) -> bool {
        match takes {
            Takes::Map(_) | Takes::Named(..) | Takes::Codes(..) => !self.in_brackets,
            Takes::List(inner) => !self.in_brackets && matches!(inner, Takes::Map(_)),
            _ => false,
        }
    }

    fn value(&self, takes: &Takes, default: Option<&str>, depth: usize, out: &mut Template) {
        match takes {
            Takes::Either(one, _) => self.value(one, default, depth, out),
            Takes::Boolean => {
                let words = [true, false].map(|word| self.boolean(word));
                // What counts anyway is seldom what is meant.
                out.choice(words, |word| {
                    Some(word) != default.map(|word| self.boolean(word == "true"))
                });
            }
            Takes::Word(words) => {
                let words = words.iter().map(|word| match self.style {
                    Style::Yaml => (*word).to_owned(),
                    Style::Json | Style::Kdl => format!("\"{word}\""),
                });
                let default = default.map(|word| self.style.text(word));
                out.choice(words, |word| Some(word) == default);
            }
            Takes::Integer(..) | Takes::Amount | Takes::Ratio => {
                out.hole(default.unwrap_or_default());
            }
            Takes::Text(meaning) => self.a_text(*meaning, default, out),
            Takes::Map(keys) => self.map(keys, depth, None, out),
            Takes::List(inner) => self.list(inner, depth, out),
            Takes::Named(..) | Takes::Codes(..) if self.in_brackets => {
                self.bracketed("{", "}", out);
            }
            Takes::Named(..) => self.named("name", depth, out),
            Takes::Codes(..) => self.named("pool/shared-upstream", depth, out),
            Takes::Anything => out.hole(""),
        }
    }

    /// A map with one name of the user's and its value.
    fn named(&self, name: &str, depth: usize, out: &mut Template) {
        let is_kdl = self.style == Style::Kdl;
        let (open, quote, step) = if is_kdl {
            ("{\n", "\"", 4)
        } else {
            ("\n", "", 2)
        };
        out.text(open);
        out.indent(depth + 1, step);
        out.text(quote);
        out.hole(name);
        out.text(if is_kdl { "\" \"" } else { ": " });
        out.hole("");
        out.text(quote);
        if is_kdl {
            out.text("\n");
            out.indent(depth, step);
            out.text("}");
        }
    }

    fn boolean(&self, word: bool) -> String {
        match self.style {
            Style::Kdl => format!("#{word}"),
            Style::Yaml | Style::Json => word.to_string(),
        }
    }

    fn a_text(&self, meaning: Meaning, default: Option<&str>, out: &mut Template) {
        let bare = self.style == Style::Yaml && !matches!(meaning, Meaning::Secret | Meaning::Url);
        if bare {
            out.hole(default.unwrap_or_default());
            return;
        }
        out.text("\"");
        match meaning {
            Meaning::Secret => {
                out.text("${");
                out.hole("NAME");
                out.text("}");
            }
            Meaning::Url => out.hole("https://"),
            _ => out.hole(default.unwrap_or_default()),
        }
        out.text("\"");
    }

    fn bracketed(&self, open: &str, close: &str, out: &mut Template) {
        out.text(open);
        out.hole("");
        out.text(close);
    }

    /// A map with what it must have, but for the key that stands before it.
    fn map(&self, keys: &[Key], depth: usize, but: Option<&str>, out: &mut Template) {
        if self.in_brackets {
            return self.bracketed("{", "}", out);
        }
        if self.style == Style::Kdl {
            out.text("{");
        }
        self.lines(keys, depth + 1, false, but, out);
        if self.style == Style::Kdl {
            out.text("\n");
            out.indent(depth, 4);
            out.text("}");
        }
    }

    /// A line for each key that a map must have, or one to fill in.
    fn lines(
        &self,
        keys: &[Key],
        depth: usize,
        begun: bool,
        but: Option<&str>,
        out: &mut Template,
    ) {
        let step = if self.style == Style::Kdl { 4 } else { 2 };
        let wanted = keys
            .iter()
            .filter(|key| key.required && Some(key.name) != but);
        let wanted: Vec<&Key> = wanted.collect();
        for at in 0..wanted.len().max(1) {
            if at > 0 || !begun {
                out.text("\n");
                out.indent(depth, step);
            }
            match wanted.get(at) {
                Some(key) => self.write(key, depth, out),
                None => out.hole(""),
            }
        }
    }

    fn list(&self, inner: &Takes, depth: usize, out: &mut Template) {
        let is_kdl = self.style == Style::Kdl;
        match inner {
            Takes::Map(_) if self.in_brackets => self.bracketed("[{", "}]", out),
            Takes::Map(keys) if is_kdl => {
                out.text("{\n");
                out.indent(depth + 1, 4);
                out.text("- ");
                self.map(keys, depth + 1, None, out);
                out.text("\n");
                out.indent(depth, 4);
                out.text("}");
            }
            Takes::Map(keys) => {
                out.text("\n");
                out.indent(depth + 1, 2);
                out.text("- ");
                self.lines(keys, depth + 2, true, None, out);
            }
            _ if is_kdl => self.bracketed("\"", "\"", out),
            _ => self.bracketed("[", "]", out),
        }
    }
}

impl Template {
    fn text(&mut self, text: &str) {
        self.parts.push(Part::Text(text.to_owned()));
    }

    fn indent(&mut self, depth: usize, step: usize) {
        self.text(&" ".repeat(depth * step));
    }

    fn hole(&mut self, text: &str) {
        self.parts.push(Part::Hole(text.to_owned()));
    }

    /// One of several words, first the first that is `liked`.
    fn choice(&mut self, words: impl IntoIterator<Item = String>, liked: impl Fn(String) -> bool) {
        let mut words: Vec<String> = words.into_iter().collect();
        if let Some(at) = words.iter().position(|word| liked(word.clone())) {
            words[..=at].rotate_right(1);
        }
        self.parts.push(Part::Choice(words));
    }

    fn plain(&self) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) | Part::Hole(text) => out.push_str(text),
                Part::Choice(words) => out.push_str(words.first().map_or("", String::as_str)),
            }
        }
        out
    }

    fn snippet(&self) -> String {
        let mut out = String::new();
        let mut number = 0;
        for part in &self.parts {
            number += usize::from(!matches!(part, Part::Text(_)));
            let _ = match part {
                Part::Text(text) => write!(out, "{}", escaped(text)),
                Part::Hole(text) if text.is_empty() => write!(out, "${number}"),
                Part::Hole(text) => write!(out, "${{{number}:{}}}", escaped(text)),
                Part::Choice(words) => {
                    let words: Vec<String> = words.iter().map(|word| escaped(word)).collect();
                    write!(out, "${{{number}|{}|}}", words.join(","))
                }
            };
        }
        out
    }
}

/// A text in a snippet.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '$' | '}' | '\\' | ',' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
