//! The record of an endpoint as a process leaves it for the next one. Names are
//! those of claude-trigger-router's `model-pool-health.json`, whose file is read
//! as well; what that has not is left out where it says nothing.

use serde::{Deserialize, Serialize};

use super::{Failure, Health, Rates, Sample};
use crate::plan::HealthPolicy;

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    /// The pool.
    pub model_id: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// Where it was called, without what must not be shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub api: Option<String>,
    /// What its upstream called the model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// Failures in a row.
    #[serde(default)]
    pub failure_count: u32,
    /// Successes since the record began.
    #[serde(default)]
    pub success_count: u64,
    /// When it last failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_failure_at: Option<u64>,
    /// When it last succeeded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_success_at: Option<u64>,
    /// What it last failed of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_failure: Option<Failure>,
    /// End of its rest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cooldown_until: Option<u64>,
    /// End of its pause; one that is over says that it is half-open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub circuit_open_until: Option<u64>,
    /// A deadline that the upstream named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_until: Option<u64>,
    /// The latency window.
    #[serde(default)]
    pub latency_samples: Vec<Sample>,
    /// What went to an endpoint with a declared limit in its last minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_minute: Option<Rates>,
}

impl Saved {
    /// Writes a record down.
    pub fn of(health: &Health, model_id: &str, endpoint_id: &str) -> Self {
        let set = |until: u64| (until > 0).then_some(until);
        Self {
            model_id: model_id.to_owned(),
            endpoint_id: endpoint_id.to_owned(),
            api: None,
            model: None,
            failure_count: health.failure_count,
            success_count: health.success_count,
            last_failure_at: health.last_failure_at,
            last_success_at: health.last_success_at,
            last_failure: health.last_failure,
            cooldown_until: set(health.cooldown_until),
            circuit_open_until: set(health.open_until),
            retry_after_until: set(health.told_until),
            latency_samples: health.latencies.all().collect(),
            last_minute: None,
        }
    }

    /// The record again. No deadline is farther ahead than the policy could have
    /// set it, and nothing happened after `now`, whatever the file says; the deadlines of a
    /// clock that was ahead are forgotten. A refused key
    /// may have been put right since: the next request is the trial that shows it.
    pub fn restore(&self, policy: &HealthPolicy, now: u64) -> Health {
        let told = policy.retry_after_max_ms;
        let until = |written: Option<u64>, longest: u64| {
            let longest = now.saturating_add(longest.max(told));
            written.unwrap_or(0).min(longest)
        };
        let is_refused = self.last_failure == Some(Failure::Credential);
        let rest = |written, longest| match until(written, longest) {
            ahead if is_refused => ahead.min(now.max(until(self.retry_after_until, told))),
            ahead => ahead,
        };
        let past = |at: Option<u64>| at.filter(|at| *at <= now);
        let mut health = Health {
            failure_count: self.failure_count,
            success_count: self.success_count,
            last_failure_at: self.last_failure_at,
            last_success_at: past(self.last_success_at),
            last_failure: self.last_failure,
            cooldown_until: rest(self.cooldown_until, policy.cooldown_ms),
            open_until: rest(
                self.circuit_open_until,
                policy.open_ms.max(policy.cooldown_ms),
            ),
            told_until: until(self.retry_after_until, told),
            ..Health::default()
        };
        if !health.is_of_this_clock(now) {
            health.forget_deadlines();
        }
        health.last_failure_at = past(self.last_failure_at);
        let kept = self
            .latency_samples
            .iter()
            .rev()
            .take(policy.latency_window as usize);
        let kept: Vec<&Sample> = kept.filter(|sample| sample.recorded_at <= now).collect();
        for sample in kept.into_iter().rev() {
            health
                .latencies
                .push(policy, sample.recorded_at, sample.latency_ms);
        }
        health
    }
}
