//! Several answers of a model as one: between them a tool was called that the
//! client knows nothing of.
//!
//! Parts are counted on from answer to answer, usage is added up, and the calls of
//! the one tool are kept back. What is read and what is written is the client's
//! protocol.

use super::stream::{Reading, Writer};
use super::{Back, Broken, opaque, read_answer};
use crate::protocol::Protocol;
use crate::protocol::json::{Json, Text};
use crate::protocol::neutral::{
    Answer, Collector, Delta, Dropped, Event, Opening, Part, Stop, ToolCall, Usage, events,
};

/// What comes after an answer.
#[derive(Debug)]
pub enum Turn {
    /// Nothing: it is the last.
    Over,
    /// The tool is called, and nothing else is.
    Asks {
        /// The answer with its calls.
        answer: Answer<'static>,
        /// The calls.
        calls: Vec<ToolCall<'static>>,
    },
}

/// Answers on their way to the client.
#[derive(Debug)]
pub struct Joined {
    back: Back,
    reading: Reading,
    rest: Joining,
    dropped: Dropped,
}

/// What is not the reading.
#[derive(Debug)]
struct Joining {
    tool: &'static str,
    writer: Writer,
    answer: Current,
    /// Parts the client has been told of.
    count: usize,
    /// Of the answers before this one.
    usage: Usage,
    stop: Stop<'static>,
    has_started: bool,
    has_failed: bool,
    gap: Gap,
}

/// The answer that is being read.
#[derive(Debug, Default)]
struct Current {
    whole: Collector,
    /// By the number of a part, what the client knows of it; none of a call that is
    /// kept back.
    places: Vec<Option<Place>>,
    calls_others: bool,
    usage: Usage,
    stop: Stop<'static>,
    has_ended: bool,
}

/// A part as the client knows it.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: usize,
    is_prose: bool,
}

/// Where texts of several answers run into one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    /// Nothing was said, or the protocol keeps parts apart.
    None,
    /// Something was said in this answer.
    Said,
    /// Something was said in an earlier answer.
    Due,
}

impl Joined {
    /// For a client whose way back is `back`; `whole` where it gets no events. Calls
    /// of `tool` are kept back.
    pub fn new(back: Back, tool: &'static str, whole: bool) -> Self {
        let writer = match whole {
            true => Writer::whole(Back {
                stream: false,
                ..back.clone()
            }),
            false => Writer::new(&back),
        };
        Self {
            reading: Reading::new(back.client, back.ids()),
            back,
            rest: Joining {
                tool,
                writer,
                answer: Current::default(),
                count: 0,
                usage: Usage::default(),
                stop: Stop::End,
                has_started: false,
                has_failed: false,
                gap: Gap::None,
            },
            dropped: Dropped::default(),
        }
    }

    /// Takes the next chunk of an answer in events, and adds to `out` what goes to
    /// the client for it.
    ///
    /// # Errors
    /// When it cannot be read on.
    pub fn push(&mut self, chunk: &[u8], out: &mut String) -> Result<(), Broken> {
        let (client, rest) = (self.back.client, &mut self.rest);
        self.reading
            .push(chunk, &mut |event| rest.take(event, client, out))
    }

    /// Takes a whole answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn push_whole(&mut self, body: &[u8], out: &mut String) -> Result<(), Broken> {
        let client = self.back.client;
        let json = Json::read(body, opaque(client)).map_err(|_| Broken::Garbled)?;
        let answer = read_answer(&json, client, self.back.ids(), &mut self.dropped);
        let answer = answer.ok_or(Broken::Garbled)?;
        for event in events(answer) {
            self.rest.take(event, client, out);
        }
        Ok(())
    }

    /// An answer is over.
    ///
    /// # Errors
    /// When it is not complete, or says that the endpoint failed; the client has
    /// been told so then.
    pub fn turn(&mut self, out: &mut String) -> Result<Turn, Broken> {
        let client = self.back.client;
        let next = Reading::new(client, self.back.ids());
        let mut reading = std::mem::replace(&mut self.reading, next);
        reading.finish(&mut |event| self.rest.take(event, client, out));
        self.dropped.extend(reading.dropped());
        self.rest.turn()
    }

    /// All is said: adds to `out` what goes to the client last.
    pub fn end(&mut self, out: &mut String) {
        let rest = &mut self.rest;
        let stop = std::mem::take(&mut rest.stop);
        for event in [Event::Stop(stop), Event::Usage(rest.usage), Event::End] {
            rest.writer.write(event, out);
        }
        let unsaid = rest.writer.finish(out);
        self.dropped.extend(&unsaid);
        self.dropped.extend(&self.rest.writer.dropped());
    }

    /// A sign of life.
    pub fn ping(&mut self, out: &mut String) {
        self.rest.writer.write(Event::Ping, out);
    }

    /// The answer cannot go on: adds to `out` what ends the client's stream.
    pub fn fail(&mut self, message: &str, out: &mut String) {
        let failed = Event::Failed {
            kind: "api_error".into(),
            message: Text::from_string(message.to_owned()),
        };
        self.rest.take(failed, self.back.client, out);
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }
}

impl Joining {
    fn take(&mut self, event: Event<'_>, client: Protocol, out: &mut String) {
        if self.has_failed || self.answer.has_ended {
            return;
        }
        self.answer.whole.push(event.clone());
        let told = match event {
            Event::Start { usage, .. } => {
                self.answer.usage = usage;
                match std::mem::replace(&mut self.has_started, true) {
                    true => return,
                    false => event,
                }
            }
            Event::Open { at, part } => {
                let place = self.place(&part);
                if self.answer.places.len() <= at {
                    self.answer.places.resize(at + 1, None);
                }
                self.answer.places[at] = place;
                let Some(Place { at, .. }) = place else {
                    return;
                };
                Event::Open { at, part }
            }
            Event::Delta { at, delta } => {
                let Some(Place { at, is_prose }) = self.known(at) else {
                    return;
                };
                if is_prose && client == Protocol::Chat && !delta.is_empty() {
                    if self.gap == Gap::Due {
                        let delta = Delta::Text("\n\n".into());
                        self.writer.write(Event::Delta { at, delta }, out);
                    }
                    self.gap = Gap::Said;
                }
                Event::Delta { at, delta }
            }
            Event::Close { at } => {
                let Some(Place { at, .. }) = self.known(at) else {
                    return;
                };
                Event::Close { at }
            }
            Event::Stop(stop) => {
                self.answer.stop = stop.into_owned();
                return;
            }
            Event::Usage(usage) => {
                self.answer.usage = usage;
                return;
            }
            Event::End => {
                self.answer.has_ended = true;
                return;
            }
            Event::Failed { .. } => {
                self.has_failed = true;
                event
            }
            Event::Ping => event,
        };
        self.writer.write(told, out);
    }

    /// What the client is to know of a part that begins.
    fn place(&mut self, part: &Opening<'_>) -> Option<Place> {
        if let Opening::ToolCall { name, .. } = part {
            if name.is(self.tool) {
                return None;
            }
            self.answer.calls_others = true;
        }
        let at = self.count;
        self.count += 1;
        Some(Place {
            at,
            is_prose: *part == Opening::Text,
        })
    }

    fn known(&self, at: usize) -> Option<Place> {
        self.answer.places.get(at).copied().flatten()
    }

    fn turn(&mut self) -> Result<Turn, Broken> {
        let current = std::mem::take(&mut self.answer);
        let answer = current.whole.finish().map_err(|failed| match failed {
            Some((kind, message)) => Broken::Failed {
                kind: kind.plain().into_owned(),
                message: message.plain().into_owned(),
            },
            None => Broken::Early,
        })?;
        self.usage = self.usage.and(current.usage);
        let calls = answer.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) if call.name.is(self.tool) => Some(call.clone()),
            _ => None,
        });
        let calls: Vec<ToolCall<'static>> = calls.collect();
        let is_cut = matches!(current.stop, Stop::Length | Stop::Refusal);
        if !calls.is_empty() && !current.calls_others && !is_cut {
            if self.gap == Gap::Said {
                self.gap = Gap::Due;
            }
            return Ok(Turn::Asks { answer, calls });
        }
        self.stop = current.stop;
        Ok(Turn::Over)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Call;
    use super::*;

    fn chunk(delta: &str, finish: &str) -> String {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    }

    fn answers() -> [String; 2] {
        let call = "{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":\"{}\"}}]}";
        let end = "data: [DONE]\n\n";
        let first = [
            chunk(
                "{\"role\":\"assistant\",\"reasoning_content\":\"hm\"}",
                "null",
            ),
            chunk("{\"content\":\"one\"}", "null"),
            chunk(call, "\"tool_calls\""),
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n"
                .to_owned(),
            end.to_owned(),
        ];
        let second = [
            chunk(
                "{\"role\":\"assistant\",\"reasoning_content\":\"so\"}",
                "null",
            ),
            chunk("{\"content\":\"two\"}", "\"stop\""),
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n"
                .to_owned(),
            end.to_owned(),
        ];
        [first.concat(), second.concat()]
    }

    fn joined(size: usize, whole: bool) -> String {
        let body = "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
        let json = Json::parse(body, &[]).expect("JSON");
        let call = Call {
            client: Protocol::Chat,
            endpoint: Protocol::Chat,
            model: "",
            adaptive: false,
            dialect: crate::protocol::chat::Dialect::Usual,
            request_id: "req_1",
            now: 0,
        };
        let back = Back::within(&json, &call).expect("a request");
        let mut joined = Joined::new(back, "look", whole);
        let mut out = String::new();
        let [first, second] = answers();
        let mut read = |joined: &mut Joined, answer: &str| {
            for piece in answer.as_bytes().chunks(size) {
                joined.push(piece, &mut out).expect("it can be read");
            }
            joined.turn(&mut out).expect("it is complete")
        };
        let Turn::Asks { answer, calls } = read(&mut joined, &first) else {
            panic!("it asks");
        };
        assert_eq!((answer.parts.len(), calls.len()), (3, 1));
        assert!(matches!(read(&mut joined, &second), Turn::Over));
        joined.end(&mut out);
        out
    }

    #[test]
    fn chunks_of_any_size_give_the_same() {
        let expected = joined(usize::MAX, false);
        assert!(!expected.contains("look"), "{expected}");
        assert!(expected.contains("\"prompt_tokens\":16,\"completion_tokens\":3"));
        for size in 1..40 {
            assert_eq!(joined(size, false), expected, "{size}");
        }
    }

    #[test]
    fn texts_are_kept_apart_and_thoughts_are_not_texts() {
        let answer = joined(7, true);
        let read = |name: &str| {
            let json = Json::parse(&answer, &[]).expect("JSON");
            let choice = json.get("choices").map(|list| list.items()[0].clone());
            let message = choice.and_then(|choice| choice.get("message").cloned());
            message.and_then(|message| message.text_at(name).map(Text::into_owned))
        };
        let text = read("content").expect("a text");
        assert_eq!(text.plain(), "one\n\ntwo", "{answer}");
        let thought = read("reasoning_content").expect("a thought");
        assert_eq!(thought.plain(), "hmso", "{answer}");
        assert_eq!(read("tool_calls"), None);
        assert!(answer.contains("\"finish_reason\":\"stop\""), "{answer}");
    }
}
