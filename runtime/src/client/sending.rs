//! A request on its way out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Method;
use http::header::HOST;
use tokio::io::AsyncWrite as _;

use super::connection::Stream;
use super::{Broke, Sendable};
use crate::http1::{Outgoing, Request, room, write_length, write_line};

/// What says how a body is framed.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// A request, as far as it is not sent yet.
pub(super) struct Sending<B> {
    out: Outgoing,
    body: B,
    /// Bytes of the body that did not come from it yet.
    left: u64,
}

/// What is left of a request whose answer has begun.
pub(super) trait Unsent: Send {
    /// Sends on.
    fn poll_send(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<Result<(), Broke>>;
}

impl<B: Sendable> Sending<B> {
    /// A request to a server that wants to be called `host`.
    ///
    /// # Errors
    /// When nobody knows how long the body is.
    pub(super) fn new(head: &Request<()>, body: B, host: &str) -> Result<Self, Broke> {
        let Some(left) = body.size_hint().exact() else {
            return Err(Broke::Request("nobody knows its length".into()));
        };
        Ok(Self {
            out: Outgoing::new(written(head, host, left)),
            body,
            left,
        })
    }

    /// Whether no byte of it was sent.
    pub(super) fn is_untouched(&self) -> bool {
        !self.out.is_begun()
    }

    /// Takes pieces of the body until there is something large to send.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broke>> {
        while self.left > 0 && self.out.has_room() {
            let piece = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Err(Broke::Request(error.into()))),
                None => return Poll::Ready(Err(Broke::Request("it ended early".into()))),
            };
            match self.left.checked_sub(piece.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Err(Broke::Request("it is too long".into()))),
            }
            self.out.push(piece, b"");
        }
        Poll::Ready(Ok(()))
    }
}

impl<B: Sendable> Unsent for Sending<B> {
    fn poll_send(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<Result<(), Broke>> {
        loop {
            let filled = self.poll_fill(cx)?;
            ready!(self.out.poll_write(cx, stream)).map_err(Broke::Io)?;
            if filled.is_pending() || self.left == 0 {
                ready!(Pin::new(&mut *stream).poll_flush(cx)).map_err(Broke::Io)?;
                return filled.map(Ok);
            }
        }
    }
}

/// The head of a request with a body of `length` bytes.
fn written(head: &Request<()>, host: &str, length: u64) -> Vec<u8> {
    let mut out = room(Some(length));
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
    out.extend_from_slice(head.method.as_str().as_bytes());
    out.push(b' ');
    if !target.starts_with('/') {
        out.push(b'/');
    }
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    if !head.headers.contains(HOST) {
        write_line(&mut out, HOST.as_str(), host.as_bytes());
    }
    // How the body is framed is said once, below.
    head.headers
        .write(&mut out, |name| name.is_one_of(&FRAMING));
    let needs_no_body = matches!(head.method, Method::GET | Method::HEAD);
    if length > 0 || !needs_no_body {
        write_length(&mut out, length);
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream;
    use http_body::{Body as _, Frame};
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn head(request: http::Request<Full<Bytes>>) -> String {
        let (head, body) = Request::from(request).split();
        let length = body.size_hint().exact().expect("a length");
        String::from_utf8(written(&head, "a.example", length)).expect("text")
    }

    #[test]
    fn a_head_says_what_the_request_says() {
        let request = http::Request::post("http://a.example?x=1")
            .header("a", "b")
            .header("content-length", "77")
            .header("transfer-encoding", "chunked")
            .body(Full::from("hello"))
            .expect("a request");
        assert_eq!(
            head(request),
            "POST /?x=1 HTTP/1.1\r\nhost: a.example\r\na: b\r\ncontent-length: 5\r\n\r\n"
        );
        let request = http::Request::post("http://a.example/v1")
            .header("host", "b")
            .body(Full::default());
        assert_eq!(
            head(request.expect("a request")),
            "POST /v1 HTTP/1.1\r\nhost: b\r\ncontent-length: 0\r\n\r\n"
        );
        let request = http::Request::head("http://a.example").body(Full::default());
        assert_eq!(
            head(request.expect("a request")),
            "HEAD / HTTP/1.1\r\nhost: a.example\r\n\r\n"
        );
    }

    #[test]
    fn a_body_has_a_length() {
        let body = stream::empty::<Result<Frame<Bytes>, Infallible>>();
        let request = http::Request::new(StreamBody::new(body));
        let (head, body) = Request::from(request).split();
        assert!(Sending::new(&head, body, "a").is_err());
    }
}
