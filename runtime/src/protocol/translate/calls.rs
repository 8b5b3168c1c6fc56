//! Ids of calls, where their endpoint gives none, or one that another call has.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::json::Text;

/// Ids for calls of answers to one request. No other call has the same, neither in the request
/// nor, as far as the request or the answer has a name of its own, in another answer.
#[derive(Debug)]
pub(super) struct CallIds {
    request_id: String,
    answer_id: String,
    /// Calls that have come.
    count: usize,
    /// Ids of calls of the request.
    asked: Arc<HashSet<String>>,
    /// Ids of calls of the answer.
    given: HashSet<String>,
}

impl CallIds {
    /// For an answer without a name to the request of this one, whose calls have these ids.
    pub(super) fn new(request_id: &str, asked: Arc<HashSet<String>>) -> Self {
        Self {
            request_id: request_id.to_owned(),
            answer_id: String::new(),
            count: 0,
            asked,
            given: HashSet::new(),
        }
    }

    /// The answer of this name begins.
    pub(super) fn begin(&mut self, answer_id: &Text<'_>) {
        answer_id.written().clone_into(&mut self.answer_id);
    }

    /// The id of the next call: its own, if it has one that no other has.
    pub(super) fn next<'a>(&mut self, own: Text<'a>) -> Text<'a> {
        let nth = self.count;
        self.count += 1;
        let is_own = !own.is_empty() && !self.asked.contains(&*own.plain());
        if is_own && self.given.insert(own.plain().into_owned()) {
            return own;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.request_id.as_bytes());
        hasher.update(self.answer_id.as_bytes());
        let answer = hasher.finalize().to_hex();
        Text::from_string(format!("call_{}_{nth}", &answer[..16]))
    }
}
