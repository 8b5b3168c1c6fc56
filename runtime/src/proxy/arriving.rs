//! Bodies that go on to the upstream while they come.
//!
//! Where a plan needs nothing of a request but its model, and the model stands at the
//! beginning, the upstream is sent what there is. Two things wait for the end: the
//! last piece, until no other model can stand in the body, so that no upstream ever
//! has a whole request that the proxy would refuse; and the answer. What came is kept,
//! since another endpoint may have to be sent the same.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::body::Waits;
use crate::protocol::ask::{Ask, Rest};
use crate::protocol::error::ProxyError;

/// Pieces are kept as they come if they are no smaller than this: a list of smaller
/// ones could outgrow the body many times.
const PIECE: usize = 4 << 10;

/// A body of which more is to come. Clones are the same body.
#[derive(Clone)]
pub(super) struct Arriving {
    /// Bytes of the whole body.
    length: usize,
    state: Arc<Mutex<State>>,
}

struct State {
    body: Body,
    waits: Waits,
    /// What came, each piece with the offset of its end.
    pieces: Vec<(usize, Bytes)>,
    /// What of it stands behind the model.
    rest: Rest,
    /// When and how the body ended, once it did.
    over: Option<(Instant, Result<(), ProxyError>)>,
}

/// The client did not send what it had promised, or it is no request.
#[derive(Debug)]
pub(super) struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request did not arrive whole")
    }
}

impl std::error::Error for Lost {}

impl fmt::Debug for Arriving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arriving")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Arriving {
    /// The body of `length` bytes that has begun with `beginning`, whose members go on
    /// at `behind_model`, and goes on with `body`.
    pub(super) fn new(beginning: Bytes, behind_model: usize, length: usize, body: Body) -> Self {
        let mut rest = Rest::default();
        rest.push(&beginning[behind_model..]);
        let state = State {
            body,
            waits: Waits::default(),
            pieces: vec![(beginning.len(), beginning)],
            rest,
            over: None,
        };
        Self {
            length,
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the whole body.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// What stands at an offset; nothing at the end.
    pub(super) fn poll_piece(
        &self,
        cx: &mut Context<'_>,
        at: usize,
    ) -> Poll<Result<Option<Bytes>, Lost>> {
        let mut state = self.state();
        loop {
            if matches!(state.over, Some((_, Err(_)))) {
                return Poll::Ready(Err(Lost));
            }
            if let Some(piece) = state.piece(at) {
                return Poll::Ready(Ok(Some(piece)));
            }
            if state.over.is_some() {
                return Poll::Ready(Ok(None));
            }
            ready!(state.poll_more(cx, self.length));
        }
    }

    /// Takes the rest of the body.
    ///
    /// # Errors
    /// When it does not come, or is no request.
    pub(super) async fn arrive(&self) -> Result<(), ProxyError> {
        poll_fn(|cx| {
            let mut state = self.state();
            loop {
                if let Some((_, over)) = &state.over {
                    return Poll::Ready(over.clone());
                }
                ready!(state.poll_more(cx, self.length));
            }
        })
        .await
    }

    /// What is wrong with it, as far as it came.
    pub(super) fn fault(&self) -> Option<ProxyError> {
        let state = self.state();
        let (_, over) = state.over.as_ref()?;
        over.clone().err()
    }

    /// When the end of it came; none while more is to come.
    pub(super) fn ended(&self) -> Option<Instant> {
        self.state().over.as_ref().map(|(at, _)| *at)
    }
}

impl State {
    fn have(&self) -> usize {
        self.pieces.last().map_or(0, |(end, _)| *end)
    }

    fn piece(&self, at: usize) -> Option<Bytes> {
        let found = self.pieces.partition_point(|(end, _)| *end <= at);
        let (end, piece) = self.pieces.get(found)?;
        Some(piece.slice(piece.len() - (end - at)..))
    }

    /// Waits for the next piece of a body of this length, or for its end.
    fn poll_more(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<()> {
        let over = match ready!(self.waits.poll_piece(cx, &mut self.body)) {
            Ok(Some(piece)) => {
                self.take(piece);
                (self.have() == length).then(|| self.check())
            }
            Ok(None) => Some(Err(ProxyError::Interrupted)),
            Err(error) => Some(Err(error)),
        };
        if let Some(over) = over {
            self.over = Some((Instant::now(), over));
        }
        Poll::Ready(())
    }

    fn take(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.rest.push(&piece);
        let end = self.have() + piece.len();
        match self.pieces.last_mut() {
            Some((last_end, last)) if last.len() + piece.len() <= PIECE => {
                *last = [&last[..], &piece].concat().into();
                *last_end = end;
            }
            _ => self.pieces.push((end, piece)),
        }
    }

    /// Whether the body, which is there, is a request.
    fn check(&self) -> Result<(), ProxyError> {
        if self.rest.has_no_model() {
            return Ok(());
        }
        let mut whole = BytesMut::with_capacity(self.have());
        for (_, piece) in &self.pieces {
            whole.extend_from_slice(piece);
        }
        Ask::read(&whole).map(drop).map_err(ProxyError::Body)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt, stream};

    use super::*;

    const BEGINNING: &[u8] = b"{\"model\":\"m\",";

    fn arriving(length: usize, rest: impl IntoIterator<Item = &'static [u8]>) -> Arriving {
        let rest: Vec<_> = rest.into_iter().map(Bytes::from_static).collect();
        let rest = stream::iter(rest.into_iter().map(Ok::<_, Infallible>));
        let body = Body::from_stream(rest.chain(stream::pending()));
        Arriving::new(BEGINNING.into(), BEGINNING.len(), length, body)
    }

    async fn whole(body: &Arriving) -> Result<Vec<u8>, Lost> {
        let mut whole = Vec::new();
        while let Some(piece) = poll_fn(|cx| body.poll_piece(cx, whole.len())).await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    #[tokio::test]
    async fn it_can_be_sent_again() {
        let body = arriving(19, [&b"\"x\""[..], b"", b":", b"1}"]);
        for _ in 0..2 {
            let sent = whole(&body).await.expect("it arrives");
            assert_eq!(sent, b"{\"model\":\"m\",\"x\":1}"[..]);
        }
        assert_eq!(body.arrive().await, Ok(()));
        assert!(body.state().pieces.len() < 3, "small pieces are joined");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stalls_is_given_up() {
        let body = arriving(99, [&b"\"x\":"[..]]);
        assert_eq!(body.arrive().await, Err(ProxyError::Stalled));
        assert!(whole(&body).await.is_err());
        assert_eq!(body.fault(), Some(ProxyError::Stalled));
    }
}
