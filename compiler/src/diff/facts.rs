//! The facts of a diff: walks two plans side by side.

mod bounds;
mod sections;

use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(super) use bounds::is_bound;

use super::meaning::SPREAD;
use super::{Change, Subject};
use crate::plan::{Capabilities, Endpoint, Plan, Pool, Slot, Target, UpstreamService};
use crate::route::{PoolSnapshot, active_endpoint};

/// A named value as text; absent values are none.
type Field = (&'static str, Option<String>);

pub(super) fn compare(before: &Plan, after: &Plan) -> Vec<Change> {
    let mut changes = Vec::new();
    fields(&settings(before), &settings(after), &mut changes, |name| {
        Subject::Setting(name.to_owned())
    });
    for (_, slot) in Slot::WORDS {
        let name = |plan: &Plan| plan.router.slots.get(slot).cloned();
        push(
            &mut changes,
            Subject::Slot(*slot),
            name(before),
            name(after),
        );
    }
    sections::compare(before, after, &mut changes);
    for (id, old, new) in pairs(&before.models, &after.models) {
        match (old, new) {
            (Some(old), Some(new)) => {
                let subject = |name| Subject::ModelField(id.clone(), name);
                if old != new {
                    let (old, new) = (endpoint_fields(old), endpoint_fields(new));
                    fields(&old, &new, &mut changes, subject);
                }
                let side = |plan, model| (plan, Target::Model(id, model));
                let (old, new) = (side(before, old), side(after, new));
                bounds::compare(old, new, &mut changes, subject);
            }
            _ => push(
                &mut changes,
                Subject::Model(id.clone()),
                old.map(summary),
                new.map(summary),
            ),
        }
    }
    for (id, old, new) in pairs(&before.pools, &after.pools) {
        match (old, new) {
            (Some(old), Some(new)) => {
                if old != new {
                    pool(id, old, new, &mut changes);
                }
                let side = |plan, pool| (plan, Target::Pool(id, pool));
                let (old, new) = (side(before, old), side(after, new));
                bounds::compare(old, new, &mut changes, |name| {
                    Subject::PoolField(id.clone(), name)
                });
            }
            _ => push(
                &mut changes,
                Subject::Pool(id.clone()),
                old.map(pool_summary),
                new.map(pool_summary),
            ),
        }
    }
    for (id, old, new) in pairs(&before.upstream_services, &after.upstream_services) {
        let url = |service: &UpstreamService| service.base_url.url.clone();
        match (old, new) {
            (Some(old), Some(new)) => {
                fields(
                    &service_fields(old),
                    &service_fields(new),
                    &mut changes,
                    |name| Subject::ServiceField(id.clone(), name),
                );
            }
            _ => push(
                &mut changes,
                Subject::Service(id.clone()),
                old.map(url),
                new.map(url),
            ),
        }
    }
    changes
}

fn pool(id: &str, old: &Pool, new: &Pool, changes: &mut Vec<Change>) {
    fields(&pool_fields(old), &pool_fields(new), changes, |name| {
        Subject::PoolField(id.to_owned(), name)
    });
    let first = |pool: &Pool| {
        let first = active_endpoint(pool, &PoolSnapshot::all_healthy())?;
        Some(match pool.strategy {
            spreads if spreads.spreads() => format!("{SPREAD}{spreads}"),
            _ => first.id.clone(),
        })
    };
    push(
        changes,
        Subject::FirstChoice(id.to_owned()),
        first(old),
        first(new),
    );
    let enforced = old.enforce_rate_limits || new.enforce_rate_limits;
    for (endpoint, old, new) in pairs(&by_id(old), &by_id(new)) {
        match (old, new) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) => {
                fields(
                    &endpoint_fields(old),
                    &endpoint_fields(new),
                    changes,
                    |name| match name {
                        "rate_limit_rpm" | "rate_limit_tpm" if enforced => {
                            Subject::EnforcedLimit(id.to_owned(), endpoint.to_string(), name)
                        }
                        _ => Subject::EndpointField(id.to_owned(), endpoint.to_string(), name),
                    },
                );
            }
            _ => {
                let subject = Subject::Endpoint(id.to_owned(), endpoint.to_string());
                let summary = |endpoint: &&Endpoint| summary(endpoint);
                push(changes, subject, old.map(summary), new.map(summary));
            }
        }
    }
}

fn by_id(pool: &Pool) -> BTreeMap<&str, &Endpoint> {
    let endpoints = pool.endpoints.iter();
    endpoints
        .map(|endpoint| (endpoint.id.as_str(), endpoint))
        .collect()
}

/// The keys of both maps in order, each with its values. Both are sorted by key.
fn pairs<'m, K: Ord + 'm, V: 'm, M: IntoIterator<Item = (&'m K, &'m V)>>(
    before: M,
    after: M,
) -> impl Iterator<Item = (&'m K, Option<&'m V>, Option<&'m V>)> {
    let mut before = before.into_iter().peekable();
    let mut after = after.into_iter().peekable();
    std::iter::from_fn(move || {
        let order = match (before.peek(), after.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let old = before.next_if(|_| order.is_le());
        let new = after.next_if(|_| order.is_ge());
        let (key, _) = old.or(new)?;
        Some((
            key,
            old.map(|(_, value)| value),
            new.map(|(_, value)| value),
        ))
    })
}

fn fields(
    old: &[Field],
    new: &[Field],
    changes: &mut Vec<Change>,
    subject: impl Fn(&'static str) -> Subject,
) {
    for ((name, old), (_, new)) in old.iter().zip(new) {
        if old != new {
            push(changes, subject(name), old.clone(), new.clone());
        }
    }
}

fn push(
    changes: &mut Vec<Change>,
    subject: Subject,
    before: Option<String>,
    after: Option<String>,
) {
    if before != after {
        changes.push(Change {
            subject,
            before,
            after,
        });
    }
}

fn settings(plan: &Plan) -> Vec<Field> {
    vec![
        ("listen.host", Some(plan.listen.host.clone())),
        ("listen.port", Some(plan.listen.port.to_string())),
        (
            "listen.api_key",
            plan.listen.api_key.as_ref().map(ToString::to_string),
        ),
        ("runtime.mode", Some(plan.runtime.mode.to_string())),
        ("log_level", Some(plan.log_level.to_string())),
        (
            "upstream_timeout_ms",
            plan.upstream_timeout_ms.map(|ms| ms.to_string()),
        ),
        (
            "router.long_context_threshold",
            Some(plan.router.long_context_threshold.to_string()),
        ),
        (
            "router.background_models",
            Some(plan.router.background_models.join(", ")),
        ),
        (
            "router.force_image_agent",
            Some(plan.router.force_image_agent.to_string()),
        ),
    ]
}

/// Every value of an endpoint but its id, which is its identity.
fn endpoint_fields(endpoint: &Endpoint) -> Vec<Field> {
    // Taken apart by name, so that a new field cannot be forgotten here.
    let Endpoint {
        api,
        capabilities,
        cost,
        enabled,
        id: _,
        interface,
        key,
        key_header,
        label,
        model,
        priority,
        provider,
        rate_limit,
        thinking,
        upstream_service,
        vendor_hint,
        weight,
    } = endpoint;
    let Capabilities {
        context_window_tokens,
        images,
        reasoning,
        safe_input_tokens,
        tokenizer,
        tools,
    } = capabilities;
    let limits = rate_limit.as_ref();
    vec![
        ("enabled", Some(enabled.to_string())),
        ("priority", Some(priority.to_string())),
        ("weight", weight.map(|weight| weight.to_string())),
        ("interface", Some(interface.to_string())),
        (
            "api",
            Some(match &api.secret {
                Some(fingerprint) => format!("{} ({fingerprint})", api.url),
                None => api.url.clone(),
            }),
        ),
        ("key", Some(key.to_string())),
        ("key_header", key_header.map(|header| header.to_string())),
        ("model", Some(model.clone())),
        ("provider", Some(provider.clone())),
        ("upstream_service", upstream_service.clone()),
        (
            "thinking",
            thinking.as_ref().map(|thinking| {
                let mode = thinking.mode.map_or("as asked", |mode| mode.word());
                let effort = thinking
                    .effort
                    .map(|effort| format!(", effort {effort}"))
                    .unwrap_or_default();
                let budget = thinking
                    .budget_tokens
                    .map(|budget| format!(", budget {budget}"))
                    .unwrap_or_default();
                format!("{mode}{effort}{budget}")
            }),
        ),
        ("supports_reasoning", Some(reasoning.to_string())),
        ("supports_tools", Some(tools.to_string())),
        ("supports_images", Some(images.to_string())),
        (
            "context_window_tokens",
            context_window_tokens.map(|tokens| tokens.to_string()),
        ),
        (
            "safe_input_tokens",
            safe_input_tokens.map(|tokens| tokens.to_string()),
        ),
        (
            "tokenizer",
            tokenizer.map(|tokenizer| tokenizer.to_string()),
        ),
        (
            "cost",
            cost.as_ref().map(|cost| {
                let side = |amount: Option<f64>| {
                    amount.map_or("-".to_owned(), |amount| amount.to_string())
                };
                format!(
                    "{} / {} {} per 1M",
                    side(cost.input_per_1m),
                    side(cost.output_per_1m),
                    cost.currency
                )
            }),
        ),
        (
            "rate_limit_rpm",
            limits
                .and_then(|limits| limits.rpm)
                .map(|rpm| rpm.to_string()),
        ),
        (
            "rate_limit_tpm",
            limits
                .and_then(|limits| limits.tpm)
                .map(|tpm| tpm.to_string()),
        ),
        ("label", label.clone()),
        ("vendor_hint", vendor_hint.clone()),
    ]
}

fn pool_fields(pool: &Pool) -> Vec<Field> {
    let settings = pool.settings().into_iter();
    settings.map(|(name, value)| (name, Some(value))).collect()
}

fn service_fields(service: &UpstreamService) -> Vec<Field> {
    let url = &service.base_url;
    vec![
        (
            "base_url",
            Some(match &url.secret {
                Some(fingerprint) => format!("{} ({fingerprint})", url.url),
                None => url.url.clone(),
            }),
        ),
        (
            "auth_token",
            service.auth_token.as_ref().map(ToString::to_string),
        ),
    ]
}

fn summary(endpoint: &Endpoint) -> String {
    let off = if endpoint.enabled { "" } else { ", disabled" };
    format!(
        "{} {} at {}{off}",
        endpoint.interface, endpoint.model, endpoint.api.url
    )
}

fn pool_summary(pool: &Pool) -> String {
    let ids: Vec<&str> = pool
        .endpoints
        .iter()
        .map(|endpoint| endpoint.id.as_str())
        .collect();
    format!("{}: {}", pool.strategy, ids.join(", "))
}
