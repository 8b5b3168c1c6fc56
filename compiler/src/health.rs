//! What an endpoint's past says about it: failures, rest, an open circuit, latency.
//!
//! Everything here is a function of `now`, which the caller passes in
//! (milliseconds since the Unix epoch). A longer rest is never replaced by a
//! shorter one.

use std::collections::VecDeque;

use crate::plan::HealthPolicy;

/// Whether an endpoint may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// May be tried.
    Healthy,
    /// Rests after a failure.
    Cooldown {
        /// End of the rest.
        until_ms: u64,
    },
    /// Failed too often in a row.
    Open {
        /// End of the pause.
        until_ms: u64,
    },
}

impl Standing {
    /// The word the API uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Cooldown { .. } => "cooldown",
            Self::Open { .. } => "open",
        }
    }
}

/// The record of one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Failures in a row.
    pub failure_count: u32,
    /// Successes since the record began.
    pub success_count: u64,
    /// When it last failed.
    pub last_failure_at: Option<u64>,
    /// When it last succeeded.
    pub last_success_at: Option<u64>,
    cooldown_until: u64,
    open_until: u64,
    latencies_ms: VecDeque<u64>,
}

impl Health {
    /// Notes a failure: a rest, and an open circuit from the policy's count on.
    pub fn failed(&mut self, policy: &HealthPolicy, now: u64) {
        self.failure_count = self.failure_count.saturating_add(1);
        self.last_failure_at = Some(now);
        self.cooldown_until = self
            .cooldown_until
            .max(now.saturating_add(policy.cooldown_ms));
        if self.failure_count >= policy.failures_to_open {
            self.open_until = self.open_until.max(now.saturating_add(policy.open_ms));
        }
    }

    /// Notes a success and its latency; clears every rest.
    pub fn succeeded(&mut self, policy: &HealthPolicy, now: u64, latency_ms: u64) {
        self.failure_count = 0;
        self.success_count = self.success_count.saturating_add(1);
        self.last_success_at = Some(now);
        self.cooldown_until = 0;
        self.open_until = 0;
        self.latencies_ms.push_back(latency_ms);
        while self.latencies_ms.len() > policy.latency_window as usize {
            self.latencies_ms.pop_front();
        }
    }

    /// Whether it may be tried at `now`.
    pub fn standing(&self, now: u64) -> Standing {
        if self.open_until > now {
            Standing::Open {
                until_ms: self.open_until,
            }
        } else if self.cooldown_until > now {
            Standing::Cooldown {
                until_ms: self.cooldown_until,
            }
        } else {
            Standing::Healthy
        }
    }

    /// Mean of the kept latencies.
    pub fn average_latency_ms(&self) -> Option<f64> {
        let count = self.latencies_ms.len();
        (count > 0).then(|| self.latencies_ms.iter().sum::<u64>() as f64 / count as f64)
    }

    /// Kept latencies, oldest first.
    pub fn latencies_ms(&self) -> impl Iterator<Item = u64> {
        self.latencies_ms.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_rests_and_three_open() {
        let (policy, t) = (HealthPolicy::default(), 1_000_000);
        let mut health = Health::default();
        health.failed(&policy, t);
        assert_eq!(
            health.standing(t),
            Standing::Cooldown {
                until_ms: t + 60_000
            }
        );
        health.failed(&policy, t + 1_000);
        health.failed(&policy, t + 2_000);
        assert_eq!(
            health.standing(t + 2_000),
            Standing::Open {
                until_ms: t + 302_000
            }
        );
        assert_eq!(health.standing(t + 302_000), Standing::Healthy);
    }

    #[test]
    fn a_success_clears_and_the_window_is_bounded() {
        let policy = HealthPolicy::default();
        let mut health = Health::default();
        health.failed(&policy, 10);
        for latency in 0..30 {
            health.succeeded(&policy, 20, latency);
        }
        assert_eq!(health.standing(20), Standing::Healthy);
        assert_eq!(health.latencies_ms().count(), 20);
        assert_eq!(health.latencies_ms().next(), Some(10));
        assert_eq!(health.average_latency_ms(), Some(19.5));
    }
}
