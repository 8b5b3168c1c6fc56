//! What the proxy knows of the protocols its clients and upstreams speak:
//! where a request names its model, where an event of a stream ends, what an
//! error looks like, and how one protocol is told in another.
//!
//! Nothing here waits, reads or sends.

pub mod adapt;
pub mod anthropic;
pub mod ask;
pub(crate) mod carried;
pub mod chat;
pub mod error;
pub mod estimate;
pub mod failure;
pub mod features;
pub mod forms;
pub mod images;
pub mod json;
pub mod names;
pub mod neutral;
pub(crate) mod place;
pub mod responses;
pub mod sse;
pub mod tokens;
pub mod transcript;
pub mod translate;
pub mod usage;
pub(crate) mod wait;

use ctr_compiler::plan::Interface;

/// What a client or an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Anthropic Messages.
    Messages,
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
}

impl Protocol {
    /// Whose protocol it is; errors outside of streams have one shape for each.
    pub fn interface(self) -> Interface {
        match self {
            Self::Messages => Interface::Anthropic,
            Self::Chat | Self::Responses => Interface::Openai,
        }
    }

    /// Its name in headers and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Chat => "chat",
            Self::Responses => "responses",
        }
    }
}
