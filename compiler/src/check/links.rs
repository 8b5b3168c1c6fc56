//! References: from endpoints to services and from slots to models.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Member;
use crate::diagnostic::{Code, Diagnostic, Problems, did_you_mean, nearest};
use crate::plan::Slot;
use crate::registration::{ModelEntry, Registration};
use crate::source::{Span, Spanned};

/// Services: unique ids, and endpoints that name one which does not exist.
pub(super) fn services(registration: &Registration, complete: bool, problems: &mut Problems) {
    let Some(pools) = &registration.pools else {
        return;
    };
    let mut known: HashMap<&str, Span> = HashMap::new();
    for id in pools
        .services
        .iter()
        .filter_map(|service| service.id.as_ref())
    {
        if let Some(first) = known.get(id.value.as_str()) {
            problems.push(
                Diagnostic::new(
                    Code::PoolDuplicateUpstreamService,
                    format!("two upstream services have the id `{}`", id.value),
                )
                .at(id.span, "given again here")
                .at(*first, "first given here")
                .help("rename or remove one of them"),
            );
        } else {
            known.insert(&id.value, id.span);
        }
    }
    let mut names: Vec<&str> = known.keys().copied().collect();
    names.sort_unstable();
    let links = pools
        .models
        .iter()
        .filter_map(|entry| entry.metadata.upstream_service_id.as_ref());
    for link in links.filter(|link| complete && !known.contains_key(link.value.as_str())) {
        let mut diagnostic = Diagnostic::new(
            Code::PoolUnknownUpstreamService,
            format!("upstream service `{}` does not exist", link.value),
        )
        .at(link.span, "no service has this id")
        .help(did_you_mean(&link.value, &names, "upstream services"));
        if let Some(near) = nearest(&link.value, names.iter().copied()) {
            diagnostic = diagnostic.fix(link.span, near);
        }
        problems.push(diagnostic);
    }
}

/// Slots: each must name a model, a pool or a compiled `provider,model`.
/// Returns those that do.
pub(super) fn slots(
    registration: &Registration,
    pools: &BTreeMap<String, Vec<Member>>,
    complete: bool,
    problems: &mut Problems,
) -> BTreeMap<Slot, Spanned<String>> {
    let known = Known::of(registration, pools);
    // That nothing is declared at all is told once, and not again for every slot.
    let reports = complete && !super::models::is_without_models(registration);
    let mut resolved = BTreeMap::new();
    for (slot, name) in &registration.router.slots {
        if known.has(&name.value) {
            resolved.insert(*slot, name.clone());
        } else if reports && !known.may_be_legacy(&name.value) && !name.value.contains("${") {
            problems.push(unknown(*slot, name, registration, &known));
        }
    }
    let default = registration.router.slots.contains_key(&Slot::Default);
    if reports
        && !default
        && let Some(place) = registration.router.head.or(registration.head)
    {
        problems.push(
            Diagnostic::new(Code::RouterNoDefault, "`Router.default` is not set")
                .at(place, "requests for a model that is not declared are answered with 404")
                .help("add `default` under `Router`; clients such as Claude Code send model names of their own"),
        );
    }
    resolved
}

fn unknown(
    slot: Slot,
    name: &Spanned<String>,
    registration: &Registration,
    known: &Known<'_>,
) -> Diagnostic {
    let text = &name.value;
    let diagnostic = Diagnostic::new(
        Code::RouterUnknownModel,
        format!("slot `{slot}` names `{text}`, which does not exist"),
    )
    .at(name.span, "no model or pool has this id");
    let off = registration
        .pools
        .iter()
        .flat_map(|pools| &pools.models)
        .find_map(|entry| entry.id.as_ref().filter(|id| id.value == *text));
    if let Some(pool) = off {
        return diagnostic
            .at(pool.span, "this pool has it, but pools are not switched on")
            .help("write `enabled: true` under `Registration`");
    }
    let ids: Vec<&str> = known.ids.iter().copied().collect();
    match nearest(text, ids.iter().copied()) {
        Some(near) => diagnostic
            .help(format!("did you mean `{near}`?"))
            .fix(name.span, near),
        None => diagnostic.help(did_you_mean(text, &ids, "models")),
    }
}

struct Known<'r> {
    ids: BTreeSet<&'r str>,
    references: BTreeSet<String>,
    legacy_providers: bool,
}

impl<'r> Known<'r> {
    fn of(registration: &'r Registration, pools: &'r BTreeMap<String, Vec<Member>>) -> Self {
        let models = registration
            .models
            .iter()
            .filter_map(|entry| entry.id.as_ref());
        let ids = models
            .map(|id| id.value.as_str())
            .chain(pools.keys().map(String::as_str))
            .collect();
        // References are rare, so their names are only built when a slot looks like one.
        let mut references = BTreeSet::new();
        if registration
            .router
            .slots
            .values()
            .any(|name| name.value.contains(','))
        {
            let reference = |provider: &str, entry: &ModelEntry| {
                entry
                    .model
                    .as_ref()
                    .map(|model| format!("{provider},{}", model.value))
            };
            for entry in &registration.models {
                let provider = entry.id.as_ref().map(|id| format!("model__{}", id.value));
                references.extend(provider.and_then(|provider| reference(&provider, entry)));
            }
            let entries = registration
                .pools
                .iter()
                .flat_map(|pools| &pools.models)
                .collect::<Vec<_>>();
            for member in pools.values().flatten() {
                references.extend(reference(&member.provider, entries[member.entry]));
            }
        }
        Self {
            ids,
            references,
            legacy_providers: registration.inert.contains("Providers"),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.ids.contains(name) || self.references.contains(name)
    }

    /// A reference into `Providers`, which this version reads by name only.
    fn may_be_legacy(&self, name: &str) -> bool {
        self.legacy_providers && name.contains(',')
    }
}
