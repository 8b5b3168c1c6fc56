//! The text that rules look at. To put a long one together costs about as much as to find
//! that no rule matches it, so it is done only where something depends on it.

use std::borrow::Cow;
use std::fmt;

use super::likeness::{TASK, task};
use crate::matching::Matcher;

/// The text that rules look at.
#[derive(Clone, Copy)]
pub enum Text<'r> {
    /// Put together.
    Plain(&'r str),
    /// As a request has it.
    Written(&'r dyn Written),
}

/// A text that is not blank, as a request has it.
pub trait Written {
    /// Its parts as they are written, in their order. All bytes are ASCII. Every character
    /// of the text stands there as itself, but for control characters, quotes and
    /// backslashes, which are written in any way. Where a part ends, a control character
    /// follows or the text does not go on.
    fn parts(&self) -> Vec<&[u8]>;

    /// The text.
    fn plain(&self) -> &str;

    /// At least this many of its first characters, or all.
    fn beginning(&self, characters: usize) -> Cow<'_, str>;
}

impl<'r> Text<'r> {
    /// The text, put together.
    pub fn plain(self) -> &'r str {
        match self {
            Self::Plain(text) => text,
            Self::Written(text) => text.plain(),
        }
    }

    /// Whether it says nothing.
    pub fn is_blank(self) -> bool {
        match self {
            Self::Plain(text) => text.trim().is_empty(),
            Self::Written(_) => false,
        }
    }

    /// The beginning by which its task is known again: its first 2,000 characters.
    pub fn task(self) -> Cow<'r, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(task(text)),
            Self::Written(text) => match text.beginning(TASK) {
                Cow::Borrowed(text) => Cow::Borrowed(task(text)),
                Cow::Owned(text) => Cow::Owned(task(&text).to_owned()),
            },
        }
    }

    /// Position of the first rule that matches.
    pub fn first_rule(self, rules: &Matcher) -> Option<usize> {
        match self {
            Self::Written(text) if !rules.may_match(&text.parts()) => None,
            text => rules.first(text.plain()),
        }
    }
}

impl<'r> From<&'r str> for Text<'r> {
    fn from(text: &'r str) -> Self {
        Self::Plain(text)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => write!(f, "Plain({} bytes)", text.len()),
            Self::Written(_) => f.write_str("Written"),
        }
    }
}
