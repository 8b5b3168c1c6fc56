//! Requests that are too long for a model: which endpoints they pass over, and
//! where they go when none is wide enough.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use ctr_compiler::compile;
use ctr_compiler::plan::{Plan, Slot};
use ctr_compiler::route::{
    Limit, NoRoute, PoolSnapshot, Refusal, RequestFeatures, Source, Tokens, route,
};
use ctr_compiler::source::Sources;

fn plan(models: &str, router: &str) -> Plan {
    let mut text = String::from("Models:\n");
    for model in models.split(';') {
        let (id, rest) = model.trim().split_once(' ').unwrap();
        text += &format!(
            "  - {{id: {id}, api: \"https://a.example\", key: \"${{K}}\", interface: anthropic, model: {id}-1, {rest}}}\n"
        );
    }
    text += &format!("Router: {{{router}}}\n");
    let compiled = compile(&Sources::single("r.yaml", text));
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:?}", compiled.problems))
}

fn asks(input: u64, answer: u64) -> RequestFeatures<'static> {
    RequestFeatures {
        tokens: Tokens::Counted(input),
        max_tokens: Some(answer),
        ..RequestFeatures::plain(None, Some("small"))
    }
}

const SMALL: &str = "small metadata: {context_window_tokens: 1000, safe_input_tokens: 800}";

#[test]
fn a_request_that_fits_nowhere_is_refused_with_its_limit() {
    let plan = plan(SMALL, "default: small");
    let refused = |features| match route(&plan, &features, &PoolSnapshot::all_healthy()) {
        Ok(decision) => format!("{} to {}", decision.candidates.len(), decision.model),
        Err(NoRoute::Window {
            exceeded,
            long_context,
            ..
        }) => {
            assert_eq!(long_context, None);
            format!(
                "{} of {} beside {}",
                exceeded.limit.code(),
                exceeded.limit_tokens,
                exceeded.beside_input
            )
        }
        Err(other) => format!("{other:?}"),
    };
    assert_eq!(refused(asks(800, 200)), "1 to small");
    assert_eq!(refused(asks(801, 0)), "safe_input_exceeded of 800 beside 0");
    assert_eq!(
        refused(asks(800, 201)),
        "context_window_exceeded of 1000 beside 201"
    );
    assert_eq!(
        refused(asks(0, 1001)),
        "context_window_exceeded of 1000 beside 1001"
    );
    let thinks = RequestFeatures {
        thinking_budget: Some(100),
        ..asks(800, 101)
    };
    assert_eq!(
        refused(thinks),
        "context_window_exceeded of 1000 beside 201"
    );
}

#[test]
fn the_models_own_thinking_counts_before_that_of_the_request() {
    let asked = RequestFeatures {
        thinking_budget: Some(500),
        ..asks(100, 0)
    };
    for (thinking, fits) in [
        ("mode: auto", false),
        ("mode: \"off\"", true),
        ("budget_tokens: 100", true),
        ("budget_tokens: 600", false),
    ] {
        let small =
            format!("small thinking: {{{thinking}}}, metadata: {{context_window_tokens: 599}}");
        let plan = plan(&small, "default: small");
        let decided = route(&plan, &asked, &PoolSnapshot::all_healthy());
        assert_eq!(decided.is_ok(), fits, "{thinking}");
    }
}

#[test]
fn a_longer_window_takes_what_does_not_fit() {
    let models = format!("{SMALL}; large metadata: {{context_window_tokens: 5000}}");
    let plan = plan(&models, "default: small, longContext: large");
    let snapshot = PoolSnapshot::all_healthy();
    let long = asks(2_000, 100);
    let decision = route(&plan, &long, &snapshot).unwrap();
    assert_eq!(
        (decision.model, decision.source, decision.instead_of),
        ("large", Source::Slot(Slot::LongContext), Some("small"))
    );
    let short = asks(10, 10);
    let decision = route(&plan, &short, &snapshot).unwrap();
    assert_eq!(
        (decision.model, decision.source, decision.instead_of),
        ("small", Source::ExplicitModel, None)
    );
    let longest = asks(6_000, 0);
    let Err(NoRoute::Window {
        model,
        exceeded,
        long_context,
    }) = route(&plan, &longest, &snapshot)
    else {
        panic!("nothing is wide enough");
    };
    assert_eq!(
        (model.as_str(), exceeded.limit),
        ("small", Limit::SafeInput)
    );
    assert_eq!(long_context.as_deref(), Some("large"));
}

#[test]
fn endpoints_of_a_pool_are_passed_over_one_by_one() {
    let entry = |id: &str, window: u64| {
        format!(
            "    - {{id: team, api: 'https://{id}.example', key: '${{K}}', interface: anthropic, model: m, metadata: {{pool_endpoint_id: {id}, context_window_tokens: {window}}}}}\n"
        )
    };
    let text = format!(
        "Registration:\n  enabled: true\n  models:\n{}{}Router: {{default: team}}\n",
        entry("narrow", 100),
        entry("wide", 1_000)
    );
    let plan = compile(&Sources::single("r.yaml", text)).plan.unwrap();
    let snapshot = PoolSnapshot::all_healthy();
    let goes = |input| {
        let features = RequestFeatures {
            tokens: Tokens::Counted(input),
            ..RequestFeatures::plain(None, Some("team"))
        };
        match route(&plan, &features, &snapshot) {
            Ok(decision) => {
                let refused = decision.refused.iter();
                assert!(
                    refused
                        .clone()
                        .all(|refused| matches!(refused.why, Refusal::Window(_)))
                );
                let ids = decision.candidates.iter();
                ids.map(|candidate| candidate.endpoint.id.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Err(NoRoute::Window { exceeded, .. }) => format!("over {}", exceeded.limit_tokens),
            Err(other) => format!("{other:?}"),
        }
    };
    assert_eq!(goes(100), "narrow wide");
    assert_eq!(goes(101), "wide");
    assert_eq!(goes(1_001), "over 1000");
}
