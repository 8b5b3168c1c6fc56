//! Everything the proxy itself may answer that is no answer of an upstream.
//!
//! One enum with two messages: `Display` is the inner one, for the log;
//! [`ProxyError::outer`] is what a client may read. Status and body follow from
//! the variant and the client's protocol, here and nowhere else.

use std::borrow::Cow;
use std::fmt;

use axum::body::Body;
use ctr_compiler::plan::Interface;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::ask::AskError;
use super::failure;
use crate::access::Denied;
use crate::cut::STOPPED;
use crate::http1::Response;

/// Header that names a request in answers and logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-ctr-request-id");

/// An answer of the proxy itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyError {
    /// The caller sent no right key.
    Denied(Denied),
    /// Nothing is served at this path.
    NoSuchPath,
    /// The path is served, but not with this method.
    WrongMethod,
    /// The body is larger than is taken.
    TooLarge {
        /// Most bytes that are taken.
        limit: usize,
    },
    /// The request's query is too long to be passed on.
    LongQuery,
    /// The body is compressed, so its model cannot be read.
    Compressed,
    /// The client stopped in the middle of its body.
    Interrupted,
    /// The client went silent in the middle of its body.
    Stalled,
    /// The body is no request.
    Body(AskError),
    /// The body is no request, and its content type, given here as [`shown`]
    /// gives it, says so.
    NotJson(String),
    /// The request names no known model, and there is no default.
    UnknownModel {
        /// What was asked for, as [`shown`] gives it.
        asked: Option<String>,
        /// The known id nearest to it.
        nearest: Option<String>,
    },
    /// The model speaks only a protocol that the request cannot be told in.
    WrongProtocol {
        /// The logical model.
        model: String,
        /// What it speaks.
        speaks: Interface,
    },
    /// The request cannot be told to the endpoints of the model, for this reason.
    Untold(Cow<'static, str>),
    /// Nobody here knows this response.
    NotKept,
    /// The request is longer than any window it may go to.
    Window(Box<Window>),
    /// Every endpoint of the model is switched off.
    NothingEnabled {
        /// The logical model.
        model: String,
    },
    /// No endpoint of the pool is healthy, and the pool says to reject then.
    AllOut {
        /// The logical model.
        model: String,
        /// When it is worth asking again.
        retry_after_s: u64,
    },
    /// Every endpoint of the model that could be tried is at its declared limit.
    Limited {
        /// The logical model.
        model: String,
        /// When the first is below it again.
        retry_after_s: u64,
    },
    /// The proxy ends, and this request with it.
    Stopped,
    /// No endpoint of the model gave an answer.
    Unreachable {
        /// The logical model.
        model: String,
    },
    /// The last endpoint of the model did not answer in time.
    Timeout {
        /// The logical model.
        model: String,
    },
}

/// A request that is too long for its model. Tokens throughout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The logical model.
    pub model: String,
    /// Which limit it is over, as clients of claude-trigger-router 1.7.0 know it.
    pub code: &'static str,
    /// Input.
    pub input_tokens: u64,
    /// Input, answer and thinking.
    pub total_tokens: u64,
    /// The limit.
    pub limit_tokens: u64,
    /// What slot `longContext` names, if anything.
    pub long_context: Option<String>,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::Interrupted => f.write_str("the client's body broke off"),
            Self::Stalled => f.write_str("the client's body stalled"),
            Self::Unreachable { model } => write!(f, "no attempt for `{model}` got an answer"),
            Self::Timeout { model } => write!(f, "the last attempt for `{model}` took too long"),
            other => f.write_str(&other.outer()),
        }
    }
}

impl std::error::Error for ProxyError {}

impl ProxyError {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Denied(_) => StatusCode::UNAUTHORIZED,
            Self::UnknownModel { asked: None, .. } => StatusCode::BAD_REQUEST,
            Self::NoSuchPath | Self::UnknownModel { .. } | Self::NotKept => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } | Self::Window(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::LongQuery => StatusCode::URI_TOO_LONG,
            Self::Stalled => StatusCode::REQUEST_TIMEOUT,
            Self::Compressed | Self::NotJson(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Interrupted | Self::Body(_) | Self::WrongProtocol { .. } | Self::Untold(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::NothingEnabled { .. } | Self::AllOut { .. } | Self::Stopped => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unreachable { .. } => StatusCode::BAD_GATEWAY,
            Self::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether it is said while the client may still be sending its body.
    pub fn leaves_body(&self) -> bool {
        matches!(
            self,
            Self::Denied(_) | Self::TooLarge { .. } | Self::Compressed
        )
    }

    /// The message a client may read.
    pub fn outer(&self) -> String {
        match self {
            Self::Denied(Denied::Missing) => {
                "missing: send the proxy's key as `x-api-key` or `Authorization: Bearer`".to_owned()
            }
            Self::Denied(Denied::Invalid) => "invalid: this is not the proxy's key".to_owned(),
            Self::NoSuchPath => "nothing is served at this path".to_owned(),
            Self::WrongMethod => "this path is not served with this method".to_owned(),
            Self::TooLarge { limit } => {
                format!("the request body is larger than {} MiB", limit >> 20)
            }
            Self::LongQuery => "the query of the request is too long".to_owned(),
            Self::Compressed => "a compressed request body is not supported".to_owned(),
            Self::Interrupted => "the request body is incomplete".to_owned(),
            Self::Stalled => "the rest of the request body did not arrive in time".to_owned(),
            Self::Body(error) => error.to_string(),
            Self::NotJson(kind) => {
                format!("the request body is `{kind}`; send JSON, as `application/json`")
            }
            Self::UnknownModel { asked, nearest } => {
                unknown_model(asked.as_deref(), nearest.as_deref())
            }
            Self::WrongProtocol { model, speaks } => format!(
                "model `{model}` speaks the {} protocol, which has nothing like this request",
                speaks.word()
            ),
            Self::Untold(why) => why.clone().into_owned(),
            Self::NotKept => "this response is not known here".to_owned(),
            Self::Window(window) => too_long(window),
            Self::NothingEnabled { model } => {
                format!("every endpoint of model `{model}` is disabled")
            }
            Self::AllOut { model, .. } => {
                format!("no endpoint of model `{model}` is healthy at the moment")
            }
            Self::Limited { model, .. } => {
                format!(
                    "every endpoint of model `{model}` that could answer is at its declared limit"
                )
            }
            Self::Stopped => STOPPED.to_owned(),
            Self::Unreachable { model } => {
                format!("no endpoint of model `{model}` gave a usable answer")
            }
            Self::Timeout { model } => format!("no endpoint of model `{model}` answered in time"),
        }
    }

    /// The response in the client's protocol, with the request id in the
    /// headers and, for Anthropic, in the body.
    pub fn respond(&self, interface: Interface, request_id: &str) -> Response<Body> {
        let message = self.outer();
        let mut body = match interface {
            Interface::Anthropic => anthropic(self.anthropic_type(), &message, request_id),
            Interface::Openai => {
                let (code, param) = self.openai_code();
                openai(self.openai_type(), &message, param, code)
            }
        };
        if let Self::Window(window) = self {
            body["error"]["details"] = details(window);
        }
        let mut response = Response::new(self.status(), Body::from(body.to_string()));
        let headers = &mut response.headers;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Self::AllOut { retry_after_s, .. } | Self::Limited { retry_after_s, .. } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after_s));
        }
        response
    }

    /// <https://docs.anthropic.com/en/api/errors>
    fn anthropic_type(&self) -> &'static str {
        match self.status() {
            _ if matches!(self, Self::AllOut { .. }) => "overloaded_error",
            _ if matches!(self, Self::Window(_)) => "context_window_exceeded",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::NOT_FOUND => "not_found_error",
            StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
            StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => "timeout_error",
            status if status.is_server_error() => "api_error",
            _ => "invalid_request_error",
        }
    }

    fn openai_type(&self) -> &'static str {
        if self.status() == StatusCode::TOO_MANY_REQUESTS {
            "rate_limit_error"
        } else if self.status().is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        }
    }

    /// `code` and `param`.
    fn openai_code(&self) -> (Option<&'static str>, Option<&'static str>) {
        match self {
            Self::Denied(_) => (Some("invalid_api_key"), None),
            Self::UnknownModel { asked: None, .. } => (None, Some("model")),
            Self::UnknownModel { .. } => (Some("model_not_found"), Some("model")),
            Self::Limited { .. } => (Some("rate_limit_exceeded"), None),
            Self::Window(_) => (Some("context_length_exceeded"), None),
            Self::WrongProtocol { .. } => (None, Some("model")),
            Self::Body(AskError::DuplicateModel | AskError::ModelNotString) => {
                (None, Some("model"))
            }
            _ => (None, None),
        }
    }
}

fn too_long(window: &Window) -> String {
    let Window {
        model,
        limit_tokens,
        ..
    } = window;
    let (what, count) = match window.code {
        "safe_input_exceeded" => ("safe input", window.input_tokens),
        _ => ("context window", window.total_tokens),
    };
    format!("prompt is too long: {count} tokens > {limit_tokens}, the {what} of model `{model}`")
}

/// As claude-trigger-router 1.7.0 names them.
fn details(window: &Window) -> Value {
    json!({
        "code": window.code,
        "model": window.model,
        "inputTokens": window.input_tokens,
        "estimatedTotalTokens": window.total_tokens,
        "limit": window.limit_tokens,
        "longContextModel": window.long_context,
    })
}

fn unknown_model(asked: Option<&str>, nearest: Option<&str>) -> String {
    let Some(asked) = asked else {
        return "the request names no `model`, and there is no default".to_owned();
    };
    match nearest {
        Some(nearest) => format!("model `{asked}` is not known here; did you mean `{nearest}`?"),
        None => format!("model `{asked}` is not known here"),
    }
}

fn anthropic(kind: &str, message: &str, request_id: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": request_id })
}

fn openai(kind: &str, message: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": param, "code": code } })
}

/// The body that stands in the place of a refusal that cannot be read, as the client reads it.
pub fn unread(interface: Interface, status: StatusCode, request_id: &str) -> String {
    const MESSAGE: &str = "the endpoint refuses the request, in a coding that is not read here";
    let body = match interface {
        Interface::Anthropic => {
            let kind = failure::anthropic_type_of(status.as_u16());
            anthropic(kind, MESSAGE, request_id)
        }
        Interface::Openai => {
            let (kind, code) = failure::openai_words_of(status.as_u16());
            openai(kind, MESSAGE, None, code)
        }
    };
    body.to_string()
}

/// The error that ends a stream, as JSON on one line.
pub(super) fn stream_body(interface: Interface, message: &str, request_id: &str) -> Value {
    match interface {
        Interface::Anthropic => anthropic("api_error", message, request_id),
        Interface::Openai => openai("server_error", message, None, None),
    }
}

/// A caller's word as logs and answers show it: 64 characters at most, and none
/// that moves a cursor or looks like another.
pub fn shown(word: &str) -> String {
    const LONGEST: usize = 64;
    // A model's name, which every request has, is nearly always one to be shown.
    if word.len() <= LONGEST && word.bytes().all(|byte| byte.is_ascii_graphic()) {
        return word.to_owned();
    }
    word.chars()
        .take(LONGEST)
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests;
