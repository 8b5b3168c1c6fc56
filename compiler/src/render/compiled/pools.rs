//! Pools and their members, with what is known about them.

use serde_json::{Value, json};

use super::{Moment, capabilities, key};
use crate::health::{Observed, Terms};
use crate::plan::{Endpoint, Pool, UpstreamService};
use crate::render::{health, with_present};
use crate::route::{PoolSnapshot, active_endpoint};

impl<'p> Moment<'p> {
    pub(super) fn pool(&self, id: &str, pool: &Pool) -> Value {
        let mut view = json!({
            "modelId": id,
            "strategy": pool.strategy,
            "settings": settings(pool),
            "endpoints": pool.endpoints.iter().map(|endpoint| self.endpoint(id, pool, endpoint)).collect::<Vec<_>>(),
            "warnings": self.pool_warnings(id, pool),
        });
        if let Some(active) = self.active(pool) {
            view["activeEndpointId"] = json!(active.id);
        }
        view
    }

    fn endpoint(&self, id: &str, pool: &Pool, endpoint: &Endpoint) -> Value {
        let service = self.service(endpoint);
        let view = json!({
            "id": endpoint.id,
            "modelId": id,
            "modelName": endpoint.model,
            "providerName": endpoint.provider,
            "legacyRef": endpoint.legacy_ref(),
            "interface": endpoint.interface,
            "protocol": endpoint.interface,
            "api": endpoint.api.url,
            "keyConfigured": self.has_key(endpoint),
            "upstreamAuthConfigured": service.is_some_and(|service| service.auth_token.is_some()),
            "priority": endpoint.priority,
            "enabled": endpoint.enabled,
            "health": self.health(id, pool, endpoint),
            "capabilities": capabilities(endpoint),
            "source": "registration",
        });
        self.with_facts(view, endpoint)
    }

    fn service(&self, endpoint: &Endpoint) -> Option<&UpstreamService> {
        let name = endpoint.upstream_service.as_ref()?;
        self.plan.upstream_services.get(name)
    }

    /// Adds what is declared of an endpoint: its service, price, limits, weight.
    pub(in crate::render) fn with_facts(&self, mut view: Value, endpoint: &Endpoint) -> Value {
        if let Some(service) = self.service(endpoint) {
            view["upstreamBaseUrl"] = json!(service.base_url.url);
        }
        if let Some(name) = &endpoint.upstream_service {
            view["upstreamServiceId"] = json!(name);
        }
        if let Some(cost) = &endpoint.cost {
            view["cost"] = with_present(
                json!({ "currency": cost.currency }),
                [
                    ("inputPer1MTokens", cost.input_per_1m),
                    ("outputPer1MTokens", cost.output_per_1m),
                ],
            );
        }
        if let Some(limit) = &endpoint.rate_limit {
            view["rateLimit"] = with_present(
                json!({}),
                [
                    ("requestsPerMinute", limit.rpm),
                    ("tokensPerMinute", limit.tpm),
                ],
            );
        }
        with_present(view, [("weight", endpoint.weight)])
    }

    /// See [`health::snapshot`].
    pub(in crate::render) fn health(&self, id: &str, pool: &Pool, endpoint: &Endpoint) -> Value {
        let terms = Terms::in_pool(pool, endpoint.rate_limit.as_ref());
        health::snapshot(id, endpoint, self.observed(endpoint), &terms, self.now)
    }

    pub(in crate::render) fn pool_warnings(&self, id: &str, pool: &Pool) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.plan.models.contains_key(id) {
            warnings.push(format!("pool `{id}` is hidden by a model of the same id"));
        }
        if pool.endpoints.iter().all(|endpoint| !endpoint.enabled) {
            warnings.push(format!("every endpoint of pool `{id}` is disabled"));
        }
        for endpoint in &pool.endpoints {
            let missing = endpoint.upstream_service.as_ref();
            if let Some(name) =
                missing.filter(|name| !self.plan.upstream_services.contains_key(*name))
            {
                warnings.push(format!(
                    "endpoint `{}` names upstream service `{name}`, which does not exist",
                    endpoint.id
                ));
            }
        }
        warnings
    }

    /// The endpoint that a request would get first.
    pub(in crate::render) fn active(&self, pool: &'p Pool) -> Option<&'p Endpoint> {
        let seen = |endpoint: &Endpoint| {
            let terms = Terms::in_pool(pool, endpoint.rate_limit.as_ref());
            self.observed(endpoint).seen(&terms, self.now, 0)
        };
        active_endpoint(pool, &PoolSnapshot::new(&seen, 0))
    }

    pub(in crate::render) fn observed<'m>(&'m self, endpoint: &'m Endpoint) -> &'m Observed {
        let found = self.observed.get(&key(endpoint));
        found.expect("the moment was made of every endpoint of this plan")
    }
}

/// Everything that is set for a pool besides its strategy.
fn settings(pool: &Pool) -> Value {
    json!({
        "onAllOpen": pool.on_all_open,
        "maxRetries": pool.max_retries,
        "enforceRateLimits": pool.enforce_rate_limits,
        "retryBudget": {
            "percent": pool.retry_budget.percent,
            "minPerSecond": pool.retry_budget.min_per_second,
            "windowSeconds": pool.retry_budget.window_seconds,
        },
        "health": {
            "cooldownMs": pool.health.cooldown_ms,
            "failuresToOpen": pool.health.failures_to_open,
            "openMs": pool.health.open_ms,
            "halfOpenTrials": pool.health.half_open_trials,
            "retryAfterMaxMs": pool.health.retry_after_max_ms,
            "latencyWindow": pool.health.latency_window,
            "latencyMaxAgeMs": pool.health.latency_max_age_ms,
            "ewmaDecayMs": pool.health.ewma_decay_ms,
        },
    })
}
