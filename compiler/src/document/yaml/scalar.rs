//! Texts in YAML: without quotes only where every reader of YAML 1.1 and 1.2,
//! and ours, finds the same text.

use crate::document::is_unseen;

/// Words that some reader takes for a boolean or for nothing.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A text, in quotes if it needs them there.
pub(super) fn text(text: &str, flow: bool) -> String {
    match is_plain(text, flow) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// Whether a text means the same without quotes. Says no where readers may disagree.
pub(super) fn is_plain(text: &str, flow: bool) -> bool {
    let first = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '$' | '(');
    let inner = |c: char| match c {
        ',' | ':' | '?' => !flow,
        '[' | ']' | '{' | '}' => false,
        _ => c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ',
    };
    text.starts_with(first)
        && text.chars().all(inner)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !may_be_number(text)
}

/// Whether some reader may find a number, a time or a date.
fn may_be_number(text: &str) -> bool {
    let part = |c: char| c.is_ascii_hexdigit() || "xXoO_.,:+-TtZz ".contains(c);
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(part)
}

/// A text in quotes: double ones, or single ones where that saves escapes.
pub(super) fn quoted(text: &str) -> String {
    let single = text.contains(['"', '\\']) && !text.contains(is_unseen);
    match single {
        true => format!("'{}'", text.replace('\'', "''")),
        false => double(text),
    }
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unseen(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The lines of a text that can stand under `|`, and its chomping mark. None
/// where it is one line, or where an editor or another reader might change it.
pub(super) fn block(text: &str) -> Option<(Vec<String>, &'static str)> {
    let (body, chomp) = match text.strip_suffix('\n') {
        Some(body) => (body, ""),
        None => (text, "-"),
    };
    let odd = |c: char| c != '\n' && is_unseen(c);
    let lines = || body.split('\n');
    let fits = text.contains('\n')
        && !body.is_empty()
        && !body.ends_with('\n')
        && !text.contains(odd)
        && !body.trim_start_matches('\n').starts_with(' ')
        && !lines().any(|line| line.ends_with(' '));
    fits.then(|| (lines().map(str::to_owned).collect(), chomp))
}
