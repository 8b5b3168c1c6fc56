//! A stream of Chat Completions chunks, as a client reads it.

use super::super::failure;
use super::super::forms::{Forms, unwrapped};
use super::super::json::{Json, Object, Text};
use super::super::neutral::{Delta, Event, Opening, Stop, Usage};
use super::answer::{annotation, completion_id, is_cut, last_choice, write_usage};

/// Turns neutral events into chunks.
#[derive(Debug)]
pub struct WriteStream {
    /// Whether the client asked for the usage.
    wants_usage: bool,
    created: u64,
    forms: Forms,
    id: Text<'static>,
    model: Text<'static>,
    /// By the number of a part.
    parts: Vec<Option<Kind>>,
    calls: usize,
    has_function: bool,
    /// The arguments of a custom tool, which are whole before they can be taken out of
    /// their JSON.
    input: Text<'static>,
    /// A call that ended without arguments. Whether it has none, or the answer is cut before
    /// they came, is known when another part begins, or the answer ends.
    bare: Option<Kind>,
    /// Characters of text so far, and where its last part began.
    length: usize,
    part_from: usize,
    stop: Stop<'static>,
    usage: Usage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
    Refusal,
    /// A call, with its index, and whether it has arguments yet.
    Call(usize, bool),
    /// A call of a custom tool, with its index.
    Custom(usize),
    /// A `function_call`, and whether it has arguments yet.
    Function(bool),
}

impl WriteStream {
    /// For a client whose tools had these forms, as made at `created`, in seconds since
    /// the Unix epoch.
    pub fn new(wants_usage: bool, created: u64, forms: Forms) -> Self {
        Self {
            wants_usage,
            created,
            forms,
            id: Text::default(),
            model: Text::default(),
            parts: Vec::new(),
            calls: 0,
            has_function: false,
            input: Text::default(),
            bare: None,
            length: 0,
            part_from: 0,
            stop: Stop::End,
            usage: Usage::default(),
        }
    }

    /// Adds what the client is to get for an event. No two parts overlap.
    pub fn write(&mut self, event: Event<'_>, out: &mut String) {
        match event {
            Event::Start { id, model, .. } => {
                self.id = completion_id(&id).into_owned();
                self.model = model.into_owned();
                let delta = Object::new()
                    .with("role", "assistant")
                    .with("content", "")
                    .with("refusal", Json::NULL);
                self.send(delta, out);
            }
            Event::Open { at, part } => {
                self.complete_bare(out);
                self.open(at, part, out);
            }
            Event::Delta { at, delta } => self.delta(at, delta, out),
            Event::Close { at } => match self.kind(at) {
                Some(bare @ (Kind::Call(_, false) | Kind::Function(false))) => {
                    self.bare = Some(bare);
                }
                Some(Kind::Custom(index)) => {
                    let input = unwrapped(&std::mem::take(&mut self.input));
                    let custom = Object::new().with("input", input);
                    self.send(call(index, "custom", custom), out);
                }
                _ => {}
            },
            Event::Stop(stop) => self.stop = stop.into_owned(),
            Event::Usage(usage) => self.usage = usage,
            Event::Ping => out.push_str(": ping\n\n"),
            Event::Failed { kind, message } => {
                let error = failure::openai_error(&kind.plain(), message);
                write(out, &Object::new().with("error", error));
            }
            Event::End => {
                let stop = std::mem::take(&mut self.stop);
                // Arguments that are not whole cannot be read, so that nobody makes the call.
                if !is_cut(&stop) {
                    self.complete_bare(out);
                }
                let in_words = self.parts.contains(&Some(Kind::Refusal));
                let last = last_choice(&stop, in_words, &self.forms);
                self.chunk(vec![last.into()], Json::NULL, out);
                if self.wants_usage {
                    self.chunk(Vec::new(), write_usage(self.usage).into(), out);
                }
                out.push_str("data: [DONE]\n\n");
            }
        }
    }

    /// A call without arguments is one with none of them.
    fn complete_bare(&mut self, out: &mut String) {
        let arguments = Object::new().with("arguments", "{}");
        match self.bare.take() {
            Some(Kind::Call(index, _)) => self.send(call(index, "function", arguments), out),
            Some(Kind::Function(_)) => {
                self.send(Object::new().with("function_call", arguments), out);
            }
            _ => {}
        }
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.parts.get(at).copied().flatten()
    }

    fn open(&mut self, at: usize, part: Opening<'_>, out: &mut String) {
        let kind = match part {
            Opening::Text => {
                self.part_from = self.length;
                Kind::Text
            }
            Opening::Thought => Kind::Thought,
            Opening::Refusal => Kind::Refusal,
            Opening::ToolCall { name, .. } if self.forms.is_old() && !self.has_function => {
                self.has_function = true;
                let function = Object::new().with("name", name).with("arguments", "");
                self.send(Object::new().with("function_call", function), out);
                Kind::Function(false)
            }
            Opening::ToolCall { id, name } => {
                let index = self.calls;
                self.calls += 1;
                let (kind, value, part) = if self.forms.is_custom(&name) {
                    ("custom", "input", Kind::Custom(index))
                } else {
                    ("function", "arguments", Kind::Call(index, false))
                };
                let inside = Object::new().with("name", name).with(value, "");
                let begun = Object::new()
                    .with("index", index)
                    .with("id", id)
                    .with("type", kind)
                    .with(kind, inside);
                self.send(Object::new().with("tool_calls", vec![begun.into()]), out);
                part
            }
        };
        if self.parts.len() <= at {
            self.parts.resize(at + 1, None);
        }
        self.parts[at] = Some(kind);
    }

    fn delta(&mut self, at: usize, delta: Delta<'_>, out: &mut String) {
        let delta = match (self.kind(at), delta) {
            (Some(Kind::Text), Delta::Text(text)) => {
                self.length += text.plain().chars().count();
                Object::new().with("content", text)
            }
            (Some(Kind::Text), Delta::Citation(citation)) => {
                let annotation = annotation(citation, self.part_from, self.length);
                Object::new().with("annotations", vec![annotation.into()])
            }
            (Some(Kind::Thought), Delta::Text(text)) => {
                Object::new().with("reasoning_content", text)
            }
            (Some(Kind::Refusal), Delta::Text(text)) => Object::new().with("refusal", text),
            (Some(Kind::Call(index, _)), Delta::Arguments(json)) => {
                self.parts[at] = Some(Kind::Call(index, true));
                call(index, "function", Object::new().with("arguments", json))
            }
            (Some(Kind::Function(_)), Delta::Arguments(json)) => {
                self.parts[at] = Some(Kind::Function(true));
                let function = Object::new().with("arguments", json);
                Object::new().with("function_call", function)
            }
            (Some(Kind::Custom(_)), Delta::Arguments(json)) => {
                self.input.push(&json);
                return;
            }
            // There is no place for what seals a thought; nobody can send it back.
            _ => return,
        };
        self.send(delta, out);
    }

    fn send(&self, delta: Object<'_>, out: &mut String) {
        let choice = Object::new()
            .with("index", 0u64)
            .with("delta", delta)
            .with("logprobs", Json::NULL)
            .with("finish_reason", Json::NULL);
        self.chunk(vec![choice.into()], Json::NULL, out);
    }

    fn chunk(&self, choices: Vec<Json<'_>>, usage: Json<'_>, out: &mut String) {
        let chunk = Object::new()
            .with("id", self.id.clone())
            .with("object", "chat.completion.chunk")
            .with("created", self.created)
            .with("model", self.model.clone())
            .with("choices", choices)
            .with_some("usage", self.wants_usage.then_some(usage));
        write(out, &chunk);
    }
}

fn call<'a>(index: usize, kind: &'static str, inside: Object<'a>) -> Object<'a> {
    let call = Object::new().with("index", index).with(kind, inside);
    Object::new().with("tool_calls", vec![call.into()])
}

fn write(out: &mut String, data: &Object<'_>) {
    out.push_str("data: ");
    data.write(out);
    out.push_str("\n\n");
}
