//! A sheet as YAML text, in the one canonical layout.
//!
//! Two columns a level, lists one level further in than their key. What was
//! written in `{ }` or `[ ]` stands on one line while it fits and nothing is
//! said in it; everything else has a line for each member. No line is broken.
//! At the top, an empty line stands around a section of several lines;
//! elsewhere empty lines stay where they were, one at a time.

mod line;

use super::scalar::quoted;
use super::sheet::{Block, Body, Member, Members, Node, Sheet};
use crate::document::Line;
use crate::document::page::Page;

/// Columns of one level.
const STEP: usize = 2;

/// Characters of a key that every reader finds without a `?` before it.
const LONGEST_KEY: usize = 512;

/// Writes a sheet.
pub(super) fn print(sheet: &Sheet) -> String {
    let mut printer = Printer::default();
    for line in &sheet.head {
        printer.page.text.push_str(line);
        printer.end();
    }
    printer.root(&sheet.root);
    printer.lines(&sheet.tail, 0);
    printer.page.finish()
}

/// Whether a value can stand on one line from this column on.
pub(super) fn fits(body: &Body, column: usize) -> bool {
    line::flow(body, column).is_some()
}

#[derive(Default)]
struct Printer {
    page: Page,
    /// Whether an empty line comes before the next line.
    blank: bool,
    /// Whether the next line is the first of its block.
    fresh: bool,
    /// Whether a text stands last that takes empty lines after it for its own.
    kept: bool,
}

/// How a value stands in its place.
enum Layout<'s> {
    /// Nothing is written.
    Absent,
    /// Behind its key or dash.
    Behind(String),
    /// Under `|` or `>`.
    Text(&'s Block),
    /// A line for each member.
    Opened(&'s Members),
}

impl<'s> Layout<'s> {
    /// Of a value at this column; `indent` is that of its key or dash.
    fn of(node: &'s Node, indent: usize, column: usize) -> Self {
        match &node.body {
            Body::Plain(text) if text.is_empty() => Self::Absent,
            Body::Plain(text) => Self::Behind(line::plain(text, indent + STEP)),
            Body::Block(block) => Self::Text(block),
            Body::Members(members) if !members.flow && !members.all.is_empty() => {
                Self::Opened(members)
            }
            Body::Members(members) => match line::flow(&node.body, column) {
                Some(line) => Self::Behind(line),
                None => Self::Opened(members),
            },
            Body::Quoted(text) => Self::Behind(quoted(text)),
        }
    }

    fn of_member(member: &'s Member, indent: usize) -> Self {
        let key = member.key.as_ref().map_or(0, |key| key.chars().count());
        let marks = match member.node.marks.chars().count() {
            0 => 0,
            marks => marks + 1,
        };
        Self::of(&member.node, indent, indent + key + STEP + marks)
    }
}

/// The members that begin behind the dash of an item.
fn behind_dash(member: &Member, indent: usize) -> Option<&[Member]> {
    match Layout::of_member(member, indent) {
        Layout::Opened(members) if member.key.is_none() && member.node.marks.is_empty() => {
            Some(&members.all)
        }
        _ => None,
    }
}

impl Printer {
    fn root(&mut self, node: &Node) {
        if node.is_absent() {
            return;
        }
        let marks = !node.marks.is_empty();
        if marks {
            self.page.text.push_str(&node.marks);
        }
        // A section is never on one line with others.
        let layout = match &node.body {
            Body::Members(members) if !members.all.is_empty() && !members.is_closed() => {
                Layout::Opened(members)
            }
            _ => Layout::of(node, 0, 0),
        };
        match layout {
            Layout::Opened(members) => {
                if marks {
                    self.end();
                }
                self.fresh = true;
                match members.map {
                    true => self.sections(&members.all),
                    false => self.members(&members.all, 0, false),
                }
            }
            layout => {
                if marks {
                    self.page.text.push(' ');
                }
                self.behind(&layout, None, 0);
            }
        }
    }

    /// The members at the top, those of several lines between empty ones.
    fn sections(&mut self, all: &[Member]) {
        let mut long_before = false;
        for (at, member) in all.iter().enumerate() {
            let start = self.page.text.len();
            let above = &member.comments.above;
            let may_part = at > 0 && !self.kept && !self.blank && !above.contains(&Line::Blank);
            self.lines(above, 0);
            self.begin(0);
            let own = self.page.text.len();
            self.member(member, 0);
            let long = self.page.is_long_since(own);
            if may_part && (long || long_before) {
                self.page.part(start);
            }
            long_before = long;
        }
    }

    /// A line for each member; the first may have its place already.
    fn members(&mut self, all: &[Member], indent: usize, placed: bool) {
        for (at, member) in all.iter().enumerate() {
            if at > 0 || !placed {
                self.above(member, indent);
                self.begin(indent);
            }
            self.member(member, indent);
        }
    }

    /// What stands above a member, and what has no place behind its dash.
    fn above(&mut self, member: &Member, column: usize) {
        self.lines(&member.comments.above, column);
        let (mut member, mut indent) = (member, column);
        while let Some([inner, ..]) = behind_dash(member, indent) {
            let beside = member.comments.beside.clone().map(Line::Comment);
            self.lines(beside.as_slice(), column);
            let above = &inner.comments.above;
            let said = above.iter().position(|line| *line != Line::Blank);
            self.lines(&above[said.unwrap_or(above.len())..], column);
            (member, indent) = (inner, indent + STEP);
        }
    }

    fn member(&mut self, member: &Member, indent: usize) {
        let below = indent + STEP;
        if let Some(inner) = behind_dash(member, indent) {
            self.page.text.push_str("- ");
            self.members(inner, below, true);
        } else {
            self.introduce(member.key.as_deref(), indent);
            if !member.node.marks.is_empty() {
                self.page.text.push(' ');
                self.page.text.push_str(&member.node.marks);
            }
            let layout = Layout::of_member(member, indent);
            if matches!(layout, Layout::Behind(_) | Layout::Text(_)) {
                self.page.text.push(' ');
            }
            self.behind(&layout, member.comments.beside.as_deref(), indent);
        }
        // Further in, a comment would be a line of the text before it.
        let aside = match member.node.body {
            Body::Block(_) => indent,
            _ => below,
        };
        self.lines(&member.comments.inside, aside);
    }

    /// `key:` or `-`.
    fn introduce(&mut self, key: Option<&str>, indent: usize) {
        match key {
            None => self.page.text.push('-'),
            Some(key) => {
                if key.chars().nth(LONGEST_KEY).is_some() {
                    self.page.text.push_str("? ");
                    self.page.text.push_str(key);
                    self.end();
                    self.begin(indent);
                } else {
                    self.page.text.push_str(key);
                }
                self.page.text.push(':');
            }
        }
    }

    /// The rest of a line, and what belongs below it.
    fn behind(&mut self, layout: &Layout<'_>, beside: Option<&str>, indent: usize) {
        match layout {
            Layout::Behind(line) => self.page.text.push_str(line),
            Layout::Text(block) => self.header(block),
            Layout::Absent | Layout::Opened(_) => {}
        }
        if let Some(said) = beside {
            self.page.aside(&format!("#{said}"));
        }
        self.end();
        match layout {
            Layout::Text(block) => self.text(block, indent + STEP),
            Layout::Opened(members) => {
                self.fresh = true;
                self.members(&members.all, indent + STEP, false);
            }
            Layout::Absent | Layout::Behind(_) => {}
        }
    }

    fn header(&mut self, block: &Block) {
        self.page.text.push(block.mark);
        // Readers find the indent by the first line that is not empty.
        let said = |line: &&String| !line.trim_start_matches(' ').is_empty();
        let until = block.lines.iter().position(|line| said(&line));
        let first = &block.lines[..until.map_or(block.lines.len(), |at| at + 1)];
        if first.iter().any(|line| line.starts_with(' ')) {
            self.page.text.push_str(&STEP.to_string());
        }
        self.page.text.push_str(block.chomp);
    }

    fn text(&mut self, block: &Block, indent: usize) {
        for line in &block.lines {
            if !line.is_empty() {
                self.page.pad(indent);
                self.page.text.push_str(line);
            }
            self.end();
        }
        self.kept = block.chomp == "+";
    }

    /// Lines without values.
    fn lines(&mut self, lines: &[Line], indent: usize) {
        for line in lines {
            match line {
                Line::Blank => self.blank = !self.fresh,
                Line::Comment(said) => {
                    self.begin(indent);
                    self.page.text.push('#');
                    self.page.text.push_str(said);
                    self.end();
                }
            }
        }
    }

    /// The start of a line.
    fn begin(&mut self, indent: usize) {
        if self.blank && !self.kept && !self.page.text.is_empty() {
            self.page.text.push('\n');
        }
        (self.blank, self.fresh) = (false, false);
        self.page.pad(indent);
    }

    fn end(&mut self) {
        self.kept = false;
        self.page.text.push('\n');
    }
}
