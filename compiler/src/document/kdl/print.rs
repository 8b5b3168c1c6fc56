//! Statements as KDL, in the one canonical layout: four columns a level and a
//! line for each node. A block that was written on one line stays there while
//! its node fits. At the top, an empty line stands around a node of several
//! lines; elsewhere empty lines stay where they were, one at a time.

use super::outline::{Block, Kind, Node, Piece, Remark, Statement};
use crate::document::WIDTH;
use crate::document::page::Page;

/// Columns of one level.
const STEP: usize = 4;

/// Writes a text.
pub(super) fn print(statements: &[Statement<'_>]) -> String {
    let mut printer = Printer::default();
    printer.sections(statements);
    printer.page.finish()
}

/// Whether a node fits on one line at this indent.
pub(super) fn fits(head: &str, level: usize) -> bool {
    level * STEP + head.chars().count() <= WIDTH
}

#[derive(Default)]
struct Printer {
    page: Page,
}

impl Printer {
    /// The statements at the top, nodes of several lines between empty ones.
    fn sections(&mut self, statements: &[Statement<'_>]) {
        // Where the comments above a node begin, and whether an empty line is among them.
        let mut group: Option<usize> = None;
        let (mut parted, mut long_before, mut first) = (false, false, true);
        for (at, statement) in statements.iter().enumerate() {
            let start = *group.get_or_insert(self.page.text.len());
            parted |= statement.blank;
            self.blank(statement.blank && at > 0);
            match &statement.kind {
                Kind::Remark(said) => self.remark(said, 0),
                Kind::Node(node) => {
                    let own = self.page.text.len();
                    self.node(node, 0);
                    let long = self.page.is_long_since(own);
                    if (long || long_before) && !parted && !first {
                        self.page.part(start);
                    }
                    (long_before, parted, first, group) = (long, false, false, None);
                }
            }
        }
    }

    fn statements(&mut self, statements: &[Statement<'_>], indent: usize) {
        for (at, statement) in statements.iter().enumerate() {
            self.blank(statement.blank && at > 0);
            match &statement.kind {
                Kind::Remark(said) => self.remark(said, indent),
                Kind::Node(node) => self.node(node, indent),
            }
        }
    }

    fn remark(&mut self, said: &Remark<'_>, indent: usize) {
        self.page.pad(indent);
        self.page.text.push_str(&said.text);
        self.page.text.push('\n');
    }

    fn node(&mut self, node: &Node<'_>, indent: usize) {
        self.page.pad(indent);
        match on_one_line(node).filter(|line| indent + line.chars().count() <= WIDTH) {
            Some(line) => self.page.text.push_str(&line),
            None => self.pieces(node, indent),
        }
        if let Some(said) = &node.beside {
            self.page.aside(&said.text);
        }
        self.page.text.push('\n');
    }

    fn pieces(&mut self, node: &Node<'_>, indent: usize) {
        if node.hidden {
            self.page.text.push_str("/-");
        }
        let mut apart = false;
        for piece in &node.pieces {
            if apart {
                self.page.text.push(' ');
            }
            apart = true;
            match piece {
                Piece::Text(text, _) => self.page.text.push_str(&lines_at(text, indent + STEP)),
                Piece::Aside(said) => self.page.text.push_str(&said.text),
                Piece::Continued(said) => {
                    self.page.text.push('\\');
                    for said in said {
                        self.page.text.push(' ');
                        self.page.text.push_str(&said.text);
                    }
                    self.page.text.push('\n');
                    self.page.pad(indent + STEP);
                    apart = false;
                }
                Piece::Block(block) => self.block(block, indent),
            }
        }
    }

    fn block(&mut self, block: &Block<'_>, indent: usize) {
        if block.hidden {
            self.page.text.push_str("/-");
        }
        self.page.text.push('{');
        if let Some(said) = &block.beside {
            self.page.aside(&said.text);
        } else if block.statements.is_empty() {
            self.page.text.push('}');
            return;
        }
        self.page.text.push('\n');
        self.statements(&block.statements, indent + STEP);
        self.page.pad(indent);
        self.page.text.push('}');
    }

    fn blank(&mut self, wanted: bool) {
        if wanted {
            self.page.text.push('\n');
        }
    }
}

/// A node without its last comment, if all of it may stand on one line.
fn on_one_line(node: &Node<'_>) -> Option<String> {
    let mut out = String::new();
    node_into(node, &mut out).then_some(out)
}

/// False as soon as it is known to need several lines.
fn node_into(node: &Node<'_>, out: &mut String) -> bool {
    if node.hidden {
        out.push_str("/-");
    }
    for (at, piece) in node.pieces.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        let one_line = match piece {
            Piece::Text(text, _) => {
                out.push_str(text);
                !text.contains('\n')
            }
            Piece::Aside(said) => {
                out.push_str(&said.text);
                !said.text.contains('\n')
            }
            Piece::Continued(_) => false,
            Piece::Block(block) => block_into(block, out),
        };
        // A character has at most four bytes.
        if !one_line || out.len() > 4 * WIDTH {
            return false;
        }
    }
    true
}

fn block_into(block: &Block<'_>, out: &mut String) -> bool {
    if block.hidden {
        out.push_str("/-");
    }
    if block.statements.is_empty() && block.beside.is_none() {
        out.push_str("{}");
        return true;
    }
    if !block.one_line || block.beside.is_some() {
        return false;
    }
    out.push('{');
    for (at, statement) in block.statements.iter().enumerate() {
        out.push_str(if at > 0 { "; " } else { " " });
        match &statement.kind {
            Kind::Node(node) if node.beside.is_none() && node_into(node, out) => {}
            _ => return false,
        }
    }
    out.push_str(" }");
    true
}

/// A text of several lines with its lines at this indent. It stays as it is
/// where they do not begin alike.
fn lines_at(text: &str, indent: usize) -> String {
    let moved = || {
        let unified = text.replace("\r\n", "\n");
        let odd = |c: char| {
            matches!(
                c,
                '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
            )
        };
        if !unified.contains('\n') || unified.contains(odd) || text.matches("\"\"\"").count() != 2 {
            return None;
        }
        let (first, rest) = unified.split_once('\n')?;
        let (middle, last) = rest
            .rsplit_once('\n')
            .map_or((None, rest), |(middle, last)| (Some(middle), last));
        let close = last.trim_start();
        let before = &last[..last.len() - close.len()];
        let pad = " ".repeat(indent);
        let mut out = format!("{first}\n");
        for line in middle.into_iter().flat_map(|middle| middle.split('\n')) {
            if !line.trim().is_empty() {
                out.push_str(&pad);
                out.push_str(line.strip_prefix(before)?);
            }
            out.push('\n');
        }
        out.push_str(&pad);
        out.push_str(close);
        Some(out)
    };
    moved().unwrap_or_else(|| text.to_owned())
}
