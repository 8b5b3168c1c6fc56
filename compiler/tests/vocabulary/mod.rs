//! Documents made of the table of keys: such that read without a mistake, and
//! the same with one defect. Whether their names exist is not asked.

use ctr_compiler::diagnostic::Code;
use ctr_compiler::registration::{Key, Meaning, Standing, Takes, VOCABULARY};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A document that reads without a mistake.
pub(crate) fn document() -> BoxedStrategy<Value> {
    let keys = map(VOCABULARY, 0);
    keys.prop_map(|mut document| {
        // At least one thing that can be spoilt.
        document["PORT"] = json!(5678);
        document
    })
    .boxed()
}

fn map(keys: &'static [Key], depth: usize) -> BoxedStrategy<Value> {
    let likely = if depth == 0 { 0.25 } else { 0.4 };
    let entries: Vec<_> = keys
        .iter()
        .filter(|key| key.standing != Standing::Refused)
        .map(|key| {
            let name = match key.old {
                Some(old) => prop_oneof![3 => Just(key.name), 1 => Just(old)].boxed(),
                None => Just(key.name).boxed(),
            };
            let entry = (name, value(&key.takes, key.required, depth));
            match key.required {
                true => entry.prop_map(Some).boxed(),
                false => proptest::option::weighted(likely, entry).boxed(),
            }
        })
        .collect();
    entries
        .prop_map(|entries| {
            let entries = entries.into_iter().flatten();
            let entries = entries.map(|(name, value)| (name.to_owned(), value));
            Value::Object(together(keys, entries.collect()))
        })
        .boxed()
}

/// Adds what a key asks for that stands beside it.
fn together(keys: &[Key], mut map: Map<String, Value>) -> Map<String, Value> {
    match map.get("type").and_then(Value::as_str) {
        Some("exact") => {
            map.insert("keywords".to_owned(), json!(["a"]));
        }
        Some("regex") => {
            map.insert("pattern".to_owned(), json!("a"));
        }
        _ => {}
    }
    let is_remote = keys.iter().any(|key| key.name == "auth_token");
    if is_remote && map.get("enabled") == Some(&json!(true)) {
        map.insert("base_url".to_owned(), json!("https://a.example"));
    }
    map
}

fn a_code() -> impl Strategy<Value = &'static str> {
    prop::sample::select(Code::ALL).prop_map(Code::as_str)
}

fn codes(level: &'static Takes, keys: &'static [Key], depth: usize) -> BoxedStrategy<Value> {
    let levels = prop::collection::btree_map(a_code(), value(level, false, depth + 1), 0..3);
    let maps = (map(keys, depth + 1), levels);
    maps.prop_map(|(mut map, levels)| {
        for (code, level) in levels {
            map[code] = level;
        }
        map
    })
    .boxed()
}

fn value(takes: &'static Takes, required: bool, depth: usize) -> BoxedStrategy<Value> {
    let given = match takes {
        Takes::Text(Meaning::Code) => a_code().prop_map(Value::from).boxed(),
        Takes::Text(Meaning::Time | Meaning::Day) => Just(json!("2027-01-31")).boxed(),
        Takes::Text(_) => prop_oneof![
            4 => "[a-z]{1,4}".prop_map(Value::from),
            1 => any::<u16>().prop_map(Value::from),
            1 => any::<bool>().prop_map(Value::from),
        ]
        .boxed(),
        Takes::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Takes::Integer(from, to) => (*from..=*to).prop_map(Value::from).boxed(),
        Takes::Amount => (0.0..1e6_f64).prop_map(Value::from).boxed(),
        Takes::Ratio => (0.0..=1.0_f64).prop_map(Value::from).boxed(),
        Takes::Word(words) => prop::sample::select(*words).prop_map(Value::from).boxed(),
        Takes::Map(keys) => map(keys, depth + 1),
        Takes::Codes(level, keys) => codes(level, keys, depth),
        Takes::Named(_, inner) => {
            prop::collection::btree_map("[a-z]{1,3}", value(inner, false, depth + 1), 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect()))
                .boxed()
        }
        Takes::List(inner) => {
            let is_map = matches!(inner, Takes::Map(_));
            let item = value(inner, required || is_map, depth + 1);
            let many = prop::collection::vec(item.clone(), usize::from(required)..3);
            let many = many.prop_map(Value::from);
            match is_map {
                true => many.boxed(),
                false => prop_oneof![4 => many, 1 => item].boxed(),
            }
        }
        Takes::Either(one, other) => {
            prop_oneof![value(one, true, depth), value(other, true, depth)].boxed()
        }
        Takes::Anything => Just(json!({ "any": [1] })).boxed(),
    };
    match required || matches!(takes, Takes::Map(_) | Takes::Codes(..)) {
        true => given,
        false => prop_oneof![9 => given, 1 => Just(Value::Null)].boxed(),
    }
}

/// The document with one value spoilt, in every way and at every place there is.
pub(crate) fn defects(document: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    in_map(VOCABULARY, document, &mut |value| found.push(value));
    found
}

fn in_map(keys: &'static [Key], map: &Value, spoilt: &mut dyn FnMut(Value)) {
    let Some(entries) = map.as_object() else {
        return;
    };
    for (name, value) in entries {
        let Some(key) = keys.iter().find(|key| key.is_spelt(name)) else {
            continue;
        };
        let mut with = |value: Value| {
            let mut map = map.clone();
            map[name] = value;
            spoilt(map);
        };
        in_value(&key.takes, value, &mut with);
        if key.required {
            with(Value::Null);
            let mut map = entries.clone();
            map.remove(name);
            spoilt(Value::Object(map));
        }
    }
    for key in keys.iter().filter(|key| key.standing == Standing::Refused) {
        let mut map = entries.clone();
        map.insert(key.name.to_owned(), json!(1));
        spoilt(Value::Object(map));
    }
}

fn in_value(takes: &'static Takes, value: &Value, spoilt: &mut dyn FnMut(Value)) {
    match takes {
        Takes::Text(_) => spoilt(json!({ "a": 1 })),
        Takes::Boolean => [json!("maybe"), json!(1), json!([true])]
            .into_iter()
            .for_each(spoilt),
        Takes::Integer(from, to) => {
            [json!("a"), json!(1.5), json!([])]
                .into_iter()
                .for_each(&mut *spoilt);
            let beyond = [from.checked_sub(1), to.checked_add(1)];
            beyond
                .into_iter()
                .flatten()
                .map(Value::from)
                .for_each(spoilt);
        }
        Takes::Amount => [json!(-0.5), json!("a")].into_iter().for_each(spoilt),
        Takes::Ratio => [json!(-0.5), json!(1.5), json!("a")]
            .into_iter()
            .for_each(spoilt),
        Takes::Word(_) => [json!("no-such-word"), json!({}), json!(7)]
            .into_iter()
            .for_each(spoilt),
        Takes::Map(keys) => {
            [json!("a"), json!([1])].into_iter().for_each(&mut *spoilt);
            in_map(keys, value, spoilt);
        }
        Takes::Codes(level, keys) => {
            [json!("a"), json!([1]), json!({ "no/such-code": "deny" })]
                .into_iter()
                .for_each(&mut *spoilt);
            in_map(keys, value, spoilt);
            in_value(level, value, &mut |level| {
                let mut map = value.clone();
                map["pool/shared-upstream"] = level;
                spoilt(map);
            });
        }
        Takes::Named(..) => [json!("a"), json!([1])].into_iter().for_each(spoilt),
        Takes::List(inner) => in_list(inner, value, spoilt),
        Takes::Either(..) => spoilt(json!([1])),
        Takes::Anything => {}
    }
}

fn in_list(inner: &'static Takes, value: &Value, spoilt: &mut dyn FnMut(Value)) {
    spoilt(json!({ "a": 1 }));
    if let Takes::Map(_) = inner {
        [json!("a"), json!([null])]
            .into_iter()
            .for_each(&mut *spoilt);
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        in_value(inner, item, &mut |item| {
            let mut list = value.clone();
            list[at] = item;
            spoilt(list);
        });
    }
}
