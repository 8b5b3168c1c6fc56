//! What can be said of every pool under `Registration`, and of one under
//! `Registration.pools`: strategy, retries, health. Both places have the same keys.

use crate::plan::{OnAllOpen, Strategy};
use crate::registration::key::{Key, Takes, key};
use crate::registration::read::{Fields, Reader, join};
use crate::source::{Span, Spanned};

/// A day: nothing rests longer.
const DAY_MS: i64 = 86_400_000;

/// What is said of every pool.
pub(super) const OF_ALL: [Key; 6] = [
    STRATEGY,
    ON_ALL_OPEN,
    MAX_RETRIES,
    ENFORCE_RATE_LIMITS,
    key("retry_budget", Takes::Map(&BUDGET), ABOUT_BUDGET),
    key("health", Takes::Map(&HEALTH), ABOUT_HEALTH),
];

/// What is said of one: the same, and without defaults, since what is not said
/// of it is as said of all.
pub(super) const OF_ONE: [Key; 6] = without_defaults([
    STRATEGY,
    ON_ALL_OPEN,
    MAX_RETRIES,
    ENFORCE_RATE_LIMITS,
    key(
        "retry_budget",
        Takes::Map(&without_defaults(BUDGET)),
        ABOUT_BUDGET,
    ),
    key(
        "health",
        Takes::Map(&without_defaults(HEALTH)),
        ABOUT_HEALTH,
    ),
]);

const ABOUT_BUDGET: &str = "how many of all requests may be tried again";
const ABOUT_HEALTH: &str = "when an endpoint counts as out, and for how long";

const fn without_defaults<const N: usize>(mut keys: [Key; N]) -> [Key; N] {
    let mut at = 0;
    while at < N {
        keys[at].default = None;
        at += 1;
    }
    keys
}

const STRATEGY: Key = key(
    "strategy",
    Takes::Word(Strategy::NAMES),
    "how a pool orders its endpoints for a request",
)
.or("priority");

const ON_ALL_OPEN: Key = key(
    "on_all_open",
    Takes::Word(OnAllOpen::NAMES),
    "what happens when no endpoint is healthy: `fail_open` tries them all the same, `reject` answers 503",
)
.or("fail_open");

const MAX_RETRIES: Key = key(
    "max_retries",
    Takes::Integer(0, 16),
    "attempts after the first that one request may have",
)
.or("2");

const ENFORCE_RATE_LIMITS: Key = key(
    "enforce_rate_limits",
    Takes::Boolean,
    "whether an endpoint at its `rate_limit_rpm` or `rate_limit_tpm` is skipped",
)
.or("false");

const BUDGET: [Key; 3] = [
    key(
        "percent",
        Takes::Integer(0, 100),
        "retries for each hundred requests",
    )
    .or("20"),
    key(
        "min_per_second",
        Takes::Integer(0, 10_000),
        "retries a second that are always allowed",
    )
    .or("10"),
    key(
        "window_seconds",
        Takes::Integer(1, 600),
        "over how long both are counted",
    )
    .or("10"),
];

const HEALTH: [Key; 8] = [
    key(
        "cooldown_ms",
        Takes::Integer(0, DAY_MS),
        "rest after a failure, unless the upstream says how long",
    )
    .or("60000"),
    key(
        "failures_to_open",
        Takes::Integer(1, 1_000),
        "failures in a row that open the circuit",
    )
    .or("3"),
    key(
        "open_ms",
        Takes::Integer(0, DAY_MS),
        "how long an open circuit stays open",
    )
    .or("300000"),
    key(
        "half_open_trials",
        Takes::Integer(1, 1_000),
        "requests at a time that an endpoint gets once it was open long enough",
    )
    .or("1"),
    key(
        "retry_after_max_ms",
        Takes::Integer(0, DAY_MS),
        "the longest rest that an upstream can ask for; 0 leaves its wish aside",
    )
    .or("3600000"),
    key(
        "latency_window",
        Takes::Integer(1, 1_000),
        "latency samples that are kept",
    )
    .or("20"),
    key(
        "latency_max_age_ms",
        Takes::Integer(1, 7 * DAY_MS),
        "age from which a latency sample does not count",
    )
    .or("600000"),
    key(
        "ewma_decay_ms",
        Takes::Integer(1, DAY_MS),
        "time in which the moving average of `p2c-ewma` forgets half of a latency",
    )
    .or("10000"),
];

/// Settings as written in one of the two places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolSettings {
    /// `strategy`
    pub strategy: Option<Spanned<Strategy>>,
    /// `on_all_open`
    pub on_all_open: Option<Spanned<OnAllOpen>>,
    /// `enforce_rate_limits`
    pub enforce_rate_limits: Option<Spanned<bool>>,
    /// The numbers, each with its path below this place (`health.open_ms`), in
    /// the order of `NUMBERS`.
    pub numbers: Vec<(&'static str, Spanned<u64>)>,
}

/// The numbers among the settings: path, the map it stands in, and its key there.
const NUMBERS: [(&str, Option<&str>, &str); 12] = [
    ("max_retries", None, "max_retries"),
    ("retry_budget.percent", Some("retry_budget"), "percent"),
    (
        "retry_budget.min_per_second",
        Some("retry_budget"),
        "min_per_second",
    ),
    (
        "retry_budget.window_seconds",
        Some("retry_budget"),
        "window_seconds",
    ),
    ("health.cooldown_ms", Some("health"), "cooldown_ms"),
    (
        "health.failures_to_open",
        Some("health"),
        "failures_to_open",
    ),
    ("health.open_ms", Some("health"), "open_ms"),
    (
        "health.half_open_trials",
        Some("health"),
        "half_open_trials",
    ),
    (
        "health.retry_after_max_ms",
        Some("health"),
        "retry_after_max_ms",
    ),
    ("health.latency_window", Some("health"), "latency_window"),
    (
        "health.latency_max_age_ms",
        Some("health"),
        "latency_max_age_ms",
    ),
    ("health.ewma_decay_ms", Some("health"), "ewma_decay_ms"),
];

impl PoolSettings {
    /// The number at a path such as `health.open_ms`.
    pub fn number(&self, path: &str) -> Option<&Spanned<u64>> {
        let found = self.numbers.iter().find(|(known, _)| *known == path);
        found.map(|(_, number)| number)
    }

    /// Every value that was written, by its path.
    pub fn written(&self) -> impl Iterator<Item = (&'static str, Span)> {
        let words = [
            ("strategy", self.strategy.as_ref().map(|word| word.span)),
            (
                "on_all_open",
                self.on_all_open.as_ref().map(|word| word.span),
            ),
            (
                "enforce_rate_limits",
                self.enforce_rate_limits.as_ref().map(|flag| flag.span),
            ),
        ];
        let words = words.into_iter();
        let words = words.filter_map(|(path, span)| Some((path, span?)));
        words.chain(
            self.numbers
                .iter()
                .map(|(path, number)| (*path, number.span)),
        )
    }
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: &str) -> PoolSettings {
    let strategy = reader.word(fields, "strategy", path, Strategy::WORDS);
    let on_all_open = reader.word(fields, "on_all_open", path, OnAllOpen::WORDS);
    let enforce_rate_limits = reader.boolean(fields, "enforce_rate_limits", path);
    let budget = inner(reader, fields, "retry_budget", &BUDGET, path);
    let health = inner(reader, fields, "health", &HEALTH, path);
    let mut numbers = Vec::new();
    for (known, map, name) in NUMBERS {
        let (place, around) = match map {
            None => (Some(fields), path.to_owned()),
            Some("health") => (health.as_ref(), join(path, "health")),
            Some(_) => (budget.as_ref(), join(path, "retry_budget")),
        };
        let number = place.and_then(|fields| reader.integer(fields, name, &around));
        numbers.extend(number.map(|number| {
            let value = number.value.unsigned_abs();
            (known, Spanned::new(value, number.span))
        }));
    }
    PoolSettings {
        strategy,
        on_all_open,
        enforce_rate_limits,
        numbers,
    }
}

fn inner<'t, 's>(
    reader: &mut Reader<'_>,
    fields: &Fields<'t, 's>,
    name: &str,
    keys: &'static [Key],
    path: &str,
) -> Option<Fields<'t, 's>> {
    reader.fields(fields.get(name)?, keys, &join(path, name))
}
