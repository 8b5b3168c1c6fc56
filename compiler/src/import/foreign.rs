//! Foreign bytes → a tree. YAML and JSON are read by the reader of
//! registrations; JSON as people write it, with comments and commas at the end,
//! is read too where its product does, and the place is named.

use serde::de::IgnoredAny;

use super::format::{self, Format};
use crate::Limits;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::{SourceId, Sources, Span};
use crate::tree::yaml::{Repeats, parse_with};
use crate::tree::{self, Node, Value};

/// A text that can be parsed, byte for byte as long as the source it is of.
pub(super) struct Text {
    id: SourceId,
    /// The text without the comments of JSON.
    text: String,
    /// Where a strict reader of JSON stops, and why.
    loose: Option<(Span, String)>,
}

/// The text of the first source, unless it cannot be one of any format.
pub(super) fn text(
    format: Format,
    sources: &Sources,
    limits: &Limits,
    problems: &mut Problems,
) -> Option<Text> {
    let Some((id, source)) = sources.iter().next() else {
        let empty = Diagnostic::new(Code::SourceEmpty, "there is no file to import");
        problems.push(empty.help("name one"));
        return None;
    };
    let wrong = tree::unreadable(id, sources, limits)
        .or_else(|| format::toml(format, id, source.name(), source.text()));
    if let Some(wrong) = wrong {
        problems.push(wrong);
        return None;
    }
    let text = source.text();
    let begins_as_json = text.trim_start().starts_with('{');
    let is_json = source.name().ends_with(".json")
        || (begins_as_json && matches!(format, Format::Ccr | Format::Portkey));
    let loose = is_json.then(|| strict_place(id, text, text)).flatten();
    let text = match loose {
        Some(_) => without_comments(text),
        None => text.to_owned(),
    };
    Some(Text { id, text, loose })
}

impl Text {
    /// What is wrong with a text that is no JSON, not even as people write it.
    fn not_json(&self, written: &str) -> Option<Diagnostic> {
        self.loose.as_ref()?;
        let (span, what) = strict_place(self.id, &without_last_commas(&self.text), written)?;
        Some(
            Diagnostic::new(Code::SyntaxInvalidYaml, format!("this is not JSON: {what}"))
                .at(span, "reading stopped here")
                .help("check the brackets, quotes and commas here and on the line above"),
        )
    }
}

/// The root of the tree, which is a map; anything else is reported.
pub(super) fn tree<'t>(
    text: &'t Text,
    sources: &Sources,
    limits: &Limits,
    problems: &mut Problems,
) -> Option<Node<'t>> {
    let mut found = Problems::default();
    let root = parse_with(Repeats::LastCounts, text.id, &text.text, limits, &mut found);
    if !root.complete || found.has_errors() {
        match text.not_json(sources.get(text.id).text()) {
            Some(not_json) => problems.push(not_json),
            None => found.iter().for_each(|found| problems.push(found.clone())),
        }
        return None;
    }
    found.iter().for_each(|found| problems.push(found.clone()));
    if let Some((span, _)) = text.loose {
        problems.push(
            Diagnostic::new(Code::ImportLooseJson, "this is not strict JSON")
                .at(span, "a strict reader stops here")
                .help("remove comments and commas before `}` and `]`, if strict readers need the file"),
        );
    }
    match root.node.value {
        Value::Map(_) => return Some(root.node),
        Value::Broken => {}
        Value::Null => problems.push(
            Diagnostic::new(Code::SourceEmpty, "the file is empty")
                .at(root.node.span, "nothing is declared here")
                .help("name a file that declares models"),
        ),
        Value::List(_) | Value::Scalar(_) => {
            let name = sources.get(text.id).name();
            problems.push(
                Diagnostic::new(
                    Code::ImportWrongFormat,
                    format!("`{name}` holds {}, not a config", root.node.kind()),
                )
                .at(root.node.head(), "a map of settings is expected")
                .help("name the config itself"),
            );
        }
    }
    None
}

/// Where a strict reader of JSON stops in `text`, and why; the place is one
/// between characters of `written`, of which `text` may have parts as blanks.
fn strict_place(id: SourceId, text: &str, written: &str) -> Option<(Span, String)> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    let line_start = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let mut start = (line_start + error.column().saturating_sub(1)).min(written.len());
    while !written.is_char_boundary(start) {
        start -= 1;
    }
    let end = written[start..]
        .chars()
        .next()
        .map_or(start, |c| start + c.len_utf8());
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    Some((Span::new(id, start..end), what.to_owned()))
}

/// The text with the comments of JSON as blanks, byte for byte.
fn without_comments(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let end = match rest {
            [quote @ (b'"' | b'\''), ..] => {
                at += string_length(rest, *quote);
                continue;
            }
            [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n'),
            [b'/', b'*', ..] => rest
                .windows(2)
                .skip(2)
                .position(|pair| pair == b"*/")
                .map(|found| found + 4),
            _ => {
                at += 1;
                continue;
            }
        };
        let end = at + end.unwrap_or(rest.len());
        for byte in &mut bytes[at..end] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The text with commas before a closing bracket as blanks, byte for byte.
fn without_last_commas(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut comma = None;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'"' => at += string_length(&text.as_bytes()[at..], b'"'),
            _ => at += 1,
        }
        match (byte, comma) {
            (b',', _) => comma = Some(at - 1),
            (b'}' | b']', Some(comma)) => bytes[comma] = b' ',
            _ => {}
        }
        if !(byte == b',' || byte.is_ascii_whitespace()) {
            comma = None;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Bytes of a string with its quotes.
fn string_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_json_become_blanks() {
        for (text, wanted) in [
            ("{\"a\": 1 // b\n}", "{\"a\": 1     \n}"),
            ("{/* ü */\"a\": 1}", "{        \"a\": 1}"),
            ("{/*/ */\"a\": 1}", "{      \"a\": 1}"),
            ("{\"a\": \"http://b\"}", "{\"a\": \"http://b\"}"),
            ("{\"a\": \"\\\"//\"}", "{\"a\": \"\\\"//\"}"),
            ("{\"a\": 1} /* b", "{\"a\": 1}     "),
            ("// \\", "    "),
            ("\"\\", "\"\\"),
            ("{'a': 'http://b'} // c", "{'a': 'http://b'}     "),
        ] {
            assert_eq!(without_comments(text), wanted);
        }
    }

    #[test]
    fn commas_before_brackets_become_blanks() {
        for (text, wanted) in [
            ("[1, 2,\n ]", "[1, 2 \n ]"),
            ("{\"a\": \",}\",}", "{\"a\": \",}\" }"),
            ("[1,,]", "[1, ]"),
            ("[,1]", "[,1]"),
            (",", ","),
        ] {
            assert_eq!(without_last_commas(text), wanted);
        }
    }

    #[test]
    fn the_place_of_looseness_is_found() {
        let at = |text: &str| strict_place(SourceId::default(), text, text).map(|(span, _)| span);
        let span = at("{\n  \"ü\": [1,\n  ]\n}").unwrap();
        assert_eq!(span.range(), 16..17);
        assert_eq!(at("{\"a\": 1}"), None);
        assert!(at("").is_some());
    }
}
