//! The way from a request to the thread that looks at it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use ctr_compiler::plan::Recording;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::candidate::Candidate;
use super::noted::{Began, Ended, Seen};
use super::work::Work;
use crate::activate::Live;
use crate::counts::Counts;
use crate::settings::Settings;

/// Beginnings and ends that wait; more are dropped.
const QUEUE: usize = 4096;

/// Bytes of bodies that wait.
const BODIES: u64 = 64 << 20;

/// A recording that is asked for beside the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where, and what; counts in place of the plan's own.
    pub to: Recording,
    /// It is over after so many requests.
    pub requests: Option<u64>,
}

pub(super) enum Job {
    Began(Box<Began>),
    Ended(Box<Ended>),
    Candidate(Arc<Candidate>),
    Tell(oneshot::Sender<Option<Value>>),
    Stop,
}

/// What the thread and everybody else know of each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) counts: Counts,
    /// Bytes of bodies in the queue.
    bodies: AtomicU64,
    pub(super) record: Option<Record>,
    /// Where relative paths of plans begin.
    directory: Option<PathBuf>,
    /// The candidate that there was first, for people.
    candidate: Option<String>,
    /// As many requests are recorded as were asked for.
    pub(super) reached: Notify,
    /// Why the candidate's files are not the candidate.
    refused: Mutex<Option<String>>,
    summary: Mutex<Option<String>>,
}

impl Shared {
    /// What is to be recorded of requests under a plan, and where.
    pub(super) fn recording<'r>(&'r self, live: &'r Live) -> Option<(&'r Recording, PathBuf)> {
        if let Some(record) = &self.record {
            return Some((&record.to, PathBuf::from(&record.to.path)));
        }
        let recording = live.plan().runtime.corpus.as_ref()?;
        let path = match &self.directory {
            Some(directory) => directory.join(&recording.path),
            None => PathBuf::from(&recording.path),
        };
        Some((recording, path))
    }

    /// The state directory, where a plan's relative paths begin.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// So many bytes of bodies wait no more.
    pub(super) fn left(&self, bytes: usize) {
        self.bodies.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> Option<String> {
        lock(&self.refused).clone()
    }

    pub(super) fn ends_with(&self, summary: String) {
        *lock(&self.summary) = Some(summary);
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes requests and tells of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Observer {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

impl Observer {
    /// Whether a request is looked at, and then whether it is recorded. A name
    /// falls into a sample or not, the same each time.
    pub(crate) fn wants(&self, live: &Live, request_id: &str) -> Option<bool> {
        let own = self.shared.record.as_ref().map(|record| &record.to);
        let recording = own.or(live.plan().runtime.corpus.as_ref());
        let is_recorded = recording.is_some_and(|it| falls_into(it.sample, request_id));
        (is_recorded || self.shared.candidate.is_some()).then_some(is_recorded)
    }

    /// Hands over what came; none where there is no room, which is counted.
    pub(crate) fn begins(&self, began: Began) -> Option<Seen> {
        let bytes = began.body.len() as u64;
        let waiting = self.shared.bodies.fetch_add(bytes, Ordering::Relaxed);
        let seen = Seen::new(self, &began);
        let has_room = waiting == 0 || waiting.saturating_add(bytes) <= BODIES;
        if has_room && self.jobs.try_send(Job::Began(Box::new(began))).is_ok() {
            return Some(seen);
        }
        self.shared.bodies.fetch_sub(bytes, Ordering::Relaxed);
        self.shared.counts.drops();
        None
    }

    /// Hands over what came of it.
    pub(super) fn ends(&self, ended: Ended) {
        if self.jobs.try_send(Job::Ended(Box::new(ended))).is_err() {
            self.shared.counts.drops();
        }
    }

    /// Another candidate decides from now on.
    pub(super) async fn takes(&self, candidate: Arc<Candidate>) {
        *lock(&self.shared.refused) = None;
        // Where the thread has ended there is nothing to decide any more.
        let _ = self.jobs.send(Job::Candidate(candidate)).await;
    }

    /// The candidate's files are wrong, and why; the candidate stays.
    pub(super) fn keeps(&self, why: Option<String>) {
        *lock(&self.shared.refused) = why;
    }

    /// What the candidate would change, with all that was handed over before;
    /// none where there is no candidate.
    ///
    /// # Errors
    /// When nobody is there to tell.
    pub(crate) async fn told(&self) -> Result<Option<Value>, &'static str> {
        const ENDED: &str = "nothing is counted any more: the thread that counts has ended";
        let (tell, told) = oneshot::channel();
        let sent = self.jobs.send(Job::Tell(tell)).await;
        sent.map_err(|_| ENDED)?;
        told.await.map_err(|_| ENDED)
    }

    /// Whether requests under a plan are recorded.
    pub(crate) fn records(&self, live: &Live) -> bool {
        self.shared.recording(live).is_some()
    }

    /// How records fared so far.
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Waits until as many requests are recorded as were asked for.
    pub async fn reached(&self) {
        self.shared.reached.notified().await;
    }

    /// The candidate that decides beside the plan, where there is one: its files
    /// and the first digits of its hash, as it was at first.
    pub fn shadow(&self) -> Option<&str> {
        self.shared.candidate.as_deref()
    }

    /// What the candidate would have changed, in a line; after the end.
    pub fn summary(&self) -> Option<String> {
        lock(&self.shared.summary).clone()
    }
}

fn falls_into(sample: f64, request_id: &str) -> bool {
    if sample >= 1.0 {
        return true;
    }
    let hash = blake3::hash(request_id.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    f64::from(u32::from_le_bytes([a, b, c, d])) < sample * f64::from(u32::MAX)
}

/// The thread, from outside.
#[derive(Debug)]
pub(crate) struct Thread {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts it. Without a thread, which a system may refuse, everything that is
    /// handed over is dropped.
    pub(crate) fn start(
        settings: &Settings,
        live: &Arc<ArcSwap<Live>>,
        candidate: Option<Arc<Candidate>>,
    ) -> (Observer, Self) {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            record: settings.record.clone(),
            directory: settings.state_dir.clone(),
            candidate: candidate.as_ref().map(|candidate| candidate.told()),
            ..Shared::default()
        });
        let work = Work::new(waiting, Arc::clone(&shared), Arc::clone(live), candidate);
        let thread = std::thread::Builder::new()
            .name("observe".to_owned())
            .spawn(move || work.run());
        if let Err(error) = &thread {
            tracing::error!(%error, "no thread can be started; nothing is recorded");
        }
        let observer = Observer {
            jobs: jobs.clone(),
            shared: Arc::clone(&shared),
        };
        let thread = Self {
            jobs,
            shared,
            thread: thread.ok(),
        };
        (observer, thread)
    }

    /// Does what is not done yet, and ends.
    pub(crate) async fn finish(&mut self) {
        // Nobody hears it when the thread has failed, which is told below.
        let _ = self.jobs.send(Job::Stop).await;
        let Some(thread) = self.thread.take() else {
            return;
        };
        let ended = spawn_blocking(move || thread.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("requests could not be recorded to the end: the thread failed");
        }
        let counts = &self.shared.counts;
        let (written, dropped, failed) = (counts.written(), counts.dropped(), counts.failed());
        if dropped + failed > 0 {
            tracing::warn!(
                written,
                dropped,
                failed,
                "not every request was recorded or counted"
            );
        } else if written > 0 {
            tracing::info!(written, "requests were recorded");
        }
        if let Some(summary) = lock(&self.shared.summary).as_deref() {
            tracing::info!("{summary}");
        }
    }
}

#[cfg(test)]
mod tests {
    use ctr_compiler::compile;
    use ctr_compiler::source::Sources;

    use super::*;
    use crate::pool::Records;
    use crate::protocol::Protocol;

    const PLAN: &str = "Models: [{id: m, api: 'https://a.example', key: k, \
        interface: anthropic, model: x}]\nRouter: {default: m}\n";

    fn live() -> Arc<Live> {
        let compiled = compile(&Sources::single("r.yaml", PLAN.to_owned()));
        let live = Live::activate(compiled, &|_| None, &Records::default());
        Arc::new(live.expect("a plan"))
    }

    /// Nobody takes what is handed over here.
    #[test]
    fn a_full_queue_drops_and_counts() {
        let (jobs, mut waiting) = mpsc::channel(2);
        let shared = Arc::default();
        let observer = Observer { jobs, shared };
        let live = live();
        let begins = |bytes: usize| {
            let body = vec![0; bytes].into();
            let began = Began::new(&live, Protocol::Messages, body);
            observer.begins(began).is_some()
        };
        let most = usize::try_from(BODIES).expect("it is small");
        assert!(begins(most + 1), "one alone may be of any size");
        assert!(!begins(0), "while it waits nothing else does");
        let Ok(Job::Began(first)) = waiting.try_recv() else {
            panic!("the first waits");
        };
        observer.shared.left(first.body.len());
        assert!(begins(most / 2) && begins(most / 2));
        assert!(!begins(0), "the queue is full");
        assert_eq!(observer.counts().dropped(), 2);
        drop(waiting);
        assert!(!begins(1), "nobody takes anything any more");
        assert_eq!(observer.shared.bodies.load(Ordering::Relaxed), BODIES);
    }

    #[test]
    fn a_sample_is_a_share() {
        let ids = || (0..10_000).map(|n| format!("req_{n}"));
        for (sample, least, most) in [(0.0, 0, 0), (0.1, 850, 1_150), (1.0, 10_000, 10_000)] {
            let many = ids().filter(|id| falls_into(sample, id)).count();
            assert!((least..=most).contains(&many), "{sample}: {many}");
        }
    }
}
