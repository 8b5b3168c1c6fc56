//! `ctr compile`: is the document right, and what does it mean?

mod locked;

use std::env;
use std::fs;
use std::path::Path;

use ctr_compiler::diagnostic::{Code, Diagnostic};
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile_within, render, unset_variables};
use ctr_runtime::reload::{self, Input};

use super::as_of_today;
use crate::args::{Compile, CompileFormat};
use crate::exit::{Exit, Stopped};
use crate::report::{Progress, Summary, Terminal, counted, file, json};
use locked::Locked;

pub(super) fn run(asked: &Compile, terminal: &Terminal) -> Result<Exit, Stopped> {
    let inputs: Vec<Input> = asked
        .inputs
        .iter()
        .map(|input| Input::parse(input))
        .collect();
    refuse_confusion(asked, &inputs)?;
    let locked = asked.locked.as_deref().map(Locked::read).transpose()?;
    let sources = reload::read(&inputs)?;
    refuse_own_input(asked, &inputs, &sources)?;
    let progress = Progress::compiling(&sources);
    let mut compiled = compile_within(&sources, &as_of_today());
    drop(progress);
    // A CI server is not where the proxy runs: what it lacks is no mistake.
    let is_here = matches!(asked.format, CompileFormat::Text | CompileFormat::Json);
    if is_here || asked.strict {
        let unset = unset(&compiled);
        compiled.add(unset);
    }
    if asked.strict {
        compiled.problems.deny(Code::EnvUnset);
    }
    let plan = compiled
        .plan
        .as_ref()
        .filter(|_| !compiled.problems.has_errors());
    let refusal = match (&locked, plan) {
        (Some(locked), Some(plan)) => locked.refusal(&plan.hash(), &asked.inputs),
        _ => None,
    };
    let outcome = Outcome {
        plan,
        compiled: &compiled,
        sources: &sources,
        locked: locked.as_ref(),
        accepted: plan.is_some() && refusal.is_none(),
    };
    if let (Some(path), Some(plan), true) = (&asked.output, plan, outcome.accepted) {
        write(path, plan, terminal)?;
    }
    outcome.print(asked, terminal)?;
    match refusal {
        Some(refusal) => Err(refusal),
        None if outcome.accepted => Ok(Exit::Fine),
        None => Ok(Exit::Problems),
    }
}

/// What is told, however it is printed.
struct Outcome<'c> {
    plan: Option<&'c Plan>,
    compiled: &'c Compiled,
    sources: &'c Sources,
    locked: Option<&'c Locked>,
    /// There is a plan, and it is the reviewed one where one was named.
    accepted: bool,
}

impl Outcome<'_> {
    fn print(&self, asked: &Compile, terminal: &Terminal) -> Result<(), Stopped> {
        let found = self.compiled.problems.iter();
        match asked.format {
            CompileFormat::Text => self.text(asked, terminal),
            CompileFormat::Json => terminal.product(&json::text(&self.report(asked))),
            CompileFormat::Sarif => {
                let version = env!("CARGO_PKG_VERSION");
                let waived = &self.compiled.waived;
                let log = render::sarif::json(found, waived, self.sources, version);
                terminal.product(&json::text(&log))
            }
            // A runner prints what it does not obey, so it is a terminal too.
            CompileFormat::Github => terminal.text(&render::github::text(found, self.sources)),
            CompileFormat::Junit => terminal.product(&render::junit::text(found, self.sources)),
        }
    }

    fn text(&self, asked: &Compile, terminal: &Terminal) -> Result<(), Stopped> {
        let Compiled {
            problems, waived, ..
        } = self.compiled;
        terminal.problems_and_waived(problems, waived.len(), self.sources);
        let Some(plan) = self.plan else {
            return Ok(());
        };
        if asked.preview {
            terminal.text(&render::preview::text(self.compiled, self.sources))
        } else if to_stdout(asked) || !self.accepted {
            Ok(())
        } else {
            terminal.text(&format!(
                "{}: ok, plan {}\n",
                name_of(self.sources),
                plan.hash().short()
            ))
        }
    }

    fn report(&self, asked: &Compile) -> json::Compile {
        let Compiled {
            problems, waived, ..
        } = self.compiled;
        let told = Summary::new(problems.iter().map(|found| found.severity));
        json::Compile {
            ok: self.accepted,
            hash: self.plan.map(|plan| plan.hash().to_string()),
            locked: self.locked.map(|locked| locked.hash().to_owned()),
            diagnostics: json::diagnostics(problems, self.sources),
            waived: (!waived.is_empty()).then(|| json::waived(waived, self.sources)),
            summary: told.and_waived(waived.len()),
            preview: self
                .plan
                .filter(|_| asked.preview)
                .map(|_| render::preview::json(self.compiled, self.sources)),
        }
    }
}

/// What this environment lacks.
pub(super) fn unset(compiled: &Compiled) -> Vec<Diagnostic> {
    unset_variables(compiled, &|name| env::var(name).ok())
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
    if to_stdout(asked) && (asked.preview || asked.format != CompileFormat::Text) {
        return Err(Stopped::usage("`--output -` needs stdout for itself")
            .help("name a file for the plan, or leave `--preview` and `--format` out"));
    }
    let has_preview = matches!(asked.format, CompileFormat::Text | CompileFormat::Json);
    if asked.preview && !has_preview {
        return Err(Stopped::usage("this format has no place for `--preview`")
            .help("use `--format text` or `--format json`"));
    }
    if asked.locked.as_deref() == Some("-") && inputs.contains(&Input::Stdin) {
        return Err(Stopped::usage("`-` can be read only once"));
    }
    Ok(())
}

/// A plan must not take the place of what it is made of, nor lie where the
/// next run would read it as a part of the registration.
fn refuse_own_input(asked: &Compile, inputs: &[Input], sources: &Sources) -> Result<(), Stopped> {
    let Some(output) = asked.output.as_deref().filter(|_| !to_stdout(asked)) else {
        return Ok(());
    };
    if let Ok(output) = fs::canonicalize(output)
        && sources
            .iter()
            .any(|(_, source)| fs::canonicalize(source.name()).is_ok_and(|path| path == output))
    {
        return Err(
            Stopped::usage("the plan would replace the registration it is made of")
                .help("name another file after `--output`"),
        );
    }
    let beside = |input: &Input| match input {
        Input::Path(path) if path.is_dir() => reload::would_read(path, output),
        Input::Path(_) | Input::Stdin | Input::Revision { .. } => false,
    };
    if inputs.iter().any(beside) {
        return Err(Stopped::usage(
            "the plan would be read as part of this directory from then on",
        )
        .help("name a file outside of the directory after `--output`"));
    }
    Ok(())
}
