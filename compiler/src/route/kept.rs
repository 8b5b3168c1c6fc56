//! A request that goes on with what an endpoint keeps.

use super::{
    Candidate, Decision, NoRoute, Place, PoolSnapshot, Refusal, Refused, RequestFeatures, longer,
    route, too_long, unable,
};
use crate::health::Seen;
use crate::plan::{Endpoint, Plan};

/// Decides as [`route`] does, and leaves only endpoints that `keeps` names: such a request is of
/// no use to others, and one that is named is asked even while it rests. Where its window is too
/// small, one that is named behind slot `longContext` is asked. Where no endpoint of the model is
/// named, or only one that is disabled, nothing changes.
///
/// # Errors
/// As [`route`], and [`NoRoute`] when all that are named are at their declared limit, or have
/// too small a window.
pub fn route_kept<'p>(
    plan: &'p Plan,
    features: &RequestFeatures<'_>,
    snapshot: &PoolSnapshot<'_>,
    keeps: &dyn Fn(&Endpoint) -> bool,
) -> Result<Decision<'p>, NoRoute> {
    let decision = route(plan, features, snapshot)?;
    let Decision {
        chosen,
        image_agent,
        instead_of,
        ..
    } = decision;
    match decision.kept_at(features, keeps) {
        Err(none @ NoRoute::Window { .. }) if instead_of.is_none() => {
            let longer = longer(plan, chosen, features, snapshot);
            let longer = longer.and_then(|longer| longer.kept_at(features, keeps).ok());
            let longer = longer.filter(|longer| longer.has_keeper(keeps));
            longer.ok_or(none).map(|longer| Decision {
                image_agent,
                ..longer
            })
        }
        kept => kept,
    }
}

impl Decision<'_> {
    fn has_keeper(&self, keeps: &dyn Fn(&Endpoint) -> bool) -> bool {
        self.candidates.iter().any(|it| keeps(it.endpoint))
    }

    fn kept_at(
        mut self,
        features: &RequestFeatures<'_>,
        keeps: &dyn Fn(&Endpoint) -> bool,
    ) -> Result<Self, NoRoute> {
        if !self.has_keeper(keeps) {
            let resting = |refused: &Refused<'_>| {
                matches!(refused.why, Refusal::Out(_)) && keeps(refused.endpoint)
            };
            let Some(at) = self.refused.iter().position(resting) else {
                return self.no_keeper(features, keeps).map_or(Ok(self), Err);
            };
            self.candidates.push(Candidate {
                endpoint: self.refused.remove(at).endpoint,
                place: Place::NoneHealthy(0),
                seen: Seen::UNUSED,
            });
        }
        let all = std::mem::take(&mut self.candidates);
        for candidate in all {
            if keeps(candidate.endpoint) {
                self.candidates.push(candidate);
            } else {
                self.refused.push(Refused {
                    endpoint: candidate.endpoint,
                    why: Refusal::Elsewhere,
                });
            }
        }
        Ok(self)
    }

    /// Why those that `keeps` names answer nothing, where waiting or a shorter request
    /// would help.
    fn no_keeper(
        &self,
        features: &RequestFeatures<'_>,
        keeps: &dyn Fn(&Endpoint) -> bool,
    ) -> Option<NoRoute> {
        let keepers = self.refused.iter().filter(|it| keeps(it.endpoint));
        let limited = keepers.clone().filter_map(|keeper| match keeper.why {
            Refusal::Limited { until_ms } => Some(until_ms),
            _ => None,
        });
        if let Some(until_ms) = limited.min() {
            return Some(NoRoute::AllLimited {
                model: self.model.to_owned(),
                until_ms,
            });
        }
        let chosen = self.chosen.endpoints().iter();
        let narrow = chosen.filter(|endpoint| keeps(endpoint) && self.instead_of.is_some());
        let narrow: Vec<Refused<'_>> = narrow
            .filter_map(|endpoint| {
                let why = unable(endpoint, features)?;
                Some(Refused { endpoint, why })
            })
            .collect();
        too_long(self.model, keepers).or_else(|| too_long(self.instead_of?, narrow.iter()))
    }
}
