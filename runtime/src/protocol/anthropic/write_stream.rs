//! A stream of Messages events, as a client reads it.

use super::super::failure;
use super::super::json::{Json, Object};
use super::super::neutral::{Delta, Dropped, Event, Opening, Seal, Stop, Usage};
use super::answer::{message_id, write_stop, write_usage};
use super::write_request::citation;

/// Turns neutral events into events of this protocol.
#[derive(Debug)]
pub struct WriteStream {
    thinks: bool,
    /// Of the request, about.
    input_tokens: u64,
    request_id: String,
    /// By the number of a part.
    blocks: Vec<Block>,
    /// Blocks that have begun.
    count: usize,
    stop: Stop<'static>,
    usage: Usage,
    dropped: Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// Not met, or not shown.
    Hidden,
    /// A thought whose first piece decides what block it is.
    Pending,
    /// Begun, with this number.
    Open(usize),
    /// A thought that has begun, with this number.
    Thought(usize),
}

impl WriteStream {
    /// For a client that wants to see thinking or not; `request_id` goes into an error, and
    /// `input_tokens` to the beginning of an answer that does not know them there.
    pub fn new(thinks: bool, input_tokens: u64, request_id: &str) -> Self {
        Self {
            thinks,
            input_tokens,
            request_id: request_id.to_owned(),
            blocks: Vec::new(),
            count: 0,
            stop: Stop::End,
            usage: Usage::default(),
            dropped: Dropped::default(),
        }
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// Adds what the client is to get for an event.
    pub fn write(&mut self, event: Event<'_>, out: &mut String) {
        match event {
            Event::Start { id, model, usage } => {
                let usage = Usage {
                    output: usage.output.max(1),
                    ..self.with_input(usage)
                };
                let message = Object::new()
                    .with("id", message_id(&id))
                    .with("type", "message")
                    .with("role", "assistant")
                    .with("model", model)
                    .with("content", Vec::new())
                    .with("stop_reason", Json::NULL)
                    .with("stop_sequence", Json::NULL)
                    .with("usage", write_usage(usage));
                send(
                    out,
                    "message_start",
                    &Object::new().with("message", message),
                );
            }
            Event::Open { at, part } => self.open(at, part, out),
            Event::Delta { at, delta } => self.delta(at, delta, out),
            Event::Close { at } => {
                if self.block(at) == Block::Pending {
                    self.begin_thought(at, out);
                }
                if let Block::Open(index) | Block::Thought(index) = self.block(at) {
                    send(
                        out,
                        "content_block_stop",
                        &Object::new().with("index", index),
                    );
                }
            }
            Event::Stop(stop) => self.stop = stop.into_owned(),
            Event::Usage(usage) => self.usage = usage,
            Event::Ping => send(out, "ping", &Object::new()),
            Event::Failed { kind, message } => {
                let error = Object::new()
                    .with("error", failure::anthropic_error(&kind.plain(), message))
                    .with("request_id", self.request_id.as_str());
                send(out, "error", &error);
            }
            Event::End => {
                let stop = std::mem::take(&mut self.stop);
                let delta = Object::new()
                    .with("delta", write_stop(stop, Object::new()))
                    .with("usage", write_usage(self.with_input(self.usage)));
                send(out, "message_delta", &delta);
                send(out, "message_stop", &Object::new());
            }
        }
    }

    /// What the endpoint told, with the estimate where it told nothing of the input.
    fn with_input(&self, told: Usage) -> Usage {
        match told.all_input() {
            0 => Usage {
                input: self.input_tokens,
                ..told
            },
            _ => told,
        }
    }

    fn block(&self, at: usize) -> Block {
        self.blocks.get(at).copied().unwrap_or(Block::Hidden)
    }

    fn set(&mut self, at: usize, block: Block) {
        if self.blocks.len() <= at {
            self.blocks.resize(at + 1, Block::Hidden);
        }
        self.blocks[at] = block;
    }

    fn open(&mut self, at: usize, part: Opening<'_>, out: &mut String) {
        match part {
            Opening::Text | Opening::Refusal => {
                self.begin(at, Object::of_type("text").with("text", ""), out);
            }
            Opening::Thought if self.thinks => self.set(at, Block::Pending),
            Opening::Thought => self.dropped.note("thinking"),
            Opening::ToolCall { id, name } => {
                let call = Object::of_type("tool_use")
                    .with("id", id)
                    .with("name", name)
                    .with("input", Object::new());
                self.begin(at, call, out);
            }
        }
    }

    fn begin(&mut self, at: usize, block: Object<'_>, out: &mut String) {
        let index = self.count;
        self.count += 1;
        self.set(at, Block::Open(index));
        let start = Object::new()
            .with("index", index)
            .with("content_block", block);
        send(out, "content_block_start", &start);
        if index == 0 {
            // As the API does. Where it is missing, Claude Code 1.0 may pass over an
            // error that follows in the same packet.
            send(out, "ping", &Object::new());
        }
    }

    fn begin_thought(&mut self, at: usize, out: &mut String) {
        let thought = Object::of_type("thinking")
            .with("thinking", "")
            .with("signature", "");
        self.begin(at, thought, out);
        self.set(at, Block::Thought(self.count - 1));
    }

    fn delta(&mut self, at: usize, delta: Delta<'_>, out: &mut String) {
        if self.block(at) == Block::Pending {
            if let Delta::Seal(Seal::Redacted(data)) = delta {
                self.begin(
                    at,
                    Object::of_type("redacted_thinking").with("data", data),
                    out,
                );
                return;
            }
            self.begin_thought(at, out);
        }
        let (index, is_thought) = match self.block(at) {
            Block::Open(index) => (index, false),
            Block::Thought(index) => (index, true),
            Block::Hidden | Block::Pending => return,
        };
        let delta = match delta {
            Delta::Text(text) if is_thought => {
                Object::of_type("thinking_delta").with("thinking", text)
            }
            Delta::Text(text) => Object::of_type("text_delta").with("text", text),
            Delta::Arguments(json) => {
                Object::of_type("input_json_delta").with("partial_json", json)
            }
            Delta::Seal(seal) => {
                Object::of_type("signature_delta").with("signature", seal.to_signature())
            }
            Delta::Citation(one) => {
                Object::of_type("citations_delta").with("citation", citation(one))
            }
        };
        let delta = Object::new().with("index", index).with("delta", delta);
        send(out, "content_block_delta", &delta);
    }
}

/// One event; its name is also the type in its data.
fn send(out: &mut String, name: &'static str, data: &Object<'_>) {
    out.push_str("event: ");
    out.push_str(name);
    out.push_str("\ndata: {\"type\":\"");
    out.push_str(name);
    out.push('"');
    data.write_members(out, true);
    out.push_str("}\n\n");
}
