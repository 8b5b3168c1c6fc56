//! A replay as a part of a pull request's comment, in GitHub's Markdown. Names
//! are a stranger's and stay text in their own cell.

use std::fmt::Write;

use super::words::{
    Rows, bad_lines, cost_line, grouped, headline, load_lines, not_recorded, undecidable,
};
use super::{Places, because, path, rises};
use crate::render::diff::code;
use crate::replay::Report;

/// Ways to change that a comment has room for.
const SHOWN: usize = 50;

/// A headline, a table of what changes, and sentences below it.
pub fn markdown(report: &Report<'_>, places: Places<'_>) -> String {
    let mut out = format!("**{}**\n", headline(report));
    let moves = report.moves();
    if !moves.is_empty() {
        out.push_str("\n| Requests | Change | By | Cost |\n| ---: | --- | --- | ---: |\n");
    }
    for moved in moves.iter().take(SHOWN) {
        let because = because(moved, report, places);
        let because = match because.is_empty() {
            true => "–".to_owned(),
            false => code(&because.replace('`', "")),
        };
        let _ = writeln!(
            out,
            "| {} | {} | {because} | {} |",
            grouped(moved.amount.requests),
            code(&path(moved)),
            plain(&rises(moved))
        );
    }
    if moves.len() > SHOWN {
        let _ = writeln!(out, "\n… and {} more ways", moves.len() - SHOWN);
    }
    let costs = cost_line(report);
    let mut lines: Rows = load_lines(report);
    lines.extend(not_recorded(report));
    lines.extend(undecidable(report, places));
    lines.extend(bad_lines(report));
    if !lines.is_empty() || !costs.is_empty() {
        out.push('\n');
    }
    for line in &costs {
        let _ = writeln!(out, "- {}", plain(line));
    }
    for line in lines {
        let _ = writeln!(out, "- {}", spans(line.trim()));
    }
    out
}

/// An amount, of which the currency is the user's: as it is where nothing in it
/// could mean anything, else as code.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " .,:%+−→".contains(c);
    match text.chars().all(is_plain) {
        true => text.to_owned(),
        false => code(text),
    }
}

/// A sentence with the user's words, which stand in backticks, as code. Where a
/// name has a backtick itself nobody can tell them apart, and all of it is code.
fn spans(line: &str) -> String {
    if !line.matches('`').count().is_multiple_of(2) {
        return code(line);
    }
    let part = |(at, part): (usize, &str)| match at % 2 {
        0 => part.to_owned(),
        _ => code(part),
    };
    line.split('`').enumerate().map(part).collect()
}
