//! Answers to be scored, as JSON holds them. A row with a mistake is named and left
//! out; the others are read.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Task;
use crate::diagnostic::did_you_mean;

/// Longer than any answer took: so many milliseconds are more than 30 years, and sums
/// of them are still numbers.
const LONGEST_MS: f64 = 1e12;

/// One answer of one model to one task, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The task.
    pub task_id: String,
    /// The model, as it was asked for.
    pub model: String,
    /// What it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What a person gave it, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_score: Option<f64>,
    /// What a judging model gave it, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge_score: Option<f64>,
    /// Why the judging model gave nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge_error: Option<String>,
    /// What was noted about the scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration_notes: Option<String>,
    /// What the judge found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub judge_findings: Vec<String>,
    /// What a judging model gave to checks that need one, by their id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub check_scores: BTreeMap<String, f64>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Counted from 1.
    pub row: usize,
    /// In words.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: {}", self.row, self.what)
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The good ones, in their order.
    pub rows: Vec<Row>,
    /// How many there are with those left out.
    pub total: usize,
    /// What is wrong with the others, all of it, in their order.
    pub mistakes: Vec<Mistake>,
}

/// Reads an array of rows, or an object that has one as `results` or `inputs`.
///
/// # Errors
/// When the text holds no rows at all, in words.
pub fn read_rows(text: &str, tasks: &[Task]) -> Result<Rows, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut object) => {
            let held = object.remove("results").or_else(|| object.remove("inputs"));
            match held {
                Some(Value::Array(items)) => items,
                _ => return Err("it has no list `results`".to_owned()),
            }
        }
        _ => return Err("it is neither a list nor an object with `results`".to_owned()),
    };
    let mut read = Rows {
        total: items.len(),
        ..Rows::default()
    };
    for (at, item) in items.iter().enumerate() {
        match read_row(item, tasks) {
            Ok(row) => read.rows.push(row),
            Err(found) => {
                let row = at + 1;
                let found = found.into_iter().map(|what| Mistake { row, what });
                read.mistakes.extend(found);
            }
        }
    }
    Ok(read)
}

/// Reads one row. Names it does not know are left aside.
///
/// # Errors
/// Everything that is wrong with it, in words.
pub fn read_row(item: &Value, tasks: &[Task]) -> Result<Row, Vec<String>> {
    let Value::Object(object) = item else {
        return Err(vec!["it is no object".to_owned()]);
    };
    let mut reading = Reading {
        object,
        mistakes: Vec::new(),
    };
    let row = Row {
        task_id: reading.name("taskId"),
        model: reading.name("model"),
        output: reading.text("output", false),
        latency_ms: reading.number("latencyMs", LONGEST_MS, false),
        error: reading.text("error", false),
        human_score: reading.number("humanScore", 1.0, true),
        judge_score: reading.number("judgeScore", 1.0, true),
        judge_error: reading.text("judgeError", true),
        calibration_notes: reading.text("calibrationNotes", true),
        judge_findings: reading.texts("judgeFindings"),
        check_scores: reading.scores("checkScores"),
    };
    let mut mistakes = reading.mistakes;
    if !row.task_id.is_empty() && tasks.iter().all(|task| task.id != row.task_id) {
        let known: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
        mistakes.push(format!(
            "`taskId` is `{}`, which is no task; {}",
            row.task_id,
            did_you_mean(&row.task_id, &known, "tasks")
        ));
    }
    match mistakes.is_empty() {
        true => Ok(row),
        false => Err(mistakes),
    }
}

struct Reading<'r> {
    object: &'r Map<String, Value>,
    mistakes: Vec<String>,
}

impl Reading<'_> {
    fn name(&mut self, key: &str) -> String {
        match self.object.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
            _ => {
                self.mistakes.push(format!("`{key}` is no text, or empty"));
                String::new()
            }
        }
    }

    fn text(&mut self, key: &str, takes_null: bool) -> Option<String> {
        match self.object.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Null if takes_null => None,
            _ => {
                self.mistakes.push(format!("`{key}` is no text"));
                None
            }
        }
    }

    fn number(&mut self, key: &str, most: f64, takes_null: bool) -> Option<f64> {
        let value = self.object.get(key)?;
        if value.is_null() && takes_null {
            return None;
        }
        let number = value
            .as_f64()
            .filter(|number| (0.0..=most).contains(number));
        if number.is_none() {
            let range = match most {
                1.0 => "from 0 to 1",
                _ => "of 0 or more",
            };
            self.mistakes.push(format!("`{key}` is no number {range}"));
        }
        number
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let texts: Option<Vec<String>> = match self.object.get(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.mistakes.push(format!("`{key}` is no list of texts"));
            Vec::new()
        })
    }

    fn scores(&mut self, key: &str) -> BTreeMap<String, f64> {
        let score = |value: &Value| value.as_f64().filter(|it| (0.0..=1.0).contains(it));
        let scores: Option<BTreeMap<String, f64>> = match self.object.get(key) {
            None | Some(Value::Null) => return BTreeMap::new(),
            Some(Value::Object(members)) => members
                .iter()
                .map(|(id, value)| Some((id.clone(), score(value)?)))
                .collect(),
            Some(_) => None,
        };
        scores.unwrap_or_else(|| {
            let what = format!("`{key}` is no object of numbers from 0 to 1");
            self.mistakes.push(what);
            BTreeMap::new()
        })
    }
}
