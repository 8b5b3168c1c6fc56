//! What a simulation shows is what the decision and the records do.

use std::collections::BTreeMap;

use super::*;
use crate::compile;
use crate::source::Sources;

fn plan(section: &str, metadata: [&str; 2]) -> Plan {
    plan_of("Router: {default: m}", section, metadata)
}

fn plan_of(head: &str, section: &str, metadata: [&str; 2]) -> Plan {
    let mut text = format!("{head}\nRegistration:\n  enabled: true\n{section}\n  models:\n");
    for (metadata, id) in metadata.iter().zip(["a", "b"]) {
        text += &format!(
            "    - {{id: m, api: 'https://{id}.example', key: '${{K}}', interface: anthropic, model: x, metadata: {{pool_endpoint_id: {id}{metadata}}}}}\n"
        );
    }
    let compiled = compile(&Sources::single("r.yaml", text));
    compiled.plan.expect("it compiles")
}

fn scenario() -> Scenario {
    Scenario {
        model: None,
        duration_ms: 120_000,
        rps: 20.0,
        seed: 7,
        turns: Vec::new(),
        latency_ms: BTreeMap::new(),
        error_rate: BTreeMap::new(),
        input_tokens: 1_000,
        output_tokens: 500,
    }
}

fn turn(endpoint: &str, at_s: u64, what: What) -> Turn {
    Turn {
        at_ms: at_s * 1_000,
        endpoint: endpoint.to_owned(),
        what,
    }
}

fn outage() -> Scenario {
    Scenario {
        turns: vec![turn("a", 10, What::Kill), turn("a", 60, What::Restore)],
        ..scenario()
    }
}

#[test]
fn the_same_scenario_gives_the_same_timeline() {
    for strategy in [
        "priority",
        "round-robin",
        "p2c-ewma",
        "least-latency",
        "health-aware",
    ] {
        let plan = plan(&format!("  strategy: {strategy}"), ["", ""]);
        let first = simulate(&plan, &outage()).expect("plays");
        assert_eq!(first, simulate(&plan, &outage()).expect("plays"));
        let seed = Scenario {
            seed: 8,
            ..outage()
        };
        assert_ne!(first, simulate(&plan, &seed).expect("plays"));
        assert_eq!(
            first.totals.requests, 2_400,
            "every request is accounted for"
        );
    }
}

#[test]
fn an_outage_is_survived() {
    let plan = plan("", ["", ""]);
    let timeline = simulate(&plan, &outage()).expect("plays");
    let totals = &timeline.totals;
    assert_eq!((totals.failed, totals.refused), (0, 0));
    assert!(totals.retries > 0);
    // Alone until it is killed, gone while it rests, and back.
    let answers = |span: usize| &timeline.buckets[span].answers;
    assert_eq!(answers(0)[1], 0);
    assert_eq!(answers(5)[0], 0);
    let last = timeline.buckets.len() - 1;
    assert!(
        answers(last)[0] > 0 && answers(last)[1] == 0,
        "{:?}",
        answers(last)
    );
    let words: Vec<&str> = timeline
        .events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::Stands { to, .. } => Some(to),
            _ => None,
        })
        .collect();
    assert_eq!(words.last(), Some(&"healthy"));
}

#[test]
fn an_endpoint_that_opened_comes_back_by_a_trial_under_every_strategy() {
    let long = Scenario {
        duration_ms: 600_000,
        rps: 5.0,
        ..outage()
    };
    for strategy in [
        "priority",
        "least-latency",
        "round-robin",
        "health-aware",
        "p2c-ewma",
    ] {
        let section = format!("  strategy: {strategy}\n  health: {{failures_to_open: 1}}");
        let timeline = simulate(&plan(&section, ["", ""]), &long).expect("plays");
        let stands = timeline.events.iter().filter_map(|event| match event.kind {
            EventKind::Stands { from, to, .. } => Some((event.endpoint, from, to)),
            _ => None,
        });
        let of_a: Vec<_> = stands.filter(|(endpoint, ..)| *endpoint == 0).collect();
        assert_eq!(of_a[0], (0, "healthy", "open"), "{strategy}");
        assert_eq!(
            of_a.last(),
            Some(&(0, "half-open", "healthy")),
            "{strategy}"
        );
        assert_eq!(timeline.totals.failed, 0, "{strategy}");
    }
}

#[test]
fn a_brown_out_is_not_amplified() {
    let both = BTreeMap::from([("a".to_owned(), 1.0), ("b".to_owned(), 1.0)]);
    let brown_out = Scenario {
        error_rate: both,
        ..scenario()
    };
    let budget = "  retry_budget: {percent: 10, min_per_second: 0}\n  health: {failures_to_open: 1000, cooldown_ms: 0}";
    let timeline = simulate(&plan(budget, ["", ""]), &brown_out).expect("plays");
    let totals = &timeline.totals;
    assert_eq!(totals.failed, 2_400);
    assert!((200..=250).contains(&totals.retries), "{}", totals.retries);
    let reject = "  on_all_open: reject";
    let timeline = simulate(&plan(reject, ["", ""]), &brown_out).expect("plays");
    assert!(timeline.totals.refused > 2_000, "{:?}", timeline.totals);
}

#[test]
fn what_it_costs_and_how_long_it_takes() {
    let prices = [
        ", cost_per_1m_input_tokens: 3, cost_per_1m_output_tokens: 15",
        "",
    ];
    let half = Scenario {
        latency_ms: BTreeMap::from([("a".to_owned(), 100)]),
        ..scenario()
    };
    let timeline = simulate(&plan("  strategy: round-robin", prices), &half).expect("plays");
    let [a, b] = timeline.totals.endpoints.as_slice() else {
        panic!("two endpoints")
    };
    assert_eq!((a.answers, b.answers), (1_200, 1_200));
    assert!(a.p50_ms.is_some_and(|ms| (80..=120).contains(&ms)));
    assert!(b.p50_ms.is_some_and(|ms| (640..=960).contains(&ms)));
    assert!(a.p95_ms > a.p50_ms);
    let cost = 1_200.0 * (3.0 * 0.001 + 15.0 * 0.0005);
    assert!((timeline.totals.cost["USD"] - cost).abs() < 1e-9);
}

#[test]
fn what_is_not_there_is_said() {
    let plan = plan("", ["", ""]);
    let of = |turns| {
        simulate(
            &plan,
            &Scenario {
                turns,
                ..scenario()
            },
        )
        .expect_err("refused")
    };
    let refused = of(vec![turn("aa", 1, What::Kill)]);
    assert_eq!(refused.what, "`aa` is no endpoint of `m`");
    assert!(
        refused.help.starts_with("use one of") || refused.help.contains("`a`"),
        "{}",
        refused.help
    );
    let model = Some("n".to_owned());
    let refused = simulate(
        &plan,
        &Scenario {
            model,
            ..scenario()
        },
    )
    .expect_err("refused");
    assert_eq!(refused.what, "the plan has no model `n`");
    let rps = 1e9;
    assert!(simulate(&plan, &Scenario { rps, ..scenario() }).is_err());
}

#[test]
fn only_what_is_gone_comes_back() {
    let plan = plan("", ["", ""]);
    let (kill, back) = (What::Kill, What::Restore);
    for (turns, in_vain) in [
        (vec![("a", 5, back)], Some(5)),
        (vec![("a", 5, back), ("a", 10, kill)], Some(5)),
        (vec![("b", 1, kill), ("a", 5, back)], Some(5)),
        (
            vec![("a", 1, kill), ("a", 2, back), ("a", 3, back)],
            Some(3),
        ),
        (vec![("a", 2, back), ("a", 1, kill)], None),
        (vec![("a", 2, back), ("a", 2, kill)], None),
        (vec![("a", 1, kill), ("a", 2, kill), ("a", 3, back)], None),
    ] {
        let turns = turns.into_iter().map(|(id, at, what)| turn(id, at, what));
        let turns = turns.collect();
        let played = simulate(
            &plan,
            &Scenario {
                turns,
                ..scenario()
            },
        );
        let wanted =
            in_vain.map(|at| format!("`a` is to come back at {at} s, and is not gone then"));
        assert_eq!(played.err().map(|refused| refused.what), wanted);
    }
}

#[test]
fn one_endpoint_of_a_pool_can_be_asked_alone() {
    let plan = plan("", ["", ""]);
    let model = Some("registration__b,x".to_owned());
    let alone = Scenario {
        model,
        ..scenario()
    };
    let timeline = simulate(&plan, &alone).expect("plays");
    assert_eq!(timeline.endpoints, ["b"]);
    assert_eq!(timeline.totals.endpoints[0].answers, 2_400);
}

#[test]
fn requests_that_fit_nowhere_are_not_played() {
    let window = ", context_window_tokens: 1000";
    let long = Scenario {
        input_tokens: 1_001,
        ..scenario()
    };
    let refused = |plan: &Plan| simulate(plan, &long).expect_err("does not fit");
    let small = plan("", [window, window]);
    assert_eq!(
        refused(&small).what,
        "requests with 1001 tokens of input do not fit into `m`: its window has 1000 tokens, \
         of which the answer may take 0"
    );
    simulate(&small, &scenario()).expect("as many as there is room for");
    let text = "Models: [{id: big, api: 'https://c.example', key: '${K}', interface: anthropic, model: y}]\n";
    let both = plan_of(
        &format!("{text}Router: {{default: m, longContext: big}}"),
        "",
        [window; 2],
    );
    let told = refused(&both);
    assert!(
        told.what.ends_with("do not fit into `m`, and go to `big`"),
        "{}",
        told.what
    );
    assert!(told.help.contains("`--model big`"), "{}", told.help);
    let one = plan("", [window, ""]);
    let timeline = simulate(&one, &long).expect("fits into the other");
    assert_eq!(timeline.totals.endpoints[1].answers, 2_400);
}

#[test]
fn events_are_told_in_their_order() {
    let quick = "  strategy: weighted\n  health: {cooldown_ms: 1000, open_ms: 1000}";
    let plan = plan(quick, [", pool_weight: 1"; 2]);
    // Either fails first, and nothing is due between the ends of their rests.
    let rare = Scenario {
        rps: 0.1,
        duration_ms: 300_000,
        turns: vec![turn("a", 0, What::Kill), turn("b", 0, What::Kill)],
        ..scenario()
    };
    let timeline = simulate(&plan, &rare).expect("plays");
    let times = timeline.events.iter().map(|event| event.at_ms);
    assert!(times.is_sorted(), "{:?}", timeline.events);
}
