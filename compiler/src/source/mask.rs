//! Source text that may be shown: the values of secret keys are starred out.
//!
//! A diagnostic quotes lines around a mistake, and a key may stand on one of
//! them. The text may be broken, so this works on lines and not on a tree; it
//! would rather hide too much. Bytes keep their places, so spans still fit.
//! Control characters are hidden too, since a terminal would obey them.

mod kdl;

use std::borrow::Cow;
use std::ops::Range;

pub(super) use kdl::masked as masked_kdl;

/// Names (folded to lower-case letters and digits) that end like this hold secrets.
const SECRET_ENDINGS: &[&str] = &[
    "key",
    "keyhash",
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "signature",
    "sig",
    // Maps that other gateways keep secrets in, whatever they call them.
    "credentials",
    "credentialvalues",
    "environmentvariables",
];

/// Further names in the query of a URL; at the top `Auth` is a section.
const SECRET_PARAMETERS: &[&str] = &["auth", "bearer", "credential", "pwd"];

/// Texts that are credentials wherever they stand.
const SECRET_PREFIXES: &[&str] = &[
    "sk-", "sk_", "ctr_", "gsk_", "xai-", "AIza", "ghp_", "Bearer ",
];

/// The text with every character of a secret replaced by as many `*` as it has bytes.
pub(crate) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut start = 0;
    let mut carried = Carried::Nothing;
    for line in text.split_inclusive(['\n', '\r']) {
        for range in secrets(line, &mut carried) {
            bytes[start + range.start..start + range.end].fill(b'*');
        }
        start += line.len();
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// The text with every character that a terminal would obey replaced, byte for byte.
pub(super) fn disarmed(text: String) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, c) in text.char_indices().filter(|(_, c)| obeyed(*c)) {
        bytes[at..at + c.len_utf8()].fill(b'?');
    }
    String::from_utf8(bytes).unwrap_or(text)
}

/// Whether a terminal acts on a character instead of showing it: controls, and
/// marks that turn the direction of writing.
pub(crate) fn obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a secret of one line says about the next.
#[derive(Clone, Copy)]
enum Carried {
    Nothing,
    /// It may go on, in lines indented deeper than its key.
    Deeper(usize),
    /// It has not begun; deeper lines, or one that is no key, may hold it.
    Awaited(usize),
    /// It ends at this quote; its key stands in this column, unless in `{…}`.
    Quoted(char, Option<usize>),
}

/// Byte ranges of secrets in one line.
fn secrets(line: &str, carried: &mut Carried) -> Vec<Range<usize>> {
    let content = line.trim_end();
    let indent = content.len() - content.trim_start().len();
    let mut found = Vec::new();
    let mut at = 0;
    match *carried {
        _ if content[indent..]
            .chars()
            .all(|c| matches!(c, '}' | ']' | ',')) =>
        {
            return found;
        }
        Carried::Quoted(quote, column) => match closing(content, 0, quote) {
            Some(end) => {
                let end = after_quote(content, end);
                found.push(indent.min(end)..end);
                at = end;
                *carried = match column {
                    Some(column) if end + 1 >= content.len() => Carried::Deeper(column),
                    _ => Carried::Nothing,
                };
            }
            None => {
                found.push(indent..content.len());
                return found;
            }
        },
        Carried::Deeper(column) | Carried::Awaited(column)
            if indent > column || !opens_anew(&content[indent..]) =>
        {
            found.push(indent..content.len());
            return found;
        }
        // The value of a key marked with `?` on some line above: rare, and always hidden.
        _ if content[indent..].starts_with(':') => {
            *carried = Carried::Deeper(indent);
            found.push(indent + 1..content.len());
            return found;
        }
        _ => *carried = Carried::Nothing,
    }
    let brace = content.find(['{', '[']).unwrap_or(content.len());
    while let Some(mark) = content[at..].find([':', '=']).map(|found| found + at) {
        at = mark + 1;
        let named = names_a_secret(&content[..mark], SECRET_ENDINGS)
            || (content.as_bytes()[mark] == b'=' && is_secret_in_query(&content[..mark]));
        if !named {
            continue;
        }
        let range = value(content, mark, brace < mark, carried);
        if !range.is_empty() && !is_shown(&content[range.clone()]) {
            at = range.end;
            found.push(range);
        }
    }
    user_info(content, &mut found);
    known_prefixes(content, &mut found);
    found
}

fn user_info(line: &str, found: &mut Vec<Range<usize>>) {
    for (at, _) in line.match_indices("://") {
        let rest = &line[at + 3..];
        let ends = |c| matches!(c, '/' | '?' | '#' | ' ' | '"' | '\'' | ',');
        let authority = outside_references(rest, ends).unwrap_or(rest.len());
        let Some(end) = rest[..authority].rfind('@') else {
            continue;
        };
        if !rest[..end].split(':').all(crate::plan::is_lone_variable) {
            found.push(at + 3..at + 3 + end);
        }
    }
}

/// Byte ranges of words that are credentials wherever they stand, in order.
pub(crate) fn credentials(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    known_prefixes(text, &mut found);
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, kept| next.start < kept.end);
    found
}

fn known_prefixes(line: &str, found: &mut Vec<Range<usize>>) {
    // Up to where each prefix has been looked for already.
    let mut seen = [0; SECRET_PREFIXES.len()];
    let mut in_word = false;
    for (at, c) in line.char_indices() {
        let starts_word = !in_word;
        in_word = c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '{');
        if !starts_word || !c.is_ascii_alphabetic() {
            continue;
        }
        for (prefix, seen) in SECRET_PREFIXES.iter().zip(&mut seen) {
            if at < *seen || !line[at..].starts_with(prefix) {
                continue;
            }
            let end = at + prefix.len();
            let end = end
                + line[end..]
                    .find(|c: char| !is_secret_char(c))
                    .unwrap_or(line.len() - end);
            *seen = end;
            if end - at >= prefix.len() + 8 {
                found.push(at..end);
            }
        }
    }
}

/// Values of secret parameters in URLs, wherever these stand.
fn in_queries(line: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    for (mark, _) in line.match_indices('=') {
        let before = end_of(&line[..mark]);
        let word = before.rfind(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        let word = &before[word.unwrap_or(0)..];
        if mark < from || !word.contains(MARKS) || !is_secret_in_query(word) {
            continue;
        }
        let rest = &line[mark + 1..];
        let value = &rest[..plain_end(rest, false, true)];
        from = mark + 1 + value.len();
        if !value.is_empty() && !is_shown(value) {
            found.push(mark + 1..from);
        }
    }
}

/// What stands before the name of a parameter.
const MARKS: [char; 4] = ['?', '&', ';', '#'];

/// Whether the text before a `=` ends with a parameter of a URL that holds a secret.
fn is_secret_in_query(before: &str) -> bool {
    let before = end_of(before);
    let name = before.rfind(MARKS).map(|at| &before[at + 1..]);
    is_secret_parameter(name.unwrap_or(before))
}

/// As much of the end of a text as the longest name of a secret takes with all of its letters
/// escaped: a long line with many marks would take for ever else.
fn end_of(text: &str) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(96))..]
}

/// Whether a parameter of this name, as it is written in the query of a URL, holds a secret.
pub(crate) fn is_secret_parameter(name: &str) -> bool {
    let name = unescaped(name);
    // Azure Functions; a name that ends so has other codes.
    name.eq_ignore_ascii_case("code")
        || names_a_secret(&name, SECRET_ENDINGS)
        || names_a_secret(&name, SECRET_PARAMETERS)
}

/// A name without `%41` and the like, as far as names of secrets have such characters.
fn unescaped(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the first character stands that `is_mark`, and in no `${…}`: a default may hold any.
fn outside_references(text: &str, is_mark: impl Fn(char) -> bool) -> Option<usize> {
    let mut inside = false;
    for (at, c) in text.char_indices() {
        inside = match inside {
            true => c != '}',
            false if text[at..].starts_with("${") => true,
            false if is_mark(c) => return Some(at),
            false => false,
        };
    }
    None
}

/// Whether the text before a `:` or `=` ends with the name of a secret.
fn names_a_secret(before: &str, endings: &[&str]) -> bool {
    let name = &before[name_start(before)..];
    // Asked of every line, so without a text of its own; no ending is longer.
    let mut folded = [0; 24];
    let mut start = folded.len();
    let letters = name.bytes().rev().filter(u8::is_ascii_alphanumeric);
    // The second of several keys has a number.
    let letters = letters.skip_while(u8::is_ascii_digit);
    for letter in letters.take(folded.len()) {
        start -= 1;
        folded[start] = letter.to_ascii_lowercase();
    }
    endings
        .iter()
        .any(|ending| folded[start..].ends_with(ending.as_bytes()))
}

/// Where the name that ends before a `:` or `=` begins, without its quote.
fn name_start(before: &str) -> usize {
    let name = before.trim_end().trim_end_matches(['"', '\'']);
    name.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(0, |at| {
            at + name[at..].chars().next().map_or(1, char::len_utf8)
        })
}

/// The range of the value after the `:` or `=` at `mark`; empty where it has
/// not begun. Notes what the next line may hold of it.
fn value(line: &str, mark: usize, flow: bool, carried: &mut Carried) -> Range<usize> {
    let column = name_start(&line[..mark]);
    let start = value_start(line, mark + 1);
    let rest = &line[start..];
    let in_query = line.as_bytes()[mark] == b'=';
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return match closing(line, start + 1, quote) {
            Some(end) => {
                // Nothing may follow here; what does was meant to be inside.
                if !flow && end + 1 == line.len() && !in_query {
                    *carried = Carried::Deeper(column);
                }
                start + 1..after_quote(line, end)
            }
            None => {
                *carried = Carried::Quoted(quote, (!flow).then_some(column));
                start + 1..line.len()
            }
        };
    }
    if rest.starts_with("${")
        && let Some(close) = rest.find(|c: char| c == '}' || c.is_whitespace())
        && rest[close..].starts_with('}')
        && is_shown(&rest[..=close])
        && rest[close + 1..].starts_with([',', '}', ']', '"', '\'', '&', '#', ' '])
    {
        return start..start + close + 1;
    }
    let end = start + plain_end(rest, flow, in_query);
    if end == line.len() && !in_query {
        let begun = !matches!(
            &line[start..end],
            "" | "|" | ">" | "|-" | ">-" | "|+" | ">+"
        );
        *carried = if begun && !flow {
            Carried::Deeper(column)
        } else if begun {
            Carried::Nothing
        } else {
            Carried::Awaited(column)
        };
    }
    start..end
}

/// Skips blanks, anchors and tags.
fn value_start(line: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        at += line[at..].len() - line[at..].trim_start().len();
        if !line[at..].starts_with(['&', '!']) {
            return at;
        }
        at += line[at..]
            .find(char::is_whitespace)
            .unwrap_or(line.len() - at);
    }
}

/// How long an unquoted value is.
fn plain_end(rest: &str, flow: bool, in_query: bool) -> usize {
    let mut before = ' ';
    let mut inside = false;
    for (at, c) in rest.char_indices() {
        // A default may hold what else would end the value.
        if in_query && (inside || rest[at..].starts_with("${")) {
            inside = c != '}';
            continue;
        }
        let next = rest[at + c.len_utf8()..].chars().next();
        let ends = match c {
            '#' => before.is_whitespace() || in_query,
            '}' | ']' => flow,
            ',' => {
                flow && next.is_none_or(|next| next.is_whitespace() || matches!(next, '"' | '\''))
            }
            '&' | '"' | '\'' => in_query,
            c => in_query && c.is_whitespace(),
        };
        if ends {
            return rest[..at].trim_end().len();
        }
        before = c;
    }
    rest.trim_end().len()
}

/// Where a quote closes, minding `\"` and `''`.
fn closing(line: &str, from: usize, quote: char) -> Option<usize> {
    let mut chars = line[from..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let escapes = (quote == '"' && c == '\\')
            || (quote == '\'' && c == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\''));
        if escapes {
            chars.next();
        } else if c == quote {
            return Some(from + at);
        }
    }
    None
}

/// The end of a quoted secret: its quote, or the end of the line where something
/// follows that may not, since then the quote was not meant to close it.
fn after_quote(line: &str, quote: usize) -> usize {
    let rest = line[quote + 1..].trim_start();
    if rest.is_empty() || rest.starts_with([',', '}', ']', '#', ':']) {
        quote
    } else {
        line.len()
    }
}

/// Whether a line after a key without a value is something else than that value.
fn opens_anew(line: &str) -> bool {
    let marks = ["#", "{", "[", "? ", "- ", "---", "..."];
    if line == "-" || marks.iter().any(|mark| line.starts_with(mark)) {
        return true;
    }
    line.match_indices(':').any(|(at, _)| {
        let (name, after) = (line[..at].trim(), line[at + 1..].chars().next());
        !name.is_empty() && after.is_none_or(char::is_whitespace) && name_start(name) <= 1
    })
}

/// Whether a value is no secret: nothing, or a lone `${NAME}`.
fn is_shown(text: &str) -> bool {
    matches!(text, "|" | ">" | "|-" | ">-" | "|+" | ">+" | "~" | "null")
        || crate::plan::is_lone_variable(text)
}

fn is_secret_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '~')
}

#[cfg(test)]
mod tests {
    use super::{disarmed, masked};

    #[test]
    fn secrets_are_starred_and_the_rest_is_not() {
        for (text, wanted) in [
            ("key: abc # c", "key: *** # c"),
            (
                "{id: a, key: \"a b\", model: m}",
                "{id: a, key: \"***\", model: m}",
            ),
            ("\"api_key\": \"xyz\",", "\"api_key\": \"***\","),
            ("APIKEY: ${CTR_API_KEY}", "APIKEY: ${CTR_API_KEY}"),
            ("key: \"${K:-abc}\"", "key: \"*********\""),
            ("auth_token: é", "auth_token: **"),
            (
                "api: http://u:${P:-a/ZQX}@h/v1?key=${K:-ab&ZQX}&v=1",
                "api: http://*************@h/v1?key=************&v=1",
            ),
            ("api: http://h?a=b&code=ZQX", "api: http://h?a=b&code=***"),
            ("api: http://h?k%65y=ZQX;v=1", "api: http://h?k%65y=*******"),
            (
                "api: http://h?client_pwd=ZQX&v=1",
                "api: http://h?client_pwd=***&v=1",
            ),
            (
                "api: https://u:p@h/x?key=abc&a=b",
                "api: https://***@h/x?key=***&a=b",
            ),
            ("max_tokens: 5", "max_tokens: 5"),
            ("API_KEY_2: abc", "API_KEY_2: ***"),
            (
                "environment_variables:\n  A: abc\n\n  B: d\nmodel_list: []",
                "environment_variables:\n  ******\n\n  ****\nmodel_list: []",
            ),
            (
                "{credentials: {a: abc}, b: 1}",
                "{credentials: *******}, b: 1}",
            ),
            ("  sk-ant-0123456789", "  *****************"),
            (
                "pool_endpoint_id: risk-averse-endpoint",
                "pool_endpoint_id: risk-averse-endpoint",
            ),
            ("key: abc def, g", "key: **********"),
            ("a: 1\nkey: |\n  abc\nb: 2", "a: 1\nkey: |\n  ***\nb: 2"),
            ("- key: >-\n    abc\n  b: 2", "- key: >-\n    ***\n  b: 2"),
            ("key: abc\n  def\nb: 2", "key: ***\n  ***\nb: 2"),
            (
                "{\"key\":\n\"abc\",\n\"b\": 2}",
                "{\"key\":\n******\n\"b\": 2}",
            ),
            ("key:\nmodel: m", "key:\nmodel: m"),
            ("key: \"a\\\"bc\" # c", "key: \"*****\" # c"),
            ("key: \"abc\ndef\" # c", "key: \"***\n***\" # c"),
            ("key: &k abc", "key: &k ***"),
            ("key: !!str \"a, b\"", "key: !!str \"****\""),
            ("? key\n: abc", "? key\n:****"),
            ("https://${U}:abc@h", "https://********@h"),
            (
                "https://${U}:${P}@h?auth=abc",
                "https://${U}:${P}@h?auth=***",
            ),
            ("key: [abc", "key: ****"),
            ("id: \u{1b}[2J", "id: ?[2J"),
        ] {
            assert_eq!(disarmed(masked(text)), wanted);
        }
    }
}
