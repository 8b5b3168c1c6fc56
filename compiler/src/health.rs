//! What an endpoint's past says about it: failures, rest, an open circuit, trials.
//!
//! Everything here is a function of `now`, which the caller passes in
//! (milliseconds since the Unix epoch). The proxy keeps one [`Observed`] for each
//! endpoint, and a simulation keeps the same on a virtual clock. A longer rest is
//! never replaced by a shorter one.

mod budget;
mod latency;
mod observed;
mod rates;
mod saved;
mod sliding;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::plan::{HealthPolicy, words};

pub use budget::Budget;
pub use latency::{Latencies, Sample};
pub use observed::{NotNow, Observed, Permit, Seen, Terms};
pub use rates::Rates;
pub use saved::Saved;

words! {
    /// What an attempt at an endpoint failed of.
    Failure {
        /// No connection.
        Connect = "connect",
        /// The connection broke before the answer could be judged, or was no longer HTTP.
        Network = "network",
        /// Nothing came in the time the plan allows.
        Timeout = "timeout",
        /// The upstream does not take the plan's key.
        Credential = "credential",
        /// The upstream says that it was asked too often.
        RateLimit = "rate_limit",
        /// Any other status that counts against the endpoint.
        Status = "status",
        /// An event of the stream is an error.
        ErrorEvent = "error_event",
        /// The stream ended without any event.
        NoEvent = "no_event",
        /// A probe got no answer, or one of 500 and above.
        Probe = "probe",
    }
}

/// Whether an endpoint may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Standing {
    /// May be tried.
    Healthy,
    /// Was open long enough; a success makes it healthy, a failure opens it again.
    HalfOpen {
        /// Trials that may begin now.
        trials: u32,
    },
    /// Rests after a failure.
    Cooldown {
        /// End of the rest.
        until_ms: u64,
    },
    /// Failed too often in a row, or with its key.
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
            Self::HalfOpen { .. } => "half-open",
            Self::Cooldown { .. } => "cooldown",
            Self::Open { .. } => "open",
        }
    }

    /// Whether a request may go there.
    pub fn is_eligible(self) -> bool {
        match self {
            Self::Healthy => true,
            Self::HalfOpen { trials } => trials > 0,
            Self::Cooldown { .. } | Self::Open { .. } => false,
        }
    }

    /// When it may be tried again; none where only a trial that runs is in the way.
    pub fn until_ms(self) -> Option<u64> {
        match self {
            Self::Cooldown { until_ms } | Self::Open { until_ms } => Some(until_ms),
            Self::Healthy | Self::HalfOpen { .. } => None,
        }
    }
}

words! {
    /// Why an endpoint is out.
    Reason {
        /// The upstream does not take its key.
        Credential = "credential",
        /// The upstream said when to come back.
        RetryAfter = "retry_after",
        /// It failed.
        Failures = "failures",
        /// It is half-open, and all its trials run.
        Trials = "trials",
        /// It is at its declared limit.
        RateLimit = "rate_limit",
    }
}

/// The record of one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Failures in a row as they were counted; [`Health::failures`] forgets old ones.
    pub failure_count: u32,
    /// Successes since the record began.
    pub success_count: u64,
    /// When it last failed.
    pub last_failure_at: Option<u64>,
    /// When it last succeeded.
    pub last_success_at: Option<u64>,
    /// What it last failed of.
    pub last_failure: Option<Failure>,
    /// Latencies of successes: to the first event of a stream, to the end
    /// of any other answer.
    pub latencies: Latencies,
    cooldown_until: u64,
    /// Stays when it is over, until a success: that is what half-open means.
    open_until: u64,
    /// A deadline that the upstream named, or 0.
    told_until: u64,
    /// Trials that run.
    trials: u32,
    /// Counts openings, so that a trial of an earlier one ends nothing.
    opening: u32,
}

/// A trial of a half-open endpoint.
#[derive(Debug, PartialEq, Eq)]
pub struct Trial {
    opening: u32,
}

impl Health {
    /// Notes a failure of a request that was sent at `sent`. `told_ms` is how long
    /// the upstream asked to be left alone, if it did; it stands in place of the
    /// policy's own rests, bounded by it.
    ///
    /// A refused key opens at once, a failed trial again, anything else from the
    /// policy's count on. Requests that ran side by side when one of them failed are
    /// one failure in the count: twenty that break off together tell no more than
    /// one does.
    pub fn failed(
        &mut self,
        policy: &HealthPolicy,
        now: u64,
        sent: u64,
        failure: Failure,
        told_ms: Option<u64>,
    ) {
        let told_ms = told_ms
            .map(|ms| ms.min(policy.retry_after_max_ms))
            .filter(|ms| *ms > 0);
        let was_open = self.open_until > 0;
        if !self.is_of_this_clock(now) {
            self.forget_deadlines();
        }
        let is_new = self.has_failed_before(sent, now);
        self.failure_count = self
            .failures(policy, now)
            .saturating_add(u32::from(is_new))
            .max(1);
        self.last_failure_at = Some(now);
        // A probe sends no key, so it does not show that a refused one would be taken.
        let tells_less = failure == Failure::Probe && self.open_until > now;
        if !(tells_less && self.last_failure == Some(Failure::Credential)) {
            self.last_failure = Some(failure);
        }
        if let Some(ms) = told_ms {
            self.told_until = self.told_until.max(now.saturating_add(ms));
        }
        let rest = now.saturating_add(told_ms.unwrap_or(policy.cooldown_ms));
        self.cooldown_until = self.cooldown_until.max(rest);
        let opens = was_open
            || failure == Failure::Credential
            || self.failure_count >= policy.failures_to_open;
        if opens {
            let pause = now.saturating_add(told_ms.unwrap_or(policy.open_ms));
            // 0 would say that it never was open.
            let pause = pause.max(self.cooldown_until).max(1);
            self.open_until = self.open_until.max(pause);
            self.begin_opening();
        }
    }

    /// Notes a success of a request that was sent at `sent`, and its latency. It
    /// clears every rest, unless the request is older than the last failure: then it
    /// says nothing of what came after.
    pub fn succeeded(&mut self, policy: &HealthPolicy, now: u64, sent: u64, latency_ms: u64) {
        self.success_count = self.success_count.saturating_add(1);
        self.last_success_at = Some(now);
        self.latencies.push(policy, now, latency_ms);
        if self.has_failed_before(sent, now) {
            self.failure_count = 0;
            self.cooldown_until = 0;
            self.open_until = 0;
            self.told_until = 0;
            self.begin_opening();
        }
    }

    /// Notes that a probe got an answer. An endpoint that is open for its failures
    /// becomes half-open; one whose key is refused, or that was told when to come
    /// back, does not, since a probe tries neither. Nothing else changes.
    pub fn probed(&mut self, now: u64) {
        let blocked =
            self.last_failure == Some(Failure::Credential) || self.is_ahead(self.told_until, now);
        if self.is_ahead(self.open_until, now) && !blocked {
            self.open_until = now.max(1);
            self.cooldown_until = self.cooldown_until.min(now);
        }
    }

    /// Notes that it is asked with another key from now on: that the one before was
    /// refused says nothing of this one. A deadline that the upstream named stays.
    pub fn has_another_key(&mut self) {
        if self.last_failure == Some(Failure::Credential) {
            self.failure_count = 0;
            self.cooldown_until = self.told_until;
            self.open_until = 0;
            self.begin_opening();
        }
    }

    /// Whether it may be tried at `now`.
    pub fn standing(&self, policy: &HealthPolicy, now: u64) -> Standing {
        if self.is_ahead(self.open_until, now) {
            Standing::Open {
                until_ms: self.open_until,
            }
        } else if self.is_ahead(self.cooldown_until, now) {
            Standing::Cooldown {
                until_ms: self.cooldown_until,
            }
        } else if self.open_until > 0 {
            Standing::HalfOpen {
                trials: policy.half_open_trials.saturating_sub(self.trials),
            }
        } else {
            Standing::Healthy
        }
    }

    /// Why it is out at `now`, where it is.
    pub fn reason(&self, policy: &HealthPolicy, now: u64) -> Option<Reason> {
        match self.standing(policy, now) {
            Standing::Healthy => None,
            Standing::HalfOpen { trials } => (trials == 0).then_some(Reason::Trials),
            standing @ (Standing::Cooldown { .. } | Standing::Open { .. }) => {
                // A refused key opens, so what only rests has another.
                let is_open = matches!(standing, Standing::Open { .. });
                Some(
                    if is_open && self.last_failure == Some(Failure::Credential) {
                        Reason::Credential
                    } else if self.is_ahead(self.told_until, now) {
                        Reason::RetryAfter
                    } else {
                        Reason::Failures
                    },
                )
            }
        }
    }

    /// Failures in a row at `now`. They are forgotten once an endpoint that never
    /// opened has been left alone for as long as it would have been open, so that
    /// a failure of yesterday opens nothing today.
    pub fn failures(&self, policy: &HealthPolicy, now: u64) -> u32 {
        let forgotten = |failed: u64| {
            self.open_until == 0
                && self.cooldown_until <= now
                && failed.saturating_add(policy.open_ms) <= now
        };
        match self.last_failure_at {
            Some(failed) if forgotten(failed) => 0,
            _ => self.failure_count,
        }
    }

    /// The ends of rest and pause, where they are ahead of `now`.
    pub fn deadlines(&self, now: u64) -> (Option<u64>, Option<u64>) {
        let ahead = |until: u64| self.is_ahead(until, now).then_some(until);
        (ahead(self.cooldown_until), ahead(self.open_until))
    }

    /// Begins a trial, if the endpoint is half-open and one is free.
    pub fn begin_trial(&mut self, policy: &HealthPolicy, now: u64) -> Option<Trial> {
        match self.standing(policy, now) {
            Standing::HalfOpen { trials } if trials > 0 => {
                self.trials = self.trials.saturating_add(1);
                Some(Trial {
                    opening: self.opening,
                })
            }
            _ => None,
        }
    }

    /// Ends a trial, however it went.
    pub fn end_trial(&mut self, trial: &Trial) {
        if trial.opening == self.opening {
            self.trials = self.trials.saturating_sub(1);
        }
    }

    /// Whether a deadline is to be waited for at `now`.
    fn is_ahead(&self, until: u64, now: u64) -> bool {
        until > now && self.is_of_this_clock(now)
    }

    /// Whether the record was written by the clock that says `now`: where its last failure is
    /// still to come, the clock was set back, and nobody knows when its deadlines are. What
    /// was noted while somebody decided is not such a failure.
    fn is_of_this_clock(&self, now: u64) -> bool {
        const SIDE_BY_SIDE_MS: u64 = 1_000;
        let latest = now.saturating_add(SIDE_BY_SIDE_MS);
        self.last_failure_at.is_none_or(|failed| failed <= latest)
    }

    /// That it was open stays.
    fn forget_deadlines(&mut self) {
        (self.cooldown_until, self.told_until) = (0, 0);
        self.open_until = self.open_until.min(1);
    }

    /// Whether the last failure, if there was one, was known when a request was sent.
    fn has_failed_before(&self, sent: u64, now: u64) -> bool {
        self.last_failure_at.is_none_or(|failed| failed <= sent) || !self.is_of_this_clock(now)
    }

    fn begin_opening(&mut self) {
        self.trials = 0;
        self.opening = self.opening.wrapping_add(1);
    }
}
