//! Endpoints that are named by where they stand.

use super::members::Pool;
use crate::diagnostic::{Code, Diagnostic, Problems};

pub(super) fn check(pools: &[Pool<'_>], problems: &mut Problems) {
    for pool in pools {
        let mut positional = pool.members.iter().filter(|endpoint| {
            let metadata = &endpoint.entry.metadata;
            metadata.pool_endpoint_id.is_none() && metadata.upstream_service_id.is_none()
        });
        let Some(first) = positional.next() else {
            continue;
        };
        let headline = match positional.count() {
            0 => format!("an endpoint of pool `{}` is named by its position", pool.id),
            more => format!(
                "{} endpoints of pool `{}` are named by their position",
                more + 1,
                pool.id
            ),
        };
        let label = format!(
            "this one is `{}`, until an entry is added or removed before it",
            first.member.endpoint_id
        );
        problems.push(
            Diagnostic::new(Code::PoolPositionalEndpointId, headline)
                .at(first.span(), label)
                .help(
                    "add `pool_endpoint_id` to its `metadata`; state and references are kept by it",
                ),
        );
    }
}
