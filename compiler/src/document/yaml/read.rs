//! A text as a sheet, for `fmt`: everything that is written, and how, with the
//! comments where they belong. The text is one that the tree accepts; what
//! cannot be followed here ends the reading.

use std::iter::Peekable;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span as Mark, StrInput, StructureStyle};

use super::scalar;
use super::sheet::{Block, Body, Member, Members, Node, Sheet};
use crate::Limits;
use crate::document::Comments;
use crate::document::remarks::{Remark, Slot, attach, dash_before, text_before};
use crate::source::Source;

type Events<'s> = Peekable<Parser<'s, StrInput<'s>>>;

/// The comments of a text, in order.
pub(in crate::document) fn remarks(text: &str, limits: &Limits) -> Vec<Remark> {
    let said = events(text, limits).map_while(Result::ok);
    said.filter_map(|(event, mark)| remark(&event, &mark))
        .collect()
}

/// Reads a sheet.
pub(super) fn sheet(source: &Source, limits: &Limits) -> Option<Sheet> {
    let text = source.text();
    let mut reading = Reading {
        text,
        remarks: remarks(text, limits),
        slots: Vec::new(),
        open: Vec::new(),
        root: None,
        begin: None,
    };
    let mut events = events(text, limits);
    while let Some(next) = events.next() {
        let (event, mark) = next.ok()?;
        reading.event(event, &mark, &mut events)?;
    }
    reading.finish(source)
}

fn events<'s>(text: &'s str, limits: &Limits) -> Events<'s> {
    let mut options = Options::default();
    options.emit_anchor_events = true;
    options.max_buffered_comment_events = usize::MAX;
    options.flow_nesting_limit = limits.depth + 2;
    options.block_nesting_limit = limits.depth + 2;
    Parser::new_from_str_with_options(text, options).peekable()
}

fn remark(event: &Event<'_>, mark: &Mark) -> Option<Remark> {
    match event {
        Event::Comment(said, _) => Some(Remark {
            range: range(mark),
            lines: vec![said.trim_end().to_owned()],
        }),
        _ => None,
    }
}

fn range(mark: &Mark) -> Range<usize> {
    let at = |offset: Option<usize>| offset.unwrap_or(0);
    let start = at(mark.start.byte_offset());
    start..at(mark.end.byte_offset()).max(start)
}

struct Reading<'s> {
    text: &'s str,
    remarks: Vec<Remark>,
    slots: Vec<Slot>,
    open: Vec<Open>,
    root: Option<Node>,
    /// Where `---` stands.
    begin: Option<usize>,
}

/// A list or a map that is being read.
struct Open {
    members: Members,
    marks: String,
    /// The key whose value comes next.
    key: Option<String>,
    /// The slot its value is in.
    slot: Option<usize>,
}

impl<'s> Reading<'s> {
    fn event(&mut self, event: Event<'s>, mark: &Mark, events: &mut Events<'s>) -> Option<()> {
        let place = range(mark);
        match event {
            Event::DocumentStart(true, _) => self.begin = Some(place.start),
            Event::Alias(_) => {
                let name = self.text.get(place.clone())?;
                let node = Body::Plain(name.to_owned()).into();
                self.value(node, place.start, mark);
            }
            Event::Scalar(text, style, ..) => {
                let (marks, mut start) = self.marks(mark, events)?;
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    start = start.min(self.header(place.start));
                }
                let body = self.scalar(&text, style, mark);
                self.value(Node { marks, body }, start, mark);
            }
            Event::SequenceStart(style, ..) => self.begin(false, style, mark, events)?,
            Event::MappingStart(style, ..) => self.begin(true, style, mark, events)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(place.end)?,
            _ => {}
        }
        Some(())
    }

    /// Where the mark stands of a text whose lines begin here.
    fn header(&self, at: usize) -> usize {
        let before = text_before(self.text, at, &self.remarks);
        let marks = before.trim_end_matches(|c: char| c.is_ascii_digit() || "+-".contains(c));
        match marks.ends_with(['|', '>']) {
            true => marks.len() - 1,
            // At the end of a text it is told as a part of it.
            false => at,
        }
    }

    /// Anchor and tag of a node as they were, and where it starts with them.
    fn marks(&self, mark: &Mark, events: &mut Events<'s>) -> Option<(String, usize)> {
        let at = |offset: Option<usize>| offset.unwrap_or(0);
        let mut marks = Vec::new();
        if let Some(tag) = mark.tag_span() {
            marks.push(at(tag.start.byte_offset())..at(tag.end.byte_offset()));
        }
        if let Some(Ok((Event::Anchor(..), mark))) = events.peek() {
            marks.push(range(mark));
            events.next();
        }
        marks.sort_unstable_by_key(|mark| mark.start);
        let start = range(mark).start;
        let start = marks.first().map_or(start, |mark| mark.start.min(start));
        let texts = marks.into_iter().map(|mark| self.text.get(mark));
        Some((texts.collect::<Option<Vec<_>>>()?.join(" "), start))
    }

    fn scalar(&self, text: &str, style: ScalarStyle, mark: &Mark) -> Body {
        match style {
            // Nothing at all is told as `~`.
            ScalarStyle::Plain if range(mark).is_empty() => Body::Plain(String::new()),
            ScalarStyle::Plain => Body::Plain(text.to_owned()),
            _ if self.at_key() => Body::Quoted(text.to_owned()),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Body::Quoted(text.to_owned()),
            ScalarStyle::Literal => Body::Block(block('|', text, text.lines())),
            ScalarStyle::Folded if text.chars().all(|c| c == '\n') => {
                Body::Block(block('>', text, std::iter::empty()))
            }
            ScalarStyle::Folded => {
                let written = self.text.get(range(mark)).unwrap_or("");
                let written = written.replace("\r\n", "\n").replace('\r', "\n");
                let blank = text.len() - text.trim_start_matches('\n').len();
                let indent = mark.indent.unwrap_or(0);
                let lines = written.lines().enumerate().map(|(at, line)| {
                    let spaces = line.len() - line.trim_start_matches(' ').len();
                    let cut = if at == 0 { 0 } else { spaces.min(indent) };
                    &line[cut..]
                });
                Body::Block(block(
                    '>',
                    text,
                    std::iter::repeat_n("", blank).chain(lines),
                ))
            }
        }
    }

    fn begin(
        &mut self,
        map: bool,
        style: StructureStyle,
        mark: &Mark,
        events: &mut Events<'s>,
    ) -> Option<()> {
        let (marks, start) = self.marks(mark, events)?;
        let slot = self.slot(start, None);
        self.open.push(Open {
            members: Members {
                map,
                flow: style == StructureStyle::Flow,
                all: Vec::new(),
            },
            marks,
            key: None,
            slot,
        });
        Some(())
    }

    /// Whether the next node is a key.
    fn at_key(&self) -> bool {
        let open = self.open.last();
        open.is_some_and(|open| open.members.map && open.key.is_none())
    }

    /// The slot of a node that starts here: a new one, or that of its key.
    /// `indent` is told of keys that have a line for themselves.
    fn slot(&mut self, start: usize, indent: Option<usize>) -> Option<usize> {
        let open = self.open.last()?;
        let Members { map, flow, .. } = open.members;
        if map && open.key.is_some() {
            return self.slots.len().checked_sub(1);
        }
        let start = match (map, flow, indent) {
            (false, false, _) => dash_before(self.text, start, &self.remarks).unwrap_or(start),
            // Before an explicit key stands a `?`.
            (true, false, Some(indent)) => {
                let line = self.text[..start].rfind('\n').map_or(0, |end| end + 1);
                start.min(line + indent)
            }
            _ => start,
        };
        self.slots.push(Slot {
            range: start..start,
            parent: open.slot,
            open: !flow,
        });
        Some(self.slots.len() - 1)
    }

    /// Takes a value, or a key, that is no collection.
    fn value(&mut self, node: Node, start: usize, mark: &Mark) {
        let at_key = self.at_key();
        let slot = self.slot(start, mark.indent);
        match self.open.last_mut().filter(|_| at_key) {
            Some(open) => open.key = Some(key(&node)),
            None => self.put(node, slot, range(mark).end),
        }
    }

    fn end(&mut self, end: usize) -> Option<()> {
        let open = self.open.pop()?;
        let flow = open.members.flow;
        let node = Node {
            marks: open.marks,
            body: Body::Members(open.members),
        };
        // The end of what has no bracket is told where the next token stands.
        let inner = self.slots.last().map_or(0, |slot| slot.range.end);
        self.put(node, open.slot, if flow { end } else { inner });
        Some(())
    }

    fn put(&mut self, node: Node, slot: Option<usize>, end: usize) {
        if let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot)) {
            slot.range.end = end.max(slot.range.start);
        }
        match self.open.last_mut() {
            Some(open) => open.members.all.push(Member {
                key: open.key.take(),
                node,
                comments: Comments::default(),
            }),
            None => self.root = Some(node),
        }
    }

    fn finish(self, source: &Source) -> Option<Sheet> {
        let begin = self.begin.unwrap_or(0);
        let head = match self.begin {
            Some(_) => head(&self.text[..begin]),
            None => Vec::new(),
        };
        let below = self.remarks.iter().filter(|said| said.range.start >= begin);
        let below: Vec<Remark> = below.cloned().collect();
        let (told, tail) = attach(source, &self.slots, &below);
        let mut root = self
            .root
            .unwrap_or_else(|| Body::Plain(String::new()).into());
        tell(&mut root, &mut told.into_iter());
        Some(Sheet { head, root, tail })
    }
}

/// Hands comments out in the order in which slots were made.
fn tell(node: &mut Node, told: &mut impl Iterator<Item = Comments>) {
    if let Body::Members(members) = &mut node.body {
        for member in &mut members.all {
            member.comments = told.next().unwrap_or_default();
            tell(&mut member.node, told);
        }
    }
}

/// Directives and comments above `---`, and itself.
fn head(text: &str) -> Vec<String> {
    let line = |line: &str| line.trim_start_matches('\u{feff}').trim_end().to_owned();
    let mut head: Vec<String> = text.lines().map(line).collect();
    head.dedup_by(|line, before| line.is_empty() && before.is_empty());
    head.push("---".to_owned());
    let first = head.iter().position(|line| !line.is_empty()).unwrap_or(0);
    head.split_off(first)
}

/// A key as it is written, on one line.
fn key(node: &Node) -> String {
    let key = match &node.body {
        Body::Plain(text) if text.is_empty() && node.marks.is_empty() => "null".to_owned(),
        // The colon would become a part of the name.
        Body::Plain(text) if text.starts_with('*') => format!("{text} "),
        Body::Plain(text) if !text.contains('\n') && !is_mark(text) => text.clone(),
        Body::Plain(text) | Body::Quoted(text) => scalar::quoted(text),
        // Neither is read as a key.
        Body::Block(_) | Body::Members(_) => String::new(),
    };
    match node.marks.is_empty() {
        true => key,
        false => format!("{} {key}", node.marks),
    }
}

/// Whether a name would be a mark at the start of a line.
fn is_mark(text: &str) -> bool {
    ["---", "...", "%"]
        .iter()
        .any(|mark| text.starts_with(mark))
}

/// The block of a text that has these lines, and perhaps empty ones after them.
fn block<'l>(mark: char, text: &str, lines: impl Iterator<Item = &'l str>) -> Block {
    let ends = text.len() - text.trim_end_matches('\n').len();
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    while lines.pop_if(|line| line.is_empty()).is_some() {}
    let empty = match lines.is_empty() {
        true => ends,
        false => ends.saturating_sub(1),
    };
    lines.extend(std::iter::repeat_n(String::new(), empty));
    let chomp = match (ends, empty) {
        (0, _) => "-",
        (_, 0) => "",
        _ => "+",
    };
    Block { mark, chomp, lines }
}
