//! Declared limits: how many requests and tokens went to an endpoint in the last
//! minute, and whether one more may.

use serde::{Deserialize, Serialize};

use super::sliding::Sliding;
use crate::plan::RateLimit;

const MINUTE_MS: u64 = 60_000;

/// What went to an endpoint. No minute ever holds more than is declared, as long
/// as the tokens of a request are not more than was said when it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    requests: Sliding,
    tokens: Sliding,
}

impl Rates {
    /// Until when a request of so many tokens has to wait; none if it may go now.
    /// A request that is larger than a whole minute's tokens may go alone.
    pub fn limited_until(&self, limit: &RateLimit, now: u64, tokens: u64) -> Option<u64> {
        let of = |counted: &Sliding, limit: Option<u64>, amount: u64| {
            let most = limit?.saturating_sub(amount);
            (counted.sum(MINUTE_MS, now) > most).then(|| counted.falls_to(MINUTE_MS, now, most))
        };
        let requests = of(&self.requests, limit.rpm, 1);
        requests.max(of(&self.tokens, limit.tpm, tokens))
    }

    /// Counts a request that goes now.
    pub fn begin(&mut self, now: u64, tokens: u64) {
        self.requests.add(MINUTE_MS, now, 1);
        self.tokens.add(MINUTE_MS, now, tokens);
    }

    /// Takes back a request that was counted when it began and never went.
    pub fn take_back(&mut self, began: u64, tokens: u64) {
        self.requests.take_back(MINUTE_MS, began, 1);
        self.tokens.take_back(MINUTE_MS, began, tokens);
    }

    /// Puts the tokens that were really used in place of those that were expected when
    /// the request began. What it used beyond counts from now on.
    pub fn settle(&mut self, began: u64, now: u64, expected: u64, used: u64) {
        if used >= expected {
            self.tokens.add(MINUTE_MS, now, used - expected);
        } else {
            self.tokens.take_back(MINUTE_MS, began, expected - used);
        }
    }
}
