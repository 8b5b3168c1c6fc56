//! What the proxy knows of the protocols its clients and upstreams speak:
//! where a request names its model, where an event of a stream ends, and what
//! an error looks like. It does not translate between them.

pub mod ask;
pub mod error;
pub mod sse;
pub(crate) mod usage;
pub(crate) mod wait;
