//! What the heads of requests and of answers have in common (RFC 9112, sections 5 and 6).

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Malformed;

/// Most header lines of a head.
pub(crate) const LINES: usize = 128;

/// Room for the fields that are added on the way.
const ADDED: usize = 4;

/// The fields in the lines of a head, whose values are pieces of it.
///
/// # Errors
/// When one is none.
pub(crate) fn fields(lines: &[httparse::Header<'_>], head: &Bytes) -> Result<HeaderMap, Malformed> {
    let mut fields = HeaderMap::with_capacity(lines.len() + ADDED);
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let value = HeaderValue::from_maybe_shared(head.slice_ref(line.value));
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(Malformed("it has a header that is none"));
        };
        fields.append(name, value);
    }
    Ok(fields)
}

/// Whether a body comes in chunks.
///
/// # Errors
/// When it comes in another coding too: that would have to be taken off here.
pub(crate) fn is_chunked(fields: &HeaderMap) -> Result<bool, Malformed> {
    let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(Malformed("its transfer coding is not known here")),
    }
}

/// How many bytes a body is said to have.
///
/// # Errors
/// When it is no number, or two that differ.
pub(crate) fn content_length(fields: &HeaderMap) -> Result<Option<u64>, Malformed> {
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else {
        return Ok(None);
    };
    match number(first.as_bytes()) {
        Some(length) if lengths.all(|other| other == first) => Ok(Some(length)),
        _ => Err(Malformed("its length is none")),
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    digits.parse().ok()
}

/// Whether `Connection` holds this word, as `close`.
pub(crate) fn says(fields: &HeaderMap, word: &str) -> bool {
    let mut options = fields
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}
