//! How good a router between two models is over all its thresholds: the metrics of
//! RouteLLM (Ong et al., "RouteLLM: Learning to Route LLMs with Preference Data",
//! arXiv 2406.18665, section 3.1), with the numbers that its evaluation code gives.
//!
//! Qualities are means of scores, 0 to 1; shares are of prompts, 0 to 1.

/// Edges of ten bins with as many prompts each, as RouteLLM takes them.
const EDGES: usize = 11;

/// Part of the way from the weak model's quality to the strong one's:
/// `PGR = (r(router) − r(weak)) / (r(strong) − r(weak))`, "performance gap
/// recovered". None where there is no gap.
pub fn pgr(quality: f64, weak: f64, strong: f64) -> Option<f64> {
    let gap = strong - weak;
    (gap > 0.0).then(|| (quality - weak) / gap)
}

/// Prompts for which a router is equally sure that the strong model is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// What the router compares with its threshold; higher asks for the strong model.
    pub rate: f64,
    /// How many.
    pub prompts: u64,
    /// Sum of what the weak model scores on them.
    pub weak: f64,
    /// Sum of what the strong model scores on them.
    pub strong: f64,
}

/// Quality by the share of prompts that the strong model gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Share and quality, by share ascending.
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// The curve through these shares and qualities, in any order.
    pub fn new(mut points: Vec<(f64, f64)>) -> Self {
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self { points }
    }

    /// As RouteLLM draws it: thresholds stand at the edges of ten bins with as
    /// many prompts each, found by linear interpolation between their rates; a
    /// prompt goes to the strong model where its rate is at least the threshold,
    /// and above it for the last. `bins` come by rate ascending, each rate once.
    /// None without a prompt.
    pub fn by_quantiles(bins: &[Bin]) -> Option<Self> {
        let count: u64 = bins.iter().map(|bin| bin.prompts).sum();
        let last = count.checked_sub(1)?;
        let rate_of = |nth: u64| {
            let mut seen = 0;
            let found = bins.iter().find(|bin| {
                seen += bin.prompts;
                seen > nth
            });
            found.map_or(0.0, |bin| bin.rate)
        };
        let points = (0..EDGES).map(|edge| {
            let at = last as f64 * edge as f64 / (EDGES - 1) as f64;
            let below = rate_of(at.floor() as u64);
            let above = rate_of((at.floor() as u64 + 1).min(last));
            let threshold = below + (above - below) * at.fract();
            let is_last = edge == EDGES - 1;
            point(bins, count, |rate| match is_last {
                true => rate > threshold,
                false => rate >= threshold,
            })
        });
        Some(Self::new(points.collect()))
    }

    /// Share and quality, by share ascending.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The area below it, by trapezoids.
    pub fn area(&self) -> f64 {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        pairs.map(|(a, b)| (b.0 - a.0) * (a.1 + b.1) / 2.0).sum()
    }

    /// "Average performance gap recovered": `APGR = (area − r(weak)) / (r(strong) −
    /// r(weak))`. The curve must go from no prompt to all. None where there is no gap.
    pub fn apgr(&self, weak: f64, strong: f64) -> Option<f64> {
        pgr(self.area(), weak, strong)
    }

    /// "Call-performance threshold": the share of prompts that the strong model
    /// must get for a PGR of `part`, 0 to 1, between two points by a straight line.
    /// None where the curve does not get there.
    pub fn cpt(&self, part: f64, weak: f64, strong: f64) -> Option<f64> {
        let wanted = weak + part * (strong - weak);
        let reached = self.points.iter().position(|point| point.1 >= wanted)?;
        let after = self.points.get(reached)?;
        let Some(before) = reached.checked_sub(1).and_then(|at| self.points.get(at)) else {
            return Some(after.0);
        };
        let rises = after.1 - before.1;
        Some(before.0 + (after.0 - before.0) * (wanted - before.1) / rises)
    }
}

fn point(bins: &[Bin], count: u64, is_strong: impl Fn(f64) -> bool) -> (f64, f64) {
    let (mut calls, mut score) = (0, 0.0);
    for bin in bins {
        match is_strong(bin.rate) {
            true => {
                calls += bin.prompts;
                score += bin.strong;
            }
            false => score += bin.weak,
        }
    }
    (calls as f64 / count as f64, score / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, wanted: f64) {
        assert!(
            found.is_some_and(|found| (found - wanted).abs() < 1e-12),
            "{found:?} is not {wanted}"
        );
    }

    /// Ten prompts by their rate; the strong model is right on all but the second,
    /// the weak one on the first four.
    fn ten() -> Vec<Bin> {
        let bin = |at: u32| Bin {
            rate: f64::from(at * 10),
            prompts: 1,
            weak: f64::from(at < 4),
            strong: f64::from(at != 1),
        };
        (0..10).map(bin).collect()
    }

    /// Values of RouteLLM's formulas in numpy: `quantile`, `trapz`, `interp`.
    #[test]
    fn a_curve_has_the_values_of_its_authors() {
        let curve = Curve::by_quantiles(&ten()).unwrap();
        let shares: Vec<f64> = curve.points().iter().map(|point| point.0).collect();
        assert_eq!(
            shares,
            [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
        );
        near(Some(curve.area()), 0.805);
        near(curve.apgr(0.4, 0.9), 0.81);
        near(curve.cpt(0.2, 0.4, 0.9), 0.1);
        near(curve.cpt(0.5, 0.4, 0.9), 0.25);
        near(curve.cpt(0.8, 0.4, 0.9), 0.4);
    }

    #[test]
    fn without_a_gap_there_is_nothing_to_recover() {
        assert_eq!(pgr(0.7, 0.8, 0.8), None);
        assert_eq!(pgr(0.7, 0.8, 0.6), None);
        near(pgr(0.7, 0.5, 0.9), 0.5);
        assert_eq!(Curve::by_quantiles(&[]), None);
    }

    #[test]
    fn what_a_curve_does_not_reach_has_no_threshold() {
        let curve = Curve::new(vec![(0.0, 0.4), (1.0, 0.6)]);
        assert_eq!(curve.cpt(0.9, 0.4, 0.9), None);
        near(curve.cpt(0.0, 0.4, 0.9), 0.0);
    }
}
