//! Errors of an endpoint, as clients of another protocol read them.

use ctr_runtime::protocol::Protocol;
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Back, BadAnswer, Broken, Call};
use serde_json::{Value, json};

fn back(client: Protocol, endpoint: Protocol, stream: bool) -> Back {
    let body = match client {
        Protocol::Responses => format!("{{\"input\":\"\",\"stream\":{stream}}}"),
        _ => format!("{{\"messages\":[{{}}],\"stream\":{stream}}}"),
    };
    let call = Call {
        client,
        endpoint,
        model: "m",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id: "req_1",
        now: 0,
    };
    let json = Json::parse(&body, &[]).unwrap();
    translate::request(&json, &call).unwrap().back
}

#[test]
fn the_status_tells_the_type() {
    let openai =
        json!({ "error": { "message": "up says \"no\"", "type": "x", "code": "y" } }).to_string();
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (408, "timeout_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        let body = back(Protocol::Messages, Protocol::Chat, false).error(status, openai.as_bytes());
        let expected = json!({
            "type": "error",
            "error": { "type": kind, "message": "up says \"no\"" },
            "request_id": "req_1",
        });
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap(),
            expected,
            "{status}"
        );
    }
    let anthropic =
        json!({ "type": "error", "error": { "type": "x", "message": "up says no" } }).to_string();
    for (status, kind, code) in [
        (400, "invalid_request_error", Value::Null),
        (401, "invalid_request_error", "invalid_api_key".into()),
        (403, "permission_error", Value::Null),
        (404, "invalid_request_error", "model_not_found".into()),
        (429, "requests", "rate_limit_exceeded".into()),
        (500, "server_error", Value::Null),
        (529, "server_error", Value::Null),
    ] {
        let body = back(Protocol::Responses, Protocol::Messages, false)
            .error(status, anthropic.as_bytes());
        let expected = json!({ "error": { "message": "up says no", "type": kind, "param": null, "code": code } });
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap(),
            expected,
            "{status}"
        );
    }
}

fn told(client: Protocol, endpoint: Protocol, status: u16, error: &Value) -> Value {
    let body = json!({ "error": error }).to_string();
    let told = back(client, endpoint, false).error(status, body.as_bytes());
    let mut told: Value = serde_json::from_str(&told).unwrap();
    told["error"].take()
}

#[test]
fn between_openais_protocols_the_words_stay() {
    for (status, kind, param, code) in [
        (
            400,
            "invalid_request_error",
            json!("messages"),
            json!("context_length_exceeded"),
        ),
        (
            429,
            "insufficient_quota",
            Value::Null,
            json!("insufficient_quota"),
        ),
        (404, "invalid_request_error", json!("input"), Value::Null),
        (400, "BadRequestError", Value::Null, json!(400)),
    ] {
        let error = json!({ "message": "no", "type": kind, "param": param, "code": code });
        for (client, endpoint) in [
            (Protocol::Chat, Protocol::Responses),
            (Protocol::Responses, Protocol::Chat),
        ] {
            assert_eq!(told(client, endpoint, status, &error), error);
        }
    }
    for (error, kind, code) in [
        (
            json!({ "message": "no" }),
            "requests",
            json!("rate_limit_exceeded"),
        ),
        (
            json!({ "message": "no", "code": "insufficient_quota" }),
            "insufficient_quota",
            json!("insufficient_quota"),
        ),
        (
            json!({ "message": "no", "code": 429 }),
            "requests",
            json!("rate_limit_exceeded"),
        ),
    ] {
        let got = told(Protocol::Responses, Protocol::Chat, 429, &error);
        let expected = json!({ "message": "no", "type": kind, "param": null, "code": code });
        assert_eq!(got, expected, "{error}");
    }
}

#[test]
fn a_word_that_is_known_goes_before_the_status() {
    let of = |client, endpoint, status, kind: &str, code: &str| {
        let error = json!({ "message": "no", "type": kind, "code": code });
        told(client, endpoint, status, &error)
    };
    for (status, kind, code, expected) in [
        (
            400,
            "invalid_request_error",
            "model_not_found",
            "not_found_error",
        ),
        (
            403,
            "insufficient_quota",
            "insufficient_quota",
            "rate_limit_error",
        ),
        (400, "rate_limit_error", "", "rate_limit_error"),
        (503, "x", "context_length_exceeded", "invalid_request_error"),
        // Words for many a status say less than the status.
        (404, "invalid_request_error", "", "not_found_error"),
        (500, "server_error", "server_error", "api_error"),
        (504, "server_error", "", "timeout_error"),
    ] {
        let got = of(Protocol::Messages, Protocol::Chat, status, kind, code);
        assert_eq!(got["type"], expected, "{status} {kind} {code}");
    }
    for (status, kind, expected, code) in [
        (
            400,
            "rate_limit_error",
            "requests",
            json!("rate_limit_exceeded"),
        ),
        (
            500,
            "request_too_large",
            "invalid_request_error",
            Value::Null,
        ),
        (
            403,
            "authentication_error",
            "invalid_request_error",
            json!("invalid_api_key"),
        ),
        (429, "api_error", "requests", json!("rate_limit_exceeded")),
    ] {
        let got = of(Protocol::Chat, Protocol::Messages, status, kind, "");
        assert_eq!((&got["type"], &got["code"]), (&json!(expected), &code));
    }
}

#[test]
fn codes_that_clients_act_on_stay_in_streams() {
    for code in [
        "context_length_exceeded",
        "insufficient_quota",
        "invalid_prompt",
        "server_is_overloaded",
    ] {
        let error = format!("{{\"code\":\"{code}\",\"message\":\"no\"}}");
        let chat = format!("data: {{\"error\":{error}}}\n\n");
        let failed = "{\"type\":\"response.failed\",\"response\":{\"error\":";
        let responses = format!("data: {failed}{error}}}}}\n\n");
        for (client, endpoint, event) in [
            (Protocol::Responses, Protocol::Chat, chat),
            (Protocol::Chat, Protocol::Responses, responses),
        ] {
            let mut out = String::new();
            let mut stream = back(client, endpoint, true).stream();
            stream.push(event.as_bytes(), &mut out).unwrap();
            assert!(out.contains(&format!("\"code\":\"{code}\"")), "{out}");
        }
    }
}

#[test]
fn a_context_that_is_too_long_is_told_as_clients_look_for_it() {
    const CODE: &str = "context_length_exceeded";
    let anthropic = "prompt is too long: 210000 tokens > 200000 maximum";
    let openai = "This model's maximum context length is 8 tokens. You asked for 9.";
    let in_words = |start: &str, message: &str| (Value::Null, format!("{start}{message}"));
    for (client, endpoint, said, code, (expected_code, expected)) in [
        (
            Protocol::Chat,
            Protocol::Messages,
            anthropic,
            "",
            (json!(CODE), anthropic.to_owned()),
        ),
        (
            Protocol::Responses,
            Protocol::Messages,
            anthropic,
            "",
            (json!(CODE), anthropic.to_owned()),
        ),
        (
            Protocol::Messages,
            Protocol::Chat,
            "no",
            CODE,
            in_words("prompt is too long: ", "no"),
        ),
        (
            Protocol::Messages,
            Protocol::Responses,
            "no",
            CODE,
            in_words("prompt is too long: ", "no"),
        ),
        (
            Protocol::Messages,
            Protocol::Chat,
            openai,
            "",
            in_words("prompt is too long: ", openai),
        ),
        (
            Protocol::Messages,
            Protocol::Chat,
            anthropic,
            CODE,
            in_words("", anthropic),
        ),
        (
            Protocol::Chat,
            Protocol::Messages,
            "max_tokens: is too long",
            "",
            in_words("", "max_tokens: is too long"),
        ),
    ] {
        let error = json!({ "type": "invalid_request_error", "message": said, "code": code });
        let got = told(client, endpoint, 400, &error);
        assert_eq!(got["type"], "invalid_request_error");
        assert_eq!(
            (&got["code"], &got["message"]),
            (&expected_code, &json!(expected))
        );
        let event = match endpoint {
            Protocol::Responses => {
                json!({ "type": "response.failed", "response": { "error": error } })
            }
            _ => json!({ "type": "error", "error": error }),
        };
        let mut out = String::new();
        let mut stream = back(client, endpoint, true).stream();
        stream
            .push(format!("data: {event}\n\n").as_bytes(), &mut out)
            .unwrap();
        assert!(
            out.contains(&format!("\"message\":\"{expected}\"")),
            "{out}"
        );
        let has_code = out.contains(&format!("\"code\":\"{CODE}\""));
        assert_eq!(has_code, expected_code == CODE, "{out}");
    }
}

#[test]
fn a_message_is_found_wherever_it_is() {
    let back = back(Protocol::Chat, Protocol::Messages, false);
    for (body, message) in [
        ("{\"error\":\"plain\"}", "plain"),
        ("{\"message\":\"top\"}", "top"),
        ("{\"detail\":\"detail\"}", "detail"),
        (
            "[{\"error\":{\"code\":400,\"message\":\"Gemini's\"}}]",
            "Gemini's",
        ),
        (
            "{\"object\":\"error\",\"message\":{\"detail\":[{\"msg\":\"Mistral's\"}]}}",
            "{\"detail\":[{\"msg\":\"Mistral's\"}]}",
        ),
        (
            "{\"detail\":[{\"msg\":\"FastAPI's\"}]}",
            "[{\"msg\":\"FastAPI's\"}]",
        ),
        (
            "{\"error\":{\"message\":\"\",\"code\":1}}",
            "the upstream answered with status 502",
        ),
        ("[]", "the upstream answered with status 502"),
        (
            "{\"choices\":[{\"finish_reason\":\"error\",\"error\":{\"message\":\"died\"}}]}",
            "died",
        ),
        (
            "{\"choices\":[{\"finish_reason\":\"network_error\"}]}",
            "the answer ended with `network_error`",
        ),
        ("just text\n", "just text"),
        (
            "<html>a page</html>",
            "the upstream answered with status 502",
        ),
        ("", "the upstream answered with status 502"),
        ("\u{0}", "the upstream answered with status 502"),
    ] {
        let read: Value = serde_json::from_str(&back.error(502, body.as_bytes())).unwrap();
        if body != "\u{0}" {
            assert_eq!(read["error"]["message"], message, "{body}");
        }
    }
}

#[test]
fn a_stream_that_fails_says_so_in_the_clients_words() {
    let failures = [
        (
            Protocol::Messages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
        ),
        (
            Protocol::Chat,
            "data: {\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"code\":null}}\n\n",
        ),
        (
            Protocol::Responses,
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"busy\"}}}\n\n",
        ),
    ];
    for (endpoint, event) in failures {
        for client in [Protocol::Messages, Protocol::Chat, Protocol::Responses] {
            if client == endpoint {
                continue;
            }
            let mut stream = back(client, endpoint, true).stream();
            let mut out = String::new();
            stream.push(event.as_bytes(), &mut out).unwrap();
            stream
                .push(
                    b"data: {\"type\":\"message_stop\"}\n\ndata: [DONE]\n\n",
                    &mut out,
                )
                .unwrap();
            stream.finish(&mut out).unwrap();
            let expected = match client {
                Protocol::Messages => {
                    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"},\"request_id\":\"req_1\"}\n\n"
                }
                Protocol::Chat => {
                    "data: {\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"
                }
                Protocol::Responses => {
                    // Nothing had begun, and clients expect that something has.
                    assert_eq!(
                        names(&out),
                        [
                            "response.created",
                            "response.in_progress",
                            "response.failed"
                        ]
                    );
                    assert!(out.contains("\"type\":\"response.failed\",\"sequence_number\":2,"));
                    assert!(
                        out.contains("\"status\":\"failed\"")
                            && out.contains(
                                "\"error\":{\"code\":\"server_error\",\"message\":\"busy\"}"
                            )
                    );
                    continue;
                }
            };
            assert_eq!(out, expected, "{endpoint:?} to {client:?}");
            let mut whole = back(client, endpoint, false).collected();
            whole.push(event.as_bytes(), &mut out).unwrap();
            let failed = whole.finish(&mut out).unwrap_err();
            assert!(matches!(failed, Broken::Failed { message, .. } if message == "busy"));
        }
    }
}

fn names(events: &str) -> Vec<&str> {
    let lines = events.lines();
    lines
        .filter_map(|line| line.strip_prefix("event: "))
        .collect()
}

#[test]
fn a_stream_that_breaks_is_ended_in_the_clients_words() {
    let start =
        "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    let mut stream = back(Protocol::Messages, Protocol::Chat, true).stream();
    let mut out = String::new();
    stream.push(start.as_bytes(), &mut out).unwrap();
    assert_eq!(
        stream.push(b"data: not JSON\n\n", &mut out),
        Err(Broken::Garbled)
    );
    assert_eq!(stream.finish(&mut out), Err(Broken::Early));
    let before = out.len();
    stream.fail("it broke", &mut out);
    assert_eq!(
        &out[before..],
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"it broke\"},\"request_id\":\"req_1\"}\n\n"
    );
    stream.fail("it broke again", &mut out);
    assert!(!out.contains("again"));
}

#[test]
fn what_was_said_behind_a_call_that_goes_on_is_told_before_a_failure() {
    let chunk = |delta: &str| {
        format!("data: {{\"id\":\"1\",\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n")
    };
    let call = "{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"a\",\"arguments\":\"{\"}}]}";
    for client in [Protocol::Messages, Protocol::Responses] {
        let mut stream = back(client, Protocol::Chat, true).stream();
        let mut out = String::new();
        stream.push(chunk(call).as_bytes(), &mut out).unwrap();
        let before = out.len();
        let text = chunk("{\"content\":\"said \"}");
        stream.push(text.as_bytes(), &mut out).unwrap();
        assert_eq!(&out[before..], "", "{client:?}");
        for _ in 0..20 {
            stream.push(text.as_bytes(), &mut out).unwrap();
        }
        assert!(out[before..].contains("ping"), "{client:?}: {out}");
        assert!(!out.contains("said"), "{client:?}: {out}");
        stream.fail("it broke", &mut out);
        let said = out.find(&"said ".repeat(21));
        let broke = out.find("it broke");
        assert!(said.is_some() && said < broke, "{client:?}: {out}");
        for end in ["content_block_stop", "output_item.done"] {
            assert!(!out.contains(end), "{client:?}: {out}");
        }
    }
}

#[test]
fn an_answer_that_is_none() {
    let mut dropped = Default::default();
    for endpoint in [Protocol::Messages, Protocol::Chat] {
        let back = back(Protocol::Responses, endpoint, false);
        for body in [
            "",
            "{}",
            "{\"content\":1}",
            "{\"choices\":[]}",
            "{\"output\":",
            "[]",
        ] {
            assert_eq!(
                back.answer(body.as_bytes(), &mut dropped),
                Err(BadAnswer::Unreadable),
                "{body}"
            );
        }
    }
    let failed = "{\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\"server_error\",\"message\":\"busy\"}}";
    let expected = BadAnswer::Failed {
        kind: "server_error".to_owned(),
        message: "busy".to_owned(),
    };
    let back = back(Protocol::Chat, Protocol::Responses, false);
    assert_eq!(back.answer(failed.as_bytes(), &mut dropped), Err(expected));
}

#[test]
fn whichever_word_of_an_error_is_known_tells_what_it_is() {
    for (error, wanted) in [
        (
            r#"{"code":"weird_code","type":"rate_limit_error"}"#,
            "rate_limit_error",
        ),
        (
            r#"{"code":"xx","type":"authentication_error"}"#,
            "authentication_error",
        ),
        (r#"{"code":429,"message":"no"}"#, "rate_limit_error"),
        (r#"{"code":"529"}"#, "overloaded_error"),
        (r#"{"code":"never_heard_of"}"#, "api_error"),
        ("{\"message\":\"no\"}", "api_error"),
    ] {
        let back = back(Protocol::Messages, Protocol::Chat, true);
        let mut out = String::new();
        let stream = format!("data: {{\"error\":{error}}}\n\n");
        back.stream().push(stream.as_bytes(), &mut out).unwrap();
        assert!(
            out.contains(&format!("\"type\":\"{wanted}\"")),
            "{error}: {out}"
        );
    }
}
