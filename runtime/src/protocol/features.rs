//! What a decision looks at in a request body: read in one pass that builds no
//! tree, and only when the plan asks for more than the model.
//!
//! The body was found to be a JSON object before. What is odd in it is passed
//! over: an upstream may complain about it, routing does not.

mod content;

use std::borrow::Cow;
use std::fmt;

use ctr_compiler::plan::{AnalysisScope, Interface};
use ctr_compiler::route::RequestFeatures;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use content::{Parts, images, parts};

/// Between the messages of a conversation that is looked at as one text.
const BETWEEN: &str = "\n---\n";
/// Around the model that a sub-agent asks for.
const MARKER: [&str; 2] = ["<CTR-SUBAGENT-MODEL>", "</CTR-SUBAGENT-MODEL>"];

/// What a body says that a decision may look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// The text that rules look at; none where no user says anything.
    pub text: Option<String>,
    /// Whether the last message is mostly results of tools.
    pub is_tool_result: bool,
    /// Whether thinking is asked for.
    pub thinking: bool,
    /// Tokens to think with, where the request says so.
    pub thinking_budget: Option<u64>,
    /// Whether a web search tool is offered.
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
    /// Tools that are offered.
    pub tools: u64,
}

impl Features {
    /// Reads a body of a client that speaks `interface`. A body of OpenAI
    /// Responses, which has `input` in place of `messages`, is read as well.
    pub fn read(body: &[u8], interface: Interface, scope: AnalysisScope) -> Self {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let Ok(body) = Body::deserialize(&mut deserializer) else {
            return Self::default();
        };
        let mut features = Self {
            thinking: body.thinking.as_ref().is_some_and(Asked::is_on)
                || body.reasoning.as_ref().is_some_and(Asked::is_on)
                || body.reasoning_effort.is_some_and(|effort| effort != "none"),
            thinking_budget: body.thinking.and_then(|thinking| thinking.budget_tokens),
            web_search: body.tools.search,
            tools: body.tools.many,
            subagent: match interface {
                Interface::Anthropic => body.system.and_then(subagent),
                Interface::Openai => None,
            },
            session: body
                .metadata
                .and_then(|metadata| session(&metadata.user_id?)),
            max_tokens: body
                .max_tokens
                .or(body.max_completion_tokens)
                .or(body.max_output_tokens),
            ..Self::default()
        };
        let talk = body.messages.or(body.input).unwrap_or_default();
        features.messages = talk.messages.len() as u64;
        features.take(&talk, scope);
        features
    }

    /// As a decision looks at it, with nothing known besides.
    pub fn request<'r>(
        &'r self,
        only: Option<Interface>,
        model: Option<&'r str>,
    ) -> RequestFeatures<'r> {
        RequestFeatures {
            text: self.text.as_deref(),
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

    fn take(&mut self, talk: &Talk<'_>, scope: AnalysisScope) {
        let last_is_user = talk.messages.last().is_some_and(Message::is_user);
        let mut texts: Vec<String> = Vec::new();
        let mut users = 0;
        for message in talk.messages.iter().rev() {
            let has_images = if message.is_user() {
                let parts = message.parts();
                let is_last = users == 0;
                self.is_tool_result |= is_last && last_is_user && parts.is_mostly_results();
                let counts = is_last || scope == AnalysisScope::FullConversation;
                if counts && !parts.text.trim().is_empty() {
                    texts.push(parts.text);
                }
                parts.images > 0
            } else {
                message.is_tool() && message.gives_images()
            };
            self.image_in_last |= has_images && users == 0;
            self.image_anywhere |= has_images;
            users += usize::from(message.is_user());
        }
        self.is_tool_result |= talk.messages.last().is_some_and(Message::is_tool);
        texts.reverse();
        self.text = (!texts.is_empty()).then(|| texts.join(BETWEEN));
    }
}

/// The members of a body that count.
#[derive(Deserialize)]
struct Body<'b> {
    #[serde(borrow, default)]
    messages: Option<Talk<'b>>,
    #[serde(borrow, default)]
    input: Option<Talk<'b>>,
    #[serde(borrow, default)]
    system: Option<&'b RawValue>,
    #[serde(default, deserialize_with = "or_nothing")]
    thinking: Option<Asked>,
    #[serde(default, deserialize_with = "or_nothing")]
    reasoning: Option<Asked>,
    #[serde(default, deserialize_with = "or_nothing")]
    reasoning_effort: Option<String>,
    #[serde(default)]
    tools: Tools,
    #[serde(default, deserialize_with = "or_nothing")]
    metadata: Option<Metadata>,
    #[serde(default, deserialize_with = "or_nothing")]
    max_tokens: Option<u64>,
    #[serde(default, deserialize_with = "or_nothing")]
    max_completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "or_nothing")]
    max_output_tokens: Option<u64>,
}

/// A value of the expected form, else nothing.
fn or_nothing<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
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
fn subagent(system: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Block<'b> {
        #[serde(borrow, default)]
        text: Option<Cow<'b, str>>,
    }
    let blocks: Vec<Block<'_>> = serde_json::from_str(system.get()).ok()?;
    let text = blocks.get(1)?.text.as_ref()?;
    let (model, _) = text.strip_prefix(MARKER[0])?.split_once(MARKER[1])?;
    Some(model.trim().to_owned()).filter(|model| !model.is_empty())
}

/// How many tools there are, and whether one of them searches the web.
#[derive(Default)]
struct Tools {
    many: u64,
    search: bool,
}

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Tool<'b> {
            #[serde(rename = "type", borrow, default)]
            kind: Option<&'b RawValue>,
        }
        let raw = <&RawValue>::deserialize(deserializer)?;
        let tools: Vec<Tool<'_>> = serde_json::from_str(raw.get()).unwrap_or_default();
        let searches = |tool: &Tool<'_>| {
            tool.kind
                .is_some_and(|kind| kind.get().starts_with("\"web_search"))
        };
        Ok(Self {
            many: tools.len() as u64,
            search: tools.iter().any(searches),
        })
    }
}

/// The messages of a body; a lone text is one message of the user.
#[derive(Default)]
struct Talk<'b> {
    messages: Vec<Message<'b>>,
}

/// One message, with its content unread.
#[derive(Default)]
struct Message<'b> {
    role: Cow<'b, str>,
    kind: Cow<'b, str>,
    content: Option<&'b RawValue>,
    /// What a call gave, in Responses.
    output: Option<&'b RawValue>,
}

impl Message<'_> {
    fn is_user(&self) -> bool {
        self.role == "user"
    }

    /// The result of a tool, which OpenAI's protocols send as a message of its own.
    fn is_tool(&self) -> bool {
        self.role == "tool" || self.kind == "function_call_output"
    }

    fn parts(&self) -> Parts {
        self.content.map(parts).unwrap_or_default()
    }

    /// Whether there are images in what a tool gives.
    fn gives_images(&self) -> bool {
        let given = [self.content, self.output].into_iter().flatten();
        given.map(images).sum::<usize>() > 0
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Talk<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') {
            let message = Message {
                role: Cow::Borrowed("user"),
                content: Some(raw),
                ..Message::default()
            };
            return Ok(Self {
                messages: vec![message],
            });
        }
        let messages = serde_json::from_str::<List<'b>>(raw.get());
        Ok(Self {
            messages: messages.map(|list| list.0).unwrap_or_default(),
        })
    }
}

struct List<'b>(Vec<Message<'b>>);

impl<'de: 'b, 'b> Deserialize<'de> for List<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Vec<Message<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("messages")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut messages = Vec::new();
                while let Some(message) = items.next_element::<Message<'de>>()? {
                    messages.push(message);
                }
                Ok(messages)
            }
        }
        deserializer.deserialize_seq(Items).map(List)
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Message<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Message<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut message = Message::default();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match name.as_ref() {
                        "role" => message.role = text(map.next_value()?),
                        "type" => message.kind = text(map.next_value()?),
                        "content" => message.content = Some(map.next_value()?),
                        "output" => message.output = Some(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(message)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A text, or the empty one for anything else.
fn text(raw: &RawValue) -> Cow<'_, str> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
