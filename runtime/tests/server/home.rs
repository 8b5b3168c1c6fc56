//! A directory with a registration, a proxy that reads it, and a client that
//! speaks plain HTTP to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ctr_runtime::reload::Status;
use ctr_runtime::server::{Running, StartError, start};
use ctr_runtime::settings::Settings;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Only ends a test that would hang; nothing measures it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const KEY: &str = "the-key";

/// A registration whose only model has this id.
pub(crate) fn with_model(id: &str) -> String {
    format!(
        "APIKEY: \"${{CTR_KEY}}\"\nModels:\n  - id: {id}\n    api: https://upstream.test\n    key: \"${{UPSTREAM_KEY}}\"\n    \
         interface: anthropic\n    model: claude-{id}\nRouter:\n  default: {id}\n"
    )
}

pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One file that names one model.
    pub(crate) fn with_model(id: &str) -> Self {
        let home = Self::new();
        home.write("registration.yaml", &with_model(id));
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Saves as most editors do.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        self.write(".saving", text);
        fs::rename(self.path(".saving"), self.path(name)).unwrap();
    }

    pub(crate) fn settings(&self, name: &str) -> Settings {
        settings(&self.path(name))
    }

    pub(crate) async fn start(&self) -> Running {
        started(self.settings("registration.yaml")).await.unwrap()
    }
}

pub(crate) fn settings(input: &Path) -> Settings {
    let env = |name: &str| match name {
        "CTR_KEY" => Some(KEY.to_owned()),
        "UPSTREAM_KEY" => Some("upstream-secret".to_owned()),
        "EMPTY" => Some(String::new()),
        "LOOPBACK" => Some("127.0.0.1".to_owned()),
        _ => None,
    };
    Settings {
        inputs: vec![input.to_owned()],
        host: None,
        port: Some(0),
        log_level: None,
        only: None,
        state_dir: None,
        record: None,
        shadow: Vec::new(),
        env: Arc::new(env),
    }
}

pub(crate) async fn started(settings: Settings) -> Result<Running, StartError> {
    timeout(PATIENCE, start(settings)).await.expect("starts")
}

/// Waits until the reload has come to what is wanted.
pub(crate) async fn until(running: &Running, wanted: impl Fn(&Status) -> bool) -> Arc<Status> {
    timeout(PATIENCE, running.reload().until(wanted))
        .await
        .expect("the reload comes to what is wanted")
}

/// Waits until exactly these models are live.
pub(crate) async fn until_models(running: &Running, ids: &[&str]) {
    until(running, |_| models(running) == ids).await;
}

pub(crate) fn models(running: &Running) -> Vec<String> {
    running
        .live()
        .plan()
        .logical_ids()
        .map(str::to_owned)
        .collect()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Answer {
    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Sends one request on a connection of its own. `headers` are whole lines.
pub(crate) async fn ask(
    running: &Running,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // A refusal may come, and the connection end, before a large body is sent.
    let _ = stream.write_all(body.as_bytes()).await;
    answer(&mut stream).await
}

pub(crate) async fn get(running: &Running, path: &str, headers: &str) -> Answer {
    ask(running, "GET", path, headers, "").await
}

/// Reads one answer to its end.
pub(crate) async fn answer(stream: &mut TcpStream) -> Answer {
    let (head, body) = whole(stream).await;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
    }
}

/// Sends a message and returns the head, in lower case, and the body as it came.
pub(crate) async fn exchange(running: &Running, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    whole(&mut stream).await
}

/// Reads to the end: the head, in lower case, and the body as it came.
async fn whole(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("an answer")
        .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_ascii_lowercase(), body.to_owned())
}
