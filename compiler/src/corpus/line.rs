//! The members of a corpus line. Those that say nothing are left out; a reader
//! passes over members that it does not know.

use serde::{Deserialize, Serialize};

use super::{Reading, time};
use crate::plan::Interface;
use crate::route::{self, Chosen, Classified, Recorded, RequestFeatures, Session, Tokens};

/// The version that is written, and the only one that is read.
pub const VERSION: u64 = 1;

/// Bytes that make a token, roughly, where nobody counted.
const BYTES_A_TOKEN: u64 = 4;

/// What is kept of one request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// When it came, in milliseconds since 1970; written as RFC 3339.
    #[serde(rename = "at", with = "time")]
    pub at_ms: u64,
    /// What the client spoke: `messages`, `chat-completions` or `responses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The model that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The only interface that could serve it, if not all could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Interface>,
    /// Bytes of the body.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// Tokens of the input, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Messages of the conversation.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub messages: u64,
    /// Tools that were offered.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tools: u64,
    /// Whether one of them searches the web.
    #[serde(default, skip_serializing_if = "is_false")]
    pub web_search: bool,
    /// Whether the last message was mostly results of tools.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tool_result: bool,
    /// Whether thinking was asked for.
    #[serde(default, skip_serializing_if = "is_false")]
    pub thinking: bool,
    /// Tokens to think with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking_budget: Option<u64>,
    /// Whether the last message of the user had an image.
    #[serde(default, skip_serializing_if = "is_false")]
    pub image_in_last: bool,
    /// Whether any message of the user had an image.
    #[serde(default, skip_serializing_if = "is_false")]
    pub image_anywhere: bool,
    /// Tokens the answer could have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The model that a sub-agent's marker asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagent: Option<String>,
    /// What is known of the text that rules look at; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextShape>,
    /// What was remembered of its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionShape>,
    /// What models said that were asked before the decision.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// Where it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What the answer says was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Paid>,
}

/// What is known of a text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextShape {
    /// Its characters.
    pub chars: u64,
    /// The id of the set of patterns that was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patterns: Option<String>,
    /// Those of the set that occur in it, by position, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<usize>,
    /// Likeness to prototypes of the set, by position; those that are missing
    /// have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub likeness: Vec<(usize, f64)>,
    /// The text after redaction, where keeping it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// What was remembered of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionShape {
    /// A hash that says which requests belong together, and no more.
    pub key: String,
    /// Input tokens of its last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_input_tokens: Option<u64>,
    /// The model that answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_model: Option<String>,
    /// Likeness of this task to its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_task: Option<f64>,
}

/// What models said that were asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// The classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<Answered>,
    /// The model that chooses among candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Answered>,
}

impl Answers {
    fn is_empty(&self) -> bool {
        self.classifier.is_none() && self.router.is_none()
    }
}

/// What one model said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The model.
    pub by: String,
    /// The rule or the candidate it named; absent where it gave no answer that
    /// makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// How sure it was, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// Where a request went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Hash of the plan that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The logical model; absent where there was no route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The endpoint that was first in the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The status it was refused with, where there was no route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<u16>,
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The status of the answer.
    pub status: u16,
    /// `complete`, `broken`, `client_left` or `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The endpoint that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Endpoints that were tried.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u64,
    /// Until its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
}

/// Tokens that an answer says were used. The three kinds of input add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input that came from no cache.
    #[serde(default)]
    pub input: u64,
    /// Output.
    #[serde(default)]
    pub output: u64,
    /// Input that was read from a cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input that was written into a cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write: u64,
}

impl Usage {
    /// All input.
    pub fn all_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paid {
    /// How much.
    pub amount: f64,
    /// ISO 4217 code.
    pub currency: String,
}

impl Request {
    /// Tokens of the input: as counted, else as the answer says, else as its
    /// bytes suggest.
    pub fn input_tokens(&self) -> u64 {
        let told = self.usage.map(|usage| usage.all_input());
        let told = told.filter(|tokens| *tokens > 0);
        self.tokens.or(told).unwrap_or(self.bytes / BYTES_A_TOKEN)
    }

    /// Hands over what a decision looks at, as far as it is known. `reading` says
    /// what the plan makes of the patterns that were looked for.
    pub fn with_features<T>(
        &self,
        reading: &Reading,
        look: impl FnOnce(&RequestFeatures<'_>) -> T,
    ) -> T {
        let likeness = |rule| {
            let text = self.text.as_ref()?;
            reading.likeness(rule, &text.likeness)
        };
        let session = self.session.as_ref();
        let recorded = self.text.as_ref().map(|text| Recorded {
            rule: reading.rule(&text.hits),
            likeness: &likeness,
            same_task: session.and_then(|session| session.same_task),
        });
        look(&RequestFeatures {
            text: self
                .text
                .as_ref()
                .and_then(|text| text.kept.as_deref())
                .map(Into::into),
            recorded,
            is_tool_result: self.tool_result,
            thinking: self.thinking,
            thinking_budget: self.thinking_budget,
            web_search: self.web_search,
            image_in_last: self.image_in_last,
            image_anywhere: self.image_anywhere,
            subagent: self.subagent.as_deref(),
            max_tokens: self.max_tokens,
            tokens: Tokens::Counted(self.input_tokens()),
            session: Session {
                last_input_tokens: session.and_then(|session| session.last_input_tokens),
                last_model: session.and_then(|session| session.last_model.as_deref()),
                last_text: None,
            },
            answers: route::Answers {
                classified: self.classified(reading),
                chosen: self.chosen(reading),
            },
            ..RequestFeatures::plain(self.only, self.asked.as_deref())
        })
    }

    /// An answer stands for the plan only where it asks the same model.
    fn classified(&self, reading: &Reading) -> Classified<'_> {
        match answer(&self.answers.classifier, reading.classifier()) {
            None => Classified::NotAsked,
            Some(answer) => answer.said.as_deref().map_or(Classified::Failed, |rule| {
                Classified::Rule(rule, answer.confidence.unwrap_or(0.0))
            }),
        }
    }

    fn chosen(&self, reading: &Reading) -> Chosen<'_> {
        match answer(&self.answers.router, reading.router()) {
            None => Chosen::NotAsked,
            Some(answer) => answer.said.as_deref().map_or(Chosen::Failed, Chosen::Model),
        }
    }
}

fn answer<'a>(answer: &'a Option<Answered>, asks: Option<&str>) -> Option<&'a Answered> {
    answer
        .as_ref()
        .filter(|answer| Some(answer.by.as_str()) == asks)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over references"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}
