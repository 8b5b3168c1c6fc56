//! Single fields of a request, in every protocol that has them.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Call};
use serde_json::Value;

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
