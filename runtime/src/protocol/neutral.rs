//! The neutral form: what the three protocols have in common, once.
//!
//! Every protocol is read into this form and written from it, so that each is
//! learned once and not once for every other. It holds what at least two of
//! them know; what only one knows is named in [`Dropped`] by its reader, and
//! what the target cannot carry by its writer. Text stays as it was written
//! ([`Text`]); nothing is decoded on the way.

mod answer;
mod collect;
mod dialogue;
mod dropped;
mod in_turn;
mod seal;

use super::json::{Json, Text};

pub use answer::{Answer, Citation, Delta, Event, Opening, Stop, Usage};
pub use collect::{Collector, events};
pub use dropped::Dropped;
pub use in_turn::InTurn;
pub use seal::{Seal, Signed, Signer};

/// A request for an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// What the model is told before the conversation.
    pub system: Vec<Text<'a>>,
    /// The conversation; no two neighbours have one role.
    pub messages: Vec<Message<'a>>,
    /// What the model may call.
    pub tools: Vec<Tool<'a>>,
    /// Whether it may, must, or must not.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether several tools may be called at once, where that is said.
    pub parallel_tools: Option<bool>,
    /// Most tokens of the answer.
    pub max_tokens: Option<u64>,
    /// As written.
    pub temperature: Option<Json<'a>>,
    /// As written.
    pub top_p: Option<Json<'a>>,
    /// As written.
    pub top_k: Option<Json<'a>>,
    /// Texts at which the answer ends.
    pub stop: Vec<Text<'a>>,
    /// Whether the answer comes in events.
    pub stream: bool,
    /// Whether a stream of Chat Completions ends with its usage.
    pub stream_usage: bool,
    /// How much the model thinks first, where that is said.
    pub thinking: Option<Thinking>,
    /// The form of the answer, where that is said.
    pub format: Option<Format<'a>>,
    /// The end user, as a name that tells nothing else.
    pub user: Option<Text<'a>>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user, or a tool.
    User,
    /// The model.
    Assistant,
    /// The operator, in the middle of the conversation.
    System,
}

/// What one side says before the other speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// Who.
    pub role: Role,
    /// What, in order.
    pub parts: Vec<Part<'a>>,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part<'a> {
    /// Prose, and where it comes from.
    Text(Text<'a>, Vec<Citation<'a>>),
    /// A picture, and how closely it is looked at; none leaves that to the model.
    Image(Source<'a>, Option<Detail>),
    /// A file, and its name.
    Document(Source<'a>, Option<Text<'a>>),
    /// The model calls a tool.
    ToolCall(ToolCall<'a>),
    /// What a tool gave.
    ToolResult(ToolResult<'a>),
    /// The model thinks.
    Thought(Thought<'a>),
    /// The model declines.
    Refusal(Text<'a>),
}

/// Where a picture or a file is.
#[derive(Clone, Debug, PartialEq)]
pub enum Source<'a> {
    /// Here: media type and base64.
    Base64(Text<'a>, Text<'a>),
    /// There.
    Url(Text<'a>),
}

/// How closely a picture is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// For a few tokens.
    Low,
    /// For as many as it takes.
    High,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall<'a> {
    /// By which its result is found.
    pub id: Text<'a>,
    /// The tool.
    pub name: Text<'a>,
    /// JSON text.
    pub arguments: Text<'a>,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult<'a> {
    /// The call.
    pub id: Text<'a>,
    /// Text, pictures, files.
    pub parts: Vec<Part<'a>>,
    /// Whether the call failed.
    pub is_error: bool,
}

/// A piece of thinking, and what proves to its maker that it is unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thought<'a> {
    /// The thinking, or a summary of it; may be empty.
    pub text: Text<'a>,
    /// Opaque; which protocol it comes from is told by [`Seal`].
    pub seal: Option<Seal<'a>>,
}

/// A tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool<'a> {
    /// By which it is called.
    pub name: Text<'a>,
    /// For the model.
    pub description: Option<Text<'a>>,
    /// JSON Schema of its arguments; none where it takes none.
    pub schema: Option<Json<'a>>,
    /// Whether arguments must fit the schema, where that is said.
    pub strict: Option<bool>,
}

/// Whether the model calls a tool.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolChoice<'a> {
    /// As it likes.
    Auto,
    /// One at least.
    Any,
    /// None.
    None,
    /// This one.
    Named(Text<'a>),
}

/// How much the model thinks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Off,
    /// Not at all, in a word that only OpenAI's protocols have, and not all of their
    /// models take.
    None,
    /// As far as it likes, or with this effort.
    Effort(Option<Effort>),
    /// With at most so many tokens.
    Budget(u64),
}

/// How hard it thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as it can.
    Max,
}

/// The form of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Format<'a> {
    /// Any JSON object.
    Object,
    /// JSON that fits a schema.
    Schema {
        /// Its name.
        name: Option<Text<'a>>,
        /// The schema.
        schema: Json<'a>,
        /// Whether it must be kept to the letter, where that is said.
        strict: Option<bool>,
    },
}

impl<'a> Request<'a> {
    /// Ids of all calls that have one, in their order.
    pub fn call_ids(&self) -> Vec<String> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        let ids = parts.filter_map(|part| match part {
            Part::ToolCall(call) if !call.id.is_empty() => Some(call.id.plain().into_owned()),
            _ => None,
        });
        ids.collect()
    }

    /// Adds to the conversation, to its last message where that has the same role.
    pub fn say(&mut self, role: Role, parts: Vec<Part<'a>>) {
        match self.messages.last_mut() {
            Some(last) if last.role == role => last.parts.extend(parts),
            _ if parts.is_empty() => {}
            _ => self.messages.push(Message { role, parts }),
        }
    }

    /// Adds what the operator says. Before the conversation it is what the model is
    /// told, as far as it is text.
    pub fn instruct(&mut self, parts: Vec<Part<'a>>) {
        if !self.messages.is_empty() {
            return self.say(Role::System, parts);
        }
        let mut rest = Vec::new();
        for part in parts {
            match part {
                Part::Text(text, _) => self.system.push(text),
                other => rest.push(other),
            }
        }
        self.say(Role::System, rest);
    }

    /// Chooses no tool that is not there, which every endpoint refuses: it may be one that
    /// only its vendor runs. Whether one was chosen.
    pub fn lose_choice(&mut self) -> bool {
        let Some(ToolChoice::Named(name)) = &self.tool_choice else {
            return false;
        };
        let plain = name.plain();
        let is_lost = !self.tools.iter().any(|tool| tool.name.plain() == plain);
        if is_lost {
            self.tool_choice = None;
        }
        is_lost
    }

    /// Whether thinking is wanted.
    pub fn thinks(&self) -> bool {
        matches!(
            self.thinking,
            Some(Thinking::Effort(_) | Thinking::Budget(_))
        )
    }
}

impl<'a> Message<'a> {
    /// Itself, or for one of the operator the same as part of what the user
    /// says, in the tags that models know for it: many servers take no operator
    /// in the middle of a conversation, and at its beginning it would be
    /// out of place and spoil the cache.
    #[must_use]
    pub fn or_reminder(self) -> Self {
        if self.role != Role::System {
            return self;
        }
        let tagged = |part| match part {
            Part::Text(text, _) => {
                let tagged = [
                    "<system-reminder>\n".into(),
                    text,
                    "\n</system-reminder>".into(),
                ];
                Part::prose(Text::joined(&tagged, ""))
            }
            other => other,
        };
        Self {
            role: Role::User,
            parts: self.parts.into_iter().map(tagged).collect(),
        }
    }
}

impl<'a> ToolCall<'a> {
    /// The arguments as JSON text that is never empty.
    pub fn some_arguments(&self) -> Text<'a> {
        if self.arguments.is_empty() {
            return "{}".into();
        }
        self.arguments.clone()
    }
}

impl<'a> Part<'a> {
    /// Prose without sources.
    pub fn prose(text: impl Into<Text<'a>>) -> Self {
        Self::Text(text.into(), Vec::new())
    }
}

/// Tokens of thinking for an effort. Anthropic asks for at least 1024; the rest
/// doubles, and is what other gateways take.
const BUDGETS: [(Effort, u64); 5] = [
    (Effort::Minimal, 1024),
    (Effort::Low, 2048),
    (Effort::Medium, 8192),
    (Effort::High, 16_384),
    (Effort::Max, 32_768),
];

impl Effort {
    /// The word for it; one that no protocol knows counts as none said.
    pub fn from_word(word: &Text<'_>) -> Option<Self> {
        Some(match &*word.plain() {
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" | "max" => Self::Max,
            _ => return None,
        })
    }

    /// The word for it that all models know.
    pub fn word(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            // Not every model has a word for more.
            Self::High | Self::Max => "high",
        }
    }

    /// The word for it beside `adaptive` thinking of Anthropic, which has none for less
    /// than little.
    pub fn adaptive(self) -> &'static str {
        match self {
            Self::Minimal | Self::Low => "low",
            other => other.word(),
        }
    }

    /// The effort that a budget comes to.
    pub fn of_budget(tokens: u64) -> Self {
        let mut known = BUDGETS.iter().skip(1);
        let found = known.find(|(_, budget)| tokens <= *budget);
        found.map_or(Self::Max, |(effort, _)| *effort)
    }

    /// The budget for an effort.
    pub fn budget(self) -> u64 {
        let found = BUDGETS.iter().find(|(effort, _)| *effort == self);
        found.map_or(BUDGETS[2].1, |(_, budget)| *budget)
    }
}

impl Detail {
    /// The word for it, which OpenAI's protocols share.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

impl<'a> Source<'a> {
    /// What a URL names; `data:` URLs hold it.
    pub fn from_url(url: Text<'a>) -> Self {
        let is = |text: &Text<'_>, word: &str| text.written().eq_ignore_ascii_case(word);
        let inside = url
            .split_once(':')
            .filter(|(scheme, _)| is(scheme, "data"))
            .and_then(|(_, rest)| rest.split_once(','));
        let encoded = inside.and_then(|(head, data)| {
            let (media, rest) = head.split_once(';')?;
            let last = rest.written().rsplit(';').next()?;
            let is_base64 = last.eq_ignore_ascii_case("base64");
            is_base64.then_some(Self::Base64(media, data))
        });
        encoded.unwrap_or(Self::Url(url))
    }

    /// What an OpenAI client gives as `file_data`: a URL, or base64 by itself, whose type
    /// nobody says.
    pub fn from_file_data(data: Text<'a>) -> Self {
        let written = data.written();
        if written.contains(':') {
            return Self::from_url(data);
        }
        // `%PDF-`, in base64.
        let media = match written.starts_with("JVBERi0") {
            true => "application/pdf",
            false => "application/octet-stream",
        };
        Self::Base64(media.into(), data)
    }

    /// The same as a URL.
    pub fn to_url(&self) -> Text<'a> {
        match self {
            Self::Url(url) => url.clone(),
            Self::Base64(media, data) => {
                let parts = [
                    "data:".into(),
                    media.clone(),
                    ";base64,".into(),
                    data.clone(),
                ];
                Text::joined(&parts, "")
            }
        }
    }
}
