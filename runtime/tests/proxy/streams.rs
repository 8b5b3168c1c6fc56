//! Streams that break off, on either side.

use std::time::Duration;

use ctr_runtime::scripted::Answer;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{CHAT, MESSAGES, RESPONSES, Stage, pool_plan, upstream};

const PLAIN: &str = "{\"model\":\"m\"}";
const STREAM: &str = "{\"model\":\"m\",\"stream\":true}";

/// Blocks between blank lines.
fn events(body: &str) -> Vec<&str> {
    assert!(body.ends_with("\n\n"), "{body}");
    body.trim_end().split("\n\n").collect()
}

#[tokio::test]
async fn an_anthropic_stream_ends_with_whole_events_and_an_error() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    for (answer, failures) in [
        (Answer::cut_inside("one two", 4), 1),
        (Answer::cut("one two", 4), 2),
    ] {
        up.push(answer);
        let got = stage.ask(MESSAGES, &[], STREAM).await;
        let events = events(&got.body);
        assert_eq!(
            (got.status.as_u16(), got.whole, events.len()),
            (200, true, 5)
        );
        for event in &events {
            let data = event
                .lines()
                .find_map(|line| line.strip_prefix("data: "))
                .unwrap();
            serde_json::from_str::<serde_json::Value>(data).unwrap();
        }
        assert!(
            events[3].contains("one") && !got.body.contains("two"),
            "{}",
            got.body
        );
        let error = events[4].strip_prefix("event: error\ndata: ").unwrap();
        let error: serde_json::Value = serde_json::from_str(error).unwrap();
        assert_eq!(
            (&error["type"], &error["error"]["type"]),
            (&"error".into(), &"api_error".into())
        );
        assert_eq!(error["request_id"], got.header("x-ctr-request-id"));
        let health = stage.health("a");
        assert_eq!((health.failure_count, health.success_count), (failures, 0));
    }
}

#[tokio::test]
async fn an_openai_stream_ends_with_an_error_and_is_not_done() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    up.push(Answer::cut_inside("one two", 2));
    let got = stage.ask(CHAT, &[], STREAM).await;
    let events = events(&got.body);
    assert_eq!((got.whole, events.len()), (true, 3));
    assert!(!got.body.contains("[DONE]"));
    let error: serde_json::Value =
        serde_json::from_str(events[2].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(error["error"]["type"], "server_error");
    assert_eq!(stage.health("a").failure_count, 1);
}

/// Streams whose last bytes came in good order, though not their last event.
const ENDED_EARLY: [(&str, &str, &str); 5] = [
    (
        CHAT,
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"\"}]}\n\n",
        "data: {\"error\":",
    ),
    (
        MESSAGES,
        "data: {\"type\":\"message_start\"}\n\n",
        "event: error\ndata: ",
    ),
    (
        MESSAGES,
        "data: {\"type\":\"message_start\"}\n\ndata: {\"type\":\"content_block_de",
        "event: error\ndata: ",
    ),
    (
        CHAT,
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":null}]}\n\n",
        "data: {\"error\":",
    ),
    (
        RESPONSES,
        "data: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"error\":null}}\n\n",
        "event: response.failed\ndata: ",
    ),
];

#[tokio::test]
async fn a_stream_that_ends_before_its_last_event_does_not_look_complete() {
    let up = upstream().await;
    for (path, stream, said) in ENDED_EARLY {
        let stage = Stage::new(&pool_plan(path, &[&up])).await;
        up.push(Answer::raw("text/event-stream", [stream]));
        let got = stage.ask(path, &[], STREAM).await;
        let (first, error) = got.body.split_once("\n\n").unwrap();
        assert!(stream.starts_with(first), "{}", got.body);
        assert!(error.starts_with(said) && got.whole, "{}", got.body);
        let health = stage.health("a");
        assert_eq!((health.failure_count, health.success_count), (1, 0));
    }
    for (path, stream) in [
        (
            MESSAGES,
            "data: {\"type\":\"message_start\"}\n\ndata: {\"type\":\"message_stop\"}",
        ),
        // Some servers leave their protocol's last event out.
        (
            MESSAGES,
            "data: {\"type\":\"message_start\"}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
        ),
        (
            RESPONSES,
            "data: {\"type\":\"response.created\"}\n\ndata: {\"type\":\"response.done\"}\n\n",
        ),
        (
            CHAT,
            "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[]}\n\n",
        ),
        (
            RESPONSES,
            "data: {\"type\":\"response.created\"}\n\ndata: {\"type\":\"response.incomplete\"}\n\n",
        ),
    ] {
        let stage = Stage::new(&pool_plan(path, &[&up])).await;
        up.push(Answer::raw("text/event-stream", [stream]));
        let got = stage.ask(path, &[], STREAM).await;
        assert_eq!((got.body.as_str(), got.whole), (stream, true));
        let health = stage.health("a");
        assert_eq!((health.failure_count, health.success_count), (0, 1));
    }
    // It had said why it ends, and nobody needs half of what came then.
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    let reason = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    up.push(Answer::raw("text/event-stream", [reason, "data: {\"usa"]));
    let got = stage.ask(CHAT, &[], STREAM).await;
    assert_eq!((got.body.as_str(), got.whole), (reason, true));
}

#[tokio::test]
async fn an_upstream_that_says_it_failed_in_the_middle_did() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    let stream = "data: {\"type\":\"message_start\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    up.push(Answer::raw("text/event-stream", [stream]));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert_eq!((got.body.as_str(), got.whole), (stream, true), "as it came");
    let health = stage.health("a");
    assert_eq!((health.failure_count, health.success_count), (1, 0));
}

#[tokio::test]
async fn what_the_caller_did_wrong_tells_nothing_of_the_endpoint_however_late() {
    let up = upstream().await;
    for path in [RESPONSES, MESSAGES] {
        let mut plan = pool_plan(RESPONSES, &[&up]);
        plan["pools"]["m"]["endpoints"][0]["interface"] = "openai".into();
        let stage = Stage::new(&plan).await;
        let stream = "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"too long\"}}}\n\n";
        for is_stream in [true, false] {
            up.push(Answer::raw("text/event-stream", [stream]));
            let ask = format!(
                "{{\"model\":\"m\",\"stream\":{is_stream},\"max_tokens\":9,\"input\":\"hi\",\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}]}}"
            );
            let got = stage.ask(path, &[], &ask).await;
            assert!(got.body.contains("too long") && got.whole, "{}", got.body);
            let is_refused = path == MESSAGES && !is_stream;
            assert_eq!(got.status, if is_refused { 400 } else { 200 });
            let health = stage.health("a");
            assert_eq!((health.failure_count, health.success_count), (0, 0));
        }
    }
}

#[tokio::test]
async fn streams_that_break_open_the_circuit_however_soon_they_began() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(MESSAGES, &[&a, &b]);
    plan["pools"]["m"]["strategy"] = "least-latency".into();
    plan["pools"]["m"]["health"]["cooldown_ms"] = 0.into();
    let stage = Stage::new(&plan).await;
    for _ in 0..3 {
        a.push(Answer::cut("one two", 4));
        let got = stage.ask(MESSAGES, &[], STREAM).await;
        assert_eq!(got.header("x-ctr-endpoint"), "a");
    }
    b.push(Answer::text("one"));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert_eq!(got.header("x-ctr-endpoint"), "b");
    assert_eq!(stage.health("a").failure_count, 3);
}

#[tokio::test]
async fn whoever_leaves_after_the_last_event_had_it_all() {
    let up = upstream().await;
    for (path, last) in [
        (MESSAGES, "data: {\"type\":\"message_stop\"}\n\n"),
        (CHAT, "data: [DONE]\n\n"),
        (RESPONSES, "data: {\"type\":\"response.completed\"}\n\n"),
    ] {
        let stage = Stage::new(&pool_plan(path, &[&up])).await;
        let endless = [last, ": alive\n\n"];
        up.push(Answer::raw("text/event-stream", endless).gap(Duration::from_secs(3600)));
        let mut response = stage.send(path, &[], STREAM).await;
        let first = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), last);
        drop(response);
        assert_eq!(stage.health("a").success_count, 1);
    }
}

#[tokio::test]
async fn after_the_first_byte_nobody_else_is_asked() {
    let (a, b) = (upstream().await, upstream().await);
    for path in [MESSAGES, CHAT] {
        let stage = Stage::new(&pool_plan(path, &[&a, &b])).await;
        a.push(Answer::cut("one two", 4));
        let got = stage.ask(path, &[], STREAM).await;
        assert!(got.body.contains("one"), "{}", got.body);
        assert_eq!(got.header("x-ctr-endpoint"), "a");
    }
    assert_eq!((a.received().len(), b.received().len()), (2, 0));
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_with_an_error() {
    let up = upstream().await;
    let chunks = ["data: 1\n\n", "data: 2\n\n"];
    up.push(Answer::raw("text/event-stream", chunks).gap(Duration::from_secs(3600)));
    let mut plan = pool_plan(CHAT, &[&up]);
    plan["upstream_timeout_ms"] = 500.into();
    let stage = Stage::new(&plan).await;
    let got = stage.ask(CHAT, &[], STREAM).await;
    let events = events(&got.body);
    assert_eq!((events.len(), events[0]), (2, "data: 1"));
    assert!(events[1].contains("stopped answering"), "{}", got.body);
    up.wait_aborted(1).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_ended_in_words_breaks_off() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    up.push(Answer::cut_inside("one two ".repeat(4_000), 0));
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!((got.status.as_u16(), got.whole), (200, false));
    assert_eq!(stage.health("a").failure_count, 1);
}

#[tokio::test]
async fn a_short_answer_that_breaks_off_is_left_for_the_next_endpoint() {
    let (a, b) = (upstream().await, upstream().await);
    let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
    a.push(Answer::cut_inside("one two", 0));
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(
        (got.status.as_u16(), got.whole, got.header("x-ctr-endpoint")),
        (200, true, "b")
    );
    assert_eq!(stage.health("a").failure_count, 1);
}

#[tokio::test]
async fn an_event_too_long_to_hold_flows() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    let long = format!("data: {}", "x".repeat(3 << 20));
    up.push(Answer::raw(
        "text/event-stream",
        ["data: 1\n\n".to_owned(), long.clone()],
    ));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert_eq!((got.body.len(), got.whole), (long.len() + 9, true));
}

/// Its end is all that such a client has to go by.
#[tokio::test]
async fn half_an_answer_does_not_look_whole_to_http_1_0() {
    for (end, is_whole) in [("0\r\n\r\n", true), ("", false)] {
        let up = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut plan = pool_plan(MESSAGES, &[&upstream().await]);
        let url = format!("http://{}{MESSAGES}", up.local_addr().unwrap());
        plan["pools"]["m"]["endpoints"][0]["api"]["url"] = url.into();
        let stage = Stage::new(&plan).await;
        let serving = tokio::spawn(async move {
            let (mut stream, _) = up.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n{{\"half\r\n{end}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let mut client = TcpStream::connect(stage.addr).await.unwrap();
        let length = PLAIN.len();
        let sent = format!("POST {MESSAGES} HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{PLAIN}");
        client.write_all(sent.as_bytes()).await.unwrap();
        let read = client.read_to_end(&mut Vec::new()).await;
        assert_eq!(read.is_ok(), is_whole);
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn it_has_left_also_behind_the_line_that_some_send_after_a_body() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    up.push(Answer::hang());
    let mut client = TcpStream::connect(stage.addr).await.unwrap();
    let head = format!(
        "POST {MESSAGES} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        PLAIN.len()
    );
    let sent = format!("{head}{PLAIN}\r\n");
    client.write_all(sent.as_bytes()).await.unwrap();
    up.wait_received(1).await;
    drop(client);
    up.wait_aborted(1).await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    up.push(Answer::hang());
    tokio::select! {
        _ = stage.send(MESSAGES, &[], PLAIN) => panic!("nobody answers"),
        () = up.wait_received(1) => {}
    }
    up.wait_aborted(1).await;

    up.push(
        Answer::raw("text/event-stream", ["data: 1\n\n", "data: 2\n\n"])
            .gap(Duration::from_secs(3600)),
    );
    let mut response = stage.send(MESSAGES, &[], STREAM).await;
    let first = response
        .body_mut()
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_data()
        .unwrap();
    assert_eq!(first, "data: 1\n\n");
    drop(response);
    up.wait_aborted(2).await;
    assert_eq!(
        (
            stage.health("a").failure_count,
            stage.health("a").success_count
        ),
        (0, 0)
    );
}

#[tokio::test]
async fn a_client_that_leaves_is_not_followed_by_another_attempt() {
    let (a, b) = (upstream().await, upstream().await);
    let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
    a.push(Answer::hang());
    tokio::select! {
        _ = stage.send(MESSAGES, &[], PLAIN) => panic!("nobody answers"),
        () = a.wait_received(1) => {}
    }
    a.wait_aborted(1).await;
    assert_eq!(
        (b.received().len(), stage.health("a").failure_count),
        (0, 0)
    );
}
