//! Answers in the form of the Anthropic Messages API, with fixed ids and counts.

use bytes::Bytes;
use serde_json::{Value, json};

/// Input tokens every answer reports.
pub(super) const INPUT_TOKENS: u64 = 10;

const ID: &str = "msg_scripted";

pub(super) fn message(model: &str, text: &str) -> Value {
    json!({
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{ "type": "text", "text": text }],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": { "input_tokens": INPUT_TOKENS, "output_tokens": words(text).count() },
    })
}

/// `message_start`, `content_block_start`, `ping`, one `content_block_delta` a
/// word, `content_block_stop`, `message_delta`, `message_stop`.
pub(super) fn events(model: &str, text: &str) -> Vec<Bytes> {
    let mut opening = message(model, "");
    opening["content"] = json!([]);
    opening["stop_reason"] = Value::Null;
    opening["usage"] = json!({ "input_tokens": INPUT_TOKENS, "output_tokens": 1 });
    let block = json!({ "type": "text", "text": "" });
    let mut events = vec![
        event(
            "message_start",
            &json!({ "type": "message_start", "message": opening }),
        ),
        event(
            "content_block_start",
            &json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        ),
        event("ping", &json!({ "type": "ping" })),
    ];
    events.extend(words(text).map(|word| {
        let delta = json!({ "type": "text_delta", "text": word });
        event(
            "content_block_delta",
            &json!({ "type": "content_block_delta", "index": 0, "delta": delta }),
        )
    }));
    let closing = json!({
        "type": "message_delta",
        "delta": { "stop_reason": "end_turn", "stop_sequence": null },
        "usage": { "output_tokens": words(text).count() },
    });
    events.extend([
        event(
            "content_block_stop",
            &json!({ "type": "content_block_stop", "index": 0 }),
        ),
        event("message_delta", &closing),
        event("message_stop", &json!({ "type": "message_stop" })),
    ]);
    events
}

pub(super) fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_scripted" })
}

pub(super) fn models() -> Value {
    let model = json!({
        "type": "model",
        "id": "scripted",
        "display_name": "Scripted",
        "created_at": "2026-01-01T00:00:00Z",
    });
    json!({ "data": [model], "has_more": false, "first_id": "scripted", "last_id": "scripted" })
}

/// The words of a text with the space behind each, so that joined they are the text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}
