//! JSON: a document written with two columns a level, and without comments,
//! for which JSON has no place.

use super::{Document, Entry, Item};

/// Writes a document.
pub fn write(document: &Document) -> String {
    let mut out = String::new();
    map(&document.entries, 0, &mut out);
    out.push('\n');
    out
}

/// Writes any value.
pub(super) fn value(value: &Item) -> String {
    let mut out = String::new();
    item(value, 0, &mut out);
    out.push('\n');
    out
}

fn item(item: &Item, indent: usize, out: &mut String) {
    match item {
        Item::Null => out.push_str("null"),
        Item::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Item::Number(number) if is_number(number) => out.push_str(number),
        Item::Number(text) | Item::Text(text) => string(text, out),
        Item::List(items) => {
            let all = items.iter().map(|element| (None, &element.item));
            members(['[', ']'], all, indent, out);
        }
        Item::Map(entries) => map(entries, indent, out),
    }
}

fn map(entries: &[Entry], indent: usize, out: &mut String) {
    let all = entries
        .iter()
        .map(|entry| (Some(entry.key.as_str()), &entry.item));
    members(['{', '}'], all, indent, out);
}

fn members<'d>(
    [open, close]: [char; 2],
    all: impl ExactSizeIterator<Item = (Option<&'d str>, &'d Item)>,
    indent: usize,
    out: &mut String,
) {
    out.push(open);
    let empty = all.len() == 0;
    for (at, (key, value)) in all.enumerate() {
        if at > 0 {
            out.push(',');
        }
        line(indent + 2, out);
        if let Some(key) = key {
            string(key, out);
            out.push_str(": ");
        }
        item(value, indent + 2, out);
    }
    if !empty {
        line(indent, out);
    }
    out.push(close);
}

fn line(indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if super::is_unseen(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether this is a number of JSON.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}
