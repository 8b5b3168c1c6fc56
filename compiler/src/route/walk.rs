//! On along the list: how many candidates of a decision a request may try. The
//! proxy and the simulation both walk by it.

use super::{Candidate, Decision, Place};
use crate::plan::RetryBudget;

/// A request on its way along one decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    next: usize,
    attempts: u32,
    /// A retry was taken from the budget and not yet made.
    is_paid: bool,
}

impl Walk {
    /// The candidate to try next; none when all were tried, or no further attempt
    /// is allowed. `retry` takes one retry from the pool's budget, if there is one.
    pub fn step<'d, 'p>(
        &mut self,
        decision: &'d Decision<'p>,
        retry: impl FnOnce(&RetryBudget) -> bool,
    ) -> Option<&'d Candidate<'p>> {
        let candidate = decision.candidates.get(self.next)?;
        if self.attempts > 0 && !self.is_paid {
            let pool = decision.pool?;
            if self.attempts > pool.max_retries || !retry(&pool.retry_budget) {
                return None;
            }
            self.is_paid = true;
        }
        self.next += 1;
        Some(candidate)
    }

    /// Notes that the candidate was let in, and is tried.
    pub fn attempted(&mut self) {
        self.attempts += 1;
        self.is_paid = false;
    }

    /// Attempts so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl Candidate<'_> {
    /// Whether it is tried although its endpoint is out: it was named, or its pool
    /// has no other.
    pub fn goes_regardless(&self) -> bool {
        matches!(self.place, Place::Named | Place::NoneHealthy(_))
    }
}
