//! What is played: how many requests, to which model, and what happens to its
//! endpoints meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::plan::Endpoint;
use crate::route::{Dice, RequestFeatures, Tokens};

/// The middle of an endpoint's latency where nothing is said of it.
pub const DEFAULT_LATENCY_MS: u64 = 800;

/// A refused connection is known at once.
const REFUSAL_MS: u64 = 1;

/// What is played.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scenario {
    /// The model that is asked for; the default slot's, or the only pool, where
    /// nothing is said.
    pub model: Option<String>,
    /// How long.
    pub duration_ms: u64,
    /// Requests a second.
    pub rps: f64,
    /// What chance begins with.
    pub seed: u64,
    /// What happens to endpoints, in any order.
    pub turns: Vec<Turn>,
    /// Middle of the latency, by endpoint.
    pub latency_ms: BTreeMap<String, u64>,
    /// Part of the answers that are errors, from 0 to 1, by endpoint.
    pub error_rate: BTreeMap<String, f64>,
    /// Tokens of each request, for the cost.
    pub input_tokens: u64,
    /// Tokens of each answer, for the cost.
    pub output_tokens: u64,
}

/// Something that happens to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// Milliseconds since the beginning.
    pub at_ms: u64,
    /// Its id.
    pub endpoint: String,
    /// What it is.
    pub what: What,
}

/// What happens to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// It is gone.
    Kill,
    /// It is back.
    Restore,
}

impl Scenario {
    /// Every endpoint that is named.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        let turns = self.turns.iter().map(|turn| turn.endpoint.as_str());
        let latencies = self.latency_ms.keys().map(String::as_str);
        let rates = self.error_rate.keys().map(String::as_str);
        turns.chain(latencies).chain(rates)
    }

    /// The first that brings an endpoint back which is not gone.
    pub(super) fn in_vain(&self) -> Option<&Turn> {
        let mut turns: Vec<&Turn> = self.turns.iter().collect();
        turns.sort_by_key(|turn| (turn.at_ms, turn.what));
        let mut gone = BTreeSet::new();
        turns.into_iter().find(|turn| match turn.what {
            What::Kill => {
                gone.insert(&turn.endpoint);
                false
            }
            What::Restore => !gone.remove(&turn.endpoint),
        })
    }

    /// One of its requests, which asks for `model`.
    pub(super) fn request<'r>(&self, model: &'r str) -> RequestFeatures<'r> {
        RequestFeatures {
            tokens: Tokens::Counted(self.input_tokens),
            ..RequestFeatures::plain(None, Some(model))
        }
    }

    /// How many requests are sent.
    pub(super) fn requests(&self) -> u64 {
        (self.rps * self.duration_ms as f64 / 1_000.0).round() as u64
    }

    /// When each request is sent: evenly, and a little off.
    pub(super) fn arrival(&self, number: u64, dice: &mut Dice) -> u64 {
        let slot = 1_000_000.0 / self.rps;
        let off = dice.below(slot as u64 + 1);
        ((number as f64 * slot) as u64 + off) / 1_000
    }
}

/// An upstream as the script has it.
pub(super) struct Upstream {
    latency_ms: u64,
    error_rate: f64,
    /// Spans in which it is gone, in order.
    gone: Vec<(u64, u64)>,
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an answer.
    Answer,
    /// With an error of the upstream.
    Error,
    /// Without a connection.
    Refusal,
    /// In the middle.
    Break,
}

impl Upstream {
    pub(super) fn new(scenario: &Scenario, endpoint: &Endpoint) -> Self {
        let id = &endpoint.id;
        let mine = scenario.turns.iter().filter(|turn| turn.endpoint == *id);
        let mut turns: Vec<(u64, What)> = mine.map(|turn| (turn.at_ms, turn.what)).collect();
        turns.sort_unstable();
        let mut gone = Vec::new();
        let mut since = None;
        for (at, what) in turns {
            match what {
                What::Kill => since = since.or(Some(at)),
                What::Restore => gone.extend(since.take().map(|since| (since, at))),
            }
        }
        gone.extend(since.map(|since| (since, u64::MAX)));
        let latency = scenario.latency_ms.get(id).copied();
        Self {
            latency_ms: latency.unwrap_or(DEFAULT_LATENCY_MS),
            error_rate: scenario.error_rate.get(id).copied().unwrap_or(0.0),
            gone,
        }
    }

    /// When it is killed and restored.
    pub(super) fn turns(&self) -> impl Iterator<Item = (u64, What)> {
        let gone = self.gone.iter();
        gone.flat_map(|(from, to)| [(*from, What::Kill), (*to, What::Restore)])
    }

    /// How long an attempt takes that begins at `at`, and how it ends. Answers take
    /// the middle a fifth more or less, and one in twenty three times as long.
    pub(super) fn attempt(&self, at: u64, dice: &mut Dice) -> (u64, Ending) {
        let percent = 80 + dice.below(41);
        let times = if dice.below(20) == 0 { 3 } else { 1 };
        let fails = (dice.below(1 << 32) as f64) < self.error_rate * (1u64 << 32) as f64;
        if self
            .gone
            .iter()
            .any(|(from, to)| (*from..*to).contains(&at))
        {
            return (REFUSAL_MS, Ending::Refusal);
        }
        let takes = self.latency_ms.saturating_mul(percent * times) / 100;
        let ends = at.saturating_add(takes);
        let next = self
            .gone
            .iter()
            .map(|(from, _)| *from)
            .find(|from| *from > at);
        match next {
            Some(killed) if killed <= ends => (killed - at, Ending::Break),
            _ if fails => (takes, Ending::Error),
            _ => (takes, Ending::Answer),
        }
    }
}
