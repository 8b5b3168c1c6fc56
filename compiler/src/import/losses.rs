//! What an import could not carry, gathered so that one kind of thing is one
//! diagnostic with its places, however often a file repeats it.

use std::collections::{HashMap, HashSet};

use super::kind::Kind;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::source::Span;

/// Places that are shown of one diagnostic.
const SHOWN: usize = 4;

/// Keys that a headline names.
const NAMED: usize = 3;

/// Everything said so far, in the order it was first said.
#[derive(Default)]
pub(super) struct Losses {
    groups: Vec<Group>,
    /// Groups by code and the beginning of the headline.
    known: HashMap<(Code, String), usize>,
}

struct Group {
    code: Code,
    headline: String,
    help: String,
    /// Keys that the headline lists, in order, and whether one is among them.
    keys: Vec<String>,
    seen: HashSet<String>,
    /// The first few places.
    places: Vec<(Span, String)>,
    count: usize,
}

impl Losses {
    /// Says something of one place. The same code and headline again is
    /// another place of the same diagnostic; the first help is kept.
    pub(super) fn say(&mut self, code: Code, headline: &str, span: Span, label: &str, help: &str) {
        self.group(code, headline, help).place(span, label);
    }

    /// Says that a key has no counterpart.
    pub(super) fn key(&mut self, kind: &Kind, key: &str, span: Span) {
        let group = self.group(Code::ImportNotCarried, kind.what, kind.help);
        if group.seen.insert(key.to_owned()) {
            group.keys.push(key.to_owned());
        }
        group.place(span, kind.here);
    }

    fn group(&mut self, code: Code, headline: &str, help: &str) -> &mut Group {
        let next = self.groups.len();
        let at = *self
            .known
            .entry((code, headline.to_owned()))
            .or_insert(next);
        if at == next {
            self.groups.push(Group {
                code,
                headline: headline.to_owned(),
                help: help.to_owned(),
                keys: Vec::new(),
                seen: HashSet::new(),
                places: Vec::new(),
                count: 0,
            });
        }
        &mut self.groups[at]
    }

    /// Reports everything.
    pub(super) fn finish(self, problems: &mut Problems) {
        for group in self.groups {
            problems.push(group.diagnostic());
        }
    }
}

impl Group {
    fn place(&mut self, span: Span, label: &str) {
        self.count += 1;
        // A merge key or an alias repeats a place, which is one place to the reader.
        if self.places.len() < SHOWN && self.places.iter().all(|(known, _)| *known != span) {
            self.places.push((span, label.to_owned()));
        }
    }

    fn diagnostic(self) -> Diagnostic {
        let mut headline = self.headline;
        if !self.keys.is_empty() {
            headline.push_str(" not carried: ");
            headline.push_str(&listed(&self.keys, NAMED));
        }
        // The headline of secrets has their number already.
        let is_counted = self.code == Code::ImportLiteralSecret;
        if !is_counted && self.count > self.places.len().max(self.keys.len()) {
            headline.push_str(&format!(" ({} places)", self.count));
        }
        let mut diagnostic = Diagnostic::new(self.code, headline).help(self.help);
        for (span, label) in self.places {
            diagnostic = diagnostic.at(span, label);
        }
        diagnostic
    }
}

/// The first words in backticks, and how many more there are.
pub(super) fn listed<T: AsRef<str>>(words: &[T], most: usize) -> String {
    let named = words.iter().take(most);
    let mut text = named
        .map(|word| format!("`{}`", word.as_ref()))
        .collect::<Vec<_>>()
        .join(", ");
    if words.len() > most {
        text.push_str(&format!(" and {} more", words.len() - most));
    }
    text
}
