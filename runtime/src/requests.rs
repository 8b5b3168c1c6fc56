//! Requests that are only looked at: a body becomes what a decision looks at,
//! as the proxy reads it, and goes nowhere.

use std::cell::OnceCell;

use bytes::Bytes;
use ctr_compiler::plan::{AnalysisScope, Interface, Plan, Tokenizer};
use ctr_compiler::registration::Spoken;
use ctr_compiler::route::{RequestFeatures, Tokens};
use serde_json::Value;

use crate::protocol::features::Features;
use crate::protocol::tokens;

/// Bytes that a body may have.
pub const LARGEST: usize = 64 << 20;

/// A request body that was read.
pub struct Request {
    bytes: u64,
    count: Box<dyn Fn(Tokenizer, Option<u64>) -> u64>,
    model: Option<String>,
    features: Features,
    protocol: Spoken,
}

/// Why a body is no request: in words, and what to do.
pub type NoRequest = (String, String);

impl Request {
    /// Reads a body. Without `protocol`, what the client speaks is seen in it.
    ///
    /// # Errors
    /// When it is no request of any protocol. The words repeat nothing of it.
    pub fn read(body: Vec<u8>, protocol: Option<Spoken>, plan: &Plan) -> Result<Self, NoRequest> {
        if body.len() > LARGEST {
            return no("the request has more than 64 MiB", "give a smaller one");
        }
        let value: Value = serde_json::from_slice(&body).map_err(|error| {
            (
                format!(
                    "the request is no JSON: line {}, column {}",
                    error.line(),
                    error.column()
                ),
                "send the body of a request, as a client sends it".to_owned(),
            )
        })?;
        let Value::Object(members) = &value else {
            return no("the request is no JSON object", "send a whole request body");
        };
        let has = |name: &str| members.contains_key(name);
        let has_talk = match protocol {
            Some(Spoken::Responses) => has("input"),
            Some(Spoken::Messages | Spoken::Chat) => has("messages"),
            None => has("messages") || has("input"),
        };
        if !has_talk {
            return no(
                "the request has neither `messages` nor `input` of its protocol",
                "give a body of Anthropic Messages, Chat Completions or Responses, \
                 and say which with `--protocol` or `protocol`",
            );
        }
        if has("messages") && !value["messages"].is_array() {
            return no(
                "`messages` of the request is no list",
                "write a list of messages",
            );
        }
        let model = members.get("model");
        if model.is_some_and(|model| !model.is_string()) {
            return no("`model` of the request is no text", "name a model");
        }
        let protocol = protocol.unwrap_or_else(|| spoken(&value));
        let interface = match protocol {
            Spoken::Messages => Interface::Anthropic,
            Spoken::Chat | Spoken::Responses => Interface::Openai,
        };
        let body = Bytes::from(body);
        let smart = plan.smart_router.as_ref();
        let scope = smart.map_or(AnalysisScope::LastMessage, |smart| smart.analysis_scope);
        Ok(Self {
            model: model.and_then(Value::as_str).map(str::to_owned),
            features: Features::read(&body, interface, scope),
            bytes: body.len() as u64,
            count: counting(body),
            protocol,
        })
    }

    /// What the client speaks.
    pub fn protocol(&self) -> Spoken {
        self.protocol
    }

    /// What a decision looks at, without sessions and answers.
    pub fn features(&self) -> RequestFeatures<'_> {
        RequestFeatures {
            tokens: Tokens::Lazy {
                most: self.bytes,
                count: &*self.count,
            },
            ..self.features.request(None, self.model.as_deref())
        }
    }
}

/// Counts the tokens of a body once by each vocabulary, however often it is asked.
fn counting(body: Bytes) -> Box<dyn Fn(Tokenizer, Option<u64>) -> u64> {
    let counted: [OnceCell<u64>; 2] = Default::default();
    Box::new(move |tokenizer, _| {
        let known = match tokenizer {
            Tokenizer::Cl100k => &counted[0],
            Tokenizer::O200k => &counted[1],
        };
        *known.get_or_init(|| tokens::count(&body, tokenizer, None))
    })
}

/// What a body is of, where nobody says: the protocols differ in what is beside
/// the messages.
fn spoken(body: &Value) -> Spoken {
    if body.get("messages").is_none() {
        return Spoken::Responses;
    }
    let is_of_chat = |message: &Value| {
        let role = message.get("role").and_then(Value::as_str);
        matches!(role, Some("system" | "developer" | "tool" | "function"))
            || message.get("tool_calls").is_some()
    };
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let members = [
        "max_completion_tokens",
        "reasoning_effort",
        "response_format",
    ];
    match body.get("system").is_none()
        && (messages.iter().any(is_of_chat) || members.iter().any(|name| body.get(*name).is_some()))
    {
        true => Spoken::Chat,
        false => Spoken::Messages,
    }
}

fn no<T>(why: &str, help: &str) -> Result<T, NoRequest> {
    Err((why.to_owned(), help.to_owned()))
}
