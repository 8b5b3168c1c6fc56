//! Importing: each folder of fixtures/import is a file of the format its name
//! begins with; its snapshot shows what is told and what is written. Whatever
//! is imported compiles, in every syntax it can be written in.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod documents;
#[path = "import/hostile.rs"]
mod hostile;
mod support;

use std::path::Path;

use ctr_compiler::diagnostic::Code;
use ctr_compiler::document::{Document, Item, kdl, yaml};
use ctr_compiler::import::{Format, Imported, Tally, import};
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile};
use proptest::prelude::*;
use serde_json::Value;

/// The format that a fixture's folder begins with.
fn format(story: &Path) -> Format {
    let name = story.file_name().unwrap().to_string_lossy();
    let known = Format::WORDS.iter();
    let found = known.filter(|(word, _)| name.starts_with(&format!("{word}-")));
    found.map(|(_, format)| *format).next().unwrap()
}

fn compiled(name: &str, text: &str) -> (Sources, Compiled) {
    let sources = Sources::single(name, text);
    let compiled = compile(&sources);
    (sources, compiled)
}

/// Holds an import to what every import must keep.
fn sound(format: Format, sources: &Sources) -> Imported {
    let imported = import(format, sources);
    support::assert_inside(&imported.problems, sources);
    let errors = imported.problems.has_errors();
    assert_eq!(
        imported.document.is_none(),
        errors,
        "a document, or an error"
    );
    if let Some(document) = &imported.document {
        assert_compiles(document);
    }
    imported
}

fn assert_compiles(document: &Document) {
    let text = yaml::write(document);
    let (sources, yaml) = compiled("r.yaml", &text);
    let shown = support::problems(&yaml.problems, &sources);
    assert!(yaml.plan.is_some(), "{text}\n{shown}");
    if document
        .entries
        .iter()
        .any(|entry| holds_nothing(&entry.item))
    {
        // KDL has no way to write an empty list.
        return;
    }
    let text = kdl::write(document);
    let (sources, kdl) = compiled("r.kdl", &text);
    let shown = support::problems(&kdl.problems, &sources);
    assert!(kdl.plan.is_some(), "{text}\n{shown}");
    assert_eq!(
        yaml.plan.unwrap().hash(),
        kdl.plan.unwrap().hash(),
        "both syntaxes mean the same"
    );
}

/// Whether an empty list stands somewhere in a value.
fn holds_nothing(item: &Item) -> bool {
    match item {
        Item::List(items) => {
            items.is_empty() || items.iter().any(|element| holds_nothing(&element.item))
        }
        Item::Map(entries) => entries.iter().any(|entry| holds_nothing(&entry.item)),
        Item::Null | Item::Bool(_) | Item::Number(_) | Item::Text(_) => false,
    }
}

#[test]
fn import_stories() {
    for story in support::folders("import") {
        let sources = support::sources(&story);
        let imported = sound(format(&story), &sources);
        let mut page = support::problems(&imported.problems, &sources);
        page.push_str(&format!("{:?}\n\n", imported.tally));
        if let Some(document) = &imported.document {
            let text = yaml::write(document);
            page.push_str(&text);
            page.push_str("\n--- what compiling says of it\n");
            for found in compiled("r.yaml", &text).1.problems.iter() {
                let severity = found.severity.word();
                page.push_str(&format!("{severity} {} {}\n", found.code, found.headline));
            }
        }
        let name = story.file_name().unwrap().to_string_lossy().into_owned();
        support::snapshot("import", &name, &page);
    }
}

fn litellm(text: &str) -> Imported {
    sound(Format::Litellm, &Sources::single("config.yaml", text))
}

fn codes(imported: &Imported) -> Vec<Code> {
    imported.problems.iter().map(|found| found.code).collect()
}

/// The registration an import gives, as YAML.
fn written(imported: &Imported) -> String {
    yaml::write(imported.document.as_ref().unwrap())
}

#[test]
fn a_file_of_another_format_is_told_by_its_name() {
    let of = |format: Format, name: &str, text: &str| {
        let sources = Sources::single(name, text);
        let imported = sound(format, &sources);
        assert_eq!(codes(&imported), [Code::ImportWrongFormat], "{text}");
        support::problems(&imported.problems, &sources)
    };
    for (format, text, command) in [
        (Format::Litellm, "Providers: []\n", "ctr import ccr"),
        (
            Format::Litellm,
            "TriggerRouter: {}\nProviders: []\n",
            "ctr import ctr-1.7",
        ),
        (Format::Litellm, "targets: []\n", "ctr import portkey"),
        (Format::Ccr, "model_list: []\n", "ctr import litellm"),
        (
            Format::Ccr,
            "Providers: []\nSmartRouter: {}\n",
            "ctr import ctr-1.7",
        ),
        (Format::Ctr17, "model_list: []\n", "ctr import litellm"),
        (Format::Portkey, "Providers: []\n", "ctr import ccr"),
    ] {
        let told = of(format, "f.yaml", text);
        assert!(told.contains(&format!("use `{command}`")), "{told}");
    }
    for (name, text, looks) in [
        ("t.toml", "[gateway]\nbind = 1\n", "TOML"),
        ("t", "[models.a]\nrouting = [\"b\"]\n", "TensorZero"),
        ("h.yaml", "routers: {r: {load-balance: {}}}\n", "Helicone"),
        ("a.yaml", "binds: []\n", "agentgateway"),
        ("n.yaml", "name: something\n", "no key at the top"),
        ("l.yaml", "- a\n", "a map of settings is expected"),
        ("s.yaml", "hello", "holds a text, not a config"),
    ] {
        let told = of(Format::Litellm, name, text);
        assert!(told.contains(looks), "{told}");
    }
}

#[test]
fn what_cannot_be_read_is_said_as_of_a_registration() {
    for (bytes, code) in [
        (&b""[..], Code::SourceEmpty),
        (b"# only a comment\n", Code::SourceEmpty),
        (b"\xff\xfe", Code::SourceNotUtf8),
        (b"model_list: [", Code::SyntaxInvalidYaml),
        (b"a: 1\n---\nb: 2\n", Code::SyntaxMultipleDocuments),
        (b"model_list: &a [*a]\n", Code::SyntaxAliasCycle),
    ] {
        let sources = Sources::single("f.yaml", bytes);
        let imported = sound(Format::Litellm, &sources);
        assert!(
            codes(&imported).contains(&code),
            "{bytes:?}: {:?}",
            codes(&imported)
        );
    }
    let nothing = import(Format::Ccr, &Sources::new());
    assert_eq!(codes(&nothing), [Code::SourceEmpty]);
    for (format, text) in [
        (Format::Litellm, "model_list: []\n"),
        (Format::Litellm, "general_settings: {}\n"),
        (Format::Ccr, "Providers: []\n"),
        (Format::Portkey, "targets: []\n"),
        (Format::Portkey, "integrations: []\n"),
    ] {
        let imported = sound(format, &Sources::single("f.yaml", text));
        assert_eq!(codes(&imported), [Code::ImportNoModels], "{text}");
    }
}

#[test]
fn deployments_of_one_name_are_a_pool_and_nothing_else_is() {
    let imported = litellm(
        "model_list:\n  - {model_name: a, litellm_params: {model: gpt-4o}}\n  - {model_name: \" a \", litellm_params: {model: gpt-4o}}\n  - {model_name: b, litellm_params: {model: gpt-4o}}\n",
    );
    let wanted = Tally {
        models: 3,
        names: 2,
        pools: 1,
        ..Tally::default()
    };
    assert_eq!(imported.tally, wanted);
    let plan = compiled("r.yaml", &written(&imported)).1.plan.unwrap();
    assert_eq!(plan.models.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(plan.pools["a"].endpoints.len(), 2);
}

/// The endpoints of a pool, first choice first.
fn order(imported: &Imported, pool: &str) -> Vec<String> {
    let plan = compiled("r.yaml", &written(imported)).1.plan.unwrap();
    let mut endpoints: Vec<_> = plan.pools[pool].endpoints.iter().collect();
    endpoints.sort_by_key(|endpoint| (endpoint.priority, endpoint.id.clone()));
    endpoints
        .iter()
        .map(|endpoint| endpoint.id.clone())
        .collect()
}

const THREE: &str = "model_list:\n  - {model_name: a, litellm_params: {model: gpt-4o}}\n  - {model_name: b, litellm_params: {model: gpt-4o-mini}}\n  - {model_name: b, litellm_params: {model: gpt-4.1}, model_info: {id: b-special}}\n  - {model_name: c, litellm_params: {model: gpt-5}}\n";

#[test]
fn fallbacks_come_last_and_in_their_order() {
    let of = |settings: &str| litellm(&format!("{THREE}{settings}"));
    let imported = of("router_settings: {fallbacks: [{a: [c, b]}]}\n");
    let wanted = ["a", "c-for-a", "b-1-for-a", "b-special-for-a"];
    assert_eq!(order(&imported, "a"), wanted);
    // A deployment can be named by its id, and a text stands for a list of one.
    let imported = of("router_settings: {fallbacks: [{a: b-special}]}\n");
    assert_eq!(order(&imported, "a"), ["a", "b-special-for-a"]);
    // Fallbacks of both sections are carried, each target once.
    let imported = of(
        "router_settings: {fallbacks: [{a: [c]}]}\nlitellm_settings: {fallbacks: [{a: [c, b-special]}, {b: [c]}]}\n",
    );
    assert_eq!(order(&imported, "a"), ["a", "c-for-a", "b-special-for-a"]);
    assert_eq!(order(&imported, "b"), ["b-1", "b-special", "c-for-b"]);
    let fallbacks = imported.tally.fallbacks;
    assert_eq!((fallbacks.found, fallbacks.carried), (3, 3));
    // Defaults are for names without a fallback, and nobody falls back to itself.
    let imported = of("litellm_settings: {fallbacks: [{a: [b]}], default_fallbacks: [c]}\n");
    assert_eq!(order(&imported, "a").len(), 3);
    assert_eq!(order(&imported, "b"), ["b-1", "b-special", "c-for-b"]);
    assert!(written(&imported).contains("Models:\n  - id: c\n"));
    // A fallback to itself is none.
    let imported = of("router_settings: {fallbacks: [{a: [a]}]}\n");
    let fallbacks = imported.tally.fallbacks;
    assert_eq!((fallbacks.found, fallbacks.carried), (1, 0));
}

#[test]
fn no_value_becomes_a_broken_reference() {
    for params in [
        "model: \"gpt-${\"",
        "model: gpt-4o, api_key: \"${A\"",
        "model: gpt-4o, api_base: \"https://${}.example\"",
        "model: azure/gpt-4o, api_base: \"https://a.example\", api_version: \"${\"",
    ] {
        let text = format!("model_list: [{{model_name: a, litellm_params: {{{params}}}}}]\n");
        assert!(
            codes(&litellm(&text)).contains(&Code::ImportInvalid),
            "{params}"
        );
    }
}

#[test]
fn nothing_is_said_of_what_says_nothing() {
    let imported = litellm(
        "model_list: [{model_name: a, litellm_params: {model: gpt-4o, api_base: null, stream: false}}]\nrouter_settings:\nlitellm_settings: {cache: false, callbacks: [], set_verbose: False}\ngeneral_settings: {}\n",
    );
    assert_eq!(codes(&imported), []);
}

#[test]
fn one_kind_of_thing_is_one_diagnostic() {
    let mut text = String::from("model_list:\n");
    for at in 0..50 {
        text += &format!(
            "  - {{model_name: m{at}, litellm_params: {{model: bedrock/m, temperature: 0, num_retries: 1, x{at}: 1}}}}\n"
        );
    }
    let imported = litellm(&text);
    let headlines: Vec<&str> = imported
        .problems
        .iter()
        .map(|found| found.headline.as_str())
        .collect();
    assert_eq!(
        headlines,
        [
            "an endpoint is imported disabled: provider `bedrock` (50 places)",
            "changes to request parameters are not carried: `temperature` (50 places)",
            "retries, cooldowns and health checks are not carried: `num_retries` (50 places)",
            "keys that this importer does not know are not carried: `x0`, `x1`, `x2` and 47 more",
        ]
    );
    assert!(
        imported
            .problems
            .iter()
            .all(|found| found.labels.len() <= 4)
    );
}

/// The document with variables for its secrets, which an import does not carry.
fn without_secrets(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_secrets),
        Value::Object(entries) => entries.values_mut().for_each(without_secrets),
        Value::String(text) => match text.as_str() {
            "sk-0123456789" | "${K:-x}" | "Bearer ${K}" | "t0ken" | "secret-text" => {
                "${K}".clone_into(text);
            }
            url if url.starts_with("http") && url.contains(['@', '?']) => {
                "https://c.example/x".clone_into(text);
            }
            _ => {}
        },
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_current_already_keeps_its_meaning(document in documents::good_document()) {
        let mut document = document;
        without_secrets(&mut document);
        let sources = Sources::single("config.json", document.to_string());
        let imported = sound(Format::Ctr17, &sources);
        let before = compile(&sources).plan.unwrap();
        let after = compiled("r.yaml", &written(&imported)).1.plan.unwrap();
        prop_assert_eq!(before.to_canonical_json(), after.to_canonical_json());
    }
}

#[test]
fn slots_of_older_files_lead_where_they_led() {
    let providers = "Providers: [{name: p, api_base_url: \"https://p.example/v1\", api_key: \"${K}\", models: [m, \"n,o\"]}]\n";
    let pool = "Registration: {enabled: true, models: [{id: t, api: \"https://t.example\", key: \"${K}\", model: u, metadata: {pool_endpoint_id: t-a}}]}\n";
    for slot in ["p,m", "p,n,o", "t", "registration__t-a,u"] {
        let text = format!("{providers}{pool}Router: {{default: \"{slot}\"}}\n");
        let sources = Sources::single("config.yaml", text.as_str());
        let imported = sound(Format::Ctr17, &sources);
        let before = compile(&sources).plan.unwrap();
        let after = compiled("r.yaml", &written(&imported)).1.plan.unwrap();
        assert_eq!(before.router.slots, after.router.slots, "{slot}");
        let ids = |plan: &Plan| plan.models.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&before), ids(&after));
    }
    let text = format!("{providers}Router: {{default: \"p,q\"}}\n");
    let sources = Sources::single("config.yaml", text);
    let imported = sound(Format::Ctr17, &sources);
    assert_eq!(codes(&imported), [Code::RouterUnknownModel]);
}

#[test]
fn old_spellings_mean_what_they_meant() {
    let models = "Models:\n  - {id: a, api: \"https://a.example\", key: \"${K}\", model: m}\n  - {id: b, api: \"https://b.example\", key: \"${K}\", model: m}\n";
    let rules = "rules: [{name: r, model: b, description: poems, patterns: [{type: exact, keywords: [poem]}]}]";
    for rest in [
        format!("Router: {{default: a}}\nTriggerRouter: {{{rules}}}\n"),
        format!("Router: {{default: a}}\nTriggerRouter: {{enabled: false, {rules}}}\n"),
        format!("Router: {{default: a}}\nTriggerRouter: {{llm_intent_recognition: true, intent_model: b, {rules}}}\n"),
        format!("Router: {{default: a}}\nSmartRouter: {{enabled: true, sticky: {{enabled: false}}}}\nTriggerRouter: {{{rules}}}\n"),
        format!("Router: {{default: a}}\nSmartRouter: {{enabled: false}}\nTriggerRouter: {{{rules}}}\n"),
        format!("Router: {{default: a, routes: [{{name: q, model: b, match: {{keywords: [quick]}}}}]}}\nTriggerRouter: {{{rules}}}\n"),
        format!("Router: {{default: a}}\nTriggerRouter: {{{rules}}}\nGovernance: {{enabled: true, semantic: {{threshold: 0.7}}, sticky: {{enabled: true, session_ttl_ms: 5}}}}\n"),
        "Router: {default: a, decision: {smart_fallback: true, router_model: a, candidates: [{model: a, description: x}, {model: b, description: y}]}, defaults: {sticky: {session_ttl_ms: 7}}}\nGovernance: {sticky: {session_ttl_ms: 9}, semantic: {threshold: 0.3}}\n".to_owned(),
    ] {
        let text = format!("{models}{rest}");
        let sources = Sources::single("config.yaml", text.as_str());
        let imported = sound(Format::Ctr17, &sources);
        let before = compile(&sources).plan.unwrap();
        let after = compiled("r.yaml", &written(&imported)).1.plan.unwrap();
        assert_eq!(before.to_canonical_json(), after.to_canonical_json(), "{text}");
    }
}

/// The models of what is imported: id, URL, the provider's name and whether it may serve.
fn models(format: Format, text: &str) -> (Vec<String>, Imported) {
    let imported = sound(format, &Sources::single("f.yaml", text));
    let written = yaml::write(imported.document.as_ref().unwrap());
    let plan = compiled("r.yaml", &written).1.plan.unwrap();
    let models = plan.models.iter().map(|(id, endpoint)| {
        let off = if endpoint.enabled { "" } else { " off" };
        format!("{id} {} {}{off}", endpoint.api.url, endpoint.model)
    });
    (models.collect(), imported)
}

#[test]
fn what_litellm_reads_ahead_of_a_name_is_no_part_of_it() {
    let of = |name: &str, model: &str, more: &str| {
        format!(
            "  - model_name: {name}\n    litellm_params: {{model: {model}, api_key: os.environ/K, api_base: \"https://r.example/v1\"}}\n{more}"
        )
    };
    let text = [
        "model_list:\n".to_owned(),
        of("a", "azure/o_series/my-o3", ""),
        of("b", "azure/gpt5_series/my-5", ""),
        of("c", "openai/responses/gpt-5-pro", ""),
        of(
            "d",
            "openai/gpt-5-pro",
            "    model_info: {mode: responses}\n",
        ),
        of("e", "openai/o_series/x", ""),
        of("f", "azure/responses/my-5", ""),
        of("g", "cohere_chat/command-r", "").replace("r.example/v1", "api.cohere.ai/v1/chat"),
    ];
    let (found, imported) = models(Format::Litellm, &text.concat());
    let azure = "https://r.example/v1/openai/deployments";
    let query = "chat/completions?api-version";
    assert!(
        found[0].starts_with(&format!("a {azure}/my-o3/{query}")),
        "{found:?}"
    );
    assert!(
        found[1].starts_with(&format!("b {azure}/my-5/{query}")),
        "{found:?}"
    );
    assert_eq!(
        found[2..],
        [
            "c https://r.example/v1/responses gpt-5-pro",
            "d https://r.example/v1/responses gpt-5-pro",
            "e https://r.example/v1/chat/completions o_series/x",
        ]
    );
    let written = yaml::write(imported.document.as_ref().unwrap());
    for off in [
        "# disabled: the Responses API of this provider; the URL at which it serves that is not known",
        "# disabled: Cohere's own API is served at that URL",
    ] {
        assert!(written.contains(off), "{written}");
    }
}

#[test]
fn what_ccr_asks_by_responses_or_with_options_is_carried_or_told() {
    let text = r#"{"forceUseImageAgent": true, "Providers": [
        {"name": "a", "api_base_url": "https://a.example/v1/responses", "api_key": "$A",
         "models": ["m"], "transformer": {"use": ["openai-responses"]}},
        {"name": "b", "api_base_url": "https://b.example/v1/chat/completions?v=2", "api_key": "$B",
         "models": ["m"], "transformer": {"use": [["openrouter", {"provider": {"only": ["x"]}}]]}}
    ]}"#;
    let (found, imported) = models(Format::Ccr, text);
    assert_eq!(
        found,
        [
            "a,m https://a.example/v1/responses m",
            "b,m https://b.example/v1/chat/completions?v=2 m",
        ]
    );
    let told: Vec<&str> = imported
        .problems
        .iter()
        .map(|told| &*told.headline)
        .collect();
    assert_eq!(told, ["options of a transformer are not carried"]);
    let written = yaml::write(imported.document.as_ref().unwrap());
    assert!(written.contains("forceUseImageAgent: true"), "{written}");
}

#[test]
fn a_fallback_of_one_name_leaves_the_load_of_another_spread() {
    let deployment = |name: &str, key: &str| {
        format!(
            "  - model_name: {name}\n    litellm_params: {{model: openai/gpt-5, api_key: os.environ/{key}}}\n"
        )
    };
    let list = [
        ("even", "A"),
        ("even", "B"),
        ("one", "C"),
        ("both", "D"),
        ("both", "E"),
    ];
    let list: String = list
        .iter()
        .map(|(name, key)| deployment(name, key))
        .collect();
    let fallbacks = "litellm_settings: {fallbacks: [{one: [even]}, {both: [even]}]}\n";
    let text = format!("model_list:\n{list}{fallbacks}");
    let imported = sound(Format::Litellm, &Sources::single("f.yaml", text.as_str()));
    let written = yaml::write(imported.document.as_ref().unwrap());
    let plan = compiled("r.yaml", &written).1.plan.unwrap();
    let strategies: Vec<String> = plan
        .pools
        .iter()
        .map(|(id, pool)| format!("{id} {}", pool.strategy))
        .collect();
    assert_eq!(
        strategies,
        ["both priority", "even round-robin", "one priority"]
    );
    let told: Vec<&str> = imported
        .problems
        .iter()
        .map(|told| &*told.headline)
        .collect();
    assert_eq!(
        told,
        ["load is not spread over endpoints that others come behind"]
    );
}
