//! Choices of `router_model` that are remembered, so that the same text is not
//! paid for twice.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::words::Choice;

/// Choices that are remembered (claude-trigger-router 1.7.0).
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(500).expect("above zero");

/// A hash of what was asked of whom.
pub(super) type Key = [u8; 32];

/// Cheap to clone; clones share what they know.
#[derive(Clone)]
pub(in crate::proxy) struct Choices(Arc<Mutex<LruCache<Key, (Choice, u64)>>>);

impl Default for Choices {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(REMEMBERED))))
    }
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choices").finish_non_exhaustive()
    }
}

impl Choices {
    /// What was chosen less than `ttl_ms` ago.
    pub(super) fn get(&self, key: &Key, now_ms: u64, ttl_ms: u64) -> Option<Choice> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (choice, at_ms) = known.get(key)?;
        (now_ms.saturating_sub(*at_ms) < ttl_ms).then(|| choice.clone())
    }

    pub(super) fn put(&self, key: Key, choice: Choice, now_ms: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(key, (choice, now_ms));
    }
}

/// The prompt holds the text, the candidates and what else may change the answer.
pub(super) fn key(model: &str, prompt: &str) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.as_bytes());
    hasher.update(b"\0");
    hasher.update(prompt.as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_remembered_for_its_time() {
        let choices = Choices::default();
        let asked = key("router", "text");
        let choice = Choice {
            model: "deep".to_owned(),
            sure: Some(0.5),
        };
        choices.put(asked, choice.clone(), 1_000);
        assert_eq!(choices.get(&asked, 1_999, 1_000), Some(choice));
        assert_eq!(choices.get(&asked, 2_000, 1_000), None);
        assert_eq!(choices.get(&key("router", "other"), 1_000, 1_000), None);
        assert_eq!(choices.get(&key("other", "text"), 1_000, 1_000), None);
    }
}
