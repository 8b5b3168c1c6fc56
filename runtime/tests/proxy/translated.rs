//! Endpoints that speak another protocol than the client.

use std::time::Duration;

use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::stage::{CHAT, MESSAGES, RESPONSES, Stage, UPSTREAM_KEY, endpoint, pool_plan, upstream};

const ASK: &str =
    "{\"model\":\"m\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
const STREAM: &str = "{\"model\":\"m\",\"max_tokens\":50,\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
const EVENTS: &str = "text/event-stream";

/// A plan with one pool `m` of endpoints at these paths.
fn mixed(upstreams: &[(&ScriptedUpstream, &str)]) -> Value {
    let mut plan = pool_plan(MESSAGES, &[]);
    let ids = ["a", "b", "c"].into_iter().zip(0..);
    let endpoints = upstreams
        .iter()
        .zip(ids)
        .map(|((upstream, path), (id, priority))| {
            endpoint(id, &format!("{}{path}", upstream.url()), priority)
        });
    plan["pools"]["m"]["endpoints"] = endpoints.collect();
    plan
}

/// The words of a stream's text, as the client's protocol has them.
fn streamed(path: &str, body: &str) -> String {
    let pointer = match path {
        MESSAGES => "/delta/text",
        CHAT => "/choices/0/delta/content",
        _ => "/delta",
    };
    let events = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = events.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    events
        .filter_map(|event| Some(event.pointer(pointer)?.as_str()?.to_owned()))
        .collect()
}

fn said(path: &str, body: &Value) -> Value {
    let pointer = match path {
        MESSAGES => "/content/0/text",
        CHAT => "/choices/0/message/content",
        _ => "/output/0/content/0/text",
    };
    body.pointer(pointer).cloned().unwrap_or_default()
}

#[tokio::test]
async fn every_client_is_served_by_every_endpoint() {
    let up = upstream().await;
    up.set_default(Answer::text("one two"));
    for at in [MESSAGES, CHAT, RESPONSES] {
        let stage = Stage::new(&mixed(&[(&up, at)])).await;
        for client in [MESSAGES, CHAT, RESPONSES] {
            let input = |stream| {
                let mut body: Value =
                    serde_json::from_str(if stream { STREAM } else { ASK }).unwrap();
                if client == RESPONSES {
                    body = json!({ "model": "m", "input": "hi", "stream": stream });
                }
                body.to_string()
            };
            let got = stage.ask(client, &[], &input(false)).await;
            assert_eq!(
                (got.status.as_u16(), said(client, &got.json())),
                (200, "one two".into()),
                "{client} at {at}"
            );
            let got = stage.ask(client, &[], &input(true)).await;
            assert!(got.header("content-type").starts_with(EVENTS));
            assert_eq!(
                (streamed(client, &got.body), got.whole),
                ("one two".to_owned(), true),
                "{client} at {at}"
            );
            let last = match client {
                MESSAGES => "event: message_stop",
                CHAT => "data: [DONE]",
                _ => "event: response.completed",
            };
            assert!(got.body.contains(last), "{}", got.body);
            // Chat Completions and Responses have one base, so a client of
            // Responses is passed on.
            let is_passed_on = client == at || (client == RESPONSES && at == CHAT);
            assert_eq!(
                got.header("x-ctr-translated").is_empty(),
                is_passed_on,
                "{client} at {at}"
            );
        }
    }
    assert_eq!(up.aborted(), 0);
}

#[tokio::test]
async fn what_the_endpoint_is_told() {
    let up = upstream().await;
    up.set_default(
        Answer::text("yes")
            .header("x-request-id", "req_of_openai")
            .header("request-id", ""),
    );
    let stage = Stage::new(&mixed(&[(&up, "/v1/chat/completions?v=1")])).await;
    let sent = [
        ("anthropic-version", "2026-10-21"),
        ("anthropic-beta", "one,two"),
        ("x-claude-code-session-id", "s"),
        ("x-stainless-lang", "js"),
        ("x-app", "cli"),
        ("accept-encoding", "gzip, zstd"),
        ("x-custom-thing", "42"),
        ("user-agent", "client/1"),
    ];
    let body = ASK.replace("\"max_tokens\"", "\"some_future_field\":1,\"max_tokens\"");
    let got = stage.ask("/v1/messages?beta=true", &sent, &body).await;
    let received = up.received().pop().unwrap();
    assert_eq!(received.target, "/v1/chat/completions?v=1");
    let expected = json!({
        "model": "up/a",
        "messages": [{ "role": "user", "content": "hi" }],
        "max_completion_tokens": 50,
    });
    assert_eq!(received.json(), expected);
    for (name, _) in &sent[..5] {
        assert_eq!(received.header(name), None, "{name}");
    }
    assert_eq!(received.header("accept-encoding"), Some("identity"));
    assert_eq!(received.header("x-custom-thing"), Some("42"));
    assert_eq!(received.header("user-agent"), Some("client/1"));
    assert_eq!(
        received.header("authorization"),
        Some("Bearer upstream-secret")
    );
    assert_eq!(got.header("x-ctr-translated"), "messages-to-chat");
    assert_eq!(
        got.header("x-ctr-dropped"),
        "anthropic-beta, some_future_field"
    );
    assert_eq!(got.header("x-request-id"), "req_of_openai");
    assert_eq!(got.header("x-ctr-endpoint"), "a");
    assert_eq!(got.header("content-length"), got.body.len().to_string());

    let stage = Stage::new(&mixed(&[(&up, MESSAGES)])).await;
    let openai = [
        ("openai-organization", "o"),
        ("originator", "codex"),
        ("authorization", "Bearer caller"),
    ];
    let got = stage.ask(CHAT, &openai, ASK).await;
    let received = up.received().pop().unwrap();
    for (name, _) in openai {
        assert_eq!(received.header(name), None, "{name}");
    }
    assert_eq!(received.header("x-api-key"), Some(UPSTREAM_KEY));
    assert_eq!(received.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(
        (got.header("x-ctr-translated"), got.header("x-ctr-dropped")),
        ("chat-to-messages", "")
    );
}

#[tokio::test]
async fn the_upstreams_request_id_is_found_where_the_client_looks() {
    let up = upstream().await;
    for (client, at, given, looked_at) in [
        (MESSAGES, CHAT, "x-request-id", "request-id"),
        (CHAT, MESSAGES, "request-id", "x-request-id"),
    ] {
        let stage = Stage::new(&mixed(&[(&up, at)])).await;
        up.push(
            Answer::raw("application/json", ["{}"])
                .status(400)
                .header(given, "req_up"),
        );
        let got = stage.ask(client, &[], ASK).await;
        assert_eq!(
            (got.status.as_u16(), got.header(looked_at)),
            (400, "req_up")
        );
    }
}

#[tokio::test]
async fn a_strategy_orders_endpoints_whatever_they_speak() {
    let (a, b) = (upstream().await, upstream().await);
    for (first, second) in [(MESSAGES, CHAT), (CHAT, MESSAGES)] {
        for client in [MESSAGES, CHAT] {
            for failure in [
                Answer::error(529, "overloaded_error", "no"),
                Answer::error_event("overloaded_error", "no"),
                Answer::reset(),
            ] {
                let stage = Stage::new(&mixed(&[(&a, first), (&b, second)])).await;
                a.push(failure);
                b.push(Answer::text("yes"));
                let got = stage.ask(client, &[], STREAM).await;
                assert_eq!(
                    (got.status.as_u16(), got.header("x-ctr-endpoint")),
                    (200, "b")
                );
                assert_eq!(streamed(client, &got.body), "yes");
                let got = stage.ask(client, &[], ASK).await;
                assert_eq!(got.header("x-ctr-endpoint"), "b");
            }
        }
    }
    assert_eq!(a.received().len(), 12);
}

#[tokio::test]
async fn an_error_keeps_its_status_and_message() {
    let up = upstream().await;
    for (client, at) in [(MESSAGES, CHAT), (CHAT, MESSAGES), (MESSAGES, RESPONSES)] {
        for status in [400, 401, 403, 404, 413, 429, 500, 529] {
            let stage = Stage::new(&mixed(&[(&up, at)])).await;
            up.push(
                Answer::error(status, "kind_of_the_upstream", "up says no")
                    .header("retry-after", "17")
                    .header("x-should-retry", "false"),
            );
            let got = stage.ask(client, &[], STREAM).await;
            assert_eq!(got.status, status);
            let body = got.json();
            assert_eq!(body["error"]["message"], "up says no");
            assert_ne!(body["error"]["type"], "kind_of_the_upstream");
            assert_eq!(body["type"] == "error", client == MESSAGES);
            assert_eq!(
                (got.header("retry-after"), got.header("x-should-retry")),
                ("17", "false")
            );
            assert_eq!(got.header("content-type"), "application/json");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_left_for_the_next_endpoint() {
    let (a, b) = (upstream().await, upstream().await);
    let failed = "{\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\"server_error\",\"message\":\"busy\"}}";
    let half = "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (at, answer) in [
        (CHAT, Answer::raw("application/json", ["{\"almost\":"])),
        (CHAT, Answer::raw("text/html", ["<html>"])),
        (
            CHAT,
            Answer::raw("application/json", ["x"]).header("content-encoding", "gzip"),
        ),
        (CHAT, Answer::raw(EVENTS, [half])),
        (CHAT, Answer::cut("one", 0)),
        (RESPONSES, Answer::raw("application/json", [failed])),
    ] {
        let stage = Stage::new(&mixed(&[(&a, at), (&b, MESSAGES)])).await;
        a.push(answer);
        b.push(Answer::text("yes"));
        let got = stage.ask(MESSAGES, &[], ASK).await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (200, "b"),
            "{}",
            got.body
        );
        assert_eq!(stage.health("a").failure_count, 1);
        // Where no other endpoint is left, the client is told in its own words.
        let alone = Stage::new(&mixed(&[(&a, at)])).await;
        a.push(Answer::raw("application/json", [failed]));
        let got = alone.ask(MESSAGES, &[], ASK).await;
        assert!(got.status.is_server_error());
        assert_eq!(got.json()["type"], "error");
    }
}

#[tokio::test]
async fn an_error_in_spite_of_its_status_is_one_in_the_clients_words() {
    let (a, b) = (upstream().await, upstream().await);
    for (at, body, status, kind, message) in [
        (
            CHAT,
            "{\"error\":{\"message\":\"up says no\",\"code\":\"context_length_exceeded\"}}",
            400,
            "invalid_request_error",
            "prompt is too long: up says no",
        ),
        (
            CHAT,
            "{\"error\":{\"message\":\"up says no\",\"code\":502}}",
            500,
            "api_error",
            "up says no",
        ),
        (
            RESPONSES,
            "{\"status\":\"failed\",\"error\":{\"message\":\"up says no\",\"code\":\"invalid_prompt\"}}",
            400,
            "invalid_request_error",
            "up says no",
        ),
    ] {
        let stage = Stage::new(&mixed(&[(&a, at)])).await;
        a.push(Answer::raw("application/json", [body]));
        let got = stage.ask(MESSAGES, &[], ASK).await;
        let error = &got.json()["error"];
        assert_eq!(
            (got.status.as_u16(), &error["type"], &error["message"]),
            (status, &json!(kind), &json!(message)),
            "{body}"
        );
        // Only the caller's own fault ends there.
        let pool = Stage::new(&mixed(&[(&a, at), (&b, MESSAGES)])).await;
        a.push(Answer::raw("application/json", [body]));
        b.push(Answer::text("yes"));
        let got = pool.ask(MESSAGES, &[], ASK).await;
        let expected = if status == 400 { "a" } else { "b" };
        assert_eq!(got.header("x-ctr-endpoint"), expected, "{body}");
        b.set_script([]);
    }
}

#[tokio::test]
async fn a_stream_is_made_of_a_whole_answer_and_the_reverse() {
    let up = upstream().await;
    let stage = Stage::new(&mixed(&[(&up, CHAT)])).await;
    let whole = "{\"id\":\"1\",\"model\":\"x\",\"choices\":[{\"message\":{\"content\":\"one two\"},\"finish_reason\":\"stop\"}]}";
    up.push(Answer::raw("application/json", [whole]));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert!(got.header("content-type").starts_with(EVENTS));
    assert_eq!(streamed(MESSAGES, &got.body), "one two");
    assert!(
        got.body.trim_end().ends_with("{\"type\":\"message_stop\"}"),
        "{}",
        got.body
    );

    let events = "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one two\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]";
    up.push(Answer::raw(EVENTS, [events]));
    let got = stage.ask(MESSAGES, &[], ASK).await;
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(said(MESSAGES, &got.json()), "one two");
}

#[tokio::test]
async fn a_translated_stream_that_breaks_says_so() {
    let up = upstream().await;
    for (client, at, expected) in [
        (MESSAGES, CHAT, "event: error\ndata: {\"type\":\"error\""),
        (CHAT, MESSAGES, "data: {\"error\":{\"message\":"),
    ] {
        let stage = Stage::new(&mixed(&[(&up, at)])).await;
        for (answer, failures) in [
            (Answer::cut("one two", 4), 1),
            (Answer::cut_inside("one two three", 4), 2),
        ] {
            up.push(answer);
            let got = stage.ask(client, &[], STREAM).await;
            assert_eq!(stage.health("a").failure_count, failures);
            assert_eq!((got.status.as_u16(), got.whole), (200, true));
            assert!(
                streamed(client, &got.body).starts_with("one"),
                "{}",
                got.body
            );
            let last = got.body.trim_end().rsplit("\n\n").next().unwrap();
            assert!(last.starts_with(expected), "{}", got.body);
            assert!(!got.body.contains("[DONE]") && !got.body.contains("message_stop"));
        }
    }
    // An upstream that goes on with what is no event of its protocol.
    let stage = Stage::new(&mixed(&[(&up, CHAT)])).await;
    let good =
        "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
    up.push(Answer::raw(EVENTS, [good, "data: <html>\n\n"]));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert_eq!(streamed(MESSAGES, &got.body), "one");
    assert!(
        got.body.contains("event: error") && got.whole,
        "{}",
        got.body
    );
    // One that falls silent.
    let mut plan = mixed(&[(&up, CHAT)]);
    plan["upstream_timeout_ms"] = 500.into();
    let stage = Stage::new(&plan).await;
    up.push(Answer::raw(EVENTS, [good, good]).gap(Duration::from_secs(3600)));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert!(got.body.contains("stopped answering"), "{}", got.body);
    up.wait_aborted(1).await;
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let up = upstream().await;
    let stage = Stage::new(&mixed(&[(&up, CHAT)])).await;
    let good =
        "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n";
    up.push(Answer::raw(EVENTS, [good, good]).gap(Duration::from_secs(3600)));
    let mut response = stage.send(MESSAGES, &[], STREAM).await;
    let first = response
        .body_mut()
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap();
    assert!(first.starts_with(b"event: message_start"));
    // A client that leaves cancels the upstream.
    drop(response);
    up.wait_aborted(1).await;
}

#[tokio::test]
async fn usage_comes_only_where_it_was_asked_for() {
    let up = upstream().await;
    let stage = Stage::new(&mixed(&[(&up, MESSAGES)])).await;
    let got = stage.ask(CHAT, &[], STREAM).await;
    assert!(
        !got.body.contains("usage") && !got.body.contains("\"choices\":[]"),
        "{}",
        got.body
    );
    let with = STREAM.replace(
        "\"stream\":true",
        "\"stream\":true,\"stream_options\":{\"include_usage\":true}",
    );
    let got = stage.ask(CHAT, &[], &with).await;
    assert!(
        got.body
            .contains("\"choices\":[],\"usage\":{\"prompt_tokens\":10"),
        "{}",
        got.body
    );

    let stage = Stage::new(&mixed(&[(&up, CHAT)])).await;
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert_eq!(
        up.received().pop().unwrap().json()["stream_options"]["include_usage"],
        true
    );
    assert!(
        got.body.contains("\"usage\":{\"input_tokens\":10,"),
        "{}",
        got.body
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_told() {
    let up = upstream().await;
    let stage = Stage::new(&mixed(&[(&up, CHAT)])).await;
    for body in [
        "{\"model\":\"m\"}",
        "{\"model\":\"m\",\"messages\":\"hi\"}",
        "{\"model\":\"m\",\"messages\":[]}",
        "{\"model\":\"m\",\"messages\":[5]}",
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":{\"text\":\"hi\"}}]}",
        "{\"model\":\"m\",\"messages\":[}",
        "{\"model\":\"m\",\"messages\":[\"\\x\"]}",
    ] {
        let got = stage.ask(MESSAGES, &[], body).await;
        assert_eq!(got.status, 400, "{body}");
        assert_eq!(got.json()["error"]["type"], "invalid_request_error");
    }
    assert_eq!(
        (up.received().len(), stage.health("a").failure_count),
        (0, 0)
    );
}

#[tokio::test]
async fn what_a_model_cannot_do_becomes_text() {
    let up = upstream().await;
    let body = "{ \"model\":\"m\",\"thinking\":{\"type\":\"adaptive\"},\"future\":{\"a\": [1]},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"u\"},\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\"t\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}";
    let headers = [
        ("anthropic-beta", "interleaved-thinking-2025-05-14,other"),
        ("anthropic-beta", "more"),
    ];
    for at in [MESSAGES, CHAT] {
        let mut plan = mixed(&[(&up, at)]);
        plan["pools"]["m"]["endpoints"][0]["capabilities"] =
            json!({ "images": false, "reasoning": false, "tools": true });
        let stage = Stage::new(&plan).await;
        let got = stage.ask(MESSAGES, &headers, body).await;
        let dropped = got.header("x-ctr-dropped");
        assert!(
            dropped.contains("thinking_ignored, images_text_fallback"),
            "{dropped}"
        );
        let received = up.received().pop().unwrap();
        let told = String::from_utf8(received.body.to_vec()).unwrap();
        assert!(told.contains("[image left out"), "{told}");
        if at == MESSAGES {
            // All else stays, unknown fields and marks included.
            assert!(
                told.contains("\"future\":{\"a\":[1]}") && told.contains("cache_control"),
                "{told}"
            );
            assert!(
                told.contains("\"model\":\"up/a\"") && !told.contains("thinking"),
                "{told}"
            );
            let betas = received
                .headers
                .iter()
                .filter(|(name, _)| name == "anthropic-beta");
            let betas: Vec<&str> = betas.map(|(_, value)| value.as_str()).collect();
            assert_eq!(betas, ["other", "more"]);
        }
        // A request that asks for nothing of it passes as it is.
        let plain = "{ \"model\" : \"m\", \"messages\":[ ] ,\"x\":1e400}";
        if at == MESSAGES {
            stage.ask(MESSAGES, &headers, plain).await;
            let received = up.received().pop().unwrap();
            assert_eq!(received.body, plain.replace("\"m\"", "\"up/a\""));
            assert_eq!(received.header("anthropic-beta"), Some(headers[0].1));
        }
    }
}

#[tokio::test]
async fn thinking_of_another_endpoint_is_not_sent_to_anthropic() {
    let (a, b) = (upstream().await, upstream().await);
    let stage = Stage::new(&mixed(&[(&a, MESSAGES), (&b, CHAT)])).await;
    let body = "{ \"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\",\"signature\":\"SEAL\"},{\"type\":\"text\",\"text\":\"t\"}]}]}";
    let foreign = body.replace("SEAL", "ctr:content");
    let got = stage.ask(MESSAGES, &[], &foreign).await;
    assert_eq!(
        (got.header("x-ctr-dropped"), got.header("x-ctr-translated")),
        ("thinking", "")
    );
    let told = a.received().pop().unwrap().json();
    assert_eq!(
        told["messages"][0]["content"],
        json!([{ "type": "text", "text": "t" }])
    );
    let got = stage.ask("/v1/messages/count_tokens", &[], &foreign).await;
    assert_eq!(got.header("x-ctr-dropped"), "thinking");
    assert_eq!(a.received().pop().unwrap().json(), told, "what is counted");
    let own = body.replace("SEAL", "EqQB");
    let got = stage.ask(MESSAGES, &[], &own).await;
    assert_eq!(
        a.received().pop().unwrap().body,
        own.replace("\"m\"", "\"up/a\"")
    );
    assert_eq!(got.header("x-ctr-dropped"), "");
}
