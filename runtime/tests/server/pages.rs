//! Web pages that call a proxy which asks for no key.

use ctr_runtime::server::Running;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::home::{Answer, Home, KEY, answer, with_model};

/// Sends one request with these lines, among which is its host.
async fn call(running: &Running, line: &str, lines: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!(
        "{line} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n{lines}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(&mut stream).await
}

const EVIL: [&[&str]; 3] = [
    &["host: evil.example"],
    &[
        "host: localhost",
        "origin: https://evil.example",
        "content-type: text/plain",
    ],
    &["host: 127.0.0.1", "sec-fetch-site: cross-site"],
];

/// What a page may send without the browser asking, and more.
const CALLS: [&str; 9] = [
    "GET /api/plan",
    "GET /api/governance/traces",
    "POST /api/models/pool-health/probe",
    "POST /api/benchmark/calibration",
    "POST /v1/messages",
    "POST /v1/chat/completions",
    "GET /v1/responses/resp_1",
    "GET /v1/models",
    "OPTIONS /v1/messages",
];

fn open() -> Home {
    let home = Home::new();
    let text = with_model("one").replace("APIKEY: \"${CTR_KEY}\"\n", "");
    home.write("registration.yaml", &format!("HOST: localhost\n{text}"));
    home
}

#[tokio::test]
async fn a_page_of_another_host_is_turned_away() {
    let home = open();
    let running = home.start().await;
    for lines in EVIL {
        for line in CALLS {
            let refused = call(&running, line, lines, "{\"model\":\"one\"}").await;
            let body = &refused.body;
            assert_eq!(refused.status, 403, "{line} {lines:?}: {body}");
            let message = match body.get("success") {
                Some(_) => &body["message"],
                None => &body["error"]["message"],
            };
            let message = message.as_str().expect(line);
            assert!(message.contains("set `APIKEY`"), "{line}: {message}");
            let id = refused.header("x-ctr-request-id");
            assert!(id.is_some(), "{line}: {}", refused.head);
            if line.contains("/v1/messages") {
                assert_eq!(body["error"]["type"], "permission_error");
                assert_eq!(body["request_id"].as_str(), id);
            }
        }
        let open = call(&running, "GET /health", lines, "").await;
        assert_eq!(open.status, 200, "{lines:?}");
    }
}

#[tokio::test]
async fn programs_and_pages_of_its_own_host_are_served() {
    let home = open();
    let running = home.start().await;
    for lines in [
        &["host: localhost:1"][..],
        &["host: 127.0.0.1:1"],
        &["host: host.docker.internal:1"],
        &["host: localhost", "origin: http://localhost:3000"],
        &["host: localhost", "sec-fetch-site: same-origin"],
    ] {
        let plan = call(&running, "GET /api/plan", lines, "").await;
        assert_eq!(plan.status, 200, "{lines:?}");
        // Nobody answers behind it, and the model's name was read.
        let asked = call(&running, "POST /v1/messages", lines, "{\"model\":\"two\"}").await;
        assert_ne!(asked.status, 403, "{lines:?}: {}", asked.body);
        assert_ne!(asked.body, Value::Null, "{lines:?}");
    }
}

#[tokio::test]
async fn with_a_key_it_is_the_key_that_counts() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let key = format!("x-api-key: {KEY}");
    for lines in EVIL {
        let denied = call(&running, "GET /api/plan", lines, "").await;
        assert_eq!(denied.status, 401, "{lines:?}");
        let lines = [lines, &[&key]].concat();
        let plan = call(&running, "GET /api/plan", &lines, "").await;
        assert_eq!(plan.status, 200, "{lines:?}");
    }
}
