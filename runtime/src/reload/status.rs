//! What has become of the registration files, for the log and the admin API.

use ctr_compiler::Compiled;
use ctr_compiler::diagnostic::Severity;
use ctr_compiler::plan::Hash;
use ctr_compiler::render::problems;
use ctr_compiler::source::Sources;
use serde_json::Value;

use super::LoadError;

/// What is live, since when, and what was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Hash of the live plan.
    pub hash: Hash,
    /// When it went live, in epoch milliseconds.
    pub loaded_at: u64,
    /// Plans that replaced another.
    pub swaps: u64,
    /// Readings that were refused.
    pub refusals: u64,
    /// Readings that meant what was live already.
    pub unchanged: u64,
    /// Whether the files now say something that was refused.
    pub stale: bool,
    /// The latest refusal; it stays here when a later reading was good.
    pub last_refusal: Option<Refusal>,
}

/// A reading that did not go live.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// When, in epoch milliseconds.
    pub at: u64,
    /// One line: how many errors and the first, or what else is wrong.
    pub summary: String,
    /// The first problems as [`problems::json`] gives them; empty when the text was not compiled.
    pub problems: Value,
}

impl Status {
    pub(super) fn started(hash: Hash, now: u64) -> Self {
        Self {
            hash,
            loaded_at: now,
            swaps: 0,
            refusals: 0,
            unchanged: 0,
            stale: false,
            last_refusal: None,
        }
    }

    pub(super) fn swapped(&mut self, hash: Hash, now: u64) {
        self.hash = hash;
        self.loaded_at = now;
        self.swaps += 1;
        self.stale = false;
    }

    pub(super) fn unchanged(&mut self) {
        self.unchanged += 1;
        self.stale = false;
    }

    pub(super) fn refused(&mut self, refusal: Refusal) {
        self.refusals += 1;
        self.stale = true;
        self.last_refusal = Some(refusal);
    }
}

impl Refusal {
    pub(super) fn new(error: &LoadError, now: u64) -> Self {
        let problems = match error {
            LoadError::Refused { compiled, sources } => {
                problems::json(problems::first(&compiled.problems), sources)
            }
            _ => Value::Array(Vec::new()),
        };
        Self {
            at: now,
            summary: error.to_string(),
            problems,
        }
    }

    pub(super) fn because(summary: &str, now: u64) -> Self {
        Self {
            at: now,
            summary: summary.to_owned(),
            problems: Value::Array(Vec::new()),
        }
    }
}

/// `2 errors, 1 warning; first: registration.yaml:3:7 router/unknown-model …`
pub(super) fn summary(compiled: &Compiled, sources: &Sources) -> String {
    let count = |severity, noun: &str| match compiled.problems.count(severity) {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    };
    let counts = format!(
        "{}, {}",
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning")
    );
    let Some(first) = compiled
        .problems
        .iter()
        .find(|problem| problem.severity == Severity::Error)
    else {
        return counts;
    };
    let place = first
        .span()
        .map(|span| format!("{} ", sources.place(span)))
        .unwrap_or_default();
    format!("{counts}; first: {place}{} {}", first.code, first.headline)
}
