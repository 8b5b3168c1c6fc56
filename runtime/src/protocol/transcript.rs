//! A conversation as plain text, for a model that is to sum it up.

use super::json::Json;

/// The last `most` characters of what was said, one paragraph for each message:
/// who speaks, and its texts. Pictures, calls and results are left out.
pub fn transcript(body: &[u8], most: usize) -> String {
    let Ok(json) = Json::read(body, &[]) else {
        return String::new();
    };
    let messages = json.get("messages").or_else(|| json.get("input"));
    let mut said: Vec<String> = Vec::new();
    let mut length = 0;
    for message in messages.map_or(&[][..], Json::items).iter().rev() {
        let role = message.text_at("role").unwrap_or_default();
        let content = message.get("content");
        let texts = texts(content);
        if texts.is_empty() || !(role.is("user") || role.is("assistant")) {
            continue;
        }
        let paragraph = format!("{}: {texts}", role.plain());
        length += paragraph.chars().count();
        said.push(paragraph);
        if length >= most {
            break;
        }
    }
    said.reverse();
    let whole = said.join("\n\n");
    let over = whole.chars().count().saturating_sub(most);
    whole.chars().skip(over).collect()
}

fn texts(content: Option<&Json<'_>>) -> String {
    let Some(content) = content else {
        return String::new();
    };
    if let Some(text) = content.text() {
        return text.plain().trim().to_owned();
    }
    let parts = content.items().iter();
    let texts = parts.filter_map(|part| part.text_at("text"));
    let texts: Vec<String> = texts.map(|text| text.plain().trim().to_owned()).collect();
    texts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALK: &str = r#"{"messages":[{"role":"system","content":"rules"},{"role":"user","content":"first"},{"role":"assistant","content":[{"type":"tool_use","input":{}},{"type":"text","text":"second"}]},{"role":"user","content":[{"type":"tool_result","content":"x"}]},{"role":"user","content":"third"}]}"#;

    #[test]
    fn what_was_said_in_its_order() {
        let whole = "user: first\n\nassistant: second\n\nuser: third";
        assert_eq!(transcript(TALK.as_bytes(), 1_000), whole);
        assert_eq!(transcript(TALK.as_bytes(), 8), "r: third");
        assert_eq!(transcript(TALK.as_bytes(), 13), "\n\nuser: third");
        assert_eq!(transcript(b"{", 9), "");
        assert_eq!(transcript(br#"{"input":"alone"}"#, 9), "");
    }
}
