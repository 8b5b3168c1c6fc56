//! Requests that cannot be told in another protocol, and why.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Call};
use serde_json::{Value, json};

/// Why a request cannot be told to an endpoint of another protocol, if it cannot.
fn untold(client: Protocol, body: &Value) -> Option<String> {
    let body = body.to_string();
    let json = Json::parse(&body, translate::opaque(client)).unwrap();
    let call = Call {
        client,
        endpoint: match client {
            Messages => Chat,
            _ => Messages,
        },
        model: "m",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id: "r",
        now: 0,
    };
    let translated = translate::request(&json, &call);
    translated.err().map(|unreadable| unreadable.to_string())
}

#[test]
fn what_an_endpoint_keeps_is_not_translated() {
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("prompt", json!({"id": "pmpt_1"})),
        ("background", json!(true)),
    ] {
        let why = untold(Responses, &json!({"input": "x", field: value})).unwrap();
        assert!(why.contains(field), "{why}");
        assert_eq!(untold(Responses, &json!({"input": "x", field: null})), None);
    }
}

fn neither(place: &str) -> String {
    format!("`{place}` is neither text nor a list")
}

fn no_object(place: &str) -> String {
    format!("`{place}` is no object")
}

/// A message with this content.
fn said(content: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn a_conversation_that_is_none_is_not_translated() {
    let part = json!({"type": "text", "text": "x"});
    for client in [Messages, Chat] {
        for (body, why) in [
            (said(&part), neither("messages[0].content")),
            (said(&json!(5)), neither("messages[0].content")),
            (said(&json!(["x"])), no_object("messages[0].content[0]")),
            (json!({"messages": [null, 5]}), no_object("messages[1]")),
        ] {
            assert_eq!(untold(client, &body), Some(why), "{client:?} {body}");
        }
        for body in [
            said(&Value::Null),
            said(&json!([null, part])),
            json!({"messages": [null, {"role": "user", "content": "x"}]}),
        ] {
            assert_eq!(untold(client, &body), None, "{client:?} {body}");
        }
    }
    let object = json!({"role": "user", "content": part});
    for (body, why) in [
        (json!({"input": object}), neither("input")),
        (json!({"input": [object]}), neither("input[0].content")),
        (json!({"input": ["x"]}), no_object("input[0]")),
        (json!({"input": []}), "`input` is empty".to_owned()),
        (json!({"input": null}), "`input` is missing".to_owned()),
    ] {
        assert_eq!(untold(Responses, &body), Some(why), "{body}");
    }
}

#[test]
fn nor_is_a_result_a_document_or_a_system_that_is_none() {
    let result = |content: Value| said(&json!([{"type": "tool_result", "content": content}]));
    let source = json!({"type": "content", "content": ["x"]});
    for (body, why) in [
        (
            result(json!({"a": 1})),
            neither("messages[0].content[0].content"),
        ),
        (result(json!(42)), neither("messages[0].content[0].content")),
        (
            said(&json!([null, {"type": "document", "source": source}])),
            no_object("messages[0].content[1].source.content[0]"),
        ),
        (json!({"system": {}, "messages": [{}]}), neither("system")),
        (
            json!({"system": ["x"], "messages": [{}]}),
            no_object("system[0]"),
        ),
    ] {
        assert_eq!(untold(Messages, &body), Some(why), "{body}");
    }
    assert_eq!(untold(Messages, &result(Value::Null)), None);
    let output =
        |output: Value| json!({"input": [{"type": "function_call_output", "output": output}]});
    for (body, why) in [
        (output(json!({"a": 1})), neither("input[0].output")),
        (
            json!({"input": "x", "instructions": [{}]}),
            "`instructions` is not text".to_owned(),
        ),
    ] {
        assert_eq!(untold(Responses, &body), Some(why), "{body}");
    }
    for body in [
        output(Value::Null),
        json!({"input": "x", "instructions": null}),
        json!({"input": [], "instructions": "x"}),
    ] {
        assert_eq!(untold(Responses, &body), None, "{body}");
    }
}
