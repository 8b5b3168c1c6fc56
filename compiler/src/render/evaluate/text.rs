//! A report for a terminal.

use std::fmt::Write;

use super::{change, findings, interval, left_out, milliseconds, percent, signed};
use crate::evaluate::{Comparison, Group, Report, Run};
use crate::render::table::align;

/// Rows that did not pass and are told one by one.
const FAILED: usize = 50;

/// Findings of one row that a terminal has room for.
const FINDINGS: usize = 3;

/// The figures, what failed and why, and how it compares.
pub fn text(report: &Report, comparison: Option<&Comparison>) -> String {
    let mut out = headline(report);
    section(&mut out, "models", &report.by_model);
    section(&mut out, "scenarios", &report.by_route_scenario);
    section(&mut out, "tasks", &report.by_task);
    failed(&mut out, &report.runs);
    repeats(&mut out, report);
    calibration(&mut out, report);
    if !report.missing_task_ids.is_empty() {
        let missing = report.missing_task_ids.join(", ");
        let _ = writeln!(out, "\nnot answered: {missing}");
    }
    if let Some(comparison) = comparison {
        let _ = writeln!(out, "\nagainst the baseline");
        let rows: Vec<Vec<String>> = comparison
            .changes
            .iter()
            .map(|it| Vec::from(change(it)))
            .collect();
        lines(&mut out, &rows);
        for line in left_out(comparison) {
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

/// `7 of 8 passed (87.5 %), quality 0.912, speed 0.870, 812 ms`.
fn headline(report: &Report) -> String {
    let passed = report.runs.iter().filter(|run| run.passed).count();
    let skipped = match report.total_runs - report.evaluated_runs {
        0 => String::new(),
        1 => ", 1 row left out".to_owned(),
        many => format!(", {many} rows left out"),
    };
    format!(
        "{passed} of {} passed ({}), quality {:.3}, speed {:.3}, {}{skipped}\n",
        report.evaluated_runs,
        percent(report.pass_rate),
        report.average_quality_score,
        report.average_speed_score,
        milliseconds(report.average_latency_ms),
    )
}

fn section(out: &mut String, name: &str, groups: &[Group]) {
    if groups.is_empty() {
        return;
    }
    let head = [name, "passed", "quality", "speed", "latency"];
    let mut rows = vec![Vec::from(head.map(str::to_owned))];
    rows.extend(groups.iter().map(|group| {
        vec![
            group.key.clone(),
            format!("{}/{}", group.passed_runs, group.total_runs),
            format!("{:.3}", group.average_quality_score),
            format!("{:.3}", group.average_speed_score),
            milliseconds(group.average_latency_ms),
        ]
    }));
    out.push('\n');
    lines(out, &rows);
}

fn failed(out: &mut String, runs: &[Run]) {
    let failed: Vec<&Run> = runs.iter().filter(|run| !run.passed).collect();
    if failed.is_empty() {
        return;
    }
    out.push_str("\nnot passed\n");
    let row = |run: &&Run| {
        let mut findings = findings(run);
        let more = findings.len().saturating_sub(FINDINGS);
        findings.truncate(FINDINGS);
        let more = if more > 0 {
            format!(" +{more}")
        } else {
            String::new()
        };
        vec![
            run.task_id.clone(),
            run.model.clone(),
            format!("{:.3}", run.quality_score),
            format!("{}{more}", findings.join(" ")),
        ]
    };
    lines(
        out,
        &failed.iter().take(FAILED).map(row).collect::<Vec<_>>(),
    );
    if failed.len() > FAILED {
        let _ = writeln!(out, "  … and {} more", failed.len() - FAILED);
    }
}

fn repeats(out: &mut String, report: &Report) {
    if report.repeats.is_empty() {
        return;
    }
    out.push_str("\nquality of repeats, with its 95 % interval\n");
    let rows: Vec<Vec<String>> = report
        .repeats
        .iter()
        .map(|spread| {
            vec![
                spread.model.clone(),
                spread
                    .task_id
                    .clone()
                    .unwrap_or_else(|| "all tasks".to_owned()),
                format!("×{}", spread.runs),
                interval(&spread.quality),
            ]
        })
        .collect();
    lines(out, &rows);
}

fn calibration(out: &mut String, report: &Report) {
    let summary = &report.calibration_summary;
    if summary.calibrated_runs == 0 {
        return;
    }
    let _ = writeln!(
        out,
        "\ncalibrated: {}, score {:.3}, {} from the rubric",
        summary.calibrated_runs,
        summary.average_calibration_score,
        signed(summary.average_rubric_delta, 3),
    );
    let rows: Vec<Vec<String>> = summary
        .high_disagreement_runs
        .iter()
        .map(|run| {
            vec![
                run.task_id.clone(),
                run.model.clone(),
                format!("rubric {:.3}", run.quality_score),
                format!("they {:.3}", run.calibration_score),
            ]
        })
        .collect();
    lines(out, &rows);
}

fn lines(out: &mut String, rows: &[Vec<String>]) {
    for line in align(rows) {
        let _ = writeln!(out, "  {line}");
    }
}
