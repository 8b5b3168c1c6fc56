//! Columns of text, aligned, and texts that stay on their line.

use std::borrow::Cow;

/// A text without the breaks of lines that a name or a value may hold: a line of its own would
/// be read as one of ours.
pub(super) fn on_one_line(text: &str) -> Cow<'_, str> {
    let breaks = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    match text.contains(breaks) {
        true => Cow::Owned(text.replace(breaks, "\u{2424}")),
        false => Cow::Borrowed(text),
    }
}

/// Lines of `rows` with columns padded to their widest cell, joined by two
/// spaces, without blanks at the end; each row is one line.
pub(super) fn align(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&on_one_line(cell));
                line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
            }
            line.trim_end().to_owned()
        })
        .collect()
}
