//! Which failures move a request on to the next endpoint, and what the client
//! gets when none is left.

use std::time::Duration;

use ctr_compiler::health::Failure;
use ctr_runtime::scripted::Answer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::stage::{
    CHAT, MESSAGES, RESPONSES, Stage, empty_plan, endpoint, gone, pool_plan, upstream,
};

const PLAIN: &str = "{\"model\":\"m\"}";
const STREAM: &str = "{\"model\":\"m\",\"stream\":true}";

#[tokio::test]
async fn the_callers_fault_is_passed_on_and_marks_nobody() {
    let (a, b) = (upstream().await, upstream().await);
    for status in [400, 404, 413, 422] {
        let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
        a.push(
            Answer::error(status, "invalid_request_error", "your fault")
                .header("x-should-retry", "false"),
        );
        let got = stage.ask(MESSAGES, &[], PLAIN).await;
        assert_eq!(got.status, status);
        assert_eq!(got.json()["error"]["message"], "your fault");
        assert_eq!(
            (got.header("x-should-retry"), got.header("x-ctr-endpoint")),
            ("false", "a")
        );
        assert_eq!(
            (
                stage.health("a").failure_count,
                stage.health("a").success_count
            ),
            (0, 0)
        );
    }
    assert_eq!(b.received().len(), 0);
}

#[tokio::test]
async fn the_callers_fault_as_the_first_event_is_passed_on() {
    let (a, b) = (upstream().await, upstream().await);
    let failed = |code: &str| {
        format!(
            "event: response.failed\ndata: {{\"type\":\"response.failed\",\"response\":{{\"error\":{{\"code\":\"{code}\"}}}}}}\n\n"
        )
    };
    let anthropic = |kind: &str| {
        format!(
            "event: error\ndata: {{\"type\":\"error\", \"error\":{{\"type\":\"{kind}\",\"message\":\"yours\"}}}}\n\n"
        )
    };
    let chat = |code: &str| {
        format!(
            "data: {{\"error\": {{\"type\":\"invalid_request_error\",\"code\":\"{code}\"}}}}\n\n"
        )
    };
    for (path, events) in [
        (MESSAGES, anthropic("invalid_request_error")),
        (MESSAGES, anthropic("not_found_error")),
        (MESSAGES, anthropic("request_too_large")),
        (CHAT, chat("context_length_exceeded")),
        (CHAT, chat("")),
        (CHAT, "data: {\"error\":{\"type\":\"server_error\",\"message\":\"This model's maximum context length is 8192 tokens.\"}}\n\n".to_owned()),
        (RESPONSES, failed("invalid_prompt")),
        (RESPONSES, failed("model_not_found")),
    ] {
        let stage = Stage::new(&pool_plan(path, &[&a, &b])).await;
        a.push(Answer::raw("text/event-stream", [events.clone()]));
        let got = stage.ask(path, &[], STREAM).await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (200, "a"),
            "{events}"
        );
        assert_eq!(got.body, events);
        let health = stage.health("a");
        assert_eq!((health.failure_count, health.success_count), (0, 0));
    }
    assert_eq!(b.received().len(), 0);
}

#[tokio::test]
async fn an_answer_that_is_an_error_in_spite_of_its_status() {
    let (a, b) = (upstream().await, upstream().await);
    let failed =
        "{\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\"}}";
    for (path, body, class) in [
        (
            MESSAGES,
            "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}",
            Failure::Status,
        ),
        (
            CHAT,
            "{\"error\":{\"message\":\"no\",\"code\":502}}",
            Failure::Status,
        ),
        (
            CHAT,
            "{\"error\":{\"code\":\"rate_limit_exceeded\"}}",
            Failure::RateLimit,
        ),
        (
            CHAT,
            "{\"error\":{\"code\":\"invalid_api_key\"}}",
            Failure::Credential,
        ),
        (
            CHAT,
            "{\"choices\":[{\"message\":{\"content\":\"par\"},\"finish_reason\": \"error\",\"error\":{\"code\":502}}]}",
            Failure::Status,
        ),
        (
            CHAT,
            "{\"choices\":[{\"message\":{},\"finish_reason\":\"insufficient_system_resource\"}]}",
            Failure::Status,
        ),
        (
            CHAT,
            "{\"choices\":[{\"message\":{},\"finish_reason\":null,\"error\":{\"code\":502}}]}",
            Failure::Status,
        ),
        (RESPONSES, failed, Failure::Status),
    ] {
        let stage = Stage::new(&pool_plan(path, &[&a, &b])).await;
        let answer = || Answer::raw("application/json", [body]);
        a.push(answer());
        let got = stage.ask(path, &[], PLAIN).await;
        assert_eq!(got.header("x-ctr-endpoint"), "b", "{body}");
        assert_eq!(stage.health("a").last_failure, Some(class), "{body}");
        // Where no other endpoint is left, it is passed on as it came.
        let alone = Stage::new(&pool_plan(path, &[&a])).await;
        a.push(answer());
        let got = alone.ask(path, &[], PLAIN).await;
        assert_eq!((got.status.as_u16(), got.body.as_str()), (200, body));
    }
    for (path, body) in [
        (CHAT, "{\"error\":{\"code\":\"context_length_exceeded\"}}"),
        (CHAT, "{\"error\":{\"code\":400,\"message\":\"too long\"}}"),
        (
            CHAT,
            "{\"error\":{\"type\":\"BadRequestError\",\"code\":\"400\"}}",
        ),
        (CHAT, "{\"choices\":[],\"error\":null}"),
        (
            RESPONSES,
            "{\"status\":\"completed\",\"error\":null,\"output\":[{\"text\":\"error\"}]}",
        ),
        (
            MESSAGES,
            "{\"stop_reason\":null,\"content\":[{\"input\":{\"choices\":[{\"finish_reason\":\"error\"}]}}]}",
        ),
    ] {
        let stage = Stage::new(&pool_plan(path, &[&a, &b])).await;
        a.push(Answer::raw("application/json", [body]));
        let got = stage.ask(path, &[], PLAIN).await;
        assert_eq!(
            (got.header("x-ctr-endpoint"), got.body.as_str()),
            ("a", body)
        );
        let health = stage.health("a");
        let successes = u64::from(body.contains("null"));
        assert_eq!((health.failure_count, health.success_count), (0, successes));
    }
}

/// As servers write it that say meanwhile that they are still there.
#[tokio::test]
async fn an_error_behind_white_space_is_one() {
    let (a, b) = (upstream().await, upstream().await);
    let body = "{\"error\":{\"message\":\"no\",\"code\":502}}";
    let stage = Stage::new(&pool_plan(CHAT, &[&a, &b])).await;
    a.push(Answer::raw("application/json", ["\n", "   \r\n", body]));
    let got = stage.ask(CHAT, &[], PLAIN).await;
    assert_eq!(got.header("x-ctr-endpoint"), "b");
    assert_eq!(stage.health("a").last_failure, Some(Failure::Status));
    // What goes on for ever is no error.
    const BLANKS: &str = match std::str::from_utf8(&[b' '; 20 << 10]) {
        Ok(blanks) => blanks,
        Err(_) => "",
    };
    let stage = Stage::new(&pool_plan(CHAT, &[&a, &b])).await;
    a.push(Answer::raw("application/json", [BLANKS, body]));
    let got = stage.ask(CHAT, &[], PLAIN).await;
    assert_eq!(got.header("x-ctr-endpoint"), "a");
    assert_eq!(got.body, format!("{BLANKS}{body}"));
}

#[tokio::test]
async fn an_error_event_fails_as_the_status_of_its_type_does() {
    for (kind, class) in [
        ("authentication_error", Failure::Credential),
        ("permission_error", Failure::Credential),
        ("rate_limit_error", Failure::RateLimit),
        ("overloaded_error", Failure::ErrorEvent),
        ("api_error", Failure::ErrorEvent),
        ("unheard_of", Failure::ErrorEvent),
    ] {
        for path in [MESSAGES, CHAT, RESPONSES] {
            let (a, b) = (upstream().await, upstream().await);
            a.push(Answer::error_event(kind, "no"));
            let stage = Stage::new(&pool_plan(path, &[&a, &b])).await;
            let got = stage.ask(path, &[], STREAM).await;
            assert_eq!(got.header("x-ctr-endpoint"), "b", "{kind}");
            assert_eq!(stage.health("a").last_failure, Some(class), "{kind} {path}");
        }
    }
}

#[tokio::test]
async fn an_error_as_the_first_event_has_a_status_for_clients_of_other_protocols() {
    let up = upstream().await;
    let ask = "{\"model\":\"m\",\"stream\":true,\"max_tokens\":9,\"input\":\"hi\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    for (kind, status, anthropic, openai) in [
        ("rate_limit_error", 429, "rate_limit_error", "requests"),
        ("overloaded_error", 503, "overloaded_error", "server_error"),
        ("api_error", 500, "api_error", "server_error"),
        (
            "authentication_error",
            401,
            "authentication_error",
            "invalid_request_error",
        ),
        (
            "invalid_request_error",
            400,
            "invalid_request_error",
            "invalid_request_error",
        ),
    ] {
        for (at, client) in [
            (MESSAGES, CHAT),
            (MESSAGES, RESPONSES),
            (CHAT, MESSAGES),
            (RESPONSES, MESSAGES),
        ] {
            let stage = Stage::new(&pool_plan(at, &[&up])).await;
            up.push(Answer::error_event(kind, "up says no"));
            let got = stage.ask(client, &[], ask).await;
            assert_eq!(
                (got.status.as_u16(), got.header("content-type")),
                (status, "application/json"),
                "{kind} from {at} to {client}: {}",
                got.body
            );
            let error = &got.json()["error"];
            let word = if client == MESSAGES {
                anthropic
            } else {
                openai
            };
            assert_eq!(error["type"], word, "{at} to {client}");
            assert_eq!(error["message"], "up says no");
            let failed = u32::from(status != 400);
            let health = stage.health("a");
            assert_eq!((health.failure_count, health.success_count), (failed, 0));
        }
    }
}

#[tokio::test]
async fn an_error_as_the_first_event_keeps_its_word() {
    let up = upstream().await;
    let ask =
        "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    for (event, status, kind, code) in [
        (
            "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"no\"}}}",
            400,
            "invalid_request_error",
            "context_length_exceeded",
        ),
        (
            "{\"type\":\"error\",\"error\":{\"type\":\"insufficient_quota\",\"message\":\"no\"}}",
            429,
            "insufficient_quota",
            "insufficient_quota",
        ),
    ] {
        let stage = Stage::new(&pool_plan(RESPONSES, &[&up])).await;
        let events = format!(": busy\n\ndata: {event}\n\n");
        up.push(Answer::raw("text/event-stream", [events]));
        let got = stage.ask(CHAT, &[], ask).await;
        assert_eq!(got.status, status, "{event}");
        let expected = serde_json::json!(
            { "error": { "message": "no", "type": kind, "param": null, "code": code } }
        );
        assert_eq!(got.json(), expected);
    }
    // Some servers give a status for a code.
    let stage = Stage::new(&pool_plan(RESPONSES, &[&up])).await;
    let event = "data: {\"type\":\"error\",\"code\":429,\"message\":\"no\"}\n\n";
    up.push(Answer::raw("text/event-stream", [event]));
    assert_eq!(stage.ask(CHAT, &[], ask).await.status, 429);
}

#[tokio::test]
async fn a_failing_endpoint_is_left_for_the_next() {
    for failure in [
        Answer::error(500, "api_error", "no"),
        Answer::error(529, "overloaded_error", "no"),
        Answer::error(429, "rate_limit_error", "no"),
        Answer::error(408, "timeout_error", "no"),
        Answer::error(401, "authentication_error", "no"),
        Answer::error(403, "permission_error", "no"),
        Answer::error_event("overloaded_error", "no"),
        Answer::cut("", 0),
        Answer::cut_inside("", 0),
        Answer::raw("text/event-stream", [": nothing but a comment\n\n"]),
        Answer::reset(),
    ] {
        for path in [MESSAGES, CHAT] {
            let (a, b) = (upstream().await, upstream().await);
            a.push(failure.clone());
            let stage = Stage::new(&pool_plan(path, &[&a, &b])).await;
            let got = stage.ask(path, &[], STREAM).await;
            assert_eq!(
                (got.status.as_u16(), got.header("x-ctr-endpoint")),
                (200, "b"),
                "{failure:?}"
            );
            assert!(
                got.body.contains("hello") && !got.body.contains("error"),
                "{}",
                got.body
            );
            assert_eq!(
                (
                    stage.health("a").failure_count,
                    stage.health("b").success_count
                ),
                (1, 1)
            );
            assert_eq!(a.received()[0].body, STREAM.replace("\"m\"", "\"up/a\""));
            assert_eq!(b.received()[0].body, STREAM.replace("\"m\"", "\"up/b\""));
            // The first one rests now.
            stage.ask(path, &[], PLAIN).await;
            assert_eq!((a.received().len(), b.received().len()), (1, 2));
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_failure() {
    let (a, b) = (gone().await, upstream().await);
    let stage = Stage::new(&pool_plan(CHAT, &[&a, &b])).await;
    let got = stage.ask(CHAT, &[], PLAIN).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "b")
    );
    assert_eq!(stage.health("a").failure_count, 1);
}

#[tokio::test]
async fn a_kept_connection_that_is_gone_blames_nobody() {
    let (a, b) = (upstream().await, upstream().await);
    let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
    assert_eq!(stage.ask(MESSAGES, &[], PLAIN).await.status, 200);
    // It takes the next request on the same connection, and resets it.
    a.push(Answer::reset());
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(got.header("x-ctr-endpoint"), "a");
    assert_eq!(a.received().len(), 3);
    assert_eq!(stage.health("a").failure_count, 0);
    // Twice is once too often.
    a.set_script([Answer::reset(), Answer::reset()]);
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(got.header("x-ctr-endpoint"), "b");
    assert_eq!(stage.health("a").failure_count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_breaks_later_was_being_answered() {
    let (a, b) = (upstream().await, upstream().await);
    let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
    assert_eq!(stage.ask(MESSAGES, &[], PLAIN).await.status, 200);
    a.push(Answer::reset().delay(Duration::from_secs(3)));
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(got.header("x-ctr-endpoint"), "b");
    assert_eq!(a.received().len(), 2);
    assert_eq!(stage.health("a").failure_count, 1);
}

#[tokio::test]
async fn a_kept_connection_that_breaks_behind_an_interim_answer_was_being_answered() {
    let (odd, b) = (
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        upstream().await,
    );
    let mut plan = pool_plan(MESSAGES, &[&b, &b]);
    let url = format!("http://{}{MESSAGES}", odd.local_addr().unwrap());
    plan["pools"]["m"]["endpoints"][0]["api"]["url"] = url.into();
    let stage = Stage::new(&plan).await;
    let serving = tokio::spawn(async move {
        let (mut stream, _) = odd.accept().await.unwrap();
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 102 Processing\r\n\r\n",
        ] {
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        drop(stream);
        odd
    });
    assert_eq!(
        stage
            .ask(MESSAGES, &[], PLAIN)
            .await
            .header("x-ctr-endpoint"),
        "a"
    );
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(got.header("x-ctr-endpoint"), "b");
    assert_eq!(stage.health("a").failure_count, 1);
    // Nobody asked it again.
    let odd = serving.await.unwrap();
    let again = std::future::poll_fn(|cx| std::task::Poll::Ready(odd.poll_accept(cx))).await;
    assert!(again.is_pending());
}

#[tokio::test]
async fn an_answer_that_leaves_http_is_a_failure() {
    let (a, b) = (upstream().await, upstream().await);
    let odd = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut plan = pool_plan(MESSAGES, &[&a, &b]);
    let url = format!("http://{}{MESSAGES}", odd.local_addr().unwrap());
    plan["pools"]["m"]["endpoints"][0]["api"]["url"] = url.into();
    tokio::spawn(async move {
        let (mut stream, _) = odd.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
        stream.write_all(switch).await.unwrap();
        // Held open until the proxy lets go.
        let _ = stream.read(&mut [0; 1]).await;
    });
    let stage = Stage::new(&plan).await;
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "b")
    );
    assert_eq!(stage.health("a").failure_count, 1);
}

#[tokio::test]
async fn the_last_word_of_an_upstream_is_kept() {
    let (a, b) = (upstream().await, gone().await);
    a.push(Answer::error(529, "overloaded_error", "busy").header("retry-after", "7"));
    let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(
        (
            got.status.as_u16(),
            got.header("retry-after"),
            got.header("x-ctr-endpoint")
        ),
        (529, "7", "a")
    );
    assert_eq!(got.json()["error"]["message"], "busy");
    assert_eq!(
        (
            stage.health("a").failure_count,
            stage.health("b").failure_count
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn the_last_error_event_is_passed_on_as_it_came() {
    let (a, b) = (upstream().await, upstream().await);
    a.push(Answer::error(500, "api_error", "first"));
    b.push(Answer::error_event("overloaded_error", "second"));
    let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "b")
    );
    assert!(
        got.body.starts_with("event: error\n") && got.body.contains("second"),
        "{}",
        got.body
    );
    assert_eq!(got.body.matches("event: ").count(), 1);
}

#[tokio::test]
async fn without_any_answer_the_proxy_speaks() {
    let a = gone().await;
    let stage = Stage::new(&pool_plan(MESSAGES, &[&a])).await;
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(got.status, 502);
    assert_eq!(got.json()["error"]["type"], "api_error");
    assert_eq!(got.json()["request_id"], got.header("x-ctr-request-id"));
    assert_eq!(got.header("x-ctr-plan"), stage.live.hash.short());

    let a = upstream().await;
    a.push(Answer::hang());
    let mut plan = empty_plan();
    plan["models"]["m"] = endpoint("m", &format!("{}{CHAT}", a.url()), 0);
    plan["upstream_timeout_ms"] = 50.into();
    let stage = Stage::new(&plan).await;
    let got = stage.ask(CHAT, &[], PLAIN).await;
    assert_eq!(
        (got.status.as_u16(), got.json()["error"]["type"].as_str()),
        (504, Some("server_error"))
    );
    assert_eq!(stage.health("m").failure_count, 1);
    a.wait_aborted(1).await;
}

/// A ping says that a server is there, and not that it answers.
#[tokio::test]
async fn a_ping_is_no_answer() {
    const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    const OVERLOADED: &str =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
    let (a, b) = (upstream().await, upstream().await);
    for (answer, class) in [
        (&[PING, OVERLOADED][..], Failure::ErrorEvent),
        (&[PING, PING], Failure::NoEvent),
    ] {
        let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
        a.push(Answer::raw("text/event-stream", answer.iter().copied()));
        let got = stage.ask(MESSAGES, &[], STREAM).await;
        assert_eq!(got.header("x-ctr-endpoint"), "b");
        assert_eq!(stage.health("a").last_failure, Some(class));
    }
}

/// A client, and what stands between, may wait for them, too.
#[tokio::test]
async fn signs_of_life_go_on_to_the_client_when_there_are_many() {
    const PING: &str = "data: {\"type\": \"ping\"}\n\n";
    const STOP: &str = "data: {\"type\": \"message_stop\"}\n\n";
    let a = upstream().await;
    let mut plan = pool_plan(MESSAGES, &[&a]);
    plan["upstream_timeout_ms"] = 2000.into();
    let stage = Stage::new(&plan).await;
    let slowly = |pieces: &[&'static str]| {
        let answer = Answer::raw("text/event-stream", pieces.iter().copied());
        answer.gap(Duration::from_millis(400))
    };
    let answering = [PING, PING, PING, PING, PING, PING, STOP];
    a.push(slowly(&answering));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    assert_eq!((got.status.as_u16(), got.body), (200, answering.concat()));
    assert_eq!(stage.health("a").failure_count, 0);
    // With signs alone it has not answered.
    a.push(slowly(&answering[..6]));
    let got = stage.ask(MESSAGES, &[], STREAM).await;
    let said = got.body.strip_prefix(&*answering[..6].concat());
    assert!(
        said.is_some_and(|said| said.starts_with("event: error\n")),
        "{}",
        got.body
    );
    assert_eq!(stage.health("a").last_failure, Some(Failure::Network));
}

#[tokio::test]
async fn an_answer_that_shows_that_it_is_coming_is_waited_for() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(MESSAGES, &[&a, &b]);
    plan["upstream_timeout_ms"] = 1000.into();
    let stage = Stage::new(&plan).await;
    let pieces = ["\n", "\n", "\n", "\n", "\n", "{}"];
    a.push(Answer::raw("application/json", pieces).gap(Duration::from_millis(300)));
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!((got.status.as_u16(), &*got.body), (200, "\n\n\n\n\n{}"));
    // One that stops to is not.
    a.push(Answer::raw("application/json", ["\n", "{}"]).gap(Duration::from_secs(3600)));
    let got = stage.ask(MESSAGES, &[], PLAIN).await;
    assert_eq!(got.header("x-ctr-endpoint"), "b");
    assert_eq!(stage.health("a").last_failure, Some(Failure::Timeout));
}

#[tokio::test]
async fn a_silent_stream_is_left_before_its_first_event() {
    let (a, b) = (upstream().await, upstream().await);
    a.push(
        Answer::raw("text/event-stream", [": hi\n\n", "data: late\n\n"])
            .gap(Duration::from_secs(3600)),
    );
    let mut plan = pool_plan(CHAT, &[&a, &b]);
    plan["upstream_timeout_ms"] = 500.into();
    let stage = Stage::new(&plan).await;
    let got = stage.ask(CHAT, &[], STREAM).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "b")
    );
    a.wait_aborted(1).await;
}

#[tokio::test]
async fn a_client_is_sent_nowhere_else() {
    for status in [301, 302, 307, 308] {
        let (a, b) = (upstream().await, upstream().await);
        let away = || {
            let answer = Answer::raw("text/plain", ["moved"]).status(status);
            answer.header("location", "http://inside.example/v1/messages/?key=k")
        };
        a.push(away());
        let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
        let got = stage.ask(MESSAGES, &[], PLAIN).await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (200, "b")
        );
        assert_eq!(stage.health("a").last_failure, Some(Failure::Network));
        a.push(away());
        b.push(away());
        let stage = Stage::new(&pool_plan(MESSAGES, &[&a, &b])).await;
        let got = stage.ask(MESSAGES, &[], PLAIN).await;
        assert_eq!((got.status.as_u16(), got.header("location")), (502, ""));
        assert!(!got.body.contains("inside.example"), "{}", got.body);
    }
}
