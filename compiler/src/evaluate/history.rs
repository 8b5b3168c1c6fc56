//! What evaluations came to, over time: claude-trigger-router 1.7's
//! `benchmark-history.json`. It holds numbers and names and nothing that a model said.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Report, Run, rounded};

/// Entries that are kept, the newest.
pub const KEPT: usize = 50;

/// Models that a summary names.
const TOP: usize = 5;

/// All entries, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// By their time.
    entries: Vec<Entry>,
}

/// Where the answers of an entry came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A file of answers, or a person.
    Input,
    /// Models that were asked.
    Run,
    /// A file of answers that a model judged.
    Judge,
    /// Nobody knows any more.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Origin {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Run => "run",
            Self::Judge => "judge",
            Self::Unknown => "unknown",
        }
    }
}

/// What one evaluation came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// `bench_<digits of the time>_<scored rows>`.
    pub id: String,
    /// When, as RFC 3339 in UTC.
    pub created_at: String,
    /// Where its answers came from.
    #[serde(default)]
    pub source: Origin,
    /// What somebody called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Tasks that there were.
    #[serde(default)]
    pub total_tasks: usize,
    /// Rows that there were.
    #[serde(default)]
    pub total_runs: usize,
    /// Rows that were scored.
    #[serde(default)]
    pub evaluated_runs: usize,
    /// Share that passed.
    #[serde(default)]
    pub pass_rate: f64,
    /// Mean quality.
    #[serde(default)]
    pub average_quality_score: f64,
    /// Mean speed.
    #[serde(default)]
    pub average_speed_score: f64,
    /// Mean latency.
    #[serde(default)]
    pub average_latency_ms: f64,
    /// Rows that people or judges scored.
    #[serde(default)]
    pub calibrated_runs: usize,
    /// Mean of their scores.
    #[serde(default)]
    pub average_calibration_score: f64,
    /// Mean distance from the rubric's.
    #[serde(default)]
    pub average_rubric_delta: f64,
    /// By model, best first.
    #[serde(default)]
    pub models: Vec<ModelEntry>,
    /// The best row of each task.
    #[serde(default)]
    pub best_runs_by_task: Vec<BestRun>,
}

/// What a model came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelEntry {
    /// The model.
    pub model: String,
    /// Its rows.
    pub total_runs: usize,
    /// Share that passed.
    pub pass_rate: f64,
    /// Mean quality.
    pub average_quality_score: f64,
    /// Mean speed.
    pub average_speed_score: f64,
    /// Mean latency.
    pub average_latency_ms: f64,
}

/// The best row of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BestRun {
    /// The task.
    pub task_id: String,
    /// The model.
    pub model: String,
    /// Its quality.
    pub quality_score: f64,
    /// Its speed.
    pub speed_score: f64,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Whether it passed.
    pub passed: bool,
}

impl Entry {
    /// The entry of a report, made at `created_at` (RFC 3339 in UTC).
    pub fn of(report: &Report, source: Origin, label: Option<&str>, created_at: &str) -> Self {
        let digits: String = created_at.chars().filter(char::is_ascii_digit).collect();
        let calibration = &report.calibration_summary;
        let model = |group: &super::Group| ModelEntry {
            model: group.key.clone(),
            total_runs: group.total_runs,
            pass_rate: group.pass_rate,
            average_quality_score: group.average_quality_score,
            average_speed_score: group.average_speed_score,
            average_latency_ms: group.average_latency_ms,
        };
        let best = |run: &Run| BestRun {
            task_id: run.task_id.clone(),
            model: run.model.clone(),
            quality_score: run.quality_score,
            speed_score: run.speed_score,
            latency_ms: run.latency_ms,
            passed: run.passed,
        };
        Self {
            id: format!("bench_{digits}_{}", report.evaluated_runs),
            created_at: created_at.to_owned(),
            source,
            label: label.map(str::to_owned),
            total_tasks: report.total_tasks,
            total_runs: report.total_runs,
            evaluated_runs: report.evaluated_runs,
            pass_rate: report.pass_rate,
            average_quality_score: report.average_quality_score,
            average_speed_score: report.average_speed_score,
            average_latency_ms: report.average_latency_ms,
            calibrated_runs: calibration.calibrated_runs,
            average_calibration_score: calibration.average_calibration_score,
            average_rubric_delta: calibration.average_rubric_delta,
            models: report.by_model.iter().map(model).collect(),
            best_runs_by_task: report.best_runs_by_task.iter().map(best).collect(),
        }
    }
}

#[derive(Serialize)]
struct Written<'h> {
    version: u32,
    entries: &'h [Entry],
}

impl History {
    /// Reads the text of a history file; a bare list of entries is one too.
    ///
    /// # Errors
    /// When it is none, or an entry cannot be read, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let items = match value {
            Value::Array(items) => items,
            Value::Object(mut object) => {
                if object.get("version").is_some_and(|version| *version != 1) {
                    return Err("it is of another version than 1".to_owned());
                }
                match object.remove("entries") {
                    Some(Value::Array(items)) => items,
                    _ => return Err("it has no list `entries`".to_owned()),
                }
            }
            _ => return Err("it is neither a list of entries nor an object with them".to_owned()),
        };
        let mut history = Self::default();
        for (at, item) in items.into_iter().enumerate() {
            let entry = serde_json::from_value(without_nulls(item))
                .map_err(|error| format!("entry {} cannot be read: {error}", at + 1))?;
            history.entries.push(entry);
        }
        history.sort();
        Ok(history)
    }

    /// The text of the file.
    pub fn write(&self) -> String {
        let written = Written {
            version: 1,
            entries: &self.entries,
        };
        // Its keys are texts, and its numbers were read from JSON or are ratios.
        let mut text = serde_json::to_string_pretty(&written).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Takes one more; the oldest leave when there are more than [`KEPT`].
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
        self.sort();
        let extra = self.entries.len().saturating_sub(KEPT);
        self.entries.drain(..extra);
    }

    /// Oldest first; texts of RFC 3339 in UTC sort as their times do.
    fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.created_at.cmp(&b.created_at));
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The latest entry, what changed since the one before, and the best models.
    pub fn summary(&self) -> Summary<'_> {
        let (latest, previous) = match self.entries.as_slice() {
            [] => (None, None),
            [only] => (Some(only), None),
            [.., previous, latest] => (Some(latest), Some(previous)),
        };
        let mut top: Vec<&ModelEntry> = latest.map_or(Vec::new(), |it| it.models.iter().collect());
        top.sort_by(|a, b| {
            b.average_quality_score
                .total_cmp(&a.average_quality_score)
                .then(a.average_latency_ms.total_cmp(&b.average_latency_ms))
        });
        top.truncate(TOP);
        Summary {
            total_entries: self.entries.len(),
            latest,
            previous,
            trends: latest
                .zip(previous)
                .map_or_else(Trends::default, Trends::of),
            top_models: top,
            entries: &self.entries,
        }
    }
}

/// What is null is not known, as if it were not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// A history in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'h> {
    /// How many entries.
    pub total_entries: usize,
    /// The newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<&'h Entry>,
    /// The one before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<&'h Entry>,
    /// What changed between them.
    pub trends: Trends,
    /// The best models of the newest: quality, then latency.
    pub top_models: Vec<&'h ModelEntry>,
    /// All of them, oldest first.
    pub entries: &'h [Entry],
}

/// The newest minus the one before it; 0 where there are not two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trends {
    /// Of the share that passed.
    pub pass_rate_delta: f64,
    /// Of the mean quality.
    pub quality_delta: f64,
    /// Of the mean speed.
    pub speed_delta: f64,
    /// Of the mean latency.
    pub latency_delta_ms: f64,
    /// Of the mean of people's and judges' scores.
    pub calibration_delta: f64,
}

impl Trends {
    fn of((latest, previous): (&Entry, &Entry)) -> Self {
        let delta = |of: fn(&Entry) -> f64| rounded(of(latest) - of(previous));
        Self {
            pass_rate_delta: delta(|it| it.pass_rate),
            quality_delta: delta(|it| it.average_quality_score),
            speed_delta: delta(|it| it.average_speed_score),
            latency_delta_ms: delta(|it| it.average_latency_ms),
            calibration_delta: delta(|it| it.average_calibration_score),
        }
    }
}
