//! A stream of Messages events, as an upstream sends it.

use super::super::failure;
use super::super::json::{Json, Malformed, Text};
use super::super::neutral::{Delta, Dropped, Event, Opening, Seal, Usage};
use super::OPAQUE;
use super::answer::{explanation, read_citation, read_stop, read_usage};

/// Turns the data of one event after another into neutral events.
#[derive(Debug, Default)]
pub struct ReadStream {
    usage: Usage,
    /// Blocks that have begun and not ended: the upstream's number, and ours;
    /// none for those that mean nothing elsewhere.
    open: Vec<(u64, Option<usize>)>,
    /// Parts that have begun.
    count: usize,
    /// Whether it was said why the answer ends.
    has_stopped: bool,
    dropped: Dropped,
}

impl ReadStream {
    /// Reads one event's data.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read<'a>(&mut self, data: &'a str, out: &mut Vec<Event<'a>>) -> Result<(), Malformed> {
        let json = Json::parse(data, OPAQUE)?;
        let kind = json.text_at("type").unwrap_or_default();
        let index = json.count_at("index").unwrap_or_default();
        match &*kind.plain() {
            "message_start" => self.start(&json, out),
            "content_block_start" => self.open(index, &json, out),
            "content_block_delta" => {
                if let Some(at) = self.at(index)
                    && let Some(delta) = json.get("delta").and_then(|delta| self.delta(delta))
                {
                    out.push(Event::Delta { at, delta });
                }
            }
            "content_block_stop" => {
                out.extend(self.at(index).map(|at| Event::Close { at }));
                self.open.retain(|(open, _)| *open != index);
            }
            "message_delta" => {
                if let Some(usage) = json.get("usage") {
                    self.usage = read_usage(usage, self.usage);
                }
                let delta = json.get("delta").unwrap_or(&Json::NULL);
                if let Some(text) = explanation(delta) {
                    self.decline(text, out);
                }
                self.has_stopped |= delta.text_at("stop_reason").is_some();
                out.extend([Event::Stop(read_stop(delta)), Event::Usage(self.usage)]);
            }
            "message_stop" => out.push(Event::End),
            "ping" => out.push(Event::Ping),
            "error" => {
                let error = json.get("error").unwrap_or(&Json::NULL);
                out.push(Event::Failed {
                    kind: failure::kind_in(error),
                    message: error.text_at("message").unwrap_or_default(),
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// The stream is over. Some servers leave out `message_stop`; whoever has said why
    /// the answer ends has ended it.
    pub fn finish(&mut self, out: &mut Vec<Event<'_>>) {
        if self.has_stopped {
            out.push(Event::End);
        }
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    fn start<'a>(&mut self, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let message = json.get("message").unwrap_or(&Json::NULL);
        if let Some(usage) = message.get("usage") {
            self.usage = read_usage(usage, self.usage);
        }
        out.push(Event::Start {
            id: message.text_at("id").unwrap_or_default(),
            model: message.text_at("model").unwrap_or_default(),
            usage: self.usage,
        });
    }

    /// A part of its own that says why the model declines.
    fn decline<'a>(&mut self, text: Text<'a>, out: &mut Vec<Event<'a>>) {
        let at = self.count;
        self.count += 1;
        let part = Opening::Refusal;
        let delta = Delta::Text(text);
        out.extend([
            Event::Open { at, part },
            Event::Delta { at, delta },
            Event::Close { at },
        ]);
    }

    fn at(&self, index: u64) -> Option<usize> {
        let found = self.open.iter().rev().find(|(open, _)| *open == index);
        found.and_then(|(_, at)| *at)
    }

    fn open<'a>(&mut self, index: u64, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let block = json.get("content_block").unwrap_or(&Json::NULL);
        let text_at = |name| block.text_at(name).unwrap_or_default();
        let kind = text_at("type");
        let (part, delta) = match &*kind.plain() {
            "text" => (Opening::Text, Delta::Text(text_at("text"))),
            "thinking" => (Opening::Thought, Delta::Text(text_at("thinking"))),
            "redacted_thinking" => {
                let seal = Seal::Redacted(text_at("data"));
                (Opening::Thought, Delta::Seal(seal))
            }
            "tool_use" => {
                let (id, name) = (text_at("id"), text_at("name"));
                // Some servers give the whole input at once.
                let input = block.get("input").filter(|input| !input.is_nothing());
                let input = input.map(|input| super::read_request::arguments(Some(input)));
                let opening = Opening::ToolCall { id, name };
                (opening, Delta::Arguments(input.unwrap_or_default()))
            }
            other => {
                self.dropped.note_field("content.", other);
                self.open.push((index, None));
                return;
            }
        };
        let at = self.count;
        self.count += 1;
        self.open.push((index, Some(at)));
        out.push(Event::Open { at, part });
        if !delta.is_empty() {
            out.push(Event::Delta { at, delta });
        }
    }

    fn delta<'a>(&mut self, delta: &Json<'a>) -> Option<Delta<'a>> {
        let kind = delta.text_at("type")?;
        let delta = match &*kind.plain() {
            "text_delta" => Delta::Text(delta.text_at("text")?),
            "thinking_delta" => Delta::Text(delta.text_at("thinking")?),
            "signature_delta" => Delta::Seal(Seal::from_signature(delta.text_at("signature")?)?),
            "input_json_delta" => Delta::Arguments(delta.text_at("partial_json")?),
            "citations_delta" => {
                let citation = delta.get("citation").unwrap_or(&Json::NULL);
                Delta::Citation(read_citation(citation, &mut self.dropped)?)
            }
            other => {
                self.dropped.note_field("content.", other);
                return None;
            }
        };
        (!delta.is_empty()).then_some(delta)
    }
}
