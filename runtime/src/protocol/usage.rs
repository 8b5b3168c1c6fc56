//! How many tokens an answer says it used, read from its ends as it passes.
//!
//! Both protocols tell it near the end, and Anthropic's streams tell the input in
//! their first event, so the middle is not kept. What is not found is not guessed.

use memchr::memmem;

/// Bytes that are kept of each end.
const KEPT: usize = 4 << 10;

/// Names of what counts, each once: the largest number that stands behind it. A
/// quote within a text is escaped, so none of these stands in what a model wrote.
const COUNTED: [&str; 5] = [
    "\"input_tokens\"",
    "\"cache_creation_input_tokens\"",
    "\"output_tokens\"",
    "\"prompt_tokens\"",
    "\"completion_tokens\"",
];

/// Those of the input. What OpenAI read from its cache is part of its input.
const INPUT: [&str; 4] = [
    "\"input_tokens\"",
    "\"cache_creation_input_tokens\"",
    "\"cache_read_input_tokens\"",
    "\"prompt_tokens\"",
];

/// The two ends of an answer.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Usage {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let missing = KEPT - self.head.len().min(KEPT);
        self.head
            .extend_from_slice(&chunk[..missing.min(chunk.len())]);
        let last = &chunk[chunk.len().saturating_sub(KEPT)..];
        self.tail.extend_from_slice(last);
        // Cut seldom, so that small pieces do not move the whole tail each.
        if self.tail.len() > 2 * KEPT {
            self.tail.drain(..self.tail.len() - KEPT);
        }
    }

    /// Input and output together; none where the answer told neither.
    pub(crate) fn tokens(&self) -> Option<u64> {
        let mut found = None;
        for name in COUNTED {
            let most = largest(&self.head, name).max(largest(&self.tail, name));
            if let Some(tokens) = most {
                found = Some(tokens.saturating_add(found.unwrap_or(0)));
            }
        }
        found
    }

    /// Input alone, cached or not; none where the answer told none.
    pub(crate) fn input(&self) -> Option<u64> {
        let found = INPUT
            .iter()
            .filter_map(|name| largest(&self.head, name).max(largest(&self.tail, name)));
        found.reduce(u64::saturating_add)
    }
}

fn largest(text: &[u8], name: &str) -> Option<u64> {
    let places = memmem::find_iter(text, name);
    places
        .filter_map(|at| number(&text[at + name.len()..]))
        .max()
}

/// The number behind a name, a colon and blanks, where it stands whole.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start().strip_prefix(b":")?;
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&text[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, piece: usize) -> Option<u64> {
        let mut usage = Usage::default();
        for chunk in text.as_bytes().chunks(piece) {
            usage.push(chunk);
        }
        usage.tokens()
    }

    #[test]
    fn both_protocols_tell_it() {
        let long = "word ".repeat(10_000);
        let anthropic = format!(
            r#"{{"content": [{{"type": "text", "text": "{long} \\"output_tokens\\": 9"}}], "usage": {{"input_tokens": 12, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 30}}}}"#
        );
        let stream = format!(
            "event: message_start\ndata: {{\"message\":{{\"usage\":{{\"input_tokens\":25,\"output_tokens\":1}}}}}}\n\n{long}data: {{\"usage\":{{\"output_tokens\":15}}}}\n\n"
        );
        let openai = format!(
            r#"{{"choices": [{{"message": {{"content": "{long}"}}}}], "usage": {{"prompt_tokens":9,"completion_tokens" : 12, "total_tokens":21}}}}"#
        );
        for piece in [1, 7, 4096, 100_000] {
            assert_eq!(tokens(&anthropic, piece), Some(47));
            assert_eq!(tokens(&stream, piece), Some(40));
            assert_eq!(tokens(&openai, piece), Some(21));
        }
    }

    #[test]
    fn what_is_not_told_is_not_guessed() {
        for text in [
            "",
            "{}",
            "\"input_tokens\"",
            "\"input_tokens\": \"x\"",
            "\"output_tokens\": -1 ",
            "\"output_tokens\": 99999999999999999999999 ",
        ] {
            assert_eq!(tokens(text, 3), None, "{text}");
        }
    }
}
