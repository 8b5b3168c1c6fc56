//! One pure ordering for each strategy. Chance is a number in the snapshot, so
//! that a recorded decision replays; ties fall to priority, then id.

use std::cmp::Ordering;

use super::Candidate;
use crate::health::Standing;
use crate::plan::{Cost, Endpoint, Pool, Strategy};

/// Sorts candidates, which come in order of (priority, id), by the strategy of
/// their pool. Nothing is allocated.
pub(super) fn sort(pool: &Pool, candidates: &mut [Candidate<'_>], ticket: u64) {
    match pool.strategy {
        Strategy::Priority => {}
        Strategy::LeastLatency => sort_by(candidates, |a, b| {
            trial_first(a, b).then_with(|| latency(a, b))
        }),
        Strategy::RoundRobin => sort_by(candidates, |a, b| a.seen.last_used.cmp(&b.seen.last_used)),
        Strategy::HealthAware => sort_by(candidates, |a, b| {
            trial_first(a, b)
                .then_with(|| rank(a).cmp(&rank(b)))
                .then_with(|| a.seen.failures.cmp(&b.seen.failures))
                .then_with(|| latency(a, b))
        }),
        Strategy::CostAware => sort_by(candidates, |a, b| cost(pool, a.endpoint, b.endpoint)),
        Strategy::P2cEwma => power_of_two(candidates, ticket),
        Strategy::Weighted => draw(candidates, ticket, pool.max_retries as usize + 1),
    }
}

/// The endpoint a strategy likes best of all that it is shown, without chance.
pub(super) fn prefer<'c, 'p>(
    pool: &Pool,
    candidates: &'c mut [Candidate<'p>],
) -> Option<&'c Candidate<'p>> {
    match pool.strategy {
        Strategy::Weighted => sort_by(candidates, |a, b| weight(b).cmp(&weight(a))),
        Strategy::P2cEwma => by_load(candidates),
        _ => sort(pool, candidates, 0),
    }
    candidates.first()
}

fn sort_by<'p>(
    candidates: &mut [Candidate<'p>],
    compare: impl Fn(&Candidate<'p>, &Candidate<'p>) -> Ordering,
) {
    candidates.sort_unstable_by(|a, b| compare(a, b).then_with(|| tie(a.endpoint, b.endpoint)));
}

/// What decides where a strategy sees no difference.
fn tie(a: &Endpoint, b: &Endpoint) -> Ordering {
    (a.priority, &a.id).cmp(&(b.priority, &b.id))
}

/// Where the order comes from what was observed, an endpoint that comes back is
/// known only by what it was before. Its few trials go first: nothing else would
/// ever tell that it is well again.
fn trial_first(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    let is_trial = |candidate: &Candidate<'_>| matches!(candidate.seen.standing, Standing::HalfOpen { trials } if trials > 0);
    is_trial(b).cmp(&is_trial(a))
}

/// Known before unknown, then ascending.
fn known(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn latency(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    known(a.seen.average_ms, b.seen.average_ms)
}

fn rank(candidate: &Candidate<'_>) -> u8 {
    match candidate.seen.standing {
        Standing::Healthy => 0,
        Standing::HalfOpen { .. } => 1,
        Standing::Cooldown { .. } => 2,
        Standing::Open { .. } => 3,
    }
}

/// Price of a million tokens in and a million out; a side that is not declared
/// counts as nothing where the other is.
fn price(cost: &Cost) -> f64 {
    cost.input_per_1m.unwrap_or(0.0) + cost.output_per_1m.unwrap_or(0.0)
}

/// Amounts of different currencies are not compared: the currency of the first
/// member that has a cost goes first, and so on.
fn cost(pool: &Pool, a: &Endpoint, b: &Endpoint) -> Ordering {
    let same = |a: &Cost, b: &Cost| a.currency.eq_ignore_ascii_case(&b.currency);
    match (&a.cost, &b.cost) {
        (Some(a), Some(b)) if !same(a, b) => {
            let group = |cost: &Cost| {
                let costs = pool.endpoints.iter().map(|member| &member.cost);
                costs
                    .into_iter()
                    .position(|other| other.as_ref().is_some_and(|other| same(other, cost)))
            };
            group(a).cmp(&group(b))
        }
        (a, b) => known(a.as_ref().map(price), b.as_ref().map(price)),
    }
}

/// Requests that run there, each as long as answers lately took.
fn load(candidate: &Candidate<'_>, unknown: f64) -> f64 {
    let seen = &candidate.seen;
    seen.ewma_ms.unwrap_or(unknown) * (f64::from(seen.in_flight) + 1.0)
}

/// What stands for the latency of an endpoint that has none: the mean of the
/// others, so that a new one is neither shunned nor flooded.
fn unknown(candidates: &[Candidate<'_>]) -> f64 {
    let known = candidates
        .iter()
        .filter_map(|candidate| candidate.seen.ewma_ms);
    let (sum, count) = known.fold((0.0, 0.0), |(sum, count), ms| (sum + ms, count + 1.0));
    if count > 0.0 { sum / count } else { 1.0 }
}

fn by_load(candidates: &mut [Candidate<'_>]) {
    let unknown = unknown(candidates);
    sort_by(candidates, |a, b| {
        load(a, unknown).total_cmp(&load(b, unknown))
    });
}

/// Of two that chance picks, the less loaded first, then the other; the rest by
/// their load. Picking two and not the least loaded of all keeps many proxies,
/// or many requests at once, from running to the same endpoint.
fn power_of_two(candidates: &mut [Candidate<'_>], ticket: u64) {
    by_load(candidates);
    let count = candidates.len();
    if count < 3 {
        return;
    }
    let mut dice = Dice(ticket);
    let one = dice.below(count as u64) as usize;
    let other = dice.below(count as u64 - 1) as usize;
    let other = other + usize::from(other >= one);
    // Sorted by load, the smaller position is the less loaded of the two.
    candidates[..=one.min(other)].rotate_right(1);
    candidates[1..=one.max(other)].rotate_right(1);
}

/// An endpoint of a weighted pool without a weight counts once.
fn weight(candidate: &Candidate<'_>) -> u64 {
    u64::from(candidate.endpoint.weight.unwrap_or(1))
}

/// Draws the first `count` one after the other, each with a chance in proportion
/// to its weight; the rest stands by priority, for nobody will ask for it.
fn draw(candidates: &mut [Candidate<'_>], ticket: u64, count: usize) {
    let mut dice = Dice(ticket);
    let mut total: u64 = candidates.iter().map(weight).sum();
    for at in 0..count.min(candidates.len().saturating_sub(1)) {
        let mut left = dice.below(total);
        let rest = &mut candidates[at..];
        let drawn = rest.iter().position(|candidate| {
            let weight = weight(candidate);
            let is_it = left < weight;
            left = left.saturating_sub(weight);
            is_it
        });
        let drawn = drawn.unwrap_or(0);
        total -= weight(&rest[drawn]);
        rest[..=drawn].rotate_right(1);
    }
}

/// Numbers that follow from a ticket (SplitMix64, Steele, Lea and Flood 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when there is none. The bias is below `end` / 2⁶⁴.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        (wide >> 64) as u64
    }
}
