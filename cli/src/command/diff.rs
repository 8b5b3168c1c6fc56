//! `ctr diff`: what does a change mean?

use ctr_compiler::diagnostic::Problems;
use ctr_compiler::diff::{Diff as Changes, diff};
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{compile, render};
use ctr_runtime::reload::{self, Input};

use crate::args::{Diff, DiffFormat, FailOn};
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, counted, json};

/// One side, as far as it could be understood.
struct Side {
    name: String,
    sources: Sources,
    plan: Option<Plan>,
    problems: Problems,
}

pub(super) fn run(asked: &Diff, terminal: &Terminal) -> Result<Exit, Stopped> {
    if asked.old == "-" && asked.new == "-" {
        return Err(Stopped::usage("`-` can be read only once"));
    }
    let old = Side::read(&asked.old)?;
    let new = Side::read(&asked.new)?;
    let changes = match (&old.plan, &new.plan) {
        (Some(old), Some(new)) => Some(diff(old, new)),
        _ => None,
    };
    let exit = match &changes {
        None => Exit::Problems,
        Some(changes) if asked.exit_code && !changes.is_empty() => Exit::Differ,
        Some(_) => Exit::Fine,
    };
    match asked.format {
        DiffFormat::Json => terminal.product(&json::text(&report(&old, &new, changes.as_ref())))?,
        DiffFormat::Text => text(&old, &new, changes.as_ref(), terminal)?,
        DiffFormat::Markdown => markdown(&old, &new, changes.as_ref(), terminal)?,
    }
    match (asked.fail_on, &changes) {
        (Some(limit), Some(changes)) => refusal(limit, changes).map_or(Ok(exit), Err),
        _ => Ok(exit),
    }
}

/// Why `--fail-on` refuses the changes; none when all are lighter.
fn refusal(limit: FailOn, changes: &Changes) -> Option<Stopped> {
    let limit = limit.weight();
    let heavy = changes
        .changes
        .iter()
        .filter(|change| change.weight() >= limit)
        .count();
    let heaviest = changes.weight().filter(|_| heavy > 0)?;
    Some(Stopped {
        exit: Exit::Problems,
        message: format!(
            "the heaviest change is {}, and `--fail-on {}` refuses {} of {}",
            heaviest.word(),
            limit.word(),
            heavy,
            counted(changes.changes.len(), "change")
        ),
        help: None,
    })
}

impl Side {
    fn read(written: &str) -> Result<Self, Stopped> {
        let sources = reload::read(&[Input::parse(written)])?;
        let name = written.to_owned();
        let only = sources.iter().next().filter(|_| sources.len() == 1);
        if let Some((_, source)) = only.filter(|(_, source)| Plan::is_plan(source.text())) {
            let read = Plan::from_json(source.text());
            let plan = read.map_err(|error| Stopped {
                exit: Exit::Problems,
                message: format!("{name}: {error}"),
                help: Some("compile the registration again with this ctr".to_owned()),
            })?;
            return Ok(Self {
                name,
                sources,
                plan: Some(plan),
                problems: Problems::default(),
            });
        }
        let compiled = compile(&sources);
        Ok(Self {
            name,
            sources,
            plan: compiled.plan,
            problems: compiled.problems,
        })
    }

    fn report(&self) -> json::Side {
        json::Side {
            name: self.name.clone(),
            hash: self.plan.as_ref().map(|plan| plan.hash().to_string()),
            diagnostics: json::diagnostics(&self.problems, &self.sources),
        }
    }
}

fn text(
    old: &Side,
    new: &Side,
    changes: Option<&Changes>,
    terminal: &Terminal,
) -> Result<(), Stopped> {
    match changes {
        None => {
            // What a side that compiles was warned of is not this command's news.
            for side in [old, new].into_iter().filter(|side| side.plan.is_none()) {
                terminal.problems(&side.problems, &side.sources);
            }
            Ok(())
        }
        Some(changes) => terminal.diff(&render::diff::text(changes)),
    }
}

/// A side that is no plan is told twice: drawn for the log, and in the comment.
fn markdown(
    old: &Side,
    new: &Side,
    changes: Option<&Changes>,
    terminal: &Terminal,
) -> Result<(), Stopped> {
    let Some(changes) = changes else {
        text(old, new, None, terminal)?;
        let refused = [old, new]
            .into_iter()
            .filter(|side| side.plan.is_none())
            .map(|side| render::diff::markdown_refused(&side.name, &side.problems, &side.sources));
        return terminal.text(&refused.collect::<Vec<_>>().join("\n"));
    };
    terminal.text(&render::diff::markdown(changes))
}

fn report(old: &Side, new: &Side, changes: Option<&Changes>) -> json::Diff {
    json::Diff {
        ok: changes.is_some(),
        differ: changes.map(|changes| !changes.is_empty()),
        old: old.report(),
        new: new.report(),
        diff: changes.map(render::diff::json),
    }
}
