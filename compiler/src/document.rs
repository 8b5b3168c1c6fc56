//! A document that is about to be written: names, values and comments in the
//! order they will stand, without places. An importer makes one, `convert`
//! reads one from a source, and [`yaml`], [`kdl`] and [`json`] turn it into
//! text. What a value means is not asked here.

mod convert;
mod format;
pub mod json;
pub mod kdl;
mod page;
mod read;
mod remarks;
pub mod yaml;

pub use convert::{Converted, Unconverted, convert};
pub use format::{Syntax, Unformatted, format};
pub(crate) use read::Words;

use crate::source::obeyed;

/// Columns that a list or a map may take on one line.
const WIDTH: usize = 100;

/// A whole document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Sections in order.
    pub entries: Vec<Entry>,
    /// Lines after the last section.
    pub tail: Vec<Line>,
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name.
    pub key: String,
    /// The value.
    pub item: Item,
    /// What is said about it.
    pub comments: Comments,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The value.
    pub item: Item,
    /// What is said about it.
    pub comments: Comments,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as JSON writes it, for example `0.25` or `60000`.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Element>),
    /// A map, each key once.
    Map(Vec<Entry>),
}

/// Comments, and the empty lines among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Lines above.
    pub above: Vec<Line>,
    /// Behind the name or the value, on its line; as [`Line::Comment`] has it.
    pub beside: Option<String>,
    /// Lines below what it holds, and as far in.
    pub inside: Vec<Line>,
}

/// A line that holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// An empty one.
    Blank,
    /// A comment as it stands behind its mark, so mostly with a space first.
    Comment(String),
}

impl Document {
    /// How many comments it holds, a line being one.
    pub fn remarks(&self) -> usize {
        lines(&self.tail) + self.entries.iter().map(Entry::remarks).sum::<usize>()
    }
}

fn lines(lines: &[Line]) -> usize {
    lines.iter().filter(|line| **line != Line::Blank).count()
}

impl From<&str> for Line {
    /// A comment that says this; its first line only.
    fn from(said: &str) -> Self {
        let line = said.lines().next().unwrap_or("").trim_end();
        Self::Comment(match line.is_empty() {
            true => String::new(),
            false => format!(" {line}"),
        })
    }
}

impl Comments {
    fn remarks(&self) -> usize {
        lines(&self.above) + lines(&self.inside) + usize::from(self.beside.is_some())
    }

    /// As it can be written in any syntax: without what ends a line or cannot be seen.
    fn shown(&self) -> Self {
        Self {
            above: shown(&self.above),
            beside: self.beside.as_deref().map(shown_text),
            inside: shown(&self.inside),
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

impl Entry {
    fn remarks(&self) -> usize {
        self.comments.remarks() + self.item.remarks()
    }

    /// An entry without comments.
    pub fn new(key: impl Into<String>, item: Item) -> Self {
        Self {
            key: key.into(),
            item,
            comments: Comments::default(),
        }
    }

    /// With comment lines above, as many as `said` has lines.
    #[must_use]
    pub fn above(mut self, said: &str) -> Self {
        self.comments.above.extend(said.lines().map(Line::from));
        self
    }
}

impl From<Item> for Element {
    /// An element without comments.
    fn from(item: Item) -> Self {
        Self {
            item,
            comments: Comments::default(),
        }
    }
}

impl Element {
    /// With comment lines above, as many as `said` has lines.
    #[must_use]
    pub fn above(mut self, said: &str) -> Self {
        self.comments.above.extend(said.lines().map(Line::from));
        self
    }
}

impl Item {
    fn remarks(&self) -> usize {
        match self {
            Self::List(items) => {
                let remarks = |item: &Element| item.comments.remarks() + item.item.remarks();
                items.iter().map(remarks).sum()
            }
            Self::Map(entries) => entries.iter().map(Entry::remarks).sum(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => 0,
        }
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map of entries without comments.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter();
        Self::Map(entries.map(|(key, item)| Entry::new(key, item)).collect())
    }

    /// A list of items without comments.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().map(Element::from).collect())
    }

    /// Whether this is one line, and neither a list nor a map with something in it.
    fn is_small(&self) -> bool {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => true,
            Self::Text(text) => !text.contains('\n'),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// Whether a generated document has this on one line where it fits: a list
    /// or a map of single values about which nothing is said.
    fn is_short(&self) -> bool {
        match self {
            Self::List(items) => items
                .iter()
                .all(|item| item.item.is_small() && item.comments.is_empty()),
            Self::Map(entries) => entries
                .iter()
                .all(|entry| entry.item.is_small() && entry.comments.is_empty()),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => true,
        }
    }
}

/// Whether a character is written as an escape: it cannot be seen, or some
/// reader takes it for a line break.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || obeyed(c)
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// [`Comments::shown`] of lines.
fn shown(lines: &[Line]) -> Vec<Line> {
    let line = |line: &Line| match line {
        Line::Blank => Line::Blank,
        Line::Comment(said) => Line::Comment(shown_text(said)),
    };
    lines.iter().map(line).collect()
}

fn shown_text(said: &str) -> String {
    let said = said.replace(|c: char| c != '\t' && is_unseen(c), " ");
    said.trim_end().to_owned()
}
