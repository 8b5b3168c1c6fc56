//! How alike two texts are, by the words and letters they share.

use std::collections::BTreeSet;

/// Words and single characters in lower case; what is neither a letter nor a
/// digit separates.
fn tokens(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let mut tokens = BTreeSet::new();
    for word in lower.split(|c: char| !c.is_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        tokens.insert(word.to_owned());
        tokens.extend(word.chars().map(String::from));
    }
    tokens
}

/// Share of a prototype's tokens that a text has, 0 to 1 (the embedding mode of
/// claude-trigger-router 1.7.0). An empty prototype is like nothing.
pub(super) struct Likeness(BTreeSet<String>);

impl Likeness {
    /// Prepares a text to be compared with prototypes.
    pub(super) fn of(text: &str) -> Self {
        Self(tokens(text))
    }

    /// Share of the prototype's tokens that are in the text.
    pub(super) fn to(&self, prototype: &str) -> f64 {
        let wanted = tokens(prototype);
        if wanted.is_empty() {
            return 0.0;
        }
        let shared = wanted
            .iter()
            .filter(|token| self.0.contains(*token))
            .count();
        shared as f64 / wanted.len() as f64
    }
}

/// How alike a text is to each of some prototypes, in their order.
pub fn likeness<'p>(
    text: &str,
    prototypes: impl Iterator<Item = &'p str>,
) -> impl Iterator<Item = f64> {
    let text = Likeness::of(text);
    prototypes.map(move |prototype| text.to(prototype))
}

/// Characters at the beginning of a task by which it is known again.
pub const TASK: usize = 2_000;

/// How alike two tasks are, 0 to 1: 1 for the same words in any case and
/// spacing, else shared words over all words (Jaccard). Only their first
/// [`TASK`] characters are looked at.
pub fn same_task(one: &str, other: &str) -> f64 {
    let words = |text: &str| -> BTreeSet<String> {
        let lower = text.chars().take(TASK).collect::<String>().to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric());
        words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (one, other) = (words(one), words(other));
    let all = one.union(&other).count();
    if all == 0 {
        return 0.0;
    }
    one.intersection(&other).count() as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_tokens_are_counted_against_the_prototype() {
        let text = Likeness::of("Write a Poem, please!");
        assert_eq!(text.to("poem"), 1.0);
        assert_eq!(text.to(""), 0.0);
        assert_eq!(text.to("§$%"), 0.0);
        assert!(text.to("quantum flux") < 0.8);
        assert_eq!(Likeness::of("").to("poem"), 0.0);
    }

    #[test]
    fn tasks_are_the_same_in_any_case_and_spacing() {
        assert_eq!(same_task("Fix the  test", "fix THE test."), 1.0);
        assert_eq!(same_task("fix the test", "write a poem"), 0.0);
        assert_eq!(same_task("", ""), 0.0);
        assert!((same_task("fix the test", "fix the build") - 0.5).abs() < 1e-9);
    }
}
