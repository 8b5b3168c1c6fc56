//! Values on one line, where they fit.

use crate::document::WIDTH;
use crate::document::yaml::scalar::quoted;
use crate::document::yaml::sheet::{Body, Members, Node};

/// A text without quotes. A line break in it takes an empty line.
pub(super) fn plain(text: &str, indent: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
            if !line.is_empty() {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
            }
        }
        out.push_str(line);
    }
    out
}

/// A list or a map on one line that begins at this column. None where it does
/// not fit, where something is said in it, or where a text needs several lines.
pub(super) fn flow(body: &Body, column: usize) -> Option<String> {
    let mut out = String::new();
    let fits = body_into(body, &mut out) && column + out.chars().count() <= WIDTH;
    // An empty one has no members to give a line each.
    (fits || matches!(out.as_str(), "[]" | "{}")).then_some(out)
}

/// False as soon as it is known not to fit.
fn body_into(body: &Body, out: &mut String) -> bool {
    match body {
        Body::Members(members) => members_into(members, out),
        Body::Block(_) => false,
        Body::Plain(text) => {
            out.push_str(text);
            !text.contains('\n')
        }
        Body::Quoted(text) => {
            out.push_str(&quoted(text));
            true
        }
    }
}

fn members_into(members: &Members, out: &mut String) -> bool {
    let (open, close) = match members.map {
        true => ('{', '}'),
        false => ('[', ']'),
    };
    out.push(open);
    for (at, member) in members.all.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        out.push_str(member.key.as_deref().unwrap_or(""));
        let absent = member.node.is_absent();
        if member.key.is_some() && !absent {
            out.push_str(": ");
        }
        let fits = member.comments.is_empty()
            && (absent || node_into(&member.node, out))
            // A character has at most four bytes.
            && out.len() <= 4 * WIDTH;
        if !fits {
            return false;
        }
    }
    out.push(close);
    true
}

fn node_into(node: &Node, out: &mut String) -> bool {
    if node.marks.is_empty() {
        return body_into(&node.body, out);
    }
    out.push_str(&node.marks);
    out.push(' ');
    // A tag would take the mark behind it for a part of itself.
    node.body != Body::Plain(String::new()) && body_into(&node.body, out)
}
