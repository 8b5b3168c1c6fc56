//! What the proxy refuses by itself, in the words of the client's protocol.

use axum::body::Body;
use ctr_runtime::protocol::Protocol;
use ctr_runtime::proxy::{BODY_LIMIT, Call};
use http::Request;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{
    CALLER_KEY, CHAT, EMBEDDINGS, Got, MESSAGES, RESPONSES, Stage, empty_plan, endpoint, pool_plan,
    upstream,
};

/// Everywhere a model is asked for.
const PATHS: [&str; 5] = [
    MESSAGES,
    "/v1/messages/count_tokens",
    CHAT,
    RESPONSES,
    EMBEDDINGS,
];

const PLAIN: &str = "{\"model\":\"m\"}";

/// Status, and the error's type and message in the protocol of the path.
fn refusal(path: &str, got: &Got) -> (u16, String, String) {
    let body = got.json();
    if path.starts_with(MESSAGES) {
        assert_eq!(body["type"], "error");
        assert_eq!(body["request_id"], got.header("x-ctr-request-id"));
    }
    let word = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (got.status.as_u16(), word("type"), word("message"))
}

#[tokio::test]
async fn a_body_that_is_no_request() {
    let up = upstream().await;
    for path in [MESSAGES, CHAT] {
        let stage = Stage::new(&pool_plan(path, &[&up])).await;
        for body in [
            "",
            "[]",
            "{",
            "{\"model\":\"m\"",
            "{\"model\":\"m\"}}",
            "{\"model\":1}",
            "{\"model\":\"m\",\"model\":\"m\"}",
            "{\"model\":\"m\",\"mod\\u0065l\":\"x\"}",
        ] {
            let (status, kind, message) = refusal(path, &stage.ask(path, &[], body).await);
            assert_eq!(
                (status, kind.as_str()),
                (400, "invalid_request_error"),
                "{body}: {message}"
            );
        }
        let got = stage
            .ask(path, &[("content-type", "text/plain")], PLAIN)
            .await;
        assert_eq!(got.status, 200);
        let got = stage
            .ask(path, &[("content-encoding", "gzip")], PLAIN)
            .await;
        assert_eq!(refusal(path, &got).0, 415);
    }
    assert_eq!(up.received().len(), 2);
}

#[tokio::test]
async fn each_protocol_says_in_its_own_words_what_is_wrong() {
    let mut plan = pool_plan(MESSAGES, &[]);
    let up = upstream().await;
    plan["models"]["sonnet"] = endpoint("sonnet", &format!("{}{CHAT}", up.url()), 0);
    let stage = Stage::new(&plan).await;
    let broken = "{\"model\":\"sonnet\",\"secret-prompt\"";
    let unnamed = "{\"input\":\"secret-prompt\"}";
    let unknown = "{\"model\":\"sonet\",\"input\":\"secret-prompt\"}";
    for path in PATHS {
        let is_anthropic = path.starts_with(MESSAGES);
        for (body, status, code) in [
            (broken, 400, Value::Null),
            (unnamed, 400, Value::Null),
            (unknown, 404, "model_not_found".into()),
        ] {
            let got = stage.ask(path, &[], body).await;
            let (told, kind, message) = refusal(path, &got);
            let wanted = match (status, is_anthropic) {
                (404, true) => "not_found_error",
                _ => "invalid_request_error",
            };
            assert_eq!((told, kind.as_str()), (status, wanted), "{path}: {body}");
            assert!(!got.body.contains("secret"), "{}", got.body);
            if body == unknown {
                assert!(message.contains("`sonnet`"), "{message}");
            }
            if !is_anthropic {
                assert_eq!(got.json()["error"]["code"], code);
            }
        }
    }
    assert_eq!(up.received().len(), 0);
}

#[tokio::test]
async fn a_body_of_another_kind() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    for kind in [
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/plain",
    ] {
        let got = stage
            .ask(MESSAGES, &[("content-type", kind)], "model=m&x=secret")
            .await;
        let (status, of, message) = refusal(MESSAGES, &got);
        assert_eq!((status, of.as_str()), (415, "invalid_request_error"));
        let shown = kind.split(';').next().unwrap();
        assert!(
            message.contains(shown) && !message.contains("secret"),
            "{message}"
        );
    }
    for kind in [
        "application/json; charset=utf-8",
        "application/vnd.api+json",
    ] {
        let got = stage
            .ask(MESSAGES, &[("content-type", kind)], "model=m")
            .await;
        assert_eq!(got.status, 400);
    }
    assert_eq!(up.received().len(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    let mut stream = TcpStream::connect(stage.addr).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        BODY_LIMIT + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    for protocol in [Protocol::Messages, Protocol::Chat, Protocol::Responses] {
        let request = Request::post("/")
            .body(Body::from(vec![b' '; BODY_LIMIT + 1]))
            .unwrap();
        let call = Call::Answer(protocol);
        let response = stage.proxy.serve(call, Box::new(request.into())).await;
        assert_eq!(response.status, 413);
        let body = axum::body::to_bytes(response.body, 4096).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let kinds = [
            ("request_too_large", Protocol::Messages),
            ("invalid_request_error", Protocol::Chat),
            ("invalid_request_error", Protocol::Responses),
        ];
        let kind = kinds.iter().find(|(_, of)| *of == protocol).unwrap().0;
        assert_eq!(body["error"]["type"], kind);
    }
    assert_eq!(up.received().len(), 0);
}

#[tokio::test]
async fn a_model_nobody_knows() {
    let up = upstream().await;
    let mut plan = pool_plan(MESSAGES, &[]);
    plan["models"]["sonnet"] = endpoint("sonnet", &format!("{}{MESSAGES}", up.url()), 0);
    let stage = Stage::new(&plan).await;
    let got = stage.ask(MESSAGES, &[], "{\"model\":\"sonet\"}").await;
    let (status, kind, message) = refusal(MESSAGES, &got);
    assert_eq!((status, kind.as_str()), (404, "not_found_error"));
    assert!(
        message.contains("`sonet`") && message.contains("`sonnet`"),
        "{message}"
    );
    let got = stage.ask(CHAT, &[], "{\"model\":\"sonet\"}").await;
    assert_eq!(
        (got.status.as_u16(), got.json()["error"]["code"].as_str()),
        (404, Some("model_not_found"))
    );
    let got = stage.ask(CHAT, &[], "{}").await;
    assert_eq!(
        (got.status.as_u16(), got.json()["error"]["param"].as_str()),
        (400, Some("model"))
    );

    plan["router"]["slots"]["default"] = "sonnet".into();
    let stage = Stage::new(&plan).await;
    assert_eq!(
        stage
            .ask(MESSAGES, &[], "{\"model\":\"sonet\"}")
            .await
            .status,
        200
    );
    assert_eq!(up.received()[0].json()["model"], "up/sonnet");
}

#[tokio::test]
async fn a_model_that_is_switched_off() {
    let up = upstream().await;
    let mut plan = pool_plan(CHAT, &[&up]);
    plan["pools"]["m"]["endpoints"][0]["enabled"] = false.into();
    let stage = Stage::new(&plan).await;
    let got = stage.ask(CHAT, &[], PLAIN).await;
    assert_eq!(
        (got.status.as_u16(), got.json()["error"]["type"].as_str()),
        (503, Some("server_error"))
    );
}

#[tokio::test]
async fn a_caller_without_the_key() {
    let up = upstream().await;
    let mut plan = empty_plan();
    plan["listen"]["api_key"] = "${CALLER_KEY}".into();
    plan["models"]["m"] = endpoint("m", &format!("{}{MESSAGES}", up.url()), 0);
    let stage = Stage::new(&plan).await;
    let (status, kind, message) = refusal(MESSAGES, &stage.ask(MESSAGES, &[], PLAIN).await);
    assert_eq!((status, kind.as_str()), (401, "authentication_error"));
    assert!(message.starts_with("missing"), "{message}");
    let got = stage
        .ask(CHAT, &[("authorization", "Bearer wrong")], PLAIN)
        .await;
    let (status, _, message) = refusal(CHAT, &got);
    assert!(status == 401 && message.starts_with("invalid"), "{message}");
    assert_eq!(got.json()["error"]["code"], "invalid_api_key");
    assert_eq!(up.received().len(), 0);

    let bearer = format!("Bearer {CALLER_KEY}");
    for header in [("x-api-key", CALLER_KEY), ("authorization", &bearer)] {
        assert_eq!(stage.ask(MESSAGES, &[header], PLAIN).await.status, 200);
    }
}

#[tokio::test]
async fn a_refused_caller_may_finish_its_body() {
    let mut plan = empty_plan();
    plan["listen"]["api_key"] = "${CALLER_KEY}".into();
    let stage = Stage::new(&plan).await;
    // More than the sockets hold, so that writing it all needs somebody who reads.
    let size = BODY_LIMIT;
    let mut stream = TcpStream::connect(stage.addr).await.unwrap();
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; size]).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}
