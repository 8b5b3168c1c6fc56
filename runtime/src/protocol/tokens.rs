//! How many tokens a request has, by a vocabulary of OpenAI's.
//!
//! What is counted is what claude-trigger-router 1.7.0 counts: texts of messages
//! and of the system prompt, inputs and results of tools, and names, descriptions
//! and schemas of tools. Pictures and files count nothing. For models of other
//! vendors it is an estimate. A vocabulary takes some 30 MB once it is used, so it
//! is loaded when something is first counted.

use std::borrow::Cow;

use bpe_openai::{Tokenizer as Vocabulary, cl100k_base, o200k_base};
use ctr_compiler::plan::Tokenizer;

use super::json::{Json, Text};

/// Names under which values are counted as they were written, and have to be read so.
pub const AS_WRITTEN: &[&str] = &["input_schema", "parameters"];

/// The member of a body that offers tools.
pub const TOOLS: &str = "tools";

/// Counts the input tokens of a request body, in whatever protocol. With a limit
/// they are counted until it is known whether they exceed it, and the number is any
/// on the same side of it. A body that is no JSON has none.
pub fn count(body: &[u8], tokenizer: Tokenizer, limit: Option<u64>) -> u64 {
    let body = Json::look_at(body, AS_WRITTEN, None);
    body.map_or(0, |body| count_in(&body, tokenizer, limit))
}

/// As [`count`], of a body that was read with [`AS_WRITTEN`].
pub fn count_in(body: &Json<'_>, tokenizer: Tokenizer, limit: Option<u64>) -> u64 {
    let pieces = Pieces::of(body);
    let mut most = pieces.most();
    let is_below = |most: u64| limit.is_some_and(|limit| most <= limit);
    if is_below(most) {
        return most;
    }
    let limit = limit.unwrap_or(u64::MAX);
    let vocabulary = match tokenizer {
        Tokenizer::Cl100k => cl100k_base(),
        Tokenizer::O200k => o200k_base(),
    };
    let mut tokens = 0;
    for piece in &pieces.0 {
        let Some(counted) = piece.count(vocabulary, limit - tokens) else {
            return limit.saturating_add(1);
        };
        tokens += counted;
        most = most - piece.most() + counted;
        if is_below(most) {
            return most;
        }
    }
    tokens
}

/// A number that [`count`] does not exceed, by whatever vocabulary, for a body that was
/// read with [`AS_WRITTEN`], and of which [`TOOLS`] may have been passed over. It costs next
/// to nothing.
pub fn most(body: &Json<'_>) -> u64 {
    let passed_over = body.members().iter().filter(|(name, _)| name == TOOLS);
    let passed_over = passed_over.filter_map(|(_, tools)| tools.raw());
    let passed_over: usize = passed_over.map(str::len).sum();
    Pieces::of(body).most() + passed_over as u64
}

/// What is counted as one text.
enum Piece<'j> {
    Text(&'j Text<'j>),
    /// One after another.
    Joined([Option<&'j Text<'j>>; 2]),
    /// A value as it is written.
    Written(&'j Json<'j>),
}

impl Piece<'_> {
    /// No token is shorter than a byte, and no text longer than it is written.
    fn most(&self) -> u64 {
        let written = |text: &Text<'_>| text.written().len();
        let bytes = match self {
            Self::Text(text) => written(text),
            Self::Joined(texts) => texts.iter().flatten().copied().map(written).sum(),
            Self::Written(value) => value.length(),
        };
        bytes as u64
    }

    /// Its tokens; none where there are more than `room`.
    fn count(&self, vocabulary: &Vocabulary, room: u64) -> Option<u64> {
        let text = match self {
            Self::Text(text) => text.plain(),
            Self::Joined(texts) => {
                let texts = texts.iter().flatten().map(|text| text.plain());
                Cow::Owned(texts.collect())
            }
            Self::Written(value) => match value.raw() {
                Some(raw) => Cow::Borrowed(raw),
                None => Cow::Owned(value.written()),
            },
        };
        let counted = match usize::try_from(room) {
            // No text has that many, so nothing needs to be stopped.
            Ok(usize::MAX) | Err(_) => Some(vocabulary.count(&*text)),
            Ok(room) => vocabulary.count_till_limit(&vocabulary.normalize(&*text), room),
        };
        counted.map(|counted| counted as u64)
    }
}

/// What is counted of a request.
#[derive(Default)]
struct Pieces<'j>(Vec<Piece<'j>>);

impl<'j> Pieces<'j> {
    fn of(body: &'j Json<'j>) -> Self {
        let mut pieces = Self::default();
        pieces.request(body);
        pieces
    }

    fn most(&self) -> u64 {
        self.0.iter().map(Piece::most).sum()
    }

    fn request(&mut self, body: &'j Json<'j>) {
        for (name, value) in body.members() {
            match &**name {
                "system" | "instructions" => self.content(value),
                "messages" | "input" if !value.items().is_empty() => {
                    value
                        .items()
                        .iter()
                        .for_each(|message| self.message(message));
                }
                "input" => self.content(value),
                TOOLS => value.items().iter().for_each(|tool| self.tool(tool)),
                _ => {}
            }
        }
    }

    /// A message, or an item of OpenAI Responses.
    fn message(&mut self, message: &'j Json<'j>) {
        for name in ["content", "arguments", "output", "summary"] {
            if let Some(value) = message.get(name) {
                self.content(value);
            }
        }
        for call in message.get("tool_calls").map_or(&[][..], Json::items) {
            if let Some(arguments) = call.get("function").and_then(|it| it.get("arguments")) {
                self.content(arguments);
            }
        }
    }

    /// A text, or parts.
    fn content(&mut self, content: &'j Json<'j>) {
        self.0.extend(content.text().map(Piece::Text));
        content.items().iter().for_each(|part| self.part(part));
    }

    fn part(&mut self, part: &'j Json<'j>) {
        let is = |kind: &str| part.get("type").is_some_and(|of| of.is(kind));
        if is("tool_use") {
            self.written(part.get("input"));
        } else if is("tool_result") {
            match part.get("content") {
                Some(Json::Text(text)) => self.0.push(Piece::Text(text)),
                content => self.written(content),
            }
        } else if let Some(text) = part.get("text").and_then(Json::text) {
            self.0.push(Piece::Text(text));
        }
    }

    fn tool(&mut self, tool: &'j Json<'j>) {
        let tool = tool.get("function").unwrap_or(tool);
        let texts = ["name", "description"].map(|name| tool.get(name).and_then(Json::text));
        self.0.push(Piece::Joined(texts));
        self.written(tool.get("input_schema").or_else(|| tool.get("parameters")));
    }

    fn written(&mut self, value: Option<&'j Json<'j>>) {
        self.0.extend(value.map(Piece::Written));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn cl100k(body: &str) -> u64 {
        count(body.as_bytes(), Tokenizer::Cl100k, None)
    }

    /// Counts of js-tiktoken 1.0.21, of the same texts, special tokens as plain text.
    #[test]
    fn texts_have_as_many_tokens_as_tiktoken_says() {
        for (text, cl100k, o200k) in [
            ("hello world", 2, 2),
            ("The quick brown fox jumps over the lazy dog.", 10, 10),
            ("fn main() { println!(\"{}\", 1 + 2); }", 13, 13),
            ("日本語のテキストを数える", 12, 9),
            ("<|endoftext|>", 7, 7),
            ("    indented\n\n\n  code\t// it's 12345 O'Neil", 16, 15),
        ] {
            let body = json!({ "messages": [{ "role": "user", "content": text }] });
            let body = body.to_string();
            let counted = |tokenizer| count(body.as_bytes(), tokenizer, None);
            assert_eq!(counted(Tokenizer::Cl100k), cl100k, "{text}");
            assert_eq!(counted(Tokenizer::O200k), o200k, "{text}");
        }
    }

    #[test]
    fn what_counts() {
        for (body, tokens) in [
            (r#"{"model":"hello world"}"#, 0),
            (r#"{"system":"hello world"}"#, 2),
            (r#"{"system":[{"type":"text","text":"hello world"}]}"#, 2),
            (r#"{"input":"hello world"}"#, 2),
            (r#"{"instructions":"hello world"}"#, 2),
            (
                r#"{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hello world"}]}]}"#,
                2,
            ),
            (
                r#"{"input":[{"type":"function_call_output","output":"hello world"}]}"#,
                2,
            ),
            (
                r#"{"messages":[{"content":[{"type":"text","text":"hello world"},{"type":"image","source":{"data":"AAAA"}}]}]}"#,
                2,
            ),
            (
                r#"{"messages":[{"content":[{"type":"tool_result","content":"hello world"}]}]}"#,
                2,
            ),
            (
                r#"{"messages":[{"content":[{"type":"tool_use","input":{}}]}]}"#,
                1,
            ),
            (
                r#"{"messages":[{"tool_calls":[{"function":{"arguments":"hello world"}}]}]}"#,
                2,
            ),
            (
                r#"{"tools":[{"name":"hello","description":" world","input_schema":{}}]}"#,
                3,
            ),
            (
                r#"{"tools":[{"function":{"name":"hello","description":" world","parameters":{}}}]}"#,
                3,
            ),
            ("[]", 0),
            ("{", 0),
        ] {
            assert_eq!(cl100k(body), tokens, "{body}");
        }
    }

    proptest! {
        #[test]
        fn a_limit_is_told_from_no_more_than_it_needs(
            texts in prop::collection::vec("(\\PC| |word|\"|\\\\|\n){0,40}", 0..6),
            limit in 0_u64..120,
            blanks in 0_usize..300,
        ) {
            let said: Vec<_> = texts.iter().map(|text| json!({ "role": "user", "content": text })).collect();
            let body = json!({ "system": texts.first(), "messages": said, "tools": [{ "name": texts.last(), "input_schema": { (texts.concat()): texts } }] }).to_string();
            let call = format!(r#"{{"type":"tool_use","input":{{"parameters":[{0}],"tools":{{"{1}":1}}}}}}"#, " ".repeat(blanks), r"\b".repeat(blanks));
            let body = body.replace(r#""messages":["#, &format!(r#""messages":[{{"role":"assistant","content":[{call}]}},"#)).replace(",]", "]");
            for tokenizer in [Tokenizer::Cl100k, Tokenizer::O200k] {
                let whole = count(body.as_bytes(), tokenizer, None);
                for passed_over in [None, Some(TOOLS)] {
                    let most = most(&Json::look_at(body.as_bytes(), AS_WRITTEN, passed_over).unwrap());
                    prop_assert!(whole <= most, "{} of at most {}", whole, most);
                }
                for limit in [limit, whole, whole.saturating_sub(1)] {
                    let told = count(body.as_bytes(), tokenizer, Some(limit));
                    prop_assert_eq!(told > limit, whole > limit, "{} of {} for {}", told, whole, limit);
                }
            }
        }
    }
}
