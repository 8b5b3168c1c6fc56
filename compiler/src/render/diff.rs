//! A diff as text, as JSON and as Markdown.

mod markdown;

use std::fmt::Write;

use serde_json::{Value, json};

use super::table::on_one_line;
use crate::diff::{Change, Diff, Weight};

pub(crate) use markdown::code;
pub use markdown::{markdown, markdown_refused};

/// A page for a reviewer: one line a change, beginning with `+`, `-` or `~`,
/// a sentence below it, and a count by weight at the end.
pub fn text(diff: &Diff) -> String {
    let plans = plans(diff, str::to_owned);
    if diff.is_empty() {
        return format!("no change: both are {plans}\n");
    }
    let mut out = format!("{plans}\n\n");
    for change in &diff.changes {
        let _ = writeln!(
            out,
            "{} {}: {}  [{}]",
            sign(change),
            on_one_line(&change.title()),
            on_one_line(&values(change)),
            diff.weight_of(change).word()
        );
        let _ = writeln!(out, "    {}", on_one_line(&change.sentence()));
    }
    let _ = writeln!(out, "\n{}", counts(diff));
    out
}

/// `{"before","after","weight","changes":[{"path","kind","before","after","weight","sentence"}]}`.
pub fn json(diff: &Diff) -> Value {
    let changes: Vec<Value> = diff
        .changes
        .iter()
        .map(|change| {
            let (before, after) = change.shown();
            json!({
                "path": change.path(),
                "kind": kind(change),
                "before": before,
                "after": after,
                "weight": diff.weight_of(change),
                "sentence": change.sentence(),
            })
        })
        .collect();
    json!({ "before": diff.before, "after": diff.after, "weight": diff.weight(), "changes": changes })
}

/// Which plans are compared, to stand alone or to follow "both are".
fn plans(diff: &Diff, shown: impl Fn(&str) -> String) -> String {
    let [before, after] =
        [&diff.before, &diff.after].map(|hash| Some(shown(hash.as_ref()?.short())));
    match (before, after) {
        (Some(before), Some(after)) if before == after => format!("plan {after}"),
        (Some(before), Some(after)) => format!("plan {before} → {after}"),
        (None, Some(after)) => format!("new plan {after}"),
        (Some(before), None) => format!("plan {before} is gone"),
        (None, None) => "no plan".to_owned(),
    }
}

/// `4 changes: 1 breaking, 3 quiet`.
pub fn counts(diff: &Diff) -> String {
    let total = diff.changes.len();
    let weights = [
        Weight::Restart,
        Weight::Breaking,
        Weight::Notable,
        Weight::Quiet,
    ];
    let parts: Vec<String> = weights
        .into_iter()
        .map(|weight| {
            (
                diff.changes
                    .iter()
                    .filter(|change| diff.weight_of(change) == weight)
                    .count(),
                weight,
            )
        })
        .filter(|(count, _)| *count > 0)
        .map(|(count, weight)| format!("{count} {}", weight.word()))
        .collect();
    format!(
        "{total} {}: {}",
        if total == 1 { "change" } else { "changes" },
        parts.join(", ")
    )
}

fn kind(change: &Change) -> &'static str {
    match (&change.before, &change.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

fn sign(change: &Change) -> char {
    match kind(change) {
        "added" => '+',
        "removed" => '-',
        _ => '~',
    }
}

fn values(change: &Change) -> String {
    match change.shown() {
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => String::new(),
    }
}
