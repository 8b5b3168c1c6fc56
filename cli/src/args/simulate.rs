//! The command line of `ctr simulate`, with the small language it has for what
//! happens to endpoints.

use std::path::PathBuf;

use clap::ValueHint;

use super::Format;

/// Play a pool through failures on a virtual clock
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The same decision and the same records as in the proxy, with upstreams that are a
latency and a rate of errors. The same seed always gives the same timeline.

Examples:
  ctr simulate registration.yaml
  ctr simulate --kill sonnet-primary@10s --restore sonnet-primary@60s --rps 20 --seed 7 registration.yaml
  ctr simulate --model haiku --error-rate haiku-a=5% --latency haiku-b=1.2s registration.yaml
  ctr simulate --kill sonnet-primary@10s --duration 10m --svg timeline.svg registration.yaml
  ctr simulate --format json plan.json")]
pub(crate) struct Simulate {
    /// Files and folders of one document set, or a compiled plan; `-` is stdin,
    /// `REV:PATH` a file in git
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<String>,

    /// Ask for this model; the default slot's unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,

    /// Requests a second
    #[arg(long, value_name = "N", default_value = "10", value_parser = rate)]
    pub(crate) rps: f64,

    /// How long; two minutes unless given, and a minute after the last event
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) duration: Option<u64>,

    /// What chance begins with
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seed: u64,

    /// Kill an endpoint: connections are refused, and what runs breaks off
    #[arg(long, value_name = "ENDPOINT@TIME", value_parser = moment)]
    pub(crate) kill: Vec<Moment>,

    /// Bring a killed endpoint back
    #[arg(long, value_name = "ENDPOINT@TIME", value_parser = moment)]
    pub(crate) restore: Vec<Moment>,

    /// The middle of an endpoint's latency; 800ms unless given
    #[arg(long, value_name = "ENDPOINT=TIME", value_parser = latency)]
    pub(crate) latency: Vec<(String, u64)>,

    /// The part of an endpoint's answers that are errors
    #[arg(long, value_name = "ENDPOINT=PERCENT", value_parser = error_rate)]
    pub(crate) error_rate: Vec<(String, f64)>,

    /// Tokens in and out of each request: for the cost, for declared limits and,
    /// those that go in, for windows
    #[arg(long, value_name = "IN/OUT", default_value = "1000/500", value_parser = tokens)]
    pub(crate) tokens: (u64, u64),

    /// Write a plot; `-` is stdout, in place of the text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) svg: Option<PathBuf>,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// An endpoint and a time in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) endpoint: String,
    pub(crate) at_ms: u64,
}

/// A day: more is a mistake in the unit.
const LONGEST_MS: f64 = 86_400_000.0;

/// Requests a second.
const HIGHEST_RATE: f64 = 100_000.0;

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().unwrap_or(f64::NAN);
    match rate {
        rate if rate > 0.0 && rate <= HIGHEST_RATE => Ok(rate),
        _ => Err(format!(
            "write a number above 0 and at most {HIGHEST_RATE}, for example `20`"
        )),
    }
}

/// `800ms`, `10s`, `1.5m`, `2h`.
pub(super) fn time(text: &str) -> Result<u64, String> {
    let unit = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let factor = match &text[unit..] {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return Err("write a number and a unit, for example `10s` or `800ms`".to_owned()),
    };
    let amount: f64 = text[..unit].parse().unwrap_or(f64::NAN);
    let ms = amount * factor;
    if (0.0..=LONGEST_MS).contains(&ms) {
        Ok(ms.round() as u64)
    } else {
        Err("write a time of a day at most, for example `10s`".to_owned())
    }
}

/// Endpoint ids may hold `@` themselves, so the last one counts.
fn moment(text: &str) -> Result<Moment, String> {
    let (endpoint, at) = text
        .rsplit_once('@')
        .ok_or("write an endpoint and a time, for example `sonnet-a@10s`")?;
    Ok(Moment {
        endpoint: named(endpoint)?,
        at_ms: time(at)?,
    })
}

fn latency(text: &str) -> Result<(String, u64), String> {
    let (endpoint, ms) = text
        .rsplit_once('=')
        .ok_or("write an endpoint and a time, for example `sonnet-a=800ms`")?;
    Ok((named(endpoint)?, time(ms)?))
}

fn error_rate(text: &str) -> Result<(String, f64), String> {
    let help = "write an endpoint and a percentage, for example `sonnet-a=5%`";
    let (endpoint, percent) = text.rsplit_once('=').ok_or(help)?;
    let percent: f64 = percent.trim_end_matches('%').parse().unwrap_or(f64::NAN);
    if (0.0..=100.0).contains(&percent) {
        Ok((named(endpoint)?, percent / 100.0))
    } else {
        Err(help.to_owned())
    }
}

fn named(endpoint: &str) -> Result<String, String> {
    if endpoint.is_empty() {
        return Err("name the endpoint before it".to_owned());
    }
    Ok(endpoint.to_owned())
}

fn tokens(text: &str) -> Result<(u64, u64), String> {
    let parsed = text
        .split_once('/')
        .and_then(|(input, output)| Some((input.parse().ok()?, output.parse().ok()?)));
    let most = 1_000_000_000;
    parsed
        .filter(|(input, output)| *input <= most && *output <= most)
        .ok_or_else(|| "write two numbers, for example `1000/500`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, wanted) in [
            ("800ms", Some(800)),
            ("10s", Some(10_000)),
            ("1.5m", Some(90_000)),
            ("2h", Some(7_200_000)),
            ("0s", Some(0)),
            ("10", None),
            ("s", None),
            ("-1s", None),
            ("1e3s", None),
            ("25h", None),
            ("NaNs", None),
            ("", None),
        ] {
            assert_eq!(time(text).ok(), wanted, "{text}");
        }
    }

    #[test]
    fn an_endpoint_may_hold_the_sign() {
        let found = moment("team@dc-a@10s").expect("a moment");
        assert_eq!((&*found.endpoint, found.at_ms), ("team@dc-a", 10_000));
        assert_eq!(latency("a=b=1s"), Ok(("a=b".to_owned(), 1_000)));
        assert_eq!(error_rate("a=12.5%"), Ok(("a".to_owned(), 0.125)));
        for wrong in ["a", "@10s", "a@"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        for wrong in ["a=101%", "a=", "=5%", "a"] {
            assert!(error_rate(wrong).is_err(), "{wrong}");
        }
        for wrong in ["1", "1/", "-1/1", "1/99999999999"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }
}
