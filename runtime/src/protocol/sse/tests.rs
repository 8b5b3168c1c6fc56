//! However a stream is cut into chunks, the same events come out.

use proptest::prelude::*;

use super::*;

/// Feeds `stream` in chunks that end at `cuts`; what goes out each time.
fn pieces(stream: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(stream.len());
    let mut from = 0;
    let chunks = cuts
        .into_iter()
        .map(|to| Bytes::copy_from_slice(&stream[std::mem::replace(&mut from, to)..to]));
    chunks.collect()
}

fn first_of(chunks: &[Bytes]) -> Option<First> {
    let mut peek = Peek::default();
    chunks
        .iter()
        .find_map(|chunk| peek.push(chunk))
        .or_else(|| peek.finish())
}

#[test]
fn an_event_goes_out_with_its_blank_line() {
    for stream in [
        "data: a\n\ndata: b",
        "data: a\r\n\r\ndata: b",
        "data: a\r\rdata: b",
        "data: a\n\r\ndata: b",
    ] {
        let mut hold = Hold::default();
        let out = hold.push(Bytes::from_static(stream.as_bytes()));
        assert!(
            out.starts_with(b"data: a") && !out.ends_with(b"data: b"),
            "{out:?}"
        );
        assert!(hold.is_between_events());
        assert_eq!(hold.finish(), "data: b");
    }
}

#[test]
fn a_line_break_may_be_split() {
    let mut hold = Hold::default();
    assert_eq!(hold.push("data: a\r".into()), "");
    assert_eq!(hold.push("\n\r".into()), "data: a\r\n\r");
    assert_eq!(hold.push("".into()), "");
    assert_eq!(hold.push("\n".into()), "\n");
    assert_eq!(hold.push("data: b\r".into()), "");
    assert_eq!(hold.push("\ndata: c\r\n".into()), "");
    assert_eq!(hold.push("".into()), "");
    assert_eq!(hold.push("\r\n".into()), "data: b\r\ndata: c\r\n\r\n");
    assert_eq!(hold.finish(), "");
}

#[test]
fn a_long_event_flows_and_the_next_is_held_again() {
    let mut hold = Hold::default();
    let long = Bytes::from(vec![b'x'; HOLD_LIMIT]);
    assert_eq!(hold.push(long.clone()), "");
    assert_eq!(hold.push("y".into()).len(), HOLD_LIMIT + 1);
    assert!(!hold.is_between_events());
    assert_eq!(hold.push("z".into()), "z");
    assert_eq!(hold.push("\n\ndata".into()), "\n\n");
    assert!(hold.is_between_events());
    assert_eq!(hold.finish(), "data");
}

#[test]
fn the_first_event_is_recognised() {
    use First::*;
    for (stream, expected) in [
        (
            "event: error\ndata: {\"type\":\"error\"}\n\n",
            Some(Error("api_error")),
        ),
        ("event:error\n\n", Some(Error("api_error"))),
        (
            "data: {\"type\": \"error\", \"error\": {}}\n\n",
            Some(Error("api_error")),
        ),
        (
            "data: {\"error\":{\"message\":\"no\"}}\n\n",
            Some(Error("api_error")),
        ),
        ("data: {\"error\":\"no\"}\r\n\r\n", Some(Error("api_error"))),
        ("data: {\"error\":\ndata: {}}\n\n", Some(Error("api_error"))),
        (": hi\n\n: ho\r\revent: error\n\n", Some(Error("api_error"))),
        ("\u{feff}event: error\n\n", Some(Error("api_error"))),
        (
            "retry: 10\nid: 3\n\ndata: {\"error\":{}}\n\n",
            Some(Error("api_error")),
        ),
        ("data: {\"error\":{}}", Some(Error("api_error"))),
        (
            "data: {\"choices\":[{\"finish_reason\":\"error\",\"error\":{\"code\":429}}]}\n\n",
            Some(Error("rate_limit_error")),
        ),
        (
            "data: {\"choices\":[{\"finish_reason\":\"stop\",\"error\":{\"code\":429}}]}\n\n",
            Some(Error("rate_limit_error")),
        ),
        (
            "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"error\\\"\"},\"error\":null}]}\n\n",
            Some(Event),
        ),
        (
            "data: {\"choices\":[{\"finish_reason\":\"network_error\"}]}\n\n",
            Some(Error("api_error")),
        ),
        (
            "data: {\"input\":{\"choices\":[{\"finish_reason\":\"error\"}]}}\n\n",
            Some(Event),
        ),
        ("data: {\"choices\":[],\"error\":null}\n\n", Some(Event)),
        ("data: {\"choices\":[],\"error\":\"\"}\n\n", Some(Event)),
        (
            "data: {\"text\":\"error\",\"x\":{\"error\":{}}}\n\n",
            Some(Event),
        ),
        (
            "event: message_start\ndata: {}\n\nevent: error\n\n",
            Some(Event),
        ),
        ("data: [DONE]\n\n", Some(Event)),
        ("data: an error, but no JSON\n\n", Some(Event)),
        ("data\n\n", Some(Event)),
        (": only\n\n", None),
        ("event: ping\ndata: {\"type\": \"ping\"}\n\n", None),
        (
            "data: {\"type\":\"ping\",\"cost\":\"0\"}\n\nevent: ping\n\n",
            None,
        ),
        ("data: {\"type\":\"ping\"}\n\ndata: {}\n\n", Some(Event)),
        ("data: {\"text\":\"ping\"}\n\n", Some(Event)),
        ("", None),
        ("\n\n\r\n", None),
    ] {
        assert_eq!(
            first_of(&pieces(stream.as_bytes(), &[])),
            expected,
            "{stream:?}"
        );
        for cut in 0..stream.len() {
            assert_eq!(
                first_of(&pieces(stream.as_bytes(), &[cut])),
                expected,
                "{stream:?} cut at {cut}"
            );
        }
    }
}

#[test]
fn an_error_event_tells_whose_fault_it_is() {
    for (stream, kind) in [
        (
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\"}}\n\n",
            "invalid_request_error",
        ),
        (
            "data: {\"error\":{\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}\n\n",
            "authentication_error",
        ),
        (
            "data: {\"error\":{\"type\":\"invalid_request_error\",\"code\":null}}\n\n",
            "invalid_request_error",
        ),
        (
            "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\"}}}\n\n",
            "rate_limit_error",
        ),
        (
            "data: {\"type\":\"error\",\"code\":\"invalid_prompt\",\"message\":\"no\"}\n\n",
            "invalid_request_error",
        ),
        (
            "data: {\"error\":{\"code\":400}}\n\n",
            "invalid_request_error",
        ),
        ("data: {\"error\":{\"code\":502}}\n\n", "api_error"),
        ("data: {\"error\":{\"code\":7}}\n\n", "api_error"),
        ("event: error\ndata: model_not_found\n\n", "api_error"),
    ] {
        let first = first_of(&pieces(stream.as_bytes(), &[]));
        assert_eq!(first, Some(First::Error(kind)), "{stream:?}");
    }
}

#[test]
fn peeking_is_bounded() {
    let mut peek = Peek::default();
    assert_eq!(peek.push(&vec![b'x'; PEEK_LIMIT]), None);
    assert_eq!(peek.push(b"x"), Some(First::Event));
    assert_eq!(peek.into_seen().len(), PEEK_LIMIT + 1);
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("\n\n".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("data: {\"text\":\"é🦀\"}".to_owned()),
        Just("event: error".to_owned()),
        Just(": ping".to_owned()),
        "[a-z: ]{0,5}",
        any::<String>(),
    ];
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat().into_bytes())
}

/// The end of the last whole event, found in the plain way.
fn last_end(stream: &[u8]) -> usize {
    let (mut at, mut line, mut end) = (0, 0, 0);
    while at < stream.len() {
        let width = match &stream[at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        if width == 0 {
            at += 1;
        } else {
            let blank = line == at;
            at += width;
            line = at;
            if blank {
                end = at;
            }
        }
    }
    end
}

proptest! {
    #[test]
    fn no_byte_is_lost_or_moved(stream in stream(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let mut hold = Hold::default();
        let (mut came, mut out) = (Vec::new(), Vec::new());
        for chunk in pieces(&stream, &cuts) {
            came.extend_from_slice(&chunk);
            out.extend_from_slice(&hold.push(chunk));
            prop_assert_eq!(out.len(), last_end(&came), "{:?}", String::from_utf8_lossy(&came));
        }
        out.extend_from_slice(&hold.finish());
        prop_assert_eq!(out, stream);
    }

    #[test]
    fn the_first_event_is_the_same_in_any_chunks(stream in stream(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        prop_assert_eq!(first_of(&pieces(&stream, &cuts)), first_of(&pieces(&stream, &[])));
    }
}
