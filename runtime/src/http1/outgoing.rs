//! What goes out over a connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::header::CONTENT_LENGTH;
use tokio::io::AsyncWrite;

/// Pieces of a body up to this size are joined to what goes before them: they are
/// copied sooner than they are listed.
const SMALL: usize = 4 << 10;

/// Bytes of the head of a usual message.
const HEAD: usize = 1 << 10;

/// Bytes on their way out: heads and small pieces joined, and one large piece behind them.
pub(crate) struct Outgoing {
    joined: Vec<u8>,
    /// How much of `joined` was written.
    written: usize,
    large: Bytes,
    /// What goes behind the large piece.
    tail: &'static [u8],
    is_begun: bool,
}

impl Outgoing {
    /// Begins with a head.
    pub(crate) fn new(head: Vec<u8>) -> Self {
        Self {
            joined: head,
            written: 0,
            large: Bytes::new(),
            tail: b"",
            is_begun: false,
        }
    }

    /// Whether a byte was written.
    pub(crate) fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Bytes that are not written yet.
    pub(crate) fn left(&self) -> usize {
        self.joined.len() - self.written + self.large.len() + self.tail.len()
    }

    /// Whether another piece can be added before something is written.
    pub(crate) fn has_room(&self) -> bool {
        self.large.is_empty() && self.tail.is_empty() && self.joined.len() - self.written <= SMALL
    }

    /// What a few bytes are added to. There has to be [room](Self::has_room).
    pub(crate) fn words(&mut self) -> &mut Vec<u8> {
        if self.joined.len() == self.written {
            self.joined.clear();
            self.written = 0;
        }
        &mut self.joined
    }

    /// Adds a piece of a body, and `tail` behind it. There has to be [room](Self::has_room).
    pub(crate) fn push(&mut self, piece: Bytes, tail: &'static [u8]) {
        if piece.len() <= SMALL {
            let words = self.words();
            words.extend_from_slice(&piece);
            words.extend_from_slice(tail);
        } else {
            self.large = piece;
            self.tail = tail;
        }
    }

    /// Writes everything.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<()>> {
        loop {
            let joined = &self.joined[self.written..];
            let stream = Pin::new(&mut *stream);
            let written = match (joined.is_empty(), self.large.is_empty()) {
                (true, true) if self.tail.is_empty() => return Poll::Ready(Ok(())),
                (false, true) if self.tail.is_empty() => stream.poll_write(cx, joined),
                _ => {
                    let all = [joined, &self.large[..], self.tail].map(IoSlice::new);
                    let from = all.iter().take_while(|part| part.is_empty()).count();
                    stream.poll_write_vectored(cx, &all[from..])
                }
            };
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_begun = true;
            self.advance(written);
        }
    }

    fn advance(&mut self, written: usize) {
        let of_joined = written.min(self.joined.len() - self.written);
        self.written += of_joined;
        let of_large = (written - of_joined).min(self.large.len());
        self.large.advance(of_large);
        self.tail = &self.tail[written - of_joined - of_large..];
    }
}

/// Room for the head of a usual message, and for a small body of this many bytes behind it.
pub(crate) fn room(body: Option<u64>) -> Vec<u8> {
    let body = body.and_then(|body| usize::try_from(body).ok());
    let body = body.filter(|body| *body <= SMALL);
    Vec::with_capacity(HEAD + body.unwrap_or_default())
}

/// Writes how many bytes a body has.
pub(crate) fn write_length(out: &mut Vec<u8>, length: u64) {
    write_line(out, CONTENT_LENGTH.as_str(), length.to_string().as_bytes());
}

/// What stands between a name and its value.
pub(super) const COLON: &[u8] = b": ";
/// What ends a line.
pub(super) const LINE_END: &[u8] = b"\r\n";

/// Writes a header line.
pub(crate) fn write_line(out: &mut Vec<u8>, name: impl AsRef<[u8]>, value: &[u8]) {
    out.extend_from_slice(name.as_ref());
    out.extend_from_slice(COLON);
    out.extend_from_slice(value);
    out.extend_from_slice(LINE_END);
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;

    use super::*;

    /// Takes a few bytes at a time, of several pieces if it is given several.
    struct Narrow {
        width: usize,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            pieces: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let bytes = pieces.iter().flat_map(|piece| piece.iter().copied());
            let bytes: Vec<u8> = bytes.take(self.width).collect();
            self.taken.extend_from_slice(&bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    proptest! {
        #[test]
        fn everything_goes_out_in_its_order(
            lengths in prop::collection::vec(prop_oneof![0_usize..9, SMALL - 2..SMALL + 9], 0..6),
            has_tails in any::<bool>(),
            width in prop_oneof![1_usize..9, 1000_usize..9000],
        ) {
            let tail: &[u8] = if has_tails { b"--\n" } else { b"" };
            let mut stream = Narrow { width, taken: Vec::new() };
            let mut out = Outgoing::new(b"head".to_vec());
            let mut wanted = b"head".to_vec();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let write = |out: &mut Outgoing, stream: &mut Narrow| {
                runtime.block_on(poll_fn(|cx| out.poll_write(cx, stream))).expect("written");
            };
            for (length, letter) in lengths.into_iter().zip(b'a'..) {
                let piece = vec![letter; length];
                wanted.extend_from_slice(b"+");
                wanted.extend_from_slice(&piece);
                wanted.extend_from_slice(tail);
                if !out.has_room() {
                    write(&mut out, &mut stream);
                }
                out.words().push(b'+');
                out.push(piece.into(), tail);
            }
            write(&mut out, &mut stream);
            prop_assert_eq!(stream.taken, wanted);
        }
    }

    #[test]
    fn what_takes_nothing_is_broken() {
        let mut out = Outgoing::new(b"head".to_vec());
        let mut stream = Narrow {
            width: 0,
            taken: Vec::new(),
        };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(!out.is_begun());
        assert!(matches!(
            out.poll_write(&mut cx, &mut stream),
            Poll::Ready(Err(_))
        ));
        assert!(!out.is_begun());
    }
}
