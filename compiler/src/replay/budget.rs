//! How much a change may move and cost before a review refuses it.

use super::Report;

/// A number of requests, or a part of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// So many.
    Count(u64),
    /// So many of a hundred.
    Percent(f64),
}

impl Share {
    /// Reads `200` or `5%`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().ok()?;
                (0.0..=100.0)
                    .contains(&percent)
                    .then_some(Self::Percent(percent))
            }
            None => text.parse().ok().map(Self::Count),
        }
    }

    fn is_exceeded(self, count: u64, of: u64) -> bool {
        match self {
            Self::Count(most) => count > most,
            Self::Percent(most) => count as f64 * 100.0 > most * of as f64,
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What a reviewer accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Requests that may change.
    pub moved: Option<Share>,
    /// How many of a hundred the cost may rise; below zero, how many it must fall.
    pub cost_percent: Option<f64>,
}

impl Budget {
    /// Every way in which a report is over the budget, in words. What could not
    /// be decided is within no budget: where nothing could be, all is refused.
    pub fn over(&self, report: &Report<'_>) -> Vec<String> {
        let mut over = Vec::new();
        if *self == Self::default() {
            return over;
        }
        if report.decided == 0 {
            over.push("no request of the corpus could be decided".to_owned());
            return over;
        }
        let (moved, decided) = (report.moved(), report.decided);
        if let Some(most) = self.moved
            && most.is_exceeded(moved, decided)
        {
            let percent = moved as f64 * 100.0 / decided as f64;
            over.push(format!(
                "{moved} of {decided} requests change ({percent:.1} %), and `--max-moved {most}` allows fewer"
            ));
        }
        let Some(most) = self.cost_percent else {
            return over;
        };
        if report.costs().next().is_none() {
            over.push("no request has both a price and recorded tokens, so `--max-cost` has nothing to go by".to_owned());
        }
        for (currency, cost) in report.costs() {
            let exceeds = match cost.percent() {
                Some(percent) => percent > most + 1e-9,
                None => cost.after > 0.0,
            };
            if exceeds {
                let change = cost.percent().map_or("from nothing".to_owned(), |percent| {
                    format!("{percent:+.1} %")
                });
                over.push(format!(
                    "the cost changes by {change} in {currency}, and `--max-cost {most:+}%` allows less"
                ));
            }
        }
        over
    }
}
