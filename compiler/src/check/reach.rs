//! From slots to endpoints: pools that no slot names, and names behind which
//! nothing is switched on.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::members::{Endpoint, Pool};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::Slot;
use crate::source::{Span, Spanned};

/// Places that are shown of one mistake.
const SHOWN: usize = 4;

/// `slots` are those that resolve, and `resolved` tells whether all do: one that
/// does not was perhaps meant for the pool that no other names. `certain` is
/// false when something could not be read; then only what is written is judged,
/// and not what seems to be missing.
pub(super) fn check(
    pools: &[Pool<'_>],
    slots: &BTreeMap<Slot, Spanned<String>>,
    resolved: bool,
    certain: bool,
    problems: &mut Problems,
) {
    let named = Named::of(pools, slots);
    for pool in pools {
        let nothing_enabled = pool.enabled().next().is_none();
        let users = named.pools.get(pool.id).map(Vec::as_slice);
        match users.filter(|_| certain && !pool.is_shadowed) {
            Some(slots) if nothing_enabled => problems.push(disabled(
                slots,
                switch(pool.members.first()),
                &format!("pool `{}`, where every endpoint is disabled", pool.id),
            )),
            _ if nothing_enabled => problems.push(nothing(pool)),
            None if certain && resolved && !pool.is_shadowed && !named.inside.contains(pool.id) => {
                problems.push(unreached(pool));
            }
            _ => {}
        }
    }
    if certain {
        for (endpoint, slots) in &named.disabled {
            let target = format!(
                "endpoint `{}`, which is disabled",
                endpoint.member.endpoint_id
            );
            problems.push(disabled(slots, switch(Some(endpoint)), &target));
        }
    }
}

/// A slot and the place of the name it has.
type Use = (Slot, Span);

/// What the slots name.
struct Named<'r> {
    /// Slots by the id they name.
    pools: HashMap<&'r str, Vec<Use>>,
    /// Pools of which a slot names one endpoint.
    inside: HashSet<&'r str>,
    /// Disabled endpoints that slots name one by one.
    disabled: Vec<(Endpoint<'r>, Vec<Use>)>,
}

impl<'r> Named<'r> {
    fn of(pools: &[Pool<'r>], slots: &'r BTreeMap<Slot, Spanned<String>>) -> Self {
        let mut named = Self {
            pools: HashMap::new(),
            inside: HashSet::new(),
            disabled: Vec::new(),
        };
        for (slot, name) in slots {
            let uses = named.pools.entry(&name.value).or_default();
            uses.push((*slot, name.span));
        }
        let mut references: BTreeMap<(&str, &str), Vec<Use>> = BTreeMap::new();
        for (slot, name) in slots {
            if let Some(reference) = name.value.split_once(',') {
                references
                    .entry(reference)
                    .or_default()
                    .push((*slot, name.span));
            }
        }
        if references.is_empty() {
            return named;
        }
        for pool in pools {
            for endpoint in &pool.members {
                let model = endpoint.entry.model.as_ref();
                let provider = endpoint.member.provider.as_str();
                let uses =
                    model.and_then(|model| references.get(&(provider, model.value.as_str())));
                let Some(uses) = uses else { continue };
                named.inside.insert(pool.id);
                if !endpoint.is_enabled() {
                    named.disabled.push((*endpoint, uses.clone()));
                }
            }
        }
        named
    }
}

/// Where an endpoint is switched off.
fn switch(endpoint: Option<&Endpoint<'_>>) -> Option<Span> {
    let enabled = endpoint?.entry.metadata.pool_enabled.as_ref();
    enabled.map(|enabled| enabled.span)
}

fn disabled(slots: &[Use], switch: Option<Span>, target: &str) -> Diagnostic {
    let first = slots.first().map_or("", |(slot, _)| slot.word());
    let mut diagnostic = Diagnostic::new(
        Code::RouterDisabledTarget,
        format!("slot `{first}` names {target}"),
    );
    for (slot, span) in slots.iter().take(SHOWN) {
        diagnostic = diagnostic.at(*span, format!("requests of slot `{slot}` would be refused"));
    }
    if let Some(switch) = switch {
        diagnostic = diagnostic.at(switch, "switched off here");
    }
    diagnostic.help("enable an endpoint, or name another model or pool")
}

fn nothing(pool: &Pool<'_>) -> Diagnostic {
    Diagnostic::new(
        Code::PoolNothingEnabled,
        format!("every endpoint of pool `{}` is disabled", pool.id),
    )
    .at(
        switch(pool.members.first()).unwrap_or(pool.span),
        "switched off here",
    )
    .help("enable one endpoint, or remove the pool")
}

fn unreached(pool: &Pool<'_>) -> Diagnostic {
    Diagnostic::new(
        Code::PoolUnreached,
        format!("no slot names pool `{}`", pool.id),
    )
    .at(
        pool.span,
        "only clients that ask for it by this id reach it",
    )
    .help("name it in a slot of `Router` if other requests should reach it too")
}
