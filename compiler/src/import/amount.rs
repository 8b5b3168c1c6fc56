//! Numbers of other gateways, moved by powers of ten without rounding: a price
//! for one token becomes a price for a million, seconds become milliseconds.

use std::borrow::Cow;

/// Digits that are followed; no real amount has more.
const DIGITS: usize = 40;

/// A decimal text times ten to the power of `places`, written plainly:
/// `3e-06` by 6 is `3`, `0.25` by 3 is `250`. Digits may be grouped by `_`, as
/// in YAML 1.1. None for what is no number, is below zero, or is absurdly long.
pub(super) fn shifted(text: &str, places: i32) -> Option<String> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let grouped = text.contains('_') && text.starts_with(|c: char| c.is_ascii_digit());
    let text = match grouped && text.len() < 2 * DIGITS {
        true => Cow::Owned(text.replace('_', "")),
        false => Cow::Borrowed(text),
    };
    let text = text.as_ref();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let limit = i32::try_from(DIGITS).unwrap_or(i32::MAX);
    if !plain || digits.len() > DIGITS || exponent.abs() > limit {
        return None;
    }
    // How many of the digits stand before the point.
    let point = i32::try_from(before.len()).ok()? + exponent + places;
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => (
            digits.clone() + &"0".repeat(point - digits.len()),
            String::new(),
        ),
        Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
        Err(_) => {
            let zeros = "0".repeat(usize::try_from(-point).ok()?);
            (String::new(), zeros + &digits)
        }
    };
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match fraction {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    })
}

/// As [`shifted`], where that is a whole number; any fraction is cut off.
pub(super) fn whole(text: &str, places: i32) -> Option<i64> {
    let plain = shifted(text, places)?;
    plain.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_move_without_rounding() {
        for (text, places, wanted) in [
            ("3e-06", 6, Some("3")),
            ("1.5e-05", 6, Some("15")),
            ("2.5e-07", 6, Some("0.25")),
            ("0.000003", 6, Some("3")),
            ("0.00000015", 6, Some("0.15")),
            ("1e-12", 6, Some("0.000001")),
            ("0", 6, Some("0")),
            (".5", 3, Some("500")),
            ("600", 3, Some("600000")),
            ("+2.", 0, Some("2")),
            ("0012.50", 0, Some("12.5")),
            ("-1", 0, None),
            ("1e999999999", 0, None),
            ("1e9999999999999", 0, None),
            ("", 0, None),
            (".", 0, None),
            ("20_000", 0, Some("20000")),
            ("_1", 0, None),
            ("½", 0, None),
            ("nan", 0, None),
        ] {
            assert_eq!(shifted(text, places).as_deref(), wanted, "{text}");
        }
        assert_eq!(shifted(&"9".repeat(DIGITS + 1), 0), None);
    }

    #[test]
    fn whole_numbers_fit_or_are_none() {
        assert_eq!(whole("0.0015", 3), Some(1));
        assert_eq!(whole("1e6", 0), Some(1_000_000));
        assert_eq!(whole("1e39", 0), None);
    }
}
