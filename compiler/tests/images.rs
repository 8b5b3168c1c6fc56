//! Which requests' images the model that answers sees, and which it asks the
//! image agent about.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use ctr_compiler::compile;
use ctr_compiler::explain::explain;
use ctr_compiler::plan::{Interface, Plan};
use ctr_compiler::render;
use ctr_compiler::route::{PoolSnapshot, RequestFeatures, looks_beyond_model, route};
use ctr_compiler::source::Sources;

const MODELS: &str = r#"
Models:
  - {id: fast, api: "https://a.example", key: "${K}", interface: anthropic, model: f}
  - {id: eyes, api: "https://a.example", key: "${K}", interface: anthropic, model: e}
  - {id: plain, api: "https://a.example", key: "${K}", interface: anthropic, model: p, metadata: {supports_tools: false}}
"#;

fn plan(rest: &str) -> Plan {
    let compiled = compile(&Sources::single("r.yaml", format!("{MODELS}{rest}")));
    let problems = format!("{:?}", compiled.problems);
    compiled.plan.unwrap_or_else(|| panic!("{problems}"))
}

fn earlier(model: Option<&str>) -> RequestFeatures<'_> {
    RequestFeatures {
        image_anywhere: true,
        ..RequestFeatures::plain(None, model)
    }
}

fn last(model: Option<&str>) -> RequestFeatures<'_> {
    RequestFeatures {
        image_in_last: true,
        ..earlier(model)
    }
}

/// Who answers, and whom the image agent asks.
fn goes(plan: &Plan, features: &RequestFeatures<'_>) -> (String, Option<String>) {
    let decision = route(plan, features, &PoolSnapshot::all_healthy()).unwrap();
    let asked = decision.image_agent.map(str::to_owned);
    (decision.model.to_owned(), asked)
}

fn agent(model: &str) -> (String, Option<String>) {
    (model.to_owned(), Some("eyes".to_owned()))
}

fn sees(model: &str) -> (String, Option<String>) {
    (model.to_owned(), None)
}

#[test]
fn an_image_in_the_last_message_goes_to_its_slot_and_earlier_ones_to_the_agent() {
    let plan = plan("Router: {default: fast, image: eyes, background: plain}\n");
    assert_eq!(goes(&plan, &last(None)), sees("eyes"));
    assert_eq!(goes(&plan, &earlier(None)), agent("fast"));
    let none = RequestFeatures::plain(None, None);
    assert_eq!(goes(&plan, &none), sees("fast"));
    assert_eq!(
        goes(&plan, &earlier(Some("fast"))),
        sees("fast"),
        "a model that was named gets what the client sends"
    );
    assert!(!looks_beyond_model(&plan, Some("fast")));
    assert_eq!(
        goes(&plan, &earlier(Some("claude-haiku-4-5"))),
        sees("plain"),
        "it calls no tools"
    );
}

#[test]
fn where_it_is_forced_all_images_go_to_the_agent() {
    let plan = plan("Router: {default: fast, image: eyes}\nforceUseImageAgent: true\n");
    for features in [last(None), earlier(None), last(Some("fast"))] {
        assert_eq!(goes(&plan, &features), agent("fast"));
    }
    assert_eq!(goes(&plan, &last(Some("eyes"))), sees("eyes"));
    assert_eq!(goes(&plan, &last(Some("plain"))), sees("plain"));
    assert!(looks_beyond_model(&plan, Some("fast")));
    let mut kept = last(None);
    kept.interface = Some(Interface::Anthropic);
    assert_eq!(
        goes(&plan, &kept),
        sees("fast"),
        "it goes on with what an endpoint keeps"
    );
}

#[test]
fn without_a_model_to_ask_there_is_no_agent() {
    let plan = plan("Router: {default: fast}\nforceUseImageAgent: true\n");
    assert_eq!(goes(&plan, &last(None)), sees("fast"));
    assert_eq!(goes(&plan, &earlier(None)), sees("fast"));
}

#[test]
fn it_is_explained() {
    let text =
        format!("{MODELS}Router: {{default: fast, image: eyes}}\nforceUseImageAgent: true\n");
    let compiled = compile(&Sources::single("r.yaml", text));
    let plan = compiled.plan.unwrap();
    let snapshot = PoolSnapshot::all_healthy();
    let explained = explain(&plan, &compiled.provenance, &last(None), &snapshot, 0);
    assert_eq!(explained.reasons, ["slot:default", "image_agent:eyes"]);
    let page = render::explain::text(&explained, &compiled.places);
    assert!(
        page.contains("sees no images; the image agent asks eyes about them"),
        "{page}"
    );
    assert!(page.contains("images go to the image agent"), "{page}");
    let json = render::explain::json(&explained, &compiled.places);
    assert_eq!(json["decision"]["imageAgent"], "eyes", "{json}");
}
