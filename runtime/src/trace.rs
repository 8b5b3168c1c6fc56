//! What is remembered of each request: where it went and why, what was tried,
//! how long it took and what it cost. Never what was said.
//!
//! A request hands its record over and goes on: a bounded queue stands between
//! it and the store, and a record that finds the queue full is counted and
//! dropped. Nothing here decides anything, and nothing reads a trace to route by.

mod alignment;
mod cost;
mod query;
mod queue;
mod record;
mod store;
mod summary;
mod written;

pub use alignment::{quality_evidence, task_comparison};
pub use cost::Prices;
pub use query::Filter;
pub use queue::Traces;
pub(crate) use queue::Writer;
pub use record::{Attempt, Consulted, RouteDecision, Trace};
pub use store::KEPT;
pub(crate) use store::NAME as STORE;
pub use summary::{route_decision, switch_continuity};
