//! How sure a mean is. Student's t throughout: samples are small, and their
//! variances are not known and need not be the same.
//!
//! Sources: Welch, Biometrika 34 (1947), for two samples and for the mean over
//! tasks; Holm, Scandinavian Journal of Statistics 6 (1979), for many questions at
//! once; Press et al., Numerical Recipes, 6.1 and 6.4, for the functions.

use serde::Serialize;

use super::rounded;

/// A mean, and where the true one lies with 95 % confidence, as far as that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Where it begins; absent where too little was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// Numbers that were measured in the same way.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn push(&mut self, number: f64) {
        self.0.push(number);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len().max(1) as f64
    }

    /// The variance of its mean, and its degrees of freedom; none of fewer than two.
    fn error(&self) -> Option<(f64, f64)> {
        let count = self.0.len();
        if count < 2 {
            return None;
        }
        let mean = self.mean();
        let squares: f64 = self.0.iter().map(|it| (it - mean).powi(2)).sum();
        let freedom = (count - 1) as f64;
        Some((squares / freedom / count as f64, freedom))
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<T: IntoIterator<Item = f64>>(numbers: T) -> Self {
        Self(numbers.into_iter().collect())
    }
}

/// An estimate: its value, and the variance of it with its degrees of freedom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) value: f64,
    error: Option<(f64, f64)>,
}

/// Differences below this are rounding.
const NOTHING: f64 = 1e-9;

impl Estimate {
    /// The mean of samples, each counting the same, whatever their sizes.
    pub(super) fn over(samples: &[&Sample]) -> Self {
        let count = samples.len().max(1) as f64;
        let sum: f64 = samples.iter().map(|sample| sample.mean()).sum();
        let errors: Option<Vec<(f64, f64)>> = samples.iter().map(|it| it.error()).collect();
        Self {
            value: sum / count,
            error: errors.and_then(|errors| pooled(&errors, 1.0 / count)),
        }
    }

    /// How much more the second is of each pair, in the mean: by the repeats where
    /// every sample has some, else by how the pairs differ from each other.
    pub(super) fn difference(pairs: &[(&Sample, &Sample)]) -> Self {
        let part = 1.0 / pairs.len().max(1) as f64;
        let repeats: Option<Vec<(f64, f64)>> = pairs
            .iter()
            .flat_map(|(before, after)| [before.error(), after.error()])
            .collect();
        let differences = pairs
            .iter()
            .map(|(before, after)| after.mean() - before.mean());
        let differences: Sample = differences.collect();
        Self {
            value: differences.mean(),
            error: match repeats {
                Some(repeats) => pooled(&repeats, part),
                None => differences.error(),
            },
        }
    }

    /// The chance of a value this far from 0 if the true one were 0.
    pub(super) fn chance(self) -> Option<f64> {
        let (variance, freedom) = self.error?;
        if self.value.abs() < NOTHING {
            return Some(1.0);
        }
        if variance.sqrt() < NOTHING {
            return Some(0.0);
        }
        Some(two_tails(self.value / variance.sqrt(), freedom))
    }

    /// With its interval, which stays between `least` and `most` as the true value does.
    pub(super) fn interval(self, least: f64, most: f64) -> Interval {
        let reach = self.error.map(|(variance, freedom)| match variance.sqrt() {
            error if error < NOTHING => 0.0,
            error => error * quantile(freedom),
        });
        Interval {
            mean: rounded(self.value),
            low: reach.map(|reach| rounded((self.value - reach).max(least))),
            high: reach.map(|reach| rounded((self.value + reach).min(most))),
        }
    }
}

/// The variance of a sum of means, each times `part`, with Welch's degrees of freedom.
fn pooled(errors: &[(f64, f64)], part: f64) -> Option<(f64, f64)> {
    let sum: f64 = errors.iter().map(|(variance, _)| variance).sum();
    let below: f64 = errors.iter().map(|(it, freedom)| it * it / freedom).sum();
    let least = errors.iter().map(|(_, freedom)| *freedom);
    let least = least.min_by(f64::total_cmp)?;
    let freedom = if below > 0.0 {
        sum * sum / below
    } else {
        least
    };
    Some((sum * part * part, freedom))
}

/// The mean quality over tasks and its interval.
pub(super) fn over_tasks(samples: &[&Sample]) -> Interval {
    Estimate::over(samples).interval(0.0, 1.0)
}

/// Holm's: the chances, made so much larger that comparing each with one bound keeps
/// the chance of any false alarm below it. In their order.
pub(super) fn corrected(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let mut corrected = vec![1.0; chances.len()];
    let mut largest: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        largest = largest.max((chances[at] * (chances.len() - rank) as f64).min(1.0));
        corrected[at] = largest;
    }
    corrected
}

/// The chance of a t this far from 0 on either side.
fn two_tails(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t)).clamp(0.0, 1.0)
}

/// The t beyond which, on either side, 5 % lie.
fn quantile(freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 20.0);
    // One degree of freedom has the heaviest tail: 12.7.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        match two_tails(middle, freedom) > 0.05 {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// The regularised incomplete beta function.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln();
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front.exp() * fraction(a, b, x) / a,
        false => 1.0 - front.exp() * fraction(b, a, 1.0 - x) / b,
    }
}

/// Its continued fraction, by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let held = |number: f64| if number.abs() < TINY { TINY } else { number };
    let mut c = 1.0;
    let mut d = 1.0 / held(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut last = 1.0;
        for part in [even, odd] {
            d = 1.0 / held(1.0 + part * d);
            c = held(1.0 + part / c);
            last = d * c;
            value *= last;
        }
        if (last - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function of a positive number (Lanczos).
fn ln_gamma(x: f64) -> f64 {
    const PARTS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.001_208_650_973_866_179,
        -0.000_005_395_239_384_953,
    ];
    let base = x + 5.5 - (x + 0.5) * (x + 5.5).ln();
    let mut series = 1.000_000_000_190_015;
    for (at, part) in PARTS.iter().enumerate() {
        series += part / (x + 1.0 + at as f64);
    }
    (2.506_628_274_631_000_5 * series / x).ln() - base
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of printed t tables.
    #[test]
    fn t_is_as_tables_have_it() {
        for (freedom, t) in [
            (1.0, 12.706),
            (2.0, 4.303),
            (7.0, 2.365),
            (30.0, 2.042),
            (1_000.0, 1.962),
        ] {
            assert!((quantile(freedom) - t).abs() < 1e-3, "{freedom}");
            assert!((two_tails(t, freedom) - 0.05).abs() < 1e-4, "{freedom}");
        }
        assert!((two_tails(0.0, 3.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_number_has_no_interval() {
        let one: Sample = [0.5].into_iter().collect();
        assert_eq!(over_tasks(&[&one]).low, None);
        let two: Sample = [0.4, 0.6].into_iter().collect();
        assert_eq!(over_tasks(&[&one, &two]).low, None);
        // 0.5 ± 12.706 · 0.1, kept in 0 to 1.
        assert_eq!(over_tasks(&[&two]).low, Some(0.0));
        let estimate = Estimate::over(&[&two]);
        assert_eq!(estimate.interval(-9.0, 9.0).low, Some(-0.7706));
        let same: Sample = [0.5; 3].into_iter().collect();
        assert_eq!(over_tasks(&[&same]).high, Some(0.5));
    }

    /// Worked by hand: variances of means 1/3 and 1.
    #[test]
    fn two_samples_are_compared_by_welch() {
        let before: Sample = [1.0, 2.0, 3.0].into_iter().collect();
        let after: Sample = [5.0, 5.0, 8.0].into_iter().collect();
        let estimate = Estimate::difference(&[(&before, &after)]);
        let (variance, freedom) = estimate.error.expect("three of each");
        assert!((variance - (1.0 / 3.0 + 1.0)).abs() < 1e-9);
        assert!((freedom - (16.0 / 9.0) / (1.0 / 18.0 + 0.5)).abs() < 1e-9);
        assert!(estimate.chance().is_some_and(|it| it > 0.03 && it < 0.08));
    }

    /// Differences 1, 2 and 3: mean 2, variance of the mean 1/3, t = 3.464 with two
    /// degrees of freedom, of which a table says 7.4 %.
    #[test]
    fn pairs_without_repeats_are_compared_by_their_differences() {
        let one = |number: f64| -> Sample { [number].into_iter().collect() };
        let (a, b, c) = (one(1.0), one(2.0), one(3.0));
        let zero = one(0.0);
        let estimate = Estimate::difference(&[(&zero, &a), (&zero, &b), (&zero, &c)]);
        assert!((estimate.value - 2.0).abs() < 1e-9);
        let chance = estimate.chance().expect("three pairs");
        assert!((chance - 0.0742).abs() < 1e-3, "{chance}");
        assert_eq!(Estimate::difference(&[(&zero, &a)]).chance(), None);
    }

    #[test]
    fn many_questions_need_more_to_be_sure() {
        let found = corrected(&[0.01, 0.04, 0.03]);
        let wanted = [0.03, 0.06, 0.06];
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{found}");
        }
        assert_eq!(corrected(&[]), [0.0; 0]);
    }
}
