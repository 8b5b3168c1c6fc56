//! An answer on its way to the client.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http_body::Body as _;

use super::wire::Wire;
use crate::http1::{self, Outgoing, Response, content_length, has_no_body, write_line};
use crate::patience::Patience;

/// What ends the last chunk, and the chunks.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

/// What this server says itself.
const OURS: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// How long a client may take nothing of an answer that waits for it. It holds its
/// upstream's connection meanwhile.
const UNREAD: Duration = Duration::from_secs(300);

/// What of the request decides how its answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// An answer to `HEAD` says what it would have been, and is not sent.
    pub(super) is_head: bool,
    /// HTTP/1.0 has no chunks, and closes unless it says otherwise.
    pub(super) is_old: bool,
    /// Whether the client can send another request.
    pub(super) is_kept: bool,
}

/// How the client knows where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// There is none.
    Absent,
    /// After this many bytes more.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// By the end of the connection.
    Closed,
}

/// How much of a body came. A body that broke off must not be asked again: it may say then
/// that it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Going,
    Complete,
    Broken,
}

/// An answer, as far as it is not sent yet.
pub(super) struct Answer {
    out: Outgoing,
    body: Body,
    ends: Ends,
    progress: Progress,
    /// Whether it is a stream of which nothing was taken yet.
    is_first: bool,
    is_kept: bool,
    patience: Patience,
}

impl Answer {
    /// An answer whose head goes after `interim`.
    pub(super) fn new(response: Response<Body>, terms: Terms, interim: &[u8]) -> Self {
        let (head, body) = response.split();
        let ends = ends(&head, &body, terms);
        // Whoever answers with another protocol does not go on with this one.
        let is_kept = terms.is_kept && ends != Ends::Closed && !head.status.is_informational();
        let length = match ends {
            Ends::Length(length) => Some(length),
            _ => None,
        };
        let mut out = http1::room(length);
        out.extend_from_slice(interim);
        write_head(&mut out, &head, ends, Terms { is_kept, ..terms });
        Self {
            out: Outgoing::new(out),
            body,
            ends,
            progress: match ends {
                Ends::Absent | Ends::Length(0) => Progress::Complete,
                _ => Progress::Going,
            },
            is_first: ends == Ends::Chunked,
            is_kept,
            patience: Patience::default(),
        }
    }

    /// Whether the connection can carry another request after it.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Sends it.
    ///
    /// # Errors
    /// When the connection breaks, the client takes nothing for five minutes, or the body
    /// breaks: what came of it was sent then, and the connection has to be closed, so that
    /// it does not look complete.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, wire: &Wire) -> Poll<io::Result<()>> {
        loop {
            let filled = self.poll_fill(cx);
            ready!(self.poll_write(cx, wire))?;
            match self.progress {
                Progress::Going => ready!(filled),
                Progress::Complete => return Poll::Ready(Ok(())),
                Progress::Broken => {
                    if self.ends == Ends::Closed {
                        // A usual end is all that would tell that it is whole.
                        wire.reset_at_end();
                    }
                    return Poll::Ready(Err(io::Error::other("the answer broke off")));
                }
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, wire: &Wire) -> Poll<io::Result<()>> {
        let before = self.out.left();
        let written = wire.poll_write(cx, &mut self.out);
        if written.is_ready() || self.out.left() < before {
            self.patience.reset();
        }
        if written.is_pending() && self.patience.poll(cx, UNREAD).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }

    /// Takes pieces of the body until there is something large to send. The first one of a
    /// stream goes out before others are looked at that may be here already.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.progress == Progress::Going && self.out.has_room() {
            self.progress = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                // Trailers belong to the connection they came on.
                Some(Ok(frame)) => self.push(frame.into_data().unwrap_or_default()),
                Some(Err(_)) => Progress::Broken,
                None => self.end(),
            };
            if std::mem::take(&mut self.is_first) {
                break;
            }
        }
        Poll::Ready(())
    }

    fn push(&mut self, piece: Bytes) -> Progress {
        // An empty chunk would be the last one.
        if piece.is_empty() {
            return Progress::Going;
        }
        // Often known with the last piece, which spares a write for the end.
        let mut is_last = self.body.is_end_stream();
        match &mut self.ends {
            Ends::Length(left) => {
                let Some(rest) = left.checked_sub(piece.len() as u64) else {
                    return Progress::Broken;
                };
                *left = rest;
                is_last = rest == 0;
                self.out.push(piece, b"");
            }
            Ends::Chunked => {
                // A `Vec` can always be written to.
                let _ = write!(self.out.words(), "{:x}\r\n", piece.len());
                self.out.push(piece, if is_last { LAST } else { b"\r\n" });
            }
            Ends::Closed => self.out.push(piece, b""),
            Ends::Absent => {}
        }
        match is_last {
            true => Progress::Complete,
            false => Progress::Going,
        }
    }

    /// The body has no more pieces.
    fn end(&mut self) -> Progress {
        match self.ends {
            Ends::Length(_) => return Progress::Broken,
            Ends::Chunked => self.out.words().extend_from_slice(&LAST[2..]),
            Ends::Absent | Ends::Closed => {}
        }
        Progress::Complete
    }
}

fn ends(head: &Response<()>, body: &Body, terms: Terms) -> Ends {
    let has_none = terms.is_head || has_no_body(head.status);
    let said = || content_length(&head.headers).ok().flatten();
    match (has_none, body.size_hint().exact().or_else(said)) {
        (true, _) => Ends::Absent,
        (false, Some(length)) => Ends::Length(length),
        (false, None) if terms.is_old => Ends::Closed,
        (false, None) => Ends::Chunked,
    }
}

fn write_head(out: &mut Vec<u8>, head: &Response<()>, ends: Ends, terms: Terms) {
    let reason = head.status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
    head.headers.write(out, |name| name.is_one_of(&OURS));
    write_ends(out, head, ends);
    match (terms.is_kept, terms.is_old) {
        (false, _) => write_line(out, CONNECTION.as_str(), b"close"),
        (true, true) => write_line(out, CONNECTION.as_str(), b"keep-alive"),
        (true, false) => {}
    }
    if !head.headers.contains(DATE) {
        write_date(out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Says where the body ends.
fn write_ends(out: &mut Vec<u8>, head: &Response<()>, ends: Ends) {
    match ends {
        Ends::Length(length) => http1::write_length(out, length),
        Ends::Chunked => write_line(out, TRANSFER_ENCODING.as_str(), b"chunked"),
        // What the body would have been, where that was said.
        Ends::Absent if head.status != StatusCode::NO_CONTENT => {
            if let Some(length) = head.headers.get(CONTENT_LENGTH) {
                write_line(out, CONTENT_LENGTH.as_str(), length);
            }
        }
        Ends::Absent | Ends::Closed => {}
    }
}

/// Says when the answer was made; each thread writes a second out once.
fn write_date(out: &mut Vec<u8>) {
    thread_local! {
        static WRITTEN: RefCell<(u64, String)> = RefCell::default();
    }
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    WRITTEN.with_borrow_mut(|(of, text)| {
        if *of != second || text.is_empty() {
            *of = second;
            *text = httpdate::fmt_http_date(now);
        }
        write_line(out, DATE.as_str(), text.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use futures_util::{StreamExt as _, stream};

    use super::*;

    fn answer(body: Body, is_old: bool) -> Answer {
        let terms = Terms {
            is_head: false,
            is_old,
            is_kept: true,
        };
        Answer::new(Response::new(StatusCode::OK, body), terms, b"")
    }

    /// How far it came after it was asked for pieces again and again, as it is when the client
    /// is slow.
    fn filled(mut answer: Answer) -> Progress {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(answer.poll_fill(&mut cx).is_ready());
        }
        answer.progress
    }

    #[test]
    fn the_first_piece_of_a_stream_does_not_wait_for_others() {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&taken);
        let pieces = stream::iter(["a", "b", "c"]).map(move |piece| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(piece)
        });
        let mut answer = answer(Body::from_stream(pieces), false);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(answer.poll_fill(&mut cx).is_ready());
        assert_eq!(taken.load(Ordering::Relaxed), 1);
        assert!(answer.poll_fill(&mut cx).is_ready());
        assert_eq!(taken.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_body_that_broke_off_never_becomes_complete() {
        for is_old in [false, true] {
            let broken = || stream::iter([Ok(Bytes::from_static(b"ab")), Err("broken")]);
            let answer = answer(Body::from_stream(broken()), is_old);
            assert_eq!(filled(answer), Progress::Broken);
        }
    }

    #[test]
    fn a_body_is_complete_at_its_end() {
        let pieces = || stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"ab"))]);
        assert_eq!(
            filled(answer(Body::from_stream(pieces()), false)),
            Progress::Complete
        );
        assert_eq!(filled(answer(Body::from("ab"), false)), Progress::Complete);
        assert_eq!(filled(answer(Body::empty(), false)), Progress::Complete);
    }
}
