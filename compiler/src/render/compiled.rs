//! What is compiled, as the JSON object that `GET /api/models/compiled` answers
//! with and operators' scripts read.
//!
//! Names and shapes are those of claude-trigger-router 1.7. Nothing here holds
//! a key or a token: secrets are told as booleans, URLs as the plan shows them.

mod draft;
mod issues;
mod smart;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::Compiled;
use crate::health::{Health, Standing};
use crate::plan::{Endpoint, Interface, Plan, Pool, Secrets, Slot};
use crate::route::{PoolSnapshot, active_endpoint};

pub use draft::{Preview, preview};
use issues::Capabilities;

/// The compiled view: `providers`, `modelMap`, `modelPools`, `router`,
/// `smartRouterExplanation`, `capabilityWarnings`, `warnings`, `issueReport`
/// and the plan's `hash`.
///
/// `health` gives the record of an endpoint and `now` the time it is read at,
/// in epoch milliseconds. Without a plan only the reports are there.
pub fn view(compiled: &Compiled, health: &dyn Fn(&Endpoint) -> Health, now: u64) -> Value {
    let mut view = match &compiled.plan {
        Some(plan) => {
            let mut view = Seen::new(plan, &compiled.secrets, health, now).parts();
            view.insert("hash".to_owned(), json!(plan.hash()));
            view.insert("router".to_owned(), router(plan));
            view
        }
        None => Map::new(),
    };
    view.extend(reports(compiled));
    Value::Object(view)
}

/// What is said about a document besides what it compiles to.
fn reports(compiled: &Compiled) -> Map<String, Value> {
    let capabilities = Capabilities::of(compiled);
    let explanation = match &compiled.plan {
        Some(plan) => smart::explanation(plan),
        None => json!({ "enabled": false }),
    };
    let reports = [
        ("capabilityWarnings", capabilities.to_json()),
        (
            "issueReport",
            issues::report(&compiled.problems, &capabilities),
        ),
        ("smartRouterExplanation", explanation),
        ("warnings", issues::warnings(&compiled.problems)),
    ];
    reports
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn router(plan: &Plan) -> Value {
    let mut router = Map::new();
    for (slot, name) in &plan.router.slots {
        router.insert(slot.word().to_owned(), json!(name));
    }
    // Callers read `default` without asking whether it is there.
    router
        .entry(Slot::Default.word())
        .or_insert_with(|| json!(""));
    router.insert(
        "longContextThreshold".to_owned(),
        json!(plan.router.long_context_threshold),
    );
    Value::Object(router)
}

/// What tells the endpoints of a plan apart.
fn key(endpoint: &Endpoint) -> (&str, &str) {
    (&endpoint.provider, &endpoint.model)
}

/// A plan with what is known about its endpoints at one moment.
struct Seen<'p> {
    plan: &'p Plan,
    secrets: &'p Secrets,
    // Asked once for each endpoint, so that the active endpoint and the shown status agree.
    health: HashMap<(&'p str, &'p str), Health>,
    now: u64,
}

impl<'p> Seen<'p> {
    fn new(
        plan: &'p Plan,
        secrets: &'p Secrets,
        health: &dyn Fn(&Endpoint) -> Health,
        now: u64,
    ) -> Self {
        let health = plan
            .endpoints()
            .map(|endpoint| (key(endpoint), health(endpoint)))
            .collect();
        Self {
            plan,
            secrets,
            health,
            now,
        }
    }

    fn parts(&self) -> Map<String, Value> {
        let mut parts = Map::new();
        parts.insert("providers".to_owned(), self.providers());
        parts.insert("modelMap".to_owned(), Value::Object(self.model_map()));
        let pools = self
            .plan
            .pools
            .iter()
            .map(|(id, pool)| (id.clone(), self.pool(id, pool)));
        parts.insert("modelPools".to_owned(), Value::Object(pools.collect()));
        parts
    }

    /// One for each name; a legacy provider has several models.
    fn providers(&self) -> Value {
        let mut providers: Vec<Value> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for endpoint in self.plan.endpoints() {
            match places.get(endpoint.provider.as_str()) {
                Some(at) => {
                    if let Some(models) = providers[*at]["models"].as_array_mut() {
                        models.push(json!(endpoint.model));
                    }
                }
                None => {
                    places.insert(&endpoint.provider, providers.len());
                    providers.push(self.provider(endpoint));
                }
            }
        }
        Value::Array(providers)
    }

    fn provider(&self, endpoint: &Endpoint) -> Value {
        json!({
            "name": endpoint.provider,
            "api_base_url": endpoint.api.url,
            "models": [endpoint.model],
            "transformer": transformer(endpoint.interface),
            "has_api_key": self.has_key(endpoint),
        })
    }

    /// Entries by logical id, and those of pool members by their reference too.
    fn model_map(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for (id, pool) in &self.plan.pools {
            for endpoint in &pool.endpoints {
                map.insert(endpoint.legacy_ref(), entry(id, endpoint, Some(pool)));
            }
            if let Some(active) = self
                .active(pool)
                .filter(|_| !self.plan.models.contains_key(id))
            {
                map.insert(id.clone(), entry(id, active, Some(pool)));
            }
        }
        for (id, endpoint) in &self.plan.models {
            map.insert(id.clone(), entry(id, endpoint, None));
        }
        map
    }

    fn pool(&self, id: &str, pool: &Pool) -> Value {
        let mut view = json!({
            "modelId": id,
            "strategy": pool.strategy,
            "endpoints": pool.endpoints.iter().map(|endpoint| self.endpoint(id, endpoint)).collect::<Vec<_>>(),
            "warnings": self.pool_warnings(id, pool),
        });
        if let Some(active) = self.active(pool) {
            view["activeEndpointId"] = json!(active.id);
        }
        view
    }

    fn endpoint(&self, id: &str, endpoint: &Endpoint) -> Value {
        let service = endpoint
            .upstream_service
            .as_ref()
            .and_then(|name| self.plan.upstream_services.get(name));
        let mut view = json!({
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
            "health": self.health(id, endpoint),
            "capabilities": capabilities(endpoint),
            "source": "registration",
        });
        if let Some(name) = &endpoint.upstream_service {
            view["upstreamServiceId"] = json!(name);
        }
        if let Some(service) = service {
            view["upstreamBaseUrl"] = json!(service.base_url.url);
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
        view
    }

    /// The record of an endpoint; the two ends appear only while they are ahead.
    fn health(&self, id: &str, endpoint: &Endpoint) -> Value {
        let health = self.record(endpoint);
        let standing = health.standing(self.now);
        let view = json!({
            "modelId": id,
            "endpointId": endpoint.id,
            "status": standing.word(),
            "failureCount": health.failure_count,
            "successCount": health.success_count,
        });
        let (cooldown, open) = match standing {
            Standing::Cooldown { until_ms } => (Some(until_ms), None),
            Standing::Open { until_ms } => (None, Some(until_ms)),
            _ => (None, None),
        };
        let mut view = with_present(
            view,
            [
                ("lastFailureAt", health.last_failure_at),
                ("lastSuccessAt", health.last_success_at),
                ("cooldownUntil", cooldown),
                ("circuitOpenUntil", open),
            ],
        );
        if let Some(average) = health.average_latency_ms() {
            view["latency"] = json!({
                "sampleCount": health.latencies_ms().count(),
                "averageMs": average,
                "lastMs": health.latencies_ms().last(),
            });
        }
        view
    }

    fn pool_warnings(&self, id: &str, pool: &Pool) -> Vec<String> {
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

    fn active(&self, pool: &'p Pool) -> Option<&'p Endpoint> {
        active_endpoint(
            pool,
            &PoolSnapshot::new(&|endpoint| self.record(endpoint).standing(self.now)),
        )
    }

    fn record(&self, endpoint: &Endpoint) -> Health {
        self.health.get(&key(endpoint)).cloned().unwrap_or_default()
    }

    /// A key the source document is not at hand for counts as one.
    fn has_key(&self, endpoint: &Endpoint) -> bool {
        endpoint
            .key
            .text(self.secrets)
            .is_none_or(|text| !text.is_empty())
    }
}

/// One entry of `modelMap`.
fn entry(id: &str, endpoint: &Endpoint, pool: Option<&Pool>) -> Value {
    let mut entry = json!({
        "id": id,
        "providerName": endpoint.provider,
        "modelName": endpoint.model,
        "interface": endpoint.interface,
        "protocol": endpoint.interface,
        "compatibilityProfile": match endpoint.interface {
            Interface::Anthropic => "anthropic-native",
            Interface::Openai => "openai-compatible-anthropic-dispatch",
        },
        "dispatchFormat": "anthropic_messages",
        "capabilities": capabilities(endpoint),
        "source": match pool {
            Some(_) => "registration",
            // A model of a legacy provider is known by its reference only.
            None if id == endpoint.legacy_ref() => "providers",
            None => "models",
        },
    });
    if let Some(thinking) = endpoint
        .thinking
        .as_ref()
        .filter(|_| endpoint.capabilities.reasoning)
    {
        entry["thinking"] = json!(thinking);
    }
    if let Some(pool) = pool {
        entry["modelPool"] =
            json!({ "modelId": id, "endpointId": endpoint.id, "strategy": pool.strategy });
    }
    entry
}

fn capabilities(endpoint: &Endpoint) -> Value {
    let can = &endpoint.capabilities;
    let mut thinking = json!({ "supported": can.reasoning });
    if let Some(configured) = endpoint.thinking.as_ref().filter(|_| can.reasoning) {
        thinking = with_present(thinking, [("mode", configured.mode)]);
        thinking = with_present(thinking, [("effort", configured.effort)]);
        thinking = with_present(thinking, [("budget_tokens", configured.budget_tokens)]);
    }
    let view = json!({
        "thinking": thinking,
        "tools": can.tools,
        "images": can.images,
        "systemMessageStyle": endpoint.interface,
    });
    with_present(
        view,
        [
            ("contextWindowTokens", can.context_window_tokens),
            ("safeInputTokens", can.safe_input_tokens),
        ],
    )
}

fn transformer(interface: Interface) -> Value {
    match interface {
        Interface::Openai => json!({ "use": ["openrouter"] }),
        Interface::Anthropic => Value::Null,
    }
}

/// Adds the members that have a value.
fn with_present<T: serde::Serialize, const N: usize>(
    mut object: Value,
    members: [(&str, Option<T>); N],
) -> Value {
    for (name, value) in members {
        if let Some(value) = value {
            object[name] = json!(value);
        }
    }
    object
}
