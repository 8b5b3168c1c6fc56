//! Unquoted words that a key takes for more than a text, such as `yes` and
//! `.5`. Only the key knows, so it is asked: it refuses what it needs unquoted
//! and finds in quotes.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::document::Item;
use crate::document::json::is_number;
use crate::registration;
use crate::source::Span;
use crate::tree::{Node, Root, Value};

/// What unquoted texts are that are no texts, by their places.
#[derive(Debug, Default)]
pub(crate) struct Words(BTreeMap<Span, Item>);

impl Words {
    /// The words of a tree that are needed unquoted, as every syntax can write them.
    pub(crate) fn needed(root: &Root<'_>) -> Self {
        let mut found = BTreeMap::new();
        let mut quoted = root.clone();
        quote(&mut quoted.node, &mut found);
        if !found.is_empty() {
            let before = refused(root);
            let after = refused(&quoted);
            found.retain(|span, _| after.contains(span) && !before.contains(span));
        }
        Self(found)
    }

    /// What an unquoted text at a place is: what its key takes it for, else
    /// what JSON does.
    pub(crate) fn item(&self, text: &str, span: Span) -> Item {
        if let Some(item) = self.0.get(&span) {
            return item.clone();
        }
        match text {
            "true" => Item::Bool(true),
            "false" => Item::Bool(false),
            number if is_number(number) => Item::Number(number.to_owned()),
            text => Item::text(text),
        }
    }
}

/// Puts every word that may mean something else into quotes, and notes what it may mean.
fn quote(node: &mut Node<'_>, found: &mut BTreeMap<Span, Item>) {
    match &mut node.value {
        Value::Scalar(scalar) if !scalar.quoted => {
            if let Some(item) = meaning(&scalar.text) {
                scalar.quoted = true;
                found.insert(node.span, item);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| quote(item, found)),
        Value::Map(entries) => {
            let values = entries.iter_mut().map(|entry| &mut entry.value);
            values.for_each(|value| quote(value, found));
        }
        Value::Scalar(_) | Value::Null | Value::Broken => {}
    }
}

fn meaning(text: &str) -> Option<Item> {
    Some(match text {
        "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Item::Bool(true),
        "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Item::Bool(false),
        _ => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            let number = number.filter(|_| !is_number(text))?.to_string();
            Item::Number(number)
        }
    })
}

/// Where a value has the wrong type.
fn refused(root: &Root<'_>) -> BTreeSet<Span> {
    let mut problems = Problems::default();
    registration::read(root, &mut problems);
    let wrong = problems
        .iter()
        .filter(|found| found.code == Code::DocumentWrongType);
    wrong.filter_map(Diagnostic::span).collect()
}
