//! A stream of Responses events, as an upstream sends it.

use super::super::forms;
use super::super::json::{Json, Malformed, Text};
use super::super::neutral::{Delta, Dropped, Event, Opening, Part, ToolCall, Usage};
use super::OPAQUE;
use super::answer::{failed, read_citation, read_item, read_part, read_usage, stop_of};
use super::items::{Item, Items};
use super::parts::{Parts, Place};

/// The type of a content that is thinking.
const REASONING: &str = "reasoning_text";

/// How the types of events begin that tell of a part.
const PARTS: &[&str] = &[
    "response.content_part.",
    "response.custom_tool_call_input.",
    "response.function_call_arguments.",
    "response.output_text.",
    "response.reasoning_summary_part.",
    "response.reasoning_summary_text.",
    "response.reasoning_text.",
    "response.refusal.",
];

/// Turns the data of one event after another into neutral events.
#[derive(Debug, Default)]
pub struct ReadStream {
    parts: Parts,
    items: Items,
    has_started: bool,
    refuses: bool,
    dropped: Dropped,
}

impl ReadStream {
    /// Reads one event's data.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read<'a>(&mut self, data: &'a str, out: &mut Vec<Event<'a>>) -> Result<(), Malformed> {
        if data.trim() == "[DONE]" {
            return Ok(());
        }
        let json = Json::parse(data, OPAQUE)?;
        let kind = json.text_at("type").unwrap_or_default();
        let kind = &*kind.plain();
        match kind {
            "response.created" => self.start(&json, out),
            "response.output_item.added" => self.item_added(&json, out),
            "response.output_item.done" => self.item_done(&json, out),
            "response.completed" | "response.incomplete" => self.end(&json, out),
            // Some servers have one event for every end.
            "response.done" if !is_failed(&json) => self.end(&json, out),
            "response.failed" | "response.done" => {
                let response = json.get("response").unwrap_or(&Json::NULL);
                fail(failed(response), out);
            }
            "error" => {
                let nested = failed(&json);
                let plain = (
                    json.text_at("code").unwrap_or_default(),
                    json.text_at("message").unwrap_or_default(),
                );
                fail(Some(nested.unwrap_or(plain)), out);
            }
            _ if !PARTS.iter().any(|part| kind.starts_with(part)) => {}
            _ if kind.ends_with(".done") => self.whole_piece(kind, &json, out),
            _ => self.piece(kind, &json, out),
        }
        Ok(())
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    fn start<'a>(&mut self, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        self.has_started = true;
        let response = json.get("response").unwrap_or(&Json::NULL);
        out.push(Event::Start {
            id: response.text_at("id").unwrap_or_default(),
            model: response.text_at("model").unwrap_or_default(),
            usage: Usage::default(),
        });
    }

    /// A piece of a part.
    fn piece<'a>(&mut self, kind: &str, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let (item, content) = self.place(json, out);
        let delta = || json.text_at("delta").filter(|text| !text.is_empty());
        let (place, opening, delta) = match kind {
            "response.output_text.delta" => {
                ((item, content), Opening::Text, delta().map(Delta::Text))
            }
            "response.refusal.delta" => {
                self.refuses = true;
                ((item, content), Opening::Refusal, delta().map(Delta::Text))
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                ((item, 0), Opening::Thought, delta().map(Delta::Text))
            }
            "response.reasoning_summary_part.added" => {
                if self.parts.has_come((item, 0)) {
                    self.parts.break_off((item, 0), out);
                }
                return;
            }
            "response.function_call_arguments.delta" => {
                if let Some(arguments) = delta() {
                    self.parts.argue((item, 0), arguments, out);
                }
                return;
            }
            "response.output_text.annotation.added" => {
                let citation = json.get("annotation").and_then(read_citation);
                if citation.is_none() {
                    self.dropped.note("annotations");
                }
                (
                    (item, content),
                    Opening::Text,
                    citation.map(Delta::Citation),
                )
            }
            _ => return,
        };
        if let Some(delta) = delta {
            self.parts.grow(place, opening, delta, out);
        }
    }

    /// A part, or what it is made of, as a whole. Some servers send no pieces.
    fn whole_piece<'a>(&mut self, kind: &str, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let (item, content) = self.place(json, out);
        let text = |name| json.text_at(name).unwrap_or_default();
        let of_message = match kind {
            "response.output_text.done" => Some(Part::prose(text("text"))),
            "response.refusal.done" => Some(Part::Refusal(text("refusal"))),
            "response.content_part.done" => {
                let part = json.get("part").unwrap_or(&Json::NULL);
                let is_thought = part.text_at("type").is_some_and(|kind| kind.is(REASONING));
                match is_thought {
                    true => None,
                    false => read_part(part, &mut self.dropped),
                }
            }
            _ => None,
        };
        if let Some(part) = of_message {
            self.refuses |= matches!(part, Part::Refusal(_));
            self.parts.complete((item, content), part, true, out);
        }
        match kind {
            "response.content_part.done" => self.parts.close((item, content), out),
            "response.reasoning_summary_text.done" | "response.reasoning_text.done" => {
                self.parts.complete_paragraph((item, 0), text("text"), out);
            }
            "response.function_call_arguments.done" => {
                let arguments = text("arguments");
                self.parts.complete_arguments((item, 0), &arguments, out);
            }
            "response.custom_tool_call_input.done" => {
                let arguments = forms::wrapped(text("input"));
                self.parts.complete_arguments((item, 0), &arguments, out);
            }
            _ => {}
        }
    }

    fn item_added<'a>(&mut self, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let item = json.get("item").unwrap_or(&Json::NULL);
        let index = self.items.begins(json, item);
        let index = self.go_over_to(index, out);
        let kind = item.text_at("type").unwrap_or_default();
        match &*kind.plain() {
            "function_call" | "custom_tool_call" => {
                if let Some(ToolCall { id, name, .. }) = forms::call(item) {
                    let call = Opening::ToolCall { id, name };
                    self.parts.begin((index, 0), call, out);
                }
            }
            // Their parts begin with their first piece, which may never come.
            "message" | "reasoning" => {}
            other => self.dropped.note_field("output.", other),
        }
    }

    fn item_done<'a>(&mut self, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let item = json.get("item").unwrap_or(&Json::NULL);
        let index = self.items.ends(json, item);
        let index = self.go_over_to(index, out);
        if item.is_nothing() {
            return self.parts.close_item(index, out);
        }
        let parts = parts_of(item, &mut self.dropped);
        let fits = self.parts.fit_item(index, &parts);
        self.complete(index, parts, fits, out);
    }

    /// Where the part is that an event is of.
    fn place(&mut self, event: &Json<'_>, out: &mut Vec<Event<'_>>) -> Place {
        let item = self.items.of_piece(event);
        let content = event.count_at("content_index").unwrap_or_default();
        (self.go_over_to(item, out), content)
    }

    /// The number of an item. Servers that give none tell one item after another, and that
    /// they are complete only at the end: till then what comes next would have to wait.
    fn go_over_to(&mut self, item: Item, out: &mut Vec<Event<'_>>) -> u64 {
        if item.is_new {
            self.parts.close_prose(out);
        }
        item.number
    }

    /// An item as a whole, whose parts begin if they `may`.
    fn complete<'a>(
        &mut self,
        index: u64,
        parts: Vec<(u64, Part<'a>)>,
        may: bool,
        out: &mut Vec<Event<'a>>,
    ) {
        for (content, part) in parts {
            self.refuses |= matches!(part, Part::Refusal(_));
            self.parts.complete((index, content), part, may, out);
        }
        self.parts.close_item(index, out);
    }

    fn end<'a>(&mut self, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        if !self.has_started && self.parts.is_empty() {
            self.start(json, out);
        }
        let response = json.get("response").unwrap_or(&Json::NULL);
        self.complete_output(response, out);
        self.parts.close_all(out);
        let stop = stop_of(response, self.parts.calls(), self.refuses);
        let usage = response.get("usage").map(read_usage).unwrap_or_default();
        out.extend([Event::Stop(stop), Event::Usage(usage), Event::End]);
    }

    /// The whole output, of which some servers tell items nowhere else.
    fn complete_output<'a>(&mut self, response: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let output = response.get("output").map(Json::items).unwrap_or_default();
        let numbers = self.items.numbers(output);
        if numbers.iter().all(|index| self.items.is_done(*index)) {
            return;
        }
        let items = numbers.into_iter().zip(output);
        let items = items.map(|(index, item)| (index, parts_of(item, &mut self.dropped)));
        let items: Vec<_> = items.collect();
        let fits = self.parts.fit(&items);
        for (index, parts) in items {
            if !self.items.is_done(index) {
                self.complete(index, parts, fits, out);
            }
        }
    }
}

/// The parts of an item, each with the number of its content.
fn parts_of<'a>(item: &Json<'a>, dropped: &mut Dropped) -> Vec<(u64, Part<'a>)> {
    if item.get("type").is_some_and(|kind| kind.is("message")) {
        let content = item.get("content").map(Json::items).unwrap_or_default();
        let parts = (0..).zip(content);
        return parts
            .filter_map(|(number, part)| Some((number, read_part(part, dropped)?)))
            .collect();
    }
    let mut parts = Vec::new();
    read_item(item, &mut parts, dropped);
    parts.into_iter().map(|part| (0, part)).collect()
}

fn is_failed(event: &Json<'_>) -> bool {
    let response = event.get("response");
    let status = response.and_then(|response| response.text_at("status"));
    status.is_some_and(|status| status.is("failed"))
}

fn fail<'a>(failure: Option<(Text<'a>, Text<'a>)>, out: &mut Vec<Event<'a>>) {
    let (kind, message) = failure.unwrap_or_default();
    out.push(Event::Failed { kind, message });
}
