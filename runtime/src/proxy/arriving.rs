//! A request body that is sent on while it comes.
//!
//! Where a plan needs only the model of a request, and the model stands at the
//! beginning of the body, an upstream is sent what is there. All of it is kept,
//! so that another endpoint can be sent the same. The last piece waits until the
//! whole is known to ask for no other model: an upstream that was sent a body
//! which is refused in the end never saw it complete.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use ctr_compiler::plan::{Endpoint, Slot, Target};
use ctr_compiler::route::looks_beyond_model;
use http_body::Body as _;
use tokio::time::{Sleep, sleep_until};

use super::body::{Spliced, Taking};
use super::call::Call;
use crate::activate::Live;
use crate::protocol::ask::{Ask, AskError};
use crate::protocol::{Protocol, adapt};

/// Bytes at the beginning of a body in which the model is looked for.
const BEGINNING: usize = 4096;

/// Pieces that wait uncopied.
const PIECES: usize = 16;

/// What a body asks for that has begun, if it can be sent on before all of it is here.
pub(super) fn can_go_on(call: Call, taking: &Taking, live: &Live) -> Option<Ask> {
    let Call::Answer(protocol @ (Protocol::Messages | Protocol::Chat)) = call else {
        return None;
    };
    let begun = taking.begun()?;
    if live.is_mixed || taking.length()? <= begun.len() {
        return None;
    }
    let ask = Ask::peek(&begun[..begun.len().min(BEGINNING)])?;
    let goes = !looks_beyond_model(live.plan(), ask.name()) && passes(&ask, protocol, live);
    goes.then_some(ask)
}

/// Whether every endpoint that may answer is sent the body as it came.
fn passes(ask: &Ask, protocol: Protocol, live: &Live) -> bool {
    let plan = live.plan();
    let named = ask.name().and_then(|name| plan.resolve(name));
    let default = || plan.resolve(plan.router.slots.get(&Slot::Default)?);
    let passes = |endpoint: &Endpoint| {
        live.upstream(endpoint).speaks == protocol
            && endpoint.thinking.is_none()
            && adapt::Lacks::of(&endpoint.capabilities).is_none()
    };
    match named.or_else(default) {
        None => false,
        Some(Target::Model(_, endpoint) | Target::Endpoint(endpoint)) => passes(endpoint),
        Some(Target::Pool(_, pool)) => pool.endpoints.iter().all(passes),
    }
}

/// Why a body did not come as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The client fell silent.
    Stalled,
    /// Its connection broke.
    Interrupted,
    /// What came is no request, or asks for two models.
    NoRequest(AskError),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client's request did not come whole")
    }
}

impl std::error::Error for Cut {}

/// A body that is on its way. Clones are the same body, of which one at a time is sent.
#[derive(Clone)]
pub(super) struct Arriving {
    coming: Arc<Mutex<Coming>>,
    length: usize,
}

struct Coming {
    body: Body,
    taking: Taking,
    ask: Ask,
    /// The first piece, which holds the model.
    first: Bytes,
    /// All that came, while more is to come.
    joined: BytesMut,
    /// How it ended.
    end: Option<Result<Bytes, Cut>>,
    /// The piece that came last.
    held: Bytes,
    /// Pieces that can be sent without a copy: those from `sent` on.
    pieces: VecDeque<Bytes>,
    /// Where those end.
    listed: usize,
    /// Bytes that may be sent, and those that were.
    released: usize,
    sent: usize,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// `taking` has begun with `body`, is `ask` so far, and knows its length.
    pub(super) fn new(body: Body, mut taking: Taking, ask: Ask) -> Self {
        let length = taking.length().unwrap_or_default();
        let first = taking.take_first();
        let mut joined = BytesMut::with_capacity(length);
        joined.extend_from_slice(&first);
        let released = first.len();
        Self {
            coming: Arc::new(Mutex::new(Coming {
                body,
                taking,
                ask,
                first,
                joined,
                end: None,
                held: Bytes::new(),
                pieces: VecDeque::new(),
                listed: released,
                released,
                sent: released,
                silence: None,
            })),
            length,
        }
    }

    fn coming(&self) -> MutexGuard<'_, Coming> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the whole.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The body from its beginning, with another model. One that was made before
    /// must not be sent any more.
    pub(super) fn spliced(&self, ask: &Ask, model: &str) -> Spliced {
        let begun = self.coming().begin();
        let left = self.length - begun.len();
        Spliced::new(&begun, ask, model).and_then(self.clone(), left)
    }

    /// Waits until nothing more comes.
    ///
    /// # Errors
    /// When it did not come whole.
    pub(super) async fn arrive(&self) -> Result<(), Cut> {
        poll_fn(|cx| self.coming().poll_end(cx)).await;
        self.cut().map_or(Ok(()), Err)
    }

    /// Why it will not come whole, if that is known.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.coming().end.as_ref()?.as_ref().err().copied()
    }

    /// The next piece of the one that is sent.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Cut>> {
        let mut coming = self.coming();
        let ended = coming.poll_end(cx);
        match (coming.next(), ended) {
            (Some(piece), _) => Poll::Ready(Ok(piece)),
            (None, Poll::Pending) => Poll::Pending,
            (None, Poll::Ready(())) => match &coming.end {
                Some(Err(cut)) => Poll::Ready(Err(*cut)),
                _ => Poll::Ready(Ok(Bytes::new())),
            },
        }
    }
}

impl Coming {
    /// Takes what is there of the client's body; ready at its end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.end.is_none() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers belong to the connection they came on.
                    self.takes(frame.into_data().unwrap_or_default());
                    self.silence = None;
                }
                Poll::Ready(Some(Err(_))) => self.end = Some(Err(Cut::Interrupted)),
                Poll::Ready(None) => self.ends(),
                Poll::Pending => {
                    let until = || Box::pin(sleep_until(self.taking.patience()));
                    let silence = self.silence.get_or_insert_with(until);
                    if silence.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.end = Some(Err(Cut::Stalled));
                }
            }
        }
        Poll::Ready(())
    }

    fn takes(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.joined.extend_from_slice(&chunk);
            let before = mem::replace(&mut self.held, chunk);
            self.release(before);
        }
    }

    fn release(&mut self, piece: Bytes) {
        let is_next = self.listed == self.released && self.pieces.len() < PIECES;
        self.released += piece.len();
        if is_next && !piece.is_empty() {
            self.listed = self.released;
            self.pieces.push_back(piece);
        }
    }

    fn ends(&mut self) {
        let whole = mem::take(&mut self.joined).freeze();
        match Ask::read(&whole) {
            Ok(ask) if ask == self.ask => {
                let last = mem::take(&mut self.held);
                self.release(last);
                self.end = Some(Ok(whole));
            }
            Ok(_) => self.end = Some(Err(Cut::NoRequest(AskError::DuplicateModel))),
            Err(error) => self.end = Some(Err(Cut::NoRequest(error))),
        }
    }

    /// What may be sent of it from its beginning on; the rest follows.
    fn begin(&mut self) -> Bytes {
        self.pieces.clear();
        (self.listed, self.sent) = (self.released, self.released);
        match &self.end {
            Some(Ok(whole)) => whole.clone(),
            _ if self.released == self.first.len() => self.first.clone(),
            _ => Bytes::copy_from_slice(self.joined.get(..self.released).unwrap_or_default()),
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        let from = self.sent;
        if let Some(piece) = self.pieces.pop_front() {
            self.sent += piece.len();
            return Some(piece);
        }
        if from == self.released {
            return None;
        }
        (self.listed, self.sent) = (self.released, self.released);
        Some(match &self.end {
            Some(Ok(whole)) => whole.slice(from..self.released),
            _ => Bytes::copy_from_slice(self.joined.get(from..self.released).unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests;
