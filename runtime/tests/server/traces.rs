//! What is remembered of requests: asked of a proxy that serves, and of its file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use ctr_runtime::server::Running;
use ctr_runtime::settings::Settings;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::home::{Answer as Got, Home, KEY, answer, ask, get, started};

const TRACES: &str = "/api/governance/traces";

/// Only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stands in prompts and in nothing else.
pub(crate) const MARKER: &str = "the-prompt-of-somebody";

fn key() -> String {
    format!("x-api-key: {KEY}\r\n")
}

/// A registration with a pool `m` of `a` and `b` with prices, a model `solo`, and a rule.
pub(crate) fn home(a: &ScriptedUpstream, b: &ScriptedUpstream) -> Home {
    let home = Home::new();
    let (a, b) = (a.addr(), b.addr());
    home.write(
        "registration.yaml",
        &format!(
            "APIKEY: \"${{CTR_KEY}}\"
Models:
  - {{id: solo, api: 'http://{b}', key: '${{UPSTREAM_KEY}}', interface: anthropic, model: x}}
Registration:
  enabled: true
  models:
    - {{id: m, api: 'http://{a}', key: '${{UPSTREAM_KEY}}', interface: anthropic, model: x,
       metadata: {{pool_endpoint_id: a, cost_per_1m_input_tokens: 3, cost_per_1m_output_tokens: 15}}}}
    - {{id: m, api: 'http://{b}', key: '${{UPSTREAM_KEY}}', interface: anthropic, model: x,
       metadata: {{pool_endpoint_id: b, pool_priority: 2, cost_per_1m_input_tokens: 1000000, cost_per_1m_output_tokens: 2000000, cost_currency: EUR}}}}
Router:
  default: m
SmartRouter:
  enabled: true
  rules:
    - name: poem
      model: solo
      patterns: [{{type: exact, keywords: [poem]}}]
"
        ),
    );
    home
}

pub(crate) fn with_state(home: &Home) -> Settings {
    let mut settings = home.settings("registration.yaml");
    settings.state_dir = Some(home.path("state"));
    settings
}

pub(crate) async fn message(running: &Running, body: &Value) -> Got {
    let headers = format!("{}x-claude-code-session-id: s-1\r\n", key());
    ask(running, "POST", "/v1/messages", &headers, &body.to_string()).await
}

pub(crate) fn says(model: &str, text: &str) -> Value {
    json!({ "model": model, "max_tokens": 9, "messages": [{ "role": "user", "content": text }] })
}

async fn told(running: &Running, query: &str) -> Value {
    let got = get(running, &format!("{TRACES}{query}"), &key()).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body
}

/// The traces that are told once there are so many: a trace is made when the
/// proxy has let go of the answer, a moment after the client has it.
pub(crate) async fn until(running: &Running, many: usize) -> Value {
    let asking = async {
        loop {
            let told = told(running, "").await;
            if told["traces"].as_array().unwrap().len() >= many {
                return told;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asking).await.expect("the traces come")
}

async fn health(running: &Running) -> Value {
    let got = get(running, "/api/health", &key()).await;
    got.body["traces"].clone()
}

pub(crate) async fn upstreams() -> (ScriptedUpstream, ScriptedUpstream) {
    (
        ScriptedUpstream::start().await.unwrap(),
        ScriptedUpstream::start().await.unwrap(),
    )
}

fn files(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            bytes.extend(fs::read(path).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn a_fallback_is_told_with_its_reasons_attempts_and_cost() {
    let (a, b) = upstreams().await;
    a.set_default(Answer::error(500, "api_error", "no"));
    let home = home(&a, &b);
    let running = home.start().await;
    let got = message(&running, &says("gone", "hello")).await;
    assert_eq!(got.status, 200);
    let all = until(&running, 1).await;
    let trace = &all["traces"][0];
    assert_eq!(
        trace["routeReason"],
        json!([
            "request_received",
            "smart_router:no_match",
            "slot:default",
            "model_pool:m:a",
            "model_pool_fallback:m:b",
            "model_pool_fallback_executed"
        ])
    );
    assert!(got.head.contains(trace["requestId"].as_str().unwrap()));
    assert_eq!(trace["path"], "/v1/messages");
    assert_eq!(trace["sessionKey"], "s-1");
    assert_eq!(
        (&trace["initialModel"], &trace["finalModel"]),
        (&json!("gone"), &json!("m"))
    );
    assert_eq!(trace["endpoint"], "b");
    assert_eq!(trace["planHash"], running.live().hash.as_str());
    let place = trace["provenance"].as_str().unwrap();
    assert!(place.ends_with("registration.yaml:12:12"), "{place}");
    let attempts = trace["attempts"].as_array().unwrap();
    let short: Vec<_> = attempts
        .iter()
        .map(|attempt| (&attempt["endpoint"], &attempt["outcome"]))
        .collect();
    assert_eq!(
        short,
        [
            (&json!("a"), &json!("status")),
            (&json!("b"), &json!("answered"))
        ]
    );
    assert!(attempts.iter().all(|attempt| attempt["ms"].is_u64()));
    assert_eq!(trace["modelPoolFallbackTriggered"], true);
    assert_eq!(trace["modelPoolFallbackFromEndpoint"], "a");
    assert_eq!(trace["modelPoolFallbackNextEndpoint"], "b");
    assert_eq!(trace["modelPoolFallbackEvidence"], "status");
    assert_eq!(
        (&trace["status"], &trace["outcome"]),
        (&json!(200), &json!("complete"))
    );
    let tokens = &trace["tokens"];
    let (input, output) = (
        tokens["input"].as_f64().unwrap(),
        tokens["output"].as_f64().unwrap(),
    );
    assert!(input > 0.0 && output > 0.0, "{tokens}");
    let cost = trace["estimatedCost"].as_f64().unwrap();
    assert!((cost - (input + 2.0 * output)).abs() < 1e-6, "{cost}");
    assert_eq!(trace["currency"], "EUR");
    assert!(trace.get("ttftMs").is_none(), "it is no stream");
    let (started, completed) = (&trace["startedAt"], &trace["completedAt"]);
    assert_eq!(
        completed.as_u64().unwrap() - started.as_u64().unwrap(),
        trace["latencyMs"].as_u64().unwrap()
    );
    assert_eq!(all["routeDecisions"][0]["source"], "model_pool_fallback");
    assert_eq!(
        all["switchContinuity"][0]["status"], "unknown",
        "the plan does not know `gone`"
    );
}

#[tokio::test]
async fn filters_and_one_trace() {
    let (a, b) = upstreams().await;
    let home = home(&a, &b);
    let running = home.start().await;
    assert_eq!(get(&running, TRACES, "").await.status, 401);
    message(&running, &says("m", "hello")).await;
    until(&running, 1).await;
    message(&running, &says("gone", "a poem")).await;
    let all = until(&running, 2).await;
    let ids: Vec<&str> = all["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["requestId"].as_str().unwrap())
        .collect();
    let many = async |query: &str| {
        told(&running, query).await["traces"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(many("?routeReason=smart_rule:poem").await, 1);
    assert_eq!(
        many("?routeReason=smart_rule").await,
        0,
        "exact members only"
    );
    assert_eq!(many("?sessionKey=s-1").await, 2);
    assert_eq!(many("?sessionKey=other").await, 0);
    assert_eq!(many("?limit=1").await, 1);
    assert_eq!(many("?cascadeTriggered=true").await, 0);
    assert_eq!(many("?cascadeTriggered=false&shadowChecked=false").await, 2);
    assert_eq!(many(&format!("?requestId={}", ids[1])).await, 1);
    let bad = get(&running, &format!("{TRACES}?limit=none"), &key()).await;
    assert_eq!(bad.status, 400);
    assert!(bad.body["message"].as_str().unwrap().contains("`limit`"));

    let rule = told(&running, "?routeReason=smart_rule:poem").await;
    let id = rule["traces"][0]["requestId"].as_str().unwrap();
    let one = told(&running, &format!("/{id}")).await;
    assert_eq!(one["requestId"], id);
    assert_eq!(one["decisionSummary"]["source"], "smart_rule");
    assert_eq!(one["decisionSummary"]["ruleName"], "poem");
    let place = one["provenance"].as_str().unwrap();
    assert!(place.ends_with("registration.yaml:16:7"), "{place}");
    let kept = told(&running, "?routeReason=explicit_model").await;
    assert_eq!(kept["switchContinuity"][0]["status"], "stable");
    let none = get(&running, &format!("{TRACES}/req_none"), &key()).await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn a_stream_tells_its_first_event_and_its_tokens() {
    let (a, b) = upstreams().await;
    let home = home(&a, &b);
    let running = home.start().await;
    let mut body = says("m", "hello");
    body["stream"] = json!(true);
    message(&running, &body).await;
    let all = until(&running, 1).await;
    let trace = &all["traces"][0];
    assert!(trace["ttftMs"].is_u64(), "{trace}");
    assert!(trace["tokens"]["input"].as_u64().unwrap() > 0);
    assert!(trace["tokens"]["output"].as_u64().unwrap() > 0);
    assert_eq!(trace["currency"], "USD");
}

#[tokio::test]
async fn what_could_not_be_carried_is_told() {
    let (a, b) = upstreams().await;
    let home = home(&a, &b);
    let running = started(with_state(&home)).await.unwrap();
    let body =
        json!({ "model": "solo", "seed": 7, "messages": [{ "role": "user", "content": "hi" }] });
    let path = "/v1/chat/completions";
    let got = ask(&running, "POST", path, &key(), &body.to_string()).await;
    assert_eq!(got.status, 200);
    let trace = &until(&running, 1).await["traces"][0];
    assert_eq!(
        (&trace["translated"], &trace["dropped"]),
        (&json!("chat-to-messages"), &json!(["seed"]))
    );
    message(&running, &says("solo", "hi")).await;
    let trace = &until(&running, 2).await["traces"][0];
    assert_eq!(
        (&trace["translated"], &trace["dropped"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn refusals_are_traced_and_strangers_are_not() {
    let (a, b) = upstreams().await;
    let home = home(&a, &b);
    let running = home.start().await;
    let stranger = says("m", "hello").to_string();
    let got = ask(&running, "POST", "/v1/messages", "", &stranger).await;
    assert_eq!(got.status, 401);
    let got = ask(&running, "POST", "/v1/messages", &key(), "{ no JSON").await;
    assert_eq!(got.status, 400);
    let all = until(&running, 1).await;
    assert_eq!(all["traces"].as_array().unwrap().len(), 1);
    let trace = &all["traces"][0];
    assert_eq!(
        (&trace["status"], &trace["outcome"]),
        (&json!(400), &json!("refused"))
    );
    assert_eq!(trace["routeReason"], json!(["request_received"]));
}

#[tokio::test]
async fn traces_outlive_the_process_and_hold_no_prompt_and_no_key() {
    let (a, b) = upstreams().await;
    a.set_default(Answer::error(500, "api_error", MARKER));
    b.set_default(Answer::text(MARKER));
    let home = home(&a, &b);
    let running = started(with_state(&home)).await.unwrap();
    for model in ["m", "gone"] {
        let mut body = says(model, &format!("{MARKER} poem"));
        body["system"] = json!(MARKER);
        body["metadata"] = json!({ "user_id": MARKER });
        message(&running, &body).await;
    }
    message(&running, &says("m", MARKER)).await;
    running.stop().await;
    let bytes = files(&home.path("state"));
    let holds = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
    assert!(
        holds("model_pool_fallback:m:b"),
        "what was asked was written"
    );
    for secret in [MARKER, KEY, "upstream-secret"] {
        assert!(!holds(secret), "{secret}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(home.path("state/ctr.db")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }

    let running = started(with_state(&home)).await.unwrap();
    let all = told(&running, "").await;
    assert_eq!(all["traces"].as_array().unwrap().len(), 3);
    message(&running, &says("m", "hello")).await;
    until(&running, 4).await;
    let health = health(&running).await;
    assert_eq!(
        health,
        json!({ "written": 1, "dropped": 0, "failed": 0, "error": null })
    );
}

#[tokio::test]
async fn a_store_that_takes_nothing_keeps_nobody_from_serving() {
    let (a, b) = upstreams().await;
    let home = home(&a, &b);
    home.write("taken", "");
    let mut settings = home.settings("registration.yaml");
    settings.state_dir = Some(home.path("taken"));
    let running = started(settings).await.unwrap();
    for _ in 0..3 {
        assert_eq!(message(&running, &says("m", "hello")).await.status, 200);
    }
    let got = get(&running, TRACES, &key()).await;
    assert_eq!(got.status, 503);
    let asking = async {
        loop {
            // Asking for traces makes what has gathered be written at once.
            get(&running, TRACES, &key()).await;
            let health = health(&running).await;
            if health["failed"] == 3 {
                return health;
            }
        }
    };
    let health = timeout(PATIENCE, asking).await.expect("they are counted");
    assert_eq!(
        (&health["written"], &health["dropped"]),
        (&json!(0), &json!(0))
    );
    assert!(health["error"].is_string());
    running.stop().await;

    fs::create_dir(home.path("state")).unwrap();
    home.write(
        "state/ctr.db",
        "this is no database, and it stays what it is",
    );
    let running = started(with_state(&home)).await.unwrap();
    assert_eq!(message(&running, &says("m", "hello")).await.status, 200);
    running.stop().await;
    let kept = fs::read_to_string(home.path("state/ctr.db")).unwrap();
    assert_eq!(kept, "this is no database, and it stays what it is");
}

#[tokio::test]
async fn tokens_are_told_in_every_protocol() {
    let (a, b) = upstreams().await;
    a.set_default(Answer::text("two words"));
    let home = home(&a, &b);
    let running = home.start().await;
    let messages = json!([{ "role": "user", "content": "hello" }]);
    let calls = [
        ("/v1/messages", "messages", messages.clone()),
        ("/v1/chat/completions", "messages", messages),
        ("/v1/responses", "input", json!("hello")),
    ];
    let mut many = 0;
    for (path, name, value) in calls {
        for stream in [false, true] {
            let body = json!({ "model": "m", "max_tokens": 9, "stream": stream, name: value });
            let got = ask(&running, "POST", path, &key(), &body.to_string()).await;
            assert_eq!(got.status, 200, "{path}");
            many += 1;
            let all = until(&running, many).await;
            let trace = &all["traces"][0];
            assert_eq!(trace["path"], path);
            assert_eq!(trace["tokens"]["output"], 2, "{path} {stream}: {trace}");
            assert!(trace["tokens"]["input"].as_u64() > Some(0), "{trace}");
            assert!(trace["estimatedCost"].as_f64() > Some(0.0), "{trace}");
            assert_eq!(trace["ttftMs"].is_u64(), stream, "{path} {stream}");
        }
    }
}

/// Begins a message whose answer nobody has read yet.
pub(crate) async fn begun(running: &Running, body: &Value) -> TcpStream {
    let (mut stream, body) = (
        TcpStream::connect(running.addr()).await.unwrap(),
        body.to_string(),
    );
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}content-length: {}\r\n\r\n{body}",
        key(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_leaves_and_an_upstream_that_breaks_off() {
    let (a, b) = upstreams().await;
    a.set_script([Answer::hang(), Answer::cut("some more words", 3)]);
    let home = home(&a, &b);
    let running = home.start().await;
    let client = begun(&running, &says("m", "hello")).await;
    while a.received().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(client);
    let all = until(&running, 1).await;
    let left = &all["traces"][0];
    assert_eq!(left["outcome"], "client_left");
    let attempt = &left["attempts"][0];
    assert_eq!(
        (&attempt["endpoint"], &attempt["outcome"]),
        (&json!("a"), &json!("client_left"))
    );

    let mut body = says("m", "hello");
    body["stream"] = json!(true);
    answer(&mut begun(&running, &body).await).await;
    let all = until(&running, 2).await;
    let broken = &all["traces"][0];
    assert_eq!(broken["outcome"], "broken");
    assert_eq!(broken["attempts"][0]["outcome"], "network");
    assert!(
        broken["tokens"]["input"].as_u64() > Some(0),
        "the first event told it: {broken}"
    );
}

#[tokio::test]
async fn a_model_that_takes_over_says_so() {
    let (a, b) = upstreams().await;
    let home = home(&a, &b);
    let text = fs::read_to_string(home.path("registration.yaml")).unwrap();
    let sticky = "  sticky: {enabled: true, alignment: {enabled: true, summarizer_model: m}}\n";
    let second =
        "    - name: prose\n      model: m\n      patterns: [{type: exact, keywords: [prose]}]\n";
    home.write("registration.yaml", &format!("{text}{second}{sticky}"));
    let running = home.start().await;
    let of_session = |text: &str| {
        let mut body = says("unknown", text);
        body["metadata"] = json!({ "user_id": "user_1_session_s-1" });
        body
    };
    message(&running, &of_session("a poem")).await;
    until(&running, 1).await;
    message(&running, &of_session("some prose")).await;
    let all = until(&running, 2).await;
    let [over, first] = [&all["traces"][0], &all["traces"][1]];
    assert_eq!(first["alignmentUsed"], false);
    assert_eq!(over["alignmentUsed"], true);
    let asked = &over["consulted"][0];
    assert_eq!(
        (&asked["role"], &asked["outcome"]),
        (&json!("summarizer"), &json!("answered"))
    );
    assert!(over["consultedCost"].as_f64() > Some(0.0), "{over}");
    assert_eq!(
        over["routeReason"],
        json!([
            "request_received",
            "smart_rule:prose",
            "context_alignment",
            "model_pool:m:a"
        ])
    );
}
