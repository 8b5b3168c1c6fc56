//! What a document says about findings: how grave they are, and which are
//! accepted at one place until a day.

use ctr_compiler::diagnostic::{Code, Severity};
use ctr_compiler::diff::diff;
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, Settings, compile, compile_within, render, unset_variables};
use jiff::civil::{Date, date};

const TODAY: Date = date(2026, 7, 1);

/// Two pools, each behind one host, and an endpoint named by its position.
const POOLS: &str = r#"Registration:
  enabled: true
  models:
    - {id: one, api: "https://a.example/1/v1", key: "${A}", model: m, metadata: {pool_endpoint_id: one-a}}
    - {id: one, api: "https://a.example/2/v1", key: "${B}", model: m, metadata: {pool_endpoint_id: one-b}}
    - {id: gpt-4.1, api_base_url: "https://b.example/1/v1", key: "${A}", model: m, metadata: {pool_endpoint_id: two-a}}
    - {id: gpt-4.1, api_base_url: "https://b.example/2/v1", key: "${B}", model: m, metadata: {pool_endpoint_id: two-b}}
Router: {default: one, think: gpt-4.1}
"#;

fn on(text: &str, today: Option<Date>) -> Compiled {
    let settings = Settings {
        today,
        ..Settings::default()
    };
    compile_within(&Sources::single("r.yaml", text), &settings)
}

fn told(compiled: &Compiled) -> Vec<(Code, Severity)> {
    let found = compiled.problems.iter();
    found.map(|found| (found.code, found.severity)).collect()
}

fn codes(compiled: &Compiled) -> Vec<&'static str> {
    let found = compiled.problems.iter();
    found.map(|found| found.code.as_str()).collect()
}

/// `text` with a waiver of `code` at `at`.
fn waived(text: &str, code: &str, at: &str) -> String {
    format!(
        "{text}Lint:\n  waivers: [{{code: {code}, at: \"{at}\", reason: agreed, until: 2026-07-01}}]\n"
    )
}

#[test]
fn a_level_counts_everywhere() {
    let shared = Code::PoolSharedUpstream;
    let plain = on(POOLS, None);
    assert_eq!(
        codes(&plain)
            .iter()
            .filter(|code| **code == "pool/shared-upstream")
            .count(),
        2
    );
    for (level, severity) in [
        ("allow", None),
        ("note", Some(Severity::Note)),
        ("warn", Some(Severity::Warning)),
        ("deny", Some(Severity::Error)),
    ] {
        let leveled = on(
            &format!("{POOLS}Lint: {{pool/shared-upstream: {level}}}\n"),
            None,
        );
        let found: Vec<Severity> = told(&leveled)
            .into_iter()
            .filter(|(code, _)| *code == shared)
            .map(|(_, severity)| severity)
            .collect();
        assert_eq!(found, severity.map_or(vec![], |severity| vec![severity; 2]));
        assert_eq!(leveled.plan.is_none(), level == "deny");
        assert!(leveled.waived.is_empty());
    }
}

#[test]
fn a_note_can_be_raised_too() {
    let note = told(&on(POOLS, None));
    assert!(note.contains(&(Code::DocumentOldSpelling, Severity::Note)));
    let raised = on(
        &format!("{POOLS}Lint: {{document/old-spelling: deny}}\n"),
        None,
    );
    assert!(told(&raised).contains(&(Code::DocumentOldSpelling, Severity::Error)));
    assert!(raised.plan.is_none());
}

#[test]
fn a_waiver_hides_what_lies_at_its_place() {
    for (at, hidden) in [
        ("Registration.models.one", 1),
        ("Registration.models.gpt-4.1", 1),
        ("Registration.models", 2),
        ("Registration", 2),
        ("Registration.models[0]", 1),
        ("Registration.models[0].api", 1),
        ("Registration.models.one-a", 1),
        ("Registration.models.one-a.api", 1),
        ("Registration.models.gpt-4.1.api", 1),
        ("Registration.models.gpt-4.1.api_base_url", 1),
        // The finding lies at the first endpoint; the second is only shown.
        ("Registration.models.one-b", 0),
        ("Registration.models[1]", 0),
        ("Registration.models.one.key", 0),
        ("Router", 0),
    ] {
        let compiled = on(&waived(POOLS, "pool/shared-upstream", at), Some(TODAY));
        assert_eq!(compiled.waived.len(), hidden, "{at}");
        let left = codes(&compiled);
        let left = left.iter().filter(|code| **code == "pool/shared-upstream");
        assert_eq!(left.count(), 2 - hidden, "{at}");
        let unused = codes(&compiled).contains(&"lint/unused-waiver");
        assert_eq!(unused, hidden == 0, "{at}");
        assert!(compiled.plan.is_some(), "{at}");
    }
}

#[test]
fn a_path_that_leads_nowhere_is_told_where_it_ends() {
    for (at, lost, help) in [
        ("Registration.models.onee", "onee", "did you mean `one`?"),
        (
            "Registration.modles.one",
            "modles",
            "did you mean `models`?",
        ),
        ("Registration.models[4]", "[4]", "write keys"),
        ("Registration.models.one.apj", "apj", "did you mean `api`?"),
        ("Registration.enabled.x", "x", "write keys"),
        ("Modles", "Modles", "write keys"),
        (".", ".", "write keys"),
        ("[", "[", "write keys"),
    ] {
        let text = waived(POOLS, "pool/shared-upstream", at);
        let compiled = on(&text, Some(TODAY));
        let found = compiled.problems.iter();
        let found: Vec<_> = found
            .filter(|one| one.code == Code::LintUnknownPlace)
            .collect();
        let [found] = found.as_slice() else {
            panic!("{at}: {:?}", codes(&compiled))
        };
        let place = &text[found.span().unwrap().range()];
        assert_eq!(place.trim_matches('"'), lost, "{at}");
        assert!(
            found.help.as_deref().unwrap().starts_with(help),
            "{at}: {found:?}"
        );
        assert!(!codes(&compiled).contains(&"lint/unused-waiver"), "{at}");
    }
}

#[test]
fn a_waiver_is_stronger_than_a_level() {
    let denied = waived(POOLS, "pool/shared-upstream", "Registration.models.one");
    let denied = denied.replace("Lint:\n", "Lint:\n  pool/shared-upstream: deny\n");
    let compiled = on(&denied, Some(TODAY));
    assert!(told(&compiled).contains(&(Code::PoolSharedUpstream, Severity::Error)));
    let both = denied.replace("models.one", "models");
    let compiled = on(&both, Some(TODAY));
    assert!(compiled.plan.is_some());
    assert_eq!(compiled.waived.len(), 2);
    assert_eq!(compiled.waived[0].diagnostic.severity, Severity::Error);
    assert_eq!(compiled.waived[0].reason, "agreed");
}

#[test]
fn the_last_day_counts_and_the_next_does_not() {
    let text = waived(POOLS, "pool/shared-upstream", "Registration");
    for (today, expired) in [
        (None, false),
        (Some(TODAY), false),
        (Some(date(2026, 7, 2)), true),
    ] {
        let compiled = on(&text, today);
        assert_eq!(codes(&compiled).contains(&"lint/expired-waiver"), expired);
        assert_eq!(codes(&compiled).contains(&"pool/shared-upstream"), expired);
        assert_eq!(compiled.plan.is_none(), expired);
    }
}

#[test]
fn the_first_of_two_waivers_hides() {
    let text = format!(
        "{POOLS}Lint:\n  waivers:\n    - {{code: pool/shared-upstream, at: Registration.models.one, reason: a, until: 2999-01-01}}\n    - {{code: pool/shared-upstream, at: Registration.models, reason: b, until: 2999-01-01}}\n"
    );
    let compiled = on(&text, Some(TODAY));
    let reasons: Vec<&str> = compiled
        .waived
        .iter()
        .map(|waived| waived.reason.as_str())
        .collect();
    // The one that reaches furthest is asked first, so the other hides nothing.
    assert_eq!(reasons, ["b", "b"]);
    assert!(codes(&compiled).contains(&"lint/unused-waiver"));
}

#[test]
fn what_is_missing_or_wrong_is_one_mistake_each() {
    for (waiver, code) in [
        (
            "{at: Router, reason: r, until: 2999-01-01}",
            "document/missing-key",
        ),
        (
            "{code: env/unset, reason: r, until: 2999-01-01}",
            "document/missing-key",
        ),
        (
            "{code: env/unset, at: Router, until: 2999-01-01}",
            "document/missing-key",
        ),
        (
            "{code: env/unset, at: Router, reason: r}",
            "document/missing-key",
        ),
        (
            "{code: env/unset, at: Router, reason: r, until: soon}",
            "document/wrong-type",
        ),
        (
            "{code: env/unset, at: Router, reason: r, until: 2026-02-30}",
            "document/wrong-type",
        ),
        (
            "{code: env/unst, at: Router, reason: r, until: 2999-01-01}",
            "lint/unknown-code",
        ),
        (
            "{code: env/malformed, at: Router, reason: r, until: 2999-01-01}",
            "lint/not-adjustable",
        ),
        (
            "{code: lint/unused-waiver, at: Router, reason: r, until: 2999-01-01}",
            "lint/not-adjustable",
        ),
        (
            "{code: env/unset, at: Roter, reason: r, until: 2000-01-01}",
            "lint/expired-waiver",
        ),
    ] {
        let text = "Models: [{id: a, api: \"https://a.example\", key: \"${K}\", model: m}]\nRouter: {default: a}\n";
        let compiled = on(
            &format!("{text}Lint: {{waivers: [{waiver}]}}\n"),
            Some(TODAY),
        );
        assert_eq!(codes(&compiled), [code], "{waiver}");
    }
    for (lint, code) in [
        ("waiver: []", "lint/unknown-code"),
        ("pool/unreached: maybe", "document/unknown-value"),
        ("pool/unreached: {a: b}", "document/wrong-type"),
        ("env/malformed: note", "lint/not-adjustable"),
        ("lint/expired-waiver: warn", "lint/not-adjustable"),
    ] {
        let text = "Models: [{id: a, api: \"https://a.example\", key: \"${K}\", model: m}]\nRouter: {default: a}\n";
        let compiled = on(&format!("{text}Lint: {{{lint}}}\n"), Some(TODAY));
        assert_eq!(codes(&compiled), [code], "{lint}");
    }
    // What could not be read may be what the waiver is for.
    let text = waived(POOLS, "pool/unreached", "Registration.models.three");
    let broken = text.replace("Router:", "Router: {\nX:");
    let compiled = on(&broken, Some(TODAY));
    assert!(
        !codes(&compiled)
            .iter()
            .any(|code| code.starts_with("lint/")),
        "{:?}",
        codes(&compiled)
    );
}

#[test]
fn errors_keep_a_waiver_from_being_called_unused() {
    let text = waived(POOLS, "pool/unreached", "Registration.models.one");
    assert!(codes(&on(&text, None)).contains(&"lint/unused-waiver"));
    let text = text.replace("default: one", "default: oen");
    assert!(!codes(&on(&text, None)).contains(&"lint/unused-waiver"));
}

#[test]
fn an_unused_waiver_has_a_level_as_well() {
    let text = waived(POOLS, "pool/unreached", "Registration.models.one");
    for (level, wanted) in [("allow", None), ("deny", Some(Severity::Error))] {
        let text = text.replace(
            "Lint:\n",
            &format!("Lint:\n  lint/unused-waiver: {level}\n"),
        );
        let compiled = on(&text, None);
        let found = told(&compiled).into_iter();
        let found = found.filter(|(code, _)| *code == Code::LintUnusedWaiver);
        assert_eq!(found.map(|(_, severity)| severity).next(), wanted);
        assert_eq!(compiled.plan.is_none(), wanted.is_some());
    }
}

#[test]
fn the_plan_does_not_know_of_it() {
    let plain = on(POOLS, None).plan.unwrap();
    let text = waived(POOLS, "pool/shared-upstream", "Registration.models.one");
    let text = text.replace("Lint:\n", "Lint:\n  document/old-spelling: allow\n");
    let judged = on(&text, None).plan.unwrap();
    assert_eq!(plain.hash(), judged.hash());
    assert!(diff(&plain, &judged).is_empty());
}

#[test]
fn variables_are_judged_when_they_are_looked_for() {
    let text = waived(POOLS, "env/unset", "Registration.models.one-a");
    let mut compiled = on(&text, Some(TODAY));
    // Whether a variable is set is not known here, so it is not called unused.
    assert!(!codes(&compiled).contains(&"lint/unused-waiver"));
    let unset = unset_variables(&compiled, &|_| None);
    assert_eq!(unset.len(), 2);
    compiled.add(unset);
    // `A` is first used by the endpoint of the waiver, `B` is not.
    let left = codes(&compiled)
        .into_iter()
        .filter(|code| *code == "env/unset");
    assert_eq!(left.count(), 1);
    assert_eq!(compiled.waived.len(), 1);
    let denied = text.replace("Lint:\n", "Lint:\n  env/unset: deny\n");
    let mut compiled = on(&denied, Some(TODAY));
    let unset = unset_variables(&compiled, &|_| None);
    compiled.add(unset);
    assert!(compiled.problems.has_errors());
}

#[test]
fn every_syntax_says_the_same() {
    let body = r#"registration enabled=#true {
    endpoint "one" { api "https://a.example/1/v1"; key "${A}"; model "m"; metadata pool_endpoint_id="one-a"; }
    upstream_service "x" base_url="https://x.example"
    endpoint "one" { api "https://a.example/2/v1"; key "${B}"; model "m"; metadata pool_endpoint_id="one-b"; }
}
router default="one"
"#;
    let waiver = r#"at="Registration.models.one" reason="agreed" until="2026-07-01""#;
    for lint in [
        format!("lint {{ \"pool/unreached\" deny; waiver \"pool/shared-upstream\" {waiver} }}\n"),
        "Lint \"pool/unreached\"=deny { waiver { code \"pool/shared-upstream\"; at \"Registration.models.one\"; reason agreed; until \"2026-07-01\"; }; }\n"
            .to_owned(),
        format!("Lint {{ waivers {{ - code=\"pool/shared-upstream\" {waiver}; }}; }}\n"),
    ] {
        let sources = Sources::single("r.kdl", format!("{body}{lint}"));
        let compiled = compile(&sources);
        assert_eq!(codes(&compiled), Vec::<&str>::new(), "{lint}");
        assert_eq!(compiled.waived.len(), 1, "{lint}");
    }
    let json = r#"{"Registration": {"enabled": true, "models": [
        {"id": "one", "api": "https://a.example/1/v1", "key": "${A}", "model": "m", "metadata": {"pool_endpoint_id": "a"}},
        {"id": "one", "api": "https://a.example/2/v1", "key": "${B}", "model": "m", "metadata": {"pool_endpoint_id": "b"}}]},
        "Router": {"default": "one"},
        "Lint": {"pool/unreached": "deny", "waivers": [{"code": "pool/shared-upstream", "at": "Registration.models.one", "reason": "agreed", "until": "2026-07-01"}]}}"#;
    let compiled = compile(&Sources::single("r.json", json));
    assert_eq!(codes(&compiled), Vec::<&str>::new());
    assert_eq!(compiled.waived.len(), 1);
}

#[test]
fn several_files_are_one_place() {
    let (first, second) = POOLS.split_once("    - {id: gpt-4.1").unwrap();
    let mut sources = Sources::new();
    sources.add(
        "a.yaml",
        waived("", "pool/shared-upstream", "Registration.models"),
    );
    sources.add("b.yaml", first);
    sources.add(
        "c.yaml",
        format!("Registration:\n  models:\n    - {{id: gpt-4.1{second}"),
    );
    sources.add("d.yaml", "Lint: {document/old-spelling: allow}\n");
    let compiled = compile(&sources);
    assert_eq!(codes(&compiled), Vec::<&str>::new());
    assert_eq!(compiled.waived.len(), 2);
}

#[test]
fn an_alias_lies_where_it_is_written() {
    let text = r#"Models:
  - {id: a, api: "https://a.example", key: "${K}", model: m, metadata: &tiny {context_window_tokens: 200}}
  - {id: b, api: "https://a.example", key: "${K}", model: m, metadata: *tiny}
Router: {default: a, think: b}
"#;
    // The number stands once, for both; either place hides what is told of it.
    for at in ["Models.a.metadata", "Models.b.metadata"] {
        let compiled = on(&waived(text, "document/implausible-number", at), None);
        assert_eq!(codes(&compiled), Vec::<&str>::new(), "{at}");
    }
    let compiled = on(
        &waived(text, "document/implausible-number", "Models.b.id"),
        None,
    );
    assert_eq!(codes(&compiled).len(), 3);
}

#[test]
fn machines_are_told_of_waivers() {
    let sources = Sources::single(
        "r.yaml",
        waived(POOLS, "pool/shared-upstream", "Registration.models.one"),
    );
    let compiled = compile(&sources);
    let listed = render::problems::waived(&compiled.waived, &sources);
    assert_eq!(listed[0]["code"], "pool/shared-upstream");
    assert_eq!(listed[0]["line"], 4);
    assert_eq!(listed[0]["waiver"]["reason"], "agreed");
    assert_eq!(listed[0]["waiver"]["until"], "2026-07-01");
    assert_eq!(listed[0]["waiver"]["line"], 10);
    let log = render::sarif::json(compiled.problems.iter(), &compiled.waived, &sources, "1");
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), compiled.problems.len() + 1);
    let suppressed: Vec<_> = results
        .iter()
        .filter(|result| !result["suppressions"].is_null())
        .collect();
    let [result] = suppressed.as_slice() else {
        panic!("{log:#}")
    };
    assert_eq!(result["ruleId"], "pool/shared-upstream");
    let suppression = &result["suppressions"][0];
    assert_eq!(suppression["kind"], "inSource");
    assert_eq!(suppression["status"], "accepted");
    assert_eq!(suppression["justification"], "agreed (until 2026-07-01)");
    assert_eq!(
        suppression["location"]["physicalLocation"]["region"]["startLine"],
        10
    );
}

#[test]
fn many_waivers_each_find_their_place() {
    const MANY: usize = 3_000;
    let mut text = String::from("Registration:\n  enabled: true\n  models:\n");
    let mut lint = String::from(
        "Router: {default: p0}\nLint:\n  pool/unreached: allow\n  pool/positional-endpoint-id: allow\n  waivers:\n",
    );
    for pool in 0..MANY {
        for path in 0..2 {
            text.push_str(&format!(
                "    - {{id: p{pool}, api: \"https://a.example/{path}/v1\", key: \"${{K{path}}}\", model: m}}\n"
            ));
        }
        lint.push_str(&format!(
            "    - {{code: pool/shared-upstream, at: Registration.models.p{pool}, reason: r, until: 2999-01-01}}\n"
        ));
    }
    let compiled = on(&(text + &lint), Some(TODAY));
    assert_eq!(codes(&compiled), Vec::<&str>::new());
    assert_eq!(compiled.waived.len(), MANY);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests read pages")]
fn the_page_is_true() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/lint.md");
    let page = std::fs::read_to_string(page).unwrap();
    let hashes = ["yaml", "kdl"].map(|language| {
        let (_, block) = page.split_once(&format!("```{language}\n")).unwrap();
        let text = block.split("```").next().unwrap();
        let compiled = compile(&Sources::single(format!("r.{language}"), text));
        assert_eq!(codes(&compiled), Vec::<&str>::new());
        assert_eq!(compiled.waived.len(), 1);
        compiled.plan.unwrap().hash()
    });
    assert_eq!(hashes[0], hashes[1]);
}
