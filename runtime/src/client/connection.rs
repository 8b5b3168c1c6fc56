//! A connection and the answer on it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

use super::head::Head;
use super::idle::Idle;
use super::sending::{Sending, Unsent};
use super::{Broke, Peer, Sendable};
use crate::http1::{Framing, Incoming};

/// What a connection reads and writes.
pub(super) type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// A connection that carries one request at a time.
pub(super) struct Connection {
    stream: Stream,
    came: Incoming,
    /// Whether anything came since the last request began to go out.
    is_heard: bool,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            came: Incoming::new(),
            is_heard: false,
        }
    }

    /// Reads what there is; how many bytes, none when the peer has closed.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.came.poll_more(cx, &mut self.stream)
    }

    /// Whether not a byte came of an answer to the last request, nor a word that it is coming.
    pub(super) fn is_silent(&self) -> bool {
        !self.is_heard
    }

    /// Whether another request can be sent, as far as the peer has said until now.
    pub(super) fn is_free(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        let stream = Pin::new(&mut self.stream);
        self.came.is_empty() && stream.poll_read(&mut cx, &mut byte).is_pending()
    }

    /// Sends a request up to the head of its answer; whether all of it was sent.
    /// `to_head` says that it is a `HEAD`.
    ///
    /// # Errors
    /// When there will be no answer.
    pub(super) async fn send<B: Sendable>(
        &mut self,
        request: &mut Sending<B>,
        to_head: bool,
    ) -> Result<(Head, bool), Broke> {
        let mut is_sent = false;
        let mut refused = None;
        self.is_heard = false;
        poll_fn(|cx| {
            if !is_sent && refused.is_none() {
                match request.poll_send(cx, &mut self.stream) {
                    Poll::Ready(Ok(())) => is_sent = true,
                    // A server may have answered before it stopped to listen.
                    Poll::Ready(Err(Broke::Io(error))) => refused = Some(error),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {}
                }
            }
            loop {
                if let Some(head) = Head::take(&mut self.came, to_head)? {
                    if head.is_interim() {
                        continue;
                    }
                    return Poll::Ready(Ok((head, is_sent)));
                }
                let closed = match ready!(self.poll_more(cx)) {
                    Ok(0) => Broke::Closed,
                    Ok(_) => {
                        self.is_heard = true;
                        continue;
                    }
                    Err(error) => Broke::Io(error),
                };
                return Poll::Ready(Err(refused.take().map_or(closed, Broke::Io)));
            }
        })
        .await
    }
}

/// The body of an answer. At its end the connection is kept for the next
/// request; dropped before, the connection is closed unless the rest of the body
/// has come already.
pub(crate) struct Answering {
    /// Absent after the end.
    connection: Option<Box<Connection>>,
    framing: Framing,
    /// What of the request goes out beside the answer.
    unsent: Option<Box<dyn Unsent>>,
    /// Whether the connection can be used again.
    is_kept: bool,
    peer: Peer,
    idle: Arc<Idle>,
}

impl Answering {
    pub(super) fn new(
        connection: Box<Connection>,
        (framing, is_kept): (Framing, bool),
        unsent: Option<Box<dyn Unsent>>,
        peer: Peer,
        idle: Arc<Idle>,
    ) -> Self {
        let mut answering = Self {
            connection: Some(connection),
            framing,
            unsent,
            is_kept,
            peer,
            idle,
        };
        answering.release_at_end();
        answering
    }

    fn release_at_end(&mut self) {
        if self.framing.is_over()
            && let Some(mut connection) = self.connection.take()
            && self.is_kept
            && self.unsent.is_none()
            && connection.came.is_empty()
        {
            connection.came.clear();
            self.idle.keep(&self.peer, connection);
        }
    }

    /// Takes what came; whether more has to come before there is a piece.
    fn take(&mut self) -> Result<Option<Bytes>, Broke> {
        let Some(connection) = &mut self.connection else {
            return Ok(None);
        };
        let piece = connection.came.take_piece(&mut self.framing)?;
        self.release_at_end();
        Ok(piece)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broke>> {
        if let (Some(unsent), Some(connection)) = (&mut self.unsent, &mut self.connection)
            && let Poll::Ready(sent) = unsent.poll_send(cx, &mut connection.stream)
        {
            self.unsent = None;
            // The answer may still be whole where the server did not take the rest.
            self.is_kept &= sent.is_ok();
        }
        loop {
            if let Some(piece) = self.take()? {
                return Poll::Ready(Ok(Some(piece)));
            }
            let Some(connection) = &mut self.connection else {
                return Poll::Ready(Ok(None));
            };
            match ready!(connection.poll_more(cx)).map_err(Broke::Io)? {
                0 if matches!(self.framing, Framing::UntilClosed) => {
                    self.framing = Framing::Length(0);
                    self.connection = None;
                }
                0 => return Poll::Ready(Err(Broke::Closed)),
                _ => {}
            }
        }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = Broke;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broke>>> {
        let piece = ready!(self.poll_piece(cx));
        if piece.is_err() {
            self.connection = None;
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.framing.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        self.framing
            .left()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        while let Ok(Some(_)) = self.take() {}
    }
}
