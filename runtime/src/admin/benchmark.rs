//! Evaluations over time, and a person's word on one answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use ctr_compiler::evaluate::{Entry, History, Origin, Row, fixed, read_row, report};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::task::spawn_blocking;

use super::{App, answer, body};
use crate::evaluate::HistoryError;
use crate::trace::{Filter, Trace, quality_evidence, task_comparison};

/// An answer and what is said of it.
const LARGEST: usize = 4 << 20;

/// The newest traces that are looked at.
const TRACES: usize = 1_000;

/// What an entry is called where nothing is said.
const LABEL: &str = "ui-calibration";

/// `GET /api/benchmark/history`
pub(super) async fn history(State(app): State<App>) -> Response {
    let log = Arc::clone(&app.history);
    let history = match in_background(move || log.read()).await {
        Ok(history) => history,
        Err(refused) => return refused,
    };
    let filter = Filter {
        limit: TRACES,
        ..Filter::default()
    };
    let traces: Vec<Trace> = match app.traces.find(filter).await {
        Ok(traces) => traces,
        Err(error) => {
            let message = format!("traces cannot be read: {error}");
            return answer::refused(StatusCode::SERVICE_UNAVAILABLE, &message);
        }
    };
    let slow_ms = app
        .live
        .load()
        .plan()
        .governance
        .anomaly_thresholds
        .latency_warn_ms;
    let body = json!({
        "historyFile": app.history.path(),
        "summary": history.summary(),
        "traceAlignment": {
            "taskComparison": task_comparison(&traces),
            "qualityEvidence": quality_evidence(&traces, slow_ms),
        },
    });
    answer::json(StatusCode::OK, &body)
}

/// `POST /api/benchmark/calibration`: one answer with the scores it was given. The
/// figures are kept and the answer is not.
pub(super) async fn calibration(State(app): State<App>, body: Body) -> Response {
    let refused = |message: &str| answer::refused(StatusCode::BAD_REQUEST, message);
    let body = match body::whole(body, "answer", LARGEST).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let Ok(Value::Object(asked)) = serde_json::from_slice(&body) else {
        return refused("send an object with `taskId`, `model` and scores");
    };
    let (row, label) = match read(asked) {
        Ok(read) => read,
        Err(mistakes) => return refused(&mistakes.join("; ")),
    };
    let report = report(&[row], &fixed(), 1);
    let now = i64::try_from(app.live.load().clock().now_ms()).unwrap_or(i64::MAX);
    let now = Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX);
    let entry = Entry::of(&report, Origin::Input, Some(&label), &format!("{now:.3}"));
    let (log, added) = (Arc::clone(&app.history), entry.clone());
    match in_background(move || log.add(added)).await {
        Err(refused) => refused,
        Ok(history) => {
            let body = json!({
                "success": true,
                "historyFile": app.history.path(),
                "entry": entry,
                "report": report,
                "summary": history.summary(),
            });
            answer::json(StatusCode::OK, &body)
        }
    }
}

/// A row as `ctr eval --input` reads it, and a label; findings may be lines of a text.
fn read(mut asked: Map<String, Value>) -> Result<(Row, String), Vec<String>> {
    if let Some(Value::String(lines)) = asked.get("judgeFindings") {
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<Value> = lines.map(Value::from).collect();
        asked.insert("judgeFindings".to_owned(), lines.into());
    }
    let label = match asked.remove("label") {
        None | Some(Value::Null) => Ok(LABEL.to_owned()),
        Some(Value::String(label)) if label.trim().is_empty() => Ok(LABEL.to_owned()),
        Some(Value::String(label)) => Ok(label.trim().to_owned()),
        Some(_) => Err("`label` is no text".to_owned()),
    };
    match (read_row(&Value::Object(asked), &fixed()), label) {
        (Ok(row), Ok(label)) => Ok((row, label)),
        (Ok(_), Err(label)) => Err(vec![label]),
        (Err(mistakes), label) => Err(mistakes.into_iter().chain(label.err()).collect()),
    }
}

/// Work that touches the file; a refusal where it failed.
async fn in_background(
    work: impl FnOnce() -> Result<History, HistoryError> + Send + 'static,
) -> Result<History, Response> {
    let unavailable = |why: String| {
        let message = format!("the history cannot be used: {why}");
        answer::refused(StatusCode::SERVICE_UNAVAILABLE, &message)
    };
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| unavailable(error.to_string())),
        Err(_) => Err(unavailable("its task failed".to_owned())),
    }
}
