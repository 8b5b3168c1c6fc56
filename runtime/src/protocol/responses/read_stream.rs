//! A stream of Responses events, as an upstream sends it.

use super::super::forms;
use super::super::json::{Json, Malformed, Text};
use super::super::neutral::{Delta, Dropped, Event, Opening, ToolCall, Usage};
use super::OPAQUE;
use super::answer::{failed, read_citation, read_usage, stop_of};
use super::read_request::thought;

/// Turns the data of one event after another into neutral events.
#[derive(Debug, Default)]
pub struct ReadStream {
    /// Parts that are not complete.
    open: Vec<Place>,
    /// Parts that have begun.
    count: usize,
    calls: bool,
    refuses: bool,
    dropped: Dropped,
}

/// Where a part stands in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    item: u64,
    /// Which content of a message; 0 for other items.
    content: u64,
    at: usize,
    /// Whether anything has come of it.
    has_begun: bool,
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
        let item = json.count_at("output_index").unwrap_or_default();
        let content = json.count_at("content_index").unwrap_or_default();
        let text = |name| json.text_at(name).filter(|text| !text.is_empty());
        match &*kind.plain() {
            "response.created" => self.start(&json, out),
            "response.output_item.added" => self.item_added(item, &json, out),
            "response.output_item.done" => self.item_done(item, &json, out),
            "response.output_text.delta" => {
                if let Some(text) = text("delta") {
                    self.grow((item, content), Opening::Text, Delta::Text(text), out);
                }
            }
            "response.refusal.delta" => {
                self.refuses = true;
                if let Some(text) = text("delta") {
                    self.grow((item, content), Opening::Refusal, Delta::Text(text), out);
                }
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                if let Some(text) = text("delta") {
                    self.grow((item, 0), Opening::Thought, Delta::Text(text), out);
                }
            }
            "response.reasoning_summary_part.added" if self.has_begun(item) => {
                let gap = Delta::Text("\n\n".into());
                self.grow((item, 0), Opening::Thought, gap, out);
            }
            "response.function_call_arguments.delta" => {
                if let (Some(json), Some(_)) = (text("delta"), self.place(item, 0)) {
                    self.grow((item, 0), Opening::Text, Delta::Arguments(json), out);
                }
            }
            "response.output_text.annotation.added" => {
                let citation = json.get("annotation").and_then(read_citation);
                match citation {
                    Some(citation) => {
                        self.grow(
                            (item, content),
                            Opening::Text,
                            Delta::Citation(citation),
                            out,
                        );
                    }
                    None => self.dropped.note("annotations"),
                }
            }
            "response.content_part.done" => self.close(item, content, out),
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
            _ => {}
        }
        Ok(())
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    fn start<'a>(&mut self, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let response = json.get("response").unwrap_or(&Json::NULL);
        out.push(Event::Start {
            id: response.text_at("id").unwrap_or_default(),
            model: response.text_at("model").unwrap_or_default(),
            usage: Usage::default(),
        });
    }

    fn item_added<'a>(&mut self, index: u64, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let item = json.get("item").unwrap_or(&Json::NULL);
        let kind = item.text_at("type").unwrap_or_default();
        match &*kind.plain() {
            "function_call" | "custom_tool_call" => {
                self.calls = true;
                if let Some(ToolCall { id, name, .. }) = forms::call(item) {
                    self.begin((index, 0), Opening::ToolCall { id, name }, out);
                }
            }
            // Their parts begin with their first piece, which may never come.
            "message" | "reasoning" => {}
            other => self.dropped.note_field("output.", other),
        }
    }

    fn item_done<'a>(&mut self, index: u64, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let item = json.get("item").unwrap_or(&Json::NULL);
        let kind = item.text_at("type").unwrap_or_default();
        let place = self.place(index, 0);
        match &*kind.plain() {
            "reasoning" => {
                if let Some(seal) = thought(item).seal {
                    self.grow((index, 0), Opening::Thought, Delta::Seal(seal), out);
                }
            }
            // Some servers give the arguments only at the end, and those of a custom
            // tool are whole before they can be told as JSON.
            "function_call" | "custom_tool_call" if place.is_some_and(|place| !place.has_begun) => {
                let json = forms::call(item).map(|call| call.arguments);
                if let Some(json) = json.filter(|json| !json.is_empty()) {
                    self.grow((index, 0), Opening::Text, Delta::Arguments(json), out);
                }
            }
            _ => {}
        }
        while let Some(open) = self.open.iter().find(|place| place.item == index).copied() {
            self.close(index, open.content, out);
        }
    }

    fn end<'a>(&mut self, json: &Json<'a>, out: &mut Vec<Event<'a>>) {
        while let Some(open) = self.open.first().copied() {
            self.close(open.item, open.content, out);
        }
        let response = json.get("response").unwrap_or(&Json::NULL);
        let stop = stop_of(response, self.calls, self.refuses);
        let usage = response.get("usage").map(read_usage).unwrap_or_default();
        out.extend([Event::Stop(stop), Event::Usage(usage), Event::End]);
    }

    fn place(&self, item: u64, content: u64) -> Option<Place> {
        let is_it = |place: &&Place| place.item == item && place.content == content;
        self.open.iter().find(is_it).copied()
    }

    fn has_begun(&self, item: u64) -> bool {
        self.place(item, 0).is_some_and(|place| place.has_begun)
    }

    fn begin<'a>(
        &mut self,
        (item, content): (u64, u64),
        part: Opening<'a>,
        out: &mut Vec<Event<'a>>,
    ) -> usize {
        let at = self.count;
        self.count += 1;
        self.open.push(Place {
            item,
            content,
            at,
            has_begun: false,
        });
        out.push(Event::Open { at, part });
        at
    }

    /// More of a part, which begins with it where it has not begun.
    fn grow<'a>(
        &mut self,
        (item, content): (u64, u64),
        opening: Opening<'a>,
        delta: Delta<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        let at = match self.place(item, content) {
            Some(place) => place.at,
            None => self.begin((item, content), opening, out),
        };
        if let Some(place) = self.open.iter_mut().find(|place| place.at == at) {
            place.has_begun = true;
        }
        out.push(Event::Delta { at, delta });
    }

    fn close(&mut self, item: u64, content: u64, out: &mut Vec<Event<'_>>) {
        if let Some(place) = self.place(item, content) {
            self.open.retain(|open| *open != place);
            out.push(Event::Close { at: place.at });
        }
    }
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
