//! Which comment speaks of what. A source knows comments by their places
//! only; here they and the empty lines are given to the entries and items that
//! stand around them.

use std::ops::Range;

use super::{Comments, Line};
use crate::source::Source;

/// A comment where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    /// From its mark to its end.
    pub(super) range: Range<usize>,
    /// What it says, a text for each line.
    pub(super) lines: Vec<String>,
}

/// An entry or an item where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// From its key, or its dash, to the end of its value.
    pub(super) range: Range<usize>,
    /// The slot it stands in; always one before it.
    pub(super) parent: Option<usize>,
    /// Whether its indent alone says what stands in it, as in block YAML.
    pub(super) open: bool,
}

/// Gives every remark, in the order of their places, to one of the slots,
/// which are in the order of theirs. Returns what each slot is told, and the
/// lines after the last.
pub(super) fn attach(
    source: &Source,
    slots: &[Slot],
    remarks: &[Remark],
) -> (Vec<Comments>, Vec<Line>) {
    let mut attaching = Attaching {
        page: Page {
            source,
            line: usize::MAX,
            first: 0,
        },
        slots,
        told: vec![Comments::default(); slots.len()],
        tail: Vec::new(),
        last: None,
    };
    let mut next = 0;
    for remark in remarks {
        let at = remark.range.start;
        while slots.get(next).is_some_and(|slot| slot.range.start < at) {
            attaching.empty_line_before(next);
            next += 1;
        }
        attaching.remark(remark, next);
    }
    for slot in next..slots.len() {
        attaching.empty_line_before(slot);
    }
    (attaching.told, attaching.tail)
}

struct Attaching<'a> {
    page: Page<'a>,
    slots: &'a [Slot],
    told: Vec<Comments>,
    tail: Vec<Line>,
    /// The slot behind the last remark, and the one that it was said inside of.
    last: Option<(usize, Option<usize>)>,
}

impl Attaching<'_> {
    /// Notes an empty line above a slot that is the first of its line.
    fn empty_line_before(&mut self, slot: usize) {
        let at = self.slots[slot].range.start;
        let line = self.page.source.line_of(at);
        let shared = slot
            .checked_sub(1)
            .is_some_and(|before| self.page.source.line_of(self.slots[before].range.start) == line);
        if !shared && self.page.begins_line(at) && self.is_empty_above(at, slot) {
            self.told[slot].above.push(Line::Blank);
        }
    }

    /// Whether the line above is empty. One of spaces that are part of the text of the
    /// slot before `next` is not.
    fn is_empty_above(&self, at: usize, next: usize) -> bool {
        let before = next.checked_sub(1).map(|before| &self.slots[before].range);
        match self.page.empty_above(at) {
            Some(above) => above.is_empty() || before.is_none_or(|before| before.end < above.end),
            None => false,
        }
    }

    /// Gives a remark away; `next` is the first slot behind it.
    fn remark(&mut self, remark: &Remark, next: usize) {
        let at = remark.range.start;
        let begins = self.page.begins_line(at);
        if !begins
            && let Some(slot) = self.before(at, next)
            && let [said] = &remark.lines[..]
            && self.told[slot].beside.is_none()
        {
            self.told[slot].beside = Some(said.clone());
            return;
        }
        let blank = begins && self.is_empty_above(at, next);
        // Remarks stay in their order, so none goes further in than the one before it.
        let from = match self.last {
            Some((same, from)) if same == next => from,
            _ => next.checked_sub(1),
        };
        let around = self.around(at, next, from);
        self.last = Some((next, around));
        let lines = match around {
            Some(slot) => &mut self.told[slot].inside,
            None if next < self.slots.len() => &mut self.told[next].above,
            None => &mut self.tail,
        };
        lines.extend(blank.then_some(Line::Blank));
        lines.extend(remark.lines.iter().cloned().map(Line::Comment));
    }

    /// The slot that a remark behind something on its line is beside of.
    fn before(&self, at: usize, next: usize) -> Option<usize> {
        let mut slot = next.checked_sub(1)?;
        while let Some(parent) = self.slots[slot].parent {
            if self.slots[parent].open && self.slots[slot].open || self.slots[parent].range.end > at
            {
                break;
            }
            slot = parent;
        }
        Some(slot)
    }

    /// The innermost slot, from this one outwards, that a remark on a line of
    /// its own stands in, and below everything else in it.
    fn around(&self, at: usize, next: usize, from: Option<usize>) -> Option<usize> {
        let column = self.page.column(at);
        let mut slot = from;
        while let Some(here) = slot {
            if self.is_in(next, here) {
                return None;
            }
            let Slot { range, open, .. } = &self.slots[here];
            if at < range.end || (*open && column > self.page.column(range.start)) {
                return Some(here);
            }
            slot = self.slots[here].parent;
        }
        None
    }

    fn is_in(&self, slot: usize, outer: usize) -> bool {
        let mut above = self.slots.get(slot).and_then(|slot| slot.parent);
        while let Some(parent) = above.filter(|parent| *parent > outer) {
            above = self.slots[parent].parent;
        }
        above == Some(outer)
    }
}

/// Lines and columns of a text.
struct Page<'a> {
    source: &'a Source,
    /// The line that was looked at last.
    line: usize,
    /// Where it holds something that is no mark.
    first: usize,
}

impl Page<'_> {
    /// Whether nothing but marks of YAML that introduce a value stand before a place on its line.
    fn begins_line(&mut self, at: usize) -> bool {
        let line = self.source.line_of(at);
        if self.line != line {
            let range = self.source.line_range(line);
            self.first = range.end - behind_marks(&self.source.text()[range]).len();
            self.line = line;
        }
        at <= self.first
    }

    /// The line above, where nothing is on it.
    fn empty_above(&self, at: usize) -> Option<Range<usize>> {
        let line = self.source.line_of(at).checked_sub(1)?;
        let above = self.source.line_range(line);
        let is_empty = self.source.text()[above.clone()].trim().is_empty();
        is_empty.then_some(above)
    }

    /// Bytes before a place on its line.
    fn column(&self, at: usize) -> usize {
        at - self.source.line_range(self.source.line_of(at)).start
    }
}

/// A line from the first thing on it that is no mark: what stands alone as one is.
fn behind_marks(line: &str) -> &str {
    let mut rest = line.trim_start_matches([' ', '\t']);
    while let Some(behind) = rest.strip_prefix(['-', '?', ':'])
        && (behind.is_empty() || behind.starts_with([' ', '\t', '\n', '\r']))
    {
        rest = behind.trim_start_matches([' ', '\t']);
    }
    rest
}

/// The text before a place, without the space and the comments at its end.
pub(super) fn text_before<'s>(text: &'s str, at: usize, remarks: &[Remark]) -> &'s str {
    let mut before = text.get(..at).unwrap_or("").trim_end();
    loop {
        let next = remarks.partition_point(|said| said.range.start < before.len());
        match next.checked_sub(1).map(|last| &remarks[last].range) {
            Some(last) if before.len() <= last.end => before = text[..last.start].trim_end(),
            _ => return before,
        }
    }
}

/// Where the dash stands behind which an item of a block list begins here.
pub(super) fn dash_before(text: &str, at: usize, remarks: &[Remark]) -> Option<usize> {
    let before = text_before(text, at, remarks);
    before.ends_with('-').then(|| before.len() - 1)
}
