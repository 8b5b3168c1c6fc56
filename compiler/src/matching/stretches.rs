//! Stretches of a text that are worth a look, none of which overlaps another.

use std::ops::Range;

/// Stretches that are as near as this become one: to begin anew costs about as much
/// as the bytes between.
const NEAR: usize = 16;
/// A look that may come to nothing costs about as much as this many bytes.
const LOOK: usize = 3;

/// Stretches of a text.
pub(super) struct Stretches {
    /// Bytes of the text.
    length: usize,
    /// What finding them and looking at them costs, in bytes looked at.
    cost: usize,
    /// Whether it is only asked if there is one.
    one_will_do: bool,
    found: Vec<Range<usize>>,
}

impl Stretches {
    /// None yet, of a text of this many bytes.
    pub(super) fn new(length: usize) -> Self {
        Self {
            length,
            cost: 0,
            one_will_do: false,
            found: Vec::new(),
        }
    }

    /// The same, where it is only asked if there is one.
    pub(super) fn first_of(length: usize) -> Self {
        Self {
            one_will_do: true,
            ..Self::new(length)
        }
    }

    /// Adds one. It becomes one with those before it that are near.
    pub(super) fn push(&mut self, mut stretch: Range<usize>) {
        self.cost += stretch.len() + NEAR;
        while let Some(last) = self.found.pop_if(|last| stretch.start <= last.end + NEAR) {
            stretch = last.start.min(stretch.start)..last.end.max(stretch.end);
        }
        self.found.push(stretch);
    }

    /// Notes that one was looked for.
    pub(super) fn looked(&mut self) {
        self.cost += LOOK;
    }

    /// Whether no more need be looked for.
    pub(super) fn is_enough(&self) -> bool {
        self.is_too_much() || (self.one_will_do && !self.found.is_empty())
    }

    /// Whether it would have been as well to look at the whole text.
    pub(super) fn is_too_much(&self) -> bool {
        self.cost > self.length
    }

    /// All of them in their order in the text, which is all of it where they are too
    /// much.
    pub(super) fn in_order(mut self) -> Vec<Range<usize>> {
        if self.is_too_much() {
            self.found.clear();
            self.found.push(0..self.length);
            return self.found;
        }
        self.found.sort_unstable_by_key(|stretch| stretch.start);
        let mut ordered = Self::new(self.length);
        for stretch in self.found {
            ordered.push(stretch);
        }
        ordered.found
    }
}
