//! One attempt at one endpoint, up to the point where its answer can be judged:
//! the head, and of a stream the first event.

use std::error::Error as _;
use std::future::{Future, pending};
use std::hint::cold_path;
use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::health::Failure;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep, timeout};

use super::arriving::Arriving;
use super::body::Spliced;
use super::headers::is_plain;
use super::kept::Listen;
use crate::client::{Answering, Broke, Client, SendError, cause};
use crate::http1::{Headers, Request, Response};
use crate::protocol::Protocol;
use crate::protocol::neutral::Dropped;
use crate::protocol::sse::{self, First, Peek};
use crate::protocol::translate::Stream;
use crate::protocol::wait;

/// Bytes of a whole answer up to which it may be an error, which has little to say.
const SHORT: u64 = 16 << 10;

/// How long signs of life ahead of a stream are waited out before they go on to the client,
/// whose connection they keep alive, too.
const ALIVE: Duration = Duration::from_secs(10);

/// An upstream's answer, not yet relayed. It is handed on through many hands, so in
/// a box.
pub(super) struct Answer {
    pub(super) head: Response<()>,
    /// What was read of the body to judge it.
    pub(super) seen: Bytes,
    /// What is left of the body.
    pub(super) rest: Option<Answering>,
    /// Whether the body is a stream of events that can be read.
    pub(super) is_events: bool,
    /// The Anthropic type of the error that it is, or begins with, in spite of its status. One
    /// that is no failed attempt blames the caller, and tells nothing about the endpoint.
    pub(super) error: Option<&'static str>,
    /// Translates the events.
    pub(super) stream: Option<Box<Stream>>,
    /// Listens for the id of a response that is kept.
    pub(super) listen: Option<Listen>,
    /// What client and endpoint speak, where that differs.
    pub(super) told: Option<(Protocol, Protocol)>,
    /// What could not be carried.
    pub(super) dropped: Dropped,
    /// Whether it is the proxy's own guess.
    pub(super) is_estimate: bool,
    /// Whether nothing but signs of life has come of a stream.
    pub(super) is_silent: bool,
    /// The endpoint's id.
    pub(super) endpoint: HeaderValue,
}

impl Answer {
    /// An answer of an endpoint, of which nothing was read yet.
    pub(super) fn new(
        head: Response<()>,
        rest: Option<Answering>,
        endpoint: HeaderValue,
    ) -> Box<Self> {
        Box::new(Self {
            is_events: is_events(&head.headers),
            head,
            seen: Bytes::new(),
            error: None,
            rest,
            stream: None,
            listen: None,
            told: None,
            dropped: Dropped::default(),
            is_estimate: false,
            is_silent: false,
            endpoint,
        })
    }
}

/// What a request went out on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// A kept one, on which not a byte of an answer came.
    Kept,
    /// Another.
    New,
}

/// A failed attempt.
pub(super) struct Failed {
    pub(super) class: Failure,
    /// What the upstream said, for the client if no other endpoint does better.
    pub(super) answer: Option<Box<Answer>>,
    /// For the log.
    pub(super) cause: Option<String>,
    /// The connection that broke before an answer came.
    pub(super) broke_on: Option<Connection>,
}

impl Failed {
    /// How long the upstream asked to be left alone.
    pub(super) fn told_ms(&self, now: u64) -> Option<u64> {
        let head = &self.answer.as_ref()?.head;
        failing(head.status)?;
        wait::told_ms(head.status, &head.headers, now)
    }

    /// Whether the endpoint may have given up on a request that was still coming.
    pub(super) fn is_impatient(&self) -> bool {
        let status = self.answer.as_ref().map(|answer| answer.head.status);
        self.broke_on.is_some() || status == Some(StatusCode::REQUEST_TIMEOUT)
    }

    pub(super) fn without_answer(class: Failure, cause: Option<String>) -> Box<Self> {
        Box::new(Self {
            class,
            answer: None,
            cause,
            broke_on: None,
        })
    }

    pub(super) fn with_answer(class: Failure, answer: Box<Answer>) -> Box<Self> {
        let cause = Some(answer.head.status.as_str().to_owned());
        Box::new(Self {
            class,
            answer: Some(answer),
            cause,
            broke_on: None,
        })
    }
}

/// Sends a request and waits, `limit` at most from when all of it is here, until its
/// answer has begun, and as long for each piece by which it can be judged. `arriving` is the body, where it may not be here yet: it is
/// taken as it comes, whether or not the endpoint takes it. Whether the client `streams`
/// says if signs of life can go on to it.
///
/// # Errors
/// When the answer, or its absence, counts against the endpoint. An answer
/// that blames the caller is no failure.
pub(super) fn attempt(
    client: &Client,
    request: Request<Spliced>,
    endpoint: &HeaderValue,
    limit: Option<Duration>,
    arriving: Option<&Arriving>,
    streams: bool,
) -> impl Future<Output = Result<Box<Answer>, Box<Failed>>> {
    let sent = client.request(request);
    async move {
        let mut signs = Signs::new(limit, streams);
        let answer = async { judge(begun(sent.await, endpoint)?, &mut signs).await };
        let due = async {
            match arriving {
                Some(body) if body.arrive().await.is_err() => return Failure::Network,
                _ => {}
            }
            match limit {
                Some(limit) => sleep(limit).await,
                None => pending().await,
            }
            Failure::Timeout
        };
        let answered = tokio::select! {
            biased;
            answer = answer => answer,
            class = due => Err(Failed::without_answer(class, None)),
        };
        match answered {
            Ok(answer) if is_short(&answer) => judge_short(answer, limit).await,
            answered => answered,
        }
    }
}

/// What came of sending, before anything of the answer's body is read.
fn begun(
    sent: Result<Response<Answering>, SendError>,
    endpoint: &HeaderValue,
) -> Result<Box<Answer>, Box<Failed>> {
    match sent {
        Ok(response) => {
            let (head, rest) = response.split();
            Ok(Answer::new(head, Some(rest), endpoint.clone()))
        }
        Err(error) => {
            cold_path();
            let class = if error.is_connect() {
                Failure::Connect
            } else {
                Failure::Network
            };
            let mut failed = Failed::without_answer(class, error.source().map(cause));
            failed.broke_on = match error {
                SendError::Stale(_) => Some(Connection::Kept),
                SendError::Broke(Broke::Io(_) | Broke::Closed) => Some(Connection::New),
                _ => None,
            };
            Err(failed)
        }
    }
}

/// Signs that an upstream is still there, ahead of a stream: comments and pings.
struct Signs {
    since: Option<Instant>,
    /// None where they cannot go on.
    patience: Option<Duration>,
}

impl Signs {
    /// They go on before the wait for an answer is over.
    fn new(limit: Option<Duration>, streams: bool) -> Self {
        let patience = limit.map_or(ALIVE, |limit| ALIVE.min(limit / 2));
        Self {
            since: None,
            patience: streams.then_some(patience),
        }
    }

    /// Notes one; whether it is to go on, with those before it.
    fn go_on(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.patience
            .is_some_and(|patience| since.elapsed() >= patience)
    }
}

async fn judge(answer: Box<Answer>, signs: &mut Signs) -> Result<Box<Answer>, Box<Failed>> {
    let status = answer.head.status;
    if status.is_informational() || status.is_redirection() {
        cold_path();
        // Nobody asked to switch protocols, and passed on it would leave the client waiting.
        // One that went elsewhere would go there without this proxy, with what it was told.
        let cause = answer.head.status.as_str().to_owned();
        return Err(Failed::without_answer(Failure::Network, Some(cause)));
    }
    match failing(answer.head.status) {
        Some(class) => {
            cold_path();
            Err(Failed::with_answer(class, answer))
        }
        None if !answer.head.status.is_success() => Ok(answer),
        None if answer.is_events => judge_events(answer, signs).await,
        None => Ok(answer),
    }
}

/// Whether an answer may have so little to say that it is an error.
fn is_short(answer: &Answer) -> bool {
    if answer.is_events || !answer.head.status.is_success() {
        return false;
    }
    let length = answer
        .rest
        .as_ref()
        .and_then(|rest| rest.size_hint().exact());
    length.is_none_or(|length| length <= SHORT) && is_plain(&answer.head.headers)
}

/// Reads an answer that may be an error in spite of its status, as of servers in front of
/// others that had begun to answer before they asked. Of one whose length is not known the
/// first piece that says something is read: an error comes in one, perhaps behind white space
/// by which a server said that it was still there. It waits `limit` at most for each piece.
async fn judge_short(
    mut answer: Box<Answer>,
    limit: Option<Duration>,
) -> Result<Box<Answer>, Box<Failed>> {
    while let Some(rest) = &mut answer.rest {
        let says_something = || {
            let seen = &answer.seen;
            !seen.trim_ascii_start().is_empty() || seen.len() as u64 > SHORT
        };
        if rest.size_hint().exact().is_none() && says_something() {
            break;
        }
        let frame = match limit {
            Some(limit) => timeout(limit, rest.frame())
                .await
                .map_err(|_| Failed::without_answer(Failure::Timeout, None))?,
            None => rest.frame().await,
        };
        match frame {
            Some(Ok(frame)) => {
                let came = frame.into_data().unwrap_or_default();
                answer.seen = match answer.seen.is_empty() {
                    true => came,
                    false => [&answer.seen[..], &came].concat().into(),
                };
                if rest.is_end_stream() {
                    answer.rest = None;
                }
            }
            Some(Err(error)) => {
                let cause = Some(cause(&error));
                return Err(Failed::without_answer(Failure::Network, cause));
            }
            None => answer.rest = None,
        }
    }
    let is_all_read = answer.seen.len() as u64 <= SHORT;
    match is_all_read.then(|| sse::error_in(&answer.seen)).flatten() {
        Some(kind) => judge_error(answer, kind, Failure::Status),
        None => Ok(answer),
    }
}

/// Whose fault the error is that an answer says: the caller's, or one of this class unless
/// its type tells another.
fn judge_error(
    mut answer: Box<Answer>,
    kind: &'static str,
    class: Failure,
) -> Result<Box<Answer>, Box<Failed>> {
    cold_path();
    answer.error = Some(kind);
    match failing_type(kind, class) {
        Some(class) => Err(Failed::with_answer(class, answer)),
        None => Ok(answer),
    }
}

/// Reads a stream up to its first event, which may still be an error. Until
/// then nothing has reached the client, and another endpoint may do better,
/// unless the error is the caller's own.
async fn judge_events(
    mut answer: Box<Answer>,
    signs: &mut Signs,
) -> Result<Box<Answer>, Box<Failed>> {
    let mut peek = Peek::default();
    let first = loop {
        let frame = match &mut answer.rest {
            Some(rest) => rest.frame().await,
            None => None,
        };
        match frame {
            Some(Ok(frame)) => {
                if let Some(first) = frame.data_ref().and_then(|chunk| peek.push(chunk)) {
                    break Some(first);
                }
                if signs.go_on() {
                    answer.is_silent = true;
                    break Some(First::Event);
                }
            }
            Some(Err(error)) => {
                return Err(Failed::without_answer(
                    Failure::Network,
                    Some(cause(&error)),
                ));
            }
            None => {
                answer.rest = None;
                break peek.finish();
            }
        }
    };
    answer.seen = peek.into_seen();
    match first {
        Some(First::Event) => Ok(answer),
        Some(First::Error(kind)) => judge_error(answer, kind, Failure::ErrorEvent),
        None => Err(Failed::without_answer(Failure::NoEvent, None)),
    }
}

/// The class of a status that counts against the endpoint. The rest of 4xx is the caller's fault.
pub(super) fn failing(status: StatusCode) -> Option<Failure> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => {
            Some(Failure::Credential)
        }
        StatusCode::TOO_MANY_REQUESTS => Some(Failure::RateLimit),
        StatusCode::REQUEST_TIMEOUT => Some(Failure::Status),
        status if status.is_server_error() => Some(Failure::Status),
        _ => None,
    }
}

/// The class of an error without a status that counts against the endpoint, as of the status
/// that its Anthropic type goes with; `class` where it goes with any other.
pub(super) fn failing_type(kind: &str, class: Failure) -> Option<Failure> {
    match kind {
        "invalid_request_error" | "not_found_error" | "request_too_large" => None,
        "authentication_error" | "billing_error" | "permission_error" => Some(Failure::Credential),
        "rate_limit_error" => Some(Failure::RateLimit),
        _ => Some(class),
    }
}

/// Whether a body is a stream of events that can be read.
pub(super) fn is_events(headers: &Headers) -> bool {
    let kind = headers.get(CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"text/event-stream") && is_plain(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_by_whose_fault_they_are() {
        let class = |status| failing(StatusCode::from_u16(status).expect("a status"));
        for status in [200, 204, 302, 400, 404, 409, 413, 415, 422, 451] {
            assert_eq!(class(status), None, "{status}");
        }
        for status in [408, 500, 502, 503, 504, 529, 599] {
            assert_eq!(class(status), Some(Failure::Status), "{status}");
        }
        assert_eq!(class(429), Some(Failure::RateLimit));
        for status in [401, 402, 403] {
            assert_eq!(class(status), Some(Failure::Credential), "{status}");
        }
    }

    #[test]
    fn only_plain_event_streams_are_read() {
        let events = |lines: &[(&str, &str)]| is_events(&Headers::of(lines));
        assert!(events(&[("Content-Type", "text/event-stream")]));
        assert!(events(&[
            ("content-type", "Text/Event-Stream ; charset=utf-8"),
            ("content-encoding", "identity")
        ]));
        assert!(!events(&[
            ("content-type", "text/event-stream"),
            ("content-encoding", "gzip")
        ]));
        assert!(!events(&[("content-type", "application/json")]));
        assert!(!events(&[]));
    }
}
