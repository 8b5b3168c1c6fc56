//! Which model of the outcomes stands for which model of a plan.
//!
//! A model of the plan that is mapped stands for what it is mapped to and nothing
//! else. Any other stands for the outcomes of what its endpoint calls the model
//! upstream, or of its own name.

use std::collections::{BTreeMap, BTreeSet};

use super::BadRow;
use super::read::{Outcome, Row, short};
use crate::corpus::Usage;
use crate::diagnostic::did_you_mean;
use crate::plan::{Endpoint, Plan};
use crate::replay::price;

/// Models of outcomes that are told apart.
const MODELS: usize = 256;
/// Currency of the outcomes.
const DOLLARS: &str = "USD";

/// What stands for what, as far as it was said or follows from names.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// By name in a plan.
    said: BTreeMap<String, String>,
    /// Every name of outcomes that a plan could go to.
    reach: BTreeSet<String>,
}

impl Mapping {
    /// Of these plans, with what was said: names of a plan, and of the outcomes.
    ///
    /// # Errors
    /// When no plan has a name, in words, and what to do.
    pub fn new(plans: &[&Plan], said: &[(String, String)]) -> Result<Self, (String, String)> {
        let mut mapping = Self::default();
        for (name, outcome) in said {
            let targets = plans.iter().filter_map(|plan| plan.resolve(name));
            let names: BTreeSet<&str> = targets.map(|target| target.name()).collect();
            if names.is_empty() {
                let known: BTreeSet<&str> =
                    plans.iter().flat_map(|plan| plan.logical_ids()).collect();
                let known: Vec<&str> = known.into_iter().collect();
                return Err((
                    format!("`--map {name}={outcome}`: the plan has no model `{name}`"),
                    did_you_mean(name, &known, "models"),
                ));
            }
            for name in names {
                mapping.said.insert(name.to_owned(), outcome.clone());
            }
        }
        for plan in plans {
            let pools = plan.pools.iter().flat_map(|(id, pool)| {
                let endpoints = pool.endpoints.iter();
                endpoints.map(move |endpoint| (id.as_str(), endpoint))
            });
            let models = plan.models.iter().map(|(id, model)| (id.as_str(), model));
            for (id, endpoint) in models.chain(pools) {
                let names: Vec<String> = mapping.names(id, endpoint).map(str::to_owned).collect();
                mapping.reach.extend(names);
            }
        }
        Ok(mapping)
    }

    /// Names under which outcomes of a model at an endpoint are looked for.
    fn names<'a>(
        &'a self,
        model: &'a str,
        endpoint: &'a Endpoint,
    ) -> impl Iterator<Item = &'a str> {
        let said = self.said.get(model).map(String::as_str);
        let follows = [endpoint.model.as_str(), model];
        let follows = follows.into_iter().filter(move |_| said.is_none());
        said.into_iter().chain(follows)
    }

    /// Whether a plan could go to a model of the outcomes.
    pub(super) fn reaches(&self, outcome: &str) -> bool {
        self.reach.contains(outcome)
    }

    /// What was said.
    pub(super) fn said(&self) -> impl Iterator<Item = (&str, &str)> {
        let said = self.said.iter();
        said.map(|(name, outcome)| (name.as_str(), outcome.as_str()))
    }
}

/// The models that outcomes name, in the order they first come.
#[derive(Clone, Debug, Default)]
pub(super) struct Models<'p> {
    names: Vec<String>,
    index: BTreeMap<String, usize>,
    /// What tokens cost there, by the plans' prices.
    priced_at: Vec<Option<&'p Endpoint>>,
}

/// Outcomes of one row, by position among the models.
pub(super) type Outcomes = Vec<(usize, Outcome)>;

impl<'p> Models<'p> {
    /// The outcomes of a row; new models are remembered.
    pub(super) fn of(
        &mut self,
        row: &Row<'_>,
        plans: &[&'p Plan],
        mapping: &Mapping,
    ) -> Result<Outcomes, BadRow> {
        let mut names = row.outcomes.iter().map(|(name, _)| name);
        if !names.any(|name| mapping.reaches(name)) {
            return Err(BadRow::Unknown);
        }
        let mut outcomes = Outcomes::with_capacity(row.outcomes.len());
        for (name, outcome) in &row.outcomes {
            let at = match self.index.get(name.as_ref()) {
                Some(at) => *at,
                None if self.names.len() >= MODELS => return Err(BadRow::TooManyModels),
                None => {
                    let at = self.names.len();
                    self.priced_at.push(priced_at(name, plans, mapping));
                    self.names.push(name.clone().into_owned());
                    self.index.insert(name.clone().into_owned(), at);
                    at
                }
            };
            outcomes.push((at, *outcome));
        }
        Ok(outcomes)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether outcomes of this name came.
    pub(super) fn has(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// The outcome that stands for a model of a plan at an endpoint.
    pub(super) fn find(
        &self,
        mapping: &Mapping,
        model: &str,
        endpoint: &Endpoint,
        outcomes: &[(usize, Outcome)],
    ) -> Result<(usize, Outcome), BadRow> {
        let mut names = mapping.names(model, endpoint);
        let found = names.find_map(|name| {
            let at = self.index.get(name)?;
            outcomes.iter().find(|(known, _)| known == at)
        });
        found.copied().ok_or_else(|| BadRow::Missing(short(model)))
    }

    /// What an outcome cost: as it says, else its tokens at the prices of the plan.
    pub(super) fn cost(&self, at: usize, outcome: &Outcome) -> Option<f64> {
        let endpoint = self.priced_at.get(at).copied().flatten();
        cost(outcome, endpoint)
    }
}

/// What an outcome cost: as it says, else its tokens at the prices of an endpoint.
pub(super) fn cost(outcome: &Outcome, endpoint: Option<&Endpoint>) -> Option<f64> {
    outcome.cost_usd.or_else(|| {
        let usage = Usage {
            input: outcome.input_tokens?,
            output: outcome.output_tokens?,
            ..Usage::default()
        };
        let (amount, currency) = price(endpoint?, &usage)?;
        currency.eq_ignore_ascii_case(DOLLARS).then_some(amount)
    })
}

/// The first enabled endpoint with a price that a model of the outcomes stands for.
fn priced_at<'p>(name: &str, plans: &[&'p Plan], mapping: &Mapping) -> Option<&'p Endpoint> {
    let ids = plans
        .iter()
        .flat_map(|plan| plan.logical_ids().map(|id| (*plan, id)));
    let mut all = ids.flat_map(|(plan, id)| {
        let target = plan.resolve(id);
        let endpoints = target.map_or(&[][..], |target| target.endpoints());
        endpoints.iter().map(move |endpoint| (id, endpoint))
    });
    let found = all.find(|(id, endpoint)| {
        let is_it = mapping.names(id, endpoint).any(|known| known == name);
        is_it && endpoint.enabled && endpoint.cost.is_some()
    });
    found.map(|(_, endpoint)| endpoint)
}
