//! What passes stays as it was, in both directions.

use ctr_runtime::scripted::Answer;

use crate::stage::{
    CALLER_KEY, CHAT, MESSAGES, Stage, UPSTREAM_KEY, endpoint, pool_plan, upstream,
};

const ODD: &str = "{ \"zeta\" : [1e400, -0.0,null,\"\"],\t\"messages\":[{\"role\":\"system\",\"content\":\"\\u00e9\\/ é 🦀\"}],\n\
    \"model\" :\"\\u006d\" , \"a\":{\"model\":\"m\",\"signature\":\"EqQB+/==\"},\"zeta\":2 }\r\n";

#[tokio::test]
async fn a_body_changes_in_its_model_only() {
    let up = upstream().await;
    for path in [MESSAGES, CHAT] {
        let stage = Stage::new(&pool_plan(path, &[&up])).await;
        stage.ask(path, &[], ODD).await;
        let received = up.received().pop().unwrap();
        let expected = ODD.replacen("\"\\u006d\"", "\"up/a\"", 1);
        assert_eq!(received.body, expected);
        assert_eq!(
            received.header("content-length"),
            Some(expected.len().to_string().as_str())
        );
    }
}

#[tokio::test]
async fn a_body_with_the_upstreams_name_is_untouched() {
    let up = upstream().await;
    let mut plan = pool_plan(MESSAGES, &[&up]);
    plan["pools"]["m"]["endpoints"][0]["model"] = "m".into();
    let stage = Stage::new(&plan).await;
    stage.ask(MESSAGES, &[], ODD).await;
    assert_eq!(up.received()[0].body, ODD);
}

#[tokio::test]
async fn a_key_goes_into_the_header_the_plan_names() {
    let up = upstream().await;
    let bearer = format!("Bearer {UPSTREAM_KEY}");
    for (path, header, value) in [
        (CHAT, "api-key", UPSTREAM_KEY),
        (CHAT, "x-api-key", UPSTREAM_KEY),
        (MESSAGES, "authorization", bearer.as_str()),
    ] {
        let mut plan = pool_plan(path, &[&up]);
        plan["pools"]["m"]["endpoints"][0]["key_header"] = header.into();
        let stage = Stage::new(&plan).await;
        let sent = [("api-key", CALLER_KEY), ("x-api-key", CALLER_KEY)];
        stage.ask(path, &sent, "{\"model\":\"m\"}").await;
        let received = up.received().pop().unwrap();
        for name in ["authorization", "x-api-key", "api-key"] {
            let wanted = (name == header).then_some(value);
            assert_eq!(received.header(name), wanted, "{name} for {header}");
        }
    }
}

#[tokio::test]
async fn models_of_one_provider_are_told_apart() {
    let up = upstream().await;
    let mut plan = pool_plan(MESSAGES, &[&up]);
    for model in ["fast", "deep"] {
        let mut one = endpoint(model, &format!("{}{MESSAGES}", up.url()), 0);
        one["model"] = model.into();
        one["provider"] = "legacy".into();
        plan["models"][format!("legacy,{model}")] = one;
    }
    let stage = Stage::new(&plan).await;
    for model in ["fast", "deep"] {
        let body = format!("{{\"model\":\"legacy,{model}\"}}");
        stage.ask(MESSAGES, &[], &body).await;
        let received = up.received().pop().unwrap();
        assert_eq!(received.body, format!("{{\"model\":\"{model}\"}}"));
    }
}

#[tokio::test]
async fn a_request_without_a_model_gets_the_default_one() {
    let up = upstream().await;
    let mut plan = pool_plan(MESSAGES, &[&up]);
    plan["router"]["slots"]["default"] = "m".into();
    let stage = Stage::new(&plan).await;
    assert_eq!(
        stage.ask(MESSAGES, &[], "{\"max_tokens\":1}").await.status,
        200
    );
    assert_eq!(
        up.received()[0].body,
        "{\"model\":\"up/a\",\"max_tokens\":1}"
    );
}

#[tokio::test]
async fn headers_and_query_pass_and_the_callers_key_does_not() {
    let up = upstream().await;
    let sent = [
        ("x-api-key", CALLER_KEY),
        ("authorization", "Bearer caller-secret"),
        ("cookie", "a=b"),
        ("x-ctr-role", "admin"),
        ("anthropic-beta", "one,two"),
        ("anthropic-beta", "three"),
        ("anthropic-version", "2026-10-21"),
        ("x-stainless-retry-count", "0"),
        ("session-id", "s"),
        ("accept-encoding", "gzip, br"),
        ("user-agent", "client/1"),
    ];
    let anthropic = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    anthropic
        .ask("/v1/messages?beta=true", &sent, "{\"model\":\"m\"}")
        .await;
    let received = up.received().pop().unwrap();
    assert_eq!(received.target, "/v1/messages?beta=true");
    assert_eq!(received.header("x-api-key"), Some(UPSTREAM_KEY));
    assert_eq!(
        received.header("host"),
        Some(up.addr().to_string().as_str())
    );
    let betas: Vec<&str> = received
        .headers
        .iter()
        .filter(|(name, _)| name == "anthropic-beta")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(betas, ["one,two", "three"]);
    for (name, value) in &sent[6..] {
        assert_eq!(received.header(name), Some(*value));
    }
    for name in ["authorization", "cookie", "x-ctr-role"] {
        assert_eq!(received.header(name), None);
    }

    let mut plan = pool_plan(CHAT, &[]);
    plan["models"]["m"] = endpoint("m", &format!("{}{CHAT}?v=1", up.url()), 0);
    let openai = Stage::new(&plan).await;
    openai
        .ask("/v1/chat/completions?x=y", &sent[..2], "{\"model\":\"m\"}")
        .await;
    let received = up.received().pop().unwrap();
    assert_eq!(received.target, "/v1/chat/completions?v=1&x=y");
    assert_eq!(
        received.header("authorization"),
        Some("Bearer upstream-secret")
    );
    assert_eq!(received.header("x-api-key"), None);
    assert_eq!(received.header("anthropic-version"), None);
}

#[tokio::test]
async fn the_answers_headers_pass_and_name_who_answered() {
    let up = upstream().await;
    let answer = Answer::raw("application/x-odd", ["{\"a\" :", " 1}"])
        .header("request-id", "req_up")
        .header("anthropic-ratelimit-tokens-remaining", "9")
        .header("content-encoding", "x-odd")
        .header("set-cookie", "a=b")
        .header("x-ctr-endpoint", "spoofed");
    up.push(answer);
    let stage = Stage::new(&pool_plan(MESSAGES, &[&up])).await;
    let got = stage.ask(MESSAGES, &[], "{\"model\":\"m\"}").await;
    assert_eq!(
        (got.status.as_u16(), got.body.as_str()),
        (200, "{\"a\" : 1}")
    );
    assert_eq!(got.header("request-id"), "req_up");
    assert_eq!(got.header("anthropic-ratelimit-tokens-remaining"), "9");
    assert_eq!(got.header("content-encoding"), "x-odd");
    assert_eq!(got.header("set-cookie"), "");
    assert_eq!(got.header("x-ctr-endpoint"), "a");
    assert_eq!(got.header("x-ctr-plan"), stage.live.hash.short());
    assert!(got.header("x-ctr-request-id").starts_with("req_"));
    assert_eq!(stage.health("a").success_count, 1);
}

#[tokio::test]
async fn a_stream_arrives_as_it_was_sent() {
    let up = upstream().await;
    let chunks = [
        "event: x\r\ndata: \"\u{e9}",
        "\"\r\n\r",
        "\n: hi\n\nda",
        "ta: y\r\rdata: [DONE]",
    ];
    let length = chunks.concat().len().to_string();
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    for answer in [
        Answer::raw("text/event-stream", chunks),
        Answer::raw("text/event-stream", chunks).header("content-length", length),
        Answer::raw("text/event-stream", chunks).header("content-encoding", "x-odd"),
    ] {
        up.push(answer);
        let got = stage.ask(CHAT, &[], "{\"model\":\"m\"}").await;
        assert_eq!((got.body, got.whole), (chunks.concat(), true));
    }
    assert_eq!(stage.health("a").success_count, 3);
}
