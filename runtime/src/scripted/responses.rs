//! Answers in the form of the OpenAI Responses API, with fixed ids and counts.

use bytes::Bytes;
use serde_json::{Value, json};

use super::anthropic::{INPUT_TOKENS, event, words};

const ID: &str = "resp_scripted";
const ITEM: &str = "msg_scripted";

pub(super) fn response(model: &str, text: &str) -> Value {
    let mut response = bare(model, "completed");
    response["output"] = json!([item("completed", text)]);
    let output = words(text).count();
    response["usage"] = json!({
        "input_tokens": INPUT_TOKENS,
        "output_tokens": output,
        "total_tokens": INPUT_TOKENS + output as u64,
    });
    response
}

fn bare(model: &str, status: &str) -> Value {
    json!({
        "id": ID,
        "object": "response",
        "created_at": 1_767_225_600,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "model": model,
        "output": [],
        "usage": null,
    })
}

fn item(status: &str, text: &str) -> Value {
    let part = json!({ "type": "output_text", "text": text, "annotations": [] });
    json!({ "id": ITEM, "type": "message", "status": status, "role": "assistant", "content": [part] })
}

/// `response.created`, the item, one delta a word, the item whole, and `response.completed`.
pub(super) fn events(model: &str, text: &str) -> Vec<Bytes> {
    let mut added = item("in_progress", "");
    added["content"] = json!([]);
    let mut steps = vec![
        (
            "response.created",
            json!({ "response": bare(model, "in_progress") }),
        ),
        (
            "response.output_item.added",
            json!({ "output_index": 0, "item": added }),
        ),
    ];
    let delta = |word: &str| {
        let at = json!({ "item_id": ITEM, "output_index": 0, "content_index": 0, "delta": word });
        ("response.output_text.delta", at)
    };
    steps.extend(words(text).map(delta));
    steps.extend([
        (
            "response.output_item.done",
            json!({ "output_index": 0, "item": item("completed", text) }),
        ),
        (
            "response.completed",
            json!({ "response": response(model, text) }),
        ),
    ]);
    let numbered = steps
        .into_iter()
        .enumerate()
        .map(|(number, (name, mut data))| {
            data["type"] = name.into();
            data["sequence_number"] = number.into();
            event(name, &data)
        });
    numbered.collect()
}

/// The event of a failure, which ends a stream.
pub(super) fn failed(kind: &str, message: &str) -> Bytes {
    let mut response = bare("scripted", "failed");
    response["error"] = json!({ "code": kind, "message": message });
    event(
        "response.failed",
        &json!({ "type": "response.failed", "response": response }),
    )
}
