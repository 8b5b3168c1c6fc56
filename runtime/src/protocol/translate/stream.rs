//! Streams on the way back.

use std::borrow::Cow;
use std::fmt;

use super::super::json::{Malformed, Text};
use super::super::names::Names;
use super::super::neutral::{Collector, Dropped, Event, InTurn, Opening, Usage};
use super::super::sse::{self, Ending, Split};
use super::super::{Protocol, anthropic, chat, failure, responses};
use super::Back;
use super::calls::CallIds;

/// A stream that did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It ends in the middle.
    Early,
    /// It is no stream of its protocol.
    Garbled,
    /// The endpoint says that it failed.
    Failed {
        /// The endpoint's word for it.
        kind: String,
        /// For people.
        message: String,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early => f.write_str("the stream ended early"),
            Self::Garbled => f.write_str("the stream cannot be read"),
            Self::Failed { kind, .. } => write!(f, "the stream ended with `{kind}`"),
        }
    }
}

impl std::error::Error for Broken {}

/// A stream on its way from the endpoint to the client.
#[derive(Debug)]
pub struct Stream {
    reading: Reading,
    writer: Writer,
    names: Names,
    /// What a whole answer could not carry.
    dropped: Dropped,
    ending: Ending,
}

/// Turns bytes of any size into neutral events.
#[derive(Debug)]
pub(super) struct Reading {
    split: Split,
    reader: Reader,
    rest: Handing,
}

/// What is known of the events that were handed over.
#[derive(Debug)]
struct Handing {
    ids: CallIds,
    is_begun: bool,
    is_over: bool,
}

#[derive(Debug)]
enum Reader {
    Messages(anthropic::ReadStream),
    Chat(chat::ReadStream),
    Responses(responses::ReadStream),
}

/// Turns neutral events into what the client reads, one part after another.
#[derive(Debug)]
pub(super) struct Writer {
    turns: InTurn,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Messages(anthropic::WriteStream),
    Chat(chat::WriteStream),
    Responses(responses::WriteStream),
    Whole(Box<(Collector, Back)>),
}

impl Stream {
    pub(super) fn new(back: &Back, whole: bool) -> Self {
        let writer = if whole {
            Writer::whole(back.clone())
        } else {
            Writer::new(back)
        };
        Self {
            reading: Reading::new(back.endpoint, back.ids()),
            writer,
            names: back.names.clone(),
            dropped: Dropped::default(),
            ending: Ending::Open,
        }
    }

    /// Takes the next chunk and adds to `out` what goes to the client for it, perhaps nothing.
    ///
    /// # Errors
    /// When the stream cannot be read on; what came before is in `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut String) -> Result<(), Broken> {
        let Self {
            reading,
            writer,
            names,
            ending,
            ..
        } = self;
        reading.push(chunk, &mut |event| {
            write(event, names, ending, writer, out);
        })
    }

    /// The endpoint's stream is over: adds to `out` what goes to the client last.
    ///
    /// # Errors
    /// When the answer is not complete.
    pub fn finish(&mut self, out: &mut String) -> Result<(), Broken> {
        let Self {
            reading,
            writer,
            names,
            ending,
            ..
        } = self;
        reading.finish(&mut |event| write(event, names, ending, writer, out));
        match &mut self.writer.form {
            Form::Whole(whole) => {
                let collector = std::mem::take(&mut whole.0);
                let answer = collector.finish().map_err(|failed| match failed {
                    Some((kind, message)) => Broken::Failed {
                        kind: kind.plain().into_owned(),
                        message: message.plain().into_owned(),
                    },
                    None => Broken::Early,
                })?;
                out.push_str(&whole.1.write(answer, &mut self.dropped));
                Ok(())
            }
            _ if self.ending != Ending::Open => Ok(()),
            _ => Err(Broken::Early),
        }
    }

    /// Adds to `out` what ends the client's stream when the endpoint's breaks.
    pub fn fail(&mut self, message: &str, out: &mut String) {
        if self.ending == Ending::Open {
            self.ending = Ending::Error("api_error");
            let failed = Event::Failed {
                kind: "api_error".into(),
                message: Text::from_string(message.to_owned()),
            };
            self.writer.write(failed, out);
        }
    }

    /// Whether the answer has come to its end, and whether a good one.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> Dropped {
        let mut dropped = self.reading.dropped().clone();
        dropped.extend(&self.writer.dropped());
        dropped.extend(&self.dropped);
        dropped
    }
}

/// Adds to `out` what goes to the client for an event, unless its stream is over.
fn write(
    event: Event<'_>,
    names: &Names,
    ending: &mut Ending,
    writer: &mut Writer,
    out: &mut String,
) {
    if *ending != Ending::Open {
        return;
    }
    *ending = match &event {
        Event::End => Ending::Last,
        Event::Failed { kind, .. } => Ending::Error(failure::anthropic_type(&kind.plain())),
        _ => Ending::Open,
    };
    let event = match event {
        Event::Open {
            at,
            part: Opening::ToolCall { id, name },
        } => {
            let name = names.restore(name);
            let part = Opening::ToolCall { id, name };
            Event::Open { at, part }
        }
        other => other,
    };
    writer.write(event, out);
    if writer.has_failed() {
        *ending = Ending::Error("api_error");
    }
}

impl Reading {
    /// Of an answer whose calls have the ids that `ids` gives them.
    pub(super) fn new(protocol: Protocol, ids: CallIds) -> Self {
        let reader = match protocol {
            Protocol::Messages => Reader::Messages(anthropic::ReadStream::default()),
            Protocol::Chat => Reader::Chat(chat::ReadStream::default()),
            Protocol::Responses => Reader::Responses(responses::ReadStream::default()),
        };
        Self {
            split: Split::default(),
            reader,
            rest: Handing {
                ids,
                is_begun: false,
                is_over: false,
            },
        }
    }

    /// Hands the events of the next chunk to `take`.
    ///
    /// # Errors
    /// When it cannot be read on.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        take: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), Broken> {
        self.split.push(chunk).map_err(|_| Broken::Garbled)?;
        while let Some(block) = self.split.block() {
            self.block(&block, take).map_err(|_| Broken::Garbled)?;
        }
        Ok(())
    }

    /// The bytes are over: hands the last events to `take`.
    pub(super) fn finish(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        if let Some(block) = self.split.finish() {
            // Half an event is no event.
            let _ = self.block(&block, take);
        }
        let mut events = Vec::new();
        match &mut self.reader {
            Reader::Messages(reader) => reader.finish(&mut events),
            Reader::Chat(reader) => reader.finish(&mut events),
            Reader::Responses(_) => {}
        }
        self.rest.hand(events, take);
    }

    /// What was met and could not be carried.
    pub(super) fn dropped(&self) -> &Dropped {
        match &self.reader {
            Reader::Messages(reader) => reader.dropped(),
            Reader::Chat(reader) => reader.dropped(),
            Reader::Responses(reader) => reader.dropped(),
        }
    }

    fn block(&mut self, block: &[u8], take: &mut dyn FnMut(Event<'_>)) -> Result<(), Malformed> {
        if self.rest.is_over {
            return Ok(());
        }
        let Some(data) = sse::data(block) else {
            if sse::is_comment(block) {
                take(Event::Ping);
            }
            return Ok(());
        };
        // Looking for what is no text takes longer than finding that all is.
        let data = match std::str::from_utf8(&data) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(&data),
        };
        let mut events = Vec::new();
        match &mut self.reader {
            Reader::Messages(reader) => reader.read(&data, &mut events)?,
            Reader::Chat(reader) => reader.read(&data, &mut events)?,
            Reader::Responses(reader) => reader.read(&data, &mut events)?,
        }
        self.rest.hand(events, take);
        Ok(())
    }
}

impl Handing {
    /// Hands events over, all of whose calls have ids then. One beginning comes first, also of
    /// a server that tells none, or several; nothing follows the end.
    fn hand(&mut self, events: Vec<Event<'_>>, take: &mut dyn FnMut(Event<'_>)) {
        for mut event in events {
            if self.is_over {
                return;
            }
            match &mut event {
                Event::Start { .. } if self.is_begun => continue,
                Event::Start { id, .. } => {
                    self.ids.begin(id);
                    self.is_begun = true;
                }
                Event::Failed { .. } => self.is_over = true,
                Event::Ping => {}
                other => {
                    if !std::mem::replace(&mut self.is_begun, true) {
                        take(Event::Start {
                            id: Text::default(),
                            model: Text::default(),
                            usage: Usage::default(),
                        });
                    }
                    match other {
                        Event::Open {
                            part: Opening::ToolCall { id, .. },
                            ..
                        } => *id = self.ids.next(std::mem::take(id)),
                        Event::End => self.is_over = true,
                        _ => {}
                    }
                }
            }
            take(event);
        }
    }
}

impl Writer {
    /// Of a whole answer.
    pub(super) fn whole(back: Back) -> Self {
        Self::of(Form::Whole(Box::new((Collector::default(), back))))
    }

    /// Whether the answer failed on its way, and not at the endpoint's word.
    fn has_failed(&self) -> bool {
        self.turns.has_failed()
    }

    fn of(form: Form) -> Self {
        Self {
            turns: InTurn::default(),
            form,
        }
    }

    /// Adds a whole answer to `out`, once its events are written; what of it could
    /// not be carried.
    pub(super) fn finish(&mut self, out: &mut String) -> Dropped {
        let mut dropped = Dropped::default();
        if let Form::Whole(whole) = &mut self.form
            && let Ok(answer) = std::mem::take(&mut whole.0).finish()
        {
            out.push_str(&whole.1.write(answer, &mut dropped));
        }
        dropped
    }

    pub(super) fn new(back: &Back) -> Self {
        Self::of(match back.client {
            Protocol::Messages => Form::Messages(anthropic::WriteStream::new(
                back.thinks,
                back.input_tokens,
                &back.request_id,
            )),
            Protocol::Chat => {
                let forms = back.echo.forms.clone();
                Form::Chat(chat::WriteStream::new(
                    back.stream_usage,
                    back.echo.created,
                    forms,
                ))
            }
            Protocol::Responses => Form::Responses(responses::WriteStream::new(back.echo.clone())),
        })
    }

    /// Adds to `out` what goes to the client for an event, perhaps later than it comes: no
    /// two parts overlap.
    pub(super) fn write(&mut self, event: Event<'_>, out: &mut String) {
        let Self { turns, form } = self;
        match form {
            Form::Messages(writer) => turns.take(event, &mut |event| writer.write(event, out)),
            Form::Chat(writer) => turns.take(event, &mut |event| writer.write(event, out)),
            Form::Responses(writer) => turns.take(event, &mut |event| writer.write(event, out)),
            Form::Whole(whole) => whole.0.push(event),
        }
    }

    pub(super) fn dropped(&self) -> Dropped {
        match &self.form {
            Form::Messages(writer) => writer.dropped().clone(),
            // These carry all that the neutral form has.
            Form::Chat(_) | Form::Responses(_) | Form::Whole(_) => Dropped::default(),
        }
    }
}
