//! How much is served at most: the longest request, and the most in a minute.
//!
//! Which change refuses requests is seen from no single value: another endpoint,
//! or slot `longContext`, may take what one of them does not.

use super::push;
use crate::diff::{Change, Subject};
use crate::plan::{Endpoint, Plan, Slot, Target};
use crate::route::own_budget;

type Limit = fn(&Endpoint) -> Option<u64>;

const REQUEST: &str = "longest_request";
const INPUT: &str = "longest_input";

/// Limits of one request: it is served where one endpoint holds it.
const LONGEST: [(&str, Limit); 2] = [(REQUEST, room), (INPUT, input)];

/// What the input and the answer may have, beside the thinking.
fn room(endpoint: &Endpoint) -> Option<u64> {
    let window = endpoint.capabilities.context_window_tokens?;
    Some(window.saturating_sub(own_budget(endpoint).unwrap_or(0)))
}

fn input(endpoint: &Endpoint) -> Option<u64> {
    let limits = [endpoint.capabilities.safe_input_tokens, room(endpoint)];
    limits.into_iter().flatten().min()
}

/// Limits of a minute: each endpoint adds its own.
const MINUTE: [(&str, Limit); 2] = [
    ("requests_per_minute", |endpoint| {
        endpoint.rate_limit.as_ref()?.rpm
    }),
    ("tokens_per_minute", |endpoint| {
        endpoint.rate_limit.as_ref()?.tpm
    }),
];

/// Whether a field of a model or a pool is what it serves at most.
pub(in crate::diff) fn is_bound(field: &str) -> bool {
    let mut all = LONGEST.iter().chain(&MINUTE);
    all.any(|(name, _)| *name == field)
}

/// Tells what a model, or a pool, serves at most, where that differs. One that has
/// no endpoint to serve with is told of as such, and not here.
pub(super) fn compare(
    before: (&Plan, Target<'_>),
    after: (&Plan, Target<'_>),
    changes: &mut Vec<Change>,
    subject: impl Fn(&'static str) -> Subject,
) {
    if !before.1.is_enabled() || !after.1.is_enabled() {
        return;
    }
    let mut requests = (0, 0);
    for ((name, old), (_, new)) in bounds(before).zip(bounds(after)) {
        if name == REQUEST {
            requests = (old, new);
        }
        // Where less input is taken because shorter requests are, that is told already.
        let (least, request) = (old, requests.0).min((new, requests.1));
        if name == INPUT && least == request {
            continue;
        }
        push(changes, subject(name), Some(told(old)), Some(told(new)));
    }
}

/// The most that is served, by name; what has no limit is the greatest number.
fn bounds<'p>(
    (plan, target): (&'p Plan, Target<'p>),
) -> impl Iterator<Item = (&'static str, u64)> + 'p {
    let longer = plan.router.slots.get(&Slot::LongContext);
    let longer = longer.and_then(|name| plan.resolve(name));
    let enforced = matches!(target, Target::Pool(_, pool) if pool.enforce_rate_limits);
    let longest = LONGEST.into_iter().map(move |(name, limit)| {
        let targets = [Some(target), longer].into_iter().flatten();
        let all = targets.flat_map(|target| limits(target, limit));
        (name, all.fold(0, u64::max))
    });
    let minute = MINUTE.into_iter().map(move |(name, limit)| {
        let most = match enforced {
            true => limits(target, limit).fold(0, u64::saturating_add),
            false => u64::MAX,
        };
        (name, most)
    });
    longest.chain(minute)
}

fn limits(target: Target<'_>, limit: Limit) -> impl Iterator<Item = u64> {
    let endpoints = target.endpoints().iter();
    let enabled = endpoints.filter(|endpoint| endpoint.enabled);
    enabled.map(move |endpoint| limit(endpoint).unwrap_or(u64::MAX))
}

fn told(most: u64) -> String {
    match most {
        u64::MAX => "any".to_owned(),
        _ => most.to_string(),
    }
}
