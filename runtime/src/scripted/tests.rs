use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::*;

async fn send(upstream: &ScriptedUpstream, method: &str, target: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(upstream.addr()).await.unwrap();
    let head =
        format!("{method} {target} HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\nConnection: close\r\n");
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Everything the upstream sends until it closes.
async fn ask(upstream: &ScriptedUpstream, method: &str, target: &str, body: &str) -> String {
    let mut answer = Vec::new();
    send(upstream, method, target, body)
        .await
        .read_to_end(&mut answer)
        .await
        .unwrap();
    String::from_utf8(answer).unwrap()
}

const MESSAGES: &str = "/v1/messages?beta=true";
const CHAT: &str = "/v1/chat/completions";
const PLAIN: &str = r#"{"model":"m"}"#;
const STREAM: &str = r#"{"model":"m","stream":true}"#;

fn json_of(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The text between chunk sizes, without the chunk sizes.
fn events_of(answer: &str) -> String {
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let is_size = |line: &&str| {
        !line.ends_with('\r') || line.trim_end().chars().any(|c| !c.is_ascii_hexdigit())
    };
    let lines: Vec<&str> = body
        .split('\n')
        .filter(is_size)
        .filter(|line| *line != "\r")
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn answers_in_the_protocol_of_the_path() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.push(Answer::text("good day"));

    let message = json_of(&ask(&upstream, "POST", MESSAGES, PLAIN).await);
    assert_eq!(message["content"][0]["text"], "good day");
    assert_eq!(message["model"], "m");
    assert_eq!(
        message["usage"],
        serde_json::json!({"input_tokens": 10, "output_tokens": 2})
    );

    let completion = json_of(&ask(&upstream, "POST", CHAT, PLAIN).await);
    assert_eq!(completion["choices"][0]["message"]["content"], "hello");
    assert_eq!(completion["usage"]["total_tokens"], 11);

    let received = upstream.received();
    assert_eq!(received.len(), 2);
    assert_eq!(
        (received[0].method.as_str(), received[0].target.as_str()),
        ("POST", MESSAGES)
    );
    assert_eq!(received[0].header("x-api-key"), Some("k"));
    assert_eq!(received[0].body, PLAIN);
    assert_eq!(received[1].json()["model"], "m");
    assert_eq!(upstream.aborted(), 0);
}

#[tokio::test]
async fn streams_one_event_a_word() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.set_default(Answer::text("good day"));

    let stream = ask(&upstream, "POST", MESSAGES, STREAM).await;
    assert!(
        stream.contains("content-type: text/event-stream"),
        "{stream}"
    );
    let names: Vec<&str> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    let whole = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names, whole);

    let chunks = ask(&upstream, "POST", CHAT, STREAM).await;
    assert_eq!(chunks.matches("data: {").count(), 4);
    assert!(!chunks.contains("usage"));
    assert!(
        events_of(&chunks).trim_end().ends_with("data: [DONE]"),
        "{chunks}"
    );

    let with_usage = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;
    let chunks = ask(&upstream, "POST", CHAT, with_usage).await;
    assert!(chunks.contains(r#""total_tokens":12"#), "{chunks}");
}

#[tokio::test]
async fn errors_have_the_shape_of_the_protocol() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    let busy = Answer::error(529, "overloaded_error", "busy").header("retry-after", "7");
    upstream.set_script([
        busy.clone(),
        busy,
        Answer::error_event("overloaded_error", "busy"),
    ]);

    let anthropic = ask(&upstream, "POST", MESSAGES, STREAM).await;
    assert!(anthropic.starts_with("HTTP/1.1 529"), "{anthropic}");
    assert!(anthropic.contains("retry-after: 7\r\n"), "{anthropic}");
    assert_eq!(json_of(&anthropic)["error"]["type"], "overloaded_error");
    assert_eq!(json_of(&anthropic)["type"], "error");

    let openai = json_of(&ask(&upstream, "POST", CHAT, PLAIN).await);
    assert_eq!(openai["error"]["message"], "busy");
    assert!(openai.get("type").is_none());

    let event = ask(&upstream, "POST", MESSAGES, STREAM).await;
    assert!(event.starts_with("HTTP/1.1 200"), "{event}");
    assert!(
        events_of(&event).starts_with("event: error\ndata: {"),
        "{event}"
    );
    assert_eq!(upstream.aborted(), 0);
}

#[tokio::test]
async fn cuts_where_the_script_says() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.set_script([
        Answer::cut("a b", 4),
        Answer::cut_inside("a b", 4),
        Answer::cut_inside("a b", 0),
        Answer::cut("a b", 0),
        Answer::reset(),
    ]);

    let between = ask(&upstream, "POST", MESSAGES, STREAM).await;
    assert_eq!(between.matches("event: ").count(), 4);
    assert!(!between.ends_with("0\r\n\r\n"), "{between}");

    let inside = ask(&upstream, "POST", MESSAGES, STREAM).await;
    assert_eq!(inside.matches("event: ").count(), 5);
    assert!(
        inside.contains("data: {\"delta\":{\"text\":\"a "),
        "{inside}"
    );

    let json = ask(&upstream, "POST", CHAT, PLAIN).await;
    let length: usize = json
        .split("content-length: ")
        .nth(1)
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(json.split_once("\r\n\r\n").unwrap().1.len(), length / 2);

    let head_only = ask(&upstream, "POST", CHAT, PLAIN).await;
    assert!(head_only.ends_with("\r\n\r\n"), "{head_only}");

    assert_eq!(ask(&upstream, "POST", CHAT, PLAIN).await, "");
    assert_eq!(upstream.aborted(), 0);
}

#[tokio::test]
async fn raw_chunks_stay_apart_and_statuses_stay_as_written() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.push(Answer::raw("text/plain", ["one", "two"]).status(418));
    upstream.push(Answer::raw("text/plain", Vec::<&str>::new()));
    let answer = ask(&upstream, "POST", CHAT, PLAIN).await;
    assert!(answer.starts_with("HTTP/1.1 418"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        "{answer}"
    );
    ask(&upstream, "POST", CHAT, PLAIN).await;
    assert_eq!(upstream.aborted(), 0);
}

#[tokio::test]
async fn what_takes_nothing_from_the_script() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.set_script([Answer::text("kept")]);
    let models = json_of(&ask(&upstream, "GET", "/v1/models", "").await);
    assert_eq!(models["data"][0]["type"], "model");
    let count = json_of(&ask(&upstream, "POST", "/v1/messages/count_tokens", PLAIN).await);
    assert_eq!(count["input_tokens"], 10);
    let missing = ask(&upstream, "GET", "/v1/nothing", "").await;
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
    assert_eq!(json_of(&missing)["error"]["type"], "not_found_error");
    let broken = ask(&upstream, "POST", MESSAGES, "{").await;
    assert!(broken.starts_with("HTTP/1.1 400"), "{broken}");
    assert_eq!(
        json_of(&ask(&upstream, "POST", MESSAGES, PLAIN).await)["content"][0]["text"],
        "kept"
    );
    assert_eq!(upstream.received().len(), 5);
}

#[tokio::test]
async fn a_stopped_upstream_is_gone_and_can_come_back() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.push(Answer::hang());
    let mut waiting = send(&upstream, "POST", MESSAGES, PLAIN).await;
    upstream.wait_received(1).await;
    upstream.stop().await;
    let mut rest = Vec::new();
    waiting.read_to_end(&mut rest).await.unwrap_or_default();
    assert_eq!(rest, b"");
    assert!(TcpStream::connect(upstream.addr()).await.is_err());
    assert_eq!(upstream.aborted(), 0);
    upstream.stop().await;

    let again = ScriptedUpstream::start_at(upstream.addr()).await.unwrap();
    assert_eq!(
        json_of(&ask(&again, "POST", MESSAGES, PLAIN).await)["content"][0]["text"],
        "hello"
    );
}

#[tokio::test]
async fn a_client_that_leaves_is_counted() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.push(Answer::hang());
    upstream.push(Answer::text("a b").gap(Duration::from_secs(3600)));
    drop(send(&upstream, "POST", MESSAGES, PLAIN).await);
    upstream.wait_aborted(1).await;
    let mut stream = send(&upstream, "POST", MESSAGES, STREAM).await;
    stream.read_u8().await.unwrap();
    drop(stream);
    upstream.wait_aborted(2).await;
    assert_eq!(upstream.aborted(), 2);
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_script_says() {
    let upstream = ScriptedUpstream::start().await.unwrap();
    let (delay, gap) = (Duration::from_secs(60), Duration::from_secs(10));
    upstream.push(Answer::text("a").delay(delay).gap(gap));
    let started = Instant::now();
    let answer = ask(&upstream, "POST", MESSAGES, STREAM).await;
    assert_eq!(answer.matches("event: ").count(), 7);
    // The clock stands still except where everything waits, so this is exact to the timer's grain.
    assert_eq!(started.elapsed().as_secs(), 120);
}
