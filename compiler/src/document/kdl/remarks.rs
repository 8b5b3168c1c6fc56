//! The comments of a KDL text. What `/-` takes out is one too, for a syntax
//! that cannot take anything out.

use std::ops::Range;

use super::outline::{Kind, Node, Piece, Remark as Said, Statement, outline};
use crate::document::remarks::Remark;

/// All of them in order.
pub(in crate::document) fn remarks(text: &str) -> Vec<Remark> {
    let mut gathering = Gathering {
        text,
        found: Vec::new(),
    };
    gathering.statements(&outline(text).unwrap_or_default());
    let mut found = gathering.found;
    found.sort_by_key(|remark| remark.range.start);
    found
}

struct Gathering<'s> {
    text: &'s str,
    found: Vec<Remark>,
}

impl Gathering<'_> {
    fn statements(&mut self, statements: &[Statement<'_>]) {
        for statement in statements {
            match &statement.kind {
                Kind::Remark(said) => self.said(said),
                Kind::Node(node) if node.hidden => {
                    self.hidden(node.range.clone());
                    node.beside.iter().for_each(|said| self.said(said));
                }
                Kind::Node(node) => self.node(node),
            }
        }
    }

    fn node(&mut self, node: &Node<'_>) {
        for piece in &node.pieces {
            match piece {
                Piece::Text(text, range) if text.starts_with("/-") => self.hidden(range.clone()),
                Piece::Text(..) => {}
                Piece::Aside(said) => self.said(said),
                Piece::Continued(said) => said.iter().for_each(|said| self.said(said)),
                Piece::Block(block) if block.hidden => self.hidden(block.range.clone()),
                Piece::Block(block) => {
                    block.beside.iter().for_each(|said| self.said(said));
                    self.statements(&block.statements);
                }
            }
        }
        node.beside.iter().for_each(|said| self.said(said));
    }

    fn said(&mut self, said: &Said<'_>) {
        let range = said.start..said.start + said.text.len();
        let lines = match said.text.strip_prefix("/*") {
            None => vec![
                said.text
                    .strip_prefix("//")
                    .unwrap_or(&said.text)
                    .to_owned(),
            ],
            Some(body) => {
                let body = body.strip_suffix("*/").unwrap_or(body);
                let lines = body.lines().map(|line| {
                    let line = line.trim();
                    // The stars that people put down the side.
                    spaced(line.strip_prefix("* ").unwrap_or(line))
                });
                let mut lines: Vec<String> = lines.skip_while(String::is_empty).collect();
                while lines.pop_if(|line| line.is_empty()).is_some() {}
                lines
            }
        };
        self.found.push(Remark { range, lines });
    }

    /// The lines of what was taken out, as far in as they stood in it.
    fn hidden(&mut self, range: Range<usize>) {
        let text = &self.text[range.clone()];
        let column = match text.contains('\n') {
            true => {
                range.start
                    - self.text[..range.start]
                        .rfind('\n')
                        .map_or(0, |end| end + 1)
            }
            false => 0,
        };
        let lines = text.lines().map(|line| {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            spaced(line[spaces.min(column)..].trim_end())
        });
        let lines = lines.collect();
        self.found.push(Remark { range, lines });
    }
}

fn spaced(line: &str) -> String {
    match line.is_empty() {
        true => String::new(),
        false => format!(" {line}"),
    }
}
