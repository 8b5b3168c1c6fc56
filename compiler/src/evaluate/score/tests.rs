use super::*;
use crate::evaluate::fixed;
use proptest::prelude::*;

fn task(id: &str) -> Task {
    fixed()
        .into_iter()
        .find(|task| task.id == id)
        .expect("a fixed task")
}

fn row(task: &str, output: &str) -> Row {
    Row {
        task_id: task.to_owned(),
        model: "m".to_owned(),
        output: Some(output.to_owned()),
        latency_ms: Some(500.0),
        ..Row::default()
    }
}

fn scored(row: &Row) -> Run {
    score(row, &task(&row.task_id))
}

#[test]
fn a_good_answer_has_everything() {
    let run = scored(&row(
        "quick_status",
        "Status: the service is up again. Next: we watch it for an hour.",
    ));
    assert!(run.passed);
    assert_eq!((run.quality_score, run.speed_score), (1.0, 1.0));
    assert_eq!(run.findings, [""; 0]);
    let sides: Vec<&str> = run.dimension_scores.iter().map(|side| &*side.id).collect();
    assert_eq!(
        sides,
        ["semantic_coverage", "completeness", "safety_hygiene"]
    );
}

/// Worked by hand from the formulas.
#[test]
fn every_finding_takes_its_part() {
    // 20 of 120 characters, one of two words, no block, one forbidden word.
    let run = scored(&row("coding_fix", "The fix: placeholder"));
    assert!(!run.passed);
    // D = (0.45·0.7 + 0.25·0.75 + 0.2·0.75 + 0.1·0.5) / 1 = 0.7025;
    // Q = 1 − 0.25 − 0.35·0.5 − 0.25 − 0.4 < 0.
    assert_eq!(run.quality_score, 0.0);
    let scores: Vec<f64> = run.dimension_scores.iter().map(|side| side.score).collect();
    assert_eq!(scores, [0.7, 0.75, 0.75, 0.5]);
    assert_eq!(
        run.findings,
        [
            "dimension_below_threshold:deliverable_format:0.75/1",
            "dimension_below_threshold:safety_hygiene:0.5/1",
            "dimension_semantic_coverage:missing_keywords:test",
            "dimension_completeness:output_too_short:20/120",
            "dimension_deliverable_format:missing_code_block",
            "dimension_safety_hygiene:forbidden_patterns:placeholder",
            "output_too_short:20/120",
            "missing_keywords:test",
            "missing_code_block",
            "forbidden_patterns:placeholder",
        ]
    );
    // D is the lesser one: (0.45·0.4 + 0.25 + 0.1) / 0.8 = 0.6625, Q = 1 − 0.35 = 0.65.
    let long = "x".repeat(80);
    assert_eq!(scored(&row("quick_status", &long)).quality_score, 0.65);
}

#[test]
fn slowness_and_errors_are_told() {
    let mut slow = row(
        "quick_status",
        "Status: up. Next: nothing to do for the day.",
    );
    slow.latency_ms = Some(1_000.0);
    let run = scored(&slow);
    assert_eq!(run.speed_score, 0.75);
    assert_eq!(run.findings, ["latency_over_budget:1000/800"]);
    slow.latency_ms = None;
    assert_eq!(scored(&slow).speed_score, 0.0);
    slow.error = Some("http_500".to_owned());
    slow.judge_error = Some("timeout".to_owned());
    let run = scored(&slow);
    assert!(!run.passed);
    assert_eq!(run.quality_score, 0.0);
    assert_eq!(
        run.findings[..2],
        ["runner_error:http_500", "judge_error:timeout"]
    );
}

#[test]
fn people_and_judges_are_laid_beside_the_rubric() {
    let mut judged = row(
        "quick_status",
        "Status: up. Next: nothing to do for the day.",
    );
    judged.human_score = Some(0.5);
    judged.judge_score = Some(0.8);
    judged.judge_findings = vec!["thin".to_owned()];
    let calibration = scored(&judged).calibration.expect("scores were given");
    assert_eq!(calibration.average_score, Some(0.65));
    assert_eq!(calibration.delta_from_quality, Some(-0.35));
    assert_eq!(
        calibration.findings,
        ["thin", "calibration_disagreement:-0.35"]
    );
    judged.human_score = Some(0.75);
    judged.judge_score = None;
    assert!(scored(&judged).calibration.is_some_and(|it| it.disagrees()));
    judged.human_score = Some(0.7501);
    assert!(
        scored(&judged)
            .calibration
            .is_some_and(|it| !it.disagrees())
    );
    judged.human_score = None;
    judged.judge_findings.clear();
    assert_eq!(scored(&judged).calibration, None);
}

fn any_row() -> impl Strategy<Value = Row> {
    let words = prop_oneof![
        Just("status"),
        Just("NEXT"),
        Just("fix"),
        Just("test"),
        Just("```"),
        Just("TODO"),
        Just("placeholder"),
        Just("risk"),
        Just("é"),
        Just("\u{0}"),
        Just(" "),
    ];
    let output = proptest::collection::vec(words, 0..60).prop_map(|words| words.join(" "));
    let scores = proptest::option::of(0.0..=1.0_f64);
    (
        (
            0..8_usize,
            proptest::option::of(output),
            proptest::option::of(0.0..1e7_f64),
        ),
        (proptest::option::of("[a-z]{1,8}"), scores.clone(), scores),
    )
        .prop_map(
            |((at, output, latency_ms), (error, human_score, judge_score))| Row {
                task_id: fixed()[at].id.clone(),
                model: "m".to_owned(),
                output,
                latency_ms,
                error,
                human_score,
                judge_score,
                ..Row::default()
            },
        )
}

fn is_ratio(number: f64) -> bool {
    (0.0..=1.0).contains(&number) && number == rounded(number)
}

proptest! {
    #[test]
    fn scores_stay_in_their_bounds(row in any_row()) {
        let run = scored(&row);
        prop_assert!(is_ratio(run.quality_score));
        prop_assert!(is_ratio(run.speed_score));
        prop_assert!(run.dimension_scores.iter().all(|side| is_ratio(side.score)));
        prop_assert!(!run.passed || (run.quality_score >= 0.7 && row.error.is_none()));
        if row.error.is_some() {
            prop_assert_eq!(run.quality_score, 0.0);
        }
    }

    /// More of what is asked for, and more time, never make an answer worse or faster.
    #[test]
    fn scores_follow_what_is_asked(row in any_row(), more in 0.0..1e5_f64) {
        let before = scored(&row);
        let mut better = row.clone();
        let words = task(&row.task_id).rubric.required_keywords.join(" ");
        better.output = Some(format!("{} {words}", row.output.clone().unwrap_or_default()));
        prop_assert!(scored(&better).quality_score >= before.quality_score);
        let mut slower = row.clone();
        slower.latency_ms = row.latency_ms.map(|latency| latency + more);
        prop_assert!(scored(&slower).speed_score <= before.speed_score);
    }
}
