//! What does a translation cost? A request told in another protocol, against
//! the usual way of touching one: a tree of decoded values, built and written.
//!
//! Both run in turns on the same bodies, and the middle of all rounds is
//! printed; the ratio is what counts on a machine that others use too.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and fails by panicking"
)]

use std::hint::black_box;
use std::time::Instant;

use ctr_runtime::protocol::Protocol;
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Call};
use serde_json::{Value, json};

const ROUNDS: usize = 31;
const REPEATS: u32 = 50;

fn main() {
    for (name, size) in [("2 KB", 2_000), ("60 KB", 60_000)] {
        let body = request(size).to_string();
        let (mut ours, mut usual) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(micros(|| translated(&body)));
            usual.push(micros(|| tree(&body)));
        }
        let (ours, usual) = (middle(&mut ours), middle(&mut usual));
        println!(
            "{name}: translated in {ours:.1} µs, a tree built and written in {usual:.1} µs: {:.2} of it",
            ours / usual
        );
    }
    let events = stream();
    let (mut ours, mut usual) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(micros(|| through(&events)));
        usual.push(micros(|| {
            events.iter().map(|event| tree(&event[6..])).sum()
        }));
    }
    let (ours, usual) = (middle(&mut ours), middle(&mut usual));
    let each = events.len() as f64;
    println!(
        "stream: an event in {:.2} µs, its tree built and written in {:.2} µs: {:.2} of it",
        ours / each,
        usual / each,
        ours / usual
    );
}

/// A request as coding agents send it: much prose, some tools, some calls.
fn request(size: usize) -> Value {
    let line = "Read the file first, then say \"what\" changes\tand why.\n";
    let text = line.repeat(size / 2 / line.len());
    let schema = json!({ "type": "object", "properties": { "path": { "type": "string", "description": "Where it is" } }, "required": ["path"] });
    let tool = json!({ "name": "Read", "description": line.repeat(5), "input_schema": schema });
    let turn = json!([
        { "role": "assistant", "content": [{ "type": "text", "text": line }, { "type": "tool_use", "id": "toolu_1", "name": "Read", "input": { "path": "a/b" } }] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "toolu_1", "content": line.repeat(10) }] },
    ]);
    let mut messages = vec![
        json!({ "role": "user", "content": [{ "type": "text", "text": text, "cache_control": { "type": "ephemeral" } }] }),
    ];
    for _ in 0..size / 4 / 800 {
        messages.extend(turn.as_array().unwrap().iter().cloned());
    }
    let tools = vec![tool; (size / 4 / 500).max(1)];
    json!({ "model": "m", "max_tokens": 1000, "system": [{ "type": "text", "text": line }], "tools": tools, "messages": messages })
}

fn stream() -> Vec<String> {
    let chunk = |delta: Value| {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": null });
        format!(
            "data: {}",
            json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice] })
        )
    };
    (0..500)
        .map(|_| chunk(json!({ "content": "some words" })))
        .collect()
}

fn call(client: Protocol, endpoint: Protocol) -> Call<'static> {
    Call {
        client,
        endpoint,
        model: "upstream-model",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id: "req_1",
        now: 0,
    }
}

fn translated(body: &str) -> usize {
    let json = Json::read(body.as_bytes(), translate::opaque(Protocol::Messages)).unwrap();
    let told = translate::request(&json, &call(Protocol::Messages, Protocol::Chat)).unwrap();
    told.body.len()
}

fn tree(body: &str) -> usize {
    let value: Value = serde_json::from_str(body).unwrap();
    value.to_string().len()
}

fn through(events: &[String]) -> usize {
    let json = Json::parse("{\"messages\":[{}],\"stream\":true}", &[]).unwrap();
    let told = translate::request(&json, &call(Protocol::Messages, Protocol::Chat)).unwrap();
    let mut stream = told.back.stream();
    let mut length = 0;
    for event in events {
        let mut out = String::new();
        stream.push(event.as_bytes(), &mut out).unwrap();
        stream.push(b"\n\n", &mut out).unwrap();
        length += out.len();
    }
    length
}

fn micros(work: impl Fn() -> usize) -> f64 {
    let started = Instant::now();
    for _ in 0..REPEATS {
        black_box(work());
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS)
}

fn middle(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
