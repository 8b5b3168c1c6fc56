//! Latencies of an endpoint's successes: a window of samples that ages, and a
//! moving average for load balancing.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize};

use crate::plan::HealthPolicy;

/// One success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// To the first event of a stream, to the end of any other answer.
    #[serde(deserialize_with = "whole")]
    pub latency_ms: u64,
    /// When it was known.
    pub recorded_at: u64,
}

/// claude-trigger-router may have measured in parts of a millisecond.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let ms = f64::deserialize(deserializer)?;
    // The cast stops at the ends of the range.
    Ok(ms.round() as u64)
}

/// The latest samples, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies {
    samples: VecDeque<Sample>,
    peak: Option<Peak>,
}

/// A moving average that jumps up and comes down slowly.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Peak {
    ms: f64,
    at: u64,
}

impl Latencies {
    /// Adds a sample and drops the oldest above the policy's count.
    pub fn push(&mut self, policy: &HealthPolicy, now: u64, latency_ms: u64) {
        let sample = latency_ms as f64;
        let before = self.ewma_ms(policy, now).unwrap_or(0.0);
        // A slow answer counts at once; a fast one lets the average sink, as in Finagle's
        // PeakEwma.
        let ms = match self.peak {
            Some(peak) if sample < before => {
                let kept = kept(policy, now.saturating_sub(peak.at));
                peak.ms * kept + sample * (1.0 - kept)
            }
            _ => sample,
        };
        self.peak = Some(Peak { ms, at: now });
        self.samples.push_back(Sample {
            latency_ms,
            recorded_at: now,
        });
        while self.samples.len() > policy.latency_window as usize {
            self.samples.pop_front();
        }
    }

    /// The samples that count at `now`, oldest first.
    pub fn fresh(&self, policy: &HealthPolicy, now: u64) -> impl Iterator<Item = Sample> {
        let oldest = now.saturating_sub(policy.latency_max_age_ms);
        let samples = self.samples.iter().copied();
        samples.filter(move |sample| sample.recorded_at >= oldest)
    }

    /// Mean of the samples that count at `now`.
    pub fn average_ms(&self, policy: &HealthPolicy, now: u64) -> Option<f64> {
        let (sum, count) = self
            .fresh(policy, now)
            .fold((0.0, 0.0), |(sum, count), sample| {
                (sum + sample.latency_ms as f64, count + 1.0)
            });
        (count > 0.0).then(|| sum / count)
    }

    /// The moving average at `now`. It sinks while nothing is measured, so that an
    /// endpoint that was slow once is tried again.
    pub fn ewma_ms(&self, policy: &HealthPolicy, now: u64) -> Option<f64> {
        let peak = self.peak?;
        let age = now.saturating_sub(peak.at);
        (age <= policy.latency_max_age_ms).then(|| peak.ms * kept(policy, age))
    }

    /// All samples, also those that are too old to count.
    pub(super) fn all(&self) -> impl Iterator<Item = Sample> {
        self.samples.iter().copied()
    }
}

/// The part of an average that is kept after `age`: a half after the policy's
/// time. A fraction in place of the usual exponential, which is not the same to
/// the last digit on every machine.
fn kept(policy: &HealthPolicy, age: u64) -> f64 {
    let decay = policy.ewma_decay_ms.max(1) as f64;
    decay / (decay + age as f64)
}
