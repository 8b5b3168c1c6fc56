//! What clients are told whose requests go on for longer than a proxy that stops waits.

use std::time::Duration;

use ctr_runtime::scripted::Answer;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::images;
use crate::stage::{CHAT, EMBEDDINGS, Got, MESSAGES, RESPONSES, Stage, endpoint, pool_plan, post};
use crate::stage::{empty_plan, upstream};

const STOPPED: &str = "the proxy stopped before the answer was complete";

/// Begins an answer at this path that does not end, and stops the proxy.
async fn stopped(
    mut stage: Stage,
    path: &str,
    body: &Value,
    begins: impl Fn(&str) -> bool,
) -> (Stage, String, Got) {
    let mut response = stage.send(path, &[], &body.to_string()).await;
    let mut began = String::new();
    while !begins(&began) {
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        began += std::str::from_utf8(&frame.into_data().unwrap()).unwrap();
    }
    // Before, idle moments would have let the upstream say more.
    tokio::time::pause();
    stage.stop();
    let got = Got::read(response).await;
    tokio::time::resume();
    (stage, began, got)
}

#[tokio::test]
async fn a_stream_that_goes_on_ends_with_an_error_in_its_protocol() {
    let up = upstream().await;
    for (client, speaks, first, error) in [
        (
            MESSAGES,
            MESSAGES,
            "data: {\"type\":\"message_start\",\"message\":{}}\n\n",
            "event: error\ndata: ",
        ),
        (
            CHAT,
            CHAT,
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":null}]}\n\n",
            "data: {\"error\":",
        ),
        (
            RESPONSES,
            RESPONSES,
            "data: {\"type\":\"response.created\",\"response\":{}}\n\n",
            "event: response.failed\ndata: ",
        ),
        (
            CHAT,
            MESSAGES,
            "data: {\"type\":\"message_start\",\"message\":{\"id\":\"1\",\"role\":\"assistant\",\"content\":[]}}\n\n",
            "data: {\"error\":",
        ),
    ] {
        let ping = ": alive\n\n";
        up.push(Answer::raw("text/event-stream", [first, ping]).gap(Duration::from_secs(3600)));
        let stage = Stage::new(&pool_plan(speaks, &[&up])).await;
        let ask = json!({
            "model": "m", "stream": true, "max_tokens": 9, "input": "hi",
            "messages": [{ "role": "user", "content": "hi" }],
        });
        let (stage, began, got) =
            stopped(stage, client, &ask, |began| began.ends_with("\n\n")).await;
        assert!(began.starts_with("data: "), "{began}");
        assert!(got.body.starts_with(error) && got.whole, "{}", got.body);
        assert!(got.body.contains(STOPPED), "{}", got.body);
        let health = stage.health("a");
        assert_eq!((health.failure_count, health.success_count), (0, 0));
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_ended_in_words_breaks_off() {
    let up = upstream().await;
    let pieces = ["x".repeat(100 << 10), "y".to_owned()];
    up.push(Answer::raw("text/plain", pieces).gap(Duration::from_secs(3600)));
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    let ask = json!({ "model": "m" });
    let (stage, _, got) = stopped(stage, MESSAGES, &ask, |began| began.len() == 100 << 10).await;
    assert_eq!((got.body.as_str(), got.whole), ("", false));
    assert_eq!(stage.health("a").failure_count, 0);
}

#[tokio::test]
async fn a_request_that_waits_is_answered() {
    let up = upstream().await;
    for (path, kind) in [
        (MESSAGES, "api_error"),
        (CHAT, "server_error"),
        (RESPONSES, "server_error"),
        (EMBEDDINGS, "server_error"),
    ] {
        let before = up.received().len();
        up.push(Answer::hang());
        let mut plan = empty_plan();
        plan["models"]["a"] = endpoint("a", &format!("{}{path}", up.url()), 0);
        if path == EMBEDDINGS {
            plan["models"]["a"]["interface"] = "openai".into();
        }
        let mut stage = Stage::new(&plan).await;
        let addr = stage.addr;
        let asking = tokio::spawn(async move {
            let ask = "{\"model\":\"a\",\"messages\":[],\"input\":\"hi\"}";
            Got::read(post(addr, path, ask).await).await
        });
        up.wait_received(before + 1).await;
        tokio::time::pause();
        stage.stop();
        let got = asking.await.unwrap();
        tokio::time::resume();
        assert_eq!((got.status.as_u16(), got.whole), (503, true), "{path}");
        let error = got.json();
        assert_eq!(error["error"]["type"], kind, "{path}");
        assert_eq!(error["error"]["message"], STOPPED, "{path}");
        let health = stage.health("a");
        assert_eq!((health.failure_count, health.success_count), (0, 0));
    }
}

#[tokio::test]
async fn an_answer_that_waits_for_an_image_ends_too() {
    for is_stream in [true, false] {
        let chain = images::asking(is_stream).await;
        let mut body = images::shows("what is it?");
        body["stream"] = json!(is_stream);
        body["model"] = json!("unknown");
        let (addr, body) = (chain.stage.addr, body.to_string());
        let asking =
            tokio::spawn(async move { Got::read(post(addr, MESSAGES, &body).await).await });
        chain.upstreams[2].wait_received(1).await;
        let mut stage = chain.stage;
        tokio::time::pause();
        stage.stop();
        let got = asking.await.unwrap();
        tokio::time::resume();
        let error = format!("\"message\":\"{STOPPED}\"");
        assert!(got.body.contains(&error), "{}", got.body);
        let status = if is_stream { 200 } else { 503 };
        assert_eq!((got.status.as_u16(), got.whole), (status, true));
    }
}
