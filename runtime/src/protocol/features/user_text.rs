//! What a user says, which is put together when something depends on it.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use ctr_compiler::route;

use super::super::json::Text;
use super::content::join;

/// Bytes of a text that is worth putting off.
const LONG: usize = 1 << 10;

/// What a user says, and is not blank where it is not put together.
#[derive(Clone)]
pub struct UserText {
    /// The texts it is made of as JSON has them, where they are all there is to it.
    written: Vec<Bytes>,
    plain: OnceLock<String>,
}

impl UserText {
    /// Of these texts of one message, all of them pieces of `body`, with line breaks between
    /// them. None where it is short, or where they are not what
    /// [`route::Written`] asks for.
    pub(super) fn of(texts: &[&Text<'_>], body: &Bytes) -> Option<Self> {
        let length: usize = texts.iter().map(|text| text.written().len()).sum();
        let is_visible = |byte: &u8| byte.is_ascii_graphic() && *byte != b'\\';
        let may_wait = length >= LONG
            && texts
                .iter()
                .any(|text| text.written().as_bytes().first().is_some_and(is_visible))
            && texts.iter().all(|text| text.stands_as_it_is());
        may_wait.then(|| Self {
            written: texts
                .iter()
                .map(|text| body.slice_ref(text.written().as_bytes()))
                .collect(),
            plain: OnceLock::new(),
        })
    }

    /// As rules look at it.
    pub fn looked_at(&self) -> route::Text<'_> {
        match self.plain.get() {
            Some(plain) => route::Text::Plain(plain),
            None => route::Text::Written(self),
        }
    }

    /// The text.
    pub fn plain(&self) -> &str {
        self.plain.get_or_init(|| self.first(usize::MAX))
    }

    /// Puts it together and lets go of the body it is in.
    pub fn leave_body(&mut self) {
        self.plain();
        self.written.clear();
    }

    /// At least this many of its first characters, or all.
    fn first(&self, characters: usize) -> String {
        // Each is written in two bytes at most, and half an escape may be behind them.
        let bytes = characters.saturating_mul(2).saturating_add(1);
        let lengths = self.written.iter().map(|part| part.len() + 1);
        let mut plain = String::with_capacity(lengths.sum::<usize>().min(bytes));
        let texts = self.written.iter().map(|part| {
            // It was text when it was read.
            Text::from_written(str::from_utf8(beginning(part, bytes)).unwrap_or_default())
        });
        join(texts, characters, &mut plain);
        plain
    }
}

/// The first bytes of what is written, without half an escape behind them.
fn beginning(written: &[u8], bytes: usize) -> &[u8] {
    let Some(first) = written.get(..bytes) else {
        return written;
    };
    let is_backslash = |byte: &&u8| **byte == b'\\';
    let backslashes = first.iter().rev().take_while(is_backslash).count();
    &first[..first.len() - backslashes % 2]
}

impl route::Written for UserText {
    fn parts(&self) -> Vec<&[u8]> {
        self.written.iter().map(|part| &part[..]).collect()
    }

    fn plain(&self) -> &str {
        self.plain()
    }

    fn beginning(&self, characters: usize) -> Cow<'_, str> {
        match self.plain.get() {
            Some(plain) => Cow::Borrowed(plain),
            None => Cow::Owned(self.first(characters)),
        }
    }
}

impl From<String> for UserText {
    fn from(plain: String) -> Self {
        Self {
            written: Vec::new(),
            plain: plain.into(),
        }
    }
}

impl fmt::Debug for UserText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.looked_at().fmt(f)
    }
}

impl PartialEq for UserText {
    fn eq(&self, other: &Self) -> bool {
        self.plain() == other.plain()
    }
}

impl Eq for UserText {}

#[cfg(test)]
mod tests;
