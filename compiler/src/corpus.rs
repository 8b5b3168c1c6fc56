//! A corpus: what is kept of requests, so that another plan can be asked where
//! it would have sent them. JSON Lines; docs/corpus.md describes the form.
//!
//! Text is not kept unless asked for. In its place a line holds which of the
//! patterns occur in it that the recording plan looks for. Lines are read one by
//! one, whoever has them; nothing here knows files.

mod line;
mod patterns;
mod read;
mod redact;
mod time;

pub use line::{
    Answered, Answers, Decided, Outcome, Paid, Request, SessionShape, TextShape, Usage, VERSION,
};
pub use patterns::{Finder, PatternSet, Reading};
pub use read::{BadLine, Line, read, write_patterns, write_request};
pub use redact::redact;
