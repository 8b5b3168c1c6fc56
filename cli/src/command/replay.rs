//! `ctr replay`: where would recorded requests go? What `ctr diff --corpus` tells
//! of two registrations is told here as well.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ctr_compiler::plan::Plan;
use ctr_compiler::render::replay as render;
use ctr_compiler::replay::{Budget, Replay, Report};
use ctr_runtime::corpus::{Piece, each_line};
use ctr_runtime::reload::Input;

use super::diff::Side;
use crate::args::{self, DiffFormat, Requests};
use crate::exit::{Exit, Stopped};
use crate::report::{Progress, Terminal, json};

pub(super) fn run(asked: &args::Replay, terminal: &Terminal) -> Result<Exit, Stopped> {
    if asked.corpus.files.is_empty() {
        return Err(Stopped::usage("no requests are named")
            .help("name a corpus with `--corpus FILE`; docs/corpus.md says where they come from"));
    }
    let inputs: Vec<Input> = asked.inputs.iter().map(|it| Input::parse(it)).collect();
    let twice = asked.inputs.iter().chain(&asked.corpus.files);
    refuse_two_stdin(twice)?;
    let side = Side::read(&inputs)?;
    let Some(plan) = &side.plan else {
        terminal.problems(&side.problems, &side.sources);
        return Ok(Exit::Problems);
    };
    let report = play(Replay::of(plan), &asked.corpus)?;
    let places = |path: &str| render::written_at(path, &side.provenance, &side.sources);
    match asked.format {
        DiffFormat::Text => terminal.text(&render::text(&report, &places))?,
        DiffFormat::Markdown => terminal.text(&render::markdown(&report, &places))?,
        DiffFormat::Json => terminal.product(&json::text(&render::json(&report, &places)))?,
    }
    within(asked.corpus.budget(), &report).map(|()| Exit::Fine)
}

/// Refuses `-` where it was named before.
pub(super) fn refuse_two_stdin<'n>(names: impl Iterator<Item = &'n String>) -> Result<(), Stopped> {
    match names.filter(|name| *name == "-").count() {
        0 | 1 => Ok(()),
        _ => Err(Stopped::usage("`-` can be read only once")),
    }
}

/// What comes of a corpus for two plans.
pub(super) fn between<'p>(
    before: &'p Plan,
    after: &'p Plan,
    corpus: &Requests,
) -> Result<Report<'p>, Stopped> {
    play(Replay::between(before, after), corpus)
}

/// Refuses what is over the budget.
pub(super) fn within(budget: Budget, report: &Report<'_>) -> Result<(), Stopped> {
    let over = budget.over(report);
    if over.is_empty() {
        return Ok(());
    }
    Err(Stopped {
        exit: Exit::Problems,
        message: over.join("; "),
        help: None,
    })
}

fn play<'p>(mut replay: Replay<'p>, corpus: &Requests) -> Result<Report<'p>, Stopped> {
    let sizes = corpus.files.iter().map(|name| size(name));
    let seen = Arc::new(AtomicU64::new(0));
    let progress = Progress::reading(&corpus.files, sizes.sum(), &seen);
    for name in &corpus.files {
        let mut reader = BufReader::with_capacity(1 << 18, open(name)?);
        let taken = each_line(&mut reader, |piece| match piece {
            Piece::Line(line) => {
                seen.fetch_add(line.len() as u64, Ordering::Relaxed);
                replay.line(line);
            }
            Piece::TooLong => replay.bad_line(ctr_compiler::corpus::BadLine::TooLong),
        });
        taken.map_err(|error| cannot_read(name, &error))?;
    }
    drop(progress);
    Ok(replay.finish())
}

/// Bytes of a file, as far as that is known.
fn size(name: &str) -> u64 {
    std::fs::metadata(name).map_or(0, |found| found.len())
}

/// A file, or stdin.
pub(super) fn open(name: &str) -> Result<Box<dyn Read>, Stopped> {
    if name == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(Path::new(name)).map_err(|error| cannot_read(name, &error))?;
    Ok(Box::new(file))
}

pub(super) fn cannot_read(name: &str, error: &io::Error) -> Stopped {
    Stopped::could_not(format!("cannot read `{name}`: {error}"))
        .help("name a file of recorded requests; docs/corpus.md says where they come from")
}
