//! What is compiled, as the JSON object that `GET /api/models/compiled` answers
//! with and operators' scripts read.
//!
//! Names and shapes are those of claude-trigger-router 1.7. Nothing here holds
//! a key or a token: secrets are told as booleans, URLs as the plan shows them.

mod draft;
mod issues;
mod pools;
mod smart;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::with_present;
use crate::Compiled;
use crate::health::Observed;
use crate::plan::{Endpoint, Interface, Plan, Pool, Secrets, Slot};

pub use draft::{Preview, preview};
use issues::Capabilities;

/// The compiled view: `providers`, `modelMap`, `modelPools`, `router`,
/// `smartRouterExplanation`, `capabilityWarnings`, `warnings`, `issueReport`
/// and the plan's `hash`.
///
/// `observed` gives the record of an endpoint and `now` the time it is read at,
/// in epoch milliseconds. Without a plan only the reports are there.
pub fn view(compiled: &Compiled, observed: &dyn Fn(&Endpoint) -> Observed, now: u64) -> Value {
    let mut view = match &compiled.plan {
        Some(plan) => {
            let mut view = Moment::new(plan, &compiled.secrets, observed, now).parts();
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
pub(super) struct Moment<'p> {
    plan: &'p Plan,
    secrets: &'p Secrets,
    // Asked once for each endpoint, so that the active endpoint and the shown status agree.
    observed: HashMap<(&'p str, &'p str), Observed>,
    now: u64,
}

impl<'p> Moment<'p> {
    pub(super) fn new(
        plan: &'p Plan,
        secrets: &'p Secrets,
        observed: &dyn Fn(&Endpoint) -> Observed,
        now: u64,
    ) -> Self {
        let observed = plan
            .endpoints()
            .map(|endpoint| (key(endpoint), observed(endpoint)))
            .collect();
        Self {
            plan,
            secrets,
            observed,
            now,
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.now
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
