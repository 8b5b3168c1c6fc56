//! `ctr start`: serve a registration until told to stop.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use ctr_compiler::diagnostic::{Code, Diagnostic, Severity};
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile};
use ctr_runtime::reload::{self, Input};
use ctr_runtime::server::{self, StartError};
use ctr_runtime::settings::Settings;

use super::{async_runtime, compile as checking};
use crate::args::{Format, Start};
use crate::exit::{Exit, Stopped};
use crate::log;
use crate::report::{Terminal, counted};

/// Where the registration is looked for when none is named, below the home folder.
const FOLDER: &str = ".claude-trigger-router";
const NAMES: [&str; 3] = ["config.yaml", "config.yml", "config.json"];

pub(super) fn run(asked: Start, terminal: &Terminal) -> Result<Exit, Stopped> {
    let paths = if asked.config.is_empty() {
        vec![found_at_home()?]
    } else {
        asked.config
    };
    // The server compiles again when it starts. This run is for the reader: it
    // draws what is wrong before anything listens, and knows the log level.
    let inputs: Vec<Input> = paths.iter().cloned().map(Input::Path).collect();
    let sources = reload::read(&inputs)?;
    let mut compiled = compile(&sources);
    checking::note_unset(&mut compiled);
    compiled.problems.deny(Code::EnvUnset);
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
    let Some(plan) = plan else {
        return Ok(Exit::Problems);
    };
    let settings = Settings {
        inputs: paths,
        host: asked.host,
        port: asked.port,
        env: Arc::new(|name| env::var(name).ok()),
    };
    async_runtime()?.block_on(serve(settings, plan, asked.log_format, terminal))
}

async fn serve(
    settings: Settings,
    plan: &Plan,
    format: Format,
    terminal: &Terminal,
) -> Result<Exit, Stopped> {
    let running = match server::start(settings).await {
        Ok(running) => running,
        // Only where the file was saved between the two readings.
        Err(StartError::Refused { compiled, sources }) => {
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
    let addr = running.addr();
    let ended = running.wait();
    if format == Format::Text {
        terminal.text(&format!(
            "ctr {} serves plan {} ({}, {}) on http://{}\n",
            env!("CARGO_PKG_VERSION"),
            plan.hash().short(),
            counted(plan.models.len(), "model"),
            counted(plan.pools.len(), "pool"),
            addr,
        ))?;
    }
    ended.await;
    Ok(Exit::Fine)
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

fn found_at_home() -> Result<PathBuf, Stopped> {
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
