//! A record as the store keeps it.
//!
//! It is written when its request is over: one that waits for the store, which may be
//! for seconds, has left the processor's caches when its turn comes.

use super::Trace;

/// Bytes of a usual record.
const RECORD: usize = 1 << 10;

/// A record, written, and the columns it is found by.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) request_id: String,
    pub(super) started_at: i64,
    pub(super) session_key: Option<String>,
    pub(super) cascade_triggered: bool,
    pub(super) shadow_checked: bool,
    /// All of it, as JSON.
    pub(super) json: String,
}

impl From<Trace> for Written {
    fn from(trace: Trace) -> Self {
        let mut json = Vec::with_capacity(RECORD);
        // Neither fails: a record has no map with odd keys, and JSON is text.
        let _ = serde_json::to_writer(&mut json, &trace);
        Self {
            request_id: trace.request_id,
            started_at: i64::try_from(trace.started_at).unwrap_or(i64::MAX),
            session_key: trace.session_key,
            cascade_triggered: trace.cascade_triggered,
            shadow_checked: trace.shadow_checked,
            json: String::from_utf8(json).unwrap_or_default(),
        }
    }
}
