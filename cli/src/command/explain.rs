//! `ctr explain`: where does this request go, and why?

use std::io::{self, Read};
use std::path::Path;

use ctr_compiler::explain::{Given, explain};
use ctr_compiler::health::Seen;
use ctr_compiler::plan::{Endpoint, Plan};
use ctr_compiler::render::explain as render;
use ctr_compiler::route::{PoolSnapshot, RequestFeatures};
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile};
use ctr_runtime::reload::{self, Input};
use ctr_runtime::requests::{LARGEST, Request};
use jiff::Timestamp;

use super::start::found_at_home;
use crate::args::{Explain, Format};
use crate::exit::{Exit, Stopped};
use crate::report::{Progress, Terminal, json};

pub(super) fn run(asked: &Explain, terminal: &Terminal) -> Result<Exit, Stopped> {
    let stdin = [Some(&asked.request), asked.state.as_ref()];
    let stdin = stdin.into_iter().flatten().chain(&asked.config);
    if stdin.filter(|input| *input == "-").count() > 1 {
        return Err(
            Stopped::usage("two inputs cannot both be stdin").help("write one of them into a file")
        );
    }
    let sources = reload::read(&inputs(&asked.config)?)?;
    let Some(compiled) = compiled(&sources, terminal)? else {
        return Ok(Exit::Problems);
    };
    let Some(plan) = &compiled.plan else {
        return Ok(Exit::Problems);
    };
    let body = bytes(&asked.request)?;
    let request = Request::read(body, asked.protocol.map(Into::into), plan).map_err(problem)?;
    let given = match &asked.state {
        Some(path) => state(path, plan)?,
        None => Given::default(),
    };
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    let features = RequestFeatures {
        session: given.session.session(),
        answers: given.answers.answers(),
        ..request.features()
    };
    let seen = |endpoint: &Endpoint| given.seen(plan, endpoint, now, &|_| Seen::UNUSED);
    let snapshot = PoolSnapshot::new(&seen, 0);
    let explained = explain(plan, &compiled.provenance, &features, &snapshot, now);
    match asked.format {
        Format::Text => terminal.text(&render::text(&explained, &compiled.places))?,
        Format::Json => {
            terminal.product(&json::text(&render::json(&explained, &compiled.places)))?;
        }
    }
    Ok(Exit::Fine)
}

/// The document set that was named, or the one at home.
pub(super) fn inputs(config: &[String]) -> Result<Vec<Input>, Stopped> {
    if config.is_empty() {
        return Ok(vec![Input::Path(found_at_home()?)]);
    }
    Ok(config.iter().map(|input| Input::parse(input)).collect())
}

/// What a document set compiles to, or a plan that was compiled before; none where
/// it has errors, which are told.
pub(super) fn compiled(
    sources: &Sources,
    terminal: &Terminal,
) -> Result<Option<Compiled>, Stopped> {
    let mut all = sources.iter();
    let only = all.next().filter(|_| all.next().is_none());
    if let Some((_, source)) = only.filter(|(_, source)| Plan::is_plan(source.text())) {
        let read = Plan::from_json(source.text()).map_err(|error| Stopped {
            exit: Exit::Problems,
            message: format!("`{}`: {error}", source.name()),
            help: Some("compile the registration again with this ctr".to_owned()),
        });
        return read.map(|plan| Some(plan.into()));
    }
    let progress = Progress::compiling(sources);
    let compiled = compile(sources);
    drop(progress);
    if compiled.plan.is_none() {
        terminal.problems(&compiled.problems, sources);
        return Ok(None);
    }
    Ok(Some(compiled))
}

fn problem((message, help): (String, String)) -> Stopped {
    Stopped {
        exit: Exit::Problems,
        message,
        help: Some(help),
    }
}

fn state(path: &str, plan: &Plan) -> Result<Given, Stopped> {
    let value = serde_json::from_slice(&bytes(path)?).map_err(|error| {
        problem((
            format!("`{path}` is no JSON: {error}"),
            "write `{\"endpoint-id\": \"open\"}`".to_owned(),
        ))
    })?;
    Given::read(&value, plan).map_err(problem)
}

/// A file, or standard input.
fn bytes(path: &str) -> Result<Vec<u8>, Stopped> {
    if path != "-" {
        return Ok(reload::read_request(Path::new(path), LARGEST)?);
    }
    let mut bytes = Vec::new();
    let most = (LARGEST as u64).saturating_add(1);
    let read = io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| Stopped::could_not(format!("cannot read stdin: {error}")))?;
    Ok(bytes)
}
