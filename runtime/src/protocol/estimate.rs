//! How many tokens a request has, roughly, where nobody can be asked.
//!
//! A real count needs the model's own vocabulary, which Anthropic does not
//! publish; one of another vendor is as wrong as this, costs 66 MB, and is
//! asked for by clients in bursts. So letters are counted: four of ASCII make a
//! token, anything else is one. For English prose and code that comes out
//! within a quarter of what is charged.

use super::json::{Json, Text};

/// Tokens of a picture: one of the largest that Anthropic does not scale down.
const PICTURE: u64 = 1600;
/// Tokens of a file that is no text; some pages.
const DOCUMENT: u64 = 3000;
/// Tokens around a message.
const MESSAGE: u64 = 4;
/// Tokens around a tool.
const TOOL: u64 = 12;
/// Tokens of the instructions that come with tools
/// (<https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview#pricing>).
const TOOLS: u64 = 346;

/// Input tokens of a Messages request.
pub fn input_tokens(body: &Json<'_>) -> u64 {
    let mut quarters = 0;
    let mut tokens = 0;
    for (name, value) in body.members() {
        match &**name {
            "system" => add(value, &mut quarters, &mut tokens),
            "messages" => {
                tokens += MESSAGE * value.items().len() as u64;
                add(value, &mut quarters, &mut tokens);
            }
            "tools" if !value.items().is_empty() => {
                tokens += TOOLS + TOOL * value.items().len() as u64;
                add(value, &mut quarters, &mut tokens);
            }
            _ => {}
        }
    }
    tokens + quarters.div_ceil(4)
}

/// Adds what a value holds: quarters of tokens for text, tokens for the rest.
fn add(value: &Json<'_>, quarters: &mut u64, tokens: &mut u64) {
    match value {
        Json::Text(text) => *quarters += quarters_of(text),
        Json::Raw(raw) => *quarters += letters(raw),
        Json::List(items) => items.iter().for_each(|item| add(item, quarters, tokens)),
        Json::Object(_) if is_base64(value) => *tokens += PICTURE,
        Json::Object(_) => {
            if value.get("type").is_some_and(|kind| kind.is("document")) {
                let source = value.get("source");
                if source.is_some_and(is_base64) {
                    *tokens += DOCUMENT;
                    return;
                }
            }
            for (name, inner) in value.members() {
                // Marks and signatures are not read by the model as text.
                if !matches!(&**name, "type" | "cache_control" | "signature" | "role") {
                    add(inner, quarters, tokens);
                }
            }
        }
    }
}

fn is_base64(source: &Json<'_>) -> bool {
    source.get("type").is_some_and(|kind| kind.is("base64"))
}

/// Nothing is decoded: an escape is one letter.
fn quarters_of(text: &Text<'_>) -> u64 {
    let mut parts = text.written().split('\\');
    let mut quarters = parts.next().map_or(0, letters);
    while let Some(part) = parts.next() {
        let code = part.strip_prefix('u').and_then(|u| u.split_at_checked(4));
        quarters += match code {
            Some((code, rest)) => of_code(code) + letters(rest),
            // A backslash; what is between it and the next one has none before it.
            None if part.is_empty() => 1 + parts.next().map_or(0, letters),
            None => letters(part),
        };
    }
    quarters
}

/// Quarters of the letter with this number; the second half of a pair is no letter.
fn of_code(code: &str) -> u64 {
    match u16::from_str_radix(code, 16) {
        Ok(0..0x80) => 1,
        Ok(0xdc00..0xe000) => 0,
        _ => 4,
    }
}

fn letters(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    // Of each other letter, the first byte.
    let others = text.bytes().filter(|byte| *byte >= 0xc0).count() as u64;
    ascii + 4 * others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(body: &str) -> u64 {
        input_tokens(&Json::parse(body, super::super::anthropic::OPAQUE).expect("JSON"))
    }

    #[test]
    fn what_counts() {
        assert_eq!(tokens("{\"model\":\"a long name\",\"max_tokens\":1}"), 0);
        assert_eq!(
            tokens("{\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"}]}"),
            4 + 2
        );
        assert_eq!(
            tokens(
                "{\"system\":[{\"type\":\"text\",\"text\":\"日本\",\"cache_control\":{\"type\":\"ephemeral\"}}]}"
            ),
            2
        );
        assert_eq!(
            tokens(r#"{"system":"a\nb\"","messages":[{"content":"é€😀\u00e9"}]}"#),
            4 + 1 + 4
        );
        assert_eq!(tokens(r#"{"system":"\u4e2d\ud83d\ude00\u0041\\\\\n"}"#), 3);
        assert_eq!(tokens("{\"tools\":[]}"), 0);
        assert_eq!(
            tokens("{\"tools\":[{\"name\":\"abcd\",\"input_schema\":{\"a\":1}}]}"),
            346 + 12 + 3
        );
        let picture =
            "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"AAAAAAAAAAAA\"}}";
        assert_eq!(
            tokens(&format!("{{\"messages\":[{{\"content\":[{picture}]}}]}}")),
            4 + 1600
        );
        let file = picture.replace("image", "document");
        assert_eq!(
            tokens(&format!("{{\"messages\":[{{\"content\":[{file}]}}]}}")),
            4 + 3000
        );
    }
}
