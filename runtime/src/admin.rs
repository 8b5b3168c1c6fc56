//! Everything that is answered besides model calls: health, what is compiled,
//! drafts, the list of models, and refusals in the caller's own protocol.
//!
//! What is under `/api/` takes the key, if one is configured, whether the path
//! exists or not. `/health` does not, so that a container's probe needs no secret.
//! Without a key strangers are turned away from everything else.

mod answer;
mod benchmark;
mod body;
mod compiled;
mod explain;
mod health;
mod models;
mod plan;
mod pool_health;
mod shadow;
mod traces;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post};

use crate::access::{self, Names};
use crate::activate::Live;
use crate::ask_plan;
use crate::evaluate::Log;
use crate::observe::Observer;
use crate::pool::{Prober, Records, StateFile};
use crate::proxy::{
    CHAT_COMPLETIONS, COMPACT, COUNT_TOKENS, EMBEDDINGS, INPUT_TOKENS, MESSAGES, Proxy, RESPONSES,
};
use crate::reload::{Reload, Status};
use crate::trace::Traces;

/// What the handlers share.
#[derive(Clone)]
struct App {
    live: Arc<ArcSwap<Live>>,
    status: Arc<ArcSwap<Status>>,
    records: Arc<Records>,
    /// Where records are saved, if they are.
    state: Option<Arc<StateFile>>,
    prober: Prober,
    proxy: Proxy,
    traces: Traces,
    observer: Observer,
    history: Arc<Log>,
    port: u16,
    names: Arc<Names>,
}

/// What the routes tell of.
pub(crate) struct Told<'r> {
    pub(crate) reload: &'r Reload,
    pub(crate) records: Arc<Records>,
    pub(crate) state: Option<Arc<StateFile>>,
    pub(crate) proxy: Proxy,
    pub(crate) traces: Traces,
    pub(crate) observer: Observer,
    pub(crate) history: Log,
    pub(crate) port: u16,
    pub(crate) names: Arc<Names>,
}

/// Every route but the model calls themselves, which are taken before any of these.
pub(crate) fn router(told: Told<'_>) -> Router {
    let app = App {
        live: Arc::clone(told.reload.live()),
        status: Arc::clone(told.reload.status()),
        records: told.records,
        state: told.state,
        prober: Prober::new(),
        proxy: told.proxy,
        traces: told.traces,
        observer: told.observer,
        history: Arc::new(told.history),
        port: told.port,
        names: told.names,
    };
    Router::new()
        .route(MESSAGES, any(answer::only_post))
        .route(COUNT_TOKENS, any(answer::only_post))
        .route(CHAT_COMPLETIONS, any(answer::only_post))
        .route(RESPONSES, any(answer::only_post))
        .route(COMPACT, any(answer::only_post))
        .route(INPUT_TOKENS, any(answer::only_post))
        .route(EMBEDDINGS, any(answer::only_post))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/", get(health::alive))
        .route("/health", get(health::alive))
        .route("/api/health", get(health::detailed))
        .route(ask_plan::PATH, get(plan::canonical))
        .route("/api/plan/shadow", get(shadow::told))
        .route("/api/models/compiled", get(compiled::view))
        .route("/api/models/compiled/preview", post(compiled::preview))
        .route("/api/route/explain", post(explain::explained))
        .route("/api/models/pool-health", get(pool_health::report))
        .route("/api/models/pool-health/probe", post(pool_health::probe))
        .route("/api/governance/traces", get(traces::list))
        .route("/api/governance/traces/{id}", get(traces::one))
        .route("/api/benchmark/history", get(benchmark::history))
        .route("/api/benchmark/calibration", post(benchmark::calibration))
        .method_not_allowed_fallback(answer::wrong_method)
        .fallback(answer::not_found)
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// Names every request, lets none pass that may not be served, and says in the answer which
/// request and which plan it belongs to.
async fn guard(State(app): State<App>, mut request: Request<Body>, next: Next) -> Response {
    let (live, id) = (app.live.load_full(), answer::Id::new());
    request.extensions_mut().insert(id.clone());
    // What everybody may ask tells nothing of the plan.
    if matches!(request.uri().path(), "/" | "/health") {
        return next.run(request).await;
    }
    let mut response = match turned_away(&app, &live, &request, &id) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    id.name(response.headers_mut(), &live);
    response
}

/// Asks for the key in front of everything under `/api`; where there is none, turns strangers
/// away from everything.
fn turned_away(
    app: &App,
    live: &Live,
    request: &Request<Body>,
    id: &answer::Id,
) -> Option<Response> {
    let (uri, headers) = (request.uri(), request.headers().into());
    let Some(key) = live.api_key.as_deref() else {
        let stranger = app.names.check(uri, &headers).err()?;
        return Some(answer::forbidden(request, stranger, id));
    };
    let is_asked = uri.path() == "/api" || uri.path().starts_with("/api/");
    let denied = is_asked.then(|| access::check(Some(key), &headers).err())??;
    Some(answer::unauthorized(denied))
}
