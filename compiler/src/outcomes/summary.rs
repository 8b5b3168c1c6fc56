//! The figures of an evaluation, in the form in which programs get them. What is shown
//! to people is made of these.

mod figures;

use serde::Serialize;

use super::frontier::Point;
use super::models::{Mapping, Models};
use super::{Interval, Report};
use crate::diagnostic::did_you_mean;

/// Everything that is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Prompts that count.
    pub prompts: u64,
    /// Rows that were read, of use or not.
    pub rows: u64,
    /// Rows of no use.
    pub left_out: LeftOut,
    /// Rows that cannot be decided without asking a model.
    pub undecidable: Vec<Undecidable>,
    /// One plan, or two of which the second is the newer.
    pub plans: Vec<PlanFigures>,
    /// From the first plan to the second.
    pub change: Option<Change>,
    /// Each model for all prompts that it has an outcome of, the best first.
    pub models: Vec<Anchor>,
    /// For each prompt the model of the best score, then of the least cost.
    pub oracle: Figure,
    /// What can be had by mixing single models by lot, cheapest first.
    pub hull: Vec<Point>,
    /// Of that hull.
    pub aiq: Option<f64>,
}

/// Rows of no use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// How many.
    pub rows: u64,
    /// The first of them: their lines, and what is wrong.
    pub first: Vec<(u64, String)>,
}

/// Rows that cannot be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undecidable {
    /// The model that would have to be asked.
    pub model: String,
    /// How many.
    pub rows: u64,
}

/// Quality and cost of some prompts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Prompts.
    pub prompts: u64,
    /// Mean of the scores, 0 to 1.
    pub quality: f64,
    /// US dollars for 1,000 prompts, by those with a known cost.
    pub cost_per_1000: Option<f64>,
    /// Prompts with a known cost.
    pub costed: u64,
    /// RouterArena's score.
    pub arena: Option<f64>,
}

/// A single model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Anchor {
    /// Its name in the outcomes.
    pub model: String,
    /// What it makes of the prompts that have an outcome of it.
    #[serde(flatten)]
    pub figure: Figure,
}

/// What goes to a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Its name in the outcomes.
    pub model: String,
    /// Prompts that go to it.
    pub prompts: u64,
    /// Part of all, 0 to 1.
    pub share: f64,
    /// By how much the model alone is better than the plan, on the prompts that have
    /// an outcome of it; below 0 where the plan is better.
    pub regret: f64,
}

/// Part of the gap between two models that a plan closes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pgr {
    /// The model of the least quality that the plan could go to.
    pub weak: String,
    /// The one of the most.
    pub strong: String,
    /// 0 at the weak one, 1 at the strong one.
    pub value: f64,
}

/// A plan at all values of `longContextThreshold`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveFigures {
    /// Average performance gap recovered.
    pub apgr: f64,
    /// Share of the strong model for 20, 50 and 80 % of the gap.
    pub cpt: [Option<f64>; 3],
    /// Share of the strong model and quality, by share.
    pub points: Vec<(f64, f64)>,
}

/// Some of the prompts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartFigures {
    /// What they have in common.
    pub name: String,
    /// What the plan makes of them.
    #[serde(flatten)]
    pub figure: Figure,
    /// By how much the oracle is better.
    pub regret: f64,
}

/// What a plan makes of the prompts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanFigures {
    /// Its hash.
    pub hash: String,
    /// All prompts.
    #[serde(flatten)]
    pub figure: Figure,
    /// By how much the oracle is better.
    pub regret: f64,
    /// The same shares drawn by lot, whatever is asked.
    pub random: Figure,
    /// What goes where; models that get nothing as well.
    pub shares: Vec<Share>,
    /// Requests that are refused: they score and cost nothing.
    pub refused: u64,
    /// Between two single models.
    pub pgr: Option<Pgr>,
    /// Where all prompts are between two models, and the threshold says to which they go.
    pub curve: Option<CurveFigures>,
    /// AIQ of the hull of single models and what the plan is at all thresholds.
    pub aiq: Option<f64>,
    /// By source of the prompts.
    pub sources: Vec<PartFigures>,
    /// By what sends them where they go.
    pub routes: Vec<PartFigures>,
    /// Cost of 1,000 prompts and quality by `longContextThreshold`.
    pub thresholds: Vec<(u64, Point)>,
}

/// From one plan to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// By how much the mean score rises, −1 to 1.
    pub quality: Interval,
    /// By which part of it the cost rises; absent where it is not known, or was 0.
    pub cost: Option<Interval>,
    /// What chance began with.
    pub seed: u64,
    /// How often prompts were drawn anew.
    pub resamples: usize,
}

impl Report<'_> {
    /// What a reader should know before anything else: that there is no row,
    /// or a name that stands for nothing.
    ///
    /// # Errors
    /// In words, and what to do.
    pub fn check(&self) -> Result<(), (String, String)> {
        let all = &self.0;
        checked(all.rows, &all.mapping, &all.models)
    }

    /// Why there is nothing to tell, where no row is of use: in words, and what to do.
    pub fn nothing(&self) -> Option<(String, String)> {
        let all = &self.0;
        let bad = all.bad.first.first();
        let help = bad.and_then(|(_, why)| why.help());
        (all.oracle.prompts == 0).then(|| {
            let help = help.unwrap_or("mend the rows that are named, or give others");
            (
                "no row of the outcomes could be evaluated".to_owned(),
                help.to_owned(),
            )
        })
    }
}

/// Refuses outcomes without a row, and what is mapped to a model that none has.
pub(super) fn checked(
    rows: u64,
    mapping: &Mapping,
    models: &Models<'_>,
) -> Result<(), (String, String)> {
    if rows == 0 {
        return Err((
            "the outcomes hold no row".to_owned(),
            "give a file with a line of JSON for each prompt; docs/outcomes.md describes it"
                .to_owned(),
        ));
    }
    let known: Vec<&str> = models.names().iter().map(String::as_str).collect();
    match mapping.said().find(|(_, outcome)| !models.has(outcome)) {
        Some((name, outcome)) if !known.is_empty() => Err((
            format!("`--map {name}={outcome}`: no row has an outcome of `{outcome}`"),
            did_you_mean(outcome, &known, "models of the outcomes"),
        )),
        _ => Ok(()),
    }
}
