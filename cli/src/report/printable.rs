//! Text of a document on its way to a terminal.
//!
//! A diagnostic quotes the document it speaks of, and a document under review
//! is a stranger's: it must not move the cursor, retitle the window, or show
//! its letters in another order than they stand in.

use std::borrow::Cow;

/// The text with every control character replaced by a visible sign. Where
/// `styled`, the colour sequences that our own output is made of stay.
pub(crate) fn printable(text: &str, styled: bool) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let style = if styled { style_length(rest) } else { 0 };
        let taken = if style > 0 { style } else { first.len_utf8() };
        if style > 0 {
            out.push_str(&rest[..style]);
        } else if is_hidden(first) {
            out.push(sign(first));
        } else {
            out.push(first);
        }
        rest = &rest[taken..];
    }
    Cow::Owned(out)
}

fn is_hidden(c: char) -> bool {
    let reorders =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    (c.is_control() && !matches!(c, '\n' | '\t')) || reorders || breaks
}

/// The control picture of ASCII, the replacement character for all else.
fn sign(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        _ => '\u{fffd}',
    }
}

/// Length of the `ESC [ digits and ; m` that `text` begins with, else 0.
fn style_length(text: &str) -> usize {
    let Some(inner) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let parameters = inner.len()
        - inner
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
            .len();
    if inner[parameters..].starts_with('m') {
        2 + parameters + 1
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(printable("a\tb\nü", true), "a\tb\nü");
        assert_eq!(printable("a\u{1b}]0;title\u{7}b", true), "a␛]0;title␇b");
        assert_eq!(
            printable("\u{1b}[2J\u{1b}[31mred\u{1b}[0m", true),
            "␛[2J\u{1b}[31mred\u{1b}[0m"
        );
        assert_eq!(printable("\u{1b}[31mred\r\u{7f}", false), "␛[31mred␍␡");
        assert_eq!(
            printable("a\u{202e}b\u{9b}31m", true),
            "a\u{fffd}b\u{fffd}31m"
        );
        assert_eq!(printable("\u{1b}", true), "␛");
        assert_eq!(printable("\u{1b}[31", true), "␛[31");
    }
}
