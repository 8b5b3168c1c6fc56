//! Answers in the form of the OpenAI Chat Completions API, with fixed ids and counts.

use bytes::Bytes;
use serde_json::{Value, json};

use super::anthropic::{INPUT_TOKENS, words};

const ID: &str = "chatcmpl-scripted";
/// 2026-01-01T00:00:00Z.
const CREATED: u64 = 1_767_225_600;

pub(super) fn completion(model: &str, text: &str) -> Value {
    json!({
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text, "refusal": null },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(text),
    })
}

/// The role, one chunk a word, the finish reason, usage where it was asked
/// for, and `[DONE]`.
pub(super) fn chunks(model: &str, text: &str, usage_chunk: bool) -> Vec<Bytes> {
    let envelope = |choices: Value| {
        let mut data = json!({
            "id": ID,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": model,
            "choices": choices,
        });
        if usage_chunk {
            data["usage"] = Value::Null;
        }
        data
    };
    let step = |delta: Value, finish: Option<&str>| {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
        chunk(&envelope(json!([choice])))
    };
    let mut chunks = vec![step(json!({ "role": "assistant", "content": "" }), None)];
    chunks.extend(words(text).map(|word| step(json!({ "content": word }), None)));
    chunks.push(step(json!({}), Some("stop")));
    if usage_chunk {
        let mut last = envelope(json!([]));
        last["usage"] = usage(text);
        chunks.push(chunk(&last));
    }
    chunks.push(Bytes::from_static(b"data: [DONE]\n\n"));
    chunks
}

pub(super) fn chunk(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}

pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": null } })
}

pub(super) fn models() -> Value {
    let model =
        json!({ "id": "scripted", "object": "model", "created": CREATED, "owned_by": "scripted" });
    json!({ "object": "list", "data": [model] })
}

fn usage(text: &str) -> Value {
    let output = u64::try_from(words(text).count()).unwrap_or(u64::MAX);
    json!({
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": output,
        "total_tokens": INPUT_TOKENS.saturating_add(output),
    })
}
