//! A candidate that decides beside the plan that serves: what it is told to change
//! is what a replay of the same requests says, and nothing of it is sent.

use std::fs;
use std::time::Duration;

use ctr_compiler::compile;
use ctr_compiler::plan::{Plan, Recording};
use ctr_compiler::render::replay::json as as_json;
use ctr_compiler::replay::Replay;
use ctr_compiler::source::Sources;
use ctr_runtime::observe::Record;
use ctr_runtime::scripted::ScriptedUpstream;
use ctr_runtime::server::{Running, StartError};
use ctr_runtime::settings::Settings;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::home::{Home, ask, get, started, until_models};
use crate::record::{registration, says, send};

/// Only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(30);

const SHADOW: &str = "/api/plan/shadow";

struct Stage {
    home: Home,
    text: String,
    a: ScriptedUpstream,
    b: ScriptedUpstream,
}

impl Stage {
    async fn new() -> Self {
        let a = ScriptedUpstream::start().await.unwrap();
        let b = ScriptedUpstream::start().await.unwrap();
        let home = Home::new();
        let text = registration(&a, &b);
        home.write("registration.yaml", &text);
        Self { home, text, a, b }
    }

    /// The registration with something in place of something else.
    fn with(&self, old: &str, new: &str) -> String {
        assert!(self.text.contains(old), "{old}");
        self.text.replace(old, new)
    }

    fn settings(&self) -> Settings {
        let mut settings = self.home.settings("registration.yaml");
        settings.shadow = vec![self.home.path("candidate.yaml")];
        settings
    }

    async fn start(&self, candidate: &str) -> Running {
        self.home.write("candidate.yaml", candidate);
        started(self.settings()).await.unwrap()
    }
}

fn plan(text: &str) -> Plan {
    compile(&Sources::single("r.yaml", text.to_owned()))
        .plan
        .unwrap()
}

/// What is told once that is as wanted: a request counts when the proxy has let go
/// of its answer, a moment after the client has it.
async fn until(running: &Running, wanted: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        loop {
            let told = get(running, SHADOW, "").await;
            assert_eq!(told.status, 200, "{}", told.body);
            if wanted(&told.body) {
                return told.body;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asking).await.expect("it is told")
}

async fn until_counted(running: &Running, many: u64) -> Value {
    until(running, |told| told["requests"] == many).await
}

async fn message(running: &Running, body: &Value) {
    assert_eq!(send(running, "/v1/messages", body).await, 200);
}

#[tokio::test]
async fn it_tells_what_a_replay_of_the_same_requests_tells() {
    let stage = Stage::new().await;
    let candidate = stage
        .with("name: poem, model: solo", "name: poem, model: wide")
        .replace("longContextThreshold: 400", "longContextThreshold: 100000");
    stage.home.write("candidate.yaml", &candidate);
    let corpus = stage.home.path("corpus.jsonl");
    let mut settings = stage.settings();
    settings.record = Some(Record {
        to: Recording::to(corpus.display().to_string()),
        requests: None,
    });
    let running = started(settings).await.unwrap();
    for body in [
        says("any", "a poem"),
        says("any", "another poem"),
        says("any", "hello"),
        says("any", &"word ".repeat(600)),
        says("solo", "hello"),
    ] {
        message(&running, &body).await;
    }
    let mut told = until_counted(&running, 5).await;
    assert_eq!(stage.a.received().len() + stage.b.received().len(), 5);
    assert_eq!(told["moved"], 3);
    let first = &told["moves"][0];
    assert_eq!(first["requests"], 2);
    assert_eq!(
        first["from"],
        json!({ "model": "solo", "endpoint": "solo" })
    );
    assert_eq!(first["to"], json!({ "model": "wide", "endpoint": "wide" }));
    assert_eq!(
        (&first["by"], &first["name"]),
        (&json!("rule"), &json!("poem"))
    );
    let place = first["place"].as_str().unwrap();
    let line = candidate
        .lines()
        .position(|line| line.contains("name: poem"));
    let wanted = format!("candidate.yaml:{}", line.unwrap() + 1);
    assert!(place.ends_with(&wanted), "{place}");

    let (live, after) = (plan(&stage.text), plan(&candidate));
    let more = told.as_object_mut().unwrap();
    assert_eq!(more.remove("plan").unwrap(), live.hash().as_str());
    assert_eq!(more.remove("dropped").unwrap(), 0);
    assert!(more.remove("since").unwrap().is_u64());
    let of = more.remove("candidate").unwrap();
    assert_eq!(of["hash"], after.hash().as_str());
    assert_eq!(of["refused"], Value::Null);
    let observer = running.observer().clone();
    running.stop().await;
    let line = observer.summary().unwrap();
    assert!(line.contains("3 of 5 requests change (60.0 %)"), "{line}");

    let mut replay = Replay::between(&live, &after);
    let text = fs::read_to_string(corpus).unwrap();
    text.lines().for_each(|line| replay.line(line.as_bytes()));
    let report = replay.finish();
    let mut wanted = as_json(&report, &|_| None);
    for told in [&mut told, &mut wanted] {
        let moves = told["moves"].as_array_mut().unwrap();
        moves.iter_mut().for_each(|it| it["place"] = Value::Null);
    }
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn other_patterns_and_other_messages_are_looked_at() {
    let stage = Stage::new().await;
    let candidate = stage
        .with("keywords: [poem]", "keywords: [ballad]")
        .replace(
            "  sticky:",
            "  analysis_scope: full_conversation\n  sticky:",
        );
    let running = stage.start(&candidate).await;
    let talk = json!({ "model": "any", "max_tokens": 9, "messages": [
        { "role": "user", "content": "a ballad" },
        { "role": "assistant", "content": "here" },
        { "role": "user", "content": "go on" },
    ] });
    message(&running, &talk).await;
    message(&running, &says("any", "a poem")).await;
    let told = until_counted(&running, 2).await;
    assert_eq!(told["undecidable"]["requests"], 0);
    let moves: Vec<_> = told["moves"].as_array().unwrap().iter().collect();
    let way = |it: &Value| (it["from"]["model"].clone(), it["to"]["model"].clone());
    let mut ways: Vec<_> = moves.iter().map(|it| way(it)).collect();
    ways.sort_by_key(|(from, _)| from.to_string());
    let wanted = [("m", "solo"), ("solo", "m")];
    assert_eq!(ways, wanted.map(|(from, to)| (json!(from), json!(to))));
    running.stop().await;
}

#[tokio::test]
async fn a_candidate_is_followed_and_a_broken_one_is_not() {
    let stage = Stage::new().await;
    let running = stage.start(&stage.text).await;
    message(&running, &says("any", "hello")).await;
    let same = until_counted(&running, 1).await;
    assert_eq!(same["moved"], 0);

    stage
        .home
        .replace("candidate.yaml", "Router: {default: none}\n");
    let told = until(&running, |told| told["candidate"]["refused"].is_string()).await;
    assert_eq!(told["candidate"]["hash"], same["candidate"]["hash"]);
    assert_eq!(told["requests"], 1, "it decides on");

    let next = stage.with("default: m", "default: solo");
    stage.home.replace("candidate.yaml", &next);
    let hash = plan(&next).hash();
    let told = until(&running, |told| told["candidate"]["hash"] == hash.as_str()).await;
    assert_eq!(told["candidate"]["refused"], Value::Null);
    assert_eq!(told["requests"], 0, "counting begins anew");
    message(&running, &says("any", "hello")).await;
    assert_eq!(until_counted(&running, 1).await["moved"], 1);

    // When the candidate goes live, nothing would change any more.
    let live = next.replace("thinker", "sage");
    stage.home.replace("candidate.yaml", &live);
    stage.home.replace("registration.yaml", &live);
    until_models(&running, &["m", "narrow", "sage", "solo", "wide"]).await;
    let hash = plan(&live).hash();
    until(&running, |told| told["candidate"]["hash"] == hash.as_str()).await;
    message(&running, &says("any", "hello")).await;
    let told = until_counted(&running, 1).await;
    assert_eq!((&told["plan"], &told["moved"]), (&json!(hash), &json!(0)));
    running.stop().await;
}

#[tokio::test]
async fn a_compiled_plan_is_a_candidate_too() {
    let stage = Stage::new().await;
    let next = plan(&stage.with("default: m", "default: solo"));
    let running = stage.start(&next.to_canonical_json()).await;
    message(&running, &says("any", "hello")).await;
    let told = until_counted(&running, 1).await;
    assert_eq!(told["moves"][0]["place"], Value::Null);
    assert_eq!(told["moved"], 1);
    running.stop().await;
}

#[tokio::test]
async fn without_a_candidate_there_is_nothing_to_tell() {
    let stage = Stage::new().await;
    let running = stage.home.start().await;
    let told = get(&running, SHADOW, "").await;
    assert_eq!(told.status, 404);
    assert!(
        told.body["message"]
            .as_str()
            .unwrap()
            .contains("`--shadow`")
    );
    let wrong = ask(&running, "POST", SHADOW, "", "").await;
    assert_eq!(wrong.status, 405);
    running.stop().await;

    stage
        .home
        .write("candidate.yaml", "Router: {default: none}\n");
    let refused = started(stage.settings()).await;
    assert!(matches!(refused, Err(StartError::Shadow(_))));
}
