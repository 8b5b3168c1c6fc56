//! A connection and the answer on it.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::idle::Idle;
use super::{Peer, Sendable};

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Driver<B> = http1::Connection<Stream, B>;

/// A connection that carries one request at a time.
pub(super) struct Connection<B: Sendable> {
    sender: SendRequest<B>,
    /// Absent once the connection has ended.
    driver: Option<Pin<Box<Driver<B>>>>,
    host: HeaderValue,
}

impl<B: Sendable> Connection<B> {
    pub(super) fn new(sender: SendRequest<B>, driver: Driver<B>, host: HeaderValue) -> Self {
        Self {
            sender,
            driver: Some(Box::pin(driver)),
            host,
        }
    }

    /// What its server wants to be called.
    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Moves bytes both ways as far as the socket lets.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            self.driver = None;
        }
    }

    /// Whether another request can be sent, as far as the peer has said until now.
    pub(super) fn is_free(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends a request up to the head of its answer.
    ///
    /// # Errors
    /// With the request, if nothing of it was sent.
    pub(super) async fn send(
        mut self,
        request: Request<B>,
    ) -> Result<(Self, Response<Incoming>), TrySendError<Request<B>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let answered = poll_fn(|cx| {
            self.drive(cx);
            answer.as_mut().poll(cx)
        });
        let response = answered.await?;
        Ok((self, response))
    }
}

/// The body of an answer. At its end the connection is kept for the next
/// request; dropped before, the connection is closed unless the rest of the body
/// has come already.
pub(crate) struct Answering<B: Sendable> {
    body: Incoming,
    /// Absent after the end.
    connection: Option<Connection<B>>,
    peer: Peer,
    idle: Arc<Idle<B>>,
}

impl<B: Sendable> Answering<B> {
    pub(super) fn new(
        body: Incoming,
        connection: Connection<B>,
        peer: Peer,
        idle: Arc<Idle<B>>,
    ) -> Self {
        let mut answering = Self {
            body,
            connection: Some(connection),
            peer,
            idle,
        };
        if answering.body.is_end_stream() {
            answering.release();
        }
        answering
    }

    fn release(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.is_free()
        {
            self.idle.keep(&self.peer, connection);
        }
    }
}

impl<B: Sendable> Body for Answering<B> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let answering = &mut *self;
        let mut polled = Pin::new(&mut answering.body).poll_frame(cx);
        if polled.is_pending()
            && let Some(connection) = &mut answering.connection
        {
            connection.drive(cx);
            polled = Pin::new(&mut answering.body).poll_frame(cx);
        }
        match &polled {
            Poll::Ready(None) => answering.release(),
            Poll::Ready(Some(Ok(_))) if answering.body.is_end_stream() => answering.release(),
            Poll::Ready(Some(Err(_))) => answering.connection = None,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Sendable> Drop for Answering<B> {
    fn drop(&mut self) {
        self.release();
    }
}
