//! Streams that break off, on either side.

use std::time::Duration;

use ctr_runtime::scripted::Answer;
use http_body_util::BodyExt;

use crate::stage::{CHAT, MESSAGES, Stage, pool_plan, upstream};

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
    for answer in [Answer::cut_inside("one two", 4), Answer::cut("one two", 4)] {
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
        assert_eq!(stage.health("a").failure_count, 1);
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
    up.push(Answer::cut_inside("one two", 0));
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!((got.status.as_u16(), got.whole), (200, false));
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
        (0, 1)
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
