//! Several files as one document: maps are joined key by key, lists of maps
//! one after the other, and anything else must agree.
//!
//! All files are joined at once, so that each entry is looked at once however
//! many files there are.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Entry, Node, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::{Span, Spanned};

/// Joins the maps of all files. The order of files is the order of list items.
pub(super) fn merge<'s>(mut maps: Vec<Vec<Entry<'s>>>, problems: &mut Problems) -> Vec<Entry<'s>> {
    if maps.len() < 2 {
        return maps.pop().unwrap_or_default();
    }
    let mut known: HashMap<Cow<'s, str>, usize> = HashMap::new();
    let mut joined: Vec<Joined<'s>> = Vec::new();
    for entry in maps.into_iter().flatten() {
        match known.get(&entry.key.value) {
            Some(at) => joined[*at].add(entry, problems),
            None => {
                known.insert(entry.key.value.clone(), joined.len());
                joined.push(Joined::new(entry));
            }
        }
    }
    let entries = joined.into_iter().map(|joined| joined.finish(problems));
    entries.collect()
}

/// A key and what the files so far say of it.
struct Joined<'s> {
    key: Spanned<Cow<'s, str>>,
    span: Span,
    said: Said<'s>,
}

enum Said<'s> {
    /// A map from each of some files.
    Maps(Vec<Vec<Entry<'s>>>),
    /// The items of lists of maps.
    Items(Vec<Node<'s>>),
    /// Anything else, or nothing yet.
    Other(Value<'s>),
}

impl<'s> Joined<'s> {
    fn new(entry: Entry<'s>) -> Self {
        let said = match entry.value.value {
            Value::Map(entries) => Said::Maps(vec![entries]),
            Value::List(items) if of_maps(&items) => Said::Items(items),
            other => Said::Other(other),
        };
        Self {
            key: entry.key,
            span: entry.value.span,
            said,
        }
    }

    fn add(&mut self, entry: Entry<'s>, problems: &mut Problems) {
        match (&mut self.said, entry.value.value) {
            (Said::Maps(maps), Value::Map(entries)) => maps.push(entries),
            (Said::Items(items), Value::List(more)) if of_maps(&more) => items.extend(more),
            (_, Value::Null | Value::Broken) => {}
            (Said::Other(Value::Null | Value::Broken), value) => {
                let value = Node {
                    value,
                    span: entry.value.span,
                };
                *self = Self::new(Entry {
                    key: entry.key,
                    value,
                });
            }
            (Said::Other(said), value) if same(said, &value) => {}
            _ => {
                let key = &self.key.value;
                problems.push(
                    Diagnostic::new(
                        Code::DocumentConflict,
                        format!("two files give `{key}` different values"),
                    )
                    .at(entry.key.span, "given again here")
                    .at(self.key.span, "first given here")
                    .help(format!("keep `{key}` in one of the files")),
                );
            }
        }
    }

    fn finish(self, problems: &mut Problems) -> Entry<'s> {
        let value = match self.said {
            Said::Maps(maps) => Value::Map(merge(maps, problems)),
            Said::Items(items) => Value::List(items),
            Said::Other(value) => value,
        };
        Entry {
            key: self.key,
            value: Node {
                value,
                span: self.span,
            },
        }
    }
}

fn of_maps(items: &[Node<'_>]) -> bool {
    items
        .iter()
        .all(|item| matches!(item.value, Value::Map(_) | Value::Broken))
}

/// Equal but for places.
fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Scalar(a), Value::Scalar(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.value, &b.value))
        }
        _ => false,
    }
}
