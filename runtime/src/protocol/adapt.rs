//! What an endpoint's model cannot do, taken out of a request.
//!
//! The request stays in its client's protocol, with all that is unknown here in
//! its place; whether it is translated afterwards does not matter. Pictures and
//! calls of tools become text, since the conversation makes no sense without
//! them; thinking is left out. What was done is noted under the names that
//! claude-trigger-router has for it.

mod chat;
mod context;
mod messages;
mod responses;
mod thinking;
mod tools_as_text;

use ctr_compiler::plan::Capabilities;

use super::Protocol;
use super::json::Json;
use super::neutral::Dropped;

pub use context::prepend;
pub use thinking::think;

/// In place of a picture.
const PICTURE: &str = "[image left out: this model takes no images]";

/// Abilities that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lacks {
    images: bool,
    tools: bool,
    reasoning: bool,
}

impl Lacks {
    /// What these capabilities lack; none when that is nothing.
    pub fn of(capabilities: &Capabilities) -> Option<Self> {
        let lacks = Self {
            images: !capabilities.images,
            tools: !capabilities.tools,
            reasoning: !capabilities.reasoning,
        };
        (lacks.images || lacks.tools || lacks.reasoning).then_some(lacks)
    }
}

/// What was taken out of one request.
#[derive(Debug, Default)]
struct Taken {
    images: bool,
    tools: bool,
    reasoning: bool,
}

/// Takes out of a request, parsed with the opaque names of its protocol, what
/// is lacking. Whether anything was.
pub fn adapt(body: &mut Json<'_>, protocol: Protocol, lacks: Lacks, dropped: &mut Dropped) -> bool {
    let Some(object) = body.object_mut() else {
        return false;
    };
    let mut taken = Taken::default();
    match protocol {
        Protocol::Messages => messages::adapt(object, lacks, &mut taken),
        Protocol::Chat => chat::adapt(object, lacks, &mut taken),
        Protocol::Responses => responses::adapt(object, lacks, &mut taken),
    }
    for (is_taken, name) in [
        (taken.reasoning, "thinking_ignored"),
        (taken.images, "images_text_fallback"),
        (taken.tools, "tools_text_fallback"),
    ] {
        if is_taken {
            dropped.note(name);
        }
    }
    taken.images || taken.tools || taken.reasoning
}

/// Whether a request may hold thinking that a maker of another protocol has
/// sealed, or none; such as only it would take back.
pub fn may_hold_foreign(body: &[u8], protocol: Protocol) -> bool {
    let has = |text: &str| memchr::memmem::find(body, text.as_bytes()).is_some();
    match protocol {
        Protocol::Messages => has("\"ctr:") || has("\"signature\":\"\""),
        Protocol::Responses => has("\"ctr:"),
        Protocol::Chat => false,
    }
}

/// Takes such thinking out of a request; whether there was any.
pub fn without_foreign(body: &mut Json<'_>, protocol: Protocol, dropped: &mut Dropped) -> bool {
    let taken = body.object_mut().is_some_and(|body| match protocol {
        Protocol::Messages => messages::without_foreign(body),
        Protocol::Responses => responses::without_foreign(body),
        Protocol::Chat => false,
    });
    if taken {
        dropped.note("thinking");
    }
    taken
}

#[cfg(test)]
mod tests;
