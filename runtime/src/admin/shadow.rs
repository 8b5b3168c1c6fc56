//! What a candidate plan would change for the requests that are served.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::{App, answer};

const NO_SHADOW: &str = "no plan decides in the shadow of this one; \
    start ctr with `--shadow` and the registration to be compared";

/// `GET /api/plan/shadow`: as `ctr diff --corpus --format json` tells it.
pub(super) async fn told(State(app): State<App>) -> Response {
    match app.observer.told().await {
        Ok(Some(told)) => answer::json(StatusCode::OK, &told),
        Ok(None) => answer::refused(StatusCode::NOT_FOUND, NO_SHADOW),
        Err(why) => answer::refused(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}
