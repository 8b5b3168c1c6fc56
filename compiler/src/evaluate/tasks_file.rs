//! A team's own tasks, written as YAML or JSON. Every mistake is told with its place.
//!
//! The manifest that `ctr eval --tasks --json` prints is such a file.

use jsonschema::PatternOptions;
use regex::Regex;

use super::check::KINDS;
use super::{Check, CheckKind, Dimension, Rubric, Task};
use crate::Limits;
use crate::diagnostic::{Problems, did_you_mean};
use crate::source::{SourceId, Sources, Span};
use crate::tree::{self, Entry, Node, Value};

/// The least likeness, and the least score of a judge, where none is written.
const ALIKE: f64 = 0.8;
const JUDGED: f64 = 0.7;

const TASK_KEYS: [&str; 9] = [
    "id",
    "prompt",
    "intent",
    "routeScenario",
    "category",
    "expectedOutput",
    "rubric",
    "checks",
    "resultTemplate",
];
const RUBRIC_KEYS: [&str; 7] = [
    "maxLatencyMs",
    "minOutputChars",
    "requiredKeywords",
    "forbiddenPatterns",
    "requiresCodeBlock",
    "minQualityScore",
    "qualityDimensions",
];
const CHECK_KEYS: [&str; 10] = [
    KINDS[0], KINDS[1], KINDS[2], KINDS[3], KINDS[4], KINDS[5], "id", "label", "weight", "atLeast",
];

/// Reads one source. What keeps its text from being read goes to `problems`; what is
/// wrong with tasks comes back, as places and words. Tasks are whole only where both
/// are empty.
pub fn read(
    sources: &Sources,
    id: SourceId,
    problems: &mut Problems,
) -> (Vec<Task>, Vec<(Span, String)>) {
    let root = tree::parse(id, sources, &Limits::default(), problems);
    let mut reading = Reading::default();
    let mut tasks: Vec<Task> = Vec::new();
    let items = reading.tasks(&root.node);
    for item in items {
        let Some(task) = reading.task(item) else {
            continue;
        };
        if tasks.iter().any(|known| known.id == task.id) {
            reading.say(
                item.head(),
                format!("there is a task `{}` already", task.id),
            );
        }
        tasks.push(task);
    }
    reading.mistakes.sort_by_key(|(span, _)| *span);
    (tasks, reading.mistakes)
}

#[derive(Default)]
struct Reading {
    mistakes: Vec<(Span, String)>,
}

impl Reading {
    fn say(&mut self, span: Span, what: impl Into<String>) {
        self.mistakes.push((span, what.into()));
    }

    fn tasks<'n, 's>(&mut self, root: &'n Node<'s>) -> &'n [Node<'s>] {
        let listed = match &root.value {
            Value::List(_) => Some(root),
            Value::Map(_) => member(root, "tasks"),
            _ => None,
        };
        match listed.map(|node| &node.value) {
            Some(Value::List(items)) if !items.is_empty() => items,
            _ if root.is_broken() => &[],
            _ => {
                self.say(root.head(), "there is no list `tasks` with a task in it");
                &[]
            }
        }
    }

    fn task(&mut self, node: &Node<'_>) -> Option<Task> {
        let entries = self.map(node, "a task", &TASK_KEYS)?;
        let id = self.required(node, "id");
        let prompt = self.required(node, "prompt");
        let text = |key: &str, otherwise: &str| match member(node, key).map(|it| &it.value) {
            Some(Value::Scalar(scalar)) => scalar.text.to_string(),
            _ => otherwise.to_owned(),
        };
        for key in ["intent", "routeScenario", "category", "expectedOutput"] {
            if let Some(found) = member(node, key)
                && !matches!(found.value, Value::Scalar(_))
            {
                self.say(found.head(), format!("`{key}` is no text"));
            }
        }
        let rubric = member(node, "rubric").and_then(|it| self.rubric(it));
        let rubric = rubric.unwrap_or_default();
        let checks = self.checks(entries);
        Some(Task {
            id: id?,
            intent: text("intent", "custom"),
            route_scenario: text("routeScenario", "default"),
            category: text("category", "custom"),
            prompt: prompt?,
            expected_output: text("expectedOutput", "What the task asks for."),
            rubric,
            checks,
        })
    }

    fn rubric(&mut self, node: &Node<'_>) -> Option<Rubric> {
        self.map(node, "`rubric`", &RUBRIC_KEYS)?;
        let mut rubric = Rubric {
            max_latency_ms: self.number(node, "maxLatencyMs", f64::MAX),
            required_keywords: self.texts(node, "requiredKeywords"),
            forbidden_patterns: self.texts(node, "forbiddenPatterns"),
            ..Rubric::default()
        };
        let least = self.number(node, "minOutputChars", 1e9);
        rubric.min_output_chars = least.map(|least| least as usize);
        if let Some(least) = self.number(node, "minQualityScore", 1.0) {
            rubric.min_quality_score = least;
        }
        if let Some(found) = member(node, "requiresCodeBlock") {
            match found.json().as_bool() {
                Some(told) => rubric.requires_code_block = told,
                None => self.say(found.head(), "`requiresCodeBlock` is not true or false"),
            }
        }
        Some(rubric)
    }

    fn checks(&mut self, entries: &[Entry<'_>]) -> Vec<Check> {
        let found = entries.iter().find(|entry| entry.key.value == "checks");
        let Some(Entry { value: node, .. }) = found else {
            return Vec::new();
        };
        let Value::List(items) = &node.value else {
            self.say(node.head(), "`checks` is no list");
            return Vec::new();
        };
        let mut checks: Vec<Check> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let Some(check) = self.check(item, at) else {
                continue;
            };
            let id = &check.dimension.id;
            let own = Rubric::all_ids().any(|known| known == id);
            if own || checks.iter().any(|known| known.dimension.id == *id) {
                self.say(item.head(), format!("there is a check `{id}` already"));
            }
            checks.push(check);
        }
        checks
    }

    fn check(&mut self, node: &Node<'_>, at: usize) -> Option<Check> {
        let entries = self.map(node, "a check", &CHECK_KEYS)?;
        let mut kinds = entries.iter().filter(|it| KINDS.contains(&&*it.key.value));
        let (first, second) = (kinds.next(), kinds.next());
        let Some(entry) = first.filter(|_| second.is_none()) else {
            let what = format!("a check has exactly one of `{}`", KINDS.join("`, `"));
            self.say(node.head(), what);
            return None;
        };
        let kind = self.kind(&entry.key.value, &entry.value);
        let weight = self.number(node, "weight", 1e6);
        let least = self.number(node, "atLeast", 1.0);
        let kind = kind?;
        let text = |key: &str| match member(node, key).map(|it| &it.value) {
            Some(Value::Scalar(scalar)) => Some(scalar.text.to_string()),
            _ => None,
        };
        let word = kind.word();
        Some(Check {
            dimension: Dimension {
                id: text("id").unwrap_or_else(|| format!("check_{}_{word}", at + 1)),
                label: text("label").unwrap_or_else(|| format!("Check {}: {word}", at + 1)),
                weight: weight.unwrap_or(1.0),
                min_score: least.unwrap_or(match kind {
                    CheckKind::Similarity(_) => ALIKE,
                    CheckKind::Judge(_) => JUDGED,
                    _ => 1.0,
                }),
            },
            kind,
            written: node.json(),
        })
    }

    fn kind(&mut self, word: &str, node: &Node<'_>) -> Option<CheckKind> {
        match word {
            "contains" => {
                let texts = self.list(node, word);
                (!texts.is_empty()).then_some(CheckKind::Contains(texts))
            }
            "json-schema" => {
                let options = jsonschema::options();
                // In linear time, whatever the pattern.
                let options = options.with_pattern_options(PatternOptions::regex());
                match options.build(&node.json()) {
                    Ok(schema) => Some(CheckKind::JsonSchema(Box::new(schema))),
                    Err(error) => {
                        self.say(node.head(), format!("this is no JSON schema: {error}"));
                        None
                    }
                }
            }
            _ => {
                let Value::Scalar(scalar) = &node.value else {
                    self.say(node.head(), format!("`{word}` is no text"));
                    return None;
                };
                let text = scalar.text.to_string();
                match word {
                    "exact" => Some(CheckKind::Exact(text)),
                    "similarity" => Some(CheckKind::Similarity(text)),
                    "judge" => Some(CheckKind::Judge(text)),
                    _ => self.regex(&text, node.span),
                }
            }
        }
    }

    fn regex(&mut self, text: &str, span: Span) -> Option<CheckKind> {
        match Regex::new(text) {
            Ok(regex) => Some(CheckKind::Regex(regex)),
            Err(_) => {
                self.say(
                    span,
                    "this is no regular expression that can be matched in linear time",
                );
                None
            }
        }
    }

    fn map<'n, 's>(
        &mut self,
        node: &'n Node<'s>,
        what: &str,
        known: &[&str],
    ) -> Option<&'n [Entry<'s>]> {
        let Value::Map(entries) = &node.value else {
            if !node.is_broken() {
                self.say(
                    node.head(),
                    format!("{what} is a map, and this is {}", node.kind()),
                );
            }
            return None;
        };
        for entry in entries {
            let key = entry.key.value.as_ref();
            if !known.contains(&key) {
                let near = did_you_mean(key, known, "keys");
                self.say(
                    entry.key.span,
                    format!("there is no key `{key}` here; {near}"),
                );
            }
        }
        Some(entries)
    }

    fn required(&mut self, node: &Node<'_>, key: &str) -> Option<String> {
        match member(node, key).map(|it| (&it.value, it.head())) {
            Some((Value::Scalar(scalar), _)) if !scalar.text.trim().is_empty() => {
                Some(scalar.text.to_string())
            }
            found => {
                let place = found.map_or(node.head(), |(_, place)| place);
                self.say(place, format!("a task needs a text `{key}`"));
                None
            }
        }
    }

    fn number(&mut self, node: &Node<'_>, key: &str, most: f64) -> Option<f64> {
        let found = member(node, key)?;
        let number = found.json().as_f64();
        let number = number.filter(|number| (0.0..=most).contains(number));
        if number.is_none() {
            let range = if most == 1.0 {
                "from 0 to 1"
            } else {
                "of 0 or more"
            };
            self.say(found.head(), format!("`{key}` is no number {range}"));
        }
        number
    }

    fn texts(&mut self, node: &Node<'_>, key: &str) -> Vec<String> {
        member(node, key).map_or(Vec::new(), |found| self.list(found, key))
    }

    /// A text, or several.
    fn list(&mut self, node: &Node<'_>, key: &str) -> Vec<String> {
        let text = |node: &Node<'_>| match &node.value {
            Value::Scalar(scalar) if !scalar.text.is_empty() => Some(scalar.text.to_string()),
            _ => None,
        };
        let texts: Option<Vec<String>> = match &node.value {
            Value::List(items) => items.iter().map(text).collect(),
            _ => text(node).map(|only| vec![only]),
        };
        texts.unwrap_or_else(|| {
            self.say(
                node.head(),
                format!("`{key}` is neither a text nor a list of texts"),
            );
            Vec::new()
        })
    }
}

fn member<'n, 's>(node: &'n Node<'s>, key: &str) -> Option<&'n Node<'s>> {
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let found = entries.iter().find(|entry| entry.key.value == key);
    found.map(|entry| &entry.value).filter(|it| !it.is_broken())
}
