//! The parser: one pass, no decoding, no copies.

use std::borrow::Cow;

use super::scan::Scan;
use super::{Json, MAX_DEPTH, Malformed, Object, Text, brackets};

/// What is done about objects and lists that are not taken apart.
#[derive(Clone, Copy)]
pub(super) enum Opaque<'o> {
    Checked,
    /// They are passed over by their brackets, and so is this member of the outermost
    /// object.
    Unchecked {
        member: Option<&'o str>,
    },
}

/// Reads a text, of which objects and lists under `names` are not taken apart.
pub(super) fn document<'a>(
    text: &'a str,
    names: &[&str],
    opaque: Opaque<'_>,
) -> Result<Json<'a>, Malformed> {
    let mut parser = Parser {
        text,
        scan: Scan::new(text.as_bytes()),
        at: 0,
        depth: 0,
        names,
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
    scan: Scan<'a>,
    at: usize,
    depth: usize,
    names: &'o [&'o str],
    opaque: Opaque<'o>,
}

impl<'a> Parser<'a, '_> {
    /// The next value; a list or object stays as it is where `name` is opaque.
    fn value(&mut self, name: &str) -> Result<Json<'a>, Malformed> {
        let next = self.peek().ok_or(Malformed(self.at))?;
        let start = self.at;
        self.at = match next {
            b'"' => {
                let (written, _) = self.quoted()?;
                return Ok(Json::Text(Text::from_written(written)));
            }
            b'{' | b'[' if self.is_opaque(name) => self.past_brackets()?,
            b'{' => return self.object(),
            b'[' => return self.list(),
            _ => self.scan.value(start, self.depth)?,
        };
        Ok(Json::Raw(Cow::Borrowed(&self.text[start..self.at])))
    }

    fn is_opaque(&self, name: &str) -> bool {
        let is_member = match self.opaque {
            Opaque::Unchecked { member } => self.depth == 1 && member == Some(name),
            Opaque::Checked => false,
        };
        is_member || self.names.contains(&name)
    }

    /// Just past the list or object that is next.
    fn past_brackets(&self) -> Result<usize, Malformed> {
        match self.opaque {
            Opaque::Checked => self.scan.value(self.at, self.depth),
            Opaque::Unchecked { .. } => {
                brackets::close(self.text.as_bytes(), self.at).ok_or(Malformed(self.text.len()))
            }
        }
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

    /// What stands between the quotes of the string that is next, and whether it has
    /// escapes.
    #[inline]
    fn quoted(&mut self) -> Result<(&'a str, bool), Malformed> {
        let start = self.at + 1;
        let (end, is_escaped) = self.scan.string(self.at)?;
        self.at = end;
        Ok((&self.text[start..end - 1], is_escaped))
    }

    /// The next byte that is no white space, without taking it.
    fn peek(&mut self) -> Option<u8> {
        self.at = self.scan.token(self.at);
        self.text.as_bytes().get(self.at).copied()
    }
}
