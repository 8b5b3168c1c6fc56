//! The thread: takes what was handed over, in its order, until it is told to stop.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use ctr_compiler::corpus::Request;
use tokio::sync::mpsc;

use super::candidate::Candidate;
use super::looks::Looks;
use super::noted::{Began, Ended, Eyes};
use super::pair::Pair;
use super::queue::{Job, Shared};
use super::recorder::Recorder;
use crate::activate::Live;

/// Plans whose patterns are at hand: the one that serves, and the one before, of
/// which requests may still run.
const PLANS: usize = 2;

/// What the thread has.
pub(super) struct Work {
    waiting: mpsc::Receiver<Job>,
    shared: Arc<Shared>,
    live: Arc<ArcSwap<Live>>,
    candidate: Option<Arc<Candidate>>,
    recorder: Recorder,
    looks: Vec<(Arc<Live>, Arc<Looks>)>,
    /// Another for each process, so that keys of sessions tell no ids.
    salt: [u8; 32],
    /// What came while the plans were others.
    held: Option<Job>,
}

impl Work {
    pub(super) fn new(
        waiting: mpsc::Receiver<Job>,
        shared: Arc<Shared>,
        live: Arc<ArcSwap<Live>>,
        candidate: Option<Arc<Candidate>>,
    ) -> Self {
        Self {
            waiting,
            recorder: Recorder::new(Arc::clone(&shared)),
            shared,
            live,
            candidate,
            looks: Vec::new(),
            salt: salt(),
            held: None,
        }
    }

    pub(super) fn run(mut self) {
        let mut is_over = false;
        while !is_over {
            let (live, candidate) = (self.live.load_full(), self.candidate.clone());
            let pair = candidate.as_ref().map(|candidate| {
                let looks = self.looks_of(&live);
                Pair::new(&live, &looks, candidate)
            });
            is_over = self.work(pair);
        }
        self.recorder.flush();
    }

    /// Works until all is over, or either plan is another; whether it is over.
    fn work(&mut self, mut pair: Option<Pair<'_>>) -> bool {
        let is_over = loop {
            let Some(job) = self.next() else {
                break true;
            };
            let is_of_another = |pair: &Pair<'_>| !pair.is_of(&self.live.load());
            match job {
                Job::Stop => break true,
                Job::Candidate(candidate) => {
                    self.candidate = Some(candidate);
                    break false;
                }
                job if pair.as_ref().is_some_and(is_of_another) => {
                    self.held = Some(job);
                    break false;
                }
                Job::Began(began) => self.begin(*began, pair.as_ref()),
                Job::Ended(ended) => self.end(*ended, pair.as_mut()),
                Job::Tell(told) => {
                    let pair = pair.as_ref();
                    // Whoever asked may have gone.
                    let _ = told.send(pair.map(|pair| pair.json(&self.shared)));
                }
            }
        };
        match pair.and_then(|pair| pair.summary()) {
            Some(summary) if is_over => self.shared.ends_with(summary),
            Some(summary) => tracing::info!("{summary}; counting begins anew with other plans"),
            None => {}
        }
        is_over
    }

    /// The next that was handed over. What was recorded is written before it is
    /// waited for.
    fn next(&mut self) -> Option<Job> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        match self.waiting.try_recv() {
            Ok(job) => Some(job),
            Err(_) => {
                self.recorder.flush();
                self.waiting.blocking_recv()
            }
        }
    }

    fn begin(&mut self, began: Began, pair: Option<&Pair<'_>>) {
        let bytes = began.body.len();
        let looks = self.looks_of(&began.live);
        let recording = self.shared.recording(&began.live);
        let keeps_text = recording.is_some_and(|(recording, _)| recording.text);
        let pair = pair.filter(|pair| pair.is_of(&began.live));
        began.note(&Eyes {
            looks: &looks,
            candidate: pair.map(Pair::candidate),
            keeps_text,
            salt: &self.salt,
        });
        self.shared.left(bytes);
    }

    fn end(&mut self, ended: Ended, pair: Option<&mut Pair<'_>>) {
        // What began was taken before, in the order it was handed over.
        let Some(noted) = Arc::into_inner(ended.line).and_then(OnceLock::into_inner) else {
            return;
        };
        let request = Request {
            decided: Some(ended.decided),
            outcome: Some(ended.outcome),
            usage: ended.usage,
            cost: ended.cost,
            ..noted.request
        };
        if let (Some(pair), Some((candidate, shape))) = (pair, &noted.candidate)
            && pair.is_between(&noted.live, candidate)
        {
            pair.count(&request, shape);
        }
        if noted.is_recorded {
            let looks = self.looks_of(&noted.live);
            if let Some(to) = self.shared.recording(&noted.live) {
                self.recorder.record(to, &looks, &request);
            }
        }
    }

    fn looks_of(&mut self, live: &Arc<Live>) -> Arc<Looks> {
        let known = self
            .looks
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, live));
        if let Some((_, looks)) = known {
            return Arc::clone(looks);
        }
        let looks = Arc::new(Looks::of(live.plan()));
        if self.looks.len() == PLANS {
            self.looks.remove(0);
        }
        self.looks.push((Arc::clone(live), Arc::clone(&looks)));
        looks
    }
}

/// Made of what the standard library gets from the system for its hash maps.
fn salt() -> [u8; 32] {
    let mut salt = blake3::Hasher::new();
    for part in 0..4_u64 {
        salt.update(&RandomState::new().hash_one(part).to_le_bytes());
    }
    salt.finalize().into()
}
