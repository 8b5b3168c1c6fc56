//! A look at foreign maps by key. Types are taken as their writers meant them:
//! other gateways accept `"600000"` for a number, and so does an importer.

use crate::source::Span;
use crate::tree::{Entry, Node, Value};

/// A map of the foreign file.
#[derive(Clone, Copy)]
pub(super) struct Map<'t, 's> {
    pub(super) entries: &'t [Entry<'s>],
    /// A short place that stands for it.
    pub(super) head: Span,
}

impl<'t, 's> Map<'t, 's> {
    /// The node as a map, if it is one.
    pub(super) fn of(node: &'t Node<'s>) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self {
                entries,
                head: node.head(),
            }),
            _ => None,
        }
    }

    /// A key, whatever its value.
    pub(super) fn entry(self, name: &str) -> Option<&'t Entry<'s>> {
        self.entries.iter().find(|entry| entry.key.value == name)
    }

    /// The value of a key, unless it says nothing.
    pub(super) fn get(self, name: &str) -> Option<&'t Node<'s>> {
        let node = &self.entry(name)?.value;
        (!says_nothing(node)).then_some(node)
    }

    /// The text of a key, trimmed and not empty.
    pub(super) fn text(self, name: &str) -> Option<&'t str> {
        text(self.get(name)?)
    }

    /// The map of a key.
    pub(super) fn map(self, name: &str) -> Option<Map<'t, 's>> {
        Map::of(self.get(name)?)
    }

    /// The items of a key's list; none where it is no list.
    pub(super) fn items(self, name: &str) -> &'t [Node<'s>] {
        self.get(name).map_or(&[], items)
    }

    /// Whether one of the keys is there, whatever its value.
    pub(super) fn has_any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.entry(name).is_some())
    }
}

/// The text of a scalar, trimmed; none where nothing is left.
pub(super) fn text<'t>(node: &'t Node<'_>) -> Option<&'t str> {
    match &node.value {
        Value::Scalar(scalar) => Some(scalar.text.trim()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// The items of a list; none where it is none.
pub(super) fn items<'t, 's>(node: &'t Node<'s>) -> &'t [Node<'s>] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// A switch, in quotes or not.
pub(super) fn flag(node: &Node<'_>) -> Option<bool> {
    let word = text(node)?;
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&["true", "yes", "on"]) {
        Some(true)
    } else if is(&["false", "no", "off"]) {
        Some(false)
    } else {
        None
    }
}

/// Whether nothing would be missed: nothing, an empty text, list or map, or
/// something that could not be read and was reported.
pub(super) fn says_nothing(node: &Node<'_>) -> bool {
    match &node.value {
        Value::Null | Value::Broken => true,
        Value::Scalar(scalar) => scalar.text.trim().is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    }
}

/// Every scalar below a node, in no order that matters.
pub(super) fn scalars<'t>(node: &'t Node<'_>, found: &mut dyn FnMut(&'t str)) {
    match &node.value {
        Value::Scalar(scalar) => found(&scalar.text),
        Value::List(items) => items.iter().for_each(|item| scalars(item, found)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| scalars(&entry.value, found)),
        Value::Null | Value::Broken => {}
    }
}
