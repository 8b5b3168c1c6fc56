//! Is a report worse than one before? By the mean quality of each model that both
//! have, over the tasks that both have.
//!
//! Tasks are compared each with itself (paired, as Miller, "Adding Error Bars to
//! Evals", arXiv 2411.00640, recommends): over all of them, and, where both repeated
//! a task, in that task alone. Speed and cost are not judged here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::statistics::{Estimate, Sample, corrected};
use super::{Interval, Report, mean, rounded};

/// A chance below this is none.
const SIGNIFICANT: f64 = 0.05;

/// What a report said before.
#[derive(Clone, Debug, Default)]
pub struct Baseline(Samples);

/// Qualities by model and task.
type Samples = BTreeMap<String, BTreeMap<String, Sample>>;

/// What is different.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Whether a model, or a model in a task, is significantly worse.
    pub regressed: bool,
    /// Each model over all shared tasks, then each task that both repeated.
    pub changes: Vec<Change>,
    /// Models of the baseline that are not there now.
    pub gone_models: Vec<String>,
    /// Models that the baseline has not.
    pub new_models: Vec<String>,
    /// Of the models in both: what only the baseline has, as `model: task`.
    pub gone_tasks: Vec<String>,
}

/// One model, before and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The model.
    pub model: String,
    /// In this task; over all shared tasks where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Tasks that are shared.
    pub tasks: usize,
    /// Mean quality before.
    pub before: f64,
    /// Mean quality now.
    pub after: f64,
    /// How much more, with its 95 % interval.
    pub difference: Interval,
    /// The chance of such a difference if there were none; of a task, corrected for
    /// the number of tasks. Absent where too little was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// Whether it is worse, and not by chance.
    pub regressed: bool,
}

impl Baseline {
    /// Reads a report as `--json` printed it, alone or beside its `inputs`.
    ///
    /// # Errors
    /// When it is none, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Run {
            task_id: String,
            model: String,
            quality_score: f64,
        }
        #[derive(Deserialize)]
        struct Written {
            runs: Option<Vec<Run>>,
            report: Option<Box<Written>>,
        }
        let mut written: Written = serde_json::from_str(text)
            .map_err(|error| format!("it is no report of `ctr eval --json`: {error}"))?;
        if let (None, Some(inner)) = (&written.runs, written.report.take()) {
            written = *inner;
        }
        let runs = written.runs.unwrap_or_default();
        if runs.is_empty() {
            return Err("it holds no runs".to_owned());
        }
        let mut samples = Samples::new();
        for run in runs {
            if !(0.0..=1.0).contains(&run.quality_score) {
                return Err("a `qualityScore` in it is not from 0 to 1".to_owned());
            }
            let tasks = samples.entry(run.model).or_default();
            tasks
                .entry(run.task_id)
                .or_default()
                .push(run.quality_score);
        }
        Ok(Self(samples))
    }

    /// What is different in `report`.
    pub fn compare(&self, report: &Report) -> Comparison {
        let now = samples(report);
        let mut changes = Vec::new();
        let mut gone_tasks = Vec::new();
        for (model, before) in &self.0 {
            let Some(after) = now.get(model) else {
                continue;
            };
            let gone = before.keys().filter(|task| !after.contains_key(*task));
            gone_tasks.extend(gone.map(|task| format!("{model}: {task}")));
            let shared: Vec<Shared<'_>> = before
                .iter()
                .filter_map(|(task, before)| Some((task.as_str(), before, after.get(task)?)))
                .collect();
            changes.extend(over_all(model, &shared));
            changes.extend(in_tasks(model, &shared));
        }
        let only = |one: &Samples, other: &Samples| {
            let names = one.keys().filter(|model| !other.contains_key(*model));
            names.cloned().collect()
        };
        Comparison {
            regressed: changes.iter().any(|change| change.regressed),
            changes,
            gone_models: only(&self.0, &now),
            new_models: only(&now, &self.0),
            gone_tasks,
        }
    }
}

fn samples(report: &Report) -> Samples {
    let mut samples = Samples::new();
    for run in &report.runs {
        let tasks = samples.entry(run.model.clone()).or_default();
        let sample = tasks.entry(run.task_id.clone()).or_default();
        sample.push(run.quality_score);
    }
    samples
}

/// A task, before and now.
type Shared<'s> = (&'s str, &'s Sample, &'s Sample);

/// A model over its tasks.
fn over_all(model: &str, shared: &[Shared<'_>]) -> Option<Change> {
    if shared.is_empty() {
        return None;
    }
    let pairs: Vec<_> = shared
        .iter()
        .map(|(_, before, after)| (*before, *after))
        .collect();
    let estimate = Estimate::difference(&pairs);
    let p_value = estimate.chance();
    Some(Change {
        model: model.to_owned(),
        task_id: None,
        tasks: shared.len(),
        before: mean(shared.iter().map(|(_, before, _)| before.mean())),
        after: mean(shared.iter().map(|(_, _, after)| after.mean())),
        difference: estimate.interval(-1.0, 1.0),
        p_value: p_value.map(rounded),
        regressed: is_regression(estimate, p_value),
    })
}

/// The tasks that both repeated, where there are several.
fn in_tasks(model: &str, shared: &[Shared<'_>]) -> Vec<Change> {
    if shared.len() < 2 {
        return Vec::new();
    }
    let estimates: Vec<(&Shared<'_>, Estimate, f64)> = shared
        .iter()
        .filter_map(|shared| {
            let estimate = Estimate::difference(&[(shared.1, shared.2)]);
            Some((shared, estimate, estimate.chance()?))
        })
        .collect();
    let chances: Vec<f64> = estimates.iter().map(|(_, _, chance)| *chance).collect();
    let corrected = corrected(&chances).into_iter();
    let change = |((shared, estimate, _), chance): ((&Shared<'_>, Estimate, f64), f64)| Change {
        model: model.to_owned(),
        task_id: Some(shared.0.to_owned()),
        tasks: 1,
        before: rounded(shared.1.mean()),
        after: rounded(shared.2.mean()),
        difference: estimate.interval(-1.0, 1.0),
        p_value: Some(rounded(chance)),
        regressed: is_regression(estimate, Some(chance)),
    };
    estimates.into_iter().zip(corrected).map(change).collect()
}

fn is_regression(estimate: Estimate, chance: Option<f64>) -> bool {
    estimate.value < 0.0 && chance.is_some_and(|chance| chance < SIGNIFICANT)
}
