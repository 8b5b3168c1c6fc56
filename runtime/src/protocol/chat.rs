//! OpenAI Chat Completions, to and from the neutral form.
//!
//! <https://platform.openai.com/docs/api-reference/chat>. Many servers speak it
//! with additions and slips of their own; the well-known ones are read here.

mod answer;
mod call;
mod dialect;
mod functions;
mod read_request;
mod read_stream;
mod whole;
mod write_request;
mod write_stream;

pub use answer::{failed, read_answer, write_answer};
pub use dialect::Dialect;
pub use read_request::read_request;
pub(crate) use read_request::{choice_word, detail, end_user, function, is_default, thinking};
pub use read_stream::ReadStream;
pub use write_request::write_request;
pub(crate) use write_request::{effort_word, fitting_user, parameters, push_sampling};
pub use write_stream::WriteStream;

/// Names under which nothing is looked into.
pub const OPAQUE: &[&str] = &["parameters", "schema"];

/// Most characters of a tool's name.
pub const NAME_LIMIT: usize = 64;
