//! Errors of an upstream in the words of another protocol.
//!
//! What an error means is told by the upstream's word for it where that is known
//! and says more than its status, and else by the status. A stream has none.

use http::StatusCode;

use super::json::{Json, Object, Text};

/// Codes of OpenAI's that clients act on and that no status and no type tells, with
/// the type beside them.
const OWN_CODES: [(&str, &str); 6] = [
    (TOO_LONG, "invalid_request_error"),
    ("insufficient_quota", "insufficient_quota"),
    ("invalid_prompt", "invalid_request_error"),
    ("server_is_overloaded", "server_error"),
    ("slow_down", "server_error"),
    ("usage_not_included", "insufficient_quota"),
];

/// OpenAI's code for a request that is longer than the model's context.
const TOO_LONG: &str = "context_length_exceeded";

/// How messages begin that say so where no code does. Clients of Anthropic's look for the
/// first.
const TOO_LONG_IN_WORDS: [&str; 3] = [
    "prompt is too long",
    "input length and `max_tokens` exceed context limit",
    "This model's maximum context length is",
];

/// Words of servers of Chat Completions for why an answer ends that is not to be taken for
/// one, whole or cut: the server gave it up.
const GIVEN_UP: [&str; 4] = [
    "error",
    "network_error",
    "insufficient_system_resource",
    "abort",
];

/// Whether this `finish_reason` says that the server gave the answer up.
pub fn is_given_up(reason: &str) -> bool {
    GIVEN_UP.contains(&reason)
}

/// The Anthropic type for a word of either protocol; a failure of the upstream's own
/// for one that is not known.
pub fn anthropic_type(word: &str) -> &'static str {
    known_type(word).unwrap_or("api_error")
}

/// The Anthropic type for a word of either protocol, if it is known
/// (<https://docs.anthropic.com/en/api/errors>).
fn known_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "api_error" => "api_error",
        "invalid_request_error" | "invalid_prompt" | TOO_LONG => "invalid_request_error",
        "authentication_error" | "invalid_api_key" => "authentication_error",
        "billing_error" => "billing_error",
        "permission_error" => "permission_error",
        "not_found_error" | "model_not_found" => "not_found_error",
        "request_too_large" => "request_too_large",
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "requests"
        | "tokens"
        | "insufficient_quota"
        | "usage_not_included" => "rate_limit_error",
        "timeout_error" => "timeout_error",
        // `server_error` is OpenAI's word also for a server that has too much to do.
        "overloaded_error"
        | "server_error"
        | "server_overloaded"
        | "server_is_overloaded"
        | "insufficient_system_resource"
        | "slow_down" => "overloaded_error",
        _ => return None,
    })
}

/// The Anthropic type for an `error` of either protocol that has no status: by what its message
/// says of the length of the context, else by its code where that is known, or else by its
/// type, or by the status that some servers give as its code.
pub fn type_in(error: &Json<'_>) -> &'static str {
    if is_too_long(error) {
        return "invalid_request_error";
    }
    let words = ["code", "type"].iter();
    let mut known = words.filter_map(|name| known_type(&error.text_at(name)?.plain()));
    let status = || {
        let code = error.get("code")?;
        let written = code.text().and_then(|text| text.plain().parse().ok());
        let status = written.or(code.count().and_then(|code| u16::try_from(code).ok()))?;
        (400..600)
            .contains(&status)
            .then(|| anthropic_type_of(status))
    };
    known.next().or_else(status).unwrap_or("api_error")
}

/// Whether the message of an `error` says that the request is longer than the context.
fn is_too_long(error: &Json<'_>) -> bool {
    error.text_at("message").is_some_and(|message| {
        let message = message.plain();
        let mut starts = TOO_LONG_IN_WORDS.iter();
        starts.any(|start| message.starts_with(start))
    })
}

/// The word of an `error` that has no status: its code or its type, whichever is known, or
/// the Anthropic type of the status that stands in place of a code; else what there is. What
/// its message says of the length of the context goes before.
pub fn kind_in<'a>(error: &Json<'a>) -> Text<'a> {
    if is_too_long(error) {
        return TOO_LONG.into();
    }
    let words = || {
        let words = ["code", "type"].iter();
        words.filter_map(|name| error.text_at(name).filter(|word| !word.is_empty()))
    };
    let known = words().find(|word| known_type(&word.plain()).is_some());
    known.unwrap_or_else(|| match type_in(error) {
        "api_error" => words().next().unwrap_or_default(),
        of_status => of_status.into(),
    })
}

/// The word of an `error` that says more than its status. OpenAI's code does more
/// often than its type, which is mostly one for many statuses. Of the length of the context
/// its message may say more than both.
pub fn word_of<'a>(error: &Json<'a>) -> Option<Text<'a>> {
    if is_too_long(error) {
        return Some(TOO_LONG.into());
    }
    let says_more = |word: &Text<'_>| {
        let word = word.plain();
        !matches!(
            &*word,
            "invalid_request_error" | "server_error" | "api_error"
        ) && known_type(&word).is_some()
    };
    let words = ["code", "type"].iter();
    words.filter_map(|name| error.text_at(name)).find(says_more)
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

/// The `error` of an Anthropic body for a word of either protocol. That the context is too
/// long is told in the words that clients look for.
pub fn anthropic_error<'a>(word: &str, message: Text<'a>) -> Object<'a> {
    let [start, ..] = TOO_LONG_IN_WORDS;
    let message = match word == TOO_LONG && !message.plain().starts_with(start) {
        true => Text::joined(&[start.into(), message], ": "),
        false => message,
    };
    Object::of_type(anthropic_type(word)).with("message", message)
}

/// The status that goes with an Anthropic type.
pub fn status_of(kind: &str) -> StatusCode {
    match kind {
        "invalid_request_error" => StatusCode::BAD_REQUEST,
        "authentication_error" => StatusCode::UNAUTHORIZED,
        "billing_error" => StatusCode::PAYMENT_REQUIRED,
        "permission_error" => StatusCode::FORBIDDEN,
        "not_found_error" => StatusCode::NOT_FOUND,
        "request_too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "rate_limit_error" => StatusCode::TOO_MANY_REQUESTS,
        "timeout_error" => StatusCode::GATEWAY_TIMEOUT,
        "overloaded_error" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
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
    if let Some((code, kind)) = OWN_CODES.iter().find(|(code, _)| *code == word) {
        return (kind, Some(code));
    }
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
    let code = code.map_or(Json::NULL, Into::into);
    object(kind.into(), code, Json::NULL, message)
}

/// The `error` of one OpenAI body for another, with its own words; none where it has
/// none.
pub fn openai_same<'a>(error: &Json<'a>, message: Text<'a>) -> Option<Object<'a>> {
    let code = error.text_at("code");
    let kind = error.text_at("type").or_else(|| {
        let code = code.as_ref()?.plain();
        Some(openai_words(&code).0.into())
    })?;
    let own = |name| error.get(name).cloned().unwrap_or(Json::NULL);
    Some(object(kind, own("code"), own("param"), message))
}

fn object<'a>(kind: Text<'a>, code: Json<'a>, param: Json<'a>, message: Text<'a>) -> Object<'a> {
    Object::new()
        .with("message", message)
        .with("type", kind)
        .with("param", param)
        .with("code", code)
}
