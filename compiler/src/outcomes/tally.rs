//! The sums of an evaluation. They do not grow with the rows.

use std::collections::BTreeMap;

use super::BadRow;
use super::models::{Models, Outcomes};
use super::sweep::Sweep;
use crate::route::Source;

/// Rows of no use that are named one by one.
const NAMED: usize = 10;
/// Sources of prompts that are told apart.
const SOURCES: usize = 200;
/// What the sources beyond those are called together.
const OTHERS: &str = "(others)";

/// Prompts, and what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// How many.
    pub prompts: u64,
    /// Their scores together.
    pub score: f64,
    /// How many have a known cost.
    pub costed: u64,
    /// What those cost together.
    pub cost: f64,
}

impl Sum {
    pub(super) fn add(&mut self, score: f64, cost: Option<f64>) {
        self.prompts += 1;
        self.score += score;
        self.costed += u64::from(cost.is_some());
        self.cost += cost.unwrap_or(0.0);
    }

    pub(super) fn take(&mut self, other: &Self) {
        self.prompts += other.prompts;
        self.score += other.score;
        self.costed += other.costed;
        self.cost += other.cost;
    }

    /// The mean of the scores; none without a prompt.
    pub fn quality(&self) -> Option<f64> {
        (self.prompts > 0).then(|| self.score / self.prompts as f64)
    }

    /// What 1,000 prompts cost, by those with a known cost; none without one.
    pub fn per_thousand(&self) -> Option<f64> {
        (self.costed > 0).then(|| self.cost * 1000.0 / self.costed as f64)
    }
}

/// What became of one prompt with one plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Took<'p> {
    /// The model of the outcomes; absent where the request is refused.
    pub(super) model: Option<usize>,
    pub(super) score: f64,
    pub(super) cost: Option<f64>,
    /// What sends it there.
    pub(super) route: Option<Source<'p>>,
}

impl Took<'_> {
    /// Without what sends it there, which a plan holds.
    pub(super) fn without_route(&self) -> Took<'static> {
        Took {
            model: self.model,
            score: self.score,
            cost: self.cost,
            route: None,
        }
    }
}

/// Some of the prompts: what the plan made of them, and what could have been made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// The plan.
    pub plan: Sum,
    /// The best model for each of them.
    pub oracle: Sum,
}

/// What one plan made of the prompts.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally<'p> {
    pub(super) total: Sum,
    /// Requests that the plan refuses.
    pub(super) refused: u64,
    /// By model of the outcomes: what went there.
    pub(super) models: Vec<Sum>,
    /// By model of the outcomes: what the plan made of the prompts that have an
    /// outcome of it.
    pub(super) beside: Vec<Sum>,
    pub(super) sources: BTreeMap<String, Part>,
    pub(super) routes: BTreeMap<Option<Source<'p>>, Part>,
    pub(super) sweep: Option<Sweep>,
}

impl<'p> Tally<'p> {
    pub(super) fn add(
        &mut self,
        source: Option<&str>,
        took: &Took<'p>,
        outcomes: &Outcomes,
        best: (f64, Option<f64>),
    ) {
        self.total.add(took.score, took.cost);
        match took.model {
            Some(at) => at_index(&mut self.models, at).add(took.score, took.cost),
            None => self.refused += 1,
        }
        for (at, _) in outcomes {
            at_index(&mut self.beside, *at).add(took.score, took.cost);
        }
        let source = source.unwrap_or("");
        let is_known = self.sources.len() < SOURCES || self.sources.contains_key(source);
        let source = if is_known { source } else { OTHERS };
        let of_source = match self.sources.get_mut(source) {
            Some(part) => part,
            None => self.sources.entry(source.to_owned()).or_default(),
        };
        let of_route = self.routes.entry(took.route).or_default();
        for part in [of_source, of_route] {
            part.plan.add(took.score, took.cost);
            part.oracle.add(best.0, best.1);
        }
    }
}

/// A sum by position, which grows as models come.
pub(super) fn at_index(sums: &mut Vec<Sum>, at: usize) -> &mut Sum {
    if sums.len() <= at {
        sums.resize(at + 1, Sum::default());
    }
    &mut sums[at]
}

/// The outcome of the best score, then of the least cost, then of the first name.
pub(super) fn best(models: &Models<'_>, outcomes: &Outcomes) -> (f64, Option<f64>) {
    let all = outcomes.iter().map(|(at, outcome)| {
        let cost = models.cost(*at, outcome);
        (outcome.score, cost)
    });
    let dear = |cost: Option<f64>| cost.unwrap_or(f64::INFINITY);
    let found = all.reduce(|best, next| {
        let is_better = next.0 > best.0 || (next.0 == best.0 && dear(next.1) < dear(best.1));
        if is_better { next } else { best }
    });
    found.unwrap_or_default()
}

/// Rows of no use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bad {
    /// How many.
    pub count: u64,
    /// The first of them, with the numbers of their lines.
    pub first: Vec<(u64, BadRow)>,
}

impl Bad {
    pub(super) fn add(&mut self, line: u64, why: BadRow) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push((line, why));
        }
    }
}
