//! `GET /api/plan`: the live plan byte for byte, so that it can be compared
//! with what a registration compiles to.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::App;

/// A plan names secrets and holds none.
pub(super) async fn canonical(State(app): State<App>) -> Response {
    let live = app.live.load_full();
    let mut response = Response::new(Body::from(live.plan().to_canonical_json()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-ctr-plan", live.hash_header.clone());
    response
}
