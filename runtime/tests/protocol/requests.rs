//! Single fields of a request, in every protocol that has them.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Call};
use serde_json::{Value, json};

/// The request as the endpoint gets it, and what it does not get.
fn translated(client: Protocol, endpoint: Protocol, fields: &str) -> (Value, String) {
    let said = match client {
        Responses => r#""input":"Hello.""#,
        _ => r#""messages":[{"role":"user","content":"Hello."}]"#,
    };
    let body = format!("{{{said},{fields}}}");
    let json = Json::parse(&body, translate::opaque(client)).unwrap();
    let call = Call {
        client,
        endpoint,
        model: "m",
        request_id: "r",
        now: 0,
        adaptive: false,
    };
    let translated = translate::request(&json, &call).unwrap();
    let body = serde_json::from_str(&translated.body).unwrap();
    (body, translated.dropped.words())
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
