//! Pools whose endpoints fail together: fallback looks redundant and is not.

use super::members::{Endpoint, Pool};
use super::network::is_loopback;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::is_lone_variable;
use crate::registration::literal_host;
use crate::source::Span;
use crate::variable::variables;

pub(super) fn check(pools: &[Pool<'_>], problems: &mut Problems) {
    for pool in pools.iter().filter(|pool| !pool.is_shadowed) {
        if let Some(shared) = service(pool).or_else(|| host(pool)).or_else(|| key(pool)) {
            problems.push(diagnostic(pool, &shared));
        }
    }
}

/// What all enabled endpoints have in common.
struct Shared {
    noun: &'static str,
    /// The noun with its name, where it has one that may be repeated.
    what: String,
    places: (Span, Span),
    help: &'static str,
}

fn diagnostic(pool: &Pool<'_>, shared: &Shared) -> Diagnostic {
    Diagnostic::new(
        Code::PoolSharedUpstream,
        format!("all endpoints of pool `{}` share {}", pool.id, shared.what),
    )
    .at(shared.places.0, format!("this {}", shared.noun))
    .at(shared.places.1, "the same; when it fails, both fail")
    .help(shared.help)
}

fn service(pool: &Pool<'_>) -> Option<Shared> {
    let (name, places) = common(pool, |endpoint| {
        let id = endpoint.entry.metadata.upstream_service_id.as_ref()?;
        Some((id.value.clone(), id.span))
    })?;
    Some(Shared {
        noun: "upstream service",
        what: format!("the upstream service `{name}`"),
        places,
        help: "add an endpoint at another service, or leave only one if no fallback is meant",
    })
}

fn host(pool: &Pool<'_>) -> Option<Shared> {
    let (name, places) = common(pool, |endpoint| {
        let api = endpoint.entry.api.as_ref()?;
        let host = literal_host(&api.value)?;
        // Whoever runs upstreams beside the proxy knows that they share a machine.
        (!is_loopback(host)).then(|| {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            (name, api.span)
        })
    })?;
    Some(Shared {
        noun: "host",
        what: format!("the host `{name}`"),
        places,
        help: "add an endpoint at another host, or leave only one if no fallback is meant",
    })
}

fn key(pool: &Pool<'_>) -> Option<Shared> {
    let is_here = |endpoint: Endpoint<'_>| {
        let host = endpoint.entry.api.as_ref();
        let host = host.and_then(|api| literal_host(&api.value));
        host.is_some_and(is_loopback)
    };
    // Servers beside the proxy seldom ask for a key at all.
    if pool.enabled().any(is_here) {
        return None;
    }
    let (_, places) = common(pool, |endpoint| {
        let key = endpoint.entry.key.as_ref()?;
        if !is_lone_variable(&key.value) {
            return None;
        }
        let found = variables(&key.value).ok()?;
        Some((found.first()?.name.to_owned(), key.span))
    })?;
    Some(Shared {
        noun: "key",
        // Headlines go out over HTTP, where the names of keys are nobody's business.
        what: "one key".to_owned(),
        places,
        help: "give each endpoint a key of its own; a revoked or exhausted key stops them all",
    })
}

/// The name all enabled endpoints of a pool have, with the first two places;
/// none if one has no such name or there are fewer than two.
fn common<'r>(
    pool: &Pool<'r>,
    name_of: impl Fn(Endpoint<'r>) -> Option<(String, Span)>,
) -> Option<(String, (Span, Span))> {
    let mut endpoints = pool.enabled();
    let (name, first) = name_of(endpoints.next()?)?;
    let mut second = None;
    for endpoint in endpoints {
        let (other, span) = name_of(endpoint)?;
        if other != name {
            return None;
        }
        second.get_or_insert(span);
    }
    Some((name, (first, second?)))
}
