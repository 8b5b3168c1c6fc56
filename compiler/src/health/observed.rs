//! Everything that is known about one endpoint, and a request's way in and out.

use serde::{Deserialize, Serialize};

use super::{Failure, Health, Rates, Reason, Saved, Standing, Trial};
use crate::plan::{HealthPolicy, Pool, RateLimit};

/// What the plan says about an endpoint's health.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// When it counts as out.
    pub policy: HealthPolicy,
    /// Limits that are enforced.
    pub limit: Option<RateLimit>,
}

impl Terms {
    /// The terms of an endpoint of `pool` with these declared limits.
    pub fn in_pool(pool: &Pool, declared: Option<&RateLimit>) -> Self {
        Self {
            policy: pool.health.clone(),
            limit: declared.filter(|_| pool.enforce_rate_limits).cloned(),
        }
    }
}

/// What a decision looks at in an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Whether it may be tried.
    pub standing: Standing,
    /// Failures in a row.
    pub failures: u32,
    /// Mean of the latencies that count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub average_ms: Option<f64>,
    /// The moving average of its latency.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ewma_ms: Option<f64>,
    /// Requests that run there.
    pub in_flight: u32,
    /// The number of the latest request that went there, among all of the process; 0 for none.
    pub last_used: u64,
    /// Until when it is at its declared limit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limited_until: Option<u64>,
}

impl Seen {
    /// Healthy, and nothing else is known: what a plan alone can say.
    pub const UNUSED: Self = Self {
        standing: Standing::Healthy,
        failures: 0,
        average_ms: None,
        ewma_ms: None,
        in_flight: 0,
        last_used: 0,
        limited_until: None,
    };

    /// Whether a request may go there.
    pub fn is_eligible(&self) -> bool {
        self.limited_until.is_none() && self.standing.is_eligible()
    }
}

/// Why a request may not go to an endpoint although it was chosen: others were faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// All trials run.
    Trials,
    /// It failed meanwhile, and is out until then.
    Out(u64),
    /// It is at its limit until then.
    Limited(u64),
}

/// A request at an endpoint. It is given back by [`Observed::leave`].
#[derive(Debug)]
#[must_use = "a request that enters has to leave"]
pub struct Permit {
    trial: Option<Trial>,
    sent: u64,
    /// Tokens that were counted for it.
    tokens: u64,
}

/// Everything that is known about one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// How it fared.
    pub health: Health,
    rates: Rates,
    in_flight: u32,
    last_used: u64,
}

impl Observed {
    /// As an earlier process left it; see [`Saved::restore`].
    pub fn restored(saved: &Saved, policy: &HealthPolicy, now: u64) -> Self {
        Self {
            health: saved.restore(policy, now),
            rates: saved.last_minute.clone().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Writes it down for the next process.
    pub fn saved(&self, model_id: &str, endpoint_id: &str) -> Saved {
        let counted = (self.rates != Rates::default()).then(|| self.rates.clone());
        Saved {
            last_minute: counted,
            ..Saved::of(&self.health, model_id, endpoint_id)
        }
    }

    /// What a decision about a request of so many tokens looks at.
    pub fn seen(&self, terms: &Terms, now: u64, tokens: u64) -> Seen {
        let Terms { policy, limit } = terms;
        let limit = limit.as_ref();
        Seen {
            standing: self.health.standing(policy, now),
            failures: self.health.failures(policy, now),
            average_ms: self.health.latencies.average_ms(policy, now),
            ewma_ms: self.health.latencies.ewma_ms(policy, now),
            in_flight: self.in_flight,
            last_used: self.last_used,
            limited_until: limit.and_then(|limit| self.rates.limited_until(limit, now, tokens)),
        }
    }

    /// Why no request may go there, where none may.
    pub fn reason(&self, terms: &Terms, now: u64) -> Option<Reason> {
        let reason = self.health.reason(&terms.policy, now);
        let limited = || {
            let limit = terms.limit.as_ref()?;
            let until = self.rates.limited_until(limit, now, 0)?;
            (until > now).then_some(Reason::RateLimit)
        };
        reason.or_else(limited)
    }

    /// Lets a request of so many tokens in. `turn` numbers the requests of the
    /// process. `regardless` lets it in although the endpoint is out, as a pool does
    /// that has no other; a declared limit holds all the same.
    ///
    /// # Errors
    /// [`NotNow`] when others took what was free since the decision, or found it failing.
    pub fn enter(
        &mut self,
        terms: &Terms,
        now: u64,
        tokens: u64,
        turn: u64,
        regardless: bool,
    ) -> Result<Permit, NotNow> {
        if let Some(limit) = &terms.limit
            && let Some(until) = self.rates.limited_until(limit, now, tokens)
        {
            return Err(NotNow::Limited(until));
        }
        let trial = self.health.begin_trial(&terms.policy, now);
        if trial.is_none() && !regardless {
            match self.health.standing(&terms.policy, now) {
                Standing::Healthy => {}
                Standing::HalfOpen { .. } => return Err(NotNow::Trials),
                Standing::Cooldown { until_ms } | Standing::Open { until_ms } => {
                    return Err(NotNow::Out(until_ms));
                }
            }
        }
        if terms.limit.is_some() {
            self.rates.begin(now, tokens);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        self.last_used = self.last_used.max(turn);
        Ok(Permit {
            trial,
            sent: now,
            tokens,
        })
    }

    /// Notes that the attempt failed; see [`Health::failed`]. Without a connection nothing
    /// went to the endpoint.
    pub fn failed(
        &mut self,
        permit: &Permit,
        terms: &Terms,
        now: u64,
        failure: Failure,
        told_ms: Option<u64>,
    ) {
        self.health
            .failed(&terms.policy, now, permit.sent, failure, told_ms);
        if failure == Failure::Connect {
            self.never_went(permit, terms);
        }
    }

    /// Notes that the request never came to the endpoint whole: it counts against no
    /// declared limit.
    pub fn never_went(&mut self, permit: &Permit, terms: &Terms) {
        if terms.limit.is_some() {
            self.rates.take_back(permit.sent, permit.tokens);
        }
    }

    /// Notes that an answer began. A trial is over with that, so that others need not
    /// wait for the end of a long stream; whether it succeeded is known there.
    pub fn answers(&mut self, permit: &mut Permit) {
        if let Some(trial) = permit.trial.take() {
            self.health.end_trial(&trial);
        }
    }

    /// Notes that it is asked with another key; see [`Health::has_another_key`].
    pub fn has_another_key(&mut self) {
        self.health.has_another_key();
    }

    /// Notes what a probe that was sent at `sent` found: an answer, or none. Where a
    /// request succeeded since, that there was none says nothing.
    pub fn probed(&mut self, terms: &Terms, now: u64, sent: u64, is_answered: bool) {
        let succeeded_since = |at: u64| sent < at && at <= now;
        if is_answered {
            self.health.probed(now);
        } else if !self.health.last_success_at.is_some_and(succeeded_since) {
            self.health
                .failed(&terms.policy, now, sent, Failure::Probe, None);
        }
    }

    /// Notes that the attempt succeeded; see [`Health::succeeded`].
    pub fn succeeded(&mut self, permit: &Permit, terms: &Terms, now: u64, latency_ms: u64) {
        self.health
            .succeeded(&terms.policy, now, permit.sent, latency_ms);
    }

    /// Lets a request out, whatever became of it. `used` are the tokens it used,
    /// where the answer told them.
    pub fn leave(&mut self, permit: &Permit, terms: &Terms, now: u64, used: Option<u64>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(trial) = &permit.trial {
            self.health.end_trial(trial);
        }
        if let Some(used) = used.filter(|_| terms.limit.is_some()) {
            self.rates.settle(permit.sent, now, permit.tokens, used);
        }
    }
}
