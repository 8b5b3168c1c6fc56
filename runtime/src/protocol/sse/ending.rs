//! Whether a stream that is passed on came to its end: in each protocol an event says so.
//!
//! Texts that quote such an event are no such event: within a JSON string every quotation
//! mark is escaped, and no line begins. A text that is no more than its name is not the
//! value of a `type`.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memmem};

use super::{BlankLines, First, first};
use crate::protocol::json::Json;
use crate::protocol::{Protocol, chat, failure};

/// What is looked for in every piece of a stream, and pieces are small.
type Word = LazyLock<Finder<'static>>;

static ERROR: Word = Word::new(|| Finder::new(b"error"));
static ERROR_MEMBER: Word = Word::new(|| Finder::new(b"\"error\""));
static STOP_REASON: Word = Word::new(|| Finder::new(b"\"stop_reason\""));
static FINISH_REASON: Word = Word::new(|| Finder::new(b"\"finish_reason\""));
static MESSAGE_STOP: Word = Word::new(|| Finder::new(b"\"message_stop\""));
static DONE: Word = Word::new(|| Finder::new(b"[DONE]"));
static OF_RESPONSE: Word = Word::new(|| Finder::new(RESPONSE));

/// What the events of a stream have shown of its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Nothing: more has to come.
    #[default]
    Open,
    /// Why the answer ends. There is more behind it, which not every server sends.
    Reason,
    /// Its last event.
    Last,
    /// That there is no answer, with the Anthropic type for why
    /// ([`failure::type_in`](crate::protocol::failure::type_in)).
    Error(&'static str),
}

impl Ending {
    /// What whole events of `protocol` show.
    pub fn of(protocol: Protocol, events: &[u8]) -> Self {
        if ERROR.find(events).is_some()
            && let Some(kind) = error(events)
        {
            return Self::Error(kind);
        }
        match protocol {
            Protocol::Messages if is_typed(events, &MESSAGE_STOP) => Self::Last,
            Protocol::Messages if why(events, &STOP_REASON).is_some() => Self::Reason,
            Protocol::Chat => completion(events),
            Protocol::Responses => response(events),
            _ => Self::Open,
        }
    }

    /// Whether nothing that belongs to the answer comes any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Last | Self::Error(_))
    }

    /// Whether events are those of an answer of `protocol`, which has an end; of what
    /// nobody knows it is not known.
    pub fn is_due(protocol: Protocol, events: &[u8]) -> bool {
        let begins: &[u8] = match protocol {
            Protocol::Messages => b"\"message_start\"",
            Protocol::Chat => b"\"choices\"",
            Protocol::Responses => RESPONSE,
        };
        memmem::find(events, begins).is_some()
    }
}

/// What the names of most events of Responses begin with.
const RESPONSE: &[u8] = b"\"response.";

/// The type of the first error among events.
fn error(events: &[u8]) -> Option<&'static str> {
    let mut lines = BlankLines::default();
    let mut rest = events;
    while !rest.is_empty() {
        let end = lines.next(rest).unwrap_or(rest.len());
        if let Some(First::Error(kind)) = first(&rest[..end]) {
            return Some(kind);
        }
        rest = &rest[end..];
    }
    None
}

/// Whether an event is of this type, which is given in its quotation marks.
fn is_typed(events: &[u8], kind: &Word) -> bool {
    kind.find_iter(events)
        .any(|at| is_value_of_type(events, at))
}

/// Whether what begins there is the value of a member `type`.
fn is_value_of_type(events: &[u8], at: usize) -> bool {
    let before = events[..at].trim_ascii_end().strip_suffix(b":");
    before.is_some_and(|name| name.trim_ascii_end().ends_with(b"\"type\""))
}

/// Whether there is the line `data: [DONE]`.
fn is_done(events: &[u8]) -> bool {
    DONE.find_iter(events).any(|at| {
        let before = events[..at].trim_ascii_end();
        let line = before.strip_suffix(b"data:");
        line.is_some_and(|line| line.last().is_none_or(|byte| matches!(byte, b'\n' | b'\r')))
    })
}

/// Why an answer ends, by a member of this name: some servers say `""` until then.
fn why<'e>(events: &'e [u8], name: &Word) -> Option<&'e [u8]> {
    name.find_iter(events).find_map(|at| {
        let value = events[at + name.needle().len()..].trim_ascii_start();
        let value = value.strip_prefix(b":").unwrap_or_default();
        let text = value.trim_ascii_start().strip_prefix(b"\"")?;
        let end = memchr(b'"', text).unwrap_or(text.len());
        (end > 0).then(|| &text[..end])
    })
}

/// Whether an answer of Chat Completions came to its end, or was given up.
fn completion(events: &[u8]) -> Ending {
    let why = why(events, &FINISH_REASON);
    match why.and_then(given_up) {
        Some(kind) => Ending::Error(kind),
        None if is_done(events) => Ending::Last,
        None if why.is_some() => Ending::Reason,
        None => Ending::Open,
    }
}

/// The Anthropic type for this reason of an end, where it says that the answer was given up.
fn given_up(why: &[u8]) -> Option<&'static str> {
    let word = std::str::from_utf8(why).ok()?;
    failure::is_given_up(word).then(|| failure::anthropic_type(word))
}

/// The Anthropic type of the failure that an answer of Chat Completions tells in its choice,
/// or an event of one, which is all of `data`.
pub(super) fn failed_choice(data: &[u8]) -> Option<&'static str> {
    let is_given_up = || why(data, &FINISH_REASON).and_then(given_up).is_some();
    if ERROR_MEMBER.find(data).is_none() && !is_given_up() {
        return None;
    }
    // What a tool is called with may look like it.
    let json = Json::read(data, chat::OPAQUE).ok()?;
    let (kind, _) = chat::failed(&json)?;
    Some(failure::anthropic_type(&kind.plain()))
}

/// Whether a response is told to be complete, cut short, or failed. Some servers end with
/// `response.done`, or with no more than the `[DONE]` of Chat Completions.
fn response(events: &[u8]) -> Ending {
    const LAST: [(&[u8], Ending); 5] = [
        (b"failed\"", Ending::Error("api_error")),
        (b"completed\"", Ending::Last),
        (b"incomplete\"", Ending::Last),
        (b"cancelled\"", Ending::Last),
        (b"done\"", Ending::Last),
    ];
    let typed = OF_RESPONSE
        .find_iter(events)
        .filter(|at| is_value_of_type(events, *at));
    let ends = typed.filter_map(|at| {
        let word = &events[at + RESPONSE.len()..];
        let last = LAST.iter().find(|(last, _)| word.starts_with(last));
        last.map(|(_, ending)| *ending)
    });
    let done = is_done(events).then_some(Ending::Reason);
    ends.max().or(done).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_from_what_only_looks_like_one() {
        use Protocol::{Chat, Messages, Responses};
        for (protocol, events, wanted) in [
            (
                Messages,
                "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                Ending::Last,
            ),
            (
                Messages,
                "data: {\"type\" : \"message_stop\"}\r\n\r\n",
                Ending::Last,
            ),
            (
                Messages,
                "data: {\"text\":\"a \\\"message_stop\\\" event\"}\n\n",
                Ending::Open,
            ),
            (
                Messages,
                "event: ping\ndata: {\"type\": \"ping\"}\n\n",
                Ending::Open,
            ),
            (
                Messages,
                "data: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
                Ending::Error("overloaded_error"),
            ),
            (
                Messages,
                "data: {\"is_error\":true,\"text\":\"an error\"}\n\n",
                Ending::Open,
            ),
            (
                Chat,
                "data: {\"choices\":[]}\n\ndata: [DONE]\n\n",
                Ending::Last,
            ),
            (Chat, "data:[DONE]", Ending::Last),
            (
                Chat,
                "data: {\"content\":\"ends with data: [DONE]\"}\n\n",
                Ending::Open,
            ),
            (Chat, "data: {\"finish_reason\":null}\n\n", Ending::Open),
            (
                Chat,
                "data: {\"finish_reason\" : \"stop\"}\n\n",
                Ending::Reason,
            ),
            (
                Chat,
                "data: {\"content\":\"\\\"finish_reason\\\": \\\"stop\\\"\"}\n\n",
                Ending::Open,
            ),
            (
                Chat,
                "data: {\"error\":{\"message\":\"no\"}}\n\n",
                Ending::Error("api_error"),
            ),
            (
                Chat,
                "data: {\"error\":null,\"finish_reason\":null}\n\n",
                Ending::Open,
            ),
            (
                Responses,
                "data: {\"type\":\"response.completed\"}\n\n",
                Ending::Last,
            ),
            (
                Responses,
                "data: {\"type\":\"response.incomplete\"}\n\n",
                Ending::Last,
            ),
            (
                Responses,
                "data: {\"type\":\"response.created\",\"response\":{\"error\":null}}\n\n",
                Ending::Open,
            ),
            (
                Responses,
                "data: {\"type\":\"response.failed\",\"response\":{}}\n\n",
                Ending::Error("api_error"),
            ),
            (
                Responses,
                "data: {\"type\":\"error\",\"message\":\"no\"}\n\n",
                Ending::Error("api_error"),
            ),
            (
                Messages,
                "data: {\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
                Ending::Reason,
            ),
            (
                Messages,
                "data: {\"message\":{\"stop_reason\":null}}\n\n",
                Ending::Open,
            ),
            (Chat, "data: {\"finish_reason\":\"\"}\n\n", Ending::Open),
            (
                Chat,
                "data: {\"finish_reason\":\"error\"}\n\ndata: [DONE]\n\n",
                Ending::Error("api_error"),
            ),
            (
                Chat,
                "data: {\"finish_reason\": \"insufficient_system_resource\"}\n\n",
                Ending::Error("overloaded_error"),
            ),
            (
                Chat,
                "data: {\"finish_reason\":\"error_free\"}\n\n",
                Ending::Reason,
            ),
            (
                Responses,
                "data: {\"type\":\"response.done\"}\n\n",
                Ending::Last,
            ),
            (
                Responses,
                "data: {\"type\":\"response.output_item.done\"}\n\n",
                Ending::Open,
            ),
            (Responses, "data: [DONE]\n\n", Ending::Reason),
            (
                Responses,
                "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"context_length_exceeded\"}}}\n\n",
                Ending::Error("invalid_request_error"),
            ),
            (
                Messages,
                "data: {\"type\":\"text_delta\",\"text\":\"message_stop\"}\n\n",
                Ending::Open,
            ),
            (
                Responses,
                "data: {\"delta\":\"response.failed\"}\n\n",
                Ending::Open,
            ),
            (
                Responses,
                "data: {\"delta\" : \"response.completed\"}\n\n",
                Ending::Open,
            ),
        ] {
            assert_eq!(Ending::of(protocol, events.as_bytes()), wanted, "{events}");
        }
    }
}
