//! The head of an answer, and where its body ends (RFC 9112, sections 4 to 6).

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_LENGTH;

use super::Broke;
use crate::http1::{
    Framing, Headers, Incoming, LINES, Malformed, Response, content_length, has_no_body,
    is_chunked, says,
};

/// Most bytes of a head; real ones have a tenth of it.
const LIMIT: usize = 64 << 10;

/// The head of an answer.
pub(super) struct Head {
    pub(super) response: Response<()>,
    pub(super) framing: Framing,
    /// Whether the connection can carry another request after the body.
    pub(super) is_kept: bool,
}

impl Head {
    /// Takes a head off what came; none until it is there. `to_head` says that the
    /// request was a `HEAD`, whose answer has no body.
    ///
    /// # Errors
    /// When it is no head, when it is too large, or when it does not say clearly where
    /// its body ends.
    pub(super) fn take(came: &mut Incoming, to_head: bool) -> Result<Option<Self>, Broke> {
        match came.take_head() {
            Some(head) if head.len() <= LIMIT => Self::read(&head, to_head).map(Some),
            None if came.len() <= LIMIT => Ok(None),
            _ => Err(Malformed("its head is too large")),
        }
        .map_err(Broke::from)
    }

    fn read(bytes: &Bytes, to_head: bool) -> Result<Self, Malformed> {
        let mut lines = [const { MaybeUninit::uninit() }; LINES];
        let mut head = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut head, bytes, &mut lines);
        let is_whole = parsed.is_ok_and(|parsed| parsed == httparse::Status::Complete(bytes.len()));
        let (true, Some(minor), Some(code)) = (is_whole, head.version, head.code) else {
            return Err(Malformed("its head is not HTTP/1"));
        };
        let status = StatusCode::from_u16(code).map_err(|_| Malformed("its status is none"))?;
        let is_old = minor == 0;
        let mut headers = Headers::parsed(head.headers, bytes.len())?;
        let framing = match to_head || has_no_body(status) {
            true => Framing::Length(0),
            false => framing(&mut headers, is_old)?,
        };
        let is_kept = !is_old
            && status != StatusCode::SWITCHING_PROTOCOLS
            && !matches!(framing, Framing::UntilClosed)
            && !says(&headers, "close");
        Ok(Self {
            response: Response {
                status,
                headers,
                body: (),
            },
            framing,
            is_kept,
        })
    }

    /// Whether the answer is still to come.
    pub(super) fn is_interim(&self) -> bool {
        let status = self.response.status;
        status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
    }
}

fn framing(headers: &mut Headers, is_old: bool) -> Result<Framing, Malformed> {
    if is_chunked(headers)? {
        if is_old {
            return Err(Malformed("HTTP/1.0 has no chunks"));
        }
        // It is overridden, and must not be passed on (RFC 9112, section 6.3).
        headers.remove(CONTENT_LENGTH);
        return Ok(Framing::chunked());
    }
    let length = content_length(headers)?;
    Ok(length.map_or(Framing::UntilClosed, Framing::Length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a head says: status, where the body ends, whether the connection is kept.
    fn read(head: &str, to_head: bool) -> String {
        let mut came = Incoming::from(head.as_bytes());
        let head = match Head::take(&mut came, to_head) {
            Ok(Some(head)) => head,
            Ok(None) => return "more".to_owned(),
            Err(broke) => return broke.to_string(),
        };
        let framing = match head.framing {
            Framing::Length(length) => length.to_string(),
            Framing::Chunked(_) => "chunked".to_owned(),
            Framing::UntilClosed => "until closed".to_owned(),
        };
        let kept = if head.is_kept { "kept" } else { "not kept" };
        format!("{}, {framing}, {kept}", head.response.status.as_u16())
    }

    #[test]
    fn a_head_says_where_its_body_ends() {
        let says = |status: &str, headers: &str| read(&format!("{status}\r\n{headers}\r\n"), false);
        let ok = |headers: &str| says("HTTP/1.1 200 OK", headers);
        assert_eq!(ok("Content-Length: 5\r\n"), "200, 5, kept");
        assert_eq!(ok("Transfer-Encoding: Chunked\r\n"), "200, chunked, kept");
        assert_eq!(ok(""), "200, until closed, not kept");
        assert_eq!(
            ok("content-length: 5\r\ncontent-length: 5\r\n"),
            "200, 5, kept"
        );
        assert_eq!(
            ok("content-length: 5\r\ntransfer-encoding: chunked\r\n"),
            "200, chunked, kept"
        );
        assert_eq!(
            ok("content-length: 5\r\nconnection: x, Close\r\n"),
            "200, 5, not kept"
        );
        assert_eq!(
            says("HTTP/1.0 200 OK", "content-length: 5\r\n"),
            "200, 5, not kept"
        );
        assert_eq!(
            says("HTTP/1.1 204", "content-length: 5\r\n"),
            "204, 0, kept"
        );
        assert_eq!(
            says("HTTP/1.1 304 ", "content-length: 5\r\n"),
            "304, 0, kept"
        );
        assert_eq!(says("HTTP/1.1 101 Go", ""), "101, 0, not kept");
        assert_eq!(
            read("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", true),
            "200, 0, kept"
        );
        assert_eq!(
            read("HTTP/1.1 200 OK\ncontent-length: 5\n\n", false),
            "200, 5, kept"
        );
    }

    #[test]
    fn what_is_unclear_is_refused() {
        let refused = |head: &str| {
            let said = read(head, false);
            assert!(
                said.starts_with("the answer cannot be read"),
                "{head:.60}: {said}"
            );
        };
        for head in [
            "\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "SSH-2.0-x\r\n\r\n",
        ] {
            refused(head);
        }
        for headers in [
            "content-length: 5\r\ncontent-length: 6",
            "content-length: 5, 5",
            "content-length: +5",
            "content-length: ",
            "content-length: 99999999999999999999",
            "transfer-encoding: gzip, chunked",
            "transfer-encoding: gzip\r\ntransfer-encoding: chunked",
            "a b: c",
            ": c",
            "a: \u{1}",
            "a: b\r\n c",
        ] {
            refused(&format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n"));
        }
        refused("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        refused(&format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(LIMIT)));
        refused(&format!(
            "HTTP/1.1 200 OK\r\na: {}\r\n\r\n",
            "b".repeat(LIMIT)
        ));
        refused(&format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            "a: b\r\n".repeat(LINES + 1)
        ));
    }

    proptest! {
        #[test]
        fn a_head_is_taken_when_it_is_there(cut in 0_usize..62) {
            let head = "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 12\r\nx: \r\n\r\n";
            let mut came = Incoming::from(&head.as_bytes()[..cut.min(head.len() - 1)]);
            prop_assert!(matches!(Head::take(&mut came, false), Ok(None)));
            came.push(&head.as_bytes()[came.len()..]);
            came.push(b"body");
            let taken = Head::take(&mut came, false).expect("a head").expect("whole");
            prop_assert_eq!(came.bytes(), b"body");
            prop_assert_eq!(taken.response.headers.text("a"), Some("b"));
            prop_assert_eq!(taken.framing.left(), Some(12));
        }

        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..80), known in "(HTTP/1[.]1 200\r\n)?") {
            let mut came = Incoming::from(known.as_bytes());
            came.push(&bytes);
            came.push(b"\r\n\r\n");
            let _ = Head::take(&mut came, false);
        }
    }
}
