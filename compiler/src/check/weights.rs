//! Weights: every endpoint of a weighted pool has one, and no other pool has any.

use super::members::{Endpoint, Pool};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::Strategy;
use crate::source::Span;

pub(super) fn check(pools: &[Pool<'_>], problems: &mut Problems) {
    for pool in pools.iter().filter(|pool| !pool.is_shadowed) {
        let found = if pool.strategy == Strategy::Weighted {
            missing(pool)
        } else {
            without_effect(pool)
        };
        if let Some(diagnostic) = found {
            problems.push(diagnostic);
        }
    }
}

fn weight(endpoint: Endpoint<'_>) -> Option<Span> {
    let weight = endpoint.entry.metadata.pool_weight.as_ref();
    weight.map(|weight| weight.span)
}

fn missing(pool: &Pool<'_>) -> Option<Diagnostic> {
    let mut enabled = pool.enabled();
    let without = enabled.find(|endpoint| weight(*endpoint).is_none())?;
    let diagnostic = Diagnostic::new(
        Code::PoolMissingWeight,
        format!(
            "pool `{}` is weighted, and an endpoint has no weight",
            pool.id
        ),
    )
    .at(without.span(), "this one has no `pool_weight`");
    let with = pool.enabled().find_map(weight);
    let diagnostic = match with {
        Some(span) => diagnostic.at(span, "this one has one"),
        None => diagnostic,
    };
    Some(diagnostic.help("add `pool_weight` to its `metadata`, for example `pool_weight: 1`"))
}

fn without_effect(pool: &Pool<'_>) -> Option<Diagnostic> {
    let span = pool.members.iter().copied().find_map(weight)?;
    Some(
        Diagnostic::new(
            Code::PoolWeightWithoutEffect,
            format!("pool `{}` is not weighted, and has a weight", pool.id),
        )
        .at(
            span,
            format!("no effect while the strategy is `{}`", pool.strategy),
        )
        .help("write `strategy: weighted` for the pool, or remove the weight"),
    )
}
