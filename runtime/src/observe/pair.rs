//! The plan that serves beside a candidate for it: what would change, as a replay
//! tells it.

use std::sync::Arc;

use ctr_compiler::corpus::Request;
use ctr_compiler::render::replay as render;
use ctr_compiler::replay::Replay;
use serde_json::{Value, json};

use super::candidate::Candidate;
use super::looks::{Looks, Shape};
use super::queue::Shared;
use crate::activate::Live;

/// Two plans, and what came of the requests since.
pub(super) struct Pair<'p> {
    live: &'p Arc<Live>,
    candidate: &'p Arc<Candidate>,
    replay: Replay<'p>,
    since_ms: u64,
}

impl<'p> Pair<'p> {
    pub(super) fn new(live: &'p Arc<Live>, looks: &Looks, candidate: &'p Arc<Candidate>) -> Self {
        let mut replay = Replay::between(live.plan(), &candidate.plan);
        for looks in [looks, &candidate.looks] {
            if let Some(finder) = &looks.finder {
                replay.patterns(finder.set());
            }
        }
        Self {
            live,
            candidate,
            replay,
            since_ms: live.clock().now_ms(),
        }
    }

    pub(super) fn is_of(&self, live: &Arc<Live>) -> bool {
        Arc::ptr_eq(self.live, live)
    }

    pub(super) fn candidate(&self) -> &'p Arc<Candidate> {
        self.candidate
    }

    pub(super) fn is_between(&self, live: &Arc<Live>, candidate: &Arc<Candidate>) -> bool {
        self.is_of(live) && Arc::ptr_eq(self.candidate, candidate)
    }

    /// Counts a request that began under these two plans; `shape` is what the
    /// candidate found in it.
    pub(super) fn count(&mut self, request: &Request, shape: &Shape) {
        let mut after = request.clone();
        after.text = shape.text.clone();
        if let Some(session) = &mut after.session {
            session.same_task = shape.same_task;
        }
        self.replay.pair(request, &after);
    }

    /// As `ctr diff --corpus --format json` tells it, and of which plans it is.
    pub(super) fn json(&self, shared: &Shared) -> Value {
        let report = self.replay.report();
        let mut told = render::json(report, &|path| self.candidate.place(path));
        if let Some(told) = told.as_object_mut() {
            told.insert("plan".to_owned(), json!(self.live.hash));
            let candidate = json!({
                "files": self.candidate.name,
                "hash": self.candidate.hash,
                "refused": shared.refused(),
            });
            told.insert("candidate".to_owned(), candidate);
            told.insert("since".to_owned(), json!(self.since_ms));
            told.insert("dropped".to_owned(), json!(shared.counts.dropped()));
        }
        told
    }

    /// In a line; none where nothing came.
    pub(super) fn summary(&self) -> Option<String> {
        let report = self.replay.report();
        let line = || format!("shadow {}: {}", self.candidate.told(), render::line(report));
        (report.requests > 0).then(line)
    }
}
