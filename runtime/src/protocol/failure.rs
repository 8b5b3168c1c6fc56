//! Errors of an upstream in the words of another protocol.
//!
//! What an error means is told by its status; in a stream, where none is left,
//! by the upstream's word for it.

use super::json::{Object, Text};

/// The Anthropic type for a word of either protocol
/// (<https://docs.anthropic.com/en/api/errors>).
pub fn anthropic_type(word: &str) -> &'static str {
    match word {
        "invalid_request_error" | "invalid_prompt" | "context_length_exceeded" => {
            "invalid_request_error"
        }
        "authentication_error" | "invalid_api_key" => "authentication_error",
        "billing_error" => "billing_error",
        "permission_error" => "permission_error",
        "not_found_error" | "model_not_found" => "not_found_error",
        "request_too_large" => "request_too_large",
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "requests"
        | "tokens"
        | "insufficient_quota" => "rate_limit_error",
        "timeout_error" => "timeout_error",
        // The word OpenAI's API has also for a server that has too much to do.
        "overloaded_error" | "server_error" | "server_overloaded" => "overloaded_error",
        _ => "api_error",
    }
}

/// The Anthropic type for a status.
pub fn anthropic_type_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        408 | 504 => "timeout_error",
        529 | 503 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// Type and code of OpenAI for a status.
pub fn openai_words_of(status: u16) -> (&'static str, Option<&'static str>) {
    match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        403 => ("permission_error", None),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    }
}

/// Type and code of OpenAI for a word of either protocol.
pub fn openai_words(word: &str) -> (&'static str, Option<&'static str>) {
    match anthropic_type(word) {
        "authentication_error" => openai_words_of(401),
        "permission_error" => openai_words_of(403),
        "not_found_error" => openai_words_of(404),
        "rate_limit_error" => openai_words_of(429),
        "invalid_request_error" | "request_too_large" | "billing_error" => openai_words_of(400),
        _ => openai_words_of(500),
    }
}

/// The `error` of an OpenAI body for a word of either protocol.
pub fn openai_error<'a>(word: &str, message: Text<'a>) -> Object<'a> {
    let (kind, code) = openai_words(word);
    error_object(kind, code, message)
}

/// The `error` of an OpenAI body.
pub fn error_object<'a>(
    kind: &'static str,
    code: Option<&'static str>,
    message: Text<'a>,
) -> Object<'a> {
    let null = super::json::Json::NULL;
    Object::new()
        .with("message", message)
        .with("type", kind)
        .with("param", null.clone())
        .with("code", code.map_or(null, Into::into))
}
