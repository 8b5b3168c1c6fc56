//! `fmt` changes the layout of a text and nothing else: the plan, what is
//! found wrong, and every comment stay; and what is formatted stays as it is.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests fail by panicking; the shared support reads fixtures"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod documents;
#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use std::path::Path;

use ctr_compiler::document::{Converted, Syntax, Unconverted, Unformatted, convert, format};
use ctr_compiler::source::Sources;
use ctr_compiler::{Limits, compile};
use documents::{Edit, MARKS, Style, any_document, written};
use granit_parser::{Event, Parser};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

/// Lines of YAML; `@` becomes a key.
const LINES: &[&str] = &[
    "@:",
    "@:",
    "@:",
    "@: a",
    "@: a # said",
    "- @: a",
    "- @:",
    "- a",
    "- - a",
    "-",
    "- # said",
    "# said",
    "#said",
    "",
    "",
    "@: |",
    "@: >-",
    "- |+",
    "@: >+ # said",
    "text",
    "  more text",
    "text # no comment",
    "@: {a: b, c: [d]}",
    "@: [",
    "]",
    "a,",
    "a: b, # said",
    "@: 'it''s'",
    "@: \"a\\nb\"",
    "? @",
    ": a",
    "@: &a b",
    "@: *a",
    "&b @:",
    "@: !!str",
    "@: &a",
    "@: {",
    "}",
    "---",
    "...",
    "@: plain",
    "<<: *a",
    "@: \"long",
    "long\"",
];

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Formats, and holds the result to what every result must keep.
fn sound(name: &str, bytes: impl Into<Vec<u8>>) -> Option<String> {
    let sources = Sources::single(name, bytes);
    let (id, source) = sources.iter().next().unwrap();
    let once = match format(&sources, id, &Limits::default()) {
        Ok(once) => once,
        Err(Unformatted::Problems(problems)) => {
            assert!(!problems.is_empty());
            support::assert_inside(&problems, &sources);
            return None;
        }
        Err(Unformatted::NotJson(..)) => return None,
        Err(Unformatted::Defect) => panic!("{:?}", source.text()),
    };
    let text = source.text();
    let again = Sources::single(name, once.as_str());
    let (id, _) = again.iter().next().unwrap();
    let twice = format(&again, id, &Limits::default()).unwrap();
    assert_eq!(twice, once, "{text}");
    assert_eq!(told(&sources), told(&again), "{text}\n{once}");
    for line in once.lines().filter(|line| !line.trim().is_empty()) {
        assert!(!line.starts_with('\t'), "{once}");
    }
    Some(once)
}

/// What compiling says, but for places.
fn told(sources: &Sources) -> (Option<String>, Vec<(String, String)>) {
    let compiled = compile(sources);
    let found = compiled.problems.iter();
    let mut found: Vec<(String, String)> = found
        .map(|found| (found.code.to_string(), found.headline.clone()))
        .collect();
    found.sort();
    (compiled.plan.map(|plan| plan.hash().to_string()), found)
}

fn converted(sources: &Sources, to: Syntax) -> Result<Converted, Unconverted> {
    let (id, _) = sources.iter().next().unwrap();
    convert(sources, id, to, &Limits::default())
}

/// The comments of a YAML text, sorted.
fn remarks(text: &str) -> Vec<String> {
    let mut options = granit_parser::Options::default();
    options.max_buffered_comment_events = 1 << 20;
    let events = Parser::new_from_str_with_options(text, options);
    let mut said: Vec<String> = events
        .filter_map(|event| match event.unwrap().0 {
            Event::Comment(said, _) => Some(said.trim_end().to_owned()),
            _ => None,
        })
        .collect();
    said.sort();
    said
}

/// What of a KDL text must stay, comments and all: everything but space, `;`
/// and `\`. Comments may move, so it is sorted.
fn marks(text: &str) -> Vec<char> {
    let stays = |c: &char| !c.is_whitespace() && !matches!(c, ';' | '\\');
    let mut marks: Vec<char> = text.chars().filter(stays).collect();
    marks.sort_unstable();
    marks
}

/// [`sound`] for YAML, which also keeps every comment.
fn sound_yaml(text: &str) -> bool {
    let formatted = sound("r.yaml", text);
    if let Some(formatted) = &formatted {
        assert_eq!(remarks(formatted), remarks(text), "{text}\n{formatted}");
    }
    formatted.is_some()
}

/// The one file of a story.
fn story(folder: &Path) -> Sources {
    let mut files = std::fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap();
    assert!(files.next().is_none(), "{}", folder.display());
    let name = file.file_name().into_string().unwrap();
    Sources::single(name, std::fs::read(file.path()).unwrap())
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn fmt_stories() {
    for folder in support::folders("fmt") {
        let sources = story(&folder);
        let (_, source) = sources.iter().next().unwrap();
        let page = sound(source.name(), source.text()).unwrap();
        assert_ne!(page, source.text(), "{}", folder.display());
        support::snapshot("fmt", &name_of(&folder), &page);
    }
}

#[test]
fn convert_stories() {
    for folder in support::folders("convert") {
        let sources = story(&folder);
        let plan = |sources: &Sources| told(sources).0.unwrap();
        let mut page = String::new();
        for (to, name) in [
            (Syntax::Yaml, "r.yaml"),
            (Syntax::Kdl, "r.kdl"),
            (Syntax::Json, "r.json"),
        ] {
            let converted = converted(&sources, to).unwrap();
            page.push_str(&format!("--- {to:?}, {} dropped\n", converted.dropped));
            page.push_str(&converted.text);
            let other = Sources::single(name, converted.text);
            assert_eq!(plan(&other), plan(&sources), "{}", folder.display());
        }
        support::snapshot("convert", &name_of(&folder), &page);
    }
}

proptest! {
    #![proptest_config(settings(64))]

    #[test]
    fn converting_there_and_back_keeps_the_plan(
        document in any_document().prop_filter("a word", Value::is_object),
        style in any::<Style>(),
    ) {
        let text = written(&document, &style);
        let yaml = Sources::single("r.yaml", text.as_str());
        for (syntax, name) in [(Syntax::Kdl, "r.kdl"), (Syntax::Json, "r.json"), (Syntax::Yaml, "s.yaml")] {
            let there = match converted(&yaml, syntax) {
                Ok(there) => there,
                Err(Unconverted::Unsaid(path)) => {
                    // A name that is near that of a node.
                    let name = path.rsplit('.').next().unwrap();
                    let near = ["router", "Modles"].contains(&name);
                    prop_assert!(syntax == Syntax::Kdl && near, "{}\n{}", path, text);
                    continue;
                }
                Err(why) => panic!("{why:?}"),
            };
            let other = Sources::single(name, there.text.as_str());
            let plan = |sources| told(sources).0;
            // An empty list is nothing in KDL, so it is neither a mistake nor without effect there.
            if plan(&yaml).is_some() || syntax != Syntax::Kdl {
                prop_assert_eq!(plan(&other), plan(&yaml), "{}\n{}", text, there.text);
            }
            if syntax != Syntax::Kdl {
                prop_assert_eq!(told(&other).1.len(), told(&yaml).1.len(), "{}\n{}", text, there.text);
            }
            prop_assert_eq!(sound(name, there.text.as_str()), Some(there.text.clone()));
            let back = converted(&other, Syntax::Yaml).unwrap();
            let again = Sources::single("r.yaml", back.text.as_str());
            prop_assert_eq!(plan(&again), plan(&other), "{}\n{}", text, back.text);
            if syntax == Syntax::Json {
                prop_assert_eq!(there.dropped, remarks(&text).len());
            } else {
                prop_assert_eq!(remarks(&back.text), remarks(&text), "{}\n{}\n{}", text, there.text, back.text);
            }
        }
    }
}

proptest! {
    #![proptest_config(settings(256))]

    #[test]
    fn every_style_is_formatted(
        document in any_document().prop_filter("a word", Value::is_object),
        style in any::<Style>(),
    ) {
        let text = written(&document, &style);
        prop_assert!(sound_yaml(&text), "{}", text);
        prop_assert!(sound("r.json", document.to_string()).is_some());
        let yaml = serde_yaml::to_string(&document).unwrap();
        prop_assert!(sound_yaml(&yaml), "{}", yaml);
    }

    #[test]
    fn damaged_texts_are_answered(
        document in any_document(),
        style in any::<Style>(),
        edits in prop::collection::vec(any::<Edit>(), 1..4),
    ) {
        let mut text = written(&document, &style).into_bytes();
        for edit in &edits {
            text = edit.apply(text);
        }
        if let Ok(text) = String::from_utf8(text) {
            sound_yaml(text.trim_start_matches('\u{feff}'));
        }
    }
}

proptest! {
    #![proptest_config(settings(4096))]

    #[test]
    fn small_texts_are_answered(
        marks in prop::collection::vec(prop_oneof![
            3 => select(MARKS).prop_map(str::to_owned),
            2 => select(&["\n", "\n  ", "\n    ", "\n- ", ": ", "a", "b: ", "# c", " ", "|\n  x"][..])
                .prop_map(str::to_owned),
            1 => "[a-z:#,{}\\[\\]\"'\\\\|>&*!?\n \\-]{0,6}",
        ], 0..16),
    ) {
        sound_yaml(marks.concat().trim_start_matches('\u{feff}'));
    }

    #[test]
    fn lines_are_answered(
        lines in prop::collection::vec((0usize..4, select(LINES)), 1..14),
    ) {
        let line = |(indent, line): (usize, &str)| format!("{}{line}\n", "  ".repeat(indent));
        let text: String = lines.into_iter().map(line).collect();
        // Keys that are given twice are refused, so each gets a name of its own.
        let mut number = 0;
        let named = text.split('@').map(|part| {
            number += 1;
            format!("{part}k{number}")
        });
        sound_yaml(&named.collect::<String>());
    }

    #[test]
    fn small_kdl_texts_are_answered(
        text in "([a-c{};=\"#/*\\\\()\n 0-9.+_ntr:,\\-]|\"\"\"|\"a\"|#true|/-|//|/\\* c \\*/|\r\n|\\\\u\\{41\\}){0,20}",
    ) {
        if let Some(formatted) = sound("r.kdl", text.as_str()) {
            prop_assert_eq!(marks(&formatted), marks(&text), "{}\n{}", text, formatted);
        }
    }
}

#[test]
fn the_documented_examples_are_formatted() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kdl.md");
    let page = std::fs::read_to_string(page).unwrap();
    for (language, name) in [("kdl", "r.kdl"), ("yaml", "r.yaml")] {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        let block = rest.split_once("```").unwrap().0;
        assert_eq!(sound(name, block).as_deref(), Some(block));
    }
}

#[test]
fn what_another_syntax_cannot_say_is_named() {
    let unsaid = |text: &str| {
        let sources = Sources::single("r.yaml", text);
        match converted(&sources, Syntax::Kdl) {
            Err(Unconverted::Unsaid(path)) => path,
            other => panic!("{other:?}"),
        }
    };
    // Nodes of these names are something else at the top of KDL.
    assert_eq!(unsaid("model: {a: 1}\n"), "model");
    assert_eq!(unsaid("HOST: a\nrouter: {default: a}\n"), "router");
    assert_eq!(
        unsaid("Router: {default: a}\nrouter: {default: b}\n"),
        "router"
    );
    assert_eq!(unsaid("modle: 1\n"), "modle");
    assert_eq!(unsaid("Router: {default: a, roote: b}\n"), "Router.roote");
    assert_eq!(unsaid("LOG: {a: [1, {\"-\": [1, 2]}]}\n"), "LOG.a[1]");
    let sources = Sources::single("r.yaml", "LOG: {\"-\": 1}\n");
    assert_eq!(converted(&sources, Syntax::Kdl).unwrap().text, "LOG -=1\n");
}

#[test]
fn words_are_what_their_keys_take_them_for() {
    let text = "Models:\n  - {id: on, api: 'https://a.example', key: '${K}', interface: openai, model: 1.10,\n     metadata: {label: yes, supports_images: On, cost_per_1m_input_tokens: .5, pool_enabled: no}}\n";
    let sources = Sources::single("r.yaml", text);
    let json = converted(&sources, Syntax::Json).unwrap().text;
    let json: Value = serde_json::from_str(&json).unwrap();
    let model = &json["Models"][0];
    assert_eq!(model["id"], "on");
    assert_eq!(
        model["metadata"],
        serde_json::json!({
            "label": "yes", "supports_images": true, "cost_per_1m_input_tokens": 0.5, "pool_enabled": false
        })
    );
}

#[test]
fn json_is_told_by_its_name_or_its_text() {
    let syntax = |name: &str, text: &str| {
        let sources = Sources::single(name, text);
        Syntax::of(sources.iter().next().unwrap().1)
    };
    assert_eq!(syntax("r.json", "PORT: 1"), Syntax::Json);
    assert_eq!(syntax("<stdin>", " {\"PORT\": 1}"), Syntax::Json);
    assert_eq!(syntax("<stdin>", "{PORT: 1}"), Syntax::Yaml);
    assert_eq!(syntax("r.yaml", "PORT: 1"), Syntax::Yaml);
    assert_eq!(syntax("r.kdl", "{\"PORT\": 1}"), Syntax::Kdl);
}

#[test]
fn aliases_that_expand_too_far_are_refused_by_both() {
    let mut text = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n".to_owned();
    for level in 1..8 {
        let all = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{all}]\n"));
    }
    assert_eq!(sound("r.yaml", text.as_str()), None);
    let sources = Sources::single("r.yaml", text);
    let refused = converted(&sources, Syntax::Json);
    assert!(matches!(
        refused,
        Err(Unconverted::Unread(Unformatted::Problems(_)))
    ));
}

#[test]
fn large_texts_are_laid_out_in_time_that_grows_with_them() {
    let many = |part: &str| part.repeat(20_000);
    for (name, text) in [
        ("r.kdl", format!("LOG{}", many(" /-a"))),
        ("r.kdl", format!("LOG{} 1", many(" /* c */"))),
        (
            "r.kdl",
            format!("{}{}\nLOG 1", many("     "), many("/* c */")),
        ),
        ("r.kdl", format!("LOG {{ {} }}", many("- 1; "))),
        ("r.kdl", format!("LOG {}", many("\\\n"))),
        ("r.kdl", format!("{}LOG 1", many("// c\n\n"))),
        ("r.yaml", format!("LOG: [{}]", many("{b: 1}, "))),
        ("r.yaml", format!("LOG: [ # c\n{}]", many("a, # c\n"))),
        ("r.yaml", format!("LOG:\n{}", many("- # c\n"))),
        ("r.yaml", format!("{}LOG: 1\n", many("# c\n\n"))),
        ("r.yaml", format!("LOG: \"{}\"", many("a \\\n "))),
        (
            "r.yaml",
            format!("LOG: {}1{}", "[".repeat(60), "]".repeat(60)),
        ),
        ("r.yaml", format!("LOG:{}a", many("\n  "))),
    ] {
        assert!(sound(name, text.as_str()).is_some(), "{}", &text[..20]);
        let sources = Sources::single(name, text);
        converted(&sources, Syntax::Kdl).unwrap();
    }
}
