//! Endpoints of one pool that cannot stand in for each other.

use super::ability::Best;
use super::members::{Endpoint, Pool};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::Strategy;
use crate::source::Span;

pub(super) fn check(pools: &[Pool<'_>], problems: &mut Problems) {
    for pool in pools.iter().filter(|pool| !pool.is_shadowed) {
        let found = [
            interfaces(pool),
            smaller(pool),
            currencies(pool),
            costs(pool),
        ];
        for diagnostic in found.into_iter().flatten() {
            problems.push(diagnostic);
        }
    }
}

fn interfaces(pool: &Pool<'_>) -> Option<Diagnostic> {
    let place = |endpoint: Endpoint<'_>| {
        let written = endpoint.entry.interface.as_ref();
        let span = written.map_or_else(|| endpoint.span(), |interface| interface.span);
        Some((endpoint.interface()?, span))
    };
    let mut places = pool.enabled().filter_map(place);
    let (one, first) = places.next()?;
    let (other, second) = places.find(|(interface, _)| *interface != one)?;
    Some(
        Diagnostic::new(
            Code::PoolMixedInterfaces,
            format!("endpoints of pool `{}` speak different interfaces", pool.id),
        )
        .at(second, format!("this one speaks `{other}`"))
        .at(first, format!("this one speaks `{one}`"))
        .help("keep it where a translated answer will do as a fallback, or give the endpoints of each interface an id of their own"),
    )
}

/// The first endpoint that lacks what an endpoint before it has.
fn smaller(pool: &Pool<'_>) -> Option<Diagnostic> {
    let mut best = Best::default();
    for endpoint in pool.in_order() {
        if let Some(lack) = best.lack(endpoint.entry, "tried before") {
            return Some(
                Diagnostic::new(
                    Code::PoolSmallerFallback,
                    format!(
                        "pool `{}` falls back to an endpoint that can do less",
                        pool.id
                    ),
                )
                .at(lack.here.0, lack.here.1)
                .at(lack.there.0, lack.there.1)
                .help("give the fallback what the preferred endpoint has, or an id of its own"),
            );
        }
        best.note(endpoint.entry);
    }
    None
}

fn currencies(pool: &Pool<'_>) -> Option<Diagnostic> {
    if pool.strategy != Strategy::CostAware {
        return None;
    }
    let mut priced = pool.enabled().filter_map(currency);
    let (one, first) = priced.next()?;
    let (other, second) = priced.find(|(currency, _)| !currency.eq_ignore_ascii_case(one))?;
    Some(
        Diagnostic::new(
            Code::PoolMixedCurrencies,
            format!(
                "costs of pool `{}` are declared in different currencies",
                pool.id
            ),
        )
        .at(second, format!("`{other}` here"))
        .at(first, format!("`{one}` here"))
        .help("declare all costs of a pool in one currency; amounts are compared as they stand"),
    )
}

/// The currency of an endpoint with a declared cost, and a place for it.
fn currency<'r>(endpoint: Endpoint<'r>) -> Option<(&'r str, Span)> {
    let metadata = &endpoint.entry.metadata;
    let cost = metadata
        .cost_input
        .as_ref()
        .or(metadata.cost_output.as_ref())?;
    Some(match &metadata.cost_currency {
        Some(currency) => (&currency.value, currency.span),
        None => ("USD", cost.span),
    })
}

/// Endpoints without a cost come last, and where none has one nothing is compared.
fn costs(pool: &Pool<'_>) -> Option<Diagnostic> {
    if pool.strategy != Strategy::CostAware || pool.enabled().nth(1).is_none() {
        return None;
    }
    let has_cost = |endpoint: &Endpoint<'_>| currency(*endpoint).is_some();
    let without = pool.enabled().find(|endpoint| !has_cost(endpoint))?;
    let diagnostic = |headline: String| Diagnostic::new(Code::PoolMissingCost, headline);
    let diagnostic = match pool.enabled().find(has_cost).and_then(currency) {
        Some((_, cost)) => diagnostic(format!(
            "an endpoint of pool `{}` is chosen by cost and declares none",
            pool.id
        ))
        .at(without.span(), "no cost here, so it comes last")
        .at(cost, "a cost here"),
        None => diagnostic(format!(
            "endpoints of pool `{}` are chosen by cost and declare none",
            pool.id
        ))
        .at(without.span(), "no cost here, nor at the others"),
    };
    Some(
        diagnostic.help(
            "add `cost_per_1m_input_tokens` and `cost_per_1m_output_tokens` to its `metadata`",
        ),
    )
}
