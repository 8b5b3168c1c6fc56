//! Clients that send what no client should: each gets a clear answer, or an end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::home::{Home, KEY};

/// What comes back for these bytes, until the connection ends.
async fn answered(home: &Home, sent: &[u8]) -> String {
    let running = home.start().await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    // The answer may come, and the connection end, before all is sent.
    let _ = stream.write_all(sent).await;
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(300), stream.read_to_end(&mut answer));
    // An end in the middle of what is sent may be a reset.
    let _ = read.await.expect("an answer, or an end");
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn messages_that_are_not_http_or_could_be_two() {
    let home = Home::with_model("one");
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n");
    for sent in [
        "nonsense\r\n\r\n".to_owned(),
        format!("{head}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"),
        format!("{head}content-length: 2, 3\r\n\r\n{{}}"),
        format!("{head}content-length: -1\r\n\r\n"),
        format!("{head}content-length: x\r\n\r\n"),
        format!("{head}transfer-encoding: chunked, x\r\n\r\n0\r\n\r\n"),
        format!("{head}bad header\r\n\r\n"),
        format!("{head}x: a\0b\r\n\r\n"),
    ] {
        let answer = answered(&home, sent.as_bytes()).await;
        assert_eq!(status(&answer), "400", "{sent}: {answer}");
        assert!(!answer.contains(KEY));
    }
}

#[tokio::test]
async fn more_headers_than_anybody_needs() {
    let home = Home::with_model("one");
    let many: String = (0..5000)
        .map(|number| format!("x-{number}: 1\r\n"))
        .collect();
    let large = format!("x-large: {}\r\n", "x".repeat(4 << 20));
    for headers in [many, large] {
        let sent = format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let answer = answered(&home, sent.as_bytes()).await;
        assert_eq!(status(&answer), "431", "{answer}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100 << 10));
    assert_eq!(status(&answered(&home, long.as_bytes()).await), "414");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends() {
    let home = Home::with_model("one");
    let answer = answered(&home, b"POST /v1/messages HTTP/1.1\r\nhost: x\r\n").await;
    assert!(answer.is_empty() || status(&answer) == "408", "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends() {
    let home = Home::with_model("one");
    for (path, kind) in [
        ("/v1/messages", "timeout_error"),
        ("/v1/messages/count_tokens", "timeout_error"),
        ("/v1/chat/completions", "invalid_request_error"),
        ("/v1/responses", "invalid_request_error"),
        ("/v1/embeddings", "invalid_request_error"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-length: 9\r\n\r\n{{"
        );
        let answer = answered(&home, head.as_bytes()).await;
        assert_eq!(status(&answer), "408", "{path}: {answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["type"], kind, "{path}");
        assert!(!answer.contains(KEY));
    }
}

/// What reads a whole body under `/api`, and the most of it in bytes.
const READERS: [(&str, usize); 4] = [
    ("/api/models/compiled/preview", 8 << 20),
    ("/api/models/pool-health/probe", 64 << 10),
    ("/api/route/explain", 32 << 20),
    ("/api/benchmark/calibration", 4 << 20),
];

#[tokio::test(start_paused = true)]
async fn a_body_of_the_api_that_never_ends() {
    let home = Home::with_model("one");
    for (path, _) in READERS {
        for begun in [
            "content-length: 9\r\n\r\n{",
            "transfer-encoding: chunked\r\n\r\n9\r\n{",
        ] {
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n{begun}");
            let answer = answered(&home, head.as_bytes()).await;
            assert_eq!(status(&answer), "408", "{path}: {answer}");
            let (_, body) = answer.split_once("\r\n\r\n").unwrap();
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["success"], false, "{path}");
        }
    }
}

#[tokio::test]
async fn a_body_of_the_api_that_says_it_is_too_large() {
    let home = Home::with_model("one");
    for (path, most) in READERS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-length: {}\r\n\r\n{{",
            most + 1
        );
        let answer = answered(&home, head.as_bytes()).await;
        assert_eq!(status(&answer), "413", "{path}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips() {
    for path in ["/v1/messages", "/api/route/explain"] {
        drips(path).await;
    }
}

async fn drips(path: &str) {
    let home = Home::with_model("one");
    let running = home.start().await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-length: 9999\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let drip = async {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(50)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 4096];
    // Each drop is in time; all of them are not.
    let length = tokio::select! {
        length = timeout(Duration::from_secs(900), reading.read(&mut answer)) => length,
        () = drip => unreachable!("a drip never ends by itself"),
    };
    let length = length.expect("an answer, or an end").unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert_eq!(status(&answer), "408", "{answer}");
}
