//! Requests that are served over sockets and recorded: the file replays to where
//! they went, and tells nobody's words.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ctr_compiler::compile;
use ctr_compiler::corpus::{Line, Request, read};
use ctr_compiler::plan::{Plan, Recording};
use ctr_compiler::replay::{Replay, Report};
use ctr_compiler::source::Sources;
use ctr_runtime::observe::Record;
use ctr_runtime::scripted::{Answer, ScriptedUpstream};
use ctr_runtime::server::Running;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::home::{Home, ask, get, started, until_models};

/// Only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stands in texts and in nothing else.
const MARKER: &str = "the-words-of-somebody";

/// A pool `m` of `a` and `b`, and smaller models, all at one upstream but `a`.
pub(crate) fn registration(a: &ScriptedUpstream, b: &ScriptedUpstream) -> String {
    let (a, b) = (a.addr(), b.addr());
    format!(
        "Models:
  - {{id: solo, api: 'http://{b}', key: k, interface: anthropic, model: x, metadata: {{cost_per_1m_input_tokens: 1, cost_per_1m_output_tokens: 5}}}}
  - {{id: wide, api: 'http://{b}', key: k, interface: anthropic, model: x, metadata: {{safe_input_tokens: 5000}}}}
  - {{id: narrow, api: 'http://{b}', key: k, interface: anthropic, model: x, metadata: {{safe_input_tokens: 50}}}}
  - {{id: thinker, api: 'http://{b}', key: k, interface: anthropic, model: x}}
Registration:
  enabled: true
  models:
    - {{id: m, api: 'http://{a}', key: k, interface: anthropic, model: x, metadata: {{pool_endpoint_id: a, cost_per_1m_input_tokens: 3, cost_per_1m_output_tokens: 15}}}}
    - {{id: m, api: 'http://{b}', key: k, interface: anthropic, model: x, metadata: {{pool_endpoint_id: b, pool_priority: 2, cost_per_1m_input_tokens: 3, cost_per_1m_output_tokens: 15}}}}
Router:
  default: m
  think: thinker
  longContext: wide
  longContextThreshold: 400
SmartRouter:
  enabled: true
  sticky: {{enabled: true, fingerprint_similarity_threshold: 0.5}}
  rules:
    - {{name: poem, model: solo, patterns: [{{type: exact, keywords: [poem]}}]}}
"
    )
}

/// With another default.
fn changed(text: &str) -> String {
    text.replace(
        "default: m\n  think: thinker",
        "default: solo\n  think: thinker",
    )
}

fn plan(text: &str) -> Plan {
    compile(&Sources::single("r.yaml", text.to_owned()))
        .plan
        .unwrap()
}

pub(crate) fn says(model: &str, text: &str) -> Value {
    json!({ "model": model, "max_tokens": 9, "messages": [{ "role": "user", "content": text }] })
}

pub(crate) async fn send(running: &Running, path: &str, body: &Value) -> u16 {
    let body = body.to_string();
    ask(running, "POST", path, "", &body).await.status
}

/// Requests of every kind that the plan tells apart.
async fn traffic(running: &Running) -> u64 {
    let mut thinks = says("any", "hello");
    thinks["thinking"] = json!({ "type": "enabled", "budget_tokens": 1024 });
    let mut of_session = says("any", "write a poem about sea, wind, sand, sun, rain, snow");
    of_session["metadata"] = json!({ "user_id": format!("user_1_session_{MARKER}") });
    let mut goes_on = says("any", "write about sea, wind, sand, sun, rain, snow");
    goes_on["metadata"] = of_session["metadata"].clone();
    let mut has_tools = says("any", "look it up");
    has_tools["tools"] = json!([{ "name": "t", "input_schema": {} }]);
    let long = says("any", &"word ".repeat(600));
    let messages = [
        says("any", MARKER),
        says("any", "a poem, key sk-ant-api03-abcdefghijkl"),
        says("solo", "hello"),
        says("narrow", &"word ".repeat(200)),
        says("narrow", &"word ".repeat(6_000)),
        thinks,
        of_session,
        goes_on,
        has_tools,
        long,
    ];
    let mut sent = 0;
    for body in &messages {
        send(running, "/v1/messages", body).await;
        sent += 1;
    }
    let mut streams = says("any", "hello");
    streams["stream"] = json!(true);
    send(running, "/v1/chat/completions", &streams).await;
    let responses = json!({ "model": "any", "input": "a poem" });
    send(running, "/v1/responses", &responses).await;
    sent + 2
}

fn replayed<'p>(plan: &'p Plan, text: &str) -> Report<'p> {
    let mut replay = Replay::of(plan);
    text.lines().for_each(|line| replay.line(line.as_bytes()));
    replay.finish()
}

pub(crate) fn requests(text: &str) -> Vec<Request> {
    let lines = text.lines().map(|line| read(line.as_bytes()).unwrap());
    let requests = lines.filter_map(|line| match line {
        Line::Request(request) => Some(*request),
        Line::Patterns(_) => None,
    });
    requests.collect()
}

struct Stage {
    home: Home,
    text: String,
    _a: ScriptedUpstream,
    b: ScriptedUpstream,
}

impl Stage {
    /// With what is added to the registration.
    async fn new(more: &str) -> Self {
        let a = ScriptedUpstream::start().await.unwrap();
        let b = ScriptedUpstream::start().await.unwrap();
        a.set_default(Answer::error(500, "api_error", "no"));
        let home = Home::new();
        let text = registration(&a, &b) + more;
        home.write("registration.yaml", &text);
        Self {
            home,
            text,
            _a: a,
            b,
        }
    }

    async fn start(&self, record: Option<Record>) -> Running {
        let mut settings = self.home.settings("registration.yaml");
        settings.state_dir = Some(self.home.path("state"));
        settings.record = record;
        started(settings).await.unwrap()
    }

    fn file(&self) -> PathBuf {
        self.home.path("corpus.jsonl")
    }

    fn recording(&self) -> Recording {
        Recording::to(self.file().display().to_string())
    }

    fn recorded(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }
}

#[tokio::test]
async fn what_was_recorded_goes_where_it_went() {
    let stage = Stage::new("").await;
    let record = Record {
        to: stage.recording(),
        requests: None,
    };
    let running = stage.start(Some(record)).await;
    let sent = traffic(&running).await;
    running.stop().await;
    let text = stage.recorded();
    let same = plan(&stage.text);
    let report = replayed(&same, &text);
    assert_eq!((report.requests, report.decided), (sent, sent), "{text}");
    assert_eq!(report.moved(), 0, "{:?}\n{text}", report.moves());
    assert_eq!(report.bad.count, 0);

    // Every way to decide was taken.
    let requests = requests(&text);
    let reasons: Vec<&str> = requests
        .iter()
        .filter_map(|it| it.decided.as_ref()?.reason.as_deref())
        .collect();
    for reason in [
        "slot:default",
        "smart_rule:poem",
        "explicit_model",
        "slot:think",
        "sticky_correction",
        "slot:longContext",
    ] {
        assert!(reasons.contains(&reason), "{reason}: {reasons:?}");
    }
    let refused = |it: &Request| it.decided.as_ref().unwrap().refused == Some(413);
    assert_eq!(requests.iter().filter(|it| refused(it)).count(), 1);

    // The first of the pool failed, and the second answered.
    let first = &requests[0];
    let (decided, outcome) = (
        first.decided.as_ref().unwrap(),
        first.outcome.as_ref().unwrap(),
    );
    assert_eq!(decided.model.as_deref(), Some("m"));
    assert_eq!(outcome.endpoint.as_deref(), Some("b"));
    assert_eq!((outcome.status, outcome.attempts), (200, 2));
    let (usage, cost) = (first.usage.unwrap(), first.cost.as_ref().unwrap());
    let wanted = (3.0 * usage.input as f64 + 15.0 * usage.output as f64) / 1e6;
    assert!(usage.output > 0 && (cost.amount - wanted).abs() < 1e-12);

    // A plan with another default moves what went there, and nothing else.
    let other = plan(&changed(&stage.text));
    let report = replayed(&other, &text);
    let at_default = reasons.iter().filter(|it| **it == "slot:default").count();
    assert_eq!(report.moved(), at_default as u64, "{:?}", report.moves());
    assert_eq!(report.decided, sent);
}

#[tokio::test]
async fn what_a_model_said_is_recorded_for_the_decision() {
    let mut stage = Stage::new("").await;
    stage
        .b
        .set_default(Answer::text("{\"model\": \"thinker\"}"));
    let candidates = "  router_model: wide
  candidates: [{model: solo, description: small}, {model: thinker, description: large}]
  rules:";
    stage.text = stage.text.replace("  rules:", candidates);
    stage.home.write("registration.yaml", &stage.text);
    let record = Record {
        to: stage.recording(),
        requests: None,
    };
    let running = stage.start(Some(record)).await;
    send(&running, "/v1/messages", &says("any", "hello")).await;
    send(&running, "/v1/messages", &says("any", "a poem")).await;
    running.stop().await;
    let text = stage.recorded();
    let requests = requests(&text);
    let router = requests[0].answers.router.as_ref().unwrap();
    assert_eq!(
        (&*router.by, router.said.as_deref()),
        ("wide", Some("thinker"))
    );
    assert_eq!(requests[1].answers.router, None, "a rule decided");
    let same = plan(&stage.text);
    let report = replayed(&same, &text);
    assert_eq!((report.decided, report.moved()), (2, 0), "{text}");
    let other = plan(
        &stage
            .text
            .replace("router_model: wide", "router_model: solo"),
    );
    let report = replayed(&other, &text);
    assert_eq!((report.decided, report.undecidable.count()), (1, 1));
}

#[tokio::test]
async fn a_corpus_is_its_owners_and_holds_nobodys_words() {
    let stage = Stage::new("").await;
    let record = Record {
        to: stage.recording(),
        requests: None,
    };
    let running = stage.start(Some(record)).await;
    traffic(&running).await;
    running.stop().await;
    let text = stage.recorded();
    for secret in [MARKER, "sk-ant", "about sea", "session_"] {
        assert!(!text.contains(secret), "{secret}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(stage.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let keys = |text: &str| -> Vec<String> {
        let sessions = requests(text).into_iter().filter_map(|it| it.session);
        sessions.map(|session| session.key).collect()
    };
    let first = keys(&text);
    assert_eq!(first.len(), 2);
    assert_eq!(first[0], first[1], "two requests of one session");

    // Another recording goes behind it, with other keys for the same session.
    let record = Record {
        to: Recording {
            text: true,
            ..stage.recording()
        },
        requests: None,
    };
    let running = stage.start(Some(record)).await;
    traffic(&running).await;
    running.stop().await;
    let both = stage.recorded();
    let rest = both.strip_prefix(&text).unwrap();
    assert_ne!(keys(rest)[0], first[0]);
    assert!(rest.contains(MARKER), "texts were asked for");
    assert!(!rest.contains("sk-ant"), "without keys: {rest}");
    assert!(!rest.contains("session_"));
    let same = plan(&stage.text);
    assert_eq!(replayed(&same, &both).moved(), 0);
}

#[tokio::test]
async fn the_registration_says_what_is_recorded_and_a_save_changes_it() {
    let stage = Stage::new("Runtime: {corpus: {path: kept.jsonl}}\n").await;
    let running = stage.start(None).await;
    let first = until_written(&running, 0).await;
    assert_eq!(
        first,
        json!({ "written": 0, "dropped": 0, "failed": 0, "error": null })
    );
    send(&running, "/v1/messages", &says("any", "a poem")).await;
    until_written(&running, 1).await;

    // Another pattern is told of before the first line that names it.
    let more = stage
        .text
        .replace("keywords: [poem]", "keywords: [poem, song]");
    let more = more.replace("id: thinker", "id: sage");
    let more = more.replace("think: thinker", "think: sage");
    stage.home.replace("registration.yaml", &more);
    until_models(&running, &["m", "narrow", "sage", "solo", "wide"]).await;
    send(&running, "/v1/messages", &says("any", "a song")).await;
    until_written(&running, 2).await;

    // And no more is recorded once it is not said any more.
    let none = more
        .replace("Runtime: {corpus: {path: kept.jsonl}}\n", "")
        .replace("sage", "thinker");
    stage.home.replace("registration.yaml", &none);
    until_models(&running, &["m", "narrow", "solo", "thinker", "wide"]).await;
    send(&running, "/v1/messages", &says("any", "a song")).await;
    let health = get(&running, "/api/health", "").await;
    assert_eq!(health.body["corpus"], Value::Null);
    running.stop().await;
    let text = fs::read_to_string(stage.home.path("state/kept.jsonl")).unwrap();
    let kinds: Vec<bool> = text
        .lines()
        .map(|it| it.contains("\"patterns\":{"))
        .collect();
    assert_eq!(kinds, [true, false, true, false], "{text}");
    let last = plan(&more);
    let report = replayed(&last, &text);
    assert_eq!((report.decided, report.moved()), (2, 0), "{text}");
}

#[tokio::test]
async fn a_recording_has_an_end() {
    let stage = Stage::new("").await;
    let record = Record {
        to: stage.recording(),
        requests: Some(2),
    };
    let running = stage.start(Some(record)).await;
    for _ in 0..3 {
        send(&running, "/v1/messages", &says("any", "hello")).await;
    }
    let reached = running.observer().reached();
    timeout(PATIENCE, reached).await.expect("its end");
    running.stop().await;
    assert_eq!(requests(&stage.recorded()).len(), 2);
}

#[tokio::test]
async fn a_file_that_takes_nothing_keeps_nobody_from_serving() {
    let most = Stage::new("Runtime: {corpus: {path: kept.jsonl, max_bytes: 1}}\n").await;
    let other = Stage::new("Runtime: {corpus: {path: ../registration.yaml}}\n").await;
    for (stage, wanted) in [(&most, "1 bytes"), (&other, "something else")] {
        let running = stage.start(None).await;
        for _ in 0..2 {
            let status = send(&running, "/v1/messages", &says("any", "hello")).await;
            assert_eq!(status, 200);
        }
        let counted = until(&running, |counted| counted["failed"] != 0).await;
        let why = counted["error"].as_str().unwrap();
        assert!(why.contains(wanted), "{why}");
        running.stop().await;
    }
    let untouched = fs::read_to_string(other.home.path("registration.yaml")).unwrap();
    assert_eq!(untouched, other.text);
}

/// What is counted of the recording, once that is as wanted.
async fn until(running: &Running, wanted: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        loop {
            let counted = get(running, "/api/health", "").await.body["corpus"].clone();
            if wanted(&counted) {
                return counted;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asking).await.expect("it is counted")
}

async fn until_written(running: &Running, many: u64) -> Value {
    until(running, |counted| counted["written"] == many).await
}
