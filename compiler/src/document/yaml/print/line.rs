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
    let closed = matches!(body, Body::Members(members) if members.is_closed());
    let mut line = Line {
        out: String::new(),
        // A character has at most four bytes.
        most: if closed { usize::MAX } else { 4 * WIDTH },
    };
    let whole = line.body(body);
    let fits = closed || column + line.out.chars().count() <= WIDTH;
    (whole && fits).then_some(line.out)
}

struct Line {
    out: String,
    /// Bytes that it may have.
    most: usize,
}

impl Line {
    /// False as soon as it is known that it needs several lines.
    fn body(&mut self, body: &Body) -> bool {
        match body {
            Body::Members(members) => return self.members(members),
            Body::Block(_) => return false,
            Body::Plain(text) => self.out.push_str(text),
            Body::Quoted(text) => self.out.push_str(&quoted(text)),
        }
        !matches!(body, Body::Plain(text) if text.contains('\n'))
    }

    fn members(&mut self, members: &Members) -> bool {
        let (open, close) = match members.map {
            true => ('{', '}'),
            false => ('[', ']'),
        };
        self.out.push(open);
        for (at, member) in members.all.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.out.push_str(member.key.as_deref().unwrap_or(""));
            let absent = member.node.is_absent();
            if member.key.is_some() && !absent {
                self.out.push_str(": ");
            }
            let fits = member.comments.is_empty()
                && (absent || self.node(&member.node))
                && self.out.len() <= self.most;
            if !fits {
                return false;
            }
        }
        self.out.push(close);
        true
    }

    fn node(&mut self, node: &Node) -> bool {
        if node.marks.is_empty() {
            return self.body(&node.body);
        }
        self.out.push_str(&node.marks);
        self.out.push(' ');
        // A tag would take the mark behind it for a part of itself.
        node.body != Body::Plain(String::new()) && self.body(&node.body)
    }
}
