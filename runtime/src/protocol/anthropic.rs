//! Anthropic Messages, to and from the neutral form.
//!
//! <https://docs.anthropic.com/en/api/messages>

mod answer;
mod files;
mod images;
mod read_request;
mod read_stream;
mod schema;
mod write_request;
mod write_stream;

pub use answer::{read_answer, write_answer};
pub(crate) use read_request::arguments;
pub use read_request::read_request;
pub use read_stream::ReadStream;
pub use write_request::write_request;
pub use write_stream::WriteStream;

/// Names under which nothing is looked into.
pub const OPAQUE: &[&str] = &["input", "input_schema", "schema"];
