//! A request that goes on with what an endpoint keeps.

use super::{Candidate, Decision, NoRoute, Place, Refusal, Refused, too_long};
use crate::health::Seen;
use crate::plan::Endpoint;

impl Decision<'_> {
    /// Leaves only endpoints that `keeps` names: a request that goes on with what
    /// an endpoint keeps is of no use to others, and that one is asked even while
    /// it rests. Where its window is too small, one that is named behind slot
    /// `longContext` is asked. Where no endpoint of the model is named, or only one that is
    /// disabled, nothing changes.
    ///
    /// # Errors
    /// [`NoRoute`] when all that are named are at their declared limit, or have too small
    /// a window.
    pub fn kept_at(mut self, keeps: &dyn Fn(&Endpoint) -> bool) -> Result<Self, NoRoute> {
        let named = |candidate: &Candidate<'_>| keeps(candidate.endpoint);
        if !self.candidates.iter().any(named) {
            let resting = |refused: &Refused<'_>| {
                matches!(refused.why, Refusal::Out(_)) && keeps(refused.endpoint)
            };
            let Some(at) = self.refused.iter().position(resting) else {
                return self.without_keeper(keeps);
            };
            self.candidates.push(Candidate {
                endpoint: self.refused.remove(at).endpoint,
                place: Place::NoneHealthy(0),
                seen: Seen::UNUSED,
            });
        }
        let all = std::mem::take(&mut self.candidates);
        for candidate in all {
            if named(&candidate) {
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

    /// What is left where no endpoint that `keeps` names may be asked.
    fn without_keeper(mut self, keeps: &dyn Fn(&Endpoint) -> bool) -> Result<Self, NoRoute> {
        let Some(none) = self.no_keeper(keeps) else {
            return Ok(self);
        };
        let longer = match none {
            NoRoute::Window { .. } => self.longer.take(),
            _ => None,
        };
        let longer = longer.and_then(|longer| longer.kept_at(keeps).ok());
        let named = |it: &Self| it.candidates.iter().any(|it| keeps(it.endpoint));
        longer.filter(named).ok_or(none)
    }

    /// Why those that `keeps` names answer nothing, where waiting or a shorter request
    /// would help.
    fn no_keeper(&self, keeps: &dyn Fn(&Endpoint) -> bool) -> Option<NoRoute> {
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
        let narrow = self.narrow.iter().filter(|it| keeps(it.endpoint));
        too_long(self.model, keepers).or_else(|| too_long(self.instead_of?, narrow))
    }
}
