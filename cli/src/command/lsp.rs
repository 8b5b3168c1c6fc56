//! `ctr lsp`: speaks to an editor until it says that it leaves.

use ctr_compiler::plan::LogLevel;
use ctr_runtime::reload::Input;

use super::async_runtime;
use crate::args::{Format, Lsp};
use crate::exit::{Exit, Stopped};
use crate::report::Terminal;
use crate::{log, lsp};

pub(super) fn run(asked: Lsp, terminal: &Terminal) -> Result<Exit, Stopped> {
    let set = asked.set.into_iter().map(Input::Path).collect();
    let _flush = log::begin(LogLevel::Warn, Format::Text, terminal.colour_err())?;
    let runtime = async_runtime()?;
    let said_goodbye = runtime.block_on(lsp::serve(set));
    // A read of stdin that nobody will answer must not keep the process.
    runtime.shutdown_background();
    // The protocol asks for 1 where `exit` comes without `shutdown`.
    Ok(if said_goodbye {
        Exit::Fine
    } else {
        Exit::Problems
    })
}
