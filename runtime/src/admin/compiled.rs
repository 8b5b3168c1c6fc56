//! The compiled view of the live plan, and of a draft that is only looked at.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use ctr_compiler::compile;
use ctr_compiler::render::compiled::{self, Preview};
use ctr_compiler::source::Sources;
use http::StatusCode;
use tokio::task::spawn_blocking;

use super::{App, answer, body};

/// Largest draft that is read.
const DRAFT_BYTES: usize = 8 << 20;

/// `GET /api/models/compiled`
pub(super) async fn view(State(app): State<App>) -> Response {
    let live = app.live.load_full();
    let observed = |endpoint: &_| live.upstream(endpoint).record.observed();
    let now = live.clock().now_ms();
    answer::json(
        StatusCode::OK,
        &compiled::view(&live.compiled, &observed, now),
    )
}

/// `POST /api/models/compiled/preview`: the body is a whole registration, as
/// JSON or as YAML. Nothing of it is kept.
pub(super) async fn preview(State(app): State<App>, body: Body) -> Response {
    let draft = match body::whole(body, "draft", DRAFT_BYTES).await {
        Ok(draft) => draft,
        Err(refused) => return refused,
    };
    let live = app.live.load_full();
    // A large draft takes milliseconds, which requests on this thread would wait for.
    let previewed = spawn_blocking(move || {
        let sources = Sources::single("draft", draft);
        let compiled = compile(&sources);
        compiled::preview(&live.compiled, &compiled, &sources)
    });
    match previewed.await {
        Ok(Preview::Accepted(body)) => answer::json(StatusCode::OK, &body),
        Ok(Preview::Refused(body)) => answer::json(StatusCode::BAD_REQUEST, &body),
        Err(_) => answer::refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the draft could not be compiled",
        ),
    }
}
