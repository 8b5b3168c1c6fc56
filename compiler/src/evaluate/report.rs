//! Scored rows put together, with claude-trigger-router 1.7's fields.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;

use super::statistics::{Interval, Sample, over_tasks};
use super::{Row, Run, Task, mean, rounded, score};

/// What came of some rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Tasks that there are.
    pub total_tasks: usize,
    /// Rows that there were, with those that could not be read.
    pub total_runs: usize,
    /// Rows that were scored.
    pub evaluated_runs: usize,
    /// Tasks without any scored row.
    pub missing_task_ids: Vec<String>,
    /// Share of scored rows that passed.
    pub pass_rate: f64,
    /// Mean quality.
    pub average_quality_score: f64,
    /// Mean speed.
    pub average_speed_score: f64,
    /// Mean of the latencies that are known; 0 where none is.
    pub average_latency_ms: f64,
    /// Mean of each side of quality over the rows that have it.
    pub average_dimension_scores: BTreeMap<String, f64>,
    /// What people and judges say.
    pub calibration_summary: CalibrationSummary,
    /// The best row of each task, in the order of tasks.
    pub best_runs_by_task: Vec<Run>,
    /// By task, best first.
    pub by_task: Vec<Group>,
    /// By scenario, best first.
    pub by_route_scenario: Vec<Group>,
    /// By model, best first.
    pub by_model: Vec<Group>,
    /// How sure the mean quality is, where tasks were repeated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Spread>,
    /// Every scored row, in its order.
    pub runs: Vec<Run>,
}

/// Rows that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// What they have in common.
    pub key: String,
    /// How many.
    pub total_runs: usize,
    /// How many passed.
    pub passed_runs: usize,
    /// Their share.
    pub pass_rate: f64,
    /// Mean quality.
    pub average_quality_score: f64,
    /// Mean speed.
    pub average_speed_score: f64,
    /// Mean of the latencies that are known; 0 where none is.
    pub average_latency_ms: f64,
    /// Mean of each side of quality.
    pub average_dimension_scores: BTreeMap<String, f64>,
}

/// What people and judges say of the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationSummary {
    /// Rows with any word of theirs.
    pub calibrated_runs: usize,
    /// Mean of people's scores.
    pub average_human_score: f64,
    /// Mean of judges' scores.
    pub average_judge_score: f64,
    /// Mean of both.
    pub average_calibration_score: f64,
    /// Mean distance from the rubric's scores, with its sign.
    pub average_rubric_delta: f64,
    /// Rows where they are far apart.
    pub high_disagreement_runs: Vec<Disagreement>,
}

/// A row where people or judges and the rubric are far apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Disagreement {
    /// The task.
    pub task_id: String,
    /// The model.
    pub model: String,
    /// The rubric's score.
    pub quality_score: f64,
    /// Theirs.
    pub calibration_score: f64,
    /// How far apart.
    pub delta_from_quality: f64,
    /// What was found.
    pub findings: Vec<String>,
}

/// Mean quality of a model and how sure it is, from repeats.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// The model.
    pub model: String,
    /// Of this task; of all its tasks where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// How many rows.
    pub runs: usize,
    /// Their mean quality, each task counting the same, with its 95 % interval.
    #[serde(flatten)]
    pub quality: Interval,
}

/// Scores rows that name one of `tasks` each; others are left out. `total` is how
/// many rows there were with those that could not be read.
pub fn report(rows: &[Row], tasks: &[Task], total: usize) -> Report {
    let known: BTreeMap<&str, &Task> = tasks.iter().map(|it| (it.id.as_str(), it)).collect();
    let runs: Vec<Run> = rows
        .iter()
        .filter_map(|row| Some(score(row, known.get(row.task_id.as_str())?)))
        .collect();
    let all: Vec<&Run> = runs.iter().collect();
    let whole = group(String::new(), &all);
    let best_of = |task: &Task| {
        let of_task = all.iter().filter(|run| run.task_id == task.id);
        of_task.copied().min_by(|a, b| by_worth(a, b))
    };
    let is_missing = |task: &&Task| all.iter().all(|run| run.task_id != task.id);
    let missing = tasks.iter().filter(is_missing).map(|task| task.id.clone());
    Report {
        total_tasks: tasks.len(),
        total_runs: total,
        evaluated_runs: runs.len(),
        missing_task_ids: missing.collect(),
        pass_rate: whole.pass_rate,
        average_quality_score: whole.average_quality_score,
        average_speed_score: whole.average_speed_score,
        average_latency_ms: whole.average_latency_ms,
        average_dimension_scores: whole.average_dimension_scores,
        calibration_summary: calibrations(&all),
        best_runs_by_task: tasks.iter().filter_map(best_of).cloned().collect(),
        by_task: groups(&all, |run| &run.task_id),
        by_route_scenario: groups(&all, |run| &run.route_scenario),
        by_model: groups(&all, |run| &run.model),
        repeats: spreads(&all),
        runs,
    }
}

/// The better one first: passed, quality, speed, latency.
fn by_worth(a: &Run, b: &Run) -> Ordering {
    let latency = |run: &Run| run.latency_ms.unwrap_or(f64::INFINITY);
    b.passed
        .cmp(&a.passed)
        .then(b.quality_score.total_cmp(&a.quality_score))
        .then(b.speed_score.total_cmp(&a.speed_score))
        .then(latency(a).total_cmp(&latency(b)))
}

/// Groups by what `key` says, best first; those that are equally good by key.
fn groups<'r>(runs: &[&'r Run], key: impl Fn(&'r Run) -> &'r str) -> Vec<Group> {
    let mut members: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        members.entry(key(run)).or_default().push(run);
    }
    let mut groups: Vec<Group> = members
        .into_iter()
        .map(|(key, runs)| group(key.to_owned(), &runs))
        .collect();
    groups.sort_by(|a, b| {
        b.pass_rate
            .total_cmp(&a.pass_rate)
            .then(b.average_quality_score.total_cmp(&a.average_quality_score))
            .then(a.average_latency_ms.total_cmp(&b.average_latency_ms))
    });
    groups
}

fn group(key: String, runs: &[&Run]) -> Group {
    let passed = runs.iter().filter(|run| run.passed).count();
    let mut sides: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for side in runs.iter().flat_map(|run| &run.dimension_scores) {
        sides.entry(&side.id).or_default().push(side.score);
    }
    let sides = sides.into_iter();
    Group {
        key,
        total_runs: runs.len(),
        passed_runs: passed,
        pass_rate: rounded(passed as f64 / runs.len().max(1) as f64),
        average_quality_score: mean(runs.iter().map(|run| run.quality_score)),
        average_speed_score: mean(runs.iter().map(|run| run.speed_score)),
        average_latency_ms: mean(runs.iter().filter_map(|run| run.latency_ms)),
        average_dimension_scores: sides
            .map(|(id, scores)| (id.to_owned(), mean(scores)))
            .collect(),
    }
}

fn calibrations(runs: &[&Run]) -> CalibrationSummary {
    let given = || runs.iter().filter_map(|run| run.calibration.as_ref());
    let disagreement = |run: &&Run| {
        let calibration = run.calibration.as_ref().filter(|it| it.disagrees())?;
        Some(Disagreement {
            task_id: run.task_id.clone(),
            model: run.model.clone(),
            quality_score: run.quality_score,
            calibration_score: calibration.average_score?,
            delta_from_quality: calibration.delta_from_quality?,
            findings: calibration.findings.clone(),
        })
    };
    CalibrationSummary {
        calibrated_runs: given().count(),
        average_human_score: mean(given().filter_map(|it| it.human_score)),
        average_judge_score: mean(given().filter_map(|it| it.judge_score)),
        average_calibration_score: mean(given().filter_map(|it| it.average_score)),
        average_rubric_delta: mean(given().filter_map(|it| it.delta_from_quality)),
        high_disagreement_runs: runs.iter().filter_map(disagreement).collect(),
    }
}

/// For each model over all its tasks, then for each of its tasks, where rows were
/// repeated.
fn spreads(runs: &[&Run]) -> Vec<Spread> {
    let mut models: BTreeMap<&str, BTreeMap<&str, Sample>> = BTreeMap::new();
    for run in runs {
        let tasks = models.entry(&run.model).or_default();
        tasks
            .entry(&run.task_id)
            .or_default()
            .push(run.quality_score);
    }
    let mut spreads = Vec::new();
    for (model, tasks) in &models {
        if tasks.values().all(|sample| sample.count() < 2) {
            continue;
        }
        let spread = |task_id: Option<&str>, runs, quality| Spread {
            model: (*model).to_owned(),
            task_id: task_id.map(str::to_owned),
            runs,
            quality,
        };
        let samples: Vec<&Sample> = tasks.values().collect();
        let count = samples.iter().map(|sample| sample.count()).sum();
        spreads.push(spread(None, count, over_tasks(&samples)));
        spreads.extend(
            tasks
                .iter()
                .map(|(task, sample)| spread(Some(task), sample.count(), over_tasks(&[sample]))),
        );
    }
    spreads
}
