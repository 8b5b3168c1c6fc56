use serde_json::{Value, json};

use super::super::neutral::{Answer, Part, ToolCall, ToolResult};
use super::*;

fn taken(body: &Value, protocol: Protocol) -> (Value, Taken) {
    let taken = take(body.to_string().as_bytes(), protocol).expect("there are images");
    (serde_json::from_str(&taken.body).expect("JSON"), taken)
}

const PIXEL: &str = "data:image/png;base64,AAAA";

#[test]
fn images_become_numbers_wherever_they_stand() {
    let image = |data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let mut cached = image("BBBB");
    cached["cache_control"] = json!({"type": "ephemeral"});
    let file = json!({"type": "image", "source": {"type": "file", "file_id": "f"}});
    let read = json!({"type": "tool_result", "tool_use_id": "t", "content": [image("AAAA")]});
    let body = json!({
        "model": "m", "system": [{"type": "text", "text": "be kind"}], "unknown": 1e5,
        "messages": [
            {"role": "user", "content": [read, cached, file]},
            {"role": "user", "content": "what is it?"},
        ],
    });
    let (told, taken) = taken(&body, Protocol::Messages);
    assert_eq!(taken.images.len(), 2);
    assert_ne!(taken.images[0].hash, taken.images[1].hash);
    let content = &told["messages"][0]["content"];
    let first = content[0]["content"][0]["text"].as_str().unwrap();
    assert!(first.starts_with("[Image #1]"), "{first}");
    assert!(
        content[1]["text"]
            .as_str()
            .unwrap()
            .starts_with("[Image #2]")
    );
    assert_eq!(content[1]["cache_control"]["type"], "ephemeral");
    assert_eq!(content[2], file, "only its endpoint can fetch it");
    assert_eq!(told["unknown"], body["unknown"]);
    assert_eq!(told["system"][0]["text"], "be kind");
    assert!(
        told["system"][1]["text"]
            .as_str()
            .unwrap()
            .contains("analyzeImage")
    );
    assert_eq!(told["tools"][0]["name"], "analyzeImage");
    assert_eq!(told["tools"][0]["input_schema"]["required"][0], "imageId");
}

#[test]
fn the_other_protocols_have_their_own_places() {
    let part = json!({"type": "image_url", "image_url": {"url": PIXEL}});
    let chat = json!({
        "messages": [
            {"role": "developer", "content": "be kind"},
            {"role": "user", "content": [part]},
        ],
        "tools": [{"type": "function", "function": {"name": "analyzeImage"}}],
    });
    let (told, chat) = taken(&chat, Protocol::Chat);
    assert_eq!(chat.tool, "ctr_analyzeImage", "the client has one");
    assert_eq!(told["tools"][1]["function"]["name"], "ctr_analyzeImage");
    assert_eq!(told["messages"][1]["role"], "system");
    assert_eq!(told["messages"][2]["content"][0]["type"], "text");
    assert!(!chat.is_not_kept);

    let part = json!({"type": "input_image", "image_url": PIXEL});
    let given = json!({"type": "function_call_output", "call_id": "c", "output": [part]});
    let responses = json!({"input": [{"role": "user", "content": [part]}, given]});
    let (told, responses) = taken(&responses, Protocol::Responses);
    assert_eq!(told["input"][0]["content"][0]["type"], "input_text");
    assert!(
        told["input"][1]["output"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("[Image #2]")
    );
    assert!(
        told["instructions"]
            .as_str()
            .unwrap()
            .contains("analyzeImage")
    );
    assert_eq!(told["store"], false);
    assert!(responses.is_not_kept);
    assert_eq!(responses.images[0], chat.images[0], "the same image");
}

#[test]
fn what_has_no_images_is_left_alone() {
    for body in [
        "",
        "[]",
        "{\"messages\":5}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},7,{\"content\":[[],null]}]}",
        "{\"messages\":[{\"content\":[{\"type\":\"image\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\"}}]}]}",
    ] {
        assert!(
            take(body.as_bytes(), Protocol::Messages).is_none(),
            "{body}"
        );
    }
}

#[test]
fn a_turn_is_added_as_each_protocol_tells_it() {
    let answer = || Answer {
        parts: vec![
            Part::prose("Let me see."),
            Part::ToolCall(ToolCall {
                id: "c1".into(),
                name: "analyzeImage".into(),
                arguments: Text::from_plain("{\"imageId\":[\"1\"]}"),
            }),
        ],
        ..Answer::default()
    };
    let results = || {
        vec![ToolResult {
            id: "c1".into(),
            parts: vec![Part::prose("nobody answered")],
            is_error: true,
        }]
    };
    let added = |body: &str, protocol| -> Value {
        let body = add_turn(body, protocol, answer(), results()).expect("a request");
        serde_json::from_str(&body).expect("JSON")
    };
    let messages = added(r#"{"messages":[],"x":1}"#, Protocol::Messages);
    assert_eq!(
        messages["messages"],
        json!([
            {"role": "assistant", "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "analyzeImage", "input": {"imageId": ["1"]}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "nobody answered", "is_error": true},
            ]},
        ])
    );
    let chat = added(r#"{"messages":[]}"#, Protocol::Chat);
    assert_eq!(
        chat["messages"],
        json!([
            {"role": "assistant", "content": "Let me see.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "analyzeImage", "arguments": "{\"imageId\":[\"1\"]}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "Error: nobody answered"},
        ])
    );
    let responses = added(r#"{"input":[]}"#, Protocol::Responses);
    let kinds: Vec<&str> = responses["input"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds, ["message", "function_call", "function_call_output"]);
    assert_eq!(responses["input"][2]["output"], "Error: nobody answered");
    assert!(add_turn("{}", Protocol::Chat, answer(), results()).is_none());
}
