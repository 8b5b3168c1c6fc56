//! How the endpoints of pools fare, and asking them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use ctr_compiler::render::health::snapshot;
use ctr_compiler::render::pool_health::{self, Persisted};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, answer, body};
use crate::activate::Live;
use crate::pool::{Filter, Probed};

/// A filter is two ids.
const FILTER_BYTES: usize = 64 << 10;

/// `GET /api/models/pool-health`
pub(super) async fn report(State(app): State<App>) -> Response {
    let live = app.live.load_full();
    answer::json(StatusCode::OK, &health(&app, &live))
}

fn health(app: &App, live: &Live) -> Value {
    let now = live.clock().now_ms();
    let observed = |endpoint: &_| live.upstream(endpoint).record.observed();
    let persisted = Persisted {
        updated_at: app.state.as_ref().and_then(|file| file.updated_at()),
        endpoints: app.records.saved(live.plan()),
    };
    pool_health::view(&live.compiled, &observed, &persisted, now, &iso(now))
}

fn iso(ms: u64) -> String {
    let ms = i64::try_from(ms).ok();
    let time = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.unwrap_or_default().to_string()
}

/// What a probe may be asked to leave out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    model_id: Option<String>,
    #[serde(default)]
    endpoint_id: Option<String>,
}

/// `POST /api/models/pool-health/probe`: the body may be empty.
pub(super) async fn probe(State(app): State<App>, body: Body) -> Response {
    let refused = |message| answer::refused(StatusCode::BAD_REQUEST, message);
    let body = match body::whole(body, "filter", FILTER_BYTES).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let mut filter = Filter::default();
    if !body.trim_ascii().is_empty() {
        // A list would be read as well, member by member.
        let is_object = body.trim_ascii().starts_with(b"{");
        let asked = serde_json::from_slice::<Asked>(&body);
        let Some(asked) = asked.ok().filter(|_| is_object) else {
            return refused(
                "send nothing, or an object of `modelId` and `endpointId`, each a text, and no more",
            );
        };
        filter.model_id = asked.model_id;
        filter.endpoint_id = asked.endpoint_id;
    }
    let live = app.live.load_full();
    let probed = app.prober.probe(&live, &filter).await;
    answer::json(StatusCode::OK, &told(&app, &live, &probed))
}

fn told(app: &App, live: &Arc<Live>, probed: &[Probed]) -> Value {
    let ok = probed.iter().filter(|one| one.is_ok()).count();
    json!({
        "generatedAt": iso(live.clock().now_ms()),
        "summary": {
            "targets": probed.len(),
            "probed": probed.len(),
            "ok": ok,
            "failed": probed.len() - ok,
            // Every endpoint of a plan has a URL.
            "skipped": 0,
        },
        "results": probed.iter().map(|one| result(live, one)).collect::<Vec<_>>(),
        "health": health(app, live),
    })
}

fn result(live: &Live, probed: &Probed) -> Value {
    let pool = live.plan().pools.get(&probed.model_id);
    let endpoint = pool.and_then(|pool| {
        let mut members = pool.endpoints.iter();
        members.find(|endpoint| endpoint.id == probed.endpoint_id)
    });
    let mut view = json!({
        "modelId": probed.model_id,
        "endpointId": probed.endpoint_id,
        "ok": probed.is_ok(),
        "latencyMs": probed.latency_ms,
    });
    match probed.answer {
        Ok(status) => view["statusCode"] = json!(status.as_u16()),
        Err(error) => view["error"] = json!(error),
    }
    if let Some(endpoint) = endpoint {
        let upstream = live.upstream(endpoint);
        let (observed, now) = (upstream.record.observed(), live.clock().now_ms());
        view["url"] = json!(endpoint.api.url);
        view["health"] = snapshot(&probed.model_id, endpoint, &observed, &upstream.terms, now);
    }
    view
}
