//! Ids of calls to which their endpoint gives none.

use super::super::json::Text;

/// Ids for calls of one answer. No other answer has the same, as far as its request or itself
/// has a name of its own.
#[derive(Debug)]
pub(super) struct CallIds {
    answer: String,
    /// Calls that have come.
    count: usize,
}

impl CallIds {
    /// For the answer of this name to a request of that.
    pub(super) fn new(request_id: &str, answer_id: &Text<'_>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(request_id.as_bytes());
        hasher.update(answer_id.written().as_bytes());
        Self {
            answer: hasher.finalize().to_hex()[..16].to_owned(),
            count: 0,
        }
    }

    /// The id of the next call: its own, if it has one.
    pub(super) fn next<'a>(&mut self, own: Text<'a>) -> Text<'a> {
        let nth = self.count;
        self.count += 1;
        if !own.is_empty() {
            return own;
        }
        Text::from_string(format!("call_{}_{nth}", self.answer))
    }
}
