//! YAML: a document written, and a text formatted.

mod print;
mod read;
mod scalar;
mod sheet;

pub(super) use read::remarks;

use super::{Document, Element, Entry, Item, json, shown};
use crate::Limits;
use crate::source::Source;
use sheet::{Block, Body, Member, Members, Node, Sheet};

/// Writes a document. A section, and an item of a list, has a line for each of
/// its keys; any other list or map of single values is on one line where it fits.
pub fn write(document: &Document) -> String {
    let all: Vec<Member> = document
        .entries
        .iter()
        .map(|entry| member(entry, Place::Section, 0))
        .collect();
    let flow = false;
    print::print(&Sheet {
        head: Vec::new(),
        root: match all.is_empty() && !document.tail.is_empty() {
            // A text of comments only says nothing.
            true => Body::Plain(String::new()).into(),
            false => Body::Members(Members {
                map: true,
                flow,
                all,
            })
            .into(),
        },
        tail: shown(&document.tail),
    })
}

/// The same text in the canonical layout. None where it cannot be followed,
/// which is never so where the tree was complete.
pub(super) fn format(source: &Source, limits: &Limits) -> Option<String> {
    read::sheet(source, limits).map(|sheet| print::print(&sheet))
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the top.
    Section,
    /// In a list that has a line for each item.
    Item,
    /// Under a key of a section or an item.
    Key,
    /// Within `{ }` or `[ ]`.
    Flow,
}

fn member(entry: &Entry, place: Place, indent: usize) -> Member {
    let key = scalar::text(&entry.key, place == Place::Flow);
    let column = indent + key.chars().count() + 2;
    Member {
        key: Some(key),
        node: node(&entry.item, place, indent, column),
        comments: entry.comments.shown(),
    }
}

/// A value that begins at this column, in a list or a map at this indent.
fn node(item: &Item, place: Place, indent: usize, column: usize) -> Node {
    let flow = place == Place::Flow;
    let body = match item {
        Item::Null => Body::Plain("null".to_owned()),
        Item::Bool(value) => Body::Plain(value.to_string()),
        Item::Number(number) if json::is_number(number) => Body::Plain(number.clone()),
        Item::Number(text) => Body::Quoted(text.clone()),
        Item::Text(text) if scalar::is_plain(text, flow) => Body::Plain(text.clone()),
        Item::Text(text) => match scalar::block(text).filter(|_| !flow) {
            Some((lines, chomp)) => Body::Block(Block {
                mark: '|',
                chomp,
                lines,
            }),
            None => Body::Quoted(text.clone()),
        },
        Item::List(_) | Item::Map(_) => {
            let listed = matches!(item, Item::List(_));
            let short = flow || (item.is_short() && (listed || place == Place::Key));
            let line = short.then(|| members(item, Place::Flow, indent));
            match line.filter(|line| flow || print::fits(line, column)) {
                Some(line) => line,
                None if listed => members(item, Place::Item, indent + 2),
                None => members(item, Place::Key, indent + 2),
            }
        }
    };
    body.into()
}

fn members(item: &Item, place: Place, indent: usize) -> Body {
    let flow = place == Place::Flow;
    let (map, all) = match item {
        Item::Map(entries) => {
            let members = entries.iter().map(|entry| member(entry, place, indent));
            (true, members.collect())
        }
        Item::List(elements) => {
            let member = |element: &Element| Member {
                key: None,
                node: node(&element.item, place, indent, indent + 2),
                comments: element.comments.shown(),
            };
            (false, elements.iter().map(member).collect())
        }
        _ => (true, Vec::new()),
    };
    Body::Members(Members { map, flow, all })
}
