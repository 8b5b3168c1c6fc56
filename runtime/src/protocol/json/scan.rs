//! Passing over values without making anything of them.

use super::blocks::{self, BLOCK};
use super::escapes;
use super::{MAX_DEPTH, Malformed};

/// A text that is passed over. Where it goes on is handed from step to step, and so
/// stays in a register.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Where the next byte is that is no white space.
    pub(super) fn token(self, mut at: usize) -> usize {
        while matches!(self.bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            at += 1;
        }
        at
    }

    /// Just past the value at `at`, around which `depth` brackets are open.
    pub(super) fn value(self, at: usize, depth: usize) -> Result<usize, Malformed> {
        match self.bytes.get(at) {
            Some(b'"') => self.string(at).map(|(end, _)| end),
            Some(b'{') => self.object(at, depth),
            Some(b'[') => self.list(at, depth),
            Some(_) => self.scalar(at),
            None => Err(Malformed(at)),
        }
    }

    fn object(self, at: usize, depth: usize) -> Result<usize, Malformed> {
        let mut at = self.inside(at, depth)?;
        if self.bytes.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        loop {
            at = self.token(self.string(at)?.0);
            if self.bytes.get(at) != Some(&b':') {
                return Err(Malformed(at));
            }
            at = self.value(self.token(at + 1), depth + 1)?;
            at = self.token(at);
            match self.bytes.get(at) {
                Some(b',') => at = self.token(at + 1),
                Some(b'}') => return Ok(at + 1),
                _ => return Err(Malformed(at)),
            }
        }
    }

    fn list(self, at: usize, depth: usize) -> Result<usize, Malformed> {
        let mut at = self.inside(at, depth)?;
        if self.bytes.get(at) == Some(&b']') {
            return Ok(at + 1);
        }
        loop {
            at = self.token(self.value(at, depth + 1)?);
            match self.bytes.get(at) {
                Some(b',') => at = self.token(at + 1),
                Some(b']') => return Ok(at + 1),
                _ => return Err(Malformed(at)),
            }
        }
    }

    /// What follows the bracket at `at`.
    fn inside(self, at: usize, depth: usize) -> Result<usize, Malformed> {
        match depth < MAX_DEPTH {
            true => Ok(self.token(at + 1)),
            false => Err(Malformed(at)),
        }
    }

    /// Just past the string at `at`, and whether it has escapes.
    #[inline]
    pub(super) fn string(self, at: usize) -> Result<(usize, bool), Malformed> {
        let Some((b'"', inside)) = self.bytes.get(at..).and_then(<[u8]>::split_first) else {
            return Err(Malformed(at));
        };
        // Most names are no longer than this.
        if let Some(word) = inside.first_chunk() {
            let length = first_in(special_in(u64::from_le_bytes(*word)));
            if inside.get(length) == Some(&b'"') {
                return Ok((at + length + 2, false));
            }
        }
        self.long_string(inside)
    }

    /// The same of any string; `inside` is what follows its first quote.
    fn long_string(self, inside: &[u8]) -> Result<(usize, bool), Malformed> {
        let end = self.bytes.len();
        let mut is_escaped = false;
        let mut rest = inside;
        while let Some(block) = rest.first_chunk() {
            let mut special = blocks::specials(block);
            let mut passed = BLOCK;
            while special != 0 {
                let at = special.trailing_zeros() as usize;
                let here = &rest[at..];
                if here.first() == Some(&b'"') {
                    return Ok((end - here.len() + 1, is_escaped));
                }
                let behind = at + escapes::length(here).ok_or(Malformed(end - here.len()))?;
                is_escaped = true;
                passed = passed.max(behind);
                special = blocks::from(special, behind);
            }
            rest = &rest[passed..];
        }
        // Of the text there is less than a block left.
        loop {
            let at = special(rest, 0).ok_or(Malformed(end))?;
            let here = &rest[at..];
            if here.first() == Some(&b'"') {
                return Ok((end - here.len() + 1, is_escaped));
            }
            rest = &here[escapes::length(here).ok_or(Malformed(end - here.len()))?..];
            is_escaped = true;
        }
    }

    /// Just past the number, `true`, `false` or `null` at `start`.
    fn scalar(self, start: usize) -> Result<usize, Malformed> {
        let wrong = Err(Malformed(start));
        let word: &[u8] = match self.bytes[start] {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => b"",
        };
        if !word.is_empty() {
            return match self.bytes[start..].starts_with(word) {
                true => Ok(start + word.len()),
                false => wrong,
            };
        }
        let is = |at: usize, byte: u8| self.bytes.get(at) == Some(&byte);
        let whole = start + usize::from(is(start, b'-'));
        let mut at = self.digits(whole);
        if at == whole || (at > whole + 1 && is(whole, b'0')) {
            return wrong;
        }
        if is(at, b'.') {
            let fraction = at + 1;
            at = self.digits(fraction);
            if at == fraction {
                return wrong;
            }
        }
        if is(at, b'e') || is(at, b'E') {
            let exponent = at + 1 + usize::from(is(at + 1, b'+') || is(at + 1, b'-'));
            at = self.digits(exponent);
            if at == exponent {
                return wrong;
            }
        }
        Ok(at)
    }

    /// Just past the digits from `at` on.
    fn digits(self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }
}

/// Offset from `from` on of the next byte that a string cannot hold as it is:
/// a quote, a backslash, a control character.
#[inline]
pub(super) fn special(bytes: &[u8], from: usize) -> Option<usize> {
    let (words, rest) = bytes.get(from..)?.as_chunks();
    let mut at = from;
    for word in words {
        let found = special_in(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + first_in(found));
        }
        at += 8;
    }
    let mut word = [b' '; 8];
    word[..rest.len()].copy_from_slice(rest);
    let found = special_in(u64::from_le_bytes(word));
    (found != 0).then(|| at + first_in(found))
}

/// The high bit of each special byte. Only the lowest set one is to be trusted;
/// a borrow may set others above it (Mycroft's test for bytes below a bound).
fn special_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    // With this bit turned the quote follows the control characters.
    let controls_and_quotes = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslashes = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (controls_and_quotes | backslashes) & !word & (ONES << 7)
}

/// The first byte whose high bit is set in `found`, or 8.
fn first_in(found: u64) -> usize {
    found.trailing_zeros() as usize / 8
}
