//! Whether the arguments of a call have come to their end, which chunks do not say.

use super::super::json::Text;

/// How far arguments have come that are an object or a list. Only brackets and strings are
/// followed; of anything else the end is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Whole {
    /// Brackets that are open.
    depth: u32,
    /// Whether more than white space has come.
    has_begun: bool,
    is_in_string: bool,
    is_escaped: bool,
    is_over: bool,
}

impl Whole {
    /// Takes the next piece. Whether the last bracket is closed.
    pub(super) fn push(&mut self, piece: &Text<'_>) -> bool {
        self.has_begun = self.has_begun || !piece.is_blank();
        for byte in piece.plain().bytes() {
            self.next(byte);
        }
        self.is_over
    }

    /// Whether more than white space has come.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn next(&mut self, byte: u8) {
        if std::mem::take(&mut self.is_escaped) {
            return;
        }
        match byte {
            b'\\' if self.is_in_string => self.is_escaped = true,
            b'"' => self.is_in_string = !self.is_in_string,
            _ if self.is_in_string => {}
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                self.is_over |= self.depth == 0;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_whole_with_their_last_bracket() {
        for (json, is_whole) in [
            ("{}", true),
            ("{\"a\":[{}],\"b\":\"}\\\"}\\\\\"}", true),
            ("[1]", true),
            ("", false),
            ("{", false),
            ("{\"a\":{}", false),
            ("{\"}", false),
            ("{\"\\\"}", false),
            ("not JSON }", false),
            ("\"text\"", false),
        ] {
            for size in 1..=json.len().max(1) {
                let mut whole = Whole::default();
                let mut over = 0;
                let mut chunks = json.as_bytes().chunks(size).peekable();
                while let Some(chunk) = chunks.next() {
                    let piece = std::str::from_utf8(chunk).expect("ASCII");
                    over += usize::from(whole.push(&Text::from_plain(piece)));
                    assert!(over == 0 || chunks.peek().is_none(), "{json} by {size}");
                }
                assert_eq!(over == 1, is_whole, "{json} by {size}");
            }
        }
    }
}
