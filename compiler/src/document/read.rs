//! A source as a document, with its comments: what `convert` writes again.
//! Anchors, aliases and merge keys are expanded, as the tree has them.

mod places;
mod words;

pub(crate) use words::Words;

use super::{Comments, Document, Element, Entry, Item, kdl, yaml};
use crate::Limits;
use crate::source::SourceId;
use crate::source::Sources;
use crate::tree::{Node, Root, Value};

/// A whole source. `root` is its tree, which was read without a mistake.
pub(super) fn document(
    sources: &Sources,
    id: SourceId,
    root: &Root<'_>,
    limits: &Limits,
) -> Document {
    let source = sources.get(id);
    let remarks = match source.is_kdl() {
        true => kdl::remarks(source.text()),
        false => yaml::remarks(source.text(), limits),
    };
    let (told, tail) = places::attach(source, &root.node, &remarks);
    let mut reading = Reading {
        words: Words::needed(root),
        told: told.into_iter(),
    };
    let entries = match reading.item(&root.node) {
        Item::Map(entries) => entries,
        _ => Vec::new(),
    };
    Document { entries, tail }
}

/// A value without comments. An unquoted text is what JSON would take it for.
pub(super) fn item(node: &Node<'_>) -> Item {
    let mut reading = Reading {
        words: Words::default(),
        told: Vec::new().into_iter(),
    };
    reading.item(node)
}

struct Reading {
    words: Words,
    /// What is said about entries and items, in the order of the tree.
    told: std::vec::IntoIter<Comments>,
}

impl Reading {
    fn item(&mut self, node: &Node<'_>) -> Item {
        match &node.value {
            Value::Null | Value::Broken => Item::Null,
            Value::Scalar(scalar) => match scalar.text.as_ref() {
                text if scalar.quoted => Item::text(text),
                text => self.words.item(text, node.span),
            },
            Value::List(items) => {
                let element = |node| {
                    let comments = self.told.next().unwrap_or_default();
                    let item = self.item(node);
                    Element { item, comments }
                };
                Item::List(items.iter().map(element).collect())
            }
            Value::Map(entries) => {
                let entry = |entry: &crate::tree::Entry<'_>| {
                    let comments = self.told.next().unwrap_or_default();
                    Entry {
                        key: entry.key.value.to_string(),
                        item: self.item(&entry.value),
                        comments,
                    }
                };
                Item::Map(entries.iter().map(entry).collect())
            }
        }
    }
}
