//! Every value of a plan has a reason, and the value told is the plan's.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests fail by panicking; the shared support reads fixtures"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use ctr_compiler::compile;
use ctr_compiler::why::{Origin, why};
use serde_json::Value;

/// Every path to a single value below `value`.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        _ => format!("{path}.{name}"),
    };
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| leaves(value, &below(name), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, item)| leaves(item, &format!("{path}[{at}]"), found)),
        single => found.push((path.to_owned(), single.clone())),
    }
}

#[test]
fn every_value_of_a_plan_has_a_reason() {
    let mut asked = 0;
    for folder in support::folders("compile") {
        let sources = support::sources(&folder);
        let compiled = compile(&sources);
        let Some(plan) = &compiled.plan else { continue };
        let json = serde_json::from_str(&plan.to_canonical_json()).unwrap();
        let mut all = Vec::new();
        leaves(&json, "", &mut all);
        // The fingerprint and the schema are the plan's own.
        all.retain(|(path, _)| path != "schema" && !path.ends_with(".secret"));
        for (path, value) in all {
            let answer = why(plan, &compiled.provenance, &path)
                .unwrap_or_else(|unknown| panic!("{path}: {}", unknown.what));
            assert_eq!(answer.value, value, "{path}");
            assert!(!matches!(answer.origin, Origin::Absent { .. }), "{path}");
            if let Origin::Written { span, key, .. } = &answer.origin {
                let text = sources.get(span.source).text().get(span.range());
                assert!(text.is_some_and(|text| !text.is_empty()), "{path}: {key}");
            }
            let again = why(plan, &compiled.provenance, &answer.path).unwrap();
            assert_eq!(again, answer, "{path}");
            asked += 1;
        }
    }
    assert!(asked > 50, "{asked}");
}

#[test]
fn no_path_is_too_strange() {
    for folder in support::folders("compile") {
        let compiled = compile(&support::sources(&folder));
        let Some(plan) = &compiled.plan else { continue };
        for path in [
            "",
            ".",
            "models.",
            "pools..",
            "pools.[",
            "models[0]",
            "ü",
            "router.slots.",
        ] {
            assert!(why(plan, &compiled.provenance, path).is_err(), "{path}");
        }
    }
}
