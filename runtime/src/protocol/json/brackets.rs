//! Passing over an object or a list by its brackets alone.

use super::blocks::{self, BLOCK};

/// Just past the bracket that closes the one at `at`; none where none does. What is in
/// between is not checked to be JSON: where it is, this is where it ends.
pub(super) fn close(bytes: &[u8], at: usize) -> Option<usize> {
    let mut around = Around::default();
    let mut from = at;
    loop {
        let rest = bytes.get(from..).filter(|rest| !rest.is_empty())?;
        let closed = match rest.first_chunk() {
            Some(block) => around.pass(block),
            None => {
                let mut block = [b' '; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                around.pass(&block)
            }
        };
        match closed {
            Some(last) => return Some(from + last + 1),
            None => from += BLOCK,
        }
    }
}

/// What a block stands in.
#[derive(Default)]
struct Around {
    /// Open brackets.
    depth: usize,
    /// All bits when it begins in a string, else none.
    string: u64,
    /// Whether a backslash stands before it that escapes its first byte, in the lowest bit.
    escape: u64,
}

impl Around {
    /// Passes over a block, unless the last bracket closes in it: there that one is.
    fn pass(&mut self, block: &[u8; BLOCK]) -> Option<usize> {
        let quotes = blocks::quotes(block) & !self.escaped(blocks::backslashes(block));
        if quotes == 0 && self.string != 0 {
            return None;
        }
        let strings = up_to_each(quotes) ^ self.string;
        // Its highest bit for all of them.
        self.string = 0_u64.wrapping_sub(strings >> (u64::BITS - 1));
        let [opens, closes] = blocks::brackets(block).map(|brackets| brackets & !strings);
        let closing = closes.count_ones() as usize;
        if closing < self.depth {
            self.depth += opens.count_ones() as usize;
            self.depth -= closing;
            return None;
        }
        let mut brackets = opens | closes;
        while brackets != 0 {
            let lowest = brackets & brackets.wrapping_neg();
            if opens & lowest != 0 {
                self.depth += 1;
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(lowest.trailing_zeros() as usize);
                }
            }
            brackets ^= lowest;
        }
        None
    }

    /// Which bytes are escaped: those behind an odd number of backslashes. Runs of them
    /// that begin at an odd bit are carried through by an addition (Langdale and Lemire,
    /// "Parsing gigabytes of JSON per second", 2019, section 3.1.1).
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        if backslashes == 0 {
            return std::mem::take(&mut self.escape);
        }
        let backslashes = backslashes & !self.escape;
        let behind = backslashes << 1 | self.escape;
        let odd = backslashes & !EVEN & !behind;
        let (carried, overflows) = odd.overflowing_add(backslashes);
        self.escape = u64::from(overflows);
        (EVEN ^ (carried << 1)) & behind
    }
}

/// Each bit tells whether the number of bits up to it, and it, is odd.
fn up_to_each(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32]
        .into_iter()
        .fold(bits, |odd, by| odd ^ odd << by)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bracket_that_does_not_close_has_no_end() {
        for text in ["{", "[", "{\"}", "[\"\\\"]", "", "[[]", "{\"a\":[1,2"] {
            assert_eq!(close(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(close(b"{}", 7), None);
        // Brackets of either kind are the same here.
        assert_eq!(close(b"[}", 0), Some(2));
    }

    #[test]
    fn strings_go_over_the_borders_of_blocks() {
        for before in 0..2 * BLOCK {
            for slashes in 0..5 {
                let (spaces, slashes) = (" ".repeat(before), "\\\\".repeat(slashes));
                let text = format!("x[{spaces}\"]{slashes}\\\"]\",{{\"a]\":[\"{slashes}\"]}}] ]");
                assert_eq!(close(text.as_bytes(), 1), Some(text.len() - 2), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn of_json_it_finds_the_end(
            texts in prop::collection::vec(r#"[a"\\\[\]{}\n]{0,90}"#, 0..6),
            deep in 0_usize..70,
        ) {
            let value = serde_json::json!({ "a": texts, "b": { "c": texts, "d": [[], {}] } });
            let spaced = serde_json::to_string_pretty(&value).expect("JSON");
            for value in [value.to_string(), spaced] {
                let text = format!("{}{value}{}", "[".repeat(deep), "]".repeat(deep));
                let end = close(format!("{text}]}}").as_bytes(), 0);
                prop_assert_eq!(end, Some(text.len()));
            }
        }

        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..300) {
            let end = close(&bytes, at);
            prop_assert!(end.is_none_or(|end| end > at && end <= bytes.len()));
        }
    }
}
