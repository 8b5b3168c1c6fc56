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
    /// By the number of a part, its number for the client; none of a call that is
    /// kept back.
    places: Vec<Option<usize>>,
    calls_others: bool,
    usage: Usage,
    stop: Stop<'static>,
    has_ended: bool,
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
            reading: Reading::new(back.client),
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
        let answer = read_answer(&json, client, &mut self.dropped).ok_or(Broken::Garbled)?;
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
        let mut reading = std::mem::replace(&mut self.reading, Reading::new(client));
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
                let Some(at) = place else { return };
                Event::Open { at, part }
            }
            Event::Delta { at, delta } => {
                let Some(at) = self.known(at) else { return };
                if let (Delta::Text(_), Gap::Due) = (&delta, self.gap) {
                    let delta = Delta::Text("\n\n".into());
                    self.writer.write(Event::Delta { at, delta }, out);
                }
                if let (Delta::Text(text), Protocol::Chat) = (&delta, client)
                    && !text.is_empty()
                {
                    self.gap = Gap::Said;
                }
                Event::Delta { at, delta }
            }
            Event::Close { at } => {
                let Some(at) = self.known(at) else { return };
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

    /// The number for the client of a part that begins.
    fn place(&mut self, part: &Opening<'_>) -> Option<usize> {
        if let Opening::ToolCall { name, .. } = part {
            if name.is(self.tool) {
                return None;
            }
            self.answer.calls_others = true;
        }
        self.count += 1;
        Some(self.count - 1)
    }

    fn known(&self, at: usize) -> Option<usize> {
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
