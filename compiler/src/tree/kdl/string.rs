//! Texts of KDL 2: bare, quoted, over several lines, and raw.

use std::borrow::Cow;

use super::Read;
use super::scan::Scan;

/// A character that separates within a line.
pub(super) fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// A character that ends a line.
pub(super) fn is_newline(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// A character that may stand nowhere, not even in quotes.
pub(super) fn is_disallowed(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// A character of a text without quotes.
pub(super) fn is_bare_char(c: char) -> bool {
    !is_space(c)
        && !is_newline(c)
        && !is_disallowed(c)
        && !matches!(
            c,
            '\\' | '/' | '(' | ')' | '{' | '}' | '[' | ']' | ';' | '"' | '#' | '='
        )
}

/// Whether a word is a number or would be mistaken for one.
pub(super) fn starts_as_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a text can be written without quotes.
pub(crate) fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(is_bare_char)
        && !starts_as_number(text)
        && !text.ends_with(':')
        && !matches!(text, "true" | "false" | "null" | "inf" | "-inf" | "nan")
}

impl<'s> Scan<'s> {
    /// `"…"`, or `"""` and lines.
    pub(super) fn quoted(&mut self) -> Read<Cow<'s, str>> {
        let start = self.at;
        if self.rest().starts_with("\"\"\"") {
            return self.several_lines(start, 0);
        }
        let body = start + 1;
        let mut at = body;
        let mut escapes = false;
        loop {
            let rest = &self.text[at..];
            let found = rest.find(|c| matches!(c, '"' | '\\') || is_newline(c));
            let Some(found) = found else {
                return Err(self.open_quote(start));
            };
            at += found;
            match self.text.as_bytes()[at] {
                b'"' => break,
                b'\\' => {
                    escapes = true;
                    at += escape_length(&self.text[at..]);
                }
                _ => return Err(self.open_quote(start)),
            }
        }
        self.at = body;
        self.pass(at - body)?;
        self.at = at + 1;
        let text = &self.text[body..at];
        match escapes {
            false => Ok(Cow::Borrowed(text)),
            true => self.resolved(text, start),
        }
    }

    fn open_quote(&self, start: usize) -> Box<crate::diagnostic::Diagnostic> {
        self.fail(
            start..start + 1,
            "a quote is not closed on its line",
            "it starts here",
            "close it with `\"`; a text of several lines starts and ends with `\"\"\"`",
        )
    }

    /// `#"…"#` with any number of `#`, on one line or several.
    pub(super) fn raw(&mut self) -> Read<Cow<'s, str>> {
        let start = self.at;
        let rest = self.rest();
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if rest[hashes..].starts_with("\"\"\"") {
            return self.several_lines(start, hashes);
        }
        let end = format!("\"{}", "#".repeat(hashes));
        let body = start + hashes + 1;
        let length = self.text[body..].find(&end);
        let Some(length) =
            length.filter(|length| !self.text[body..body + length].contains(is_newline))
        else {
            return Err(self.fail(
                start..start + hashes + 1,
                "a raw text is not closed on its line",
                "it starts here",
                "close it with a quote and as many `#` as it starts with",
            ));
        };
        self.at = body;
        self.pass(length)?;
        self.at += end.len();
        Ok(Cow::Borrowed(&self.text[body..body + length]))
    }

    /// A text between `"""`, each line of which starts with the space before the last.
    fn several_lines(&mut self, start: usize, hashes: usize) -> Read<Cow<'s, str>> {
        let quote = start..start + hashes + 3;
        let close = format!("\"\"\"{}", "#".repeat(hashes));
        let body = quote.end;
        let Some(end) = closing(&self.text[body..], &close, hashes > 0) else {
            return Err(self.fail(
                quote,
                "a text of several lines is never closed",
                "it starts here",
                "close it with `\"\"\"` on a line of its own",
            ));
        };
        let end = body + end;
        self.at = body;
        self.pass(end - body)?;
        self.at = end + close.len();
        let unified = unified(&self.text[body..end], hashes > 0);
        let lines = unified.strip_prefix('\n').and_then(dedented);
        let Some(lines) = lines else {
            return Err(self.fail(
                quote,
                "a text of several lines is not indented as its last line",
                "it starts here",
                "put both `\"\"\"` on lines of their own, and indent every line as the last one",
            ));
        };
        match hashes > 0 || !lines.contains('\\') {
            true => Ok(Cow::Owned(lines)),
            false => self
                .resolved(&lines, start)
                .map(|text| Cow::Owned(text.into_owned())),
        }
    }

    /// A text with its escapes replaced.
    fn resolved(&self, text: &str, start: usize) -> Read<Cow<'s, str>> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(found) = rest.find('\\') {
            out.push_str(&rest[..found]);
            rest = &rest[found..];
            let Some((meant, length)) = escape(rest) else {
                return Err(self.fail(
                    start..self.at,
                    "an escape does not exist",
                    "this text has a `\\` that stands for nothing",
                    "write `\\\\` where `\\` is meant literally",
                ));
            };
            out.extend(meant);
            rest = &rest[length..];
        }
        out.push_str(rest);
        Ok(Cow::Owned(out))
    }
}

/// How far an escape reaches, whatever it means.
fn escape_length(rest: &str) -> usize {
    match escape(rest) {
        Some((_, length)) => length,
        None => {
            1 + rest[1..]
                .chars()
                .next()
                .map_or(0, |c| if is_newline(c) { 0 } else { c.len_utf8() })
        }
    }
}

/// What the escape at the start of a text stands for, and its length.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let after = &rest[1..];
    let meant = match after.chars().next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        's' => ' ',
        c @ ('\\' | '"') => c,
        'u' => {
            let digits = after[1..].strip_prefix('{')?;
            let digits = &digits[..digits.find('}')?];
            let hex =
                (1..=6).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| hex)?;
            return Some((Some(char::from_u32(number)?), digits.len() + 4));
        }
        c if is_space(c) || is_newline(c) => {
            let blank = after.find(|c| !is_space(c) && !is_newline(c));
            return Some((None, 1 + blank.unwrap_or(after.len())));
        }
        _ => return None,
    };
    Some((Some(meant), 2))
}

/// Where the closing marks stand.
fn closing(text: &str, close: &str, raw: bool) -> Option<usize> {
    if raw {
        return text.find(close);
    }
    let mut at = 0;
    loop {
        at += text[at..].find(['"', '\\'])?;
        if text[at..].starts_with(close) {
            return Some(at);
        }
        at += match text.as_bytes()[at] {
            b'"' => 1,
            _ => escape_length(&text[at..]),
        };
    }
}

/// The text with one kind of line break and, unless raw, without escaped space.
fn unified(text: &str, raw: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\\' if !raw => {
                let length = escape_length(rest);
                if !matches!(escape(rest), Some((None, _))) {
                    out.push_str(&rest[..length]);
                }
                length
            }
            '\r' if rest.starts_with("\r\n") => {
                out.push('\n');
                2
            }
            c if is_newline(c) => {
                out.push('\n');
                c.len_utf8()
            }
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    out
}

/// The lines without the space that the last one, which has nothing else, starts with.
fn dedented(text: &str) -> Option<String> {
    let (lines, indent) = text.rsplit_once('\n').unwrap_or(("", text));
    let blank = |line: &str| line.chars().all(is_space);
    if !blank(indent) {
        return None;
    }
    let lines: Option<Vec<&str>> = lines
        .split('\n')
        .map(|line| match blank(line) {
            true => Some(""),
            false => line.strip_prefix(indent),
        })
        .collect();
    lines.map(|lines| lines.join("\n"))
}
