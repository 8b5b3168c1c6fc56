//! From a name to the endpoints behind it, as the proofs look at them.

use std::collections::{HashMap, HashSet};

use super::members::Pool;
use super::references::Reference;
use crate::registration::{ModelEntry, Registration};

/// Models and pools by what a document calls them.
pub(super) struct Targets<'r> {
    named: HashMap<&'r str, Vec<&'r ModelEntry>>,
    /// By provider name, for `provider,model`.
    providers: HashMap<String, &'r ModelEntry>,
}

impl<'r> Targets<'r> {
    /// For the names of `references` only: few of many pools are named.
    pub(super) fn of(
        registration: &'r Registration,
        pools: &[Pool<'r>],
        references: &[Reference<'_>],
    ) -> Self {
        let wanted = references.iter().map(|one| one.name.value.as_str());
        let wanted: HashSet<&str> = wanted.collect();
        let one_by_one = wanted.iter().any(|name| name.contains(','));
        let mut named = HashMap::new();
        let mut providers = HashMap::new();
        for pool in pools {
            if wanted.contains(pool.id) {
                let order = pool.in_order();
                named.insert(pool.id, order.iter().map(|one| one.entry).collect());
            }
            for endpoint in pool.enabled().filter(|_| one_by_one) {
                providers.insert(endpoint.member.provider.clone(), endpoint.entry);
            }
        }
        for entry in &registration.models {
            let Some(id) = &entry.id else { continue };
            if wanted.contains(id.value.as_str()) {
                // A model answers in the place of a pool of its id.
                named.insert(id.value.as_str(), vec![entry]);
            }
            if one_by_one {
                providers.insert(format!("model__{}", id.value), entry);
            }
        }
        Self { named, providers }
    }

    /// What may serve a name, in the order in which it is tried; none where
    /// that cannot be said.
    pub(super) fn all(&self, name: &str) -> Vec<&'r ModelEntry> {
        if let Some((provider, _)) = name.split_once(',') {
            return self.providers.get(provider).copied().into_iter().collect();
        }
        self.named.get(name).cloned().unwrap_or_default()
    }

    /// What is tried first.
    pub(super) fn first(&self, name: &str) -> Option<&'r ModelEntry> {
        self.all(name).first().copied()
    }
}
