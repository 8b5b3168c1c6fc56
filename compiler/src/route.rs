//! The one decision: which endpoints may answer a request, in which order, and why.
//!
//! No clock, no chance, no I/O: the caller supplies what it knows about
//! endpoints. Preview prints this, the proxy obeys it and walks on along the
//! same list when an endpoint fails; there is no second path that decides.

mod choose;
mod features;
mod images;
mod kept;
mod likeness;
mod order;
pub mod reasons;
mod recorded;
#[cfg(test)]
mod tests;
mod text;
mod walk;
mod window;

use crate::health::{Seen, Standing};
use crate::plan::{Endpoint, Interface, OnAllOpen, Plan, Pool, Slot, Target};

pub use choose::{
    CHAIN, Choice, Missing, Passed, Source, Step, asks_models, choose, missing, needs, steps,
};
pub use features::{Answers, Chosen, Classified, RequestFeatures, Session, Tokens};
pub use images::image_agent;
pub use kept::route_kept;
pub use likeness::{likeness, same_task};
pub(crate) use order::Dice;
pub use reasons::{confidence, reasons};
pub use recorded::{Found, Recorded};
pub use text::{Text, Written};
pub use walk::Walk;
pub(crate) use window::own_budget;
pub use window::{Exceeded, Limit};

/// What is known about endpoints at the moment of the decision.
#[derive(Clone, Copy)]
pub struct PoolSnapshot<'s> {
    seen: &'s dyn Fn(&Endpoint) -> Seen,
    ticket: u64,
}

impl<'s> PoolSnapshot<'s> {
    /// A snapshot that answers from `seen`, which must give the same answer for
    /// the same endpoint throughout one decision. `ticket` is a number that chance
    /// gave: strategies that draw lots draw them from it.
    pub fn new(seen: &'s dyn Fn(&Endpoint) -> Seen, ticket: u64) -> Self {
        Self { seen, ticket }
    }

    /// Every endpoint is healthy and was never used: what a plan alone can say.
    pub fn all_healthy() -> Self {
        Self {
            seen: &|_| Seen::UNUSED,
            ticket: 0,
        }
    }
}

/// Why an endpoint stands where it stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The only endpoint of a model, or one named by its reference.
    Named,
    /// Position in its pool's order, from 0.
    Pool(usize),
    /// As `Pool`, but no endpoint is healthy, so the pool is tried all the same.
    NoneHealthy(usize),
}

/// An endpoint to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'p> {
    /// The endpoint.
    pub endpoint: &'p Endpoint,
    /// Why it is here.
    pub place: Place,
    /// What was known about it.
    pub seen: Seen,
}

/// Why an endpoint is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Switched off in the registration.
    Disabled,
    /// Speaks another interface than the only one that will do.
    Interface(Interface),
    /// Rests, is open, or has no trial free.
    Out(Standing),
    /// Is at its declared limit.
    Limited {
        /// When it is below it again.
        until_ms: u64,
    },
    /// The request does not fit into its model's window.
    Window(Exceeded),
    /// The request goes on with what another endpoint keeps.
    Elsewhere,
}

/// An endpoint that is not tried, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refused<'p> {
    /// The endpoint.
    pub endpoint: &'p Endpoint,
    /// Why not.
    pub why: Refusal,
}

/// Where a request goes: candidates in the order they are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<'p> {
    /// The chosen logical model, or `provider,model` reference.
    pub model: &'p str,
    /// The pool behind it, if it is one.
    pub pool: Option<&'p Pool>,
    /// How it was chosen.
    pub source: Source<'p>,
    /// The model that was chosen first, where the request did not fit into its
    /// window and goes to slot `longContext` instead.
    pub instead_of: Option<&'p str>,
    /// The model that the image agent asks about the request's images, where the
    /// one that answers is not to see them.
    pub image_agent: Option<&'p str>,
    /// Never empty; first choice first.
    pub candidates: Vec<Candidate<'p>>,
    /// The rest, with reasons.
    pub refused: Vec<Refused<'p>>,
    /// What was chosen, also where another model answers in place of it.
    chosen: Target<'p>,
}

/// Why a request can go nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing of this name, and no default.
    UnknownModel {
        /// The known id nearest to it.
        nearest: Option<String>,
    },
    /// No endpoint of the chosen model speaks the only interface that will do.
    Interface {
        /// The chosen model.
        model: String,
        /// What it speaks.
        speaks: Interface,
    },
    /// The request fits into no window of the chosen model, nor into that of slot
    /// `longContext`.
    Window {
        /// The chosen model.
        model: String,
        /// What it does not fit into: of several endpoints, the widest.
        exceeded: Exceeded,
        /// What slot `longContext` names, if anything.
        long_context: Option<String>,
    },
    /// Every endpoint behind the chosen model is disabled.
    NothingEnabled {
        /// The chosen model.
        model: String,
    },
    /// No endpoint of the pool is healthy, and the pool rejects then.
    AllOut {
        /// The chosen model.
        model: String,
        /// When the first may be tried again, where that is known.
        until_ms: Option<u64>,
    },
    /// Every endpoint of the pool that could be tried is at its declared limit.
    AllLimited {
        /// The chosen model.
        model: String,
        /// When the first is below it again.
        until_ms: u64,
    },
}

impl NoRoute {
    /// The HTTP status that a client is answered with.
    pub fn status(&self) -> u16 {
        match self {
            Self::Interface { .. } => 400,
            Self::UnknownModel { .. } => 404,
            Self::Window { .. } => 413,
            Self::AllLimited { .. } => 429,
            Self::NothingEnabled { .. } | Self::AllOut { .. } => 503,
        }
    }
}

/// Decides. The same plan, features and snapshot always give the same answer.
///
/// # Errors
/// [`NoRoute`] when no endpoint may answer.
pub fn route<'p>(
    plan: &'p Plan,
    features: &RequestFeatures<'_>,
    snapshot: &PoolSnapshot<'_>,
) -> Result<Decision<'p>, NoRoute> {
    let choice = choose(plan, features).ok_or_else(|| NoRoute::UnknownModel {
        nearest: features
            .model
            .and_then(|asked| plan.nearest_id(asked))
            .map(str::to_owned),
    })?;
    let image_agent = image_agent(plan, features, &choice);
    let decided = match behind(choice.target, choice.source, features, snapshot) {
        Err(NoRoute::Window {
            model, exceeded, ..
        }) => longer(plan, choice.target, features, snapshot).ok_or_else(|| NoRoute::Window {
            model,
            exceeded,
            long_context: plan.router.slots.get(&Slot::LongContext).cloned(),
        }),
        decided => decided,
    };
    decided.map(|decision| Decision {
        image_agent,
        ..decision
    })
}

/// What slot `longContext` answers with in place of what was chosen, if it may.
fn longer<'p>(
    plan: &'p Plan,
    chosen: Target<'p>,
    features: &RequestFeatures<'_>,
    snapshot: &PoolSnapshot<'_>,
) -> Option<Decision<'p>> {
    let name = plan.router.slots.get(&Slot::LongContext)?;
    let longer = plan.resolve(name).filter(|longer| *longer != chosen)?;
    let source = Source::Slot(Slot::LongContext);
    let decision = behind(longer, source, features, snapshot).ok()?;
    Some(Decision {
        instead_of: Some(chosen.name()),
        chosen,
        ..decision
    })
}

/// What a request goes to of which a decision looks at no more than the model.
pub fn by_model<'p>(plan: &'p Plan, asked: Option<&str>) -> Option<Target<'p>> {
    let named = asked.and_then(|asked| plan.resolve(asked));
    named.or_else(|| by_default(plan))
}

fn by_default(plan: &Plan) -> Option<Target<'_>> {
    plan.resolve(plan.router.slots.get(&Slot::Default)?)
}

/// Whether a decision may depend on more of a request than the model it asks for.
pub fn looks_beyond_model(plan: &Plan, asked: Option<&str>) -> bool {
    let named = asked.and_then(|asked| plan.resolve(asked));
    let target = named.or_else(|| by_default(plan));
    let chooses = named.is_none()
        && (plan.smart_router.is_some()
            || plan.router.slots.keys().any(|slot| *slot != Slot::Default));
    let shows = plan.router.force_image_agent && plan.router.slots.contains_key(&Slot::Image);
    chooses || shows || target.is_some_and(has_window)
}

fn has_window(target: Target<'_>) -> bool {
    let has = |endpoint: &Endpoint| {
        let can = &endpoint.capabilities;
        can.context_window_tokens.is_some() || can.safe_input_tokens.is_some()
    };
    match target {
        Target::Model(_, endpoint) | Target::Endpoint(endpoint) => has(endpoint),
        Target::Pool(_, pool) => pool.endpoints.iter().any(has),
    }
}

/// The endpoints behind a target that may answer, in their order.
fn behind<'p>(
    target: Target<'p>,
    source: Source<'p>,
    features: &RequestFeatures<'_>,
    snapshot: &PoolSnapshot<'_>,
) -> Result<Decision<'p>, NoRoute> {
    let (pool, endpoints) = match target {
        Target::Model(_, endpoint) | Target::Endpoint(endpoint) => {
            (None, std::slice::from_ref(endpoint))
        }
        Target::Pool(_, pool) => (Some(pool), pool.endpoints.as_slice()),
    };
    let model = target.name();
    let mut refused = Vec::new();
    let mut able: Vec<Candidate<'p>> = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        match unable(endpoint, features) {
            Some(why) => refused.push(Refused { endpoint, why }),
            None => able.push(Candidate {
                endpoint,
                place: Place::Named,
                seen: match pool {
                    Some(_) => (snapshot.seen)(endpoint),
                    None => Seen::UNUSED,
                },
            }),
        }
    }
    if able.is_empty() {
        return Err(nothing_able(model, &refused));
    }
    if let Some(pool) = pool {
        eligible(model, pool, &mut able, &mut refused)?;
        order::sort(pool, &mut able, snapshot.ticket);
        number(&mut able);
    }
    Ok(Decision {
        model,
        pool,
        source,
        instead_of: None,
        image_agent: None,
        candidates: able,
        refused,
        chosen: target,
    })
}

/// Why an endpoint is of no use to a request, whatever its health.
fn unable(endpoint: &Endpoint, features: &RequestFeatures<'_>) -> Option<Refusal> {
    if !endpoint.enabled {
        return Some(Refusal::Disabled);
    }
    let only = features.interface;
    if only.is_some_and(|only| endpoint.interface != only) {
        return Some(Refusal::Interface(endpoint.interface));
    }
    window::exceeded(endpoint, features).map(Refusal::Window)
}

/// Moves what may not be tried now to `refused`. Where nothing is healthy, a pool
/// that fails open keeps everything but what is at its limit.
fn eligible<'p>(
    model: &str,
    pool: &Pool,
    able: &mut Vec<Candidate<'p>>,
    refused: &mut Vec<Refused<'p>>,
) -> Result<(), NoRoute> {
    if able.iter().all(|candidate| candidate.seen.is_eligible()) {
        return Ok(());
    }
    let none_healthy = !able.iter().any(|candidate| candidate.seen.is_eligible());
    if none_healthy {
        none_eligible(model, pool, able)?;
    }
    able.retain_mut(|candidate| {
        let seen = &candidate.seen;
        let why = match seen.limited_until {
            Some(until_ms) => Refusal::Limited { until_ms },
            None if none_healthy => {
                candidate.place = Place::NoneHealthy(0);
                return true;
            }
            None if seen.is_eligible() => return true,
            None => Refusal::Out(seen.standing),
        };
        refused.push(Refused {
            endpoint: candidate.endpoint,
            why,
        });
        false
    });
    Ok(())
}

/// Whether a pool without a healthy endpoint answers all the same.
fn none_eligible(model: &str, pool: &Pool, able: &[Candidate<'_>]) -> Result<(), NoRoute> {
    let limited = able.iter().map(|candidate| candidate.seen.limited_until);
    if let Some(Some(until_ms)) = limited.min_by_key(|until| until.unwrap_or(0)) {
        return Err(NoRoute::AllLimited {
            model: model.to_owned(),
            until_ms,
        });
    }
    match pool.on_all_open {
        OnAllOpen::FailOpen => Ok(()),
        OnAllOpen::Reject => {
            let until = |candidate: &Candidate<'_>| {
                let seen = &candidate.seen;
                seen.standing.until_ms().max(seen.limited_until)
            };
            // A trial that runs may end at any moment, and comes before every deadline:
            // of all of them, none is the least.
            Err(NoRoute::AllOut {
                model: model.to_owned(),
                until_ms: able.iter().map(until).min().flatten(),
            })
        }
    }
}

/// Writes down where each candidate stands.
fn number(candidates: &mut [Candidate<'_>]) {
    for (at, candidate) in candidates.iter_mut().enumerate() {
        candidate.place = match candidate.place {
            Place::NoneHealthy(_) => Place::NoneHealthy(at),
            _ => Place::Pool(at),
        };
    }
}

/// The endpoint a pool would use first: the first enabled and healthy one in
/// strategy order, else the first enabled one. Where chance has a say, the one it
/// favours.
pub fn active_endpoint<'p>(pool: &'p Pool, snapshot: &PoolSnapshot<'_>) -> Option<&'p Endpoint> {
    let enabled = pool.endpoints.iter().filter(|endpoint| endpoint.enabled);
    let first = enabled.clone().next();
    let mut healthy: Vec<Candidate<'p>> = enabled
        .map(|endpoint| Candidate {
            endpoint,
            place: Place::Named,
            seen: (snapshot.seen)(endpoint),
        })
        .filter(|candidate| candidate.seen.is_eligible())
        .collect();
    let preferred = order::prefer(pool, &mut healthy);
    preferred.map(|candidate| candidate.endpoint).or(first)
}

/// What keeps all endpoints of a model from answering: of several reasons, the
/// one that the most could be done about.
fn nothing_able(model: &str, refused: &[Refused<'_>]) -> NoRoute {
    if let Some(too_long) = too_long(model, refused.iter()) {
        return too_long;
    }
    let model = model.to_owned();
    let speaks = refused.iter().find_map(|refused| match refused.why {
        Refusal::Interface(speaks) => Some(speaks),
        _ => None,
    });
    match speaks {
        Some(speaks) => NoRoute::Interface { model, speaks },
        None => NoRoute::NothingEnabled { model },
    }
}

/// That a request fits into no window of those that refused it, if any did for that.
fn too_long<'r>(model: &str, refused: impl Iterator<Item = &'r Refused<'r>>) -> Option<NoRoute> {
    let exceeded = refused.filter_map(|refused| match refused.why {
        Refusal::Window(exceeded) => Some(exceeded),
        _ => None,
    });
    Some(NoRoute::Window {
        model: model.to_owned(),
        exceeded: exceeded.max_by_key(|exceeded| exceeded.limit_tokens)?,
        long_context: None,
    })
}
