//! Says that running requests are to end now, since the proxy does.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// What clients are told whose requests end with the proxy.
pub(crate) const STOPPED: &str = "the proxy stopped before the answer was complete";

/// Whether running requests are to end. Clones are the same one.
///
/// Looking costs next to nothing, and nobody is woken: whoever makes the cut wakes the
/// tasks that are to see it.
#[derive(Clone, Debug, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Has every request end that runs, for good.
    pub(crate) fn make(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was made.
    pub(crate) fn is_made(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// What comes of the work; none when the cut is made before.
    pub(crate) async fn before<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.is_made() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}
