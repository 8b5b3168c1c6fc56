//! A report as one page that needs nothing else: tables, plots, no script.

use std::fmt::Write;

use super::chart::{Bar, bars};
use super::{change, findings, left_out, milliseconds, percent};
use crate::evaluate::{Comparison, Group, Report};
use crate::render::drawing::escaped;

const STYLE: &str = "body{font:14px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;\
                     color:#222}table{border-collapse:collapse;margin:1em 0}th,td{padding:.25em \
                     .75em;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}\
                     td.n{text-align:right}code{font-size:12px}.bad{color:#b30000}svg{max-width:\
                     100%}";

/// The page.
pub fn html(report: &Report, comparison: Option<&Comparison>) -> String {
    let passed = report.runs.iter().filter(|run| run.passed).count();
    let mut out = page("Evaluation");
    let _ = writeln!(
        out,
        "<h1>Evaluation</h1>\n<p>{passed} of {} passed ({}), quality {:.3}, speed {:.3}, {}.</p>",
        report.evaluated_runs,
        percent(report.pass_rate),
        report.average_quality_score,
        report.average_speed_score,
        milliseconds(report.average_latency_ms)
    );
    if report.total_runs > report.evaluated_runs {
        let left = report.total_runs - report.evaluated_runs;
        let _ = writeln!(out, "<p class=\"bad\">Rows left out: {left}.</p>");
    }
    if let Some(comparison) = comparison {
        compared(&mut out, comparison);
    }
    let quality = report.by_model.iter().map(|group| quality(report, group));
    out.push_str(&bars("Quality by model", &quality.collect::<Vec<_>>()));
    groups(&mut out, "Models", &report.by_model);
    let scenarios = report.by_route_scenario.iter().map(plain);
    out.push_str(&bars("Quality by scenario", &scenarios.collect::<Vec<_>>()));
    groups(&mut out, "Scenarios", &report.by_route_scenario);
    groups(&mut out, "Tasks", &report.by_task);
    runs(&mut out, report);
    out.push_str("</body>\n</html>\n");
    out
}

/// The beginning of a page.
pub(super) fn page(title: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escaped(title)
    )
}

/// A row of a table; cells that begin with a digit or a sign stand right.
pub(super) fn row(out: &mut String, tag: &str, cells: &[String]) {
    out.push_str("<tr>");
    for cell in cells {
        let is_number = tag == "td" && cell.starts_with(|c: char| c.is_ascii_digit());
        let class = if is_number { " class=\"n\"" } else { "" };
        let _ = write!(out, "<{tag}{class}>{}</{tag}>", escaped(cell));
    }
    out.push_str("</tr>\n");
}

/// The head of a table.
pub(super) fn head<const N: usize>(out: &mut String, title: &str, cells: [&str; N]) {
    let _ = writeln!(out, "<h2>{}</h2>\n<table>", escaped(title));
    row(out, "th", &cells.map(str::to_owned));
}

/// The bar of a model, with its interval where tasks were repeated.
fn quality(report: &Report, group: &Group) -> Bar {
    let mut spreads = report.repeats.iter();
    let spread = spreads.find(|it| it.model == group.key && it.task_id.is_none());
    let reach = spread.and_then(|spread| spread.quality.low.zip(spread.quality.high));
    Bar {
        reach,
        ..plain(group)
    }
}

fn plain(group: &Group) -> Bar {
    Bar {
        name: group.key.clone(),
        share: group.average_quality_score,
        reach: None,
        told: format!("{:.3}", group.average_quality_score),
    }
}

fn groups(out: &mut String, title: &str, groups: &[Group]) {
    head(out, title, ["", "Passed", "Quality", "Speed", "Latency"]);
    for group in groups {
        let cells = [
            group.key.clone(),
            format!("{}/{}", group.passed_runs, group.total_runs),
            format!("{:.3}", group.average_quality_score),
            format!("{:.3}", group.average_speed_score),
            milliseconds(group.average_latency_ms),
        ];
        row(out, "td", &cells);
    }
    out.push_str("</table>\n");
}

fn compared(out: &mut String, comparison: &Comparison) {
    let titles = ["Model", "Over", "Quality", "Difference", ""];
    head(out, "Against the baseline", titles);
    for change in comparison.changes.iter().map(change) {
        row(out, "td", &change);
    }
    out.push_str("</table>\n");
    for line in left_out(comparison) {
        let _ = writeln!(out, "<p>{}</p>", escaped(&line));
    }
}

fn runs(out: &mut String, report: &Report) {
    let titles = ["Task", "Model", "", "Quality", "Latency", "Findings"];
    head(out, "Runs", titles);
    for run in &report.runs {
        let cells = [
            run.task_id.clone(),
            run.model.clone(),
            if run.passed { "passed" } else { "not passed" }.to_owned(),
            format!("{:.3}", run.quality_score),
            milliseconds(run.latency_ms.unwrap_or_default()),
            findings(run).join(", "),
        ];
        row(out, "td", &cells);
    }
    out.push_str("</table>\n");
}
