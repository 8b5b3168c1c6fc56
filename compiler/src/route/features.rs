//! What a decision looks at in a request. Whatever needs a clock, a model or a
//! memory is found out before and passed in, so that a decision can be replayed.

use super::recorded::Recorded;
use super::text::Text;
use crate::plan::{Interface, Tokenizer};

/// What a decision looks at in a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestFeatures<'r> {
    /// The interface an endpoint must speak, for a request that cannot be
    /// translated; any other goes to endpoints of either.
    pub interface: Option<Interface>,
    /// The `model` the client asked for.
    pub model: Option<&'r str>,
    /// The text that rules look at.
    pub text: Option<Text<'r>>,
    /// What is known of a text that may not be at hand. Where it does not tell,
    /// `text` is looked at.
    pub recorded: Option<Recorded<'r>>,
    /// Whether the last message is mostly results of tools.
    pub is_tool_result: bool,
    /// Whether thinking is asked for.
    pub thinking: bool,
    /// Tokens to think with, where the request says so.
    pub thinking_budget: Option<u64>,
    /// Whether a web search is asked for.
    pub web_search: bool,
    /// Whether the last message of the user has an image.
    pub image_in_last: bool,
    /// Whether any message of the user has an image.
    pub image_anywhere: bool,
    /// The model that a sub-agent's marker asks for.
    pub subagent: Option<&'r str>,
    /// Tokens the answer may have.
    pub max_tokens: Option<u64>,
    /// Tokens of the input.
    pub tokens: Tokens<'r>,
    /// What is remembered of the session.
    pub session: Session<'r>,
    /// What models said that were asked before.
    pub answers: Answers<'r>,
}

impl<'r> RequestFeatures<'r> {
    /// A request of which no more is known than its model.
    pub fn plain(interface: Option<Interface>, model: Option<&'r str>) -> Self {
        Self {
            interface,
            model,
            text: None,
            recorded: None,
            is_tool_result: false,
            thinking: false,
            thinking_budget: None,
            web_search: false,
            image_in_last: false,
            image_anywhere: false,
            subagent: None,
            max_tokens: None,
            tokens: Tokens::Counted(0),
            session: Session::default(),
            answers: Answers::default(),
        }
    }
}

/// Tokens of the input. Counting is dear, so it is done when something depends
/// on it, and no further than that needs.
#[derive(Clone, Copy)]
pub enum Tokens<'r> {
    /// So many.
    Counted(u64),
    /// At most `most`, since no token is shorter than a byte. `count` gives the
    /// number or, where there is a limit, any number on the same side of it. It must
    /// not contradict itself throughout one decision. `Counted` is the same for all
    /// vocabularies.
    Lazy {
        /// Upper bound.
        most: u64,
        /// Counts, as far as a limit needs.
        count: &'r dyn Fn(Tokenizer, Option<u64>) -> u64,
    },
}

impl std::fmt::Debug for Tokens<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Counted(count) => write!(f, "Counted({count})"),
            Self::Lazy { most, .. } => write!(f, "Lazy(at most {most})"),
        }
    }
}

impl Tokens<'_> {
    /// Whether there are more than `limit`.
    pub fn exceed(&self, tokenizer: Tokenizer, limit: u64) -> bool {
        match self {
            Self::Counted(count) => *count > limit,
            Self::Lazy { most, count } => *most > limit && count(tokenizer, Some(limit)) > limit,
        }
    }

    /// Their number, counted in full.
    pub fn in_full(&self, tokenizer: Tokenizer) -> u64 {
        match self {
            Self::Counted(count) => *count,
            Self::Lazy { count, .. } => count(tokenizer, None),
        }
    }
}

/// What is remembered of the session a request belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session<'r> {
    /// Input tokens of its last answer.
    pub last_input_tokens: Option<u64>,
    /// The model that answered last.
    pub last_model: Option<&'r str>,
    /// The text of its last task.
    pub last_text: Option<&'r str>,
}

/// What models said that were asked before the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Answers<'r> {
    /// What the classifier said.
    pub classified: Classified<'r>,
    /// What `router_model` said.
    pub chosen: Chosen<'r>,
}

/// What the classifier said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Classified<'r> {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It gave no answer that makes sense.
    Failed,
    /// The rule it named, and how sure it was, 0 to 1.
    Rule(&'r str, f64),
}

/// What `router_model` said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Chosen<'r> {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It gave no answer that makes sense.
    Failed,
    /// The candidate it named.
    Model(&'r str),
}
