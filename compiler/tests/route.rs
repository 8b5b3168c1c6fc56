//! Where a request goes that is of no use to most endpoints.
#![expect(clippy::unwrap_used, reason = "tests")]

use ctr_compiler::compile;
use ctr_compiler::health::{Seen, Standing};
use ctr_compiler::plan::{Endpoint, Interface, Plan};
use ctr_compiler::route::{
    NoRoute, PoolSnapshot, Refusal, RequestFeatures, Tokens, route, route_kept,
};
use ctr_compiler::source::Sources;

/// Pool `team` of `a` (Anthropic), `b` and `c` (OpenAI), in this order.
fn team() -> Plan {
    let entry = |id: &str, interface: &str| {
        format!(
            "    - {{id: team, api: 'https://{id}.example', key: '${{K}}', interface: {interface}, model: m, metadata: {{pool_endpoint_id: {id}}}}}\n"
        )
    };
    let text = format!(
        "Registration:\n  enabled: true\n  models:\n{}{}{}Router: {{default: team}}\n",
        entry("a", "anthropic"),
        entry("b", "openai"),
        entry("c", "openai")
    );
    let mut sources = Sources::new();
    sources.add("registration.yaml", text);
    compile(&sources).plan.unwrap()
}

fn features(interface: Option<Interface>) -> RequestFeatures<'static> {
    RequestFeatures::plain(interface, Some("team"))
}

#[test]
fn the_interface_decides_only_where_nothing_else_will_do() {
    let plan = team();
    let snapshot = PoolSnapshot::all_healthy();
    let order = |interface| {
        let decision = route(&plan, &features(interface), &snapshot).unwrap();
        let ids = decision.candidates.iter();
        ids.map(|candidate| candidate.endpoint.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(order(None), ["a", "b", "c"]);
    assert_eq!(order(Some(Interface::Openai)), ["b", "c"]);
    assert_eq!(order(Some(Interface::Anthropic)), ["a"]);
    let only = team();
    let mut only = serde_json::from_str::<serde_json::Value>(&only.to_canonical_json()).unwrap();
    only["pools"]["team"]["endpoints"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    let only = Plan::from_json(&only.to_string()).unwrap();
    let none = route(&only, &features(Some(Interface::Openai)), &snapshot).unwrap_err();
    let expected = NoRoute::Interface {
        model: "team".to_owned(),
        speaks: Interface::Anthropic,
    };
    assert_eq!(none, expected);
}

#[test]
fn a_request_stays_with_the_endpoint_that_keeps_what_it_goes_on_with() {
    let plan = team();
    let kept = |standing: Standing, keeper: &str| {
        let seen = move |endpoint: &Endpoint| match endpoint.id.as_str() {
            "b" => Seen {
                standing,
                ..Seen::UNUSED
            },
            _ => Seen::UNUSED,
        };
        let keeps = |endpoint: &Endpoint| endpoint.id == keeper;
        let snapshot = PoolSnapshot::new(&seen, 0);
        let decision = route_kept(&plan, &features(None), &snapshot, &keeps).unwrap();
        let refused = decision.refused.iter();
        let refused = refused
            .filter(|refused| refused.why == Refusal::Elsewhere)
            .count();
        let ids = decision.candidates.iter();
        let ids: Vec<String> = ids.map(|candidate| candidate.endpoint.id.clone()).collect();
        (ids.join(" "), refused)
    };
    let is = |ids: &str, refused| (ids.to_owned(), refused);
    assert_eq!(kept(Standing::Healthy, "b"), is("b", 2));
    assert_eq!(kept(Standing::Cooldown { until_ms: 9 }, "b"), is("b", 2));
    assert_eq!(kept(Standing::Cooldown { until_ms: 9 }, "c"), is("c", 1));
    assert_eq!(kept(Standing::Healthy, "none"), is("a b c", 0));
}

#[test]
fn where_its_keeper_cannot_answer_a_request_goes_nowhere_else() {
    let mut plan = serde_json::from_str::<serde_json::Value>(&team().to_canonical_json()).unwrap();
    let endpoints = plan["pools"]["team"]["endpoints"].as_array_mut().unwrap();
    let mut other = endpoints[2].clone();
    other["id"] = "d".into();
    endpoints.push(other);
    endpoints[0]["enabled"] = false.into();
    endpoints[1]["capabilities"]["safe_input_tokens"] = 10.into();
    let plan = Plan::from_json(&plan.to_string()).unwrap();
    let seen = |endpoint: &Endpoint| Seen {
        limited_until: (endpoint.id == "c").then_some(9),
        ..Seen::UNUSED
    };
    let kept = |keeper: &str| {
        let long = RequestFeatures {
            tokens: Tokens::Counted(11),
            ..features(None)
        };
        let keeps = |endpoint: &Endpoint| endpoint.id == keeper;
        let decision = route_kept(&plan, &long, &PoolSnapshot::new(&seen, 0), &keeps)?;
        let ids = decision.candidates.iter();
        Ok(ids
            .map(|candidate| candidate.endpoint.id.as_str())
            .collect::<String>())
    };
    let limited = NoRoute::AllLimited {
        model: "team".to_owned(),
        until_ms: 9,
    };
    assert_eq!(kept("c"), Err(limited));
    assert!(
        matches!(kept("b"), Err(NoRoute::Window { exceeded, .. }) if exceeded.limit_tokens == 10)
    );
    // Who is switched off is not asked, nor waited for.
    assert_eq!(kept("a"), Ok("d".to_owned()));
}

#[test]
fn a_request_too_long_for_its_keeper_stays_with_its_account_behind_slot_long_context() {
    let entry = |model: &str, id: &str, window: u32| {
        format!(
            "    - {{id: {model}, api: 'https://{id}.example', key: '${{K}}', interface: openai, model: m, \
             metadata: {{pool_endpoint_id: {id}, context_window_tokens: {window}}}}}\n"
        )
    };
    let text = format!(
        "Registration:\n  enabled: true\n  models:\n{}{}{}{}{}Router: {{default: alone, longContext: big}}\n",
        entry("alone", "a-small", 100),
        entry("mixed", "a-narrow", 100),
        entry("mixed", "b-wide", 1000),
        entry("big", "c-big", 1000),
        entry("big", "a-big", 1000),
    );
    let mut sources = Sources::new();
    sources.add("registration.yaml", text);
    let plan = compile(&sources).plan.unwrap();
    let kept = |model: &'static str, keeper: &str| {
        let long = RequestFeatures {
            tokens: Tokens::Counted(400),
            ..RequestFeatures::plain(None, Some(model))
        };
        let keeps = |endpoint: &Endpoint| endpoint.id.starts_with(keeper);
        let decision = route_kept(&plan, &long, &PoolSnapshot::all_healthy(), &keeps)?;
        let ids = decision.candidates.iter();
        let ids: Vec<&str> = ids.map(|it| it.endpoint.id.as_str()).collect();
        Ok((ids.join(" "), decision.instead_of))
    };
    let is = |ids: &str, instead_of| Ok((ids.to_owned(), instead_of));
    assert_eq!(kept("alone", "a-"), is("a-big", Some("alone")));
    assert_eq!(kept("mixed", "a-"), is("a-big", Some("mixed")));
    assert_eq!(kept("mixed", "b-"), is("b-wide", None));
    assert_eq!(kept("alone", "none"), is("c-big a-big", Some("alone")));
    for (model, keeper) in [("alone", "a-small"), ("mixed", "a-narrow")] {
        let refused: Result<(String, Option<&str>), NoRoute> = kept(model, keeper);
        assert!(
            matches!(
                &refused,
                Err(NoRoute::Window { model: of, exceeded, .. })
                    if of == model && exceeded.limit_tokens == 100
            ),
            "{model}: {refused:?}"
        );
    }
}
