//! What an endpoint repeats of what it was asked with stays between it and the proxy.

use std::io::Write;

use ctr_runtime::scripted::Answer;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::stage::{CHAT, MESSAGES, Stage, UPSTREAM_KEY, pool_plan, upstream};

const PLAIN: &str = "{\"model\":\"m\"}";
const STREAM: &str = "{\"model\":\"m\",\"stream\":true}";

/// A request that either protocol takes.
const EITHER: &str =
    "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

#[tokio::test]
async fn a_key_that_is_refused_is_not_repeated_to_the_client() {
    let up = upstream().await;
    let said = format!("no such key: {UPSTREAM_KEY}, {UPSTREAM_KEY}");
    for (path, at) in [(MESSAGES, MESSAGES), (CHAT, CHAT), (MESSAGES, CHAT)] {
        for status in [401, 402, 403, 400, 429, 500] {
            let stage = Stage::new(&pool_plan(at, &[&up])).await;
            let answer = Answer::error(status, "authentication_error", &said);
            up.push(answer.header("x-echo", &said));
            let got = stage.ask(path, &[], EITHER).await;
            assert_eq!((got.status.as_u16(), got.whole), (status, true));
            assert!(!got.body.contains(UPSTREAM_KEY), "{}", got.body);
            assert!(got.header("x-echo").is_empty());
            let message = got.json()["error"]["message"].to_string();
            assert!(message.contains("no such key: …, …"), "{message}");
        }
    }
}

#[tokio::test]
async fn nor_is_it_in_an_error_with_another_status() {
    let up = upstream().await;
    let said = format!("no such key: {UPSTREAM_KEY}");
    let error = serde_json::json!({
        "type": "error", "error": {"type": "authentication_error", "message": said},
    });
    let whole = Answer::raw("application/json", [error.to_string()]);
    let event = Answer::raw(
        "text/event-stream",
        [format!("event: error\ndata: {error}\n\n")],
    );
    let refused = event.clone().status(403);
    for (ask, answer) in [(PLAIN, whole), (STREAM, event), (STREAM, refused)] {
        let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
        up.push(answer);
        let got = stage.ask(MESSAGES, &[], ask).await;
        assert!(got.body.contains("no such key: …\""), "{}", got.body);
    }
}

#[tokio::test]
async fn nor_is_it_behind_a_coding() {
    let up = upstream().await;
    let error = |message: &str| {
        let error = serde_json::json!({"error": {"message": message}});
        error.to_string().into_bytes()
    };
    let told = error(&format!("no such key: {UPSTREAM_KEY}"));
    let gzip = {
        let mut writer = GzEncoder::new(Vec::new(), Compression::default());
        writer.write_all(&told).unwrap();
        writer.finish().unwrap()
    };
    let deflate = {
        let mut writer = ZlibEncoder::new(Vec::new(), Compression::default());
        writer.write_all(&told).unwrap();
        writer.finish().unwrap()
    };
    let own = "the endpoint refuses the request, in a coding that is not read here";
    for (coding, body, message) in [
        ("gzip", &gzip, "no such key: …"),
        ("deflate", &deflate, "no such key: …"),
        // What a word behind it says cannot be known.
        ("br", &told, own),
        ("gzip", &told, own),
        ("gzip, br", &gzip, own),
    ] {
        let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
        let answer = Answer::raw("application/json", [body.clone()]);
        up.push(answer.status(401).header("content-encoding", coding));
        let got = stage.ask(CHAT, &[], PLAIN).await;
        assert_eq!((got.status.as_u16(), got.whole), (401, true), "{coding}");
        assert_eq!(got.json()["error"]["message"], message, "{coding}");
        assert!(got.header("content-encoding").is_empty());
    }
    // What says nothing of a secret stays as it was.
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    let answer = Answer::raw("application/json", [error("another key, please")]);
    up.push(answer.status(401).header("content-encoding", "identity"));
    let got = stage.ask(CHAT, &[], PLAIN).await;
    assert_eq!(got.json()["error"]["message"], "another key, please");
    assert_eq!(got.header("content-encoding"), "identity");
}

#[tokio::test]
async fn nor_is_a_secret_of_the_address() {
    let up = upstream().await;
    let mut plan = pool_plan(MESSAGES, &[&up]);
    let url = &mut plan["pools"]["m"]["endpoints"][0]["api"]["url"];
    let with_key = format!(
        "{}?api-version=2026-01-01&key=Secret0fUrl",
        url.as_str().unwrap()
    );
    *url = with_key.into();
    let stage = Stage::new(&plan).await;
    let said = "not valid for ?api-version=2026-01-01&key=Secret0fUrl";
    up.push(Answer::error(403, "permission_error", said));
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(
        got.json()["error"]["message"],
        "not valid for ?api-version=2026-01-01&key=…"
    );
}
