//! Whatever a foreign file holds, importing ends, does not panic, and gives a
//! registration that compiles or an error that says why not; what is told of it
//! stays short and holds no secret.

use std::path::PathBuf;
use std::sync::LazyLock;

use ctr_compiler::document::{kdl, yaml};
use ctr_compiler::import::{Format, import};
use ctr_compiler::render;
use ctr_compiler::source::Sources;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::documents::Edit;
use crate::{format, litellm, sound, support, written};

/// Texts that mean something to some importer, or to us.
const TEXTS: &[&str] = &[
    "",
    " ",
    "*",
    "/",
    "a/*",
    "azure/",
    "x/y/z",
    ",",
    "a,",
    ",m",
    "@",
    "@a",
    "none",
    "os.environ/",
    "os.environ/A-B",
    "os.environ/${A}",
    "${A}",
    "${",
    "$",
    "$A}",
    "${A:-b}",
    "https://",
    "https://u:p@h",
    "https://[::1",
    "https://a.example?b=c",
    "http://a b",
    "\0",
    "\n",
    "a\nb",
    "\u{202e}",
    "\u{feff}",
    "日本",
    "true",
    "null",
    "1e400",
    "-1",
    "0",
    "20_000",
    "1e6",
    ".",
    "a: b",
    "- a",
    "#",
    "'",
    "\"",
    "model_list",
    "chat",
    "fallback",
];

/// Values that some importer might not expect where it finds them.
fn nasty() -> BoxedStrategy<Value> {
    prop_oneof![
        select(TEXTS).prop_map(Value::from),
        select(vec![
            Value::Null,
            json!(true),
            json!(false),
            json!(0),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!([]),
            json!({}),
            json!([[]]),
            json!([null]),
            json!({"": ""}),
            json!({"a": {"b": []}}),
            json!(["chat", {"model": "chat"}, 1]),
            json!("x".repeat(5000)),
        ]),
    ]
    .boxed()
}

/// One change somewhere in a document.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Value),
    Remove(Index),
    Repeat(Index),
    Rename(Index, String),
}

/// Keys that mean something.
const KEYS: &[&str] = &[
    "", "model", "api_base", "api_key", "models", "targets", "${A}", "id", "use", "<<",
];

fn change() -> BoxedStrategy<Change> {
    prop_oneof![
        4 => (any::<Index>(), nasty()).prop_map(|(at, value)| Change::Replace(at, value)),
        1 => any::<Index>().prop_map(Change::Remove),
        1 => any::<Index>().prop_map(Change::Repeat),
        1 => (any::<Index>(), select(KEYS)).prop_map(|(at, key)| Change::Rename(at, key.to_owned())),
    ]
    .boxed()
}

/// Every place in a document, as the way to it.
fn places(value: &Value, way: &[String], found: &mut Vec<Vec<String>>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (at.to_string(), item))
            .collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, value) in below {
        let way = [way, &[step]].concat();
        places(value, &way, found);
        found.push(way);
    }
}

fn apply(document: &mut Value, change: &Change) {
    let mut all = Vec::new();
    places(document, &[], &mut all);
    let (Change::Replace(at, _) | Change::Remove(at) | Change::Repeat(at) | Change::Rename(at, _)) =
        change;
    if all.is_empty() {
        return;
    }
    let way = at.get(&all);
    let (last, above) = way.split_last().unwrap();
    let parent = above.iter().fold(document, |value, step| match value {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    });
    match (parent, change) {
        (Value::Array(items), Change::Replace(_, value)) => {
            items[last.parse::<usize>().unwrap()] = value.clone();
        }
        (Value::Array(items), Change::Remove(_)) => drop(items.remove(last.parse().unwrap())),
        (Value::Array(items), Change::Repeat(_)) => {
            let again = items[last.parse::<usize>().unwrap()].clone();
            items.push(again);
        }
        (Value::Object(entries), Change::Replace(_, value)) => {
            drop(entries.insert(last.clone(), value.clone()));
        }
        (Value::Object(entries), Change::Remove(_)) => drop(entries.remove(last)),
        (Value::Object(entries), Change::Rename(_, key)) => {
            let value = entries.remove(last).unwrap();
            entries.insert(key.clone(), value);
        }
        _ => {}
    }
}

/// The fixtures: their format, and their text.
static FIXTURES: LazyLock<Vec<(Format, PathBuf, String)>> = LazyLock::new(|| {
    let read = |story: PathBuf| {
        let sources = support::sources(&story);
        let text = sources.iter().next().unwrap().1.text().to_owned();
        (format(&story), story, text)
    };
    support::folders("import").into_iter().map(read).collect()
});

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Imports and shows; nothing that a terminal obeys is shown.
fn shown(format: Format, bytes: impl Into<Vec<u8>>) {
    let sources = Sources::single("f.yaml", bytes);
    let imported = sound(format, &sources);
    let mut page = support::problems(&imported.problems, &sources);
    page += &render::problems::json(imported.problems.iter(), &sources).to_string();
    if let Some(document) = &imported.document {
        page += &yaml::write(document);
        page += &kdl::write(document);
    }
    let obeyed = |c: char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || c == '\u{202e}';
    assert!(!page.contains(obeyed), "{page:?}");
}

proptest! {
    #![proptest_config(settings(192))]

    #[test]
    fn changed_documents_are_answered(
        which in any::<Index>(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let (format, _, text) = which.get(&FIXTURES);
        // Repeated keys and comments are no part of a value.
        let Ok(mut document) = serde_yaml::from_str::<Value>(text) else { return Ok(()) };
        for change in &changes {
            apply(&mut document, change);
        }
        shown(*format, document.to_string());
    }

    #[test]
    fn damaged_texts_are_answered(
        which in any::<Index>(),
        edits in prop::collection::vec(any::<Edit>(), 1..4),
    ) {
        let (format, _, text) = which.get(&FIXTURES);
        let mut bytes = text.clone().into_bytes();
        for edit in &edits {
            bytes = edit.apply(bytes);
        }
        shown(*format, bytes);
    }
}

#[test]
fn a_file_may_be_given_as_any_format() {
    for (_, _, text) in FIXTURES.iter() {
        for (_, format) in Format::WORDS {
            shown(*format, text.clone());
        }
    }
}

/// Secrets of the fixtures are words that hold this.
const SECRET: &str = "secret";

#[test]
fn secrets_are_neither_told_nor_copied() {
    let mut seen = 0;
    for (format, story, text) in FIXTURES.iter() {
        let sources = Sources::single("f.yaml", text.as_str());
        let imported = sound(*format, &sources);
        let words: Vec<&str> = text
            .split(|c: char| !(c.is_alphanumeric() || c == '-'))
            .filter(|word| word.contains(SECRET) && word.contains('-'))
            .collect();
        seen += words.len();
        let mut outputs = vec![
            support::problems(&imported.problems, &sources),
            render::problems::json(imported.problems.iter(), &sources).to_string(),
            format!("{:?}", imported.problems),
        ];
        if let Some(document) = &imported.document {
            outputs.push(yaml::write(document));
            outputs.push(kdl::write(document));
        }
        for word in words {
            for output in &outputs {
                assert!(
                    !output.contains(word),
                    "{word} of {} in\n{output}",
                    story.display()
                );
            }
        }
    }
    assert!(seen > 15, "{seen} secrets were looked for");
}

#[test]
fn fallbacks_to_large_pools_are_bounded() {
    let mut text = String::from("model_list:\n");
    for at in 0..120 {
        text += &format!("  - {{model_name: m{at}, litellm_params: {{model: gpt-4o}}}}\n");
        text += "  - {model_name: pool, litellm_params: {model: gpt-4o}}\n";
    }
    text += "litellm_settings: {default_fallbacks: [pool]}\n";
    let imported = import(Format::Litellm, &Sources::single("f.yaml", text));
    let endpoints = written(&imported).matches("interface:").count();
    assert!(endpoints < 10_250, "{endpoints}");
    let told = imported
        .problems
        .iter()
        .any(|found| found.headline.contains("10000 endpoints"));
    assert!(told);
}

#[test]
fn what_does_not_end_soon_is_bounded() {
    let names = |count: usize, pool: usize| {
        let one = |name: String| {
            format!("  - {{model_name: {name}, litellm_params: {{model: gpt-4o}}}}\n")
        };
        let names = (0..count).map(|at| one(format!("m{at}")));
        let pool = (0..pool).map(|_| one("pool".to_owned()));
        format!("model_list:\n{}", names.chain(pool).collect::<String>())
    };
    let listed = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let aliases = listed(2_000, &|at| format!("a{at}: pool"));
    let dangling = listed(2_000, &|at| format!("{{m{at}: [gone{at}]}}"));
    for text in [
        names(1, 2_000) + &format!("router_settings: {{model_group_alias: {{{aliases}}}}}\n"),
        names(2_000, 1) + &format!("router_settings: {{fallbacks: [{dangling}]}}\n"),
        names(2_000, 2_000) + "litellm_settings: {default_fallbacks: [pool]}\n",
        format!(
            "model_list: []\n{}",
            listed(50_000, &|at| format!("k{at}: 1")).replace(", ", "\n")
        ),
    ] {
        let imported = import(Format::Litellm, &Sources::single("f.yaml", text));
        let document = imported
            .document
            .map_or(String::new(), |document| yaml::write(&document));
        assert!(document.matches("interface:").count() <= 20_001);
    }
}

#[test]
fn many_literal_keys_get_a_variable_each() {
    let mut text = String::from("model_list:\n");
    for at in 0..5_000 {
        text += &format!(
            "  - {{model_name: m{at}, litellm_params: {{model: gpt-4o, api_key: key-{at}}}}}\n"
        );
    }
    let sources = Sources::single("f.yaml", text);
    let imported = import(Format::Litellm, &sources);
    assert!(written(&imported).contains("${OPENAI_API_KEY_5000}"));
    let told = support::problems(&imported.problems, &sources);
    assert!(told.len() < 4096, "{}", told.len());
}

#[test]
fn aliases_of_aliases_end() {
    let imported = litellm(
        "model_list: [{model_name: a, litellm_params: {model: gpt-4o}}]\nrouter_settings: {model_group_alias: {b: c, c: b, d: a, a: d}, fallbacks: [{b: [c]}, {d: [d]}]}\n",
    );
    assert_eq!(imported.tally.names, 1);
}
