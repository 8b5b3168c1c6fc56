//! The schema, the table and the reader say the same: what the compiler accepts
//! validates, what a schema can refuse both refuse, and no key of the table is
//! one that nobody reads.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

mod vocabulary;

use std::path::{Path, PathBuf};

use ctr_compiler::diagnostic::{Code, Problems};
use ctr_compiler::registration::{self, Key, Standing, Takes, VOCABULARY};
use ctr_compiler::source::Sources;
use ctr_compiler::{Limits, compile, schema, tree};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use vocabulary::{defects, document};

/// What a schema speaks of as well.
const SHARED: &[Code] = &[
    Code::DocumentWrongType,
    Code::DocumentMissingKey,
    Code::DocumentUnknownValue,
    Code::DocumentOutOfRange,
    Code::DocumentClustering,
    Code::LintUnknownCode,
];

fn validator() -> Validator {
    let schema = schema::json();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn fixtures() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            match ending {
                _ if path.is_dir() => folders.push(path),
                Some("yaml" | "yml" | "json") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// A document as other readers of YAML see it.
fn as_others_read(text: &[u8]) -> Option<Value> {
    let mut value: serde_yaml::Value = serde_yaml::from_slice(text).ok()?;
    value.apply_merge().ok()?;
    serde_json::to_value(value).ok()
}

/// What reading alone finds in a text.
fn read(text: &str) -> Problems {
    let sources = Sources::single("a.json", text);
    let mut problems = Problems::default();
    let root = tree::read(&sources, &Limits::default(), &mut problems);
    registration::read(&root, &mut problems);
    problems
}

fn told(validator: &Validator, value: &Value) -> String {
    let errors = validator.iter_errors(value);
    let lines = errors.map(|error| format!("{}: {error}", error.instance_path()));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn fixtures_that_compile_validate() {
    let validator = validator();
    let (mut accepted, mut refused) = (0, 0);
    for path in fixtures() {
        let text = std::fs::read(&path).unwrap();
        let sources = Sources::single("a.yaml", text.clone());
        let compiled = compile(&sources);
        let Some(value) = as_others_read(&text).filter(Value::is_object) else {
            assert!(compiled.plan.is_none(), "{}", path.display());
            continue;
        };
        let place = path.display();
        if compiled.plan.is_some() {
            accepted += 1;
            let told = told(&validator, &value);
            assert!(told.is_empty(), "{place}\n{told}");
        } else if !validator.is_valid(&value) {
            refused += 1;
            let shared = compiled.problems.iter().any(|found| {
                // To a schema, a misspelt key is a missing one, and what was given
                // up over its syntax is the wrong type.
                SHARED.contains(&found.code)
                    || found.code == Code::DocumentMisspeltKey
                    || found.code.as_str().starts_with("syntax/")
            });
            assert!(shared, "{place}: only the schema refuses it");
        }
    }
    assert!(accepted > 50 && refused > 4, "{accepted} and {refused}");
}

#[test]
fn defaults_are_values_of_their_keys() {
    fn check(keys: &[Key], schema: &Value, seen: &mut usize) {
        for key in keys {
            let property = &schema["properties"][key.name];
            if key.default.is_some() {
                let default = &property["default"];
                assert!(
                    jsonschema::draft202012::is_valid(property, default) && !default.is_null(),
                    "{}: {default}",
                    key.name
                );
                *seen += 1;
            }
            if let Takes::Map(keys) = key.takes {
                check(keys, property, seen);
            }
        }
    }
    let mut seen = 0;
    check(VOCABULARY, &schema::json(), &mut seen);
    assert!(seen > 20, "{seen}");
}

#[test]
fn quoting_is_not_seen() {
    let validator = validator();
    for accepted in [
        "Router: {default: 4.1}",
        "forceUseImageAgent: yes",
        "Models: [{id: a, api: b, key: c, model: d, thinking: on}]",
        "Models: [{id: a, api: b, key: c, model: d, thinking: adaptive}]",
        "Models: [{id: a, api: b, key: c, model: d, thinking: {mode: adaptive, effort: low}}]",
        "Models: [{id: a, api_base_url: b, key: c, model: d}]",
        "Models: ~",
        "Auth: {managed_keys: [{id: a, key_hash: b, scopes: client}]}",
        "Registration: {upstream_services: []}",
        "something_else: {a: [1]}",
    ] {
        let value = as_others_read(accepted.as_bytes()).unwrap();
        assert_eq!(told(&validator, &value), "", "{accepted}");
        assert!(!read(accepted).has_errors(), "{accepted}");
    }
    for refused in [
        "Models: [{id: a, api: b, key: ' ', model: d}]",
        "Models: [{id: a, key: c, model: d}]",
        "Models: [{id: a, api_base_url: , key: c, model: d}]",
        "Models: [~]",
        "Providers: [{name: a, api_base_url: b, models: [' ']}]",
        "Registration: {nodes: ~}",
        "PORT: 65536",
    ] {
        let value = as_others_read(refused.as_bytes()).unwrap();
        assert!(!validator.is_valid(&value), "{refused}");
        assert!(read(refused).has_errors(), "{refused}");
    }
}

#[test]
fn every_key_is_read() {
    let mut count = 0;
    let mut unread = Vec::new();
    for_every_key(
        VOCABULARY,
        &|value| value,
        "",
        &mut |document, key, path| {
            count += 1;
            unread.extend(is_unread(document, key).then(|| path.to_owned()));
        },
    );
    assert_eq!(unread, [""; 0], "these keys are not looked at");
    assert!(count > 150, "{count}");
}

/// Takes a document, the key in it whose value is wrong, and its path.
type Check<'c> = &'c mut dyn FnMut(&Value, &Key, &str);

/// Gives every key a value it cannot have. `around` makes a document of a map
/// that has the keys.
fn for_every_key(keys: &[Key], around: &dyn Fn(Value) -> Value, path: &str, check: Check<'_>) {
    for key in keys {
        let path = format!("{path}.{}", key.name);
        let place = |value: Value| {
            let mut map = json!({});
            // What a pattern takes depends on its type.
            match key.name {
                "keywords" if keys.iter().any(|key| key.name == "type") => {
                    map["type"] = json!("exact");
                }
                "pattern" => map["type"] = json!("regex"),
                _ => {}
            }
            map[key.name] = value;
            around(map)
        };
        let wrong = match (key.standing, &key.takes) {
            (Standing::Refused, _) => json!("zzz"),
            (_, Takes::Anything) => continue,
            (_, takes) => wrong(takes),
        };
        check(&place(wrong), key, &path);
        below(&key.takes, &place, &path, check);
    }
}

fn below(takes: &Takes, place: &dyn Fn(Value) -> Value, path: &str, check: Check<'_>) {
    match takes {
        Takes::Map(keys) => for_every_key(keys, place, path, check),
        Takes::List(inner) => below(inner, &|value| place(json!([value])), path, check),
        Takes::Named(_, inner) => {
            let place = |value| place(json!({ "name": value }));
            check(&place(wrong(inner)), &VOCABULARY[0], path);
        }
        Takes::Codes(level, keys) => {
            let code = |value| place(json!({ "pool/shared-upstream": value }));
            check(&code(wrong(level)), &VOCABULARY[0], path);
            for_every_key(keys, place, path, check);
        }
        Takes::Either(one, other) => {
            below(one, place, path, check);
            below(other, place, path, check);
        }
        _ => {}
    }
}

fn wrong(takes: &Takes) -> Value {
    match takes {
        Takes::Text(_) => json!({ "zzz": 1 }),
        Takes::List(inner) if !matches!(inner, Takes::Map(_)) => json!({ "zzz": 1 }),
        Takes::Map(_) | Takes::Named(..) | Takes::Codes(..) | Takes::Either(..) => json!(["zzz"]),
        _ => json!("zzz"),
    }
}

/// Whether no error is told of the place that says `zzz`, or of a key that nobody may have.
fn is_unread(document: &Value, key: &Key) -> bool {
    let text = document.to_string();
    !read(&text).iter().any(|found| {
        let place = found.span().and_then(|span| text.get(span.range()));
        place.is_some_and(|place| match key.standing {
            Standing::Refused => place.contains(key.name),
            _ => place.contains("zzz") && SHARED.contains(&found.code),
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_accept_and_both_refuse(document in document(), at in any::<prop::sample::Index>()) {
        thread_local! {
            static VALIDATOR: Validator = validator();
        }
        let text = document.to_string();
        let problems = read(&text);
        prop_assert!(!problems.has_errors(), "{}\n{:#?}", text, problems);
        VALIDATOR.with(|validator| -> Result<(), TestCaseError> {
            prop_assert_eq!(told(validator, &document), "", "{}", text);
            let defects = defects(&document);
            let defect = at.get(&defects);
            let text = defect.to_string();
            prop_assert!(read(&text).has_errors(), "the compiler accepts {}", text);
            prop_assert!(!validator.is_valid(defect), "the schema accepts {}", text);
            Ok(())
        })?;
    }
}
