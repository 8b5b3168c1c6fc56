//! From slots to endpoints: pools that nothing names, and names behind which
//! nothing is switched on.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::members::{Endpoint, Pool};
use super::references::Reference;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Span;

/// Places that are shown of one mistake.
const SHOWN: usize = 4;

/// `references` are those that resolve, and `resolved` tells whether all do: one that
/// does not was perhaps meant for the pool that nothing else names. `certain` is
/// false when something could not be read; then only what is written is judged,
/// and not what seems to be missing.
pub(super) fn check(
    pools: &[Pool<'_>],
    references: &[Reference<'_>],
    resolved: bool,
    certain: bool,
    problems: &mut Problems,
) {
    let named = Named::of(pools, references);
    for pool in pools {
        let nothing_enabled = pool.enabled().next().is_none();
        let users = named.pools.get(pool.id).map(Vec::as_slice);
        match users.filter(|_| certain && !pool.is_shadowed) {
            Some(uses) if nothing_enabled => problems.push(disabled(
                uses,
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
        for (endpoint, uses) in &named.disabled {
            let target = format!(
                "endpoint `{}`, which is disabled",
                endpoint.member.endpoint_id
            );
            problems.push(disabled(uses, switch(Some(endpoint)), &target));
        }
    }
}

/// What names.
struct Named<'r> {
    /// References by the id they name.
    pools: HashMap<&'r str, Vec<Reference<'r>>>,
    /// Pools of which one endpoint is named.
    inside: HashSet<&'r str>,
    /// Disabled endpoints that are named one by one.
    disabled: Vec<(Endpoint<'r>, Vec<Reference<'r>>)>,
}

impl<'r> Named<'r> {
    fn of(pools: &[Pool<'r>], all: &[Reference<'r>]) -> Self {
        let mut named = Self {
            pools: HashMap::new(),
            inside: HashSet::new(),
            disabled: Vec::new(),
        };
        for reference in all {
            let uses = named.pools.entry(&reference.name.value).or_default();
            uses.push(*reference);
        }
        let mut references: BTreeMap<(&str, &str), Vec<Reference<'r>>> = BTreeMap::new();
        for reference in all {
            if let Some(parts) = reference.name.value.split_once(',') {
                references.entry(parts).or_default().push(*reference);
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

fn disabled(uses: &[Reference<'_>], switch: Option<Span>, target: &str) -> Diagnostic {
    let first = uses.first().map(|reference| reference.user.to_string());
    let mut diagnostic = Diagnostic::new(
        Code::RouterDisabledTarget,
        format!("{} names {target}", first.unwrap_or_default()),
    );
    for reference in uses.iter().take(SHOWN) {
        diagnostic = diagnostic.at(reference.name.span, reference.user.requests());
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
        format!("nothing names pool `{}`", pool.id),
    )
    .at(
        pool.span,
        "only clients that ask for it by this id reach it",
    )
    .help("name it in a slot or a rule if other requests should reach it too")
}
