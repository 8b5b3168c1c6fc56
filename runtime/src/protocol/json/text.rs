//! Strings as JSON writes them.

use std::borrow::Cow;
use std::fmt::Write as _;

use memchr::memchr;

use super::blocks::{self, BLOCK};
use super::escapes;
use super::scan::special;

/// What stands between the quotes of a JSON string, escapes and all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// Of text that is escaped already, as a parser has found it.
    pub fn from_written(written: &'a str) -> Self {
        Self(Cow::Borrowed(written))
    }

    /// Of plain text, which gets the escapes it needs.
    pub fn from_plain(plain: &'a str) -> Self {
        let bytes = plain.as_bytes();
        let Some(mut at) = special(bytes, 0) else {
            return Self(Cow::Borrowed(plain));
        };
        let mut out = String::with_capacity(plain.len() + 16);
        let mut from = 0;
        loop {
            out.push_str(&plain[from..at]);
            match bytes[at] {
                b'"' => out.push_str("\\\""),
                b'\\' => out.push_str("\\\\"),
                b'\n' => out.push_str("\\n"),
                b'\r' => out.push_str("\\r"),
                b'\t' => out.push_str("\\t"),
                byte => {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{byte:04x}");
                }
            }
            from = at + 1;
            match special(bytes, from) {
                Some(next) => at = next,
                None => break,
            }
        }
        out.push_str(&plain[from..]);
        Self(Cow::Owned(out))
    }

    /// Of plain text that nobody else needs.
    pub fn from_string(plain: String) -> Text<'static> {
        if special(plain.as_bytes(), 0).is_none() {
            return Text(Cow::Owned(plain));
        }
        Text::from_plain(&plain).into_owned()
    }

    /// The text without escapes. Half a surrogate pair becomes U+FFFD.
    pub fn plain(&self) -> Cow<'_, str> {
        if memchr(b'\\', self.0.as_bytes()).is_none() {
            return Cow::Borrowed(&self.0);
        }
        let mut plain = String::with_capacity(self.0.len());
        self.push_plain(&mut plain);
        Cow::Owned(plain)
    }

    /// Whether it is seen that all characters are ASCII, stand there as themselves but for
    /// control characters, quotes and backslashes, and take two bytes at most.
    pub fn stands_as_it_is(&self) -> bool {
        let bytes = self.0.as_bytes();
        let mut at = 0;
        while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            if blocks::may_hide(block) {
                return false;
            }
            at += BLOCK;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let is_other = |pair: &[u8]| matches!(pair, [b'\\', b'u' | b'/']);
        rest.is_ascii() && !rest.windows(2).any(is_other)
    }

    /// Adds the text without escapes to `out`, as [`Text::plain`] gives it.
    pub fn push_plain(&self, out: &mut String) {
        out.reserve(self.0.len());
        decode(&self.0, out);
    }

    /// Whether it is this word, which has no escapes.
    pub fn is(&self, word: &str) -> bool {
        self.0 == word || (self.0.contains('\\') && self.plain() == word)
    }

    /// Whether it has no characters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has nothing but white space.
    pub fn is_blank(&self) -> bool {
        let mut rest = self.0.trim_start();
        let escapes = ["\\n", "\\r", "\\t", "\\f"];
        while let Some(after) = escapes.iter().find_map(|space| rest.strip_prefix(space)) {
            rest = after.trim_start();
        }
        rest.is_empty() || (rest.starts_with("\\u") && self.plain().trim().is_empty())
    }

    /// The text between the quotes.
    pub fn written(&self) -> &str {
        &self.0
    }

    /// The same, of a text that is not needed any more.
    pub(super) fn into_written(self) -> Cow<'a, str> {
        self.0
    }

    /// What follows `start`, which has no escapes.
    pub fn after(&self, start: &str) -> Option<Text<'a>> {
        match &self.0 {
            Cow::Borrowed(text) => text
                .strip_prefix(start)
                .map(|rest| Self(Cow::Borrowed(rest))),
            Cow::Owned(text) => {
                let rest = text.strip_prefix(start)?;
                Some(Self(Cow::Owned(rest.to_owned())))
            }
        }
    }

    /// The two parts around the first `mark`, which has no escapes.
    pub fn split_once(&self, mark: char) -> Option<(Text<'a>, Text<'a>)> {
        let at = self.0.find(mark)?;
        let after = at + mark.len_utf8();
        Some(match &self.0 {
            Cow::Borrowed(text) => (
                Self(Cow::Borrowed(&text[..at])),
                Self(Cow::Borrowed(&text[after..])),
            ),
            Cow::Owned(text) => (
                Self(Cow::Owned(text[..at].to_owned())),
                Self(Cow::Owned(text[after..].to_owned())),
            ),
        })
    }

    /// The parts one after another, with `between` (which has no escapes) between them.
    pub fn joined(parts: &[Text<'a>], between: &str) -> Text<'a> {
        match parts {
            [] => Self::default(),
            [only] => only.clone(),
            _ => {
                let parts: Vec<&str> = parts.iter().map(Text::written).collect();
                let between = Text::from_plain(between);
                Self(Cow::Owned(parts.join(between.written())))
            }
        }
    }

    /// Adds another text at the end.
    pub fn push(&mut self, more: &Text<'_>) {
        if self.0.is_empty() {
            self.0 = Cow::Owned(more.0.clone().into_owned());
        } else {
            self.0.to_mut().push_str(&more.0);
        }
    }

    /// Adds it to `out` with its quotes.
    pub fn write(&self, out: &mut String) {
        out.push('"');
        out.push_str(&self.0);
        out.push('"');
    }

    /// The same without anything borrowed.
    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }
}

/// A name or a word of the program's own.
impl From<&'static str> for Text<'_> {
    fn from(plain: &'static str) -> Self {
        Self::from_plain(plain)
    }
}

/// Adds the string without its escapes, all of which the parser has checked.
fn decode(written: &str, out: &mut String) {
    let bytes = written.as_bytes();
    // What lies before `from` is in `out`, and from there to `at` no escape begins.
    let (mut from, mut at) = (0, 0);
    let mut take = |from: usize, escape: usize| {
        out.push_str(&written[from..escape]);
        escape + escapes::decode(&written[escape..], out)
    };
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let mut found = blocks::backslashes(block);
        let mut passed = BLOCK;
        while found != 0 {
            from = take(from, at + found.trailing_zeros() as usize);
            passed = passed.max(from - at);
            found = blocks::from(found, from - at);
        }
        at += passed;
    }
    while let Some(found) = memchr(b'\\', bytes.get(at..).unwrap_or_default()) {
        from = take(from, at + found);
        at = from;
    }
    out.push_str(written.get(from..).unwrap_or_default());
}
