//! The pools of a preview: members in order, and what is set for them in words.

use std::fmt::Write;

use super::{columns, first_choice, table};
use crate::plan::{OnAllOpen, Plan, Pool, Strategy};

pub(super) fn text(out: &mut String, plan: &Plan) {
    if plan.pools.is_empty() {
        return;
    }
    out.push_str("\npools\n");
    // Most registrations say nothing of single pools; then once is enough.
    let mut settings = plan.pools.values().map(words);
    let first = settings.next().unwrap_or_default();
    let alike = settings.all(|other| other == first);
    for (id, pool) in &plan.pools {
        head(out, plan, id, pool);
        members(out, pool);
        if !alike {
            say(out, "    ", &words(pool));
        }
    }
    if alike {
        let noun = if plan.pools.len() == 1 {
            "the pool"
        } else {
            "every pool"
        };
        let _ = writeln!(out, "  {noun}");
        say(out, "    ", &first);
    }
}

fn say(out: &mut String, indent: &str, lines: &[String]) {
    for line in lines {
        let _ = writeln!(out, "{indent}{line}");
    }
}

fn head(out: &mut String, plan: &Plan, id: &str, pool: &Pool) {
    let count = pool.endpoints.len();
    let noun = if count == 1 { "endpoint" } else { "endpoints" };
    let shadowed = if plan.models.contains_key(id) {
        ", hidden by the model of the same id"
    } else {
        ""
    };
    let _ = writeln!(out, "  {id} ({}, {count} {noun}{shadowed})", pool.strategy);
}

fn members(out: &mut String, pool: &Pool) {
    let active = first_choice(pool).map(|endpoint| &endpoint.id);
    let enabled = pool.endpoints.iter().filter(|endpoint| endpoint.enabled);
    let total: u64 = enabled
        .map(|endpoint| u64::from(endpoint.weight.unwrap_or(1)))
        .sum();
    let rows: Vec<Vec<String>> = pool
        .endpoints
        .iter()
        .map(|endpoint| {
            let state = match pool.strategy {
                _ if !endpoint.enabled => "off".to_owned(),
                Strategy::Weighted => {
                    let weight = f64::from(endpoint.weight.unwrap_or(1));
                    format!("{:.0} %", weight * 100.0 / total.max(1) as f64)
                }
                Strategy::RoundRobin => "in turn".to_owned(),
                Strategy::P2cEwma => "by load".to_owned(),
                _ if active == Some(&endpoint.id) => "active".to_owned(),
                _ => String::new(),
            };
            let mut row = vec![
                state,
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

/// Every number of a pool, as sentences.
fn words(pool: &Pool) -> Vec<String> {
    let (health, budget) = (&pool.health, &pool.retry_budget);
    let mut lines = vec![
        format!(
            "out for {} after a failure, for {} after {} in a row; then {} at a time until one succeeds",
            seconds(health.cooldown_ms),
            seconds(health.open_ms),
            health.failures_to_open,
            counted(health.half_open_trials, "trial"),
        ),
        match health.retry_after_max_ms {
            0 => "an upstream that says when to come back is not heard".to_owned(),
            most => format!(
                "an upstream that says when to come back is left alone until then, {} at most",
                seconds(most)
            ),
        },
        match pool.on_all_open {
            OnAllOpen::FailOpen => "with all of them out, they are tried all the same".to_owned(),
            OnAllOpen::Reject => "with all of them out, requests are answered with 503".to_owned(),
        },
        match pool.max_retries {
            0 => "a failed request is not tried again".to_owned(),
            most => format!(
                "at most {} a request; over {} s no more than {} % of all requests, and {} a second besides",
                counted_retries(most),
                budget.window_seconds,
                budget.percent,
                budget.min_per_second,
            ),
        },
        format!(
            "latency is the mean of the last {}, of {} at most; the moving average halves in {}",
            counted(health.latency_window, "sample"),
            seconds(health.latency_max_age_ms),
            seconds(health.ewma_decay_ms),
        ),
    ];
    if pool.enforce_rate_limits {
        lines.push("an endpoint at its declared limit is skipped".to_owned());
    }
    lines
}

fn counted_retries(most: u32) -> String {
    if most == 1 {
        "1 retry".to_owned()
    } else {
        format!("{most} retries")
    }
}

fn counted(count: u32, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

fn seconds(ms: u64) -> String {
    format!("{} s", ms as f64 / 1000.0)
}
