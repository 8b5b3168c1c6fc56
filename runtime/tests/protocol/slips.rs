//! What servers of Chat Completions do in their own way.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::neutral::Dropped;
use ctr_runtime::protocol::sse::Ending;
use ctr_runtime::protocol::translate::{self, Back, BadAnswer, Broken, Call, Dialect, Translated};
use serde_json::{Value, json};

/// The way back for a client that wants to see thinking.
pub(super) fn back(client: Protocol, stream: bool) -> Back {
    let body = match client {
        Responses => format!("{{\"input\":\"\",\"stream\":{stream}}}"),
        _ => format!(
            "{{\"messages\":[{{}}],\"stream\":{stream},\"thinking\":{{\"type\":\"adaptive\"}}}}"
        ),
    };
    translated(client, &body).back
}

fn translated(client: Protocol, body: &str) -> Translated {
    translated_for(Dialect::Usual, "m", client, body)
}

pub(super) fn translated_for(
    dialect: Dialect,
    model: &str,
    client: Protocol,
    body: &str,
) -> Translated {
    let json = Json::parse(body, translate::opaque(client)).unwrap();
    let call = Call {
        client,
        endpoint: Chat,
        model,
        adaptive: false,
        dialect,
        request_id: "r",
        now: 0,
    };
    translate::request(&json, &call).unwrap()
}

/// What the server is asked, and what was dropped.
pub(super) fn asked(client: Protocol, body: &Value) -> (Value, String) {
    asked_of(Dialect::Usual, client, body)
}

pub(super) fn asked_of(dialect: Dialect, client: Protocol, body: &Value) -> (Value, String) {
    asked_of_model(dialect, "m", client, body)
}

pub(super) fn asked_of_model(
    dialect: Dialect,
    model: &str,
    client: Protocol,
    body: &Value,
) -> (Value, String) {
    let body = body.to_string();
    let Translated { body, dropped, .. } = translated_for(dialect, model, client, &body);
    (serde_json::from_str(&body).unwrap(), dropped.words())
}

/// An answer, whole and in events, that says and calls something by half, and ends so.
fn ended(choice: &str) -> (String, String) {
    let said = r#""content":"Half of the ans","tool_calls":[{"index":0,"id":"c","function":{"name":"get","arguments":"{\"a\": \"x"}}]"#;
    let whole = format!(
        "{{\"id\":\"1\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"message\":{{{said}}},{choice}}}]}}"
    );
    let events = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{{said}}}}}]}}\n\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{}},{choice}}}]}}\n\ndata: [DONE]\n\n"
    );
    (whole, events)
}

#[test]
fn an_answer_that_its_server_gave_up_is_none() {
    for (choice, word, told, text) in [
        (
            r#""finish_reason":"insufficient_system_resource""#,
            "insufficient_system_resource",
            "overloaded_error",
            "the answer ended with `insufficient_system_resource`",
        ),
        (
            r#""finish_reason":"network_error""#,
            "network_error",
            "api_error",
            "the answer ended with `network_error`",
        ),
        (
            r#""finish_reason":"abort","error":null"#,
            "abort",
            "api_error",
            "the answer ended with `abort`",
        ),
        (
            r#""finish_reason":"error","error":{"code":502,"message":"it died"}"#,
            "error",
            "api_error",
            "it died",
        ),
        (
            r#""finish_reason":null,"error":{"code":429,"message":"slowly"}"#,
            "rate_limit_error",
            "rate_limit_error",
            "slowly",
        ),
    ] {
        let (whole, events) = ended(choice);
        let (kind, message) = (word.to_owned(), text.to_owned());
        let broken = Broken::Failed { kind, message };
        for client in [Messages, Responses] {
            let answer = back(client, false);
            let read = answer.answer(whole.as_bytes(), &mut Default::default());
            let (kind, message) = (word.to_owned(), text.to_owned());
            assert_eq!(read, Err(BadAnswer::Failed { kind, message }), "{choice}");
            let mut out = String::new();
            let mut collected = answer.collected();
            collected.push(events.as_bytes(), &mut out).unwrap();
            assert_eq!(collected.finish(&mut out), Err(broken.clone()), "{choice}");
            let mut stream = back(client, true).stream();
            stream.push(events.as_bytes(), &mut out).unwrap();
            stream.finish(&mut out).unwrap();
            assert_eq!(stream.ending(), Ending::Error(told), "{choice}");
            assert!(
                out.contains("Half of the ans") && out.contains(text),
                "{out}"
            );
            // Nobody is told that the call is whole.
            for end in ["\"tool_use\",\"stop", "message_stop", "response.completed"] {
                assert!(!out.contains(end), "{choice}: {out}");
            }
        }
    }
}

#[test]
fn servers_have_words_of_their_own_for_why_an_answer_ends() {
    for (word, stop) in [
        ("model_length", "max_tokens"),
        ("sensitive", "refusal"),
        ("content_filter: RECITATION", "refusal"),
        ("never_heard_of", "tool_use"),
    ] {
        let (whole, events) = ended(&format!("\"finish_reason\":\"{word}\""));
        let answer = back(Messages, false);
        let whole = answer.answer(whole.as_bytes(), &mut Default::default());
        let mut stream = back(Messages, true).stream();
        let mut out = String::new();
        stream.push(events.as_bytes(), &mut out).unwrap();
        stream.finish(&mut out).unwrap();
        let stop = format!("\"stop_reason\":\"{stop}\"");
        assert!(whole.unwrap().contains(&stop), "{word}");
        assert!(out.contains(&stop), "{word}: {out}");
    }
}

/// What a client of Messages, which wants to see thinking, is told of a stream with these
/// deltas, and what was dropped.
pub(super) fn streamed(deltas: &[Value]) -> (String, String) {
    let chunk = |delta| json!({ "id": "1", "choices": [{ "index": 0, "delta": delta }] });
    let chunks: Vec<Value> = deltas.iter().map(chunk).collect();
    told(Messages, &chunks)
}

/// What a client is told of these chunks, and what was dropped.
pub(super) fn told(client: Protocol, chunks: &[Value]) -> (String, String) {
    let mut stream = back(client, true).stream();
    let mut out = String::new();
    for chunk in chunks {
        let event = format!("data: {chunk}\n\n");
        stream.push(event.as_bytes(), &mut out).unwrap();
    }
    stream.push(b"data: [DONE]\n\n", &mut out).unwrap();
    (out, stream.dropped().words())
}

/// The text of all pieces of this kind in a stream, those of different blocks apart.
pub(super) fn pieces(events: &str, kind: &str) -> Vec<String> {
    let mut blocks: Vec<(u64, String)> = Vec::new();
    for data in events
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
    {
        let event: Value = serde_json::from_str(data).unwrap();
        let Some(piece) = event["delta"][kind].as_str() else {
            continue;
        };
        let index = event["index"].as_u64().unwrap();
        match blocks.last_mut().filter(|(last, _)| *last == index) {
            Some((_, text)) => text.push_str(piece),
            None => blocks.push((index, piece.to_owned())),
        }
    }
    blocks.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn every_piece_of_a_call_may_have_an_id_of_its_own() {
    let call = |id: &str, function: Value| json!({ "tool_calls": [{ "index": 0, "id": id, "function": function }] });
    let named = |id| call(id, json!({ "name": "get", "arguments": "" }));
    let more = |id, arguments: &str| call(id, json!({ "arguments": arguments }));
    for (deltas, told, lost) in [
        (
            vec![named("a"), more("b", "{\"a\": "), more("c", "1}")],
            vec!["{\"a\": 1}"],
            "",
        ),
        // Ids that are known tell calls of one index apart.
        (
            vec![named("a"), named("b"), more("a", "[1]"), more("b", "[2]")],
            vec!["[1]", "[2]"],
            "",
        ),
        (
            vec![named("a"), more("x", "[1]"), named("b"), more("y", "[2]")],
            vec!["[1]", "[2]"],
            "",
        ),
        (vec![more("a", "[1]")], vec![], "tool_calls"),
        (vec![more("a", "")], vec![], ""),
    ] {
        let (out, dropped) = streamed(&deltas);
        assert_eq!(pieces(&out, "partial_json"), told, "{out}");
        assert_eq!(dropped, lost, "{out}");
    }
}

#[test]
fn thinking_may_be_in_the_list_of_the_content() {
    let thinks =
        |text| json!({ "type": "thinking", "thinking": [{ "type": "text", "text": text }] });
    let says = |text| json!({ "type": "text", "text": text });
    let deltas = [
        json!({ "content": [thinks("deep ")] }),
        json!({ "content": [thinks("thought")] }),
        json!({ "content": [says("The "), { "type": "reference", "reference_ids": [0] }] }),
        json!({ "content": "answer" }),
    ];
    let (out, dropped) = streamed(&deltas);
    assert_eq!(pieces(&out, "thinking"), ["deep thought"]);
    assert_eq!(pieces(&out, "signature"), ["ctr:listed"]);
    assert_eq!(pieces(&out, "text"), ["The answer"]);
    assert_eq!(dropped, "content.reference");
    let content = json!([
        thinks("deep thought"),
        says("The "),
        deltas[2]["content"][1],
        says("answer")
    ]);
    let whole = json!({ "choices": [{ "message": { "content": content } }] });
    let mut dropped = Dropped::default();
    let answer = back(Messages, false).answer(whole.to_string().as_bytes(), &mut dropped);
    let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
    let thought =
        json!({ "type": "thinking", "thinking": "deep thought", "signature": "ctr:listed" });
    assert_eq!(
        answer["content"],
        json!([thought, { "type": "text", "text": "The answer" }])
    );
    assert_eq!(dropped.words(), "content.reference");
    // Its maker refuses `reasoning_content`.
    let body = json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "assistant", "content": answer["content"] }] });
    let (body, dropped) = asked(Messages, &body);
    assert_eq!(
        body["messages"][1],
        json!({ "role": "assistant", "content": "The answer" })
    );
    assert_eq!(dropped, "thinking");
}

#[test]
fn an_answer_begins_where_it_has_a_name_or_a_choice() {
    let filters = json!({ "choices": [], "id": "", "model": "", "prompt_filter_results": [{}] });
    let said = json!({ "choices": [{ "index": 0, "delta": { "content": "Hi" } }], "id": "chatcmpl-7", "model": "gpt" });
    let nameless = json!({ "choices": [{ "index": 0, "delta": { "content": "Hi" } }] });
    for (client, id, none) in [(Messages, "msg_7", "msg_"), (Responses, "resp_7", "resp_")] {
        let (out, _) = told(client, &[filters.clone(), said.clone()]);
        assert!(out.contains(&format!("\"id\":\"{id}\"")), "{out}");
        assert!(out.contains("\"model\":\"gpt\""), "{out}");
        assert!(!out.contains("\"model\":\"\""), "{out}");
        let (out, _) = told(client, &[filters.clone(), nameless.clone()]);
        assert!(out.contains(&format!("\"id\":\"{none}\"")), "{out}");
        // Nor is there an end without a beginning.
        let (out, _) = told(client, std::slice::from_ref(&filters));
        let begin = match client {
            Messages => "event: message_start\n",
            _ => "event: response.created\n",
        };
        assert!(out.starts_with(begin), "{out}");
        assert!(out.contains(&format!("\"id\":\"{none}\"")), "{out}");
    }
}

#[test]
fn usage_may_be_told_in_a_choice_and_of_a_cache_beside_the_prompt() {
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 6 });
    let wanted = "\"usage\":{\"input_tokens\":4,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":6,\"output_tokens\":5}";
    let choice = json!({ "index": 0, "delta": {}, "finish_reason": "stop", "usage": usage });
    let (out, _) = told(Messages, &[json!({ "id": "1", "choices": [choice] })]);
    assert!(out.contains(wanted), "{out}");
    let whole = json!({ "choices": [{ "message": { "content": "Hi" } }], "usage": usage });
    let answer =
        back(Messages, false).answer(whole.to_string().as_bytes(), &mut Dropped::default());
    assert!(answer.unwrap().contains(wanted));
}

#[test]
fn reasoning_may_be_counted_beside_the_completion() {
    for (completion, reasoning, total, wanted) in [(9, 94, 135, 103), (103, 94, 135, 103)] {
        let usage = json!({
            "prompt_tokens": 32, "completion_tokens": completion, "total_tokens": total,
            "completion_tokens_details": { "reasoning_tokens": reasoning },
        });
        let whole = json!({ "choices": [{ "message": { "content": "Hi" } }], "usage": usage });
        let answer =
            back(Messages, false).answer(whole.to_string().as_bytes(), &mut Dropped::default());
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        assert_eq!(answer["usage"]["output_tokens"], wanted);
    }
}

/// What a client of Messages is told of a whole answer with this message, and what was
/// dropped.
fn answered(message: &Value) -> (Value, String) {
    let whole = json!({ "choices": [{ "message": message }] }).to_string();
    let mut dropped = Dropped::default();
    let answer = back(Messages, false).answer(whole.as_bytes(), &mut dropped);
    let answer = serde_json::from_str(&answer.unwrap()).unwrap();
    (answer, dropped.words())
}

#[test]
fn what_a_message_has_that_is_not_read_is_named() {
    let page = json!({ "url_citation": { "url": "https://a.example" } });
    for (message, named) in [
        (
            json!({ "content": "t", "images": [{ "image_url": { "url": "data:," } }] }),
            "message.images",
        ),
        (
            json!({ "content": null, "audio": { "data": "", "transcript": "t" } }),
            "message.audio",
        ),
        (
            json!({ "content": "t", "reasoning": "r", "reasoning_details": [{ "text": "r" }] }),
            "message.reasoning_details",
        ),
        (json!({ "content": "t", "new": { "a": 1 } }), "message.new"),
        (
            json!({ "content": null, "annotations": [page] }),
            "annotations",
        ),
        // All of it is read, or says nothing.
        (
            json!({
                "role": "assistant",
                "content": "t",
                "refusal": "r",
                "reasoning": "r",
                "reasoning_content": "r",
                "annotations": [page],
                "tool_calls": [{ "id": "c", "function": { "name": "get", "arguments": "{}" } }],
                "audio": null,
                "images": [],
                "prefix": false,
                "token_id": 7,
            }),
            "",
        ),
    ] {
        assert_eq!(answered(&message).1, named, "{message}");
        assert_eq!(streamed(&[message]).1, named);
    }
}

#[test]
fn a_call_may_be_told_as_before_there_were_tools() {
    let old = |name: &str, arguments| json!({ "function_call": { "name": name, "arguments": arguments } });
    let more = |arguments| json!({ "function_call": { "arguments": arguments } });
    let call = json!({ "id": "c", "function": { "name": "other", "arguments": "{}" } });
    let tool = |id: &str, name: &str, arguments| json!({ "tool_calls": [{ "index": u64::from(id == "d"), "id": id, "function": { "name": name, "arguments": arguments } }] });
    let mut both = old("get", "{\"a\":1}");
    both["tool_calls"] = json!([call]);
    for (deltas, name, told, lost) in [
        (
            vec![old("get", ""), more("{\"a\""), more(":1}")],
            "get",
            vec!["{\"a\":1}"],
            "",
        ),
        // The name again is no other call: there is but one.
        (
            vec![old("get", "{\"a\""), old("get", ":1}")],
            "get",
            vec!["{\"a\":1}"],
            "",
        ),
        (
            vec![both.clone()],
            "other",
            vec!["{}"],
            "message.function_call",
        ),
        (vec![more("[1]")], "", vec![], "message.function_call"),
        (vec![old("", "")], "", vec![], ""),
        // It is told again as tools are: whole, or as far as it was told.
        (
            vec![old("get", "{}"), tool("c", "get", "{}")],
            "get",
            vec!["{}"],
            "",
        ),
        (
            vec![old("get", "[1]"), tool("c", "get", "[1]")],
            "get",
            vec!["[1]"],
            "tool_calls.arguments",
        ),
        (
            vec![old("get", ""), tool("c", "get", "[1]"), more("[1]")],
            "get",
            vec!["[1]"],
            "message.function_call",
        ),
        // Others are others.
        (
            vec![
                old("get", "[1]"),
                tool("c", "get", ""),
                tool("d", "get", "[2]"),
            ],
            "get",
            vec!["[1]", "[2]"],
            "",
        ),
        (
            vec![old("get", "[1]"), tool("c", "other", "[2]")],
            "other",
            vec!["[1]", "[2]"],
            "",
        ),
    ] {
        let (out, dropped) = streamed(&deltas);
        assert_eq!(pieces(&out, "partial_json"), told, "{out}");
        let stop = if name.is_empty() {
            "end_turn"
        } else {
            assert!(out.contains(&format!("\"name\":\"{name}\"")), "{out}");
            "tool_use"
        };
        assert!(
            out.contains(&format!("\"stop_reason\":\"{stop}\"")),
            "{out}"
        );
        assert_eq!(dropped, lost, "{out}");
    }
    let used = |id: &str, name: &str, input| json!([{ "type": "tool_use", "id": id, "name": name, "input": input }]);
    for (message, content, lost) in [
        (
            old("get", "{\"a\":1}"),
            used("call_b2dea48d667b2821_0", "get", json!({ "a": 1 })),
            "",
        ),
        (both, used("c", "other", json!({})), "message.function_call"),
        (more("[1]"), json!([]), "message.function_call"),
        (old("", ""), json!([]), ""),
    ] {
        let (answer, dropped) = answered(&message);
        assert_eq!(answer["content"], content, "{message}");
        assert_eq!(dropped, lost, "{message}");
        let calls = content
            .as_array()
            .is_some_and(|content| !content.is_empty());
        let stop = if calls { "tool_use" } else { "end_turn" };
        assert_eq!(answer["stop_reason"], stop, "{message}");
    }
}
