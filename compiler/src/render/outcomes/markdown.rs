//! An evaluation as a part of a pull request's comment, in GitHub's Markdown. Names
//! are a stranger's and stay text in their own cell.

use std::fmt::Write;

use super::tables::{Table, anchors, headline, notes, parts, sentences};
use crate::outcomes::Summary;
use crate::render::diff::code;

/// A headline, tables, and sentences between them.
pub fn markdown(summary: &Summary, names: &[&str]) -> String {
    let mut out = format!("**{}**\n", plain(&headline(summary, names)));
    if summary.prompts > 0 {
        table(&mut out, &anchors(summary, names));
        list(&mut out, &sentences(summary, names));
        table(&mut out, &parts(summary, "by source", |plan| &plan.sources));
        table(&mut out, &parts(summary, "by route", |plan| &plan.routes));
    }
    list(&mut out, &notes(summary));
    out
}

fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "\n| {} |", table.head.join(" | "));
    let rule = table.head.iter().skip(1).map(|_| " ---: |");
    let _ = writeln!(out, "| --- |{}", rule.collect::<String>());
    for row in &table.rows {
        let mut cells = row.iter();
        let name = cells.next().map_or(String::new(), |name| code(name));
        let _ = write!(out, "| {name} |");
        for at in 1..table.head.len() {
            let _ = write!(out, " {} |", row.get(at).map_or("", String::as_str));
        }
        out.push('\n');
    }
}

fn list(out: &mut String, lines: &[String]) {
    if !lines.is_empty() {
        out.push('\n');
    }
    for line in lines {
        let (indent, line) = match line.strip_prefix("  ") {
            Some(line) => ("  ", line),
            None => ("", line.as_str()),
        };
        let _ = writeln!(out, "{indent}- {}", plain(line));
    }
}

/// A sentence whose names, in backticks, are code and whose other parts are text.
fn plain(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        1 => code(part),
        _ => part.replace('<', "&lt;").replace('|', "&#124;"),
    });
    parts.collect()
}
