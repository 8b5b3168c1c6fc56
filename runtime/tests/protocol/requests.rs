//! Single fields of a request, in every protocol that has them.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Call, Dialect};
use serde_json::{Value, json};

/// The request as the endpoint gets it, and what it does not get.
fn translated(client: Protocol, endpoint: Protocol, fields: &str) -> (Value, String) {
    let said = match client {
        Responses => r#""input":"Hello.""#,
        _ => r#""messages":[{"role":"user","content":"Hello."}]"#,
    };
    sent(client, endpoint, &format!("{{{said},{fields}}}"))
}

/// A conversation as the endpoint gets it, and what it does not get.
fn told(endpoint: Protocol, messages: &Value) -> (Value, String) {
    let (mut body, dropped) = sent(Chat, endpoint, &json!({"messages": messages}).to_string());
    let field = if endpoint == Responses {
        "input"
    } else {
        "messages"
    };
    (body[field].take(), dropped)
}

pub(super) fn sent(client: Protocol, endpoint: Protocol, body: &str) -> (Value, String) {
    sent_to(Dialect::Usual, client, endpoint, body)
}

fn sent_to(dialect: Dialect, client: Protocol, endpoint: Protocol, body: &str) -> (Value, String) {
    let json = Json::parse(body, translate::opaque(client)).unwrap();
    let call = Call {
        client,
        endpoint,
        model: "m",
        request_id: "r",
        now: 0,
        adaptive: false,
        dialect,
    };
    let translated = translate::request(&json, &call).unwrap();
    let body = serde_json::from_str(&translated.body).unwrap();
    (body, translated.dropped.words())
}

#[test]
fn a_strict_server_gets_nothing_that_it_refuses() {
    let body = json!({
        "max_tokens": 64,
        "stream": true,
        "metadata": {"user_id": "u"},
        "thinking": {"type": "enabled", "budget_tokens": 2048},
        "messages": [
            user("go"),
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "ctr:chat"},
                {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}},
                {"type": "tool_use", "id": "Ab3456789", "name": "get", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "Ab3456789", "content": "two"},
            ]},
        ],
    });
    let body = body.to_string();
    let (told, _) = sent_to(Dialect::FirstLimit, Messages, Chat, &body);
    assert_eq!(told["max_tokens"], 64);
    assert_eq!(told["reasoning_effort"], "low");
    assert_eq!(told["stream_options"]["include_usage"], true);
    let (told, dropped) = sent_to(Dialect::Strict, Messages, Chat, &body);
    assert_eq!(dropped, "metadata.user_id, thinking");
    let fields: Vec<_> = told.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["max_tokens", "messages", "model", "stream"]);
    let [_, calls, first, second] = told["messages"].as_array().unwrap().as_slice() else {
        panic!("{told}");
    };
    assert_eq!(calls.get("reasoning_content"), None);
    assert_eq!(calls["tool_calls"][0]["id"], first["tool_call_id"]);
    assert_eq!(first["tool_call_id"].as_str().unwrap().len(), 9);
    assert_eq!(calls["tool_calls"][1]["id"], "Ab3456789");
    assert_eq!(second["tool_call_id"], "Ab3456789");
}

#[test]
fn of_two_names_the_one_that_says_something_counts() {
    for (fields, limit) in [
        (r#""max_tokens":100,"max_completion_tokens":null"#, 100),
        (r#""max_completion_tokens":100,"max_tokens":null"#, 100),
        (r#""max_tokens":100,"max_completion_tokens":200"#, 200),
        (r#""max_completion_tokens":200,"max_tokens":100"#, 200),
        (r#""max_tokens":null,"max_completion_tokens":null"#, 8192),
    ] {
        let (body, _) = translated(Chat, Messages, fields);
        assert_eq!(body["max_tokens"], limit, "{fields}");
    }
    for (fields, user) in [
        (r#""user":"u","safety_identifier":null"#, "u"),
        (r#""safety_identifier":"s","user":null"#, "s"),
        (r#""user":"u","safety_identifier":"s""#, "s"),
    ] {
        for client in [Chat, Responses] {
            let (body, _) = translated(client, Messages, fields);
            assert_eq!(body["metadata"]["user_id"], user, "{client:?} {fields}");
        }
    }
}

#[test]
fn a_tool_that_is_not_carried_is_not_chosen() {
    let tools = r#""tools":[{"type":"web_search_20250305","name":"web_search"},{"name":"f","input_schema":{"type":"object"}}]"#;
    for endpoint in [Chat, Responses] {
        let choosing = |name: &str| {
            let choice = format!(r#"{tools},"tool_choice":{{"type":"tool","name":"{name}"}}"#);
            translated(Messages, endpoint, &choice)
        };
        let (body, dropped) = choosing("web_search");
        assert_eq!(body.get("tool_choice"), None, "{endpoint:?}");
        assert_eq!(body["tools"].as_array().unwrap().len(), 1);
        assert_eq!(dropped, "tools.web_search_20250305, tool_choice");
        let (body, dropped) = choosing("f");
        assert_eq!(body["tool_choice"]["type"], "function", "{endpoint:?}");
        assert_eq!(dropped, "tools.web_search_20250305");
    }
}

#[test]
fn no_thinking_is_said_in_the_word_that_the_client_had_for_it() {
    let none = r#""reasoning_effort":"none""#;
    let (body, _) = translated(Chat, Responses, none);
    assert_eq!(body["reasoning"], json!({"effort": "none"}));
    let (body, dropped) = translated(Chat, Messages, none);
    assert_eq!((body.get("thinking"), &*dropped), (None, ""));
    let none = r#""reasoning":{"effort":"none"}"#;
    let (body, _) = translated(Responses, Chat, none);
    assert_eq!(body["reasoning_effort"], "none");
    // Not every model takes the word.
    let off = r#""thinking":{"type":"disabled"}"#;
    for endpoint in [Chat, Responses] {
        let (body, _) = translated(Messages, endpoint, off);
        assert_eq!(body.get("reasoning_effort"), None);
        assert_eq!(body.get("reasoning"), None);
    }
}

pub(super) fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

/// A call of a message of the model, as Chat Completions had it before there were tools.
fn old_call(name: &str) -> Value {
    json!({"role": "assistant", "content": null, "function_call": {"name": name, "arguments": "{}"}})
}

fn old_result(name: &str, result: &str) -> Value {
    json!({"role": "function", "name": name, "content": result})
}

/// Who calls (`+`), and who gets which result, message by message of Anthropic's protocol.
pub(super) fn calls(messages: &Value) -> Vec<Vec<String>> {
    let told = |block: &Value| match block["type"].as_str().unwrap() {
        "tool_use" => format!("+{}", block["id"].as_str().unwrap()),
        "tool_result" => {
            let id = block["tool_use_id"].as_str().unwrap();
            let text = block["content"][0]["text"].as_str().unwrap_or_default();
            format!("{id}={text}")
        }
        _ => block["text"].as_str().unwrap().to_owned(),
    };
    let blocks = |message: &Value| {
        let blocks = message["content"].as_array().unwrap();
        blocks.iter().map(told).collect()
    };
    messages.as_array().unwrap().iter().map(blocks).collect()
}

#[test]
fn an_old_call_without_a_result_gets_one_that_says_nothing() {
    let said = json!([user("x"), old_call("f"), user("thanks, next")]);
    let (messages, _) = told(Messages, &said);
    let result = ["function_call_1=", "thanks, next"];
    assert_eq!(
        calls(&messages),
        [&["x"][..], &["+function_call_1"], &result]
    );
    let (items, dropped) = told(Responses, &said);
    let result =
        json!({"type": "function_call_output", "call_id": "function_call_1", "output": ""});
    assert_eq!(items[2], result);
    assert_eq!(dropped, "");
    // Also where the function is called again.
    let said = json!([
        user("x"),
        old_call("f"),
        user("again"),
        old_call("f"),
        old_result("f", "F"),
        old_call("g"),
    ]);
    let (messages, _) = told(Messages, &said);
    assert_eq!(
        calls(&messages),
        [
            &["x"][..],
            &["+function_call_1"],
            &["function_call_1=", "again"],
            &["+function_call_2"],
            &["function_call_2=F"],
            &["+function_call_3"],
            &["function_call_3="],
        ]
    );
}

#[test]
fn an_old_result_answers_the_oldest_call_of_its_name_and_no_other_does() {
    let said = json!([
        user("x"),
        old_call("f"),
        old_call("g"),
        old_call("f"),
        old_result("f", "F"),
        old_result("g", "G"),
        old_result("g", "more"),
        old_result("f", "F again"),
    ]);
    let (messages, dropped) = told(Messages, &said);
    assert_eq!(
        calls(&messages),
        [
            &["x"][..],
            &["+function_call_1", "+function_call_2", "+function_call_3"],
            &[
                "function_call_1=F",
                "function_call_2=G",
                "function_call_3=F again"
            ],
        ]
    );
    assert_eq!(dropped, "messages.function");
}

/// Calls of one message, as Chat Completions has them.
pub(super) fn called(ids: &[&str]) -> Value {
    let call = |id: &&str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let calls: Vec<Value> = ids.iter().map(call).collect();
    json!({"role": "assistant", "tool_calls": calls})
}

pub(super) fn result(id: &str, text: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": text})
}

#[test]
fn calls_without_ids_get_different_ones() {
    let said = json!([
        user("x"),
        called(&["", "a", ""]),
        result("", "1"),
        result("a", "2"),
        result("", "3"),
        called(&[""]),
        result("", "4"),
    ]);
    // Whether they are empty, null, or not there.
    let said = said.to_string();
    let null = said.replace("id\":\"\"", "id\":null");
    let none = said
        .replace("\"id\":\"\",", "")
        .replace(",\"tool_call_id\":\"\"", "");
    assert!(null != said && none != said && !none.contains("\"\""));
    for said in [&said, &null, &none] {
        let (body, dropped) = sent(Chat, Messages, &format!("{{\"messages\":{said}}}"));
        assert_eq!(
            calls(&body["messages"]),
            [
                &["x"][..],
                &["+no_id_1", "+a", "+no_id_2"],
                &["no_id_1=1", "a=2", "no_id_2=3"],
                &["+no_id_3"],
                &["no_id_3=4"],
            ],
            "{said}"
        );
        assert_eq!(dropped, "");
        let (body, dropped) = sent(Chat, Responses, &format!("{{\"messages\":{said}}}"));
        let items = body["input"].as_array().unwrap().iter();
        let ids: Vec<&str> = items.filter_map(|item| item["call_id"].as_str()).collect();
        let [first, second, third] = ["no_id_1", "no_id_2", "no_id_3"];
        let both = [first, "a", second, first, "a", second, third, third];
        assert_eq!(ids, both, "{said}");
        assert_eq!(dropped, "");
    }
}

#[test]
fn calls_without_ids_get_different_ones_where_they_are_shortened() {
    let call = |text| json!({"type": "function_call", "name": text, "arguments": "{}"});
    let result = |text| json!({"type": "function_call_output", "output": text});
    let said = [user("x"), call("f"), call("g"), result("F"), result("G")];
    let body = json!({"input": said}).to_string();
    for dialect in [Dialect::Usual, Dialect::Strict] {
        let (body, dropped) = sent_to(dialect, Responses, Chat, &body);
        let [_, calls, first, second] = body["messages"].as_array().unwrap().as_slice() else {
            panic!("{body}");
        };
        let ids = [0, 1].map(|at| &calls["tool_calls"][at]["id"]);
        assert_eq!(ids, [first, second].map(|result| &result["tool_call_id"]));
        assert!(ids[0] != ids[1] && ids[0] != "", "{dialect:?} {body}");
        assert_eq!(
            (&first["content"], &second["content"]),
            (&json!("F"), &json!("G"))
        );
        assert_eq!(dropped, "");
    }
}

#[test]
fn what_the_operator_says_in_between_takes_no_id_away() {
    let note = json!({"role": "system", "content": "Go on."});
    let said = json!([
        user("x"),
        called(&[""]),
        note,
        called(&[""]),
        result("", "1"),
        note,
        result("", "2"),
    ]);
    let (items, _) = told(Responses, &said);
    let items = items.as_array().unwrap().iter();
    let ids: Vec<&str> = items.filter_map(|item| item["call_id"].as_str()).collect();
    assert_eq!(ids, ["no_id_1", "no_id_2", "no_id_1", "no_id_2"]);
}

#[test]
fn arguments_that_are_no_text_are_taken_as_they_are() {
    let object = json!({"a": [1]});
    let call = json!({"type": "function_call", "call_id": "1", "name": "f", "arguments": object});
    let body = json!({"input": [user("x"), call]}).to_string();
    let (body, dropped) = sent(Responses, Messages, &body);
    assert_eq!(body["messages"][1]["content"][0]["input"], object);
    let call =
        json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": object}});
    let said = json!([user("x"), {"role": "assistant", "tool_calls": [call]}]);
    let (messages, also) = told(Messages, &said);
    assert_eq!(messages[1]["content"][0]["input"], object);
    assert_eq!(dropped + &also, "");
}

#[test]
fn different_ids_stay_different_where_some_are_not_taken() {
    let said = json!([
        user("x"),
        called(&["call.1", "call_1", "call:1"]),
        result("call.1", "A"),
        result("call_1", "B"),
        result("call:1", "C"),
    ]);
    // However they are written.
    let body = json!({"messages": said}).to_string();
    let body = body.replacen("call_1", r"call\u005f1", 1);
    let messages = &sent(Chat, Messages, &body).0["messages"];
    let ids = ["call_1_85cd963d", "call_1", "call_1_9474a1af"];
    let results = ["A", "B", "C"];
    let told = calls(messages);
    assert_eq!(told[1], ids.map(|id| format!("+{id}")));
    let pairs = ids.iter().zip(results);
    let pairs: Vec<String> = pairs.map(|(id, text)| format!("{id}={text}")).collect();
    assert_eq!(told[2], pairs);
}

#[test]
fn where_the_user_says_nothing_the_model_does_not_go_on_with_its_own_words() {
    for (last, texts, dropped) in [
        (user(" "), &["x", "y", "(empty)"][..], "messages.content"),
        (user(""), &["x", "y", "(empty)"], "messages.content"),
        (
            json!({"role": "system", "content": " "}),
            &["x", "y", "(empty)"],
            "messages.content",
        ),
        (user("z"), &["x", "y", "z"], ""),
        // What it is meant to go on with stays the last.
        (
            json!({"role": "assistant", "content": " "}),
            &["x", "y"],
            "",
        ),
    ] {
        let said = json!([user("x"), {"role": "assistant", "content": "y"}, last]);
        let (messages, named) = told(Messages, &said);
        assert_eq!(calls(&messages).concat(), texts, "{last}");
        assert_eq!(named, dropped, "{last}");
    }
}

#[test]
fn an_answer_that_the_model_goes_on_with_has_no_white_space_at_its_end() {
    let answer = |content: Value| json!({"role": "assistant", "content": content});
    let text = |text: &str| json!({"type": "text", "text": text});
    for (said, last) in [
        (
            json!([user("x"), answer(json!("{ \"a\":\t\n"))]),
            "{ \"a\":",
        ),
        (
            json!([user("x"), answer(json!([text("one "), text("two ")]))]),
            "two",
        ),
        (
            json!([user("x"), answer(json!([text("one "), text("\n")]))]),
            "one",
        ),
        // Others may have it.
        (json!([user("x"), answer(json!("y ")), user("z ")]), "z "),
    ] {
        let (messages, dropped) = told(Messages, &said);
        let content = messages.as_array().unwrap().last().unwrap()["content"].as_array();
        let text = &content.unwrap().last().unwrap()["text"];
        assert_eq!((text, &*dropped), (&json!(last), ""), "{said}");
    }
    let (messages, _) = told(
        Messages,
        &json!([user("x"), answer(json!("y ")), user("z")]),
    );
    assert_eq!(messages[1]["content"][0]["text"], "y ");
}

#[test]
fn an_effort_that_a_message_repeats_is_not_named() {
    let body = |of_all: &str, of_one: &str| {
        let thinking = r#""thinking":{"type":"adaptive"}"#;
        let reminder =
            format!(r#"{{"role":"system","content":"Go on.","output_config":{of_one}}}"#);
        let said = format!(r#"[{{"role":"user","content":"Hello."}},{reminder}]"#);
        format!(r#"{thinking},"output_config":{of_all},"messages":{said}"#)
    };
    let medium = r#"{"effort":"medium"}"#;
    for (of_all, of_one, expected) in [
        (medium, medium, ""),
        (medium, "{}", ""),
        (medium, "null", ""),
        (medium, r#"{"effort":"medium","new":null}"#, ""),
        (medium, r#"{"effort":"high"}"#, "messages.output_config"),
        (
            medium,
            r#"{"effort":"medium","new":1}"#,
            "messages.output_config",
        ),
        (medium, r#""medium""#, "messages.output_config"),
        ("null", medium, "messages.output_config"),
    ] {
        for endpoint in [Chat, Responses] {
            let (_, dropped) = translated(Messages, endpoint, &body(of_all, of_one));
            assert_eq!(dropped, expected, "{of_all} {of_one}");
        }
    }
}

#[test]
fn what_a_namespace_says_of_itself_is_said_of_its_functions() {
    let functions =
        r#"[{"type":"function","name":"f","description":"Waits."},{"type":"function","name":"g"}]"#;
    for (space, expected) in [
        (
            r#""description":"Sub-agents.","#,
            ["Sub-agents.\n\nWaits.", "Sub-agents."],
        ),
        (r#""description":"","#, ["Waits.", ""]),
        ("", ["Waits.", ""]),
    ] {
        let tools =
            format!(r#""tools":[{{"type":"namespace","name":"n",{space}"tools":{functions}}}]"#);
        let (body, dropped) = translated(Responses, Messages, &tools);
        assert_eq!(dropped, "");
        for (at, expected) in expected.iter().enumerate() {
            let described = body["tools"][at]["description"].as_str();
            assert_eq!(described.unwrap_or_default(), *expected, "{space}");
        }
    }
}
