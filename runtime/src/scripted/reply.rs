//! From an answer of the script to bytes on the connection.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::plan::Interface;
use futures_util::stream::{self, Stream};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use http::{HeaderValue, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Received, Reply, Unfinished, anthropic, openai, responses};
use crate::protocol::Protocol;

pub(super) type Response = http::Response<UnsyncBoxBody<Bytes, io::Error>>;

/// What a request wants, as far as an answer depends on it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) protocol: Protocol,
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) usage_chunk: bool,
}

/// An answer no script decides: status and JSON.
pub(super) type Fixed = (u16, Value);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    model: String,
    stream: bool,
    stream_options: Option<StreamOptions>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: bool,
}

impl Asked {
    /// # Errors
    /// The fixed answer of a request that takes none from the script.
    pub(super) fn read(received: &Received) -> Result<Self, Fixed> {
        let path = received.target.split('?').next().unwrap_or_default();
        let protocol = match received.method.as_str() {
            "POST" if path.ends_with("/messages/count_tokens") => {
                return Err((200, json!({ "input_tokens": anthropic::INPUT_TOKENS })));
            }
            "POST" if path.ends_with("/messages") => Protocol::Messages,
            "POST" if path.ends_with("/chat/completions") => Protocol::Chat,
            "POST" if path.ends_with("/embeddings") => Protocol::Chat,
            "GET" | "POST" | "DELETE" if path.contains("/responses") => Protocol::Responses,
            "GET" | "HEAD" if path.ends_with("/models") => {
                return Err((200, models(speaks(received))));
            }
            _ => {
                let text = format!("no such route: {} {path}", received.method);
                return Err((404, error(speaks(received), "not_found_error", &text)));
            }
        };
        let sent = if received.body.is_empty() {
            b"{}"
        } else {
            &received.body[..]
        };
        let body: Body = serde_json::from_slice(sent).map_err(|problem| {
            (
                400,
                error(
                    protocol.interface(),
                    "invalid_request_error",
                    &format!("the body is not a request: {problem}"),
                ),
            )
        })?;
        let usage_chunk = body
            .stream_options
            .is_some_and(|options| options.include_usage);
        Ok(Self {
            protocol,
            model: body.model,
            stream: body.stream,
            usage_chunk,
        })
    }
}

/// The protocol of a request whose path does not tell.
fn speaks(received: &Received) -> Interface {
    let anthropic = ["anthropic-version", "x-api-key"]
        .iter()
        .any(|name| received.header(name).is_some());
    if anthropic {
        Interface::Anthropic
    } else {
        Interface::Openai
    }
}

fn models(interface: Interface) -> Value {
    match interface {
        Interface::Anthropic => anthropic::models(),
        Interface::Openai => openai::models(),
    }
}

fn error(interface: Interface, kind: &str, message: &str) -> Value {
    match interface {
        Interface::Anthropic => anthropic::error(kind, message),
        Interface::Openai => openai::error(kind, message),
    }
}

/// The response of a request that takes nothing from the script.
pub(super) fn fixed((status, body): Fixed) -> Response {
    let body = Bytes::from(body.to_string());
    let headers = head(
        Interface::Anthropic,
        "application/json",
        Some(body.len()),
        &[],
    );
    respond(
        status,
        headers,
        Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync(),
    )
}

/// Pieces of a body with what comes after the last.
struct Pieces {
    chunks: Vec<Bytes>,
    /// The connection closes where the body should go on.
    cut: bool,
    /// Each piece is its own write even when nothing is waited for.
    apart: bool,
}

impl Pieces {
    fn whole(chunks: Vec<Bytes>) -> Self {
        Self {
            chunks,
            cut: false,
            apart: false,
        }
    }
}

/// The response an answer of the script describes. `unfinished` is told when
/// the last piece has been handed over.
pub(super) fn play(asked: &Asked, answer: Answer, unfinished: Unfinished) -> Response {
    const JSON: &str = "application/json";
    const EVENTS: &str = "text/event-stream; charset=utf-8";
    let kind_of_text = if asked.stream { EVENTS } else { JSON };
    let (content_type, length, pieces) = match answer.reply {
        Reply::Text(text) => {
            let events = events(asked, &text);
            (
                kind_of_text.to_owned(),
                known_length(asked, &events),
                Pieces::whole(events),
            )
        }
        Reply::Error { kind, message } => {
            let body = Bytes::from(error(asked.protocol.interface(), &kind, &message).to_string());
            (JSON.to_owned(), Some(body.len()), Pieces::whole(vec![body]))
        }
        Reply::ErrorEvent {
            text,
            after_events,
            kind,
            message,
        } => {
            let streamed = Asked {
                stream: true,
                ..asked.clone()
            };
            let mut events = events(&streamed, &text);
            events.truncate(after_events);
            events.push(error_event(asked.protocol, &kind, &message));
            (EVENTS.to_owned(), None, Pieces::whole(events))
        }
        Reply::Cut {
            text,
            after_events,
            mid_event,
        } => {
            let mut events = events(asked, &text);
            let length = known_length(asked, &events);
            let after_events = if asked.stream { after_events } else { 0 };
            let half = events
                .get(after_events)
                .filter(|_| mid_event)
                .map(|next| next.slice(..next.len() / 2));
            events.truncate(after_events);
            events.extend(half);
            (
                kind_of_text.to_owned(),
                length,
                Pieces {
                    chunks: events,
                    cut: true,
                    apart: false,
                },
            )
        }
        Reply::Raw {
            content_type,
            chunks,
        } => (
            content_type,
            None,
            Pieces {
                chunks,
                cut: false,
                apart: true,
            },
        ),
        Reply::Reset | Reply::Hang => (JSON.to_owned(), Some(0), Pieces::whole(Vec::new())),
    };
    let headers = head(
        asked.protocol.interface(),
        &content_type,
        length,
        &answer.headers,
    );
    let body = StreamBody::new(flow(pieces, answer.gap, unfinished)).boxed_unsync();
    respond(answer.status, headers, body)
}

/// The events of a complete answer; for a request without stream its JSON is the only one.
fn events(asked: &Asked, text: &str) -> Vec<Bytes> {
    let (model, stream) = (&asked.model, asked.stream);
    let whole = |body: Value| vec![body.to_string().into()];
    match asked.protocol {
        Protocol::Messages if stream => anthropic::events(model, text),
        Protocol::Messages => whole(anthropic::message(model, text)),
        Protocol::Chat if stream => openai::chunks(model, text, asked.usage_chunk),
        Protocol::Chat => whole(openai::completion(model, text)),
        Protocol::Responses if stream => responses::events(model, text),
        Protocol::Responses => whole(responses::response(model, text)),
    }
}

fn known_length(asked: &Asked, events: &[Bytes]) -> Option<usize> {
    (!asked.stream).then(|| events.iter().map(Bytes::len).sum())
}

fn error_event(protocol: Protocol, kind: &str, message: &str) -> Bytes {
    match protocol {
        Protocol::Messages => anthropic::event("error", &anthropic::error(kind, message)),
        Protocol::Chat => openai::chunk(&openai::error(kind, message)),
        Protocol::Responses => responses::failed(kind, message),
    }
}

fn flow(
    pieces: Pieces,
    gap: Duration,
    mut unfinished: Unfinished,
) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
    let Pieces { chunks, cut, apart } = pieces;
    if chunks.is_empty() && !cut {
        // Nothing asks for the body of an answer that has none.
        unfinished.finish();
    }
    let state = (chunks.into_iter().enumerate(), unfinished, false);
    stream::unfold(
        state,
        move |(mut chunks, mut unfinished, ended)| async move {
            if ended {
                return None;
            }
            let Some((at, chunk)) = chunks.next() else {
                unfinished.finish();
                if !cut {
                    return None;
                }
                // The server drops what it has not written when a body fails; a
                // pause lets it write first.
                tokio::task::yield_now().await;
                let closed = io::Error::new(io::ErrorKind::ConnectionAborted, "cut by the script");
                return Some((Err(closed), (chunks, unfinished, true)));
            };
            if at > 0 && !gap.is_zero() {
                tokio::time::sleep(gap).await;
            } else if at > 0 && apart {
                tokio::task::yield_now().await;
            }
            // A body of known length is not polled again after its last byte.
            if chunks.len() == 0 && !cut {
                unfinished.finish();
            }
            Some((Ok(Frame::data(chunk)), (chunks, unfinished, false)))
        },
    )
}

fn head(
    interface: Interface,
    content_type: &str,
    length: Option<usize>,
    more: &[(String, String)],
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in more {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            headers.append(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.entry(CONTENT_TYPE).or_insert(value);
    }
    match length {
        Some(length) => headers
            .entry(CONTENT_LENGTH)
            .or_insert(HeaderValue::from(length)),
        None => headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-cache")),
    };
    let id = match interface {
        Interface::Anthropic => "request-id",
        Interface::Openai => "x-request-id",
    };
    headers
        .entry(id)
        .or_insert(HeaderValue::from_static("req_scripted"));
    headers
}

fn respond(status: u16, headers: HeaderMap, body: UnsyncBoxBody<Bytes, io::Error>) -> Response {
    let mut response = http::Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}
