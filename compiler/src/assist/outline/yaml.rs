//! The shape of YAML (and so JSON): lines by their indentation, brackets by
//! their characters.

mod brackets;

use std::ops::Range;

use super::{Cursor, Entry, Outline, Slot, Step};

/// Bytes in which a quote or a brace must be closed, so that a text in which
/// none is takes no longer than others.
const WINDOW: usize = 1 << 16;

pub(super) fn outline(text: &str, cursor: Option<usize>) -> Outline<'_> {
    let mut scan = Scan {
        text,
        at: 0,
        cursor,
        open: Vec::new(),
        outline: Outline::with_root(),
    };
    while scan.at <= text.len() {
        scan.line();
    }
    scan.outline
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    cursor: Option<usize>,
    open: Vec<Open<'t>>,
    outline: Outline<'t>,
}

/// A map or list that more may be added to.
#[derive(Clone, Copy)]
struct Open<'t> {
    level: usize,
    column: usize,
    is_list: bool,
    in_brackets: bool,
    /// The last key of a map; in brackets, the one whose value comes next.
    key: Option<&'t str>,
    /// Whether that key has a value on its own line.
    has_value: bool,
}

impl<'t> Scan<'t> {
    /// Reads one line, and what brackets and quotes on it reach further.
    fn line(&mut self) {
        let start = self.at;
        let end = self.line_end(start);
        let mut at = self.skip_spaces(start, end);
        let mark = self.text[start..end].trim_end();
        if at == end || self.text[at..end].starts_with('#') || matches!(mark, "---" | "...") {
            self.blank(start, at, end);
            self.next_line(end);
            return;
        }
        while self.dash(start, &mut at, end) {}
        if at < end && !self.text[at..end].starts_with('#') {
            match self.key_at(at, end) {
                Some((key, mark)) => self.entry(at - start, key, mark, end),
                None => self.lone(at - start, at, end),
            }
        }
        let end = self.line_end(self.at.max(at));
        self.next_line(end);
    }

    /// Takes `- `; false where there is none.
    fn dash(&mut self, start: usize, at: &mut usize, end: usize) -> bool {
        let rest = &self.text[*at..end];
        let is_dash = rest
            .strip_prefix('-')
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        if !is_dash {
            return false;
        }
        let column = *at - start;
        while self.open.pop_if(|open| open.column > column).is_some() {}
        let same = self
            .open
            .last()
            .is_some_and(|open| open.is_list && open.column == column);
        if !same {
            let level = self.child();
            self.push(level, column, true);
        }
        let dash = *at;
        *at = self.skip_spaces(dash + 1, end);
        if let Some(cursor) = self.here(dash + 1, *at)
            && (*at == end || self.text[*at..end].starts_with('#') || cursor < *at)
        {
            self.found(Slot::Item(self.top()), cursor..cursor, false);
        }
        true
    }

    /// Takes a key in a block and its value.
    fn entry(&mut self, column: usize, key: Range<usize>, mark: usize, end: usize) {
        self.settle(column);
        let level = self.top();
        let name = unquoted(&self.text[key.clone()]);
        if self.here(key.start, key.end).is_some() {
            self.found(Slot::Key(level), key.clone(), true);
        }
        if let Some(open) = self.open.last_mut() {
            open.key = Some(name);
        }
        let value = self.value(mark, end, Slot::Value(level, name));
        if let Some(open) = self.open.last_mut().filter(|open| open.level == level) {
            open.has_value = !value.is_empty();
        }
        self.outline.entries.push(Entry {
            level,
            name,
            key,
            value,
        });
    }

    /// Takes what is neither a key nor a dash: an item, the value of the line
    /// before, or a key that is being typed.
    fn lone(&mut self, column: usize, at: usize, end: usize) {
        if self.open.is_empty() && self.text[at..end].starts_with('{') {
            return self.brackets(at, Slot::Key(0));
        }
        let in_list = self
            .open
            .last()
            .is_some_and(|open| open.is_list && open.column < column);
        let slot = match in_list {
            true => Slot::Item(self.top()),
            false => Slot::Key(self.level_for(column)),
        };
        self.value(at, end, slot);
    }

    /// Reads a value that starts behind `from`; `slot` is what stands there.
    fn value(&mut self, from: usize, end: usize, slot: Slot<'t>) -> Range<usize> {
        let mut at = self.skip_spaces(from, end);
        while self.text[at..end].starts_with(['&', '!']) {
            let token = &self.text[at..end];
            at += token.find([' ', '\t']).unwrap_or(token.len());
            at = self.skip_spaces(at, end);
        }
        let before = self.here(from, at);
        let rest = &self.text[at..end];
        let value = match rest.chars().next() {
            None | Some('#') => at..at,
            Some('|' | '>') => {
                self.block_text(end);
                at..end
            }
            Some('"' | '\'') => at..self.quote_end(at),
            Some('{' | '[') => {
                self.brackets(at, slot);
                return at..self.at.max(at);
            }
            Some(_) => at..at + plain_length(rest),
        };
        self.at = self.at.max(value.end);
        match (before, self.here(value.start, value.end)) {
            (_, Some(_)) => self.found(slot, value.clone(), false),
            (Some(cursor), None) => self.found(slot, cursor..cursor, false),
            _ => {}
        }
        value
    }

    /// Passes over the lines of a text under `|` or `>`.
    fn block_text(&mut self, end: usize) {
        let column = self.open.last().map_or(0, |open| open.column);
        let mut at = end;
        while at < self.text.len() {
            let start = self.line_start_after(at);
            let end = self.line_end(start);
            let first = self.skip_spaces(start, end);
            if first < end && first - start <= column {
                break;
            }
            if end == at {
                break;
            }
            at = end;
        }
        self.at = at;
        // Nothing is offered in the middle of a text.
        if self.here(end + 1, at).is_some() {
            self.cursor = None;
        }
    }

    /// A line without anything on it. A cursor there begins a key.
    fn blank(&mut self, start: usize, at: usize, end: usize) {
        let Some(cursor) = self.here(start, end) else {
            return;
        };
        if cursor > at {
            return;
        }
        let level = self.level_for(cursor - start);
        self.found(Slot::Key(level), cursor..cursor, false);
    }

    /// The map that a key at `column` would belong to.
    fn level_for(&mut self, column: usize) -> usize {
        let deeper = self.open.iter().position(|open| open.column > column);
        let keep = deeper.unwrap_or(self.open.len());
        let is_inside = keep
            .checked_sub(1)
            .is_some_and(|above| self.open[above].column < column);
        // A key between two depths is one of the deeper map.
        if let Some(deeper) = deeper.filter(|at| is_inside && !self.open[*at].is_list) {
            self.open.truncate(deeper + 1);
            return self.top();
        }
        self.open.truncate(keep);
        // Below a value there is nothing, so it is a further key beside it.
        if let Some(open) = self.open.last()
            && !open.is_list
            && open.has_value
        {
            return open.level;
        }
        self.settle(column);
        self.top()
    }

    /// Leaves what a key at `column` ends, and enters its map.
    fn settle(&mut self, column: usize) {
        let ends =
            |open: &mut Open<'t>| open.column > column || (open.column == column && open.is_list);
        while self.open.pop_if(ends).is_some() {}
        let is_same = self.open.last().is_some_and(|open| open.column == column);
        if !is_same {
            let level = self.child();
            self.push(level, column, false);
        }
    }

    /// A new level below the innermost one, or the document itself.
    fn child(&mut self) -> usize {
        match self.open.last() {
            None => 0,
            Some(open) => {
                let step = match open.key {
                    Some(key) if !open.is_list => Step::Key(key),
                    _ => Step::Item,
                };
                let parent = open.level;
                self.outline.level(parent, step)
            }
        }
    }

    fn push(&mut self, level: usize, column: usize, is_list: bool) {
        self.open.push(Open {
            level,
            column,
            is_list,
            in_brackets: false,
            key: None,
            has_value: false,
        });
    }

    fn top(&self) -> usize {
        self.open.last().map_or(0, |open| open.level)
    }

    /// A key and the place behind its colon, if one stands at `at`.
    fn key_at(&self, at: usize, end: usize) -> Option<(Range<usize>, usize)> {
        let rest = &self.text[at..end];
        let length = match rest.chars().next()? {
            '"' | '\'' => Some(self.quote_end(at)).filter(|close| *close <= end)? - at,
            '{' | '[' | '&' | '!' | '|' | '>' | '%' | '@' => return None,
            _ => {
                let colon = rest.match_indices(':').find(|(colon, _)| {
                    let after = &rest[colon + 1..];
                    after.is_empty() || after.starts_with([' ', '\t'])
                });
                let length = colon?.0;
                if rest[..length].contains(" #") {
                    return None;
                }
                rest[..length].trim_end().len()
            }
        };
        let colon = self.skip_spaces(at + length, end);
        let after = self.text[colon..end].strip_prefix(':')?;
        (after.is_empty() || after.starts_with([' ', '\t'])).then_some((at..at + length, colon + 1))
    }

    /// One past the closing quote, or the end of the line where there is none.
    fn quote_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let quote = if rest.starts_with('"') { b'"' } else { b'\'' };
        let bytes = rest.as_bytes();
        let mut next = 1;
        while let Some(byte) = bytes.get(next).filter(|_| next < WINDOW) {
            match *byte {
                b'\\' if quote == b'"' => next += 1,
                b'\'' if quote == b'\'' && bytes.get(next + 1) == Some(&b'\'') => next += 1,
                byte if byte == quote => return at + next + 1,
                _ => {}
            }
            next += 1;
        }
        self.line_end(at)
    }

    fn skip_spaces(&self, at: usize, end: usize) -> usize {
        let rest = &self.text[at..end];
        end - rest.trim_start_matches([' ', '\t']).len()
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        at + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }

    fn line_start_after(&self, end: usize) -> usize {
        let rest = &self.text[end..];
        let length = match rest.strip_prefix("\r\n") {
            Some(_) => 2,
            None => usize::from(rest.starts_with(['\n', '\r'])),
        };
        end + length
    }

    fn next_line(&mut self, end: usize) {
        let start = self.line_start_after(end);
        self.at = if start == end {
            self.text.len() + 1
        } else {
            start
        };
    }

    /// The cursor, if it is between two places and was not found yet.
    fn here(&self, from: usize, to: usize) -> Option<usize> {
        self.cursor
            .filter(|cursor| (from..=to).contains(cursor) && self.outline.cursor.is_none())
    }

    fn found(&mut self, slot: Slot<'t>, word: Range<usize>, has_mark: bool) {
        let in_brackets = self.open.last().is_some_and(|open| open.in_brackets);
        self.outline.cursor = Some(Cursor {
            slot,
            word,
            in_brackets,
            has_mark,
        });
    }
}

/// Bytes of an unquoted value on one line, without what follows it.
fn plain_length(rest: &str) -> usize {
    let end = [" #", "\t#"]
        .iter()
        .filter_map(|mark| rest.find(mark))
        .min();
    rest[..end.unwrap_or(rest.len())].trim_end().len()
}

/// The text between quotes as it stands there.
fn unquoted(text: &str) -> &str {
    let inner = |quote| {
        let rest = text.strip_prefix(quote)?;
        Some(rest.strip_suffix(quote).unwrap_or(rest))
    };
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}
