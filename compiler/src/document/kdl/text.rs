//! Names and texts as KDL writes them.

use crate::document::{Item, is_unseen, json};
use crate::tree::kdl::is_bare;

/// A single value as it stands behind a name or `=`. An empty list cannot be
/// said; it is nothing.
pub(super) fn argument(item: &Item) -> Option<String> {
    Some(match item {
        Item::Null => "#null".to_owned(),
        Item::List(items) if items.is_empty() => "#null".to_owned(),
        Item::Bool(value) => format!("#{value}"),
        Item::Number(number) if json::is_number(number) => number.clone(),
        Item::Number(text) | Item::Text(text) => quoted(text),
        Item::List(_) | Item::Map(_) => return None,
    })
}

/// A name, in quotes where it needs them.
pub(super) fn name(name: &str) -> String {
    match is_bare(name) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A text in quotes, on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unseen(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `"""`, the lines, and `"""`. None for a text of one line, or one whose
/// blanks an editor would take away.
pub(super) fn several_lines(text: &str) -> Option<String> {
    let odd = |c: char| !matches!(c, '\n' | '\t') && is_unseen(c);
    let blank = |line: &str| line.ends_with(char::is_whitespace);
    if !text.contains('\n') || text.contains(odd) || text.split('\n').any(blank) {
        return None;
    }
    let escaped = text.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
    Some(format!("\"\"\"\n{escaped}\n\"\"\""))
}
