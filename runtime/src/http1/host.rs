//! The name of a server, as `Host` and addresses write it.

/// The host of `host` or `host:port`, an IPv6 address with its brackets; none of anything
/// else. It may be empty, which says that a request is for no host (RFC 9112, section 3.2).
pub(crate) fn host(written: &[u8]) -> Option<&[u8]> {
    let is_address = written.first() == Some(&b'[');
    let end = match is_address {
        true => written.iter().position(|byte| *byte == b']')? + 1,
        false => {
            let end = written.iter().position(|byte| !is_of_name(*byte));
            end.unwrap_or(written.len())
        }
    };
    let (host, port) = written.split_at(end);
    let is_of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    if is_address && !host[1..end - 1].iter().all(is_of_address) {
        return None;
    }
    match port {
        [] => Some(host),
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit).then_some(host),
        _ => None,
    }
}

/// What a name may hold (RFC 3986, section 3.2.2).
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_have_a_port() {
        for (written, wanted) in [
            ("a.example", Some("a.example")),
            ("A.example:80", Some("A.example")),
            ("my_host", Some("my_host")),
            ("a:", Some("a")),
            ("127.0.0.1:5678", Some("127.0.0.1")),
            ("[::1]", Some("[::1]")),
            ("[::ffff:1.2.3.4]:80", Some("[::ffff:1.2.3.4]")),
            ("", Some("")),
            (":80", Some("")),
            ("a:b", None),
            ("a:1:2", None),
            ("::1", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[a/b]", None),
            ("[", None),
            ("a b", None),
            ("a/b", None),
            ("me@a", None),
            ("http://a", None),
            ("\u{fc}.example", None),
            ("a\0", None),
        ] {
            let host = host(written.as_bytes());
            assert_eq!(host, wanted.map(str::as_bytes), "{written:?}");
        }
    }
}
