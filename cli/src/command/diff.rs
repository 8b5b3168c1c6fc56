//! `ctr diff`: what does a change mean?

use std::env;
use std::path::{Path, PathBuf};
use std::slice;

use ctr_compiler::diagnostic::Problems;
use ctr_compiler::diff::{Diff as Changes, diff, introduced};
use ctr_compiler::plan::{Plan, Provenance};
use ctr_compiler::replay::Report;
use ctr_compiler::source::Sources;
use ctr_compiler::{compile, render};
use ctr_runtime::ask_plan::{AskError, ask_plan};
use ctr_runtime::reload::{self, Input};

use super::{async_runtime, replay};
use crate::args::{Diff, DiffFormat, FailOn};
use crate::exit::{Exit, Stopped};
use crate::report::{Progress, Terminal, counted, json};

/// One side, as far as it could be understood.
pub(super) struct Side {
    name: String,
    pub(super) sources: Sources,
    pub(super) plan: Option<Plan>,
    pub(super) problems: Problems,
    pub(super) provenance: Provenance,
}

pub(super) fn run(asked: &Diff, terminal: &Terminal) -> Result<Exit, Stopped> {
    let (old, new) = sides(asked)?;
    let changes = match (&old.plan, &new.plan) {
        (Some(old), Some(new)) => Some(diff(old, new)),
        (None, Some(new)) if old.is_nothing() => Some(introduced(new)),
        _ => None,
    };
    let exit = match &changes {
        None => Exit::Problems,
        Some(changes) if asked.exit_code && !changes.is_empty() => Exit::Differ,
        Some(_) => Exit::Fine,
    };
    let replayed = match (&old.plan, &new.plan) {
        (Some(old), Some(new)) if !asked.corpus.files.is_empty() => {
            Some(replay::between(old, new, &asked.corpus)?)
        }
        _ => None,
    };
    if old.is_nothing() && !asked.corpus.files.is_empty() {
        terminal.say("no request is compared: there was no plan that could have taken one");
    }
    match asked.format {
        DiffFormat::Json => {
            let report = report(&old, &new, changes.as_ref(), replayed.as_ref());
            terminal.product(&json::text(&report))?;
        }
        DiffFormat::Text => text(&old, &new, changes.as_ref(), terminal)?,
        DiffFormat::Markdown => markdown(&old, &new, changes.as_ref(), terminal)?,
    }
    if let Some(report) = &replayed {
        requests(report, &new, asked.format, terminal)?;
        replay::within(asked.corpus.budget(), report)?;
    }
    match (asked.fail_on, &changes) {
        (Some(limit), Some(changes)) => refusal(limit, changes).map_or(Ok(exit), Err),
        _ => Ok(exit),
    }
}

/// What happens to the requests of a corpus, below what changes.
fn requests(
    report: &Report<'_>,
    new: &Side,
    format: DiffFormat,
    terminal: &Terminal,
) -> Result<(), Stopped> {
    let places = |path: &str| new.place(path);
    match format {
        DiffFormat::Json => Ok(()),
        DiffFormat::Text => terminal.text(&format!("\n{}", render::replay::text(report, &places))),
        DiffFormat::Markdown => {
            terminal.text(&format!("\n{}", render::replay::markdown(report, &places)))
        }
    }
}

/// Why `--fail-on` refuses the changes; none when all are lighter.
fn refusal(limit: FailOn, changes: &Changes) -> Option<Stopped> {
    let limit = limit.weight();
    let heavy = changes
        .changes
        .iter()
        .filter(|change| changes.weight_of(change) >= limit)
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

/// What is compared, as the arguments say.
fn sides(asked: &Diff) -> Result<(Side, Side), Stopped> {
    replay::refuse_two_stdin(asked.paths.iter().chain(&asked.corpus.files))?;
    if let Some(revision) = &asked.git {
        let then = then(revision, &asked.paths)?;
        let now: Vec<Input> = asked.paths.iter().map(working).collect();
        return Ok((then, Side::read(&now)?));
    }
    if let Some(address) = &asked.live {
        let paths = asked.paths.iter();
        let here: Vec<Input> = paths.map(|path| Input::parse(path)).collect();
        // What is here is read first: it is at hand, and a mistake in it needs no network.
        let here = Side::read(&here)?;
        return Ok((served(address, asked.api_key_env.as_deref())?, here));
    }
    let [old, new] = asked.paths.as_slice() else {
        return Err(Stopped::usage(format!(
            "two sides are compared, and {} given",
            match asked.paths.len() {
                1 => "one is".to_owned(),
                many => format!("{many} are"),
            }
        ))
        .help("name OLD and NEW, or compare a PATH with `--git REV` or `--live URL`"));
    };
    Ok((
        Side::read(&[Input::parse(old)])?,
        Side::read(&[Input::parse(new)])?,
    ))
}

/// What a running proxy serves.
fn served(address: &str, key_from: Option<&str>) -> Result<Side, Stopped> {
    let key = env::var(key_from.unwrap_or("CTR_API_KEY")).ok();
    if let (Some(name), None) = (key_from, &key) {
        return Err(Stopped::could_not(format!("variable `{name}` is not set"))
            .help("set it to the key that the proxy asks for"));
    }
    let key = key.filter(|key| !key.is_empty());
    let asking = ask_plan(address, key.as_deref());
    let plan = async_runtime()?.block_on(asking).map_err(|error| {
        // An address may hold a password, so only one that was asked is told.
        let told = match &error {
            AskError::Address(why) => format!("`--live` cannot be asked: {why}"),
            _ => format!("`{address}` cannot be asked for its plan: {error}"),
        };
        Stopped::could_not(told).help(error.help())
    })?;
    Ok(Side {
        name: address.to_owned(),
        sources: Sources::new(),
        plan: Some(plan),
        problems: Problems::default(),
        provenance: Provenance::default(),
    })
}

/// What a revision had at paths of the working tree. A path that only the working tree has
/// is no part of it; when all are, it is nothing.
fn then(revision: &str, paths: &[String]) -> Result<Side, Stopped> {
    let all = paths.iter().map(|path| at(revision, path));
    let all = all.collect::<Result<Vec<_>, _>>()?;
    let there = all.iter().zip(paths);
    let there = there.filter(|(input, path)| !(is_missing(input) && Path::new(path).exists()));
    let there: Vec<Input> = there.map(|(input, _)| input.clone()).collect();
    match there.is_empty() {
        true => Ok(Side {
            name: names(&all),
            sources: Sources::new(),
            plan: None,
            problems: Problems::default(),
            provenance: Provenance::default(),
        }),
        false => Side::read(&there),
    }
}

fn working(path: &String) -> Input {
    Input::Path(PathBuf::from(path))
}

fn is_missing(input: &Input) -> bool {
    reload::read(slice::from_ref(input)).is_err_and(|error| error.is_missing())
}

/// A path of the working tree as it was in a revision: as it is written, or where its links
/// lead if the revision has only that.
fn at(revision: &str, path: &str) -> Result<Input, Stopped> {
    if path == "-" {
        return Err(Stopped::usage("a revision holds no stdin")
            .help("name files or folders of the working tree"));
    }
    let [written, followed] = reload::places(revision, path)?.map(|path| Input::Revision {
        revision: revision.to_owned(),
        path,
    });
    Ok(match is_missing(&written) && !is_missing(&followed) {
        true => followed,
        false => written,
    })
}

fn names(inputs: &[Input]) -> String {
    inputs.iter().map(name_of).collect::<Vec<_>>().join(" ")
}

/// How an input is named to the reader.
fn name_of(input: &Input) -> String {
    match input {
        Input::Path(path) => path.display().to_string(),
        Input::Stdin => "-".to_owned(),
        Input::Revision { revision, path } => format!("{revision}:{path}"),
    }
}

impl Side {
    pub(super) fn read(inputs: &[Input]) -> Result<Self, Stopped> {
        let sources = reload::read(inputs)?;
        let name = names(inputs);
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
                provenance: Provenance::default(),
            });
        }
        let progress = Progress::compiling(&sources);
        let compiled = compile(&sources);
        drop(progress);
        Ok(Self {
            name,
            sources,
            plan: compiled.plan,
            problems: compiled.problems,
            provenance: compiled.provenance,
        })
    }

    /// Whether nothing was there to be read.
    fn is_nothing(&self) -> bool {
        self.plan.is_none() && self.sources.is_empty()
    }

    /// Whether what was read is no plan.
    fn is_refused(&self) -> bool {
        self.plan.is_none() && !self.is_nothing()
    }

    /// Where the value at a path of the plan is written.
    fn place(&self, path: &str) -> Option<String> {
        render::replay::written_at(path, &self.provenance, &self.sources)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
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
            for side in [old, new].into_iter().filter(|side| side.is_refused()) {
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
            .filter(|side| side.is_refused())
            .map(|side| render::diff::markdown_refused(&side.name, &side.problems, &side.sources));
        return terminal.text(&refused.collect::<Vec<_>>().join("\n"));
    };
    terminal.text(&render::diff::markdown(changes))
}

fn report(
    old: &Side,
    new: &Side,
    changes: Option<&Changes>,
    replayed: Option<&Report<'_>>,
) -> json::Diff {
    json::Diff {
        ok: changes.is_some(),
        differ: changes.map(|changes| !changes.is_empty()),
        old: old.report(),
        new: new.report(),
        diff: changes.map(render::diff::json),
        replay: replayed.map(|report| render::replay::json(report, &|path| new.place(path))),
    }
}
