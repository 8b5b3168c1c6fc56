//! How many recorded requests are decided in a second, and does memory stay the
//! same for ten times the lines? `cargo bench --bench replay` prints both. Lines
//! are made one by one as a file would give them, and reading them is part of the
//! time; both sides of a diff decide each.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench tells its figures"
)]

#[path = "memory/peak.rs"]
mod peak;

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use ctr_compiler::compile;
use ctr_compiler::corpus::{
    Decided, Finder, Outcome, Request, SessionShape, Usage, write_patterns, write_request,
};
use ctr_compiler::plan::Plan;
use ctr_compiler::replay::Replay;
use ctr_compiler::source::Sources;

const RULES: usize = 200;
const LINES: u64 = 100_000;
/// Lines that are made before and come again with other times.
const KINDS: usize = 1_000;

fn plan(offset: usize) -> Plan {
    let mut text =
        String::from("Registration:\n  enabled: true\n  strategy: weighted\n  models:\n");
    for n in 0..30 {
        let _ = writeln!(
            text,
            "    - {{id: pool-{}, api: \"https://host-{n}.example\", key: \"${{K}}\", interface: anthropic, model: m, metadata: {{pool_endpoint_id: e-{n}, pool_weight: 1, safe_input_tokens: 150000, rate_limit_rpm: 100, cost_per_1m_input_tokens: {n}, cost_per_1m_output_tokens: 5}}}}",
            n / 3
        );
    }
    text.push_str("Router: {default: pool-0, think: pool-1, longContext: pool-2, background: pool-3}\nSmartRouter:\n  enabled: true\n  rules:\n");
    for n in 0..RULES {
        let _ = writeln!(
            text,
            "    - {{name: rule-{n}, model: pool-{}, patterns: [{{type: exact, keywords: [topic{n}x, other{n}x]}}]}}",
            (n + offset) % 10
        );
    }
    let compiled = compile(&Sources::single("registration.yaml", text));
    compiled.plan.expect("the bench document compiles")
}

fn lines(finder: &Finder) -> Vec<String> {
    let one = |n: usize| {
        let text = format!("please look at topic{}x and say more", n % (RULES * 3));
        write_request(&Request {
            at_ms: 1_790_000_000_000 + n as u64 * 50,
            protocol: Some("messages".to_owned()),
            asked: Some("claude-sonnet-4-5".to_owned()),
            bytes: 48_000,
            tokens: Some(n as u64 * 170),
            messages: 12,
            tools: 14,
            thinking: n.is_multiple_of(3),
            max_tokens: Some(8_000),
            text: Some(finder.find(&text)),
            session: Some(SessionShape {
                key: "93b1c7a2d4e5f607".to_owned(),
                last_input_tokens: Some(15_000),
                ..SessionShape::default()
            }),
            decided: Some(Decided {
                plan: Some("c01d".repeat(16)),
                model: Some("pool-0".to_owned()),
                endpoint: Some("e-0".to_owned()),
                reason: Some("default".to_owned()),
                refused: None,
            }),
            outcome: Some(Outcome {
                status: 200,
                end: Some("complete".to_owned()),
                attempts: 1,
                latency_ms: Some(2_300),
                ..Outcome::default()
            }),
            usage: Some(Usage {
                input: 40,
                output: 200,
                cache_read: 15_000,
                cache_write: 0,
            }),
            ..Request::default()
        })
    };
    (0..KINDS).map(one).collect()
}

fn main() {
    let (before, after) = (plan(0), plan(1));
    let finder = Finder::of(&after).expect("the plan has rules");
    let lines = lines(&finder);
    let play = |count: u64| {
        let mut replay = Replay::between(&before, &after);
        replay.line(write_patterns(finder.set()).as_bytes());
        let begun = Instant::now();
        for at in 0..count {
            replay.line(lines[at as usize % KINDS].as_bytes());
        }
        let report = black_box(replay.finish());
        assert_eq!((report.decided, report.bad.count), (count, 0));
        begun.elapsed().as_secs_f64()
    };
    play(1_000);
    let few = play(LINES);
    let small = peak::peak_kb();
    let many = play(LINES * 10);
    let large = peak::peak_kb();
    let bytes: usize = lines.iter().map(String::len).sum();
    for (count, seconds) in [(LINES, few), (LINES * 10, many)] {
        println!(
            "{count} lines of {} bytes, decided by two plans of {RULES} rules: {seconds:.2} s, {:.0} decisions a second (aim ≥ 200,000)",
            bytes / KINDS,
            2.0 * count as f64 / seconds
        );
    }
    if let (Some(small), Some(large)) = (small, large) {
        println!(
            "most memory for ten times the lines: {large:.0} KB, {:.2} times (aim 1)",
            large / small
        );
    }
}
