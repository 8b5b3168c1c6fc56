//! How records fared on their way to where they are kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How records fared.
#[derive(Debug, Default)]
pub struct Counts {
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// Why the last write failed, while none has succeeded since.
    error: Mutex<Option<String>>,
}

impl Counts {
    /// Records that were written.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Records that found the queue full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Records that could not be written.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Why nothing is written at the moment.
    pub fn error(&self) -> Option<String> {
        self.slot().clone()
    }

    pub(crate) fn drops(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// So many more are written; returns whether they were not just before.
    pub(crate) fn writes(&self, many: u64) -> bool {
        self.written.fetch_add(many, Ordering::Relaxed);
        self.slot().take().is_some()
    }

    /// So many more could not be written; returns whether that is new.
    pub(crate) fn fails(&self, many: u64, error: String) -> bool {
        self.failed.fetch_add(many, Ordering::Relaxed);
        self.slot().replace(error).is_none()
    }

    fn slot(&self) -> MutexGuard<'_, Option<String>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
