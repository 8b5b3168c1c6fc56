//! How much quality a change may lose and how much it may cost before a review
//! refuses it.

use super::Summary;

/// What a reviewer accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// By how many points of a hundred the quality must rise; below zero, how many
    /// it may fall.
    pub quality_points: Option<f64>,
    /// How many of a hundred the cost may rise; below zero, how many it must fall.
    pub cost_percent: Option<f64>,
}

/// A difference of this many points, or percent, is one of rounding.
const ROUNDING: f64 = 1e-9;

impl Limits {
    /// Every way in which a change is over the limits, in words. What was found
    /// counts, not where it could lie by chance. A cost that is not known is within
    /// no limit.
    pub fn over(&self, summary: &Summary) -> Vec<String> {
        let mut over = Vec::new();
        let change = summary.change;
        if let (Some(least), Some(change)) = (self.quality_points, change) {
            let points = change.quality.found * 100.0;
            if points < least - ROUNDING {
                over.push(format!(
                    "the quality changes by {points:+.2} points, and `--min-quality-change {least}` asks for more"
                ));
            }
        }
        let Some(most) = self.cost_percent else {
            return over;
        };
        match change.and_then(|change| change.cost) {
            Some(cost) if cost.found * 100.0 > most + ROUNDING => over.push(format!(
                "the cost changes by {:+.1} %, and `--max-cost {most:+}%` allows less",
                cost.found * 100.0
            )),
            Some(_) => {}
            None => over.push(
                "the cost is not known for all prompts, so `--max-cost` has nothing to go by"
                    .to_owned(),
            ),
        }
        over
    }
}
