//! The command line of `ctr corpus`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum, ValueHint};

use super::Format;

/// Make a corpus of what other programs keep
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr corpus import claude-code ~/.claude/projects -o corpus.jsonl
  ctr corpus import litellm spend-logs.csv -o corpus.jsonl")]
pub(crate) struct Corpus {
    #[command(subcommand)]
    pub(crate) command: CorpusCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CorpusCommand {
    Import(CorpusImport),
}

/// Turn transcripts or spend logs into a corpus
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The corpus goes to stdout or -o, and what could not be used to stderr. Text is not
kept unless --text is given; with --patterns, what a registration looks for in it is.

Formats:
  claude-code   transcripts of Claude Code, ~/.claude/projects/**/*.jsonl
  litellm       LiteLLM's spend logs: JSON Lines, a JSON list, or CSV

Examples:
  ctr corpus import claude-code ~/.claude/projects -o corpus.jsonl
  ctr corpus import claude-code --patterns registration.yaml ~/.claude/projects > corpus.jsonl
  ctr corpus import litellm spend-logs.csv -o corpus.jsonl
  ctr corpus import litellm --format json spend-logs.jsonl -o corpus.jsonl")]
pub(crate) struct CorpusImport {
    /// What the files are
    #[arg(value_name = "FORMAT")]
    pub(crate) from: Foreign,

    /// Files, and folders of which every file of the format is read; `-` is stdin
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<String>,

    /// Note which patterns of this registration or plan occur in each text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) patterns: Vec<String>,

    /// Keep texts, without what looks like a key, an address or another secret
    #[arg(long)]
    pub(crate) text: bool,

    /// Write the corpus here; `-` is stdout
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// How to print what could not be used
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Foreign {
    /// Transcripts of Claude Code
    ClaudeCode,
    /// Spend logs of LiteLLM
    Litellm,
}
