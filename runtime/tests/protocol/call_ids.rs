//! Ids of calls, which have to differ over a conversation.

use std::collections::BTreeSet;

use ctr_runtime::protocol::Protocol::{Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::neutral::Dropped;
use ctr_runtime::protocol::translate::{self, Back, Call, Dialect};
use serde_json::{Value, json};

use super::requests::{called, calls, result, sent, user};
use super::slips::translated_for;

/// The way back of a request of this name from a server without ids.
fn back(request_id: &str, stream: bool) -> Back {
    let body = format!("{{\"messages\":[{{}}],\"stream\":{stream}}}");
    let json = Json::parse(&body, &[]).unwrap();
    let call = Call {
        client: Messages,
        endpoint: Chat,
        model: "m",
        adaptive: false,
        dialect: Dialect::Usual,
        request_id,
        now: 0,
    };
    translate::request(&json, &call).unwrap().back
}

/// Ids of the calls in an answer of this name, whole and in events.
fn told(request_id: &str, answer_id: &str, message: &Value) -> Vec<String> {
    let whole = json!({ "id": answer_id, "choices": [{ "message": message }] });
    let whole =
        back(request_id, false).answer(whole.to_string().as_bytes(), &mut Dropped::default());
    let whole: Value = serde_json::from_str(&whole.unwrap()).unwrap();
    let blocks = whole["content"].as_array().unwrap().iter();
    let ids: Vec<String> = blocks
        .filter_map(|block| Some(block["id"].as_str()?.to_owned()))
        .collect();
    let mut out = String::new();
    let mut stream = back(request_id, true).stream();
    let chunk = json!({ "id": answer_id, "choices": [{ "index": 0, "delta": message }] });
    let events = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    stream.push(events.as_bytes(), &mut out).unwrap();
    for id in &ids {
        assert!(out.contains(&format!("\"id\":\"{id}\"")), "{id}: {out}");
    }
    ids
}

#[test]
fn calls_to_which_an_endpoint_gives_no_ids_have_others_in_every_answer() {
    let call = json!({ "function": { "name": "f", "arguments": "{}" } });
    let old = json!({ "function_call": { "name": "f", "arguments": "{}" } });
    let two = json!({ "tool_calls": [call, call] });
    let mut ids = Vec::new();
    for (request_id, answer_id) in [
        ("req_1", "a"),
        ("req_1", "b"),
        ("req_2", "a"),
        ("req_2", ""),
    ] {
        for message in [&two, &old] {
            ids.extend(told(&format!("{request_id}{message}"), answer_id, message));
        }
    }
    assert_eq!(ids.len(), 12);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 12, "{ids:?}");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    assert!(
        ids.iter()
            .all(|id| id.len() <= 40 && id.chars().all(is_plain))
    );
    // The same answer has the same ones.
    assert_eq!(told("r", "a", &two), told("r", "a", &two));
}

#[test]
fn a_call_that_repeats_the_id_of_an_earlier_one_gets_another_and_so_does_its_result() {
    let said = json!([
        user("x"),
        called(&["call_0", "call_0"]),
        result("call_0", "1"),
        result("call_0", "2"),
        called(&["call_0"]),
        user("never mind"),
        called(&["call_0_2", "call_0"]),
        result("call_0", "4"),
        result("call_0_2", "3"),
    ]);
    let (body, dropped) = sent(Chat, Messages, &json!({ "messages": said }).to_string());
    assert_eq!(
        calls(&body["messages"]),
        [
            &["x"][..],
            &["+call_0", "+call_0_3"],
            &["call_0=1", "call_0_3=2"],
            &["+call_0_4"],
            &["never mind"],
            &["+call_0_2", "+call_0_5"],
            &["call_0_5=4", "call_0_2=3"],
        ]
    );
    assert_eq!(dropped, "");
    let (body, _) = sent(Chat, Responses, &json!({ "messages": said }).to_string());
    let items = body["input"].as_array().unwrap().iter();
    let ids: Vec<&str> = items.filter_map(|item| item["call_id"].as_str()).collect();
    let [first, second, third, fourth] = ["call_0", "call_0_3", "call_0_4", "call_0_5"];
    let other = "call_0_2";
    let both = [
        first, second, first, second, third, other, fourth, fourth, other,
    ];
    assert_eq!(ids, both);
}

#[test]
fn a_call_with_the_id_of_another_gets_one_of_its_own() {
    let call = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "get", "arguments": "{}" } });
    let twice = json!([call("call_0"), call("call_1"), call("call_1")]);
    let body = json!({ "stream": false, "messages": [
        { "role": "user", "content": "x" },
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "call_0", "name": "get", "input": {} }] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "call_0", "content": "1" }] },
    ] });
    let back = translated_for(Dialect::Usual, "m", Messages, &body.to_string()).back;
    let answer = json!({ "id": "a", "choices": [{ "message": { "tool_calls": twice }, "finish_reason": "tool_calls" }] });
    let answer = back
        .answer(answer.to_string().as_bytes(), &mut Dropped::default())
        .unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let parts = answer["content"].as_array().unwrap().iter();
    let ids: Vec<&str> = parts.filter_map(|part| part["id"].as_str()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[1], "call_1");
    assert!(
        ids[0] != "call_0" && ids[2] != "call_1" && ids[0] != ids[2],
        "{ids:?}"
    );
}
