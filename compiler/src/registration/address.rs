//! API URLs: which path they get, which protocol they suggest, and what of
//! them may be shown.
//!
//! Work is done on the text, so that `${NAME}` inside a URL survives. A URL
//! that holds a reference is left as it is until its value is known; the rule
//! gives the same result whether it is applied once or twice.

use std::borrow::Cow;
use std::ops::Range;

use crate::plan::Interface;
use crate::source::is_secret_parameter;
use crate::variable::{Variable, has_reference, variables};

/// The protocol a URL and a model name suggest when none is written
/// (as claude-trigger-router 1.7.0 normalises API URLs).
pub fn inferred_interface(api: &str, model: &str) -> Interface {
    let path = api[path(api)].trim_end_matches('/');
    let claude_at_root = model.starts_with("claude") && (path.is_empty() || path.ends_with("/v1"));
    if api.contains("/chat/completions") {
        Interface::Openai
    } else if api.contains("api.anthropic.com") || api.contains("/messages") || claude_at_root {
        Interface::Anthropic
    } else {
        Interface::Openai
    }
}

/// The URL with the path its protocol needs: an empty path and one that ends
/// in `/v1` are completed, with or without a slash behind them. Any other path
/// is kept as it is, and so is the query.
/// Applying it twice changes nothing more. A text without a scheme or with a
/// `${NAME}` in it is returned as it is.
pub fn normal_url(api: &str, interface: Interface) -> String {
    if has_reference(api) || !api.contains("://") {
        return api.to_owned();
    }
    let tail = match interface {
        Interface::Anthropic => "/messages",
        Interface::Openai => "/chat/completions",
    };
    let range = path(api);
    let path = &api[range.clone()];
    let path = match path.trim_end_matches('/') {
        "" => format!("/v1{tail}"),
        root if root.ends_with("/v1") => format!("{root}{tail}"),
        _ => path.to_owned(),
    };
    format!("{}{path}{}", &api[..range.start], &api[range.end..])
}

/// Whether requests go to exactly the path of a URL, which is neither completed nor ends as a
/// protocol's own paths do. Not said of one with a `${NAME}`, whose value may end it so.
pub fn is_exact(api: &str) -> bool {
    if has_reference(api) || !api.contains("://") {
        return false;
    }
    let known = ["/v1", "/messages", "/chat/completions", "/responses"];
    let bare = api[path(api)].trim_end_matches('/');
    let is_known = bare.is_empty() || known.iter().any(|tail| bare.ends_with(tail));
    // `…/models/NAME:rawPredict` names a method; no base does.
    let is_method = bare
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    !is_known && !is_method
}

/// The URL without user-info and with the values of secret query parameters,
/// and words known to be credentials, replaced, and whether anything was hidden. A value that is only a
/// `${NAME}` is not a secret.
pub fn shown_url(api: &str) -> (Cow<'_, str>, bool) {
    if !api.contains(['@', '=']) && crate::source::credentials(api).is_empty() {
        return (Cow::Borrowed(api), false);
    }
    match with_shown_defaults(api) {
        Some(api) => (Cow::Owned(without_secrets(&api).0), true),
        None => {
            let (shown, hidden) = without_secrets(api);
            (Cow::Owned(shown), hidden)
        }
    }
}

fn without_secrets(api: &str) -> (String, bool) {
    let mut hidden = false;
    let shape = shape(api);
    let authority = authority(api);
    let host = shape[authority.clone()]
        .rfind('@')
        .map_or(authority.start, |at| authority.start + at + 1);
    let userinfo = &api[authority.start..host];
    let readable = userinfo
        .trim_end_matches('@')
        .split(':')
        .all(crate::plan::is_lone_variable);
    let mut shown = api[..authority.start].to_owned();
    if !userinfo.is_empty() && !readable {
        hidden = true;
    } else {
        shown.push_str(userinfo);
    }
    let end_from = |at: usize, marks: &[char]| {
        let end = shape[at..].find(marks);
        end.map_or(api.len(), |end| at + end)
    };
    let mut at = end_from(host, &['?', '#']);
    hidden |= show_words(&api[host..at], &mut shown);
    while at < api.len() {
        let mark = &api[at..=at];
        shown.push_str(mark);
        // A fragment may be a path with a query of its own.
        let end = match mark {
            "?" => end_from(at + 1, &['#']),
            _ => end_from(at + 1, &['?', '#']),
        };
        hidden |= show_pairs(&api[at + 1..end], &shape[at + 1..end], &mut shown);
        at = end;
    }
    (shown, hidden)
}

/// The text with every reference filled up by as many letters as it has bytes: a default may
/// hold what divides a URL.
fn shape(api: &str) -> Cow<'_, str> {
    let found = match has_reference(api) {
        true => variables(api).unwrap_or_default(),
        false => Vec::new(),
    };
    if found.is_empty() {
        return Cow::Borrowed(api);
    }
    let mut shape = String::with_capacity(api.len());
    let mut at = 0;
    for variable in found {
        shape.push_str(&api[at..variable.range.start]);
        shape.extend(std::iter::repeat_n('x', variable.range.len()));
        at = variable.range.end;
    }
    shape.push_str(&api[at..]);
    Cow::Owned(shape)
}

/// The text with each default that is a part of a URL with a secret as it may be shown; none
/// where no default is.
fn with_shown_defaults(api: &str) -> Option<String> {
    let found = match has_reference(api) {
        true => variables(api).unwrap_or_default(),
        false => Vec::new(),
    };
    let mut out = String::new();
    let mut at = 0;
    for Variable { default, range, .. } in found {
        let Some(default) = default else { continue };
        if let (shown, true) = shown_url(default) {
            let start = range.end - 1 - default.len();
            out.push_str(&api[at..start]);
            out.push_str(&shown);
            at = range.end - 1;
        }
    }
    (at > 0).then(|| out + &api[at..])
}

/// `name=value&…`; tells whether anything was hidden.
fn show_pairs(pairs: &str, shape: &str, shown: &mut String) -> bool {
    let mut hidden = false;
    let mut at = 0;
    for shape in shape.split_inclusive(['&', ';']) {
        let pair = &pairs[at..at + shape.len()];
        at += shape.len();
        let (pair, mark) = pair.split_at(shape.trim_end_matches(['&', ';']).len());
        match pair.split_once('=') {
            Some((name, value))
                if is_secret_parameter(name)
                    && !value.is_empty()
                    && !crate::plan::is_lone_variable(value) =>
            {
                hidden = true;
                shown.push_str(name);
                shown.push_str("=hidden");
            }
            _ => hidden |= show_words(pair, shown),
        }
        shown.push_str(mark);
    }
    hidden
}

/// Text without words that are credentials wherever they stand; tells whether
/// there were any.
fn show_words(text: &str, shown: &mut String) -> bool {
    let mut hidden = false;
    for word in text.split_inclusive('/') {
        let mut at = 0;
        for range in crate::source::credentials(word.trim_end_matches('/')) {
            hidden = true;
            shown.push_str(&word[at..range.start]);
            shown.push_str("hidden");
            at = range.end;
        }
        shown.push_str(&word[at..]);
    }
    hidden
}

/// The host of a URL as it is written, without user-info and port; none when
/// any of it, or what stands before it, depends on a `${NAME}`.
pub fn literal_host(api: &str) -> Option<&str> {
    let authority = authority(api);
    let text = &api[authority.clone()];
    let start = authority.start + text.rfind('@').map_or(0, |at| at + 1);
    let rest = &api[start..authority.end];
    let length = match rest.starts_with('[') {
        true => rest.find(']').map(|at| at + 1),
        false => rest.find(':'),
    };
    let host = start..start + length.unwrap_or(rest.len());
    let depends = variables(api).ok()?.into_iter().any(|variable| {
        let range = variable.range;
        range.start < authority.start || (range.start < host.end && range.end > host.start)
    });
    (!depends && !host.is_empty()).then(|| &api[host])
}

/// Byte range of user-info, host and port.
fn authority(api: &str) -> Range<usize> {
    let Some(start) = api.find("://").map(|at| at + 3) else {
        return 0..0;
    };
    let end = shape(api)[start..]
        .find(['/', '?', '#'])
        .map_or(api.len(), |at| at + start);
    start..end
}

/// Byte range of the path.
fn path(api: &str) -> Range<usize> {
    let start = authority(api).end;
    let end = shape(api)[start..]
        .find(['?', '#'])
        .map_or(api.len(), |at| at + start);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_completed_once() {
        for (api, interface, wanted) in [
            (
                "https://api.example.com/v1",
                Interface::Anthropic,
                "https://api.example.com/v1/messages",
            ),
            (
                "https://x.test",
                Interface::Openai,
                "https://x.test/v1/chat/completions",
            ),
            (
                "https://x.test/",
                Interface::Anthropic,
                "https://x.test/v1/messages",
            ),
            (
                "https://x.test?a=b",
                Interface::Anthropic,
                "https://x.test/v1/messages?a=b",
            ),
            (
                "https://api.deepseek.com/chat/completions",
                Interface::Openai,
                "https://api.deepseek.com/chat/completions",
            ),
            (
                "https://x.test/anthropic/",
                Interface::Anthropic,
                "https://x.test/anthropic/",
            ),
            (
                "https://x.test/v1/?a=b/",
                Interface::Openai,
                "https://x.test/v1/chat/completions?a=b/",
            ),
            (
                "https://x.test/v1/messages/",
                Interface::Anthropic,
                "https://x.test/v1/messages/",
            ),
            (
                "https://x.test/api/v1/chat/completions/",
                Interface::Openai,
                "https://x.test/api/v1/chat/completions/",
            ),
            (
                "https://x.test/v1/responses/",
                Interface::Openai,
                "https://x.test/v1/responses/",
            ),
            ("${BASE}/v1", Interface::Openai, "${BASE}/v1"),
        ] {
            let once = normal_url(api, interface);
            assert_eq!(once, wanted);
            assert_eq!(normal_url(&once, interface), wanted);
        }
    }

    #[test]
    fn bases_that_are_not_completed_are_exact() {
        for (api, exact) in [
            ("https://api.deepseek.com/anthropic", true),
            ("https://x.test/v1beta/openai/?a=b", true),
            ("https://x.test/api/paas/v4", true),
            ("https://x.test/", false),
            ("https://openrouter.ai/api/v1/", false),
            ("https://x.test/api/paas/v4/chat/completions", false),
            ("https://x.test/openai/responses?api-version=1", false),
            ("https://x.test/v1/models/claude:rawPredict", false),
            ("https://x.test/${PATH}", false),
            ("x.test/anthropic", false),
        ] {
            assert_eq!(is_exact(api), exact, "{api}");
        }
    }

    #[test]
    fn protocols_are_inferred() {
        assert_eq!(
            inferred_interface("https://api.anthropic.com", "m"),
            Interface::Anthropic
        );
        assert_eq!(
            inferred_interface("https://x.test/v1", "claude-sonnet-4-5"),
            Interface::Anthropic
        );
        assert_eq!(
            inferred_interface("https://x.test/v1/", "claude-sonnet-4-5"),
            Interface::Anthropic
        );
        assert_eq!(
            inferred_interface("https://x.test/v1", "gpt-5"),
            Interface::Openai
        );
        assert_eq!(
            inferred_interface("https://x.test/chat/completions", "claude-x"),
            Interface::Openai
        );
    }

    #[test]
    fn hosts_are_literal_or_none() {
        for (api, host) in [
            ("https://a.example/v1", Some("a.example")),
            ("https://u:p@a.example:8443?x=@b", Some("a.example")),
            ("https://[::1]:8080/", Some("[::1]")),
            (
                "https://${U}:${P}@a.example:${PORT}/${PATH}",
                Some("a.example"),
            ),
            ("${BASE:-https://a.example}/v1", None),
            ("https://${HOST:-u@a.example/}", None),
            ("https://a.example${SUFFIX:-:80}/", None),
            ("https://${TEAM}.a.example", None),
            ("${SCHEME}://a.example", None),
            ("https://${oops", None),
            ("a.example", None),
            ("https://", None),
        ] {
            assert_eq!(literal_host(api), host, "{api}");
        }
    }

    #[test]
    fn credentials_are_hidden() {
        assert_eq!(
            shown_url("https://u:p@h/x?api-key=1&v=2#f"),
            ("https://h/x?api-key=hidden&v=2#f".into(), true)
        );
        assert_eq!(
            shown_url("https://h/x/sk-0123456789/v1?v=sk-0123456789#token=1&b=2?key=3"),
            (
                "https://h/x/hidden/v1?v=hidden#token=hidden&b=2?key=hidden".into(),
                true
            )
        );
        assert_eq!(
            shown_url("https://h/x?key=${K}"),
            ("https://h/x?key=${K}".into(), false)
        );
        assert_eq!(
            shown_url("https://h/Bearer 0123456789"),
            ("https://h/hidden".into(), true)
        );
        assert_eq!(shown_url("https://h/x"), ("https://h/x".into(), false));
    }

    #[test]
    fn parameters_are_secret_by_how_their_names_end() {
        for name in [
            "client_secret",
            "access_key",
            "user_password",
            "X-Amz-Signature",
            "X-Goog-Credential",
            "x-functions-key",
            "passwd",
            "authorization",
            "code",
            "ke%79",
            "api%5Fkey2",
        ] {
            for (before, after) in [("", ""), ("a=b&", ""), ("a=b;", "&c=d")] {
                let url = format!("https://h/v1?{before}{name}=ZQX{after}");
                let (shown, hidden) = shown_url(&url);
                assert_eq!((&*shown, hidden), (&*url.replace("ZQX", "hidden"), true));
            }
        }
        for name in [
            "api-version",
            "deployment",
            "country_code",
            "50%",
            "%zz",
            "q",
        ] {
            let url = format!("https://h/v1?{name}=ZQX&;x");
            assert_eq!(shown_url(&url), (url.as_str().into(), false));
        }
    }

    #[test]
    fn a_default_may_hold_what_divides_a_url() {
        for (url, wanted) in [
            ("http://u:${P:-a/ZQX?b#c@d}@h/v1", "http://h/v1"),
            (
                "http://h/v1?key=${K:-ab&ZQX;c#d}&v=1",
                "http://h/v1?key=hidden&v=1",
            ),
            (
                "http://h/v1?a=${C:-http://u:ZQX@x}",
                "http://h/v1?a=${C:-http://x}",
            ),
            ("http://h/${P:-x?key=ZQX}", "http://h/${P:-x?key=hidden}"),
            (
                "${BASE:-http://u:ZQX@x?token=ZQX}/v1",
                "${BASE:-http://x?token=hidden}/v1",
            ),
        ] {
            assert_eq!(shown_url(url), (wanted.into(), true));
        }
    }
}
