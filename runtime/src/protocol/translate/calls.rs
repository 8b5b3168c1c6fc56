//! Ids of calls, where their endpoint gives none, or one that another call has.

use foldhash::{HashSet, HashSetExt};

use super::super::json::Text;

/// Ids for calls of answers to one request. No other call has the same, neither in the request
/// nor, as far as the request or the answer has a name of its own, in another answer.
#[derive(Debug)]
pub(super) struct CallIds {
    request_id: String,
    /// What made-up ids of this answer begin with.
    answer: String,
    /// Calls that have come.
    count: usize,
    /// Ids that calls have.
    taken: HashSet<String>,
}

impl CallIds {
    /// For an answer without a name to the request of this one, whose calls have these ids.
    pub(super) fn new(request_id: &str, taken: &[String]) -> Self {
        let mut known = HashSet::with_capacity(taken.len());
        known.extend(taken.iter().cloned());
        let mut ids = Self {
            request_id: request_id.to_owned(),
            answer: String::new(),
            count: 0,
            taken: known,
        };
        ids.begin(&Text::default());
        ids
    }

    /// The answer of this name begins.
    pub(super) fn begin(&mut self, answer_id: &Text<'_>) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.request_id.as_bytes());
        hasher.update(answer_id.written().as_bytes());
        self.answer = hasher.finalize().to_hex()[..16].to_owned();
    }

    /// The id of the next call: its own, if it has one that no other has.
    pub(super) fn next<'a>(&mut self, own: Text<'a>) -> Text<'a> {
        let nth = self.count;
        self.count += 1;
        if !own.is_empty() && self.taken.insert(own.plain().into_owned()) {
            return own;
        }
        Text::from_string(format!("call_{}_{nth}", self.answer))
    }
}
