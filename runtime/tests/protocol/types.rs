//! Values of other types than those that are read: no field is left out without its name.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use serde_json::{Value, json};

use super::requests::sent;

/// What is named of a request with these fields besides its conversation.
fn named(client: Protocol, fields: &Value) -> String {
    let mut body = match client {
        Responses => json!({"input": "x"}),
        _ => json!({"messages": [{"role": "user", "content": "x"}]}),
    };
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    let endpoint = match client {
        Messages => Chat,
        _ => Messages,
    };
    sent(client, endpoint, &body.to_string()).1
}

fn check(client: Protocol, table: &[(Value, &str)]) {
    for (fields, expected) in table {
        assert_eq!(named(client, fields), *expected, "{client:?} {fields}");
    }
}

#[test]
fn fields_of_messages() {
    check(
        Messages,
        &[
            (json!({"max_tokens": "7"}), "max_tokens"),
            (json!({"max_tokens": 7.5}), "max_tokens"),
            (json!({"stop_sequences": "x"}), "stop_sequences"),
            (json!({"stop_sequences": ["x", 5, null]}), "stop_sequences"),
            (json!({"stream": "yes"}), "stream"),
            (json!({"tools": {"name": "f"}}), "tools"),
            (json!({"tools": ["f"]}), "tools"),
            (json!({"tools": [{"description": "x"}]}), "tools"),
            (json!({"tool_choice": "any"}), "tool_choice"),
            (json!({"tool_choice": {"type": "new"}}), "tool_choice"),
            (json!({"thinking": true}), "thinking"),
            (
                json!({"thinking": {"type": "enabled", "budget_tokens": "2000"}}),
                "thinking.budget_tokens",
            ),
            (
                json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": "yes"}}),
                "tool_choice.disable_parallel_tool_use",
            ),
            (json!({"metadata": "x"}), "metadata"),
            (json!({"metadata": {"user_id": 5}}), "metadata.user_id"),
            (json!({"output_config": "low"}), "output_config"),
            (
                json!({"output_config": {"effort": 5}}),
                "output_config.effort",
            ),
            (
                json!({"output_config": {"format": "json"}}),
                "output_config.format",
            ),
        ],
    );
}

#[test]
fn fields_of_chat_completions() {
    check(
        Chat,
        &[
            (json!({"max_tokens": "7"}), "max_tokens"),
            (
                json!({"max_completion_tokens": "7"}),
                "max_completion_tokens",
            ),
            (json!({"stop": 5}), "stop"),
            (json!({"stop": ["x", 5, null]}), "stop"),
            (json!({"stream": "yes"}), "stream"),
            (json!({"stream_options": "all"}), "stream_options"),
            (
                json!({"stream_options": {"include_usage": "yes"}}),
                "stream_options.include_usage",
            ),
            (json!({"tools": {"type": "function"}}), "tools"),
            (json!({"tools": ["f"]}), "tools"),
            (
                json!({"tools": [{"type": "function", "function": {}}]}),
                "tools",
            ),
            (json!({"functions": "f"}), "functions"),
            (json!({"function_call": 5}), "function_call"),
            (json!({"tool_choice": "any"}), "tool_choice"),
            (json!({"parallel_tool_calls": "no"}), "parallel_tool_calls"),
            (json!({"reasoning_effort": 5}), "reasoning_effort"),
            (json!({"response_format": "json"}), "response_format"),
            (json!({"response_format": {"type": "text"}}), ""),
            (json!({"user": 5}), "user"),
        ],
    );
}

#[test]
fn fields_of_responses() {
    check(
        Responses,
        &[
            (json!({"max_output_tokens": "7"}), "max_output_tokens"),
            (json!({"stream": "yes"}), "stream"),
            (json!({"store": "yes"}), "store"),
            (json!({"include": "x"}), "include"),
            (json!({"tools": {"type": "function"}}), "tools"),
            (
                json!({"tools": [{"type": "function"}, {"type": "custom"}]}),
                "tools",
            ),
            (json!({"tool_choice": "any"}), "tool_choice"),
            (json!({"parallel_tool_calls": "no"}), "parallel_tool_calls"),
            (json!({"reasoning": "high"}), "reasoning"),
            (json!({"reasoning": {"effort": 5}}), "reasoning.effort"),
            (json!({"text": 5}), "text"),
            (json!({"text": {"format": "json"}}), "text.format"),
            (json!({"text": {"format": {"type": "text"}}}), ""),
            (json!({"safety_identifier": 5}), "safety_identifier"),
        ],
    );
}

#[test]
fn what_stands_in_a_conversation() {
    let said = |message: Value| json!({"messages": [message, {"role": "user", "content": "x"}]});
    let part = |part: Value| said(json!({"role": "user", "content": [part]}));
    for client in [Messages, Chat] {
        check(
            client,
            &[
                (
                    said(json!({"role": "alien", "content": "y"})),
                    "messages.role",
                ),
                (said(json!({"role": 5, "content": "y"})), "messages.role"),
                (said(json!({"content": "y"})), ""),
                (part(json!({"text": "y"})), "content"),
                (part(json!({"type": "text", "text": 5})), "content.text"),
                (part(json!({"type": "text", "text": null})), ""),
            ],
        );
    }
    check(
        Messages,
        &[
            (part(json!({"type": "image"})), "content.source"),
            (
                part(json!({"type": "image", "source": {"type": "base64", "data": "AAAA"}})),
                "content.source.base64",
            ),
            (
                part(json!({"type": "document", "source": "x"})),
                "content.source",
            ),
        ],
    );
    let calls = |calls: Value| said(json!({"role": "assistant", "tool_calls": calls}));
    check(
        Chat,
        &[
            (part(json!({"type": "image_url"})), "content.image_url"),
            (part(json!({"type": "file", "file": "x"})), "content.file"),
            (calls(json!({"id": "1"})), "messages.tool_calls"),
            (
                calls(json!([{"id": "1", "function": {}}, null])),
                "messages.tool_calls",
            ),
            (
                said(json!({"role": "assistant", "refusal": 5})),
                "messages.refusal",
            ),
        ],
    );
    let item = |item: Value| json!({"input": [item, {"role": "user", "content": "x"}]});
    check(
        Responses,
        &[
            (item(json!({"role": "alien", "content": "y"})), "input.role"),
            (
                item(json!({"role": "user", "content": [{"text": "y"}]})),
                "content",
            ),
            (
                item(json!({"role": "user", "content": [{"type": "input_text", "text": 5}]})),
                "content.text",
            ),
        ],
    );
}

#[test]
fn null_is_nothing() {
    let messages = [
        "max_tokens",
        "stop_sequences",
        "stream",
        "tools",
        "tool_choice",
        "thinking",
    ];
    let chat = [
        "max_tokens",
        "stop",
        "stream",
        "tools",
        "functions",
        "tool_choice",
        "user",
    ];
    let responses = [
        "max_output_tokens",
        "include",
        "tools",
        "reasoning",
        "text",
        "store",
    ];
    for (client, fields) in [
        (Messages, &messages[..]),
        (Chat, &chat),
        (Responses, &responses),
    ] {
        for field in fields {
            assert_eq!(
                named(client, &json!({*field: null})),
                "",
                "{client:?} {field}"
            );
        }
    }
}
