//! The parser: one pass, no decoding, no copies.

use std::borrow::Cow;

use super::{Json, MAX_DEPTH, Malformed, Object, Text};

pub(super) fn document<'a>(text: &'a str, opaque: &[&str]) -> Result<Json<'a>, Malformed> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: 0,
        opaque,
    };
    let value = parser.value(NAMELESS)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(Malformed(parser.at)),
    }
}

/// The name of what has none; nothing is opaque by it.
const NAMELESS: &str = "";

struct Parser<'a, 'o> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    opaque: &'o [&'o str],
}

impl<'a> Parser<'a, '_> {
    /// The next value; a list or object stays as it is where `name` is opaque.
    fn value(&mut self, name: &str) -> Result<Json<'a>, Malformed> {
        let start = match self.peek() {
            Some(b'"') => {
                let (written, _) = self.quoted()?;
                return Ok(Json::Text(Text::from_written(written)));
            }
            Some(b'{') if !self.opaque.contains(&name) => return self.object(),
            Some(b'[') if !self.opaque.contains(&name) => return self.list(),
            Some(_) => self.at,
            None => return Err(Malformed(self.at)),
        };
        self.skip()?;
        Ok(Json::Raw(Cow::Borrowed(&self.text[start..self.at])))
    }

    fn object(&mut self) -> Result<Json<'a>, Malformed> {
        self.enter()?;
        let mut object = Object::new();
        let mut more = !self.closes(b'}');
        while more {
            let name = self.name()?;
            let value = self.value(&name)?;
            object.push_read(name, value);
            more = self.more(b'}')?;
        }
        self.depth -= 1;
        Ok(Json::Object(object))
    }

    fn list(&mut self) -> Result<Json<'a>, Malformed> {
        self.enter()?;
        let mut items = Vec::new();
        let mut more = !self.closes(b']');
        while more {
            items.push(self.value(NAMELESS)?);
            more = self.more(b']')?;
        }
        self.depth -= 1;
        Ok(Json::List(items))
    }

    /// Passes over a value without making anything of it.
    fn skip(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'"') => self.quoted().map(drop),
            Some(b'{') => {
                self.enter()?;
                let mut more = !self.closes(b'}');
                while more {
                    self.peek();
                    self.quoted()?;
                    self.colon()?;
                    self.skip()?;
                    more = self.more(b'}')?;
                }
                self.depth -= 1;
                Ok(())
            }
            Some(b'[') => {
                self.enter()?;
                let mut more = !self.closes(b']');
                while more {
                    self.skip()?;
                    more = self.more(b']')?;
                }
                self.depth -= 1;
                Ok(())
            }
            Some(_) => self.scalar(),
            None => Err(Malformed(self.at)),
        }
    }

    /// Takes an opening bracket.
    fn enter(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Malformed(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether the bracket that was just opened closes at once.
    fn closes(&mut self, close: u8) -> bool {
        let closes = self.peek() == Some(close);
        self.at += usize::from(closes);
        closes
    }

    /// Behind an element: whether another follows, or the bracket closes.
    fn more(&mut self, close: u8) -> Result<bool, Malformed> {
        let byte = self.peek();
        self.at += 1;
        match byte {
            Some(b',') => Ok(true),
            Some(byte) if byte == close => Ok(false),
            _ => Err(Malformed(self.at - 1)),
        }
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.peek();
        let (written, is_escaped) = self.quoted()?;
        self.colon()?;
        Ok(match is_escaped {
            true => Cow::Owned(Text::from_written(written).plain().into_owned()),
            false => Cow::Borrowed(written),
        })
    }

    fn colon(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b':') {
            self.at += 1;
            Ok(())
        } else {
            Err(Malformed(self.at))
        }
    }

    /// What stands between the quotes of a string, the first of which is next, and
    /// whether it has escapes.
    #[inline]
    fn quoted(&mut self) -> Result<(&'a str, bool), Malformed> {
        let Some((b'"', inside)) = self.bytes.get(self.at..).and_then(<[u8]>::split_first) else {
            return Err(Malformed(self.at));
        };
        // Most names are no longer than this.
        if let Some(word) = inside.first_chunk() {
            let length = first_in(special_in(u64::from_le_bytes(*word)));
            if inside.get(length) == Some(&b'"') {
                let from = self.at + 1;
                self.at = from + length + 1;
                return Ok((&self.text[from..from + length], false));
            }
        }
        self.long_quoted(inside)
    }

    /// The same, where `inside` is what follows the first quote.
    fn long_quoted(&mut self, inside: &[u8]) -> Result<(&'a str, bool), Malformed> {
        let end = self.bytes.len();
        let mut rest = inside;
        let mut is_escaped = false;
        loop {
            let at = special(rest, 0).ok_or(Malformed(end))?;
            rest = match &rest[at..] {
                [b'"', after @ ..] => {
                    let from = self.at + 1;
                    self.at = end - after.len();
                    return Ok((&self.text[from..self.at - 1], is_escaped));
                }
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    after @ ..,
                ] => after,
                [b'\\', b'u', a, b, c, d, after @ ..]
                    if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) =>
                {
                    after
                }
                wrong => return Err(Malformed(end - wrong.len())),
            };
            is_escaped = true;
        }
    }

    /// Passes over a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        let wrong = Err(Malformed(start));
        let word: &[u8] = match self.bytes[start] {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => b"",
        };
        if !word.is_empty() {
            self.at += word.len();
            return match self.bytes[start..].starts_with(word) {
                true => Ok(()),
                false => wrong,
            };
        }
        self.at += usize::from(self.bytes[start] == b'-');
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.bytes[self.at - whole] == b'0') {
            return wrong;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return wrong;
            }
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return wrong;
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// The next byte that is no white space, without taking it.
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }
}

/// Offset from `from` on of the next byte that a string cannot hold as it is:
/// a quote, a backslash, a control character.
#[inline]
pub(super) fn special(bytes: &[u8], from: usize) -> Option<usize> {
    // Escapes are too near to one another for a vector search to pay.
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
