//! Takes out of a text what may be a secret or tells who somebody is: keys,
//! tokens, e-mail addresses, passwords in URLs, and any long run that looks like
//! an encoded value. Rather too much than too little: what is left is for rules
//! to look at, and words are what they look for.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is taken out, in the order in which it is looked for, and the word that
/// stands in its place. A group `keep` stays.
const KINDS: &[(&str, &str)] = &[
    (
        "private-key",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    ),
    (
        "token",
        r"(?i)(?P<keep>\b(?:bearer|basic|token)[ \t]+)[A-Za-z0-9._~+/=-]{8,}",
    ),
    (
        "password",
        r"(?P<keep>\b[A-Za-z][A-Za-z0-9+.-]*://)[^\s/@]*:[^\s/@]+@",
    ),
    (
        "secret",
        r#"(?i)(?P<keep>[\w.-]*(?:api[_-]?key|secret|token|passwd|password|authorization)["']?\s*[:=]\s*["']?)[^\s"',;&]{4,}"#,
    ),
    (
        "key",
        r"\b(?:sk|pk|rk|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abprs]|hf|npm|pypi|AKIA|ASIA|AIza|ya29|dop_v1|sq0[a-z]{3}|whsec)[-_.]?[A-Za-z0-9_.-]{10,}",
    ),
    ("token", r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4}"),
    (
        "e-mail",
        r"(?i)[\p{L}\p{N}._%+'-]+@(?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,}",
    ),
];

/// Runs of letters that encoded values are made of.
const RUN: &str = r"[A-Za-z0-9+/_=-]{20,}";

/// Characters from which a run of hexadecimal digits is taken out.
const LONG_HEX: usize = 32;

static COMPILED: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let compiled = KINDS.iter().map(|(kind, pattern)| {
        let regex = Regex::new(pattern).expect("a test compiles every pattern of the table");
        (*kind, regex)
    });
    compiled.collect()
});

static LONG_RUN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(RUN).expect("a test compiles the pattern"));

/// The text with a word in angle brackets in place of what was taken out.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for (kind, regex) in COMPILED.iter() {
        let put = |found: &Captures<'_>| {
            let keep = found.name("keep").map_or("", |keep| keep.as_str());
            format!("{keep}<{kind}>")
        };
        if let Cow::Owned(changed) = regex.replace_all(&text, put) {
            text = Cow::Owned(changed);
        }
    }
    let put = |found: &Captures<'_>| {
        let run = &found[0];
        match is_encoded(run) {
            true => "<encoded>".to_owned(),
            false => run.to_owned(),
        }
    };
    if let Cow::Owned(changed) = LONG_RUN.replace_all(&text, put) {
        text = Cow::Owned(changed);
    }
    text
}

/// Whether a run looks encoded rather than written: long hexadecimal, or letters
/// of both cases with digits among them. Paths and names_of_things are neither.
fn is_encoded(run: &str) -> bool {
    let hex = run.trim_start_matches("0x");
    if hex.len() >= LONG_HEX && hex.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return true;
    }
    let parts = run.split(['/', '-', '_', '+', '=']);
    let longest = parts.map(str::len).max().unwrap_or(0);
    let has = |is: fn(&u8) -> bool| run.bytes().any(|b| is(&b));
    let is_mixed =
        has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    (is_mixed && longest >= 12) || longest >= 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), KINDS.len());
        assert!(LONG_RUN.is_match("abcdefghijklmnopqrst"));
    }

    #[test]
    fn what_is_secret_is_taken_out() {
        for (text, wanted) in [
            ("mail anna.b+x@example.co.uk now", "mail <e-mail> now"),
            ("jörg@bücher.example", "<e-mail>"),
            ("key sk-ant-api03-abcdefghijkl_MN", "key <key>"),
            ("ghp_0123456789abcdefghij.", "<key>"),
            ("AKIAIOSFODNN7EXAMPLE", "<key>"),
            (
                "Authorization: Bearer abc.def-ghi",
                "Authorization: <secret> <token>",
            ),
            ("bearer abcdefgh12", "bearer <token>"),
            (
                "https://user:pa55@host.example/x",
                "https://<password>host.example/x",
            ),
            ("postgres://a:b@h/db", "postgres://<password>h/db"),
            ("API_KEY=hunter22", "API_KEY=<secret>"),
            (r#"{"password": "hunter22"}"#, r#"{"password": "<secret>"}"#),
            ("eyJhbGciOiJI.eyJzdWIiOiIx.abc", "<token>"),
            (
                "sha d41d8cd98f00b204e9800998ecf8427e end",
                "sha <encoded> end",
            ),
            ("123e4567-e89b-12d3-a456-426614174000", "<encoded>"),
            ("x dGhpcyBpcyBhIHNlY3JldCB2YWx1ZQ== y", "x <encoded> y"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nok",
                "<private-key>\nok",
            ),
            ("-----BEGIN PRIVATE KEY-----\nabc", "<private-key>"),
        ] {
            assert_eq!(redact(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_written_stays() {
        for text in [
            "",
            "Please refactor src/protocol/features.rs and its tests.",
            "the function `counted_tokens_of_every_request` is long",
            "internationalization/configuration-of-everything",
            "a token is a word; the secret of it",
            "meet @team at 10:30",
            "commit d41d8cd",
        ] {
            assert_eq!(redact(text), text);
            assert!(matches!(redact(text), Cow::Borrowed(_)) || text.len() >= 20);
        }
    }

    #[test]
    fn what_was_redacted_stays_so() {
        for text in ["a@b.example", "API_KEY=hunter22", "Bearer abcdefghijkl"] {
            let once = redact(text).into_owned();
            assert_eq!(redact(&once), once);
        }
    }
}
