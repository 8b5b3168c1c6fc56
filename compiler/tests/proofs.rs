//! What is proved about pools, and where a proof would be a guess and nothing
//! is said.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use std::path::Path;

use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile};

fn compiled(text: &str) -> Compiled {
    compile(&Sources::single("r.yaml", text))
}

/// `code: headline` of everything that is said.
fn said(text: &str) -> Vec<String> {
    let found = compiled(text).problems;
    let lines = found
        .iter()
        .map(|one| format!("{}: {}", one.code, one.headline));
    lines.collect()
}

/// A pool `team` of entries that differ in `api`, `key` and more metadata, and
/// two models besides; `default` names the pool.
fn team(entries: &[(&str, &str, &str)]) -> String {
    let mut text = String::from(
        "Models:\n  - {id: other, api: \"https://m.example\", key: \"${K}\", model: m}\n\
         Registration:\n  enabled: true\n  upstream_services: [{id: dc, base_url: \"https://dc.example\"}]\n  models:\n",
    );
    for (at, (api, key, metadata)) in entries.iter().enumerate() {
        text.push_str(&format!(
            "    - {{id: team, api: \"{api}\", key: \"{key}\", model: m, metadata: {{pool_endpoint_id: e{at}{metadata}}}}}\n"
        ));
    }
    text + "Router: {default: team}\n"
}

#[test]
fn what_is_shared_is_named_once() {
    let service = ", upstream_service_id: dc";
    let off = ", pool_enabled: false";
    let nothing: &[&str] = &[];
    let share = |what| format!("pool/shared-upstream: all endpoints of pool `team` share {what}");
    let (service_too, host, key) = (
        share("the upstream service `dc`"),
        share("the host `a.example`"),
        share("one key"),
    );
    let (service_too, host, key) = (&[&*service_too][..], &[&*host][..], &[&*key][..]);
    for (one, other, wanted) in [
        (
            ("https://a.example", "${A}", service),
            ("https://a.example", "${A}", service),
            service_too,
        ),
        (
            ("https://a.example", "${A}", service),
            ("https://A.example.:8443/x/v1", "${A}", ""),
            host,
        ),
        (
            ("https://a.example", "${A}", ""),
            ("https://b.example", "${A:-}", ""),
            key,
        ),
        (
            ("https://${H}", "${A}", ""),
            ("https://${H}", "${A}", ""),
            key,
        ),
        (
            ("https://${H}", "${A}", ""),
            ("https://${H}", "${B}", ""),
            nothing,
        ),
        (
            ("${U:-https://a.example}", "${A}", ""),
            ("https://a.example", "${B}", ""),
            nothing,
        ),
        (
            ("https://a.example", "${A}", ""),
            ("https://a.example", "${A}", off),
            nothing,
        ),
        (
            ("http://localhost:1", "${A}", ""),
            ("http://localhost:2", "${A}", ""),
            nothing,
        ),
        (
            ("http://127.0.0.1:1", "${A}", ""),
            ("https://a.example", "${A}", ""),
            nothing,
        ),
    ] {
        let text = team(&[one, other]);
        assert_eq!(said(&text), wanted, "{text}");
    }
    let third = team(&[
        ("https://a.example", "${A}", ""),
        ("https://a.example", "${B}", ""),
        ("https://c.example", "${C}", ""),
    ]);
    assert_eq!(said(&third), nothing);
}

#[test]
fn a_fallback_is_compared_with_what_is_tried_before_it() {
    let less = "pool/smaller-fallback: pool `team` falls back to an endpoint that can do less";
    let mixed = "pool/mixed-interfaces: endpoints of pool `team` speak different interfaces";
    let large = ", context_window_tokens: 9000";
    let small = ", context_window_tokens: 8000";
    for (first, second, wanted) in [
        (large, small, &[less][..]),
        (small, large, &[]),
        (large, large, &[]),
        (large, "", &[]),
        (
            ", pool_priority: 5, context_window_tokens: 9000",
            ", pool_priority: 4, context_window_tokens: 8000",
            &[],
        ),
        ("", ", supports_tools: false", &[less]),
        (
            ", supports_images: true",
            ", supports_images: false",
            &[less],
        ),
        (
            ", supports_reasoning: false",
            ", supports_reasoning: false",
            &[],
        ),
        (", supports_reasoning: false", "", &[]),
        (
            large,
            ", context_window_tokens: 8000, pool_enabled: false",
            &[],
        ),
    ] {
        let text = team(&[
            ("https://a.example", "${A}", first),
            ("https://b.example", "${B}", second),
        ]);
        assert_eq!(said(&text), wanted, "{text}");
    }
    // An endpoint of another interface is a fallback like any other.
    let text = team(&[
        ("https://a.example", "${A}", large),
        ("https://b.example/v1/messages", "${B}", small),
    ]);
    assert_eq!(said(&text), [mixed, less]);
}

#[test]
fn slots_are_followed_to_what_is_switched_on() {
    let off = ", pool_enabled: false";
    let disabled = team(&[("https://a.example", "${A}", off)]);
    let by_pool = "router/disabled-target: slot `default` names pool `team`, where every endpoint is disabled";
    let by_reference =
        "router/disabled-target: slot `default` names endpoint `e0`, which is disabled";
    let nothing = "pool/nothing-enabled: every endpoint of pool `team` is disabled";
    let unreached = "pool/unreached: nothing names pool `team`";
    assert_eq!(said(&disabled), [by_pool]);
    assert!(compiled(&disabled).plan.is_none());
    let elsewhere = |text: &str, slot: &str| text.replace("default: team", slot);
    assert_eq!(said(&elsewhere(&disabled, "default: other")), [nothing]);
    let two = team(&[
        ("https://a.example", "${A}", off),
        ("https://b.example", "${B}", ""),
    ]);
    assert_eq!(said(&two), Vec::<String>::new());
    let reference = |number: u8| format!("default: \"registration__e{number},m\"");
    assert_eq!(said(&elsewhere(&two, &reference(0))), [by_reference]);
    assert_eq!(said(&elsewhere(&two, &reference(1))), Vec::<String>::new());
    assert_eq!(said(&elsewhere(&two, "default: other")), [unreached]);
    // The slot that is misspelt was perhaps meant for the pool.
    let misspelt = said(&elsewhere(&two, "default: teem"));
    assert_eq!(
        misspelt,
        ["router/unknown-model: slot `default` names `teem`, which does not exist"]
    );
    // One mistake is one diagnostic, with a place for each slot.
    let both = elsewhere(&disabled, "default: team, think: team");
    assert_eq!(said(&both), [by_pool]);
    assert_eq!(
        compiled(&both).problems.iter().next().unwrap().labels.len(),
        3
    );
}

#[test]
fn nothing_is_proved_of_what_could_not_be_read() {
    let off = ", pool_enabled: \"false\"";
    let text = team(&[
        ("https://a.example", "${A}", ""),
        ("https://a.example", "${A}", off),
    ]);
    let found = said(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("document/wrong-type"), "{found:?}");
}

#[test]
fn what_is_shown_first_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let quick_start = read("fixtures/quick-start/registration.yaml");
    assert_eq!(said(&quick_start), Vec::<String>::new());
    let readme = read("README.md");
    let (_, block) = readme.split_once("```yaml\n").unwrap();
    assert_eq!(
        said(block.split("```").next().unwrap()),
        Vec::<String>::new()
    );
}

#[test]
fn many_endpoints_are_one_finding_a_pool() {
    let entries: Vec<(&str, &str, &str)> = vec![("https://a.example", "${A}", ""); 10_000];
    assert_eq!(said(&team(&entries)).len(), 1);
    let mut many = String::from("Registration:\n  enabled: true\n  models:\n");
    for pool in 0..5_000 {
        let entry = format!(
            "    - {{id: p{pool}, api: \"https://a.example\", key: \"${{K}}\", model: m}}\n"
        );
        many.push_str(&entry);
        many.push_str(&entry);
    }
    // Each shares a host, is named by position, and is named by no slot but the first.
    let found = said(&(many + "Router: {default: p0}\n"));
    assert_eq!(found.len(), 3 * 5_000 - 1);
}

#[test]
fn what_never_happens_is_not_warned_of() {
    let silent = Vec::<String>::new();
    let costs = |strategy: &str| {
        let text = team(&[
            ("https://a.example", "${A}", ", cost_per_1m_input_tokens: 1"),
            (
                "https://b.example",
                "${B}",
                ", cost_per_1m_input_tokens: 1, cost_currency: EUR",
            ),
        ]);
        let with = format!("  enabled: true\n  strategy: {strategy}\n");
        said(&text.replace("  enabled: true\n", &with))
    };
    assert_eq!(costs("priority"), silent);
    assert_eq!(costs("cost-aware").len(), 1);
    let off = ", pool_enabled: false";
    let plain = [
        ("https://a.example", "${A}", ""),
        ("http://b.example", "${B}", off),
    ];
    assert_eq!(said(&team(&plain)), silent);
    let switched_off = team(&[("http://a.example", "${A}", "")]).replace("true", "false");
    let found = said(&switched_off);
    assert!(
        !found.iter().any(|one| one.starts_with("net/")),
        "{found:?}"
    );
    // Behind a model of the same id, a pool has no fallback to judge.
    let same = ("https://a.example", "${A}", "");
    let hidden = team(&[same, same]).replace("id: other", "id: team");
    assert_eq!(
        said(&hidden),
        ["pool/shadowed-by-model: pool `team` is hidden by a model of the same id"]
    );
}
