//! Counts of tokens: asked of an endpoint that can count, else estimated here.
//!
//! A client asks for dozens at once and goes by them only roughly. So one
//! endpoint is asked, whatever comes of it says nothing about its health, and a
//! failure is no answer worth passing on.

use std::time::Duration;

use ctr_compiler::plan::Endpoint;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use super::Asked;
use super::attempt::{self, Answer};
use super::telling::Telling;
use super::walk::{self, Committed};
use crate::activate::Live;
use crate::client::Client;
use crate::http1::Response;
use crate::pool::Way;
use crate::protocol::anthropic::OPAQUE;
use crate::protocol::ask::AskError;
use crate::protocol::error::ProxyError;
use crate::protocol::estimate;
use crate::protocol::json::{Json, Malformed};

/// Answers a count.
///
/// # Errors
/// When the model is unknown, or the body is no request.
pub(super) async fn count(
    client: &Client,
    asked: &Asked,
    live: &Live,
) -> Result<Committed, ProxyError> {
    let way = Way {
        clock: live.clock(),
        tokens: 0,
        turn: 0,
    };
    let counted = match walk::decide(live, asked, &way, 0, None) {
        Ok(decision) => {
            let first = &decision.candidates[0];
            asked_of(client, asked, live, first.endpoint).await
        }
        Err(error @ ProxyError::UnknownModel { .. }) => return Err(error),
        // An estimate needs no endpoint.
        Err(_) => None,
    };
    let answer = match counted {
        Some(answer) => answer,
        None => estimated(asked)?,
    };
    Ok(Committed::alone(answer))
}

/// What the endpoint says; none where it cannot count, or says nothing usable.
async fn asked_of(
    client: &Client,
    asked: &Asked,
    live: &Live,
    endpoint: &Endpoint,
) -> Option<Box<Answer>> {
    let upstream = live.upstream(endpoint);
    let telling = Telling::new(asked, upstream, endpoint, "", live.clock().now_ms()).ok()?;
    if telling.back.is_some() {
        return None;
    }
    let limit = live.plan().upstream_timeout_ms.map(Duration::from_millis);
    let Telling {
        request, dropped, ..
    } = *telling;
    let answer = attempt::attempt(client, request, &upstream.id_header, limit, None, false).await;
    let answer = answer.ok().map(|mut answer| {
        answer.dropped = dropped;
        answer
    });
    answer.filter(|answer| {
        let status = answer.head.status;
        !matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
        )
    })
}

fn estimated(asked: &Asked) -> Result<Box<Answer>, ProxyError> {
    let json = Json::read(&asked.body, OPAQUE)
        .map_err(|Malformed(at)| ProxyError::Body(AskError::Malformed(at)))?;
    let body = serde_json::json!({ "input_tokens": estimate::input_tokens(&json) });
    let mut head = Response::new(StatusCode::OK, ());
    let json = HeaderValue::from_static("application/json");
    head.headers.insert(CONTENT_TYPE, json);
    let mut answer = Answer::new(head, None, HeaderValue::from_static("ctr"));
    answer.seen = body.to_string().into();
    answer.is_estimate = true;
    Ok(answer)
}
