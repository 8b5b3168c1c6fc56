//! Does the cost of rules follow the text, and not their number?
//! `cargo bench --bench matching` prints microseconds a message and the ratio.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench tells its figures"
)]

use std::hint::black_box;
use std::time::Instant;

use ctr_compiler::matching::Matcher;
use ctr_compiler::plan::{Pattern, Rule};

fn rules(count: usize) -> Vec<Rule> {
    (0..count)
        .map(|at| Rule {
            description: None,
            enabled: true,
            model: "m".to_owned(),
            name: format!("rule-{at}"),
            patterns: match at % 4 {
                0 => vec![Pattern::Regex {
                    case_sensitive: false,
                    pattern: format!("needle{at} .* module"),
                }],
                _ => vec![Pattern::Exact {
                    case_sensitive: false,
                    keywords: vec![format!("needle {at} in the hay"), format!("topic{at}x")],
                }],
            },
            priority: 0,
            prototype: None,
        })
        .collect()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    let sentence =
        "Please look at the topic of this module and say what the needle would be, thanks. ";
    let text = sentence.repeat(8192 / sentence.len());
    let few = Matcher::new(&rules(10)).expect("rules");
    let begun = Instant::now();
    let many = Matcher::new(&rules(10_000)).expect("rules");
    let built = begun.elapsed();
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        for (matcher, samples) in [&few, &many].into_iter().zip(&mut samples) {
            let begun = Instant::now();
            for _ in 0..200 {
                black_box(matcher.first(black_box(&text)));
            }
            samples.push(begun.elapsed().as_secs_f64() * 1e6 / 200.0);
        }
    }
    let [few, many] = samples.map(median);
    println!(
        "rules on an 8 KB message: 10 rules {few:.1} µs, 10,000 rules {many:.1} µs, ratio {:.2}",
        many / few
    );
    println!(
        "10,000 rules are prepared in {:.0} ms",
        built.as_secs_f64() * 1e3
    );
}
