//! On along the list: how many candidates of a decision a request may try. The
//! proxy and the simulation both walk by it.

use super::{Candidate, Decision, Place};
use crate::plan::{OnAllOpen, Pool, RetryBudget};

/// A request on its way along one decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    next: usize,
    attempts: u32,
    /// A retry was taken from the budget and not yet made.
    is_paid: bool,
    /// Candidates that had failed meanwhile, from the last to the first once all others
    /// were tried.
    out: Vec<usize>,
}

impl Walk {
    /// The candidate to try next, and whether although its endpoint is out; none when all
    /// were tried, or no further attempt is allowed. Where others were tried, a pool that
    /// fails open has those that failed meanwhile tried last: nothing else is left then.
    /// `retry` takes one retry from the pool's budget, if there is one.
    pub fn step<'d, 'p>(
        &mut self,
        decision: &'d Decision<'p>,
        retry: impl FnOnce(&RetryBudget) -> bool,
    ) -> Option<(&'d Candidate<'p>, bool)> {
        let count = decision.candidates.len();
        if self.next == count {
            self.out.reverse();
        }
        let (at, is_last) = match self.next < count {
            true => (self.next, false),
            false => (*self.out.last().filter(|_| self.may_go_on(decision))?, true),
        };
        let candidate = decision.candidates.get(at)?;
        if self.attempts > 0 && !self.is_paid {
            let pool = decision.pool?;
            if self.attempts > pool.max_retries || !retry(&pool.retry_budget) {
                return None;
            }
            self.is_paid = true;
        }
        self.next += 1;
        if is_last {
            self.out.pop();
        }
        Some((candidate, is_last || candidate.goes_regardless()))
    }

    fn may_go_on(&self, decision: &Decision<'_>) -> bool {
        let fails_open = |pool: &Pool| pool.on_all_open == OnAllOpen::FailOpen;
        self.attempts > 0 && decision.pool.is_some_and(fails_open)
    }

    /// Notes that the candidate was not let in, since it failed after the decision.
    pub fn passed_over(&mut self) {
        self.out.extend(self.next.checked_sub(1));
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
    fn goes_regardless(&self) -> bool {
        matches!(self.place, Place::Named | Place::NoneHealthy(_))
    }
}
