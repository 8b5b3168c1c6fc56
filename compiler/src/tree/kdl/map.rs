//! KDL nodes as the sections and keys of a registration.
//!
//! Repeated nodes that are named by their id (`model "sonnet" { … }`) become
//! the items of a list; everything else is read alike wherever it stands.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Written;
use crate::diagnostic::{Code, Diagnostic, Problems, nearest};
use crate::source::{Span, Spanned};
use crate::tree::{Entry, Node, Value};

/// How a node of this name is read.
enum Form {
    /// An item of this list, with its argument as `id`.
    Item(&'static str),
    /// A section in lower case.
    Section(&'static str),
    /// The section with pools.
    Pools,
    /// A key.
    Key,
}

fn at_top(name: &str) -> Form {
    match name {
        "model" => Form::Item("Models"),
        "router" => Form::Section("Router"),
        "runtime" => Form::Section("Runtime"),
        "registration" | "Registration" => Form::Pools,
        _ => Form::Key,
    }
}

fn in_pools(name: &str) -> Form {
    match name {
        "endpoint" => Form::Item("models"),
        "upstream_service" => Form::Item("upstream_services"),
        _ => Form::Key,
    }
}

/// The name that a node in lower case was meant to have.
fn meant(name: &str, form: fn(&str) -> Form) -> Option<&'static str> {
    let known: &[&'static str] = match form("endpoint") {
        Form::Item(_) => &["endpoint", "upstream_service"],
        _ => match form("model") {
            Form::Item(_) => &["model", "router", "runtime", "registration"],
            _ => return None,
        },
    };
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name == "upstream_services" {
        return None;
    }
    let near = nearest(name, known.iter().copied())?;
    known.iter().copied().find(|known| *known == near)
}

fn in_key(_: &str) -> Form {
    Form::Key
}

/// The root map of a document, and whether nothing was left out of it.
pub(super) fn document<'s>(nodes: Vec<Written<'s>>, problems: &mut Problems) -> (Value<'s>, bool) {
    let before = left_out(problems);
    let mut map = Map::new(problems);
    for node in nodes {
        map.node(node, at_top);
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
    index: HashMap<String, Known>,
    problems: &'p mut Problems,
}

/// Where a key is, and whether further nodes add items to it.
struct Known {
    at: usize,
    items: bool,
}

impl<'s, 'p> Map<'s, 'p> {
    fn new(problems: &'p mut Problems) -> Self {
        Self {
            entries: Vec::new(),
            index: HashMap::new(),
            problems,
        }
    }

    fn node(&mut self, node: Written<'s>, form: fn(&str) -> Form) {
        let key = node.name.clone();
        match form(&key.value) {
            Form::Item(list) => {
                let item = item(node, self.problems);
                self.item(list, key.span, item);
            }
            Form::Section(name) => {
                let value = value(node, in_key, self.problems);
                self.add(Spanned::new(Cow::Borrowed(name), key.span), value);
            }
            Form::Pools => {
                let value = value(node, in_pools, self.problems);
                self.add(Spanned::new(Cow::Borrowed("Registration"), key.span), value);
            }
            Form::Key if let Some(near) = meant(&key.value, form) => {
                self.misspelt(&key, near);
            }
            Form::Key => {
                let value = value(node, in_key, self.problems);
                self.add(key, value);
            }
        }
    }

    fn add(&mut self, key: Spanned<Cow<'s, str>>, value: Node<'s>) {
        if let Some(known) = self.index.get(key.value.as_ref()) {
            let first = self.entries[known.at].key.span;
            self.twice(&key.value, key.span, first);
            return;
        }
        self.index.insert(
            key.value.to_string(),
            Known {
                at: self.entries.len(),
                items: false,
            },
        );
        self.entries.push(Entry { key, value });
    }

    fn item(&mut self, list: &'static str, span: Span, item: Node<'s>) {
        match self.index.get(list) {
            Some(Known { at, items: true }) => {
                if let Value::List(items) = &mut self.entries[*at].value.value {
                    items.push(item);
                }
            }
            Some(Known { at, .. }) => {
                let first = self.entries[*at].key.span;
                self.twice(list, span, first);
            }
            None => {
                let at = self.entries.len();
                self.index
                    .insert(list.to_owned(), Known { at, items: true });
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
        form: fn(&str) -> Form,
    ) {
        for property in properties {
            self.add(property.key, property.value);
        }
        for child in children.into_iter().flatten() {
            self.node(child, form);
        }
    }
}

/// From the name to the last character of a node.
fn whole(node: &Written<'_>) -> Span {
    let start = node.name.span;
    Span::new(start.source, start.range().start..node.end)
}

/// An item of a list: its argument is its id.
fn item<'s>(node: Written<'s>, problems: &mut Problems) -> Node<'s> {
    let span = whole(&node);
    if node.typed {
        return broken(span);
    }
    let mut map = Map::new(problems);
    let mut arguments = node.arguments.into_iter();
    if let Some(id) = arguments.next() {
        map.add(Spanned::new(Cow::Borrowed("id"), id.span), id);
    }
    if let Some(further) = arguments.next() {
        map.problems.push(
            Diagnostic::new(
                Code::DocumentWrongType,
                format!("`{}` takes one value, its id", node.name.value),
            )
            .at(further.span, "this is a second one")
            .help("write it as `name=value`, or on a line of its own inside `{ }`"),
        );
    }
    map.keys(node.properties, node.children, in_key);
    Node {
        value: Value::Map(map.entries),
        span,
    }
}

/// A key's value: nothing, one value, a list of them, a map, or a list of `-`.
fn value<'s>(node: Written<'s>, form: fn(&str) -> Form, problems: &mut Problems) -> Node<'s> {
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
        Value::List(items.map(|item| value(item, in_key, problems)).collect())
    } else {
        let mut map = Map::new(problems);
        map.keys(node.properties, Some(children), form);
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
