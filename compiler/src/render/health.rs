//! What is known about an endpoint, in the fields of claude-trigger-router's
//! health snapshot, with what that has not: half-open, and why an endpoint is out.

use serde_json::{Value, json};

use super::with_present;
use crate::health::{Observed, Standing, Terms};
use crate::plan::Endpoint;

/// `modelId`, `endpointId`, `status` and counts; ends of rests only while they are
/// ahead, `latency` only where samples count. Times are epoch milliseconds.
pub fn snapshot(
    model_id: &str,
    endpoint: &Endpoint,
    observed: &Observed,
    terms: &Terms,
    now: u64,
) -> Value {
    let (health, policy) = (&observed.health, &terms.policy);
    let standing = health.standing(policy, now);
    let (cooldown, open) = health.deadlines(now);
    let view = json!({
        "modelId": model_id,
        "endpointId": endpoint.id,
        "status": standing.word(),
        "failureCount": health.failures(policy, now),
        "successCount": health.success_count,
    });
    let mut view = with_present(
        view,
        [
            ("lastFailureAt", health.last_failure_at),
            ("lastSuccessAt", health.last_success_at),
            ("cooldownUntil", cooldown),
            ("circuitOpenUntil", open),
        ],
    );
    view = with_present(view, [("lastFailure", health.last_failure)]);
    view = with_present(view, [("reason", observed.reason(terms, now))]);
    if let Standing::HalfOpen { trials } = standing {
        view["trialsFree"] = json!(trials);
    }
    let samples: Vec<_> = health.latencies.fresh(policy, now).collect();
    if let (Some(first), Some(last), Some(average)) = (
        samples.first(),
        samples.last(),
        health.latencies.average_ms(policy, now),
    ) {
        view["latency"] = json!({
            "sampleCount": samples.len(),
            "averageMs": average,
            "lastMs": last.latency_ms,
            "windowStartedAt": first.recorded_at,
            "windowEndedAt": last.recorded_at,
        });
    }
    view
}
