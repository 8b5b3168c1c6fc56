//! A replay as text, as JSON and as Markdown.

mod json;
mod markdown;
mod words;

use crate::plan::{Provenance, Source as Origin};
use crate::replay::{Moved, Report, Went};
use crate::route::Source;
use crate::source::Sources;
use words::{Rows, bad_lines, cost_line, headline, load_lines, money, not_recorded, undecidable};

pub(super) use words::grouped;

pub use json::json;
pub use markdown::markdown;

/// Ways to change that are shown to people.
const SHOWN: usize = 30;

/// Where the plan after is written, by path: `registration.yaml:41`.
pub type Places<'r> = &'r dyn Fn(&str) -> Option<String>;

/// Where the value at a path of the plan is written: its file and line.
pub fn written_at(path: &str, provenance: &Provenance, sources: &Sources) -> Option<String> {
    let slot = path.strip_prefix("router.slots.");
    let span = match slot {
        Some(word) => {
            let mut slots = provenance.slots.iter();
            *slots.find(|(slot, _)| slot.word() == word)?.1
        }
        None => {
            let mut traced = provenance.traced.iter();
            match traced.find(|traced| traced.path == path)?.source {
                Origin::Written(span) => span,
                Origin::Filled(..) => return None,
            }
        }
    };
    let place = sources.place(span);
    let line = place.rsplit_once(':').map(|(line, _)| line.to_owned());
    line.or(Some(place))
}

/// For people: what changes, the most first, then cost, load, and what could not
/// be told.
pub fn text(report: &Report<'_>, places: Places<'_>) -> String {
    let mut out = format!("{}\n", headline(report));
    let moves = report.moves();
    let rows: Vec<Vec<String>> = moves
        .iter()
        .take(SHOWN)
        .map(|moved| {
            vec![
                format!("{:>8}", grouped(moved.amount.requests)),
                path(moved),
                because(moved, report, places),
                rises(moved),
            ]
        })
        .collect();
    for line in super::table::align(&rows) {
        out.push_str(&line);
        out.push('\n');
    }
    if moves.len() > SHOWN {
        out.push_str(&format!(
            "  … and {} more ways; `--format json` lists all\n",
            moves.len() - SHOWN
        ));
    }
    let mut sums: Rows = cost_line(report);
    sums.extend(load_lines(report));
    let mut notes: Rows = not_recorded(report);
    notes.extend(undecidable(report, places));
    notes.extend(bad_lines(report));
    for lines in [models(report), sums, notes] {
        if !lines.is_empty() {
            out.push('\n');
        }
        for line in lines {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// For a log: how many change, and what that costs.
pub fn line(report: &Report<'_>) -> String {
    let mut parts = vec![headline(report)];
    parts.extend(cost_line(report));
    parts.join("; ")
}

/// Requests by model, where that is all there is to tell, or where it changes.
fn models(report: &Report<'_>) -> Rows {
    let is_alone = report.decided == 0 && report.not_recorded > 0;
    let mut rows = Vec::new();
    for (went, models) in report.models() {
        if !is_alone && models.before == models.after {
            continue;
        }
        let count = match is_alone {
            true => grouped(models.after),
            false => format!("{} → {}", grouped(models.before), grouped(models.after)),
        };
        rows.push(vec!["  ".to_owned() + &name(went), count]);
    }
    if rows.is_empty() {
        return Rows::new();
    }
    let head = match is_alone {
        true => "requests by model",
        false => "requests by model, before → after",
    };
    let mut lines = vec![head.to_owned()];
    lines.extend(super::table::align(&rows));
    lines
}

/// A model, or a refusal.
fn name(went: Went<'_>) -> String {
    match went {
        Went::To { model, .. } => model.to_owned(),
        Went::Elsewhere => "what this plan does not have".to_owned(),
        Went::Refused(why) => match why.why() {
            Some(words) => format!("{} ({words})", why.status()),
            None => why.status().to_string(),
        },
    }
}

/// `sonnet → haiku`; within one model its endpoints.
fn path(moved: &Moved<'_>) -> String {
    match (moved.from, moved.to) {
        (
            Went::To { model, endpoint },
            Went::To {
                model: same,
                endpoint: other,
            },
        ) if model == same => format!("{model}: {endpoint} → {other}"),
        (from, to) => format!("{} → {}", name(from), name(to)),
    }
}

/// What sends them there, and where that is written.
fn because(moved: &Moved<'_>, report: &Report<'_>, places: Places<'_>) -> String {
    let Some(source) = moved.source else {
        return String::new();
    };
    let place = source_path(source, report).and_then(|path| places(&path));
    let place = place.map_or(String::new(), |place| format!(", {place}"));
    format!("{}{place}", words::source(source))
}

/// The path in the plan of what decided.
fn source_path(source: Source<'_>, report: &Report<'_>) -> Option<String> {
    match source {
        Source::Rule(name) | Source::Semantic(name) => rule_path(name, report),
        Source::Slot(slot) => Some(format!("router.slots.{}", slot.word())),
        _ => None,
    }
}

fn rule_path(name: &str, report: &Report<'_>) -> Option<String> {
    let smart = report.plan().smart_router.as_ref()?;
    let at = smart.rules.iter().position(|rule| rule.name == name)?;
    Some(format!("smart_router.rules[{at}]"))
}

fn rises(moved: &Moved<'_>) -> String {
    let amount = &moved.amount;
    match &amount.currency {
        Some(currency) if amount.cost != 0.0 => {
            format!("{} {currency}", money(amount.cost, true))
        }
        _ => String::new(),
    }
}
