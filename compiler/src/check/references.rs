//! References to models: from slots, rules, candidates and governance. Each must
//! name a model, a pool or a compiled `provider,model`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::{Member, pools};
use crate::diagnostic::{Code, Diagnostic, Problems, one_of};
use crate::plan::Slot;
use crate::registration::{ModelEntry, Registration};
use crate::source::{Span, Spanned};
use crate::variable::has_reference;

/// A name of a model, and who names it.
#[derive(Clone, Copy)]
pub(super) struct Reference<'r> {
    pub(super) user: User<'r>,
    pub(super) name: &'r Spanned<String>,
}

impl Reference<'_> {
    /// The slot and its name, if a slot it is.
    pub(super) fn of_slot(&self) -> Option<(Slot, Spanned<String>)> {
        match self.user {
            User::Slot(slot) => Some((slot, self.name.clone())),
            _ => None,
        }
    }
}

/// Who names a model; shown as `slot `think``.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User<'r> {
    Slot(Slot),
    Rule(&'r str),
    Candidate,
    /// A key that takes one model, by its path.
    Key(&'static str),
    CascadeFrom,
    CascadeTo,
}

impl fmt::Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(slot) => write!(f, "slot `{slot}`"),
            Self::Rule(name) => write!(f, "rule `{name}`"),
            Self::Candidate => f.write_str("a candidate"),
            Self::Key(path) => write!(f, "`{path}`"),
            Self::CascadeFrom => f.write_str("a cascade's `from`"),
            Self::CascadeTo => f.write_str("a cascade's `to`"),
        }
    }
}

impl User<'_> {
    /// What happens to whom when the target does not answer.
    pub(super) fn requests(&self) -> String {
        match self {
            Self::Slot(slot) => format!("requests of slot `{slot}` would be refused"),
            Self::Rule(name) => format!("requests of rule `{name}` would be refused"),
            Self::Candidate => "requests it is chosen for would be refused".to_owned(),
            Self::Key(_) | Self::CascadeFrom | Self::CascadeTo => {
                "calls to it would be refused".to_owned()
            }
        }
    }
}

/// Every reference that counts, slots first. What is switched off names nothing.
pub(super) fn all(registration: &Registration) -> Vec<Reference<'_>> {
    let mut found = Found(Vec::new());
    for (slot, name) in &registration.router.slots {
        found.push(User::Slot(*slot), Some(name));
    }
    let smart = registration.smart_router();
    let smart = smart.filter(|smart| smart.enabled.is_on());
    if let Some(smart) = &smart {
        for rule in smart.rules {
            let name = rule.name.as_ref().map_or("", |name| name.value.as_str());
            found.push(User::Rule(name), rule.model.as_ref());
        }
        if let Some((path, name)) = smart.router_model() {
            found.push(User::Key(path), Some(name));
        }
        for candidate in smart.candidates() {
            found.push(User::Candidate, candidate.model.as_ref());
        }
        if let Some((path, name)) = smart.classifier_model() {
            found.push(User::Key(path), Some(name));
        }
        if let Some((path, name)) = smart.summarizer_model() {
            found.push(User::Key(path), Some(name));
        }
    }
    let governance = registration.governance.as_ref();
    if let Some(governance) = governance.filter(|governance| governance.is_on()) {
        for level in governance
            .cascade_on()
            .iter()
            .flat_map(|cascade| &cascade.levels)
        {
            found.push(User::CascadeFrom, level.from.as_ref());
            found.push(User::CascadeTo, level.to.as_ref());
        }
        if let Some(shadow) = governance.shadow_on() {
            let path = "Governance.shadow.verifier_model";
            found.push(User::Key(path), shadow.verifier_model.as_ref());
        }
    }
    found.0
}

struct Found<'r>(Vec<Reference<'r>>);

impl<'r> Found<'r> {
    fn push(&mut self, user: User<'r>, name: Option<&'r Spanned<String>>) {
        self.0.extend(name.map(|name| Reference { user, name }));
    }
}

/// Returns the references that resolve, in the same order, and reports the others.
pub(super) fn check<'r>(
    registration: &'r Registration,
    pools: &BTreeMap<String, Vec<Member>>,
    complete: bool,
    problems: &mut Problems,
) -> Vec<Reference<'r>> {
    let references = all(registration);
    let known = Known::of(registration, pools, &references);
    // That nothing is declared at all is told once, and not again for every slot.
    let reports = complete && !super::models::is_without_models(registration);
    let mut resolved = Vec::new();
    let mut meant = None;
    for reference in references {
        if known.has(&reference.name.value) {
            resolved.push(reference);
        } else if reports && !has_reference(&reference.name.value) {
            let meant = meant.get_or_insert_with(|| Meant::of(registration, &known));
            if !meant.may_be_pooled(&reference.name.value) {
                let diagnostic = unknown(&reference, meant, problems);
                problems.push(diagnostic);
            }
        }
    }
    let default = registration.router.slots.contains_key(&Slot::Default);
    if reports
        && !default
        && !registration.may_forward()
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

fn unknown(reference: &Reference<'_>, meant: &Meant<'_>, problems: &mut Problems) -> Diagnostic {
    let (user, name) = (reference.user, reference.name);
    let text = &name.value;
    let diagnostic = Diagnostic::new(
        Code::RouterUnknownModel,
        format!("{user} names `{text}`, which does not exist"),
    )
    .at(name.span, "no model or pool has this id");
    if let Some(pool) = meant.pools.get(text.as_str()) {
        return diagnostic
            .at(*pool, "this pool has it, but pools are not switched on")
            .help("write `enabled: true` under `Registration`");
    }
    if let Some(place) = meant.providers.get(text.as_str()) {
        return diagnostic
            .at(
                *place,
                "this provider has it, but `Providers` counts only without `Models`",
            )
            .help("declare it under `Models`, and name its id here");
    }
    match problems.guess(text, &meant.ids) {
        Some(near) => diagnostic
            .help(format!("did you mean `{near}`?"))
            .fix(name.span, near),
        None => diagnostic.help(one_of(&meant.ids, "models")),
    }
}

/// What a name that does not exist may have been meant for.
struct Meant<'r> {
    /// Ids and references that exist.
    ids: Vec<&'r str>,
    /// Pools that are not switched on.
    pools: HashMap<&'r str, Span>,
    /// Whether they may be on, since what is written there could not be read.
    pools_may_be_on: bool,
    /// References of providers that do not count.
    providers: HashMap<String, Span>,
}

impl<'r> Meant<'r> {
    fn of(registration: &'r Registration, known: &'r Known<'_>) -> Self {
        let references = known.references.iter().map(String::as_str);
        let mut meant = Self {
            ids: known.ids.iter().copied().chain(references).collect(),
            pools: HashMap::new(),
            pools_may_be_on: registration.gaps.has(pools::SWITCH),
            providers: HashMap::new(),
        };
        let pooled = registration.pools.iter().flat_map(|pools| &pools.models);
        for id in pooled.filter_map(|entry| entry.id.as_ref()) {
            meant.pools.entry(&id.value).or_insert(id.span);
        }
        for provider in registration.ignored_providers() {
            for (reference, span) in provider.references() {
                meant.providers.entry(reference).or_insert(span);
            }
        }
        meant
    }

    /// Whether a pool or an endpoint of one may have a name.
    fn may_be_pooled(&self, name: &str) -> bool {
        self.pools_may_be_on && (self.pools.contains_key(name) || name.starts_with(pools::PREFIX))
    }
}

struct Known<'r> {
    ids: BTreeSet<&'r str>,
    references: BTreeSet<String>,
}

impl<'r> Known<'r> {
    fn of(
        registration: &'r Registration,
        pools: &'r BTreeMap<String, Vec<Member>>,
        wanted: &[Reference<'_>],
    ) -> Self {
        let models = registration
            .models
            .iter()
            .filter_map(|entry| entry.id.as_ref());
        let ids = models
            .map(|id| id.value.as_str())
            .chain(pools.keys().map(String::as_str))
            .collect();
        // References are rare, so their names are only built when one is looked for.
        let mut references = BTreeSet::new();
        if wanted.iter().any(|wanted| wanted.name.value.contains(',')) {
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
            for provider in registration.used_providers() {
                references.extend(provider.references().map(|(reference, _)| reference));
            }
        }
        Self { ids, references }
    }

    fn has(&self, name: &str) -> bool {
        self.ids.contains(name) || self.references.contains(name)
    }
}
