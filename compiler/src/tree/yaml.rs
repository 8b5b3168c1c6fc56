//! YAML 1.2 (and so JSON) to a spanned tree.
//!
//! Built on a pull parser that gives a byte span with every event and keeps
//! its own stack, so depth costs memory and not our stack. Aliases are
//! expanded here under a budget; merge keys (`<<`) are applied here.

mod error;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{
    Event, Options, Parser, ScalarStyle, Span as Mark, StrInput, StructureStyle, Tag,
};

use super::{Entry, Index, Node, Root, Scalar, Value, position};
use crate::Limits;
use crate::diagnostic::{Code, Diagnostic, Problems, Severity};
use crate::source::{SourceId, Span, Spanned};

/// Parses one text. Syntax errors, repeated keys, deep nesting, alias bombs,
/// unknown tags and further documents are reported; what was read before a
/// syntax error is kept in a tree that says it is not complete.
pub fn parse<'s>(
    id: SourceId,
    text: &'s str,
    limits: &Limits,
    problems: &mut Problems,
) -> Root<'s> {
    parse_with(Repeats::Refused, id, text, limits, problems)
}

/// What becomes of a key that a map has twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// It is a mistake, and the first counts until it is mended.
    Refused,
    /// The last counts, as for most readers of YAML and JSON, with a warning.
    LastCounts,
}

/// [`parse`], and what becomes of repeated keys.
pub(crate) fn parse_with<'s>(
    repeats: Repeats,
    id: SourceId,
    text: &'s str,
    limits: &Limits,
    problems: &mut Problems,
) -> Root<'s> {
    let mut options = Options::default();
    options.emit_comments = false;
    // Two more than ours, so that our own check speaks first and names the place.
    options.flow_nesting_limit = limits.depth + 2;
    options.block_nesting_limit = limits.depth + 2;
    let mut builder = Builder {
        id,
        text,
        limits,
        repeats,
        problems,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        alias_nodes: 0,
        complete: true,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    builder.run(&mut parser);
    builder.finish()
}

struct Builder<'s, 'p> {
    id: SourceId,
    text: &'s str,
    limits: &'p Limits,
    repeats: Repeats,
    problems: &'p mut Problems,
    open: Vec<Open<'s>>,
    root: Option<Node<'s>>,
    anchors: HashMap<usize, Anchored<'s>>,
    alias_nodes: usize,
    complete: bool,
}

/// A node that aliases may repeat, and how many levels it has.
struct Anchored<'s> {
    node: Node<'s>,
    height: usize,
}

/// A collection that is not closed yet.
struct Open<'s> {
    items: Items<'s>,
    start: u32,
    end: u32,
    flow: bool,
    anchor: usize,
}

enum Items<'s> {
    List(Vec<Node<'s>>),
    Map {
        entries: Vec<Entry<'s>>,
        key: Key<'s>,
        index: Index<'s>,
    },
}

/// What the next node of a map is.
enum Key<'s> {
    /// A key.
    Wanted,
    /// The value of this key.
    Given(Spanned<Cow<'s, str>>),
    /// The value of this key, which takes the place of this entry.
    Again(usize, Spanned<Cow<'s, str>>),
    /// The value of a key that was refused.
    Refused,
}

fn not_merged(span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::DocumentWrongType,
        "`<<` takes a map or a list of maps",
    )
    .at(span, "this cannot be merged")
    .help("refer to a map, for example `<<: *defaults`")
}

/// Said of a second `<<` in one map.
const SEVERAL_MERGES: &str = "merge several maps at once: `<<: [*first, *second]`";

impl<'s> Builder<'s, '_> {
    fn run(&mut self, parser: &mut Parser<'s, StrInput<'s>>) {
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, mark) = match next {
                Ok(found) => found,
                Err(error) => {
                    let in_flow = self.open.last().is_some_and(|open| open.flow);
                    let diagnostic =
                        error::translate(&error, self.id, self.text, in_flow, self.limits);
                    self.problems.push(diagnostic);
                    self.complete = false;
                    self.distrust_last();
                    return;
                }
            };
            if let Event::DocumentStart(..) = event {
                documents += 1;
                if documents > 1 {
                    self.second_document(&mark);
                    return;
                }
            }
            if !self.event(event, &mark) {
                self.complete = false;
                return;
            }
        }
    }

    /// Takes one event; false ends the reading.
    fn event(&mut self, event: Event<'s>, mark: &Mark) -> bool {
        let span = self.span(mark);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(text, style, tag.as_deref(), span);
                self.add(Node { value, span }, anchor)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span);
                self.push(Items::List(Vec::new()), span, style, anchor)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", span);
                self.push(
                    Items::Map {
                        entries: Vec::new(),
                        key: Key::Wanted,
                        index: Index::new(),
                    },
                    span,
                    style,
                    anchor,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => true,
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Value<'s> {
        let mut quoted = style != ScalarStyle::Plain;
        match tag.map(|tag| (tag.core_suffix(), tag)) {
            None | Some((Some("int" | "float" | "bool" | "null"), _)) => {}
            Some((Some("str"), _)) => quoted = true,
            Some((_, tag)) => {
                self.unknown_tag(tag, span);
                return Value::Broken;
            }
        }
        // What an unquoted `${NAME}` leaves in a flow collection; the brace is an
        // error of its own, and a lone dollar is nobody's secret or name.
        if !quoted && text.ends_with('$') && self.text_from(span.end).starts_with('{') {
            self.complete = false;
            return Value::Broken;
        }
        if !quoted && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL") {
            return Value::Null;
        }
        Value::Scalar(Scalar { text, quoted })
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, wanted: &str, span: Span) {
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(wanted)) {
            self.unknown_tag(tag, span);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, span: Span) {
        self.problems.push(
            Diagnostic::new(
                Code::SyntaxUnsupportedTag,
                format!("the tag `{}` means nothing here", tag.original()),
            )
            .at(span, "this value is tagged")
            .help("remove the tag; write `${NAME}` for a value from the environment"),
        );
    }

    fn push(&mut self, items: Items<'s>, span: Span, style: StructureStyle, anchor: usize) -> bool {
        if self.open.len() >= self.limits.depth {
            self.problems.push(error::too_deep(span, self.limits));
            return false;
        }
        let flow = style == StructureStyle::Flow;
        self.open.push(Open {
            items,
            start: span.start,
            end: span.end,
            flow,
            anchor,
        });
        true
    }

    fn close(&mut self, end: Span) -> bool {
        let Some(open) = self.open.pop() else {
            return true;
        };
        // The end of a block collection is reported where the next token starts.
        let end = if open.flow { end.end } else { open.end };
        let span = Span {
            source: self.id,
            start: open.start,
            end: end.max(open.start),
        };
        let value = match open.items {
            Items::List(items) => Value::List(items),
            Items::Map { entries, .. } => Value::Map(self.merge_keys(entries)),
        };
        self.add(Node { value, span }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> bool {
        let Some(anchored) = self.anchors.get(&anchor) else {
            self.problems.push(
                Diagnostic::new(
                    Code::SyntaxAliasCycle,
                    "an alias stands inside the node it refers to",
                )
                .at(span, "this would repeat without end")
                .help("write the value out, or move the anchor to another node"),
            );
            return self.add(
                Node {
                    value: Value::Broken,
                    span,
                },
                0,
            );
        };
        // Aliases must not build what could not be written.
        if self.open.len() + anchored.height > self.limits.depth {
            self.problems.push(error::too_deep(span, self.limits));
            return false;
        }
        let node = anchored.node.clone();
        self.spend(count(&node), span) && self.add(node, 0)
    }

    /// Takes nodes from the alias budget; false when it is used up.
    fn spend(&mut self, nodes: usize, span: Span) -> bool {
        self.alias_nodes = self.alias_nodes.saturating_add(nodes);
        if self.alias_nodes <= self.limits.alias_nodes {
            return true;
        }
        let limit = self.limits.alias_nodes;
        self.problems.push(
            Diagnostic::new(
                Code::SyntaxAliasLimit,
                format!("aliases expand to more than {limit} nodes"),
            )
            .at(span, "the limit is reached here")
            .help("write out what aliases of aliases repeat"),
        );
        false
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node<'s>, anchor: usize) -> bool {
        if anchor != 0 {
            if !self.spend(count(&node), node.span) {
                return false;
            }
            let height = height(&node);
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, height });
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return true;
        };
        if node.span.source == self.id {
            open.end = open.end.max(node.span.end);
        }
        match &mut open.items {
            Items::List(items) => items.push(node),
            Items::Map {
                entries,
                key,
                index,
            } => match std::mem::replace(key, Key::Wanted) {
                Key::Given(name) => entries.push(Entry {
                    key: name,
                    value: node,
                }),
                Key::Again(at, name) => {
                    entries[at] = Entry {
                        key: name,
                        value: node,
                    };
                }
                // What a dropped map or list would have declared may be asked for elsewhere.
                Key::Refused => {
                    self.complete &= !node.is_collection();
                }
                // A key that was not read to its end may have become a text.
                Key::Wanted if !self.complete && node.is_collection() => *key = Key::Refused,
                Key::Wanted => *key = key_of(node, entries, index, self.repeats, self.problems),
            },
        }
        true
    }

    /// Applies `<<: *defaults` and `<<: [*a, *b]`: what the map has itself
    /// wins, then the earlier of several.
    fn merge_keys(&mut self, entries: Vec<Entry<'s>>) -> Vec<Entry<'s>> {
        if !entries.iter().any(|entry| entry.key.value == "<<") {
            return entries;
        }
        let (merges, mut own): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| entry.key.value == "<<");
        let mut known: HashSet<String> = own
            .iter()
            .map(|entry| entry.key.value.to_string())
            .collect();
        for merge in merges {
            let parts = match merge.value.value {
                Value::List(items) => items,
                _ => vec![merge.value],
            };
            for part in parts {
                let inherited = match part.value {
                    Value::Map(inherited) => inherited,
                    other => {
                        // What it was meant to add may be asked for elsewhere.
                        self.complete = false;
                        if other != Value::Broken {
                            self.problems.push(not_merged(part.span));
                        }
                        continue;
                    }
                };
                own.extend(
                    inherited
                        .into_iter()
                        .filter(|entry| known.insert(entry.key.value.to_string())),
                );
            }
        }
        own
    }

    fn second_document(&mut self, mark: &Mark) {
        let span = self.span(mark);
        // A document without a mark of its own has no text yet that could be named.
        let mark = self.text_from(span.start).starts_with("---");
        let span = Span {
            end: span.end.max(span.start + if mark { 3 } else { 0 }),
            ..span
        };
        self.problems.push(
            Diagnostic::new(
                Code::SyntaxMultipleDocuments,
                "one file holds several documents",
            )
            .at(span, "a second document starts here")
            .help("put it into a file of its own and compile both: `ctr compile a.yaml b.yaml`"),
        );
        self.complete = false;
    }

    /// Leaves out the text right before a syntax error: it may be half of something else.
    fn distrust_last(&mut self) {
        let last = match self.open.last_mut().map(|open| &mut open.items) {
            Some(Items::List(items)) => items.last_mut(),
            Some(Items::Map {
                entries,
                key: Key::Wanted,
                ..
            }) => entries.last_mut().map(|entry| &mut entry.value),
            _ => None,
        };
        if let Some(node) = last.filter(|node| matches!(node.value, Value::Scalar(_))) {
            node.value = Value::Broken;
        }
    }

    /// Closes what a mistake left open, so that what was read can be looked at.
    /// The collection it stands in is given up: half of it would read as
    /// another mistake.
    fn finish(mut self) -> Root<'s> {
        if !self.complete
            && self.open.len() > 1
            && let Some(open) = self.open.pop()
        {
            let span = Span {
                source: self.id,
                start: open.start,
                end: open.end,
            };
            self.add(
                Node {
                    value: Value::Broken,
                    span,
                },
                0,
            );
        }
        while let Some(open) = self.open.last() {
            let end = Span {
                source: self.id,
                start: open.end,
                end: open.end,
            };
            if !self.close(end) {
                break;
            }
        }
        let nothing = Node {
            value: Value::Null,
            span: Span::new(self.id, 0..0),
        };
        Root {
            node: self.root.unwrap_or(nothing),
            complete: self.complete,
        }
    }

    fn text_from(&self, at: u32) -> &'s str {
        self.text.get(at as usize..).unwrap_or("")
    }

    fn span(&self, mark: &Mark) -> Span {
        let offset = |at: Option<usize>| at.unwrap_or(0).min(self.text.len());
        Span::new(
            self.id,
            offset(mark.start.byte_offset())..offset(mark.end.byte_offset()),
        )
    }
}

/// Takes a node as a key, refusing collections and repetitions.
fn key_of<'s>(
    node: Node<'s>,
    entries: &[Entry<'s>],
    index: &mut Index<'s>,
    repeats: Repeats,
    problems: &mut Problems,
) -> Key<'s> {
    let text = match node.value {
        Value::Scalar(scalar) => scalar.text,
        Value::Null => Cow::Borrowed("null"),
        Value::Broken => return Key::Refused,
        Value::List(_) | Value::Map(_) => {
            problems.push(
                Diagnostic::new(Code::DocumentWrongType, "a key must be a text")
                    .at(node.span, format!("this key is {}", node.kind()))
                    .help("quote it if it is meant to be text"),
            );
            return Key::Refused;
        }
    };
    let key = Spanned::new(text, node.span);
    let Some(at) = position(&key.value, entries, index) else {
        return Key::Given(key);
    };
    let replaces = repeats == Repeats::LastCounts && key.value != "<<";
    let mut repeated = repeated_key(&key, entries[at].key.span, replaces);
    if !replaces {
        problems.push(repeated);
        return Key::Refused;
    }
    repeated.severity = Severity::Warning;
    problems.push(repeated);
    Key::Again(at, key)
}

fn repeated_key(key: &Spanned<Cow<'_, str>>, first: Span, replaces: bool) -> Diagnostic {
    let (again, before) = match replaces {
        true => (
            "given again here, which counts",
            "first given here, and left aside",
        ),
        false => ("given again here", "first given here"),
    };
    Diagnostic::new(
        Code::SyntaxDuplicateKey,
        format!("`{}` is given twice", key.value),
    )
    .at(key.span, again)
    .at(first, before)
    .help(match key.value.as_ref() {
        "<<" => SEVERAL_MERGES,
        _ => "remove one of the two",
    })
}

/// Levels of maps and lists; none for a scalar.
fn height(node: &Node<'_>) -> usize {
    let below = match &node.value {
        Value::List(items) => items.iter().map(height).max(),
        Value::Map(entries) => entries.iter().map(|entry| height(&entry.value)).max(),
        Value::Null | Value::Scalar(_) | Value::Broken => return 0,
    };
    1 + below.unwrap_or(0)
}

fn count(node: &Node<'_>) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|entry| count(&entry.value)).sum(),
        Value::Null | Value::Scalar(_) | Value::Broken => 0,
    }
}
