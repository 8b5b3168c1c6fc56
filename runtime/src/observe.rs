//! What is done with requests beside serving them: each is recorded in a corpus
//! (docs/corpus.md), and a candidate plan decides about it too (docs/shadow.md),
//! where that is asked for. Nothing here sends anything.
//!
//! A request hands over what came, and at its end what came of it, and goes on. A
//! bounded queue stands between it and one thread, which reads bodies, counts
//! tokens, decides and writes; what finds the queue full is counted and dropped.

mod candidate;
mod corpus_file;
mod looks;
mod noted;
mod pair;
mod queue;
mod recorder;
mod work;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::activate::Live;
use crate::reload::{Changes, Look};
use crate::settings::Settings;

pub(crate) use candidate::{Candidate, Following};
pub use corpus_file::check_corpus;
pub(crate) use noted::{Began, Seen, Session};
pub(crate) use queue::Thread;
pub use queue::{Observer, Record};

/// The thread, the way to it, and the task that follows a candidate's files.
pub(crate) struct Observing {
    pub(crate) observer: Observer,
    pub(crate) thread: Thread,
    pub(crate) following: Option<Following>,
}

impl Observing {
    /// Starts them.
    pub(crate) fn start(
        settings: &Settings,
        live: &Arc<ArcSwap<Live>>,
        shadow: Option<(Candidate, Look)>,
    ) -> Self {
        let (candidate, look) = match shadow {
            Some((candidate, look)) => (Some(Arc::new(candidate)), Some(look)),
            None => (None, None),
        };
        let (observer, thread) = Thread::start(settings, live, candidate.clone());
        let following = candidate.zip(look).map(|(candidate, look)| {
            let inputs = settings.shadow.clone();
            let changes = Changes::since(inputs.clone(), look);
            Following::start(inputs, changes, candidate.hash().clone(), observer.clone())
        });
        Self {
            observer,
            thread,
            following,
        }
    }
}
