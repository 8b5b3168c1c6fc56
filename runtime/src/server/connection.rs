//! One client's connection: its requests, one after the other.
//!
//! The connection is driven by one task, which reads a head, answers it, and sees when
//! the client goes away meanwhile: everything that is done for a request is dropped then.

use std::future::{Future, poll_fn};
use std::hint::cold_path;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::answer::{Answer, Terms};
use super::head::{Head, Refused};
use super::wire::Wire;
use crate::http1::{Request, Response};
use crate::patience::Patience;

/// How long a connection may take for a request's head, or stay without a
/// request. Longer than the 60 s after which common load balancers drop a
/// connection, so that none of them picks one that is about to close.
const HEAD: Duration = Duration::from_secs(75);

/// How long a client that was answered before it had sent everything may still send: a
/// connection that closes on unread bytes is reset, and the client might lose the answer.
const LINGER: Duration = Duration::from_secs(2);

/// Serves a client until it leaves, or until what it sends cannot be served. When
/// `stopping` ends, a running request is the last one.
pub(super) async fn serve<F, A>(stream: TcpStream, answer: F, stopping: oneshot::Receiver<()>)
where
    F: Fn(Box<Request<Body>>) -> A,
    A: Future<Output = Response<Body>>,
{
    let mut connection = Connection {
        wire: Wire::new(stream),
        patience: Patience::default(),
        stopping,
    };
    loop {
        let head = match poll_fn(|cx| connection.poll_head(cx)).await {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(Ended::Refused(refused)) => {
                cold_path();
                return Box::pin(connection.refuse(refused)).await;
            }
            Err(Ended::Broke(error)) => return ended(&error),
        };
        let terms = Terms {
            is_head: head.request.method == Method::HEAD,
            is_old: head.is_old,
            is_kept: head.is_kept,
        };
        let body = connection.wire.body(head.framing, head.is_waiting);
        let request = Box::new(head.request.with(body));
        let mut answering = pin!(answer(request));
        let Some(response) = connection.until_left(answering.as_mut()).await else {
            return ended(&"the client left");
        };
        match connection.send(response, terms).await {
            Ok(true) => {}
            Ok(false) => {
                cold_path();
                return Box::pin(connection.close()).await;
            }
            Err(error) => return ended(&error),
        }
    }
}

fn ended(why: &dyn std::fmt::Display) {
    tracing::debug!("connection ended: {why}");
}

/// Why there is no next request.
enum Ended {
    Refused(Refused),
    Broke(io::Error),
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Broke(error)
    }
}

struct Connection {
    wire: Wire,
    patience: Patience,
    stopping: oneshot::Receiver<()>,
}

impl Connection {
    /// The head of the next request; none when there will be none.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Head>, Ended>> {
        let take = |came: &mut _| Head::take(came).map_err(Ended::from);
        if let Poll::Ready(head) = self.wire.poll_take(cx, take) {
            self.patience.reset();
            return Poll::Ready(head);
        }
        let is_begun = self.wire.has_more();
        if self.patience.poll(cx, HEAD).is_ready() {
            return Poll::Ready(match is_begun {
                true => Err(Refused::TooSlow.into()),
                false => Ok(None),
            });
        }
        // Once it has ended it must not be polled again.
        let is_stopping = self.is_stopping() || Pin::new(&mut self.stopping).poll(cx).is_ready();
        match is_stopping && !is_begun {
            true => Poll::Ready(Ok(None)),
            false => Poll::Pending,
        }
    }

    fn is_stopping(&mut self) -> bool {
        self.stopping.try_recv() != Err(oneshot::error::TryRecvError::Empty)
    }

    /// What comes of this; none when the client goes away before.
    async fn until_left<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.wire.poll_left(cx).map(|()| None),
        })
        .await
    }

    /// Sends an answer; whether another request may follow.
    async fn send(&mut self, response: Response<Body>, terms: Terms) -> io::Result<bool> {
        let is_kept = terms.is_kept && self.wire.is_read() && !self.is_stopping();
        let terms = Terms { is_kept, ..terms };
        let mut answer = Answer::new(response, terms, self.wire.take_interim());
        let is_kept = answer.is_kept();
        let mut sending = pin!(poll_fn(|cx| answer.poll_send(cx, &self.wire)));
        match self.until_left(sending.as_mut()).await {
            Some(sent) => sent.map(|()| is_kept),
            None => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Says why a request is not served. Nobody knows then where the next one begins.
    async fn refuse(&mut self, refused: Refused) {
        let message = refused.to_string();
        // What the errors of both protocols have in common.
        let body = json!({
            "type": "error",
            "error": { "type": "invalid_request_error", "message": message },
        });
        let mut response = Response::new(refused.status(), Body::from(body.to_string()));
        let json = HeaderValue::from_static("application/json");
        response.headers.insert(CONTENT_TYPE, json);
        let terms = Terms {
            is_head: false,
            is_old: false,
            is_kept: false,
        };
        let mut answer = Answer::new(response, terms, b"");
        match poll_fn(|cx| answer.poll_send(cx, &self.wire)).await {
            Ok(()) => self.linger().await,
            Err(error) => ended(&error),
        }
    }

    /// Closes behind an answer.
    async fn close(&mut self) {
        if !self.wire.is_read() || self.wire.has_more() {
            self.linger().await;
        }
    }

    /// Says that nothing more is coming, and lets the client read that in peace.
    async fn linger(&mut self) {
        let end = async {
            if poll_fn(|cx| self.wire.poll_shutdown(cx)).await.is_ok() {
                poll_fn(|cx| self.wire.poll_drain(cx)).await;
            }
        };
        // Whoever still sends then may lose the answer.
        let _ = timeout(LINGER, end).await;
    }
}
