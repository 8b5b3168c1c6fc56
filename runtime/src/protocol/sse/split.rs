//! A stream taken apart into its events, for those that are read and not only passed on.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

use super::{BlankLines, field};

/// Bytes that one event may have: as many as a whole answer.
const EVENT_LIMIT: usize = 32 << 20;

/// An event is longer than is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Whole blocks of lines, from chunks that end anywhere.
#[derive(Debug, Default)]
pub struct Split {
    blank_lines: BlankLines,
    held: BytesMut,
    /// Bytes of `held` in which no blank line ends.
    looked_at: usize,
}

impl Split {
    /// Takes the next chunk.
    ///
    /// # Errors
    /// When an event outgrows what is taken.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        self.held.extend_from_slice(chunk);
        if self.held.len() > EVENT_LIMIT.max(chunk.len()) {
            return Err(TooLong);
        }
        Ok(())
    }

    /// The next whole block, with the blank line that ends it.
    pub fn block(&mut self) -> Option<Bytes> {
        match self.blank_lines.next(&self.held[self.looked_at..]) {
            Some(end) => {
                let end = self.looked_at + end;
                self.looked_at = 0;
                Some(self.held.split_to(end).freeze())
            }
            None => {
                self.looked_at = self.held.len();
                None
            }
        }
    }

    /// What is left when the stream is over: a last event without its blank line.
    pub fn finish(&mut self) -> Option<Bytes> {
        self.looked_at = 0;
        let rest = self.held.split().freeze();
        (!rest.is_empty()).then_some(rest)
    }
}

/// The data of a block; none when it has none.
pub fn data(block: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut rest = block.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(block);
    let mut data: Option<Cow<'_, [u8]>> = None;
    while !rest.is_empty() {
        let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        let (b"data", value) = field(line) else {
            continue;
        };
        match &mut data {
            Some(data) => {
                let data = data.to_mut();
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => data = Some(Cow::Borrowed(value)),
        }
    }
    data
}

/// Whether a block is a comment, which says that the other side is alive.
pub fn is_comment(block: &[u8]) -> bool {
    block.starts_with(b":")
}
