//! Evaluations for people and programs: tasks, reports, comparisons, history.
//! Nothing here holds what a model answered.

mod chart;
mod history;
mod html;
mod junit;
mod manifest;
mod markdown;
mod text;

pub use history::{html as history_html, svg as history_svg, text as history_text};
pub use html::html;
pub use junit::junit;
pub use manifest::{json as tasks_json, text as tasks_text};
pub use markdown::markdown;
pub use text::text;

use crate::evaluate::{Change, Comparison, Interval, Run};

/// A share as people read it: `87.5 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A latency: `812 ms`, and a dash where none is known.
fn milliseconds(latency: f64) -> String {
    match latency > 0.0 {
        true => format!("{latency:.0} ms"),
        false => "–".to_owned(),
    }
}

/// A number with its sign, never `−0`.
fn signed(number: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", number.abs());
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    match (is_zero, number < 0.0) {
        (true, _) => text,
        (false, true) => format!("−{text}"),
        (false, false) => format!("+{text}"),
    }
}

/// `0.85 [0.80, 0.90]`.
fn interval(interval: &Interval) -> String {
    match interval.low.zip(interval.high) {
        Some((low, high)) => format!("{:.3} [{low:.3}, {high:.3}]", interval.mean),
        None => format!("{:.3}", interval.mean),
    }
}

/// What was found in a run, each once: what a side of quality repeats of the whole is
/// left out.
fn findings(run: &Run) -> Vec<&str> {
    let is_told = |finding: &str| run.findings.iter().any(|other| other == finding);
    let repeats = |finding: &str| {
        let of_side = finding.strip_prefix("dimension_");
        of_side
            .and_then(|it| it.split_once(':'))
            .is_some_and(|(_, what)| is_told(what))
    };
    let all = run.findings.iter().map(String::as_str);
    all.filter(|finding| !repeats(finding)).collect()
}

/// How one change is told: model, where, before → after, difference, what to think of it.
fn change(change: &Change) -> [String; 5] {
    let difference = &change.difference;
    let reach = match difference.low.zip(difference.high) {
        Some((low, high)) => format!(" [{}, {}]", signed(low, 3), signed(high, 3)),
        None => String::new(),
    };
    let told = match (change.regressed, change.p_value) {
        (true, _) => "worse",
        (false, None) => "too little measured",
        (false, Some(p)) if p < 0.05 && difference.mean > 0.0 => "better",
        (false, Some(_)) => "no significant change",
    };
    let place = match &change.task_id {
        Some(task) => task.clone(),
        None if change.tasks == 1 => "1 task".to_owned(),
        None => format!("{} tasks", change.tasks),
    };
    [
        change.model.clone(),
        place,
        format!("{:.3} → {:.3}", change.before, change.after),
        format!("{}{reach}", signed(difference.mean, 3)),
        told.to_owned(),
    ]
}

/// What could not be compared, in sentences.
fn left_out(comparison: &Comparison) -> Vec<String> {
    let named = |what: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
    };
    [
        named("not asked any more", &comparison.gone_models),
        named("not in the baseline", &comparison.new_models),
        named("tasks only in the baseline", &comparison.gone_tasks),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(signed(-0.00001, 3), "0.000");
        assert_eq!(signed(-0.25, 2), "−0.25");
        assert_eq!(signed(1.0, 1), "+1.0");
        assert_eq!(percent(0.875), "87.5 %");
        assert_eq!(milliseconds(0.0), "–");
    }
}
