//! A registration as an importer builds it: names that clients ask for, each
//! with its endpoints, and what stands around them. A name with one endpoint
//! that may serve becomes a model, every other one a pool; that is decided once,
//! when the draft becomes a document.

mod document;

use std::collections::{HashMap, HashSet};

use super::secret::Key;
use crate::document::Item;
use crate::plan::{Interface, KeyHeader, Slot, Strategy};
use crate::source::Span;

/// What is going to be written.
#[derive(Default)]
pub(super) struct Draft {
    /// Keys at the top, such as `PORT`, with a comment beside.
    pub(super) settings: Vec<(&'static str, Item, Option<&'static str>)>,
    /// How pools are ordered; nothing is written where it makes no difference.
    pub(super) strategy: Option<Strategy>,
    /// What is said about the strategy.
    pub(super) strategy_comment: Option<&'static str>,
    /// Slots in the order they are written.
    pub(super) slots: Vec<(Slot, String)>,
    /// `Router.longContextThreshold`
    pub(super) long_context_threshold: Option<i64>,
    /// Comment lines at the end.
    pub(super) tail: Vec<&'static str>,
    names: Vec<Name>,
    known: HashMap<String, usize>,
}

/// A name that clients ask for.
pub(super) struct Name {
    /// The name.
    pub(super) id: String,
    /// Where it was first given.
    pub(super) span: Span,
    /// Its endpoints, in order.
    pub(super) endpoints: Vec<Endpoint>,
}

/// An endpoint of a name.
#[derive(Clone)]
pub(super) struct Endpoint {
    /// The id it should have in a pool.
    pub(super) id: Option<String>,
    /// `api`
    pub(super) api: String,
    /// `key`
    pub(super) key: Key,
    /// `key_header`
    pub(super) key_header: Option<KeyHeader>,
    /// `interface`
    pub(super) interface: Interface,
    /// `model`
    pub(super) model: String,
    /// `thinking`
    pub(super) thinking: Option<Item>,
    /// Keys of `metadata`, apart from those that place it in a pool.
    pub(super) metadata: Vec<(&'static str, Item)>,
    /// Why it may not serve.
    pub(super) off: Option<String>,
    /// Smaller is tried first; endpoints of one tier are equal.
    pub(super) tier: usize,
    /// Comment lines above.
    pub(super) comments: Vec<String>,
    /// Whether the foreign file lists it under this name, and not as a fallback or under an alias.
    pub(super) is_own: bool,
}

impl Name {
    /// Whether any endpoint may serve.
    pub(super) fn is_live(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.off.is_none())
    }

    /// The endpoints that the foreign file lists under this name.
    pub(super) fn own(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(|endpoint| endpoint.is_own)
    }

    /// The id of the endpoint at a position in a pool of this name.
    pub(super) fn endpoint_id(&self, at: usize) -> String {
        match self.endpoints.get(at).and_then(|one| one.id.as_ref()) {
            Some(id) => id.clone(),
            None if at == 0 && self.own().count() < 2 => self.id.clone(),
            None => format!("{}-{}", self.id, at + 1),
        }
    }

    /// Whether endpoints that the foreign file lists under this name are equal.
    pub(super) fn spreads(&self) -> bool {
        let mut tiers = HashSet::new();
        !self.own().all(|endpoint| tiers.insert(endpoint.tier))
    }

    /// The first tier after all of its endpoints.
    pub(super) fn next_tier(&self) -> usize {
        let tiers = self.endpoints.iter().map(|endpoint| endpoint.tier + 1);
        tiers.max().unwrap_or(0)
    }
}

impl Draft {
    /// Adds an endpoint under a name.
    pub(super) fn add(&mut self, id: &str, span: Span, endpoint: Endpoint) {
        let next = self.names.len();
        let at = *self.known.entry(id.to_owned()).or_insert(next);
        if at == next {
            self.names.push(Name {
                id: id.to_owned(),
                span,
                endpoints: Vec::new(),
            });
        }
        self.names[at].endpoints.push(endpoint);
    }

    /// A name.
    pub(super) fn name(&self, id: &str) -> Option<&Name> {
        self.known.get(id).map(|at| &self.names[*at])
    }

    /// A name, to add endpoints to.
    pub(super) fn name_mut(&mut self, id: &str) -> Option<&mut Name> {
        self.known.get(id).map(|at| &mut self.names[*at])
    }

    /// All names, in order.
    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }

    /// All ids, for suggestions.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.names.iter().map(|name| name.id.as_str()).collect()
    }

    /// Sets a key at the top.
    pub(super) fn set(&mut self, key: &'static str, item: Item) {
        self.settings.push((key, item, None));
    }
}
