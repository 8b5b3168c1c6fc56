//! A report as JUnit has it: a suite for each model, a case for each row.

use std::fmt::Write;

use crate::evaluate::{Report, Run};
use crate::render::junit::{attribute, content};

/// The document. A row that did not pass is a failure, one without an answer an error.
pub fn junit(report: &Report) -> String {
    let mut models: Vec<&str> = report.runs.iter().map(|run| run.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    let all: Vec<&Run> = report.runs.iter().collect();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ctr eval\" {}>\n",
        counts(&all)
    );
    for model in models {
        let runs: Vec<&Run> = all
            .iter()
            .copied()
            .filter(|run| run.model == model)
            .collect();
        let name = attribute(model);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" {} skipped=\"0\">",
            counts(&runs)
        );
        for run in runs {
            case(&mut out, &name, run);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(runs: &[&Run]) -> String {
    let errors = runs.iter().filter(|run| is_error(run)).count();
    let failed = runs
        .iter()
        .filter(|run| !run.passed && !is_error(run))
        .count();
    let latencies = runs.iter().filter_map(|run| run.latency_ms);
    let seconds = latencies.fold(0.0, |sum, latency| sum + latency) / 1_000.0;
    format!(
        "tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\" time=\"{seconds:.3}\"",
        runs.len()
    )
}

fn is_error(run: &Run) -> bool {
    let mut findings = run.findings.iter();
    findings.any(|finding| finding.starts_with("runner_error:"))
}

fn case(out: &mut String, model: &str, run: &Run) {
    let seconds = run.latency_ms.unwrap_or_default() / 1_000.0;
    let name = attribute(&run.task_id);
    let open = format!("    <testcase classname=\"{model}\" name=\"{name}\" time=\"{seconds:.3}\"");
    if run.passed {
        let _ = writeln!(out, "{open}/>");
        return;
    }
    let kind = if is_error(run) { "error" } else { "failure" };
    let message = format!("quality {}", run.quality_score);
    let _ = writeln!(
        out,
        "{open}>\n      <{kind} message=\"{}\" type=\"quality\">{}\n</{kind}>\n    </testcase>",
        attribute(&message),
        content(&run.findings.join("\n"))
    );
}
