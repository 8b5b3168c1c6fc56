//! Writes records down when they changed, now and then, and once at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::{Records, StateFile};
use crate::activate::Live;

/// Changes within this time are written together. What is lost when a process is
/// killed is no more than this.
const DEBOUNCE: Duration = Duration::from_secs(1);

/// Writing takes at most one part in so many of the time.
const PAUSES: u32 = 20;

/// Whether anything changed that is not written yet.
#[derive(Debug, Default)]
pub(super) struct Changed {
    is_dirty: AtomicBool,
    notify: Notify,
}

impl Changed {
    /// Something changed.
    pub(super) fn note(&self) {
        // Read first: under load it is true already, and nothing is written to it.
        if !self.is_dirty.load(Ordering::Relaxed) && !self.is_dirty.swap(true, Ordering::AcqRel) {
            self.notify.notify_one();
        }
    }

    fn take(&self) -> bool {
        self.is_dirty.swap(false, Ordering::AcqRel)
    }
}

/// The task that writes.
#[derive(Debug)]
pub(crate) struct Saver {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Saver {
    pub(crate) fn start(
        file: Arc<StateFile>,
        records: Arc<Records>,
        live: Arc<ArcSwap<Live>>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let keeper = Keeper {
            file,
            records,
            live,
        };
        Self {
            stop: Some(stop),
            task: tokio::spawn(keeper.run(stopped)),
        }
    }

    /// Writes what is not written yet, and ends.
    pub(crate) async fn finish(&mut self) {
        // It lives until it is told, so there is somebody to hear it.
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Err(error) = (&mut self.task).await
            && error.is_panic()
        {
            tracing::error!(
                "endpoint records could not be saved: the task that writes them failed"
            );
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeper {
    file: Arc<StateFile>,
    records: Arc<Records>,
    live: Arc<ArcSwap<Live>>,
}

impl Keeper {
    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let changed = Arc::clone(&self.records.changed);
        let mut pause = DEBOUNCE;
        loop {
            tokio::select! {
                () = changed.notify.notified() => {}
                _ = &mut stopped => break,
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = &mut stopped => break,
            }
            let began = Instant::now();
            self.write(&changed).await;
            pause = DEBOUNCE.max(began.elapsed().saturating_mul(PAUSES));
        }
        self.write(&changed).await;
    }

    async fn write(&self, changed: &Changed) {
        if !changed.take() {
            return;
        }
        let (file, records) = (Arc::clone(&self.file), Arc::clone(&self.records));
        let live = self.live.load_full();
        let written = spawn_blocking(move || {
            file.write(&records.saved(live.plan()), records.clock.now_ms());
        });
        // A panic in there is of the next write's concern as well, which tries again.
        let _ = written.await;
    }
}
