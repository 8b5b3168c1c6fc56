//! Pools: the names of their endpoints, and pools that a model hides.
//!
//! Endpoint id: `pool_endpoint_id`, else `<id>@<upstream_service_id>`, else
//! `<id>@registration-<n>` with the 1-based position in `Registration.models`;
//! unique over all pools by appending `-2`, `-3`, …. Provider name:
//! `registration__` and the endpoint id with every run outside
//! `[A-Za-z0-9_-]` replaced by `_`, unique by appending `_2`, `_3`, ….

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Member, references};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::{ModelEntry, Pools, Registration};
use crate::source::Span;

/// Begins every provider name.
pub(super) const PREFIX: &str = "registration__";

/// The path of what switches pools on.
pub(super) const SWITCH: &str = "Registration.enabled";

pub(super) fn check(
    registration: &Registration,
    problems: &mut Problems,
) -> BTreeMap<String, Vec<Member>> {
    let Some(pools) = &registration.pools else {
        return BTreeMap::new();
    };
    if !pools.enabled.as_ref().is_some_and(|enabled| enabled.value) {
        let is_told = registration.gaps.has(SWITCH) || is_named(registration, pools);
        if !pools.models.is_empty() && !is_told {
            problems.push(disabled(pools));
        }
        return BTreeMap::new();
    }
    let members = members(pools, problems);
    shadowed(registration, pools, &members, problems);
    members
}

/// Names every member, and puts those of one id together.
fn members(pools: &Pools, problems: &mut Problems) -> BTreeMap<String, Vec<Member>> {
    let count = pools.models.len();
    let mut ids = Unique::new("-", count);
    let mut providers = Unique::new("_", count);
    let mut written: HashMap<&str, Span> = HashMap::with_capacity(count);
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut members: Vec<(String, Vec<Member>)> = Vec::new();
    for (at, entry) in pools.models.iter().enumerate() {
        let Some(id) = &entry.id else { continue };
        let (wanted, because) = endpoint_id(entry, &id.value);
        let endpoint_id = ids.take(wanted);
        if let Some(explicit) = &entry.metadata.pool_endpoint_id {
            if endpoint_id != explicit.value {
                let first = written.get(explicit.value.as_str()).copied();
                problems.push(renamed(explicit.span, first, &explicit.value, &endpoint_id));
            }
            written.entry(&explicit.value).or_insert(explicit.span);
        }
        let provider = providers.take(provider_name(&endpoint_id));
        let member = Member {
            entry: at,
            endpoint_id,
            provider,
            id_because: because,
        };
        match known.get(id.value.as_str()) {
            Some(pool) => members[*pool].1.push(member),
            None => {
                known.insert(&id.value, members.len());
                members.push((id.value.clone(), vec![member]));
            }
        }
    }
    members.into_iter().collect()
}

fn endpoint_id(entry: &ModelEntry, id: &str) -> (String, Option<&'static str>) {
    if let Some(explicit) = &entry.metadata.pool_endpoint_id {
        return (explicit.value.clone(), None);
    }
    match &entry.metadata.upstream_service_id {
        Some(service) => (
            format!("{id}@{}", service.value),
            Some("from `upstream_service_id`"),
        ),
        None => (
            format!("{id}@registration-{}", entry.index + 1),
            Some("from its position"),
        ),
    }
}

pub(crate) fn provider_name(endpoint_id: &str) -> String {
    let mut name = String::with_capacity(PREFIX.len() + endpoint_id.len());
    name.push_str(PREFIX);
    let mut in_run = false;
    for c in endpoint_id
        .trim_matches(|c| c == '_' || !is_plain(c))
        .chars()
    {
        if is_plain(c) {
            name.push(c);
        } else if !in_run {
            name.push('_');
        }
        in_run = !is_plain(c);
    }
    if name.len() == PREFIX.len() {
        name.push_str("endpoint");
    }
    name
}

/// Whether a reference may hold a character.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Gives each name once, appending a number to the others.
struct Unique {
    separator: &'static str,
    taken: HashMap<String, u32>,
}

impl Unique {
    /// With room for `count` names.
    fn new(separator: &'static str, count: usize) -> Self {
        Self {
            separator,
            taken: HashMap::with_capacity(count),
        }
    }

    fn take(&mut self, wanted: String) -> String {
        let Some(&(mut number)) = self.taken.get(&wanted) else {
            self.taken.insert(wanted.clone(), 2);
            return wanted;
        };
        let name = loop {
            let name = format!("{wanted}{}{number}", self.separator);
            number += 1;
            if !self.taken.contains_key(&name) {
                break name;
            }
        };
        self.taken.insert(wanted, number);
        self.taken.insert(name.clone(), 2);
        name
    }
}

/// Whether something names a pool, and so is told that it does not exist.
fn is_named(registration: &Registration, pools: &Pools) -> bool {
    let ids = pools.models.iter().filter_map(|entry| entry.id.as_ref());
    let ids: HashSet<&str> = ids.map(|id| id.value.as_str()).collect();
    let mut named = references::all(registration).into_iter();
    named.any(|reference| ids.contains(reference.name.value.as_str()))
}

fn disabled(pools: &Pools) -> Diagnostic {
    let place = pools
        .enabled
        .as_ref()
        .map_or(pools.head, |enabled| enabled.span);
    Diagnostic::new(
        Code::PoolDisabledRegistration,
        "pools are declared and not switched on",
    )
    .at(place, "`enabled` is false here, which is also the default")
    .help("write `enabled: true` under `Registration`")
}

fn renamed(again: Span, first: Option<Span>, wanted: &str, given: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::PoolEndpointRenamed,
        format!("two endpoints claim the id `{wanted}`"),
    )
    .at(again, format!("this one is called `{given}`"));
    let diagnostic = match first {
        Some(first) => diagnostic.at(first, "first claimed here"),
        None => diagnostic,
    };
    diagnostic.help("give each endpoint an id of its own; state and references are kept by it")
}

/// Pools that a model hides.
fn shadowed(
    registration: &Registration,
    pools: &Pools,
    members: &BTreeMap<String, Vec<Member>>,
    problems: &mut Problems,
) {
    let mut firsts: HashMap<&str, Span> = HashMap::new();
    for model in registration
        .models
        .iter()
        .filter_map(|model| model.id.as_ref())
    {
        firsts.entry(&model.value).or_insert(model.span);
    }
    for (id, members) in members {
        let first = members.first().map(|member| &pools.models[member.entry]);
        let Some(first) = first.and_then(|entry| entry.id.as_ref()) else {
            continue;
        };
        let Some(model) = firsts.get(id.as_str()) else {
            continue;
        };
        problems.push(
            Diagnostic::new(
                Code::PoolShadowedByModel,
                format!("pool `{id}` is hidden by a model of the same id"),
            )
            .at(first.span, "the pool, which no request by this id reaches")
            .at(*model, "the model, which answers instead")
            .help("rename one of them, or remove the model to let the pool serve"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_names_keep_what_a_reference_can_hold() {
        for (id, wanted) in [
            ("team-a", "registration__team-a"),
            ("team@dc-a", "registration__team_dc-a"),
            ("a_@ /b", "registration__a__b"),
            ("@a@", "registration__a"),
            ("__-a_@_", "registration__-a"),
            ("_", "registration__endpoint"),
            ("日本", "registration__endpoint"),
        ] {
            assert_eq!(provider_name(id), wanted);
        }
    }

    #[test]
    fn names_are_given_once() {
        let mut ids = Unique::new("-", 0);
        let taken: Vec<String> = ["a", "a", "a-2", "a", "a-2"]
            .iter()
            .map(|id| ids.take((*id).to_owned()))
            .collect();
        assert_eq!(taken, ["a", "a-2", "a-2-2", "a-3", "a-2-3"]);
    }
}
