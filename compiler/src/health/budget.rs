//! The retry budget of a pool: a part of its requests, and a floor.

use super::sliding::Sliding;
use crate::plan::RetryBudget;

/// Requests and retries of a pool in the last seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    requests: Sliding,
    retries: Sliding,
}

impl Budget {
    /// Counts a request, whatever becomes of it.
    pub fn request(&mut self, terms: &RetryBudget, now: u64) {
        self.requests.add(width(terms), now, 1);
    }

    /// Takes one retry, if the budget has one.
    pub fn retry(&mut self, terms: &RetryBudget, now: u64) -> bool {
        let width = width(terms);
        let floor = u64::from(terms.min_per_second) * u64::from(terms.window_seconds);
        let requests = self.requests.sum(width, now);
        let part = requests.saturating_mul(u64::from(terms.percent)) / 100;
        let allowed = self.retries.sum(width, now) < floor.saturating_add(part);
        if allowed {
            self.retries.add(width, now, 1);
        }
        allowed
    }
}

fn width(terms: &RetryBudget) -> u64 {
    u64::from(terms.window_seconds) * 1_000
}
