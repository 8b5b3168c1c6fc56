//! Who may call while no key is asked for: programs, and no web page of another host.
//!
//! The proxy listens on this machine only then, where a browser may show any page. A page can
//! send requests that the browser asks nobody about, but not without saying where it is from;
//! and one whose own name was turned to this machine (DNS rebinding) calls by that name.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::{HOST, ORIGIN};
use http::{HeaderName, Uri};

use crate::http1::{Headers, host};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Domains in which no name is to be had from outside: that of every machine for itself, and
/// that of private networks, in which containers name the machine they run on
/// (`host.docker.internal`).
const OWN: [&[u8]; 2] = [b".localhost", b".internal"];

/// Why a request that needs no key is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// It calls the proxy by a name that others may have given it.
    Name,
    /// A page of another host sent it.
    Page,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => {
                "without `APIKEY` this proxy is not called by this name: call it as `localhost` \
                 or by its IP address, make the name its `HOST`, or set `APIKEY`"
            }
            Self::Page => {
                "without `APIKEY` this proxy takes nothing from web pages of other hosts: set \
                 `APIKEY` and send it, or call from a program"
            }
        })
    }
}

/// The names by which the proxy may be called.
#[derive(Debug)]
pub(crate) struct Names {
    configured: String,
}

impl Names {
    /// IP addresses, those that only this machine can have, and the one it listens on.
    pub(crate) fn new(configured: &str) -> Self {
        Self {
            configured: configured.to_owned(),
        }
    }

    /// Whether a request may be served without a key. One that says neither a host nor where
    /// it is from is of no browser.
    ///
    /// # Errors
    /// [`Stranger`], whom nothing may be told.
    pub(crate) fn check(&self, target: &Uri, headers: &Headers) -> Result<(), Stranger> {
        // A host in the target counts, whatever the header says (RFC 9112, section 3.2.2).
        let called = match (target.host(), headers.get(HOST)) {
            (Some(host), _) => host.as_bytes(),
            (None, Some(written)) => host(written).ok_or(Stranger::Name)?,
            (None, None) => b"",
        };
        if !called.is_empty() && !self.has(called) {
            return Err(Stranger::Name);
        }
        let is_foreign = match headers.get(ORIGIN) {
            Some(origin) => is_foreign(origin, called),
            None => headers.get(FETCH_SITE) == Some(b"cross-site"),
        };
        match is_foreign {
            true => Err(Stranger::Page),
            false => Ok(()),
        }
    }

    fn has(&self, called: &[u8]) -> bool {
        let name = called.strip_suffix(b".").unwrap_or(called);
        name.eq_ignore_ascii_case(b"localhost")
            || is_address(name)
            || name.eq_ignore_ascii_case(self.configured.as_bytes())
            || OWN.iter().any(|own| ends_with(name, own))
    }
}

fn ends_with(name: &[u8], end: &[u8]) -> bool {
    let at = name.len().checked_sub(end.len());
    at.is_some_and(|at| at > 0 && name[at..].eq_ignore_ascii_case(end))
}

/// Whether nobody has to be asked where this is.
fn is_address(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Whether a page of this origin is of another host than the one it calls. What is no page of
/// the web says so by its scheme (an editor's, a program with pages of its own); `null` may be
/// any page.
fn is_foreign(origin: &[u8], called: &[u8]) -> bool {
    let separator = b"://";
    let at = origin
        .windows(separator.len())
        .position(|at| at == separator);
    let Some(at) = at else {
        return true;
    };
    let (scheme, authority) = (&origin[..at], &origin[at + separator.len()..]);
    let is_web = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    is_web && !host(authority).is_some_and(|host| host.eq_ignore_ascii_case(called))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, headers: &[(&str, &str)]) -> Result<(), Stranger> {
        let target = target.parse().expect("a target");
        Names::new("proxy.test").check(&target, &Headers::of(headers))
    }

    #[test]
    fn it_is_called_by_names_that_nobody_else_can_have() {
        for (host, wanted) in [
            ("127.0.0.1:5678", Ok(())),
            ("127.9.9.9", Ok(())),
            ("192.168.1.7:5678", Ok(())),
            ("[::1]:5678", Ok(())),
            ("localhost", Ok(())),
            ("LocalHost.:1", Ok(())),
            ("me.localhost:80", Ok(())),
            ("Proxy.Test", Ok(())),
            ("proxy.test:1", Ok(())),
            ("host.docker.internal:5678", Ok(())),
            ("host.containers.internal", Ok(())),
            ("", Ok(())),
            ("evil.example", Err(Stranger::Name)),
            ("evil.example:5678", Err(Stranger::Name)),
            ("ctr", Err(Stranger::Name)),
            ("notlocalhost", Err(Stranger::Name)),
            ("localhost.evil.example", Err(Stranger::Name)),
            ("127.0.0.1.evil.example", Err(Stranger::Name)),
            ("127.1", Err(Stranger::Name)),
            ("[evil]", Err(Stranger::Name)),
            (".localhost", Err(Stranger::Name)),
            ("a.proxy.test", Err(Stranger::Name)),
        ] {
            assert_eq!(check("/", &[("host", host)]), wanted, "{host}");
            if !host.is_empty() && !host.contains("[evil]") {
                let target = format!("http://{host}/");
                let headers = [("host", "localhost")];
                assert_eq!(check(&target, &headers), wanted, "{target}");
            }
        }
        assert_eq!(check("/", &[]), Ok(()));
        let hidden = check("http://evil.example/", &[("host", "127.0.0.1")]);
        assert_eq!(hidden, Err(Stranger::Name));
    }

    #[test]
    fn a_page_calls_no_other_host_than_its_own() {
        let (host, origin, site) = ("host", "Origin", "Sec-Fetch-Site");
        for (headers, wanted) in [
            (&[(origin, "http://localhost:5678")][..], Ok(())),
            (
                &[(origin, "http://localhost:3000"), (site, "same-site")],
                Ok(()),
            ),
            (&[(origin, "https://LOCALHOST")], Ok(())),
            (&[(site, "same-origin")], Ok(())),
            (&[(site, "none")], Ok(())),
            (
                &[(origin, "vscode-webview://1x2y"), (site, "cross-site")],
                Ok(()),
            ),
            (&[(origin, "app://notes")], Ok(())),
            (&[(origin, "https://evil.example")], Err(Stranger::Page)),
            (&[(origin, "http://127.0.0.1:5678")], Err(Stranger::Page)),
            (
                &[(origin, "http://localhost.evil.example")],
                Err(Stranger::Page),
            ),
            (&[(origin, "http://localhost:x")], Err(Stranger::Page)),
            (&[(origin, "null")], Err(Stranger::Page)),
            (&[(origin, "")], Err(Stranger::Page)),
            (&[(origin, "http://")], Err(Stranger::Page)),
            (
                &[(origin, "null"), (site, "same-origin")],
                Err(Stranger::Page),
            ),
            (&[(site, "cross-site")], Err(Stranger::Page)),
        ] {
            let called = [&[(host, "localhost:5678")], headers].concat();
            assert_eq!(check("/", &called), wanted, "{headers:?}");
        }
        let named = [(host, "[::1]:1"), (origin, "http://[::1]:2")];
        assert_eq!(check("/", &named), Ok(()));
    }
}
