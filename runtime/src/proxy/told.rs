//! What an endpoint of another protocol answered, for the client.
//!
//! A stream is translated as it flows, unless its first event is an error. Anything else is read whole first: what
//! turns out to be no answer may still be left for the next endpoint.

use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::health::Failure;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as _;
use http_body_util::BodyExt;

use super::attempt::{Answer, Failed, failing_type};
use super::body::Whole;
use super::headers;
use crate::client::cause;
use crate::protocol::failure;
use crate::protocol::neutral::Dropped;
use crate::protocol::translate::{Back, BadAnswer, Broken};

/// Bytes of a whole answer that are read.
const ANSWER_LIMIT: usize = 32 << 20;
/// Bytes of an error that are read.
const ERROR_LIMIT: usize = 1 << 20;

/// Why a body could not be read whole.
enum Unread {
    Failed(Failure, String),
    TooLong,
}

/// Turns an answer into what the client reads, waiting `limit` at most for each piece.
///
/// # Errors
/// When it is a success that cannot be read.
pub(super) async fn told(
    mut answer: Box<Answer>,
    back: &Back,
    limit: Option<Duration>,
    dropped: &mut Dropped,
) -> Result<Box<Answer>, Box<Failed>> {
    let error = answer.error.filter(|_| !answer.is_events);
    if let Some(kind) = error {
        answer.head.status = failure::status_of(kind);
    }
    if !answer.head.status.is_success() {
        let read = whole(&mut answer, ERROR_LIMIT, limit).await;
        let body = read
            .ok()
            .filter(|_| !is_compressed(&answer))
            .unwrap_or_default();
        let text = back.error(answer.head.status.as_u16(), &body);
        return Ok(answer.with_body(text, false));
    }
    if is_compressed(&answer) {
        let cause = "a compressed answer, though none was asked for".to_owned();
        return Err(Failed::without_answer(Failure::Network, Some(cause)));
    }
    if answer.is_events
        && answer.error.is_some()
        && let Err(BadAnswer::Failed { kind, message }) = collected(back, &answer.seen, dropped)
    {
        // Nothing has begun, and a client knows what to make of a status.
        return refused(answer, back, &kind, &message);
    }
    if answer.is_events && back.wants_stream() {
        answer.stream = Some(Box::new(back.stream()));
        return Ok(answer);
    }
    let body = match whole(&mut answer, ANSWER_LIMIT, limit).await {
        Ok(body) => body,
        Err(Unread::Failed(class, cause)) => {
            return Err(Failed::without_answer(class, Some(cause)));
        }
        Err(Unread::TooLong) => {
            let cause = "the answer is too long to be translated".to_owned();
            return Err(Failed::without_answer(Failure::Network, Some(cause)));
        }
    };
    let read = if answer.is_events {
        collected(back, &body, dropped)
    } else {
        back.answer(&body, dropped)
    };
    match read {
        Ok(text) => Ok(answer.with_body(text, back.wants_stream())),
        Err(BadAnswer::Unreadable) => {
            let cause = "the answer is none of its protocol".to_owned();
            Err(Failed::without_answer(Failure::Network, Some(cause)))
        }
        Err(BadAnswer::Failed { kind, message }) => refused(answer, back, &kind, &message),
    }
}

/// An answer that says of itself that it is none, with the endpoint's word for that, as an
/// error of the status that goes with it.
fn refused(
    mut answer: Box<Answer>,
    back: &Back,
    kind: &str,
    message: &str,
) -> Result<Box<Answer>, Box<Failed>> {
    let error = *answer
        .error
        .get_or_insert_with(|| failure::anthropic_type(kind));
    answer.head.status = failure::status_of(error);
    let (kind, code) = match failure::openai_words(kind) {
        (of_code, Some(code)) => (of_code, Some(code)),
        (_, None) => (kind, None),
    };
    let said = serde_json::json!({ "error": { "type": kind, "code": code, "message": message } });
    let text = back.error(answer.head.status.as_u16(), said.to_string().as_bytes());
    let answer = answer.with_body(text, false);
    match failing_type(error, Failure::Status) {
        Some(class) => Err(Failed::with_answer(class, answer)),
        None => Ok(answer),
    }
}

/// The whole answer that a stream's events make.
fn collected(back: &Back, events: &[u8], dropped: &mut Dropped) -> Result<String, BadAnswer> {
    let mut stream = back.collected();
    let mut out = String::new();
    let read = stream
        .push(events, &mut out)
        .and_then(|()| stream.finish(&mut out));
    dropped.extend(&stream.dropped());
    match read {
        Ok(()) => Ok(out),
        Err(Broken::Failed { kind, message }) => Err(BadAnswer::Failed { kind, message }),
        Err(Broken::Early | Broken::Garbled) => Err(BadAnswer::Unreadable),
    }
}

/// The body of an answer, from its beginning.
async fn whole(answer: &mut Answer, most: usize, limit: Option<Duration>) -> Result<Bytes, Unread> {
    let mut body = Whole::default();
    body.push(answer.seen.clone(), None);
    let Some(mut rest) = answer.rest.take() else {
        return Ok(body.into_bytes());
    };
    while !rest.is_end_stream() {
        let frame = match limit {
            None => rest.frame().await,
            Some(limit) => match tokio::time::timeout(limit, rest.frame()).await {
                Ok(frame) => frame,
                Err(_) => {
                    return Err(Unread::Failed(
                        Failure::Timeout,
                        "the answer stalled".to_owned(),
                    ));
                }
            },
        };
        match frame {
            None => break,
            Some(Ok(frame)) => {
                let chunk = frame.into_data().unwrap_or_default();
                body.push(chunk, rest.size_hint().exact());
            }
            Some(Err(error)) => return Err(Unread::Failed(Failure::Network, cause(&error))),
        }
        if body.len() > most {
            return Err(Unread::TooLong);
        }
    }
    Ok(body.into_bytes())
}

fn is_compressed(answer: &Answer) -> bool {
    !headers::is_plain(&answer.head.headers)
}

impl Answer {
    /// The same with this body: events, or JSON.
    fn with_body(mut self: Box<Self>, body: String, is_events: bool) -> Box<Self> {
        let kind = if is_events {
            "text/event-stream"
        } else {
            "application/json"
        };
        let headers = &mut self.head.headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_ENCODING);
        self.seen = body.into();
        self.rest = None;
        self.is_events = false;
        self
    }
}
