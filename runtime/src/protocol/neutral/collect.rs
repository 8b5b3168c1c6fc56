//! From events to a whole answer, and back.

use super::{Answer, Delta, Event, Opening, Part, Thought, ToolCall, Usage};
use crate::protocol::json::Text;

/// Puts an answer together from its events.
#[derive(Debug, Default)]
pub struct Collector {
    answer: Answer<'static>,
    /// Where the part of each number is in the answer.
    places: Vec<Option<usize>>,
    failed: Option<(Text<'static>, Text<'static>)>,
    ended: bool,
}

impl Collector {
    /// Takes the next event.
    pub fn push(&mut self, event: Event<'_>) {
        match event {
            Event::Start { id, model, usage } => {
                self.answer.id = id.into_owned();
                self.answer.model = model.into_owned();
                self.answer.usage = usage;
            }
            Event::Open { at, part } => {
                if self.places.len() <= at {
                    self.places.resize(at + 1, None);
                }
                self.places[at] = Some(self.answer.parts.len());
                self.answer.parts.push(opened(part));
            }
            Event::Delta { at, delta } => {
                let place = self.places.get(at).copied().flatten();
                if let Some(part) = place.and_then(|place| self.answer.parts.get_mut(place)) {
                    grow(part, delta);
                }
            }
            Event::Close { .. } | Event::Ping => {}
            Event::Stop(stop) => self.answer.stop = stop.into_owned(),
            Event::Usage(usage) => self.answer.usage = usage,
            Event::Failed { kind, message } => {
                self.failed = Some((kind.into_owned(), message.into_owned()));
            }
            Event::End => self.ended = true,
        }
    }

    /// The answer, if it came to its end.
    ///
    /// # Errors
    /// Kind and message of the failure; none when it merely broke off.
    pub fn finish(self) -> Result<Answer<'static>, Option<(Text<'static>, Text<'static>)>> {
        match self.failed {
            None if self.ended => Ok(self.answer),
            failed => Err(failed),
        }
    }
}

fn opened(part: Opening<'_>) -> Part<'static> {
    match part {
        Opening::Text => Part::Text(Text::default(), Vec::new()),
        Opening::Thought => Part::Thought(Thought::default()),
        Opening::Refusal => Part::Refusal(Text::default()),
        Opening::ToolCall { id, name } => Part::ToolCall(ToolCall {
            id: id.into_owned(),
            name: name.into_owned(),
            arguments: Text::default(),
        }),
    }
}

fn grow(part: &mut Part<'static>, delta: Delta<'_>) {
    match (part, delta) {
        (Part::Text(text, _) | Part::Refusal(text), Delta::Text(more)) => text.push(&more),
        (Part::Thought(thought), Delta::Text(more)) => thought.text.push(&more),
        (Part::Thought(thought), Delta::Seal(seal)) => thought.seal = Some(seal.into_owned()),
        (Part::ToolCall(call), Delta::Arguments(more)) => call.arguments.push(&more),
        (Part::Text(_, citations), Delta::Citation(citation)) => {
            citations.push(citation.into_owned());
        }
        // A delta that does not fit its part is the upstream's slip.
        _ => {}
    }
}

/// The events that a whole answer would have come in.
pub fn events<'a>(answer: Answer<'a>) -> Vec<Event<'a>> {
    let Answer {
        id,
        model,
        parts,
        stop,
        usage,
    } = answer;
    let before = Usage {
        output: 0,
        reasoning: 0,
        ..usage
    };
    let mut events = vec![Event::Start {
        id,
        model,
        usage: before,
    }];
    for (at, part) in parts.into_iter().enumerate() {
        let (part, deltas) = taken_apart(part);
        let Some(part) = part else { continue };
        events.push(Event::Open { at, part });
        events.extend(deltas.into_iter().map(|delta| Event::Delta { at, delta }));
        events.push(Event::Close { at });
    }
    events.extend([Event::Stop(stop), Event::Usage(usage), Event::End]);
    events
}

fn taken_apart<'a>(part: Part<'a>) -> (Option<Opening<'a>>, Vec<Delta<'a>>) {
    match part {
        Part::Text(text, citations) => {
            let mut deltas = vec![Delta::Text(text)];
            deltas.extend(citations.into_iter().map(Delta::Citation));
            (Some(Opening::Text), deltas)
        }
        Part::Thought(Thought { text, seal }) => {
            let mut deltas = vec![Delta::Text(text)];
            deltas.extend(seal.map(Delta::Seal));
            (Some(Opening::Thought), deltas)
        }
        Part::Refusal(text) => (Some(Opening::Refusal), vec![Delta::Text(text)]),
        Part::ToolCall(ToolCall {
            id,
            name,
            arguments,
        }) => {
            let opening = Opening::ToolCall { id, name };
            (Some(opening), vec![Delta::Arguments(arguments)])
        }
        // No model answers with these.
        Part::Image(..) | Part::Document(..) | Part::ToolResult(_) => (None, Vec::new()),
    }
}
