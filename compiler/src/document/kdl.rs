//! KDL: a document written as the nodes that docs/kdl.md describes.
//!
//! An empty list cannot be said in KDL; its name is written without a value,
//! which counts as absent. A few names are read as something else where they
//! stand (`model` at the top is an item), so whoever must know that nothing
//! was lost reads the text back.

mod print;

use super::{Comments, Document, Element, Entry, Item, Line, WIDTH, is_unseen, json};
use crate::tree::kdl::is_bare;

/// Writes a document. A map of single values under a key becomes properties,
/// and a list of them arguments, where they fit on one line.
pub fn write(document: &Document) -> String {
    print::print(&nodes(&document.entries, Place::Top, 0), &document.tail)
}

/// Where nodes stand, which decides what their names mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Pools,
    Item,
    Key,
}

/// One node as it is printed.
struct Node {
    above: Vec<Line>,
    /// The name, arguments and properties.
    head: String,
    children: Option<Vec<Node>>,
    beside: Option<String>,
    inside: Vec<Line>,
}

impl Node {
    fn new(head: String, comments: &Comments) -> Self {
        Self {
            above: comments.above.clone(),
            head,
            children: None,
            beside: comments.beside.clone(),
            inside: comments.inside.clone(),
        }
    }
}

/// The nodes of a map's entries, on this level.
fn nodes(entries: &[Entry], place: Place, level: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    for entry in entries {
        let name = match (place, entry.key.as_str(), &entry.item) {
            (Place::Top, "Models", Item::List(items)) if is_of_maps(items) => {
                listed("model", entry, items, level, &mut nodes);
                continue;
            }
            (Place::Pools, "models", Item::List(items)) if is_of_maps(items) => {
                listed("endpoint", entry, items, level, &mut nodes);
                continue;
            }
            (Place::Pools, "upstream_services", Item::List(items)) if is_of_maps(items) => {
                listed("upstream_service", entry, items, level, &mut nodes);
                continue;
            }
            (Place::Top, "Registration", Item::Map(entries)) => {
                nodes.push(pools(entry, entries, level));
                continue;
            }
            (Place::Top, "Router", _) => "router",
            (Place::Top, "Runtime", _) => "runtime",
            (_, key, _) => key,
        };
        let place = match place {
            Place::Top => Place::Item,
            Place::Pools | Place::Item | Place::Key => Place::Key,
        };
        nodes.push(node(name, &entry.item, &entry.comments, place, level));
    }
    nodes
}

fn is_of_maps(items: &[Element]) -> bool {
    let is_map = |item: &Element| matches!(item.item, Item::Map(_));
    !items.is_empty() && items.iter().all(is_map)
}

/// `model "a" { … }`, for each item one.
fn listed(name: &str, entry: &Entry, items: &[Element], level: usize, nodes: &mut Vec<Node>) {
    let first = nodes.len();
    for element in items {
        let Item::Map(entries) = &element.item else {
            continue;
        };
        let id = entries.iter().position(|entry| {
            entry.key == "id" && entry.comments.is_empty() && argument(&entry.item).is_some()
        });
        let mut head = name.to_owned();
        let mut rest = entries.clone();
        if let Some(id) = id {
            let id = rest.remove(id);
            head.push(' ');
            head.extend(argument(&id.item));
        }
        let mut node = Node::new(head, &element.comments);
        if !rest.is_empty() || id.is_none() {
            node.children = Some(self::nodes(&rest, Place::Item, level + 1));
        }
        nodes.push(node);
    }
    // What is said about the list is said before its first item and after its last.
    if let Some(node) = nodes.get_mut(first) {
        let mut above = entry.comments.above.clone();
        above.extend(entry.comments.beside.clone().map(Line::Comment));
        above.append(&mut node.above);
        node.above = above;
    }
    if let Some(node) = nodes.last_mut() {
        node.inside.extend(entry.comments.inside.iter().cloned());
    }
}

/// `registration strategy="…" { … }`: single values that come first are properties.
fn pools(entry: &Entry, entries: &[Entry], level: usize) -> Node {
    let mut head = "registration".to_owned();
    let mut taken = 0;
    for (property, further) in entries.iter().zip(1..) {
        let Some(value) = argument(&property.item).filter(|_| property.comments.is_empty()) else {
            break;
        };
        let longer = format!("{head} {}={value}", bare(&property.key));
        if longer.chars().count() + " {".len() > WIDTH || further == entries.len() {
            break;
        }
        (head, taken) = (longer, further);
    }
    let mut node = Node::new(head, &entry.comments);
    node.children = Some(nodes(&entries[taken..], Place::Pools, level + 1));
    node
}

/// A value under its name.
fn node(name: &str, item: &Item, comments: &Comments, place: Place, level: usize) -> Node {
    let mut node = Node::new(bare(name), comments);
    let fits = |head: &str| level * print::STEP + head.chars().count() <= WIDTH;
    match item {
        Item::Null => {}
        Item::List(items) if items.is_empty() => {}
        Item::List(items) => {
            let arguments = items.iter().map(|item| argument(&item.item));
            let line = arguments.collect::<Option<Vec<_>>>();
            let line = line.map(|line| format!("{} {}", node.head, line.join(" ")));
            match line.filter(|line| items.len() > 1 && item.is_short() && fits(line)) {
                Some(line) => node.head = line,
                None => {
                    let dash = |element: &Element| {
                        let (item, comments) = (&element.item, &element.comments);
                        self::node("-", item, comments, Place::Item, level + 1)
                    };
                    node.children = Some(items.iter().map(dash).collect());
                }
            }
        }
        Item::Map(entries) => {
            let line = entries.iter().try_fold(node.head.clone(), |line, entry| {
                let value = argument(&entry.item)?;
                Some(format!("{line} {}={value}", bare(&entry.key)))
            });
            let short = place == Place::Key && !entries.is_empty() && item.is_short();
            // A block of one dash would be a list.
            let dash = matches!(&entries[..], [only] if only.key == "-");
            match line.filter(|line| dash || (short && fits(line))) {
                Some(line) => node.head = line,
                None => node.children = Some(nodes(entries, Place::Key, level + 1)),
            }
        }
        Item::Text(text) => {
            node.head.push(' ');
            let lines = several_lines(text, (level + 1) * print::STEP);
            node.head.push_str(&lines.unwrap_or_else(|| quoted(text)));
        }
        Item::Bool(_) | Item::Number(_) => {
            node.head.push(' ');
            node.head.extend(argument(item));
        }
    }
    node
}

/// A single value as it stands behind a name or `=`.
fn argument(item: &Item) -> Option<String> {
    Some(match item {
        Item::Null => "#null".to_owned(),
        Item::List(items) if items.is_empty() => "#null".to_owned(),
        Item::Bool(value) => format!("#{value}"),
        Item::Number(number) if json::is_number(number) => number.clone(),
        Item::Number(text) | Item::Text(text) => quoted(text),
        Item::List(_) | Item::Map(_) => return None,
    })
}

/// A name, in quotes where it needs them.
fn bare(name: &str) -> String {
    match is_bare(name) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unseen(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `"""`, the lines at this indent, and `"""`. None for a text of one line, or
/// one whose blanks an editor would take away.
fn several_lines(text: &str, indent: usize) -> Option<String> {
    let odd = |c: char| !matches!(c, '\n' | '\t') && is_unseen(c);
    let blank = |line: &str| line.ends_with(char::is_whitespace);
    if !text.contains('\n') || text.contains(odd) || text.split('\n').any(blank) {
        return None;
    }
    let pad = " ".repeat(indent);
    let mut out = "\"\"\"\n".to_owned();
    let escaped = text.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
    for line in escaped.split('\n') {
        if !line.is_empty() {
            out.push_str(&pad);
            out.push_str(line);
        }
        out.push('\n');
    }
    out.push_str(&pad);
    out.push_str("\"\"\"");
    Some(out)
}
