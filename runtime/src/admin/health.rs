//! Whether the proxy serves, and which plan.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::{App, answer};
use crate::counts::Counts;
use crate::reload::Status;

/// The name by which clients of the reference know the service.
const SERVICE: &str = "claude-trigger-router";

/// `GET /health`: open to everybody, and tells nothing but that it answers.
pub(super) async fn alive() -> Response {
    answer::json(
        StatusCode::OK,
        &json!({ "status": "ok", "service": SERVICE }),
    )
}

/// `GET /api/health`: the live plan, and what became of later saves.
pub(super) async fn detailed(State(app): State<App>) -> Response {
    let live = app.live.load();
    let is_recorded = app.observer.records(&live);
    let body = json!({
        "service": SERVICE,
        "ready": true,
        "port": app.port,
        "plan": { "hash": live.hash },
        "reload": reload(&app.status.load()),
        "traces": counted(app.traces.counts()),
        "corpus": is_recorded.then(|| counted(app.observer.counts())),
    });
    answer::json(StatusCode::OK, &body)
}

fn counted(counts: &Counts) -> Value {
    json!({
        "written": counts.written(),
        "dropped": counts.dropped(),
        "failed": counts.failed(),
        "error": counts.error(),
    })
}

fn reload(status: &Status) -> Value {
    let refusal = status.last_refusal.as_ref().map(|refusal| {
        json!({ "at": refusal.at, "summary": refusal.summary, "problems": refusal.problems })
    });
    json!({
        "hash": status.hash,
        "loadedAt": status.loaded_at,
        "swaps": status.swaps,
        "refusals": status.refusals,
        "stale": status.stale,
        "lastRefusal": refusal,
    })
}
