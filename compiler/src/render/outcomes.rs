//! An evaluation on outcomes as text, as JSON, as Markdown and as a plot.

mod markdown;
mod svg;
mod tables;
mod tune;

use serde_json::{Value, json as value};

use super::table;
use crate::outcomes::Summary;
use tables::{Table, anchors, headline, notes, parts, sentences};

pub use markdown::markdown;
pub use svg::svg;
pub use tune::tuned;

/// For people. `names` are those of the plans, in their order.
pub fn text(summary: &Summary, names: &[&str]) -> String {
    let mut out = format!("{}\n", headline(summary, names));
    if summary.prompts > 0 {
        block(&mut out, &anchors(summary, names));
        lines(&mut out, &sentences(summary, names));
        block(&mut out, &parts(summary, "by source", |plan| &plan.sources));
        block(&mut out, &parts(summary, "by route", |plan| &plan.routes));
    }
    lines(&mut out, &notes(summary));
    out
}

/// Everything, for programs: the figures, each plan with its name.
pub fn json(summary: &Summary, names: &[&str]) -> Value {
    let mut all = value!(summary);
    let plans = all.get_mut("plans").and_then(Value::as_array_mut);
    for (plan, name) in plans.into_iter().flatten().zip(names) {
        plan["name"] = value!(name);
    }
    all
}

/// A table below an empty line; the first column to the left, the others to the right.
fn block(out: &mut String, table: &Table) {
    let named = table.rows.iter().map(|row| {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(at, cell)| match at {
            0 => format!("  {cell}"),
            _ => cell.clone(),
        });
        cells.collect()
    });
    let mut rows: Vec<Vec<String>> = vec![table.head.clone()];
    rows.extend(named);
    for column in 1..table.head.len() {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let width = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            let blanks = width - cell.chars().count();
            cell.insert_str(0, &" ".repeat(blanks));
        }
    }
    out.push('\n');
    for line in table::align(&rows) {
        out.push_str(&line);
        out.push('\n');
    }
}

/// Lines below an empty one.
fn lines(out: &mut String, lines: &[String]) {
    if !lines.is_empty() {
        out.push('\n');
    }
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
}
