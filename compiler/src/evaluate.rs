//! How good are the answers of models, and are they better than before?
//!
//! Answers come in as [`Row`]s and go out as a [`Report`]: the fixed tasks, their
//! rubrics, the formulas and the fields are those of claude-trigger-router 1.7, so
//! that results and histories of both can be laid side by side. What goes beyond
//! it (checks of a team's own tasks, repeats, comparing with a baseline) never
//! changes a number that it has as well.
//!
//! Nothing here asks a model or opens a file; whoever does passes the answers in.

mod check;
mod compare;
mod history;
mod judge;
mod report;
mod row;
mod rubric;
mod score;
mod statistics;
mod task;
mod tasks_file;

pub use check::{Check, CheckKind};
pub use compare::{Baseline, Change, Comparison};
pub use history::{BestRun, Entry, History, KEPT, ModelEntry, Origin, Summary, Trends};
pub use judge::{Question, Verdict, questions, verdict};
pub use report::{CalibrationSummary, Disagreement, Group, Report, Spread, report};
pub use row::{Mistake, Row, Rows, read_row, read_rows};
pub use rubric::{Dimension, Rubric};
pub use score::{Calibration, DimensionScore, Run, score};
pub use statistics::Interval;
pub use task::{Task, fixed};
pub use tasks_file::read as read_tasks;

/// To four decimals, as every ratio of a report is.
fn rounded(number: f64) -> f64 {
    // Adding zero turns −0 into 0.
    (number * 10_000.0).round() / 10_000.0 + 0.0
}

/// The mean, rounded; 0 of nothing.
fn mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u32);
    for number in numbers {
        sum += number;
        count += 1;
    }
    match count {
        0 => 0.0,
        count => rounded(sum / f64::from(count)),
    }
}
