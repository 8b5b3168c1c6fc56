//! `ctr completions`: what the shell may offer after `ctr`.

use clap::CommandFactory;

use crate::args::{Args, Completions};
use crate::exit::{Exit, Stopped};
use crate::report::Terminal;

pub(super) fn run(asked: &Completions, terminal: &Terminal) -> Result<Exit, Stopped> {
    let mut script = Vec::new();
    clap_complete::generate(asked.shell, &mut Args::command(), "ctr", &mut script);
    terminal.product(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
