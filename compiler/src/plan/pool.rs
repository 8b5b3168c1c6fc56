//! A pool: its members, and every number that decides which of them is tried,
//! how often, and when one counts as out.

use serde::{Deserialize, Serialize};

use super::Endpoint;
use super::words::words;

/// A pool: endpoints that can each answer for one logical model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Members sorted by (priority, id).
    pub endpoints: Vec<Endpoint>,
    /// Whether an endpoint at its declared limit is skipped.
    pub enforce_rate_limits: bool,
    /// When an endpoint counts as out.
    pub health: HealthPolicy,
    /// Attempts after the first that one request may have.
    pub max_retries: u32,
    /// What happens when no endpoint is healthy.
    pub on_all_open: OnAllOpen,
    /// How many of all requests may be tried again.
    pub retry_budget: RetryBudget,
    /// How members are ordered for a request.
    pub strategy: Strategy,
}

impl Pool {
    /// Where the numbers of a pool stand in the plan, in the order a review reads
    /// them; members are apart.
    pub const SETTINGS: &'static [&'static str] = &[
        "strategy",
        "on_all_open",
        "max_retries",
        "enforce_rate_limits",
        "retry_budget.percent",
        "retry_budget.min_per_second",
        "retry_budget.window_seconds",
        "health.cooldown_ms",
        "health.failures_to_open",
        "health.open_ms",
        "health.half_open_trials",
        "health.retry_after_max_ms",
        "health.latency_window",
        "health.latency_max_age_ms",
        "health.ewma_decay_ms",
    ];

    /// The value of each of [`Pool::SETTINGS`], in their order.
    pub fn settings(&self) -> [(&'static str, String); Self::SETTINGS.len()] {
        // Taken apart by name, so that a new value cannot be forgotten here.
        let Self {
            endpoints: _,
            enforce_rate_limits,
            health,
            max_retries,
            on_all_open,
            retry_budget,
            strategy,
        } = self;
        let HealthPolicy {
            cooldown_ms,
            ewma_decay_ms,
            failures_to_open,
            half_open_trials,
            latency_max_age_ms,
            latency_window,
            open_ms,
            retry_after_max_ms,
        } = health;
        let RetryBudget {
            min_per_second,
            percent,
            window_seconds,
        } = retry_budget;
        let values = [
            strategy.to_string(),
            on_all_open.to_string(),
            max_retries.to_string(),
            enforce_rate_limits.to_string(),
            percent.to_string(),
            min_per_second.to_string(),
            window_seconds.to_string(),
            cooldown_ms.to_string(),
            failures_to_open.to_string(),
            open_ms.to_string(),
            half_open_trials.to_string(),
            retry_after_max_ms.to_string(),
            latency_window.to_string(),
            latency_max_age_ms.to_string(),
            ewma_decay_ms.to_string(),
        ];
        let mut names = Self::SETTINGS.iter();
        values.map(|value| (names.next().copied().unwrap_or_default(), value))
    }
}

/// When an endpoint counts as out, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthPolicy {
    /// Rest after one failure.
    pub cooldown_ms: u64,
    /// Time in which the moving average of `p2c-ewma` forgets half of a latency.
    pub ewma_decay_ms: u64,
    /// Consecutive failures that open the circuit.
    pub failures_to_open: u32,
    /// Requests at a time that an endpoint gets once it was open long enough.
    pub half_open_trials: u32,
    /// Age from which a latency sample does not count.
    pub latency_max_age_ms: u64,
    /// Latency samples that are kept.
    pub latency_window: u32,
    /// How long an open circuit stays open.
    pub open_ms: u64,
    /// Longest rest an upstream can ask for.
    pub retry_after_max_ms: u64,
}

impl Default for HealthPolicy {
    /// The constants of claude-trigger-router 1.7.0 (60 s, 3, 300 s, 20 samples), and
    /// for what it does not have: samples of ten minutes, one trial, rests of an
    /// hour at most, and the ten seconds of Finagle's `PeakEwma`.
    fn default() -> Self {
        Self {
            cooldown_ms: 60_000,
            ewma_decay_ms: 10_000,
            failures_to_open: 3,
            half_open_trials: 1,
            latency_max_age_ms: 600_000,
            latency_window: 20,
            open_ms: 300_000,
            retry_after_max_ms: 3_600_000,
        }
    }
}

/// How many requests of a pool may be tried again, so that a pool in trouble is
/// not asked for a multiple of what its callers ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryBudget {
    /// Retries a second that are always allowed.
    pub min_per_second: u32,
    /// Retries for each hundred requests.
    pub percent: u32,
    /// Over how long both are counted.
    pub window_seconds: u32,
}

impl Default for RetryBudget {
    /// The defaults of Finagle's `RetryBudget`: a fifth, and 10 a second, over 10 s.
    fn default() -> Self {
        Self {
            min_per_second: 10,
            percent: 20,
            window_seconds: 10,
        }
    }
}

/// Attempts after the first, unless a document says otherwise.
pub(super) const MAX_RETRIES: u32 = 2;

words! {
    /// How a pool orders its endpoints.
    Strategy {
        /// By declared priority.
        Priority = "priority",
        /// By average latency.
        LeastLatency = "least-latency",
        /// Least recently used first.
        RoundRobin = "round-robin",
        /// By status, failures, latency.
        HealthAware = "health-aware",
        /// By declared cost.
        CostAware = "cost-aware",
        /// The less loaded of two that chance picks.
        P2cEwma = "p2c-ewma",
        /// By chance, in proportion to declared weights.
        Weighted = "weighted",
    }
}

impl Strategy {
    /// Whether it spreads requests over all healthy endpoints, instead of
    /// preferring one.
    pub fn spreads(self) -> bool {
        match self {
            Self::RoundRobin | Self::P2cEwma | Self::Weighted => true,
            Self::Priority | Self::LeastLatency | Self::HealthAware | Self::CostAware => false,
        }
    }
}

words! {
    /// What happens when no endpoint of a pool is healthy.
    OnAllOpen {
        /// They are tried all the same.
        FailOpen = "fail_open",
        /// Requests are refused until one may be tried again.
        Reject = "reject",
    }
}
