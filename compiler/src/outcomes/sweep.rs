//! A plan at every `longContextThreshold`: the curve of a router whose win rate is the
//! length of the input.
//!
//! The threshold has one say in a decision: whether a request counts as long. So each
//! prompt is decided twice, by the plan with a threshold that nothing is below and by
//! the plan with one that nothing is above, and its tokens tell which of the two
//! decisions it gets at any threshold between. A law holds this to what plans with
//! these thresholds decide.

use std::collections::BTreeMap;

use super::curve::{Bin, Curve};
use super::frontier::Point;
use super::tally::{Sum, Took};
use crate::plan::{Plan, Slot};

/// Token counts below this are told apart, and above it by their first digits in
/// base 2, so that the sums do not grow with the prompts.
const EXACT: u64 = 4_096;
/// Those digits.
const DIGITS: u32 = 9;

/// Sums of prompts by their tokens.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    /// The plan for which all is long.
    pub(super) long: Plan,
    /// The plan for which nothing is.
    pub(super) short: Plan,
    /// By the most tokens of a bucket.
    buckets: BTreeMap<u64, Bucket>,
    /// Prompts for which the threshold makes no difference.
    fixed: Sum,
    /// The model all go to where they are long, and where they are short; none where
    /// they do not all go to one.
    ends: Ends,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    long: Sum,
    short: Sum,
}

/// Whether all prompts are between two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// No prompt came yet.
    None,
    /// The model of long and of short ones.
    Of(usize, usize),
    /// They are not.
    Mixed,
}

impl Sweep {
    /// None where the plan has no slot `longContext`.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        plan.router.slots.get(&Slot::LongContext)?;
        let with = |threshold| {
            let mut plan = plan.clone();
            plan.router.long_context_threshold = threshold;
            plan
        };
        Some(Self {
            long: with(0),
            short: with(u64::MAX),
            buckets: BTreeMap::new(),
            fixed: Sum::default(),
            ends: Ends::None,
        })
    }

    /// Takes a prompt that both plans decided. Its tokens are counted only where
    /// they make a difference.
    pub(super) fn add(&mut self, long: &Took<'_>, short: &Took<'_>, tokens: impl Fn() -> u64) {
        let ends = match (long.model, short.model) {
            (Some(long), Some(short)) if long != short => Ends::Of(long, short),
            _ => Ends::Mixed,
        };
        self.ends = match self.ends {
            Ends::None => ends,
            known if known == ends => known,
            _ => Ends::Mixed,
        };
        if long == short || long.model == short.model {
            self.fixed.add(short.score, short.cost);
            return;
        }
        let bucket = self.buckets.entry(bucket(tokens())).or_default();
        bucket.long.add(long.score, long.cost);
        bucket.short.add(short.score, short.cost);
    }

    /// Quality by the share of the strong model, as RouteLLM draws it; `strong` says
    /// which of two models that is. None where not all prompts are between two.
    pub(super) fn curve(&self, is_better: impl Fn(usize, usize) -> bool) -> Option<Curve> {
        let Ends::Of(long, short) = self.ends else {
            return None;
        };
        let bins = |sign: f64| {
            self.buckets.iter().map(move |(tokens, bucket)| {
                let (weak, strong) = match sign > 0.0 {
                    true => (bucket.short, bucket.long),
                    false => (bucket.long, bucket.short),
                };
                Bin {
                    rate: sign * *tokens as f64,
                    prompts: bucket.long.prompts,
                    weak: weak.score,
                    strong: strong.score,
                }
            })
        };
        let bins: Vec<Bin> = match is_better(long, short) {
            true => bins(1.0).collect(),
            false => bins(-1.0).rev().collect(),
        };
        Curve::by_quantiles(&bins)
    }

    /// Where all is long, and where all is short.
    pub(super) fn ends(&self) -> Option<(usize, usize)> {
        match self.ends {
            Ends::Of(long, short) => Some((long, short)),
            _ => None,
        }
    }

    /// Cost of 1,000 prompts and quality at each threshold, from the one below which
    /// nothing is. Empty where a cost is not known.
    pub(super) fn points(&self) -> Vec<(u64, Point)> {
        let mut points = Vec::new();
        let mut all = self.fixed;
        for bucket in self.buckets.values() {
            all.take(&bucket.long);
        }
        points.extend(point(0, &all));
        for (tokens, bucket) in &self.buckets {
            all.score += bucket.short.score - bucket.long.score;
            all.cost += bucket.short.cost - bucket.long.cost;
            all.costed = all.costed + bucket.short.costed - bucket.long.costed;
            points.extend(point(*tokens, &all));
        }
        points
    }
}

fn point(threshold: u64, sum: &Sum) -> Option<(u64, Point)> {
    let quality = sum.quality()?;
    let cost = sum.per_thousand().filter(|_| sum.costed == sum.prompts)?;
    Some((threshold, Point { cost, quality }))
}

/// The most tokens that stand for so many.
pub(super) fn bucket(tokens: u64) -> u64 {
    if tokens < EXACT {
        return tokens;
    }
    let below = 64 - tokens.leading_zeros() - DIGITS;
    tokens | ((1 << below) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_by_its_most() {
        assert_eq!([bucket(0), bucket(4_095)], [0, 4_095]);
        let mut last = 4_095;
        for tokens in 4_096..100_000 {
            let most = bucket(tokens);
            assert!(most >= tokens && most >= last && bucket(most) == most);
            assert!((most - tokens) as f64 <= tokens as f64 / 200.0);
            last = most;
        }
        assert_eq!(bucket(u64::MAX), u64::MAX);
    }
}
