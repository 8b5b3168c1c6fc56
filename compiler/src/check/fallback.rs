//! Endpoints of one pool that cannot stand in for each other.

use std::collections::BTreeMap;

use super::members::{Endpoint, Pool};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::{Interface, Strategy};
use crate::source::{Span, Spanned};

pub(super) fn check(pools: &[Pool<'_>], problems: &mut Problems) {
    for pool in pools.iter().filter(|pool| !pool.is_shadowed) {
        let found = [interfaces(pool), smaller(pool), currencies(pool)];
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
        .help("give the endpoints of each interface an id of their own; a request stays with its own interface"),
    )
}

/// The first endpoint that lacks what an endpoint before it has. Requests
/// never change the interface, so each interface is looked at by itself.
fn smaller(pool: &Pool<'_>) -> Option<Diagnostic> {
    let mut order: Vec<Endpoint<'_>> = pool.enabled().collect();
    order.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut before: BTreeMap<Interface, Best> = BTreeMap::new();
    for endpoint in order {
        let Some(interface) = endpoint.interface() else {
            continue;
        };
        let best = before.entry(interface).or_default();
        if let Some(lack) = best.lack(endpoint) {
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
        best.note(endpoint);
    }
    None
}

/// The most that endpoints so far can do, and where that is written.
#[derive(Default)]
struct Best {
    window: Option<Spanned<i64>>,
    abilities: [Option<Span>; 3],
}

/// Two places, and what each has.
struct Lack {
    here: (Span, String),
    there: (Span, String),
}

const ABILITIES: [&str; 3] = ["tools", "images", "reasoning"];

fn abilities<'r>(endpoint: Endpoint<'r>) -> [Option<&'r Spanned<bool>>; 3] {
    let metadata = &endpoint.entry.metadata;
    [
        metadata.supports_tools.as_ref(),
        metadata.supports_images.as_ref(),
        metadata.supports_reasoning.as_ref(),
    ]
}

impl Best {
    fn lack(&self, endpoint: Endpoint<'_>) -> Option<Lack> {
        let window = endpoint.entry.metadata.context_window_tokens.as_ref();
        if let (Some(best), Some(window)) = (&self.window, window)
            && window.value < best.value
        {
            return Some(Lack {
                here: (window.span, format!("{} tokens here", window.value)),
                there: (
                    best.span,
                    format!("{} tokens here, tried before", best.value),
                ),
            });
        }
        let all = abilities(endpoint).into_iter().zip(self.abilities);
        let mut lacking = all.zip(ABILITIES).filter_map(|((written, best), what)| {
            let written = written.filter(|written| !written.value)?;
            Some(Lack {
                here: (written.span, format!("no {what} here")),
                there: (best?, format!("{what} here, tried before")),
            })
        });
        lacking.next()
    }

    fn note(&mut self, endpoint: Endpoint<'_>) {
        let window = endpoint.entry.metadata.context_window_tokens.as_ref();
        if let Some(window) = window
            && self
                .window
                .as_ref()
                .is_none_or(|best| best.value < window.value)
        {
            self.window = Some(window.clone());
        }
        for (best, written) in self.abilities.iter_mut().zip(abilities(endpoint)) {
            // What is not written off is on.
            let place = match written {
                Some(written) if !written.value => continue,
                Some(written) => written.span,
                None => endpoint.span(),
            };
            best.get_or_insert(place);
        }
    }
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
