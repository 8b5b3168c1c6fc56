//! Many words, found in a text at a cost that follows the text alone.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::sieve::Sieve;
use super::stretches::Stretches;

/// Words to find, and what each says.
pub(super) struct Words<S> {
    automaton: Option<AhoCorasick>,
    /// Where it is worth running.
    sieves: Vec<Sieve>,
    says: Vec<S>,
    /// Whether one has a character that JSON may write in another way.
    has_escapes: bool,
}

impl<S> Default for Words<S> {
    fn default() -> Self {
        Self {
            automaton: None,
            sieves: Vec::new(),
            says: Vec::new(),
            has_escapes: false,
        }
    }
}

impl<S: Copy> Words<S> {
    /// Prepares words, none of which is empty; with `fold` ASCII letters are the same
    /// in either case.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn new(words: Vec<(String, S)>, fold: bool) -> Result<Self, BuildError> {
        if words.is_empty() {
            return Ok(Self::default());
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(fold)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(words.iter().map(|(word, _)| word))?;
        let has_escapes = words.iter().any(|(word, _)| word.contains(is_escaped));
        let bytes: Vec<&[u8]> = words.iter().map(|(word, _)| word.as_bytes()).collect();
        Ok(Self {
            automaton: Some(automaton),
            sieves: Sieve::all_of(&bytes),
            says: words.into_iter().map(|(_, says)| says).collect(),
            has_escapes,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.says.len()
    }

    /// Whether a word may occur in a text of which these are the parts, as
    /// [`Written::parts`](crate::route::Written::parts) has them.
    pub(super) fn may_be_in(&self, parts: &[&[u8]]) -> bool {
        let holds_any = |part: &&[u8]| {
            let mut found = Stretches::first_of(part.len());
            self.sieves.iter().any(|sieve| {
                sieve.look(part, &mut found);
                found.is_enough()
            })
        };
        self.has_escapes || parts.iter().any(holds_any)
    }

    /// Hands over what each word says that occurs in the text, as often as it does,
    /// until `found` says stop. Whether it did not.
    pub(super) fn search(&self, text: &str, mut found: impl FnMut(S) -> bool) -> bool {
        let Some(automaton) = &self.automaton else {
            return true;
        };
        let text = text.as_bytes();
        let mut stretches = Stretches::new(text.len());
        for sieve in &self.sieves {
            sieve.look(text, &mut stretches);
        }
        for stretch in stretches.in_order() {
            for word in automaton.find_overlapping_iter(&text[stretch]) {
                if !found(self.says[word.pattern().as_usize()]) {
                    return false;
                }
            }
        }
        true
    }
}

/// Whether what is written in a request may have something else in place of this
/// character.
fn is_escaped(char: char) -> bool {
    char.is_ascii_control() || matches!(char, '"' | '\\')
}

#[cfg(test)]
mod tests;
