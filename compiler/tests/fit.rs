//! What is proved about slots, cascades, limits, numbers and keys, and where a
//! proof would be a guess and nothing is said.

use ctr_compiler::compile;
use ctr_compiler::diagnostic::Code;
use ctr_compiler::source::Sources;

const NOTHING: [&str; 0] = [];

/// `code: headline` of what is said, but for what has no effect yet.
fn said(text: &str) -> Vec<String> {
    let found = compile(&Sources::single("r.yaml", text)).problems;
    let found = found
        .iter()
        .filter(|found| found.code != Code::DocumentNotSupportedYet);
    found
        .map(|found| format!("{}: {}", found.code, found.headline))
        .collect()
}

/// Models `a` and `b` with these `metadata`, and sections besides.
fn models(a: &str, b: &str, router: &str) -> String {
    format!(
        "Models:\n  - {{id: a, api: \"https://a.example\", key: \"${{K}}\", model: m, metadata: {{{a}}}}}\n\
         \x20 - {{id: b, api: \"https://a.example\", key: \"${{K}}\", model: m, metadata: {{{b}}}}}\n\
         Router: {{default: a, {router}}}\n"
    )
}

/// A pool `p` of endpoints with these `metadata`.
fn pool(strategy: &str, metadata: &[&str], router: &str) -> String {
    let mut text = format!("Registration:\n  enabled: true\n  strategy: {strategy}\n  models:\n");
    for (at, metadata) in metadata.iter().enumerate() {
        text.push_str(&format!(
            "    - {{id: p, api: \"https://e{at}.example\", key: \"${{K{at}}}\", model: m, metadata: {{pool_endpoint_id: e{at}, {metadata}}}}}\n"
        ));
    }
    text + &format!("Router: {{default: p, {router}}}\n")
}

#[test]
fn slots_name_what_can_do_their_work() {
    let unfit = |slot: &str, what: &str| {
        vec![format!(
            "router/unfit-model: slot `{slot}` names `b`, which {what}"
        )]
    };
    let small = "context_window_tokens: 50000";
    for (a, b, router, wanted) in [
        (
            "",
            "supports_reasoning: false",
            "think: b",
            unfit("think", "does not think"),
        ),
        (
            "",
            "supports_tools: false",
            "webSearch: b",
            unfit("webSearch", "calls no tools"),
        ),
        (
            "",
            "supports_images: false",
            "image: b",
            unfit("image", "sees no images"),
        ),
        (
            "",
            "supports_images: false, supports_tools: false",
            "think: b, background: b",
            vec![],
        ),
        ("supports_images: false", "", "image: b", vec![]),
        (
            "",
            small,
            "longContext: b",
            unfit("longContext", "has no room for long input"),
        ),
        (
            "",
            small,
            "longContext: b, longContextThreshold: 50000",
            vec![],
        ),
        (
            "",
            "context_window_tokens: 80000, safe_input_tokens: 50000",
            "longContext: b",
            unfit("longContext", "has no room for long input"),
        ),
        (
            "context_window_tokens: 200000",
            "context_window_tokens: 100000",
            "longContext: b",
            unfit("longContext", "has less room than the default"),
        ),
        (
            "context_window_tokens: 100000",
            "context_window_tokens: 100000",
            "longContext: b",
            vec![],
        ),
        (
            "context_window_tokens: 100000",
            "",
            "longContext: b",
            vec![],
        ),
        (
            "",
            "context_window_tokens: 100000",
            "longContext: b",
            vec![],
        ),
        (
            "supports_images: false",
            "",
            "image: \"model__b,m\"",
            vec![],
        ),
        (
            "",
            "supports_images: false",
            "image: \"model__b,m\"",
            vec![
                "router/unfit-model: slot `image` names `model__b,m`, which sees no images"
                    .to_owned(),
            ],
        ),
    ] {
        let text = models(a, b, router);
        assert_eq!(said(&text), wanted, "{text}");
    }
    let off = models("", "", "think: b").replace(
        "model: m, metadata: {}}\nRouter",
        "model: m, thinking: \"off\"}\nRouter",
    );
    assert_eq!(said(&off), unfit("think", "does not think"));
}

#[test]
fn of_a_pool_the_first_endpoint_counts_for_a_slot() {
    let unfit = ["router/unfit-model: slot `image` names `p`, which sees no images"];
    let smaller = ["pool/smaller-fallback: pool `p` falls back to an endpoint that can do less"];
    let none = "supports_images: false";
    assert_eq!(said(&pool("priority", &[none, ""], "image: p")), unfit);
    // Told as what it is: a fallback, of every slot.
    assert_eq!(said(&pool("priority", &["", none], "image: p")), smaller);
    let later = pool(
        "priority",
        &[
            "pool_priority: 9, supports_images: false",
            "pool_priority: 1",
        ],
        "image: p",
    );
    assert_eq!(said(&later), smaller);
    let off = pool(
        "priority",
        &["supports_images: false, pool_enabled: false", ""],
        "image: p",
    );
    assert_eq!(said(&off), NOTHING);
}

#[test]
fn a_cascade_goes_to_what_can_do_as_much() {
    let less = ["governance/smaller-cascade: a cascade goes from `a` to `b`, which can do less"];
    let cascade = |a: &str, b: &str, switch: &str| {
        models(a, b, "")
            + &format!(
                "Governance: {{enabled: {switch}, cascade: {{enabled: true, levels: [{{from: a, to: b}}]}}}}\n"
            )
    };
    let large = "context_window_tokens: 9000";
    let small = "context_window_tokens: 8000";
    assert_eq!(said(&cascade(large, small, "true")), less);
    assert_eq!(said(&cascade(large, small, "false")), NOTHING);
    assert_eq!(said(&cascade(small, large, "true")), NOTHING);
    assert_eq!(said(&cascade(large, "", "true")), NOTHING);
    assert_eq!(said(&cascade("", "supports_tools: false", "true")), less);
    assert_eq!(
        said(&cascade(
            "supports_tools: false",
            "supports_tools: false",
            "true"
        )),
        NOTHING
    );
    let fewer = [
        "pool/lower-rate-limit: a cascade goes from `a` to `b`, which allows fewer tokens a minute",
    ];
    assert_eq!(
        said(&cascade(
            "rate_limit_tpm: 9000",
            "rate_limit_tpm: 8000",
            "true"
        )),
        fewer
    );
    assert_eq!(
        said(&cascade(
            "rate_limit_tpm: 9000",
            "rate_limit_rpm: 80",
            "true"
        )),
        NOTHING
    );
}

#[test]
fn what_is_left_bears_what_failed() {
    let few = [
        "pool/lower-rate-limit: too few requests a minute are left when an endpoint of pool `p` fails",
    ];
    let [large, middle, small] = [
        "rate_limit_rpm: 100",
        "rate_limit_rpm: 60",
        "rate_limit_rpm: 40",
    ];
    for (metadata, in_order, otherwise) in [
        (vec![large, middle], &few[..], &few[..]),
        (vec![large, middle, small], &[], &[]),
        // In order, the others bear what the first bore and no more.
        (vec![small, large, middle], &[], &[]),
        (vec![middle, large], &[], &few),
        (vec![large, ""], &[], &[]),
        (vec![large, "", small], &[], &[]),
        (vec![large], &[], &[]),
        (vec!["", ""], &[], &[]),
        (
            vec![large, "rate_limit_rpm: 60, pool_enabled: false"],
            &[],
            &[],
        ),
        (
            vec![middle, "rate_limit_rpm: 100, pool_priority: 0"],
            &few,
            &few,
        ),
    ] {
        assert_eq!(
            said(&pool("priority", &metadata, "")),
            in_order,
            "{metadata:?}"
        );
        assert_eq!(
            said(&pool("round-robin", &metadata, "")),
            otherwise,
            "{metadata:?}"
        );
    }
    // An endpoint of another interface is a fallback like any other.
    let mixed = "pool/mixed-interfaces: endpoints of pool `p` speak different interfaces";
    let apart = |metadata: &[&str]| {
        said(&pool("priority", metadata, "").replace("e1.example", "e1.example/v1/messages"))
    };
    assert_eq!(apart(&[large, small]), [few[0], mixed]);
    assert_eq!(apart(&[large, middle, small]), [mixed]);
    assert_eq!(apart(&[large, "", small]), [mixed]);
}

#[test]
fn costs_are_all_there_or_not_compared() {
    let one = "pool/missing-cost: an endpoint of pool `p` is chosen by cost and declares none";
    let all = "pool/missing-cost: endpoints of pool `p` are chosen by cost and declare none";
    let cost = "cost_per_1m_output_tokens: 1";
    assert_eq!(said(&pool("cost-aware", &[cost, ""], "")), [one]);
    assert_eq!(said(&pool("cost-aware", &["", ""], "")), [all]);
    assert_eq!(said(&pool("cost-aware", &[cost, cost], "")), NOTHING);
    assert_eq!(said(&pool("cost-aware", &[""], "")), NOTHING);
    assert_eq!(
        said(&pool("cost-aware", &[cost, "pool_enabled: false"], "")),
        NOTHING
    );
    assert_eq!(said(&pool("priority", &[cost, ""], "")), NOTHING);
}

#[test]
fn numbers_in_another_unit_are_told() {
    for (metadata, told) in [
        (
            "cost_per_1m_input_tokens: 0.0000025",
            Some("cost_per_1m_input_tokens"),
        ),
        (
            "cost_per_1m_output_tokens: 10001",
            Some("cost_per_1m_output_tokens"),
        ),
        ("cost_per_1m_output_tokens: 10000", None),
        (
            "cost_per_1m_output_tokens: 1200000, cost_currency: IDR",
            None,
        ),
        (
            "cost_per_1m_output_tokens: 12000, cost_currency: eur",
            Some("cost_per_1m_output_tokens"),
        ),
        ("cost_per_1m_input_tokens: 0", None),
        ("cost_per_1m_input_tokens: 0.0001", None),
        ("context_window_tokens: 200", Some("context_window_tokens")),
        (
            "context_window_tokens: 200, safe_input_tokens: 180",
            Some("context_window_tokens"),
        ),
        (
            "context_window_tokens: 200000, safe_input_tokens: 180",
            Some("safe_input_tokens"),
        ),
        ("context_window_tokens: 1000", None),
        (
            "rate_limit_rpm: 1000, rate_limit_tpm: 800",
            Some("rate_limit_tpm"),
        ),
        ("rate_limit_rpm: 1000, rate_limit_tpm: 1000", None),
    ] {
        let found = said(&models("", metadata, ""));
        match told {
            None => assert_eq!(found, NOTHING, "{metadata}"),
            Some(key) => {
                assert_eq!(found.len(), 1, "{metadata}: {found:?}");
                let head = format!("document/implausible-number: `{key}` is ");
                assert!(found[0].starts_with(&head), "{metadata}: {found:?}");
            }
        }
    }
    for (section, told) in [
        ("API_TIMEOUT_MS: 600\n", true),
        ("API_TIMEOUT_MS: 0\n", false),
        ("API_TIMEOUT_MS: -1\n", false),
        ("API_TIMEOUT_MS: 1000\n", false),
        (
            "SmartRouter: {enabled: true, sticky: {enabled: true, session_ttl_ms: 900}}\n",
            true,
        ),
        (
            "SmartRouter: {enabled: true, sticky: {enabled: true}, cache_ttl: 600}\n",
            true,
        ),
        ("Registration: {health: {cooldown_ms: 60}}\n", true),
        ("Registration: {health: {cooldown_ms: 0}}\n", false),
        ("Registration: {health: {ewma_decay_ms: 500}}\n", false),
    ] {
        let found = said(&(models("", "", "") + section));
        assert_eq!(found.len(), usize::from(told), "{section}: {found:?}");
    }
    assert_eq!(said(&models("", "", "longContextThreshold: 60")).len(), 1);
    // The reader refuses what is below zero.
    let negative = said(&models("", "cost_per_1m_input_tokens: -1", ""));
    assert!(
        negative.len() == 1 && negative[0].starts_with("document/out-of-range"),
        "{negative:?}"
    );
}

#[test]
fn managed_keys_are_told_apart_and_may_do_something() {
    let hash = |digit: char| digit.to_string().repeat(64);
    let keys = |keys: &[String]| {
        let items: Vec<String> = keys.iter().map(|key| format!("{{{key}}}")).collect();
        said(&(models("", "", "") + &format!("Auth: {{managed_keys: [{}]}}\n", items.join(", "))))
    };
    let key = |id: &str, digit: char, more: &str| {
        format!("id: {id}, key_hash: \"{}\"{more}", hash(digit))
    };
    let client = ", scopes: [client]";
    assert_eq!(
        keys(&[key("x", 'a', client), key("y", 'b', client)]),
        NOTHING
    );
    assert_eq!(
        keys(&[key("x", 'a', client), key("x", 'b', client)]),
        ["auth/duplicate-key: two managed keys have the id `x`"]
    );
    assert_eq!(
        keys(&[key("x", 'a', client), key("y", 'A', client)]),
        ["auth/duplicate-key: two managed keys have the same hash"]
    );
    let without = ["auth/key-without-scope: managed key `x` has no scope"];
    assert_eq!(keys(&[key("x", 'a', "")]), without);
    assert_eq!(keys(&[key("x", 'a', ", scopes: []")]), without);
    assert_eq!(keys(&[key("x", 'a', ", revoked_at: 2026-01-01")]), NOTHING);
    // One mistake: the scope that is not known.
    let unknown = keys(&[key("x", 'a', ", scopes: [clint]")]);
    assert!(
        unknown.len() == 1 && unknown[0].starts_with("document/unknown-value"),
        "{unknown:?}"
    );
    let broken = keys(&[key("x", 'a', ", scopes: {client: true}")]);
    assert!(
        broken.len() == 1 && broken[0].starts_with("document/wrong-type"),
        "{broken:?}"
    );
    let variable = "id: x, key_hash: \"${HASH}\", scopes: [client]".to_owned();
    assert_eq!(keys(&[variable]), NOTHING);
}

#[test]
fn what_is_no_hash_is_shown_nowhere() {
    let secret = "correct-horse-battery-staple";
    let model = "model \"a\" { api \"https://a.example\"; key \"${K}\"; model \"m\"; }\nrouter default=\"a\"\n";
    for (name, text) in [
        (
            "r.yaml",
            models("", "", "")
                + &format!(
                    "Auth:\n  managed_keys:\n    - {{id: x, key_hash: {secret}, scopes: [client]}}\n"
                ),
        ),
        (
            "r.yaml",
            models("", "", "")
                + &format!(
                    "Auth:\n  managed_keys:\n    - id: x\n      key_hash: {secret}\n      scopes: [client]\n"
                ),
        ),
        (
            "r.kdl",
            format!(
                "{model}auth {{ managed_key \"x\" key_hash=\"{secret}\" scopes=\"client\"; }}\n"
            ),
        ),
        (
            "r.kdl",
            format!(
                "{model}auth {{\n  managed_key \"x\" {{\n    key_hash {secret}\n    scopes \"client\"\n  }}\n}}\n"
            ),
        ),
    ] {
        let sources = Sources::single(name, text.as_str());
        let compiled = compile(&sources);
        let found = compiled.problems.iter().map(|found| found.code);
        let found: Vec<Code> = found.collect();
        assert!(found.contains(&Code::AuthInvalidKeyHash), "{found:?}");
        let told = format!("{:?}", compiled.problems);
        assert!(!told.contains("staple"), "{told}");
        for (_, source) in sources.iter() {
            assert!(!source.masked().contains("staple"), "{}", source.masked());
        }
    }
}

#[test]
fn a_public_listener_needs_more_than_managed_keys() {
    let hash = "a".repeat(64);
    let text = models("", "", "")
        + &format!(
            "HOST: 0.0.0.0\nAuth: {{managed_keys: [{{id: x, key_hash: {hash}, scopes: [client]}}]}}\n"
        );
    assert_eq!(
        said(&text),
        ["listen/public-without-key: `HOST` `0.0.0.0` is public and there is no `APIKEY`"]
    );
    let found = compile(&Sources::single("r.yaml", text)).problems;
    let mut found = found
        .iter()
        .filter(|found| found.code == Code::ListenPublicWithoutKey);
    let labels = found.next().map(|found| found.labels.len());
    assert_eq!(labels, Some(2), "the managed keys are shown");
}

#[test]
fn a_smart_router_has_something_to_ask() {
    let smart = |body: &str| {
        said(&(models("", "", "") + &format!("SmartRouter: {{enabled: true{body}}}\n")))
    };
    let idle = ["router/nothing-to-ask: the smart router is on and has nothing to ask"];
    let rule = "rules: [{name: r, model: a, patterns: [{type: exact, keywords: [x]}]";
    assert_eq!(smart(""), idle);
    assert_eq!(smart(&format!(", {rule}, enabled: false}}]")), idle);
    assert_eq!(smart(&format!(", {rule}}}]")), NOTHING);
    assert_eq!(smart(", sticky: {enabled: true}"), NOTHING);
    let candidates = "candidates: [{model: a, description: x}, {model: b, description: y}]";
    let unused =
        ["router/unused-candidates: there are candidates, and no model is asked to choose"];
    assert_eq!(smart(&format!(", {candidates}")), unused);
    assert_eq!(smart(&format!(", {candidates}, {rule}}}]")), unused);
    assert_eq!(smart(&format!(", {candidates}, router_model: a")), NOTHING);
    let decision = models("", "", "decision: {smart_fallback: true}");
    assert_eq!(said(&decision), idle);
    let off = models("", "", "") + "SmartRouter: {enabled: false}\n";
    assert_eq!(said(&off), NOTHING);
}

#[test]
fn whoever_names_a_model_is_followed_to_what_is_switched_on() {
    let disabled =
        pool("priority", &["pool_enabled: false"], "").replace("default: p, ", "default: m");
    let disabled =
        disabled + "Models: [{id: m, api: \"https://a.example\", key: \"${K}\", model: m}]\n";
    let smart = |body: &str| format!("SmartRouter: {{enabled: true, {body}}}\n");
    let rule = |model: &str| {
        smart(&format!(
            "rules: [{{name: r, model: {model}, patterns: [{{type: exact, keywords: [x]}}]}}]"
        ))
    };
    let candidate = |model: &str| {
        smart(&format!(
            "router_model: m, candidates: [{{model: m, description: x}}, {{model: {model}, description: y}}]"
        ))
    };
    let level = |from: &str, to: &str| {
        format!(
            "Governance: {{enabled: true, cascade: {{enabled: true, levels: [{{from: {from}, to: {to}}}]}}}}\n"
        )
    };
    for (section, user) in [
        (rule("p"), "rule `r`"),
        (candidate("p"), "a candidate"),
        (level("p", "m"), "a cascade's `from`"),
        (level("m", "p"), "a cascade's `to`"),
    ] {
        let wanted = format!(
            "router/disabled-target: {user} names pool `p`, where every endpoint is disabled"
        );
        assert_eq!(said(&(disabled.clone() + &section)), [wanted], "{section}");
        let unknown = format!("router/unknown-model: {user} names `zzz`, which does not exist");
        let section = section.replace(": p,", ": zzz,").replace(": p}", ": zzz}");
        let found = said(&(disabled.clone() + &section));
        assert!(found.contains(&unknown), "{section}: {found:?}");
    }
}
