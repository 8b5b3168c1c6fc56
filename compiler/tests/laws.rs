//! Laws that hold for every document: what does not matter does not change a
//! plan, what matters changes its hash and its diff, and nothing panics.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests fail by panicking; the shared support reads fixtures"
)]

mod documents;
#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use ctr_compiler::diff::diff;
use ctr_compiler::plan::{Interface, Plan, Target};
use ctr_compiler::route::{PoolSnapshot, RequestFeatures, active_endpoint, route};
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile, render};
use documents::{Style, any_document, good_document, written};
use proptest::prelude::*;
use serde_json::Value;

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Compiles and renders, and holds the result to what every result must keep.
fn sound(bytes: impl Into<Vec<u8>>) -> Compiled {
    let sources = Sources::single("r.yaml", bytes);
    let compiled = compile(&sources);
    assert_eq!(compiled.plan.is_none(), compiled.problems.has_errors());
    support::assert_inside(&compiled.problems, &sources);
    let shown = support::problems(&compiled.problems, &sources);
    assert_eq!(shown.is_empty(), compiled.problems.is_empty());
    render::problems::json(compiled.problems.iter(), &sources);
    render::preview::text(&compiled, &sources);
    compiled
}

fn plan(text: &str) -> Plan {
    let sources = Sources::single("r.yaml", text);
    let compiled = compile(&sources);
    compiled.plan.unwrap_or_else(|| {
        panic!(
            "{text}\n{}",
            support::problems(&compiled.problems, &sources)
        )
    })
}

fn json(document: &Value) -> String {
    document.to_string()
}

/// The plan of a set of files, and what is told of it, in no order.
fn found(files: &[Value]) -> (Option<Plan>, Vec<&'static str>) {
    let mut sources = Sources::new();
    for (at, file) in files.iter().enumerate() {
        sources.add(format!("{at}.json"), json(file));
    }
    let compiled = compile(&sources);
    support::assert_inside(&compiled.problems, &sources);
    let codes = compiled.problems.iter().map(|found| found.code.as_str());
    let mut codes: Vec<&str> = codes.collect();
    codes.sort_unstable();
    (compiled.plan, codes)
}

proptest! {
    #![proptest_config(settings(192))]

    #[test]
    fn every_document_is_answered(document in any_document()) {
        sound(json(&document));
        sound(serde_yaml::to_string(&document).unwrap());
    }

    #[test]
    fn good_documents_have_plans_that_survive_json(document in good_document()) {
        let plan = plan(&json(&document));
        let canonical = plan.to_canonical_json();
        let read = Plan::from_json(&canonical).unwrap();
        prop_assert_eq!(&read, &plan);
        prop_assert_eq!(read.hash(), plan.hash());
        prop_assert!(Plan::is_plan(&canonical));
        // The maps of `Value` are sorted, so other bytes would mean another order.
        let sorted: Value = serde_json::from_str(&canonical).unwrap();
        prop_assert_eq!(sorted.to_string(), canonical);
        let spaced = serde_json::to_string_pretty(&sorted).unwrap();
        prop_assert_eq!(Plan::from_json(&spaced).unwrap().hash(), plan.hash());
    }

    #[test]
    fn order_comments_and_style_change_nothing(
        document in good_document(),
        style in any::<Style>(),
    ) {
        let wanted = plan(&json(&document));
        let text = written(&document, &style);
        let found = plan(&text);
        prop_assert_eq!(found.hash(), wanted.hash(), "{}", text);
        let yaml = serde_yaml::to_string(&document).unwrap();
        prop_assert_eq!(plan(&yaml).hash(), wanted.hash(), "{}", yaml);
        let pretty = serde_json::to_string_pretty(&document).unwrap();
        prop_assert_eq!(plan(&pretty).hash(), wanted.hash());
    }

    #[test]
    fn order_and_style_change_no_problems(document in any_document(), style in any::<Style>()) {
        let codes = |text: String| {
            let mut codes: Vec<&str> =
                sound(text).problems.iter().map(|found| found.code.as_str()).collect();
            codes.sort_unstable();
            codes
        };
        prop_assert_eq!(codes(json(&document)), codes(written(&document, &style)));
    }

    #[test]
    fn files_of_a_set_say_what_one_file_says(document in good_document()) {
        let whole = plan(&json(&document));
        let mut sources = Sources::new();
        for (key, value) in document.as_object().unwrap() {
            let mut part = serde_json::Map::new();
            part.insert(key.clone(), value.clone());
            sources.add(format!("{key}.json"), Value::Object(part).to_string());
        }
        prop_assert_eq!(compile(&sources).plan.unwrap().hash(), whole.hash());
    }

    #[test]
    fn the_order_of_entries_and_of_files_changes_nothing(
        document in good_document().prop_map(|document| documents::named(&document)),
        order in prop::collection::vec(any::<u32>(), 32),
    ) {
        let (wanted, problems) = found(std::slice::from_ref(&document));
        let wanted = wanted.expect("the document is good");
        let mut files = documents::parts(&document);
        prop_assert_eq!(found(&files), (Some(wanted.clone()), problems.clone()));
        let mut by = order.iter().cycle();
        files.sort_by_cached_key(|_| by.next());
        prop_assert_eq!(found(&files), (Some(wanted.clone()), problems.clone()), "{:?}", files);
        let mut shuffled = document;
        for list in ["/Models", "/Registration/models", "/Registration/upstream_services"] {
            if let Some(items) = shuffled.pointer_mut(list).and_then(Value::as_array_mut) {
                items.sort_by_cached_key(|_| by.next());
            }
        }
        prop_assert_eq!(found(std::slice::from_ref(&shuffled)), (Some(wanted), problems), "{}", shuffled);
    }

    #[test]
    fn a_diff_is_empty_exactly_when_hashes_agree(
        one in good_document(),
        other in good_document(),
        keep in any::<[bool; 8]>(),
    ) {
        let a = plan(&json(&one));
        // Mixed documents are closer to each other, and differ in fewer places.
        let mixed = documents::mixed(&one, &other, keep);
        let sources = Sources::single("r.json", json(&mixed));
        let b = compile(&sources).plan.unwrap_or_else(|| plan(&json(&other)));
        let there = diff(&a, &b);
        prop_assert!(diff(&a, &a).is_empty());
        prop_assert_eq!(there.turned(), diff(&b, &a));
        prop_assert_eq!(there.is_empty(), a.hash() == b.hash());
        prop_assert_eq!(there.is_empty(), a == b);
        for change in &there.changes {
            prop_assert_ne!(&change.before, &change.after);
            prop_assert!(!change.title().is_empty() && !change.sentence().is_empty());
        }
        let paths: std::collections::BTreeSet<String> =
            there.changes.iter().map(ctr_compiler::diff::Change::path).collect();
        prop_assert_eq!(paths.len(), there.changes.len(), "each path once");
        render::diff::text(&there);
    }

    #[test]
    fn one_decision(
        document in good_document(),
        asked in prop::option::of(prop::sample::select(documents::IDS)),
        only in prop::sample::select(vec![None, Some(Interface::Anthropic), Some(Interface::Openai)]),
    ) {
        let plan = plan(&json(&document));
        let features = RequestFeatures::plain(only, asked);
        let snapshot = PoolSnapshot::all_healthy();
        let first = route(&plan, &features, &snapshot);
        prop_assert_eq!(&first, &route(&plan, &features, &snapshot));
        let reread = Plan::from_json(&plan.to_canonical_json()).unwrap();
        prop_assert_eq!(&first, &route(&reread, &features, &snapshot));
        let Ok(decision) = first else { return Ok(()) };
        prop_assert!(!decision.candidates.is_empty());
        for candidate in &decision.candidates {
            prop_assert!(candidate.endpoint.enabled);
            prop_assert!(only.is_none_or(|only| candidate.endpoint.interface == only));
        }
        if let Some(pool) = decision.pool {
            let count = decision.candidates.len() + decision.refused.len();
            prop_assert_eq!(count, pool.endpoints.len(), "each endpoint once");
            if decision.refused.is_empty() {
                let active = active_endpoint(pool, &snapshot);
                prop_assert_eq!(active, Some(decision.candidates[0].endpoint));
            }
        }
    }

    #[test]
    fn what_a_plan_names_it_has(document in good_document()) {
        let plan = plan(&json(&document));
        for name in plan.router.slots.values() {
            prop_assert!(plan.resolve(name).is_some());
        }
        for id in plan.logical_ids() {
            prop_assert!(plan.resolve(id).is_some());
        }
        let mut ids = std::collections::BTreeSet::new();
        for endpoint in plan.pools.values().flat_map(|pool| &pool.endpoints) {
            prop_assert!(ids.insert(endpoint.id.clone()), "endpoint ids are unique");
        }
        let mut references = std::collections::BTreeSet::new();
        for endpoint in plan.endpoints() {
            let reference = endpoint.legacy_ref();
            prop_assert!(references.insert(reference.clone()), "references are unique");
            if let Some(Target::Endpoint(found)) = plan.resolve(&reference) {
                prop_assert_eq!(found, endpoint);
            }
        }
    }

    #[test]
    fn a_name_is_found_as_if_all_were_looked_at(
        document in good_document(),
        others in prop::collection::vec("[a-z@,_-]{0,12}", 0..8),
    ) {
        let plan = plan(&json(&document));
        let ids = documents::IDS.iter().map(|id| (*id).to_owned());
        let references = plan.endpoints().map(ctr_compiler::plan::Endpoint::legacy_ref);
        for name in ids.chain(references).chain(others) {
            let model = plan.models.iter().find(|(id, _)| **id == name);
            let pool = plan.pools.iter().find(|(id, _)| **id == name);
            let endpoint = name.split_once(',').and_then(|(provider, model)| {
                plan.endpoints().find(|it| it.provider == provider && it.model == model)
            });
            let wanted = match (model, pool, endpoint) {
                (Some((id, endpoint)), ..) => Some(Target::Model(id, endpoint)),
                (_, Some((id, pool)), _) => Some(Target::Pool(id, pool)),
                (.., endpoint) => endpoint.map(Target::Endpoint),
            };
            prop_assert_eq!(plan.resolve(&name), wanted, "{}", name);
        }
    }
}

proptest! {
    #![proptest_config(settings(512))]

    #[test]
    fn arbitrary_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        sound(bytes);
    }

    #[test]
    fn arbitrary_text_is_answered(text in "\\PC{0,80}") {
        sound(text);
    }

    #[test]
    fn text_of_yaml_marks_is_answered(
        parts in prop::collection::vec(prop::sample::select(documents::MARKS), 0..40),
    ) {
        sound(parts.concat());
    }

    #[test]
    fn damaged_documents_are_answered(
        document in good_document(),
        style in any::<Style>(),
        edits in prop::collection::vec(any::<documents::Edit>(), 1..6),
    ) {
        let text = written(&document, &style).into_bytes();
        sound(edits.iter().fold(text, |text, edit| edit.apply(text)));
    }
}
