//! Usage in every protocol, however an answer is cut.

use super::*;

fn read(text: &str, piece: usize) -> Option<Tokens> {
    let mut usage = Usage::default();
    for chunk in text.as_bytes().chunks(piece) {
        usage.push(chunk);
    }
    usage.tokens()
}

fn is(text: &str, wanted: [u64; 4], limited: u64) {
    for piece in [1, 2, 5, 7, 64, 4096, 100_000] {
        let tokens = read(text, piece).expect("it is told");
        let Tokens {
            input,
            output,
            cache_read,
            cache_write,
            ..
        } = tokens;
        assert_eq!([input, output, cache_read, cache_write], wanted, "{piece}");
        assert_eq!(tokens.limited(), limited, "{piece}");
    }
}

#[test]
fn every_protocol_tells_it() {
    let long = "word ".repeat(10_000);
    is(
        &format!(
            r#"{{"content": [{{"type": "text", "text": "{long} \"usage\": {{\"output_tokens\": 9}}"}}], "usage": {{"input_tokens": 12, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 90, "cache_creation": {{"x": 5}}, "output_tokens": 30}}}}"#
        ),
        [12, 30, 90, 5],
        47,
    );
    is(
        &format!(
            "event: message_start\ndata: {{\"message\":{{\"usage\":{{\"input_tokens\":25,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}}}}\n\n{long}data: {{\"usage\":{{\"output_tokens\":15}}}}\n\n"
        ),
        [25, 15, 7, 0],
        40,
    );
    is(
        &format!(
            r#"{{"choices": [{{"message": {{"content": "{long}"}}}}], "usage": {{"prompt_tokens":9,"completion_tokens" : 12, "total_tokens":21}}}}"#
        ),
        [9, 12, 0, 0],
        21,
    );
    is(
        "data: {\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"prompt_tokens_details\":{\"cached_tokens\":60},\"completion_tokens\":3}}\n\ndata: [DONE]\n\n",
        [40, 3, 60, 0],
        103,
    );
    is(
        r#"data: {"response":{"usage":{"input_tokens":50,"input_tokens_details":{"cached_tokens":20},"output_tokens":4,"output_tokens_details":{"reasoning_tokens":2}}}}"#,
        [30, 4, 20, 0],
        54,
    );
}

#[test]
fn servers_with_slips_of_their_own_tell_it_too() {
    // Gateways that write the numbers of every protocol.
    is(
        r#"{"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":30},"input_tokens":0,"output_tokens":0,"input_tokens_details":null}}"#,
        [70, 20, 30, 0],
        120,
    );
    // xAI.
    is(
        r#"{"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"completion_tokens_details":{"reasoning_tokens":94}}}"#,
        [32, 103, 0, 0],
        135,
    );
    // OpenAI, which counts it within.
    is(
        r#"{"usage":{"prompt_tokens":32,"completion_tokens":103,"total_tokens":135,"completion_tokens_details":{"reasoning_tokens":94}}}"#,
        [32, 103, 0, 0],
        135,
    );
    // What is no number tells nothing, and hides nothing.
    is(
        r#"{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15.0,"completion_tokens_details":[],"prompt_tokens_details":{"cached_tokens":null,"x":{}},"input_tokens":"7"}}"#,
        [10, 5, 0, 0],
        15,
    );
    // DeepSeek and Moonshot.
    for name in ["prompt_cache_hit_tokens", "cached_tokens"] {
        let usage =
            format!(r#"{{"usage":{{"prompt_tokens":50,"completion_tokens":2,"{name}":40}}}}"#);
        is(&usage, [10, 2, 40, 0], 52);
    }
}

#[test]
fn the_last_that_tells_it_counts() {
    is(
        r#"{"content":[{"type":"tool_use","input":{"usage":{"input_tokens":999}}}],"usage":{"input_tokens":1,"output_tokens":2}}"#,
        [1, 2, 0, 0],
        3,
    );
}

#[test]
fn what_is_not_told_is_not_guessed() {
    let endless = format!("\"usage\": {{\"x\": \"{}\"}}", "y".repeat(2 * LONGEST));
    for text in [
        "",
        "{}",
        "\"usage\"",
        "\"usage\": {\"input_tokens\": 5",
        "\"usage\": {\"input_tokens\": \"x\"}",
        "\"usage\": {\"output_tokens\": -1}",
        "\"usage\": {\"output_tokens\": 99999999999999999999999}",
        "\"usage\": [{\"output_tokens\": 1}]",
        "\"usage\": {\"}\": 1, }",
        &endless,
    ] {
        for piece in [1, 3, 100] {
            assert_eq!(read(text, piece), None, "{text}");
        }
    }
}

proptest::proptest! {
    /// Wherever an answer is cut, the same is read of it.
    #[test]
    fn cuts_change_nothing(text in "(\"usage\"|\"usa|ge\"|:|\\{\"input_tokens\": ?[0-9]{1,3}\\}|[{}\"\\\\ ]|x){0,30}", piece in 1usize..9) {
        proptest::prop_assert_eq!(read(&text, piece), read(&text, 100_000));
    }
}
