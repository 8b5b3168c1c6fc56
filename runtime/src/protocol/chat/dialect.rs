//! Servers of this protocol that take less than OpenAI's or want more, by where they are.

use http::Uri;

use super::super::json::Text;
use super::super::neutral::{
    Dropped, Message, Part, Request, Role, Seal, Signed, Signer, Thinking, Thought,
};

/// What servers at these domains and below take.
const SERVERS: [(&str, Dialect); 9] = [
    ("azure.com", Dialect::OpenAi),
    ("bigmodel.cn", Dialect::FirstLimit),
    ("deepseek.com", Dialect::FirstLimit),
    ("googleapis.com", Dialect::Google),
    ("groq.com", Dialect::OpenAi),
    ("mistral.ai", Dialect::Strict),
    ("openai.com", Dialect::OpenAi),
    ("perplexity.ai", Dialect::FirstLimit),
    ("z.ai", Dialect::FirstLimit),
];

/// Where Ollama listens, which knows the first limit.
const OLLAMA: u16 = 11_434;

/// Models of Gemini's before the ones that refuse a call without its signature.
const UNSIGNED: [&str; 2] = ["gemini-1", "gemini-2"];

/// Stands for the signature of a call that another model made
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures>, "FAQs").
const FOREIGN: &str = "skip_thought_signature_validator";

/// Letters and digits of the ids that a strict server takes for calls.
const ID_LENGTH: usize = 9;

/// What a server takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// All that is known of the protocol, and passes over what it does not know.
    #[default]
    Usual,
    /// The same, and no thinking back: a message or a call is refused for any field that is
    /// not known.
    OpenAi,
    /// What is usual, and of Gemini 3 and later the first call of each step has to be signed.
    Google,
    /// What is usual, but for the limit of tokens, which it knows as `max_tokens` alone.
    FirstLimit,
    /// That, and nothing else that is not its own, for which all is refused: no usage asked
    /// for in a stream, which it gives anyway, no effort, no end user, no thinking back, no
    /// ids but its own.
    Strict,
}

impl Dialect {
    /// Of the server at this address.
    pub fn of(address: &Uri) -> Self {
        let host = address.host().unwrap_or_default();
        let is_below = |domain: &str| {
            let at = host.len().checked_sub(domain.len());
            at.is_some_and(|at| {
                let (below, end) = host.as_bytes().split_at(at);
                end.eq_ignore_ascii_case(domain.as_bytes())
                    && (below.is_empty() || below.ends_with(b"."))
            })
        };
        let known = SERVERS.iter().find(|(domain, _)| is_below(domain));
        match (known, address.port_u16()) {
            (Some((_, dialect)), _) => *dialect,
            (None, Some(OLLAMA)) => Self::FirstLimit,
            (None, _) => Self::Usual,
        }
    }

    /// The field with the limit of tokens.
    pub(super) fn limit(self) -> &'static str {
        match self {
            Self::Usual | Self::OpenAi | Self::Google => "max_completion_tokens",
            Self::FirstLimit | Self::Strict => "max_tokens",
        }
    }

    /// Whether a stream has to be asked for its usage.
    pub(super) fn asks_for_usage(self) -> bool {
        self != Self::Strict
    }

    /// Takes out of a request for this model what the server refuses, and adds what it has
    /// to have.
    pub(super) fn fit(self, request: &mut Request<'_>, model: &str, dropped: &mut Dropped) {
        match self {
            Self::Usual | Self::FirstLimit => {}
            Self::OpenAi => leave_thoughts_out(request, dropped),
            Self::Google => {
                let is_older = UNSIGNED.iter().any(|older| model.contains(older));
                if model.contains("gemini") && !is_older {
                    sign_foreign_calls(&mut request.messages);
                }
            }
            Self::Strict => {
                if request.user.take().is_some_and(|user| !user.is_empty()) {
                    dropped.note("metadata.user_id");
                }
                if !matches!(request.thinking.take(), None | Some(Thinking::Off)) {
                    dropped.note("thinking");
                }
                leave_thoughts_out(request, dropped);
                shorten_ids(request);
            }
        }
    }
}

fn leave_thoughts_out(request: &mut Request<'_>, dropped: &mut Dropped) {
    for message in &mut request.messages {
        message.parts.retain(|part| {
            let is_out = matches!(part, Part::Thought(_));
            if is_out {
                dropped.note("thinking");
            }
            !is_out
        });
    }
}

/// Says of calls without a signature that another model made them. Only those of this turn are
/// looked at by the server, of each step the first.
fn sign_foreign_calls(messages: &mut [Message<'_>]) {
    let is_result = |part: &Part<'_>| matches!(part, Part::ToolResult(_));
    let is_call = |part: &Part<'_>| matches!(part, Part::ToolCall(_));
    let is_signature = |part: &Part<'_>| match part {
        Part::Thought(thought) => matches!(thought.seal, Some(Seal::Call(..))),
        _ => false,
    };
    let begins_turn =
        |message: &Message<'_>| message.role == Role::User && !message.parts.iter().any(is_result);
    let turn = messages.iter().rposition(begins_turn).unwrap_or(0);
    for message in &mut messages[turn..] {
        let parts = &mut message.parts;
        let Some(call) = parts.iter().position(is_call) else {
            continue;
        };
        if parts.iter().any(is_signature) {
            continue;
        }
        let signed = Signed {
            by: Signer::Google,
            is_late: false,
        };
        let thought = Thought {
            seal: Some(Seal::Call(signed, FOREIGN.into())),
            ..Thought::default()
        };
        parts.insert(call, Part::Thought(thought));
    }
}

/// Makes ids of calls ones of the server's form.
fn shorten_ids(request: &mut Request<'_>) {
    let messages = request.messages.iter_mut();
    for part in messages.flat_map(|message| &mut message.parts) {
        match part {
            Part::ToolCall(call) => shorten(&mut call.id),
            Part::ToolResult(result) => shorten(&mut result.id),
            _ => {}
        }
    }
}

/// An id that others made becomes one of the server's form, the same for a call and its result.
fn shorten(id: &mut Text<'_>) {
    let plain = id.plain();
    let is_own = plain.len() == ID_LENGTH && plain.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_own {
        let hash = blake3::hash(plain.as_bytes()).to_hex();
        *id = Text::from_string(hash[..ID_LENGTH].to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_domain() {
        for (address, dialect) in [
            (
                "https://api.openai.com/v1/chat/completions",
                Dialect::OpenAi,
            ),
            (
                "https://ours.openai.azure.com/openai/deployments/a/chat/completions",
                Dialect::OpenAi,
            ),
            (
                "https://api.groq.com/openai/v1/chat/completions",
                Dialect::OpenAi,
            ),
            (
                "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
                Dialect::Google,
            ),
            (
                "https://us-central1-aiplatform.googleapis.com/v1/projects/a/locations/b/endpoints/openapi/chat/completions",
                Dialect::Google,
            ),
            (
                "https://api.mistral.ai/v1/chat/completions",
                Dialect::Strict,
            ),
            ("https://MISTRAL.ai/v1", Dialect::Strict),
            ("https://notmistral.ai/v1", Dialect::Usual),
            ("https://mistral.ai.example/v1", Dialect::Usual),
            (
                "https://api.deepseek.com/chat/completions",
                Dialect::FirstLimit,
            ),
            (
                "https://api.z.ai/api/paas/v4/chat/completions",
                Dialect::FirstLimit,
            ),
            (
                "http://localhost:11434/v1/chat/completions",
                Dialect::FirstLimit,
            ),
            ("http://localhost:8000/v1/chat/completions", Dialect::Usual),
            ("/v1", Dialect::Usual),
        ] {
            assert_eq!(
                Dialect::of(&Uri::from_static(address)),
                dialect,
                "{address}"
            );
        }
    }
}
