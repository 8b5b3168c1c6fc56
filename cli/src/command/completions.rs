//! `ctr completions`: what the shell may offer after `ctr`.

use clap::CommandFactory;
use clap::builder::PossibleValuesParser;
use ctr_compiler::diagnostic::Code;
use ctr_compiler::plan::LogLevel;

use crate::args::{Args, Completions};
use crate::exit::{Exit, Stopped};
use crate::report::Terminal;

pub(super) fn run(asked: &Completions, terminal: &Terminal) -> Result<Exit, Stopped> {
    let mut script = Vec::new();
    clap_complete::generate(asked.shell, &mut command(), "ctr", &mut script);
    terminal.product(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}

/// The command line with the values that a shell can offer. The commands parse
/// these themselves, as their own words for a mistake say more.
fn command() -> clap::Command {
    let known = Args::command();
    let names: Vec<String> = std::iter::once(&known)
        .chain(known.get_subcommands())
        .map(|command| command.get_name().to_owned())
        .collect();
    let codes = Code::ALL.iter().map(|code| code.as_str());
    known
        .mut_subcommand("explain-code", |command| {
            command.mut_arg("code", |arg| {
                arg.value_parser(PossibleValuesParser::new(codes))
            })
        })
        .mut_subcommand("start", with_levels)
        .mut_subcommand("record", with_levels)
        .mut_subcommand("man", |command| {
            command.mut_arg("page", |arg| {
                arg.value_parser(PossibleValuesParser::new(names))
            })
        })
}

fn with_levels(command: clap::Command) -> clap::Command {
    let levels = PossibleValuesParser::new(LogLevel::NAMES);
    command.mut_arg("log_level", |arg| arg.value_parser(levels))
}
