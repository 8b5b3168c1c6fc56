//! The way from a request to the store: a queue with an end, and one task that
//! writes what has gathered in one transaction. It has its pace: under a load that
//! is beyond it, records are dropped, and requests keep the processors.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::store::Store;
use super::written::Written;
use super::{Filter, Trace};
use crate::counts::Counts;

/// Records that wait; more are dropped.
const QUEUE: usize = 4096;

/// Records of one transaction.
const BATCH: usize = 192;

/// How long a record waits for others, and the time between two transactions: 960
/// records a second are written at most, and what waits is all that is lost when a
/// process is killed.
const GATHER: Duration = Duration::from_millis(200);

enum Job {
    Record(Written),
    Find(Filter, oneshot::Sender<Result<Vec<Trace>, String>>),
    Stop,
}

/// Takes records and tells them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traces {
    jobs: mpsc::Sender<Job>,
    counts: Arc<Counts>,
    haste: Arc<Haste>,
}

/// Who waits for the writer, which does not rest then.
#[derive(Debug, Default)]
struct Haste {
    waiting: AtomicUsize,
    came: Notify,
}

/// Somebody waits as long as it is there.
struct Waits<'h>(&'h Haste);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Haste {
    fn begin(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.came.notify_one();
        Waits(self)
    }

    async fn rest(&self, until: Instant) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            tokio::select! {
                () = sleep_until(until) => {}
                () = self.came.notified() => {}
            }
        }
    }
}

impl Traces {
    /// Whether a record would find room now; one that would not is counted as dropped,
    /// and need not be made.
    pub(crate) fn has_room(&self) -> bool {
        let has_room = self.jobs.capacity() > 0;
        if !has_room {
            self.counts.drops();
        }
        has_room
    }

    /// Hands a record over. It never waits: a record that finds no room is counted
    /// and dropped.
    pub fn record(&self, trace: Box<Trace>) {
        match self.jobs.try_reserve() {
            Ok(room) => room.send(Job::Record(Written::from(*trace))),
            Err(_) => self.counts.drops(),
        }
    }

    /// The traces that are asked for, newest first; those handed over before are
    /// among them.
    ///
    /// # Errors
    /// Why the store cannot be read, in words.
    pub async fn find(&self, filter: Filter) -> Result<Vec<Trace>, String> {
        const ENDED: &str = "the store of traces has ended";
        let (tell, told) = oneshot::channel();
        let _waits = self.haste.begin();
        let sent = self.jobs.send(Job::Find(filter, tell)).await;
        sent.map_err(|_| ENDED.to_owned())?;
        told.await.map_err(|_| ENDED.to_owned())?
    }

    /// How records fared so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// The task that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    haste: Arc<Haste>,
    task: JoinHandle<()>,
}

impl Writer {
    /// Starts it; without a directory traces are as long there as it is.
    pub(crate) fn start(directory: Option<&Path>) -> (Traces, Self) {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let haste = Arc::new(Haste::default());
        let writing = Writing {
            store: Store::new(directory),
            waiting,
            counts: Arc::clone(&counts),
            haste: Arc::clone(&haste),
            gathered: Vec::new(),
        };
        let writer = Self {
            jobs: jobs.clone(),
            haste: Arc::clone(&haste),
            task: tokio::spawn(writing.run()),
        };
        let traces = Traces {
            jobs,
            counts,
            haste,
        };
        (traces, writer)
    }

    /// Writes what is not written yet, and ends.
    pub(crate) async fn finish(&mut self) {
        let haste = Arc::clone(&self.haste);
        let _waits = haste.begin();
        // Nobody hears it when the task has failed, which is told below.
        let _ = self.jobs.send(Job::Stop).await;
        if let Err(error) = (&mut self.task).await
            && error.is_panic()
        {
            tracing::error!("traces could not be written: the task that writes them failed");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Writing {
    store: Store,
    waiting: mpsc::Receiver<Job>,
    counts: Arc<Counts>,
    haste: Arc<Haste>,
    gathered: Vec<Written>,
}

impl Writing {
    async fn run(mut self) {
        let mut next = None;
        loop {
            let job = match next.take() {
                Some(job) => Some(job),
                None => self.waiting.recv().await,
            };
            match job {
                Some(Job::Record(record)) => {
                    self.gathered.push(record);
                    // Nothing wakes it for each record that comes meanwhile.
                    self.haste.rest(Instant::now() + GATHER).await;
                    next = self.gather();
                    self.write().await;
                }
                Some(Job::Find(filter, tell)) => {
                    let found = self.store.find(filter).await;
                    // Whoever asked may have gone.
                    let _ = tell.send(found.map_err(|error| error.to_string()));
                }
                Some(Job::Stop) | None => break,
            }
        }
        self.store.close().await;
    }

    /// Takes the records that wait, as many as are written together; whatever else
    /// comes ends it.
    fn gather(&mut self) -> Option<Job> {
        while self.gathered.len() < BATCH {
            match self.waiting.try_recv().ok()? {
                Job::Record(record) => self.gathered.push(record),
                other => return Some(other),
            }
        }
        None
    }

    async fn write(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let many = self.gathered.len() as u64;
        let added = self.store.add(&mut self.gathered).await;
        match added {
            Ok(()) => {
                if self.counts.writes(many) {
                    tracing::info!("traces are written again");
                }
            }
            Err(error) => {
                if self.counts.fails(many, error.to_string()) {
                    tracing::warn!(%error, "traces cannot be written; requests are served without them");
                }
                self.store.reopen().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(at: usize) -> Box<Trace> {
        Box::new(Trace {
            request_id: at.to_string(),
            started_at: at as u64,
            ..Trace::default()
        })
    }

    /// Nothing is written before the test waits: it has the only thread.
    #[tokio::test]
    async fn a_full_queue_drops_and_counts() {
        let (traces, mut writer) = Writer::start(None);
        for at in 0..QUEUE + 5 {
            traces.record(trace(at));
        }
        assert_eq!(traces.counts().dropped(), 5);
        let filter = Filter {
            limit: 1,
            ..Filter::default()
        };
        let found = traces.find(filter).await.expect("it is told");
        assert_eq!(found[0].started_at, QUEUE as u64 - 1, "the rest is written");
        assert_eq!(traces.counts().written(), QUEUE as u64);
        traces.record(trace(QUEUE + 9));
        writer.finish().await;
        assert_eq!(
            traces.counts().written(),
            QUEUE as u64 + 1,
            "at the end too"
        );
        traces.record(trace(QUEUE + 10));
        assert_eq!(traces.counts().dropped(), 6, "nobody writes any more");
        assert!(traces.find(Filter::default()).await.is_err());
    }

    #[tokio::test]
    async fn a_record_waits_for_others_and_not_for_long() {
        let (traces, _writer) = Writer::start(None);
        traces.record(trace(1));
        let written = async {
            while traces.counts().written() == 0 {
                tokio::task::yield_now().await;
            }
        };
        let patience = Duration::from_secs(30);
        let soon = tokio::time::timeout(patience, written).await;
        soon.expect("it is written");
    }
}
