//! An answer on its way to the client.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{StatusCode, response};
use http_body::Body as _;

use super::wire::Wire;
use crate::http1::{self, Outgoing, content_length, write_line};
use crate::patience::Patience;

/// What ends the last chunk, and the chunks.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

/// How long a client may take nothing of an answer that waits for it. It holds its
/// upstream's connection meanwhile.
const UNREAD: Duration = Duration::from_secs(300);

/// What of the request decides how its answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
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

/// An answer, as far as it is not sent yet.
pub(super) struct Answer {
    out: Outgoing,
    body: Body,
    ends: Ends,
    /// Whether all of the body is in `out`, or behind it.
    is_over: bool,
    is_kept: bool,
    patience: Patience,
}

impl Answer {
    /// An answer whose head goes after `interim`.
    pub(super) fn new(response: Response, asked: Asked, interim: &[u8]) -> Self {
        let (head, body) = response.into_parts();
        let ends = ends(&head, &body, asked);
        // Whoever answers with another protocol does not go on with this one.
        let is_kept = asked.is_kept && ends != Ends::Closed && !head.status.is_informational();
        let length = match ends {
            Ends::Length(length) => Some(length),
            _ => None,
        };
        let mut out = http1::room(length);
        out.extend_from_slice(interim);
        write_head(&mut out, &head, ends, Asked { is_kept, ..asked });
        Self {
            out: Outgoing::new(out),
            body,
            ends,
            is_over: matches!(ends, Ends::Absent | Ends::Length(0)),
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
            if ready!(filled).is_err() {
                return Poll::Ready(Err(io::Error::other("the answer broke off")));
            }
            if self.is_over {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, wire: &Wire) -> Poll<io::Result<()>> {
        let before = self.out.left();
        let written = wire.poll_write(cx, &mut self.out);
        if written.is_ready() || self.out.left() < before {
            self.patience.is_over();
        }
        if written.is_pending() && self.patience.poll(cx, UNREAD).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }

    /// Takes pieces of the body until there is something large to send.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        while !self.is_over && self.out.has_room() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                return Poll::Ready(self.end());
            };
            let frame = frame.map_err(|_| Broken)?;
            // Trailers belong to the connection they came on.
            let piece = frame.into_data().unwrap_or_default();
            if !piece.is_empty() {
                self.push(piece)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn push(&mut self, piece: Bytes) -> Result<(), Broken> {
        // Often known with the last piece, which spares a write for the end.
        let is_last = self.body.is_end_stream();
        match &mut self.ends {
            Ends::Length(left) => {
                *left = left.checked_sub(piece.len() as u64).ok_or(Broken)?;
                self.is_over = *left == 0;
                self.out.push(piece, b"");
            }
            Ends::Chunked => {
                self.is_over = is_last;
                // A `Vec` can always be written to.
                let _ = write!(self.out.words(), "{:x}\r\n", piece.len());
                self.out.push(piece, if is_last { LAST } else { b"\r\n" });
            }
            Ends::Closed => self.out.push(piece, b""),
            Ends::Absent => {}
        }
        Ok(())
    }

    /// The body has no more pieces.
    fn end(&mut self) -> Result<(), Broken> {
        match self.ends {
            Ends::Length(_) => return Err(Broken),
            Ends::Chunked => self.out.words().extend_from_slice(&LAST[2..]),
            Ends::Absent | Ends::Closed => {}
        }
        self.is_over = true;
        Ok(())
    }
}

/// The body is not what it was said to be.
struct Broken;

fn ends(head: &response::Parts, body: &Body, asked: Asked) -> Ends {
    let has_none = asked.is_head
        || head.status.is_informational()
        || matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
    let said = || content_length(&head.headers).ok().flatten();
    match (has_none, body.size_hint().exact().or_else(said)) {
        (true, _) => Ends::Absent,
        (false, Some(length)) => Ends::Length(length),
        (false, None) if asked.is_old => Ends::Closed,
        (false, None) => Ends::Chunked,
    }
}

fn write_head(out: &mut Vec<u8>, head: &response::Parts, ends: Ends, asked: Asked) {
    let reason = head.status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
    let is_ours = |name| [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name);
    for (name, value) in head.headers.iter().filter(|(name, _)| !is_ours(*name)) {
        write_line(out, name.as_str(), value.as_bytes());
    }
    write_length(out, head, ends);
    match (asked.is_kept, asked.is_old) {
        (false, _) => write_line(out, CONNECTION.as_str(), b"close"),
        (true, true) => write_line(out, CONNECTION.as_str(), b"keep-alive"),
        (true, false) => {}
    }
    if !head.headers.contains_key(DATE) {
        write_date(out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Says where the body ends.
fn write_length(out: &mut Vec<u8>, head: &response::Parts, ends: Ends) {
    match ends {
        Ends::Length(length) => http1::write_length(out, length),
        Ends::Chunked => write_line(out, TRANSFER_ENCODING.as_str(), b"chunked"),
        // What the body would have been, where that was said.
        Ends::Absent if head.status != StatusCode::NO_CONTENT => {
            if let Some(length) = head.headers.get(CONTENT_LENGTH) {
                write_line(out, CONTENT_LENGTH.as_str(), length.as_bytes());
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
