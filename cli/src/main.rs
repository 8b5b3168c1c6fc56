//! The `ctr` binary: arguments in, words and exit codes out.

mod args;
mod command;
mod exit;
mod log;
mod lsp;
mod report;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Args::try_parse() {
        Ok(args) => command::run(args).into(),
        Err(told) => {
            // Help and version come this way too, and are no mistake. That
            // nobody reads the words does not change the exit code.
            let _ = told.print();
            if told.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Fine.into()
            }
        }
    }
}
