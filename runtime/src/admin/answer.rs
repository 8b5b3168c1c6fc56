//! Answers as JSON, and refusals in the shape the caller's protocol has for them.

use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::response::Response;
use ctr_compiler::plan::Interface;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use crate::access::{Denied, Stranger};
use crate::activate::Live;
use crate::protocol::error::REQUEST_ID;
use crate::proxy::{PLAN, request_id};

/// The name of a request; each gets one before any handler sees it.
#[derive(Clone)]
pub(super) struct Id(String);

impl Id {
    pub(super) fn new() -> Self {
        Self(request_id())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Says which request and which plan an answer belongs to, where it does not yet.
    pub(super) fn name(&self, headers: &mut HeaderMap, live: &Live) {
        if let Ok(id) = HeaderValue::from_str(&self.0) {
            headers.entry(REQUEST_ID).or_insert(id);
        }
        headers.entry(PLAN).or_insert(live.hash_header.clone());
    }
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A refusal under `/api`.
pub(super) fn refused(status: StatusCode, message: &str) -> Response {
    json(status, &json!({ "success": false, "message": message }))
}

/// A missing or wrong key under `/api`.
pub(super) fn unauthorized(denied: Denied) -> Response {
    json(
        StatusCode::UNAUTHORIZED,
        &json!({ "error": "Unauthorized", "reason": denied.reason() }),
    )
}

/// A stranger's request, where no key is asked for.
pub(super) fn forbidden(request: &Request, stranger: Stranger, id: &Id) -> Response {
    Shape::of(request).refusal(StatusCode::FORBIDDEN, &stranger.to_string(), id)
}

/// A path that is not there.
pub(super) async fn not_found(Extension(id): Extension<Id>, request: Request) -> Response {
    let message = format!("there is no `{}` here", shown(request.uri()));
    Shape::of(&request).refusal(StatusCode::NOT_FOUND, &message, &id)
}

/// A model call with another method than POST.
pub(super) async fn only_post(id: Extension<Id>, request: Request) -> Response {
    let mut response = wrong_method(id, request).await;
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// A path that is there for another method; `Allow` is added by the router.
pub(super) async fn wrong_method(Extension(id): Extension<Id>, request: Request) -> Response {
    let message = format!(
        "`{}` does not take {}",
        shown(request.uri()),
        shown_method(request.method())
    );
    Shape::of(&request).refusal(StatusCode::METHOD_NOT_ALLOWED, &message, &id)
}

/// The path without its query, which may hold anything, and not too much of it.
fn shown(uri: &Uri) -> String {
    uri.path().chars().take(100).collect()
}

fn shown_method(method: &Method) -> String {
    method.as_str().chars().take(20).collect()
}

/// How a refusal looks to the caller.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Anthropic,
    Openai,
    Api,
}

impl Shape {
    fn of(request: &Request) -> Self {
        match request.uri().path() {
            path if path == "/v1/messages" || path.starts_with("/v1/messages/") => Self::Anthropic,
            path if path.starts_with("/v1/") => Self::of_shared(request.headers()),
            _ => Self::Api,
        }
    }

    /// The shape of a path that both protocols have, by the header that
    /// Anthropic's clients always send.
    pub(super) fn of_shared(headers: &HeaderMap) -> Self {
        if headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else {
            Self::Openai
        }
    }

    /// Whose protocol the caller speaks.
    pub(super) fn interface(self) -> Interface {
        match self {
            Self::Anthropic => Interface::Anthropic,
            Self::Openai | Self::Api => Interface::Openai,
        }
    }

    pub(super) fn refusal(self, status: StatusCode, message: &str, id: &Id) -> Response {
        let kind = match (self, status) {
            (Self::Anthropic, StatusCode::NOT_FOUND) => "not_found_error",
            (Self::Anthropic, StatusCode::UNAUTHORIZED) => "authentication_error",
            (Self::Anthropic, StatusCode::FORBIDDEN) => "permission_error",
            _ => "invalid_request_error",
        };
        match self {
            Self::Anthropic => json(
                status,
                &json!({
                    "type": "error",
                    "error": { "type": kind, "message": message },
                    "request_id": id.0,
                }),
            ),
            Self::Openai => {
                let code = match status {
                    StatusCode::UNAUTHORIZED => "invalid_api_key".into(),
                    StatusCode::NOT_FOUND => "unknown_url".into(),
                    _ => Value::Null,
                };
                json(
                    status,
                    &json!({ "error": { "message": message, "type": kind, "param": null, "code": code } }),
                )
            }
            Self::Api => refused(status, message),
        }
    }
}
