//! How alike two texts are, by the words and letters they share.

use std::cmp::Ordering;
use std::ops::Range;

use crate::matching::lower;

/// The different words of a text in lower case; what is neither a letter nor a digit
/// separates. They are sorted, in an order that tells nearly all of them apart without a
/// look at the text.
struct Words {
    lower: String,
    words: Vec<Word>,
}

/// A word of a text.
struct Word {
    /// Its first eight bytes, zeros where there are fewer.
    first: u64,
    place: Range<usize>,
}

impl Word {
    fn new(word: &str, place: Range<usize>) -> Self {
        let mut first = [0; FIRST];
        for (to, from) in first.iter_mut().zip(word.bytes()) {
            *to = from;
        }
        Self {
            first: u64::from_ne_bytes(first),
            place,
        }
    }

    /// How it is sorted beside a word of another text, or of the same.
    fn order(&self, text: &str, other: &Self, others: &str) -> Ordering {
        let known = |word: &Self| (word.first, word.place.len());
        known(self)
            .cmp(&known(other))
            .then_with(|| match self.place.len() {
                0..=FIRST => Ordering::Equal,
                _ => text[self.place.clone()].cmp(&others[other.place.clone()]),
            })
    }
}

const FIRST: usize = size_of::<u64>();

impl Words {
    fn of(text: &str) -> Self {
        let mut lower = lower::beyond_ascii(text).into_owned();
        lower.make_ascii_lowercase();
        let mut words = Vec::new();
        let mut start = 0;
        for (end, c) in lower.char_indices().chain([(lower.len(), ' ')]) {
            if c.is_alphanumeric() {
                continue;
            }
            if start < end {
                words.push(Word::new(&lower[start..end], start..end));
            }
            start = end + c.len_utf8();
        }
        words.sort_unstable_by(|one: &Word, other| one.order(&lower, other, &lower));
        words.dedup_by(|one, other| one.order(&lower, other, &lower).is_eq());
        Self { lower, words }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.words
            .iter()
            .map(|word| &self.lower[word.place.clone()])
    }

    /// How many of them are among others too.
    fn shared(&self, others: &Self) -> usize {
        let (mut mine, mut theirs) = (self.words.iter().peekable(), others.words.iter().peekable());
        let mut shared = 0;
        while let (Some(one), Some(other)) = (mine.peek(), theirs.peek()) {
            let order = one.order(&self.lower, other, &others.lower);
            shared += usize::from(order.is_eq());
            if order.is_le() {
                mine.next();
            }
            if order.is_ge() {
                theirs.next();
            }
        }
        shared
    }
}

/// The longer words of a text, and its letters and digits: how many of a prototype's it
/// has, 0 to 1 (the embedding mode of claude-trigger-router 1.7.0). An empty prototype is
/// like nothing.
pub(super) struct Likeness {
    words: Words,
    /// Different ones, sorted.
    letters: Vec<char>,
}

impl Likeness {
    /// Prepares a text to be compared with prototypes.
    pub(super) fn of(text: &str) -> Self {
        let mut words = Words::of(text);
        let mut letters: Vec<char> = words.texts().flat_map(str::chars).collect();
        letters.sort_unstable();
        letters.dedup();
        // A word of one letter is that letter, which counts once.
        let Words { lower, words: all } = &mut words;
        all.retain(|word| lower[word.place.clone()].chars().nth(1).is_some());
        Self { words, letters }
    }

    /// Share of the prototype's words and letters that are in the text.
    pub(super) fn to(&self, prototype: &str) -> f64 {
        let wanted = Self::of(prototype);
        let all = wanted.words.words.len() + wanted.letters.len();
        if all == 0 {
            return 0.0;
        }
        let has_letter = |letter: &&char| self.letters.binary_search(letter).is_ok();
        let letters = wanted.letters.iter().filter(has_letter).count();
        let shared = wanted.words.shared(&self.words) + letters;
        shared as f64 / all as f64
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
pub(super) const TASK: usize = 2_000;

/// The beginning of a text by which its task is known again: its first 2,000 characters.
pub(super) fn task(text: &str) -> &str {
    // No text has more characters than bytes.
    if text.len() <= TASK {
        return text;
    }
    let end = text.char_indices().nth(TASK);
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// How alike two tasks are, 0 to 1: 1 for the same words in any case and
/// spacing, else shared words over all words (Jaccard). Only their first 2,000
/// characters are looked at.
pub fn same_task(one: &str, other: &str) -> f64 {
    let [one, other] = [one, other].map(|text| Words::of(task(text)));
    let shared = one.shared(&other);
    let all = one.words.len() + other.words.len() - shared;
    if all == 0 {
        return 0.0;
    }
    shared as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

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

    #[test]
    fn of_a_task_its_beginning_counts() {
        let long = |c: char| format!("a{}", c.to_string().repeat(TASK));
        assert_eq!(task(&long('b')).len(), TASK);
        assert_eq!(task(&long('é')).chars().count(), TASK);
        assert_eq!(task(&long('é')[..TASK + 1]).len(), TASK + 1);
        let other = format!("{} and more", long('b'));
        assert_eq!(same_task(&long('b'), &other), 1.0);
    }

    /// As it is defined: sets of words, and of words and their characters.
    fn tokens(text: &str, with_letters: bool) -> BTreeSet<String> {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric());
        let mut tokens = BTreeSet::new();
        for word in words.filter(|word| !word.is_empty()) {
            tokens.insert(word.to_owned());
            if with_letters {
                tokens.extend(word.chars().map(String::from));
            }
        }
        tokens
    }

    proptest! {
        #[test]
        fn it_is_as_sets_of_words_say(
            one in "(\\PC|[a-cA-C]{1,3}|fixtures?|fixtured |[ÄäΣσςİß日]|[ .,]){0,40}",
            other in "(\\PC|[a-cA-C]{1,3}|fixtures?|fixtured |[ÄäΣσςİß日]|[ .,]){0,40}",
        ) {
            let (mine, its) = (tokens(&one, false), tokens(&other, false));
            let all = mine.union(&its).count();
            let shared = mine.intersection(&its).count();
            let wanted = if all == 0 { 0.0 } else { shared as f64 / all as f64 };
            prop_assert_eq!(same_task(&one, &other), wanted);

            let (mine, its) = (tokens(&one, true), tokens(&other, true));
            let shared = its.intersection(&mine).count();
            let wanted = if its.is_empty() { 0.0 } else { shared as f64 / its.len() as f64 };
            prop_assert_eq!(Likeness::of(&one).to(&other), wanted);
        }
    }
}
