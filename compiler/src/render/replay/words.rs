//! The sentences of a replay.

use super::{Places, rule_path};
use crate::replay::Report;
use crate::route::Source;

/// Lines.
pub(super) type Rows = Vec<String>;

/// `214 of 3,120 requests change (6.9 %)`.
pub(super) fn headline(report: &Report<'_>) -> String {
    let decided = report.decided;
    if decided == 0 {
        return match report.not_recorded {
            0 if report.requests == 0 => "the corpus holds no request".to_owned(),
            0 => format!("none of {} could be decided", requests(report.requests)),
            count => format!("{} decided", requests(count)),
        };
    }
    match report.moved() {
        0 => format!("none of {} changes", requests(decided)),
        moved => format!(
            "{} of {} {} ({:.1} %)",
            grouped(moved),
            requests(decided),
            if moved == 1 { "changes" } else { "change" },
            moved as f64 * 100.0 / decided as f64
        ),
    }
}

pub(super) fn source(source: Source<'_>) -> String {
    match source {
        Source::ExplicitModel => "the model asked for".to_owned(),
        Source::Rule(name) => format!("rule `{name}`"),
        Source::Sticky => "the session's model".to_owned(),
        Source::Semantic(name) => format!("likeness to rule `{name}`"),
        Source::Candidates => "the model that chooses".to_owned(),
        Source::Subagent => "a sub-agent's marker".to_owned(),
        Source::Slot(slot) => format!("slot `{}`", slot.word()),
    }
}

/// `cost −12.4 %: 104.20 → 91.30 USD, of 3,000 requests with a price and tokens`.
pub(super) fn cost_line(report: &Report<'_>) -> Rows {
    let line = |(currency, cost): (&str, crate::replay::Cost)| {
        let percent = cost
            .percent()
            .map_or(String::new(), |percent| format!(" {}", signed(percent)));
        format!(
            "cost{percent}: {} → {} {currency}, of {} with a price and tokens",
            money(cost.before, false),
            money(cost.after, false),
            requests(cost.requests)
        )
    };
    report.costs().map(line).collect()
}

/// `pool `sonnet` needs 141 rpm at its peak, declared 120`.
pub(super) fn load_lines(report: &Report<'_>) -> Rows {
    let mut lines = Rows::new();
    for (model, before, after, (rpm, tpm)) in report.peaks() {
        let kind = match report.plan().resolve(model) {
            Some(crate::plan::Target::Pool(..)) => "pool",
            _ => "model",
        };
        let kinds = [
            ("rpm", before.rpm, after.rpm, rpm),
            ("tpm", before.tpm, after.tpm, tpm),
        ];
        for (unit, was, is, declared) in kinds {
            if let Some(declared) = declared.filter(|declared| is > *declared) {
                let was = match was {
                    0 => String::new(),
                    was => format!(" ({} before)", grouped(was)),
                };
                lines.push(format!(
                    "{kind} `{model}` needs {} {unit} at its peak{was}, declared {}",
                    grouped(is),
                    grouped(declared)
                ));
            }
        }
    }
    lines
}

pub(super) fn not_recorded(report: &Report<'_>) -> Rows {
    match (report.not_recorded, report.decided) {
        (0, _) | (_, 0) => Rows::new(),
        (count, _) => vec![format!(
            "{} hold no decision to compare with",
            requests(count)
        )],
    }
}

/// How many could not be decided, and what for.
pub(super) fn undecidable(report: &Report<'_>, places: Places<'_>) -> Rows {
    let found = &report.undecidable;
    let mut lines = Rows::new();
    if found.count() == 0 {
        return lines;
    }
    lines.push(format!("{} could not be decided", requests(found.count())));
    for (rule, count) in &found.text {
        let what = match rule {
            Some(rule) => {
                let place = rule_path(rule, report).and_then(|path| places(&path));
                let place = place.map_or(String::new(), |place| format!(", {place}"));
                format!("rule `{rule}`{place}, looks for what was not recorded")
            }
            None => "what was not recorded of their text or session".to_owned(),
        };
        lines.push(format!(
            "{:>8}  without their text: {what}",
            grouped(*count)
        ));
    }
    for (model, count) in &found.answer {
        lines.push(format!(
            "{:>8}  without an answer of `{model}`",
            grouped(*count)
        ));
    }
    lines
}

/// How many lines are of no use, and the first of them.
pub(super) fn bad_lines(report: &Report<'_>) -> Rows {
    let bad = &report.bad;
    if bad.count == 0 {
        return Rows::new();
    }
    let lines = if bad.count == 1 { "line" } else { "lines" };
    let mut rows = vec![format!("{} {lines} left out", grouped(bad.count))];
    for (number, why) in &bad.first {
        rows.push(format!("  line {number} {why}"));
    }
    if bad.count > bad.first.len() as u64 {
        rows.push("  …".to_owned());
    }
    rows
}

pub(super) fn requests(count: u64) -> String {
    format!(
        "{} {}",
        grouped(count),
        if count == 1 { "request" } else { "requests" }
    )
}

/// `3,120`.
pub(in crate::render) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `−12.4 %`.
pub(super) fn signed(percent: f64) -> String {
    let sign = if percent < 0.0 { "−" } else { "+" };
    format!("{sign}{:.1} %", percent.abs())
}

/// An amount with as many digits as it needs to be told from nothing.
pub(super) fn money(amount: f64, is_change: bool) -> String {
    let digits = if amount.abs() < 1.0 { 4 } else { 2 };
    let sign = match (is_change, amount < 0.0) {
        (_, true) => "−",
        (true, false) => "+",
        (false, false) => "",
    };
    format!("{sign}{:.digits$}", amount.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (3_120, "3,120"),
            (1_000_000, "1,000,000"),
        ];
        for (number, wanted) in cases {
            assert_eq!(grouped(number), wanted);
        }
        assert_eq!(signed(-12.44), "−12.4 %");
        assert_eq!(money(0.00123, false), "0.0012");
        assert_eq!(money(-12.5, true), "−12.50");
    }
}
