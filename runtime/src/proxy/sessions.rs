//! What is remembered of sessions: which model answered last, what the task was,
//! and how long the conversation has become. In memory only, for the latest ones;
//! it survives reloads.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ctr_compiler::route::Session;
use lru::LruCache;

use crate::clock::Clock;

/// Sessions that are remembered (claude-trigger-router 1.7.0).
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1_000).expect("above zero");

/// Bytes of an id that is kept as it is: clients choose them, and of any length.
const LONGEST: usize = 128;

/// How long the length of a conversation counts (claude-trigger-router 1.7.0).
const LENGTH_MS: u64 = 60 * 60 * 1_000;

/// Cheap to clone; clones share what they know.
#[derive(Clone)]
pub(super) struct Sessions(Arc<Mutex<LruCache<String, Known>>>);

/// What is known of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    last: Option<Last>,
    input: Option<(u64, u64)>,
}

/// The last answer of a session.
#[derive(Clone, Debug)]
struct Last {
    model: String,
    text: Option<String>,
    at_ms: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(REMEMBERED))))
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// What is known of a session.
    pub(super) fn known(&self, id: &str) -> Known {
        self.lock().get(&*key(id)).cloned().unwrap_or_default()
    }

    /// Notes which model answered, and the beginning of what the task was.
    pub(super) fn answered(&self, id: &str, model: &str, task: Option<Cow<'_, str>>, now_ms: u64) {
        let last = Last {
            model: model.to_owned(),
            text: task.map(Cow::into_owned),
            at_ms: now_ms,
        };
        self.lock()
            .get_or_insert_mut(key(id).into_owned(), Known::default)
            .last = Some(last);
    }

    /// One session, for the answer that is on its way.
    pub(super) fn open(&self, id: &str, clock: &Clock) -> Open {
        Open {
            sessions: self.clone(),
            id: key(id).into_owned(),
            clock: clock.clone(),
        }
    }

    fn used(&self, id: &str, input_tokens: u64, now_ms: u64) {
        let mut sessions = self.lock();
        let known = sessions.get_or_insert_mut(key(id).into_owned(), Known::default);
        known.input = Some((input_tokens, now_ms));
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By what a session is known: its id, or a hash of one that is long.
fn key(id: &str) -> Cow<'_, str> {
    match id.len() <= LONGEST {
        true => id.into(),
        false => blake3::hash(id.as_bytes()).to_hex().to_string().into(),
    }
}

/// A session that waits for the end of an answer.
pub(super) struct Open {
    sessions: Sessions,
    id: String,
    clock: Clock,
}

impl Open {
    /// Notes how many input tokens the answer was made of.
    pub(super) fn used(&self, input_tokens: u64) {
        self.sessions
            .used(&self.id, input_tokens, self.clock.now_ms());
    }
}

impl Known {
    /// As a decision looks at it: what is older than `ttl_ms` is forgotten.
    pub(super) fn at(&self, now_ms: u64, ttl_ms: u64) -> Session<'_> {
        let last = self.last.as_ref();
        let last = last.filter(|last| now_ms.saturating_sub(last.at_ms) < ttl_ms);
        let input = self.input;
        let input = input.filter(|(_, at_ms)| now_ms.saturating_sub(*at_ms) < LENGTH_MS);
        Session {
            last_input_tokens: input.map(|(tokens, _)| tokens),
            last_model: last.map(|last| last.model.as_str()),
            last_text: last.and_then(|last| last.text.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_forgotten() {
        let sessions = Sessions::default();
        sessions.answered("a", "deep", Some("a task".into()), 1_000);
        sessions.used("a", 70_000, 1_000);
        let known = sessions.known("a");
        let session = known.at(1_500, 1_000);
        assert_eq!(session.last_model, Some("deep"));
        assert_eq!(session.last_text, Some("a task"));
        assert_eq!(session.last_input_tokens, Some(70_000));
        let session = known.at(2_000, 1_000);
        assert_eq!(
            (session.last_model, session.last_input_tokens),
            (None, Some(70_000))
        );
        assert_eq!(known.at(1_000 + LENGTH_MS, 1_000), Session::default());
        assert_eq!(sessions.known("b").at(0, 1_000), Session::default());
    }

    #[test]
    fn a_long_id_is_not_kept() {
        let sessions = Sessions::default();
        let id = |last: &str| "a".repeat(1 << 20) + last;
        let open = sessions.open(&id("b"), &Clock::new(|| 0));
        open.used(7);
        assert_eq!(sessions.known(&id("b")).at(0, 1).last_input_tokens, Some(7));
        assert_eq!(sessions.known(&id("c")).at(0, 1).last_input_tokens, None);
        assert!(sessions.lock().iter().all(|(id, _)| id.len() <= LONGEST));
    }

    #[test]
    fn the_least_used_goes_first() {
        let sessions = Sessions::default();
        for n in 0..=REMEMBERED.get() {
            sessions.used(&n.to_string(), 1, 0);
            sessions.known("0");
        }
        assert_eq!(sessions.known("0").at(0, 1).last_input_tokens, Some(1));
        assert_eq!(sessions.known("1").at(0, 1).last_input_tokens, None);
    }
}
