//! The compiled view of the live plan, and of a draft that is only looked at.

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use ctr_compiler::compile;
use ctr_compiler::render::compiled::{self, Preview};
use ctr_compiler::source::Sources;
use http::StatusCode;
use http_body_util::LengthLimitError;
use tokio::task::spawn_blocking;

use super::{App, answer};

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
    let draft = match to_bytes(body, DRAFT_BYTES).await {
        Ok(draft) => draft,
        Err(error) if is_too_large(&error) => {
            return answer::refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "a draft can have 8 MiB at most",
            );
        }
        Err(_) => {
            return answer::refused(StatusCode::BAD_REQUEST, "the draft did not arrive whole");
        }
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

fn is_too_large(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>)
}
