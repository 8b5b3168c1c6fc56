//! What a decision looks at in a request body: read in one pass, in which only the
//! text that rules look at is decoded, a long one when something asks for it, and tools
//! are passed over; and only when the plan asks for more than the model.
//!
//! A body that cannot be read has no features, and what is odd in one is passed over:
//! an upstream may complain about it, routing does not.

mod content;
mod user_text;

use bytes::Bytes;
use ctr_compiler::plan::{AnalysisScope, Interface};
use ctr_compiler::route::RequestFeatures;
use memchr::memmem;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::json::Json;
use super::tokens::{self, TOOLS};
use content::{Parts, images};

pub use user_text::UserText;

/// How the kind of a tool begins that searches the web.
const SEARCH: &str = "web_search";
/// With which Chat Completions lets the model search, whatever is in it.
const SEARCH_OPTIONS: &str = "web_search_options";

/// Between the messages of a conversation that is looked at as one text.
const BETWEEN: &str = "\n---\n";
/// Around the model that a sub-agent asks for.
const MARKER: [&str; 2] = ["<CTR-SUBAGENT-MODEL>", "</CTR-SUBAGENT-MODEL>"];

/// What a body says that a decision may look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// The text that rules look at; none where no user says anything.
    pub text: Option<UserText>,
    /// Whether the last message is mostly results of tools.
    pub is_tool_result: bool,
    /// Whether thinking is asked for.
    pub thinking: bool,
    /// Tokens to think with, where the request says so.
    pub thinking_budget: Option<u64>,
    /// Whether a web search tool is offered, or search as Chat Completions has it.
    pub web_search: bool,
    /// Whether the last message of the user has an image.
    pub image_in_last: bool,
    /// Whether any message of the user has an image.
    pub image_anywhere: bool,
    /// The model that the second block of `system` asks for.
    pub subagent: Option<String>,
    /// The session that `metadata` names.
    pub session: Option<String>,
    /// Tokens the answer may have.
    pub max_tokens: Option<u64>,
    /// Messages of the conversation.
    pub messages: u64,
    /// Tokens of the input that [`tokens::count`] does not exceed.
    pub most_tokens: u64,
    /// Members of the body that are called `model`: none also where it could not be read.
    /// No decision looks at it; it tells whether the body is what was taken of it.
    pub models: usize,
}

impl Features {
    /// Reads a body of a client that speaks `interface`. A body of OpenAI
    /// Responses, which has `input` in place of `messages`, is read as well.
    pub fn read(bytes: &Bytes, interface: Interface, scope: AnalysisScope) -> Self {
        let Ok(body) = Json::look_at(bytes, tokens::AS_WRITTEN, Some(TOOLS)) else {
            return Self::default();
        };
        let asked = |name| value::<Asked>(&body, name);
        let thinking = asked("thinking");
        let effort: Option<String> = value(&body, "reasoning_effort");
        let metadata: Option<Metadata> = value(&body, "metadata");
        let limits = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
        let mut features = Self {
            thinking: thinking.as_ref().is_some_and(Asked::is_on)
                || asked("reasoning").as_ref().is_some_and(Asked::is_on)
                || effort.is_some_and(|effort| effort != "none"),
            thinking_budget: thinking.and_then(|thinking| thinking.budget_tokens),
            web_search: body.get(TOOLS).is_some_and(searches_web)
                || matches!(body.get(SEARCH_OPTIONS), Some(Json::Object(_))),
            subagent: match interface {
                Interface::Anthropic => body.get("system").and_then(subagent),
                Interface::Openai => None,
            },
            session: metadata.and_then(|metadata| session(&metadata.user_id?)),
            max_tokens: limits.into_iter().find_map(|name| value(&body, name)),
            most_tokens: tokens::most(&body),
            models: body
                .members()
                .iter()
                .filter(|(name, _)| name == "model")
                .count(),
            ..Self::default()
        };
        let talk = ["messages", "input"]
            .into_iter()
            .filter_map(|name| body.get(name));
        let talk = talk.filter(|talk| !talk.is_null()).map(messages).next();
        features.take(&talk.unwrap_or_default(), scope, bytes);
        features
    }

    /// As a decision looks at it, with nothing known besides.
    pub fn request<'r>(
        &'r self,
        only: Option<Interface>,
        model: Option<&'r str>,
    ) -> RequestFeatures<'r> {
        RequestFeatures {
            text: self.text.as_ref().map(UserText::looked_at),
            is_tool_result: self.is_tool_result,
            thinking: self.thinking,
            thinking_budget: self.thinking_budget,
            web_search: self.web_search,
            image_in_last: self.image_in_last,
            image_anywhere: self.image_anywhere,
            subagent: self.subagent.as_deref(),
            max_tokens: self.max_tokens,
            ..RequestFeatures::plain(only, model)
        }
    }

    fn take(&mut self, messages: &[Message<'_>], scope: AnalysisScope, body: &Bytes) {
        self.messages = messages.len() as u64;
        let last = messages.len().saturating_sub(1);
        let last_of_user = messages.iter().rposition(|message| message.is_user);
        let mut said = Vec::new();
        for (at, message) in messages.iter().enumerate() {
            let has_images = if message.is_user {
                let parts = message.content.map(Parts::of).unwrap_or_default();
                let is_last = last_of_user == Some(at);
                self.is_tool_result |= is_last && at == last && parts.is_mostly_results();
                let has_images = parts.images > 0;
                if is_last || scope == AnalysisScope::FullConversation {
                    said.push(parts);
                }
                has_images
            } else {
                message.is_tool && message.gives_images()
            };
            self.image_in_last |= has_images && last_of_user.is_none_or(|last| last <= at);
            self.image_anywhere |= has_images;
        }
        self.is_tool_result |= messages.last().is_some_and(|message| message.is_tool);
        self.text = text(&said, body);
    }
}

/// How many tools a body offers, of which they were read. No decision looks at it.
pub fn tools(body: &Json<'_>) -> u64 {
    body.get(TOOLS)
        .map_or(0, |tools| objects(tools).len() as u64)
}

/// What messages say, where that is not blank.
fn text(said: &[Parts<'_>], body: &Bytes) -> Option<UserText> {
    if let [only] = said
        && let Some(text) = UserText::of(only.texts(), body)
    {
        return Some(text);
    }
    let mut text = String::new();
    for parts in said {
        add(parts, &mut text);
    }
    (!text.is_empty()).then(|| text.into())
}

/// Adds what a message says, unless that is blank.
fn add(parts: &Parts<'_>, text: &mut String) {
    let before = text.len();
    if before > 0 {
        text.push_str(BETWEEN);
    }
    let start = text.len();
    parts.write(text);
    if text[start..].trim().is_empty() {
        text.truncate(before);
    }
}

/// A small member, where it has the expected form.
fn value<T: DeserializeOwned>(body: &Json<'_>, name: &str) -> Option<T> {
    serde_json::from_str(&body.get(name)?.written()).ok()
}

/// The elements of a list, where all of them are objects.
fn objects<'j, 'a>(list: &'j Json<'a>) -> &'j [Json<'a>] {
    let items = list.items();
    match items.iter().all(|item| matches!(item, Json::Object(_))) {
        true => items,
        false => &[],
    }
}

/// `thinking` and `reasoning`.
#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    effort: Option<String>,
    #[serde(default)]
    budget_tokens: Option<u64>,
}

impl Asked {
    fn is_on(&self) -> bool {
        self.kind.as_deref() != Some("disabled") && self.effort.as_deref() != Some("none")
    }
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    user_id: Option<String>,
}

/// `user_…_session_ID`, or a JSON object with `session_id`, as clients write it.
fn session(user_id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        session_id: String,
    }
    if let Ok(named) = serde_json::from_str::<Named>(user_id) {
        return Some(named.session_id).filter(|id| !id.is_empty());
    }
    let (_, id) = user_id.split_once("_session_")?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// The model in the marker that the second block of `system` begins with.
fn subagent(system: &Json<'_>) -> Option<String> {
    let text = objects(system).get(1)?.get("text")?.text()?.plain();
    let (model, _) = text.strip_prefix(MARKER[0])?.split_once(MARKER[1])?;
    Some(model.trim().to_owned()).filter(|model| !model.is_empty())
}

/// Whether one of the tools, which were passed over, searches the web.
fn searches_web(tools: &Json<'_>) -> bool {
    let written = tools.raw().unwrap_or_default().as_bytes();
    let is_search = |tool: &Json<'_>| {
        let kind = tool.get("type").and_then(Json::text);
        kind.is_some_and(|kind| kind.written().starts_with(SEARCH))
    };
    memmem::find(written, SEARCH.as_bytes()).is_some()
        && Json::look_at(written, tokens::AS_WRITTEN, None)
            .is_ok_and(|tools| objects(&tools).iter().any(is_search))
}

/// One message, with its content as it came.
struct Message<'j> {
    is_user: bool,
    /// The result of a tool, which OpenAI's protocols send as a message of its own.
    is_tool: bool,
    content: Option<&'j Json<'j>>,
    /// What a call gave, in Responses.
    output: Option<&'j Json<'j>>,
}

impl Message<'_> {
    /// Whether there are images in what a tool gives.
    fn gives_images(&self) -> bool {
        let given = [self.content, self.output].into_iter().flatten();
        given.map(images).sum::<usize>() > 0
    }
}

/// The messages of a body; a lone text is one message of the user.
fn messages<'j>(talk: &'j Json<'j>) -> Vec<Message<'j>> {
    if talk.text().is_some() {
        return vec![Message {
            is_user: true,
            is_tool: false,
            content: Some(talk),
            output: None,
        }];
    }
    let message = |message: &'j Json<'j>| {
        let is = |name, word| message.get(name).is_some_and(|value| value.is(word));
        Message {
            is_user: is("role", "user"),
            is_tool: is("role", "tool") || is("type", "function_call_output"),
            content: message.get("content"),
            output: message.get("output"),
        }
    };
    objects(talk).iter().map(message).collect()
}

#[cfg(test)]
mod tests;
