//! What real clients send and want to see again, passed on between endpoints
//! and clients of one protocol.

use std::path::Path;

use ctr_runtime::scripted::Answer;
use futures_util::future::join_all;

use crate::stage::{CHAT, MESSAGES, RESPONSES, Stage, pool_plan, upstream};

const PROTOCOLS: [(&str, &str); 3] = [
    ("messages", MESSAGES),
    ("chat", CHAT),
    ("responses", RESPONSES),
];

/// The requests of every story about protocols, in one of them.
fn requests(protocol: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/protocol");
    let folders = std::fs::read_dir(root).unwrap();
    let files = folders.map(|entry| {
        entry
            .unwrap()
            .path()
            .join(format!("request.{protocol}.json"))
    });
    files
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect()
}

#[tokio::test]
async fn marks_signatures_and_unknown_fields_arrive_as_they_were_sent() {
    let up = upstream().await;
    for (protocol, path) in PROTOCOLS {
        let mut plan = pool_plan(path, &[&up]);
        plan["pools"]["sonnet"] = plan["pools"]["m"].take();
        plan["pools"].as_object_mut().unwrap().remove("m");
        let stage = Stage::new(&plan).await;
        let requests = requests(protocol);
        assert!(requests.len() > 5);
        let all = requests.concat();
        let marks: &[&str] = match protocol {
            "messages" => &[
                "cache_control",
                "\"signature\"",
                "some_future_field",
                "block_of_the_future",
            ],
            "chat" => &["prompt_cache_key", "functions"],
            _ => &["encrypted_content", "client_metadata", "namespace"],
        };
        assert!(marks.iter().all(|mark| all.contains(mark)), "{protocol}");
        // Thinking that the proxy itself marked as another maker's is taken out.
        let is_foreign = |request: &String| path == RESPONSES && request.contains("\"ctr:");
        for request in requests.into_iter().filter(|one| !is_foreign(one)) {
            stage.ask(path, &[], &request).await;
            let told = up.received().pop().unwrap().body;
            let expected = request.replacen("\"sonnet\"", "\"up/a\"", 1);
            assert_eq!(String::from_utf8(told.to_vec()).unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn what_clients_go_by_in_an_answer_passes() {
    let up = upstream().await;
    let headers = [
        ("retry-after", "17"),
        ("retry-after-ms", "17000"),
        ("x-should-retry", "false"),
        ("request-id", "req_1"),
        ("x-request-id", "req_2"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-organization-id", "org"),
        ("x-ratelimit-reset-tokens", "2s"),
        ("openai-processing-ms", "12"),
    ];
    for (_, path) in PROTOCOLS {
        for status in [200, 400, 429] {
            let stage = Stage::new(&pool_plan(path, &[&up])).await;
            let body = "{ \"type\":\"error\",\"error\":{\"type\":\"odd_error\",\"message\":\"m\",\"param\":null},\"request_id\":\"r\" }";
            let answer = Answer::raw("application/json", [body]).status(status);
            up.push(
                headers
                    .iter()
                    .fold(answer, |answer, (name, value)| answer.header(*name, *value)),
            );
            let got = stage.ask(path, &[], "{\"model\":\"m\"}").await;
            assert_eq!((got.status.as_u16(), got.body.as_str()), (status, body));
            for (name, value) in headers {
                assert_eq!(got.header(name), value, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn events_that_nobody_knows_pass() {
    let up = upstream().await;
    let stream = "event: event_of_the_future\nid: 7\nretry: 3\ndata: {\"é\":\ndata: \"🦀\"}\n\n: comment\n\nevent: ping\ndata: {}\n\ndata: last";
    for (_, path) in PROTOCOLS {
        let stage = Stage::new(&pool_plan(path, &[&up])).await;
        let bytes: Vec<Vec<u8>> = stream.as_bytes().chunks(3).map(<[u8]>::to_vec).collect();
        up.push(Answer::raw("text/event-stream; charset=utf-8", bytes));
        let got = stage
            .ask(path, &[], "{\"model\":\"m\",\"stream\":true}")
            .await;
        assert_eq!((got.body.as_str(), got.whole), (stream, true));
        assert_eq!(
            got.header("content-type"),
            "text/event-stream; charset=utf-8"
        );
    }
}

#[tokio::test]
async fn what_is_compressed_stays_so() {
    let up = upstream().await;
    // No text in it, so that whoever decodes on the way is noticed.
    let bytes = "\u{1f}\u{7f}\u{0}\n\n\r\ndata";
    for (_, path) in PROTOCOLS {
        let stage = Stage::new(&pool_plan(path, &[&up])).await;
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            for kind in ["application/json", "text/event-stream"] {
                up.push(Answer::raw(kind, [bytes]).header("content-encoding", encoding));
                let accept = [("accept-encoding", encoding)];
                let got = stage.ask(path, &accept, "{\"model\":\"m\"}").await;
                assert_eq!((got.body.as_str(), got.whole), (bytes, true));
                assert_eq!(got.header("content-encoding"), encoding);
                let received = up.received().pop().unwrap();
                // The id of a response is read on the way, to find its keeper again.
                let asked = if path == RESPONSES {
                    "identity"
                } else {
                    encoding
                };
                assert_eq!(received.header("accept-encoding"), Some(asked));
            }
        }
    }
}

#[tokio::test]
async fn much_at_once_and_large_bodies() {
    let up = upstream().await;
    up.set_default(Answer::text("one two three"));
    for at in [MESSAGES, CHAT] {
        let stage = Stage::new(&pool_plan(at, &[&up])).await;
        let ask = "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
        let headers = [("x-large", "x".repeat(16 << 10))];
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let all = join_all((0..24).map(|_| stage.ask(MESSAGES, &headers, ask))).await;
        for got in all {
            assert!(
                got.whole && got.body.contains("message_stop"),
                "{}",
                got.body
            );
        }
        let large = format!(
            "{{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]}}",
            "word é ".repeat(900_000)
        );
        let got = stage.ask(MESSAGES, &[], &large).await;
        assert_eq!(got.status, 200);
        assert!(up.received().pop().unwrap().body.len() > 7_000_000);
    }
}
