//! What Gemini wants to see beside a call again.

use ctr_runtime::protocol::Protocol::{Messages, Responses};
use ctr_runtime::protocol::neutral::Dropped;
use ctr_runtime::protocol::translate::Dialect;
use serde_json::{Value, json};

use super::slips::{asked, asked_of, asked_of_model, back, pieces, streamed, told};

#[test]
fn what_seals_a_call_goes_back_beside_it() {
    let call = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "get", "arguments": "{\"a\":1}" } });
    let mut sealed = call("one");
    sealed["extra_content"] = json!({ "google": { "thought_signature": "A+b/==" } });
    let other = json!({ "id": "three", "function": { "name": "get", "arguments": "{}" }, "extra_content": { "x": 1 } });
    let calls = json!([sealed, call("two"), other]);
    let whole = json!({ "choices": [{ "message": { "tool_calls": calls } }] }).to_string();
    for (client, sealing, said) in [
        (Messages, "content", "messages"),
        (Responses, "output", "input"),
    ] {
        let mut dropped = Dropped::default();
        let answer = back(client, false)
            .answer(whole.as_bytes(), &mut dropped)
            .unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(dropped.words(), "tool_calls.extra_content");
        let said = match client {
            Messages => {
                json!({ said: [{ "role": "user", "content": "a" }, { "role": "assistant", "content": answer[sealing] }] })
            }
            _ => json!({ said: answer[sealing] }),
        };
        let (body, _) = asked(client, &said);
        let message = body["messages"].as_array().unwrap().last().unwrap();
        let calls = message["tool_calls"].as_array().unwrap();
        assert_eq!(calls[0], sealed, "{client:?}");
        assert_eq!(calls[1], call("two"), "{client:?}");
        assert_eq!(calls[2].get("extra_content"), None, "{client:?}");
    }
    let chunks: Vec<Value> = [&sealed, &call("two")]
        .map(|call| json!({ "tool_calls": [call] }))
        .into();
    let (out, dropped) = streamed(&chunks);
    assert_eq!(pieces(&out, "signature"), ["ctr:call:A+b/=="]);
    assert_eq!(pieces(&out, "partial_json"), ["{\"a\":1}", "{\"a\":1}"]);
    assert!(out.find("ctr:call:") < out.find("tool_use"), "{out}");
    let (out, _) = told(Responses, &[json!({ "choices": [{ "delta": chunks[0] }] })]);
    assert!(
        out.contains("\"encrypted_content\":\"ctr:call:A+b/==\""),
        "{out}"
    );
    assert_eq!(dropped, "");
}

#[test]
fn what_seals_a_call_goes_to_no_server_that_refuses_it() {
    let said = json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "assistant", "content": [
        { "type": "thinking", "thinking": "hm", "signature": "ctr:content" },
        { "type": "thinking", "thinking": "", "signature": "ctr:call:A" },
        { "type": "tool_use", "id": "one", "name": "get", "input": {} },
    ] }] });
    for (dialect, thoughts, seal, named) in [
        (Dialect::Usual, Some("hm"), Some("A"), ""),
        (Dialect::FirstLimit, Some("hm"), Some("A"), ""),
        (Dialect::OpenAi, None, None, "thinking"),
        (Dialect::Strict, None, None, "thinking"),
    ] {
        let (body, dropped) = asked_of(dialect, Messages, &said);
        let message = &body["messages"][1];
        let call = &message["tool_calls"][0];
        assert_eq!(
            message["reasoning_content"].as_str(),
            thoughts,
            "{dialect:?}"
        );
        let extra = &call["extra_content"]["google"]["thought_signature"];
        assert_eq!(extra.as_str(), seal, "{dialect:?}");
        assert_eq!(call["function"]["name"], "get");
        assert_eq!(dropped, named, "{dialect:?}");
    }
}

#[test]
fn calls_of_another_model_are_told_as_such_where_they_have_to_be_signed() {
    let call = |id: &str| json!({ "type": "tool_use", "id": id, "name": "get", "input": {} });
    let seal = |mark: &str| json!({ "type": "thinking", "thinking": "", "signature": mark });
    let result = |id: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": "a" });
    let text = json!({ "type": "text", "text": "so" });
    let said = json!({ "messages": [
        { "role": "user", "content": "before" },
        { "role": "assistant", "content": [call("old")] },
        { "role": "user", "content": [result("old")] },
        { "role": "assistant", "content": "done" },
        { "role": "user", "content": "now" },
        { "role": "assistant", "content": [text, call("one"), call("beside")] },
        { "role": "user", "content": [result("one"), result("beside"), text] },
        { "role": "assistant", "content": [seal("ctr:call:A"), call("two")] },
        { "role": "user", "content": [result("two")] },
        { "role": "assistant", "content": [call("three"), seal("ctr:call-before:B")] },
        { "role": "user", "content": [result("three")] },
        { "role": "assistant", "content": [seal("Anthropic's"), call("four")] },
        { "role": "user", "content": [result("four")] },
    ] });
    let foreign = Some("skip_thought_signature_validator");
    let none = [None, None, None, Some("A"), Some("B"), None];
    for (dialect, model, signatures) in [
        (
            Dialect::Google,
            "gemini-3-pro-preview",
            [None, foreign, None, Some("A"), Some("B"), foreign],
        ),
        (
            Dialect::Google,
            "google/gemini-flash-latest",
            [None, foreign, None, Some("A"), Some("B"), foreign],
        ),
        (Dialect::Google, "gemini-2.5-flash", none),
        (Dialect::Google, "meta/llama-4-maverick", none),
        (Dialect::Usual, "gemini-3-pro-preview", none),
    ] {
        let (body, dropped) = asked_of_model(dialect, model, Messages, &said);
        let messages = body["messages"].as_array().unwrap().iter();
        let calls =
            messages.flat_map(|message| message["tool_calls"].as_array().into_iter().flatten());
        let told: Vec<(&str, Option<&str>)> = calls
            .map(|call| {
                let extra = &call["extra_content"]["google"]["thought_signature"];
                (call["id"].as_str().unwrap(), extra.as_str())
            })
            .collect();
        let ids = ["old", "one", "beside", "two", "three", "four"];
        let expected: Vec<_> = ids.into_iter().zip(signatures).collect();
        assert_eq!(told, expected, "{dialect:?} {model}");
        assert_eq!(dropped, "thinking", "{dialect:?} {model}");
    }
}

/// A signature under the word of this signer.
fn signed(by: &str, signature: &str) -> Value {
    json!({ by: { "thought_signature": signature } })
}

#[test]
fn what_seals_a_call_goes_back_under_the_word_that_it_had() {
    for (by, mark) in [("google", "ctr:call:S"), ("vertex", "ctr:vertex:S")] {
        let mut call = json!({ "id": "one", "type": "function", "function": { "name": "get", "arguments": "{}" } });
        call["extra_content"] = signed(by, "S");
        let (out, dropped) = streamed(&[json!({ "tool_calls": [call] })]);
        assert_eq!(pieces(&out, "signature"), [mark]);
        assert_eq!(dropped, "");
        let said = json!({ "input": [
            { "type": "reasoning", "summary": [], "encrypted_content": mark },
            { "type": "function_call", "call_id": "one", "name": "get", "arguments": "{}" },
        ] });
        let (body, dropped) = asked(Responses, &said);
        assert_eq!(body["messages"][0]["tool_calls"], json!([call]));
        assert_eq!(dropped, "");
    }
}

#[test]
fn what_seals_a_call_may_come_in_a_chunk_of_its_own() {
    let begin = |id: &str, arguments: &str| json!({ "tool_calls": [{ "id": id, "index": usize::from(id == "two"), "function": { "name": "get", "arguments": arguments } }] });
    let more = |arguments: &str| json!({ "tool_calls": [{ "index": 0, "function": { "arguments": arguments } }] });
    let seal =
        |by: &str| json!({ "tool_calls": [{ "index": 0, "extra_content": signed(by, "S") }] });
    let google = || seal("google");
    let (whole, late) = ("{\"a\":1}", "ctr:call-before:S");
    let unread = "tool_calls.extra_content";
    for (deltas, mark, arguments, named) in [
        (vec![begin("one", whole), google()], late, vec![whole], ""),
        (
            vec![begin("one", whole), seal("vertex")],
            "ctr:vertex-before:S",
            vec![whole],
            "",
        ),
        (
            vec![google(), begin("one", whole)],
            "ctr:call:S",
            vec![whole],
            "",
        ),
        (
            vec![begin("one", "{\"a\""), google(), more(":1}")],
            late,
            vec![whole],
            "",
        ),
        // It does not make an early empty object that of a call without arguments.
        (
            vec![begin("one", "{}"), google(), more(whole)],
            late,
            vec![whole],
            "",
        ),
        (
            vec![begin("one", whole), google(), begin("two", whole)],
            late,
            vec![whole, whole],
            "",
        ),
        // Nor is it told twice, or of another call.
        (
            vec![begin("one", whole), google(), google()],
            late,
            vec![whole],
            unread,
        ),
        (
            vec![begin("one", whole), begin("two", whole), google()],
            "",
            vec![whole, whole],
            unread,
        ),
    ] {
        let (out, dropped) = streamed(&deltas);
        let marks: Vec<&str> = Some(mark)
            .filter(|mark| !mark.is_empty())
            .into_iter()
            .collect();
        assert_eq!(pieces(&out, "signature"), marks, "{out}");
        assert_eq!(pieces(&out, "partial_json"), arguments, "{out}");
        assert!(out.contains("message_stop"), "{out}");
        assert_eq!(dropped, named, "{out}");
    }
}

#[test]
fn a_call_is_sealed_once() {
    let call = |id: &str| json!({ "type": "tool_use", "id": id, "name": "get", "input": {} });
    let seal = |mark: &str| json!({ "type": "thinking", "thinking": "", "signature": mark });
    for (content, seals, named) in [
        (
            vec![call("one"), seal("ctr:call-before:A"), call("two")],
            [Some("A"), None],
            "",
        ),
        (
            vec![
                call("one"),
                seal("ctr:call:A"),
                call("two"),
                seal("ctr:call-before:B"),
            ],
            [None, Some("B")],
            "thinking",
        ),
        (
            vec![
                seal("ctr:call:A"),
                seal("ctr:call:B"),
                call("one"),
                call("two"),
            ],
            [Some("B"), None],
            "thinking",
        ),
        (
            vec![seal("ctr:call-before:A"), call("one"), call("two")],
            [None, None],
            "thinking",
        ),
        (
            vec![call("one"), call("two"), seal("ctr:call:A")],
            [None, None],
            "thinking",
        ),
    ] {
        let said = json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "assistant", "content": content }] });
        let (body, dropped) = asked(Messages, &said);
        let calls = &body["messages"][1]["tool_calls"];
        let signature =
            |at: usize| calls[at]["extra_content"]["google"]["thought_signature"].as_str();
        assert_eq!([0, 1].map(signature), seals, "{content:?}");
        assert_eq!(dropped, named, "{content:?}");
    }
}
