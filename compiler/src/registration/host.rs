//! What a host to listen on may be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a text is neither the name of a host nor an address, as a label; none where it
/// is one. Square brackets around an IPv6 address are part of it.
pub fn not_a_host(text: &str) -> Option<&'static str> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    // A zone follows the address, as in `fe80::1%eth0`.
    let address = bare.unwrap_or(text).split('%').next().unwrap_or_default();
    if address.parse::<Ipv6Addr>().is_ok() || text.parse::<IpAddr>().is_ok() {
        return None;
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.contains("://") {
        Some("this is a URL, and no host")
    } else if text.contains('/') {
        Some("a path is no part of a host")
    } else if has_port(text) {
        Some("a port is no part of a host")
    } else if text.is_empty() || !text.chars().all(is_name) {
        Some("this is neither a name nor an address")
    } else if is_wrong_address(text) {
        Some("this is no address")
    } else {
        None
    }
}

/// Whether a host is an address that others than this machine may reach. Of a name, only the
/// machine that listens knows.
pub fn is_public_host(text: &str) -> bool {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).split('%').next().unwrap_or_default();
    let address: Option<IpAddr> = match address {
        // The short form of every address of this machine.
        "0" => Some(Ipv4Addr::UNSPECIFIED.into()),
        address => address.parse().ok(),
    };
    address.is_some_and(|address| !address.is_loopback())
}

fn has_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        (!host.contains(':') || host.ends_with(']')) && port.bytes().all(|c| c.is_ascii_digit())
    })
}

/// Whether a text of numbers and dots is no IPv4 address, nor the short form of one, of
/// which the last number fills what is left: `127.1`.
fn is_wrong_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if !parts.iter().all(|part| is_number(part)) {
        return false;
    }
    let Some((last, before)) = parts.split_last().filter(|_| parts.len() <= 4) else {
        return true;
    };
    let most = u32::MAX >> (8 * before.len());
    before.iter().any(|part| part.parse::<u8>().is_err())
        || !last.parse::<u32>().is_ok_and(|last| last <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_public_unless_it_is_this_machines_own() {
        for host in [
            "0.0.0.0",
            "0",
            "::",
            "[::]",
            "192.0.2.2",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "fe80::1%eth0",
        ] {
            assert!(is_public_host(host), "{host}");
        }
        for host in ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "llm.example"] {
            assert!(!is_public_host(host), "{host}");
        }
    }

    #[test]
    fn hosts_are_told_from_what_stands_around_them() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0",
            "0.0.0.0",
            "::",
            "[::1]",
            "fe80::1%eth0",
            "localhost",
            "a_b.Example.",
            "bücher.example",
            "1a.2",
        ] {
            assert_eq!(not_a_host(host), None, "{host}");
        }
        for (text, why) in [
            ("http://127.0.0.1", "this is a URL, and no host"),
            ("localhost/v1", "a path is no part of a host"),
            ("127.0.0.1:8000", "a port is no part of a host"),
            ("localhost:", "a port is no part of a host"),
            ("[::1]:80", "a port is no part of a host"),
            ("fe80:::1", "this is neither a name nor an address"),
            ("a b", "this is neither a name nor an address"),
            ("", "this is neither a name nor an address"),
            ("[127.0.0.1]", "this is neither a name nor an address"),
            ("256.1.1.1", "this is no address"),
            ("1.2.3.4.5", "this is no address"),
            ("127.0.65536", "this is no address"),
            ("127..1", "this is no address"),
        ] {
            assert_eq!(not_a_host(text), Some(why), "{text}");
        }
    }
}
