//! What would a plan have scored and cost, had it decided which model answers each
//! prompt of a file in which all models did?
//!
//! Every prompt is decided by [`route`], as the proxy
//! would decide it, and what is measured is looked up: nothing here calls a model or
//! guesses what one would say. Rows come one by one and only sums are kept, so that
//! memory does not grow with the file. A request that the plan refuses scores nothing
//! and costs nothing. Endpoints are taken as healthy and idle, and no prompt belongs to
//! a session.

mod curve;
mod frontier;
mod limits;
mod models;
mod read;
mod resample;
mod summary;
mod sweep;
mod tally;
pub mod tune;

use std::collections::BTreeMap;

use crate::health::Seen;
use crate::plan::{Plan, SemanticMode, Slot, Tokenizer};
use crate::route::{Missing, PoolSnapshot, RequestFeatures, Source, missing, route};
use models::{Models, Outcomes, cost};
use resample::mix;
use sweep::Sweep;
use tally::{Tally, Took, at_index, best};

pub use curve::{Bin, Curve, pgr};
pub use frontier::{Point, aiq, arena, hull};
pub use limits::Limits;
pub use models::Mapping;
pub use read::{BadRow, Outcome, Row, read};
pub use resample::{Interval, Resampling};
pub use summary::{
    Anchor, Change, CurveFigures, Figure, LeftOut, PartFigures, Pgr, PlanFigures, Share, Summary,
    Undecidable,
};
pub use tally::{Bad, Part, Sum};

/// How differences are resampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    /// What chance begins with.
    pub seed: u64,
    /// How often prompts are drawn anew.
    pub resamples: usize,
}

/// Outcomes against one plan, or against two that are compared.
#[derive(Debug)]
pub struct Evaluation<'p> {
    plans: Vec<&'p Plan>,
    mapping: Mapping,
    models: Models<'p>,
    tallies: Vec<Tally<'p>>,
    oracle: Sum,
    /// By model of the outcomes: what it made of all prompts that it has.
    single: Vec<Sum>,
    undecidable: BTreeMap<&'p str, u64>,
    bad: Bad,
    lines: u64,
    rows: u64,
    chance: Chance,
    resampling: Option<Resampling>,
}

impl<'p> Evaluation<'p> {
    /// Of one plan.
    pub fn of(plan: &'p Plan, mapping: Mapping, chance: Chance) -> Self {
        Self::new(vec![plan], mapping, chance)
    }

    /// Of two plans, of which the second is the newer.
    pub fn between(before: &'p Plan, after: &'p Plan, mapping: Mapping, chance: Chance) -> Self {
        let evaluation = Self::new(vec![before, after], mapping, chance);
        Self {
            resampling: Some(Resampling::new(chance.seed, chance.resamples)),
            ..evaluation
        }
    }

    fn new(plans: Vec<&'p Plan>, mapping: Mapping, chance: Chance) -> Self {
        let tally = |plan: &&Plan| Tally {
            sweep: Sweep::of(plan),
            ..Tally::default()
        };
        Self {
            tallies: plans.iter().map(tally).collect(),
            plans,
            mapping,
            models: Models::default(),
            oracle: Sum::default(),
            single: Vec::new(),
            undecidable: BTreeMap::new(),
            bad: Bad::default(),
            lines: 0,
            rows: 0,
            chance,
            resampling: None,
        }
    }

    /// The plan by which requests are read: which of their messages count. A request
    /// that only asks a prompt is read alike by all.
    pub fn plan(&self) -> &'p Plan {
        self.plans[0]
    }

    /// Notes a blank line.
    pub fn blank(&mut self) {
        self.lines += 1;
    }

    /// Notes a line of no use.
    pub fn bad(&mut self, why: BadRow) {
        self.lines += 1;
        self.rows += 1;
        self.bad.add(self.lines, why);
    }

    /// Takes the next row. `features` is what a decision looks at in a request that
    /// asks its prompt.
    pub fn row(&mut self, row: &Row<'_>, features: &RequestFeatures<'_>) {
        self.lines += 1;
        self.rows += 1;
        match self.take(row, features) {
            Ok(()) => {}
            Err(Why::Bad(why)) => self.bad.add(self.lines, why),
            Err(Why::Undecidable(model)) => {
                *self.undecidable.entry(model).or_default() += 1;
            }
        }
    }

    fn take(&mut self, row: &Row<'_>, features: &RequestFeatures<'_>) -> Result<(), Why<'p>> {
        let outcomes = self.models.of(row, &self.plans, &self.mapping)?;
        let asking = Asking {
            mapping: &self.mapping,
            models: &self.models,
            outcomes: &outcomes,
            ticket: mix(self.rows),
        };
        let mut took = Vec::with_capacity(self.plans.len());
        for plan in &self.plans {
            took.push(asking.took(plan, features)?);
        }
        for (tally, took) in self.tallies.iter_mut().zip(&took) {
            if let Some(sweep) = &mut tally.sweep {
                asking.sweep(sweep, took, features);
            }
        }
        let best = best(&self.models, &outcomes);
        self.oracle.add(best.0, best.1);
        for (at, outcome) in &outcomes {
            let cost = self.models.cost(*at, outcome);
            at_index(&mut self.single, *at).add(outcome.score, cost);
        }
        if let (Some(resampling), [before, after]) = (&mut self.resampling, took.as_slice()) {
            resampling.add(after.score - before.score, before.cost.zip(after.cost));
        }
        for (tally, took) in self.tallies.iter_mut().zip(&took) {
            tally.add(row.source.as_deref(), took, &outcomes, best);
        }
        Ok(())
    }

    /// What came of it.
    pub fn finish(self) -> Report<'p> {
        Report(self)
    }
}

/// What came of an evaluation.
#[derive(Debug)]
pub struct Report<'p>(Evaluation<'p>);

/// Why a row does not count.
enum Why<'p> {
    Bad(BadRow),
    /// The decision needs the answer of this model, which was not asked.
    Undecidable(&'p str),
}

impl From<BadRow> for Why<'_> {
    fn from(why: BadRow) -> Self {
        Self::Bad(why)
    }
}

/// What one row is decided with.
struct Asking<'a, 'p> {
    mapping: &'a Mapping,
    models: &'a Models<'p>,
    outcomes: &'a Outcomes,
    ticket: u64,
}

impl Asking<'_, '_> {
    /// Where a plan sends the prompt, and what came of that.
    fn took<'q>(
        &self,
        plan: &'q Plan,
        features: &RequestFeatures<'_>,
    ) -> Result<Took<'q>, Why<'q>> {
        if asks(plan)
            && let Some(missing) = missing(plan, features)
        {
            return Err(match missing {
                Missing::Answer(model) => Why::Undecidable(model),
                Missing::Text(rule) => Why::Undecidable(rule.unwrap_or_default()),
            });
        }
        let snapshot = PoolSnapshot::new(&|_| Seen::UNUSED, self.ticket);
        let decided = route(plan, features, &snapshot).ok();
        let first = decided.as_ref().and_then(|decided| {
            let first = decided.candidates.first()?;
            Some((decided, first.endpoint))
        });
        let Some((decision, endpoint)) = first else {
            return Ok(Took {
                model: None,
                score: 0.0,
                cost: Some(0.0),
                route: None,
            });
        };
        let found = self
            .models
            .find(self.mapping, decision.model, endpoint, self.outcomes);
        let (at, outcome) = found?;
        Ok(Took {
            model: Some(at),
            score: outcome.score,
            cost: cost(&outcome, Some(endpoint)),
            route: Some(decision.source),
        })
    }

    /// Gives a sweep the prompt, which its plan decided as it is; one that cannot be
    /// told at its ends is left out.
    fn sweep(&self, sweep: &mut Sweep, took: &Took<'_>, features: &RequestFeatures<'_>) {
        let end = |plan: &Plan| Some(self.took(plan, features).ok()?.without_route());
        let took_here = || Some(took.without_route());
        let (long, short) = match took.route.map_or(Length::Decided, Length::of) {
            Length::NotAsked => (took_here(), took_here()),
            // It would pass at any higher threshold as well.
            Length::Passed => (end(&sweep.long), took_here()),
            Length::Decided => (end(&sweep.long), end(&sweep.short)),
        };
        if let (Some(long), Some(short)) = (long, short) {
            let tokens = || features.tokens.in_full(Tokenizer::Cl100k);
            sweep.add(&long, &short, tokens);
        }
    }
}

/// Whether a decision may need the answer of a model.
fn asks(plan: &Plan) -> bool {
    plan.smart_router.as_ref().is_some_and(|smart| {
        let semantic = &smart.semantic;
        let classifies = semantic.enabled && semantic.mode == SemanticMode::Classifier;
        classifies || smart.router_model.is_some()
    })
}

/// What slot `longContext`, which alone looks at the threshold, had to do with a
/// decision.
#[derive(Clone, Copy)]
enum Length {
    /// What is asked before it decided.
    NotAsked,
    /// It was asked, and passed.
    Passed,
    /// It decided, or may have.
    Decided,
}

impl Length {
    fn of(source: Source<'_>) -> Self {
        match source {
            Source::ExplicitModel
            | Source::Slot(Slot::Image)
            | Source::Rule(_)
            | Source::Sticky
            | Source::Semantic(_)
            | Source::Candidates => Self::NotAsked,
            Source::Slot(Slot::LongContext) => Self::Decided,
            Source::Subagent | Source::Slot(_) => Self::Passed,
        }
    }
}
