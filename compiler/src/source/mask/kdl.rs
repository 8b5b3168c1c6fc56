//! Secrets in KDL, where a name and its value are separated by space alone.
//!
//! The text may be broken, so nothing is parsed: after the name of a secret
//! everything up to the end of its node is starred out.

use std::ops::Range;

use super::{SECRET_ENDINGS, in_queries, is_shown, known_prefixes, names_a_secret, user_info};

/// The text with every character of a secret replaced by as many `*` as it has bytes.
pub(in crate::source) fn masked(text: &str) -> String {
    let mut found = Vec::new();
    Masking::default().run(text, 0, false, &mut found);
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let mut more = Vec::new();
        user_info(line, &mut more);
        in_queries(line, &mut more);
        known_prefixes(line, &mut more);
        let placed = more
            .into_iter()
            .map(|range| start + range.start..start + range.end);
        found.extend(placed);
        start += line.len();
    }
    let mut bytes = text.as_bytes().to_vec();
    for range in found {
        for byte in &mut bytes[range] {
            // A secret of several lines keeps its lines.
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// What is starred out next.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Until {
    #[default]
    Nothing,
    /// The value of a property.
    Property,
    /// Everything to the end of the node; its value has not come yet.
    Awaited,
    /// Everything to the end of the node.
    EndOfNode,
}

#[derive(Default)]
struct Masking {
    until: Until,
}

impl Masking {
    /// Takes a text, or the words of a comment up to the next `//`; returns how
    /// much was taken.
    fn run(
        &mut self,
        text: &str,
        base: usize,
        comment: bool,
        found: &mut Vec<Range<usize>>,
    ) -> usize {
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at..];
            at += match c {
                _ if rest.starts_with("//") && comment => return at + 2,
                _ if rest.starts_with("//") => {
                    let length = rest.find('\n').unwrap_or(rest.len());
                    let mut from = 2;
                    while from < length {
                        let words = &rest[from..length];
                        from += Self::default().run(words, base + at + from, true, found);
                    }
                    length
                }
                // What stands in such a comment is read as if it were not one.
                _ if rest.starts_with("/*") || rest.starts_with("*/") => 2,
                '\\' => {
                    let blank = rest[1..].find(|c: char| !c.is_whitespace());
                    1 + blank.unwrap_or(rest.len() - 1)
                }
                '\n' | ';' | '{' | '}' => {
                    if self.until != Until::Awaited || c != '\n' {
                        self.until = Until::Nothing;
                    }
                    1
                }
                c if c.is_whitespace() || matches!(c, '=' | '(' | ')') => c.len_utf8(),
                _ => self.token(text, at, base, found),
            };
        }
        at
    }

    /// Takes a word or a quoted text; returns its length.
    fn token(
        &mut self,
        text: &str,
        at: usize,
        base: usize,
        found: &mut Vec<Range<usize>>,
    ) -> usize {
        let rest = &text[at..];
        let before = text[..at].trim_end_matches([' ', '\t']);
        let bare = !rest.trim_start_matches('#').starts_with('"');
        // A bare word on a line of its own is the next key.
        if self.until == Until::Awaited && bare && before.ends_with('\n') {
            self.until = Until::Nothing;
        }
        let (body, length) = extent(rest, self.until != Until::Nothing);
        let is_name = |length: usize| {
            let after = rest[length..].trim_start_matches([' ', '\t']);
            after.starts_with('=')
        };
        if self.until == Until::Property && before.ends_with('=')
            || matches!(self.until, Until::Awaited | Until::EndOfNode)
        {
            if !is_shown(&rest[body.clone()]) {
                found.push(base + at + body.start..base + at + body.end);
            }
            if self.until == Until::Awaited {
                self.until = Until::EndOfNode;
            }
            return length;
        }
        let name = rest[body].trim_end_matches([':', ',']);
        self.until = match names_a_secret(name, SECRET_ENDINGS) {
            true if is_name(length) => Until::Property,
            true if before.is_empty() || before.ends_with(['\n', ';', '{', '}', '(', ')']) => {
                Until::Awaited
            }
            // A bare word that names a secret is its name; a quoted one may be a value.
            true if bare || rest[length..].starts_with(':') => Until::Awaited,
            _ => Until::Nothing,
        };
        length
    }
}

/// The body of the token at the start of a text, and the length of all of it.
/// A quote that is not closed on its line hides more when it is a secret's.
fn extent(rest: &str, hidden: bool) -> (Range<usize>, usize) {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let after = &rest[hashes..];
    let quotes = match after {
        _ if after.starts_with("\"\"\"") => "\"\"\"",
        _ if after.starts_with('"') => "\"",
        _ => {
            let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '\\');
            let marks = ['{', '}', '(', ')', '"', '='];
            // A secret that is not quoted may have such characters.
            let length = rest.find(|c| ends(c) || (!hidden && marks.contains(&c)));
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let length = length.unwrap_or(rest.len()).max(first);
            return (0..length, length);
        }
    };
    let close = format!("{quotes}{}", "#".repeat(hashes));
    let start = hashes + quotes.len();
    let several = quotes.len() > 1 || hidden;
    let mut at = start;
    while let Some(found) = rest[at..].find(['"', '\\', '\n']) {
        at += found;
        if rest[at..].starts_with(&close) {
            return (start..at, at + close.len());
        }
        at += match rest.as_bytes()[at] {
            b'\n' if !several => return (start..at, at),
            b'\\' if hashes == 0 => 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8),
            _ => 1,
        };
    }
    (start..rest.len(), rest.len())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_are_starred_and_the_rest_is_not() {
        for (text, wanted) in [
            ("key \"abc\" // c", "key \"***\" // c"),
            (
                "api \"https://h?a=b&key=ZQX&v=1\"",
                "api \"https://h?a=b&key=***&v=1\"",
            ),
            ("api \"https://h?code=${K}\"", "api \"https://h?code=${K}\""),
            ("key \"${K}\"; model \"m\"", "key \"${K}\"; model \"m\""),
            ("key \"${K:-abc}\"", "key \"*********\""),
            ("key abc\nmodel m", "key ***\nmodel m"),
            ("key=\"a b\" model=\"m\"", "key=\"***\" model=\"m\""),
            ("key = \"a\" model=\"m\"", "key = \"*\" model=\"m\""),
            ("auth_token #\"a\"b\"#", "auth_token #\"***\"#"),
            ("key \"abc\nmodel m", "key \"***\n*******"),
            (
                "key \"\"\"\n abc\n \"\"\"\nb 1",
                "key \"\"\"\n****\n*\"\"\"\nb 1",
            ),
            ("key \\\n  \"abc\"", "key \\\n  \"***\""),
            ("key\n  \"abc\"\nid \"x\"", "key\n  \"***\"\nid \"x\""),
            ("key\nmodel m", "key\nmodel m"),
            ("key: \"abc\"", "key: \"***\""),
            (
                "// key \"abc\" don\nid \"x\"",
                "// key \"***\" ***\nid \"x\"",
            ),
            (
                "id \"x\" // say \"so\nid \"y\"",
                "id \"x\" // say \"so\nid \"y\"",
            ),
            ("/* key \"abc\" */ id \"x\"", "/* key \"***\" */ ** \"*\""),
            ("id \"key\" b=\"c\"", "id \"key\" b=\"c\""),
            ("api \"https://u:p@h\"", "api \"https://***@h\""),
            ("max_tokens 5", "max_tokens 5"),
            ("key \"é\\", "key \"***"),
        ] {
            assert_eq!(masked(text), wanted, "{text}");
        }
    }
}
