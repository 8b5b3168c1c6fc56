//! Lower case, as far as the automaton over words does not fold itself.

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Punctuation, and signs of East Asia: frequent, and in no case.
const CASELESS: [RangeInclusive<char>; 2] = ['\u{2000}'..='\u{20cf}', '\u{2e80}'..='\u{a63f}'];

/// Bytes that are passed over at once where all of them are ASCII.
const STEP: usize = 32;

/// A text with all letters in lower case but those of ASCII, which stay as they are.
pub(crate) fn beyond_ascii(text: &str) -> Cow<'_, str> {
    // How this one is written in lower case depends on what is around it.
    if text.contains('Σ') {
        return Cow::Owned(text.to_lowercase());
    }
    let mut lower = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = not_ascii(text.as_bytes(), at) {
        let Some(c) = text[found..].chars().next() else {
            break;
        };
        at = found + c.len_utf8();
        if CASELESS.iter().any(|caseless| caseless.contains(&c)) || c.to_lowercase().eq([c]) {
            continue;
        }
        lower.reserve(text.len() - copied);
        lower.push_str(&text[copied..found]);
        lower.extend(c.to_lowercase());
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    lower.push_str(&text[copied..]);
    Cow::Owned(lower)
}

/// Where the next byte is, from `from` on, that is not of ASCII.
fn not_ascii(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while bytes
        .get(at..)?
        .first_chunk::<STEP>()
        .is_some_and(|step| step.is_ascii())
    {
        at += STEP;
    }
    let found = bytes[at..].iter().position(|byte| !byte.is_ascii())?;
    Some(at + found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_called_caseless_is() {
        for c in CASELESS.into_iter().flatten() {
            assert!(c.to_lowercase().eq([c]), "{c}");
        }
    }

    #[test]
    fn what_has_no_capitals_is_not_copied() {
        let text = "Naïve “quotes” and 日本語 – ſ, again and again. ".repeat(9);
        assert!(matches!(beyond_ascii(&text), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn the_rest_is_ascii_alone(text in "(\\PC|[A-Za-zÄÖÜäöüΣσςİKÅẞſ日–]| |[a-z ]{40}){0,60}") {
            prop_assert_eq!(beyond_ascii(&text).to_ascii_lowercase(), text.to_lowercase());
        }
    }
}
