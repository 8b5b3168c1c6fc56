//! A client's connection, and the body of a request that is read from it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::{error, fmt};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;

use crate::http1::{Framing, Incoming, Malformed, Outgoing};

/// What a client waits for that wants to be asked for the body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A connection, shared by whoever serves it and by the body of its request.
#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<State>>);

struct State {
    stream: TcpStream,
    came: Incoming,
    /// How many requests came.
    requests: u64,
    /// What of the last one's body is still to be taken.
    framing: Framing,
    /// That body broke off, and nobody knows where it ends.
    is_lost: bool,
    /// What the client is to be told before it sends the body.
    interim: &'static [u8],
    /// The client has sent all it will.
    is_closed: bool,
}

/// The body did not come.
#[derive(Debug)]
pub(super) enum Lost {
    Io(io::Error),
    Closed,
    Malformed(Malformed),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Closed => f.write_str("the client closed the connection"),
            Self::Malformed(why) => why.fmt(f),
        }
    }
}

impl error::Error for Lost {}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(State {
            stream,
            came: Incoming::new(),
            requests: 0,
            framing: Framing::Length(0),
            is_lost: false,
            interim: b"",
            is_closed: false,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes something off what came, and reads on until it is there; none when the
    /// client has sent nothing more.
    ///
    /// # Errors
    /// When it cannot be taken, or the connection breaks.
    pub(super) fn poll_take<T, E: From<io::Error>>(
        &self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut Incoming) -> Result<Option<T>, E>,
    ) -> Poll<Result<Option<T>, E>> {
        let state = &mut *self.state();
        loop {
            if let Some(taken) = take(&mut state.came)? {
                return Poll::Ready(Ok(Some(taken)));
            }
            if ready!(state.came.poll_more(cx, &mut state.stream))? == 0 {
                state.is_closed = true;
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// Whether part of something came that was not taken.
    pub(super) fn has_more(&self) -> bool {
        !self.state().came.is_empty()
    }

    /// The body of a request; `is_waiting` says that the client waits to be asked for it.
    pub(super) fn body(&self, framing: Framing, is_waiting: bool) -> axum::body::Body {
        let state = &mut *self.state();
        state.requests += 1;
        state.framing = framing;
        state.interim = match is_waiting {
            true => CONTINUE,
            false => b"",
        };
        let piece = match state.framing.left() {
            Some(0) => Some(Bytes::new()),
            // All of it is there, as it is in most requests.
            Some(left) if state.came.len() as u64 >= left => {
                state.came.take_piece(&mut state.framing).ok().flatten()
            }
            _ => None,
        };
        match piece {
            Some(piece) => piece.into(),
            None => axum::body::Body::new(RequestBody {
                wire: self.clone(),
                request: state.requests,
            }),
        }
    }

    /// Waits until the client goes away, as far as that can be seen: behind what it has
    /// not been asked for, it cannot.
    pub(super) fn poll_left(&self, cx: &mut Context<'_>) -> Poll<()> {
        let state = &mut *self.state();
        while state.framing.is_over() && !state.is_closed {
            // Some clients end a body with a line that is no part of it.
            state.came.skip_lines();
            if !state.came.is_empty() {
                break;
            }
            // Asked first, since room to read into is seldom needed.
            match ready!(state.stream.poll_read_ready(cx)) {
                Ok(()) => match ready!(state.came.poll_more(cx, &mut state.stream)) {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => state.is_closed = true,
                },
                Err(_) => state.is_closed = true,
            }
        }
        match state.is_closed {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Whether the request was read to its end.
    pub(super) fn is_read(&self) -> bool {
        let state = self.state();
        state.framing.is_over() && !state.is_lost
    }

    /// What has to be told before the answer, since a part of it was.
    pub(super) fn take_interim(&self) -> &'static [u8] {
        let interim = std::mem::take(&mut self.state().interim);
        match interim.len() < CONTINUE.len() {
            true => interim,
            false => b"",
        }
    }

    /// Has the connection end with a reset in place of a usual end.
    pub(super) fn reset_at_end(&self) {
        // Where that fails it has ended already.
        let _ = self.state().stream.set_zero_linger();
    }

    /// Writes everything.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        out: &mut Outgoing,
    ) -> Poll<io::Result<()>> {
        out.poll_write(cx, &mut self.state().stream)
    }

    /// Says that nothing more will be written.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.state().stream).poll_shutdown(cx)
    }

    /// Lets go of what comes until the client closes.
    pub(super) fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let state = &mut *self.state();
        loop {
            state.came.clear();
            match ready!(state.came.poll_more(cx, &mut state.stream)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

/// A body that is read as it comes. Once another request came, nothing is left of it.
struct RequestBody {
    wire: Wire,
    /// Which request of its connection it belongs to.
    request: u64,
}

impl State {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Lost>> {
        loop {
            let piece = self.came.take_piece(&mut self.framing);
            if let Some(piece) = piece.map_err(Lost::Malformed)? {
                return Poll::Ready(Ok(Some(piece)));
            }
            if self.framing.is_over() {
                return Poll::Ready(Ok(None));
            }
            while !self.interim.is_empty() {
                let stream = Pin::new(&mut self.stream);
                match ready!(stream.poll_write(cx, self.interim)).map_err(Lost::Io)? {
                    0 => return Poll::Ready(Err(Lost::Closed)),
                    written => self.interim = &self.interim[written..],
                }
            }
            if ready!(self.came.poll_more(cx, &mut self.stream)).map_err(Lost::Io)? == 0 {
                self.is_closed = true;
                return Poll::Ready(Err(Lost::Closed));
            }
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Lost;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        let state = &mut *self.wire.state();
        if state.requests != self.request {
            return Poll::Ready(None);
        }
        if state.is_lost {
            return Poll::Ready(Some(Err(Lost::Closed)));
        }
        let piece = ready!(state.poll_piece(cx));
        state.is_lost = piece.is_err();
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        let state = self.wire.state();
        state.requests != self.request || (state.framing.is_over() && !state.is_lost)
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.wire.state();
        let left = match state.requests == self.request {
            true => state.framing.left(),
            false => Some(0),
        };
        left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
