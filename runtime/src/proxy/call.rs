//! Which requests are calls of a model, by method and path.

use ctr_compiler::plan::Interface;
use http::Method;

use crate::http1::Request;
use crate::protocol::Protocol;

/// Path of Anthropic Messages.
pub const MESSAGES: &str = "/v1/messages";
/// Path of the count of a Messages request's tokens.
pub const COUNT_TOKENS: &str = "/v1/messages/count_tokens";
/// Path of OpenAI Chat Completions.
pub const CHAT_COMPLETIONS: &str = "/v1/chat/completions";
/// Path of OpenAI Responses.
pub const RESPONSES: &str = "/v1/responses";
/// Path of OpenAI's shortening of a long conversation.
pub const COMPACT: &str = "/v1/responses/compact";
/// Path of the count of a Responses request's tokens.
pub const INPUT_TOKENS: &str = "/v1/responses/input_tokens";
/// Path of OpenAI Embeddings.
pub const EMBEDDINGS: &str = "/v1/embeddings";

/// What a request asks a model, or an endpoint, for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// An answer, in the client's protocol.
    Answer(Protocol),
    /// How many tokens a Messages request has.
    CountTokens,
    /// A shorter form of the conversation of a Responses request.
    Compact,
    /// How many tokens a Responses request has.
    InputTokens,
    /// Vectors.
    Embeddings,
    /// A response that an endpoint keeps.
    Kept,
}

impl Call {
    /// The call that a request is; none for any other request.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        let path = request.uri.path();
        let is_post = request.method == Method::POST;
        match path {
            MESSAGES if is_post => Some(Self::Answer(Protocol::Messages)),
            CHAT_COMPLETIONS if is_post => Some(Self::Answer(Protocol::Chat)),
            RESPONSES if is_post => Some(Self::Answer(Protocol::Responses)),
            COUNT_TOKENS if is_post => Some(Self::CountTokens),
            COMPACT if is_post => Some(Self::Compact),
            INPUT_TOKENS if is_post => Some(Self::InputTokens),
            EMBEDDINGS if is_post => Some(Self::Embeddings),
            _ => {
                let (_, what) = kept(path)?;
                let takes = KEPT.iter().find(|(name, _)| *name == what)?.1;
                takes.contains(&request.method).then_some(Self::Kept)
            }
        }
    }

    /// Where an endpoint that speaks OpenAI's protocols has what no other one has,
    /// beside its own address.
    pub(super) fn tail(self) -> Option<&'static str> {
        match self {
            Self::Compact => Some("/responses/compact"),
            Self::InputTokens => Some("/responses/input_tokens"),
            Self::Embeddings => Some("/embeddings"),
            Self::Answer(_) | Self::CountTokens | Self::Kept => None,
        }
    }

    /// Whether it is made of a Responses request.
    pub(super) fn is_of_response(self) -> bool {
        let answer = Self::Answer(Protocol::Responses);
        [answer, Self::Compact, Self::InputTokens].contains(&self)
    }

    /// What the client speaks. Calls that only one endpoint understands are
    /// passed on, in whatever protocol.
    pub(super) fn protocol(self) -> Protocol {
        match self {
            Self::Answer(protocol) => protocol,
            Self::CountTokens => Protocol::Messages,
            Self::Embeddings => Protocol::Chat,
            Self::Compact | Self::InputTokens | Self::Kept => Protocol::Responses,
        }
    }

    /// Whose shape errors have.
    pub fn interface(self) -> Interface {
        match self {
            Self::Answer(protocol) => protocol.interface(),
            Self::CountTokens => Interface::Anthropic,
            Self::Compact | Self::InputTokens | Self::Embeddings | Self::Kept => Interface::Openai,
        }
    }
}

/// What there is of a response that is kept, behind its id, and how it is asked for
/// (<https://platform.openai.com/docs/api-reference/responses>).
const KEPT: [(&str, &[Method]); 3] = [
    ("", &[Method::GET, Method::DELETE]),
    ("/cancel", &[Method::POST]),
    ("/input_items", &[Method::GET]),
];

/// The id in the path of a kept response, and what stands behind it. No id has what could
/// mean another path to the endpoint's server: dots alone, or anything encoded.
pub(super) fn kept(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix(RESPONSES)?.strip_prefix('/')?;
    let (id, what) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~:=".contains(c);
    let is_id = id.chars().all(is_plain) && id.contains(|c: char| c.is_ascii_alphanumeric());
    is_id.then_some((id, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_method_and_path() {
        let call = |method: &str, path: &str| {
            let request = http::Request::builder().method(method).uri(path).body(());
            Call::of(&request.expect("a request").into())
        };
        assert_eq!(
            call("POST", "/v1/messages?beta=true"),
            Some(Call::Answer(Protocol::Messages))
        );
        assert_eq!(
            call("POST", "/v1/responses"),
            Some(Call::Answer(Protocol::Responses))
        );
        assert_eq!(
            call("POST", "/v1/messages/count_tokens"),
            Some(Call::CountTokens)
        );
        assert_eq!(call("POST", "/v1/responses/compact"), Some(Call::Compact));
        assert_eq!(
            call("POST", "/v1/responses/input_tokens"),
            Some(Call::InputTokens)
        );
        for method in ["GET", "DELETE"] {
            assert_eq!(call(method, "/v1/responses/resp_1"), Some(Call::Kept));
        }
        assert_eq!(
            call("POST", "/v1/responses/resp_1/cancel"),
            Some(Call::Kept)
        );
        for (method, path) in [
            ("GET", "/v1/messages"),
            ("PUT", "/v1/responses/resp_1"),
            ("GET", "/v1/responses"),
            ("GET", "/v1/responses/"),
            ("POST", "/v1/responses/resp_1"),
            ("POST", "/v1/responses/compact/"),
            ("GET", "/v1/responses/resp_1/cancel"),
            ("GET", "/v1/responses/resp_1/input_items/x"),
            ("GET", "/v1/responses/."),
            ("GET", "/v1/responses/.."),
            ("POST", "/v1/responses/../chat/completions"),
            ("DELETE", "/v1/responses/x/../../files/file-1"),
            ("POST", "/v1/responses/%2e%2e/cancel"),
            ("GET", "/v1/responses/x%2f..%2f../input_items"),
            ("GET", "/v1/responses/..;/input_items"),
            ("GET", "/v1/responses/..\\..\\files"),
            ("POST", "/v1/messages/"),
            ("POST", "/v1/messages/nonsense"),
            ("POST", "/v1/responsesx"),
        ] {
            assert_eq!(call(method, path), None, "{method} {path}");
        }
    }
}
