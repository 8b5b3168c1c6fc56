//! What an answer is worth, by claude-trigger-router 1.7's formulas.

use serde::Serialize;

use super::{Dimension, Row, Rubric, Task, mean, rounded};

/// From this distance on, people or judges disagree with the rubric.
const DISAGREES: f64 = 0.25;

/// One scored row. It holds nothing of the answer's text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The task.
    pub task_id: String,
    /// Its intent.
    pub intent: String,
    /// Its scenario.
    pub route_scenario: String,
    /// The model.
    pub model: String,
    /// Whether the answer is good enough on every side.
    pub passed: bool,
    /// 0 to 1.
    pub quality_score: f64,
    /// 0 to 1; 0 where nobody knows how long it took.
    pub speed_score: f64,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// The sides of quality.
    pub dimension_scores: Vec<DimensionScore>,
    /// What people and judges say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// What was taken off, and for what.
    pub findings: Vec<String>,
}

/// The score of one side.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DimensionScore {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// 0 to 1.
    pub score: f64,
    /// How much it counts.
    pub weight: f64,
    /// What was taken off.
    pub findings: Vec<String>,
}

/// Scores of people and judges beside the rubric's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calibration {
    /// A person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_score: Option<f64>,
    /// A judging model's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge_score: Option<f64>,
    /// The mean of those that are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_score: Option<f64>,
    /// How far that is from the rubric's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta_from_quality: Option<f64>,
    /// What was noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What was found.
    pub findings: Vec<String>,
}

impl Calibration {
    /// Whether it is far from the rubric's.
    pub fn disagrees(&self) -> bool {
        self.delta_from_quality
            .is_some_and(|delta| delta.abs() >= DISAGREES)
    }
}

/// What a rubric finds in an answer.
struct Found<'r> {
    too_short: Option<String>,
    missing: Vec<&'r str>,
    /// Of the words asked for, the share that is missing.
    missing_ratio: f64,
    has_no_block: bool,
    forbidden: Vec<&'r str>,
}

impl<'r> Found<'r> {
    fn of(rubric: &'r Rubric, output: &str) -> Self {
        let lower = output.to_lowercase();
        let missing = rubric.missing(&lower);
        let asked = rubric.required_keywords.len().max(1);
        Self {
            too_short: rubric.too_short(output),
            missing_ratio: missing.len() as f64 / asked as f64,
            missing,
            has_no_block: rubric.requires_code_block && !output.contains("```"),
            forbidden: rubric.forbidden(&lower),
        }
    }

    /// As findings, in the order in which they are told.
    fn told(&self) -> [Option<String>; 4] {
        let joined = |name: &str, words: &[&str]| {
            (!words.is_empty()).then(|| format!("{name}:{}", words.join("|")))
        };
        let too_short = self.too_short.as_ref();
        [
            too_short.map(|short| format!("output_too_short:{short}")),
            joined("missing_keywords", &self.missing),
            self.has_no_block.then(|| "missing_code_block".to_owned()),
            joined("forbidden_patterns", &self.forbidden),
        ]
    }

    /// What is left of `full` after each finding took its part.
    fn less(&self, full: f64, keywords: f64, forbidden: f64) -> f64 {
        let taken = |is_found: bool, part: f64| if is_found { part } else { 0.0 };
        full - taken(self.too_short.is_some(), 0.25)
            - keywords * self.missing_ratio
            - taken(self.has_no_block, 0.25)
            - taken(!self.forbidden.is_empty(), forbidden)
    }

    /// The score of one side, which only looks at its own part.
    fn dimension(&self, id: &str) -> (f64, Vec<String>) {
        let [short, missing, block, forbidden] = self.told();
        let (score, finding) = match id {
            "semantic_coverage" => (1.0 - 0.6 * self.missing_ratio, missing),
            "completeness" => (if short.is_some() { 0.75 } else { 1.0 }, short),
            "deliverable_format" => (if block.is_some() { 0.75 } else { 1.0 }, block),
            _ => (if forbidden.is_some() { 0.5 } else { 1.0 }, forbidden),
        };
        (rounded(score), finding.into_iter().collect())
    }
}

/// Scores a row by the task it names, which is `task`.
pub fn score(row: &Row, task: &Task) -> Run {
    let output = row.output.as_deref().unwrap_or_default();
    let found = Found::of(&task.rubric, output);
    let sides = task.rubric.dimensions(&task.checks);
    let (scored, unjudged) = sides_of(&sides, row, task, &found);
    let full = if row.error.is_some() { 0.0 } else { 1.0 };
    let by_rubric = found.less(full, 0.35, 0.4);
    let quality = rounded(by_rubric.min(weighted(&scored)).clamp(0.0, 1.0));
    let below: Vec<(&Dimension, &DimensionScore)> = scored
        .iter()
        .filter_map(|scored| Some((sides.iter().find(|side| side.id == scored.id)?, scored)))
        .filter(|(side, scored)| scored.score < side.min_score)
        .collect();
    let passed = row.error.is_none()
        && below.is_empty()
        && unjudged.is_empty()
        && quality >= task.rubric.min_quality_score;
    let calibration = calibration(row, quality);
    let mut findings: Vec<String> = Vec::new();
    findings.extend(
        row.error
            .iter()
            .map(|error| format!("runner_error:{error}")),
    );
    let judged = row.judge_error.iter();
    findings.extend(judged.map(|error| format!("judge_error:{error}")));
    findings.extend(unjudged.iter().map(|id| format!("check_not_judged:{id}")));
    findings.extend(below.iter().map(|(side, scored)| {
        let (id, score, least) = (&side.id, scored.score, side.min_score);
        format!("dimension_below_threshold:{id}:{score}/{least}")
    }));
    for side in &scored {
        let of_side = side.findings.iter();
        findings.extend(of_side.map(|finding| format!("dimension_{}:{finding}", side.id)));
    }
    findings.extend(found.told().into_iter().flatten());
    findings.extend(over_budget(row, &task.rubric));
    if let Some(calibration) = &calibration {
        let of_it = calibration.findings.iter();
        findings.extend(of_it.map(|finding| format!("calibration:{finding}")));
    }
    Run {
        task_id: task.id.clone(),
        intent: task.intent.clone(),
        route_scenario: task.route_scenario.clone(),
        model: row.model.clone(),
        passed,
        quality_score: quality,
        speed_score: speed(row.latency_ms, task.rubric.max_latency_ms),
        latency_ms: row.latency_ms,
        dimension_scores: scored,
        calibration,
        findings,
    }
}

/// The sides that can be scored, and the checks that wait for a judge.
fn sides_of<'t>(
    sides: &[Dimension],
    row: &Row,
    task: &'t Task,
    found: &Found<'_>,
) -> (Vec<DimensionScore>, Vec<&'t str>) {
    let (mut scored, mut unjudged) = (Vec::new(), Vec::new());
    for side in sides {
        let check = task.checks.iter().find(|it| it.dimension.id == side.id);
        let told = match check {
            None => Some(found.dimension(&side.id)),
            Some(check) => check.score(row),
        };
        match (told, check) {
            (Some((score, findings)), _) => scored.push(DimensionScore {
                id: side.id.clone(),
                label: side.label.clone(),
                score: score.clamp(0.0, 1.0),
                weight: side.weight,
                findings,
            }),
            (None, Some(check)) => unjudged.push(check.dimension.id.as_str()),
            (None, None) => {}
        }
    }
    (scored, unjudged)
}

/// The mean of the sides by their weights; 1 where there is none.
fn weighted(sides: &[DimensionScore]) -> f64 {
    let weights: f64 = sides.iter().map(|side| side.weight).sum();
    if weights <= 0.0 {
        return 1.0;
    }
    let sum: f64 = sides.iter().map(|side| side.weight * side.score).sum();
    sum / weights
}

fn speed(latency_ms: Option<f64>, budget_ms: Option<f64>) -> f64 {
    let Some(latency) = latency_ms else {
        return 0.0;
    };
    let Some(budget) = budget_ms.filter(|budget| *budget > 0.0) else {
        return 1.0;
    };
    rounded((1.0 - (latency - budget).max(0.0) / budget).clamp(0.0, 1.0))
}

fn over_budget(row: &Row, rubric: &Rubric) -> Option<String> {
    let (latency, budget) = (row.latency_ms?, rubric.max_latency_ms?);
    (latency > budget).then(|| format!("latency_over_budget:{latency}/{budget}"))
}

fn calibration(row: &Row, quality: f64) -> Option<Calibration> {
    let given = [row.human_score, row.judge_score];
    let has_score = given.iter().any(Option::is_some);
    if !has_score && row.calibration_notes.is_none() && row.judge_findings.is_empty() {
        return None;
    }
    let average_score = has_score.then(|| mean(given.into_iter().flatten()));
    let mut calibration = Calibration {
        human_score: row.human_score,
        judge_score: row.judge_score,
        average_score,
        delta_from_quality: average_score.map(|average| rounded(average - quality)),
        notes: row.calibration_notes.clone(),
        findings: row.judge_findings.clone(),
    };
    if let Some(delta) = calibration
        .delta_from_quality
        .filter(|_| calibration.disagrees())
    {
        let finding = format!("calibration_disagreement:{delta}");
        calibration.findings.push(finding);
    }
    Some(calibration)
}

#[cfg(test)]
mod tests;
