//! Checks that a team writes for its own tasks. Each is one more dimension of
//! quality, scored 0 to 1.

use std::collections::BTreeMap;

use jsonschema::Validator;
use regex::Regex;
use serde_json::Value;

use super::{Dimension, Row, rounded};

/// One check of a task.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name, how much it counts, and the least score with which an answer passes.
    pub dimension: Dimension,
    /// What it looks at.
    pub kind: CheckKind,
    /// As it was written.
    pub written: Value,
}

/// What a check looks at.
#[derive(Clone, Debug)]
pub enum CheckKind {
    /// The share of these texts that the answer holds, in any case.
    Contains(Vec<String>),
    /// Whether a regular expression matches somewhere.
    Regex(Regex),
    /// Whether the answer, or the first fenced block in it, is JSON of this schema.
    JsonSchema(Box<Validator>),
    /// Whether the answer is this text, white space around both aside.
    Exact(String),
    /// How alike the answer and this text are, by the words they share.
    Similarity(String),
    /// What a judging model gives by this rubric.
    Judge(String),
}

/// Words by which a check is written down.
pub(super) const KINDS: [&str; 6] = [
    "contains",
    "regex",
    "json-schema",
    "exact",
    "similarity",
    "judge",
];

impl CheckKind {
    /// The word by which it is written down.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Contains(_) => "contains",
            Self::Regex(_) => "regex",
            Self::JsonSchema(_) => "json-schema",
            Self::Exact(_) => "exact",
            Self::Similarity(_) => "similarity",
            Self::Judge(_) => "judge",
        }
    }
}

impl Check {
    /// The score of an answer, and what it was taken off for. None where only a
    /// judging model can tell, and none did.
    pub(super) fn score(&self, row: &Row) -> Option<(f64, Vec<String>)> {
        let output = row.output.as_deref().unwrap_or_default();
        let (score, finding) = match &self.kind {
            CheckKind::Contains(texts) => contains(output, texts),
            CheckKind::Regex(regex) => is(regex.is_match(output), "no_match"),
            CheckKind::JsonSchema(schema) => of_schema(output, schema),
            CheckKind::Exact(text) => is(output.trim() == text.trim(), "other_text"),
            CheckKind::Similarity(text) => (token_f1(output, text), None),
            CheckKind::Judge(_) => (*row.check_scores.get(&self.dimension.id)?, None),
        };
        Some((rounded(score), finding.into_iter().collect()))
    }
}

fn is(holds: bool, otherwise: &str) -> (f64, Option<String>) {
    match holds {
        true => (1.0, None),
        false => (0.0, Some(otherwise.to_owned())),
    }
}

fn contains(output: &str, texts: &[String]) -> (f64, Option<String>) {
    let lower = output.to_lowercase();
    let missing: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .filter(|text| !lower.contains(&text.to_lowercase()))
        .collect();
    match missing.len() {
        0 => (1.0, None),
        count => (
            1.0 - count as f64 / texts.len() as f64,
            Some(format!("missing_texts:{}", missing.join("|"))),
        ),
    }
}

/// What is wrong is told by its place in the answer, which is not quoted.
fn of_schema(output: &str, schema: &Validator) -> (f64, Option<String>) {
    let Some(value) = json_in(output) else {
        return (0.0, Some("no_json".to_owned()));
    };
    match schema.iter_errors(&value).next() {
        None => (1.0, None),
        Some(error) => {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "/" } else { &place };
            (0.0, Some(format!("not_of_schema:{place}")))
        }
    }
}

/// The answer as JSON: the whole of it, else what stands in its first fenced block.
fn json_in(output: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(output.trim()) {
        return Some(value);
    }
    let (_, rest) = output.split_once("```")?;
    let (_, rest) = rest.split_once('\n')?;
    let (block, _) = rest.split_once("```")?;
    serde_json::from_str(block.trim()).ok()
}

/// The token F1 by which answers of SQuAD are compared: the harmonic mean of the
/// shares of either text's words that the other has too, each as often as there.
fn token_f1(one: &str, other: &str) -> f64 {
    let (mine, theirs) = (words(one), words(other));
    let count = |words: &BTreeMap<String, usize>| words.values().sum::<usize>();
    let all = count(&mine) + count(&theirs);
    if all == 0 {
        return 1.0;
    }
    let shared = mine
        .iter()
        .filter_map(|(word, count)| Some(*count.min(theirs.get(word)?)));
    2.0 * shared.sum::<usize>() as f64 / all as f64
}

fn words(text: &str) -> BTreeMap<String, usize> {
    let lower = text.to_lowercase();
    let mut words = BTreeMap::new();
    for word in lower.split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() {
            *words.entry(word.to_owned()).or_default() += 1;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_alike_by_their_words() {
        assert_eq!(token_f1("The cat, the hat.", "the cat the hat"), 1.0);
        assert_eq!(token_f1("", ""), 1.0);
        assert_eq!(token_f1("cat", "dog"), 0.0);
        // 1 of 2 words and 1 of 1: precision 0.5, recall 1.
        assert!((token_f1("a cat", "cat") - 2.0 / 3.0).abs() < 1e-9);
        assert!((token_f1("cat cat", "cat") - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn json_is_found_where_models_put_it() {
        for output in [
            "{\"a\": 1}",
            " [1] ",
            "Here:\n```json\n{\"a\": 1}\n```\nDone.",
        ] {
            assert!(json_in(output).is_some(), "{output}");
        }
        for output in [
            "",
            "a",
            "```",
            "```{\"a\":1}```",
            "```json\n{\"a\": 1}",
            "{",
        ] {
            assert!(json_in(output).is_none(), "{output}");
        }
    }
}
