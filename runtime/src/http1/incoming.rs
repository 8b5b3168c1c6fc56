//! What comes over a connection.

use std::io;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{Framing, Malformed};

/// How much room is made to read into: more after a read that fills it, less after one
/// that leaves most of it.
const LEAST: usize = 8 << 10;
const MOST: usize = 64 << 10;

/// Bytes that came and were not taken yet.
pub(crate) struct Incoming {
    bytes: BytesMut,
    /// How much room is made next.
    room: usize,
    /// How many of the bytes hold no end of a head.
    looked: usize,
}

impl Incoming {
    pub(crate) fn new() -> Self {
        Self {
            bytes: BytesMut::new(),
            room: LEAST,
            looked: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a byte is among what came.
    pub(crate) fn holds(&self, byte: u8) -> bool {
        memchr::memchr(byte, &self.bytes).is_some()
    }

    /// Reads what there is; how many bytes, none when the peer has closed.
    pub(crate) fn poll_more<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<usize>> {
        // Where nobody holds a piece of what was taken before, this makes nothing new.
        self.bytes.reserve(self.room);
        let reading = pin!(Pin::new(stream).read_buf(&mut self.bytes)).poll(cx);
        if reading.is_pending() && self.bytes.is_empty() {
            // Most connections wait most of the time, and the next one to read can use it.
            self.bytes = BytesMut::new();
        }
        let read = ready!(reading)?;
        if read >= self.room {
            self.room = MOST.min(self.room * 2);
        } else if read < self.room / 4 {
            self.room = LEAST.max(self.room / 2);
        }
        Poll::Ready(Ok(read))
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Lets go of the empty lines before a head.
    pub(crate) fn skip_lines(&mut self) {
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let ends = self.bytes.iter().take_while(is_end).count();
        if ends > 0 {
            self.looked = 0;
            drop(self.bytes.split_to(ends));
        }
    }

    /// Takes everything up to the first empty line, and that line; none until it is there.
    pub(crate) fn take_head(&mut self) -> Option<Bytes> {
        let from = self.looked.saturating_sub("\n\r".len());
        let end = end_of_head(&self.bytes[from..]).map(|end| from + end);
        self.looked = match end {
            Some(_) => 0,
            None => self.bytes.len(),
        };
        end.map(|end| self.bytes.split_to(end).freeze())
    }

    /// Takes a piece of a body, as [`Framing::take`] does.
    ///
    /// # Errors
    /// When it is not framed as it says.
    pub(crate) fn take_piece(&mut self, framing: &mut Framing) -> Result<Option<Bytes>, Malformed> {
        framing.take(&mut self.bytes)
    }
}

/// Bytes up to the first empty line, and that line.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    static USUAL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n\r\n"));
    static BARE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n\n"));
    let usual = USUAL.find(bytes);
    // One without carriage returns counts where it comes first.
    let before = usual.map_or(bytes, |usual| &bytes[..=usual]);
    match (BARE.find(before), usual) {
        (Some(bare), _) => Some(bare + 2),
        (None, usual) => usual.map(|usual| usual + 3),
    }
}

#[cfg(test)]
impl From<&[u8]> for Incoming {
    fn from(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.into(),
            ..Self::new()
        }
    }
}

#[cfg(test)]
impl Incoming {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_head_ends_with_the_first_empty_line(bytes in "[\n\ra]{0,20}") {
            let bytes = bytes.as_bytes();
            let is_end = |end: &usize| {
                bytes[..*end].ends_with(b"\n\n") || bytes[..*end].ends_with(b"\n\r\n")
            };
            prop_assert_eq!(end_of_head(bytes), (0..=bytes.len()).find(is_end));
        }
    }
}
