//! A YAML text as it stands on the page: quotes, blocks, anchors and comments,
//! without places. Read by `fmt`, made of a document by the writer.

use crate::document::{Comments, Line};

/// A whole text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sheet {
    /// Lines up to and with `---`, as they were.
    pub(super) head: Vec<String>,
    /// What it holds.
    pub(super) root: Node,
    /// Lines after it.
    pub(super) tail: Vec<Line>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Anchor and tag as they were, for example `&a !!str`.
    pub(super) marks: String,
    /// The value itself.
    pub(super) body: Body,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// Without quotes, also an alias, and where nothing is written. A line
    /// break in it is one of the text.
    Plain(String),
    /// In quotes.
    Quoted(String),
    /// Under `|` or `>`.
    Block(Block),
    /// A list or a map.
    Members(Members),
}

/// A text on lines of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    /// `|` or `>`.
    pub(super) mark: char,
    /// What becomes of line breaks at its end: `-`, `+`, or nothing.
    pub(super) chomp: &'static str,
    /// Its lines, without the indent they have in common.
    pub(super) lines: Vec<String>,
}

/// What a list or a map holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Members {
    /// Whether it is a map.
    pub(super) map: bool,
    /// Whether it goes on one line where it fits.
    pub(super) flow: bool,
    /// Items, or keys with their values.
    pub(super) all: Vec<Member>,
}

/// An item of a list or of a map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// The key as it is written, with its anchor; none in a list.
    pub(super) key: Option<String>,
    /// The value.
    pub(super) node: Node,
    /// What is said about it.
    pub(super) comments: Comments,
}

impl From<Body> for Node {
    /// A value without anchor and tag.
    fn from(body: Body) -> Self {
        let marks = String::new();
        Self { marks, body }
    }
}

impl Node {
    /// Whether nothing at all is written.
    pub(super) fn is_absent(&self) -> bool {
        self.marks.is_empty() && self.body == Body::Plain(String::new())
    }
}

impl Members {
    /// Whether there is nothing to give a line of its own, or something that
    /// would be a mark there.
    pub(super) fn is_closed(&self) -> bool {
        let is_mark = |text: &str| {
            let mut chars = text.chars();
            matches!(chars.next(), Some('-' | '?')) && matches!(chars.next(), None | Some(' '))
        };
        let marks =
            |member: &Member| matches!(&member.node.body, Body::Plain(text) if is_mark(text));
        self.all.is_empty() || (self.flow && self.all.iter().any(marks))
    }
}
