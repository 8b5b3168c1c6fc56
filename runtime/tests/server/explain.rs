//! `POST /api/route/explain`: what the live plan would do with a request.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::home::{Home, KEY};

const TEXT: &str = "
APIKEY: \"${CTR_KEY}\"
Models:
  - {id: fast, api: \"http://127.0.0.1:9\", key: \"${UPSTREAM_KEY}\", interface: anthropic, model: small}
  - {id: deep, api: \"http://127.0.0.1:9\", key: \"${UPSTREAM_KEY}\", interface: anthropic, model: large}
Router: {default: fast, think: deep}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_live_plan_says_where_a_request_would_go() {
    let home = Home::new();
    home.write("registration.yaml", TEXT);
    let running = home.start().await;
    let addr = running.addr();
    let ask = move |key: &str, body: &str| {
        let mut stream = TcpStream::connect(addr).unwrap();
        let length = body.len();
        let head = format!(
            "POST /api/route/explain HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{key}content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        (status, body)
    };
    let key = format!("x-api-key: {KEY}\r\n");
    let asked = json!({ "request": {
        "model": "claude-opus-9",
        "thinking": { "type": "enabled" },
        "messages": [{ "role": "user", "content": "hidden" }],
    } });
    let (status, told) = tokio::task::block_in_place(|| ask(&key, &asked.to_string()));
    assert_eq!(status, 200, "{told}");
    assert!(told.to_string().contains("slot:think"), "{told}");
    assert!(!told.to_string().contains("hidden"), "{told}");
    for nonsense in [
        "{",
        "{}",
        "{\"request\": 1}",
        "{\"request\": {}, \"state\": 1}",
    ] {
        let (status, told) = tokio::task::block_in_place(|| ask(&key, nonsense));
        assert_eq!(status, 400, "{nonsense}: {told}");
    }
    let (status, _) = tokio::task::block_in_place(|| ask("", &asked.to_string()));
    assert_eq!(status, 401);
}
