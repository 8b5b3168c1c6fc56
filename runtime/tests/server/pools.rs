//! What is told of the endpoints of pools, asking them, and records that outlive
//! the process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ctr_runtime::clock::Clock;
use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use ctr_runtime::server::Running;
use ctr_runtime::settings::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Barrier, mpsc};

use crate::home::{Answer as Got, Home, KEY, ask, get, started, until};

const REPORT: &str = "/api/models/pool-health";

fn key() -> String {
    format!("x-api-key: {KEY}\r\n")
}

async fn report(running: &Running) -> Value {
    let got = get(running, REPORT, &key()).await;
    assert_eq!(got.status, 200);
    got.body
}

async fn probe(running: &Running, filter: &str) -> Got {
    ask(running, "POST", &format!("{REPORT}/probe"), &key(), filter).await
}

/// A registration with a pool `m` of endpoints `a`, `b`, … at these addresses.
fn pool(addresses: &[SocketAddr]) -> String {
    let mut text = "Registration:\n  enabled: true\n  models:\n".to_owned();
    for (address, id) in addresses.iter().zip('a'..) {
        text += &format!(
            "    - {{id: m, api: 'http://u:p@{address}/v1?token=s3cret', key: '${{UPSTREAM_KEY}}', interface: anthropic, model: x, metadata: {{pool_endpoint_id: {id}}}}}\n"
        );
    }
    text + "Router: {default: m}\n"
}

fn home(addresses: &[SocketAddr]) -> Home {
    let home = Home::new();
    home.write(
        "registration.yaml",
        &format!("APIKEY: \"${{CTR_KEY}}\"\n{}", pool(addresses)),
    );
    home
}

/// Answers every request with these bytes and tells its first line and headers.
async fn answering(bytes: &'static str) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let _ = tell.send(String::from_utf8(head).unwrap());
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
    });
    (addr, told)
}

#[tokio::test]
async fn the_report_has_the_fields_of_the_reference() {
    let home = Home::new();
    home.write(
        "registration.yaml",
        "
APIKEY: \"${CTR_KEY}\"
Registration:
  enabled: true
  strategy: health-aware
  models:
    - {id: m, api: 'https://a.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: x,
       metadata: {pool_endpoint_id: a, upstream_service_id: edge, cost_per_1m_input_tokens: 3, rate_limit_rpm: 60}}
    - {id: m, api: 'https://b.test', key: '${UPSTREAM_KEY}', interface: anthropic, model: x,
       metadata: {pool_endpoint_id: b, pool_enabled: false}}
  upstream_services: [{id: edge, base_url: 'https://edge.test/'}]
Router: {default: m}
",
    );
    let running = home.start().await;
    assert_eq!(get(&running, REPORT, "").await.status, 401);
    let live = running.live();
    let endpoint = &live.plan().pools["m"].endpoints[0];
    let upstream = live.upstream(endpoint);
    let now = live.clock().now_ms();
    upstream.record.probed(&upstream.terms, now, now, false);
    let report = report(&running).await;
    assert!(report["generatedAt"].as_str().unwrap().ends_with('Z'));
    let saved = &report["persistedState"];
    assert_eq!(saved["updatedAt"], Value::Null);
    assert_eq!(saved["endpoints"][0]["endpointId"], "a");
    assert_eq!(saved["endpoints"][0]["failureCount"], 1);
    assert_eq!(
        report["summary"],
        json!({ "pools": 1, "endpoints": 2, "healthy": 1, "halfOpen": 0, "cooldown": 1, "open": 0 })
    );
    let pool = &report["pools"][0];
    assert_eq!(
        (
            &pool["modelId"],
            &pool["strategy"],
            &pool["activeEndpointId"],
            &pool["warnings"]
        ),
        (&json!("m"), &json!("health-aware"), &json!("a"), &json!([]))
    );
    assert_eq!(
        pool["endpoints"][0],
        json!({
            "id": "a", "modelId": "m", "providerName": "registration__a", "modelName": "x",
            "upstreamServiceId": "edge", "upstreamBaseUrl": "https://edge.test",
            "priority": 1, "enabled": true, "active": true, "status": "cooldown",
            "cost": { "inputPer1MTokens": 3.0, "currency": "USD" },
            "rateLimit": { "requestsPerMinute": 60 },
            "failureCount": 1, "successCount": 0, "lastFailureAt": now, "cooldownUntil": now + 60_000,
            "lastFailure": "probe", "reason": "failures",
        })
    );
    assert_eq!(pool["endpoints"][1]["status"], "healthy");
    assert_eq!(pool["endpoints"][1]["enabled"], false);
    let text = report.to_string();
    assert!(!text.contains("upstream-secret") && !text.contains("UPSTREAM_KEY"));
}

#[tokio::test]
async fn a_probe_asks_with_head_and_without_a_key() {
    let ok = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let bad = "HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let ((a, mut at_a), (b, _)) = (answering(ok).await, answering(bad).await);
    // Bound, so that nobody else gets the port, and not listening.
    let gone = TcpSocket::new_v4().unwrap();
    gone.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let home = home(&[a, b, gone.local_addr().unwrap()]);
    let running = home.start().await;
    assert_eq!(
        ask(&running, "POST", &format!("{REPORT}/probe"), "", "")
            .await
            .status,
        401
    );
    let got = probe(&running, "").await;
    assert_eq!(got.status, 200);
    let head = at_a.recv().await.unwrap().to_lowercase();
    assert!(head.starts_with("head /v1/messages http/1.1\r\n"), "{head}");
    for word in ["authorization", "x-api-key", "s3cret", "token", "u:p"] {
        assert!(!head.contains(word), "{word} in {head}");
    }
    assert_eq!(
        got.body["summary"],
        json!({ "targets": 3, "probed": 3, "ok": 1, "failed": 2, "skipped": 0 })
    );
    let results = got.body["results"].as_array().unwrap();
    assert_eq!(
        (
            &results[0]["endpointId"],
            &results[0]["statusCode"],
            &results[0]["ok"]
        ),
        (&json!("a"), &json!(404), &json!(true))
    );
    assert!(results[0]["latencyMs"].is_u64() && results[0].get("error").is_none());
    assert_eq!(
        (&results[1]["statusCode"], &results[1]["ok"]),
        (&json!(503), &json!(false))
    );
    assert_eq!(
        (&results[2]["error"], &results[2]["ok"]),
        (&json!("no connection"), &json!(false))
    );
    assert_eq!(results[2]["health"]["status"], "cooldown");
    // An answer is no use of the endpoint, and no latency of real traffic.
    assert_eq!(
        results[0]["health"],
        json!({ "modelId": "m", "endpointId": "a", "status": "healthy", "failureCount": 0, "successCount": 0 })
    );
    assert_eq!(got.body["health"]["summary"]["cooldown"], 2);
    let text = got.body.to_string();
    assert!(!text.contains("s3cret") && !text.contains("u:p"), "{text}");

    for (filter, targets) in [
        (r#"{"endpointId": "b"}"#, 1),
        (r#"{"modelId": "m"}"#, 3),
        (r#"{"modelId": "other"}"#, 0),
        (r#"{"modelId": "m", "endpointId": "z"}"#, 0),
        ("{}", 3),
    ] {
        let got = probe(&running, filter).await;
        assert_eq!(got.body["summary"]["targets"], targets, "{filter}");
    }
    for wrong in [
        "[",
        "3",
        r#"{"modelId": 3}"#,
        r#"{"modelID": "m"}"#,
        r#"["m"]"#,
    ] {
        let got = probe(&running, wrong).await;
        assert_eq!(
            (got.status, &got.body["success"]),
            (400, &json!(false)),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_probe_follows_no_redirect() {
    let (other, mut at_other) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: http://{other}/\r\ncontent-length: 0\r\n\r\n"
    );
    let (a, _) = answering(Box::leak(redirect.into_boxed_str())).await;
    let home = home(&[a]);
    let running = home.start().await;
    let got = probe(&running, "").await;
    assert_eq!(got.body["results"][0]["statusCode"], 302);
    assert_eq!(got.body["results"][0]["ok"], true);
    assert!(at_other.try_recv().is_err());
}

#[tokio::test]
async fn a_probe_does_not_wait_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = home(&[silent.local_addr().unwrap()]);
    let running = home.start().await;
    let (got, _held) = tokio::join!(probe(&running, ""), async {
        let (mut stream, _) = silent.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(5)).await;
        tokio::time::resume();
        stream
    });
    assert_eq!(got.body["results"][0]["error"], "no answer in 5 s");
    assert_eq!(got.body["results"][0]["health"]["failureCount"], 1);
}

#[tokio::test]
async fn probes_that_fail_side_by_side_are_one_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = home(&[listener.local_addr().unwrap()]);
    let running = home.start().await;
    let ask = || probe(&running, "");
    tokio::join!(ask(), ask(), ask(), async {
        let mut all = Vec::new();
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            all.push(stream);
        }
        // All break off, and not in the millisecond in which the last was sent.
        let clock = Clock::default();
        let sent = clock.now_ms();
        while clock.now_ms() == sent {
            tokio::task::yield_now().await;
        }
    });
    let endpoint = report(&running).await["pools"][0]["endpoints"][0].clone();
    assert_eq!(
        (&endpoint["status"], &endpoint["failureCount"]),
        (&json!("cooldown"), &json!(1))
    );
}

#[tokio::test]
async fn so_many_probes_run_at_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let running_now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (counted, highest) = (Arc::clone(&running_now), Arc::clone(&most));
    let full = Arc::new(Barrier::new(8));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (counted, highest, full) = (counted.clone(), highest.clone(), full.clone());
            tokio::spawn(async move {
                let _ = stream.read_u8().await;
                let now = counted.fetch_add(1, Ordering::SeqCst) + 1;
                highest.fetch_max(now, Ordering::SeqCst);
                full.wait().await;
                counted.fetch_sub(1, Ordering::SeqCst);
                let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    let home = home(&[addr; 24]);
    let running = home.start().await;
    let got = probe(&running, "").await;
    assert_eq!(got.body["summary"]["ok"], 24);
    assert_eq!(most.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn a_probe_brings_an_open_endpoint_to_its_trial() {
    let a = ScriptedUpstream::start().await.unwrap();
    a.set_default(Answer::error(500, "api_error", "no"));
    let home = home(&[a.addr()]);
    let running = home.start().await;
    for _ in 0..3 {
        message(&running).await;
    }
    let endpoint = |report: &Value| report["pools"][0]["endpoints"][0].clone();
    let open = endpoint(&report(&running).await);
    assert_eq!(
        (&open["status"], &open["reason"]),
        (&json!("open"), &json!("failures"))
    );
    assert_eq!(open["lastFailure"], "status");
    let probed = probe(&running, "").await.body;
    let half_open = endpoint(&probed["health"]);
    assert_eq!(
        (&half_open["status"], &half_open["trialsFree"]),
        (&json!("half-open"), &json!(1))
    );
    assert_eq!(half_open.get("circuitOpenUntil"), None);
    assert_eq!(probed["health"]["summary"]["halfOpen"], 1);
    a.set_default(Answer::text("hello"));
    message(&running).await;
    assert_eq!(endpoint(&report(&running).await)["status"], "healthy");
}

#[tokio::test]
async fn a_key_that_was_replaced_is_refused_for_itself_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let home = home(&[addr]);
    let running = home.start().await;
    let (got, _held) = tokio::join!(message(&running), async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            stream.read_buf(&mut request).await.unwrap();
        }
        let text = format!("APIKEY: \"${{CTR_KEY}}\"\n{}", pool(&[addr]));
        let rotated = text.replace("${UPSTREAM_KEY}", "another");
        home.write("registration.yaml", &rotated);
        until(&running, |status| status.swaps == 1).await;
        let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(refusal).await.unwrap();
        stream
    });
    assert!(got.starts_with("http/1.1 401"), "{got}");
    let endpoint = report(&running).await["pools"][0]["endpoints"][0].clone();
    assert_eq!(
        (&endpoint["status"], &endpoint["failureCount"]),
        (&json!("healthy"), &json!(0))
    );
}

async fn message(running: &Running) -> String {
    let body = r#"{"model":"m"}"#;
    let got = ask(running, "POST", "/v1/messages", &key(), body).await;
    got.head
}

fn with_state(home: &Home) -> Settings {
    let mut settings = home.settings("registration.yaml");
    settings.state_dir = Some(home.path("state"));
    settings
}

#[tokio::test]
async fn records_outlive_the_process() {
    let (a, b) = (
        ScriptedUpstream::start().await.unwrap(),
        ScriptedUpstream::start().await.unwrap(),
    );
    a.set_default(Answer::error(503, "overloaded_error", "later"));
    let home = home(&[a.addr(), b.addr()]);
    let running = started(with_state(&home)).await.unwrap();
    assert!(message(&running).await.contains("x-ctr-endpoint: b"));
    let before = report(&running).await;
    running.stop().await;
    let text = std::fs::read_to_string(home.path("state/model-pool-health.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert!(file["updatedAt"].is_u64());
    let first = &file["endpoints"][0];
    assert_eq!(
        (&first["modelId"], &first["endpointId"]),
        (&json!("m"), &json!("a"))
    );
    assert_eq!(first["lastFailure"], "status");
    for secret in ["s3cret", "u:p", "upstream-secret"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }

    let running = started(with_state(&home)).await.unwrap();
    let after = report(&running).await;
    for at in [0, 1] {
        assert_eq!(
            after["pools"][0]["endpoints"][at],
            before["pools"][0]["endpoints"][at]
        );
    }
    assert_eq!(after["persistedState"]["updatedAt"], file["updatedAt"]);
    assert!(message(&running).await.contains("x-ctr-endpoint: b"));
    assert_eq!(a.received().len(), 1, "it is known to be out");
    running.stop().await;

    // A pool's name is no part of what an endpoint is.
    let renamed = std::fs::read_to_string(home.path("registration.yaml")).unwrap();
    let renamed = renamed.replace("id: m,", "id: n,");
    let renamed = renamed.replace("default: m", "default: n");
    home.write("renamed.yaml", &renamed);
    let mut settings = home.settings("renamed.yaml");
    settings.state_dir = Some(home.path("state"));
    let running = started(settings).await.unwrap();
    let endpoint = &report(&running).await["pools"][0]["endpoints"][0];
    assert_eq!(
        (&endpoint["modelId"], &endpoint["status"]),
        (&json!("n"), &json!("cooldown"))
    );
    running.stop().await;

    // Another upstream model is another endpoint, of which nothing is known.
    let changed = std::fs::read_to_string(home.path("registration.yaml")).unwrap();
    home.write(
        "registration.yaml",
        &changed.replace("model: x", "model: y"),
    );
    let running = started(with_state(&home)).await.unwrap();
    let endpoint = &report(&running).await["pools"][0]["endpoints"][0];
    assert_eq!(
        (&endpoint["status"], &endpoint["failureCount"]),
        (&json!("healthy"), &json!(0))
    );
}

/// Also where no attempt failed or succeeded: the caller's own faults count, too.
#[tokio::test]
async fn a_minute_of_a_limit_outlives_the_process() {
    let a = ScriptedUpstream::start().await.unwrap();
    a.set_default(Answer::error(400, "invalid_request_error", "no"));
    let home = home(&[a.addr()]);
    let limited = std::fs::read_to_string(home.path("registration.yaml")).unwrap();
    let limited = limited.replace("endpoint_id: a", "endpoint_id: a, rate_limit_rpm: 2");
    let limited = limited.replace(
        "enabled: true",
        "enabled: true\n  enforce_rate_limits: true",
    );
    home.write("registration.yaml", &limited);
    for status in ["400 ", "429 "] {
        let running = started(with_state(&home)).await.unwrap();
        for _ in 0..2 {
            let head = message(&running).await;
            assert!(head.contains(status), "{head}");
        }
        running.stop().await;
    }
    assert_eq!(a.received().len(), 2);
}

#[tokio::test]
async fn a_key_that_was_put_right_is_tried() {
    let (a, b) = (
        ScriptedUpstream::start().await.unwrap(),
        ScriptedUpstream::start().await.unwrap(),
    );
    let refused = || Answer::error(401, "authentication_error", "who are you");
    a.push(refused());
    let home = home(&[a.addr(), b.addr()]);
    let running = started(with_state(&home)).await.unwrap();
    assert!(message(&running).await.contains("x-ctr-endpoint: b"));
    assert!(message(&running).await.contains("x-ctr-endpoint: b"));

    let text = std::fs::read_to_string(home.path("registration.yaml")).unwrap();
    let corrected = text.replace("'${UPSTREAM_KEY}'", "another");
    home.write("registration.yaml", &corrected);
    until(&running, |status| status.swaps == 1).await;
    assert!(message(&running).await.contains("x-ctr-endpoint: a"));

    // In the environment it can only be put right with another process.
    a.push(refused());
    assert!(message(&running).await.contains("x-ctr-endpoint: b"));
    running.stop().await;
    let running = started(with_state(&home)).await.unwrap();
    let endpoint = &report(&running).await["pools"][0]["endpoints"][0];
    assert_eq!(endpoint["status"], "half-open");
    assert!(message(&running).await.contains("x-ctr-endpoint: a"));
}

#[tokio::test]
async fn a_change_is_written_soon() {
    let a = ScriptedUpstream::start().await.unwrap();
    let home = home(&[a.addr()]);
    let running = started(with_state(&home)).await.unwrap();
    message(&running).await;
    tokio::time::pause();
    while !home.path("state/model-pool-health.json").exists() {
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    tokio::time::resume();
}

#[tokio::test]
async fn what_claude_trigger_router_left_is_taken_over() {
    let a = ScriptedUpstream::start().await.unwrap();
    let home = home(&[a.addr()]);
    let now = Clock::default().now_ms();
    let text = json!({
        "updatedAt": now,
        "endpoints": [{
            "modelId": "m", "endpointId": "a", "failureCount": 1, "successCount": 9, "lastFailureAt": now,
            "cooldownUntil": now + 60_000, "latencySamples": [{ "latencyMs": 812.5, "recordedAt": now }],
        }],
    });
    std::fs::create_dir(home.path("state")).unwrap();
    home.write("state/model-pool-health.json", &text.to_string());
    let running = started(with_state(&home)).await.unwrap();
    let endpoint = &report(&running).await["pools"][0]["endpoints"][0];
    assert_eq!(
        (&endpoint["status"], &endpoint["successCount"]),
        (&json!("cooldown"), &json!(9))
    );
    assert_eq!(endpoint["latency"]["averageMs"], 813.0);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_or_written_keeps_nobody_from_serving() {
    let a = ScriptedUpstream::start().await.unwrap();
    let home = home(&[a.addr()]);
    std::fs::create_dir(home.path("state")).unwrap();
    home.write("state/model-pool-health.json", "{ no JSON");
    let running = started(with_state(&home)).await.unwrap();
    assert!(message(&running).await.starts_with("http/1.1 200"));
    running.stop().await;
    let bad = std::fs::read_to_string(home.path("state/model-pool-health.json.bad")).unwrap();
    assert_eq!(bad, "{ no JSON");

    home.write("taken", "");
    let mut settings = home.settings("registration.yaml");
    settings.state_dir = Some(home.path("taken"));
    let running = started(settings).await.unwrap();
    assert!(message(&running).await.starts_with("http/1.1 200"));
    running.stop().await;
    assert_eq!(std::fs::read_to_string(home.path("taken")).unwrap(), "");
}
