//! A pool played through failures on a virtual clock: the same decision, the same
//! records and the same walk along the list as in the proxy, with upstreams that
//! answer by a script and a number in place of chance.
//!
//! What is simulated is routing. An upstream is a latency, a rate of errors, and
//! the times at which it is killed and restored; it does not slow down under load.

mod script;
mod tally;
#[cfg(test)]
mod tests;
mod world;

use serde::Serialize;

use crate::diagnostic::did_you_mean;
use crate::health::{Failure, Reason, Seen};
use crate::plan::{Plan, Slot, Target};
use crate::route::{Decision, NoRoute, PoolSnapshot, route};

pub use script::{DEFAULT_LATENCY_MS, Scenario, Turn, What};
pub use tally::{Bucket, Share, Totals};

/// Most requests of one simulation.
pub const MOST_REQUESTS: u64 = 2_000_000;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The logical model that was asked for.
    pub model: String,
    /// The pool's strategy; none for a model with one endpoint.
    pub strategy: Option<&'static str>,
    /// What was played.
    pub scenario: Scenario,
    /// Ids of the endpoints in order of priority.
    pub endpoints: Vec<String>,
    /// What happened to them, in order.
    pub events: Vec<Event>,
    /// Spans of time that follow on each other.
    pub buckets: Vec<Bucket>,
    /// All of it together.
    pub totals: Totals,
}

/// Something that happened to an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Milliseconds since the beginning.
    pub at_ms: u64,
    /// Position among the endpoints.
    pub endpoint: usize,
    /// What it was.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened to an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "event"
)]
pub enum EventKind {
    /// It was killed: connections are refused, and what runs there breaks off.
    Killed,
    /// It answers again.
    Restored,
    /// It stands otherwise than before.
    Stands {
        /// As it stood, in the words of the API.
        from: &'static str,
        /// As it stands.
        to: &'static str,
        /// End of a rest or a pause, in milliseconds since the beginning.
        until_ms: Option<u64>,
        /// Why it is out.
        reason: Option<Reason>,
        /// What it failed of.
        failure: Option<Failure>,
    },
}

/// Why a scenario cannot be played on a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, lower case, without a period.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// Plays a scenario. The same plan and scenario always give the same timeline.
///
/// # Errors
/// When the plan does not have what the scenario names, an endpoint comes back that
/// is not gone, it is too long, or its requests do not fit into the model.
pub fn simulate(plan: &Plan, scenario: &Scenario) -> Result<Timeline, Refused> {
    let (asked, target) = target(plan, scenario)?;
    let (model, pool, endpoints) = match target {
        Target::Model(id, endpoint) => (id, None, std::slice::from_ref(endpoint)),
        Target::Endpoint(endpoint) => (endpoint.id.as_str(), None, std::slice::from_ref(endpoint)),
        Target::Pool(id, pool) => (id, Some(pool), pool.endpoints.as_slice()),
    };
    let ids: Vec<&str> = endpoints
        .iter()
        .map(|endpoint| endpoint.id.as_str())
        .collect();
    for name in scenario.named() {
        if !ids.contains(&name) {
            return Err(Refused {
                what: format!("`{name}` is no endpoint of `{model}`"),
                help: did_you_mean(name, &ids, "endpoints"),
            });
        }
    }
    if let Some(turn) = scenario.in_vain() {
        let (name, at) = (&turn.endpoint, turn.at_ms as f64 / 1000.0);
        return Err(Refused {
            what: format!("`{name}` is to come back at {at} s, and is not gone then"),
            help: format!("kill it before, with `--kill {name}@TIME`"),
        });
    }
    if scenario.requests() > MOST_REQUESTS {
        return Err(Refused {
            what: format!("{} requests are too many", scenario.requests()),
            help: format!("play {MOST_REQUESTS} at most: fewer a second, or for a shorter time"),
        });
    }
    if let Some(refused) = misfit(plan, asked, scenario) {
        return Err(refused);
    }
    let played = world::World::new(plan, asked, endpoints, scenario).play();
    Ok(Timeline {
        model: model.to_owned(),
        strategy: pool.map(|pool| pool.strategy.word()),
        scenario: scenario.clone(),
        endpoints: ids.into_iter().map(str::to_owned).collect(),
        events: played.events,
        buckets: played.buckets,
        totals: played.totals,
    })
}

/// Why requests of this length are not for the model: whether one fits does not
/// change while they are played.
fn misfit(plan: &Plan, asked: &str, scenario: &Scenario) -> Option<Refused> {
    let tokens = scenario.input_tokens;
    let snapshot = PoolSnapshot::new(&|_| Seen::UNUSED, 0);
    let (what, help) = match route(plan, &scenario.request(asked), &snapshot) {
        Ok(Decision {
            instead_of: Some(model),
            model: longer,
            ..
        }) => (
            format!(
                "requests with {tokens} tokens of input do not fit into `{model}`, and go to `{longer}`"
            ),
            format!("play `--model {longer}`, or give fewer with `--tokens`"),
        ),
        Err(NoRoute::Window {
            model, exceeded, ..
        }) => (
            format!("requests with {tokens} tokens of input do not fit into `{model}`: {exceeded}"),
            "give fewer with `--tokens`, or name another model".to_owned(),
        ),
        Ok(_) | Err(_) => return None,
    };
    Some(Refused { what, help })
}

/// The model that the scenario names, or means, and what stands behind it.
fn target<'p>(plan: &'p Plan, scenario: &'p Scenario) -> Result<(&'p str, Target<'p>), Refused> {
    let named = scenario.model.as_deref();
    let default = plan.router.slots.get(&Slot::Default).map(String::as_str);
    let mut ids = plan.logical_ids();
    let only = ids.next().filter(|_| ids.next().is_none());
    let Some(name) = named.or(default).or(only) else {
        return Err(Refused {
            what: "no model is named, and there is no default".to_owned(),
            help: "name one with `--model`".to_owned(),
        });
    };
    let known: Vec<&str> = plan.logical_ids().collect();
    let target = plan.resolve(name).ok_or_else(|| Refused {
        what: format!("the plan has no model `{name}`"),
        help: did_you_mean(name, &known, "models"),
    })?;
    if target.is_enabled() {
        return Ok((name, target));
    }
    Err(Refused {
        what: format!("every endpoint of `{name}` is disabled"),
        help: "enable one, or name another model".to_owned(),
    })
}
