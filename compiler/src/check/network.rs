//! Traffic that anyone on the way can read, or that goes to a path no server has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::called::{self, Called};
use super::models::wrong_url;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::{Registration, is_exact, literal_host};
use crate::source::Spanned;

/// Last labels of names that the public name system does not have.
const PRIVATE_SUFFIXES: [&str; 6] = ["local", "internal", "svc", "localhost", "lan", "home.arpa"];

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    for called in called::all(registration).filter(|called| called.is_in_use(registration)) {
        let Some(api) = called.api() else { continue };
        exact(called, api, problems);
        let Some(host) = plain_host(&api.value).filter(|host| is_public(host)) else {
            continue;
        };
        problems.push(
            Diagnostic::new(
                Code::NetPlainHttp,
                format!(
                    "`{}` sends prompts and keys unencrypted to `{host}`",
                    called.path("api")
                ),
            )
            .at(api.span, "plain `http://` to a public host")
            .help("write `https://`, or reach the upstream by a private address"),
        );
    }
}

/// Tells of a base that a vendor's client would complete, and the proxy does not.
fn exact(called: Called<'_>, api: &Spanned<String>, problems: &mut Problems) {
    let is_endpoint = matches!(called, Called::Entry(_) | Called::Provider(_));
    if is_endpoint && is_exact(&api.value) && wrong_url(&api.value).is_none() {
        problems.push(
            Diagnostic::new(
                Code::NetExactPath,
                format!(
                    "requests go to exactly the path of `{}`",
                    called.path("api")
                ),
            )
            .at(api.span, "nothing is put behind this path")
            .help("write the whole path, ending in `/messages`, `/chat/completions` or `/responses`, if this is a base"),
        );
    }
}

/// The host of a URL that is surely called without encryption.
fn plain_host(url: &str) -> Option<&str> {
    let scheme = url.get(.."http://".len())?;
    let plain = scheme.eq_ignore_ascii_case("http://");
    plain.then(|| literal_host(url)).flatten()
}

/// Whether a host is this machine: `localhost`, `127.0.0.0/8`, `::1`, and the
/// addresses that mean every interface.
pub(super) fn is_loopback(host: &str) -> bool {
    match address(host) {
        Some(address) => address.is_loopback() || address.is_unspecified(),
        None => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

/// Whether a host is surely outside: a name with a dot that ends in no private
/// suffix, or an address of no private range.
pub(crate) fn is_public(host: &str) -> bool {
    if is_loopback(host) {
        return false;
    }
    match address(host) {
        Some(IpAddr::V4(address)) => is_public_v4(address),
        Some(IpAddr::V6(address)) => is_public_v6(address),
        None => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            let private = PRIVATE_SUFFIXES.iter().any(|suffix| {
                name.strip_suffix(suffix)
                    .is_some_and(|rest| rest.ends_with('.'))
            });
            // Short forms such as `10.1` are addresses too, and are left alone.
            let short = name
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
            name.contains('.') && !private && !short && !host.starts_with('[')
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // Carriers and overlay networks use 100.64.0.0/10; it is not routed outside.
    let shared = first == 100 && second & 0b1100_0000 == 64;
    !(address.is_private() || address.is_link_local() || shared)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    !(address.is_unique_local() || address.is_unicast_link_local())
}

fn address(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(host).parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_outside_is_public() {
        for (url, public) in [
            ("http://llm.example/v1", true),
            ("HTTP://u:p@LLM.example.:8080?x", true),
            ("http://8.8.8.8", true),
            ("http://[2001:db8::1]:80/", true),
            ("http://172.32.0.1", true),
            ("http://local.example", true),
            ("https://llm.example/v1", false),
            ("http://localhost:11434", false),
            ("http://a.localhost", false),
            ("http://127.9.9.9", false),
            ("http://[::1]:80", false),
            ("http://[::ffff:10.0.0.1]", false),
            ("http://10.1.2.3", false),
            ("http://172.31.0.1", false),
            ("http://192.168.0.1", false),
            ("http://169.254.1.1", false),
            ("http://100.64.0.1", false),
            ("http://[fd00::1]", false),
            ("http://[fe80::1]", false),
            ("http://ollama:11434", false),
            ("http://llm.team.svc", false),
            ("http://llm.team.svc.cluster.local:80", false),
            ("http://metadata.google.internal", false),
            ("http://127.1", false),
            ("http://${HOST}/v1", false),
            ("http://${HOST:-llm.example}/v1", false),
            ("http://${U}@llm.example/${PATH}", true),
        ] {
            let found = plain_host(url).is_some_and(is_public);
            assert_eq!(found, public, "{url}");
        }
    }
}
