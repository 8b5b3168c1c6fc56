//! The way back: an upstream's body as the client's, byte for byte and at once.
//!
//! A stream of events is let through in whole events, so that when the upstream
//! breaks off, or ends before its last event, the client is told so in its own
//! protocol. Anything else cannot be ended in words; there the client's connection
//! breaks as the upstream's did. Neither ever looks complete.

use std::fmt;
use std::hint::cold_path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::health::Failure;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::account::{Account, Mark, Outcome};
use super::attempt::{Answer, failing_type};
use super::kept::Listen;
use super::passing::Passing;
use crate::activate::Live;
use crate::client::{Answering, cause};
use crate::cut::STOPPED;
use crate::patience::Patience;
use crate::protocol::Protocol;
use crate::protocol::sse::Ending;
use crate::protocol::translate::Stream;

const BROKE_OFF: &str = "the upstream broke off in the middle of its answer";
const ENDED_EARLY: &str = "the stream ended early";

/// The upstream broke off; the client's connection is to break too.
#[derive(Debug)]
pub(super) struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream broke off")
    }
}

impl std::error::Error for BrokenOff {}

/// How the upstream's body becomes the client's.
enum Through {
    /// As it comes; it is not read.
    Bytes,
    /// In whole events.
    Events(Box<Passing>),
    /// In another protocol.
    Told(Box<Stream>),
}

/// A response body. Dropping it cancels the upstream request.
pub(super) struct Relay {
    /// Absent once nothing more is read from it.
    upstream: Option<Answering>,
    /// When a piece was handed on, where it matters how long the client takes for it.
    handed: Option<Instant>,
    /// Goes out before anything else.
    ready: Bytes,
    through: Through,
    /// The longest silence of the upstream, if there is one. Only time spent waiting for it
    /// counts: while a slow client is not ready nothing is read, and nothing is due.
    limit: Option<Duration>,
    patience: Patience,
    /// Whether the client's connection is to break behind what is ready.
    is_torn: bool,
    /// Listens for the id of a response that is kept.
    listen: Option<Listen>,
    account: Account,
    /// The attempt, while it runs; absent where it has failed already.
    mark: Option<Mark>,
    /// A request holds its plan to the last byte.
    _live: Arc<Live>,
}

impl Relay {
    pub(super) fn new(
        answer: Box<Answer>,
        protocol: Protocol,
        account: Account,
        mark: Option<Mark>,
        live: Arc<Live>,
    ) -> Self {
        let through = match answer.stream {
            Some(stream) => Through::Told(stream),
            None if answer.is_events && answer.head.status.is_success() => Through::Events(
                Box::new(Passing::new(protocol, &answer.seen, answer.is_silent)),
            ),
            None => Through::Bytes,
        };
        let limit = live.plan().upstream_timeout_ms;
        // Whatever comes of an answer that blames the caller tells nothing of the endpoint.
        let mark = mark.filter(|_| answer.error.is_none());
        let mut relay = Self {
            upstream: answer.rest,
            handed: None,
            ready: Bytes::new(),
            through,
            limit: limit.map(Duration::from_millis),
            patience: Patience::default(),
            is_torn: false,
            listen: answer.listen,
            account,
            mark,
            _live: live,
        };
        let ready = relay.pass(answer.seen);
        relay.ready = ready;
        if relay.upstream.as_ref().is_none_or(Body::is_end_stream) {
            relay.end();
        }
        relay
    }

    /// Lets go of the answer: what is told of its request goes on.
    pub(super) fn into_account(self) -> Account {
        self.account
    }

    /// What may go out of a chunk now. A stream that cannot be read on breaks.
    fn pass(&mut self, chunk: Bytes) -> Bytes {
        self.account.passes(&chunk);
        if let Some(listen) = &mut self.listen
            && !listen.hear(&chunk)
        {
            self.listen = None;
        }
        let out = match &mut self.through {
            Through::Bytes => chunk,
            Through::Events(passing) => passing.push(chunk),
            Through::Told(stream) => {
                let mut out = String::with_capacity(chunk.len());
                if let Err(broken) = stream.push(&chunk, &mut out) {
                    let cause = broken.to_string();
                    stream.fail("the upstream's answer cannot be read", &mut out);
                    self.breaks(Failure::Network, Some(&cause));
                }
                out.into()
            }
        };
        match self.ending() {
            Ending::Open | Ending::Reason => {}
            Ending::Last => self.completes(),
            Ending::Error(kind) => self.errs(kind),
        }
        out
    }

    /// Notes an error that the upstream tells: it failed, unless it is the caller's own fault,
    /// which tells nothing about it.
    fn errs(&mut self, kind: &str) {
        match failing_type(kind, Failure::ErrorEvent) {
            Some(class) => self.fails(class, None),
            None => self.mark = None,
        }
    }

    /// The upstream's body is complete: what was held back goes out, where the answer
    /// is complete as well.
    fn end(&mut self) {
        if self.upstream.is_none() && self.account.outcome == Outcome::Broken {
            return;
        }
        let rest = match &mut self.through {
            Through::Bytes => Bytes::new(),
            Through::Events(passing) => match passing.finish() {
                Some(rest) => rest,
                None => return self.broke(Failure::Network, Some(ENDED_EARLY)),
            },
            Through::Told(stream) => {
                let mut out = String::new();
                if stream.finish(&mut out).is_err() {
                    stream.fail(BROKE_OFF, &mut out);
                    self.breaks(Failure::Network, Some(ENDED_EARLY));
                    self.goes_out(out.into());
                    return;
                }
                out.into()
            }
        };
        self.upstream = None;
        if let Through::Told(stream) = &self.through {
            self.account.dropped.extend(&stream.dropped());
        }
        if let Ending::Error(kind) = self.ending() {
            self.errs(kind);
        }
        if self.account.outcome != Outcome::Broken {
            self.account.outcome = Outcome::Complete;
            self.completes();
        }
        self.goes_out(rest);
    }

    /// Notes that the upstream has said all of its answer. A client that has it all may
    /// leave before the upstream's connection ends.
    fn completes(&mut self) {
        if let Some(mark) = self.mark.take() {
            mark.complete(self.account.tokens());
        }
    }

    fn goes_out(&mut self, rest: Bytes) {
        if self.ready.is_empty() {
            self.ready = rest;
        } else if !rest.is_empty() {
            self.ready = [&self.ready[..], &rest].concat().into();
        }
    }

    /// Notes that the upstream failed in the middle of its answer.
    fn fails(&mut self, failure: Failure, cause: Option<&str>) {
        self.account.outcome = Outcome::Broken;
        if let Some(mark) = self.mark.take() {
            mark.failed(&self.account.request_id, failure, None, cause);
            if let Some(traced) = &mut self.account.traced {
                traced.broke(failure.word());
            }
        }
    }

    /// Notes that the upstream broke off.
    fn breaks(&mut self, failure: Failure, cause: Option<&str>) {
        self.upstream = None;
        self.fails(failure, cause);
    }

    /// What a stream has shown of its end.
    fn ending(&self) -> Ending {
        match &self.through {
            Through::Bytes => Ending::Open,
            Through::Events(passing) => passing.ending(),
            Through::Told(stream) => stream.ending(),
        }
    }

    /// The upstream broke off.
    fn broke(&mut self, failure: Failure, cause: Option<&str>) {
        if self.ending().is_over() {
            return self.end();
        }
        self.breaks(failure, cause);
        let message = match failure {
            Failure::Timeout => "the upstream stopped answering",
            _ => BROKE_OFF,
        };
        self.tells(message);
    }

    /// The proxy stops, which says nothing about the upstream.
    fn cut(&mut self) {
        if self.ending().is_over() {
            return self.end();
        }
        self.upstream = None;
        self.mark = None;
        self.account.outcome = Outcome::Broken;
        self.tells(STOPPED);
    }

    /// Ends what is not complete: an error event, where the stream stands between two
    /// events, else an error of the connection.
    fn tells(&mut self, message: &str) {
        let told = match &mut self.through {
            Through::Bytes => None,
            Through::Events(passing) => passing.broken_off(message, &self.account.request_id),
            Through::Told(stream) => {
                let mut out = String::new();
                stream.fail(message, &mut out);
                Some(out.into())
            }
        };
        match told {
            Some(event) => self.goes_out(event),
            None => self.is_torn = true,
        }
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let relay = &mut *self;
        if let (Some(handed), Some(mark)) = (relay.handed.take(), &mut relay.mark) {
            mark.was_held(handed.elapsed());
        }
        loop {
            if !relay.ready.is_empty() {
                if relay.mark.as_ref().is_some_and(Mark::is_timed_to_end) {
                    relay.handed = Some(Instant::now());
                }
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut relay.ready)))));
            }
            let Some(upstream) = &mut relay.upstream else {
                let is_torn = std::mem::take(&mut relay.is_torn);
                return Poll::Ready(is_torn.then_some(Err(BrokenOff)));
            };
            if relay.account.cut.is_made() {
                cold_path();
                relay.cut();
                continue;
            }
            match Pin::new(&mut *upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let is_last = upstream.is_end_stream();
                    relay.patience.reset();
                    // Trailers belong to the connection they came on.
                    let chunk = frame.into_data().unwrap_or_default();
                    let ready = relay.pass(chunk);
                    relay.ready = ready;
                    if is_last {
                        relay.end();
                    }
                }
                Poll::Ready(None) => relay.end(),
                Poll::Ready(Some(Err(error))) => {
                    relay.broke(Failure::Network, Some(&cause(&error)));
                }
                Poll::Pending => {
                    let Some(limit) = relay.limit else {
                        return Poll::Pending;
                    };
                    ready!(relay.patience.poll(cx, limit));
                    relay.broke(Failure::Timeout, None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.upstream.is_none()
            && self.ready.is_empty()
            && self.account.outcome == Outcome::Complete
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.upstream, &self.through) {
            (None, _) => SizeHint::with_exact(self.ready.len() as u64),
            (Some(upstream), Through::Bytes) => upstream.size_hint(),
            (Some(_), _) => SizeHint::default(),
        }
    }
}
