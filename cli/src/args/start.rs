//! The command line of what serves: `ctr start` and `ctr record`.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use ctr_compiler::plan::{Hash, LogLevel};

use super::{Format, simulate};

/// Serve a registration and follow its changes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --config and --plan, the first of config.yaml, config.yml and config.json
in ~/.claude-trigger-router is served.

Examples:
  ctr start
  ctr start --config registration.yaml --port 8080
  ctr start --config models/ --config router.yaml --log-format json
  ctr start --config registration.yaml --state-dir /var/lib/ctr
  ctr start --config registration.yaml --shadow candidate.yaml
  ctr start --plan plan.json --expect-hash \"$(cat reviewed.hash)\"")]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) serving: Serving,
}

/// Serve as `ctr start` does, and record the requests for a replay
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A request is a line of the corpus when it has ended. Texts are not kept unless --text
is given; in their place stands which patterns of the plan occur in them. What a line
holds is in docs/corpus.md. Ctrl-C ends it.

Examples:
  ctr record --config registration.yaml -o corpus.jsonl
  ctr record --config registration.yaml -o corpus.jsonl --requests 1000
  ctr record --config registration.yaml -o corpus.jsonl --duration 10m --text
  ctr replay candidate.yaml --corpus corpus.jsonl")]
pub(crate) struct Record {
    /// Write the corpus here, behind what it holds
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Keep texts, without what looks like a key, an address or another secret
    #[arg(long)]
    pub(crate) text: bool,

    /// End after so many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) requests: Option<u64>,

    /// End after so long: `90s`, `10m`, `8h`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,

    #[command(flatten)]
    pub(crate) serving: Serving,
}

// No doc comment: clap would show it in place of the command's own.
#[derive(Debug, clap::Args)]
pub(crate) struct Serving {
    /// A file or folder of the document set; may be given several times
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) config: Vec<PathBuf>,

    /// Serve this compiled plan, without its registration; nothing is watched
    #[arg(long, value_name = "PLAN", conflicts_with = "config", value_hint = ValueHint::FilePath)]
    pub(crate) plan: Option<String>,

    /// Serve the plan of this hash and no other, neither now nor after a save
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub(crate) expect_hash: Option<Hash>,

    /// Let this registration decide about every request too, without sending
    /// anything, and count what it would change; may be given several times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) shadow: Vec<PathBuf>,

    /// Listen on this port instead of the registration's; 0 takes a free one
    #[arg(short, long)]
    pub(crate) port: Option<u16>,

    /// Listen on this host instead of the registration's
    #[arg(long, value_hint = ValueHint::Hostname)]
    pub(crate) host: Option<String>,

    /// Keep traces and what is known about endpoints here, from one start to the next;
    /// `~/.claude-trigger-router` unless given
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) state_dir: Option<PathBuf>,

    /// How log lines are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: Format,

    /// Least severe log line that is written; the registration's `LOG_LEVEL` unless given
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    pub(crate) log_level: Option<LogLevel>,
}

fn duration(text: &str) -> Result<Duration, String> {
    match simulate::time(text)? {
        0 => Err("write a time above zero, for example `10m`".to_owned()),
        ms => Ok(Duration::from_millis(ms)),
    }
}

fn hash(text: &str) -> Result<Hash, String> {
    Hash::from_hex(text.trim())
        .ok_or_else(|| "give all 64 digits, as `ctr compile --format json` prints them".to_owned())
}

fn level(word: &str) -> Result<LogLevel, String> {
    let known = LogLevel::WORDS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map(|(_, level)| *level).ok_or_else(|| {
        let words: Vec<&str> = LogLevel::WORDS.iter().map(|(word, _)| *word).collect();
        format!("use one of {}", words.join(", "))
    })
}
