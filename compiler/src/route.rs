//! The one decision: which endpoints may answer a request, in which order, and why.
//!
//! No clock, no chance, no I/O: the caller supplies what it knows about
//! endpoints. Preview prints this, the proxy obeys it and walks on along the
//! same list when an endpoint fails; there is no second path that decides.
//!
//! In this version a request goes to the model it names, else to the default
//! slot. The other slots are compiled and shown, and not yet asked.

use crate::diagnostic::nearest;
use crate::health::Standing;
use crate::plan::{Endpoint, Interface, Plan, Pool, Slot, Target};

/// What the decision looks at in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFeatures<'r> {
    /// Protocol the client speaks.
    pub interface: Interface,
    /// The `model` the client asked for.
    pub model: Option<&'r str>,
}

/// What is known about endpoints at the moment of the decision.
#[derive(Clone, Copy)]
pub struct PoolSnapshot<'s> {
    standing: &'s dyn Fn(&Endpoint) -> Standing,
}

impl<'s> PoolSnapshot<'s> {
    /// A snapshot that answers from `standing`, which must give the same answer
    /// for the same endpoint throughout one decision.
    pub fn new(standing: &'s dyn Fn(&Endpoint) -> Standing) -> Self {
        Self { standing }
    }

    /// Every endpoint is healthy: what a plan alone can say.
    pub fn all_healthy() -> Self {
        Self {
            standing: &|_| Standing::Healthy,
        }
    }
}

/// How the logical model was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The request named it.
    ExplicitModel,
    /// The request named nothing known; this slot took it.
    Slot(Slot),
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
}

/// Why an endpoint is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Switched off in the registration.
    Disabled,
    /// Speaks another protocol than the client.
    Interface(Interface),
    /// Rests or is open.
    Out(Standing),
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
    pub source: Source,
    /// Never empty; first choice first.
    pub candidates: Vec<Candidate<'p>>,
    /// The rest, with reasons.
    pub refused: Vec<Refused<'p>>,
}

/// Why a request can go nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing of this name, and no default.
    UnknownModel {
        /// The known id nearest to it.
        nearest: Option<String>,
    },
    /// The chosen model is not spoken in the client's protocol.
    Interface {
        /// The chosen model.
        model: String,
        /// What it speaks.
        speaks: Interface,
    },
    /// Every endpoint behind the chosen model is disabled.
    NothingEnabled {
        /// The chosen model.
        model: String,
    },
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
    let (target, source) = choose(plan, features)?;
    let (model, pool, endpoints) = match target {
        Target::Model(id, endpoint) => (id, None, std::slice::from_ref(endpoint)),
        Target::Endpoint(endpoint) => (endpoint.id.as_str(), None, std::slice::from_ref(endpoint)),
        Target::Pool(id, pool) => (id, Some(pool), pool.endpoints.as_slice()),
    };
    let mut refused = Vec::new();
    let mut able: Vec<&Endpoint> = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        if !endpoint.enabled {
            refused.push(Refused {
                endpoint,
                why: Refusal::Disabled,
            });
        } else if endpoint.interface != features.interface {
            refused.push(Refused {
                endpoint,
                why: Refusal::Interface(endpoint.interface),
            });
        } else {
            able.push(endpoint);
        }
    }
    if able.is_empty() {
        return Err(nothing_able(model, endpoints));
    }
    if pool.is_none() {
        let candidates = able
            .iter()
            .map(|endpoint| Candidate {
                endpoint,
                place: Place::Named,
            })
            .collect();
        return Ok(Decision {
            model,
            pool,
            source,
            candidates,
            refused,
        });
    }
    let standings: Vec<Standing> = able
        .iter()
        .map(|endpoint| (snapshot.standing)(endpoint))
        .collect();
    let none_healthy = standings
        .iter()
        .all(|standing| *standing != Standing::Healthy);
    let mut candidates = Vec::with_capacity(able.len());
    // Pool members are sorted by (priority, id), which is the order of the priority strategy.
    for (endpoint, standing) in able.into_iter().zip(standings) {
        if none_healthy {
            candidates.push(Candidate {
                endpoint,
                place: Place::NoneHealthy(candidates.len()),
            });
        } else if standing == Standing::Healthy {
            candidates.push(Candidate {
                endpoint,
                place: Place::Pool(candidates.len()),
            });
        } else {
            refused.push(Refused {
                endpoint,
                why: Refusal::Out(standing),
            });
        }
    }
    Ok(Decision {
        model,
        pool,
        source,
        candidates,
        refused,
    })
}

/// The endpoint a pool would use first: the first enabled and healthy one in
/// strategy order, else the first enabled one.
pub fn active_endpoint<'p>(pool: &'p Pool, snapshot: &PoolSnapshot<'_>) -> Option<&'p Endpoint> {
    let mut enabled = pool.endpoints.iter().filter(|endpoint| endpoint.enabled);
    let first = enabled.clone().next();
    enabled
        .find(|endpoint| (snapshot.standing)(endpoint) == Standing::Healthy)
        .or(first)
}

fn choose<'p>(
    plan: &'p Plan,
    features: &RequestFeatures<'_>,
) -> Result<(Target<'p>, Source), NoRoute> {
    if let Some(target) = features.model.and_then(|asked| plan.resolve(asked)) {
        return Ok((target, Source::ExplicitModel));
    }
    let default = plan
        .router
        .slots
        .get(&Slot::Default)
        .and_then(|name| plan.resolve(name));
    default
        .map(|target| (target, Source::Slot(Slot::Default)))
        .ok_or_else(|| NoRoute::UnknownModel {
            nearest: features
                .model
                .and_then(|asked| nearest(asked, plan.logical_ids()))
                .map(str::to_owned),
        })
}

fn nothing_able(model: &str, endpoints: &[Endpoint]) -> NoRoute {
    match endpoints.iter().find(|endpoint| endpoint.enabled) {
        Some(other) => NoRoute::Interface {
            model: model.to_owned(),
            speaks: other.interface,
        },
        None => NoRoute::NothingEnabled {
            model: model.to_owned(),
        },
    }
}
