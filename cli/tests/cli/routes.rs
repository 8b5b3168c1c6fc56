//! `ctr explain` and `ctr test`.

use crate::{Place, QUICK_START, assert_story};

const RULES: &str = "
SmartRouter:
  enabled: true
  rules:
    - {name: review, model: sonnet, patterns: [{type: exact, keywords: [review, audit]}]}
    - {name: quick, model: haiku, patterns: [{type: exact, keywords: [thanks]}]}
";

const TESTS: &str = "
Tests:
  - name: a review goes to sonnet
    body: {model: claude-opus-9, messages: [{role: user, content: please review it}]}
    expect: {model: sonnet, reason: ['smart_rule:review'], not_model: [haiku]}
  - name: small models of clients are background
    model: claude-haiku-4-5
    expect: {model: haiku}
  - name: the second endpoint stands in for the first
    model: sonnet
    endpoints: {sonnet-primary: open}
    expect: {endpoint: sonnet-secondary}
";

const REQUEST: &str = r#"{"model":"claude-opus-9","max_tokens":100,"messages":[{"role":"user","content":"a hidden word, and then review it: thanks"}]}"#;

fn place() -> Place {
    Place::new()
        .with("registration.yaml", &format!("{QUICK_START}{RULES}"))
        .with("routes.test.yaml", TESTS)
        .with("request.json", REQUEST)
        .with("broken.json", "{\"messages\":")
        .with("state.json", "{\"sonnet-primary\": \"open\"}")
}

#[test]
fn a_request_is_explained_step_by_step() {
    let place = place();
    let told = place.story("explain request.json --config registration.yaml");
    assert!(!told.contains("hidden"), "texts stay out: {told}");
    assert_story!(
        "explain",
        place.story("explain request.json --config registration.yaml")
    );
    assert_story!(
        "explain-state",
        place.story("explain request.json --config registration.yaml --state state.json")
    );
    assert_story!(
        "explain-json",
        place.story("explain request.json --config registration.yaml --format json")
    );
    assert_story!(
        "explain-broken",
        place.story("explain broken.json --config registration.yaml")
    );
}

#[test]
fn tests_hold_or_say_what_happened() {
    let place = place();
    assert_story!("test", place.story("test registration.yaml"));
    assert_story!(
        "test-mutate",
        place.story("test --mutate registration.yaml")
    );
    assert_story!(
        "test-min-coverage",
        place.story("test --min-coverage 100 registration.yaml")
    );
    let wrong = TESTS
        .replace(
            "expect: {model: haiku}",
            "expect: {model: sonnet, status: 404}",
        )
        .replace("sonnet-primary: open", "sonnet-primry: open");
    let place = place.with("routes.test.yaml", &wrong);
    assert_story!("test-failed", place.story("test registration.yaml"));
    assert_story!(
        "test-failed-json",
        place.story("test --format json registration.yaml")
    );
    assert_story!(
        "test-failed-junit",
        place.story("test --format junit registration.yaml")
    );
}

#[test]
fn tests_are_no_part_of_the_plan() {
    let place = Place::new()
        .with("plain.yaml", QUICK_START)
        .with("tested.yaml", &format!("{QUICK_START}{TESTS}"));
    assert_story!("test-same-plan", place.story("diff plain.yaml tested.yaml"));
}
