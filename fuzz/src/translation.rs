//! What must hold for every body and every answer that is told in another protocol: one
//! function a fuzz target, given bytes.
//!
//! Each panics where a law is broken and returns otherwise. The runtime's tests include
//! this file to replay the inputs that once broke one (fixtures/found).

use ctr_runtime::protocol::Protocol;
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::neutral::Dropped;
use ctr_runtime::protocol::sse::{Split, data};
use ctr_runtime::protocol::translate::{self, Back, Call, Dialect};
use serde_json::Value;

/// What a target runs.
pub type Law = fn(&[u8]);

/// The law of each target, by the target's name.
pub const LAWS: &[(&str, Law)] = &[("request", request), ("answer", answer)];

const ALL: [Protocol; 3] = [Protocol::Messages, Protocol::Chat, Protocol::Responses];

const DIALECTS: [Dialect; 5] = [
    Dialect::Usual,
    Dialect::OpenAi,
    Dialect::Google,
    Dialect::FirstLimit,
    Dialect::Strict,
];

/// A request, taken as one of each protocol: what an endpoint gets of it is JSON, is asked
/// for the endpoint's model, and can be read as a request of the endpoint's protocol.
pub fn request(body: &[u8]) {
    for client in ALL {
        let Ok(json) = Json::read(body, translate::opaque(client)) else {
            continue;
        };
        for endpoint in ALL.into_iter().filter(|endpoint| *endpoint != client) {
            let dialects = match endpoint {
                Protocol::Chat => &DIALECTS[..],
                _ => &DIALECTS[..1],
            };
            for dialect in dialects {
                asked(&json, &call(client, endpoint, *dialect));
            }
        }
    }
}

fn asked(json: &Json<'_>, call: &Call<'_>) {
    let Ok(told) = translate::request(json, call) else {
        return;
    };
    let again = translate::request(json, call).expect("the same request, the same answer");
    assert_eq!(told.body, again.body, "the same request, the same body");
    let read = Json::parse(&told.body, translate::opaque(call.endpoint));
    let read = read.unwrap_or_else(|_| panic!("no JSON: {}", told.body));
    let model = read.text_at("model").expect("a model");
    assert_eq!(model.plain(), call.model);
    let back = self::call(call.endpoint, call.client, Dialect::Usual);
    if let Err(why) = translate::request(&read, &back) {
        // What says nothing may leave nothing, and the endpoint says so.
        assert!(why.0.ends_with("is empty"), "{why}: {}", told.body);
    }
}

/// An answer, taken as one of each protocol, whole, in events and of a failure: what a
/// client gets of it is JSON, in the order that its protocol asks for, and the same
/// wherever its pieces end.
pub fn answer(bytes: &[u8]) {
    for client in ALL {
        for endpoint in ALL.into_iter().filter(|endpoint| *endpoint != client) {
            for stream in [false, true] {
                let back = back(client, endpoint, stream);
                let whole = back.answer(bytes, &mut Dropped::default());
                if let Ok(told) = &whole {
                    match stream {
                        true => in_order(client, told.as_bytes(), true),
                        false => is_json(told),
                    }
                }
                is_json(&back.error(500, bytes));
            }
            let back = back(client, endpoint, true);
            let at_once = through(&back, &[bytes]);
            in_order(client, at_once.0.as_bytes(), at_once.1);
            for length in [1, 7] {
                let pieces: Vec<&[u8]> = bytes.chunks(length).collect();
                assert_eq!(through(&back, &pieces), at_once, "pieces of {length}");
            }
            let mut collected = back.collected();
            let mut out = String::new();
            if collected.push(bytes, &mut out).is_ok() && collected.finish(&mut out).is_ok() {
                in_order(client, out.as_bytes(), true);
            }
        }
    }
}

/// What the client gets, and whether the stream came to a good end.
fn through(back: &Back, pieces: &[&[u8]]) -> (String, bool) {
    let mut stream = back.stream();
    let mut out = String::new();
    let mut read = pieces
        .iter()
        .try_for_each(|piece| stream.push(piece, &mut out));
    if read.is_ok() {
        read = stream.finish(&mut out);
    }
    if read.is_err() {
        stream.fail("broken", &mut out);
    }
    (out, read.is_ok())
}

fn is_json(text: &str) {
    assert!(Json::parse(text, &[]).is_ok(), "no JSON: {text}");
}

/// Every event is JSON, and they come as the client's protocol has them; `ended` says
/// whether to a good end.
fn in_order(client: Protocol, stream: &[u8], ended: bool) {
    let mut split = Split::default();
    split.push(stream).expect("events of a usual size");
    let mut events = Vec::new();
    while let Some(block) = split.block() {
        if let Some(data) = data(&block) {
            events.push(String::from_utf8(data.into_owned()).expect("events are text"));
        }
    }
    assert!(split.finish().is_none(), "the last event is whole");
    match client {
        Protocol::Messages => messages_in_order(&events, ended),
        Protocol::Chat => chunks_in_order(&events, ended),
        Protocol::Responses => steps_in_order(&events, ended),
    }
}

/// There is a mark behind the last chunk, also of what failed on its way.
fn chunks_in_order(events: &[String], ended: bool) {
    let end = events.iter().position(|event| event == "[DONE]");
    let chunks = end.map_or(events, |end| &events[..end]);
    chunks.iter().for_each(|chunk| is_json(chunk));
    let last = events.len().checked_sub(1);
    assert!(end == last || (end.is_none() && !ended), "{events:?}");
}

/// Steps have numbers without a gap, from the beginning to the end of the response.
fn steps_in_order(events: &[String], ended: bool) {
    let mut kinds = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let step = Json::parse(event, &[]).unwrap_or_else(|_| panic!("no JSON: {event}"));
        let number = step.get("sequence_number").map(Json::to_string);
        assert_eq!(number, Some(at.to_string()), "{event}");
        let kind = step.text_at("type").expect("a step has a type");
        kinds.push(kind.plain().into_owned());
    }
    let (Some(first), Some(last)) = (kinds.first(), kinds.last()) else {
        return;
    };
    let fails = |kind: &str| matches!(kind, "error" | "response.failed");
    assert!(first == "response.created" || fails(first), "{kinds:?}");
    let is_end = matches!(&**last, "response.completed" | "response.incomplete");
    assert!(is_end || fails(last) || !ended, "{kinds:?}");
}

fn messages_in_order(events: &[String], ended: bool) {
    let mut blocks = Blocks {
        may_overlap: !ended,
        ..Blocks::default()
    };
    for event in events {
        let event = serde_json::from_str(event).unwrap_or_else(|_| panic!("no JSON: {event}"));
        blocks.take(&event);
    }
    let is_over = blocks.is_over || events.is_empty();
    assert!(is_over || !ended, "{events:?}");
}

/// Where a stream of Messages is.
#[derive(Default)]
struct Blocks {
    is_begun: bool,
    is_over: bool,
    /// What waited for its turn is told ahead of a failure, in whatever part it comes.
    may_overlap: bool,
    open: Option<u64>,
    next: u64,
}

impl Blocks {
    fn take(&mut self, event: &Value) {
        assert!(!self.is_over, "{event} behind the end");
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => {
                assert!(!self.is_begun, "begun twice");
                self.is_begun = true;
            }
            "ping" => {}
            "error" => self.is_over = true,
            other => {
                assert!(self.is_begun, "{event} ahead of the beginning");
                match other {
                    "content_block_start" => {
                        let is_alone = self.open.is_none() || self.may_overlap;
                        assert!(is_alone, "{event} in another block");
                        assert_eq!(index, Some(self.next), "{event} out of turn");
                        self.open = index;
                        self.next += 1;
                    }
                    "content_block_delta" => assert_eq!(index, self.open, "{event} elsewhere"),
                    "content_block_stop" => {
                        assert_eq!(index, self.open, "{event} elsewhere");
                        self.open = None;
                    }
                    "message_delta" => assert_eq!(self.open, None, "{event} in a block"),
                    "message_stop" => {
                        assert_eq!(self.open, None, "{event} in a block");
                        self.is_over = true;
                    }
                    _ => panic!("{event} is not known"),
                }
            }
        }
    }
}

fn call(client: Protocol, endpoint: Protocol, dialect: Dialect) -> Call<'static> {
    Call {
        client,
        endpoint,
        model: "m",
        adaptive: false,
        dialect,
        request_id: "req_1",
        now: 0,
    }
}

/// The way back of a request that asks for thinking.
fn back(client: Protocol, endpoint: Protocol, stream: bool) -> Back {
    let body = match client {
        Protocol::Messages => {
            r#""messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"}"#
        }
        Protocol::Chat => r#""messages":[{"role":"user","content":"x"}]"#,
        Protocol::Responses => r#""input":"x""#,
    };
    let body = format!("{{\"stream\":{stream},{body}}}");
    let json = Json::parse(&body, &[]).expect("a body");
    let told = translate::request(&json, &call(client, endpoint, Dialect::Usual));
    told.expect("a request").back
}
