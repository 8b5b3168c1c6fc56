//! How a figure is told: with its aim, and whether it is met.

use std::fmt;

/// What a figure is to be.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    AtLeast(f64),
    AtMost(f64),
    /// Told for comparison only.
    None,
}

impl Aim {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
            Self::None => true,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "aim ≥ {least}"),
            Self::AtMost(most) => write!(f, "aim ≤ {most}"),
            Self::None => f.write_str("no aim"),
        }
    }
}

/// Prints one line: what, how much, the aim, and what else is worth knowing.
pub(crate) fn tell(what: &str, figure: f64, unit: &str, aim: Aim, beside: &str) {
    let verdict = match (aim, aim.is_met(figure)) {
        (Aim::None, _) => "      ",
        (_, true) => "met   ",
        (_, false) => "MISSED",
    };
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!(" {unit}")
    };
    println!("{verdict} {what}: {figure:.2}{unit} ({aim}){beside}");
}

pub(crate) fn median(samples: impl IntoIterator<Item = f64>) -> f64 {
    quantile(samples, 0.5)
}

/// Not a number where there are no samples.
pub(crate) fn quantile(samples: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut samples: Vec<f64> = samples.into_iter().collect();
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1) as f64;
    samples
        .get((last * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
