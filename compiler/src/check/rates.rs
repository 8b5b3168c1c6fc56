//! Declared rate limits: what is left of a pool when an endpoint fails should
//! bear what that endpoint bore.

use super::members::Pool;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::Strategy;
use crate::registration::{Metadata, ModelEntry};
use crate::source::{Span, Spanned};

type Limit = fn(&Metadata) -> &Option<Spanned<i64>>;

/// Limits that are compared, and what they count.
const LIMITS: [(&str, Limit); 2] = [
    ("requests", |metadata| &metadata.rate_limit_rpm),
    ("tokens", |metadata| &metadata.rate_limit_tpm),
];

/// Two places, and the sum of what is allowed in each.
pub(super) struct Lower {
    pub(super) unit: &'static str,
    pub(super) here: (Span, i128),
    pub(super) there: (Span, i128),
}

pub(super) fn check(pools: &[Pool<'_>], problems: &mut Problems) {
    for pool in pools.iter().filter(|pool| !pool.is_shadowed) {
        let Some(lower) = in_pool(pool) else { continue };
        problems.push(
            Diagnostic::new(
                Code::PoolLowerRateLimit,
                format!(
                    "too few {} a minute are left when an endpoint of pool `{}` fails",
                    lower.unit, pool.id
                ),
            )
            .at(lower.there.0, format!("{} a minute here", lower.there.1))
            .at(
                lower.here.0,
                format!("{} a minute are left when it fails", lower.here.1),
            )
            .help("add an endpoint or raise the limits, or count on refusals when it fails"),
        );
    }
}

/// Whether the first allow less than the second; not said where one of the
/// first has no limit.
pub(super) fn lower(here: &[&ModelEntry], there: &[&ModelEntry]) -> Option<Lower> {
    LIMITS.iter().find_map(|(unit, limit)| {
        let (here, there) = (sum(here, *limit)?, sum(there, *limit)?);
        (here.1 < there.1).then_some(Lower { unit, here, there })
    })
}

/// The place of the first limit, and the sum of all.
fn sum(entries: &[&ModelEntry], limit: Limit) -> Option<(Span, i128)> {
    let first = limit(&entries.first()?.metadata).as_ref()?;
    let limits = entries.iter().map(|entry| limit(&entry.metadata).as_ref());
    let all = limits.fold(Some(0), both)?;
    Some((first.span, all))
}

/// A sum and one more; no limit is no sum.
fn both(sum: Option<i128>, limit: Option<&Spanned<i64>>) -> Option<i128> {
    Some(sum?.saturating_add(i128::from(limit?.value)))
}

/// The first endpoint of which less is left than it bears.
fn in_pool(pool: &Pool<'_>) -> Option<Lower> {
    let mut declared = pool.enabled().map(|endpoint| &endpoint.entry.metadata);
    if !declared.any(|metadata| LIMITS.iter().any(|(_, limit)| limit(metadata).is_some())) {
        return None;
    }
    let order = pool.in_order();
    LIMITS.iter().find_map(|(unit, limit)| {
        let limits = order
            .iter()
            .map(|endpoint| limit(&endpoint.entry.metadata).as_ref());
        let (here, there) = left(&limits.collect::<Vec<_>>(), pool.strategy)?;
        Some(Lower { unit, here, there })
    })
}

/// What is left, and the endpoint without which it is left. In order of
/// priority only the first bears requests while nothing fails.
fn left(
    limits: &[Option<&Spanned<i64>>],
    strategy: Strategy,
) -> Option<((Span, i128), (Span, i128))> {
    let all = limits.iter().copied().fold(Some(0), both)?;
    let bearing = match strategy {
        Strategy::Priority => 1,
        _ => limits.len(),
    };
    let limits: Vec<&Spanned<i64>> = limits.iter().copied().flatten().collect();
    let (at, lost) = limits
        .iter()
        .enumerate()
        .take(bearing)
        .find(|(_, limit)| all - i128::from(limit.value) < i128::from(limit.value))?;
    let other = limits.get(if at == 0 { 1 } else { 0 })?;
    let lost_value = i128::from(lost.value);
    Some(((other.span, all - lost_value), (lost.span, lost_value)))
}
