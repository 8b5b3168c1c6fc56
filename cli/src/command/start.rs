//! `ctr start`: serve a registration until told to stop. `ctr record` does the same,
//! and records.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use ctr_compiler::diagnostic::{Code, Diagnostic, Severity};
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile};
use ctr_runtime::reload::{self, Input, LoadError};
use ctr_runtime::server::{self, Running, StartError};
use ctr_runtime::settings::Settings;

use super::record::Recording;
use super::{async_runtime, compile as checking};
use crate::args::{Format, Serving, Start};
use crate::exit::{Exit, Stopped};
use crate::log;
use crate::report::{Terminal, counted, printable};

/// Where the registration is looked for when none is named, and where state is kept,
/// below the home folder.
pub(super) const FOLDER: &str = ".claude-trigger-router";
const NAMES: [&str; 3] = ["config.yaml", "config.yml", "config.json"];

pub(super) fn run(asked: Start, terminal: &Terminal) -> Result<Exit, Stopped> {
    run_serving(asked.serving, None, terminal)
}

/// Serves, and records where that is asked for.
pub(super) fn run_serving(
    asked: Serving,
    recording: Option<&Recording>,
    terminal: &Terminal,
) -> Result<Exit, Stopped> {
    match &asked.plan {
        Some(written) => {
            let plan = compiled_plan(written)?;
            run_plan(plan, asked, recording, terminal)
        }
        None => run_registration(asked, recording, terminal),
    }
}

fn run_plan(
    plan: Plan,
    asked: Serving,
    recording: Option<&Recording>,
    terminal: &Terminal,
) -> Result<Exit, Stopped> {
    let level = asked.log_level.unwrap_or(plan.log_level);
    let _flush = log::begin(level, asked.log_format, terminal.colour_err())?;
    let format = asked.log_format;
    let starting = server::start_plan(plan, settings(asked, recording, Vec::new()));
    async_runtime()?.block_on(serve(starting, format, recording, terminal))
}

/// Reads what `--plan` names.
fn compiled_plan(written: &str) -> Result<Plan, Stopped> {
    let sources = reload::read(&[Input::parse(written)])?;
    let refused = |message, help: &str| Stopped {
        exit: Exit::Problems,
        message,
        help: Some(help.to_owned()),
    };
    let only = sources.iter().next().filter(|_| sources.len() == 1);
    let text = only.map_or("", |(_, source)| source.text());
    if !Plan::is_plan(text) {
        return Err(refused(
            format!("`{written}` is no compiled plan"),
            "write one with `ctr compile -o plan.json`, or name a registration with `--config`",
        ));
    }
    Plan::from_json(text).map_err(|error| {
        refused(
            format!("`{written}`: {error}"),
            "compile the registration again with this ctr",
        )
    })
}

fn settings(asked: Serving, recording: Option<&Recording>, inputs: Vec<PathBuf>) -> Settings {
    let state_dir = asked.state_dir.or_else(|| Some(home()?.join(FOLDER)));
    Settings {
        inputs,
        host: asked.host,
        port: asked.port,
        log_level: asked.log_level,
        only: asked.expect_hash,
        state_dir,
        record: recording.map(|recording| recording.record.clone()),
        shadow: asked.shadow,
        env: Arc::new(|name| env::var(name).ok()),
    }
}

fn run_registration(
    mut asked: Serving,
    recording: Option<&Recording>,
    terminal: &Terminal,
) -> Result<Exit, Stopped> {
    let paths = if asked.config.is_empty() {
        vec![found_at_home()?]
    } else {
        std::mem::take(&mut asked.config)
    };
    // The server compiles again when it starts. This run is for the reader: it
    // draws what is wrong before anything listens, and knows the log level.
    let inputs: Vec<Input> = paths.iter().cloned().map(Input::Path).collect();
    let sources = reload::read(&inputs)?;
    let mut compiled = compile(&sources);
    // Whatever the document says of them, without a value nothing can be served.
    for unset in checking::unset(&compiled) {
        compiled.problems.push(unset);
    }
    compiled.problems.deny(Code::EnvUnset);
    compiled.problems.sort();
    let plan = compiled
        .plan
        .as_ref()
        .filter(|_| !compiled.problems.has_errors());
    let level = asked.log_level.or(plan.map(|plan| plan.log_level));
    let _flush = log::begin(
        level.unwrap_or(ctr_compiler::plan::LogLevel::Info),
        asked.log_format,
        terminal.colour_err(),
    )?;
    tell_problems(&compiled, &sources, asked.log_format, terminal);
    if plan.is_none() {
        return Ok(Exit::Problems);
    }
    let format = asked.log_format;
    let starting = server::start(settings(asked, recording, paths));
    async_runtime()?.block_on(serve(starting, format, recording, terminal))
}

async fn serve(
    starting: impl Future<Output = Result<Running, StartError>>,
    format: Format,
    recording: Option<&Recording>,
    terminal: &Terminal,
) -> Result<Exit, Stopped> {
    let running = match starting.await {
        Ok(running) => running,
        // Only where the file was saved between the two readings.
        Err(
            StartError::Refused { compiled, sources }
            | StartError::Shadow(LoadError::Refused { compiled, sources }),
        ) => {
            tell_problems(&compiled, &sources, format, terminal);
            return Ok(Exit::Problems);
        }
        // Whoever collects log lines meets nothing else.
        Err(error) if format == Format::Json => {
            let Stopped { exit, message, .. } = error.into();
            tracing::error!("{message}");
            return Ok(exit);
        }
        Err(error) => return Err(error.into()),
    };
    let (addr, live) = (running.addr(), running.live());
    let observer = running.observer().clone();
    let end = recording.map(|recording| recording.end(observer.clone()));
    let ended = running.wait_until(async move {
        match end {
            Some(end) => end.await,
            None => std::future::pending().await,
        }
    });
    if format == Format::Text {
        terminal.text(&format!(
            "ctr {} serves plan {} ({}, {}) on http://{}\n",
            env!("CARGO_PKG_VERSION"),
            live.hash.short(),
            counted(live.plan().models.len(), "model"),
            counted(live.plan().pools.len(), "pool"),
            addr,
        ))?;
        if let Some(recording) = recording {
            terminal.text(&format!("records requests in {}\n", recording.file()))?;
        }
        if let Some(shadow) = observer.shadow() {
            terminal.text(&format!(
                "shadow {shadow} decides about each request too and sends nothing; \
                 http://{addr}/api/plan/shadow tells what it would change\n"
            ))?;
        }
    }
    // Held no longer than it is told of: a swap may replace it.
    drop(live);
    ended.await;
    if let (Some(summary), Format::Text) = (observer.summary(), format) {
        terminal.text(&printable(&format!("{summary}\n"), false))?;
    }
    match recording {
        Some(recording) => recording.tell(observer.counts(), format, terminal),
        None => Ok(Exit::Fine),
    }
}

/// In text drawn as `ctr compile` draws them; in JSON as log lines, so that
/// whoever collects them meets nothing else.
fn tell_problems(compiled: &Compiled, sources: &Sources, format: Format, terminal: &Terminal) {
    if format == Format::Text {
        return terminal.problems(&compiled.problems, sources);
    }
    for found in compiled.problems.iter() {
        let Diagnostic { code, headline, .. } = found;
        let place = found
            .span()
            .map(|span| sources.place(span))
            .unwrap_or_default();
        match found.severity {
            Severity::Error => tracing::error!(%code, place, "{headline}"),
            Severity::Warning => tracing::warn!(%code, place, "{headline}"),
            Severity::Note => tracing::info!(%code, place, "{headline}"),
        }
    }
}

fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

pub(super) fn found_at_home() -> Result<PathBuf, Stopped> {
    let folder = env::home_dir().unwrap_or_default().join(FOLDER);
    let found = NAMES
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        let looked_for = NAMES.join("`, `");
        Stopped::could_not(format!(
            "no registration: none of `{looked_for}` is in `{}`",
            folder.display()
        ))
        .help("name one with `--config`, or see `ctr demo` first")
    })
}
