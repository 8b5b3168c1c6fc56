//! One protocol told in another: stories with snapshots, and laws.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "protocol/call_ids.rs"]
mod call_ids;
#[path = "protocol/cut.rs"]
mod cut;
#[path = "protocol/failures.rs"]
mod failures;
#[path = "protocol/laws.rs"]
mod laws;
#[path = "protocol/requests.rs"]
mod requests;
#[path = "protocol/schemas.rs"]
mod schemas;
#[path = "protocol/seals.rs"]
mod seals;
#[path = "protocol/slips.rs"]
mod slips;
#[path = "protocol/stories.rs"]
mod stories;
#[path = "protocol/types.rs"]
mod types;
#[path = "protocol/untold.rs"]
mod untold;
#[path = "protocol/wholes.rs"]
mod wholes;
