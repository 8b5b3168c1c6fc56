//! Where one event of a server-sent event stream ends and the next begins.
//!
//! Pure and over bytes: chunks may split a character, a line break or a field
//! anywhere, and nothing here decodes text that is only passed on. Lines end
//! with LF, CRLF or CR, and a blank line ends an event (HTML Living Standard,
//! §9.2.6).

mod ending;
mod split;

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use ctr_compiler::plan::Interface;
use memchr::memchr2;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::Json;
use super::{error, failure};

pub use ending::Ending;
pub use split::{Split, TooLong, data, is_comment};

/// Bytes of one unfinished event that are held back before they flow all the same.
pub const HOLD_LIMIT: usize = 1 << 20;

/// Bytes in which the first event has to end to be looked at.
pub const PEEK_LIMIT: usize = 64 << 10;

/// Finds blank lines in a stream that comes in chunks.
#[derive(Clone, Copy, Debug)]
struct BlankLines {
    /// Whether the current line has no byte yet.
    line_is_empty: bool,
    /// Whether the last byte was a CR, so that an LF would belong to it.
    after_cr: bool,
    /// Whether that CR ended a blank line.
    after_blank: bool,
}

impl Default for BlankLines {
    fn default() -> Self {
        Self {
            line_is_empty: true,
            after_cr: false,
            after_blank: false,
        }
    }
}

impl BlankLines {
    /// Offset just past the first blank line of `bytes`, from which to go on;
    /// none when all of it was read without one. The LF of a CRLF that two
    /// chunks share is reported as belonging to the line before it.
    fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        let first = bytes.first()?;
        let after_blank = std::mem::take(&mut self.after_blank);
        if std::mem::take(&mut self.after_cr) && *first == b'\n' {
            at = 1;
            if after_blank {
                return Some(at);
            }
        }
        while let Some(found) = memchr2(b'\n', b'\r', &bytes[at..]) {
            let blank = self.line_is_empty && found == 0;
            let end = at + found;
            at = end + 1;
            self.line_is_empty = true;
            if bytes[end] == b'\r' {
                match bytes.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => (self.after_cr, self.after_blank) = (true, blank),
                }
            }
            if blank {
                return Some(at);
            }
        }
        self.line_is_empty &= at == bytes.len();
        None
    }

    /// Offset just past the last blank line of `bytes`.
    fn last(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut last = None;
        let mut at = 0;
        while at < bytes.len() {
            let Some(end) = self.next(&bytes[at..]) else {
                break;
            };
            at += end;
            last = Some(at);
        }
        last
    }
}

/// Lets whole events through and holds back the beginning of the next one, so
/// that a stream which breaks can be ended between two events.
#[derive(Debug, Default)]
pub struct Hold {
    blank_lines: BlankLines,
    held: BytesMut,
    /// Whether the beginning of an event has gone out because it grew too long.
    inside: bool,
}

impl Hold {
    /// Takes the next chunk and gives what may go out now, perhaps nothing. The
    /// bytes that go out are those that came in, in order.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        let Some(end) = self.blank_lines.last(&chunk) else {
            return self.push_part(chunk);
        };
        self.inside = false;
        let (whole, rest) = (chunk.slice(..end), chunk.slice(end..));
        let out = if self.held.is_empty() {
            whole
        } else {
            self.held.extend_from_slice(&whole);
            self.held.split().freeze()
        };
        self.held.extend_from_slice(&rest);
        out
    }

    fn push_part(&mut self, chunk: Bytes) -> Bytes {
        if self.inside {
            return chunk;
        }
        self.held.extend_from_slice(&chunk);
        if self.held.len() <= HOLD_LIMIT {
            return Bytes::new();
        }
        self.inside = true;
        self.held.split().freeze()
    }

    /// What is still held back, for a stream that ended properly.
    pub fn finish(&mut self) -> Bytes {
        self.held.split().freeze()
    }

    /// Whether all that has gone out is whole events.
    pub fn is_between_events(&self) -> bool {
        !self.inside
    }
}

/// What the beginning of a stream turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// An event of the answer, or more bytes than are worth waiting for.
    Event,
    /// An event that says the upstream failed, or why it does not answer; with the
    /// Anthropic type for that ([`failure::type_in`]).
    Error(&'static str),
}

/// Reads a stream up to its first event.
#[derive(Debug, Default)]
pub struct Peek {
    blank_lines: BlankLines,
    seen: BytesMut,
    /// Start of the block that has not ended yet.
    block: usize,
}

impl Peek {
    /// Takes the next chunk; an answer as soon as the first event is whole.
    /// Comments and pings, which keep a connection alive, are no events.
    pub fn push(&mut self, chunk: &[u8]) -> Option<First> {
        let mut at = self.seen.len();
        self.seen.extend_from_slice(chunk);
        while at < self.seen.len() {
            let Some(end) = self.blank_lines.next(&self.seen[at..]) else {
                break;
            };
            at += end;
            let block = &self.seen[self.block..at];
            self.block = at;
            if let Some(first) = first(block) {
                return Some(first);
            }
        }
        (self.seen.len() > PEEK_LIMIT).then_some(First::Event)
    }

    /// The stream ended: whether what came last is an event without its blank line.
    pub fn finish(&self) -> Option<First> {
        first(&self.seen[self.block..])
    }

    /// Every byte that was pushed.
    pub fn into_seen(self) -> Bytes {
        self.seen.freeze()
    }
}

/// What a block of lines is as a first event; none when it is no event.
fn first(block: &[u8]) -> Option<First> {
    let block = block.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(block);
    let mut name: &[u8] = b"";
    for line in block.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let (b"event", value) = field(line) {
            name = value;
        }
    }
    match data(block) {
        Some(data) if name == b"error" => Some(First::Error(kind_of(&data))),
        None if name == b"error" => Some(First::Error(kind_of(b""))),
        _ if name == b"ping" => None,
        Some(data) if is_ping(&data) => None,
        Some(data) => Some(error_in(&data).map_or(First::Event, First::Error)),
        None => (!name.is_empty()).then_some(First::Event),
    }
}

/// Whether an event's data is Anthropic's `{"type": "ping"}`, with whatever some add to it.
fn is_ping(data: &[u8]) -> bool {
    const LONGEST: usize = 128;
    let json = || Json::read(data, &[]).unwrap_or(Json::NULL);
    data.len() <= LONGEST && json().get("type").is_some_and(|kind| kind.is("ping"))
}

/// The type for an error event's data. `response.failed` has its error in the response.
fn kind_of(data: &[u8]) -> &'static str {
    let json = Json::read(data, &[]).unwrap_or(Json::NULL);
    let holder = json.get("response").unwrap_or(&json);
    failure::type_in(holder.get("error").unwrap_or(holder))
}

/// Name and value of a line; a comment has an empty name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line) {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, b""),
    }
}

/// The Anthropic type of the error that a text of JSON is, where it is one: an event's data,
/// or a whole answer.
pub fn error_in(data: &[u8]) -> Option<&'static str> {
    match is_error(data) {
        true => Some(kind_of(data)),
        false => ending::failed_choice(data),
    }
}

/// Whether an event's data is an error of either protocol: `{"type":"error",…}`
/// or `{"error":{…}}`. Some OpenAI-like servers send `"error": null` in good events.
fn is_error(data: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head<'d> {
        #[serde(rename = "type", borrow, default)]
        kind: Option<&'d RawValue>,
        #[serde(borrow, default)]
        error: Option<&'d RawValue>,
    }
    static WORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"error"));
    if WORD.find(data).is_none() {
        return false;
    }
    serde_json::from_slice::<Head<'_>>(data).is_ok_and(|head| {
        head.kind
            .is_some_and(|kind| matches!(kind.get(), "\"error\"" | "\"response.failed\""))
            || head
                .error
                .is_some_and(|error| error.get().starts_with(['{', '"']) && error.get() != "\"\"")
    })
}

/// The event that ends a stream the upstream broke off. No `[DONE]` follows it,
/// so that no client takes the answer for complete.
pub fn error_event(interface: Interface, message: &str, request_id: &str) -> Bytes {
    let body = error::stream_body(interface, message, request_id);
    match interface {
        Interface::Anthropic => format!("event: error\ndata: {body}\n\n").into(),
        Interface::Openai => format!("data: {body}\n\n").into(),
    }
}

#[cfg(test)]
mod tests;
