//! What a fact means: its path, its weight, and a sentence on what traffic will notice.

use super::{Change, Subject, Weight};
use crate::plan::Slot;

/// Values of an endpoint that no request notices.
const SILENT: &[&str] = &[
    "label",
    "vendor_hint",
    "provider",
    "upstream_service",
    "cost",
    "rate_limit_rpm",
    "rate_limit_tpm",
    "priority",
];

impl Change {
    /// The path in the plan, for machines.
    pub fn path(&self) -> String {
        match &self.subject {
            Subject::Setting(name) => (*name).to_owned(),
            Subject::Slot(slot) => format!("router.slots.{slot}"),
            Subject::Model(id) => format!("models.{id}"),
            Subject::ModelField(id, field) => format!("models.{id}.{field}"),
            Subject::Pool(id) => format!("pools.{id}"),
            Subject::PoolField(id, field) => format!("pools.{id}.{field}"),
            Subject::FirstChoice(id) => format!("pools.{id}.first_choice"),
            Subject::Endpoint(pool, id) => format!("pools.{pool}.endpoints.{id}"),
            Subject::EndpointField(pool, id, field) => {
                format!("pools.{pool}.endpoints.{id}.{field}")
            }
            Subject::Service(id) => format!("upstream_services.{id}"),
            Subject::ServiceField(id, field) => format!("upstream_services.{id}.{field}"),
        }
    }

    /// What changed, for people.
    pub fn title(&self) -> String {
        match &self.subject {
            Subject::Setting(name) => (*name).to_owned(),
            Subject::Slot(slot) => format!("slot `{slot}`"),
            Subject::Model(id) => format!("model `{id}`"),
            Subject::ModelField(id, field) => format!("model `{id}` {field}"),
            Subject::Pool(id) => format!("pool `{id}`"),
            Subject::PoolField(id, field) => format!("pool `{id}` {field}"),
            Subject::FirstChoice(id) => format!("pool `{id}` first choice"),
            Subject::Endpoint(pool, id) => format!("pool `{pool}` endpoint `{id}`"),
            Subject::EndpointField(pool, id, field) => {
                format!("pool `{pool}` endpoint `{id}` {field}")
            }
            Subject::Service(id) => format!("upstream service `{id}`"),
            Subject::ServiceField(id, field) => format!("upstream service `{id}` {field}"),
        }
    }

    /// How much a reviewer should care.
    pub fn weight(&self) -> Weight {
        let gone = self.after.is_none();
        match &self.subject {
            Subject::Setting("listen.host" | "listen.port") => Weight::Restart,
            Subject::Setting("listen.api_key") => {
                if gone {
                    Weight::Notable
                } else {
                    Weight::Breaking
                }
            }
            Subject::Setting("upstream_timeout_ms") => Weight::Notable,
            Subject::Slot(Slot::Default)
            | Subject::Model(_)
            | Subject::Pool(_)
            | Subject::FirstChoice(_)
                if gone =>
            {
                Weight::Breaking
            }
            Subject::Slot(Slot::Default)
            | Subject::Model(_)
            | Subject::Pool(_)
            | Subject::FirstChoice(_) => Weight::Notable,
            // The other slots are compiled and not yet asked by requests.
            Subject::Setting(_)
            | Subject::Slot(_)
            | Subject::Service(_)
            | Subject::ServiceField(..) => Weight::Quiet,
            Subject::Endpoint(..) | Subject::PoolField(..) => Weight::Notable,
            Subject::ModelField(_, field) | Subject::EndpointField(_, _, field) => {
                self.endpoint_weight(field)
            }
        }
    }

    fn endpoint_weight(&self, field: &str) -> Weight {
        match field {
            "interface" => Weight::Breaking,
            field if SILENT.contains(&field) => Weight::Quiet,
            _ => Weight::Notable,
        }
    }

    /// What traffic will notice.
    pub fn sentence(&self) -> String {
        let (before, after) = (
            self.before.as_deref().unwrap_or("nothing"),
            self.after.as_deref().unwrap_or("nothing"),
        );
        let (new, gone) = (self.before.is_none(), self.after.is_none());
        match &self.subject {
            Subject::Setting("listen.host" | "listen.port") => {
                "a running proxy keeps its address until it is started again".to_owned()
            }
            Subject::Setting("listen.api_key") if new => {
                "callers must send a key from now on".to_owned()
            }
            Subject::Setting("listen.api_key") if gone => "callers need no key any more".to_owned(),
            Subject::Setting("listen.api_key") => "callers must send the new key".to_owned(),
            Subject::Setting("upstream_timeout_ms") => {
                "slow upstreams are given up at another time".to_owned()
            }
            Subject::Setting(_) | Subject::Service(_) | Subject::ServiceField(..) => {
                "no request goes elsewhere".to_owned()
            }
            Subject::Slot(Slot::Default) if gone => {
                "requests for unknown models are answered with 404".to_owned()
            }
            Subject::Slot(Slot::Default) => format!("requests for unknown models go to `{after}`"),
            Subject::Slot(_) => "compiled and shown; requests do not ask this slot yet".to_owned(),
            Subject::Model(id) | Subject::Pool(id) if new => format!("clients can ask for `{id}`"),
            Subject::Model(id) | Subject::Pool(id) => {
                format!(
                    "requests for `{id}` find it no more and go to the default slot, if there is one"
                )
            }
            Subject::FirstChoice(id) if gone => {
                format!("no endpoint of `{id}` is enabled any more")
            }
            Subject::FirstChoice(id) => {
                format!("requests for `{id}` go to `{after}` first, instead of `{before}`")
            }
            Subject::Endpoint(pool, _) if new => format!("`{pool}` has one more endpoint to use"),
            Subject::Endpoint(pool, _) => format!("`{pool}` has one endpoint less to fall back on"),
            Subject::PoolField(pool, "strategy") => {
                format!("`{pool}` orders its endpoints in another way")
            }
            Subject::PoolField(pool, _) => {
                format!("endpoints of `{pool}` rest for another time after failures")
            }
            Subject::ModelField(_, field) | Subject::EndpointField(_, _, field) => {
                endpoint_sentence(field, after).to_owned()
            }
        }
    }
}

fn endpoint_sentence(field: &str, after: &str) -> &'static str {
    match field {
        "enabled" if after == "true" => "it may serve again",
        "enabled" => "it serves no requests",
        "priority" => "its place in the order may change",
        "interface" => "it answers clients of another protocol",
        "api" => "requests go to another address",
        "key" => "requests are sent with another key",
        "model" => "another upstream model answers",
        "thinking" => "thinking is asked for in another way",
        _ => "no request goes elsewhere",
    }
}
