//! How long an upstream asks to be left alone: `Retry-After` in all its forms,
//! and the reset times of the limits it says were reached.

use http::StatusCode;
use jiff::Timestamp;

use crate::http1::Headers;

/// The limits that answers tell of, as a prefix of the three headers of each.
const LIMITS: [(&str, &str); 9] = [
    ("anthropic-ratelimit-requests-", ""),
    ("anthropic-ratelimit-tokens-", ""),
    ("anthropic-ratelimit-input-tokens-", ""),
    ("anthropic-ratelimit-output-tokens-", ""),
    ("anthropic-ratelimit-unified-", ""),
    ("x-ratelimit-", "-requests"),
    ("x-ratelimit-", "-tokens"),
    ("x-ratelimit-", "-images"),
    ("x-ratelimit-", ""),
];

/// Milliseconds from `now` (since the epoch) that the answer of a failed attempt
/// asks for; none where it says nothing, or nothing that lies ahead.
///
/// `retry-after-ms` goes before `retry-after`, unless it says nothing or 0, and both before
/// reset times, which count only with 429, since upstreams send them with every answer. Of
/// several fields of one name the longest wait counts.
pub(crate) fn told_ms(status: StatusCode, headers: &Headers, now: u64) -> Option<u64> {
    let told = longest(headers, "retry-after-ms", milliseconds)
        .filter(|ms| *ms > 0)
        .or_else(|| longest(headers, "retry-after", |value| retry_after(value, now)));
    let told = match told {
        None if status == StatusCode::TOO_MANY_REQUESTS => resets(headers, now),
        told => told,
    };
    told.filter(|ms| *ms > 0)
}

/// The latest reset of the limits that were reached.
fn resets(headers: &Headers, now: u64) -> Option<u64> {
    let limits = LIMITS.iter().filter_map(|(before, after)| {
        let name = |what: &str| format!("{before}{what}{after}");
        let remaining = name("remaining");
        let left = texts(headers, &remaining).filter_map(|left| left.parse::<f64>().ok());
        // A limit with something left is not why the request was refused.
        let is_reached = left.reduce(f64::min).is_none_or(|left| left <= 0.0);
        is_reached.then(|| longest(headers, &name("reset"), |value| until(value, now)))?
    });
    limits.max()
}

/// The longest wait of all fields of one name.
fn longest(headers: &Headers, name: &str, read: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    texts(headers, name).filter_map(read).max()
}

fn texts<'h>(headers: &'h Headers, name: &'h str) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name);
    let texts = values.filter_map(|value| std::str::from_utf8(value).ok());
    texts.map(str::trim)
}

/// Seconds, or a date.
fn retry_after(value: &str, now: u64) -> Option<u64> {
    match seconds(value) {
        Some(ms) => Some(ms),
        None => {
            let date = httpdate::parse_http_date(value).ok()?;
            let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(u64::try_from(since.as_millis()).ok()?.saturating_sub(now))
        }
    }
}

/// A reset time: RFC 3339, seconds since the epoch, seconds from now, or a
/// duration such as `6m0s`.
fn until(value: &str, now: u64) -> Option<u64> {
    if let Some(ms) = seconds(value) {
        // A billion seconds from now is no reset time; since the epoch it is 2001, and
        // some count that in milliseconds.
        return Some(match ms {
            1_000_000_000_000_000.. => (ms / 1_000).saturating_sub(now),
            1_000_000_000_000.. => ms.saturating_sub(now),
            _ => ms,
        });
    }
    if let Ok(time) = value.parse::<Timestamp>() {
        let at = u64::try_from(time.as_millisecond()).ok()?;
        return Some(at.saturating_sub(now));
    }
    duration(value)
}

fn milliseconds(value: &str) -> Option<u64> {
    number(value).map(|ms| ms.ceil() as u64)
}

fn seconds(value: &str) -> Option<u64> {
    number(value).map(|seconds| (seconds * 1_000.0).ceil() as u64)
}

/// A plain decimal number, as HTTP has them.
fn number(value: &str) -> Option<f64> {
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    if value.is_empty() || !value.chars().all(plain) {
        return None;
    }
    value.parse().ok()
}

/// `1s`, `6m0s`, `1h30m`, `20ms`, `1m30.951s`: as Go writes durations.
fn duration(value: &str) -> Option<u64> {
    let mut rest = value;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic() || c == 'µ')?;
        let amount = number(&rest[..end])?;
        rest = &rest[end..];
        let unit_end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        total += amount
            * match &rest[..unit_end] {
                "d" => 86_400_000.0,
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1_000.0,
                "ms" => 1.0,
                "us" | "µs" => 0.001,
                "ns" => 0.000_001,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    (!value.is_empty()).then_some(f64::ceil(total) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z.
    const NOW: u64 = 1_767_225_600_000;

    fn told(status: u16, lines: &[(&str, &str)]) -> Option<u64> {
        let status = StatusCode::from_u16(status).expect("a status");
        told_ms(status, &Headers::of(lines), NOW)
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        for (value, wanted) in [
            ("7", Some(7_000)),
            (" 7 ", Some(7_000)),
            ("1.5", Some(1_500)),
            ("0", None),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("1e9", None),
            ("NaN", None),
            ("99999999999999999999", Some(u64::MAX)),
            ("999999999999999999999999999999", Some(u64::MAX)),
            ("Thu, 01 Jan 2026 00:00:30 GMT", Some(30_000)),
            ("Thursday, 01-Jan-26 00:00:30 GMT", Some(30_000)),
            ("Thu Jan  1 00:00:30 2026", Some(30_000)),
            ("Wed, 31 Dec 2025 23:59:59 GMT", None),
        ] {
            assert_eq!(told(503, &[("retry-after", value)]), wanted, "{value}");
        }
        let both = [("retry-after", "7"), ("retry-after-ms", "250")];
        assert_eq!(told(429, &both), Some(250));
        let unread = [("retry-after", "7"), ("retry-after-ms", "x")];
        assert_eq!(told(429, &unread), Some(7_000));
        let nothing = [("retry-after", "7"), ("retry-after-ms", "0")];
        assert_eq!(told(429, &nothing), Some(7_000));
        let several = [
            ("retry-after", "soon"),
            ("retry-after", "5"),
            ("retry-after", "120"),
            ("retry-after", "60"),
        ];
        assert_eq!(told(503, &several), Some(120_000));
    }

    #[test]
    fn resets_of_the_limits_that_were_reached() {
        let anthropic = [
            ("anthropic-ratelimit-requests-remaining", "12"),
            ("anthropic-ratelimit-requests-reset", "2026-01-01T01:00:00Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            (
                "anthropic-ratelimit-input-tokens-reset",
                "2026-01-01T00:00:20Z",
            ),
            ("anthropic-ratelimit-tokens-remaining", "0"),
            (
                "anthropic-ratelimit-tokens-reset",
                "2026-01-01T00:00:40+00:00",
            ),
        ];
        assert_eq!(told(429, &anthropic), Some(40_000));
        assert_eq!(told(529, &anthropic), None, "they come with every answer");
        let with_wish: Vec<_> = anthropic
            .into_iter()
            .chain([("retry-after", "3")])
            .collect();
        assert_eq!(told(429, &with_wish), Some(3_000));
        for (value, wanted) in [
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("20ms", Some(20)),
            ("1m30.951s", Some(90_951)),
            ("1h2m3s", Some(3_723_000)),
            ("5", Some(5_000)),
            ("1767225610", Some(10_000)),
            ("1767225610000", Some(10_000)),
            ("1767225600", None),
            ("6x", None),
            ("m", None),
            ("s1", None),
            ("", None),
        ] {
            let headers = [("x-ratelimit-reset-requests", value)];
            assert_eq!(told(429, &headers), wanted, "{value}");
        }
        let left = [
            ("x-ratelimit-reset-tokens", "6m0s"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-requests", "2s"),
            ("x-ratelimit-remaining-requests", "0"),
        ];
        assert_eq!(told(429, &left), Some(2_000));
        let several = [
            ("x-ratelimit-reset-requests", "1s"),
            ("X-RateLimit-Reset-Requests", "90s"),
            ("x-ratelimit-reset-requests", "soon"),
            ("x-ratelimit-remaining-requests", "3"),
            ("x-ratelimit-remaining-requests", "0"),
        ];
        assert_eq!(told(429, &several), Some(90_000));
        assert_eq!(told(429, &[]), None);
    }
}
