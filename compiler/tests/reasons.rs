//! What decisions say of themselves, in the words that traces and tests keep.

use ctr_compiler::compile;
use ctr_compiler::plan::Plan;
use ctr_compiler::route::{
    Answers, Chosen, PoolSnapshot, RequestFeatures, Session, Tokens, reasons, route,
};
use ctr_compiler::source::Sources;

const DOCUMENT: &str = r#"
Models:
  - {id: fast, api: "https://a.example", key: "${K}", interface: anthropic, model: small, metadata: {context_window_tokens: 100}}
  - {id: deep, api: "https://a.example", key: "${K}", interface: anthropic, model: large}
  - {id: eyes, api: "https://a.example", key: "${K}", interface: anthropic, model: sees}
Registration:
  enabled: true
  models:
    - {id: many, api: "https://a.example", key: "${K}", interface: anthropic, model: x, metadata: {pool_endpoint_id: many-a, context_window_tokens: 1000}}
    - {id: many, api: "https://b.example", key: "${K}", interface: anthropic, model: x, metadata: {pool_endpoint_id: many-b, pool_priority: 2, context_window_tokens: 1000}}
Router: {default: fast, think: many, longContext: many, longContextThreshold: 500, image: eyes}
SmartRouter:
  enabled: true
  rules:
    - {name: poem, priority: 5, model: fast, patterns: [{type: exact, keywords: [poem]}]}
    - {name: design, model: many, description: "architecture of systems", patterns: [{type: regex, pattern: "^design "}]}
  semantic: {enabled: true, threshold: 0.9}
  router_model: fast
  candidates: [{model: fast, description: edits}, {model: deep, description: thought}]
  sticky: {enabled: true}
"#;

fn plan() -> Plan {
    let compiled = compile(&Sources::single("r.yaml", DOCUMENT.to_owned()));
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:?}", compiled.problems))
}

fn says(text: &str) -> RequestFeatures<'_> {
    let mut features = RequestFeatures::plain(None, Some("claude-opus-5-5"));
    features.text = Some(text.into());
    features.answers.chosen = Chosen::Failed;
    features
}

fn told(features: RequestFeatures<'_>) -> String {
    let plan = plan();
    let decided = route(&plan, &features, &PoolSnapshot::all_healthy());
    reasons(&plan, &features, decided.as_ref()).join(" ")
}

#[test]
fn every_source_has_a_word() {
    let asks = |model| RequestFeatures::plain(None, Some(model));
    assert_eq!(told(asks("fast")), "explicit_model");
    assert_eq!(told(asks("many")), "explicit_model model_pool:many:many-a");
    assert_eq!(told(says("a poem")), "smart_rule:poem");
    assert_eq!(
        told(says("design it")),
        "smart_rule:design model_pool:many:many-a"
    );
    assert_eq!(
        told(says("architecture of systems")),
        "semantic_match:design model_pool:many:many-a"
    );
    let chosen = RequestFeatures {
        answers: Answers {
            chosen: Chosen::Model("deep"),
            ..Answers::default()
        },
        ..says("hello")
    };
    assert_eq!(told(chosen), "smart_router");
    let session = Session {
        last_model: Some("deep"),
        last_text: Some("hello"),
        ..Session::default()
    };
    let sticky = RequestFeatures {
        session,
        ..says("hello")
    };
    assert_eq!(told(sticky), "sticky_correction");
}

#[test]
fn a_smart_router_that_was_asked_and_passed_says_so() {
    let hello = says("hello");
    assert_eq!(told(hello), "smart_router:no_match slot:default");
    let thinks = RequestFeatures {
        thinking: true,
        ..hello
    };
    assert_eq!(
        told(thinks),
        "smart_router:no_match slot:think model_pool:many:many-a"
    );
    let marked = RequestFeatures {
        subagent: Some("deep"),
        ..hello
    };
    assert_eq!(told(marked), "smart_router:no_match subagent_model");
    for unasked in [
        says(" "),
        RequestFeatures {
            is_tool_result: true,
            ..hello
        },
    ] {
        assert_eq!(told(unasked), "slot:default");
    }
    let image = RequestFeatures {
        image_in_last: true,
        ..hello
    };
    assert_eq!(told(image), "slot:image", "it is asked before");
}

#[test]
fn a_request_that_is_too_long_says_what_was_chosen_first() {
    let long = |tokens| RequestFeatures {
        tokens: Tokens::Counted(tokens),
        ..says("a poem")
    };
    assert_eq!(
        told(long(101)),
        "smart_rule:poem context_window_fallback:fast->many model_pool:many:many-a"
    );
    assert_eq!(
        told(long(1001)),
        "smart_rule:poem context_window_exceeded:fast"
    );
}

#[test]
fn a_refusal_without_a_word_adds_none() {
    let plan = plan();
    let features = RequestFeatures::plain(None, Some("many"));
    let out = ctr_compiler::route::NoRoute::AllLimited {
        model: "many".to_owned(),
        until_ms: 1,
    };
    assert_eq!(reasons(&plan, &features, Err(&out)), ["explicit_model"]);
}
