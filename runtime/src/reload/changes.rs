//! Tells when registration files are to be read again: after a change, and after
//! a hangup.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout_at};

use super::watch::{Look, Watch, Woken};

/// A save is over when nothing has happened for this long.
const QUIET: Duration = Duration::from_millis(100);
/// Constant noise in a directory does not put a save off for longer than this.
const LONGEST: Duration = Duration::from_secs(1);
/// How often files are looked at without being told of a change.
const POLL: Duration = Duration::from_secs(2);

/// Why the files are looked at.
enum Why {
    Event,
    Poll,
    Asked,
}

/// Follows the files of a registration.
pub(crate) struct Changes {
    woken: Woken,
    watch: Option<Watch>,
    poll: Interval,
    hangups: Hangups,
    look: Look,
}

impl Changes {
    /// Follows from where the files looked like this. From here on a hangup asks
    /// to read again, and does not end the process.
    pub(crate) fn since(inputs: Vec<PathBuf>, look: Look) -> Self {
        let woken = Woken::default();
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            watch: Some(Watch::new(inputs, &woken)),
            woken,
            poll,
            hangups: Hangups::new(),
            look,
        }
    }

    /// Waits until they are to be read again.
    pub(crate) async fn next(&mut self) {
        loop {
            let why = tokio::select! {
                () = self.woken.wait() => Why::Event,
                _ = self.poll.tick() => Why::Poll,
                () = self.hangups.next() => Why::Asked,
            };
            if matches!(why, Why::Event) {
                settle(&self.woken).await;
            }
            let mut look = self.looked().await;
            if look == self.look && !matches!(why, Why::Asked) {
                continue;
            }
            if matches!(why, Why::Poll) {
                // What the poll found may be half of a save.
                settle(&self.woken).await;
                look = self.looked().await;
            }
            self.look = look;
            return;
        }
    }

    /// Watches the directories that matter now, and looks at the files. Files may
    /// be on a slow disk, so this is not done on the runtime's threads.
    async fn looked(&mut self) -> Look {
        let Some(mut watch) = self.watch.take() else {
            // Only where an earlier wait was given up in the middle.
            return std::future::pending().await;
        };
        let looking = spawn_blocking(move || {
            watch.follow();
            let look = watch.look();
            (watch, look)
        });
        let (watch, look) = done(looking).await;
        self.watch = Some(watch);
        look
    }
}

/// Waits for quiet, though not for ever.
async fn settle(woken: &Woken) {
    let end = Instant::now() + LONGEST;
    while timeout_at(end.min(Instant::now() + QUIET), woken.wait())
        .await
        .is_ok()
    {}
}

async fn done<T>(task: JoinHandle<T>) -> T {
    match task.await.map_err(JoinError::try_into_panic) {
        Ok(value) => value,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Only the end of the runtime cancels it, which ends this task as well.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// Asks to read again, from outside.
pub(super) struct Hangups {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    #[cfg(unix)]
    pub(super) fn new() -> Self {
        let signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        Self {
            signals: signals.ok(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Self {
        Self {}
    }

    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals
            && signals.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
