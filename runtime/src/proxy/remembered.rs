//! What models said and is remembered for a while, so that the same question is
//! not paid for twice. In memory only.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

/// A hash of what was asked of whom.
pub(super) type Key = [u8; 32];

/// Answers by what was asked, the least used of which are forgotten first. Cheap to
/// clone; clones share what they know.
#[derive(Clone)]
pub(super) struct Remembered<T>(Arc<Mutex<LruCache<Key, (T, u64)>>>);

impl<T> fmt::Debug for Remembered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl<T: Clone> Remembered<T> {
    /// With so many at most.
    pub(super) fn new(most: NonZeroUsize) -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(most))))
    }

    /// What was said less than `ttl_ms` ago.
    pub(super) fn get(&self, key: &Key, now_ms: u64, ttl_ms: u64) -> Option<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, at_ms) = known.get(key)?;
        (now_ms.saturating_sub(*at_ms) < ttl_ms).then(|| said.clone())
    }

    pub(super) fn put(&self, key: Key, said: T, now_ms: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(key, (said, now_ms));
    }
}

/// The pieces of a question, each of its own.
pub(super) fn key<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Key {
    let mut hasher = blake3::Hasher::new();
    for piece in pieces {
        hasher.update(&(piece.len() as u64).to_le_bytes());
        hasher.update(piece);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_remembered_for_its_time() {
        let key = |asked: [&str; 2]| key(asked.map(str::as_bytes));
        let said = Remembered::new(NonZeroUsize::MIN);
        let asked = key(["router", "text"]);
        said.put(asked, "deep", 1_000);
        assert_eq!(said.get(&asked, 1_999, 1_000), Some("deep"));
        assert_eq!(said.get(&asked, 2_000, 1_000), None);
        for other in [["router", "other"], ["other", "text"], ["route", "rtext"]] {
            assert_eq!(said.get(&key(other), 1_000, 1_000), None, "{other:?}");
        }
        said.put(key(["router", "other"]), "fast", 1_000);
        assert_eq!(
            said.get(&asked, 1_000, 1_000),
            None,
            "there is room for one"
        );
    }
}
