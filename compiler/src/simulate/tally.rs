//! What is counted, over spans of time and over all of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::Endpoint;

/// Spans of time in one simulation, at most.
const SPANS: u64 = 24;

/// Lengths of a span that people count in, in seconds.
const ROUND: [u64; 14] = [
    1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200,
];

/// One span of time. Requests count where they were sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// When it begins, in milliseconds since the beginning.
    pub from_ms: u64,
    /// Requests that each endpoint answered.
    pub answers: Vec<u64>,
    /// Attempts at each endpoint that failed.
    pub failures: Vec<u64>,
    /// Requests without any answer.
    pub failed: u64,
    /// Requests that were refused without an attempt.
    pub refused: u64,
    /// Half of the answers took no longer, with all attempts.
    pub p50_ms: Option<u64>,
    /// 19 of 20 answers took no longer.
    pub p95_ms: Option<u64>,
    /// How each endpoint stands at its end.
    pub standing: Vec<&'static str>,
}

/// All of it together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Requests that were sent.
    pub requests: u64,
    /// Requests without any answer.
    pub failed: u64,
    /// Requests that were refused without an attempt.
    pub refused: u64,
    /// Attempts after a first one.
    pub retries: u64,
    /// Half of the answers took no longer.
    pub p50_ms: Option<u64>,
    /// 19 of 20 answers took no longer.
    pub p95_ms: Option<u64>,
    /// What the answers cost by declared prices, by currency.
    pub cost: BTreeMap<String, f64>,
    /// By endpoint.
    pub endpoints: Vec<Share>,
}

/// What one endpoint did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// Its id.
    pub id: String,
    /// Answers that came from it.
    pub answers: u64,
    /// Its part of all answers, from 0 to 1.
    pub share: f64,
    /// Attempts that failed.
    pub failures: u64,
    /// Half of its answers took no longer.
    pub p50_ms: Option<u64>,
    /// 19 of 20 of its answers took no longer.
    pub p95_ms: Option<u64>,
    /// What its answers cost, where it declares a price.
    pub cost: Option<f64>,
    /// The currency of that.
    pub currency: Option<String>,
}

/// Latencies of answers.
#[derive(Clone, Default)]
struct Latencies(Vec<u64>);

impl Latencies {
    /// The smallest that so many percent of all do not exceed.
    fn percentile(&mut self, percent: usize) -> Option<u64> {
        self.0.sort_unstable();
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied()
    }
}

/// Counts while the simulation runs.
pub(super) struct Tally {
    width_ms: u64,
    buckets: Vec<(Bucket, Latencies)>,
    of_endpoints: Vec<Latencies>,
    all: Latencies,
    retries: u64,
}

impl Tally {
    pub(super) fn new(duration_ms: u64, endpoints: usize) -> Self {
        let wanted = duration_ms.div_ceil(SPANS).div_ceil(1_000);
        let round = ROUND.iter().copied().find(|seconds| *seconds >= wanted);
        let width_ms = round.unwrap_or(wanted) * 1_000;
        let count = duration_ms.div_ceil(width_ms).max(1);
        let bucket = |at: u64| Bucket {
            from_ms: at * width_ms,
            answers: vec![0; endpoints],
            failures: vec![0; endpoints],
            failed: 0,
            refused: 0,
            p50_ms: None,
            p95_ms: None,
            standing: vec!["healthy"; endpoints],
        };
        Self {
            width_ms,
            buckets: (0..count)
                .map(|at| (bucket(at), Latencies::default()))
                .collect(),
            of_endpoints: vec![Latencies::default(); endpoints],
            all: Latencies::default(),
            retries: 0,
        }
    }

    /// The span a moment is in; what fails after the end belongs to the last.
    fn at(&mut self, ms: u64) -> &mut (Bucket, Latencies) {
        let last = self.buckets.len() - 1;
        let at = usize::try_from(ms / self.width_ms).unwrap_or(last);
        &mut self.buckets[at.min(last)]
    }

    pub(super) fn answered(&mut self, ms: u64, endpoint: usize, attempt_ms: u64, request_ms: u64) {
        let (bucket, latencies) = self.at(ms);
        bucket.answers[endpoint] += 1;
        latencies.0.push(request_ms);
        self.of_endpoints[endpoint].0.push(attempt_ms);
        self.all.0.push(request_ms);
    }

    pub(super) fn attempt_failed(&mut self, ms: u64, endpoint: usize) {
        self.at(ms).0.failures[endpoint] += 1;
    }

    pub(super) fn failed(&mut self, ms: u64) {
        self.at(ms).0.failed += 1;
    }

    pub(super) fn refused(&mut self, ms: u64) {
        self.at(ms).0.refused += 1;
    }

    pub(super) fn retried(&mut self) {
        self.retries += 1;
    }

    /// Where the spans end, in order.
    pub(super) fn ends(&self) -> Vec<u64> {
        let ends = self.buckets.iter();
        ends.map(|(bucket, _)| bucket.from_ms + self.width_ms)
            .collect()
    }

    /// Notes how the endpoints stand at the end of a span.
    pub(super) fn stand(&mut self, span: usize, standing: Vec<&'static str>) {
        self.buckets[span].0.standing = standing;
    }

    pub(super) fn finish(
        mut self,
        endpoints: &[Endpoint],
        price: impl Fn(&Endpoint) -> Option<(f64, String)>,
    ) -> (Vec<Bucket>, Totals) {
        let mut buckets = Vec::new();
        for (mut bucket, mut latencies) in self.buckets {
            bucket.p50_ms = latencies.percentile(50);
            bucket.p95_ms = latencies.percentile(95);
            buckets.push(bucket);
        }
        let sum = |of: fn(&Bucket) -> u64| buckets.iter().map(of).sum::<u64>();
        let (failed, refused) = (sum(|one| one.failed), sum(|one| one.refused));
        let answers = self.all.0.len() as u64;
        let mut cost: BTreeMap<String, f64> = BTreeMap::new();
        let mut shares = Vec::new();
        for (at, endpoint) in endpoints.iter().enumerate() {
            let latencies = &mut self.of_endpoints[at];
            let mine = latencies.0.len() as u64;
            let priced = price(endpoint).map(|(one, currency)| (one * mine as f64, currency));
            if let Some((amount, currency)) = &priced {
                *cost.entry(currency.clone()).or_default() += amount;
            }
            shares.push(Share {
                id: endpoint.id.clone(),
                answers: mine,
                share: mine as f64 / answers.max(1) as f64,
                failures: buckets.iter().map(|bucket| bucket.failures[at]).sum(),
                p50_ms: latencies.percentile(50),
                p95_ms: latencies.percentile(95),
                cost: priced.as_ref().map(|(amount, _)| *amount),
                currency: priced.map(|(_, currency)| currency),
            });
        }
        let totals = Totals {
            requests: answers + failed + refused,
            failed,
            refused,
            retries: self.retries,
            p50_ms: self.all.percentile(50),
            p95_ms: self.all.percentile(95),
            cost,
            endpoints: shares,
        };
        (buckets, totals)
    }
}
