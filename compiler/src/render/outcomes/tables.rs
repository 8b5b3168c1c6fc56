//! The sentences and tables of an evaluation, which text and Markdown share.

use crate::outcomes::{Change, Figure, PartFigures, PlanFigures, Summary};
use crate::render::replay::grouped;

/// Parts of the prompts that people are shown; programs get all.
const SHOWN: usize = 30;

/// A head, and rows of as many cells.
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// `cost −31.0 %, quality −0.4 ± 0.6 points, of 405 prompts`.
pub(super) fn headline(summary: &Summary, names: &[&str]) -> String {
    let prompts = match summary.prompts {
        0 => return "no prompt could be evaluated".to_owned(),
        1 => "1 prompt".to_owned(),
        many => format!("{} prompts", grouped(many)),
    };
    match (&summary.change, summary.plans.as_slice()) {
        (Some(change), _) => format!("{}, of {prompts}", changed(change)),
        (None, [plan, ..]) => {
            let name = names.first().unwrap_or(&"plan");
            let figure = &plan.figure;
            let cost = figure.cost_per_1000;
            let cost = cost.map_or(String::new(), |cost| {
                format!(", {} USD per 1,000 prompts", dollars(cost))
            });
            format!(
                "{name}: quality {}{cost}, of {prompts}",
                percent(figure.quality)
            )
        }
        (None, []) => prompts,
    }
}

/// What a pull request says.
pub(super) fn changed(change: &Change) -> String {
    let quality = &change.quality;
    let quality = format!(
        "quality {} ± {:.1} points",
        signed(quality.found * 100.0, 1),
        quality.half_width() * 100.0
    );
    match &change.cost {
        Some(cost) => format!("cost {} %, {quality}", signed(cost.found * 100.0, 1)),
        None => format!("cost not known, {quality}"),
    }
}

/// The plans among single models, the random mixture and the oracle.
pub(super) fn anchors(summary: &Summary, names: &[&str]) -> Table {
    let is_change = summary.plans.len() > 1;
    let head = ["", "quality", "USD per 1,000", "arena", "share", "regret"];
    let mut rows = Vec::new();
    let named = || summary.plans.iter().zip(names);
    for (plan, name) in named() {
        rows.push(anchor((*name).to_owned(), &plan.figure, summary, "", ""));
    }
    for model in &summary.models {
        let of = |plan: &PlanFigures| {
            let mut shares = plan.shares.iter();
            shares
                .find(|share| share.model == model.model)
                .map(|share| (share.share, share.regret))
        };
        let both: Vec<(f64, f64)> = summary.plans.iter().filter_map(of).collect();
        let shares: Vec<String> = both.iter().map(|(share, _)| percent(*share)).collect();
        let regrets: Vec<String> = both.iter().map(|(_, regret)| points(*regret)).collect();
        rows.push(anchor(
            model.model.clone(),
            &model.figure,
            summary,
            &shares.join(" → "),
            &regrets.join(" → "),
        ));
    }
    for (plan, name) in named() {
        let label = match is_change {
            true => format!("random mixture, as {name}"),
            false => "random mixture".to_owned(),
        };
        let regret = points(plan.random.quality - plan.figure.quality);
        rows.push(anchor(label, &plan.random, summary, "", &regret));
    }
    let regrets: Vec<String> = summary
        .plans
        .iter()
        .map(|plan| points(plan.regret))
        .collect();
    rows.push(anchor(
        "oracle".to_owned(),
        &summary.oracle,
        summary,
        "",
        &regrets.join(" → "),
    ));
    Table {
        head: head.map(str::to_owned).to_vec(),
        rows,
    }
}

fn anchor(
    name: String,
    figure: &Figure,
    summary: &Summary,
    share: &str,
    regret: &str,
) -> Vec<String> {
    let name = match figure.prompts == summary.prompts {
        true => name,
        false => format!("{name} ({} prompts)", grouped(figure.prompts)),
    };
    vec![
        name,
        percent(figure.quality),
        cost(figure),
        figure
            .arena
            .map_or("–".to_owned(), |arena| format!("{arena:.4}")),
        share.to_owned(),
        regret.to_owned(),
    ]
}

/// What the metrics say, in the order of their papers.
pub(super) fn sentences(summary: &Summary, names: &[&str]) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(change) = &summary.change {
        said.push(interval(change));
    }
    for (plan, name) in summary.plans.iter().zip(names) {
        let of = match summary.plans.len() {
            1 => String::new(),
            _ => format!(" of {name}"),
        };
        if let Some(pgr) = &plan.pgr {
            said.push(format!(
                "PGR{of} {:.4}, from `{}` (0) to `{}` (1)",
                pgr.value, pgr.weak, pgr.strong
            ));
            said.extend(curve(plan, &of).or_else(|| {
                let why = "they need a threshold that takes all prompts from one model to another";
                (summary.plans.len() == 1).then(|| format!("no APGR and CPT: {why}"))
            }));
        }
        if let (Some(with), Some(without)) = (plan.aiq, summary.aiq) {
            said.push(format!(
                "AIQ{of} {with:.4}, of the single models alone {without:.4}"
            ));
        }
        if plan.refused > 0 {
            said.push(format!(
                "{} refused{of}, which count as a score of 0 at no cost",
                counted(plan.refused, "request")
            ));
        }
        let unknown = plan.figure.prompts - plan.figure.costed;
        if unknown > 0 {
            said.push(format!(
                "{}{of} without a known cost: neither `cost_usd` nor tokens and a price in USD",
                counted(unknown, "prompt")
            ));
        }
    }
    said
}

/// What a plan is at all its thresholds.
fn curve(plan: &PlanFigures, of: &str) -> Option<String> {
    let curve = plan.curve.as_ref()?;
    let share = |share: Option<f64>| share.map_or("–".to_owned(), percent);
    let [twenty, fifty, eighty] = curve.cpt.map(share);
    Some(format!(
        "APGR{of} {:.4}, CPT(20) {twenty}, CPT(50) {fifty}, CPT(80) {eighty}, over `longContextThreshold`",
        curve.apgr
    ))
}

fn interval(change: &Change) -> String {
    let points = |part: f64| signed(part * 100.0, 2);
    let quality = &change.quality;
    let cost = change.cost.as_ref().map_or(String::new(), |cost| {
        let end = |part: f64| signed(part * 100.0, 1);
        format!(", cost {} to {} %", end(cost.low), end(cost.high))
    });
    format!(
        "95 % interval: quality {} to {} points{cost}; {} resamples of the prompts, seed {}",
        points(quality.low),
        points(quality.high),
        grouped(change.resamples as u64),
        change.seed
    )
}

/// The prompts by what they have in common.
pub(super) fn parts(
    summary: &Summary,
    what: &str,
    of: impl Fn(&PlanFigures) -> &Vec<PartFigures>,
) -> Table {
    let head = [what, "prompts", "quality", "USD per 1,000", "regret"];
    let sides: Vec<&Vec<PartFigures>> = summary.plans.iter().map(of).collect();
    let mut known: Vec<&str> = Vec::new();
    for part in sides.iter().flat_map(|parts| parts.iter()) {
        if !known.contains(&part.name.as_str()) {
            known.push(&part.name);
        }
    }
    let rows = known.iter().take(SHOWN).map(|name| {
        let each = |tell: &dyn Fn(&PartFigures) -> String| {
            let both = sides.iter().map(|parts| {
                let found = parts.iter().find(|part| part.name == *name);
                found.map_or("–".to_owned(), tell)
            });
            let mut both: Vec<String> = both.collect();
            both.dedup();
            both.join(" → ")
        };
        vec![
            (*name).to_owned(),
            each(&|part| grouped(part.figure.prompts)),
            each(&|part| percent(part.figure.quality)),
            each(&|part| cost(&part.figure)),
            each(&|part| points(part.regret)),
        ]
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    if known.len() > SHOWN {
        let more = format!("… and {} more", known.len() - SHOWN);
        rows.push(vec![more]);
    }
    Table {
        head: head.map(str::to_owned).to_vec(),
        rows,
    }
}

/// What does not count, and why.
pub(super) fn notes(summary: &Summary) -> Vec<String> {
    let mut notes = Vec::new();
    for undecidable in &summary.undecidable {
        notes.push(format!(
            "{} could not be decided without an answer of `{}`",
            counted(undecidable.rows, "row"),
            undecidable.model
        ));
    }
    let left_out = &summary.left_out;
    if left_out.rows > 0 {
        notes.push(format!(
            "{} of {} left out",
            counted(left_out.rows, "row"),
            grouped(summary.rows)
        ));
        for (line, why) in &left_out.first {
            notes.push(format!("  line {line} {why}"));
        }
        if left_out.rows > left_out.first.len() as u64 {
            notes.push("  …".to_owned());
        }
    }
    notes
}

fn counted(count: u64, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        grouped(count),
        if count == 1 { "" } else { "s" }
    )
}

/// `66.94 %`.
pub(super) fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

/// Points of a hundred.
fn points(part: f64) -> String {
    signed(part * 100.0, 2)
}

/// What 1,000 prompts cost; with a `~` where that is by some of them only.
fn cost(figure: &Figure) -> String {
    let cost = figure.cost_per_1000;
    let of = match figure.costed == figure.prompts {
        true => "",
        false => "~",
    };
    cost.map_or("–".to_owned(), |cost| format!("{of}{}", dollars(cost)))
}

/// With as many digits as it needs to be told from nothing.
pub(super) fn dollars(amount: f64) -> String {
    match amount {
        amount if amount < 1.0 => format!("{amount:.4}"),
        amount => format!("{amount:.2}"),
    }
}

/// With a sign, and none where it is nothing.
pub(super) fn signed(number: f64, digits: usize) -> String {
    let shown = format!("{:.digits$}", number.abs());
    let sign = match shown.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
        true => "",
        false if number < 0.0 => "−",
        false => "+",
    };
    format!("{sign}{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(signed(-0.4, 1), "−0.4");
        assert_eq!(signed(-0.04, 1), "0.0");
        assert_eq!(signed(3.0, 2), "+3.00");
        assert_eq!([dollars(0.0584), dollars(12.5)], ["0.0584", "12.50"]);
        assert_eq!(percent(0.66937), "66.94 %");
    }
}
