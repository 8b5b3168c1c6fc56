//! The shape of a text that may not parse: which keys stand in which map, and
//! where in it a cursor is.
//!
//! A text is most of the time in the middle of being typed, and readers that
//! give up at the first mistake know nothing of it then. This one never gives
//! up, reports nothing and takes nothing for granted; on a text that does parse
//! it agrees with the tree (a test holds them together).

mod kdl;
mod yaml;

use std::ops::Range;

use crate::registration::{Key, Takes, VOCABULARY};
use crate::source::Source;

/// Levels below which the table has nothing.
const DEEPEST: usize = 32;

/// What a whole document takes.
static DOCUMENT: Takes = Takes::Map(VOCABULARY);

/// The maps and lists of a text, the keys in them, and a cursor.
#[derive(Debug, Default)]
pub(super) struct Outline<'t> {
    /// Every map and list; the first is the document.
    levels: Vec<Level<'t>>,
    pub(super) entries: Vec<Entry<'t>>,
    pub(super) cursor: Option<Cursor<'t>>,
}

/// A map or a list, and how it is reached.
#[derive(Clone, Copy, Debug)]
struct Level<'t> {
    parent: usize,
    step: Step<'t>,
    /// How far below the document it is.
    depth: usize,
}

/// A step from a map or a list to what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'t> {
    Key(&'t str),
    Item,
}

/// A key and the text after it on its line, with quotes.
#[derive(Clone, Debug)]
pub(super) struct Entry<'t> {
    pub(super) level: usize,
    /// The name a registration has for it.
    pub(super) name: &'t str,
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Where a cursor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor<'t> {
    pub(super) slot: Slot<'t>,
    /// The word it stands in or behind, with quotes.
    pub(super) word: Range<usize>,
    /// Whether brackets are open around it, so that one line is all there is.
    pub(super) in_brackets: bool,
    /// Whether the word has what belongs behind a key already.
    pub(super) has_mark: bool,
}

/// What stands where a cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot<'t> {
    /// A key of this map.
    Key(usize),
    /// The value of a key of this map.
    Value(usize, &'t str),
    /// An item of this list.
    Item(usize),
    /// In KDL: a key of this map, on the line of its node.
    Property(usize),
    /// In KDL: the value of a key of the first map, or a key of the second, which is that value.
    Argument(usize, &'t str, usize),
}

impl<'t> Outline<'t> {
    /// Reads the shape of a text; `cursor` is a byte offset in it.
    pub(super) fn of(source: &'t Source, cursor: Option<usize>) -> Self {
        let text = source.text();
        let cursor = cursor.map(|at| {
            let at = at.min(text.len());
            (0..=at)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0)
        });
        match source.is_kdl() {
            true => kdl::outline(text, cursor),
            false => yaml::outline(text, cursor),
        }
    }

    fn with_root() -> Self {
        let root = Level {
            parent: 0,
            step: Step::Item,
            depth: 0,
        };
        Self {
            levels: vec![root],
            ..Self::default()
        }
    }

    fn level(&mut self, parent: usize, step: Step<'t>) -> usize {
        let depth = self.levels[parent].depth + 1;
        let level = Level {
            parent,
            step,
            depth,
        };
        self.levels.push(level);
        self.levels.len() - 1
    }

    /// The steps from the document to a map or list; of one that lies deeper
    /// than the compiler reads, the last few.
    pub(super) fn path(&self, level: usize) -> Vec<Step<'t>> {
        let mut steps = Vec::new();
        let mut at = level;
        while at > 0 && steps.len() < DEEPEST {
            steps.push(self.levels[at].step);
            // A parent is always made before its child.
            at = self.levels[at].parent.min(at - 1);
        }
        steps.reverse();
        steps
    }

    /// What a map or list takes; none where the table does not reach.
    pub(super) fn takes(&self, level: usize) -> Option<&'static Takes> {
        if self.levels[level].depth > DEEPEST {
            return None;
        }
        let mut takes = &DOCUMENT;
        for step in self.path(level) {
            takes = below(takes, step)?;
        }
        Some(takes)
    }

    /// The names of the keys of a map, but for the one at `except`.
    pub(super) fn keys(&self, level: usize, except: &Range<usize>) -> Vec<&'t str> {
        let here = self.entries.iter().filter(|entry| entry.level == level);
        let others = here.filter(|entry| entry.key != *except);
        others.map(|entry| entry.name).collect()
    }
}

/// What stands below something, by one step.
pub(super) fn below(takes: &'static Takes, step: Step<'_>) -> Option<&'static Takes> {
    match (takes, step) {
        (Takes::Map(keys), Step::Key(name)) => find(keys, name).map(|key| &key.takes),
        (Takes::Named(_, inner), Step::Key(_)) | (Takes::List(inner), Step::Item) => Some(inner),
        (Takes::Codes(level, keys), Step::Key(name)) => {
            Some(find(keys, name).map_or(*level, |key| &key.takes))
        }
        (Takes::Either(one, other), _) => below(one, step).or_else(|| below(other, step)),
        _ => None,
    }
}

/// The key of a name, in either spelling.
pub(super) fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.is_spelt(name))
}

/// The keys a value may have, where it may be a map of them.
pub(super) fn keys_of(takes: &Takes) -> Option<&'static [Key]> {
    match takes {
        Takes::Map(keys) | Takes::Codes(_, keys) => Some(keys),
        Takes::Either(one, other) => keys_of(one).or_else(|| keys_of(other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
