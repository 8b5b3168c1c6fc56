//! A simulation as a person reads it: what happened when, who answered meanwhile,
//! and what it came to.

mod svg;

use std::cmp::Reverse;
use std::fmt::Write;

use serde_json::{Value, json};

use super::table;
use crate::simulate::{Event, EventKind, Timeline, What};

pub use svg::svg;

/// Cells of a bar.
const BAR: u64 = 20;

/// Events that are listed; the JSON has all of them.
const LISTED: usize = 40;

/// Letters that stand for endpoints in bars.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A page of text.
pub fn text(timeline: &Timeline) -> String {
    let mut out = String::new();
    head(&mut out, timeline);
    events(&mut out, timeline);
    spans(&mut out, timeline);
    totals(&mut out, timeline);
    out
}

/// Everything, for machines.
pub fn json(timeline: &Timeline) -> Value {
    json!(timeline)
}

/// What was played, in one line.
fn title(timeline: &Timeline) -> String {
    let count = timeline.endpoints.len();
    let noun = if count == 1 { "endpoint" } else { "endpoints" };
    let kind = match timeline.strategy {
        Some(strategy) => format!("{strategy}, {count} {noun}"),
        None => format!("{count} {noun}"),
    };
    let scenario = &timeline.scenario;
    format!(
        "{} ({kind}): {} requests a second for {} s, seed {}",
        timeline.model,
        scenario.rps,
        scenario.duration_ms as f64 / 1000.0,
        scenario.seed
    )
}

fn head(out: &mut String, timeline: &Timeline) {
    let _ = writeln!(out, "{}", title(timeline));
}

fn events(out: &mut String, timeline: &Timeline) {
    out.push_str("\nevents\n");
    if timeline.events.is_empty() {
        out.push_str("  none\n");
    }
    let listed = timeline.events.iter().take(LISTED);
    let rows: Vec<Vec<String>> = listed
        .map(|event| {
            vec![
                right(&seconds(event.at_ms), 9),
                timeline.endpoints[event.endpoint].clone(),
                told(event),
            ]
        })
        .collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
    let more = timeline.events.len().saturating_sub(LISTED);
    if more > 0 {
        let _ = writeln!(out, "  … and {more} more; `--format json` has all");
    }
}

/// An event in words.
fn told(event: &Event) -> String {
    match &event.kind {
        EventKind::Killed => "is killed".to_owned(),
        EventKind::Restored => "is restored".to_owned(),
        EventKind::Stands {
            from,
            to,
            until_ms,
            failure,
            ..
        } => {
            let until = until_ms.map(|ms| format!(" until {}", seconds(ms)));
            let failure = failure.map(|failure| format!(" ({failure})"));
            format!(
                "{from} → {to}{}{}",
                until.unwrap_or_default(),
                failure.unwrap_or_default()
            )
        }
    }
}

fn spans(out: &mut String, timeline: &Timeline) {
    out.push_str("\nwho answers\n");
    for (at, id) in timeline.endpoints.iter().enumerate() {
        let _ = writeln!(out, "  {} = {id}", letter(at));
    }
    out.push_str("  x = no answer, - = refused\n");
    let mut rows = vec![vec![
        right("from", 9),
        "requests".to_owned(),
        String::new(),
        "p50".to_owned(),
        "p95".to_owned(),
        "at the end".to_owned(),
    ]];
    for bucket in &timeline.buckets {
        let mut parts = bucket.answers.clone();
        parts.extend([bucket.failed, bucket.refused]);
        let total: u64 = parts.iter().sum();
        let out_of = bucket.standing.iter().enumerate();
        let out_of = out_of.filter(|(_, standing)| **standing != "healthy");
        let out_of: Vec<String> = out_of
            .map(|(at, standing)| format!("{} {standing}", letter(at)))
            .collect();
        rows.push(vec![
            right(&seconds(bucket.from_ms), 9),
            right(&total.to_string(), 8),
            bar(&parts, timeline.endpoints.len()),
            latency(bucket.p50_ms),
            latency(bucket.p95_ms),
            out_of.join(", "),
        ]);
    }
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
}

/// A bar in which each part has cells in proportion. What is there at all has one.
fn bar(parts: &[u64], endpoints: usize) -> String {
    let total: u64 = parts.iter().sum();
    if total == 0 {
        return String::new();
    }
    let mut cells: Vec<u64> = parts
        .iter()
        .map(|part| match part {
            0 => 0,
            part => (part * BAR / total).max(1),
        })
        .collect();
    // What rounding left over, or took too much, is the largest part's.
    let sum: u64 = cells.iter().sum();
    if let Some(largest) = (0..cells.len()).max_by_key(|at| (cells[*at], Reverse(*at))) {
        cells[largest] = (cells[largest] + BAR).saturating_sub(sum);
    }
    let mut bar = String::new();
    for (at, count) in cells.into_iter().enumerate() {
        let letter = match at.checked_sub(endpoints) {
            None => letter(at),
            Some(0) => 'x',
            Some(_) => '-',
        };
        bar.extend(std::iter::repeat_n(letter, count as usize));
    }
    bar
}

/// More endpoints than letters begin again.
fn letter(at: usize) -> char {
    LETTERS
        .chars()
        .cycle()
        .nth(at % LETTERS.len())
        .unwrap_or('?')
}

fn totals(out: &mut String, timeline: &Timeline) {
    let totals = &timeline.totals;
    out.push_str("\nin all\n");
    let rows: Vec<Vec<String>> = totals
        .endpoints
        .iter()
        .map(|share| {
            let cost = share.cost.zip(share.currency.as_ref());
            vec![
                share.id.clone(),
                right(&format!("{:.1} %", share.share * 100.0), 7),
                format!("{} answers", share.answers),
                format!("{} failed attempts", share.failures),
                format!("p50 {}", latency(share.p50_ms)),
                format!("p95 {}", latency(share.p95_ms)),
                cost.map_or(String::new(), |(cost, currency)| amount(cost, currency)),
            ]
        })
        .collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(
        out,
        "  {} requests: {} without an answer, {} refused, {} retries; p50 {}, p95 {}",
        totals.requests,
        totals.failed,
        totals.refused,
        totals.retries,
        latency(totals.p50_ms),
        latency(totals.p95_ms),
    );
    let costs: Vec<String> = totals
        .cost
        .iter()
        .map(|(currency, cost)| amount(*cost, currency))
        .collect();
    if !costs.is_empty() {
        let scenario = &timeline.scenario;
        let _ = writeln!(
            out,
            "  cost {} at {} tokens in and {} out a request",
            costs.join(" and "),
            scenario.input_tokens,
            scenario.output_tokens
        );
    }
}

fn amount(cost: f64, currency: &str) -> String {
    format!("{cost:.2} {currency}")
}

fn latency(ms: Option<u64>) -> String {
    ms.map_or("-".to_owned(), |ms| format!("{ms} ms"))
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", ms as f64 / 1000.0)
}

fn right(text: &str, width: usize) -> String {
    format!("{text:>width$}")
}

/// The turns of a scenario, for the plot.
fn turns(timeline: &Timeline) -> impl Iterator<Item = (u64, String)> {
    let turns = timeline.scenario.turns.iter();
    turns.map(|turn| {
        let what = match turn.what {
            What::Kill => "killed",
            What::Restore => "restored",
        };
        (turn.at_ms, format!("{} {what}", turn.endpoint))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_bars() {
        for parts in [[1, 0, 0], [1, 1, 1], [1_000, 1, 1], [0, 0, 7], [33, 33, 34]] {
            assert_eq!(bar(&parts, 1).chars().count(), 20, "{parts:?}");
        }
        assert_eq!(bar(&[0, 0], 1), "");
        assert_eq!(bar(&[999, 1, 0], 2), "AAAAAAAAAAAAAAAAAAAB");
        assert_eq!(bar(&[1, 1, 1, 1], 2), "AAAAABBBBBxxxxx-----");
    }
}
