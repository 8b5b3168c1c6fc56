//! How the endpoints of all pools fare, as the JSON object that
//! `GET /api/models/pool-health` answers with.
//!
//! Names and shapes are those of claude-trigger-router 1.7, with half-open and the
//! reason an endpoint is out added. Times are epoch milliseconds, but for
//! `generatedAt`, which the caller gives as it shall stand.

use serde_json::{Map, Value, json};

use super::compiled::Moment;
use super::with_present;
use crate::Compiled;
use crate::health::{Observed, Saved, Standing, Terms};
use crate::plan::{Endpoint, Pool};

/// What is kept from one process to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Persisted {
    /// When it was last written; none if it never was.
    pub updated_at: Option<u64>,
    /// Every record.
    pub endpoints: Vec<Saved>,
}

/// The report at `now`. Without a plan it is empty.
pub fn view(
    compiled: &Compiled,
    observed: &dyn Fn(&Endpoint) -> Observed,
    persisted: &Persisted,
    now: u64,
    generated_at: &str,
) -> Value {
    let mut counts = Counts::default();
    let mut pools = Vec::new();
    if let Some(plan) = &compiled.plan {
        let moment = Moment::new(plan, &compiled.secrets, observed, now);
        for (id, pool) in &plan.pools {
            pools.push(of_pool(&moment, id, pool, &mut counts));
        }
    }
    let warnings: Vec<Value> = pools
        .iter()
        .filter_map(|pool| pool["warnings"].as_array())
        .flatten()
        .cloned()
        .collect();
    json!({
        "generatedAt": generated_at,
        "persistedState": { "updatedAt": persisted.updated_at, "endpoints": persisted.endpoints },
        "summary": counts.to_json(pools.len()),
        "pools": pools,
        "warnings": warnings,
    })
}

/// Endpoints by how they stand, and the means of their latencies.
#[derive(Default)]
struct Counts {
    healthy: usize,
    half_open: usize,
    cooldown: usize,
    open: usize,
    averages: Vec<f64>,
}

impl Counts {
    fn to_json(&self, pools: usize) -> Value {
        let view = json!({
            "pools": pools,
            "endpoints": self.healthy + self.half_open + self.cooldown + self.open,
            "healthy": self.healthy,
            "halfOpen": self.half_open,
            "cooldown": self.cooldown,
            "open": self.open,
        });
        let count = self.averages.len();
        let mean = (count > 0).then(|| self.averages.iter().sum::<f64>() / count as f64);
        with_present(view, [("averageLatencyMs", mean)])
    }

    fn note(&mut self, observed: &Observed, terms: &Terms, now: u64) {
        let place = match observed.health.standing(&terms.policy, now) {
            Standing::Healthy => &mut self.healthy,
            Standing::HalfOpen { .. } => &mut self.half_open,
            Standing::Cooldown { .. } => &mut self.cooldown,
            Standing::Open { .. } => &mut self.open,
        };
        *place += 1;
        let average = observed.health.latencies.average_ms(&terms.policy, now);
        self.averages.extend(average);
    }
}

fn of_pool(moment: &Moment<'_>, id: &str, pool: &Pool, counts: &mut Counts) -> Value {
    let active = moment.active(pool).map(|endpoint| &endpoint.id);
    let mut endpoints = Vec::new();
    for endpoint in &pool.endpoints {
        let terms = Terms::in_pool(pool, endpoint.rate_limit.as_ref());
        counts.note(moment.observed(endpoint), &terms, moment.now());
        let facts = json!({
            "id": endpoint.id,
            "modelId": id,
            "providerName": endpoint.provider,
            "modelName": endpoint.model,
            "priority": endpoint.priority,
            "enabled": endpoint.enabled,
            "active": active == Some(&endpoint.id),
        });
        let mut view = moment.with_facts(facts, endpoint);
        if let (Value::Object(view), Value::Object(health)) =
            (&mut view, moment.health(id, pool, endpoint))
        {
            let own = ["modelId", "endpointId"];
            let fields = health.into_iter();
            view.extend(fields.filter(|(name, _)| !own.contains(&name.as_str())));
        }
        endpoints.push(view);
    }
    let mut view = Map::new();
    view.insert("modelId".to_owned(), json!(id));
    view.insert("strategy".to_owned(), json!(pool.strategy));
    if let Some(active) = active {
        view.insert("activeEndpointId".to_owned(), json!(active));
    }
    view.insert("endpoints".to_owned(), json!(endpoints));
    let warnings = moment.pool_warnings(id, pool);
    view.insert("warnings".to_owned(), json!(warnings));
    Value::Object(view)
}
