//! What an editor is told at a cursor, which `‸` marks, in YAML, JSON and KDL,
//! and in texts that do not parse.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

#[path = "assist/hostile.rs"]
mod hostile;
#[path = "assist/names.rs"]
mod names;

use ctr_compiler::assist::{self, Completion};
use ctr_compiler::compile;
use ctr_compiler::source::{SourceId, Sources};
use names::NAMES;

const HEAD: &str = r#"
Models:
  - {id: haiku, api: "https://a.example", key: "${A_KEY}", model: m}
Registration:
  enabled: true
  upstream_services:
    - {id: dc-a, base_url: "https://a.example"}
  models:
    - {id: sonnet, api: "https://a.example", key: "${A_KEY}", model: m, metadata: {pool_endpoint_id: s-a, upstream_service_id: dc-a}}
    - {id: sonnet, api: "https://b.example", key: "${B_KEY}", model: m, metadata: {pool_endpoint_id: s-b, pool_priority: 1}}
"#;

/// A document set of one text, and the cursor in it.
fn at_cursor(name: &str, text: &str) -> (Sources, SourceId, usize) {
    let offset = text.find('‸').unwrap();
    let sources = Sources::single(name, text.replace('‸', ""));
    let id = sources.iter().next().unwrap().0;
    (sources, id, offset)
}

fn completions(name: &str, text: &str) -> Vec<Completion> {
    let (sources, id, offset) = at_cursor(name, text);
    assist::complete(&sources, id, offset, &["HOME_KEY".to_owned()])
}

/// Each completion as a line, and the line that the first one gives.
fn page(name: &str, text: &str) -> String {
    let (sources, id, _) = at_cursor(name, text);
    let source = sources.get(id).text();
    let line = text.lines().find(|line| line.contains('‸')).unwrap();
    let mut page = format!("{}\n", line.trim());
    for found in completions(name, text) {
        let written = found.snippet.as_ref().unwrap_or(&found.text);
        let replaced = &source[found.span.range()];
        let old = if found.is_old { " (old)" } else { "" };
        page.push_str(&format!(
            "    {}{old}: {} [{}] → {:?}\n",
            found.label, found.detail, replaced, written
        ));
    }
    page
}

fn labels(name: &str, text: &str) -> Vec<String> {
    completions(name, text)
        .into_iter()
        .map(|found| found.label)
        .collect()
}

fn pages(name: &str, texts: &[String]) -> String {
    texts
        .iter()
        .map(|text| page(name, text))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn what_yaml_is_offered() {
    let tails = [
        "Router:\n  ‸\n",
        "Router:\n  default: ‸\n",
        "Router:\n  default:‸\n",
        "Router: {default: so‸, think: haiku}\n",
        "Router:\n  default: \"so‸\"\n",
        "Router:\n  default: sonnet\n  thi‸nk: haiku\n",
        "SmartRouter:\n  enabled: ‸\n",
        "SmartRouter:\n  rules:\n    - ‸\n",
        "SmartRouter:\n  rules:\n    - name: fast\n      ‸\n",
        "SmartRouter:\n  rules:\n    - name: fast\n  semantic:\n    prototypes:\n      ‸\n",
        "SmartRouter:\n  fall‸\n",
        "Governance: {shadow: {mode: ‸}}\n",
        "Auth:\n  managed_keys:\n    - scopes: [‸]\n",
        "APIKEY: \"${‸\n",
        "APIKEY: \"${A‸}\"\n",
        "APIKEY: ‸\n",
        "TriggerRouter:\n  ‸\n",
        "PORT: ‸\n",
    ];
    let texts: Vec<String> = tails.iter().map(|tail| format!("{HEAD}{tail}")).collect();
    support::snapshot("assist", "complete-yaml", &pages("a.yaml", &texts));
}

#[test]
fn what_the_top_and_entries_are_offered() {
    let texts = [
        "‸".to_owned(),
        HEAD.replace(
            "metadata: {pool_endpoint_id: s-a, upstream_service_id: dc-a}",
            "metadata: {upstream_service_id: ‸}",
        ),
        HEAD.replace("{id: haiku, ", "{‸"),
        "Models:\n  - id: a\n    thinking: ‸\n".to_owned(),
        "Registration:\n  ‸\n  strategy: priority\n".to_owned(),
        "Registration:\n  models:\n    - id: a\n      metadata:\n        pool_‸\n".to_owned(),
    ];
    support::snapshot("assist", "complete-entries", &pages("a.yaml", &texts));
}

#[test]
fn what_json_is_offered() {
    let texts = [
        "{\"Models\": [{\"id\": \"a\"}], \"Router\": {‸}}".to_owned(),
        "{\"Models\": [{\"id\": \"a\"}], \"Router\": {\"default\": ‸}}".to_owned(),
        "{\"Models\": [{\"id\": \"a\"}], \"Router\": {\"default\": \"‸\"}}".to_owned(),
    ];
    support::snapshot("assist", "complete-json", &pages("a.json", &texts));
}

const KDL: &str = r#"
model "haiku" {
    api "https://a.example"
    key "${A_KEY}"
    model "m"
}
registration enabled=#true {
    upstream_service "dc-a" { base_url "https://a.example" }
    endpoint "sonnet" {
        api "https://a.example"
        key "${A_KEY}"
        model "m"
        metadata pool_endpoint_id="s-a" upstream_service_id="dc-a"
    }
}
"#;

#[test]
fn what_kdl_is_offered() {
    let tails = [
        "‸\n",
        "router {\n    ‸\n}\n",
        "router {\n    default ‸\n}\n",
        "router { default \"so‸\"; think \"haiku\" }\n",
        "router default=‸\n",
        "model \"new\" {\n    ‸\n}\n",
        "model \"new\" {\n    metadata ‸\n}\n",
        "registration {\n    endpoint \"x\" {\n        metadata upstream_service_id=\"‸\"\n    }\n}\n",
        "SmartRouter enabled=‸\n",
        "SmartRouter {\n    rules {\n        - name=\"fast\" ‸\n    }\n}\n",
        "smart_router {\n    ‸\n}\n",
        "smart_router {\n    rule \"fast\" {\n        ‸\n    }\n}\n",
        "smart_router {\n    candidate \"‸\"\n}\n",
        "governance { cascade { level \"haiku\" to=‸ } }\n",
        "APIKEY \"${‸\"\n",
    ];
    let texts: Vec<String> = tails.iter().map(|tail| format!("{KDL}{tail}")).collect();
    support::snapshot("assist", "complete-kdl", &pages("a.kdl", &texts));
}

#[test]
fn a_broken_text_is_helped_all_the_same() {
    for (text, wanted) in [
        (
            "Models:\n  - id: a\n    api: {\n    k‸\nRouter:\n  default: a\n",
            "key",
        ),
        (
            "Models:\n  - id: a\nRouter:\n  default: [a\n  th‸\n",
            "think",
        ),
        ("Router: {default: a, th‸\nModels:\n  - id: a\n", "think"),
        (
            "x: \"open\nModels:\n  - id: abc\nRouter:\n  default: ‸\n",
            "abc",
        ),
        (
            "Router:\n  default: ‸\nModels:\n  - id: abc\n  : :\n - {{{\n",
            "abc",
        ),
        ("Router:\r\n  default: a\r\n  ‸\r\n", "think"),
        ("Models:\n- id: a\n  m‸\n", "model"),
    ] {
        let labels = labels("a.yaml", text);
        assert!(
            labels.iter().any(|label| label == wanted),
            "{text}\n{labels:?}"
        );
    }
    for (text, wanted) in [
        ("model \"a\" {\n    api \"x\n    ‸\n}\n", "key"),
        ("router {\n    default ‸\n\nmodel \"abc\" {\n", "abc"),
        ("model \"a\" { ‸", "api"),
        ("router { think \"a\"; de‸ }", "default"),
    ] {
        let labels = labels("a.kdl", text);
        assert!(
            labels.iter().any(|label| label == wanted),
            "{text}\n{labels:?}"
        );
    }
}

#[test]
fn codes_and_levels_are_offered() {
    for (name, text, wanted) in [
        (
            "a.yaml",
            "Lint:\n  ‸\n",
            ["waivers", "pool/shared-upstream"],
        ),
        ("a.yaml", "Lint:\n  pool/unreached: ‸\n", ["allow", "deny"]),
        (
            "a.yaml",
            "Lint: {waivers: [{code: ‸}]}\n",
            ["env/unset", "pool/shared-upstream"],
        ),
        (
            "a.kdl",
            "Lint { \"pool/unreached\" ‸ }\n",
            ["allow", "deny"],
        ),
    ] {
        let labels = labels(name, text);
        let has = |label: &str| labels.iter().any(|known| known == label);
        assert!(wanted.iter().all(|label| has(label)), "{text}: {labels:?}");
    }
    let labels = labels("a.yaml", "Lint:\n  pool/unreached: deny\n  ‸\n");
    assert!(!labels.contains(&"pool/unreached".to_owned()), "{labels:?}");
}

#[test]
fn nothing_is_offered_where_nothing_fits() {
    for text in [
        "# Rou‸\n",
        "Router:\n  default: a # so‸\n",
        "unknown:\n  ‸\n",
        "Router:\n  default:\n    x:\n      ‸\n",
        "SmartRouter:\n  rules:\n    - description: |\n        a ‸\n",
        "Router: {default: a}‸\n",
    ] {
        assert_eq!(labels("a.yaml", text), [""; 0], "{text}");
    }
    for text in ["// mod‸\n", "/* mod‸ */\n", "model \"‸\" {\n}\n"] {
        assert_eq!(labels("a.kdl", text), [""; 0], "{text}");
    }
}

#[test]
fn keys_that_are_there_are_not_offered_again() {
    let text = "Router:\n  think: a\n  ‸\n  default: b\nModels: []\n";
    let labels = labels("a.yaml", text);
    assert!(labels.contains(&"background".to_owned()));
    assert!(
        !labels
            .iter()
            .any(|label| label == "think" || label == "default")
    );
    let old = "Models:\n  - id: a\n    api_key: b\n    ‸\n";
    let labels = self::labels("a.yaml", old);
    assert!(!labels.contains(&"key".to_owned()), "{labels:?}");
}

/// What is accepted compiles to something better: no mistake of syntax, and the
/// key that was chosen is there.
#[test]
fn accepted_keys_parse() {
    for (name, text) in [
        ("a.yaml", "‸\n"),
        ("a.yaml", "Router:\n  ‸\n"),
        ("a.yaml", "Router: {‸}\n"),
        ("a.yaml", "Models:\n  - id: a\n    ‸\n"),
        ("a.yaml", "SmartRouter:\n  rules:\n    - ‸\n"),
        ("a.yaml", "SmartRouter:\n  ‸\n"),
        ("a.yaml", "Governance:\n  cascade:\n    ‸\n"),
        ("a.json", "{‸}\n"),
        ("a.json", "{\"Models\": [{‸}]}\n"),
        ("a.kdl", "‸\n"),
        ("a.kdl", "router {\n    ‸\n}\n"),
        ("a.kdl", "registration {\n    ‸\n}\n"),
        ("a.kdl", "model \"a\" {\n    ‸\n}\n"),
        ("a.kdl", "model \"a\" {\n    metadata ‸\n}\n"),
        ("a.kdl", "SmartRouter {\n    ‸\n}\n"),
    ] {
        let (sources, id, offset) = at_cursor(name, text);
        let found = completions(name, text);
        assert!(!found.is_empty(), "{text}");
        // A property without a value is still to be filled in.
        for completion in found.into_iter().filter(|found| !found.text.ends_with('=')) {
            let source = sources.get(id).text();
            let line = &source[..offset];
            let line = &line[line.rfind('\n').map_or(0, |at| at + 1)..];
            let indent = line.len() - line.trim_start().len();
            let indent = format!("\n{}", " ".repeat(indent));
            let mut text = source.to_owned();
            text.replace_range(
                completion.span.range(),
                &completion.text.replace('\n', &indent),
            );
            let sources = Sources::single(name, text.clone());
            let problems = compile(&sources).problems;
            let wrong = problems.iter().find(|found| {
                let code = found.code.as_str();
                code.starts_with("syntax/")
                    || code == "document/unknown-key"
                    || code == "document/misspelt-key"
            });
            assert!(wrong.is_none(), "{text}\n{wrong:?}");
        }
    }
}

#[test]
fn what_hovering_says() {
    let mut page = String::new();
    let mut say = |name: &str, text: &str| {
        let (sources, id, offset) = at_cursor(name, text);
        let line = text.lines().find(|line| line.contains('‸')).unwrap().trim();
        let told = assist::hover(&sources, id, offset).map(|hover| {
            format!(
                "[{}]\n{}",
                &sources.get(id).text()[hover.span.range()],
                hover.text
            )
        });
        page.push_str(&format!("=== {line}\n{}\n\n", told.unwrap_or_default()));
    };
    let tail = |tail: &str| format!("{NAMES}{tail}");
    say("a.yaml", &tail("Router: {default: son‸net}\n"));
    say("a.yaml", &tail("Router: {default: hai‸ku}\n"));
    say("a.yaml", &tail("Router: {default: nob‸ody}\n"));
    say("a.yaml", &tail("Router: {def‸ault: haiku}\n"));
    say("a.yaml", &NAMES.replace("\"s@a\"", "\"s@‸a\""));
    say(
        "a.yaml",
        &NAMES.replace("registration__s_a", "registration‸__s_a"),
    );
    say("a.yaml", &NAMES.replacen("dc-a", "dc‸-a", 1));
    say("a.yaml", &NAMES.replacen("      fast:", "      fa‸st:", 1));
    say("a.yaml", &NAMES.replacen("${A_KEY}", "${A_‸KEY}", 1));
    say(
        "a.yaml",
        "Models:\n  - {id: a, api‸_base_url: b, key: \"${K:-d}\", model: m}\n",
    );
    say("a.yaml", "Registration: {strat‸egy: priority}\n");
    say("a.yaml", "Registration: {no‸des: 1}\n");
    say("a.yaml", "APIKEY: sk-verysecretverysecretvery‸secret\n");
    say(
        "a.yaml",
        "Providers:\n  - {name: deep, api_base_url: \"https://user:pw@x.example\", models: [a, b]}\nRouter: {default: \"de‸ep,b\"}\n",
    );
    say("a.kdl", &format!("{KDL}router {{ default \"son‸net\" }}\n"));
    say("a.kdl", "model \"a\" { thin‸king \"on\" }\n");
    say("a.yaml", "Lint: {pool/shared-‸upstream: deny}\n");
    support::snapshot("assist", "hover", &page);
}
