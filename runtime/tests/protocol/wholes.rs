//! Streams of Responses that tell parts whole, with or without pieces.

use ctr_runtime::protocol::Protocol::{self, Chat, Messages, Responses};
use ctr_runtime::protocol::json::Json;
use ctr_runtime::protocol::translate::{self, Back, Call};
use serde_json::{Value, json};

fn back(client: Protocol, stream: bool) -> Back {
    let thinking = "\"thinking\":{\"type\":\"adaptive\"}";
    let body = format!("{{\"messages\":[{{}}],\"stream\":{stream},{thinking}}}");
    let call = Call {
        client,
        endpoint: Responses,
        model: "m",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id: "r",
        now: 0,
    };
    translate::request(&Json::parse(&body, &[]).unwrap(), &call)
        .unwrap()
        .back
}

fn stream(events: &[Value]) -> String {
    let events = events.iter();
    events.map(|event| format!("data: {event}\n\n")).collect()
}

/// The whole answer that the client gets of these events.
fn collected(client: Protocol, events: &[Value]) -> Value {
    let mut collected = back(client, false).collected();
    let mut out = String::new();
    collected.push(stream(events).as_bytes(), &mut out).unwrap();
    collected.finish(&mut out).unwrap();
    serde_json::from_str(&out).unwrap()
}

/// The events that a client of Messages gets.
fn told(events: &[Value]) -> String {
    let mut told = back(Messages, true).stream();
    let mut out = String::new();
    told.push(stream(events).as_bytes(), &mut out).unwrap();
    told.finish(&mut out).unwrap();
    out
}

/// All text that a client of Messages gets in events, in its order.
fn said(events: &[Value]) -> String {
    let out = told(events);
    let data = out.lines().filter_map(|line| line.strip_prefix("data: "));
    let pieces = data.filter_map(|data| {
        let event: Value = serde_json::from_str(data).unwrap();
        let mut names = ["text", "thinking", "partial_json"].iter();
        names.find_map(|name| Some(event["delta"][name].as_str()?.to_owned()))
    });
    pieces.collect()
}

fn whole(client: Protocol, response: &Value) -> Value {
    let body = response.to_string();
    let told = back(client, false).answer(body.as_bytes(), &mut Default::default());
    serde_json::from_str(&told.unwrap()).unwrap()
}

/// All text of the output.
const SAID: &str = "a thought\n\nand moreHéllo \"wörld\"no\n{\"a\":\"x\"}{\"input\":\"y\"}";

fn output() -> Value {
    let page = json!({"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 5});
    json!([
        {"type": "reasoning", "id": "rs_1", "summary": [
            {"type": "summary_text", "text": "a thought"},
            {"type": "summary_text", "text": "and more"},
        ], "encrypted_content": "secret"},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [
            {"type": "output_text", "text": "Héllo \"wörld\"", "annotations": [page]},
            {"type": "refusal", "refusal": "no\n"},
        ]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":\"x\"}"},
        {"type": "custom_tool_call", "id": "ct_1", "call_id": "c2", "name": "g", "input": "y"},
    ])
}

fn response(output: &Value) -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "m",
        "output": output, "usage": {"input_tokens": 3, "output_tokens": 2},
    })
}

/// How an event says of which item it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Number,
    Name,
    /// Items have numbers, and their pieces names.
    Both,
    Nothing,
}

/// Which events a server sends.
#[derive(Clone, Copy, Debug)]
struct Ways {
    /// Halves of every text that come in pieces.
    pieces: usize,
    of: Of,
    has_added: bool,
    has_text_done: bool,
    has_part_done: bool,
    has_item_done: bool,
    has_output: bool,
}

impl Ways {
    fn all() -> impl Iterator<Item = Self> {
        (0..3 * 32).map(|number| {
            let bit = |at: usize| (number / 3) >> at & 1 == 1;
            Self {
                pieces: number % 3,
                of: Of::Number,
                has_added: bit(0),
                has_text_done: bit(1),
                has_part_done: bit(2),
                has_item_done: bit(3),
                has_output: bit(4),
            }
        })
    }

    fn events(self, output: &Value) -> Vec<Value> {
        let created = json!({"type": "response.created", "response": response(&json!([]))});
        let mut events = vec![created];
        for (at, item) in output.as_array().unwrap().iter().enumerate() {
            let mut own = self.of_item(item);
            for event in &mut own {
                let is_piece = event.get("item").is_none();
                match self.of {
                    Of::Name | Of::Both if is_piece => event["item_id"] = item["id"].clone(),
                    Of::Number | Of::Both => event["output_index"] = at.into(),
                    Of::Name | Of::Nothing => {}
                }
            }
            events.append(&mut own);
        }
        let output = match self.has_output {
            true => output.clone(),
            false => json!([]),
        };
        events.push(json!({"type": "response.completed", "response": response(&output)}));
        events
    }

    fn of_item(self, item: &Value) -> Vec<Value> {
        let mut events = Vec::new();
        if self.has_added {
            let mut begun = item.clone();
            for (name, nothing) in [
                ("content", json!([])),
                ("summary", json!([])),
                ("arguments", json!("")),
                ("input", json!("")),
            ] {
                if begun.get(name).is_some() {
                    begun[name] = nothing;
                }
            }
            events.push(json!({"type": "response.output_item.added", "item": begun}));
        }
        match item["type"].as_str().unwrap() {
            "reasoning" => {
                let parts = item["summary"].as_array().unwrap();
                for (at, part) in parts.iter().enumerate() {
                    events
                        .push(json!({"type": "response.reasoning_summary_part.added", "part": {}}));
                    // Where a paragraph has a hole, the thought cannot be made whole.
                    let is_last = at + 1 == parts.len();
                    let pieces = if is_last || self.pieces == 0 {
                        self.pieces
                    } else {
                        2
                    };
                    let own = Self { pieces, ..self };
                    own.text("reasoning_summary_text", "text", &part["text"], &mut events);
                }
            }
            "message" => {
                for (at, part) in item["content"].as_array().unwrap().iter().enumerate() {
                    let from = events.len();
                    match part.get("text") {
                        Some(text) => self.text("output_text", "text", text, &mut events),
                        None => self.text("refusal", "refusal", &part["refusal"], &mut events),
                    }
                    if self.has_part_done {
                        events.push(json!({"type": "response.content_part.done", "part": part}));
                    }
                    for event in &mut events[from..] {
                        event["content_index"] = at.into();
                    }
                }
            }
            // Pieces of a call that has not begun belong to none.
            "function_call" if self.has_added => {
                self.text(
                    "function_call_arguments",
                    "arguments",
                    &item["arguments"],
                    &mut events,
                );
            }
            _ => {}
        }
        if self.has_item_done {
            events.push(json!({"type": "response.output_item.done", "item": item}));
        }
        events
    }

    fn text(self, kind: &str, name: &str, text: &Value, events: &mut Vec<Value>) {
        let plain: Vec<char> = text.as_str().unwrap().chars().collect();
        for half in plain.chunks(plain.len().div_ceil(2)).take(self.pieces) {
            let delta: String = half.iter().collect();
            events.push(json!({"type": format!("response.{kind}.delta"), "delta": delta}));
        }
        if self.has_text_done {
            events.push(json!({"type": format!("response.{kind}.done"), name: text}));
        }
    }
}

/// Whether the whole answer comes, and in its order.
fn tells_all(ways: Ways) -> bool {
    // Seals, pages and calls are told by these alone.
    if !ways.has_item_done && !ways.has_output {
        return false;
    }
    // What comes only with the response comes after what has begun.
    let has_text = ways.pieces > 0 || ways.has_text_done || ways.has_item_done;
    has_text || !(ways.has_added || ways.has_part_done)
}

#[test]
fn what_comes_whole_adds_what_had_not_come() {
    for ways in Ways::all().filter(|ways| tells_all(*ways)) {
        let events = ways.events(&output());
        assert_eq!(said(&events), SAID, "{ways:?}");
        for client in [Messages, Chat] {
            assert_eq!(
                collected(client, &events),
                whole(client, &response(&output())),
                "{client:?} {ways:?}"
            );
        }
    }
}

#[test]
fn items_without_numbers_are_known_by_their_names_or_their_order() {
    for of in [Of::Name, Of::Both, Of::Nothing] {
        for ways in Ways::all().filter(|ways| tells_all(*ways)) {
            let is_half = ways.pieces == 1 && !ways.has_text_done && !ways.has_item_done;
            if is_half || of != Of::Name && !ways.has_added {
                continue;
            }
            let events = Ways { of, ..ways }.events(&output());
            assert_eq!(said(&events), SAID, "{of:?} {ways:?}");
            // What comes only with the response finds the thought and the text complete.
            if ways.has_item_done {
                assert_eq!(
                    collected(Messages, &events),
                    whole(Messages, &response(&output())),
                    "{of:?} {ways:?}"
                );
            }
        }
    }
}

/// As llama.cpp tells them.
#[test]
fn items_without_numbers_may_all_end_at_the_end() {
    let text = json!({"type": "output_text", "text": "Hello", "annotations": []});
    let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "",
        "content": [{"type": "reasoning_text", "text": "think"}]});
    let message =
        json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [text.clone()]});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f",
        "arguments": "{\"a\":1}"});
    let events = [
        json!({"type": "response.created", "response": response(&json!([]))}),
        json!({"type": "response.in_progress", "response": response(&json!([]))}),
        json!({"type": "response.output_item.added", "item": {"type": "reasoning", "id": "rs_1"}}),
        json!({"type": "response.reasoning_text.delta", "item_id": "rs_1", "delta": "think"}),
        json!({"type": "response.output_item.added", "item": {"type": "message", "id": "msg_1"}}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "part": {}}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Hello"}),
        // Its own id comes later.
        json!({"type": "response.output_item.added",
            "item": {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1",
            "delta": "{\"a\":1}"}),
        json!({"type": "response.output_item.done", "item": thought}),
        json!({"type": "response.output_text.done", "item_id": "msg_1", "text": "Hello"}),
        json!({"type": "response.content_part.done", "item_id": "msg_1", "part": text}),
        json!({"type": "response.output_item.done", "item": message}),
        json!({"type": "response.output_item.done", "item": call}),
        json!({"type": "response.completed", "response": response(&json!([thought, message, call]))}),
    ];
    let whole = whole(Messages, &response(&json!([thought, message, call])));
    assert_eq!(collected(Messages, &events), whole);
    assert_eq!(said(&events), "thinkHello{\"a\":1}");
    // The text does not wait for the thought's end.
    let mut out = String::new();
    let mut told = back(Messages, true).stream();
    told.push(stream(&events[..7]).as_bytes(), &mut out)
        .unwrap();
    assert!(out.contains("Hello"), "{out}");
}

#[test]
fn what_is_whole_is_told_before_its_item_is() {
    for ways in Ways::all() {
        if ways.has_item_done || ways.has_output || !ways.has_added || !ways.has_text_done {
            continue;
        }
        // The custom tool's input has no event here.
        let expected = SAID.trim_end_matches("{\"input\":\"y\"}");
        let said = said(&ways.events(&output()));
        assert_eq!(said.trim_end_matches("{}"), expected, "{ways:?}");
    }
    let item = json!({"type": "custom_tool_call", "call_id": "c", "name": "g", "input": ""});
    let events = [
        json!({"type": "response.output_item.added", "item": item}),
        json!({"type": "response.custom_tool_call_input.done", "input": "y"}),
        json!({"type": "response.completed", "response": response(&json!([]))}),
    ];
    assert_eq!(said(&events), "{\"input\":\"y\"}");
}

#[test]
fn a_response_alone_is_an_answer() {
    let events = [json!({"type": "response.completed", "response": response(&output())})];
    assert_eq!(
        collected(Messages, &events),
        whole(Messages, &response(&output()))
    );
}

#[test]
fn items_that_are_numbered_in_another_way_are_not_told_twice() {
    for ways in Ways::all() {
        if ways.pieces < 2 || !ways.has_added {
            continue;
        }
        let mut events = ways.events(&output());
        for event in &mut events {
            if let Some(index) = event["output_index"].as_u64() {
                event["output_index"] = (index + 1).into();
            }
        }
        let said = said(&events);
        for word in ["a thought", "and more", "wörld", "no\n", "{\"a\":\"x\"}"] {
            assert_eq!(said.matches(word).count(), 1, "{word} {ways:?}: {said}");
        }
        let seals = |events: &[Value]| told(events).matches("secret").count();
        let is_sealed = ways.has_item_done || ways.has_output;
        assert_eq!(seals(&events), usize::from(is_sealed), "{ways:?}");
        // Without names only their order is left to know them by.
        let unnamed = stream(&events).replace("\"id\":", "\"no\":");
        let unnamed = unnamed
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let unnamed: Vec<Value> = unnamed
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let is_sealed = ways.has_item_done;
        assert_eq!(seals(&unnamed), usize::from(is_sealed), "{ways:?}");
    }
    // Of another order at the end, with thinking that was told nowhere else.
    let ways = Ways::all().find(|ways| ways.pieces == 2).unwrap();
    let Value::Array(items) = output() else {
        unreachable!("it is a list");
    };
    let mut events = ways.events(&json!([items[1]]));
    events.pop();
    events.push(json!({"type": "response.completed", "response": response(&output())}));
    assert_eq!(said(&events).matches("wörld").count(), 1);
}

#[test]
fn what_came_otherwise_stays_as_it_came() {
    let message =
        |text: &str| json!({"type": "message", "content": [{"type": "output_text", "text": text}]});
    for (delta, whole, expected) in [
        ("Hel", "Hello", "Hello"),
        ("Hello", "Hell", "Hello"),
        ("Hello", "", "Hello"),
        ("Good", "Hello", "Good"),
    ] {
        let events = [
            json!({"type": "response.output_text.delta", "delta": delta}),
            json!({"type": "response.output_item.done", "item": message(whole)}),
            json!({"type": "response.completed", "response": response(&json!([message(whole)]))}),
        ];
        assert_eq!(said(&events), expected, "{delta} {whole}");
    }
    // The same text with other escapes.
    let events = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\\u00e9/\"}\n\n\
        data: {\"type\":\"response.output_text.done\",\"text\":\"aé\\/b\"}\n\n\
        data: {\"type\":\"response.completed\",\"response\":{}}\n\n";
    let mut out = String::new();
    back(Messages, true)
        .stream()
        .push(events.as_bytes(), &mut out)
        .unwrap();
    assert!(out.contains("\"text\":\"b\""), "{out}");
}

#[test]
fn of_a_very_long_part_the_rest_is_not_sought() {
    let text = "x".repeat(1 << 16);
    for (pieces, rest) in [(15, "y"), (17, "")] {
        let piece = json!({"type": "response.output_text.delta", "delta": text});
        let mut events = vec![piece; pieces];
        let all = format!("{}y", text.repeat(pieces));
        events.push(json!({"type": "response.output_text.done", "text": all}));
        events.push(json!({"type": "response.completed", "response": response(&json!([]))}));
        let said = said(&events);
        let beyond = said.strip_prefix(&text.repeat(pieces));
        assert!(beyond == Some(rest), "{pieces}");
    }
}
