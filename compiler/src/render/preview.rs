//! The plan as a person would want to review it.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{problems, table};
use crate::Compiled;
use crate::diagnostic::Severity;
use crate::plan::{Endpoint, Filled, ItemOrigin, Plan, Pool, Slot, Target};
use crate::route::{PoolSnapshot, active_endpoint};
use crate::source::Sources;

/// Said wherever slots are shown, until requests use all of them.
const SLOTS_IN_USE: &str = "requests use the model they name, else `default`; the other slots are compiled and not asked yet";

/// A page: address, models, pools in strategy order with the active endpoint
/// marked, slots and what they resolve to, values that were filled in, and
/// warnings. Empty when there is no plan.
pub fn text(compiled: &Compiled, sources: &Sources) -> String {
    let Some(plan) = &compiled.plan else {
        return String::new();
    };
    let mut out = String::new();
    head(&mut out, plan);
    models(&mut out, plan);
    pools(&mut out, plan);
    slots(&mut out, plan);
    filled(&mut out, compiled, plan);
    warnings(&mut out, compiled, sources);
    out
}

/// The same facts for machines.
pub fn json(compiled: &Compiled, sources: &Sources) -> Value {
    let Some(plan) = &compiled.plan else {
        return Value::Null;
    };
    let pools: serde_json::Map<String, Value> = plan
        .pools
        .iter()
        .map(|(id, pool)| {
            let order: Vec<&str> = pool
                .endpoints
                .iter()
                .map(|endpoint| endpoint.id.as_str())
                .collect();
            let value = json!({
                "strategy": pool.strategy,
                "order": order,
                "active": first_choice(pool).map(|endpoint| &endpoint.id),
                "shadowed": plan.models.contains_key(id),
            });
            (id.clone(), value)
        })
        .collect();
    let slots: serde_json::Map<String, Value> = Slot::WORDS
        .iter()
        .map(|(word, slot)| {
            let name = plan.router.slots.get(slot);
            let value = json!({ "name": name, "resolves_to": name.map(|name| resolved(plan, name)), "in_use": *slot == Slot::Default });
            ((*word).to_owned(), value)
        })
        .collect();
    let lines: Vec<Value> = all_filled(compiled, plan)
        .into_iter()
        .map(|(path, filled)| json!({ "path": path, "value": filled.value, "because": filled.because }))
        .collect();
    json!({
        "hash": plan.hash(),
        "pools": pools,
        "slots": slots,
        "filled": lines,
        "problems": problems::json(compiled.problems.iter(), sources),
        "plan": plan,
    })
}

fn head(out: &mut String, plan: &Plan) {
    let key = if plan.listen.api_key.is_some() {
        "asks for a key"
    } else {
        "asks for no key"
    };
    let timeout = match plan.upstream_timeout_ms {
        Some(ms) => format!("waits {} s for upstreams", ms as f64 / 1000.0),
        None => "waits for upstreams without limit".to_owned(),
    };
    let _ = writeln!(out, "plan {}", plan.hash().short());
    let _ = writeln!(
        out,
        "  {}:{} ({} mode), {key}, {timeout}",
        plan.listen.host, plan.listen.port, plan.runtime.mode
    );
}

fn models(out: &mut String, plan: &Plan) {
    if plan.models.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = plan
        .models
        .iter()
        .map(|(id, endpoint)| {
            let mut row = vec![id.clone()];
            row.extend(columns(endpoint));
            row
        })
        .collect();
    out.push_str("\nmodels\n");
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
}

fn pools(out: &mut String, plan: &Plan) {
    if plan.pools.is_empty() {
        return;
    }
    out.push_str("\npools\n");
    for (id, pool) in &plan.pools {
        let count = pool.endpoints.len();
        let noun = if count == 1 { "endpoint" } else { "endpoints" };
        let shadowed = if plan.models.contains_key(id) {
            ", hidden by the model of the same id"
        } else {
            ""
        };
        let _ = writeln!(out, "  {id} ({}, {count} {noun}{shadowed})", pool.strategy);
        let active = first_choice(pool).map(|endpoint| &endpoint.id);
        let rows: Vec<Vec<String>> = pool
            .endpoints
            .iter()
            .map(|endpoint| {
                let state = if !endpoint.enabled {
                    "off"
                } else if active == Some(&endpoint.id) {
                    "active"
                } else {
                    ""
                };
                let mut row = vec![
                    state.to_owned(),
                    endpoint.id.clone(),
                    format!("priority {}", endpoint.priority),
                ];
                row.extend(columns(endpoint));
                row
            })
            .collect();
        for line in table::align(&rows) {
            let _ = writeln!(out, "    {line}");
        }
    }
}

/// What an endpoint is, without its id.
fn columns(endpoint: &Endpoint) -> Vec<String> {
    let mut extra = Vec::new();
    if let Some(cost) = &endpoint.cost {
        let side = |amount: Option<f64>| amount.map_or("?".to_owned(), |amount| amount.to_string());
        extra.push(format!(
            "{}/{} {} per 1M",
            side(cost.input_per_1m),
            side(cost.output_per_1m),
            cost.currency
        ));
    }
    if let Some(limit) = &endpoint.rate_limit {
        extra.extend(limit.rpm.map(|rpm| format!("{rpm} rpm")));
        extra.extend(limit.tpm.map(|tpm| format!("{tpm} tpm")));
    }
    extra.extend(
        endpoint
            .capabilities
            .context_window_tokens
            .map(|tokens| format!("window {tokens}")),
    );
    extra.extend(
        endpoint
            .upstream_service
            .as_ref()
            .map(|service| format!("service {service}")),
    );
    vec![
        endpoint.interface.to_string(),
        endpoint.model.clone(),
        endpoint.api.url.clone(),
        format!("key {}", endpoint.key),
        extra.join(", "),
    ]
}

fn slots(out: &mut String, plan: &Plan) {
    out.push_str("\nslots\n");
    let rows: Vec<Vec<String>> = plan
        .router
        .slots
        .iter()
        .map(|(slot, name)| {
            let idle = if *slot == Slot::Default {
                ""
            } else {
                "not asked yet"
            };
            vec![slot.to_string(), resolved(plan, name), idle.to_owned()]
        })
        .collect();
    if !plan.router.slots.contains_key(&Slot::Default) {
        out.push_str("  no default: requests for unknown models get 404\n");
    }
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(out, "  {SLOTS_IN_USE}");
}

/// What a name in a slot stands for, down to the endpoint that would answer.
fn resolved(plan: &Plan, name: &str) -> String {
    match plan.resolve(name) {
        Some(Target::Model(id, endpoint)) => format!("{id} → model {}", endpoint.model),
        Some(Target::Pool(id, pool)) => match first_choice(pool) {
            Some(active) => format!("{id} → pool, first {} ({})", active.id, active.model),
            None => format!("{id} → pool with nothing enabled"),
        },
        Some(Target::Endpoint(endpoint)) => format!("{name} → endpoint {}", endpoint.id),
        None => format!("{name} → nothing"),
    }
}

fn first_choice(pool: &Pool) -> Option<&Endpoint> {
    active_endpoint(pool, &PoolSnapshot::all_healthy())
}

fn filled(out: &mut String, compiled: &Compiled, plan: &Plan) {
    let all = all_filled(compiled, plan);
    if all.is_empty() {
        return;
    }
    // Switches that are on everywhere say little one by one.
    let (switches, values): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(_, filled)| filled.value == "true" && filled.key.starts_with("supports_"));
    out.push_str("\nfilled in\n");
    let rows: Vec<Vec<String>> = values
        .iter()
        .map(|(path, filled)| {
            vec![
                path.clone(),
                filled.value.to_string(),
                format!("({})", filled.because),
            ]
        })
        .collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
    if !switches.is_empty() {
        let count = switches.len();
        let noun = if count == 1 {
            "`supports_…` switch"
        } else {
            "`supports_…` switches"
        };
        let _ = writeln!(out, "  {count} {noun} true (default)");
    }
}

/// Everything that was filled in, with its path.
fn all_filled<'c>(compiled: &'c Compiled, plan: &Plan) -> Vec<(String, &'c Filled)> {
    let provenance = &compiled.provenance;
    let mut all: Vec<(String, &Filled)> = provenance
        .filled
        .iter()
        .map(|filled| (filled.key.to_owned(), filled))
        .collect();
    let mut item = |place: String, origin: &'c ItemOrigin| {
        all.extend(
            origin
                .filled
                .iter()
                .map(|filled| (format!("{place} {}", filled.key), filled)),
        );
    };
    for (id, origin) in &provenance.models {
        item(format!("model {id}"), origin);
    }
    for (id, origins) in &provenance.pools {
        let endpoints = plan.pools.get(id).map_or(&[][..], |pool| &pool.endpoints);
        for (endpoint, origin) in endpoints.iter().zip(origins) {
            item(format!("endpoint {}", endpoint.id), origin);
        }
    }
    all
}

fn warnings(out: &mut String, compiled: &Compiled, sources: &Sources) {
    let warnings: Vec<_> = compiled
        .problems
        .iter()
        .filter(|found| found.severity == Severity::Warning)
        .collect();
    if warnings.is_empty() {
        return;
    }
    out.push_str("\nwarnings\n");
    for warning in warnings {
        let place = warning
            .span()
            .map(|span| sources.place(span))
            .unwrap_or_default();
        let _ = writeln!(out, "  {place} {}: {}", warning.code, warning.headline);
    }
}
