//! What the log says, and what it never says.

use std::io::Write;
use std::sync::{Arc, Mutex};

use ctr_runtime::scripted::Answer;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use crate::stage::{CALLER_KEY, MESSAGES, Stage, UPSTREAM_KEY, gone, pool_plan, upstream};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn one_line_a_request_and_no_secret_in_any() {
    let log = Log::default();
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(log.clone());
    let ours = Targets::new()
        .with_target("ctr_runtime", Level::TRACE)
        .with_target("ctr_compiler", Level::TRACE);
    // While there is only one subscriber, a place that writes a line is judged by
    // the thread that first comes by, which may be another test's, without any.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _guard = tracing_subscriber::registry()
        .with(layer)
        .with(ours)
        .set_default();

    let (a, b) = (gone().await, upstream().await);
    b.push(Answer::error(500, "api_error", "the-answer"));
    b.push(Answer::text("the-answer"));
    b.push(Answer::cut_inside("the-answer", 3));
    let mut plan = pool_plan(MESSAGES, &[&a, &b]);
    plan["listen"]["api_key"] = "${CALLER_KEY}".into();
    plan["pools"]["m"]["endpoints"][0]["api"]["url"] =
        format!("http://user:password@{}{MESSAGES}?key=url-secret", a.addr()).into();
    let stage = Stage::new(&plan).await;
    let keys = [("x-api-key", CALLER_KEY), ("x-odd", "header-secret")];
    for body in [
        "{\"model\":\"m\",\"messages\":\"the-prompt\"}",
        "{\"model\":\"m\",\"messages\":\"the-prompt\"}",
        "{\"model\":\"m\",\"messages\":\"the-prompt\",\"stream\":true}",
        "{\"model\":\"no such\\nmodel\",\"messages\":\"the-prompt\"}",
        "{\"messages\":\"the-prompt\"",
    ] {
        stage
            .ask("/v1/messages?key=query-secret", &keys, body)
            .await;
    }
    stage
        .ask(MESSAGES, &[("x-api-key", "wrong-secret")], "{}")
        .await;

    // A line is written when the server lets go of a request, which may be after
    // its client has read the answer.
    let written = |lines: &[serde_json::Value]| {
        let told = |line: &&serde_json::Value| line["fields"]["message"] == "request";
        lines.iter().filter(told).count()
    };
    let mut lines = log.lines();
    while written(&lines) < 6 {
        tokio::task::yield_now().await;
        lines = log.lines();
    }
    let text = format!("{lines:?}");
    for secret in [
        UPSTREAM_KEY,
        CALLER_KEY,
        "-secret",
        "password",
        "the-prompt",
        "the-answer",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let requests: Vec<&serde_json::Value> = lines
        .iter()
        .filter(|line| line["fields"]["message"] == "request")
        .collect();
    let mut said: Vec<String> = requests
        .iter()
        .map(|line| {
            let fields = &line["fields"];
            let word = |name: &str| fields[name].as_str().unwrap_or("-").to_owned();
            let (status, attempts) = (&fields["status"], &fields["attempts"]);
            format!(
                "{} {} {status} {attempts} {}",
                word("model"),
                word("endpoint"),
                word("outcome")
            )
        })
        .collect();
    let mut expected = [
        "m b 500 2 complete",
        "m b 200 2 complete",
        "m b 200 1 broken",
        "no_such_model - 404 0 refused",
        " - 400 0 refused",
        " - 401 0 refused",
    ];
    said.sort_unstable();
    expected.sort_unstable();
    assert_eq!(said, expected);
    let classes: Vec<&str> = lines
        .iter()
        .filter(|line| line["level"] == "WARN")
        .map(|line| line["fields"]["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["connect", "status", "connect", "network"]);
}
