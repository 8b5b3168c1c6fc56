//! What is told of a request when it is over: one line in the log, written
//! exactly once, also when the client went away in the middle.

use std::time::Duration;

use ctr_compiler::health::Failure;
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use super::attempt::Answer;
use super::sessions::Open;
use super::traced::{End, Traced};
use crate::cut::Cut;
use crate::pool::Entered;
use crate::protocol::Protocol;
use crate::protocol::error::{ProxyError, shown};
use crate::protocol::neutral::Dropped;
use crate::protocol::usage::{Tokens, Usage};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The client went away. Nothing says so; it is what remains when nothing else happened.
    ClientLeft,
    /// The client was handed an answer to its last byte.
    Complete,
    /// The upstream broke off after the answer had begun, or the proxy stopped.
    Broken,
    /// The proxy itself answered.
    Refused,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::ClientLeft => "client_left",
            Self::Complete => "complete",
            Self::Broken => "broken",
            Self::Refused => "refused",
        }
    }
}

/// The account of one request; dropping it closes it.
pub(super) struct Account {
    pub(super) request_id: String,
    pub(super) started: Instant,
    pub(super) attempts: u32,
    pub(super) outcome: Outcome,
    /// What the request or the answer had and could not be carried.
    pub(super) dropped: Dropped,
    /// What the client and the endpoint speak, where that differs.
    pub(super) told: Option<(Protocol, Protocol)>,
    /// The model asked for, as it may be shown.
    asked: String,
    endpoint: Option<HeaderValue>,
    status: u16,
    refusal: Option<String>,
    /// What will be remembered; absent where nothing is.
    pub(super) traced: Option<Box<Traced>>,
    /// What the answer tells of its tokens, where it is one and somebody asks.
    usage: Option<Box<Usage>>,
    /// Says that the request ends with the proxy.
    pub(super) cut: Cut,
}

impl Account {
    pub(super) fn open(request_id: String, cut: &Cut) -> Self {
        Self {
            request_id,
            started: Instant::now(),
            attempts: 0,
            outcome: Outcome::ClientLeft,
            dropped: Dropped::default(),
            told: None,
            asked: String::new(),
            endpoint: None,
            status: 0,
            refusal: None,
            traced: None,
            usage: None,
            cut: cut.clone(),
        }
    }

    pub(super) fn asks(&mut self, model: &str) {
        self.asked = shown(model);
    }

    pub(super) fn refused(&mut self, error: &ProxyError) {
        self.outcome = Outcome::Refused;
        self.status = error.status().as_u16();
        self.refusal = Some(error.to_string());
    }

    /// The answer to be passed on, and the attempt that it came from while that runs.
    pub(super) fn answered(&mut self, answer: &mut Answer, mark: Option<&Mark>) {
        self.endpoint = Some(answer.endpoint.clone());
        self.status = answer.head.status.as_u16();
        self.told = answer.told;
        self.dropped = std::mem::take(&mut answer.dropped);
        let is_asked = self.traced.is_some() || mark.is_some_and(Mark::counts_tokens);
        self.usage = (is_asked && answer.head.status.is_success()).then(Box::default);
        if let Some(traced) = self.traced.as_mut().filter(|_| answer.is_events) {
            traced.first_event(self.started);
        }
    }

    /// Sees a piece of the answer.
    pub(super) fn passes(&mut self, chunk: &[u8]) {
        if let Some(usage) = &mut self.usage {
            usage.push(chunk);
        }
    }

    /// What the answer told of its tokens so far.
    pub(super) fn tokens(&self) -> Option<Tokens> {
        self.usage.as_ref()?.tokens()
    }
}

impl Account {
    /// How it ended: a client that lost its answer to the end of the proxy did not leave.
    fn ended(&self) -> Outcome {
        match self.outcome {
            Outcome::ClientLeft if self.cut.is_made() => Outcome::Broken,
            outcome => outcome,
        }
    }

    /// The protocols an answer was translated between, for the log and a header.
    pub(super) fn translated(&self) -> Option<String> {
        let (client, endpoint) = self.told?;
        Some([client.word(), "-to-", endpoint.word()].concat())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let latency_ms = millis_since(self.started);
        let outcome = self.ended().word();
        if let Some(traced) = self.traced.take() {
            traced.end(End {
                endpoint: self.endpoint.as_ref().map(text),
                status: self.status,
                outcome,
                latency_ms,
                tokens: self.tokens(),
                translated: self.translated(),
                dropped: &self.dropped,
            });
        }
        tracing::info!(
            request_id = self.request_id,
            model = self.asked,
            endpoint = self.endpoint.as_ref().map(text),
            status = self.status,
            attempts = self.attempts,
            latency_ms,
            outcome,
            refusal = self.refusal,
            translated = self.translated(),
            dropped = (!self.dropped.is_empty()).then(|| self.dropped.words()),
            "request"
        );
    }
}

/// What has begun that will be a success when it is complete.
#[derive(Clone, Copy)]
enum Began {
    /// Nothing, or the caller's own fault, which says nothing about the endpoint.
    Nothing,
    /// An answer whose latency is the time to its end, without what the client took to read.
    Answer,
    /// A stream whose first event came after so many milliseconds.
    Stream(u64),
}

/// An attempt that runs, and where its fate is noted. Dropping it ends it.
pub(super) struct Mark {
    entered: Entered,
    endpoint: HeaderValue,
    sent: Instant,
    /// What of the time since then was the client's.
    held: Duration,
    answer: Began,
    /// The session whose length is noted.
    session: Option<Open>,
}

impl Mark {
    pub(super) fn new(entered: Entered, endpoint: HeaderValue) -> Self {
        Self {
            entered,
            endpoint,
            sent: Instant::now(),
            held: Duration::ZERO,
            answer: Began::Nothing,
            session: None,
        }
    }

    /// Notes that the endpoint is asked now.
    pub(super) fn begins(&mut self) {
        self.sent = Instant::now();
    }

    /// How long the endpoint has been asked.
    pub(super) fn age(&self) -> Duration {
        self.sent.elapsed()
    }

    /// Notes when the endpoint had the whole request: it answers from then on.
    pub(super) fn had_it_whole(&mut self, whole: Instant) {
        self.sent = self.sent.max(whole);
    }

    /// Whether the time until the end of the answer is measured.
    pub(super) fn is_timed_to_end(&self) -> bool {
        matches!(self.answer, Began::Answer)
    }

    /// Notes that the client kept the answer waiting.
    pub(super) fn was_held(&mut self, held: Duration) {
        self.held += held;
    }

    /// Ends it without the endpoint having been asked: the client did not send all it promised.
    pub(super) fn never_went(self) {
        self.entered.never_went();
    }

    /// Whether it matters how many tokens the answer tells.
    fn counts_tokens(&self) -> bool {
        self.session.is_some() || self.entered.counts_tokens()
    }

    /// Lets a session know how long the conversation was.
    pub(super) fn listens(&mut self, session: Open) {
        self.session = Some(session);
    }

    /// Notes a failure and says so; `cause` is for people and holds no secret.
    pub(super) fn failed(
        &self,
        request_id: &str,
        failure: Failure,
        told_ms: Option<u64>,
        cause: Option<&str>,
    ) {
        self.entered.failed(failure, told_ms);
        tracing::warn!(
            request_id,
            endpoint = text(&self.endpoint),
            class = failure.word(),
            told_ms,
            cause,
            "attempt failed"
        );
    }

    /// Notes that the answer is one to pass on. It is a success when it is complete.
    pub(super) fn committed(&mut self, status: StatusCode, is_events: bool) {
        self.entered.answers();
        self.answer = match (status.is_success(), is_events) {
            (false, _) => Began::Nothing,
            (true, false) => Began::Answer,
            (true, true) => Began::Stream(millis_since(self.sent)),
        };
    }

    /// Notes that the answer is complete, and the tokens it told.
    pub(super) fn complete(mut self, tokens: Option<Tokens>) {
        match self.answer {
            Began::Nothing => {}
            Began::Answer => self.entered.succeeded(millis_since(self.sent + self.held)),
            Began::Stream(first_event_ms) => self.entered.succeeded(first_event_ms),
        }
        self.entered.used(tokens.as_ref().map(Tokens::limited));
        let input = tokens.as_ref().map(Tokens::all_input);
        if let (Some(session), Some(input)) = (&self.session, input.filter(|input| *input > 0)) {
            session.used(input);
        }
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Whole milliseconds since `start`.
pub(super) fn millis_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
