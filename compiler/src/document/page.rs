//! Text under way, with comments at the ends of lines. On lines that follow
//! each other they begin in one column.

/// Columns of a line beyond which its comment stands apart from the others.
const NARROW: usize = 60;

/// What was written so far.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
    /// Where comments beside something begin, with the space before them.
    asides: Vec<usize>,
}

impl Page {
    /// Writes as many spaces.
    pub(super) fn pad(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n(' ', columns));
    }

    /// Writes a comment behind what stands on its line.
    pub(super) fn aside(&mut self, said: &str) {
        self.asides.push(self.text.len());
        self.text.push(' ');
        self.text.push_str(said);
    }

    /// Whether more than one line was written since.
    pub(super) fn is_long_since(&self, start: usize) -> bool {
        self.text[start..].matches('\n').nth(1).is_some()
    }

    /// Puts an empty line before everything written since.
    pub(super) fn part(&mut self, start: usize) {
        self.text.insert(start, '\n');
        for aside in self.asides.iter_mut().rev().take_while(|at| **at >= start) {
            *aside += 1;
        }
    }

    /// The text with its comments in columns.
    pub(super) fn finish(self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut copied = 0;
        let mut run: Vec<(usize, usize)> = Vec::new();
        let mut end = None;
        let mut close = |run: &mut Vec<(usize, usize)>| {
            let column = run.iter().map(|(_, width)| *width).max().unwrap_or(0);
            for (at, width) in run.drain(..) {
                out.push_str(&self.text[copied..at]);
                out.extend(std::iter::repeat_n(' ', column - width));
                copied = at;
            }
        };
        for at in &self.asides {
            let start = self.text[..*at].rfind('\n').map_or(0, |end| end + 1);
            let width = self.text[start..*at].chars().count();
            if end != Some(start) || width > NARROW {
                close(&mut run);
            }
            run.push((*at, width));
            let length = self.text[*at..].find('\n');
            end = length
                .filter(|_| width <= NARROW)
                .map(|length| at + length + 1);
        }
        close(&mut run);
        out.push_str(&self.text[copied..]);
        out
    }
}
