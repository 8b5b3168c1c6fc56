//! One endpoint is asked: the request is told in its words, and its answer
//! turned into what the client reads.

use std::future::poll_fn;
use std::hint::cold_path;
use std::mem;
use std::ops::Range;
use std::task::Poll;
use std::time::Duration;

use ctr_compiler::plan::Endpoint;

use super::Asked;
use super::account::Mark;
use super::attempt::{self, Answer, Connection, Failed};
use super::kept::{Kept, Listen};
use super::refusal;
use super::telling::Telling;
use super::told::told;
use crate::activate::Upstream;
use crate::client::Client;
use crate::protocol::Protocol;
use crate::protocol::error::ProxyError;

/// Bytes of bodies whose reading takes some time, though not many times as long as it takes
/// to wake whoever waits for what is sent.
const TOGETHER: Range<usize> = 16 << 10..256 << 10;

/// How long after a request it can be heard that its connection was closed at that moment.
/// What breaks later was being answered.
const CROSSED: Duration = Duration::from_secs(2);

/// How long any server waits for what is still coming of a request.
const WAITED: Duration = Duration::from_secs(1);

/// What every request to an endpoint needs.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) client: &'a Client,
    pub(super) kept: &'a Kept,
    pub(super) asked: &'a Asked,
    pub(super) request_id: &'a str,
    /// Longest wait for each step.
    pub(super) limit: Option<Duration>,
    pub(super) now_ms: u64,
    /// Whether no endpoint was asked before.
    pub(super) is_first: bool,
}

impl Asking<'_> {
    /// Asks what was told by [`Self::tell`], and marks when it begins to; in the inner error
    /// is an attempt that failed.
    ///
    /// # Errors
    /// When the endpoint cannot be asked this in the only protocol that it has.
    pub(super) async fn ask(
        self,
        telling: Box<Telling>,
        upstream: &Upstream,
        endpoint: &Endpoint,
        mark: &mut Mark,
    ) -> Result<Result<Box<Answer>, Box<Failed>>, ProxyError> {
        let is_guess = telling.is_guess;
        let is_read = self.asked.is_looked_at() || telling.back.is_some();
        if self.is_first && is_read && TOGETHER.contains(&self.asked.length()) {
            // Others that are here are read first, and then all are sent: one after another
            // they would wake the other side, and let it fall asleep, each for itself.
            others_first().await;
        }
        mark.begins();
        let mut answered = self.attempt(telling, upstream).await;
        if let Err(failed) = &answered
            && let Some(why) = self.excuse(failed, mark.age())
        {
            cold_path();
            tracing::info!(
                request_id = self.request_id,
                endpoint = upstream.id_header.to_str().unwrap_or_default(),
                cause = failed.cause,
                "{why}; asking again"
            );
            self.asked.arrive().await?;
            let telling = self.tell(upstream, endpoint)?;
            mark.begins();
            answered = Box::pin(self.attempt(telling, upstream)).await;
        }
        if is_guess
            && let Ok(answer) = &mut answered
            && Box::pin(refusal::is_not_served(answer, self.limit)).await
        {
            cold_path();
            upstream.serves_no_responses(self.now_ms);
            let telling = self.tell(upstream, endpoint)?;
            answered = Box::pin(self.attempt(telling, upstream)).await;
        }
        Ok(answered)
    }

    /// Why an attempt of this age failed through no fault of the endpoint, if it did: it is
    /// asked again then, once, and at the cost of no retry.
    fn excuse(self, failed: &Failed, age: Duration) -> Option<&'static str> {
        let is_gone =
            age < CROSSED && failed.broke_on == Some(Connection::Kept) && !self.asked.acts();
        if is_gone {
            return Some("a kept connection was gone");
        }
        let is_slow = self.asked.is_coming() && age >= WAITED && failed.is_impatient();
        is_slow.then_some("the endpoint did not wait for the end of the request")
    }

    /// The request in the endpoint's words.
    ///
    /// # Errors
    /// When the endpoint cannot be asked this.
    pub(super) fn tell(
        self,
        upstream: &Upstream,
        endpoint: &Endpoint,
    ) -> Result<Box<Telling>, ProxyError> {
        Telling::new(self.asked, upstream, endpoint, self.request_id, self.now_ms)
    }

    async fn attempt(
        self,
        telling: Box<Telling>,
        upstream: &Upstream,
    ) -> Result<Box<Answer>, Box<Failed>> {
        let Telling {
            request,
            back,
            mut dropped,
            speaks,
            ..
        } = *telling;
        let id = &upstream.id_header;
        let arriving = self.asked.arriving.as_ref();
        let streams = back.as_ref().is_none_or(|back| back.wants_stream());
        let attempt = attempt::attempt(self.client, request, id, self.limit, arriving, streams);
        let mut answered = attempt.await;
        if let Some(back) = &back {
            answered = match answered {
                Ok(answer) => Box::pin(told(answer, back, self.limit, &mut dropped)).await,
                Err(mut failed) => {
                    cold_path();
                    if let Some(answer) = failed.answer.take() {
                        let answer = Box::pin(told(answer, back, self.limit, &mut dropped)).await;
                        failed.answer = answer.map_or_else(|failed| failed.answer, Some);
                    }
                    Err(failed)
                }
            };
        }
        let answer = match &mut answered {
            Ok(answer) => Some(answer),
            Err(failed) => failed.answer.as_mut(),
        };
        if let Some(answer) = answer {
            answer.dropped = dropped;
            answer.told = back.is_some().then(|| (self.asked.protocol(), speaks));
            let is_kept = speaks == Protocol::Responses
                && back.is_none()
                && self.asked.may_be_kept
                && answer.head.status.is_success();
            answer.listen = is_kept.then(|| Listen::new(self.kept, upstream.account));
        }
        answered
    }
}

/// Lets every other task go first that can go on at this moment. tokio's `yield_now` waits
/// for those too that can go on once sockets were asked again, however many they are.
async fn others_first() {
    let mut went = false;
    poll_fn(|cx| match mem::replace(&mut went, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
