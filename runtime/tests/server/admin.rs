//! The admin API, the list of models, and refusals.

use ctr_runtime::server::Running;
use serde_json::{Value, json};

use crate::home::{Answer, Home, KEY, ask, get, started, with_model};

const POOLS: &str = "
APIKEY: \"${CTR_KEY}\"
Models:
  - {id: solo, api: 'https://user:hidden@solo.test/v1', key: literal-secret, interface: openai, model: m1, thinking: low}
Registration:
  enabled: true
  models:
    - {id: team, api: 'https://a.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: m2,
       metadata: {pool_endpoint_id: a, pool_priority: 2, upstream_service_id: edge, cost_per_1m_input_tokens: 3, rate_limit_rpm: 60}}
    - {id: team, api: 'https://b.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: m3,
       metadata: {pool_endpoint_id: b, pool_priority: 1, supports_tools: false}}
  upstream_services:
    - {id: edge, base_url: 'https://edge.test/', auth_token: token-secret}
Router: {default: team, think: solo, background: 'registration__a,m2'}
";

fn key() -> String {
    format!("authorization: Bearer {KEY}\r\n")
}

async fn draft(running: &Running, body: &str) -> Answer {
    ask(
        running,
        "POST",
        "/api/models/compiled/preview",
        &key(),
        body,
    )
    .await
}

#[tokio::test]
async fn health_is_open_and_the_api_takes_the_key() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let open = get(&running, "/health", "").await;
    assert_eq!(open.status, 200);
    assert_eq!(
        open.body,
        json!({ "status": "ok", "service": "claude-trigger-router" })
    );

    for path in ["/api/health", "/api/models/compiled", "/api/none"] {
        let missing = get(&running, path, "").await;
        assert_eq!(
            (missing.status, missing.body),
            (401, json!({ "error": "Unauthorized", "reason": "missing" }))
        );
        let wrong = get(&running, path, "x-api-key: wrong\r\n").await;
        assert_eq!(
            (wrong.status, wrong.body),
            (401, json!({ "error": "Unauthorized", "reason": "invalid" }))
        );
    }
    let health = get(&running, "/api/health", &key()).await;
    assert_eq!(health.status, 200);
    assert_eq!(health.body["service"], "claude-trigger-router");
    assert_eq!(health.body["ready"], true);
    assert_eq!(health.body["port"], running.addr().port());
    assert_eq!(health.body["plan"]["hash"], running.live().hash.as_str());
    assert_eq!(health.body["reload"]["lastRefusal"], Value::Null);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_refused_in_the_callers_shape() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let anthropic = get(&running, "/v1/messages/none?key=hidden", "").await;
    assert_eq!(anthropic.status, 404);
    assert_eq!(
        anthropic.body,
        json!({
            "type": "error",
            "error": { "type": "not_found_error", "message": "there is no `/v1/messages/none` here" },
            "request_id": anthropic.header("x-ctr-request-id"),
        })
    );
    let openai = get(&running, "/v1/nonsense", "").await;
    assert_eq!(openai.status, 404);
    assert_eq!(openai.body["error"]["code"], "unknown_url");
    let api = get(&running, "/api/none", &key()).await;
    assert_eq!(
        (api.status, api.body),
        (
            404,
            json!({ "success": false, "message": "there is no `/api/none` here" })
        )
    );

    let method = get(&running, "/v1/messages", "").await;
    assert_eq!(
        (method.status, &method.body["error"]["type"]),
        (405, &json!("invalid_request_error"))
    );
    assert!(method.head.contains("\r\nallow: post"), "{}", method.head);
    let method = ask(&running, "DELETE", "/v1/models", "", "").await;
    assert_eq!(
        (method.status, &method.body["error"]["param"]),
        (405, &Value::Null)
    );
    assert!(
        method.head.contains("\r\nallow: get,head"),
        "{}",
        method.head
    );
    let method = ask(&running, "POST", "/api/health", &key(), "").await;
    assert_eq!(
        (method.status, &method.body["success"]),
        (405, &json!(false))
    );
}

#[tokio::test]
async fn answers_say_which_request_and_which_plan_they_belong_to() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let anthropic = format!("{}anthropic-version: 2023-06-01\r\n", key());
    let plan = &running.live().hash;
    for (method, path, headers, status) in [
        ("POST", "/v1/messages/zzz", "", 404),
        ("GET", "/v1/messages", "", 405),
        ("GET", "/v1/nonsense", "", 404),
        ("GET", "/nonsense", "", 404),
        ("GET", "/v1/models", "", 401),
        ("GET", "/v1/models", &key(), 200),
        ("GET", "/v1/models?limit=abc", &anthropic, 400),
        ("GET", "/v1/models/one", &key(), 200),
        ("GET", "/v1/models/zz", &anthropic, 404),
        ("GET", "/v1/models/zz", &key(), 404),
        ("GET", "/api/health", "", 401),
        ("GET", "/api/health", &key(), 200),
        ("GET", "/api/plan", &key(), 200),
        ("PUT", "/api/plan", &key(), 405),
        ("POST", "/api/models/compiled/preview", &key(), 400),
    ] {
        let answer = ask(&running, method, path, headers, "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        let id = answer.header("x-ctr-request-id").expect(path);
        assert!(id.starts_with("req_"), "{method} {path}: {id}");
        let told = answer.header("x-ctr-plan").expect(path);
        assert!(plan.as_str().starts_with(told), "{method} {path}: {told}");
        if answer.body["type"] == "error" {
            assert_eq!(answer.body["request_id"], id, "{method} {path}");
        }
        assert_eq!(answer.head.matches("x-ctr-").count(), 2, "{}", answer.head);
    }
    for path in ["/", "/health"] {
        let open = get(&running, path, "").await;
        assert!(!open.head.contains("x-ctr-"), "{}", open.head);
    }
}

#[tokio::test]
async fn models_are_listed_as_each_protocol_lists_them() {
    let home = Home::new();
    home.write("registration.yaml", POOLS);
    let running = home.start().await;
    let denied = get(&running, "/v1/models", "").await;
    assert_eq!(
        (denied.status, &denied.body["error"]["code"]),
        (401, &json!("invalid_api_key"))
    );
    let openai = get(&running, "/v1/models", &key()).await;
    assert_eq!(openai.body["object"], "list");
    assert_eq!(
        openai.body["data"][0],
        json!({ "id": "solo", "object": "model", "created": 0, "owned_by": "ctr" })
    );
    assert_eq!(openai.body["data"][1]["id"], "team");
    let anthropic = get(
        &running,
        "/v1/models",
        &format!("{}anthropic-version: 2023-06-01\r\n", key()),
    )
    .await;
    assert_eq!(anthropic.body["first_id"], "solo");
    assert_eq!(anthropic.body["last_id"], "team");
    assert_eq!(anthropic.body["data"][1]["type"], "model");
}

#[tokio::test]
async fn the_compiled_view_tells_everything_but_secrets() {
    let home = Home::new();
    home.write("registration.yaml", POOLS);
    let running = started(home.settings("registration.yaml")).await.unwrap();
    let view = get(&running, "/api/models/compiled", &key()).await;
    assert_eq!(view.status, 200);
    let text = view.body.to_string();
    for secret in [
        "literal-secret",
        "token-secret",
        "hidden",
        "upstream-secret",
        "UPSTREAM_KEY",
        "secret:",
        KEY,
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let body = view.body;
    assert_eq!(body["hash"], running.live().hash.as_str());
    assert_eq!(
        body["providers"][0],
        json!({
            "name": "model__solo", "api_base_url": "https://solo.test/v1/chat/completions", "models": ["m1"],
            "transformer": { "use": ["openrouter"] }, "has_api_key": true,
        })
    );
    assert_eq!(body["providers"][1]["transformer"], Value::Null);
    let solo = &body["modelMap"]["solo"];
    assert_eq!(
        solo["compatibilityProfile"],
        "openai-compatible-anthropic-dispatch"
    );
    assert_eq!(solo["thinking"], json!({ "mode": "on", "effort": "low" }));
    assert_eq!(solo["source"], "models");
    assert_eq!(
        body["modelMap"]["team"]["modelPool"],
        json!({ "modelId": "team", "endpointId": "b", "strategy": "priority" })
    );
    assert_eq!(
        body["modelMap"]["registration__a,m2"]["modelPool"]["endpointId"],
        "a"
    );
    let pool = &body["modelPools"]["team"];
    assert_eq!(pool["activeEndpointId"], "b");
    let a = &pool["endpoints"][1];
    assert_eq!(a["upstreamBaseUrl"], "https://edge.test");
    assert_eq!(a["upstreamAuthConfigured"], true);
    assert_eq!(
        a["cost"],
        json!({ "inputPer1MTokens": 3.0, "currency": "USD" })
    );
    assert_eq!(a["rateLimit"], json!({ "requestsPerMinute": 60 }));
    assert_eq!(
        a["health"],
        json!({ "modelId": "team", "endpointId": "a", "status": "healthy", "failureCount": 0, "successCount": 0 })
    );
    assert_eq!(
        body["router"],
        json!({ "default": "team", "think": "solo", "background": "registration__a,m2", "longContextThreshold": 60000 })
    );
    assert_eq!(
        body["capabilityWarnings"]["entries"][0]["path"],
        "Registration.models[1].metadata.supports_tools"
    );
    assert_eq!(
        body["capabilityWarnings"]["summary"],
        json!({ "total": 1, "warn": 0, "info": 1 })
    );
    assert_eq!(body["smartRouterExplanation"], json!({ "enabled": false }));
    let issues = body["issueReport"]["issues"].as_array().unwrap();
    let literal = issues
        .iter()
        .find(|issue| issue["code"] == "secret/literal")
        .unwrap();
    assert_eq!(
        (&literal["severity"], &literal["source"]),
        (&json!("warning"), &json!("schema"))
    );
    assert!(literal["path"].is_string() && literal["action"].is_string());
    assert!(
        body["warnings"]
            .as_array()
            .is_some_and(|warnings| !warnings.is_empty())
    );
}

#[tokio::test]
async fn a_failing_endpoint_shows_in_the_view() {
    let home = Home::new();
    home.write("registration.yaml", POOLS);
    let running = home.start().await;
    let live = running.live();
    let pool = &live.plan().pools["team"];
    let b = pool
        .endpoints
        .iter()
        .find(|endpoint| endpoint.id == "b")
        .unwrap();
    let now = live.clock().now_ms();
    let upstream = live.upstream(b);
    upstream.record.probed(&upstream.terms, now, now, false);
    let view = get(&running, "/api/models/compiled", &key()).await;
    let pool = &view.body["modelPools"]["team"];
    assert_eq!(pool["activeEndpointId"], "a");
    let health = &pool["endpoints"][0]["health"];
    assert_eq!(
        (&health["status"], &health["failureCount"]),
        (&json!("cooldown"), &json!(1))
    );
    assert_eq!(health["cooldownUntil"], now + 60_000);
    assert_eq!(health.get("circuitOpenUntil"), None);
}

#[tokio::test]
async fn a_draft_is_compared_and_not_kept() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let accepted = draft(&running, POOLS).await;
    assert_eq!(
        (accepted.status, &accepted.body["success"]),
        (200, &json!(true))
    );
    assert_eq!(
        accepted.body["diff"]["summary"],
        json!({
            "addedProviders": 3, "removedProviders": 1, "changedProviders": 0,
            "addedModels": 4, "removedModels": 1, "changedModels": 0,
        })
    );
    assert_eq!(
        accepted.body["referenceImpact"]["summary"],
        json!({ "total": 3, "modelIdRefs": 2, "legacyRefs": 1, "validModelIds": 2, "missingModelIds": 0 })
    );
    let impact = &accepted.body["referenceImpact"]["entries"][0];
    assert_eq!(
        (&impact["path"], &impact["resolvedTarget"]),
        (
            &json!("Router.default"),
            &json!({ "providerName": "registration__b", "modelName": "m3", "protocol": "anthropic" })
        )
    );
    assert!(!accepted.body.to_string().contains("literal-secret"));
    assert_eq!(crate::home::models(&running), ["one"]);

    let changed = draft(
        &running,
        &with_model("one").replace("claude-one", "claude-two"),
    )
    .await;
    let change = &changed.body["diff"]["modelChanges"][0];
    assert_eq!(
        (&change["type"], &change["modelId"], &change["fields"]),
        (&json!("changed"), &json!("one"), &json!(["modelName"]))
    );
    let same = draft(&running, &with_model("one")).await;
    assert_eq!(same.body["diff"]["modelChanges"], json!([]));
    assert_eq!(same.body["hash"], running.live().hash.as_str());
}

#[tokio::test]
async fn a_bad_draft_is_refused_with_its_errors() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let refused = draft(
        &running,
        r#"{"Models": [{"id": "x"}], "Router": {"default": "y"}}"#,
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["success"]),
        (400, &json!(false))
    );
    assert!(
        refused.body["errors"][0]
            .as_str()
            .unwrap()
            .starts_with("draft:1:")
    );
    assert!(
        refused.body["issueReport"]["summary"]["error"]
            .as_u64()
            .unwrap()
            > 1
    );
    for body in ["", "[", "\u{0}", "3"] {
        assert_eq!(draft(&running, body).await.status, 400, "{body:?}");
    }
}

#[tokio::test]
async fn of_very_many_mistakes_the_first_are_told() {
    let home = Home::with_model("one");
    let running = home.start().await;
    let text: String = (0..5_000).map(|key| format!("key{key}: 1\n")).collect();
    let refused = draft(&running, &format!("{text}PORT: none\n")).await;
    assert_eq!(refused.status, 400);
    let body = &refused.body;
    assert!(body.to_string().len() < 1 << 20);
    let report = &body["issueReport"];
    assert_eq!(
        report["summary"],
        json!({ "total": 5_002, "error": 2, "warning": 5_000, "info": 0, "omitted": 4_002 })
    );
    assert_eq!(report["issues"].as_array().unwrap().len(), 1_000);
    // Errors come first where not everything has room.
    assert_eq!(report["issues"][1]["severity"], "error");
    assert_eq!(report["issues"][2]["severity"], "warning");
    let warnings = body["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1_001);
    assert_eq!(warnings[1_000], "and 4000 more");
    assert_eq!(
        body["errors"],
        json!([
            "draft:1:1: no model is declared",
            "draft:5001:7: `PORT` takes a whole number"
        ])
    );

    home.write("registration.yaml", &text);
    let status = crate::home::until(&running, |status| status.refusals == 1).await;
    let refusal = status.last_refusal.as_ref().unwrap();
    assert_eq!(refusal.problems.as_array().unwrap().len(), 1_000);
    assert!(refusal.summary.starts_with("1 error, 5000 warnings"));
}

#[tokio::test]
async fn a_draft_has_a_limit() {
    let home = Home::with_model("one");
    let running = home.start().await;
    // Chunked, so that the size is found out while reading.
    let most = 8 << 20;
    let body = format!("{:x}\r\n{}", most + 1, "#".repeat(most + 1));
    let mut stream = tokio::net::TcpStream::connect(running.addr())
        .await
        .unwrap();
    let head = format!(
        "POST /api/models/compiled/preview HTTP/1.1\r\nhost: ctr\r\nconnection: close\r\nx-api-key: {KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let (mut reading, mut writing) = stream.split();
    let sending = async {
        use tokio::io::AsyncWriteExt;
        let _ = writing.write_all(head.as_bytes()).await;
        let _ = writing.write_all(body.as_bytes()).await;
    };
    let answering = async {
        use tokio::io::AsyncReadExt;
        let mut first = [0; 12];
        reading.read_exact(&mut first).await.unwrap();
        first
    };
    let ((), first) = tokio::join!(sending, answering);
    assert_eq!(&first, b"HTTP/1.1 413");
}
