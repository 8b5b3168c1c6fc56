//! A client of the Language Server Protocol, written against the protocol and
//! not against the server: frames, ids, and messages in the order they come.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Place, binary};

/// Long after anything is late.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Notifications that nobody has asked for yet.
    waiting: VecDeque<Value>,
    /// Requests of the server, which were answered with null.
    pub(crate) asked: Vec<Value>,
    next: i64,
}

impl Client {
    /// Starts `ctr lsp` in a folder.
    pub(crate) fn start(place: &Place, arguments: &str) -> Self {
        let mut child = std::process::Command::new(binary())
            .arg("lsp")
            .args(arguments.split_whitespace())
            .current_dir(place.path("."))
            .env_clear()
            .env("SECRET_OF_THE_MACHINE", "never-to-be-seen")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut out) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            messages,
            waiting: VecDeque::new(),
            asked: Vec::new(),
            next: 1,
        }
    }

    /// Starts it, and goes through the handshake of an editor that can do everything.
    pub(crate) fn ready(place: &Place, arguments: &str) -> Self {
        let mut client = Self::start(place, arguments);
        client.initialize(&json!({
            "textDocument": { "completion": { "completionItem": {
                "snippetSupport": true,
                "insertTextModeSupport": { "valueSet": [1, 2] },
            } } },
            "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } },
        }));
        client
    }

    pub(crate) fn initialize(&mut self, capabilities: &Value) -> Value {
        let params = json!({ "processId": null, "rootUri": null, "capabilities": capabilities });
        let answer = self.request("initialize", params);
        self.notify("initialized", json!({}));
        answer["result"].clone()
    }

    /// Sends a request and waits for its answer, with `result` or `error`.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send_request(method, params);
        self.answer(id)
    }

    /// Sends a request and does not wait.
    pub(crate) fn send_request(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message);
        id
    }

    pub(crate) fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.next_message();
            if message["id"] == id && message["method"].is_null() {
                return message;
            }
            self.keep(message);
        }
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message);
    }

    /// What is wrong with a text, as of a version or without one.
    pub(crate) fn diagnostics(&mut self, uri: &str, version: Option<i64>) -> Vec<Value> {
        let fits = |message: &Value| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri
                && version.is_none_or(|version| message["params"]["version"] == version)
        };
        let message = match self.waiting.iter().position(fits) {
            Some(at) => self.waiting.remove(at).unwrap(),
            None => loop {
                let message = self.next_message();
                if fits(&message) {
                    break message;
                }
                self.keep(message);
            },
        };
        message["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// Waits until that many things are wrong with a text, however often it is
    /// told before.
    pub(crate) fn until(&mut self, uri: &str, count: usize) {
        while self.diagnostics(uri, None).len() != count {}
    }

    /// Opens a text and returns what is wrong with it.
    pub(crate) fn open(&mut self, uri: &str, text: &str) -> Vec<Value> {
        let language = if uri.ends_with(".kdl") { "kdl" } else { "yaml" };
        let item = json!({ "uri": uri, "languageId": language, "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
        self.diagnostics(uri, Some(1))
    }

    /// Replaces the whole text.
    pub(crate) fn change(&mut self, uri: &str, version: i64, text: &str) {
        self.edit(uri, version, &json!([{ "text": text }]));
    }

    pub(crate) fn edit(&mut self, uri: &str, version: i64, changes: &Value) {
        let document = json!({ "uri": uri, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", params);
    }

    /// Asks about a place and returns the result.
    pub(crate) fn at(&mut self, method: &str, uri: &str, line: u32, column: u32) -> Value {
        let answer = self.request(method, about(uri, line, column));
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    /// Says goodbye as the protocol asks; returns the exit code.
    pub(crate) fn leave(mut self) -> i32 {
        let answer = self.request("shutdown", Value::Null);
        assert!(answer["error"].is_null(), "{answer}");
        self.exit()
    }

    /// Leaves without a word of goodbye.
    pub(crate) fn exit(mut self) -> i32 {
        self.notify("exit", Value::Null);
        self.child.wait().unwrap().code().unwrap()
    }

    /// Closes stdin.
    pub(crate) fn vanish(mut self) -> i32 {
        drop(self.stdin.take());
        self.child.wait().unwrap().code().unwrap()
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    }

    pub(crate) fn send_raw(&mut self, frame: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(frame.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    pub(crate) fn next_message(&mut self) -> Value {
        self.messages
            .recv_timeout(PATIENCE)
            .expect("the server answers")
    }

    fn keep(&mut self, message: Value) {
        if message["method"].is_string() && !message["id"].is_null() {
            let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": null });
            self.send(&answer);
            self.asked.push(message);
        } else {
            self.waiting.push_back(message);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A test that failed must not leave it behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn about(uri: &str, line: u32, column: u32) -> Value {
    json!({
        "textDocument": { "uri": uri },
        "position": { "line": line, "character": column },
        "context": { "includeDeclaration": true, "triggerKind": 1 },
    })
}

fn read(out: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if out.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-Length: ") {
            length = number.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    out.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}
