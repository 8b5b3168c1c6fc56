//! The answering half of the neutral form: whole, and in events.

use super::Part;
use crate::protocol::json::{Json, Text};

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer<'a> {
    /// The upstream's name for it.
    pub id: Text<'a>,
    /// The model that answered.
    pub model: Text<'a>,
    /// Text, calls, thinking and refusals, in order.
    pub parts: Vec<Part<'a>>,
    /// Why it ended.
    pub stop: Stop<'a>,
    /// What it cost.
    pub usage: Usage,
}

/// Why an answer ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Stop<'a> {
    /// It was complete.
    #[default]
    End,
    /// It reached the limit of tokens.
    Length,
    /// It came to one of the texts to stop at.
    Sequence(Option<Text<'a>>),
    /// Tools are called.
    Tool,
    /// The model, or a filter, declined.
    Refusal,
    /// The upstream wants to be asked to go on.
    Pause,
}

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Read, without those from or into a cache.
    pub input: u64,
    /// Read from a cache.
    pub cache_read: u64,
    /// Written into a cache.
    pub cache_write: u64,
    /// Written, thinking included.
    pub output: u64,
    /// Of these, thinking.
    pub reasoning: u64,
}

impl Usage {
    /// The same and another.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }

    /// All that was read, wherever from.
    pub fn all_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }
}

/// Where a piece of text comes from. Only pages of the web are known to more than one protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Citation<'a> {
    /// The page.
    pub url: Text<'a>,
    /// Its title.
    pub title: Option<Text<'a>>,
    /// What is quoted.
    pub quote: Option<Text<'a>>,
}

/// A step of an answer. `at` numbers its parts from 0 as they begin; several may go on at
/// a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// The answer begins.
    Start {
        /// The upstream's name for it.
        id: Text<'a>,
        /// The model that answers.
        model: Text<'a>,
        /// As far as it is known; mostly what was read.
        usage: Usage,
    },
    /// A part begins.
    Open {
        /// Which.
        at: usize,
        /// Of which kind.
        part: Opening<'a>,
    },
    /// A part goes on.
    Delta {
        /// Which.
        at: usize,
        /// By this.
        delta: Delta<'a>,
    },
    /// A part is complete.
    Close {
        /// Which.
        at: usize,
    },
    /// Why the answer ends. Parts may still be open; nothing is added to them.
    Stop(Stop<'a>),
    /// What it cost, in all.
    Usage(Usage),
    /// A sign of life.
    Ping,
    /// The upstream failed; nothing follows.
    Failed {
        /// The upstream's word for it.
        kind: Text<'a>,
        /// For people.
        message: Text<'a>,
    },
    /// The answer is complete; nothing follows.
    End,
}

/// The kind of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Opening<'a> {
    /// Prose.
    Text,
    /// Thinking.
    Thought,
    /// A refusal.
    Refusal,
    /// A call.
    ToolCall {
        /// By which its result is found.
        id: Text<'a>,
        /// The tool.
        name: Text<'a>,
    },
}

/// More of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta<'a> {
    /// Of prose, thinking, or a refusal.
    Text(Text<'a>),
    /// Of a call's arguments.
    Arguments(Text<'a>),
    /// What seals a thought.
    Seal(super::Seal<'a>),
    /// A source of the text so far.
    Citation(Citation<'a>),
}

impl Usage {
    /// Reads a number that may be missing or `null`.
    pub(crate) fn number(usage: &Json<'_>, name: &str) -> u64 {
        usage.count_at(name).unwrap_or_default()
    }
}

impl Citation<'_> {
    /// The same without anything borrowed.
    pub fn into_owned(self) -> Citation<'static> {
        Citation {
            url: self.url.into_owned(),
            title: self.title.map(Text::into_owned),
            quote: self.quote.map(Text::into_owned),
        }
    }
}

impl Event<'_> {
    /// The same without anything borrowed.
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Self::Start { id, model, usage } => Event::Start {
                id: id.into_owned(),
                model: model.into_owned(),
                usage,
            },
            Self::Open { at, part } => Event::Open {
                at,
                part: part.into_owned(),
            },
            Self::Delta { at, delta } => Event::Delta {
                at,
                delta: delta.into_owned(),
            },
            Self::Close { at } => Event::Close { at },
            Self::Stop(stop) => Event::Stop(stop.into_owned()),
            Self::Usage(usage) => Event::Usage(usage),
            Self::Ping => Event::Ping,
            Self::Failed { kind, message } => Event::Failed {
                kind: kind.into_owned(),
                message: message.into_owned(),
            },
            Self::End => Event::End,
        }
    }
}

impl Opening<'_> {
    /// The same without anything borrowed.
    pub fn into_owned(self) -> Opening<'static> {
        match self {
            Self::Text => Opening::Text,
            Self::Thought => Opening::Thought,
            Self::Refusal => Opening::Refusal,
            Self::ToolCall { id, name } => Opening::ToolCall {
                id: id.into_owned(),
                name: name.into_owned(),
            },
        }
    }
}

impl Delta<'_> {
    /// The same without anything borrowed.
    pub fn into_owned(self) -> Delta<'static> {
        match self {
            Self::Text(text) => Delta::Text(text.into_owned()),
            Self::Arguments(json) => Delta::Arguments(json.into_owned()),
            Self::Seal(seal) => Delta::Seal(seal.into_owned()),
            Self::Citation(citation) => Delta::Citation(citation.into_owned()),
        }
    }

    /// Whether it adds nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) | Self::Arguments(text) => text.is_empty(),
            Self::Seal(_) | Self::Citation(_) => false,
        }
    }
}

impl Stop<'_> {
    /// The same without anything borrowed.
    pub fn into_owned(self) -> Stop<'static> {
        match self {
            Self::End => Stop::End,
            Self::Length => Stop::Length,
            Self::Sequence(text) => Stop::Sequence(text.map(Text::into_owned)),
            Self::Tool => Stop::Tool,
            Self::Refusal => Stop::Refusal,
            Self::Pause => Stop::Pause,
        }
    }
}
