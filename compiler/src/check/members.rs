//! Pools as the proofs look at them: entries beside the names that were given.

use std::collections::{BTreeMap, HashSet};

use super::Member;
use crate::plan::{Interface, Strategy};
use crate::registration::{ModelEntry, Registration, inferred_interface};
use crate::source::Span;

/// A pool that is switched on.
pub(super) struct Pool<'r> {
    pub(super) id: &'r str,
    /// Where its id is first written.
    pub(super) span: Span,
    /// All members, in document order.
    pub(super) members: Vec<Endpoint<'r>>,
    /// Whether a model of the same id answers in its place.
    pub(super) is_shadowed: bool,
    pub(super) strategy: Strategy,
}

/// A member and what was written of it.
#[derive(Clone, Copy)]
pub(super) struct Endpoint<'r> {
    pub(super) entry: &'r ModelEntry,
    pub(super) member: &'r Member,
}

/// Every pool, by id.
pub(super) fn pools<'r>(
    registration: &'r Registration,
    members: &'r BTreeMap<String, Vec<Member>>,
    entries: &BTreeMap<String, usize>,
) -> Vec<Pool<'r>> {
    let Some(section) = &registration.pools else {
        return Vec::new();
    };
    let models = registration.models.iter();
    let models: HashSet<&str> = models
        .filter_map(|entry| entry.id.as_ref())
        .map(|id| id.value.as_str())
        .collect();
    let strategy = |id: &str| {
        let own = entries.get(id).map(|at| &section.pools[*at].settings);
        let own = own.and_then(|settings| settings.strategy.as_ref());
        let strategy = own.or(section.settings.strategy.as_ref());
        strategy.map_or(Strategy::Priority, |strategy| strategy.value)
    };
    let pool = |(id, members): (&'r String, &'r Vec<Member>)| {
        let members: Vec<Endpoint<'r>> = members
            .iter()
            .map(|member| Endpoint {
                entry: &section.models[member.entry],
                member,
            })
            .collect();
        let span = members.first().map(Endpoint::span)?;
        Some(Pool {
            id,
            span,
            members,
            is_shadowed: models.contains(id.as_str()),
            strategy: strategy(id),
        })
    };
    members.iter().filter_map(pool).collect()
}

impl<'r> Pool<'r> {
    /// Members that may serve, in document order.
    pub(super) fn enabled(&self) -> impl Iterator<Item = Endpoint<'r>> + Clone {
        let members = self.members.iter().copied();
        members.filter(Endpoint::is_enabled)
    }

    /// Members that may serve, in the order in which requests try them.
    pub(super) fn in_order(&self) -> Vec<Endpoint<'r>> {
        let mut order: Vec<Endpoint<'r>> = self.enabled().collect();
        order.sort_by(|a, b| a.order().cmp(&b.order()));
        order
    }
}

impl Endpoint<'_> {
    /// Where its id is written.
    pub(super) fn span(&self) -> Span {
        let id = self.entry.id.as_ref();
        id.map_or(self.entry.head, |id| id.span)
    }

    pub(super) fn is_enabled(&self) -> bool {
        let enabled = self.entry.metadata.pool_enabled.as_ref();
        enabled.is_none_or(|enabled| enabled.value)
    }

    /// What lowering will make of it; none where the entry has gaps.
    pub(super) fn interface(&self) -> Option<Interface> {
        if let Some(interface) = &self.entry.interface {
            return Some(interface.value);
        }
        let (api, model) = (self.entry.api.as_ref()?, self.entry.model.as_ref()?);
        Some(inferred_interface(&api.value, &model.value))
    }

    /// The order in which requests try it, smallest first.
    pub(super) fn order(&self) -> (i64, &str) {
        let position = i64::try_from(self.entry.index + 1).unwrap_or(i64::MAX);
        let priority = self.entry.metadata.pool_priority.as_ref();
        let priority = priority.map_or(position, |priority| priority.value);
        (priority, &self.member.endpoint_id)
    }
}
