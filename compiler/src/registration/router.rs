//! `Router`: scenario slots and the threshold of `longContext`.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Fields, Key, Reader, key};
use super::sections::inert;
use crate::plan::Slot;
use crate::source::{Span, Spanned};

const ROUTER: &[Key] = &[
    key("default"),
    key("think"),
    key("longContext"),
    key("longContextThreshold"),
    key("background"),
    key("webSearch"),
    key("image"),
    key("routes"),
    key("decision"),
    key("defaults"),
];

/// `Router` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouterSection {
    /// Slots that name something.
    pub slots: BTreeMap<Slot, Spanned<String>>,
    /// `longContextThreshold`
    pub long_context_threshold: Option<Spanned<i64>>,
    /// A place that stands for the section, if there is one.
    pub head: Option<Span>,
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    known: &mut BTreeSet<&'static str>,
) -> RouterSection {
    let mut router = RouterSection::default();
    let Some(entry) = fields.entry("Router") else {
        return router;
    };
    router.head = Some(entry.key.span);
    let Some(inner) = fields
        .get("Router")
        .and_then(|node| reader.fields(node, ROUTER, "Router"))
    else {
        return router;
    };
    for (word, slot) in Slot::WORDS {
        if let Some(name) = reader.text(&inner, word, "Router") {
            router.slots.insert(*slot, name);
        }
    }
    router.long_context_threshold =
        reader.integer(&inner, "longContextThreshold", "Router", 1..=i64::MAX);
    for (name, path) in [
        ("routes", "Router.routes"),
        ("decision", "Router.decision"),
        ("defaults", "Router.defaults"),
    ] {
        if let Some(entry) = inner.entry(name) {
            inert(reader, entry, path, "its rules are not applied", known);
        }
    }
    router
}
