//! Maps and lists in brackets, by their characters.

use super::super::{Entry, Slot};
use super::{Scan, WINDOW, unquoted};

impl<'t> Scan<'t> {
    /// Reads from an opening bracket to the closing one, or to a line that
    /// cannot belong to it.
    pub(super) fn brackets(&mut self, from: usize, slot: Slot<'t>) {
        let outside = self.open.len();
        let column = self.open.last().map(|open| open.column);
        self.at = from;
        if self.here(from, from).is_some() {
            self.found(slot, from..from, false);
        }
        while self.at < self.text.len() {
            let gap = self.at;
            if !self.gap(column) {
                break;
            }
            let Some(c) = self.text[self.at..].chars().next() else {
                self.in_gap(gap, self.text.len());
                break;
            };
            self.in_gap(gap, self.at);
            match c {
                '{' | '[' => {
                    let level = self.child();
                    self.push(level, 0, c == '[');
                    if let Some(open) = self.open.last_mut() {
                        open.in_brackets = true;
                    }
                    self.at += 1;
                }
                '}' | ']' => {
                    self.open.pop_if(|open| open.in_brackets);
                    self.at += 1;
                    if self.open.len() <= outside {
                        break;
                    }
                }
                ',' => {
                    if let Some(open) = self.open.last_mut() {
                        open.key = None;
                    }
                    self.at += 1;
                }
                _ => self.token(c),
            }
        }
        self.open.truncate(outside);
    }

    /// Passes over space, line breaks and comments; false at a line that ends
    /// the brackets.
    fn gap(&mut self, column: Option<usize>) -> bool {
        loop {
            let rest = &self.text[self.at..];
            match rest.chars().next() {
                Some(' ' | '\t') => self.at += 1,
                Some('\n' | '\r') => {
                    let start = self.line_start_after(self.at);
                    let end = self.line_end(start);
                    let first = self.skip_spaces(start, end);
                    let line = &self.text[first..end];
                    let closes = line.starts_with(['}', ']', ',']);
                    let ends = column.is_some_and(|column| first - start <= column);
                    if ends && !line.is_empty() && !closes {
                        return false;
                    }
                    self.at = start;
                    if start == end && end == self.text.len() {
                        return true;
                    }
                }
                Some('#') if self.text[..self.at].ends_with([' ', '\t', '\n']) => {
                    let end = self.line_end(self.at);
                    if self.here(self.at, end).is_some() {
                        self.cursor = None;
                    }
                    self.at = end;
                }
                _ => return true,
            }
        }
    }

    /// A cursor between two tokens in brackets.
    fn in_gap(&mut self, from: usize, to: usize) {
        if let Some(cursor) = self.here(from, to)
            && let Some(slot) = self.expected()
            && !(cursor == from && self.text[..from].ends_with(['}', ']']))
        {
            self.found(slot, cursor..cursor, false);
        }
    }

    /// What comes next in the innermost brackets.
    fn expected(&self) -> Option<Slot<'t>> {
        let open = self.open.last().filter(|open| open.in_brackets)?;
        Some(match open.key {
            _ if open.is_list => Slot::Item(open.level),
            None => Slot::Key(open.level),
            Some(key) => Slot::Value(open.level, key),
        })
    }

    /// Takes a key or a value in brackets.
    fn token(&mut self, first: char) {
        let start = self.at;
        let end = match first {
            '"' | '\'' => self.quote_end(start),
            _ => start + bracket_length(&self.text[start..]),
        };
        self.at = end.max(start + first.len_utf8());
        let token = start..self.at;
        let slot = self.expected();
        let line = self.line_end(self.at);
        let colon = self.skip_spaces(self.at, line);
        let is_key = self.text[colon..].starts_with(':');
        if let Some(slot) = slot.filter(|_| self.here(token.start, token.end).is_some()) {
            let value = matches!(slot, Slot::Value(..));
            self.found(slot, token.clone(), is_key && !value);
        }
        let Some(open) = self.open.last_mut().filter(|open| !open.is_list) else {
            return;
        };
        if open.key.is_some() {
            if let Some(entry) = self.outline.entries.last_mut()
                && entry.level == open.level
                && entry.value.is_empty()
            {
                entry.value = token;
            }
            return;
        }
        let name = unquoted(&self.text[token.clone()]);
        let level = open.level;
        if is_key {
            open.key = Some(name);
            self.at = colon + 1;
        }
        let value = self.at..self.at;
        self.outline.entries.push(Entry {
            level,
            name,
            key: token,
            value,
        });
    }
}

/// Bytes of an unquoted token in brackets. `${NAME}` is one, wrong as it is.
fn bracket_length(rest: &str) -> usize {
    let mut at = 0;
    while let Some(c) = rest[at..].chars().next() {
        let after = &rest[at + c.len_utf8()..];
        match c {
            ',' | '[' | ']' | '{' | '}' | '\n' | '\r' => break,
            ':' if after.is_empty()
                || after.starts_with([' ', '\t', ',', '[', ']', '{', '}', '\n', '\r']) =>
            {
                break;
            }
            '#' if rest[..at].ends_with([' ', '\t']) => break,
            '$' if after.starts_with('{') => {
                let mut name = after.bytes().take(WINDOW);
                let end = name.position(|byte| matches!(byte, b'}' | b'\n' | b'\r'));
                at += end
                    .filter(|end| after[*end..].starts_with('}'))
                    .map_or(1, |end| end + 1);
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    rest[..at].trim_end().len()
}
