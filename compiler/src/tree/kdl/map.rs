//! KDL nodes as the sections and keys of a registration.
//!
//! Repeated nodes that are named by their id (`model "sonnet" { … }`) become
//! the items of a list; everything else is read alike wherever it stands.

use std::borrow::Cow;

use super::Written;
use super::shape::{self, Form, Shape};
use crate::diagnostic::{Code, Diagnostic, Problems, nearest};
use crate::source::{Span, Spanned};
use crate::tree::{Entry, Index, Node, Scalar, Value, position};

/// The name that a node was meant to have. A key is never taken for a slip.
fn meant(name: &str, shapes: &'static [Shape]) -> Option<&'static str> {
    let is_key = shapes.iter().any(|shape| match shape.form {
        Form::Item { list, .. } => list == name,
        Form::Key(_) | Form::Pattern { .. } => false,
    });
    if shapes.is_empty() || is_key || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    let near = nearest(name, shapes.iter().map(|shape| shape.node))?;
    let shape = shapes.iter().find(|shape| shape.node == near);
    shape.map(|shape| shape.node)
}

/// The root map of a document, and whether nothing was left out of it.
pub(super) fn document<'s>(nodes: Vec<Written<'s>>, problems: &mut Problems) -> (Value<'s>, bool) {
    let before = left_out(problems);
    let mut map = Map::new(problems);
    for node in nodes {
        map.node(node, shape::DOCUMENT);
    }
    let entries = map.entries;
    (Value::Map(entries), left_out(problems) == before)
}

/// Reports of nodes that were not taken, whose declarations may be asked for elsewhere.
fn left_out(problems: &Problems) -> usize {
    let codes = [Code::SyntaxDuplicateKey, Code::DocumentMisspeltKey];
    let found = problems.iter();
    found.filter(|found| codes.contains(&found.code)).count()
}

/// The entries of one map while it is read.
struct Map<'s, 'p> {
    entries: Vec<Entry<'s>>,
    index: Index<'s>,
    /// Positions of keys to which further nodes add items.
    lists: Vec<usize>,
    problems: &'p mut Problems,
}

impl<'s, 'p> Map<'s, 'p> {
    fn new(problems: &'p mut Problems) -> Self {
        Self {
            entries: Vec::new(),
            index: Index::new(),
            lists: Vec::new(),
            problems,
        }
    }

    fn node(&mut self, node: Written<'s>, shapes: &'static [Shape]) {
        let key = node.name.clone();
        let Some(shape) = shape::of(shapes, &key.value) else {
            match meant(&key.value, shapes) {
                Some(near) => self.misspelt(&key, near),
                None => {
                    let value = value(node, &[], self.problems);
                    self.add(key, value);
                }
            }
            return;
        };
        match shape.form {
            Form::Item { list, argument } => {
                let item = item(node, argument, shape.inside, self.problems);
                self.item(list, key.span, item);
            }
            Form::Pattern { kind, arguments } => {
                let item = pattern(node, kind, arguments, self.problems);
                self.item("patterns", key.span, item);
            }
            Form::Key(name) => {
                let value = value(node, shape.inside, self.problems);
                self.add(Spanned::new(Cow::Borrowed(name), key.span), value);
            }
        }
    }

    fn add(&mut self, key: Spanned<Cow<'s, str>>, value: Node<'s>) {
        if let Some(at) = position(&key.value, &self.entries, &mut self.index) {
            let first = self.entries[at].key.span;
            self.twice(&key.value, key.span, first);
            return;
        }
        self.entries.push(Entry { key, value });
    }

    fn item(&mut self, list: &'static str, span: Span, item: Node<'s>) {
        match position(list, &self.entries, &mut self.index) {
            Some(at) if self.lists.contains(&at) => {
                if let Value::List(items) = &mut self.entries[at].value.value {
                    items.push(item);
                }
            }
            Some(at) => {
                let first = self.entries[at].key.span;
                self.twice(list, span, first);
            }
            None => {
                self.lists.push(self.entries.len());
                let value = Node {
                    span: item.span,
                    value: Value::List(vec![item]),
                };
                self.entries.push(Entry {
                    key: Spanned::new(Cow::Borrowed(list), span),
                    value,
                });
            }
        }
    }

    fn misspelt(&mut self, key: &Spanned<Cow<'s, str>>, near: &str) {
        self.problems.push(
            Diagnostic::new(
                Code::DocumentMisspeltKey,
                format!("no node is called `{}` here", key.value),
            )
            .at(key.span, "this name is not known")
            .help(format!("did you mean `{near}`?"))
            .fix(key.span, near),
        );
    }

    /// Reports a value after the one that a node takes.
    fn second(&mut self, node: &str, argument: &str, span: Span) {
        self.problems.push(
            Diagnostic::new(
                Code::DocumentWrongType,
                format!("`{node}` takes one value, its {argument}"),
            )
            .at(span, "this is a second one")
            .help("write it as `name=value`, or on a line of its own inside `{ }`"),
        );
    }

    fn twice(&mut self, name: &str, again: Span, first: Span) {
        self.problems.push(
            Diagnostic::new(Code::SyntaxDuplicateKey, format!("`{name}` is given twice"))
                .at(again, "given again here")
                .at(first, "first given here")
                .help("remove one of the two"),
        );
    }

    /// Takes the properties and the children of a node.
    fn keys(
        &mut self,
        properties: Vec<Entry<'s>>,
        children: Option<Vec<Written<'s>>>,
        shapes: &'static [Shape],
    ) {
        for property in properties {
            self.add(property.key, property.value);
        }
        for child in children.into_iter().flatten() {
            self.node(child, shapes);
        }
    }
}

/// From the name to the last character of a node.
fn whole(node: &Written<'_>) -> Span {
    let start = node.name.span;
    Span::new(start.source, start.range().start..node.end)
}

/// An item of a list: its argument is the value of `argument`.
fn item<'s>(
    node: Written<'s>,
    argument: &'static str,
    shapes: &'static [Shape],
    problems: &mut Problems,
) -> Node<'s> {
    let span = whole(&node);
    if node.typed {
        return broken(span);
    }
    let mut map = Map::new(problems);
    let mut arguments = node.arguments.into_iter();
    if let Some(first) = arguments.next() {
        map.add(Spanned::new(Cow::Borrowed(argument), first.span), first);
    }
    if let Some(further) = arguments.next() {
        map.second(&node.name.value, argument, further.span);
    }
    map.keys(node.properties, node.children, shapes);
    Node {
        value: Value::Map(map.entries),
        span,
    }
}

/// A pattern of a rule: its name is its type, its arguments are what it matches.
fn pattern<'s>(
    node: Written<'s>,
    kind: &'static str,
    name: &'static str,
    problems: &mut Problems,
) -> Node<'s> {
    let span = whole(&node);
    if node.typed {
        return broken(span);
    }
    let mut map = Map::new(problems);
    let scalar = Value::Scalar(Scalar {
        text: Cow::Borrowed(kind),
        quoted: true,
    });
    let place = node.name.span;
    map.add(
        Spanned::new(Cow::Borrowed("type"), place),
        Node {
            value: scalar,
            span: place,
        },
    );
    let mut arguments = node.arguments;
    if let Some(first) = arguments.first().map(|first| first.span) {
        let value = if kind == "regex" {
            if let Some(further) = arguments.get(1) {
                map.second(kind, name, further.span);
            }
            arguments.swap_remove(0)
        } else {
            Node {
                value: Value::List(arguments),
                span,
            }
        };
        map.add(Spanned::new(Cow::Borrowed(name), first), value);
    }
    map.keys(node.properties, node.children, &[]);
    Node {
        value: Value::Map(map.entries),
        span,
    }
}

/// A key's value: nothing, one value, a list of them, a map, or a list of `-`.
fn value<'s>(node: Written<'s>, shapes: &'static [Shape], problems: &mut Problems) -> Node<'s> {
    let span = whole(&node);
    if node.typed {
        return broken(span);
    }
    let mut arguments = node.arguments;
    if node.properties.is_empty() && node.children.is_none() {
        return match arguments.len() {
            0 => Node {
                value: Value::Null,
                span: node.name.span,
            },
            1 => arguments.swap_remove(0),
            _ => Node {
                value: Value::List(arguments),
                span,
            },
        };
    }
    if let Some(first) = arguments.first() {
        problems.push(
            Diagnostic::new(
                Code::DocumentWrongType,
                format!("`{}` has both a value and keys", node.name.value),
            )
            .at(first.span, "this value has no key")
            .help("write it as `name=value`, or on a line of its own inside `{ }`"),
        );
    }
    let children = node.children.unwrap_or_default();
    let dashes = !children.is_empty() && children.iter().all(|child| child.name.value == "-");
    let value = if dashes && node.properties.is_empty() {
        let items = children.into_iter();
        Value::List(items.map(|item| value(item, &[], problems)).collect())
    } else {
        let mut map = Map::new(problems);
        map.keys(node.properties, Some(children), shapes);
        Value::Map(map.entries)
    };
    Node { value, span }
}

fn broken<'s>(span: Span) -> Node<'s> {
    Node {
        value: Value::Broken,
        span,
    }
}
