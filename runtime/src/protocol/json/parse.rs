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
    let value = parser.value(false)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(Malformed(parser.at)),
    }
}

struct Parser<'a, 'o> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    opaque: &'o [&'o str],
}

impl<'a> Parser<'a, '_> {
    /// The next value; a list or object that `is_opaque` stays as it is.
    fn value(&mut self, is_opaque: bool) -> Result<Json<'a>, Malformed> {
        let start = match self.peek() {
            Some(b'"') => return self.string().map(Json::Text),
            Some(b'{') if !is_opaque => return self.object(),
            Some(b'[') if !is_opaque => return self.list(),
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
            let is_opaque = self.opaque.contains(&&*name);
            let value = self.value(is_opaque)?;
            object.push(name, value);
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
            items.push(self.value(false)?);
            more = self.more(b']')?;
        }
        self.depth -= 1;
        Ok(Json::List(items))
    }

    /// Passes over a value without making anything of it.
    fn skip(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') => {
                self.enter()?;
                let mut more = !self.closes(b'}');
                while more {
                    self.peek();
                    self.string()?;
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
        let start = self.at;
        let name = self.string()?;
        let written = &self.text[start + 1..self.at - 1];
        self.colon()?;
        Ok(if written.contains('\\') {
            Cow::Owned(name.plain().into_owned())
        } else {
            Cow::Borrowed(written)
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

    /// The string whose opening quote is next.
    fn string(&mut self) -> Result<Text<'a>, Malformed> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(Malformed(self.at));
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            at = special(self.bytes, at).ok_or(Malformed(self.bytes.len()))?;
            match self.bytes[at] {
                b'"' => break,
                b'\\' => at += self.escape(at)?,
                _ => return Err(Malformed(at)),
            }
        }
        self.at = at + 1;
        Ok(Text::from_written(&self.text[start..at]))
    }

    /// Length of the escape at `at`.
    fn escape(&self, at: usize) -> Result<usize, Malformed> {
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => {
                let digits = self.bytes.get(at + 2..at + 6);
                match digits {
                    Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(6),
                    _ => Err(Malformed(at)),
                }
            }
            _ => Err(Malformed(at)),
        }
    }

    /// Passes over a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        for word in ["true", "false", "null"] {
            if self.bytes[start..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(());
            }
        }
        self.at += usize::from(self.bytes[start] == b'-');
        let wrong = Err(Malformed(start));
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
pub(super) fn special(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = special_in(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    let found = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    Some(at + found)
}

/// The high bit of each special byte. Only the lowest set one is to be trusted;
/// a borrow may set others above it (Mycroft's test for a zero byte, and its
/// sibling for bytes below a bound).
fn special_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zeros(word ^ (ONES * b'"' as u64));
    let backslashes = zeros(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & (ONES << 7)
}
