//! `GET /v1/models`: what a client may ask for, as its protocol lists it.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::answer::{self, Shape};
use super::{App, access};

pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Response {
    let live = app.live.load();
    let shape = Shape::of_shared(&headers);
    if let Err(denied) = access::check(live.api_key.as_deref(), &headers) {
        return shape.refusal(StatusCode::UNAUTHORIZED, &denied.to_string());
    }
    let ids: Vec<&str> = live.plan().logical_ids().collect();
    let body = match shape {
        Shape::Anthropic => anthropic(&ids),
        _ => openai(&ids),
    };
    answer::json(StatusCode::OK, &body)
}

fn openai(ids: &[&str]) -> Value {
    // A registration tells no date of creation, and clients want a number.
    let model = |id: &&str| json!({ "id": id, "object": "model", "created": 0, "owned_by": "ctr" });
    json!({ "object": "list", "data": ids.iter().map(model).collect::<Vec<_>>() })
}

fn anthropic(ids: &[&str]) -> Value {
    let model = |id: &&str| json!({ "type": "model", "id": id, "display_name": id, "created_at": "1970-01-01T00:00:00Z" });
    json!({
        "data": ids.iter().map(model).collect::<Vec<_>>(),
        "has_more": false,
        "first_id": ids.first(),
        "last_id": ids.last(),
    })
}
