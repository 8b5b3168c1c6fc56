//! Numbers that look as if they were meant in another unit.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::{Gaps, Metadata, ModelEntry, PoolSettings, Registration};
use crate::source::{Span, Spanned};

/// Currencies in which a million tokens never cost this much, as they may in
/// yen or rupiah.
const LARGE_UNITS: [&str; 6] = ["USD", "EUR", "GBP", "CHF", "CAD", "AUD"];
const MOST: f64 = 10_000.0;
/// Prices of one token lie below, prices of a million above.
const LEAST: f64 = 0.0001;
const FEWEST_TOKENS: i64 = 1_000;
const SHORTEST_MS: i64 = 1_000;

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    let pooled = registration.pools.iter().flat_map(|pools| &pools.models);
    for entry in registration.models.iter().chain(pooled) {
        model(entry, &registration.gaps, problems);
    }
    if let Some(section) = &registration.pools {
        let of_one = section.pools.iter().map(|entry| &entry.settings);
        for settings in of_one.chain([&section.settings]) {
            pool_settings(settings, problems);
        }
    }
    let threshold = registration.router.long_context_threshold.as_ref();
    tokens("Router.longContextThreshold", threshold, problems);
    let timeout = registration.timeout_ms.as_ref();
    // Zero and below mean no limit.
    let timeout = timeout.filter(|timeout| timeout.value > 0);
    milliseconds("API_TIMEOUT_MS", timeout, problems);
    let Some(smart) = registration.smart_router() else {
        return;
    };
    let ttl = smart
        .choices
        .iter()
        .find_map(|choice| choice.cache_ttl.as_ref());
    milliseconds("cache_ttl", ttl, problems);
    let ttl = smart
        .sticky
        .iter()
        .find_map(|block| block.session_ttl_ms.as_ref());
    milliseconds("session_ttl_ms", ttl, problems);
}

fn model(entry: &ModelEntry, gaps: &Gaps, problems: &mut Problems) {
    let Metadata {
        context_window_tokens: window,
        safe_input_tokens: safe,
        cost_input,
        cost_output,
        ..
    } = &entry.metadata;
    tokens("context_window_tokens", window.as_ref(), problems);
    // A safe part of a window in the wrong unit is in that unit as well.
    let safe = safe.as_ref().filter(|_| {
        window
            .as_ref()
            .is_none_or(|window| window.value >= FEWEST_TOKENS)
    });
    tokens("safe_input_tokens", safe, problems);
    let currency = match &entry.metadata.cost_currency {
        Some(currency) => currency.value.as_str(),
        None if gaps.has(&format!("{}.metadata.cost_currency", entry.path())) => "",
        None => "USD",
    };
    price(
        "cost_per_1m_input_tokens",
        cost_input.as_ref(),
        currency,
        problems,
    );
    price(
        "cost_per_1m_output_tokens",
        cost_output.as_ref(),
        currency,
        problems,
    );
    rates(&entry.metadata, problems);
}

/// Rests and ages; zero switches them off.
fn pool_settings(settings: &PoolSettings, problems: &mut Problems) {
    for (path, number) in &settings.numbers {
        let value = i64::try_from(number.value).ok().filter(|value| *value > 0);
        let is_wait = path.ends_with("_ms") && *path != "health.ewma_decay_ms";
        if let Some(value) = value.filter(|_| is_wait) {
            milliseconds(path, Some(&Spanned::new(value, number.span)), problems);
        }
    }
}

fn price(key: &str, cost: Option<&Spanned<f64>>, currency: &str, problems: &mut Problems) {
    let Some(cost) = cost.filter(|cost| cost.value > 0.0) else {
        return;
    };
    let large = LARGE_UNITS
        .iter()
        .any(|unit| currency.eq_ignore_ascii_case(unit));
    if cost.value < LEAST {
        let label = "this looks like the price of one token";
        let help = format!(
            "write the price of 1,000,000 tokens, perhaps `{}`",
            cost.value * 1e6
        );
        problems.push(told(key, &cost.value, cost.span, label, help));
    } else if cost.value > MOST && large {
        let label = "no model costs this much for 1,000,000 tokens";
        let help = "write the price of 1,000,000 tokens in the unit of its `cost_currency`";
        problems.push(told(key, &cost.value, cost.span, label, help));
    }
}

/// Every request has a token, so a limit of tokens below one of requests is
/// not the one that was meant.
fn rates(metadata: &Metadata, problems: &mut Problems) {
    let (Some(requests), Some(tokens)) = (&metadata.rate_limit_rpm, &metadata.rate_limit_tpm)
    else {
        return;
    };
    if tokens.value < requests.value {
        let label = "fewer tokens a minute than requests";
        let help =
            "write tokens a minute; perhaps it was meant in thousands, or the two changed places";
        let diagnostic = told("rate_limit_tpm", &tokens.value, tokens.span, label, help);
        problems.push(diagnostic.at(requests.span, "the requests"));
    }
}

fn tokens(key: &str, number: Option<&Spanned<i64>>, problems: &mut Problems) {
    if let Some(number) = number.filter(|number| number.value < FEWEST_TOKENS) {
        let help = format!("write tokens, perhaps `{}000`", number.value);
        let label = "this looks like thousands of tokens";
        problems.push(told(key, &number.value, number.span, label, help));
    }
}

fn milliseconds(key: &str, number: Option<&Spanned<i64>>, problems: &mut Problems) {
    if let Some(number) = number.filter(|number| number.value < SHORTEST_MS) {
        let help = format!("write milliseconds, perhaps `{}000`", number.value);
        let label = "this looks like seconds";
        problems.push(told(key, &number.value, number.span, label, help));
    }
}

fn told(
    key: &str,
    number: &impl ToString,
    span: Span,
    label: &str,
    help: impl Into<String>,
) -> Diagnostic {
    Diagnostic::new(
        Code::DocumentImplausibleNumber,
        format!("`{key}` is {}", number.to_string()),
    )
    .at(span, label)
    .help(help)
}
