//! How many rows of outcomes are evaluated in a minute, and does memory stay the same
//! for ten times the rows? `cargo bench --bench outcomes` prints both. Rows are made
//! before, reading them is part of the time, and two plans decide each, with intervals
//! of 1,000 resamples. Tokens are taken as counted: that is the caller's work. Time is
//! that of the processor.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench tells its figures"
)]

#[path = "memory/peak.rs"]
mod peak;

use std::fmt::Write;
use std::hint::black_box;

use cpu_time::ProcessTime;
use ctr_compiler::compile;
use ctr_compiler::outcomes::{Chance, Evaluation, Mapping, read};
use ctr_compiler::plan::Plan;
use ctr_compiler::route::{RequestFeatures, Tokens};
use ctr_compiler::source::Sources;

const RULES: usize = 200;
const MODELS: usize = 10;
const ROWS: u64 = 20_000;
/// Rows that are made before and come again.
const KINDS: usize = 1_000;

fn plan(offset: usize) -> Plan {
    let mut text = String::from("Models:\n");
    for n in 0..MODELS {
        let _ = writeln!(
            text,
            "  - {{id: model-{n}, api: \"https://host-{n}.example\", key: \"${{K}}\", interface: anthropic, model: m-{n}, metadata: {{cost_per_1m_input_tokens: {n}, cost_per_1m_output_tokens: 5}}}}"
        );
    }
    text.push_str("Router: {default: model-0, longContext: model-9, longContextThreshold: 400}\nSmartRouter:\n  enabled: true\n  rules:\n");
    for n in 0..RULES {
        let _ = writeln!(
            text,
            "    - {{name: rule-{n}, model: model-{}, patterns: [{{type: exact, keywords: [topic{n}x, other{n}x]}}]}}",
            (n + offset) % MODELS
        );
    }
    let compiled = compile(&Sources::single("registration.yaml", text));
    compiled.plan.expect("the bench document compiles")
}

/// Rows with ten models and a prompt of 1 to 3 KB.
fn rows() -> Vec<String> {
    let one = |n: usize| {
        let outcomes = (0..MODELS).map(|model| {
            let score = (n + model) % 3 / 2;
            format!("\"m-{model}\": {{\"score\": {score}, \"cost_usd\": 0.000{model}1, \"input_tokens\": {n}, \"output_tokens\": 200}}")
        });
        let outcomes: Vec<String> = outcomes.collect();
        let words = "and say what follows from that in plain words. ".repeat(20 + n % 40);
        format!(
            "{{\"id\": \"row-{n}\", \"source\": \"source-{}\", \"prompt\": \"please look at topic{}x {words}\", \"outcomes\": {{{}}}}}\n",
            n % 20,
            n % (RULES * 3),
            outcomes.join(", ")
        )
    };
    (0..KINDS).map(one).collect()
}

fn main() {
    let (before, after) = (plan(0), plan(1));
    let rows = rows();
    let play = |count: u64| {
        let mapping = Mapping::new(&[&before, &after], &[]).expect("nothing is mapped");
        let chance = Chance {
            seed: 1,
            resamples: 1_000,
        };
        let mut evaluation = Evaluation::between(&before, &after, mapping, chance);
        let begun = ProcessTime::now();
        for at in 0..count {
            let line = rows[at as usize % KINDS].as_bytes();
            let row = read(line).ok().flatten().expect("the row is of use");
            let features = RequestFeatures {
                text: Some((*row.prompt).into()),
                tokens: Tokens::Counted(row.prompt.len() as u64 / 4),
                ..RequestFeatures::plain(None, None)
            };
            evaluation.row(&row, &features);
        }
        let summary = black_box(evaluation.finish().summary());
        assert_eq!(summary.prompts, count);
        begun.elapsed().as_secs_f64()
    };
    play(1_000);
    let few = play(ROWS);
    let small = peak::peak_kb();
    let many = play(ROWS * 10);
    let large = peak::peak_kb();
    let bytes: usize = rows.iter().map(String::len).sum();
    for (count, seconds) in [(ROWS, few), (ROWS * 10, many)] {
        println!(
            "{count} rows of {} bytes, two plans of {RULES} rules, 1,000 resamples: {seconds:.2} s of a core, {:.0} rows a minute (aim ≥ 1,000,000)",
            bytes / KINDS,
            60.0 * count as f64 / seconds
        );
    }
    if let (Some(small), Some(large)) = (small, large) {
        println!(
            "most memory for ten times the rows: {large:.0} KB, {:.2} times (aim 1)",
            large / small
        );
    }
}
