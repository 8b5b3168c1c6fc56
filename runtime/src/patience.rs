//! How long something is waited for.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A limit on one wait after the other. Most end before a timer has to be set for them, and
/// the timer that is set is moved only when it rings: what is waited for comes far more
/// often than it does not.
#[derive(Default)]
pub(crate) struct Patience {
    /// When the wait of the moment is too long; none while nothing is waited for, or for
    /// what may take for ever.
    due: Option<Instant>,
    is_waiting: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Waits; ready when that takes longer than `limit`. A limit too long for the clock is
    /// none.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        self.poll_until(cx, |now| now.checked_add(limit))
    }

    /// Waits until the moment that follows from when the wait began.
    pub(crate) fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        due: impl FnOnce(Instant) -> Option<Instant>,
    ) -> Poll<()> {
        if !std::mem::replace(&mut self.is_waiting, true) {
            self.due = due(Instant::now());
        }
        let Some(due) = self.due else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    /// What was waited for came: the next wait begins anew.
    pub(crate) fn reset(&mut self) {
        self.is_waiting = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::advance;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Seconds until a wait is too long.
    async fn rings_after(patience: &mut Patience, limit: Duration) -> u64 {
        let began = Instant::now();
        poll_fn(|cx| patience.poll(cx, limit)).await;
        patience.reset();
        began.elapsed().as_secs()
    }

    fn begin(patience: &mut Patience, limit: Duration) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(patience.poll(&mut cx, limit).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_own_limit() {
        let mut patience = Patience::default();
        assert_eq!(rings_after(&mut patience, LIMIT).await, 10);
        assert_eq!(rings_after(&mut patience, LIMIT).await, 10);
        begin(&mut patience, LIMIT);
        advance(LIMIT / 2).await;
        patience.reset();
        assert_eq!(rings_after(&mut patience, LIMIT).await, 10);
        begin(&mut patience, LIMIT);
        patience.reset();
        assert_eq!(rings_after(&mut patience, LIMIT / 2).await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_goes_on_until_it_is_over() {
        let mut patience = Patience::default();
        begin(&mut patience, LIMIT);
        advance(LIMIT / 2).await;
        assert_eq!(rings_after(&mut patience, LIMIT).await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_long_for_the_clock_is_no_limit() {
        let mut patience = Patience::default();
        begin(&mut patience, Duration::MAX);
        advance(LIMIT).await;
        begin(&mut patience, Duration::MAX);
    }
}
