//! A stream of Responses events, as a client reads it.

use super::super::failure;
use super::super::json::{Json, Object, Text};
use super::super::neutral::{Delta, Event, Stop, Usage};
use super::answer::{Echo, bare_id, is_cut, response_id};
use super::item::{Item, Kind};

/// Turns neutral events into events of this protocol.
#[derive(Debug)]
pub struct WriteStream {
    echo: Echo,
    id: Text<'static>,
    bare: Text<'static>,
    model: Text<'static>,
    has_started: bool,
    /// Number of the next event.
    sequence: u64,
    items: Vec<Item>,
    /// By the number of a part, the number of its item.
    places: Vec<Option<usize>>,
    /// An item that nothing more comes of. Whether it is complete is known when another
    /// begins, or the answer ends.
    last: Option<usize>,
    stop: Stop<'static>,
    usage: Usage,
}

impl WriteStream {
    /// For a request of which `echo` is kept.
    pub fn new(echo: Echo) -> Self {
        Self {
            echo,
            id: Text::default(),
            bare: Text::default(),
            model: Text::default(),
            has_started: false,
            sequence: 0,
            items: Vec::new(),
            places: Vec::new(),
            last: None,
            stop: Stop::End,
            usage: Usage::default(),
        }
    }

    /// Adds what the client is to get for an event. No two parts overlap.
    pub fn write(&mut self, event: Event<'_>, out: &mut String) {
        let is_told = matches!(
            event,
            Event::Open { .. } | Event::Failed { .. } | Event::End
        );
        if is_told && !self.has_started {
            // Clients expect nothing before a response has begun.
            self.start(&Text::default(), Text::default(), out);
        }
        match event {
            Event::Start { id, model, .. } => self.start(&id, model, out),
            Event::Open { at, part } => {
                let index = self.items.len();
                let item = Item::open(part, &self.bare, index, &self.echo.forms);
                self.items.push(item);
                self.end_last(out);
                if self.places.len() <= at {
                    self.places.resize(at + 1, None);
                }
                self.places[at] = Some(index);
                self.begin(index, out);
            }
            Event::Delta { at, delta } => {
                if let Some(index) = self.places.get(at).copied().flatten() {
                    self.delta(index, &delta, out);
                }
            }
            Event::Close { at } => {
                self.last = self.places.get(at).copied().flatten();
            }
            Event::Stop(stop) => self.stop = stop.into_owned(),
            Event::Usage(usage) => self.usage = usage,
            Event::Ping => out.push_str(": ping\n\n"),
            Event::Failed { kind, message } => self.fail(&kind.plain(), message, out),
            Event::End => {
                self.end_last(out);
                let response = self
                    .echo
                    .ended(self.names(), &self.items, &self.stop, self.usage);
                let name = match response.get("status") {
                    Some(status) if status.is("incomplete") => "response.incomplete",
                    _ => "response.completed",
                };
                let response = Json::from(response).into_owned();
                self.send(name, &Object::new().with("response", response), out);
            }
        }
    }

    fn start(&mut self, id: &Text<'_>, model: Text<'_>, out: &mut String) {
        self.has_started = true;
        self.id = response_id(id).into_owned();
        self.bare = bare_id(id).into_owned();
        self.model = model.into_owned();
        for name in ["response.created", "response.in_progress"] {
            let response = self.echo.response(self.names(), "in_progress", Vec::new());
            self.send(name, &Object::new().with("response", response), out);
        }
    }

    fn fail(&mut self, word: &str, message: Text<'_>, out: &mut String) {
        let code = match failure::openai_words(word) {
            (_, Some(code)) => code,
            (kind, None) => kind,
        };
        let error = Object::new().with("code", code).with("message", message);
        let mut response = self.echo.response(self.names(), "failed", Vec::new());
        response.set("error", error);
        self.send(
            "response.failed",
            &Object::new().with("response", response),
            out,
        );
    }

    fn names<'a>(&self) -> (Text<'a>, Text<'a>) {
        (self.id.clone(), self.model.clone())
    }

    /// An event about an item.
    fn of_item(&self, index: usize) -> Object<'static> {
        let id = self.items[index].id.clone();
        Object::new()
            .with("item_id", id)
            .with("output_index", index)
    }

    fn begin(&mut self, index: usize, out: &mut String) {
        let item = Json::from(self.items[index].begun()).into_owned();
        let added = Object::new().with("output_index", index).with("item", item);
        self.send("response.output_item.added", &added, out);
        if matches!(self.items[index].kind, Kind::Text | Kind::Refusal) {
            let part = Json::from(self.items[index].part()).into_owned();
            let added = self
                .of_item(index)
                .with("content_index", 0u64)
                .with("part", part);
            self.send("response.content_part.added", &added, out);
        }
    }

    fn delta(&mut self, index: usize, delta: &Delta<'_>, out: &mut String) {
        let is_first = self.items[index].text.is_empty();
        self.items[index].grow(delta);
        let of_item = self.of_item(index);
        match (&self.items[index].kind, delta) {
            (Kind::Text, Delta::Text(text)) => {
                let delta = of_item
                    .with("content_index", 0u64)
                    .with("delta", text.clone())
                    .with("logprobs", Vec::new());
                self.send("response.output_text.delta", &delta, out);
            }
            (Kind::Text, Delta::Citation(citation)) => {
                let item = &self.items[index];
                let number = item.citation_count().saturating_sub(1);
                let added = of_item
                    .with("content_index", 0u64)
                    .with("annotation_index", number)
                    .with("annotation", item.annotation(citation));
                self.send("response.output_text.annotation.added", &added, out);
            }
            (Kind::Refusal, Delta::Text(text)) => {
                let delta = of_item
                    .with("content_index", 0u64)
                    .with("delta", text.clone());
                self.send("response.refusal.delta", &delta, out);
            }
            (Kind::Thought, Delta::Text(text)) => {
                let of_part = of_item.with("summary_index", 0u64);
                if is_first {
                    let part = Object::of_type("summary_text").with("text", "");
                    let added = of_part.clone().with("part", part);
                    self.send("response.reasoning_summary_part.added", &added, out);
                }
                let delta = of_part.with("delta", text.clone());
                self.send("response.reasoning_summary_text.delta", &delta, out);
            }
            (Kind::Function { .. }, Delta::Arguments(json)) => {
                let delta = of_item.with("delta", json.clone());
                self.send("response.function_call_arguments.delta", &delta, out);
            }
            // The arguments of a custom tool are whole before they can be taken
            // out of their JSON; a seal goes with the whole thought.
            _ => {}
        }
    }

    fn end_last(&mut self, out: &mut String) {
        if let Some(index) = self.last.take() {
            self.end(index, is_cut(&self.items, index, &self.stop), out);
        }
    }

    fn end(&mut self, index: usize, is_cut: bool, out: &mut String) {
        let of_item = self.of_item(index);
        let item = &self.items[index];
        let text = item.text.clone();
        match &item.kind {
            Kind::Text | Kind::Refusal => {
                let part = Json::from(item.part()).into_owned();
                let of_part = of_item.with("content_index", 0u64);
                let (name, done) = if item.kind == Kind::Text {
                    let done = of_part
                        .clone()
                        .with("text", text)
                        .with("logprobs", Vec::new());
                    ("response.output_text.done", done)
                } else {
                    (
                        "response.refusal.done",
                        of_part.clone().with("refusal", text),
                    )
                };
                self.send(name, &done, out);
                self.send(
                    "response.content_part.done",
                    &of_part.with("part", part),
                    out,
                );
            }
            Kind::Thought if !text.is_empty() => {
                let of_part = of_item.with("summary_index", 0u64);
                let done = of_part.clone().with("text", text.clone());
                self.send("response.reasoning_summary_text.done", &done, out);
                let part = Object::of_type("summary_text").with("text", text);
                self.send(
                    "response.reasoning_summary_part.done",
                    &of_part.with("part", part),
                    out,
                );
            }
            Kind::Thought => {}
            Kind::Function { name, .. } => {
                let done = of_item
                    .with("name", name.clone())
                    .with("arguments", item.arguments(is_cut));
                self.send("response.function_call_arguments.done", &done, out);
            }
            Kind::Custom { .. } => {
                let input = item.arguments(is_cut);
                let delta = of_item.clone().with("delta", input.clone());
                self.send("response.custom_tool_call_input.delta", &delta, out);
                self.send(
                    "response.custom_tool_call_input.done",
                    &of_item.with("input", input),
                    out,
                );
            }
        }
        let item = Json::from(self.items[index].ended(is_cut)).into_owned();
        let done = Object::new().with("output_index", index).with("item", item);
        self.send("response.output_item.done", &done, out);
    }

    /// One event; its name is also the type in its data.
    fn send(&mut self, name: &'static str, data: &Object<'_>, out: &mut String) {
        let sequence = self.sequence;
        self.sequence += 1;
        out.push_str("event: ");
        out.push_str(name);
        out.push_str("\ndata: {");
        let event = Object::of_type(name).with("sequence_number", sequence);
        event.write_members(out, false);
        data.write_members(out, true);
        out.push_str("}\n\n");
    }
}
