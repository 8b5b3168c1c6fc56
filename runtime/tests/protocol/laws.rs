//! What holds for every answer and every stream, however it is cut.

use ctr_runtime::protocol::forms::Forms;
use ctr_runtime::protocol::json::{Json, Text};
use ctr_runtime::protocol::neutral::{
    Answer, Citation, Collector, Dropped, Event, Part, Seal, Stop, Thought, ToolCall, Usage, events,
};
use ctr_runtime::protocol::responses::Echo;
use ctr_runtime::protocol::sse::{Split, data};
use ctr_runtime::protocol::translate::{self, Back, Call};
use ctr_runtime::protocol::{Protocol, anthropic, chat, responses};
use proptest::prelude::*;
use serde_json::Value;

const ALL: [Protocol; 3] = [Protocol::Messages, Protocol::Chat, Protocol::Responses];

fn text() -> impl Strategy<Value = Text<'static>> {
    let plain = prop_oneof!["[a-z é🦀\"\\\\\n]{0,8}", any::<String>()];
    plain.prop_map(Text::from_string)
}

fn citation() -> impl Strategy<Value = Citation<'static>> {
    "[a-z]{1,5}".prop_map(|name| Citation {
        url: Text::from_string(format!("https://{name}.example")),
        title: Some("t".into()),
        quote: None,
    })
}

fn part() -> impl Strategy<Value = Part<'static>> {
    let seal = prop_oneof![
        Just(None),
        Just(Some(Seal::Signature("sig==".into()))),
        Just(Some(Seal::Encrypted("rs_1".into(), "gAAA".into()))),
        Just(Some(Seal::Content)),
    ];
    prop_oneof![
        (text(), prop::collection::vec(citation(), 0..2)).prop_map(|(text, citations)| {
            // Nothing has no sources.
            let citations = if text.is_empty() {
                Vec::new()
            } else {
                citations
            };
            Part::Text(text, citations)
        }),
        (text(), seal).prop_map(|(text, seal)| Part::Thought(Thought { text, seal })),
        text().prop_map(Part::Refusal),
        ("[a-z]{1,8}", "[a-z]{1,8}", "[a-zé\"\\\\]{0,5}").prop_map(|(id, name, value)| {
            let arguments = serde_json::json!({ "v": value }).to_string();
            Part::ToolCall(ToolCall {
                id: Text::from_string(id),
                name: Text::from_string(name),
                arguments: Text::from_string(arguments),
            })
        }),
    ]
}

fn answer() -> impl Strategy<Value = Answer<'static>> {
    let stop = prop_oneof![
        Just(Stop::End),
        Just(Stop::Length),
        Just(Stop::Sequence(Some("END".into()))),
        Just(Stop::Refusal),
    ];
    let usage = (0..9u64, 0..9u64, 0..9u64).prop_map(|(input, cache_read, output)| Usage {
        input,
        cache_read,
        cache_write: 0,
        output,
        reasoning: 0,
    });
    (prop::collection::vec(part(), 0..6), stop, usage).prop_map(|(parts, stop, usage)| {
        let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        Answer {
            id: "msg_1".into(),
            model: "m".into(),
            stop: if calls { Stop::Tool } else { stop },
            parts,
            usage,
        }
    })
}

/// As a server of this protocol sends it: whole, and in events.
fn sent(protocol: Protocol, answer: &Answer<'static>) -> (String, String) {
    let mut dropped = Dropped::default();
    let (one, steps) = (answer.clone(), events(answer.clone()));
    let echo = Echo::default();
    let mut out = String::new();
    let whole = match protocol {
        Protocol::Messages => {
            let mut writer = anthropic::WriteStream::new(true, 0, "req_1");
            steps
                .into_iter()
                .for_each(|event| writer.write(event, &mut out));
            anthropic::write_answer(one, true, &mut dropped)
        }
        Protocol::Chat => {
            let mut writer = chat::WriteStream::new(true, 0, Forms::default());
            steps
                .into_iter()
                .for_each(|event| writer.write(event, &mut out));
            chat::write_answer(one, 0, &Forms::default())
        }
        Protocol::Responses => {
            let mut writer = responses::WriteStream::new(echo.clone());
            steps
                .into_iter()
                .for_each(|event| writer.write(event, &mut out));
            responses::write_answer(one, &echo)
        }
    };
    (whole, out)
}

fn read_whole(protocol: Protocol, body: &str) -> Answer<'_> {
    let json = Json::parse(body, translate::opaque(protocol)).unwrap();
    let mut dropped = Dropped::default();
    let answer = match protocol {
        Protocol::Messages => anthropic::read_answer(&json, &mut dropped),
        Protocol::Chat => chat::read_answer(&json, &mut dropped),
        Protocol::Responses => responses::read_answer(&json, &mut dropped),
    };
    answer.unwrap_or_else(|| panic!("no answer: {body}"))
}

fn read_events(protocol: Protocol, stream: &str) -> Answer<'static> {
    let mut collector = Collector::default();
    let mut split = Split::default();
    split.push(stream.as_bytes()).unwrap();
    let mut messages = anthropic::ReadStream::default();
    let mut chats = chat::ReadStream::default();
    let mut replies = responses::ReadStream::default();
    while let Some(block) = split.block() {
        let Some(data) = data(&block) else { continue };
        let data = String::from_utf8(data.into_owned()).unwrap();
        let mut out: Vec<Event<'_>> = Vec::new();
        match protocol {
            Protocol::Messages => messages.read(&data, &mut out).unwrap(),
            Protocol::Chat => chats.read(&data, &mut out).unwrap(),
            Protocol::Responses => replies.read(&data, &mut out).unwrap(),
        }
        out.into_iter().for_each(|event| collector.push(event));
    }
    collector.finish().unwrap()
}

/// What an answer says, without how it is divided.
fn meaning(answer: &Answer<'_>) -> impl PartialEq + std::fmt::Debug + use<> {
    let (mut prose, mut thoughts, mut refusals) = (String::new(), String::new(), String::new());
    let (mut calls, mut seals, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    for part in &answer.parts {
        match part {
            Part::Text(text, citations) => {
                prose.push_str(&text.plain());
                pages.extend(citations.iter().map(|one| one.url.plain().into_owned()));
            }
            Part::Thought(thought) => {
                thoughts.push_str(&thought.text.plain());
                let seal = thought.seal.clone().map(Seal::into_owned);
                seals.extend(seal.filter(|seal| *seal != Seal::Content));
            }
            Part::Refusal(text) => refusals.push_str(&text.plain()),
            Part::ToolCall(call) => calls.push(format!("{call:?}")),
            other => panic!("{other:?}"),
        }
    }
    let stop = answer.stop.clone().into_owned();
    (
        prose,
        thoughts,
        refusals,
        calls,
        seals,
        pages,
        stop,
        answer.usage,
    )
}

fn back(client: Protocol, endpoint: Protocol) -> Back {
    let body = match client {
        Protocol::Messages => {
            "{\"messages\":[{}],\"stream\":true,\"thinking\":{\"type\":\"adaptive\"}}"
        }
        Protocol::Chat => "{\"messages\":[{}],\"stream\":true}",
        Protocol::Responses => "{\"input\":\"\",\"stream\":true}",
    };
    let call = Call {
        client,
        endpoint,
        model: "m",
        adaptive: false,
        dialect: translate::Dialect::Usual,
        request_id: "req_1",
        now: 0,
    };
    let json = Json::parse(body, &[]).unwrap();
    translate::request(&json, &call).unwrap().back
}

/// What the client gets of a stream whose chunks end at `cuts`, and whether it came to its end.
fn through(back: &Back, stream: &[u8], cuts: &[usize]) -> (String, bool) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(stream.len());
    let mut translated = back.stream();
    let (mut out, mut from) = (String::new(), 0);
    for to in cuts {
        let chunk = &stream[std::mem::replace(&mut from, to)..to];
        if translated.push(chunk, &mut out).is_err() {
            return (out, false);
        }
    }
    let ended = translated.finish(&mut out).is_ok();
    (out, ended)
}

proptest! {
    #[test]
    fn a_stream_means_what_the_whole_answer_means(answer in answer()) {
        for protocol in ALL {
            let (whole, stream) = sent(protocol, &answer);
            serde_json::from_str::<Value>(&whole).unwrap();
            let (whole, stream) = (read_whole(protocol, &whole), read_events(protocol, &stream));
            prop_assert_eq!(meaning(&whole), meaning(&stream), "{:?}", protocol);
            prop_assert_eq!(&whole.id, &stream.id);
        }
    }

    #[test]
    fn where_chunks_end_does_not_matter(
        answer in answer(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        crlf in any::<bool>(),
    ) {
        for endpoint in ALL {
            let (_, mut stream) = sent(endpoint, &answer);
            if crlf {
                stream = stream.replace('\n', "\r\n");
            }
            for client in ALL {
                if client == endpoint {
                    continue;
                }
                let back = back(client, endpoint);
                let at_once = through(&back, stream.as_bytes(), &[]);
                prop_assert!(at_once.1);
                prop_assert_eq!(&through(&back, stream.as_bytes(), &cuts), &at_once);
                // The last event may come without its blank line.
                let trimmed = through(&back, stream.trim_end().as_bytes(), &cuts);
                prop_assert_eq!(&trimmed, &at_once);
            }
        }
    }

    #[test]
    fn an_answer_begins_once_however_its_server_begins(answer in answer()) {
        for endpoint in ALL {
            let (_, stream) = sent(endpoint, &answer);
            let (first, rest) = stream.split_once("\n\n").unwrap();
            for stream in [rest.to_owned(), format!("{first}\n\n{first}\n\n{rest}")] {
                for client in ALL {
                    if client == endpoint {
                        continue;
                    }
                    let beginning = match client {
                        Protocol::Messages => "event: message_start\n",
                        Protocol::Chat => "\"role\":\"assistant\"",
                        Protocol::Responses => "event: response.created\n",
                    };
                    let (out, ended) = through(&back(client, endpoint), stream.as_bytes(), &[]);
                    prop_assert!(ended);
                    prop_assert_eq!(out.matches(beginning).count(), 1, "{}", out);
                }
            }
        }
    }

    #[test]
    fn a_stream_that_is_cut_never_ends_well(answer in answer(), at in any::<prop::sample::Index>()) {
        for endpoint in ALL {
            let (_, stream) = sent(endpoint, &answer);
            // The last event says that it was the last; where one before gives the
            // reason, the stream ends with that.
            let last = match endpoint {
                Protocol::Messages => "\"stop_reason\":\"",
                Protocol::Chat => "\"finish_reason\":\"",
                Protocol::Responses => "event: response.",
            };
            let end = stream.rfind(last).unwrap();
            let cut = &stream.as_bytes()[..at.index(end)];
            for client in ALL {
                if client != endpoint {
                    let (out, ended) = through(&back(client, endpoint), cut, &[]);
                    prop_assert!(!ended, "{:?}: {}", endpoint, out);
                }
            }
        }
    }

    #[test]
    fn nothing_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        lines in prop::collection::vec(prop::sample::select(PIECES), 0..12),
    ) {
        for client in ALL {
            for endpoint in ALL {
                let back = back(client, endpoint);
                let mut dropped = Dropped::default();
                let _ = back.answer(&bytes, &mut dropped);
                let body = back.error(500, &bytes);
                serde_json::from_str::<Value>(&body).unwrap();
                through(&back, &bytes, &[]);
                let stream: String = lines.iter().map(|line| format!("data: {line}\n\n")).collect();
                through(&back, stream.as_bytes(), &[]);
                for line in &lines {
                    let Ok(json) = Json::parse(line, translate::opaque(client)) else { continue };
                    let call = Call { client, endpoint, model: "m", adaptive: false, dialect: translate::Dialect::Usual, request_id: "r", now: 0 };
                    let _ = translate::request(&json, &call);
                    let _ = back.answer(line.as_bytes(), &mut dropped);
                }
            }
        }
    }
}

/// Data in every state of disorder.
const PIECES: &[&str] = &[
    "[DONE]",
    "{}",
    "[]",
    "null",
    "{\"type\":\"message_start\"}",
    "{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"text\"}}",
    "{\"type\":\"content_block_start\",\"index\":18446744073709551615,\"content_block\":{\"type\":\"tool_use\"}}",
    "{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}",
    "{\"type\":\"content_block_delta\",\"index\":99999999,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}",
    "{\"type\":\"content_block_stop\",\"index\":7}",
    "{\"type\":\"message_delta\",\"delta\":null,\"usage\":[]}",
    "{\"type\":\"message_stop\"}",
    "{\"type\":\"error\"}",
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":5,\"id\":\"a\",\"function\":{\"name\":\"b\"}}]}}]}",
    "{\"choices\":[{\"delta\":{\"tool_calls\":[{}],\"content\":[1]},\"finish_reason\":1}]}",
    "{\"choices\":[{\"message\":{\"tool_calls\":[{}]}}]}",
    "{\"error\":\"x\"}",
    "{\"type\":\"response.created\",\"response\":null}",
    "{\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"type\":\"function_call\"}}",
    "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,\"delta\":\"{\"}",
    "{\"type\":\"response.output_text.delta\",\"output_index\":1,\"content_index\":9,\"delta\":\"x\"}",
    "{\"type\":\"response.output_item.done\",\"output_index\":1}",
    "{\"type\":\"response.completed\"}",
    "{\"type\":\"response.failed\"}",
    "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{}},{\"type\":\"tool_result\"},1]},null,[]]}",
    "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\"}],\"tool_calls\":[{\"function\":{}}]}],\"tools\":[{},1,{\"function\":{}}]}",
    "{\"messages\":[{\"role\":\"tool\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"data:,\"}]}],\"thinking\":{\"type\":\"enabled\"},\"max_tokens\":1}",
    "{\"input\":[{\"type\":\"reasoning\",\"encrypted_content\":\"ctr:encrypted:\"},{\"type\":\"custom_tool_call\"}],\"tools\":[{\"type\":\"namespace\",\"tools\":[1]},{\"type\":\"custom\"}]}",
    "{\"content\":[{\"type\":\"tool_use\",\"input\":1}],\"output\":[{\"type\":\"message\",\"content\":[1]}]}",
];
