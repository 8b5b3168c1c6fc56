//! Which thresholds and which order of rules would have been best?
//!
//! What a registration declares is varied one at a time, again and again until nothing
//! is better: `longContextThreshold`, how alike a text must be to the prototypes of
//! rules, and the order of neighbouring rules. Every variant is a plan, and every prompt
//! is decided by it as the proxy would decide it. Seven in ten prompts are learnt from,
//! by a hash of their ids; what is told is of the rest.
//!
//! Of a prompt only what decisions look at is kept, as a corpus keeps it: its tokens,
//! which patterns occur in it, likeness to prototypes, and the outcomes. Memory grows
//! with the rows by that.

mod edit;
mod knob;

use serde::Serialize;

use super::models::{Mapping, Models, Outcomes};
use super::resample::mix;
use super::summary::checked;
use super::tally::Sum;
use super::{Asking, Bad, BadRow, Chance, Interval, Resampling, Row, Why};
use crate::corpus::{Finder, Reading, TextShape};
use crate::plan::{Plan, Tokenizer};
use crate::route::{Recorded, RequestFeatures, Tokens};
use knob::Knob;

pub use edit::edited;
pub use knob::Setting;

/// Of a hundred prompts, those that are learnt from.
const LEARNT: u64 = 70;
/// How often all is varied; each time that anything is better, once more.
const PASSES: usize = 8;
/// A gain of quality or of cost that is one of rounding.
const ROUNDING: f64 = 1e-12;

/// A plan, and what is kept of prompts.
#[derive(Debug)]
pub struct Tuning<'p> {
    plan: &'p Plan,
    mapping: Mapping,
    models: Models<'p>,
    finder: Option<Finder>,
    /// What the plan as it is makes of what is found.
    present: Reading,
    kept: Vec<Kept>,
    undecidable: u64,
    bad: Bad,
    lines: u64,
    rows: u64,
    chance: Chance,
}

/// What is kept of one prompt.
#[derive(Debug)]
struct Kept {
    outcomes: Outcomes,
    tokens: u64,
    /// None where there is no text.
    text: Option<Text>,
    ticket: u64,
    is_learnt: bool,
}

/// What is kept of a text, as a corpus keeps it.
#[derive(Debug)]
struct Text {
    /// Patterns that occur.
    hits: Vec<usize>,
    /// Likeness to prototypes.
    likeness: Vec<(usize, f64)>,
}

/// What came of tuning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuned {
    /// Rows that were read, of use or not.
    pub rows: u64,
    /// Rows of no use, or that cannot be decided without asking a model.
    pub left_out: u64,
    /// What can be varied, with what it is.
    pub tunable: Vec<Setting>,
    /// What should be changed; empty where nothing is better.
    pub settings: Vec<Setting>,
    /// Variants that were tried.
    pub tried: u64,
    /// The prompts that were learnt from, as the plan is and as it would be.
    pub learnt: Sides,
    /// The prompts that were held out.
    pub held_out: Sides,
    /// By how much the quality of those held out rises.
    pub quality: Option<Interval>,
    /// By which part their cost rises.
    pub cost: Option<Interval>,
    /// Whether what was learnt is better on the prompts held out, too.
    pub is_better: bool,
    /// The plan as it would be.
    #[serde(skip)]
    pub plan: Plan,
}

/// Some prompts with the plan as it is, and as it would be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sides {
    /// How many.
    pub prompts: u64,
    /// Mean of the scores before and after.
    pub quality: [Option<f64>; 2],
    /// US dollars for 1,000 prompts before and after, where all are known.
    pub cost_per_1000: [Option<f64>; 2],
}

impl<'p> Tuning<'p> {
    /// Of a plan.
    pub fn of(plan: &'p Plan, mapping: Mapping, chance: Chance) -> Self {
        let finder = Finder::of(plan);
        Self {
            plan,
            mapping,
            models: Models::default(),
            present: Reading::new(plan, finder.as_ref().map(Finder::set)),
            finder,
            kept: Vec::new(),
            undecidable: 0,
            bad: Bad::default(),
            lines: 0,
            rows: 0,
            chance,
        }
    }

    /// Notes a line of no use, or a blank one.
    pub fn bad(&mut self, why: Option<BadRow>) {
        self.lines += 1;
        if let Some(why) = why {
            self.rows += 1;
            self.bad.add(self.lines, why);
        }
    }

    /// Takes the next row. `features` is what a decision looks at in a request that
    /// asks its prompt.
    pub fn row(&mut self, row: &Row<'_>, features: &RequestFeatures<'_>) {
        self.lines += 1;
        self.rows += 1;
        let outcomes = match self.models.of(row, &[self.plan], &self.mapping) {
            Ok(outcomes) => outcomes,
            Err(why) => return self.bad.add(self.lines, why),
        };
        let found = |text: &str| self.finder.as_ref().map(|finder| finder.find(text));
        let text = features
            .text
            .map(|text| found(text.plain()).unwrap_or_default());
        let text = text.map(|TextShape { hits, likeness, .. }| Text { hits, likeness });
        let name = match &row.id {
            Some(id) => blake3::hash(id.as_bytes()),
            None => blake3::hash(&self.rows.to_le_bytes()),
        };
        let name = name.as_bytes().iter().take(8);
        let name = name.fold(0, |number, byte| number << 8 | u64::from(*byte));
        let kept = Kept {
            outcomes,
            tokens: features.tokens.in_full(Tokenizer::Cl100k),
            text,
            ticket: mix(self.rows),
            is_learnt: mix(name ^ mix(self.chance.seed)) % 100 < LEARNT,
        };
        match self.took(self.plan, &self.present, &kept) {
            Ok(_) => self.kept.push(kept),
            Err(Why::Undecidable(_)) => self.undecidable += 1,
            Err(Why::Bad(why)) => self.bad.add(self.lines, why),
        }
    }

    /// What a reader should know before anything else: that there is nothing to
    /// learn from.
    ///
    /// # Errors
    /// In words, and what to do.
    pub fn check(&self) -> Result<(), (String, String)> {
        checked(self.rows, &self.mapping, &self.models)?;
        if !self.kept.is_empty() {
            return Ok(());
        }
        let (line, why) = match self.bad.first.first() {
            Some((line, why)) => (format!("; line {line} {why}"), why.help()),
            None => (String::new(), None),
        };
        let help = why.unwrap_or("give rows that the plan decides without asking a model");
        Err((
            format!("no row of the outcomes could be evaluated{line}"),
            help.to_owned(),
        ))
    }

    fn reading(&self, plan: &Plan) -> Reading {
        Reading::new(plan, self.finder.as_ref().map(Finder::set))
    }

    /// What one prompt scores and costs with a plan.
    fn took<'q>(
        &self,
        plan: &'q Plan,
        reading: &Reading,
        kept: &Kept,
    ) -> Result<(f64, Option<f64>), Why<'q>> {
        let text = kept.text.as_ref();
        let likeness = |rule| reading.likeness(rule, &text?.likeness);
        let features = RequestFeatures {
            recorded: text.map(|text| Recorded {
                rule: reading.rule(&text.hits),
                likeness: &likeness,
                same_task: None,
            }),
            tokens: Tokens::Counted(kept.tokens),
            ..RequestFeatures::plain(None, None)
        };
        let asking = Asking {
            mapping: &self.mapping,
            models: &self.models,
            outcomes: &kept.outcomes,
            ticket: kept.ticket,
        };
        let took = asking.took(plan, &features)?;
        Ok((took.score, took.cost))
    }

    /// What some of the prompts score and cost with a plan. A prompt that a variant
    /// sends to a model without an outcome scores nothing, which no search is drawn to.
    fn sum(&self, plan: &Plan, is_learnt: bool) -> Sum {
        let reading = self.reading(plan);
        let mut sum = Sum::default();
        for kept in self.kept.iter().filter(|kept| kept.is_learnt == is_learnt) {
            let (score, cost) = self.took(plan, &reading, kept).unwrap_or((0.0, Some(0.0)));
            sum.add(score, cost);
        }
        sum
    }

    /// Searches for the best variant whose cost rises by no more than `most` of a
    /// hundred, or falls by as much. Where no cost is known, quality alone counts.
    pub fn finish(self, most: f64) -> Tuned {
        let present = self.sum(self.plan, true);
        let aim = Aim::of(&present, most);
        let knobs = knob::all(self.plan, &self.seen());
        let mut search = Search {
            tuning: &self,
            aim,
            best: (self.plan.clone(), present),
            tried: 0,
        };
        for _ in 0..PASSES {
            let mut is_better = false;
            for knob in &knobs {
                is_better |= search.turn(knob);
            }
            if !is_better {
                break;
            }
        }
        let tried = search.tried;
        let (plan, learnt) = search.best;
        self.told(plan, [present, learnt], tried, most, &knobs)
    }

    /// What values of thresholds could make a difference: tokens of the prompts that
    /// are learnt from, ascending.
    fn seen(&self) -> Vec<u64> {
        let learnt = self.kept.iter().filter(|kept| kept.is_learnt);
        let mut tokens: Vec<u64> = learnt.map(|kept| kept.tokens).collect();
        tokens.sort_unstable();
        tokens
    }

    fn told(&self, plan: Plan, learnt: [Sum; 2], tried: u64, most: f64, knobs: &[Knob]) -> Tuned {
        let held_out = [self.sum(self.plan, false), self.sum(&plan, false)];
        let mut resampling = Resampling::new(self.chance.seed, self.chance.resamples);
        let after = self.reading(&plan);
        for kept in self.kept.iter().filter(|kept| !kept.is_learnt) {
            let was = self.took(self.plan, &self.present, kept);
            let is = self.took(&plan, &after, kept);
            if let (Ok(was), Ok(is)) = (was, is) {
                resampling.add(is.0 - was.0, was.1.zip(is.1));
            }
        }
        let settings = knob::changed(self.plan, &plan);
        let aim = Aim::of(&held_out[0], most);
        Tuned {
            rows: self.rows,
            left_out: self.bad.count + self.undecidable,
            tunable: knobs.iter().map(|knob| knob.present(self.plan)).collect(),
            is_better: !settings.is_empty() && aim.is_better(&held_out[1], &held_out[0]),
            settings,
            tried,
            learnt: sides(learnt),
            held_out: sides(held_out),
            quality: resampling.quality(),
            cost: resampling.cost().filter(|_| is_costed(&held_out[0])),
            plan,
        }
    }
}

struct Search<'t, 'p> {
    tuning: &'t Tuning<'p>,
    aim: Aim,
    best: (Plan, Sum),
    tried: u64,
}

impl Search<'_, '_> {
    /// Tries every value of a knob, and keeps the best; whether that is another.
    fn turn(&mut self, knob: &Knob) -> bool {
        let mut is_better = false;
        for variant in knob.variants(&self.best.0) {
            let sum = self.tuning.sum(&variant, true);
            self.tried += 1;
            if self.aim.is_better(&sum, &self.best.1) {
                self.best = (variant, sum);
                is_better = true;
            }
        }
        is_better
    }
}

/// What is aimed at: quality first, within a budget.
#[derive(Clone, Copy, Debug)]
struct Aim {
    /// What all prompts together may cost; none where costs are not known.
    budget: Option<f64>,
}

impl Aim {
    fn of(present: &Sum, most: f64) -> Self {
        let budget = present.cost * (1.0 + most / 100.0);
        Self {
            budget: is_costed(present).then_some(budget),
        }
    }

    fn is_better(&self, one: &Sum, than: &Sum) -> bool {
        let Some(budget) = self.budget else {
            return one.score > than.score + ROUNDING;
        };
        let within = |sum: &Sum| is_costed(sum) && sum.cost <= budget * (1.0 + 1e-9);
        match (within(one), within(than)) {
            (true, false) => true,
            (false, true) => false,
            (false, false) => one.cost < than.cost - ROUNDING,
            (true, true) => {
                let gain = one.score - than.score;
                gain > ROUNDING || (gain > -ROUNDING && one.cost < than.cost - ROUNDING)
            }
        }
    }
}

fn is_costed(sum: &Sum) -> bool {
    sum.prompts > 0 && sum.costed == sum.prompts
}

fn sides(sums: [Sum; 2]) -> Sides {
    Sides {
        prompts: sums[0].prompts,
        quality: sums.map(|sum| sum.quality()),
        cost_per_1000: sums.map(|sum| sum.per_thousand().filter(|_| is_costed(&sum))),
    }
}
