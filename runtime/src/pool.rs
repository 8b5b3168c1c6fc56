//! Live endpoint records, keyed by identity, so that they survive a reload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ctr_compiler::health::{Health, Standing};
use ctr_compiler::plan::{Endpoint, HealthPolicy, Plan};

/// What makes two endpoints of two plans the same one: id, address, model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    id: String,
    api: String,
    model: String,
}

/// The record of one endpoint, shared by every plan that names it.
#[derive(Debug, Default)]
pub struct Record(Mutex<Health>);

impl Record {
    /// Whether it may be tried at `now` (epoch milliseconds).
    pub fn standing(&self, now: u64) -> Standing {
        self.lock().standing(now)
    }

    /// Notes a failure.
    pub fn failed(&self, policy: &HealthPolicy, now: u64) {
        self.lock().failed(policy, now);
    }

    /// Notes a success with its latency.
    pub fn succeeded(&self, policy: &HealthPolicy, now: u64, latency_ms: u64) {
        self.lock().succeeded(policy, now, latency_ms);
    }

    /// A copy of the record, for views.
    pub fn health(&self) -> Health {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Health> {
        // A record is valid after every statement, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All records. Those that no plan names any more are dropped at the next swap.
#[derive(Debug, Default)]
pub struct Records {
    known: Mutex<HashMap<Identity, Arc<Record>>>,
}

impl Records {
    /// The record of every endpoint of `plan`, in the order of [`Plan::endpoints`],
    /// keeping those that exist and forgetting those the plan does not name.
    pub fn adopt(&self, plan: &Plan) -> Vec<Arc<Record>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = HashMap::new();
        let mut records = Vec::new();
        for endpoint in plan.endpoints() {
            let identity = identity(endpoint);
            let record = known.get(&identity).cloned().unwrap_or_default();
            kept.insert(identity, Arc::clone(&record));
            records.push(record);
        }
        *known = kept;
        records
    }
}

fn identity(endpoint: &Endpoint) -> Identity {
    let api = match &endpoint.api.secret {
        Some(fingerprint) => format!("{}#{fingerprint}", endpoint.api.url),
        None => endpoint.api.url.clone(),
    };
    Identity {
        id: endpoint.id.clone(),
        api,
        model: endpoint.model.clone(),
    }
}
