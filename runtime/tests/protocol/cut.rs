//! Calls in whose middle an answer ends.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Back, Call};
use serde_json::{Value, json};

/// The way back for a client with tools `f` and `g`, and a custom tool `patch`.
fn back(client: Protocol, declared: &str, stream: bool) -> Back {
    let body = match client {
        Responses => format!("{{\"input\":\"\",\"stream\":{stream},{declared}}}"),
        _ => format!("{{\"messages\":[{{}}],\"stream\":{stream},{declared}}}"),
    };
    let json = Json::parse(&body, translate::opaque(client)).unwrap();
    let call = Call {
        client,
        endpoint: Messages,
        model: "m",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id: "r",
        now: 0,
    };
    translate::request(&json, &call).unwrap().back
}

/// An answer in events with these calls, by name and pieces of arguments.
fn answer(calls: &[(&str, &[&str])], stop: &str) -> String {
    let mut events =
        vec![json!({"type": "message_start", "message": {"id": "msg_1", "model": "m"}})];
    for (at, (name, pieces)) in calls.iter().enumerate() {
        let block = json!({"type": "tool_use", "id": format!("t{at}"), "name": name, "input": {}});
        events.push(json!({"type": "content_block_start", "index": at, "content_block": block}));
        for piece in *pieces {
            let delta = json!({"type": "input_json_delta", "partial_json": piece});
            events.push(json!({"type": "content_block_delta", "index": at, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": at}));
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop}}));
    events.push(json!({"type": "message_stop"}));
    events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect()
}

/// What the client gets: the events of a stream, and the whole answer.
fn told(client: Protocol, declared: &str, answer: &str) -> (Vec<Value>, Value) {
    let mut out = String::new();
    let mut stream = back(client, declared, true).stream();
    stream.push(answer.as_bytes(), &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    let data = out.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    let mut whole = String::new();
    let mut collected = back(client, declared, false).collected();
    collected.push(answer.as_bytes(), &mut whole).unwrap();
    collected.finish(&mut whole).unwrap();
    (events, serde_json::from_str(&whole).unwrap())
}

/// The strings at this place of the first choice's `delta` in all chunks, as one.
fn joined(events: &[Value], place: &str) -> String {
    let place = format!("/choices/0/delta{place}");
    let texts = events
        .iter()
        .filter_map(|event| event.pointer(&place)?.as_str());
    texts.collect()
}

const FUNCTION: &str = "\"function\":{\"name\":\"f\"}";

#[test]
fn a_call_that_is_cut_before_its_arguments_gets_none() {
    let tools = format!("\"tools\":[{{\"type\":\"function\",{FUNCTION}}}]");
    let functions = "\"functions\":[{\"name\":\"f\"}]";
    for (stop, last) in [
        ("max_tokens", ""),
        ("refusal", ""),
        ("tool_use", "{}"),
        ("end_turn", "{}"),
    ] {
        let one = answer(&[("f", &[])], stop);
        for (declared, in_stream, in_whole) in [
            (
                &*tools,
                "/tool_calls/0/function/arguments",
                "/tool_calls/0/function/arguments",
            ),
            (
                functions,
                "/function_call/arguments",
                "/function_call/arguments",
            ),
        ] {
            let (events, whole) = told(Chat, declared, &one);
            assert_eq!(joined(&events, in_stream), last, "{stop} {declared}");
            let message = &whole["choices"][0]["message"];
            assert_eq!(
                message.pointer(in_whole).unwrap(),
                last,
                "{stop} {declared}"
            );
        }
        // One before the last is whole.
        let (events, whole) = told(Chat, &tools, &answer(&[("f", &[]), ("f", &[])], stop));
        let arguments = joined(&events, "/tool_calls/0/function/arguments");
        assert_eq!(arguments, format!("{{}}{last}"), "{stop}");
        let calls = &whole["choices"][0]["message"]["tool_calls"];
        assert_eq!(calls[0]["function"]["arguments"], "{}", "{stop}");
        assert_eq!(calls[1]["function"]["arguments"], last, "{stop}");
        let end = events
            .iter()
            .position(|event| !event["choices"][0]["finish_reason"].is_null());
        assert_eq!(end, Some(events.len() - 1), "{stop}");
    }
}

#[test]
fn of_a_custom_tool_whose_call_is_cut_the_input_is_told_as_far_as_it_came() {
    let custom = r#""tools":[{"type":"custom","name":"patch"}]"#;
    let wrapped = r#""tools":[{"type":"custom","custom":{"name":"patch"}}]"#;
    for (pieces, input) in [
        (["{\"input\":\"ab", "c\\n\\"], "abc\n"),
        (["{\"inp", "ut\""], ""),
        (["", ""], ""),
    ] {
        let cut = answer(&[("patch", &pieces)], "max_tokens");
        let (events, whole) = told(Chat, wrapped, &cut);
        assert_eq!(joined(&events, "/tool_calls/0/custom/input"), input);
        let message = &whole["choices"][0]["message"];
        assert_eq!(message["tool_calls"][0]["custom"]["input"], input);
        let (events, whole) = told(Responses, custom, &cut);
        for (kind, place) in [
            ("response.custom_tool_call_input.delta", "/delta"),
            ("response.custom_tool_call_input.done", "/input"),
            ("response.output_item.done", "/item/input"),
            ("response.incomplete", "/response/output/0/input"),
        ] {
            let event = events.iter().find(|event| event["type"] == kind).unwrap();
            assert_eq!(event.pointer(place).unwrap(), input, "{kind}");
        }
        assert_eq!(whole["output"][0]["input"], input);
        assert_eq!(whole["output"][0]["status"], "incomplete");
    }
}
