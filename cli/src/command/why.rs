//! `ctr why`: where does a value of the plan come from?

use ctr_compiler::why::why;
use ctr_compiler::{compile, render};
use ctr_runtime::reload::{self, Input};

use super::start::found_at_home;
use crate::args::{Format, Why};
use crate::exit::{Exit, Stopped};
use crate::report::{Progress, Terminal, json};

pub(super) fn run(asked: &Why, terminal: &Terminal) -> Result<Exit, Stopped> {
    let inputs = if asked.config.is_empty() {
        vec![Input::Path(found_at_home()?)]
    } else {
        let written = asked.config.iter();
        written.map(|input| Input::parse(input)).collect()
    };
    let sources = reload::read(&inputs)?;
    let progress = Progress::compiling(&sources);
    let compiled = compile(&sources);
    drop(progress);
    let Some(plan) = &compiled.plan else {
        terminal.problems(&compiled.problems, &sources);
        return Ok(Exit::Problems);
    };
    let answer = why(plan, &compiled.provenance, &asked.path).map_err(|unknown| Stopped {
        exit: Exit::Problems,
        message: unknown.what,
        help: Some(unknown.help),
    })?;
    match asked.format {
        Format::Text => terminal.text(&render::why::text(&answer, &sources))?,
        Format::Json => {
            terminal.product(&json::text(&render::why::json(&answer, &sources)))?;
        }
    }
    Ok(Exit::Fine)
}
