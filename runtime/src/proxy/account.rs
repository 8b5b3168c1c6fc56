//! What is told of a request when it is over: one line in the log, written
//! exactly once, also when the client went away in the middle.

use std::sync::Arc;

use ctr_compiler::plan::HealthPolicy;
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::pool::Record;
use crate::protocol::error::{ProxyError, shown};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The client went away. Nothing says so; it is what remains when nothing else happened.
    ClientLeft,
    /// The client was handed an answer to its last byte.
    Complete,
    /// The upstream broke off after the answer had begun.
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
    /// The model asked for, as it may be shown.
    asked: String,
    endpoint: Option<HeaderValue>,
    status: u16,
    refusal: Option<String>,
}

impl Account {
    pub(super) fn open(request_id: String) -> Self {
        Self {
            request_id,
            started: Instant::now(),
            attempts: 0,
            outcome: Outcome::ClientLeft,
            asked: String::new(),
            endpoint: None,
            status: 0,
            refusal: None,
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

    pub(super) fn answered(&mut self, endpoint: &HeaderValue, status: StatusCode) {
        self.endpoint = Some(endpoint.clone());
        self.status = status.as_u16();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        tracing::info!(
            request_id = self.request_id,
            model = self.asked,
            endpoint = self.endpoint.as_ref().map(text),
            status = self.status,
            attempts = self.attempts,
            latency_ms = millis_since(self.started),
            outcome = self.outcome.word(),
            refusal = self.refusal,
            "request"
        );
    }
}

/// Where the fate of an attempt is noted.
#[derive(Clone)]
pub(super) struct Mark {
    pub(super) record: Arc<Record>,
    pub(super) policy: HealthPolicy,
    pub(super) endpoint: HeaderValue,
}

impl Mark {
    /// Notes a failure and says so; `cause` is for people and holds no secret.
    pub(super) fn failed(&self, request_id: &str, class: &str, cause: Option<&str>) {
        self.record.failed(&self.policy, now_ms());
        tracing::warn!(
            request_id,
            endpoint = text(&self.endpoint),
            class,
            cause,
            "attempt failed"
        );
    }

    /// Notes a success with the time from sending the request to the first
    /// event of a stream, or to the head of any other answer.
    pub(super) fn succeeded(&self, latency_ms: u64) {
        self.record.succeeded(&self.policy, now_ms(), latency_ms);
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Whole milliseconds since `start`.
pub(super) fn millis_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The wall clock in milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}
