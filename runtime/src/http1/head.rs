//! What the heads of requests and of answers have in common (RFC 9112, sections 5 and 6).

use http::StatusCode;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};

use super::{Headers, Malformed};

/// Most header lines of a head.
pub(crate) const LINES: usize = 128;

/// Whether a body comes in chunks.
///
/// # Errors
/// When it comes in another coding too: that would have to be taken off here.
pub(crate) fn is_chunked(headers: &Headers) -> Result<bool, Malformed> {
    let mut codings = headers.get_all(TRANSFER_ENCODING);
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(Malformed("its transfer coding is not known here")),
    }
}

/// Whether an answer of this status has no body, whatever its head says.
pub(crate) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// How many bytes a body is said to have.
///
/// # Errors
/// When it is no number, or two that differ.
pub(crate) fn content_length(headers: &Headers) -> Result<Option<u64>, Malformed> {
    let mut lengths = headers.get_all(CONTENT_LENGTH);
    let Some(first) = lengths.next() else {
        return Ok(None);
    };
    if !lengths.all(|other| other == first) {
        return Err(Malformed("it has two lengths"));
    }
    match number(first) {
        Some(length) => Ok(Some(length)),
        None => Err(Malformed("its length is no number")),
    }
}

/// Digits and nothing else (RFC 9110, section 8.6).
fn number(digits: &[u8]) -> Option<u64> {
    let with = |number: u64, digit: &u8| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    };
    let is_some = !digits.is_empty();
    is_some.then(|| digits.iter().try_fold(0, with)).flatten()
}

/// Whether `Connection` holds this word, as `close`.
pub(crate) fn says(headers: &Headers, word: &str) -> bool {
    let said = headers.get_all(CONNECTION);
    let mut options = said.flat_map(|value| value.split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}
