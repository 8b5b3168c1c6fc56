//! Transcripts of Claude Code: one JSON value a line. An answer of the model is
//! told in several lines that share its id, the last of which has its usage in
//! full; what the user or a tool said before is what was asked. A transcript
//! that goes on with another one repeats its lines.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;

use ctr_compiler::corpus::{Outcome, Request, SessionShape, Usage};
use ctr_compiler::plan::{AnalysisScope, Interface};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Out, session_key};
use crate::protocol::features::{Features, UserText};

/// Answers that may still go on.
const PENDING: usize = 64;

/// What a model is called that was none: an error the client made up an answer for.
const SYNTHETIC: &str = "<synthetic>";

/// What was read so far.
#[derive(Default)]
pub(super) struct Transcripts {
    pending: VecDeque<(u64, Request)>,
    sessions: BTreeMap<String, Session>,
    /// Answers that were written, by a hash of their ids.
    written: HashSet<u64>,
}

/// A session as far as it was read.
#[derive(Default)]
struct Session {
    /// Messages of the user that are looked at, as JSON, with commas between.
    said: String,
    messages: u64,
    last_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'l> {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    is_sidechain: bool,
    #[serde(borrow, default)]
    message: Option<&'l RawValue>,
}

#[derive(Deserialize)]
struct Message<'l> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(borrow, default)]
    content: Option<&'l RawValue>,
    #[serde(default)]
    usage: Option<Used>,
}

#[derive(Deserialize)]
struct Used {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
}

impl Transcripts {
    /// Takes a line.
    pub(super) fn line(
        &mut self,
        file: &str,
        number: u64,
        line: &[u8],
        out: &mut Out<'_>,
    ) -> io::Result<()> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        out.imported.read += 1;
        let Ok(entry) = serde_json::from_slice::<Entry<'_>>(line) else {
            out.imported
                .is_bad(file, number, "is no entry of a transcript");
            return Ok(());
        };
        match (entry.kind.as_deref(), entry.message) {
            (Some("user"), Some(message)) => {
                let only_last = out.scope() == AnalysisScope::LastMessage;
                self.session(&entry).says(message, only_last);
                out.imported.passes_over("user");
                Ok(())
            }
            (Some("assistant"), Some(message)) => {
                match serde_json::from_str::<Message<'_>>(message.get()) {
                    Ok(message) => self.answer(&entry, &message, file, number, out),
                    Err(_) => {
                        out.imported
                            .is_bad(file, number, "has a message that is none");
                        Ok(())
                    }
                }
            }
            (kind, _) => {
                let kind: String = kind.unwrap_or("unknown").chars().take(40).collect();
                out.imported.passes_over(&kind);
                Ok(())
            }
        }
    }

    fn session(&mut self, entry: &Entry<'_>) -> &mut Session {
        let side = if entry.is_sidechain { " side" } else { "" };
        let name = entry.session_id.as_deref().unwrap_or_default();
        self.sessions.entry(format!("{name}{side}")).or_default()
    }

    fn answer(
        &mut self,
        entry: &Entry<'_>,
        message: &Message<'_>,
        file: &str,
        number: u64,
        out: &mut Out<'_>,
    ) -> io::Result<()> {
        if message.model.as_deref() == Some(SYNTHETIC) {
            out.imported.passes_over("synthetic answer");
            return Ok(());
        }
        let at_ms = entry.timestamp.as_deref().and_then(super::time);
        let id = message.id.as_deref().or(entry.request_id.as_deref());
        let (Some(at_ms), Some(id)) = (at_ms, id) else {
            out.imported
                .is_bad(file, number, "is an answer without a time or an id");
            return Ok(());
        };
        let id = hash(id);
        if self.written.contains(&id) {
            out.imported.passes_over("answer told before");
            return Ok(());
        }
        let thinks = message.content.is_some_and(has_thinking);
        if let Some((_, begun)) = self.pending.iter_mut().find(|(known, _)| *known == id) {
            begun.usage = message.usage.as_ref().map(Used::usage).or(begun.usage);
            begun.thinking |= thinks;
            out.imported.passes_over("more of an answer");
            return Ok(());
        }
        let usage = message.usage.as_ref().map(Used::usage);
        let session = self.session(entry);
        let request = Request {
            at_ms,
            asked: message.model.clone(),
            thinking: thinks,
            usage,
            ..session.asks(entry, out)
        };
        let input = usage.map(|usage| usage.all_input());
        session.last_input_tokens = input.or(session.last_input_tokens);
        session.messages += 1;
        self.pending.push_back((id, request));
        match self.pending.len() > PENDING {
            true => self.write_first(out),
            false => Ok(()),
        }
    }

    fn write_first(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        let Some((id, request)) = self.pending.pop_front() else {
            return Ok(());
        };
        self.written.insert(id);
        out.request(&request)
    }

    /// Ends a file.
    pub(super) fn end(&mut self, out: &mut Out<'_>) -> io::Result<()> {
        while !self.pending.is_empty() {
            self.write_first(out)?;
        }
        self.sessions.clear();
        Ok(())
    }
}

impl Session {
    fn says(&mut self, message: &RawValue, only_last: bool) {
        self.messages += 1;
        if only_last {
            self.said.clear();
        } else if !self.said.is_empty() {
            self.said.push(',');
        }
        self.said.push_str(message.get());
    }

    /// The request that an answer belongs to, as far as what was said tells it.
    fn asks(&self, entry: &Entry<'_>, out: &Out<'_>) -> Request {
        let body = format!("{{\"messages\":[{}]}}", self.said);
        let features = Features::read(&body.into(), Interface::Anthropic, out.scope());
        let session = entry.session_id.as_deref().map(|name| SessionShape {
            key: session_key(name),
            last_input_tokens: self.last_input_tokens,
            ..SessionShape::default()
        });
        Request {
            protocol: Some("messages".to_owned()),
            messages: self.messages,
            tool_result: features.is_tool_result,
            image_in_last: features.image_in_last,
            image_anywhere: features.image_anywhere,
            text: out.text(features.text.as_ref().map(UserText::plain)),
            session,
            outcome: Some(Outcome {
                status: 200,
                end: Some("complete".to_owned()),
                ..Outcome::default()
            }),
            ..Request::default()
        }
    }
}

impl Used {
    fn usage(&self) -> Usage {
        Usage {
            input: self.input_tokens.unwrap_or(0),
            output: self.output_tokens.unwrap_or(0),
            cache_read: self.cache_read_input_tokens.unwrap_or(0),
            cache_write: self.cache_creation_input_tokens.unwrap_or(0),
        }
    }
}

fn has_thinking(content: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Part {
        #[serde(rename = "type", default)]
        kind: Option<String>,
    }
    let parts: Vec<Part> = serde_json::from_str(content.get()).unwrap_or_default();
    let mut kinds = parts.iter().filter_map(|part| part.kind.as_deref());
    kinds.any(|kind| matches!(kind, "thinking" | "redacted_thinking"))
}

/// Enough of a hash to tell answers apart.
fn hash(id: &str) -> u64 {
    let hash = blake3::hash(id.as_bytes());
    hash.as_bytes()[..8]
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
