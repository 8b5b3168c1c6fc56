//! Each folder of fixtures/protocol: what becomes of a request, and of the
//! answers of every endpoint, for a client of every other protocol.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ctr_runtime::protocol::Protocol;
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::neutral::Dropped;
use ctr_runtime::protocol::translate::{self, Back, Call, Translated};
use serde_json::Value;

const ALL: [(Protocol, &str); 3] = [
    (Protocol::Messages, "messages"),
    (Protocol::Chat, "chat"),
    (Protocol::Responses, "responses"),
];

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/protocol");
    let entries = std::fs::read_dir(root).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

fn translated(body: &str, client: Protocol, endpoint: Protocol) -> Translated {
    let json = Json::parse(body, translate::opaque(client)).unwrap();
    let call = Call {
        client,
        endpoint,
        model: "up/stream",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id: "req_1",
        now: 1_760_000_000,
    };
    translate::request(&json, &call).unwrap()
}

/// The body for a client that wants events, or one that wants none.
fn with_stream(body: &str, stream: bool) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap();
    body["stream"] = stream.into();
    body.to_string()
}

fn pretty(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    serde_json::to_string_pretty(&value).unwrap()
}

fn section(page: &mut String, title: &str, text: &str, dropped: &Dropped) {
    writeln!(page, "## {title}").unwrap();
    if !dropped.is_empty() {
        writeln!(page, "dropped: {}", dropped.words()).unwrap();
    }
    writeln!(page, "{}\n", text.trim_end()).unwrap();
}

/// The stream of an endpoint as the client gets it, cut into chunks of this many bytes.
fn streamed(back: &Back, events: &[u8], size: usize) -> (String, Dropped) {
    let mut stream = back.stream();
    let mut out = String::new();
    for chunk in events.chunks(size) {
        stream.push(chunk, &mut out).unwrap();
    }
    stream.finish(&mut out).unwrap();
    (out, stream.dropped())
}

fn collected(back: &Back, events: &[u8]) -> String {
    let mut stream = back.collected();
    let mut out = String::new();
    stream.push(events, &mut out).unwrap();
    assert_eq!(out, "");
    stream.finish(&mut out).unwrap();
    out
}

#[test]
fn every_story() {
    for folder in folders() {
        let story = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for (client, from) in ALL {
            let Ok(request) = std::fs::read_to_string(folder.join(format!("request.{from}.json")))
            else {
                continue;
            };
            for (endpoint, to) in ALL.into_iter().filter(|(endpoint, _)| *endpoint != client) {
                let mut page = String::new();
                let Translated { body, dropped, .. } = translated(&request, client, endpoint);
                section(&mut page, "request", &pretty(&body), &dropped);
                answers(&folder, to, &request, client, endpoint, &mut page);
                snapshot(&format!("{story}.{from}-to-{to}"), &page);
            }
        }
    }
}

/// What becomes of an endpoint's answers, whole and in events.
fn answers(
    folder: &Path,
    to: &str,
    request: &str,
    client: Protocol,
    endpoint: Protocol,
    page: &mut String,
) {
    let back = |stream| translated(&with_stream(request, stream), client, endpoint).back;
    let whole = std::fs::read(folder.join(format!("answer.{to}.json"))).ok();
    let events = std::fs::read(folder.join(format!("answer.{to}.sse"))).ok();
    let mut dropped = Dropped::default();
    if let Some(whole) = &whole {
        let answer = back(false).answer(whole, &mut dropped).unwrap();
        section(page, "answer", &pretty(&answer), &dropped);
    }
    let Some(events) = events else { return };
    let (stream, dropped) = streamed(&back(true), &events, events.len());
    section(page, "stream", &stream, &dropped);
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(
            streamed(&back(true), &events, size).0,
            stream,
            "in chunks of {size}"
        );
    }
    // A stream means what the whole answer means, and either can be made of the other.
    if let Some(whole) = &whole {
        let mut dropped = Dropped::default();
        let answer = back(false).answer(whole, &mut dropped).unwrap();
        assert_eq!(pretty(&collected(&back(false), &events)), pretty(&answer));
        let made = back(true).answer(whole, &mut dropped).unwrap();
        assert!(made.starts_with(&stream[..20]) && made.ends_with(&stream[stream.len() - 20..]));
    }
}

/// Compares with snapshots/protocol/`name`.snap.
fn snapshot(name: &str, page: &str) {
    let mut settings = insta::Settings::clone_current();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots/protocol");
    settings.set_snapshot_path(path);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, page));
}
