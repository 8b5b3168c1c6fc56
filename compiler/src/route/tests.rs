//! The acceptance vectors of claude-trigger-router's strategies, and where this
//! one differs from them on purpose.

use std::collections::BTreeMap;

use super::*;
use crate::compile;
use crate::health::{Failure, Observed, Terms};
use crate::source::Sources;

const T: u64 = 1_000_000_000;

/// A pool `m` of endpoints `a`, `b`, … with these `metadata`, and what is known of them.
struct World {
    plan: Plan,
    observed: BTreeMap<String, Observed>,
}

impl World {
    fn new(section: &str, metadata: &[&str]) -> Self {
        let mut text = format!(
            "Router: {{default: m}}\nRegistration:\n  enabled: true\n{section}\n  models:\n"
        );
        for (metadata, id) in metadata.iter().zip(["a", "b", "c", "d", "e"]) {
            text += &format!(
                "    - {{id: m, api: 'https://{id}.example', key: '${{K}}', interface: anthropic, model: x, metadata: {{pool_endpoint_id: {id}{metadata}}}}}\n"
            );
        }
        let compiled = compile(&Sources::single("r.yaml", text));
        let plan = compiled.plan.expect("the world compiles");
        let ids = plan.endpoints().map(|endpoint| endpoint.id.clone());
        let observed = ids.map(|id| (id, Observed::default())).collect();
        Self { plan, observed }
    }

    fn of(strategy: &str, count: usize) -> Self {
        Self::new(&format!("  strategy: {strategy}"), &[""; 5][..count])
    }

    fn pool(&self) -> &Pool {
        &self.plan.pools["m"]
    }

    fn at(&mut self, id: &str) -> (&mut Observed, Terms) {
        let pool = &self.plan.pools["m"];
        let endpoint = pool.endpoints.iter().find(|endpoint| endpoint.id == id);
        let terms = Terms::in_pool(pool, endpoint.and_then(|it| it.rate_limit.as_ref()));
        (self.observed.get_mut(id).expect("a known id"), terms)
    }

    fn fails(&mut self, id: &str, now: u64) -> &mut Self {
        let (observed, terms) = self.at(id);
        observed
            .health
            .failed(&terms.policy, now, now, Failure::Status, None);
        self
    }

    fn succeeds(&mut self, id: &str, now: u64, latency_ms: u64) -> &mut Self {
        let (observed, terms) = self.at(id);
        let sent = now - latency_ms;
        observed
            .health
            .succeeded(&terms.policy, now, sent, latency_ms);
        self
    }

    /// A request goes to the endpoint and stays there.
    fn enters(&mut self, id: &str, now: u64, turn: u64) {
        let (observed, terms) = self.at(id);
        let _ = observed.enter(&terms, now, 1, turn, true).expect("free");
    }

    fn decide(&self, now: u64, ticket: u64) -> Result<Decision<'_>, NoRoute> {
        let pool = self.pool();
        let seen = |endpoint: &Endpoint| {
            let terms = Terms::in_pool(pool, endpoint.rate_limit.as_ref());
            self.observed[&endpoint.id].seen(&terms, now, 1)
        };
        let features = RequestFeatures::plain(Some(Interface::Anthropic), Some("m"));
        route(&self.plan, &features, &PoolSnapshot::new(&seen, ticket))
    }

    /// The candidates in order, as one word.
    fn order(&self, now: u64) -> String {
        self.drawn(now, 0)
    }

    fn drawn(&self, now: u64, ticket: u64) -> String {
        let decision = self.decide(now, ticket).expect("a route");
        decision
            .candidates
            .iter()
            .map(|candidate| candidate.endpoint.id.as_str())
            .collect()
    }
}

#[test]
fn priority() {
    let mut world = World::new("", &[", pool_priority: 10", ", pool_priority: 20"]);
    assert_eq!(world.order(T), "ab");
    world.fails("a", T);
    assert_eq!(world.order(T), "b");
    assert_eq!(
        world.decide(T, 0).expect("a route").refused[0].why,
        Refusal::Out(Standing::Cooldown {
            until_ms: T + 60_000
        })
    );
    world.fails("a", T + 1_000).fails("a", T + 2_000);
    let why = world.decide(T + 2_000, 0).expect("a route").refused[0].why;
    let until_ms = T + 302_000;
    assert_eq!(why, Refusal::Out(Standing::Open { until_ms }));
    // The reference calls it healthy again from here on; here it has one trial.
    assert_eq!(world.order(until_ms), "ab");
    world.enters("a", until_ms, 1);
    assert_eq!(world.order(until_ms), "b");
    // An endpoint before the one that failed is never gone back to.
    world.succeeds("a", until_ms + 10, 5).fails("b", until_ms);
    assert_eq!(world.order(until_ms + 10), "a");
}

#[test]
fn a_disabled_endpoint_is_skipped() {
    let world = World::new("", &["", ", pool_enabled: false", ""]);
    assert_eq!(world.order(T), "ac");
}

#[test]
fn ties_fall_to_priority_then_id() {
    for strategy in ["least-latency", "round-robin", "health-aware", "p2c-ewma"] {
        let section = format!("  strategy: {strategy}");
        let world = World::new(&section, &[", pool_priority: 2", ", pool_priority: 1"]);
        assert_eq!(world.order(T), "ba", "{strategy}");
        let world = World::new(&section, &[", pool_priority: 1", ", pool_priority: 1"]);
        assert_eq!(world.order(T), "ab", "{strategy}");
    }
}

#[test]
fn least_latency() {
    let mut world = World::of("least-latency", 3);
    assert_eq!(world.order(T), "abc");
    world.succeeds("a", T, 900).succeeds("b", T, 200);
    assert_eq!(world.order(T), "bac");
    // Samples of long ago say nothing.
    assert_eq!(world.order(T + 600_001), "abc");
}

#[test]
fn round_robin() {
    let mut world = World::of("round-robin", 3);
    assert_eq!(world.order(T), "abc");
    // As in the reference, an endpoint with two successes stands behind one without.
    world.enters("a", T, 1);
    world.enters("a", T, 2);
    assert_eq!(world.order(T), "bca");
    // The reference goes by the count of successes and would now ask `b` until it
    // has as many as `a`. Here each has its turn.
    world.enters("b", T, 3);
    world.enters("c", T, 4);
    assert_eq!(world.order(T), "abc");
    // So an endpoint that comes back is not flooded either.
    world.fails("c", T);
    for turn in [5, 7, 9] {
        assert_eq!(world.order(T), "ab");
        world.enters("a", T, turn);
        assert_eq!(world.order(T), "ba");
        world.enters("b", T, turn + 1);
    }
    assert_eq!(world.order(T + 60_000), "cab");
    world.enters("c", T + 60_000, 11);
    assert_eq!(world.order(T + 60_000), "abc");
}

#[test]
fn health_aware() {
    let mut world = World::of("health-aware", 2);
    world.succeeds("a", T, 800).succeeds("b", T, 150);
    assert_eq!(world.order(T), "ba");
    // A failure weighs more than any latency, also when the rest is over …
    world.fails("b", T + 1);
    assert_eq!(world.order(T + 60_001), "ab");
    // … and is forgotten in the end, which it is not in the reference.
    assert_eq!(world.order(T + 300_001), "ba");
}

#[test]
fn what_comes_back_is_tried_first_where_nothing_else_would_show_that_it_is_well() {
    for strategy in ["least-latency", "health-aware"] {
        let mut world = World::of(strategy, 2);
        for at in [T, T + 1, T + 2] {
            world.fails("b", at);
        }
        let back = T + 2 + 300_000;
        world.succeeds("a", back, 10);
        assert_eq!(world.order(back), "ba", "{strategy}");
        world.enters("b", back, 1);
        assert_eq!(world.order(back), "a", "{strategy}: one trial at a time");
    }
}

#[test]
fn cost_aware() {
    let price = |input: u32, output: u32, more: &str| {
        format!(", cost_per_1m_input_tokens: {input}, cost_per_1m_output_tokens: {output}{more}")
    };
    let strategy = "  strategy: cost-aware";
    let (dear, cheap) = (price(3, 15, ""), price(1, 5, ""));
    assert_eq!(World::new(strategy, &[&dear, &cheap]).order(T), "ba");
    // Unknown prices go last; a side that is missing counts as nothing.
    let half = ", cost_per_1m_output_tokens: 2";
    assert_eq!(World::new(strategy, &["", &cheap, half]).order(T), "cba");
    // Currencies are not compared, but stand together.
    let (euro, cheaper) = (
        price(90, 1, ", cost_currency: EUR"),
        price(80, 1, ", cost_currency: eur"),
    );
    let world = World::new(strategy, &[&euro, &cheap, &cheaper, &dear]);
    assert_eq!(world.order(T), "cabd");
}

#[test]
fn p2c_ewma_takes_the_less_loaded_of_two() {
    let mut world = World::of("p2c-ewma", 2);
    world.succeeds("a", T, 100).succeeds("b", T, 150);
    assert_eq!(world.order(T), "ab");
    world.enters("a", T, 1);
    assert_eq!(world.order(T), "ba", "200 in waiting against 150");
    // With more than two, chance picks which two; the most loaded is never first.
    let mut world = World::of("p2c-ewma", 3);
    world
        .succeeds("a", T, 1_000)
        .succeeds("b", T, 10)
        .succeeds("c", T, 20);
    let firsts: String = (0..60)
        .map(|ticket| world.drawn(T, ticket).remove(0))
        .collect();
    assert!(!firsts.contains('a'));
    for id in ['b', 'c'] {
        assert!(firsts.matches(id).count() > 10, "{firsts}");
    }
    // An endpoint of which nothing is known counts as the others do on the average.
    let mut world = World::of("p2c-ewma", 3);
    world.succeeds("a", T, 100).succeeds("b", T, 300);
    let order = world.drawn(T, 0);
    assert_eq!(order.len(), 3);
    world.enters("c", T, 1);
    assert!((0..60).all(|ticket| !world.drawn(T, ticket).starts_with('c')));
}

#[test]
fn weighted_draws_by_weight() {
    let world = World::new(
        "  strategy: weighted",
        &[", pool_weight: 1", ", pool_weight: 3", ", pool_weight: 6"],
    );
    let mut firsts = BTreeMap::new();
    let mut seconds = BTreeMap::new();
    for ticket in 0..10_000u64 {
        let mut order = world.drawn(T, ticket.wrapping_mul(0x1234_5678_9abc_def1));
        assert_eq!(order.len(), 3);
        *firsts.entry(order.remove(0)).or_insert(0) += 1;
        *seconds.entry(order.remove(0)).or_insert(0) += 1;
    }
    for (id, wanted) in [('a', 1_000), ('b', 3_000), ('c', 6_000)] {
        let found: i32 = firsts[&id];
        assert!((found - wanted).abs() < 200, "{id}: {found}");
    }
    // Without the first, the rest again by weight: 1/10·3/9 + 6/10·3/4 of all.
    let found: i32 = seconds[&'b'];
    assert!((found - 4_833).abs() < 200, "{found}");
}

#[test]
fn whoever_failed_meanwhile_is_tried_last_or_not_at_all() {
    for (section, wanted) in [
        ("", &["a", "c", "b!"][..]),
        ("  on_all_open: reject", &["a", "c"]),
        ("  max_retries: 1", &["a", "c"]),
    ] {
        let world = World::new(section, &["", "", ""]);
        let decision = world.decide(T, 0).expect("a route");
        let mut walk = Walk::default();
        let mut tried = Vec::new();
        while let Some((candidate, regardless)) = walk.step(&decision, |_| true) {
            let id = &candidate.endpoint.id;
            if id == "b" && !regardless {
                walk.passed_over();
                continue;
            }
            walk.attempted();
            tried.push(format!("{id}{}", if regardless { "!" } else { "" }));
        }
        assert_eq!(tried, wanted, "{section}");
    }
    // Where nobody was tried, the moment is decided upon again.
    let world = World::new("", &["", ""]);
    let decision = world.decide(T, 0).expect("a route");
    let mut walk = Walk::default();
    for _ in 0..2 {
        assert!(walk.step(&decision, |_| true).is_some());
        walk.passed_over();
    }
    assert!(walk.step(&decision, |_| true).is_none());
}

#[test]
fn with_all_out_a_pool_fails_open_or_rejects() {
    let mut world = World::of("priority", 2);
    world.fails("a", T).fails("b", T + 5);
    let decision = world.decide(T + 5, 0).expect("tried all the same");
    assert_eq!(world.order(T + 5), "ab");
    assert_eq!(decision.candidates[1].place, Place::NoneHealthy(1));

    let mut world = World::new("  on_all_open: reject", &["", ""]);
    world.fails("b", T).fails("a", T + 5);
    let refused = NoRoute::AllOut {
        model: "m".to_owned(),
        until_ms: Some(T + 60_000),
    };
    assert_eq!(world.decide(T + 5, 0), Err(refused));
    assert_eq!(world.order(T + 60_000), "b");

    // A trial may end at any moment.
    for at in [T, T + 1, T + 2] {
        world.fails("a", at).fails("b", at + 5_000);
    }
    let trial = T + 302_002;
    assert_eq!(world.order(trial), "a");
    world.enters("a", trial, 1);
    let refused = NoRoute::AllOut {
        model: "m".to_owned(),
        until_ms: None,
    };
    assert_eq!(world.decide(trial, 0), Err(refused));
}

#[test]
fn an_endpoint_at_its_limit_is_skipped() {
    let section = "  enforce_rate_limits: true";
    let mut world = World::new(section, &[", rate_limit_rpm: 2", ", rate_limit_rpm: 1"]);
    for turn in [1, 2] {
        assert_eq!(world.order(T), "ab");
        world.enters("a", T, turn);
    }
    assert_eq!(world.order(T), "b");
    let why = world.decide(T, 0).expect("a route").refused[0].why;
    let Refusal::Limited { until_ms } = why else {
        panic!("{why:?}")
    };
    assert!((T + 60_000..=T + 62_000).contains(&until_ms));
    // Not even a pool that fails open goes beyond a limit.
    world.fails("b", T);
    assert_eq!(world.order(T), "b");
    world.enters("b", T, 3);
    assert!(matches!(
        world.decide(T, 0),
        Err(NoRoute::AllLimited { .. })
    ));
    assert_eq!(world.order(until_ms + 2_000), "ab");
    // Nothing is enforced unless it is asked for.
    let mut world = World::new("", &[", rate_limit_rpm: 1"]);
    world.enters("a", T, 1);
    assert_eq!(world.order(T), "a");
}

#[test]
fn a_decision_replays() {
    let mut world = World::of("p2c-ewma", 4);
    world.succeeds("c", T, 10).fails("d", T).enters("a", T, 1);
    let decision = world.decide(T, 7).expect("a route");
    // What was seen, as it would be written down and read back.
    let record: BTreeMap<String, Seen> = decision
        .candidates
        .iter()
        .map(|candidate| (candidate.endpoint.id.clone(), candidate.seen))
        .chain([("d".to_owned(), {
            let (observed, terms) = world
                .observed
                .get("d")
                .map(|it| (it, Terms::in_pool(world.pool(), None)))
                .expect("d");
            observed.seen(&terms, T, 1)
        })])
        .collect();
    let text = serde_json::to_string(&record).expect("JSON");
    let read: BTreeMap<String, Seen> = serde_json::from_str(&text).expect("the same JSON");
    let seen = |endpoint: &Endpoint| read[&endpoint.id];
    let features = RequestFeatures::plain(Some(Interface::Anthropic), Some("m"));
    let again = route(&world.plan, &features, &PoolSnapshot::new(&seen, 7));
    assert_eq!(again, Ok(decision));
}

#[test]
fn the_active_endpoint_is_the_first_or_the_favoured() {
    let mut world = World::new(
        "  strategy: weighted",
        &[", pool_weight: 1", ", pool_weight: 3"],
    );
    let active = |world: &World| {
        let seen = |endpoint: &Endpoint| {
            let terms = Terms::in_pool(world.pool(), None);
            world.observed[&endpoint.id].seen(&terms, T, 0)
        };
        let active = active_endpoint(world.pool(), &PoolSnapshot::new(&seen, 0));
        active.map(|endpoint| endpoint.id.clone())
    };
    assert_eq!(active(&world).as_deref(), Some("b"));
    world.fails("b", T);
    assert_eq!(active(&world).as_deref(), Some("a"));
    world.fails("a", T);
    assert_eq!(
        active(&world).as_deref(),
        Some("a"),
        "the first of all, if none is healthy"
    );
}
