//! The sums of a replay.

use std::collections::BTreeMap;

use super::load::{Load, Peak, declared};
use super::price::price;
use super::{Side, Went};
use crate::corpus::{BadLine, Request};
use crate::plan::{Endpoint, Plan};
use crate::route::{Missing, Source};

/// Lines of no use that are named one by one.
const NAMED: usize = 10;
/// Reasons for which requests are undecidable that are told apart.
const REASONS: usize = 100;

/// What came of a replay.
#[derive(Clone, Debug)]
pub struct Report<'p> {
    /// Requests that were read.
    pub requests: u64,
    /// Requests that were decided on both sides.
    pub decided: u64,
    /// Requests that hold no decision to compare with; only where none is asked
    /// of a plan.
    pub not_recorded: u64,
    /// Requests that could not be decided.
    pub undecidable: Undecidable<'p>,
    /// Lines of no use.
    pub bad: Bad,
    /// Whether the side before is what was recorded.
    pub is_against_record: bool,
    after: &'p Plan,
    moves: BTreeMap<(Went<'p>, Went<'p>, Option<Source<'p>>), Amount>,
    models: BTreeMap<Went<'p>, Models>,
    costs: BTreeMap<&'p str, Cost>,
    loads: [BTreeMap<&'p str, Load>; 2],
}

/// Requests that change in the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved<'p> {
    /// Where they went.
    pub from: Went<'p>,
    /// Where they go.
    pub to: Went<'p>,
    /// What sends them there; absent where they are refused.
    pub source: Option<Source<'p>>,
    /// How many, and what changes for them.
    pub amount: Amount,
}

/// A number of requests, and how their cost changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amount {
    /// How many.
    pub requests: u64,
    /// Of those with a price on both sides in one currency: by how much it rises.
    pub cost: f64,
    /// The currency, where they have one in common.
    pub currency: Option<String>,
}

/// Requests of one model, or with one refusal, on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Models {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// What requests cost that have a price on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Before.
    pub before: f64,
    /// After; what is refused costs nothing.
    pub after: f64,
    /// How many requests that is of.
    pub requests: u64,
}

impl Cost {
    /// By how many of a hundred it rises; none where it was nothing.
    pub fn percent(&self) -> Option<f64> {
        (self.before > 0.0).then(|| (self.after - self.before) * 100.0 / self.before)
    }
}

/// Requests that could not be decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undecidable<'p> {
    /// By the rule whose patterns were not looked for: their text would tell.
    pub text: BTreeMap<Option<&'p str>, u64>,
    /// By the model that would have to be asked.
    pub answer: BTreeMap<&'p str, u64>,
}

impl Undecidable<'_> {
    /// How many.
    pub fn count(&self) -> u64 {
        self.text.values().sum::<u64>() + self.answer.values().sum::<u64>()
    }
}

/// Lines of no use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bad {
    /// How many.
    pub count: u64,
    /// The first of them, with their numbers.
    pub first: Vec<(u64, BadLine)>,
}

impl<'p> Report<'p> {
    pub(super) fn new(is_against_record: bool, after: &'p Plan) -> Self {
        Self {
            requests: 0,
            decided: 0,
            not_recorded: 0,
            undecidable: Undecidable::default(),
            bad: Bad::default(),
            is_against_record,
            after,
            moves: BTreeMap::new(),
            models: BTreeMap::new(),
            costs: BTreeMap::new(),
            loads: [BTreeMap::new(), BTreeMap::new()],
        }
    }

    pub(super) fn bad(&mut self, line: u64, why: BadLine) {
        self.bad.count += 1;
        if self.bad.first.len() < NAMED {
            self.bad.first.push((line, why));
        }
    }

    pub(super) fn undecidable(&mut self, missing: Missing<'p>) {
        match missing {
            Missing::Text(rule) => {
                let texts = &mut self.undecidable.text;
                let is_known = texts.len() < REASONS || texts.contains_key(&rule);
                *texts.entry(rule.filter(|_| is_known)).or_default() += 1;
            }
            Missing::Answer(model) => *self.undecidable.answer.entry(model).or_default() += 1,
        }
    }

    pub(super) fn decided(&mut self, request: &Request, before: Option<Side<'p>>, after: Side<'p>) {
        let tokens = tokens(request);
        let mut add = |at: usize, side: &Side<'p>| {
            if let Some(model) = side.went.model() {
                let loads = self.loads.get_mut(at);
                let load = loads.map(|loads| loads.entry(model).or_default());
                load.into_iter()
                    .for_each(|load| load.add(request.at_ms, tokens));
            }
        };
        add(1, &after);
        let Some(before) = before else {
            self.not_recorded += 1;
            self.models.entry(whole(after.went)).or_default().after += 1;
            self.cost_alone(request, after.endpoint);
            return;
        };
        add(0, &before);
        self.decided += 1;
        self.models.entry(whole(before.went)).or_default().before += 1;
        self.models.entry(whole(after.went)).or_default().after += 1;
        let cost = self.cost(request, &before, &after);
        if !differs(before.went, after.went) {
            return;
        }
        let key = (before.went, after.went, after.source);
        let amount = self.moves.entry(key).or_default();
        amount.requests += 1;
        if let Some((rises, currency)) = cost {
            amount.cost += rises;
            amount.currency.get_or_insert_with(|| currency.to_owned());
        }
    }

    /// By how much the cost of one request rises, added to the sums.
    fn cost(
        &mut self,
        request: &Request,
        before: &Side<'p>,
        after: &Side<'p>,
    ) -> Option<(f64, &'p str)> {
        let usage = request.usage.as_ref()?;
        let (was, currency) = price(before.endpoint?, usage)?;
        let is = match (after.went, after.endpoint) {
            (Went::Refused(_), _) => 0.0,
            (_, endpoint) => {
                let (is, same) = price(endpoint?, usage)?;
                (same == currency).then_some(is)?
            }
        };
        let sum = self.costs.entry(currency).or_default();
        sum.before += was;
        sum.after += is;
        sum.requests += 1;
        Some((is - was, currency))
    }

    /// The cost of a request that holds no decision to compare with: what it cost
    /// when it was recorded, where that is known.
    fn cost_alone(&mut self, request: &Request, endpoint: Option<&'p Endpoint>) -> Option<()> {
        let (is, currency) = price(endpoint?, request.usage.as_ref()?)?;
        let paid = request
            .cost
            .as_ref()
            .filter(|paid| paid.currency == currency)?;
        let sum = self.costs.entry(currency).or_default();
        sum.before += paid.amount;
        sum.after += is;
        sum.requests += 1;
        Some(())
    }

    /// Requests that change.
    pub fn moved(&self) -> u64 {
        self.moves.values().map(|amount| amount.requests).sum()
    }

    /// How they change, the most first.
    pub fn moves(&self) -> Vec<Moved<'p>> {
        let moves = self.moves.iter().map(|((from, to, source), amount)| Moved {
            from: *from,
            to: *to,
            source: *source,
            amount: amount.clone(),
        });
        let mut moves: Vec<Moved<'p>> = moves.collect();
        moves.sort_by_key(|moved| std::cmp::Reverse(moved.amount.requests));
        moves
    }

    /// Requests by logical model and by refusal, in the order of their names.
    pub fn models(&self) -> impl Iterator<Item = (Went<'p>, Models)> {
        self.models.iter().map(|(went, models)| (*went, *models))
    }

    /// Costs by currency.
    pub fn costs(&self) -> impl Iterator<Item = (&'p str, Cost)> {
        self.costs.iter().map(|(currency, cost)| (*currency, *cost))
    }

    /// What goes to each model of the plan after, at its peak, beside what was
    /// before and the requests and tokens a minute that are declared.
    pub fn peaks(&self) -> impl Iterator<Item = (&'p str, Peak, Peak, (Option<u64>, Option<u64>))> {
        let [before, after] = &self.loads;
        after.iter().map(|(model, load)| {
            let was = before.get(model).map(Load::peak).unwrap_or_default();
            (*model, was, load.peak(), declared(self.after, model))
        })
    }

    /// The plan after.
    pub fn plan(&self) -> &'p Plan {
        self.after
    }
}

/// All tokens of a request.
fn tokens(request: &Request) -> u64 {
    let output = request.usage.map_or(0, |usage| usage.output);
    request.input_tokens().saturating_add(output)
}

/// A model as a whole, whichever endpoint is first.
fn whole(went: Went<'_>) -> Went<'_> {
    match went {
        Went::To { model, .. } => Went::To {
            model,
            endpoint: "",
        },
        other => other,
    }
}

/// Two refusals are the same where the client sees the same.
fn differs(before: Went<'_>, after: Went<'_>) -> bool {
    match (before, after) {
        (Went::Refused(was), Went::Refused(is)) => was.status() != is.status(),
        (before, after) => before != after,
    }
}
