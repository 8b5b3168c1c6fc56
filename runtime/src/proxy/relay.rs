//! The way back: an upstream's body as the client's, byte for byte and at once.
//!
//! A stream of events is let through in whole events, so that when the upstream
//! breaks off the client is told so in its own protocol. Anything else cannot
//! be ended in words; there the client's connection breaks as the upstream's
//! did. Neither ever looks complete.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use ctr_compiler::health::Failure;
use http_body::{Body, Frame, SizeHint};

use super::account::{Account, Mark, Outcome};
use super::attempt::Answer;
use super::kept::Listen;
use crate::activate::Live;
use crate::client::{Answering, cause};
use crate::patience::Patience;
use crate::protocol::sse::{self, Hold};
use crate::protocol::translate::Stream;
use crate::protocol::{Protocol, responses};

const BROKE_OFF: &str = "the upstream broke off in the middle of its answer";

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
    Events(Hold),
    /// In another protocol.
    Told(Box<Stream>),
}

/// A response body. Dropping it cancels the upstream request.
pub(super) struct Relay {
    /// Absent once nothing more is read from it.
    upstream: Option<Answering>,
    /// Goes out before anything else.
    ready: Bytes,
    through: Through,
    /// The longest silence of the upstream, if there is one. Only time spent waiting for it
    /// counts: while a slow client is not ready nothing is read, and nothing is due.
    limit: Option<Duration>,
    patience: Patience,
    protocol: Protocol,
    /// Of a stream of Responses, what its end is made of when it breaks: its
    /// first event, and what went out last.
    ends: Option<(Bytes, Bytes)>,
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
            None if answer.is_events => Through::Events(Hold::default()),
            None => Through::Bytes,
        };
        let is_passed_on = matches!(through, Through::Events(_));
        let ends = (is_passed_on && protocol == Protocol::Responses)
            .then(|| (answer.seen.clone(), Bytes::new()));
        let limit = live.plan().upstream_timeout_ms;
        let mut relay = Self {
            upstream: answer.rest,
            ready: Bytes::new(),
            through,
            limit: limit.map(Duration::from_millis),
            patience: Patience::default(),
            protocol,
            ends,
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
        match &mut self.through {
            Through::Bytes => chunk,
            Through::Events(hold) => {
                let out = hold.push(chunk);
                if let Some((_, last)) = self.ends.as_mut().filter(|_| !out.is_empty()) {
                    *last = out.clone();
                }
                out
            }
            Through::Told(stream) => {
                let mut out = String::with_capacity(chunk.len());
                if let Err(broken) = stream.push(&chunk, &mut out) {
                    let cause = broken.to_string();
                    stream.fail("the upstream's answer cannot be read", &mut out);
                    self.breaks(Failure::Network, Some(&cause));
                }
                out.into()
            }
        }
    }

    /// The upstream's body is complete: what was held back goes out.
    fn end(&mut self) {
        if self.upstream.is_none() && self.account.outcome == Outcome::Broken {
            return;
        }
        let rest = match &mut self.through {
            Through::Bytes => Bytes::new(),
            Through::Events(hold) => hold.finish(),
            Through::Told(stream) => {
                let mut out = String::new();
                if stream.finish(&mut out).is_err() {
                    stream.fail(BROKE_OFF, &mut out);
                    self.breaks(Failure::Network, Some("the stream ended early"));
                    self.goes_out(out.into());
                    return;
                }
                out.into()
            }
        };
        self.upstream = None;
        self.account.outcome = Outcome::Complete;
        if let Through::Told(stream) = &self.through {
            self.account.dropped.extend(&stream.dropped());
        }
        if let Some(mark) = self.mark.take() {
            mark.complete(self.account.tokens());
        }
        self.goes_out(rest);
    }

    fn goes_out(&mut self, rest: Bytes) {
        if self.ready.is_empty() {
            self.ready = rest;
        } else if !rest.is_empty() {
            self.ready = [&self.ready[..], &rest].concat().into();
        }
    }

    /// Notes that the upstream broke off.
    fn breaks(&mut self, failure: Failure, cause: Option<&str>) {
        self.upstream = None;
        self.account.outcome = Outcome::Broken;
        if let Some(mark) = self.mark.take() {
            mark.failed(&self.account.request_id, failure, None, cause);
        }
        if let Some(traced) = &mut self.account.traced {
            traced.broke(failure.word());
        }
    }

    /// The upstream broke off: an error event, where the stream stands between
    /// two events, else an error of the connection.
    fn broke(&mut self, failure: Failure, cause: Option<&str>) -> Result<(), BrokenOff> {
        if matches!(&self.through, Through::Told(stream) if stream.is_over()) {
            self.end();
            return Ok(());
        }
        self.breaks(failure, cause);
        let message = match failure {
            Failure::Timeout => "the upstream stopped answering",
            _ => BROKE_OFF,
        };
        match &mut self.through {
            Through::Told(stream) => {
                let mut out = String::new();
                stream.fail(message, &mut out);
                self.ready = out.into();
                Ok(())
            }
            Through::Events(hold) if hold.is_between_events() => {
                self.ready = match &self.ends {
                    Some((first, last)) => responses::broken_off(first, last, message),
                    None => {
                        let interface = self.protocol.interface();
                        sse::error_event(interface, message, &self.account.request_id)
                    }
                };
                Ok(())
            }
            _ => Err(BrokenOff),
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
        loop {
            if !relay.ready.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut relay.ready)))));
            }
            let Some(upstream) = &mut relay.upstream else {
                return Poll::Ready(None);
            };
            let broke = match Pin::new(&mut *upstream).poll_frame(cx) {
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
                    continue;
                }
                Poll::Ready(None) => {
                    relay.end();
                    continue;
                }
                Poll::Ready(Some(Err(error))) => {
                    relay.broke(Failure::Network, Some(&cause(&error)))
                }
                Poll::Pending => {
                    let Some(limit) = relay.limit else {
                        return Poll::Pending;
                    };
                    ready!(relay.patience.poll(cx, limit));
                    relay.broke(Failure::Timeout, None)
                }
            };
            if let Err(BrokenOff) = broke {
                return Poll::Ready(Some(Err(BrokenOff)));
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
