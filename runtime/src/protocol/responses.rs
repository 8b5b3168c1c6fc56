//! OpenAI Responses, to and from the neutral form.
//!
//! <https://platform.openai.com/docs/api-reference/responses>. What the API
//! keeps on the server (earlier responses, conversations, prompts) stays with
//! the endpoint that keeps it; requests that build on it are not translated.

mod answer;
mod broken;
mod item;
mod items;
mod parts;
mod read_request;
mod read_stream;
mod write_request;
mod write_stream;

pub use answer::{Echo, failed, read_answer, write_answer};
pub use broken::broken_off;
pub use read_request::read_request;
pub use read_stream::ReadStream;
pub use write_request::write_request;
pub use write_stream::WriteStream;

/// Names under which nothing is looked into.
pub const OPAQUE: &[&str] = &["parameters", "schema"];

/// Most characters of a tool's name.
pub const NAME_LIMIT: usize = 64;
