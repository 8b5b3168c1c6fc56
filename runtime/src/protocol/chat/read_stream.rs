//! A stream of Chat Completions chunks, as an upstream sends it.
//!
//! Chunks do not say where a part begins or ends: text ends where a part of another kind
//! begins, or with the answer. Calls may go on by turns, and text between them; one ends
//! where its arguments are whole, or with the answer.

use super::super::json::{Json, Malformed, Text};
use super::super::neutral::{Delta, Dropped, Event, Opening, Seal, Usage};
use super::OPAQUE;
use super::answer::{arguments, citations, read_stop, read_usage, text, thinking};
use super::whole::Whole;

/// Turns the data of one event after another into neutral events.
#[derive(Debug, Default)]
pub struct ReadStream {
    is_started: bool,
    /// The part that goes on and is no call.
    open: Option<(usize, Kind)>,
    /// Parts that have begun.
    count: usize,
    calls: Vec<Call>,
    refuses: bool,
    /// Why the answer ends, once that is said.
    reason: Option<Text<'static>>,
    usage: Usage,
    is_over: bool,
    dropped: Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
    Refusal,
}

#[derive(Debug)]
struct Call {
    index: u64,
    id: Text<'static>,
    at: usize,
    arguments: Whole,
    is_open: bool,
}

impl ReadStream {
    /// Reads one event's data.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read<'a>(&mut self, data: &'a str, out: &mut Vec<Event<'a>>) -> Result<(), Malformed> {
        if data.trim() == "[DONE]" {
            self.end(out);
            return Ok(());
        }
        let json = Json::parse(data, OPAQUE)?;
        if let Some(error) = json.get("error").filter(|error| !error.is_nothing()) {
            let message = error.text_at("message").or_else(|| error.text().cloned());
            let kind = error.text_at("code").or_else(|| error.text_at("type"));
            self.is_over = true;
            out.push(Event::Failed {
                kind: kind.unwrap_or_default(),
                message: message.unwrap_or_default(),
            });
            return Ok(());
        }
        if !self.is_started {
            self.is_started = true;
            out.push(Event::Start {
                id: json.text_at("id").unwrap_or_default(),
                model: json.text_at("model").unwrap_or_default(),
                usage: Usage::default(),
            });
        }
        if let Some(usage) = json.get("usage").filter(|usage| !usage.is_nothing()) {
            self.usage = read_usage(usage);
        }
        for choice in json.get("choices").map(Json::items).unwrap_or_default() {
            if choice.count_at("index").unwrap_or_default() != 0 {
                self.dropped.note("choices");
                continue;
            }
            if let Some(delta) = choice.get("delta") {
                self.delta(delta, out);
            }
            let reason = choice.text_at("finish_reason");
            if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
                self.reason = Some(reason.into_owned());
            }
        }
        Ok(())
    }

    /// The stream is over. Some servers leave out `[DONE]`; whoever has said why
    /// the answer ends has ended it.
    pub fn finish(&mut self, out: &mut Vec<Event<'_>>) {
        if self.reason.is_some() {
            self.end(out);
        }
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    fn end(&mut self, out: &mut Vec<Event<'_>>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let reason = self.reason.take().map(Json::from);
        let stop = read_stop(reason.as_ref(), !self.calls.is_empty(), self.refuses);
        // Before the parts that it ends: it tells whether they were cut off.
        out.push(Event::Stop(stop.into_owned()));
        self.close(out);
        let open = self.calls.iter().filter(|call| call.is_open);
        out.extend(open.map(|call| Event::Close { at: call.at }));
        out.extend([Event::Usage(self.usage), Event::End]);
    }

    fn delta<'a>(&mut self, delta: &Json<'a>, out: &mut Vec<Event<'a>>) {
        if let Some(text) = thinking(delta) {
            self.grow(Kind::Thought, Opening::Thought, text, out);
        }
        let text = text(delta.get("content"));
        if !text.is_empty() {
            self.grow(Kind::Text, Opening::Text, text, out);
        }
        if let Some((at, Kind::Text)) = self.open {
            for citation in citations(delta, &mut self.dropped) {
                out.push(Event::Delta {
                    at,
                    delta: Delta::Citation(citation),
                });
            }
        }
        if let Some(text) = delta.text_at("refusal").filter(|text| !text.is_empty()) {
            self.refuses = true;
            self.grow(Kind::Refusal, Opening::Refusal, text, out);
        }
        let calls = delta.get("tool_calls").map(Json::items).unwrap_or_default();
        for (nth, call) in calls.iter().enumerate() {
            self.call(call, nth, out);
        }
    }

    /// More of a part of this kind; a new one unless it goes on.
    fn grow<'a>(
        &mut self,
        kind: Kind,
        opening: Opening<'a>,
        text: Text<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        let at = match self.open {
            Some((at, open)) if open == kind => at,
            _ => {
                let at = self.begin(opening, out);
                self.open = Some((at, kind));
                at
            }
        };
        out.push(Event::Delta {
            at,
            delta: Delta::Text(text),
        });
    }

    fn begin<'a>(&mut self, part: Opening<'a>, out: &mut Vec<Event<'a>>) -> usize {
        self.close(out);
        let at = self.count;
        self.count += 1;
        out.push(Event::Open { at, part });
        at
    }

    fn close(&mut self, out: &mut Vec<Event<'_>>) {
        let Some((at, kind)) = self.open.take() else {
            return;
        };
        if kind == Kind::Thought {
            out.push(Event::Delta {
                at,
                delta: Delta::Seal(Seal::Content),
            });
        }
        out.push(Event::Close { at });
    }

    /// More of a call. A call is known by its index; servers that give all of
    /// them one index tell them apart by their ids.
    fn call<'a>(&mut self, call: &Json<'a>, nth: usize, out: &mut Vec<Event<'a>>) {
        let function = call.get("function").unwrap_or(&Json::NULL);
        let index = call.count_at("index").unwrap_or(nth as u64);
        let id = call.text_at("id").filter(|id| !id.is_empty());
        let name = function.text_at("name").filter(|name| !name.is_empty());
        let known = self.calls.iter().rposition(|known| known.index == index);
        let known = known.filter(|known| match (&id, &name) {
            (Some(id), _) => id.written() == self.calls[*known].id.written(),
            // Whoever names a tool again without an id calls it again.
            (None, name) => name.is_none(),
        });
        let nth = match (known, name) {
            (Some(known), _) => known,
            (None, Some(name)) => self.begin_call(index, id, name, out),
            // Nobody knows what is called.
            (None, None) => return,
        };
        let more = arguments(function);
        let Some(call) = self.calls.get_mut(nth).filter(|_| !more.is_empty()) else {
            return;
        };
        let at = call.at;
        if !call.is_open {
            // White space may follow; no client could read more than that.
            if !more.plain().trim().is_empty() {
                self.dropped.note("tool_calls.arguments");
            }
            return;
        }
        call.is_open = !call.arguments.push(&more);
        let delta = Delta::Arguments(more);
        out.push(Event::Delta { at, delta });
        if !call.is_open {
            out.push(Event::Close { at });
        }
    }

    /// Its number among calls.
    fn begin_call<'a>(
        &mut self,
        index: u64,
        id: Option<Text<'a>>,
        name: Text<'a>,
        out: &mut Vec<Event<'a>>,
    ) -> usize {
        let nth = self.calls.len();
        let id = id.unwrap_or_else(|| Text::from_string(format!("call_{nth}")));
        let own = id.clone().into_owned();
        let at = self.begin(Opening::ToolCall { id, name }, out);
        self.calls.push(Call {
            index,
            id: own,
            at,
            arguments: Whole::default(),
            is_open: true,
        });
        nth
    }
}
