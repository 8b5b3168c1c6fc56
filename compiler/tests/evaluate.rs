//! Evaluations as a whole: how reports are put together, and that no input of a
//! stranger ends the process.

use ctr_compiler::diagnostic::Problems;
use ctr_compiler::evaluate::{
    Baseline, Entry, History, KEPT, Origin, Report, Row, Task, fixed, questions, read_rows,
    read_tasks, report, verdict,
};
use ctr_compiler::render::evaluate as render;
use ctr_compiler::source::Sources;
use proptest::prelude::*;

fn row(task: &str, model: &str, output: &str, latency_ms: Option<f64>) -> Row {
    Row {
        task_id: task.to_owned(),
        model: model.to_owned(),
        output: Some(output.to_owned()),
        latency_ms,
        ..Row::default()
    }
}

const GOOD: &str = "Status: the service is up again. Next: we watch it for an hour.";
/// Misses one of two words.
const THIN: &str = "Status: the service is up again, and all is well with it.";

fn tasks_of(text: &str) -> (Vec<Task>, Vec<String>) {
    let sources = Sources::single("tasks.yaml", text);
    let (id, _) = sources.iter().next().expect("one source");
    let mut problems = Problems::default();
    let (tasks, mistakes) = read_tasks(&sources, id, &mut problems);
    let mistakes = mistakes
        .into_iter()
        .map(|(span, what)| format!("{} {what}", sources.place(span)));
    let found = problems.iter().map(|found| found.headline.clone());
    (tasks, found.chain(mistakes).collect())
}

fn keys(groups: &[ctr_compiler::evaluate::Group]) -> Vec<&str> {
    groups.iter().map(|group| group.key.as_str()).collect()
}

#[test]
fn groups_stand_by_what_passed_then_quality_then_latency() {
    let rows = [
        row("quick_status", "slow", GOOD, Some(700.0)),
        row("quick_status", "fast", GOOD, Some(300.0)),
        row("quick_status", "thin", THIN, Some(10.0)),
        row("quick_status", "bad", "x", Some(1.0)),
        row("coding_fix", "bad", GOOD, None),
    ];
    let told = report(&rows, &fixed(), 7);
    assert_eq!(keys(&told.by_model), ["fast", "slow", "thin", "bad"]);
    assert_eq!(keys(&told.by_task), ["quick_status", "coding_fix"]);
    assert_eq!(keys(&told.by_route_scenario), ["default", "think"]);
    assert_eq!(
        (told.total_tasks, told.total_runs, told.evaluated_runs),
        (8, 7, 5)
    );
    assert_eq!((told.pass_rate, told.average_latency_ms), (0.6, 252.75));
    assert_eq!(told.missing_task_ids.len(), 6);
    // In the order of tasks; the faster of two that are equally good.
    let best: Vec<(&str, &str)> = told
        .best_runs_by_task
        .iter()
        .map(|run| (run.task_id.as_str(), run.model.as_str()))
        .collect();
    assert_eq!(best, [("quick_status", "fast"), ("coding_fix", "bad")]);
    assert!(told.repeats.is_empty(), "nothing was repeated");
    let third = 1.0 / 3.0;
    let rows = [GOOD, "", ""].map(|output| row("quick_status", "m", output, None));
    let told = report(&rows, &fixed(), 3);
    assert_eq!(told.pass_rate, (third * 10_000.0_f64).round() / 10_000.0);
}

#[test]
fn rows_are_read_from_a_list_or_an_object_with_one() {
    let list =
        r#"[{"taskId": " quick_status ", "model": "m", "judgeScore": null, "latencyMs": 0}]"#;
    for text in [
        list.to_owned(),
        format!("{{\"results\": {list}}}"),
        format!("{{\"inputs\": {list}, \"report\": {{}}}}"),
    ] {
        let read = read_rows(&text, &fixed()).expect("rows");
        assert_eq!(
            (read.total, read.rows[0].task_id.as_str()),
            (1, "quick_status")
        );
        assert_eq!(
            (read.rows[0].latency_ms, read.rows[0].judge_score),
            (Some(0.0), None)
        );
    }
    for none in ["", "3", "{}", "{\"results\": {}}"] {
        assert!(read_rows(none, &fixed()).is_err(), "{none}");
    }
}

/// Nobody reads on, and a file of answers may be long.
#[test]
fn a_terminal_is_told_of_fifty_rows_that_did_not_pass() {
    let rows: Vec<Row> = (0..53)
        .map(|_| row("quick_status", "m", "", None))
        .collect();
    let told = report(&rows, &fixed(), rows.len());
    for text in [render::text(&told, None), render::markdown(&told, None)] {
        assert_eq!(text.matches("output_too_short:0/40").count(), 50);
        assert!(text.contains("… and 3 more"), "{text}");
    }
}

#[test]
fn a_task_the_report_does_not_know_is_left_out() {
    let rows = [
        row("quick_status", "m", GOOD, None),
        row("gone", "m", GOOD, None),
    ];
    let told = report(&rows, &fixed(), 2);
    assert_eq!(
        (told.total_runs, told.evaluated_runs, told.runs.len()),
        (2, 1, 1)
    );
}

#[test]
fn the_newest_entries_are_kept_in_their_order() {
    let told = report(&[row("quick_status", "m", GOOD, Some(5.0))], &fixed(), 1);
    let mut history = History::default();
    for at in (0..70).rev() {
        let time = format!("2026-01-01T00:{:02}:{:02}.000Z", at / 60, at % 60);
        history.add(Entry::of(&told, Origin::Run, None, &time));
    }
    let ids: Vec<&str> = history.entries().iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids.len(), KEPT);
    assert_eq!(ids[0], "bench_20260101000020000_1");
    assert_eq!(ids[KEPT - 1], "bench_20260101000109000_1");
    let read = History::read(&history.write()).expect("what was written");
    assert_eq!(read, history);
    // Written by claude-trigger-router: more keys, null, another source, a bare list.
    let other = r#"[{"id":"b","createdAt":"2026-01-02T00:00:00.000Z","source":"cron","label":null,"extra":1,"averageRubricDelta":null,"models":[{"model":"m","passRate":null}]},
                    {"id":"a","createdAt":"2026-01-01T00:00:00.000Z","averageLatencyMs":12}]"#;
    let read = History::read(other).expect("a bare list");
    let latest = read.summary().latest.expect("two entries");
    assert_eq!(
        (latest.id.as_str(), latest.source, &latest.label),
        ("b", Origin::Unknown, &None)
    );
    assert_eq!(read.summary().trends.latency_delta_ms, -12.0);
}

/// A model that is compared with itself has not changed, whatever it answered.
#[test]
fn nothing_is_worse_than_itself() {
    let rows: Vec<Row> = [GOOD, THIN, "", GOOD, THIN]
        .iter()
        .flat_map(|output| ["quick_status", "coding_fix"].map(|task| row(task, "m", output, None)))
        .collect();
    let told = report(&rows, &fixed(), rows.len());
    let text = serde_json::to_string(&told).expect("JSON");
    let compared = Baseline::read(&text).expect("a report").compare(&told);
    assert!(!compared.regressed);
    assert_eq!(compared.changes.len(), 3, "over all, and each task");
    assert!(
        compared
            .changes
            .iter()
            .all(|change| change.p_value == Some(1.0))
    );
}

/// Without repeats many small losses are significant, and one is not.
#[test]
fn tasks_are_compared_with_themselves() {
    let quality = |task: &str, quality: f64| {
        format!(r#"{{"taskId":"{task}","model":"m","qualityScore":{quality}}}"#)
    };
    let ids: Vec<String> = fixed().into_iter().map(|task| task.id).collect();
    let baseline = |qualities: &[f64]| {
        let runs: Vec<String> = ids
            .iter()
            .zip(qualities)
            .map(|(id, it)| quality(id, *it))
            .collect();
        Baseline::read(&format!(r#"{{"report":{{"runs":[{}]}}}}"#, runs.join(","))).expect("runs")
    };
    let rows: Vec<Row> = ids.iter().map(|id| row(id, "m", "", None)).collect();
    let now = report(&rows, &fixed(), 8);
    let is: Vec<f64> = now.runs.iter().map(|run| run.quality_score).collect();
    let all: Vec<f64> = is
        .iter()
        .enumerate()
        .map(|(at, it)| it + 0.1 + 0.01 * at as f64)
        .collect();
    assert!(baseline(&all).compare(&now).regressed);
    let mut one = is.clone();
    one[0] += 0.5;
    let compared = baseline(&one).compare(&now);
    assert!(!compared.regressed && compared.changes[0].difference.mean < 0.0);
    // One task without repeats tells nothing.
    let compared = baseline(&all[..1]).compare(&now);
    assert_eq!(
        (compared.regressed, compared.changes[0].p_value),
        (false, None)
    );
}

#[test]
fn hostile_schemas_and_patterns_are_refused_or_harmless() {
    let check = |check: &str| format!("tasks: [{{id: a, prompt: b, checks: [{check}]}}]");
    for refused in [
        "{json-schema: {$ref: 'file:///etc/passwd'}}",
        "{json-schema: {$ref: 'http://127.0.0.1:1/x'}}",
        "{json-schema: {pattern: '(?=a)b'}}",
        "{regex: '(?=a)b'}",
        "{regex: '((a{1000}){1000}){1000}'}",
    ] {
        let (_, mistakes) = tasks_of(&check(refused));
        assert_eq!(mistakes.len(), 1, "{refused}: {mistakes:?}");
    }
    for harmless in [
        "{json-schema: {$ref: '#'}}",
        "{json-schema: {allOf: [{$ref: '#'}]}}",
        "{json-schema: {properties: {a: {$ref: '#'}}}}",
        "{json-schema: {pattern: '(a+)+$'}}",
    ] {
        let (tasks, _) = tasks_of(&check(harmless));
        let output = format!("\"{}!\"", "a".repeat(50_000));
        for output in [output, "{\"a\":{\"a\":{\"a\":1}}}".to_owned()] {
            report(&[row("a", "m", &output, None)], &tasks, 1);
        }
    }
}

fn shown(report: &Report) {
    render::text(report, None);
    render::markdown(report, None);
    render::html(report, None);
    render::junit(report);
}

/// Text that is nearly what is read, and text that is not.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just(","),
        Just("\n"),
        Just("  - "),
        Just("\"taskId\""),
        Just("\"quick_status\""),
        Just("\"model\""),
        Just("\"results\""),
        Just("\"entries\""),
        Just("\"createdAt\""),
        Just("\"score\""),
        Just("\"runs\""),
        Just("\"qualityScore\""),
        Just("1e308"),
        Just("-1"),
        Just("0.5"),
        Just("null"),
        Just("tasks:"),
        Just("id: "),
        Just("prompt: x"),
        Just("checks:"),
        Just("regex: "),
        Just("json-schema: "),
        Just("a"),
        Just("\u{0}"),
        Just("𝄞"),
        Just("\""),
        Just("'"),
    ];
    prop_oneof![
        proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat()),
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn no_text_ends_the_process(text in text()) {
        let tasks = fixed();
        if let Ok(read) = read_rows(&text, &tasks) {
            shown(&report(&read.rows, &tasks, read.total));
        }
        if let Ok(history) = History::read(&text) {
            render::history_text(&history);
            render::history_svg(&history);
            render::history_html(&history);
        }
        if let Ok(baseline) = Baseline::read(&text) {
            baseline.compare(&report(&[], &tasks, 0));
        }
        let (own, _) = tasks_of(&text);
        render::tasks_text(&own);
        render::tasks_json(&own);
        verdict(&text);
        let answered = row("quick_status", &text, &text, Some(1.0));
        questions(&answered, &tasks[0]);
        shown(&report(&[answered], &tasks, 1));
    }

    /// Means lie where what they are means of lies, and every group counts what it holds.
    #[test]
    fn sums_add_up(rows in proptest::collection::vec((0..8_usize, 0..3_usize, 0..4_usize, 0.0..5_000.0_f64), 0..40)) {
        let tasks = fixed();
        let outputs = [GOOD, THIN, "", "```fix test risk rollout``` TODO"];
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(task, model, output, latency)| {
                let model = ["a", "b", "c"][model];
                row(&tasks[task].id, model, outputs[output], Some(latency))
            })
            .collect();
        let told = report(&rows, &tasks, rows.len());
        for groups in [&told.by_task, &told.by_model, &told.by_route_scenario] {
            prop_assert_eq!(groups.iter().map(|it| it.total_runs).sum::<usize>(), rows.len());
            let passed = groups.iter().map(|it| it.passed_runs).sum::<usize>();
            prop_assert_eq!(passed, told.runs.iter().filter(|run| run.passed).count());
            prop_assert!(groups.is_sorted_by(|a, b| a.pass_rate >= b.pass_rate));
            for share in groups.iter().flat_map(|it| [it.pass_rate, it.average_quality_score, it.average_speed_score]) {
                prop_assert!((0.0..=1.0).contains(&share));
            }
        }
        let answered = told.best_runs_by_task.len() + told.missing_task_ids.len();
        prop_assert_eq!(answered, told.total_tasks);
        for spread in &told.repeats {
            if let Some((low, high)) = spread.quality.low.zip(spread.quality.high) {
                prop_assert!(0.0 <= low && low <= spread.quality.mean && spread.quality.mean <= high && high <= 1.0);
            }
        }
    }
}
