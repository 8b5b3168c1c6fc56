//! What is remembered of requests.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::{App, answer};
use crate::trace::{Filter, Trace, route_decision, switch_continuity};

/// `GET /api/governance/traces`
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Response {
    let filter = match Filter::read(uri.query().unwrap_or_default()) {
        Ok(filter) => filter,
        Err(message) => return answer::refused(StatusCode::BAD_REQUEST, message),
    };
    match app.traces.find(filter).await {
        Err(error) => unreadable(&error),
        Ok(traces) => {
            let all = |view: fn(&Trace) -> Value| traces.iter().map(view).collect::<Vec<_>>();
            let body = json!({
                "traces": traces,
                "routeDecisions": all(route_decision),
                "switchContinuity": all(switch_continuity),
            });
            answer::json(StatusCode::OK, &body)
        }
    }
}

/// `GET /api/governance/traces/{id}`
pub(super) async fn one(State(app): State<App>, Path(id): Path<String>) -> Response {
    let filter = Filter {
        request_id: Some(id),
        limit: 1,
        ..Filter::default()
    };
    match app.traces.find(filter).await {
        Err(error) => unreadable(&error),
        Ok(traces) => match traces.first() {
            None => answer::refused(StatusCode::NOT_FOUND, "there is no trace of this request"),
            Some(trace) => {
                let mut body = json!(trace);
                body["decisionSummary"] = route_decision(trace);
                body["switchSummary"] = switch_continuity(trace);
                answer::json(StatusCode::OK, &body)
            }
        },
    }
}

fn unreadable(error: &str) -> Response {
    let message = format!("traces cannot be read: {error}");
    answer::refused(StatusCode::SERVICE_UNAVAILABLE, &message)
}
