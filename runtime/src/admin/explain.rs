//! `POST /api/route/explain`: where the live plan would send a request, and why.
//! Nothing is sent, counted or remembered.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use ctr_compiler::explain::{Given, explain};
use ctr_compiler::plan::Endpoint;
use ctr_compiler::registration::Spoken;
use ctr_compiler::render;
use ctr_compiler::route::{PoolSnapshot, RequestFeatures};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::{App, answer, body};
use crate::activate::Live;
use crate::requests::{NoRequest, Request};

/// A request and what is given beside it.
const LARGEST: usize = 32 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    request: Value,
    #[serde(default)]
    protocol: Option<Spoken>,
    #[serde(default)]
    state: Option<Value>,
}

/// `POST /api/route/explain`
pub(super) async fn explained(State(app): State<App>, body: Body) -> Response {
    let body = match body::whole(body, "request", LARGEST).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let live = app.live.load_full();
    // Counting a long request takes milliseconds, which others would wait for.
    let told = spawn_blocking(move || told(&live, &body)).await;
    match told {
        Ok(Ok(explained)) => answer::json(StatusCode::OK, &explained),
        Ok(Err((message, help))) => answer::json(
            StatusCode::BAD_REQUEST,
            &json!({ "success": false, "message": message, "help": help }),
        ),
        Err(_) => answer::refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request could not be explained",
        ),
    }
}

fn told(live: &Live, body: &[u8]) -> Result<Value, NoRequest> {
    let asked: Asked = serde_json::from_slice(body).map_err(|_| {
        (
            "this is no question".to_owned(),
            "send `{\"request\": …}`, with `protocol` (`messages`, `chat`, `responses`) and \
             `state` where they are needed"
                .to_owned(),
        )
    })?;
    let plan = live.plan();
    let given = match &asked.state {
        Some(state) => Given::read(state, plan)?,
        None => Given::default(),
    };
    let request = Request::read(asked.request.to_string().into_bytes(), asked.protocol, plan)?;
    let now = live.clock().now_ms();
    let observed = |endpoint: &Endpoint| {
        let upstream = live.upstream(endpoint);
        upstream.record.seen(&upstream.terms, now, 0)
    };
    let seen = |endpoint: &Endpoint| given.seen(plan, endpoint, now, &observed);
    let features = RequestFeatures {
        session: given.session.session(),
        answers: given.answers.answers(),
        ..request.features()
    };
    let compiled = &live.compiled;
    let snapshot = PoolSnapshot::new(&seen, 0);
    let explained = explain(plan, &compiled.provenance, &features, &snapshot, now);
    Ok(render::explain::json(&explained, &compiled.places))
}
