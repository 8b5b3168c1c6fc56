//! `Registration.pools`: each entry is about a pool that exists, and no two are
//! about the same.

use std::collections::BTreeMap;

use super::Member;
use crate::diagnostic::{Code, Diagnostic, Problems, did_you_mean, nearest};
use crate::registration::Registration;
use crate::source::Spanned;

/// Which entry is about a pool, by the pool's id; of two, the first. `pools` are
/// those that are switched on.
pub(super) fn check(
    registration: &Registration,
    pools: &BTreeMap<String, Vec<Member>>,
    complete: bool,
    problems: &mut Problems,
) -> BTreeMap<String, usize> {
    let mut entries: BTreeMap<String, usize> = BTreeMap::new();
    let Some(section) = registration.pools.as_ref().filter(|_| !pools.is_empty()) else {
        return entries;
    };
    for (at, entry) in section.pools.iter().enumerate() {
        let Some(id) = &entry.id else { continue };
        if !pools.contains_key(&id.value) {
            if complete {
                problems.push(unknown(id, registration, pools));
            }
            continue;
        }
        let first = *entries.entry(id.value.clone()).or_insert(at);
        let first = section.pools[first].id.as_ref();
        if let Some(first) = first.filter(|first| first.span != id.span) {
            problems.push(twice(id, first));
        }
    }
    entries
}

fn unknown(
    id: &Spanned<String>,
    registration: &Registration,
    pools: &BTreeMap<String, Vec<Member>>,
) -> Diagnostic {
    let name = &id.value;
    let diagnostic = Diagnostic::new(
        Code::PoolUnknownPool,
        format!("settings are given for `{name}`, which is no pool"),
    );
    let mut models = registration.models.iter();
    let is_it = |known: &Spanned<String>| known.value == *name;
    if models.any(|model| model.id.as_ref().is_some_and(is_it)) {
        return diagnostic
            .at(id.span, "a model has this id, and one endpoint only")
            .help("move the model to `Registration.models`, or remove this entry");
    }
    let known: Vec<&str> = pools.keys().map(String::as_str).collect();
    let diagnostic = diagnostic
        .at(id.span, "no entry of `Registration.models` has this id")
        .help(did_you_mean(name, &known, "pools"));
    match nearest(name, known) {
        Some(near) => diagnostic.fix(id.span, near),
        None => diagnostic,
    }
}

fn twice(again: &Spanned<String>, first: &Spanned<String>) -> Diagnostic {
    Diagnostic::new(
        Code::PoolDuplicateSettings,
        format!("settings of pool `{}` are given twice", again.value),
    )
    .at(again.span, "given again here")
    .at(first.span, "first given here")
    .help("put them into one entry")
}
