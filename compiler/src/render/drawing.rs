//! Elements of plots: plain SVG with no script and no font of its own.

use std::fmt::Write;

/// Told apart also by those who see fewer colours (Okabe and Ito).
pub(super) const COLOURS: [&str; 5] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9"];
/// Of the same palette, for what stands against the others.
pub(super) const AGAINST: &str = "#d55e00";

/// A filled rectangle.
pub(super) fn rect(out: &mut String, x: f64, y: f64, width: f64, height: f64, fill: &str) {
    let _ = writeln!(
        out,
        r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
    );
}

/// `word` is escaped already.
pub(super) fn text(out: &mut String, x: f64, y: f64, anchor: &str, word: &str) {
    let _ = writeln!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{word}</text>"#
    );
}

/// A stranger's text as a part of a document, XML or HTML, between tags or quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML knows no other control characters, escaped or not.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
