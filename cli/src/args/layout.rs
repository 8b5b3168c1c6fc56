//! Arguments of the commands that write a document again.

use std::path::PathBuf;

use clap::ValueHint;

use super::{Format, Syntax};

/// Lay registrations out in the one canonical way
///
/// Comments, anchors and the order of everything stay; what a file means does
/// not change. A file with mistakes of syntax is left as it is, and the others
/// are formatted all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A folder stands for its *.yaml, *.yml, *.json and *.kdl files, as it does for
`ctr compile`. The names of changed files are printed.

Exit codes:
  0  every file is formatted now, or was (--check)
  1  a file has mistakes of syntax, or is not formatted (--check)
  3  a file cannot be read or written

Examples:
  ctr fmt registration.yaml
  ctr fmt models/ router.kdl
  ctr fmt --check .
  ctr fmt - < registration.yaml
  ctr fmt --stdin-name registration.kdl - < registration.kdl")]
pub(crate) struct Fmt {
    /// Files and folders; `-` alone is stdin, formatted to stdout
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,

    /// Change nothing, and print what would change
    #[arg(long)]
    pub(crate) check: bool,

    /// What stdin would be called as a file, which says its syntax
    #[arg(long, value_name = "NAME")]
    pub(crate) stdin_name: Option<String>,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// Write a registration in another syntax
///
/// It has the same plan. Comments are written too, where the syntax has them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr convert --to kdl registration.yaml
  ctr convert --to yaml -o registration.yaml ~/.claude-trigger-router/config.json
  ctr convert --to json main:registration.yaml
  ctr convert --to yaml --stdin-name registration.kdl - < registration.kdl")]
pub(crate) struct Convert {
    /// The syntax to write
    #[arg(long, value_name = "SYNTAX")]
    pub(crate) to: Syntax,

    /// A file, `REV:PATH` in git, or `-` for stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) input: String,

    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// What stdin would be called as a file, which says its syntax
    #[arg(long, value_name = "NAME")]
    pub(crate) stdin_name: Option<String>,
}
