//! Models that are asked over real sockets.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ctr_runtime::scripted::{Answer, Received, Reply, ScriptedUpstream};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{json, place};
use crate::{Place, binary};

/// Good enough for `quick_status`, and a verdict as well.
const SAYS: &str = "Status: the service answers again. Next: we watch it for an hour. \
                    {\"score\": 0.5, \"findings\": [\"thin\"], \"notes\": \"short\"}";

async fn upstream() -> ScriptedUpstream {
    let upstream = ScriptedUpstream::start().await.unwrap();
    upstream.set_default(Answer::text(SAYS));
    upstream
}

/// `ctr eval --run` to its end, while the upstream answers.
async fn run(place: &Place, arguments: &str) -> Output {
    let mut command = place.ctr(&format!("eval --run {arguments}"));
    spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn bodies(received: &[Received]) -> Vec<Value> {
    received.iter().map(Received::json).collect()
}

/// A registration of one model at an upstream, with a key for callers.
fn registration(upstream: &ScriptedUpstream) -> String {
    format!(
        "APIKEY: \"${{PRIMARY_KEY}}\"\nModels:\n  - {{id: sonnet, api: '{}', key: \"${{SECONDARY_KEY}}\", \
         interface: anthropic, model: claude-x}}\nRouter: {{default: sonnet}}\n",
        upstream.url()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_model_is_given_every_task() {
    let (upstream, place) = (upstream().await, place());
    let arguments = format!(
        "--models a;b,c --base-url {}/ --api-key secret-key --concurrency 1 --max-tokens 99 --json",
        upstream.url()
    );
    let output = run(&place, &arguments).await;
    assert_eq!(output.status.code(), Some(0));
    let told = json(&output);
    let inputs = told["inputs"].as_array().unwrap();
    let asked: Vec<(&str, &str)> = inputs
        .iter()
        .map(|row| {
            (
                row["taskId"].as_str().unwrap(),
                row["model"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(asked.len(), 16);
    assert_eq!(
        asked[..3],
        [
            ("quick_status", "a"),
            ("quick_status", "b,c"),
            ("coding_fix", "a")
        ]
    );
    assert!(
        inputs
            .iter()
            .all(|row| row["output"] == SAYS && row["latencyMs"].is_number())
    );
    assert_eq!(told["report"]["evaluatedRuns"], 16);
    assert_eq!(told["report"]["missingTaskIds"], serde_json::json!([]));

    let received = upstream.received();
    let first = &received[0];
    assert_eq!((&*first.method, &*first.target), ("POST", "/v1/messages"));
    assert_eq!(first.header("x-api-key"), Some("secret-key"));
    let body = first.json();
    assert_eq!(
        (&body["model"], &body["max_tokens"]),
        (&"a".into(), &99.into())
    );
    assert_eq!(body["stream"], false);
    assert_eq!(
        body["metadata"],
        serde_json::json!({"ctr_eval_task_id": "quick_status", "ctr_eval_intent": "quick_reply"})
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("secret-key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_is_started_where_none_is_named() {
    let upstream = upstream().await;
    let place = place().with("registration.yaml", &registration(&upstream));
    let arguments = "--models sonnet;sonet --config registration.yaml --json";
    let output = run(&place, arguments).await;
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(
        told,
        "note: the plan has no model `sonet`; its router decides\n"
    );
    assert_eq!(json(&output)["report"]["evaluatedRuns"], 16);
    let bodies = bodies(&upstream.received());
    assert!(bodies.iter().all(|body| body["model"] == "claude-x"));
    assert!(
        !place.path(".claude-trigger-router").exists(),
        "it keeps no records"
    );

    // A compiled plan is served as well.
    assert_eq!(place.exit("compile -o plan.json registration.yaml"), 0);
    let output = run(&place, "--models sonnet --config plan.json --json").await;
    assert_eq!(json(&output)["report"]["evaluatedRuns"], 8);

    let place = place.with("broken.yaml", "Router: {default: x}\n");
    let output = run(&place, "--models sonnet --config broken.yaml").await;
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_is_told_by_its_row() {
    let (upstream, place) = (upstream().await, place());
    upstream.set_script([
        Answer::error(529, "overloaded_error", "no"),
        Answer::new(Reply::Hang),
        Answer::new(Reply::Reset),
    ]);
    let arguments = format!(
        "--models m --base-url {} --concurrency 1 --timeout-ms 300 --json",
        upstream.url()
    );
    let output = run(&place, &arguments).await;
    assert_eq!(output.status.code(), Some(0));
    let told = json(&output);
    let errors: Vec<&str> = (0..3)
        .map(|at| told["inputs"][at]["error"].as_str().unwrap())
        .collect();
    assert_eq!(errors[..2], ["http_529", "timeout"]);
    assert!(errors[2].contains("connection"), "{}", errors[2]);
    assert_eq!(told["inputs"][3]["error"], Value::Null);

    upstream.stop().await;
    let output = run(&place, &format!("--models m --base-url {}", upstream.url())).await;
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.starts_with("error: no model answered\n"), "{told}");
}

/// Anthropic's own API refuses metadata that it does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_is_left_out_where_it_is_refused() {
    let (upstream, place) = (upstream().await, place());
    upstream.set_script([Answer::error(400, "invalid_request_error", "no")]);
    let arguments = format!(
        "--models m --concurrency 1 --json --base-url {}",
        upstream.url()
    );
    let told = json(&run(&place, &arguments).await);
    assert_eq!(told["inputs"][0]["output"], SAYS);
    let bodies = bodies(&upstream.received());
    let has: Vec<bool> = bodies
        .iter()
        .map(|body| body.get("metadata").is_some())
        .collect();
    assert_eq!((has.len(), has[0]), (9, true));
    assert!(has[1..].iter().all(|has| !has));
}

/// A judge that answers nonsense spoils its own verdict only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_judged() {
    let (upstream, place) = (upstream().await, place());
    upstream.set_script([
        Answer::text("I would say it is fine."),
        Answer::text("Sure: {\"score\": 0.25}"),
        Answer::text("{\"score\": 7}"),
        Answer::error(500, "api_error", "no"),
    ]);
    let mut command = place.ctr(&format!(
        "eval --input results.json --judge-model opus --base-url {} --concurrency 1 --json",
        upstream.url()
    ));
    let output = spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let told = json(&output);
    let of = |name: &str| -> Vec<Value> {
        let inputs = told["inputs"].as_array().unwrap();
        inputs.iter().map(|row| row[name].clone()).collect()
    };
    let (invalid, failed) = ("invalid_response", "http_500");
    let errors = serde_json::json!([invalid, null, "missing_output", invalid, failed, null]);
    assert_eq!(Value::from(of("judgeError")), errors);
    assert_eq!(of("judgeScore")[1], 0.25);
    assert_eq!(of("judgeScore")[5], 0.5);
    assert_eq!(
        of("judgeFindings")[1],
        Value::Null,
        "an earlier judge's are gone"
    );
    assert_eq!(of("calibrationNotes")[5], "short");
    let metadata = &bodies(&upstream.received())[0]["metadata"];
    assert_eq!(
        *metadata,
        serde_json::json!({
            "ctr_eval_judge_task_id": "quick_status",
            "ctr_eval_judge_model": "opus",
            "ctr_eval_judge_target_model": "sonnet",
        })
    );
}

/// The whole and the check that waits for a judge are asked about, one by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_are_judged_as_well() {
    let (upstream, place) = (upstream().await, place());
    let arguments = format!(
        "--models m --judge-model opus --tasks-file tasks.yaml --base-url {} --json",
        upstream.url()
    );
    let told = json(&run(&place, &arguments).await);
    let first = &told["inputs"][0];
    assert_eq!(
        first["checkScores"],
        serde_json::json!({"check_3_judge": 0.5})
    );
    let findings = told["report"]["runs"][0]["findings"].to_string();
    assert!(
        findings.contains("dimension_below_threshold:check_3_judge:0.5/0.6"),
        "{findings}"
    );
    // Three tasks, three verdicts of the whole, one of a check.
    assert_eq!(upstream.received().len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_twice_with_a_cache() {
    let upstream = upstream().await;
    let place = place().with("registration.yaml", &registration(&upstream));
    let asked = "--models sonnet --repeats 2 --cache kept --json --config registration.yaml";
    let first = run(&place, asked).await;
    assert_eq!(upstream.received().len(), 16);
    let again = run(&place, asked).await;
    assert_eq!(upstream.received().len(), 16);
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(json(&again)["report"]["repeats"][0]["runs"], 16);
    // Another plan may give other answers.
    let other = place
        .read("registration.yaml")
        .replace("claude-x", "claude-y");
    let place = place.with("registration.yaml", &other);
    run(&place, asked).await;
    assert_eq!(upstream.received().len(), 32);
}

/// A command that ends early is no reason to wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// `ctr eval` that gets a second answer no more, and is ended then.
#[cfg(unix)]
async fn interrupted(upstream: &ScriptedUpstream, place: &Place, arguments: &[&str]) -> Output {
    upstream.set_script([Answer::text(SAYS), Answer::new(Reply::Hang)]);
    let base_url = upstream.url();
    let child = Command::new(binary())
        .args(["eval", "--concurrency", "1", "--save-history"])
        .args(["--base-url", &base_url])
        .args(arguments)
        .current_dir(place.path(""))
        .env("HOME", place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = tokio::time::timeout(PATIENCE, upstream.wait_received(2)).await;
    asked.expect("two are asked");
    let told = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(told.unwrap().success());
    let output = spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(130));
    let saved = place.path(".claude-trigger-router");
    assert!(!saved.exists(), "a part is no entry");
    output
}

/// What was finished by then is told; the rest is given up.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_keeps_what_is_done() {
    let (upstream, place) = (upstream().await, place());
    let output = interrupted(&upstream, &place, &["--run", "--models", "m"]).await;
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("1 of 1 passed"), "{told}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "ended early: 7 answers not there\n");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_judged_are_scored_all_the_same() {
    let (upstream, place) = (upstream().await, place());
    let arguments = ["--input", "results.json", "--judge-model", "opus", "--json"];
    let output = interrupted(&upstream, &place, &arguments).await;
    let told = json(&output);
    assert_eq!(told["report"]["evaluatedRuns"], 6);
    assert_eq!(told["inputs"][0]["judgeScore"], 0.5);
    assert_eq!(told["inputs"][1]["judgeScore"], 0.6, "as it was");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "ended early: 5 answers not judged\n");
}
