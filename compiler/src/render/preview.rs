//! The plan as a person would want to review it.

mod pools;
mod sections;

use std::fmt::Write;

use serde_json::{Value, json};

use super::{problems, table};
use crate::Compiled;
use crate::diagnostic::Severity;
use crate::plan::{Endpoint, ItemOrigin, Plan, Pool, Router, Slot, Source, Target};
use crate::route::{PoolSnapshot, active_endpoint};
use crate::source::Sources;

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
    pools::text(&mut out, plan);
    slots(&mut out, plan);
    sections::text(&mut out, plan);
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
                "settings": settings(pool),
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
        .map(|line| json!({ "path": line.place, "value": line.value, "because": line.because }))
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

/// Everything that is set for a pool, as the plan has it.
fn settings(pool: &Pool) -> Value {
    let mut settings = json!(pool);
    if let Value::Object(settings) = &mut settings {
        settings.remove("endpoints");
        settings.remove("strategy");
    }
    settings
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
    extra.extend(endpoint.weight.map(|weight| format!("weight {weight}")));
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
        match endpoint.key_header {
            Some(header) => format!("key {} in {header}", endpoint.key),
            None => format!("key {}", endpoint.key),
        },
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
            vec![
                slot.to_string(),
                resolved(plan, name),
                takes(&plan.router, *slot),
            ]
        })
        .collect();
    if !plan.router.slots.contains_key(&Slot::Default) {
        out.push_str("  no default: requests for unknown models get 404\n");
    }
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
}

/// Which requests a slot takes that name no model of the plan and that nothing
/// before it took.
fn takes(router: &Router, slot: Slot) -> String {
    match slot {
        Slot::Image if router.force_image_agent => {
            "all images, asked about by the image agent".to_owned()
        }
        Slot::Image => {
            "an image in the last message; the image agent asks about earlier ones".to_owned()
        }
        Slot::LongContext => format!("over {} tokens of input", router.long_context_threshold),
        Slot::Background => format!("model {}", router.background_models.join(" or ")),
        Slot::Think => "thinking asked for".to_owned(),
        Slot::WebSearch => "a web search asked for".to_owned(),
        Slot::Default => "all others".to_owned(),
    }
}

/// What a name in a slot stands for, down to the endpoint that would answer.
fn resolved(plan: &Plan, name: &str) -> String {
    match plan.resolve(name) {
        Some(Target::Model(id, endpoint)) => format!("{id} → model {}", endpoint.model),
        Some(Target::Pool(id, pool)) => match first_choice(pool) {
            Some(_) if pool.strategy.spreads() => {
                let count = pool.endpoints.iter().filter(|endpoint| endpoint.enabled);
                format!(
                    "{id} → pool, spread over {} ({})",
                    count.count(),
                    pool.strategy
                )
            }
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

/// A value that the document left out.
struct Line<'c> {
    /// Where it belongs, in the words of the document.
    place: String,
    /// Its key.
    key: &'c str,
    /// Its path in the plan, where it was traced by it.
    path: &'c str,
    value: &'c str,
    because: &'static str,
}

/// Values that say little one by one, as one line each kind.
const COUNTED: [Counted; 5] = [
    Counted {
        prefix: "Registration.health.",
        value: None,
        one: "number of `Registration.health`",
        many: "numbers of `Registration.health`",
    },
    Counted {
        prefix: "Registration.retry_budget.",
        value: None,
        one: "number of `Registration.retry_budget`",
        many: "numbers of `Registration.retry_budget`",
    },
    Counted {
        prefix: "supports_",
        value: Some("true"),
        one: "`supports_…` switch true",
        many: "`supports_…` switches true",
    },
    Counted {
        prefix: "smart_router.rules[",
        value: None,
        one: "value of a rule",
        many: "values of rules",
    },
    Counted {
        prefix: "Governance.observability.anomaly_thresholds.",
        value: None,
        one: "anomaly threshold",
        many: "anomaly thresholds",
    },
];

struct Counted {
    /// How their keys, or their paths in the plan, begin.
    prefix: &'static str,
    /// The value they have, where only that one is counted.
    value: Option<&'static str>,
    one: &'static str,
    many: &'static str,
}

impl Counted {
    fn has(&self, line: &Line<'_>) -> bool {
        let prefixed = [line.key, line.path]
            .iter()
            .any(|name| name.starts_with(self.prefix));
        prefixed && self.value.is_none_or(|value| value == line.value)
    }
}

fn filled(out: &mut String, compiled: &Compiled, plan: &Plan) {
    let all = all_filled(compiled, plan);
    if all.is_empty() {
        return;
    }
    out.push_str("\nfilled in\n");
    let rows: Vec<Vec<String>> = all
        .iter()
        .filter(|line| !COUNTED.iter().any(|kind| kind.has(line)))
        .map(|line| {
            vec![
                line.place.clone(),
                line.value.to_owned(),
                format!("({})", line.because),
            ]
        })
        .collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
    for kind in &COUNTED {
        let count = all.iter().filter(|line| kind.has(line)).count();
        if count > 0 {
            let noun = if count == 1 { kind.one } else { kind.many };
            let _ = writeln!(out, "  {count} {noun} (default)");
        }
    }
}

/// Everything that was filled in, with its path.
fn all_filled<'c>(compiled: &'c Compiled, plan: &Plan) -> Vec<Line<'c>> {
    let provenance = &compiled.provenance;
    let mut all: Vec<Line<'c>> = provenance
        .filled
        .iter()
        .map(|filled| Line {
            place: filled.key.to_owned(),
            key: filled.key,
            path: "",
            value: &filled.value,
            because: filled.because,
        })
        .collect();
    let traced = provenance.traced.iter().filter_map(|traced| {
        let Source::Filled(value, because) = &traced.source else {
            return None;
        };
        Some(Line {
            place: traced.key.to_string(),
            key: &traced.key,
            path: &traced.path,
            value,
            because,
        })
    });
    all.extend(traced);
    let mut item = |place: String, origin: &'c ItemOrigin| {
        all.extend(origin.filled.iter().map(|filled| Line {
            place: format!("{place} {}", filled.key),
            key: filled.key,
            path: "",
            value: &filled.value,
            because: filled.because,
        }));
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
