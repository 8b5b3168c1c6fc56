//! `ctr test`: do requests go where the tests say?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ctr_compiler::Compiled;
use ctr_compiler::diagnostic::{Problems, Severity};
use ctr_compiler::plan::Plan;
use ctr_compiler::registration::TestEntry;
use ctr_compiler::render::suite as render;
use ctr_compiler::route::RequestFeatures;
use ctr_compiler::source::{Places, Sources};
use ctr_compiler::suite::{self, Case, Coverage, Mutation, Report, mutants};
use ctr_runtime::reload::{self, Input};
use ctr_runtime::requests::{LARGEST, NoRequest, Request};

use super::explain::{compiled, inputs};
use crate::args::{Test, TestFormat};
use crate::exit::{Exit, Stopped};
use crate::report::{Bar, Terminal, json};

pub(super) fn run(asked: &Test, terminal: &Terminal) -> Result<Exit, Stopped> {
    let (config, files) = sorted(asked)?;
    let mut sources = reload::read(&config)?;
    let Some(compiled) = compiled(&sources, terminal)? else {
        return Ok(Exit::Problems);
    };
    let Some(plan) = &compiled.plan else {
        return Ok(Exit::Problems);
    };
    let mut problems = compiled.test_problems.clone();
    let mut tests = compiled.tests.clone();
    for file in &files {
        let read = reload::read(&[Input::Path(file.clone())])?;
        for (_, source) in read.iter() {
            let id = sources.add(source.name(), source.text());
            tests.extend(suite::read(&sources, id, Some(plan), &mut problems));
        }
    }
    terminal.problems(&problems, &sources);
    if tests.is_empty() && problems.is_empty() {
        return Err(Stopped {
            exit: Exit::Problems,
            message: "there are no tests".to_owned(),
            help: Some(
                "write some below `Tests:` in the registration, or into `routes.test.yaml` \
                 beside it"
                    .to_owned(),
            ),
        });
    }
    let held: Vec<Held> = tests
        .iter()
        .map(|test| held(test, &sources, plan))
        .collect();
    let cases: Vec<Case<'_>> = tests.iter().zip(&held).map(case).collect();
    let report = report(asked, &compiled, plan, &cases);
    tell(asked, &report, &Places::of(&sources), terminal)?;
    Ok(ended(asked, &report, &problems, terminal))
}

/// What is the registration, and what holds tests.
fn sorted(asked: &Test) -> Result<(Vec<Input>, Vec<PathBuf>), Stopped> {
    let is_test = |path: &&String| {
        let path = Path::new(path.as_str());
        !path.is_dir() && path.file_name().is_some_and(reload::is_test)
    };
    let (named, others): (Vec<&String>, Vec<&String>) = asked.paths.iter().partition(is_test);
    let mut files: Vec<PathBuf> = named.into_iter().map(PathBuf::from).collect();
    let mut config = asked.config.clone();
    match config.is_empty() {
        true => config.extend(others.into_iter().cloned()),
        false => {
            for path in others {
                files.extend(in_path(Path::new(path))?);
            }
        }
    }
    let inputs = inputs(&config)?;
    if files.is_empty() {
        for input in &inputs {
            if let Input::Path(path) = input
                && path.exists()
            {
                files.extend(reload::tests_beside(path)?);
            }
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    Ok((inputs, files))
}

/// The tests of a folder, or a file whatever its name.
fn in_path(path: &Path) -> Result<Vec<PathBuf>, Stopped> {
    match path.is_dir() {
        true => Ok(reload::tests_beside(path)?),
        false => Ok(vec![path.to_owned()]),
    }
}

/// The request of a test; none where its features say all.
type Held = Option<Result<Request, NoRequest>>;

fn held(test: &TestEntry, sources: &Sources, plan: &Plan) -> Held {
    let read = |body| Request::read(body, test.protocol, plan);
    match (&test.request, &test.body) {
        (Some(_), Some(_)) => Some(Err((
            "it has both `request` and `body`".to_owned(),
            "leave one of them".to_owned(),
        ))),
        (None, None) => None,
        (None, Some(body)) => Some(read(body.value.to_string().into_bytes())),
        (Some(file), None) => {
            let beside = Path::new(sources.get(file.span.source).name()).parent();
            let path = beside.unwrap_or(Path::new("")).join(&file.value);
            Some(match reload::read_request(&path, LARGEST) {
                Ok(body) => read(body),
                Err(error) => Err((error.to_string(), error.help().to_owned())),
            })
        }
    }
}

fn case<'c>((entry, held): (&'c TestEntry, &'c Held)) -> Case<'c> {
    let base = match held {
        None => Ok(RequestFeatures::plain(None, None)),
        Some(Ok(request)) => Ok(request.features()),
        Some(Err((why, help))) => Err((why.as_str(), help.as_str())),
    };
    Case {
        entry,
        request: base.map(|base| entry.over(base)),
    }
}

fn report(asked: &Test, compiled: &Compiled, plan: &Plan, cases: &[Case<'_>]) -> Report {
    let provenance = &compiled.provenance;
    let ran: Vec<_> = cases
        .iter()
        .map(|case| suite::run(plan, provenance, case))
        .collect();
    let mutation = asked.mutate.then(|| {
        let holding = cases.iter().zip(&ran);
        let holding = holding.filter(|(_, ran)| ran.failed.is_empty());
        let holding: Vec<Case<'_>> = holding.map(|(case, _)| *case).collect();
        let mut survivors = mutants(plan, provenance, asked.max_mutants);
        let tried = survivors.len();
        let bar = Bar::over(tried, "changes tried");
        survivors.retain(|mutant| {
            let is_noticed = mutant.is_noticed(plan, &holding);
            bar.step();
            !is_noticed
        });
        Mutation { tried, survivors }
    });
    Report {
        coverage: Coverage::of(plan, provenance, &ran),
        ran,
        mutation,
    }
}

fn tell(
    asked: &Test,
    report: &Report,
    places: &Places,
    terminal: &Terminal,
) -> Result<(), Stopped> {
    match asked.format {
        TestFormat::Text => terminal.text(&render::text(report, places)),
        TestFormat::Json => terminal.product(&json::text(&render::json(report, places))),
        TestFormat::Junit => terminal.product(&render::junit(report, places)),
    }
}

/// How it ended; what was missed beside failed tests is said.
fn ended(asked: &Test, report: &Report, problems: &Problems, terminal: &Terminal) -> Exit {
    let mut is_fine = report.failed() == 0 && problems.count(Severity::Error) == 0;
    let covered = report.coverage.percent();
    if let Some(least) = asked.min_coverage.filter(|least| covered < *least) {
        is_fine = false;
        let message = format!("coverage is {covered:.1} %, and --min-coverage asks for {least} %");
        terminal.stopped(&missed(message, "test what is listed as not reached"));
    }
    let noticed = report.mutation.as_ref().map_or(100.0, Mutation::percent);
    if let Some(least) = asked.min_killed.filter(|least| noticed < *least) {
        is_fine = false;
        let message =
            format!("{noticed:.1} % of changes are noticed, and --min-killed asks for {least} %");
        terminal.stopped(&missed(message, "test what the listed changes would break"));
    }
    match is_fine {
        true => Exit::Fine,
        false => Exit::Problems,
    }
}

fn missed(message: String, help: &str) -> Stopped {
    Stopped {
        exit: Exit::Problems,
        message,
        help: Some(help.to_owned()),
    }
}
