//! How far a difference could be chance: a bootstrap over prompts that keeps none of
//! them.
//!
//! Resampling `n` prompts with replacement draws each of them about Poisson(1) times,
//! independently of the others, so that a prompt can be weighted for all resamples when
//! it comes and then be forgotten (Hanley and MacGibbon, "Creating non-parametric
//! bootstrap samples using Poisson frequencies", 2006; Chamandy et al., "Estimating
//! Uncertainty for Massive Data Streams", 2012). Both plans have one weight for a
//! prompt: the difference is paired.
//!
//! Chance is a function of the seed, the prompt's number and the resample's (Salmon et
//! al., "Parallel random numbers: as easy as 1, 2, 3", 2011), here the finalizer of
//! SplitMix64 (Steele, Lea and Flood, 2014), so that the same file and seed always give
//! the same interval.

use serde::Serialize;

/// The middle part of the resamples that an interval covers.
const COVERS: f64 = 0.95;

/// Poisson(1): `2^32 · P(X ≤ k)` for k from 0; above the last it is one more.
const POISSON: [u32; 9] = [
    1_580_030_168,
    3_160_060_337,
    3_950_075_421,
    4_213_413_783,
    4_279_248_373,
    4_292_415_291,
    4_294_609_777,
    4_294_923_276,
    4_294_962_463,
];

/// A difference, and where it could lie by chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// What was found.
    pub found: f64,
    /// The end below.
    pub low: f64,
    /// The end above.
    pub high: f64,
}

impl Interval {
    /// Half of its width, as in `−0.4 ± 0.6`.
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// Whether there may be no difference.
    pub fn holds_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// Sums of one resample.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    prompts: f64,
    score: f64,
    cost_before: f64,
    cost_after: f64,
}

impl Sums {
    fn add(&mut self, weight: f64, score: f64, cost: (f64, f64)) {
        self.prompts += weight;
        self.score += weight * score;
        self.cost_before += weight * cost.0;
        self.cost_after += weight * cost.1;
    }

    fn quality(&self) -> Option<f64> {
        (self.prompts > 0.0).then(|| self.score / self.prompts)
    }

    fn cost(&self) -> Option<f64> {
        (self.cost_before > 0.0).then(|| self.cost_after / self.cost_before - 1.0)
    }
}

/// Differences between two plans, resampled as they come.
#[derive(Clone, Debug)]
pub struct Resampling {
    seed: u64,
    all: Sums,
    samples: Vec<Sums>,
    prompts: u64,
}

impl Resampling {
    /// With so many resamples.
    pub fn new(seed: u64, resamples: usize) -> Self {
        Self {
            seed: mix(seed),
            all: Sums::default(),
            samples: vec![Sums::default(); resamples],
            prompts: 0,
        }
    }

    /// Takes the next prompt: by how much its score rises, and what it cost before
    /// and after; costs count only where both are known.
    pub fn add(&mut self, score: f64, cost: Option<(f64, f64)>) {
        let cost = cost.unwrap_or_default();
        let key = mix(self.seed ^ self.prompts.wrapping_mul(0xa076_1d64_78bd_642f));
        self.prompts += 1;
        self.all.add(1.0, score, cost);
        for (samples, at) in self.samples.chunks_mut(2).zip(1_u64..) {
            let drawn = mix(key.wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            let halves = [drawn as u32, (drawn >> 32) as u32];
            for (sample, half) in samples.iter_mut().zip(halves) {
                sample.add(weight(half), score, cost);
            }
        }
    }

    /// By how much the mean score rises. None without a prompt.
    pub fn quality(&self) -> Option<Interval> {
        self.interval(Sums::quality)
    }

    /// By which part the cost rises. None where nothing was paid before.
    pub fn cost(&self) -> Option<Interval> {
        self.interval(Sums::cost)
    }

    fn interval(&self, of: impl Fn(&Sums) -> Option<f64>) -> Option<Interval> {
        let found = of(&self.all)?;
        let mut drawn: Vec<f64> = self.samples.iter().filter_map(of).collect();
        drawn.sort_by(f64::total_cmp);
        let outside = (1.0 - COVERS) / 2.0;
        Some(Interval {
            found,
            low: quantile(&drawn, outside).unwrap_or(found),
            high: quantile(&drawn, 1.0 - outside).unwrap_or(found),
        })
    }
}

/// Of sorted numbers, by a straight line between two.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = last as f64 * part;
    let below = *sorted.get(at.floor() as usize)?;
    let above = *sorted.get(at.ceil() as usize)?;
    Some(below + (above - below) * at.fract())
}

/// By the first byte of a number: how often a prompt is drawn, where that byte tells.
const BY_BYTE: [f64; 256] = {
    let mut table = [UNTOLD; 256];
    let mut byte = 0;
    while byte < 256 {
        let least = (byte as u32) << 24;
        let (low, high) = (poisson(least), poisson(least | 0x00ff_ffff));
        if low == high {
            table[byte] = low as f64;
        }
        byte += 1;
    }
    table
};
/// Where it does not.
const UNTOLD: f64 = -1.0;

/// How often a prompt is drawn, by an evenly drawn number.
fn weight(drawn: u32) -> f64 {
    match BY_BYTE[(drawn >> 24) as usize] {
        UNTOLD => poisson(drawn) as f64,
        told => told,
    }
}

const fn poisson(drawn: u32) -> usize {
    let mut weight = 0;
    while weight < POISSON.len() && drawn >= POISSON[weight] {
        weight += 1;
    }
    weight
}

/// Spreads numbers evenly.
pub(super) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_poisson() {
        let mut probability = (-1.0_f64).exp();
        let mut sum = 0.0;
        for (limit, k) in POISSON.iter().zip(1_u32..) {
            sum += probability;
            probability /= f64::from(k);
            let wanted = sum * 4_294_967_296.0;
            assert!((f64::from(*limit) - wanted).abs() < 1.0, "{limit} {wanted}");
        }
        assert_eq!((weight(0), weight(u32::MAX)), (0.0, 9.0));
        for drawn in (0..u32::MAX).step_by(99_991) {
            assert_eq!(weight(drawn), poisson(drawn) as f64);
        }
    }

    /// The standard error of a mean of 2,000 scores that are +1 or −1 in turn is
    /// 1/√2000; an interval of 95 % is 1.96 times that on either side.
    #[test]
    fn an_interval_is_as_wide_as_theory_says() {
        let mut resampling = Resampling::new(7, 2_000);
        for at in 0..2_000 {
            let score = if at % 2 == 0 { 1.0 } else { -1.0 };
            resampling.add(score, Some((1.0, 0.75)));
        }
        let quality = resampling.quality().unwrap();
        assert!(quality.found.abs() < 1e-12 && quality.holds_zero());
        let wanted = 1.96 / 2_000_f64.sqrt();
        let found = quality.half_width();
        assert!((found / wanted - 1.0).abs() < 0.1, "{found} {wanted}");
        let cost = resampling.cost().unwrap();
        for end in [cost.found, cost.low, cost.high] {
            assert!((end + 0.25).abs() < 1e-12, "{cost:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let draw = |seed| {
            let mut resampling = Resampling::new(seed, 101);
            (0..50).for_each(|at| resampling.add(f64::from(at % 3), None));
            (resampling.quality(), resampling.cost())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(draw(1).1, None);
        assert_eq!(Resampling::new(1, 10).quality(), None);
    }
}
