//! Servers of this protocol that take less than OpenAI's, by where they are.

use http::Uri;

use super::super::json::Text;
use super::super::neutral::{Dropped, Part, Request, Thinking};

/// What servers at these domains and below take.
const SERVERS: [(&str, Dialect); 8] = [
    ("azure.com", Dialect::OpenAi),
    ("bigmodel.cn", Dialect::FirstLimit),
    ("deepseek.com", Dialect::FirstLimit),
    ("groq.com", Dialect::OpenAi),
    ("mistral.ai", Dialect::Strict),
    ("openai.com", Dialect::OpenAi),
    ("perplexity.ai", Dialect::FirstLimit),
    ("z.ai", Dialect::FirstLimit),
];

/// Where Ollama listens, which knows the first limit.
const OLLAMA: u16 = 11_434;

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
    /// What is usual, but for the limit of tokens, which it knows as `max_tokens` alone.
    FirstLimit,
    /// That, and nothing else that is not its own, for which all is refused: no usage asked for in a stream, which it
    /// gives anyway, no effort, no end user, no thinking back, no ids but its own.
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
            Self::Usual | Self::OpenAi => "max_completion_tokens",
            Self::FirstLimit | Self::Strict => "max_tokens",
        }
    }

    /// Whether a stream has to be asked for its usage.
    pub(super) fn asks_for_usage(self) -> bool {
        self != Self::Strict
    }

    /// Takes out of a request what the server refuses.
    pub(super) fn fit(self, request: &mut Request<'_>, dropped: &mut Dropped) {
        match self {
            Self::Usual | Self::FirstLimit => {}
            Self::OpenAi => leave_thoughts_out(request, dropped),
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
                Dialect::Usual,
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
