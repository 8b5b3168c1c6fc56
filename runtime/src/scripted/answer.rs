//! What a script is made of.

use std::time::Duration;

use bytes::Bytes;

/// One answer of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Added to the answer's own headers; one of the same name is replaced.
    pub headers: Vec<(String, String)>,
    /// Wait before the head is sent.
    pub delay: Duration,
    /// Wait between the events of a stream, or the chunks of [`Reply::Raw`].
    pub gap: Duration,
    /// What follows the head.
    pub reply: Reply,
}

/// What an answer says. "Stream" and "protocol" are those of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A complete answer of the protocol with this text: JSON, or one event a
    /// word when the request asks for a stream.
    Text(String),
    /// The protocol's error as JSON.
    Error {
        /// The protocol's word for it, `overloaded_error` for example.
        kind: String,
        /// For people.
        message: String,
    },
    /// A stream that ends in an error event, whatever the request asked for.
    ErrorEvent {
        /// Text of the answer that is never completed.
        text: String,
        /// Events that come before the error; with 0 it is the first.
        after_events: usize,
        /// The protocol's word for it.
        kind: String,
        /// For people.
        message: String,
    },
    /// As `Text`, but the connection closes without the end of the body. An
    /// answer without stream ends after its head, or in the middle of its JSON.
    Cut {
        /// Text of the answer that is never completed.
        text: String,
        /// Events that come whole.
        after_events: usize,
        /// Whether the first half of the next event comes too.
        mid_event: bool,
    },
    /// These chunks, each its own write, and nothing of the protocol.
    Raw {
        /// Value of `content-type`.
        content_type: String,
        /// The body.
        chunks: Vec<Bytes>,
    },
    /// The connection closes without an answer.
    Reset,
    /// No answer, for as long as the client cares to wait.
    Hang,
}

impl Answer {
    /// An answer of status 200 that comes at once.
    pub fn new(reply: Reply) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            delay: Duration::ZERO,
            gap: Duration::ZERO,
            reply,
        }
    }

    /// [`Reply::Text`].
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Reply::Text(text.into()))
    }

    /// [`Reply::Error`] with its status.
    pub fn error(status: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Reply::Error {
            kind: kind.into(),
            message: message.into(),
        })
        .status(status)
    }

    /// [`Reply::ErrorEvent`] as the first event.
    pub fn error_event(kind: impl Into<String>, message: impl Into<String>) -> Self {
        let (kind, message) = (kind.into(), message.into());
        Self::new(Reply::ErrorEvent {
            text: String::new(),
            after_events: 0,
            kind,
            message,
        })
    }

    /// [`Reply::Cut`] between two events.
    pub fn cut(text: impl Into<String>, after_events: usize) -> Self {
        Self::new(Reply::Cut {
            text: text.into(),
            after_events,
            mid_event: false,
        })
    }

    /// [`Reply::Cut`] inside the event that follows `after_events`.
    pub fn cut_inside(text: impl Into<String>, after_events: usize) -> Self {
        Self::new(Reply::Cut {
            text: text.into(),
            after_events,
            mid_event: true,
        })
    }

    /// [`Reply::Raw`].
    pub fn raw<C: Into<Bytes>>(
        content_type: impl Into<String>,
        chunks: impl IntoIterator<Item = C>,
    ) -> Self {
        let chunks = chunks.into_iter().map(Into::into).collect();
        Self::new(Reply::Raw {
            content_type: content_type.into(),
            chunks,
        })
    }

    /// [`Reply::Reset`].
    pub fn reset() -> Self {
        Self::new(Reply::Reset)
    }

    /// [`Reply::Hang`].
    pub fn hang() -> Self {
        Self::new(Reply::Hang)
    }

    /// With another status. One that HTTP does not know is sent as 500.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more header; what no header can carry is left out.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a wait before the head.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With a wait between events or chunks.
    #[must_use]
    pub fn gap(mut self, gap: Duration) -> Self {
        self.gap = gap;
        self
    }
}
