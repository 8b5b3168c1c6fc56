//! Which of many words does a text contain? An Aho–Corasick automaton that
//! keeps one number a state, so that its size and the time to ask it grow with
//! the bytes alone. A state of the crate of that name lists all words that end
//! in it, which is quadratic where words end in each other.

use std::collections::HashMap;

/// Words with a number each.
pub(super) struct Contained {
    edges: HashMap<(u32, u8), u32>,
    /// The state of the longest end of a state's text that begins a word.
    shorter: Vec<u32>,
    /// The smallest number of a word that the state's text ends with.
    least: Vec<Option<usize>>,
    #[cfg(test)]
    steps: std::cell::Cell<usize>,
}

const ROOT: u32 = 0;

impl Contained {
    /// Takes words and their numbers. Empty words are contained in nothing.
    pub(super) fn new<'t>(words: impl IntoIterator<Item = (&'t str, usize)>) -> Self {
        let mut new = Self {
            edges: HashMap::new(),
            shorter: vec![ROOT],
            least: vec![None],
            #[cfg(test)]
            steps: std::cell::Cell::new(0),
        };
        let mut states = Vec::new();
        for (word, number) in words {
            new.add(word, number, &mut states);
        }
        // A shorter text is complete before a longer one needs it.
        states.sort_by_key(|state| state.depth);
        for state in states {
            let shorter = match state.depth {
                1 => ROOT,
                _ => new.next(new.shorter[state.parent as usize], state.byte),
            };
            let at = state.at as usize;
            new.shorter[at] = shorter;
            new.least[at] = smaller(new.least[at], new.least[shorter as usize]);
        }
        new
    }

    fn add(&mut self, word: &str, number: usize, states: &mut Vec<State>) {
        let mut parent = ROOT;
        for (byte, depth) in word.bytes().zip(1..) {
            // Documents are far too small to have so many.
            let Ok(fresh) = u32::try_from(self.least.len()) else {
                return;
            };
            let at = *self.edges.entry((parent, byte)).or_insert(fresh);
            if at == fresh {
                self.shorter.push(ROOT);
                self.least.push(None);
                states.push(State {
                    at,
                    parent,
                    byte,
                    depth,
                });
            }
            parent = at;
        }
        if parent != ROOT {
            let least = &mut self.least[parent as usize];
            *least = smaller(*least, Some(number));
        }
    }

    /// The smallest number of a word that the text contains.
    pub(super) fn least_in(&self, text: &str) -> Option<usize> {
        let mut found = None;
        let mut state = ROOT;
        for byte in text.bytes() {
            state = self.next(state, byte);
            found = smaller(found, self.least[state as usize]);
        }
        found
    }

    fn next(&self, mut state: u32, byte: u8) -> u32 {
        loop {
            #[cfg(test)]
            self.steps.set(self.steps.get() + 1);
            match self.edges.get(&(state, byte)) {
                Some(next) => return *next,
                None if state == ROOT => return ROOT,
                None => state = self.shorter[state as usize],
            }
        }
    }
}

/// The beginning of a word.
struct State {
    at: u32,
    /// The state of all but its last byte.
    parent: u32,
    byte: u8,
    depth: usize,
}

fn smaller(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    [one, other].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(words: &[String]) -> Contained {
        Contained::new(words.iter().map(String::as_str).zip(0..))
    }

    #[test]
    fn the_first_word_that_is_contained_is_found() {
        let words = ["she", "he", "hers", "his", "", "é", "sheer"].map(str::to_owned);
        let words_in = numbered(&words);
        for (text, wanted) in [
            ("ushers", Some(0)),
            ("the", Some(1)),
            ("this", Some(3)),
            ("hi", None),
            ("", None),
            ("caf\u{e9}", Some(5)),
            ("sh\u{e9}er", Some(5)),
        ] {
            assert_eq!(words_in.least_in(text), wanted, "{text}");
        }
    }

    #[test]
    fn work_grows_with_the_bytes_only() {
        // Words that end in each other, and words that nearly do.
        let ending: Vec<String> = (1..800).rev().map(|n| "a".repeat(n)).collect();
        let nearly: Vec<String> = (0..10_000).map(|n| format!("aaaaaaaa{n}b")).collect();
        for words in [ending, nearly] {
            let bytes: usize = words.iter().map(String::len).sum();
            let words_in = numbered(&words);
            let built = words_in.steps.get();
            assert!(built <= 3 * bytes, "{built} steps for {bytes} bytes");
            for word in &words {
                assert!(words_in.least_in(word).is_some());
            }
            let asked = words_in.steps.get() - built;
            assert!(asked <= 3 * bytes, "{asked} steps for {bytes} bytes");
        }
    }

    #[test]
    fn it_agrees_with_looking_for_each_word() {
        let parts = ["a", "b", "ab", "ba", "aab"];
        let words: Vec<String> = (0..125)
            .map(|n| format!("{}{}{}", parts[n % 5], parts[n / 5 % 5], parts[n / 25]))
            .rev()
            .collect();
        let words_in = numbered(&words[..60]);
        for text in &words {
            let wanted = words[..60].iter().position(|word| text.contains(word));
            assert_eq!(words_in.least_in(text), wanted, "{text}");
        }
    }
}
