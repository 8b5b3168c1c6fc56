//! KDL is a twin of YAML: the same document has the same plan in both, the
//! reader agrees with the reference parser, and hostile text is answered.
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

use ctr_compiler::diagnostic::{Code, Problems, Severity};
use ctr_compiler::source::Sources;
use ctr_compiler::tree::{Node, Value as Tree, kdl as reader};
use ctr_compiler::{Compiled, Limits, compile, render};
use documents::{Edit, any_document, good_document};
use kdl::{KdlDocument, KdlNode, KdlValue};
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
fn sound(bytes: impl Into<Vec<u8>>) -> (Sources, Compiled) {
    let sources = Sources::single("r.kdl", bytes);
    let compiled = compile(&sources);
    assert_eq!(compiled.plan.is_none(), compiled.problems.has_errors());
    support::assert_inside(&compiled.problems, &sources);
    let shown = support::problems(&compiled.problems, &sources);
    assert_eq!(shown.is_empty(), compiled.problems.is_empty());
    render::problems::json(compiled.problems.iter(), &sources);
    render::preview::text(&compiled, &sources);
    (sources, compiled)
}

fn errors(bytes: impl Into<Vec<u8>>) -> Vec<Code> {
    let (_, compiled) = sound(bytes);
    let errors = compiled.problems.iter();
    errors
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.code)
        .collect()
}

fn hash(name: &str, text: &str) -> String {
    let sources = Sources::single(name, text);
    let compiled = compile(&sources);
    let shown = support::problems(&compiled.problems, &sources);
    let plan = compiled.plan.unwrap_or_else(|| panic!("{text}\n{shown}"));
    plan.hash().to_string()
}

/// A document as KDL; `choices` decide between ways to write the same.
struct Writer<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    out: String,
}

impl<'c> Writer<'c> {
    fn write(document: &Value, choices: &'c [u8]) -> String {
        let mut writer = Writer {
            choices: choices.iter().cycle(),
            out: String::new(),
        };
        for (key, value) in document.as_object().unwrap() {
            match (key.as_str(), value) {
                ("Models", Value::Array(items)) if have_ids(items) => writer.items("model", items),
                ("Registration", Value::Object(entries)) => {
                    writer.out.push_str("registration {\n");
                    for (key, value) in entries {
                        match (key.as_str(), value) {
                            ("models", Value::Array(items)) if have_ids(items) => {
                                writer.items("endpoint", items);
                            }
                            ("upstream_services", Value::Array(items)) if have_ids(items) => {
                                writer.items("upstream_service", items);
                            }
                            _ => writer.node(key, value),
                        }
                    }
                    writer.out.push_str("}\n");
                }
                ("Router" | "Runtime" | "Lint", value) if writer.chance() => {
                    writer.node(&key.to_lowercase(), value);
                }
                _ => writer.node(key, value),
            }
        }
        writer.out
    }

    fn chance(&mut self) -> bool {
        self.choices.next().is_none_or(|choice| choice % 2 == 0)
    }

    fn items(&mut self, name: &str, items: &[Value]) {
        for item in items {
            let mut entries = item.as_object().unwrap().clone();
            let id = entries.remove("id").unwrap();
            self.out.push_str(&format!("{name} "));
            self.scalar(&id);
            self.body(&entries);
            self.out.push('\n');
        }
    }

    fn node(&mut self, key: &str, value: &Value) {
        if self.chance() {
            self.out
                .push_str("/* said: { */ /-gone \"x\" {\n}\n// \"{\n");
        }
        self.name(key);
        match value {
            Value::Null => {}
            Value::Object(entries) => self.body(entries),
            Value::Array(items) => {
                self.out.push_str(" {\n");
                for item in items {
                    self.node("-", item);
                }
                self.out.push('}');
            }
            _ => {
                let space = if self.chance() { " \\\n " } else { "  " };
                self.out.push_str(space);
                self.scalar(value);
            }
        }
        let end = if self.chance() { ";" } else { "\n" };
        self.out.push_str(end);
    }

    fn body(&mut self, entries: &serde_json::Map<String, Value>) {
        let mut children = Vec::new();
        for (key, value) in entries {
            if value.is_object() || value.is_array() || value.is_null() || self.chance() {
                children.push((key, value));
                continue;
            }
            self.out.push(' ');
            self.name(key);
            self.out.push('=');
            self.scalar(value);
        }
        if !children.is_empty() || entries.is_empty() {
            self.out.push_str(" {\n");
            for (key, value) in children {
                self.node(key, value);
            }
            self.out.push('}');
        }
    }

    fn name(&mut self, name: &str) {
        // A slash, as in the codes of `Lint`, is no part of a bare name.
        match self.chance() && !name.contains(['/', ' ']) {
            true => self.out.push_str(name),
            false => self.out.push_str(&format!("\"{name}\"")),
        }
    }

    fn scalar(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => self.out.push_str(&format!("#{value}")),
            Value::String(text) if text.contains('\n') && self.chance() => {
                let lines = text.replace('\n', "\n  ");
                self.out.push_str(&format!("\"\"\"\n  {lines}\n  \"\"\""));
            }
            Value::String(text) if !text.contains(['\n', '"']) && self.chance() => {
                self.out.push_str(&format!("#\"{text}\"#"));
            }
            value => self.out.push_str(&value.to_string()),
        }
    }
}

/// Whether every item can be written as a node of its own, named by its id.
fn have_ids(items: &[Value]) -> bool {
    let id = |item: &Value| {
        item.get("id")
            .is_some_and(|id| !id.is_object() && !id.is_array())
    };
    items.iter().all(id)
}

/// Whether KDL has a way to write it and gives none of its keys another meaning.
fn is_writable(document: &Value) -> bool {
    match document {
        Value::Array(items) => !items.is_empty() && items.iter().all(is_writable),
        Value::Object(entries) => {
            !entries.contains_key("router") && entries.values().all(is_writable)
        }
        _ => true,
    }
}

proptest! {
    #![proptest_config(settings(256))]

    #[test]
    fn the_same_mistakes_are_found_in_both(
        document in any_document().prop_filter("writable", |document| {
            document.as_object().is_some_and(|sections| !sections.is_empty())
                && is_writable(document)
        }),
        choices in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let told = |name: &str, text: &str| {
            let compiled = compile(&Sources::single(name, text));
            let told = compiled.problems.iter().map(|found| (found.code, found.headline.clone()));
            let mut told: Vec<_> = told.collect();
            told.sort();
            (compiled.plan.map(|plan| plan.hash()), told)
        };
        let text = Writer::write(&document, &choices);
        sound(text.as_str());
        prop_assert_eq!(told("r.kdl", &text), told("r.json", &document.to_string()), "{}", text);
    }

    #[test]
    fn the_same_document_has_the_same_plan_in_both(
        document in good_document(),
        choices in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let text = Writer::write(&document, &choices);
        let yaml = serde_yaml::to_string(&document).unwrap();
        prop_assert_eq!(hash("r.kdl", &text), hash("r.yaml", &yaml), "{}", text);
        agrees(&text);
    }

    #[test]
    fn damaged_documents_are_answered(
        document in good_document(),
        choices in prop::collection::vec(any::<u8>(), 1..40),
        edits in prop::collection::vec(any::<Edit>(), 1..4),
    ) {
        let mut text = Writer::write(&document, &choices).into_bytes();
        for edit in &edits {
            text = edit.apply(text);
        }
        sound(text);
    }

    #[test]
    fn small_texts_are_read_as_the_reference_parser_reads_them(
        text in "([a-c{};=\"#/*\\\\()\n 0-9.+_ntr:,\\-]|\"\"\"|\"a\"|#true|/-|//|\r\n|\\\\u\\{41\\}){0,14}",
    ) {
        sound(text.as_str());
        agrees(&text);
    }
}

/// What both read must be equal; where only one refuses, the other is stricter.
fn agrees(text: &str) {
    let sources = Sources::single("r.kdl", text);
    let (id, _) = sources.iter().next().unwrap();
    let mut problems = Problems::default();
    let root = reader::parse(id, text, &Limits::default(), &mut problems);
    let refused = problems
        .iter()
        .any(|found| found.code == Code::SyntaxInvalidKdl);
    let reference = KdlDocument::parse_v2(text);
    // A colon at the end of a word is a habit of YAML, and refused.
    if reference.is_ok() && !text.contains(':') {
        assert!(!refused, "{text:?} {problems:?}");
    }
    if let (false, true, Ok(reference)) = (refused, problems.is_empty(), &reference) {
        let Tree::Map(entries) = &root.node.value else {
            assert!(reference.nodes().is_empty(), "{text:?}");
            return;
        };
        if reference
            .nodes()
            .iter()
            .all(|node| plain_name(node.name().value()))
        {
            assert_eq!(entries.len(), reference.nodes().len(), "{text:?}");
            for (entry, node) in entries.iter().zip(reference.nodes()) {
                assert_eq!(entry.key.value, node.name().value(), "{text:?}");
                same(&entry.value, node, text);
            }
        }
    }
}

fn plain_name(name: &str) -> bool {
    !matches!(
        name,
        "model" | "router" | "runtime" | "registration" | "Registration"
    )
}

/// Compares the values of one node.
fn same(ours: &Node<'_>, theirs: &KdlNode, text: &str) {
    let children = theirs.children().map_or(&[][..], KdlDocument::nodes);
    match &ours.value {
        Tree::Map(entries) => {
            let properties = theirs.entries().len();
            assert_eq!(entries.len(), properties + children.len(), "{text:?}");
            for (entry, property) in entries.iter().zip(theirs.entries()) {
                assert_eq!(entry.key.value, property.name().unwrap().value());
                same_value(&entry.value, property.value(), text);
            }
            for (entry, child) in entries[properties..].iter().zip(children) {
                same(&entry.value, child, text);
            }
        }
        Tree::List(items) if !children.is_empty() => {
            assert_eq!(items.len(), children.len(), "{text:?}");
            for (item, child) in items.iter().zip(children) {
                same(item, child, text);
            }
        }
        Tree::List(items) => {
            assert_eq!(items.len(), theirs.entries().len(), "{text:?}");
            for (item, entry) in items.iter().zip(theirs.entries()) {
                same_value(item, entry.value(), text);
            }
        }
        _ => match theirs.entries() {
            [] => assert_eq!(ours.value, Tree::Null, "{text:?}"),
            entries => same_value(ours, entries[0].value(), text),
        },
    }
}

fn same_value(ours: &Node<'_>, theirs: &KdlValue, text: &str) {
    match (&ours.value, theirs) {
        (Tree::Null, KdlValue::Null) => {}
        (Tree::Scalar(ours), KdlValue::String(theirs)) => {
            assert!(ours.quoted && ours.text == *theirs, "{text:?}");
        }
        (Tree::Scalar(ours), KdlValue::Bool(theirs)) => {
            assert_eq!(ours.text, theirs.to_string());
        }
        (Tree::Scalar(ours), _) => assert!(!ours.quoted, "{text:?}"),
        _ => panic!("{ours:?} {theirs:?} of {text:?}"),
    }
}

#[test]
fn the_twin_story_has_the_plan_of_its_yaml() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/compile");
    let plan = |story: &str| {
        compile(&support::sources(&fixtures.join(story)))
            .plan
            .unwrap()
    };
    assert_eq!(plan("kdl-twin"), plan("server-pool"));
}

#[test]
fn the_documented_examples_are_twins() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kdl.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = |language: &str| {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    assert_eq!(hash("r.kdl", &block("kdl")), hash("r.yaml", &block("yaml")));
}

#[test]
fn hostile_texts_are_refused_with_one_error() {
    let garbage: Vec<u8> = (0..100_000u32).map(|n| ((n * 7919) >> 3) as u8).collect();
    for (bytes, code) in [
        ("{".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        ("a {".repeat(10_000).into_bytes(), Code::SyntaxTooDeep),
        ("a /-{".repeat(10_000).into_bytes(), Code::SyntaxTooDeep),
        ("/- a {".repeat(10_000).into_bytes(), Code::SyntaxTooDeep),
        ("/*".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        ("}".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        ("a )".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        ("(".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        ("/-".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        ("#".repeat(100_000).into_bytes(), Code::SyntaxInvalidKdl),
        ("a #\"".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        (
            "\"\"\"
"
            .repeat(3)
            .into_bytes(),
            Code::SyntaxInvalidKdl,
        ),
        ("a \"\\u{110000}\"".into(), Code::SyntaxInvalidKdl),
        ("a \\".repeat(10_000).into_bytes(), Code::SyntaxInvalidKdl),
        (
            format!("a )\n{}", "/".repeat(200_000)).into_bytes(),
            Code::SyntaxInvalidKdl,
        ),
        ("a \0".into(), Code::SyntaxInvalidKdl),
        (b"a \"\xff\"".to_vec(), Code::SourceNotUtf8),
        (garbage, Code::SourceNotUtf8),
        (vec![b' '; 65 << 20], Code::SourceTooLarge),
        ("\n".repeat(1 << 20).into_bytes(), Code::SourceEmpty),
    ] {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(8)]).into_owned();
        let found = errors(bytes);
        assert_eq!(found.len(), 1, "{start}");
        assert_eq!(found, [code], "{start}");
    }
}

#[test]
fn mistakes_have_one_error_each() {
    const MODEL: &str =
        "model a { api \"https://a.example\"; key \"${K}\"; model m; interface anthropic }\n";
    for (text, code) in [
        ("PORT \"5678\"", Code::DocumentWrongType),
        ("PORT 0x10", Code::DocumentWrongType),
        ("PORT (u16)5678", Code::SyntaxUnsupportedTag),
        ("(x)PORT 5678", Code::SyntaxUnsupportedTag),
        ("PORT true", Code::SyntaxInvalidKdl),
        ("PORT: 5678", Code::SyntaxInvalidKdl),
        ("PORT 1\nPORT 2", Code::SyntaxDuplicateKey),
        (
            "runtime mode=server { mode server }",
            Code::SyntaxDuplicateKey,
        ),
        ("modle b { key \"${K}\" }", Code::DocumentMisspeltKey),
        ("router default=a", Code::SyntaxDuplicateKey),
        ("registration { endpiont b }", Code::DocumentMisspeltKey),
        ("smart_router { ruel b }", Code::DocumentMisspeltKey),
        (
            "smart_router { rule b { model a; regex x y } }",
            Code::DocumentWrongType,
        ),
        (
            "smart_router { rule b { model a; exact } }",
            Code::DocumentMissingKey,
        ),
        ("model b id=c api=x", Code::SyntaxDuplicateKey),
    ] {
        let text = format!("{MODEL}router {{ default a }}\n{text}\n");
        let found = errors(text.as_str());
        assert_eq!(found.first(), Some(&code), "{text}: {found:?}");
        if !text.contains("api=x") {
            assert_eq!(found.len(), 1, "{text}: {found:?}");
        }
    }
}

#[test]
fn large_texts_are_read_in_time_that_grows_with_them() {
    let line = "/- x key=\"s\" /-{ y \"${A}\" \\\n 1 } /* c */; ".repeat(100_000);
    assert_eq!(errors(line.replace("\\\n", "")), [Code::SourceEmpty]);
    let quotes = format!("LOG {}", "\"a\\tb\" ".repeat(200_000));
    assert_eq!(errors(quotes), [Code::ModelNone]);
}

#[test]
fn secrets_are_not_quoted() {
    let text = "model a {\n  key \"top secret words\"\n  modle \"m\"\n}\n";
    let (sources, compiled) = sound(text);
    let shown = support::problems(&compiled.problems, &sources);
    assert!(
        shown.contains("modle") && !shown.contains("secret words"),
        "{shown}"
    );
}

#[test]
fn fixes_are_written_as_kdl() {
    for (text, wanted) in [
        ("registration enabled=\"true\"", "#true"),
        ("PORT \"5678\"", "5678"),
    ] {
        let (_, compiled) = sound(text);
        let mut fixes = compiled
            .problems
            .iter()
            .filter_map(|found| found.fix.as_ref());
        assert_eq!(fixes.next().unwrap().replacement, wanted);
    }
}
