//! Nodes as text: four columns a level, a line for each, and at the top an
//! empty line around a node of several lines.

use super::Node;
use crate::document::{Line, is_unseen};

/// Columns of one level.
pub(super) const STEP: usize = 4;

/// Writes nodes, and the lines after them.
pub(super) fn print(nodes: &[Node], tail: &[Line]) -> String {
    let mut out = String::new();
    let mut long_before = false;
    for (at, node) in nodes.iter().enumerate() {
        let start = out.len();
        lines(&node.above, 0, at == 0, &mut out);
        let own = out.len();
        self::node(node, 0, &mut out);
        let long = out[own..].matches('\n').nth(1).is_some();
        if at > 0 && (long || long_before) && !node.above.contains(&Line::Blank) {
            out.insert(start, '\n');
        }
        long_before = long;
    }
    lines(tail, 0, false, &mut out);
    out
}

fn node(node: &Node, indent: usize, out: &mut String) {
    pad(indent, out);
    out.push_str(&node.head);
    let behind = |out: &mut String| {
        if let Some(said) = &node.beside {
            out.push(' ');
            comment(said, out);
        }
        out.push('\n');
    };
    let Some(children) = &node.children else {
        behind(out);
        // There is no block that it could stand in.
        lines(&node.inside, indent, false, out);
        return;
    };
    out.push_str(" {");
    if children.is_empty() && node.inside.is_empty() {
        out.push('}');
        behind(out);
        return;
    }
    behind(out);
    for (at, child) in children.iter().enumerate() {
        lines(&child.above, indent + STEP, at == 0, out);
        self::node(child, indent + STEP, out);
    }
    lines(&node.inside, indent + STEP, children.is_empty(), out);
    pad(indent, out);
    out.push_str("}\n");
}

fn lines(lines: &[Line], indent: usize, first: bool, out: &mut String) {
    for (at, line) in lines.iter().enumerate() {
        match line {
            Line::Comment(said) => {
                pad(indent, out);
                comment(said, out);
                out.push('\n');
            }
            Line::Blank if (first && at == 0) || out.is_empty() || out.ends_with("\n\n") => {}
            Line::Blank => out.push('\n'),
        }
    }
}

fn comment(said: &str, out: &mut String) {
    let said = said.replace(|c: char| c != '\t' && is_unseen(c), " ");
    out.push_str("//");
    out.push_str(said.trim_end());
}

fn pad(columns: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', columns));
}
