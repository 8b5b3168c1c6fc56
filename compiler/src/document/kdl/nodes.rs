//! A document as nodes: the table that KDL is read by, the other way round.
//!
//! An item that has a node of its own is written with it; a key, a map or a
//! list without one, as every key is. A map of single values under a key
//! becomes properties and a list of them arguments, where they fit on a line.

use super::outline::{Block, Kind, Node, Piece, Remark, Statement};
use super::print::fits;
use super::text::{argument, name, quoted, several_lines};
use crate::document::{Comments, Document, Element, Entry, Item, Line, shown_text};
use crate::tree::kdl::shape::{DOCUMENT, Form, Shape};

/// Single values that an item may have behind its name.
const FEW: usize = 2;

pub(super) type Statements = Vec<Statement<'static>>;

/// The nodes of a whole document.
pub(super) fn nodes(document: &Document) -> Statements {
    let mut statements = keys(&document.entries, DOCUMENT, Place::Top, 0);
    statements.extend(remarks(&document.tail).0);
    statements
}

/// Where nodes stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the top, or in a list: with a line for each key.
    Top,
    /// Under a key.
    Key,
}

/// The nodes of a map's entries, on this level.
fn keys(entries: &[Entry], shapes: &'static [Shape], place: Place, level: usize) -> Statements {
    let mut nodes = Vec::new();
    for entry in entries {
        if let Some(items) = items(entry, shapes, level) {
            nodes.extend(among(&entry.comments, items));
            continue;
        }
        let shape = shapes
            .iter()
            .find(|shape| matches!(shape.form, Form::Key(key) if key == entry.key));
        nodes.extend(match (shape, &entry.item) {
            (Some(shape), Item::Map(entries)) => section(shape, entries, &entry.comments, level),
            (Some(shape), item) => node(shape.node, item, &entry.comments, place, level),
            (None, item) => node(&entry.key, item, &entry.comments, place, level),
        });
    }
    nodes
}

/// The items of a list, if each of them can have a node of its own.
fn items(entry: &Entry, shapes: &'static [Shape], level: usize) -> Option<Vec<Statements>> {
    let Item::List(elements) = &entry.item else {
        return None;
    };
    let shapes = shapes.iter().filter(|shape| match shape.form {
        Form::Item { list, .. } => list == entry.key,
        Form::Pattern { .. } => entry.key == "patterns",
        Form::Key(_) => false,
    });
    let shapes: Vec<&Shape> = shapes.collect();
    if elements.is_empty() || shapes.is_empty() {
        return None;
    }
    let mut nodes = Vec::new();
    for element in elements {
        let Item::Map(entries) = &element.item else {
            return None;
        };
        let mut written = shapes.iter().map(|shape| match shape.form {
            Form::Item { argument, .. } => Some(item(shape, argument, element, entries, level)),
            Form::Pattern { kind, arguments } => pattern(kind, arguments, element, entries, level),
            Form::Key(_) => None,
        });
        nodes.push(written.find_map(|node| node)?);
    }
    Some(nodes)
}

/// The nodes of a list with what is said about it: before its first item and after its last.
fn among(comments: &Comments, items: Vec<Statements>) -> Statements {
    let (mut nodes, mut blank) = remarks(&comments.above);
    if let Some(said) = &comments.beside {
        nodes.push(Statement {
            blank: std::mem::take(&mut blank),
            kind: Kind::Remark(remark(said)),
        });
    }
    for mut item in items {
        if let Some(first) = item.first_mut() {
            first.blank |= std::mem::take(&mut blank);
        }
        nodes.extend(item);
    }
    nodes.extend(remarks(&comments.inside).0);
    nodes
}

/// `model "a" { … }`
fn item(
    shape: &Shape,
    key: &str,
    element: &Element,
    entries: &[Entry],
    level: usize,
) -> Statements {
    let mut head = shape.node.to_owned();
    let (first, rest) = taken(entries, key, &argument);
    let named = first.is_some();
    head.extend(first.map(|value| format!(" {value}")));
    let few = rest.len() <= FEW && !rest.is_empty();
    let few = few && rest.iter().all(|entry| entry.item.is_small());
    let children = match properties(&head, &rest).filter(|line| few && fits(line, level)) {
        Some(line) => {
            head = line;
            None
        }
        None if rest.is_empty() && named => None,
        None => Some(keys(&rest, shape.inside, Place::Key, level + 1)),
    };
    statements(head, children, &element.comments)
}

/// `exact "a" "b"` and `regex "a+"`. None for a pattern of another kind.
fn pattern(
    kind: &str,
    key: &str,
    element: &Element,
    entries: &[Entry],
    level: usize,
) -> Option<Statements> {
    let is_kind = |item: &Item| (*item == Item::text(kind)).then(String::new);
    let (found, rest) = taken(entries, "type", &is_kind);
    found?;
    // A single value of `exact` is read as a list of one.
    let arguments = |item: &Item| match item {
        Item::List(items) if kind == "exact" && !items.is_empty() => arguments(items),
        Item::Text(_) if kind == "regex" => argument(item),
        _ => None,
    };
    let (values, rest) = taken(&rest, key, &arguments);
    let mut head = kind.to_owned();
    head.extend(values.map(|values| format!(" {values}")));
    let children = match properties(&head, &rest).filter(|line| fits(line, level)) {
        Some(line) => {
            head = line;
            None
        }
        None => Some(keys(&rest, &[], Place::Key, level + 1)),
    };
    Some(statements(head, children, &element.comments))
}

/// What `written` makes of the value of a key about which nothing is said, and the other entries.
fn taken(
    entries: &[Entry],
    key: &str,
    written: &dyn Fn(&Item) -> Option<String>,
) -> (Option<String>, Vec<Entry>) {
    let mut rest = entries.to_vec();
    let at = entries
        .iter()
        .position(|entry| entry.key == key && entry.comments.is_empty());
    let found = at.and_then(|at| Some((at, written(&entries[at].item)?)));
    let value = found.map(|(at, value)| {
        rest.remove(at);
        value
    });
    (value, rest)
}

/// `registration strategy="…" { … }`: single values that come first are properties.
fn section(shape: &Shape, entries: &[Entry], comments: &Comments, level: usize) -> Statements {
    let mut head = shape.node.to_owned();
    let mut behind = 0;
    for (property, further) in entries.iter().zip(1..) {
        let longer = properties(&head, std::slice::from_ref(property));
        let longer = longer.filter(|head| fits(&format!("{head} {{"), level));
        match longer.filter(|_| property.item.is_small() && further < entries.len()) {
            Some(longer) => (head, behind) = (longer, further),
            None => break,
        }
    }
    // A block of short nodes only has a line for each.
    if entries[behind..].iter().all(|entry| entry.item.is_short()) {
        (head, behind) = (shape.node.to_owned(), 0);
    }
    let children = keys(&entries[behind..], shape.inside, Place::Key, level + 1);
    statements(head, Some(children), comments)
}

/// A value under its name.
fn node(key: &str, item: &Item, comments: &Comments, place: Place, level: usize) -> Statements {
    let mut head = name(key);
    let mut children = None;
    match item {
        Item::Null => {}
        Item::List(items) if items.is_empty() => {}
        Item::List(items) => {
            let line = arguments(items).map(|line| format!("{head} {line}"));
            match line.filter(|line| items.len() > 1 && item.is_short() && fits(line, level)) {
                Some(line) => head = line,
                None => {
                    let dash = |element: &Element| {
                        let (item, comments) = (&element.item, &element.comments);
                        node("-", item, comments, Place::Top, level + 1)
                    };
                    children = Some(items.iter().flat_map(dash).collect());
                }
            }
        }
        Item::Map(entries) => {
            let short = place == Place::Key && !entries.is_empty();
            // A block of one dash would be a list.
            let dash = matches!(&entries[..], [only] if only.key == "-");
            let line = properties(&head, entries);
            match line.filter(|line| dash || (short && item.is_short() && fits(line, level))) {
                Some(line) => head = line,
                None => children = Some(keys(entries, &[], Place::Key, level + 1)),
            }
        }
        Item::Text(text) => {
            head.push(' ');
            head.push_str(&several_lines(text).unwrap_or_else(|| quoted(text)));
        }
        Item::Bool(_) | Item::Number(_) => {
            head.push(' ');
            head.extend(argument(item));
        }
    }
    statements(head, children, comments)
}

/// Single values one after the other.
fn arguments(items: &[Element]) -> Option<String> {
    let silent = items.iter().all(|item| item.comments.is_empty());
    let values = items.iter().map(|item| argument(&item.item));
    let values = values.collect::<Option<Vec<_>>>();
    values.filter(|_| silent).map(|values| values.join(" "))
}

/// A head with single values as properties behind it.
fn properties(head: &str, entries: &[Entry]) -> Option<String> {
    entries.iter().try_fold(head.to_owned(), |line, entry| {
        let value = argument(&entry.item).filter(|_| entry.comments.is_empty())?;
        Some(format!("{line} {}={value}", name(&entry.key)))
    })
}

/// A node between what is said above it and, if it has no block, below it.
fn statements(head: String, children: Option<Statements>, comments: &Comments) -> Statements {
    let (mut statements, blank) = remarks(&comments.above);
    let (inside, _) = remarks(&comments.inside);
    let beside = comments.beside.as_deref().map(remark);
    let mut node = Node {
        range: 0..0,
        hidden: false,
        pieces: vec![Piece::Text(head, 0..0)],
        beside: None,
    };
    let mut below = Vec::new();
    match children {
        Some(mut statements) => {
            statements.extend(inside);
            node.pieces.push(Piece::Block(Block {
                range: 0..0,
                hidden: false,
                one_line: false,
                beside,
                statements,
            }));
        }
        None => (node.beside, below) = (beside, inside),
    }
    let kind = Kind::Node(node);
    statements.push(Statement { blank, kind });
    statements.extend(below);
    statements
}

/// Lines of comments, and whether an empty line comes after them.
fn remarks(lines: &[Line]) -> (Statements, bool) {
    let mut blank = false;
    let mut said = Vec::new();
    for line in lines {
        match line {
            Line::Blank => blank = true,
            Line::Comment(text) => said.push(Statement {
                blank: std::mem::take(&mut blank),
                kind: Kind::Remark(remark(text)),
            }),
        }
    }
    (said, blank)
}

fn remark(text: &str) -> Remark<'static> {
    Remark {
        text: format!("//{}", shown_text(text)).into(),
        start: 0,
    }
}
