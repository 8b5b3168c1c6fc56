//! The head of a request, and where its body ends.

use std::fmt;
use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Method, StatusCode, Uri};

use crate::http1::{
    Framing, Headers, Incoming, LINES, Malformed, Request, content_length, host, is_chunked, says,
};

/// Most bytes of a head: the longest target a URI can have, and as much for the fields.
pub(super) const LIMIT: usize = 128 << 10;

/// The head of a request.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) request: Request<()>,
    pub(super) framing: Framing,
    /// Whether it is HTTP/1.0.
    pub(super) is_old: bool,
    /// Whether the client can send another request on the connection.
    pub(super) is_kept: bool,
    /// Whether the client waits to be asked for the body.
    pub(super) is_waiting: bool,
}

/// Why what came is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Malformed(Malformed),
    TooLarge,
    LongTarget,
    Version,
    TooSlow,
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Refused {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::LongTarget => StatusCode::URI_TOO_LONG,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "the request cannot be read: {why}"),
            Self::TooLarge => write!(
                f,
                "the request has more than {LINES} headers or {} KB of them",
                LIMIT >> 10
            ),
            Self::LongTarget => f.write_str("the request's path and query are too long"),
            Self::Version => f.write_str("only HTTP/1.1 and HTTP/1.0 are spoken here"),
            Self::TooSlow => f.write_str("the head of the request did not come in time"),
        }
    }
}

impl Head {
    /// Takes a head off what came; none until it is there.
    ///
    /// # Errors
    /// When it is no head, when it is too large, or when it does not say clearly where
    /// its body ends. What comes after it cannot be understood then.
    pub(super) fn take(came: &mut Incoming) -> Result<Option<Self>, Refused> {
        came.skip_lines();
        match came.take_head() {
            Some(head) if head.len() <= LIMIT => Self::read(&head).map(Some),
            None if came.len() <= LIMIT => Ok(None),
            None if !came.holds(b'\n') => Err(Refused::LongTarget),
            _ => Err(Refused::TooLarge),
        }
    }

    fn read(bytes: &Bytes) -> Result<Self, Refused> {
        let mut lines = [const { MaybeUninit::uninit() }; LINES];
        let mut head = httparse::Request::new(&mut []);
        let length = match head.parse_with_uninit_headers(bytes, &mut lines) {
            Ok(httparse::Status::Complete(length)) => length,
            Err(httparse::Error::TooManyHeaders) => return Err(Refused::TooLarge),
            Err(httparse::Error::Version) if names_a_version(bytes) => {
                return Err(Refused::Version);
            }
            Ok(httparse::Status::Partial) | Err(_) => 0,
        };
        let (true, Some(minor), Some(method), Some(target)) =
            (length == bytes.len(), head.version, head.method, head.path)
        else {
            return Err(Malformed("its head is not HTTP/1").into());
        };
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| Malformed("its method is none"))?;
        let uri = uri(bytes.slice_ref(target.as_bytes()))?;
        let is_old = minor == 0;
        let mut headers = Headers::parsed(head.headers, length)?;
        let framing = framing(&mut headers, is_old)?;
        one_host(&headers, is_old)?;
        let is_kept = !says(&headers, "close") && (!is_old || says(&headers, "keep-alive"));
        let asks = headers.get(EXPECT);
        let is_waiting =
            !is_old && asks.is_some_and(|asks| asks.eq_ignore_ascii_case(b"100-continue"));
        Ok(Self {
            request: Request {
                method,
                uri,
                headers,
                body: (),
            },
            framing,
            is_old,
            is_kept,
            is_waiting,
        })
    }
}

fn uri(target: Bytes) -> Result<Uri, Refused> {
    // What `Uri` can hold, which says only that it is no URI.
    if target.len() >= usize::from(u16::MAX) {
        return Err(Refused::LongTarget);
    }
    let uri = Uri::from_maybe_shared(target).ok();
    // The name of a server alone is for proxies that make tunnels.
    let uri = uri.filter(|uri| !uri.path().is_empty());
    uri.ok_or(Malformed("its target is no path").into())
}

/// Whether the first line is a request of some version, and not one with a blank too much.
fn names_a_version(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    words.nth(2).is_some_and(|word| word.starts_with(b"HTTP/")) && words.next().is_none()
}

/// Whether it is clear for which host a request is, whatever its target says of it (RFC
/// 9112, section 3.2). HTTP/1.0 need not say.
fn one_host(headers: &Headers, is_old: bool) -> Result<(), Malformed> {
    let mut hosts = headers.get_all(HOST);
    match (hosts.next(), hosts.next()) {
        (None, _) if is_old => Ok(()),
        (None, _) => Err(Malformed("it has no `Host`")),
        (Some(_), Some(_)) => Err(Malformed("it has more than one `Host`")),
        (Some(written), None) => match host(written) {
            Some(_) => Ok(()),
            None => Err(Malformed("its `Host` is none")),
        },
    }
}

/// Where the body ends. What could be read as two requests, or as another one by
/// whoever stands before this server, is none.
fn framing(headers: &mut Headers, is_old: bool) -> Result<Framing, Malformed> {
    let length = content_length(headers)?;
    if is_chunked(headers)? {
        if length.is_some() {
            return Err(Malformed("it has a length and a transfer coding"));
        }
        if is_old {
            return Err(Malformed("HTTP/1.0 has no chunks"));
        }
        headers.remove(TRANSFER_ENCODING);
        return Ok(Framing::chunked());
    }
    let length = length.unwrap_or_default();
    if headers.get_all(CONTENT_LENGTH).nth(1).is_some() {
        // One that was sent twice is said once.
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(Framing::Length(length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a head says: the request line, where the body ends, what comes after it.
    fn read(head: &str) -> String {
        let mut came = Incoming::from(head.as_bytes());
        let head = match Head::take(&mut came) {
            Ok(Some(head)) => head,
            Ok(None) => return "more".to_owned(),
            Err(refused) => return refused.status().as_u16().to_string(),
        };
        let ends = match head.framing.left() {
            Some(length) => length.to_string(),
            None => "chunked".to_owned(),
        };
        let kept = if head.is_kept { "kept" } else { "not kept" };
        let waits = if head.is_waiting { ", waiting" } else { "" };
        format!(
            "{} {}, {ends}, {kept}{waits}",
            head.request.method, head.request.uri
        )
    }

    fn says(line: &str, headers: &[&str]) -> String {
        with_hosts(line, &[&["host: a"], headers].concat())
    }

    /// The same with no host but those that are there.
    fn with_hosts(line: &str, headers: &[&str]) -> String {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        read(&format!("{line}\r\n{headers}\r\n"))
    }

    fn post(headers: &[&str]) -> String {
        says("POST /a?b=c HTTP/1.1", headers)
    }

    #[test]
    fn a_head_says_where_its_body_ends() {
        assert_eq!(post(&[]), "POST /a?b=c, 0, kept");
        assert_eq!(post(&["Content-Length: 5"]), "POST /a?b=c, 5, kept");
        assert_eq!(
            post(&["Transfer-Encoding: Chunked"]),
            "POST /a?b=c, chunked, kept"
        );
        assert_eq!(
            post(&["content-length: 5", "content-length: 5"]),
            "POST /a?b=c, 5, kept"
        );
        assert_eq!(post(&["connection: x, Close"]), "POST /a?b=c, 0, not kept");
        assert_eq!(
            post(&["content-length: 5", "expect: 100-Continue"]),
            "POST /a?b=c, 5, kept, waiting"
        );
        assert_eq!(
            says("GET / HTTP/1.0", &["expect: 100-continue"]),
            "GET /, 0, not kept"
        );
        assert_eq!(
            says("GET / HTTP/1.0", &["connection: Keep-Alive"]),
            "GET /, 0, kept"
        );
        assert_eq!(
            says("GET http://a/b HTTP/1.1", &[]),
            "GET http://a/b, 0, kept"
        );
        assert_eq!(says("OPTIONS * HTTP/1.1", &[]), "OPTIONS *, 0, kept");
        assert_eq!(read("\r\n\nGET / HTTP/1.1\nhost: a\n\n"), "GET /, 0, kept");
        assert_eq!(read("\r\n\r\n"), "more");
    }

    #[test]
    fn a_length_that_is_said_twice_is_passed_on_once() {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n";
        let head = Head::take(&mut Incoming::from(head.as_bytes()));
        let headers = head.expect("a head").expect("whole").request.headers;
        assert_eq!(headers.get_all(CONTENT_LENGTH).count(), 1);
    }

    #[test]
    fn what_could_be_two_requests_is_none() {
        for headers in [
            &["content-length: 5", "content-length: 6"][..],
            &["content-length: 5, 5"],
            &["content-length: +5"],
            &["content-length: "],
            &["content-length: 99999999999999999999"],
            &["content-length: 5", "transfer-encoding: chunked"],
            &["transfer-encoding: chunked", "transfer-encoding: chunked"],
            &["transfer-encoding: gzip, chunked"],
            &["transfer-encoding: identity"],
            &["transfer-encoding : chunked"],
            &["a: b", " transfer-encoding: chunked"],
            &["a: b\rtransfer-encoding: chunked"],
            &["a: \0"],
            &[": b"],
        ] {
            assert_eq!(post(headers), "400", "{headers:?}");
        }
        let old = says("POST / HTTP/1.0", &["transfer-encoding: chunked"]);
        assert_eq!(old, "400");
    }

    #[test]
    fn a_request_is_for_one_host() {
        for (line, headers, wanted) in [
            (
                "GET / HTTP/1.1",
                &["Host: \ta.example:80 "][..],
                "GET /, 0, kept",
            ),
            ("GET / HTTP/1.1", &["host: [::1]:80"], "GET /, 0, kept"),
            ("GET / HTTP/1.1", &["host:"], "GET /, 0, kept"),
            (
                "GET http://a/ HTTP/1.1",
                &["host: b"],
                "GET http://a/, 0, kept",
            ),
            ("GET / HTTP/1.0", &[], "GET /, 0, not kept"),
            ("GET / HTTP/1.1", &[], "400"),
            ("GET http://a/ HTTP/1.1", &[], "400"),
            ("GET / HTTP/1.1", &["host: a", "host: a"], "400"),
            ("GET / HTTP/1.0", &["host: a", "host: b"], "400"),
            ("GET / HTTP/1.1", &["host: a, b"], "400"),
            ("GET / HTTP/1.1", &["host: a/b"], "400"),
            ("GET / HTTP/1.1", &["host: me@a"], "400"),
            ("GET / HTTP/1.0", &["host: a:b"], "400"),
        ] {
            assert_eq!(with_hosts(line, headers), wanted, "{line} {headers:?}");
        }
    }

    #[test]
    fn each_kind_of_too_much_has_its_status() {
        let lines = vec!["a: b"; LINES];
        assert_eq!(post(&lines), "431");
        assert_eq!(post(&lines[1..]), "POST /a?b=c, 0, kept");
        assert_eq!(post(&[&format!("a: {}", "b".repeat(LIMIT))]), "431");
        assert_eq!(
            read(&format!(
                "POST / HTTP/1.1\r\nhost: a\r\na: {}",
                "b".repeat(LIMIT)
            )),
            "431"
        );
        let target = "/".repeat(usize::from(u16::MAX));
        assert_eq!(says(&format!("GET {target} HTTP/1.1"), &[]), "414");
        assert_eq!(read(&format!("GET /{}", "b".repeat(LIMIT))), "414");
        let longest = &target[..target.len() - 1];
        assert!(says(&format!("GET {longest} HTTP/1.1"), &[]).ends_with(", 0, kept"));
        assert_eq!(read("PRI * HTTP/2.0\r\n\r\n"), "505");
        for line in ["GET /a b HTTP/1.1", "GET / HTTP/1.1 b", "GET / b"] {
            assert_eq!(read(&format!("{line}\r\nhost: a\r\n\r\n")), "400", "{line}");
        }
        for line in [
            "GET /",
            "GET  / HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET a HTTP/1.1",
            "GET /\u{1} HTTP/1.1",
        ] {
            assert_eq!(says(line, &[]), "400", "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_head_is_taken_when_it_is_there(cuts in prop::collection::vec(0_usize..67, 0..4)) {
            let head = "POST / HTTP/1.1\r\na: b\r\nhost: a\r\ncontent-length: 12\r\nx: \r\n\r\n";
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(head.len() - 1)).collect();
            cuts.sort_unstable();
            let (mut came, mut at) = (Incoming::new(), 0);
            for cut in cuts {
                came.push(&head.as_bytes()[at..cut]);
                at = cut;
                prop_assert!(matches!(Head::take(&mut came), Ok(None)));
            }
            came.push(&head.as_bytes()[at..]);
            came.push(b"body");
            let taken = Head::take(&mut came).expect("a head").expect("whole");
            prop_assert_eq!(came.bytes(), b"body");
            prop_assert_eq!(taken.request.headers.text("a"), Some("b"));
            prop_assert_eq!(taken.framing.left(), Some(12));
        }

        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..80), known in "(GET / HTTP/1[.]1\r\nhost: a\r\n)?") {
            let mut came = Incoming::from(known.as_bytes());
            came.push(&bytes);
            came.push(b"\r\n\r\n");
            let _ = Head::take(&mut came);
        }
    }
}
