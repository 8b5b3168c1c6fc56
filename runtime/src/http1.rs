//! HTTP/1 as it goes over a wire (RFC 9112): what the client towards upstreams and the
//! server towards clients read and write in the same way.

mod framing;
mod head;
mod headers;
mod host;
mod incoming;
mod message;
mod outgoing;

use std::fmt;

pub(crate) use framing::Framing;
pub(crate) use head::{LINES, content_length, has_no_body, is_chunked, says};
pub use headers::Headers;
pub(crate) use headers::Name;
pub(crate) use host::host;
pub(crate) use incoming::Incoming;
pub use message::{Request, Response};
pub(crate) use outgoing::{Outgoing, room, write_length, write_line};

/// Why what came is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}
