//! Draft → document: which list an endpoint stands in, its id in a pool, and
//! the order of sections and keys.

use std::collections::{HashMap, HashSet};

use super::{Draft, Endpoint, Name};
use crate::document::{Document, Element, Entry, Item, Line};
use crate::plan::Strategy;
use crate::source::obeyed;

/// Keys at the top, in the order they are written.
const SETTINGS: &[&str] = &[
    "HOST",
    "PORT",
    "APIKEY",
    "API_TIMEOUT_MS",
    "LOG_LEVEL",
    "LOG",
    "PROXY_URL",
    "forceUseImageAgent",
];

/// Keys of `metadata`, in the order they are written.
const METADATA: &[&str] = &[
    "label",
    "supports_reasoning",
    "supports_tools",
    "supports_images",
    "context_window_tokens",
    "safe_input_tokens",
    "pool_endpoint_id",
    "pool_priority",
    "pool_enabled",
    "cost_per_1m_input_tokens",
    "cost_per_1m_output_tokens",
    "rate_limit_rpm",
    "rate_limit_tpm",
];

/// The step between the priorities of two tiers, so that one fits between.
const STEP: usize = 10;

fn in_order(pool: &str) -> Item {
    Item::Map(vec![
        Entry::new("id", Item::text(pool)),
        Entry::new("strategy", Item::text(Strategy::Priority.word())),
    ])
}

impl Draft {
    /// The document, its sections in order, `head` above the first.
    pub(crate) fn into_document(self, head: &[Line]) -> Document {
        let mut sections = self.settings_in_order();
        let (models, pools): (Vec<&Name>, Vec<&Name>) =
            self.names.iter().partition(|name| is_model(name));
        if !models.is_empty() {
            let items = models.iter().flat_map(|name| &name.endpoints);
            let items = models
                .iter()
                .zip(items)
                .map(|(name, endpoint)| entry(&name.id, endpoint, Vec::new()))
                .collect();
            sections.push(Entry::new("Models", Item::List(items)));
        }
        if !pools.is_empty() {
            sections.push(Entry::new("Registration", self.registration(&pools)));
        }
        sections.extend(self.router());
        if let Some(first) = sections.first_mut() {
            first.comments.above.splice(0..0, head.iter().cloned());
        }
        Document {
            entries: sections,
            tail: match self.tail.as_slice() {
                [] => Vec::new(),
                said => std::iter::once(Line::Blank)
                    .chain(said.iter().map(|line| Line::from(*line)))
                    .collect(),
            },
        }
    }

    fn settings_in_order(&self) -> Vec<Entry> {
        let place = |key: &str| SETTINGS.iter().position(|known| *known == key);
        let mut settings: Vec<_> = self.settings.iter().collect();
        settings.sort_by_key(|(key, ..)| place(key));
        let entries = settings.into_iter().map(|(key, item, said)| {
            let mut entry = Entry::new(*key, item.clone());
            entry.comments.beside = said.map(beside);
            entry
        });
        entries.collect()
    }

    fn registration(&self, pools: &[&Name]) -> Item {
        let mut entries = vec![Entry::new("enabled", Item::Bool(true))];
        if let Some(strategy) = self.strategy {
            let mut entry = Entry::new("strategy", Item::text(strategy.word()));
            entry.comments.beside = self.strategy_comment.map(beside);
            entries.push(entry);
        }
        // Fallbacks come last.
        let tiered = pools.iter().filter(|pool| pool.next_tier() > 1);
        let own: Vec<Element> = tiered.map(|pool| in_order(&pool.id).into()).collect();
        let is_other = self.strategy.is_some_and(|all| all != Strategy::Priority);
        if is_other && !own.is_empty() {
            entries.push(Entry::new("pools", Item::List(own)));
        }
        let mut ids = Ids::default();
        let items = pools.iter().flat_map(|pool| members(pool, &mut ids));
        entries.push(Entry::new("models", Item::List(items.collect())));
        Item::Map(entries)
    }

    fn router(&self) -> Option<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for (slot, id) in &self.slots {
            entries.push(Entry::new(slot.word(), Item::text(id)));
        }
        if let Some(threshold) = self.long_context_threshold {
            let number = Item::Number(threshold.to_string());
            entries.push(Entry::new("longContextThreshold", number));
        }
        (!entries.is_empty()).then(|| Entry::new("Router", Item::Map(entries)))
    }
}

/// Whether a name is written under `Models`, where nothing is switched off.
fn is_model(name: &Name) -> bool {
    matches!(name.endpoints.as_slice(), [only] if only.off.is_none())
}

/// The endpoints of a pool with what places them in it.
fn members(pool: &Name, ids: &mut Ids) -> Vec<Element> {
    let tiered = pool
        .endpoints
        .windows(2)
        .any(|pair| pair[0].tier != pair[1].tier);
    let mut items = Vec::with_capacity(pool.endpoints.len());
    for (at, endpoint) in pool.endpoints.iter().enumerate() {
        let id = ids.take(pool.endpoint_id(at));
        let mut placed = vec![("pool_endpoint_id", Item::Text(id))];
        if tiered {
            let priority = (endpoint.tier + 1) * STEP;
            placed.push(("pool_priority", Item::Number(priority.to_string())));
        }
        if endpoint.off.is_some() {
            placed.push(("pool_enabled", Item::Bool(false)));
        }
        items.push(entry(&pool.id, endpoint, placed));
    }
    items
}

fn entry(id: &str, endpoint: &Endpoint, placed: Vec<(&'static str, Item)>) -> Element {
    let mut key = Entry::new("key", Item::text(&endpoint.key.text));
    key.comments.beside = endpoint.key.comment.map(beside);
    let mut entries = vec![
        Entry::new("id", Item::text(id)),
        Entry::new("api", Item::text(&endpoint.api)),
        key,
    ];
    if let Some(header) = endpoint.key_header {
        entries.push(Entry::new("key_header", Item::text(header.word())));
    }
    entries.extend([
        Entry::new("interface", Item::text(endpoint.interface.word())),
        Entry::new("model", Item::text(&endpoint.model)),
    ]);
    if let Some(thinking) = &endpoint.thinking {
        entries.push(Entry::new("thinking", thinking.clone()));
    }
    let mut metadata = endpoint.metadata.clone();
    metadata.extend(placed);
    let place = |key: &str| METADATA.iter().position(|known| *known == key);
    metadata.sort_by_key(|(key, _)| place(key));
    metadata.dedup_by_key(|(key, _)| *key);
    if !metadata.is_empty() {
        entries.push(Entry::new("metadata", Item::map(metadata)));
    }
    let off = endpoint.off.iter().map(|why| format!("disabled: {why}"));
    let said = endpoint.comments.iter().cloned().chain(off);
    let mut element = Element::from(Item::Map(entries));
    let above = said.map(|line| Line::from(on_one_line(&line).as_str()));
    element.comments.above = above.collect();
    element
}

/// A comment behind a value.
fn beside(said: &str) -> String {
    format!(" {said}")
}

/// A comment that quotes foreign words, as one line that no terminal obeys.
fn on_one_line(text: &str) -> String {
    let words = text.chars().map(|c| match c.is_control() || obeyed(c) {
        true => ' ',
        false => c,
    });
    words.collect()
}

/// Gives each endpoint id once, appending a number to the others.
#[derive(Default)]
struct Ids {
    taken: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Ids {
    fn take(&mut self, wanted: String) -> String {
        if self.taken.insert(wanted.clone()) {
            return wanted;
        }
        let number = self.next.entry(wanted.clone()).or_insert(2);
        loop {
            let id = format!("{wanted}-{number}");
            *number += 1;
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}
