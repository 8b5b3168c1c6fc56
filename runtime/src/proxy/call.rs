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
/// Path of OpenAI Embeddings.
pub const EMBEDDINGS: &str = "/v1/embeddings";

/// What a request asks a model, or an endpoint, for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// An answer, in the client's protocol.
    Answer(Protocol),
    /// How many tokens a Messages request has.
    CountTokens,
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
            EMBEDDINGS if is_post => Some(Self::Embeddings),
            _ => kept_id(path)
                .is_some_and(|_| {
                    [Method::GET, Method::DELETE, Method::POST].contains(&request.method)
                })
                .then_some(Self::Kept),
        }
    }

    /// What the client speaks. Calls that only one endpoint understands are
    /// passed on, in whatever protocol.
    pub(super) fn protocol(self) -> Protocol {
        match self {
            Self::Answer(protocol) => protocol,
            Self::CountTokens => Protocol::Messages,
            Self::Embeddings => Protocol::Chat,
            Self::Kept => Protocol::Responses,
        }
    }

    /// Whose shape errors have.
    pub fn interface(self) -> Interface {
        match self {
            Self::Answer(protocol) => protocol.interface(),
            Self::CountTokens => Interface::Anthropic,
            Self::Embeddings | Self::Kept => Interface::Openai,
        }
    }
}

/// The id in the path of a kept response, or of something that belongs to one.
pub(super) fn kept_id(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(RESPONSES)?.strip_prefix('/')?;
    let id = rest.split('/').next()?;
    (!id.is_empty()).then_some(id)
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
            ("POST", "/v1/messages/"),
            ("POST", "/v1/messages/nonsense"),
            ("POST", "/v1/responsesx"),
        ] {
            assert_eq!(call(method, path), None, "{method} {path}");
        }
    }
}
