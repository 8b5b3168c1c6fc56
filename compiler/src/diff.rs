//! Plan × plan → what a change means.
//!
//! A [`Change`] is a fact (what, before, after); its weight and its sentence
//! are derived from the fact, so that a diff turned round is the diff of the
//! turned plans. Two plans differ here exactly when their hashes differ.

mod facts;
mod meaning;
mod shown;

use serde::Serialize;

use crate::plan::{Governance, Hash, Named, Plan, Slot};

/// How much a reviewer should care. Ordered from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// No request goes elsewhere.
    Quiet,
    /// Some requests are served differently.
    Notable,
    /// Some requests that were served may be refused, or callers must change.
    Breaking,
    /// Takes effect only when the process is started again.
    Restart,
}

impl Weight {
    /// The word outputs use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Notable => "notable",
            Self::Breaking => "breaking",
            Self::Restart => "restart",
        }
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A single value by its path: `listen.host`, `smart_router.semantic.threshold`, ….
    Setting(String),
    /// A section as a whole, by its path: `smart_router`, `governance`, ….
    Section(String),
    /// A slot.
    Slot(Slot),
    /// A rule of the smart router as a whole.
    Rule(String),
    /// One value of a rule.
    RuleField(String, &'static str),
    /// The order of rules of one priority.
    RuleOrder,
    /// A candidate of the smart router, and its description.
    Candidate(String),
    /// The order of candidates.
    CandidateOrder,
    /// A model as a whole.
    Model(String),
    /// One value of a model.
    ModelField(String, &'static str),
    /// A pool as a whole.
    Pool(String),
    /// One value of a pool.
    PoolField(String, &'static str),
    /// The endpoint a pool would use first when all are healthy.
    FirstChoice(String),
    /// A declared limit of an endpoint whose pool enforces it: pool, endpoint, value.
    EnforcedLimit(String, String, &'static str),
    /// An endpoint of a pool as a whole.
    Endpoint(String, String),
    /// One value of an endpoint of a pool.
    EndpointField(String, String, &'static str),
    /// An upstream service as a whole.
    Service(String),
    /// One value of an upstream service.
    ServiceField(String, &'static str),
    /// A managed key as a whole.
    Key(String),
    /// One value of a managed key.
    KeyField(String, &'static str),
}

/// One change; at least one of `before` and `after` is present, and they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What changed.
    pub subject: Subject,
    /// What was; absent for what is new.
    pub before: Option<String>,
    /// What is; absent for what is gone.
    pub after: Option<String>,
}

/// All changes between two plans, in the order a review reads them: settings,
/// slots, the smart router and other sections, models, pools, services; each by
/// name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Hash of the old plan; absent where there is none.
    pub before: Option<Hash>,
    /// Hash of the new plan; absent where there is none.
    pub after: Option<Hash>,
    /// The changes.
    pub changes: Vec<Change>,
}

impl Diff {
    /// Whether the plans mean the same.
    pub fn is_empty(&self) -> bool {
        self.before == self.after
    }

    /// The heaviest change.
    pub fn weight(&self) -> Option<Weight> {
        let weights = self.changes.iter().map(|change| self.weight_of(change));
        weights.max()
    }

    /// The weight of one of the changes. Where there was no plan, nobody was served whom a
    /// change could break.
    pub fn weight_of(&self, change: &Change) -> Weight {
        match self.before {
            Some(_) => change.weight(),
            None => change.weight().min(Weight::Notable),
        }
    }

    /// The diff from the new plan back to the old one.
    #[must_use]
    pub fn turned(&self) -> Self {
        let turn = |change: &Change| Change {
            subject: change.subject.clone(),
            before: change.after.clone(),
            after: change.before.clone(),
        };
        Self {
            before: self.after.clone(),
            after: self.before.clone(),
            changes: self.changes.iter().map(turn).collect(),
        }
    }
}

/// Compares two plans.
pub fn diff(before: &Plan, after: &Plan) -> Diff {
    let changes = facts::compare(before, after);
    Diff {
        before: Some(before.hash()),
        after: Some(after.hash()),
        changes,
    }
}

/// Compares a plan with none: everything that has a name is added. Single settings, which
/// no plan is without, are no changes.
pub fn introduced(plan: &Plan) -> Diff {
    let mut nothing = plan.clone();
    nothing.governance = Governance::default();
    nothing.managed_keys.clear();
    nothing.models = Named::default();
    nothing.pools = Named::default();
    nothing.router.slots.clear();
    nothing.runtime.corpus = None;
    nothing.runtime.remote_service = None;
    nothing.smart_router = None;
    nothing.upstream_services.clear();
    Diff {
        before: None,
        after: Some(plan.hash()),
        changes: facts::compare(&nothing, plan),
    }
}
