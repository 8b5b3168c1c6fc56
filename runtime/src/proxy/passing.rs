//! A stream of events of one protocol on its way through, in whole events.

use bytes::Bytes;

use crate::protocol::sse::{self, Ending, Hold};
use crate::protocol::{Protocol, responses};

/// A stream that is passed on.
pub(super) struct Passing {
    protocol: Protocol,
    hold: Hold,
    ending: Ending,
    /// Whether there is an end to wait for.
    is_due: bool,
    /// Of a stream of Responses, what its end is made of when it breaks: its first event,
    /// and what went out last.
    ends: Option<(Bytes, Bytes)>,
}

impl Passing {
    /// Of a stream, `first` is what it begins with, which is not yet pushed; one of which
    /// nothing but signs of life came has all to say.
    pub(super) fn new(protocol: Protocol, first: &Bytes, is_silent: bool) -> Self {
        Self {
            protocol,
            hold: Hold::default(),
            ending: Ending::default(),
            is_due: is_silent,
            ends: (protocol == Protocol::Responses).then(|| (first.clone(), Bytes::new())),
        }
    }

    /// Takes the next chunk and gives what may go out now.
    pub(super) fn push(&mut self, chunk: Bytes) -> Bytes {
        let out = self.hold.push(chunk);
        self.goes_out(&out);
        out
    }

    fn goes_out(&mut self, events: &Bytes) {
        if events.is_empty() {
            return;
        }
        self.ending = self.ending.max(Ending::of(self.protocol, events));
        self.is_due = self.is_due || Ending::is_due(self.protocol, events);
        if let Some((_, last)) = &mut self.ends {
            *last = events.clone();
        }
    }

    /// What it has shown of its end.
    pub(super) fn ending(&self) -> Ending {
        self.ending
    }

    /// Nothing more comes: what was held back, where the stream came to its end, or has
    /// none that is known. Otherwise that is the beginning of an event, of which nobody is told.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        let rest = self.hold.finish();
        if !self.is_due {
            return Some(rest);
        }
        let rest = if is_whole(&rest) { rest } else { Bytes::new() };
        self.goes_out(&rest);
        (self.ending != Ending::Open).then_some(rest)
    }

    /// The event that says that the upstream broke off; none in the middle of another.
    pub(super) fn broken_off(&self, message: &str, request_id: &str) -> Option<Bytes> {
        self.hold.is_between_events().then(|| match &self.ends {
            Some((first, last)) => responses::broken_off(first, last, message),
            None => sse::error_event(self.protocol.interface(), message, request_id),
        })
    }
}

/// Whether the last lines of a stream are an event, without the blank line behind it.
fn is_whole(rest: &[u8]) -> bool {
    sse::data(rest).is_some_and(|data| {
        &*data == b"[DONE]" || serde_json::from_slice::<serde::de::IgnoredAny>(&data).is_ok()
    })
}
