//! The tasks themselves.

use serde_json::{Value, json};

use crate::evaluate::Task;
use crate::render::table::align;
use crate::render::with_present;

const DESCRIPTION: &str = "Tasks with which models and routes are compared. A result is \
                           {taskId, model, output, latencyMs}; score a list of them with \
                           `ctr eval --input FILE`.";

/// Every task with its rubric, and the form of a result, with claude-trigger-router
/// 1.7's names.
pub fn json(tasks: &[Task]) -> Value {
    let tasks: Vec<Value> = tasks.iter().map(task).collect();
    json!({ "version": 1, "description": DESCRIPTION, "tasks": tasks })
}

fn task(task: &Task) -> Value {
    let rubric = &task.rubric;
    let mut told = json!({
        "requiredKeywords": rubric.required_keywords,
        "forbiddenPatterns": rubric.forbidden_patterns,
        "requiresCodeBlock": rubric.requires_code_block,
        "minQualityScore": rubric.min_quality_score,
        "qualityDimensions": rubric.dimensions(&task.checks),
    });
    // Whole milliseconds are written as such.
    let budget = rubric.max_latency_ms.map(|budget| match budget.fract() {
        0.0 => json!(budget as u64),
        _ => json!(budget),
    });
    told = with_present(told, [("maxLatencyMs", budget)]);
    told = with_present(told, [("minOutputChars", rubric.min_output_chars)]);
    let told_task = json!({
        "id": task.id,
        "intent": task.intent,
        "routeScenario": task.route_scenario,
        "category": task.category,
        "prompt": task.prompt,
        "expectedOutput": task.expected_output,
        "rubric": told,
        "resultTemplate": { "taskId": task.id, "model": "", "output": "", "latencyMs": 0 },
    });
    let checks: Vec<&Value> = task.checks.iter().map(|check| &check.written).collect();
    let checks = (!checks.is_empty()).then_some(checks);
    with_present(told_task, [("checks", checks)])
}

/// A line for each task.
pub fn text(tasks: &[Task]) -> String {
    let mut rows = vec![["task", "scenario", "intent", "budget", "asked for"].map(str::to_owned)];
    for task in tasks {
        let rubric = &task.rubric;
        let budget = rubric.max_latency_ms;
        rows.push([
            task.id.clone(),
            task.route_scenario.clone(),
            task.intent.clone(),
            budget.map_or_else(|| "–".to_owned(), |budget| format!("{budget} ms")),
            asked(task),
        ]);
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
    let mut out = align(&rows).join("\n");
    out.push_str("\n\n`--json` tells all of it, prompts too.\n");
    out
}

fn asked(task: &Task) -> String {
    let rubric = &task.rubric;
    let mut parts = Vec::new();
    if let Some(least) = rubric.min_output_chars {
        parts.push(format!("{least} characters"));
    }
    if !rubric.required_keywords.is_empty() {
        parts.push(rubric.required_keywords.join(" + "));
    }
    if rubric.requires_code_block {
        parts.push("a block of code".to_owned());
    }
    parts.extend(task.checks.iter().map(|it| it.kind.word().to_owned()));
    parts.join(", ")
}
