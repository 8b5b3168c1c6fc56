//! How many tokens a request has, by a vocabulary of OpenAI's.
//!
//! What is counted is what claude-trigger-router 1.7.0 counts: texts of messages
//! and of the system prompt, inputs and results of tools, and names, descriptions
//! and schemas of tools. Pictures and files count nothing. For models of other
//! vendors it is an estimate. A vocabulary takes some 30 MB once it is used, so it
//! is loaded when something is first counted.

use bpe_openai::{Tokenizer as Vocabulary, cl100k_base, o200k_base};
use ctr_compiler::plan::Tokenizer;

use super::json::{Json, Text};

/// Names under which values are counted as they were written.
const AS_WRITTEN: &[&str] = &["input_schema", "parameters"];

/// Counts the input tokens of a request body, in whatever protocol, up to `limit`:
/// the number, or one above the limit. A body that is no JSON has none.
pub fn count(body: &[u8], tokenizer: Tokenizer, limit: u64) -> u64 {
    let Ok(json) = Json::read(body, AS_WRITTEN) else {
        return 0;
    };
    let mut counting = Counting {
        vocabulary: match tokenizer {
            Tokenizer::Cl100k => cl100k_base(),
            Tokenizer::O200k => o200k_base(),
        },
        tokens: 0,
        limit,
    };
    counting.request(&json);
    counting.tokens
}

struct Counting {
    vocabulary: &'static Vocabulary,
    tokens: u64,
    limit: u64,
}

impl Counting {
    fn text(&mut self, text: &str) {
        let Some(room) = self.limit.checked_sub(self.tokens) else {
            return;
        };
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let counted = match room {
            // No text has that many, so nothing needs to be stopped.
            usize::MAX => Some(self.vocabulary.count(text)),
            room => self
                .vocabulary
                .count_till_limit(&self.vocabulary.normalize(text), room),
        };
        self.tokens = match counted {
            Some(count) => self.tokens + count as u64,
            None => self.limit.saturating_add(1),
        };
    }

    fn request(&mut self, body: &Json<'_>) {
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
                "tools" => value.items().iter().for_each(|tool| self.tool(tool)),
                _ => {}
            }
        }
    }

    /// A message, or an item of OpenAI Responses.
    fn message(&mut self, message: &Json<'_>) {
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
    fn content(&mut self, content: &Json<'_>) {
        if let Some(text) = content.text() {
            self.text(&text.plain());
        }
        content.items().iter().for_each(|part| self.part(part));
    }

    fn part(&mut self, part: &Json<'_>) {
        let is = |kind: &str| part.get("type").is_some_and(|of| of.is(kind));
        if is("tool_use") {
            self.written(part.get("input"));
        } else if is("tool_result") {
            match part.get("content") {
                Some(Json::Text(text)) => self.text(&text.plain()),
                content => self.written(content),
            }
        } else if let Some(text) = part.get("text").and_then(Json::text) {
            self.text(&text.plain());
        }
    }

    fn tool(&mut self, tool: &Json<'_>) {
        let tool = tool.get("function").unwrap_or(tool);
        let text = |name| tool.get(name).and_then(Json::text).map(Text::plain);
        let texts = [text("name"), text("description")];
        self.text(&texts.into_iter().flatten().collect::<String>());
        self.written(tool.get("input_schema").or_else(|| tool.get("parameters")));
    }

    /// A value as it is written.
    fn written(&mut self, value: Option<&Json<'_>>) {
        if let Some(value) = value {
            let mut text = String::new();
            value.write(&mut text);
            self.text(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cl100k(body: &str) -> u64 {
        count(body.as_bytes(), Tokenizer::Cl100k, u64::MAX)
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
            let body = serde_json::json!({ "messages": [{ "role": "user", "content": text }] });
            let body = body.to_string();
            let counted = |tokenizer| count(body.as_bytes(), tokenizer, u64::MAX);
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

    #[test]
    fn counting_stops_above_the_limit() {
        let words = "hello world ".repeat(1_000);
        let body = serde_json::json!({ "messages": [{ "content": words }, { "content": words }] });
        let body = body.to_string();
        let whole = cl100k(&body);
        assert!(whole > 4_000, "{whole}");
        for (limit, found) in [(0, 1), (1_500, 1_501), (whole - 1, whole), (whole, whole)] {
            assert_eq!(count(body.as_bytes(), Tokenizer::Cl100k, limit), found);
        }
    }
}
