//! How much more than reading the text does compiling cost?
//!
//! Parses and compiles the same document, turn by turn in one run, and prints
//! the ratio of the best times. The bare tree is what any reader must build;
//! the aim is to stay within three times of it.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, and measures time"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ctr_compiler::diagnostic::Problems;
use ctr_compiler::source::Sources;
use ctr_compiler::{Limits, compile, tree};

fn main() {
    println!(
        "{:>9}  {:>8}  {:>10}  {:>10}  ratio",
        "endpoints", "MB", "tree ms", "compile ms"
    );
    let mut last = None;
    for endpoints in [100, 1_000, 10_000] {
        let text = registration(endpoints);
        let megabytes = text.len() as f64 / 1e6;
        let sources = Sources::single("registration.yaml", text);
        assert!(
            compile(&sources).plan.is_some(),
            "the bench document compiles"
        );
        let rounds = (200_000 / endpoints).clamp(7, 300);
        let (mut bare, mut whole) = (Duration::MAX, Duration::MAX);
        for _ in 0..rounds {
            bare = bare.min(time(|| {
                tree::read(&sources, &Limits::default(), &mut Problems::default())
            }));
            whole = whole.min(time(|| compile(&sources)));
        }
        let ratio = whole.as_secs_f64() / bare.as_secs_f64();
        println!(
            "{endpoints:>9}  {megabytes:>8.2}  {:>10.3}  {:>10.3}  {ratio:.2}",
            ms(bare),
            ms(whole)
        );
        last = Some(ratio);
    }
    if let Some(ratio) = last {
        println!(
            "compile of 10,000 endpoints / bare spanned tree of the same text: {ratio:.2} (aim ≤ 3)"
        );
    }
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let made = black_box(work());
    let taken = start.elapsed();
    drop(made);
    taken
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A registration with pools of three endpoints each.
fn registration(endpoints: usize) -> String {
    let mut text =
        String::from("Router:\n  default: pool-0\nRegistration:\n  enabled: true\n  models:\n");
    for n in 0..endpoints {
        let _ = write!(
            text,
            "    - id: pool-{pool}\n      api: \"https://host-{n}.example/v1\"\n      key: \"${{KEY_{n}}}\"\n      interface: anthropic\n      model: claude-sonnet-4-5\n      metadata:\n        pool_endpoint_id: endpoint-{n}\n        pool_priority: {n}\n        cost_per_1m_input_tokens: 3\n        cost_per_1m_output_tokens: 15\n        rate_limit_rpm: 120\n",
            pool = n / 3
        );
    }
    text
}
