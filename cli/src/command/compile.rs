//! `ctr compile`: is the document right, and what does it mean?

use std::env;
use std::fs;
use std::path::Path;

use ctr_compiler::diagnostic::Code;
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile, render, unset_variables};
use ctr_runtime::reload::{self, Input};

use crate::args::{Compile, Format};
use crate::exit::{Exit, Stopped};
use crate::report::{Summary, Terminal, counted, file, json};

pub(super) fn run(asked: &Compile, terminal: &Terminal) -> Result<Exit, Stopped> {
    let inputs: Vec<Input> = asked
        .inputs
        .iter()
        .map(|input| Input::parse(input))
        .collect();
    refuse_confusion(asked, &inputs)?;
    let sources = reload::read(&inputs)?;
    let mut compiled = compile(&sources);
    note_unset(&mut compiled);
    if asked.strict {
        compiled.problems.deny(Code::EnvUnset);
    }
    let plan = compiled
        .plan
        .as_ref()
        .filter(|_| !compiled.problems.has_errors());
    if let (Some(path), Some(plan)) = (&asked.output, plan) {
        write(path, plan, terminal)?;
    }
    match asked.format {
        Format::Text => text(asked, plan, &compiled, &sources, terminal)?,
        Format::Json => terminal.product(&json::text(&report(asked, plan, &compiled, &sources)))?,
    }
    Ok(if plan.is_some() {
        Exit::Fine
    } else {
        Exit::Problems
    })
}

/// Adds what this environment lacks to what the document lacks.
pub(super) fn note_unset(compiled: &mut Compiled) {
    for unset in unset_variables(compiled, &|name| env::var_os(name).is_some()) {
        compiled.problems.push(unset);
    }
    compiled.problems.sort();
}

fn text(
    asked: &Compile,
    plan: Option<&Plan>,
    compiled: &Compiled,
    sources: &Sources,
    terminal: &Terminal,
) -> Result<(), Stopped> {
    terminal.problems(&compiled.problems, sources);
    let Some(plan) = plan else {
        return Ok(());
    };
    if asked.preview {
        terminal.text(&render::preview::text(compiled, sources))
    } else if to_stdout(asked) {
        Ok(())
    } else {
        terminal.text(&format!(
            "{}: ok, plan {}\n",
            name_of(sources),
            plan.hash().short()
        ))
    }
}

fn report(
    asked: &Compile,
    plan: Option<&Plan>,
    compiled: &Compiled,
    sources: &Sources,
) -> json::Compile {
    json::Compile {
        ok: plan.is_some(),
        hash: plan.map(|plan| plan.hash().to_string()),
        diagnostics: json::diagnostics(&compiled.problems, sources),
        summary: Summary::new(compiled.problems.iter().map(|found| found.severity)),
        preview: plan
            .filter(|_| asked.preview)
            .map(|_| render::preview::json(compiled, sources)),
    }
}

/// The one file, or how many there are.
pub(super) fn name_of(sources: &Sources) -> String {
    match sources.iter().next() {
        Some((_, only)) if sources.len() == 1 => only.name().to_owned(),
        _ => counted(sources.len(), "file"),
    }
}

fn to_stdout(asked: &Compile) -> bool {
    asked.output.as_deref() == Some(Path::new("-"))
}

/// The plan byte for byte: what is written has the plan's hash.
fn write(path: &Path, plan: &Plan, terminal: &Terminal) -> Result<(), Stopped> {
    let text = plan.to_canonical_json();
    if path == Path::new("-") {
        return terminal.product(&text);
    }
    let written = file::replace(path, &text);
    written
        .map_err(|error| Stopped::could_not(format!("cannot write `{}`: {error}", path.display())))
}

fn refuse_confusion(asked: &Compile, inputs: &[Input]) -> Result<(), Stopped> {
    if to_stdout(asked) && (asked.preview || asked.format == Format::Json) {
        return Err(Stopped::usage("`--output -` needs stdout for itself")
            .help("name a file for the plan, or leave `--preview` and `--format json` out"));
    }
    let Some(output) = asked
        .output
        .as_deref()
        .and_then(|path| fs::canonicalize(path).ok())
    else {
        return Ok(());
    };
    let is_output = |input: &&Input| match input {
        Input::Path(path) => fs::canonicalize(path).is_ok_and(|path| path == output),
        Input::Stdin | Input::Revision { .. } => false,
    };
    match inputs.iter().find(is_output) {
        Some(_) => Err(
            Stopped::usage("the plan would replace the registration it is made of")
                .help("name another file after `--output`"),
        ),
        None => Ok(()),
    }
}
