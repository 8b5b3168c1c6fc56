//! A report as a part of a pull request's comment. Names are a stranger's and stay
//! text in their own cell.

use std::fmt::Write;

use super::{change, findings, interval, left_out, milliseconds, percent};
use crate::evaluate::{Comparison, Group, Report, Run};
use crate::render::diff::code;

/// Rows that a comment has room for.
const SHOWN: usize = 50;

/// Tables of models, scenarios, what did not pass, and how it compares.
pub fn markdown(report: &Report, comparison: Option<&Comparison>) -> String {
    let passed = report.runs.iter().filter(|run| run.passed).count();
    let mut out = format!(
        "**{passed} of {} passed ({}), quality {:.3}**\n",
        report.evaluated_runs,
        percent(report.pass_rate),
        report.average_quality_score
    );
    if report.total_runs > report.evaluated_runs {
        let left = report.total_runs - report.evaluated_runs;
        let _ = writeln!(out, "\nRows left out: {left}");
    }
    if let Some(comparison) = comparison {
        out.push_str(
            "\n| Model | Over | Quality | Difference | |\n| --- | --- | ---: | ---: | --- |\n",
        );
        for [model, place, values, difference, told] in comparison.changes.iter().map(change) {
            let (model, place) = (code(&model), code(&place));
            let _ = writeln!(
                out,
                "| {model} | {place} | {values} | {difference} | {told} |"
            );
        }
        for line in left_out(comparison) {
            let _ = writeln!(out, "\n{}", code(&line));
        }
    }
    groups(&mut out, "Model", &report.by_model);
    groups(&mut out, "Scenario", &report.by_route_scenario);
    failed(&mut out, &report.runs);
    if !report.repeats.is_empty() {
        out.push_str("\n| Model | Task | Runs | Quality (95 %) |\n| --- | --- | ---: | ---: |\n");
    }
    for spread in &report.repeats {
        let task = spread.task_id.as_deref().map_or("all".to_owned(), code);
        let quality = interval(&spread.quality);
        let (model, runs) = (code(&spread.model), spread.runs);
        let _ = writeln!(out, "| {model} | {task} | {runs} | {quality} |");
    }
    out
}

fn groups(out: &mut String, name: &str, groups: &[Group]) {
    let _ = writeln!(
        out,
        "\n| {name} | Passed | Quality | Speed | Latency |\n| --- | ---: | ---: | ---: | ---: |"
    );
    for group in groups {
        let _ = writeln!(
            out,
            "| {} | {}/{} | {:.3} | {:.3} | {} |",
            code(&group.key),
            group.passed_runs,
            group.total_runs,
            group.average_quality_score,
            group.average_speed_score,
            milliseconds(group.average_latency_ms)
        );
    }
}

fn failed(out: &mut String, runs: &[Run]) {
    let failed: Vec<&Run> = runs.iter().filter(|run| !run.passed).collect();
    if failed.is_empty() {
        return;
    }
    out.push_str("\n| Not passed | Model | Quality | Findings |\n| --- | --- | ---: | --- |\n");
    for run in failed.iter().take(SHOWN) {
        let findings: Vec<String> = findings(run).into_iter().map(code).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {:.3} | {} |",
            code(&run.task_id),
            code(&run.model),
            run.quality_score,
            findings.join(" ")
        );
    }
    if failed.len() > SHOWN {
        let _ = writeln!(out, "\n… and {} more", failed.len() - SHOWN);
    }
}
