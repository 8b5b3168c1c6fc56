//! What does a decision cost where there are many pools?
//!
//! Ten pools and ten thousand, each of three endpoints, under every strategy, with
//! what a proxy knows of each endpoint behind a lock. Both sides are asked turn by
//! turn in one run, and the middle ratio of all rounds is printed: the figures of a
//! shared machine mean nothing. "Ten of them" asks for ten pools on both sides,
//! as traffic does that goes to a few models; "all of them" asks for every
//! pool in turn, so that next to nothing is in the caches.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, and measures time"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use ctr_compiler::compile;
use ctr_compiler::health::{Observed, Seen, Terms};
use ctr_compiler::plan::{Endpoint, Interface, Plan, Strategy};
use ctr_compiler::route::{PoolSnapshot, RequestFeatures, route};
use ctr_compiler::source::Sources;

const FEW: usize = 10;
const MANY: usize = 10_000;
const DECISIONS: usize = 20_000;
const ROUNDS: usize = 15;
const NOW: u64 = 1_000_000_000_000;

fn main() {
    println!(
        "{:>14}  {:>12}  {:>12}  ratio, ten of them  ratio, all of them",
        "strategy", "ns, few", "ns, many"
    );
    let mut worst: f64 = 0.0;
    for (word, strategy) in Strategy::WORDS {
        let (few, many) = (World::new(FEW, word), World::new(MANY, word));
        assert!(
            few.plan
                .pools
                .values()
                .all(|pool| pool.strategy == *strategy)
        );
        let ten: Vec<String> = (0..FEW).map(|n| format!("pool-{n}")).collect();
        let spread: Vec<String> = (0..FEW).map(|n| format!("pool-{}", n * 997)).collect();
        let all: Vec<String> = (0..MANY)
            .map(|n| format!("pool-{}", n * 7_919 % MANY))
            .collect();
        let (mut hot, mut cold) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let base = few.nanoseconds(&ten);
            let same = many.nanoseconds(&spread);
            hot.push((same / base, base, same));
            cold.push((many.nanoseconds(&all) / few.nanoseconds(&ten), 0.0, 0.0));
        }
        let (ratio, base, same) = middle(hot);
        let (all, _, _) = middle(cold);
        println!("{word:>14}  {base:>12.0}  {same:>12.0}  {ratio:>18.2}  {all:>18.2}");
        worst = worst.max(ratio);
    }
    println!(
        "decision with {MANY} pools × 3 endpoints / with {FEW} pools: {worst:.2} at worst (aim ≤ 1.2)"
    );
}

fn middle(mut rounds: Vec<(f64, f64, f64)>) -> (f64, f64, f64) {
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    rounds[rounds.len() / 2]
}

/// A plan and what is known of its endpoints.
struct World {
    plan: Plan,
    terms: Terms,
    /// By priority, which numbers the endpoints here.
    observed: Vec<Mutex<Observed>>,
}

impl World {
    fn new(pools: usize, strategy: &str) -> Self {
        let mut text = format!(
            "Router: {{default: pool-0}}\nRegistration:\n  enabled: true\n  strategy: {strategy}\n  models:\n"
        );
        for n in 0..pools * 3 {
            let _ = writeln!(
                text,
                "    - {{id: pool-{}, api: \"https://host-{n}.example/v1\", key: \"${{K}}\", interface: anthropic, model: m, metadata: {{pool_endpoint_id: endpoint-{n}, pool_priority: {n}, pool_weight: 1, cost_per_1m_input_tokens: {}}}}}",
                n / 3,
                n % 3
            );
        }
        let compiled = compile(&Sources::single("registration.yaml", text));
        let plan = compiled.plan.expect("the bench document compiles");
        let terms = Terms::default();
        let observed = (0..pools * 3).map(|n| {
            let mut observed = Observed::default();
            for sample in 0..20 {
                let (now, latency) = (NOW - 1_000 * sample, 100 + n as u64 % 7);
                let health = &mut observed.health;
                health.succeeded(&terms.policy, now, now, latency);
            }
            Mutex::new(observed)
        });
        Self {
            observed: observed.collect(),
            plan,
            terms,
        }
    }

    fn seen(&self, endpoint: &Endpoint) -> Seen {
        let at = usize::try_from(endpoint.priority).expect("numbered from 0");
        let observed = self.observed[at].lock().expect("nobody panicked");
        observed.seen(&self.terms, NOW, 500)
    }

    /// Time of one decision for one of these pools.
    fn nanoseconds(&self, names: &[String]) -> f64 {
        let seen = |endpoint: &Endpoint| self.seen(endpoint);
        let start = Instant::now();
        for at in 0..DECISIONS {
            let asked = Some(names[at % names.len()].as_str());
            let features = RequestFeatures::plain(Some(Interface::Anthropic), asked);
            let snapshot = PoolSnapshot::new(&seen, at as u64);
            let decision = route(&self.plan, &features, &snapshot);
            assert_eq!(
                black_box(decision).map_or(0, |found| found.candidates.len()),
                3
            );
        }
        start.elapsed().as_nanos() as f64 / DECISIONS as f64
    }
}
