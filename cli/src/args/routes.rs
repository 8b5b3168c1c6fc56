//! Questions about where requests go.

use clap::{ValueEnum, ValueHint};
use ctr_compiler::registration::Spoken;

use super::Format;

/// Say where a request goes, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each step of the chain says what it saw and why it decided or passed; then come
the endpoints in the order they are tried, and the reasons a trace would give.
The text of the request is not repeated. What --state may hold is in
docs/explain.md. Without --config, the first of config.yaml, config.yml and
config.json in ~/.claude-trigger-router is read.

Examples:
  ctr explain request.json --config registration.yaml
  ctr explain request.json -c models/ router.yaml --state down.json
  ctr explain --protocol chat request.json -c registration.yaml
  jq .body captured.json | ctr explain - -c registration.yaml --format json")]
pub(crate) struct Explain {
    /// A request body: Anthropic Messages, OpenAI Chat Completions or Responses;
    /// `-` is stdin
    #[arg(value_name = "REQUEST", value_hint = ValueHint::FilePath)]
    pub(crate) request: String,

    /// A file or folder of the document set, or `REV:PATH` in git; may be given
    /// several times
    #[arg(short, long, num_args = 1.., value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) config: Vec<String>,

    /// What is known beside the request, as JSON: `{"sonnet-a": "open"}`, a saved
    /// model-pool-health.json, or endpoints, session and answers together
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) state: Option<String>,

    /// What the client speaks; seen in the request unless given
    #[arg(long, value_name = "PROTOCOL")]
    pub(crate) protocol: Option<Protocol>,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// Run the route tests of a registration
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tests stand in `Tests` of the registration, or in files such as
routes.test.yaml beside it. How to write them is in docs/route-tests.md.

Exit codes:
  0  all tests hold, and enough is covered
  1  a test failed, or --min-coverage or --min-killed was missed
  3  could not: a file
  64 wrong usage

Examples:
  ctr test registration.yaml
  ctr test --min-coverage 80 registration/
  ctr test --config registration.yaml tests/smoke.test.yaml
  ctr test --mutate registration.yaml
  ctr test --format junit registration.yaml > routes.xml")]
pub(crate) struct Test {
    /// Files and folders: those named `*.test.yaml` hold tests, others are the
    /// registration. Without test files, those beside the registration are read
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,

    /// A file or folder of the registration, where PATHs hold tests only
    #[arg(short, long, num_args = 1.., value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) config: Vec<String>,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: TestFormat,

    /// Exit with 1 when less of the rules, slots, pools and endpoints is reached
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) min_coverage: Option<f64>,

    /// Change the plan in small ways, and list the changes that no test notices
    #[arg(long)]
    pub(crate) mutate: bool,

    /// Exit with 1 when less of the changes is noticed
    #[arg(long, value_name = "PERCENT", requires = "mutate", value_parser = percent)]
    pub(crate) min_killed: Option<f64>,

    /// The most changes that are tried; of more, that many spread over all
    #[arg(long, value_name = "COUNT", requires = "mutate", default_value_t = 500)]
    pub(crate) max_mutants: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// A JUnit report, for CI servers
    Junit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// Anthropic Messages
    Messages,
    /// OpenAI Chat Completions
    Chat,
    /// OpenAI Responses
    Responses,
}

impl From<Protocol> for Spoken {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Messages => Self::Messages,
            Protocol::Chat => Self::Chat,
            Protocol::Responses => Self::Responses,
        }
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').parse().unwrap_or(f64::NAN);
    match (0.0..=100.0).contains(&number) {
        true => Ok(number),
        false => Err("write a number from 0 to 100".to_owned()),
    }
}
