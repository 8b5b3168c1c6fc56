//! What an answer is held to. The numbers are claude-trigger-router 1.7's.

use serde::Serialize;

use super::Check;

/// What an answer must have; what is absent is not asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rubric {
    /// Milliseconds that an answer may take before it counts as slow.
    pub max_latency_ms: Option<f64>,
    /// Characters that it needs.
    pub min_output_chars: Option<usize>,
    /// Words that it needs, in any case.
    pub required_keywords: Vec<String>,
    /// Words that it must not have, in any case.
    pub forbidden_patterns: Vec<String>,
    /// Whether it needs a fenced block of code.
    pub requires_code_block: bool,
    /// The least quality with which it passes.
    pub min_quality_score: f64,
}

impl Default for Rubric {
    fn default() -> Self {
        Self {
            max_latency_ms: None,
            min_output_chars: None,
            required_keywords: Vec::new(),
            forbidden_patterns: Vec::new(),
            requires_code_block: false,
            min_quality_score: 0.7,
        }
    }
}

/// One side of quality, scored by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dimension {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// How much it counts beside the others.
    pub weight: f64,
    /// The least score with which an answer passes.
    pub min_score: f64,
}

/// The sides that a rubric can have: id, label, weight, least score.
const DIMENSIONS: [(&str, &str, f64, f64); 4] = [
    (
        "semantic_coverage",
        "What was asked for is there",
        0.45,
        0.7,
    ),
    ("completeness", "Long enough to be complete", 0.25, 0.7),
    ("deliverable_format", "In the form asked for", 0.2, 1.0),
    ("safety_hygiene", "Nothing that must not be there", 0.1, 1.0),
];

impl Rubric {
    /// The sides of quality that this rubric has, in a fixed order, then the checks.
    pub fn dimensions(&self, checks: &[Check]) -> Vec<Dimension> {
        let is_there = [
            !self.required_keywords.is_empty(),
            self.min_output_chars.is_some(),
            self.requires_code_block,
            !self.forbidden_patterns.is_empty(),
        ];
        let own = DIMENSIONS.iter().zip(is_there);
        let own = own.filter(|(_, is_there)| *is_there);
        let own = own.map(|((id, label, weight, min_score), _)| Dimension {
            id: (*id).to_owned(),
            label: (*label).to_owned(),
            weight: *weight,
            min_score: *min_score,
        });
        own.chain(checks.iter().map(|check| check.dimension.clone()))
            .collect()
    }

    /// The names of the sides that any rubric can have.
    pub(super) fn all_ids() -> impl Iterator<Item = &'static str> {
        DIMENSIONS.iter().map(|(id, ..)| *id)
    }

    /// Characters that the answer is short of, as `has/needs`; none when it is long enough.
    pub(super) fn too_short(&self, output: &str) -> Option<String> {
        let least = self.min_output_chars?;
        let has = output.trim().chars().count();
        (has < least).then(|| format!("{has}/{least}"))
    }

    /// Words that are asked for and not there.
    pub(super) fn missing(&self, lower: &str) -> Vec<&str> {
        let words = self.required_keywords.iter().map(String::as_str);
        words
            .filter(|word| !lower.contains(&word.to_lowercase()))
            .collect()
    }

    /// Words that must not be there and are.
    pub(super) fn forbidden(&self, lower: &str) -> Vec<&str> {
        let words = self.forbidden_patterns.iter().map(String::as_str);
        words
            .filter(|word| lower.contains(&word.to_lowercase()))
            .collect()
    }
}
