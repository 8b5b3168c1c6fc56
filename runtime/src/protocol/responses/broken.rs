//! The end of a stream that broke off, where it was only passed on.

use bytes::Bytes;

use super::super::json::{Json, Object, Text};
use super::super::sse::{Split, data};

/// A `response.failed` that fits what went before: the response object of the
/// stream's first event, and a number above those of its last.
pub fn broken_off(first: &[u8], last: &[u8], message: &str) -> Bytes {
    let mut split = Split::default();
    // More than fits is not read, and the object stays bare.
    let _ = split.push(first);
    let block = split.block().unwrap_or_default();
    let text = data(&block).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let event = Json::parse(&text, &["tools", "metadata", "text"]).unwrap_or(Json::NULL);
    let mut response = match event.get("response") {
        Some(Json::Object(response)) => response.clone(),
        _ => Object::new().with("object", "response"),
    };
    let error = Object::new()
        .with("code", "server_error")
        .with("message", Text::from_string(message.to_owned()));
    response.set("status", "failed");
    response.set("error", error);
    let event = Object::of_type("response.failed")
        .with(
            "sequence_number",
            sequence(last).map_or(0, |number| number.saturating_add(1)),
        )
        .with("response", response);
    format!("event: response.failed\ndata: {event}\n\n").into()
}

/// The last number in these events.
fn sequence(events: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"sequence_number\"";
    let at = memchr::memmem::rfind(events, NAME)?;
    let rest = events[at + NAME.len()..]
        .trim_ascii_start()
        .strip_prefix(b":")?;
    let rest = rest.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_fits_the_beginning() {
        let first = b"event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"error\":null,\"model\":\"m\"}}\n\n";
        let last =
            b"data: {\"sequence_number\":6}\n\ndata: {\"delta\":\"x\",\"sequence_number\": 7}\n\n";
        assert_eq!(
            broken_off(first, last, "it broke"),
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":8,\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"it broke\"},\"model\":\"m\"}}\n\n"
        );
        for (first, last) in [
            (&b""[..], &b""[..]),
            (b"data: 1\n\n", b"\"sequence_number\""),
        ] {
            assert_eq!(
                broken_off(first, last, "it broke"),
                "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":0,\"response\":{\"object\":\"response\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"it broke\"}}}\n\n"
            );
        }
    }
}
