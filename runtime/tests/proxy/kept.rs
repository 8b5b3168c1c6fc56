//! Responses: where they are asked for, where they are kept, and how they end.

use std::time::Duration;

use ctr_runtime::clock::Clock;
use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use serde_json::{Value, json};

use crate::stage::{CHAT, MESSAGES, RESPONSES, Stage, UPSTREAM_KEY, endpoint, pool_plan, upstream};

const ASK: &str = "{ \"model\" :\"m\",\"input\":\"hi\",\"some_future_field\":[1, null],\"include\":[\"reasoning.encrypted_content\"]}";

/// The id of a scripted answer, and one that goes on with it.
const KEPT: &str = "resp_scripted";
const GO_ON: &str = "{\"model\":\"m\",\"input\":\"on\",\"previous_response_id\":\"resp_scripted\"}";

async fn two() -> (ScriptedUpstream, ScriptedUpstream, Stage) {
    let (a, b) = (upstream().await, upstream().await);
    let stage = Stage::new(&pool_plan(CHAT, &[&a, &b])).await;
    (a, b, stage)
}

#[tokio::test]
async fn a_response_is_asked_for_beside_the_chat_completions() {
    let up = upstream().await;
    for at in [CHAT, RESPONSES] {
        let stage = Stage::new(&pool_plan(at, &[&up])).await;
        let got = stage
            .ask("/v1/responses?x=y", &[("accept-encoding", "gzip")], ASK)
            .await;
        assert_eq!(
            (got.status.as_u16(), got.json()["object"].as_str()),
            (200, Some("response"))
        );
        let received = up.received().pop().unwrap();
        assert_eq!(received.target, "/v1/responses?x=y");
        assert_eq!(received.body, ASK.replace("\"m\"", "\"up/a\""));
        // What will be kept must be readable, else the client's word counts.
        assert_eq!(received.header("accept-encoding"), Some("identity"));
        let own = ASK.replace("\"input\"", "\"store\":false,\"input\"");
        stage
            .ask(RESPONSES, &[("accept-encoding", "gzip")], &own)
            .await;
        assert_eq!(
            up.received().pop().unwrap().header("accept-encoding"),
            Some("gzip")
        );
    }
}

#[tokio::test]
async fn an_endpoint_without_responses_is_asked_once_and_then_translated_for() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    for status in [404, 405] {
        let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
        up.set_script([
            Answer::error(status, "not_found", "no such route"),
            Answer::text("one"),
            Answer::text("two"),
        ]);
        for (text, requests) in [("one", 2), ("two", 1)] {
            let before = up.received().len();
            let got = stage.ask(RESPONSES, &[], ASK).await;
            assert_eq!(got.json()["output"][0]["content"][0]["text"], text);
            assert_eq!(got.header("x-ctr-translated"), "responses-to-chat");
            assert_eq!(up.received().len() - before, requests);
            assert_eq!(up.received().pop().unwrap().target, CHAT);
        }
        assert_eq!(stage.health("a").failure_count, 0);
    }
    // A model that is not known there is another matter.
    let unknown = json!({ "error": { "message": "no such model", "code": "model_not_found" } });
    up.set_script([Answer::raw("application/json", [unknown.to_string()]).status(404)]);
    let got = stage.ask(RESPONSES, &[], ASK).await;
    assert_eq!((got.status.as_u16(), got.json()), (404, unknown));
    assert_eq!(up.received().pop().unwrap().target, RESPONSES);
    // An endpoint whose address says it speaks nothing else is taken at its word.
    let only = Stage::new(&pool_plan(RESPONSES, &[&up])).await;
    up.set_script([Answer::error(404, "not_found", "no such route")]);
    assert_eq!(only.ask(RESPONSES, &[], ASK).await.status, 404);
}

#[tokio::test]
async fn a_conversation_goes_on_where_it_is_kept() {
    for stream in [false, true] {
        let (a, b, stage) = two().await;
        a.push(Answer::error(500, "server_error", "no"));
        let first = ASK.replace("\"input\"", &format!("\"stream\":{stream},\"input\""));
        let got = stage.ask(RESPONSES, &[], &first).await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (200, "b")
        );
        // The first endpoint is well again, and knows nothing of it.
        let got = stage.ask(RESPONSES, &[], GO_ON).await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (200, "b")
        );
        assert_eq!((a.received().len(), b.received().len()), (1, 2));
        // It is asked even while it rests, and its error is passed on.
        b.push(Answer::error(429, "rate_limit", "later").header("retry-after", "9"));
        let got = stage.ask(RESPONSES, &[], GO_ON).await;
        assert_eq!((got.status.as_u16(), got.header("retry-after")), (429, "9"));
        assert_eq!(stage.ask(RESPONSES, &[], GO_ON).await.status, 200);
        assert_eq!((a.received().len(), b.received().len()), (1, 4));
    }
}

#[tokio::test]
async fn a_conversation_waits_for_the_limit_of_who_keeps_it() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(CHAT, &[&a, &b]);
    plan["pools"]["m"]["enforce_rate_limits"] = true.into();
    plan["pools"]["m"]["endpoints"][0]["rate_limit"] = json!({ "rpm": 1 });
    let stage = Stage::at(&plan, Clock::new(|| 1_767_225_600_000)).await;
    let got = stage.ask(RESPONSES, &[], ASK).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "a")
    );
    let got = stage.ask(RESPONSES, &[], GO_ON).await;
    assert_eq!(
        (got.status.as_u16(), got.header("retry-after")),
        (429, "61")
    );
    assert_eq!(b.received(), []);
}

#[tokio::test]
async fn a_response_that_nobody_remembers_goes_by_its_model() {
    let (a, _, stage) = two().await;
    let unknown =
        json!({ "error": { "message": "not found", "code": "previous_response_not_found" } });
    a.push(Answer::raw("application/json", [unknown.to_string()]).status(400));
    let got = stage.ask(RESPONSES, &[], GO_ON).await;
    assert_eq!(
        (
            got.status.as_u16(),
            got.json(),
            got.header("x-ctr-endpoint")
        ),
        (400, unknown, "a")
    );
}

#[tokio::test]
async fn what_only_openai_keeps_is_not_sent_to_anthropic() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(MESSAGES, &[&a]);
    let second = endpoint("b", &format!("{}{CHAT}", b.url()), 1);
    plan["pools"]["m"]["endpoints"]
        .as_array_mut()
        .unwrap()
        .push(second);
    let stage = Stage::new(&plan).await;
    let got = stage.ask(RESPONSES, &[], GO_ON).await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "b")
    );
    let got = stage
        .ask(RESPONSES, &[], "{\"model\":\"m\",\"input\":\"hi\"}")
        .await;
    assert_eq!(
        (got.status.as_u16(), got.header("x-ctr-endpoint")),
        (200, "a")
    );

    let only = Stage::new(&pool_plan(MESSAGES, &[&a])).await;
    for (builds_on, name, remedy) in [
        (
            r#""previous_response_id":"resp_1""#,
            "previous_response_id",
            "",
        ),
        (r#""conversation":"conv_1""#, "conversation", ""),
        (r#""prompt":{"id":"pmpt_1"}"#, "prompt", ""),
        (r#""background":true"#, "background", ""),
        (
            r#""input":[{"type":"item_reference","id":"msg_1"}]"#,
            "item_reference",
            "; with `store: false`, clients send the items themselves",
        ),
    ] {
        let ask = format!("{{\"model\":\"m\",{builds_on}}}");
        let got = only.ask(RESPONSES, &[], &ask).await;
        let error = got.json()["error"].take();
        let message =
            format!("`{name}` works only at an OpenAI endpoint, and this model has none{remedy}");
        assert_eq!(
            (got.status.as_u16(), &error["type"], &error["message"]),
            (400, &json!("invalid_request_error"), &json!(message))
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_told_is_passed_over() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(CHAT, &[&a]);
    // Of an address such as the first nothing but Chat Completions can be expected.
    plan["pools"]["m"]["endpoints"] = json!([
        endpoint("a", &format!("{}/chat/", a.url()), 0),
        endpoint("b", &format!("{}{RESPONSES}", b.url()), 1),
    ]);
    let stage = Stage::new(&plan).await;
    for builds_on in [
        r#""background":true"#,
        r#""conversation":"conv_1""#,
        r#""include":[],"input":[{"type":"item_reference","id":"msg_1"}]"#,
    ] {
        let ask = format!("{{\"model\":\"m\",{builds_on}}}");
        let got = stage.ask(RESPONSES, &[], &ask).await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (200, "b"),
            "{}",
            got.body
        );
    }
    // It was not asked, so it did not fail.
    assert_eq!(stage.health("a").failure_count, 0);
    assert_eq!(a.received().len(), 0);
}

#[tokio::test]
async fn a_refusal_that_stalls_keeps_nobody_waiting() {
    let up = upstream().await;
    let mut plan = pool_plan(CHAT, &[&up]);
    plan["upstream_timeout_ms"] = 300.into();
    let stage = Stage::new(&plan).await;
    up.push(
        Answer::raw("application/json", ["{\"error\":", "{}}"])
            .status(404)
            .gap(Duration::from_secs(3600)),
    );
    up.push(Answer::text("told in another way"));
    let got = stage.ask(RESPONSES, &[], ASK).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let targets: Vec<_> = up.received().into_iter().map(|it| it.target).collect();
    assert_eq!(targets, [RESPONSES, CHAT]);
}

#[tokio::test]
async fn what_is_made_of_a_responses_request_goes_by_its_model() {
    let (a, b) = (upstream().await, upstream().await);
    let mut plan = pool_plan(MESSAGES, &[&a]);
    let second = endpoint("b", &format!("{}{CHAT}", b.url()), 1);
    plan["pools"]["m"]["endpoints"]
        .as_array_mut()
        .unwrap()
        .push(second);
    let stage = Stage::new(&plan).await;
    let ask = "{\"model\" : \"m\",\"input\":[ ]}";
    for path in ["/v1/responses/compact", "/v1/responses/input_tokens"] {
        let answer = "{\"object\":\"of the future\" }";
        b.push(Answer::raw("application/json", [answer]));
        let got = stage.ask(path, &[], ask).await;
        assert_eq!((got.status.as_u16(), got.body.as_str()), (200, answer));
        let received = b.received().pop().unwrap();
        assert_eq!(received.target, path);
        assert_eq!(received.body, ask.replace("\"m\"", "\"up/b\""));
    }
    assert_eq!(a.received().len(), 0);
    let got = stage
        .ask("/v1/responses/compact", &[], "{\"model\":\"none\"}")
        .await;
    assert_eq!(got.status, 404);
}

#[tokio::test]
async fn a_kept_response_is_read_and_deleted_where_it_was_made() {
    let (a, b, stage) = two().await;
    a.push(Answer::error(500, "server_error", "no"));
    stage.ask(RESPONSES, &[], ASK).await;
    for (method, target) in [
        ("GET", "/v1/responses/resp_scripted?include=x"),
        ("GET", "/v1/responses/resp_scripted/input_items"),
        ("POST", "/v1/responses/resp_scripted/cancel"),
        ("DELETE", "/v1/responses/resp_scripted"),
    ] {
        let got = stage
            .request(method, target, &[("authorization", "Bearer caller")])
            .await;
        assert_eq!(
            (got.status.as_u16(), got.header("x-ctr-endpoint")),
            (200, "b")
        );
        let received = b.received().pop().unwrap();
        assert_eq!(
            (received.method.as_str(), received.target.as_str()),
            (method, target)
        );
        assert_eq!(
            received.header("authorization"),
            Some(format!("Bearer {UPSTREAM_KEY}").as_str())
        );
    }
    let got = stage
        .request("GET", "/v1/responses/resp_unknown", &[])
        .await;
    assert_eq!(
        (got.status.as_u16(), got.json()["error"]["type"].as_str()),
        (404, Some("invalid_request_error"))
    );
    assert_eq!(
        (a.received().len(), stage.health("b").success_count),
        (1, 1)
    );
    // With one account there is only one place where it can be.
    let alone = Stage::new(&pool_plan(CHAT, &[&a])).await;
    assert_eq!(
        alone
            .request("GET", "/v1/responses/resp_unknown", &[])
            .await
            .status,
        200
    );
    let nobody = Stage::new(&pool_plan(MESSAGES, &[&a])).await;
    assert_eq!(
        nobody
            .request("GET", "/v1/responses/resp_unknown", &[])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn who_keeps_a_response_and_does_not_tell_it_is_named_as_its_model() {
    let up = upstream().await;
    let mut plan = pool_plan(CHAT, &[&up]);
    plan["upstream_timeout_ms"] = 300.into();
    let stage = Stage::new(&plan).await;
    for (answer, status, what) in [
        (Answer::hang(), 504, "answered in time"),
        (Answer::reset(), 502, "gave a usable answer"),
    ] {
        up.push(answer);
        let got = stage.request("GET", "/v1/responses/resp_1", &[]).await;
        assert_eq!(
            (got.status.as_u16(), &got.json()["error"]["message"]),
            (status, &json!(format!("no endpoint of model `m` {what}")))
        );
    }
}

#[tokio::test]
async fn a_stream_of_responses_that_breaks_ends_as_failed() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    up.push(Answer::cut_inside("one two three", 4));
    let got = stage
        .ask(
            RESPONSES,
            &[],
            "{\"model\":\"m\",\"stream\":true,\"input\":\"hi\"}",
        )
        .await;
    assert!(got.whole && got.body.contains("one"));
    let last = got.body.trim_end().rsplit("\n\n").next().unwrap();
    let data = last.strip_prefix("event: response.failed\ndata: ").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["sequence_number"], 4);
    assert_eq!(data["response"]["id"], KEPT);
    assert_eq!(data["response"]["status"], "failed");
    assert_eq!(data["response"]["error"]["code"], "server_error");
    assert_eq!(stage.health("a").failure_count, 1);
}

/// Where one endpoint serves responses and another is asked in Chat Completions, which seals
/// thinking in a way of its own.
#[tokio::test]
async fn thinking_of_a_chat_endpoint_is_not_sent_as_a_response() {
    let up = upstream().await;
    let stage = Stage::new(&pool_plan(CHAT, &[&up])).await;
    let body = "{\"model\":\"m\",\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"SEAL\"},{\"role\":\"user\",\"content\":\"on\"}]}";
    let got = stage
        .ask(RESPONSES, &[], &body.replace("SEAL", "ctr:content"))
        .await;
    assert_eq!(got.header("x-ctr-dropped"), "thinking");
    let told = up.received().pop().unwrap().json();
    assert_eq!(told["input"], json!([{ "role": "user", "content": "on" }]));
    let own = body.replace("SEAL", "gAAA");
    stage.ask(RESPONSES, &[], &own).await;
    let received = up.received().pop().unwrap();
    assert_eq!(received.body, own.replace("\"m\"", "\"up/a\""));
}
