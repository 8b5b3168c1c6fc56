//! Evaluations over time, asked of a proxy that serves.

use std::fs;
use std::sync::Arc;

use ctr_runtime::scripted::ScriptedUpstream;
use ctr_runtime::server::Running;
use ctr_runtime::settings::Settings;
use serde_json::{Value, json};

use crate::home::{Answer, Home, KEY, ask, get, started};

const HISTORY: &str = "/api/benchmark/history";
const CALIBRATION: &str = "/api/benchmark/calibration";

fn key() -> String {
    format!("x-api-key: {KEY}\r\n")
}

async fn calibrate(running: &Running, body: &Value) -> Answer {
    ask(running, "POST", CALIBRATION, &key(), &body.to_string()).await
}

async fn history(running: &Running) -> Value {
    let got = get(running, HISTORY, &key()).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body
}

fn with_state(home: &Home) -> Settings {
    let mut settings = home.settings("registration.yaml");
    settings.state_dir = Some(home.path("state"));
    settings
}

fn said() -> Value {
    json!({
        "taskId": "quick_status", "model": "sonnet",
        "output": "Status: MARKER is up again. Next: we watch it for an hour.",
        "latencyMs": 700, "humanScore": 0.6,
        "judgeFindings": " too short \n\n no owner", "calibrationNotes": "read twice",
    })
}

#[tokio::test]
async fn a_word_on_an_answer_is_kept_and_the_answer_is_not() {
    let home = Home::with_model("m");
    let running = started(with_state(&home)).await.unwrap();
    let got = calibrate(&running, &said()).await;
    assert_eq!((got.status, &got.body["success"]), (200, &json!(true)));
    let entry = &got.body["entry"];
    assert_eq!(
        (&entry["source"], &entry["label"]),
        (&json!("input"), &json!("ui-calibration"))
    );
    assert_eq!(entry["averageCalibrationScore"], 0.6);
    let run = &got.body["report"]["runs"][0];
    assert_eq!(
        run["calibration"]["findings"],
        json!(["too short", "no owner", "calibration_disagreement:-0.4"])
    );
    assert_eq!(got.body["summary"]["totalEntries"], 1);

    let mut second = said();
    second["label"] = json!("by hand");
    second["humanScore"] = json!(0.9);
    assert_eq!(calibrate(&running, &second).await.status, 200);
    let told = history(&running).await;
    assert_eq!(told["summary"]["latest"]["label"], "by hand");
    assert_eq!(told["summary"]["trends"]["calibrationDelta"], 0.3);
    assert_eq!(told["summary"]["topModels"][0]["model"], "sonnet");
    let file = home.path("state/benchmark-history.json");
    assert_eq!(told["historyFile"], file.display().to_string());
    let saved = fs::read_to_string(&file).unwrap();
    assert!(!saved.contains("MARKER") && !told.to_string().contains("MARKER"));
    running.stop().await;

    let running = started(with_state(&home)).await.unwrap();
    assert_eq!(history(&running).await["summary"]["totalEntries"], 2);
}

#[tokio::test]
async fn without_a_directory_it_lasts_as_long_as_the_process() {
    let home = Home::with_model("m");
    let running = home.start().await;
    let empty = history(&running).await;
    assert_eq!(empty["historyFile"], Value::Null);
    assert_eq!(
        (
            &empty["summary"]["totalEntries"],
            &empty["summary"]["latest"]
        ),
        (&json!(0), &Value::Null)
    );
    let nothing = json!({ "passRateDelta": 0.0, "qualityDelta": 0.0, "speedDelta": 0.0, "latencyDeltaMs": 0.0, "calibrationDelta": 0.0 });
    assert_eq!(empty["summary"]["trends"], nothing);
    assert_eq!(calibrate(&running, &said()).await.status, 200);
    assert_eq!(history(&running).await["summary"]["totalEntries"], 1);
}

#[tokio::test]
async fn what_is_no_answer_is_refused_whole() {
    let home = Home::with_model("m");
    let running = home.start().await;
    for (body, named) in [
        (
            json!({ "taskId": "quick_statsu", "model": "m" }),
            "did you mean `quick_status`?",
        ),
        (json!({ "taskId": "quick_status" }), "`model`"),
        (
            json!({ "taskId": "quick_status", "model": "m", "humanScore": 2, "label": 3 }),
            "`humanScore` is no number from 0 to 1; `label` is no text",
        ),
        (json!([]), "send an object"),
    ] {
        let got = calibrate(&running, &body).await;
        assert_eq!((got.status, &got.body["success"]), (400, &json!(false)));
        let message = got.body["message"].as_str().unwrap();
        assert!(message.contains(named), "{message}");
    }
    assert_eq!(history(&running).await["summary"]["totalEntries"], 0);
    for path in [HISTORY, CALIBRATION] {
        assert_eq!(get(&running, path, "").await.status, 401);
    }
}

#[tokio::test]
async fn a_file_that_is_no_history_is_left_as_it_is() {
    let home = Home::with_model("m");
    fs::create_dir(home.path("state")).unwrap();
    home.write("state/benchmark-history.json", "mine");
    let running = started(with_state(&home)).await.unwrap();
    assert_eq!(get(&running, HISTORY, &key()).await.status, 503);
    assert_eq!(calibrate(&running, &said()).await.status, 503);
    let kept = fs::read_to_string(home.path("state/benchmark-history.json")).unwrap();
    assert_eq!(kept, "mine");
}

/// Two kinds of models at one kind of task, as the smart router recognises it.
#[tokio::test]
async fn traces_are_laid_beside_it() {
    let upstream = Arc::new(ScriptedUpstream::start().await.unwrap());
    let home = Home::new();
    let registration = |model: &str| {
        format!(
            "APIKEY: \"${{CTR_KEY}}\"\nModels:\n  - {{id: large, api: '{0}', key: k, interface: anthropic, model: l}}\n  \
             - {{id: small, api: '{0}', key: k, interface: anthropic, model: s}}\nRouter: {{default: small}}\n\
             SmartRouter:\n  enabled: true\n  semantic: {{enabled: true, threshold: 0.9}}\n  rules:\n    \
             - {{name: poem, model: {model}, semantic_profile: {{prototype: write a poem}}}}\n",
            upstream.url()
        )
    };
    let ask_it = async |model: &str| {
        home.write("registration.yaml", &registration(model));
        let running = started(with_state(&home)).await.unwrap();
        let body = json!({ "model": "auto", "max_tokens": 9, "messages": [{ "role": "user", "content": "write a poem" }] });
        let got = ask(&running, "POST", "/v1/messages", &key(), &body.to_string()).await;
        assert_eq!(got.status, 200, "{}", got.body);
        running.stop().await;
    };
    ask_it("large").await;
    ask_it("small").await;
    let running = started(with_state(&home)).await.unwrap();
    let told = history(&running).await;
    let compared = &told["traceAlignment"]["taskComparison"];
    assert_eq!(
        (
            &compared["totalComparedTasks"],
            &compared["totalComparedTraces"]
        ),
        (&json!(1), &json!(2))
    );
    assert_eq!(compared["comparisons"][0]["taskKey"], "poem");
    assert_eq!(compared["comparisons"][0]["modelCount"], 2);
    assert_eq!(
        told["traceAlignment"]["qualityEvidence"]["failureSamples"],
        0
    );
}
