//! One spanned tree that every syntax becomes.
//!
//! A tree keeps what was written (text, quotes, places) and decides nothing
//! about types: whether `on` is a word or a boolean is asked by the key that
//! takes the value. Nodes that could not be read are [`Value::Broken`], so that
//! one bad value does not hide the next and is not reported twice.

pub mod kdl;
mod merge;
pub mod yaml;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Number, Value as Json};

use crate::Limits;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::Plan;
use crate::source::{SourceId, Sources, Span, Spanned};

/// The root of a document set.
#[derive(Clone, Debug, PartialEq)]
pub struct Root<'s> {
    /// The root node; a map unless something was reported.
    pub node: Node<'s>,
    /// Whether every source was read to its end. When not, what is missing may
    /// have been written after the mistake, and must not be reported.
    pub complete: bool,
}

/// One value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'s> {
    /// What it is.
    pub value: Value<'s>,
    /// Where it stands.
    pub span: Span,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'s> {
    /// Written as nothing, `~` or `null`.
    Null,
    /// A text; its type is decided by the key that takes it.
    Scalar(Scalar<'s>),
    /// A list.
    List(Vec<Node<'s>>),
    /// A map, in the order written, each key once.
    Map(Vec<Entry<'s>>),
    /// Could not be read; already reported.
    Broken,
}

/// A text as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar<'s> {
    /// The text after escapes.
    pub text: Cow<'s, str>,
    /// Whether quotes or a block mark say that it is text.
    pub quoted: bool,
}

/// One key of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'s> {
    /// The key.
    pub key: Spanned<Cow<'s, str>>,
    /// The value.
    pub value: Node<'s>,
}

impl Node<'_> {
    /// The noun for what this is, with an article, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(scalar) if scalar.quoted => "a quoted text",
            Value::Scalar(scalar) => scalar_kind(&scalar.text),
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Broken => "something unreadable",
        }
    }

    /// Whether this could not be read.
    pub fn is_broken(&self) -> bool {
        matches!(self.value, Value::Broken)
    }

    /// Whether both say the same, wherever they stand.
    pub fn says_the_same_as(&self, other: &Node<'_>) -> bool {
        match (&self.value, &other.value) {
            (Value::List(mine), Value::List(theirs)) => {
                mine.len() == theirs.len()
                    && mine.iter().zip(theirs).all(|(a, b)| a.says_the_same_as(b))
            }
            (Value::Map(mine), Value::Map(theirs)) => {
                let same = |(a, b): (&Entry<'_>, &Entry<'_>)| {
                    a.key.value == b.key.value && a.value.says_the_same_as(&b.value)
                };
                mine.len() == theirs.len() && mine.iter().zip(theirs).all(same)
            }
            (Value::Scalar(mine), Value::Scalar(theirs)) => mine == theirs,
            (Value::Null, Value::Null) => true,
            _ => false,
        }
    }

    /// Whether this is a list or a map.
    pub fn is_collection(&self) -> bool {
        matches!(self.value, Value::List(_) | Value::Map(_))
    }

    /// A node as JSON has it.
    pub(crate) fn json(&self) -> Json {
        match &self.value {
            Value::Null | Value::Broken => Json::Null,
            Value::List(items) => items.iter().map(Node::json).collect(),
            Value::Map(entries) => {
                let members = entries
                    .iter()
                    .map(|entry| (entry.key.value.to_string(), entry.value.json()));
                Json::Object(members.collect())
            }
            Value::Scalar(scalar) => {
                let text = scalar.text.as_ref();
                let number = || serde_json::from_str::<Number>(text).ok();
                match text {
                    _ if scalar.quoted => Json::String(text.to_owned()),
                    "true" | "True" | "TRUE" => Json::Bool(true),
                    "false" | "False" | "FALSE" => Json::Bool(false),
                    _ => number().map_or_else(|| Json::String(text.to_owned()), Json::Number),
                }
            }
        }
    }

    /// A short place that stands for the whole node: a map's first key, a
    /// list's first item, else the node itself.
    pub fn head(&self) -> Span {
        match &self.value {
            Value::Map(entries) => entries.first().map_or(self.span, |entry| entry.key.span),
            Value::List(items) => items.first().map_or(self.span, Node::head),
            Value::Null | Value::Scalar(_) | Value::Broken => self.span,
        }
    }
}

fn scalar_kind(text: &str) -> &'static str {
    if matches!(text, "true" | "false" | "True" | "False" | "TRUE" | "FALSE") {
        "a boolean"
    } else if text.parse::<f64>().is_ok() {
        "a number"
    } else {
        "a text"
    }
}

/// Maps up to this size look for a key by comparing all.
const SMALL_MAP: usize = 16;

/// Positions of the keys of a large map, as far as they were asked for.
type Index<'s> = HashMap<Cow<'s, str>, usize>;

/// Where a key stands, by comparing in small maps and by an index, brought up to date, in large ones.
fn position<'s>(key: &str, entries: &[Entry<'s>], index: &mut Index<'s>) -> Option<usize> {
    if entries.len() <= SMALL_MAP {
        return entries.iter().position(|entry| entry.key.value == key);
    }
    let indexed = index.len();
    let rest = entries.iter().enumerate().skip(indexed);
    index.extend(rest.map(|(at, entry)| (entry.key.value.clone(), at)));
    index.get(key).copied()
}

/// Reads every source and merges them into one root. Reports what is wrong
/// with bytes, size, syntax, and keys that two files disagree on.
pub fn read<'s>(sources: &'s Sources, limits: &Limits, problems: &mut Problems) -> Root<'s> {
    let mut complete = true;
    let mut roots = Vec::new();
    let mut first = None;
    let mut empty = Vec::new();
    for (id, _) in sources.iter() {
        let tree = parse(id, sources, limits, problems);
        complete &= tree.complete;
        match tree.node.value {
            Value::Null if tree.complete => empty.push(tree.node.span),
            Value::Map(entries) => {
                first.get_or_insert(tree.node.span);
                roots.push(entries);
            }
            Value::Broken | Value::Null => {}
            // What was read before a syntax error may only be the beginning.
            Value::List(_) | Value::Scalar(_) if !tree.complete => {}
            Value::List(_) | Value::Scalar(_) => {
                problems.push(not_a_map(&tree.node));
                complete = false;
            }
        }
    }
    if roots.is_empty() && complete {
        problems.push(nothing_said(&empty));
        complete = false;
    }
    let value = Value::Map(merge::merge(roots, problems));
    let nowhere = sources.iter().next().map(|(id, _)| Span::new(id, 0..0));
    let span = first.or(nowhere);
    let span = span.unwrap_or_else(|| Span::new(SourceId::default(), 0..0));
    Root {
        node: Node { value, span },
        complete,
    }
}

/// Reads one source by itself. Reports what is wrong with bytes, size and syntax.
pub fn parse<'s>(
    id: SourceId,
    sources: &'s Sources,
    limits: &Limits,
    problems: &mut Problems,
) -> Root<'s> {
    if let Some(diagnostic) = unreadable(id, sources, limits) {
        problems.push(diagnostic);
        return Root {
            node: Node {
                value: Value::Broken,
                span: Span::new(id, 0..0),
            },
            complete: false,
        };
    }
    let source = sources.get(id);
    match source.is_kdl() {
        true => kdl::parse(id, source.text(), limits, problems),
        false => yaml::parse(id, source.text(), limits, problems),
    }
}

pub(crate) fn unreadable(id: SourceId, sources: &Sources, limits: &Limits) -> Option<Diagnostic> {
    let source = sources.get(id);
    if let Some(at) = source.invalid_at() {
        // The replacement character stands where the bytes stood.
        let width = char::REPLACEMENT_CHARACTER.len_utf8();
        return Some(
            Diagnostic::new(
                Code::SourceNotUtf8,
                format!("`{}` is not UTF-8 text", source.name()),
            )
            .at(
                Span::new(id, at..at + width),
                "this byte starts no UTF-8 character",
            )
            .help("save the file as UTF-8"),
        );
    }
    let (size, limit) = (source.text().len(), limits.source_bytes);
    if size > limit {
        return Some(too_large(id, source.name(), limit));
    }
    Plan::is_plan(source.text()).then(|| compiled_plan(id, source.text()))
}

fn too_large(id: SourceId, name: &str, limit: usize) -> Diagnostic {
    Diagnostic::new(
        Code::SourceTooLarge,
        format!("`{name}` has more than {limit} bytes"),
    )
    .at(
        Span::new(id, 0..0),
        "this file is too large to be a registration",
    )
    .help("split it into several files of one directory")
}

/// Read as a registration, every key of a plan would be a mistake.
fn compiled_plan(id: SourceId, text: &str) -> Diagnostic {
    let at = text.find("\"schema\"").unwrap_or(0);
    let end = text[at..].find(':').map_or(at, |colon| at + colon);
    Diagnostic::new(
        Code::DocumentWrongType,
        "this is a compiled plan, not a registration",
    )
    .at(Span::new(id, at..end), "only a plan says this")
    .help("name the registration it was made of; `ctr diff` and `ctr start --plan` read plans")
}

pub(crate) fn not_a_map(node: &Node<'_>) -> Diagnostic {
    Diagnostic::new(
        Code::DocumentWrongType,
        format!("a registration is a map of sections, not {}", node.kind()),
    )
    .at(node.head(), format!("this is {}", node.kind()))
    .help("start with a section such as `Models:` or `Router:`")
}

fn nothing_said(empty: &[Span]) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::SourceEmpty, "the registration is empty")
        .help("write at least one model and `Router.default`, or start from `ctr demo`");
    match empty.first() {
        Some(span) => diagnostic.at(*span, "nothing is declared here"),
        None => diagnostic,
    }
}
