//! Where the body of a message ends.

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderName, HeaderValue};

use super::Malformed;

/// Most bytes of a line that says how long a chunk is, and of all trailers.
const LINE: usize = 4 << 10;
const TRAILERS: usize = 16 << 10;

const NOT_CHUNKED: Malformed = Malformed("it is not chunked as it says");

/// What of a body is still to come.
#[derive(Debug)]
pub(crate) enum Framing {
    /// This many bytes.
    Length(u64),
    /// Chunks, of which this comes next.
    Chunked(Chunk),
    /// Whatever comes until the connection is closed.
    UntilClosed,
}

/// A part of the chunked coding (RFC 9112, section 7.1).
#[derive(Debug)]
pub(crate) enum Chunk {
    /// The line that says how long the next chunk is.
    Size,
    /// This many bytes.
    Data(u64),
    /// The line's end behind them.
    DataEnd,
    /// Trailers, after this many bytes of them.
    Trailers(usize),
    /// Nothing.
    Over,
}

impl Framing {
    /// A body in chunks.
    pub(crate) fn chunked() -> Self {
        Self::Chunked(Chunk::Size)
    }

    /// Whether all of the body was taken.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Over))
    }

    /// Bytes still to come, where that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Chunked(Chunk::Over) => Some(0),
            Self::Chunked(_) | Self::UntilClosed => None,
        }
    }

    /// Takes a piece of the body off what came; none until there is one, or when the
    /// body [is over](Self::is_over), which is known with its last piece if the end
    /// came with it.
    ///
    /// # Errors
    /// When what came is not chunked.
    pub(crate) fn take(&mut self, came: &mut BytesMut) -> Result<Option<Bytes>, Malformed> {
        match self {
            Self::Length(left) => Ok(piece(came, left)),
            Self::UntilClosed => Ok((!came.is_empty()).then(|| came.split().freeze())),
            Self::Chunked(chunk) => {
                chunk.settle(came)?;
                let Chunk::Data(left) = chunk else {
                    return Ok(None);
                };
                let piece = piece(came, left);
                chunk.settle(came)?;
                Ok(piece)
            }
        }
    }
}

/// Takes as much as came of `left` bytes.
fn piece(came: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    let length = usize::try_from(*left).map_or(came.len(), |left| left.min(came.len()));
    *left -= length as u64;
    (length > 0).then(|| came.split_to(length).freeze())
}

impl Chunk {
    /// Takes what stands before the next bytes of the body, as far as it came.
    fn settle(&mut self, came: &mut BytesMut) -> Result<(), Malformed> {
        loop {
            *self = match self {
                Self::Data(1..) | Self::Over => return Ok(()),
                Self::Data(0) => Self::DataEnd,
                Self::DataEnd => match line(came, 0)? {
                    Some(end) if end.is_empty() => Self::Size,
                    Some(_) => return Err(Malformed("a chunk is longer than it says")),
                    None => return Ok(()),
                },
                Self::Size => match line(came, LINE)? {
                    Some(line) => match size(&line)? {
                        0 => Self::Trailers(0),
                        size => Self::Data(size),
                    },
                    None => return Ok(()),
                },
                Self::Trailers(before) => match line(came, TRAILERS - *before)? {
                    Some(line) if line.is_empty() => Self::Over,
                    Some(line) if is_field(&line) => {
                        Self::Trailers(TRAILERS.min(*before + line.len()))
                    }
                    Some(_) => return Err(NOT_CHUNKED),
                    None => return Ok(()),
                },
            };
        }
    }
}

/// Takes a line of at most `limit` bytes, and its end.
fn line(came: &mut BytesMut, limit: usize) -> Result<Option<BytesMut>, Malformed> {
    match memchr::memchr(b'\n', came) {
        Some(end) if (1..=limit + 1).contains(&end) && came[end - 1] == b'\r' => {
            let line = came.split_to(end - 1);
            came.advance(2);
            // Somebody else might take it for the line's end.
            match memchr::memchr(b'\r', &line) {
                Some(_) => Err(NOT_CHUNKED),
                None => Ok(Some(line)),
            }
        }
        None if came.len() <= limit + 1 => Ok(None),
        _ => Err(NOT_CHUNKED),
    }
}

/// Whether a line is a header's. Trailers are not kept, and still have to be some: else the
/// beginning of another message could be taken for them.
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else {
        return false;
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    HeaderName::from_bytes(name).is_ok() && HeaderValue::from_bytes(value.trim_ascii()).is_ok()
}

/// The size in the line before a chunk, which extensions may follow.
fn size(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let (digits, rest) = line.split_at(digits.count());
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    let is_size = matches!(rest[blanks.count()..], [] | [b';', ..]);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_size);
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(Malformed("a chunk has no size"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body that is read from pieces as they come, whether it is over, and what
    /// stands behind it.
    fn read(mut framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, Vec<u8>), Malformed> {
        let (mut came, mut body) = (BytesMut::new(), Vec::new());
        for piece in pieces {
            came.extend_from_slice(piece);
            while let Some(piece) = framing.take(&mut came)? {
                body.extend_from_slice(&piece);
            }
        }
        Ok((body, framing.is_over(), came.to_vec()))
    }

    #[test]
    fn a_body_ends_where_it_is_said() {
        let read = |framing, bytes: &str| {
            let (body, is_over, behind) = read(framing, &[bytes.as_bytes()]).expect("a body");
            format!(
                "{}|{is_over}|{}",
                String::from_utf8_lossy(&body),
                String::from_utf8_lossy(&behind)
            )
        };
        assert_eq!(read(Framing::Length(0), "x"), "|true|x");
        assert_eq!(read(Framing::Length(2), "okx"), "ok|true|x");
        assert_eq!(read(Framing::Length(3), "ok"), "ok|false|");
        assert_eq!(read(Framing::UntilClosed, "ok"), "ok|false|");
        let chunked = |bytes| read(Framing::chunked(), bytes);
        assert_eq!(chunked("2\r\nok\r\n0\r\n\r\nx"), "ok|true|x");
        assert_eq!(chunked("1\r\no\r\n01 ; a=\"b\"\r\nk\r\n"), "ok|false|");
        assert_eq!(
            chunked("A\r\n0123456789\r\n0\r\nx: y\r\nz: \r\n\r\n"),
            "0123456789|true|"
        );
        assert_eq!(chunked("2\r\nok"), "ok|false|");
    }

    #[test]
    fn what_is_not_chunked_is_no_body() {
        let long = format!("1{}\r\n", ";".repeat(LINE));
        let trailers = format!("0\r\n{}", "a: b\r\n".repeat(TRAILERS / 4 + 1));
        let endless = "1".repeat(LINE + 2);
        for bytes in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            " 1\r\n",
            "0x1\r\n",
            "1\n",
            "1\ro\r\n",
            "1\r\r\n",
            "1;\r \r\no\r\n",
            "0\r\na: b\r\r\n\r\n",
            "0\r\nGET / HTTP/1.1\r\n\r\n",
            "0\r\na b: c\r\n\r\n",
            "1 2\r\n",
            "11111111111111111\r\n",
            "1\r\nokay\r\n",
            "1\r\no\n",
            "1\r\no0\r\n",
            &long,
            &trailers,
            &endless,
        ] {
            let read = read(Framing::chunked(), &[bytes.as_bytes()]);
            assert!(matches!(read, Err(Malformed(_))), "{bytes:.40}: {read:?}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_body_comes(
            chunks in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..40), "(;[a-z=\"]{0,9})?"), 0..6),
            trailers in prop::collection::vec("[a-z]{1,5}: [ -~]{0,9}", 0..3),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let (mut sent, mut wanted) = (Vec::new(), Vec::new());
            for (chunk, extension) in &chunks {
                sent.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
                sent.extend_from_slice(chunk);
                sent.extend_from_slice(b"\r\n");
                wanted.extend_from_slice(chunk);
            }
            sent.extend_from_slice(b"0\r\n");
            for trailer in &trailers {
                sent.extend_from_slice(format!("{trailer}\r\n").as_bytes());
            }
            sent.extend_from_slice(b"\r\n");
            let end = sent.len();
            sent.extend_from_slice(b"HTTP");
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(end)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&sent[from..cut]);
                from = cut;
            }
            pieces.push(&sent[from..]);
            let read = read(Framing::chunked(), &pieces).expect("a body");
            prop_assert_eq!(read, (wanted, true, b"HTTP".to_vec()));
        }

        #[test]
        fn anything_may_come(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n'), Just(b'1'), Just(b'0')], 0..60)) {
            let _ = read(Framing::chunked(), &[&bytes]);
        }
    }
}
