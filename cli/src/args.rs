//! The command line as clap reads it. What it means is said in `command`.

mod corpus;
mod layout;
mod replay;
mod routes;
mod simulate;
mod start;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use ctr_compiler::diff::Weight;
use ctr_compiler::document;
use ctr_compiler::import;

pub(crate) use crate::command::eval::Eval;
pub(crate) use crate::command::tune::Tune;
pub(crate) use corpus::{Corpus, CorpusCommand, CorpusImport, Foreign};
pub(crate) use layout::{Convert, Fmt};
pub(crate) use replay::{Corpus as Requests, Replay, percent};
pub(crate) use routes::{Explain, Test, TestFormat};
pub(crate) use simulate::{Moment, Simulate};
pub(crate) use start::{Record, Serving, Start};

const EXITS: &str = "\
Exit codes:
  0  fine
  1  the document has errors, a test failed, or --locked, --fail-on,
     --max-moved, --max-cost, --expect-hash or --check refuses it
  2  the plans differ (only with --exit-code)
  3  could not: a file, the network, a port
  64 wrong usage";

/// Routing of LLM traffic as reviewed source.
///
/// A registration document is compiled into a plan; a review sees what a
/// change means; the same plan is served.
#[derive(Debug, Parser)]
#[command(name = "ctr", version, after_help = EXITS, arg_required_else_help = true)]
pub(crate) struct Args {
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Compile(Compile),
    Diff(Diff),
    Eval(Eval),
    Tune(Tune),
    Why(Why),
    Explain(Explain),
    Test(Test),
    Import(Import),
    Fmt(Fmt),
    Convert(Convert),
    Simulate(Simulate),
    Replay(Replay),
    Corpus(Corpus),
    Start(Start),
    Record(Record),
    Demo(Demo),
    ExplainCode(ExplainCode),
    Schema(Schema),
    Lsp(Lsp),
    Completions(Completions),
    Man(Man),
}

/// Check a registration, and preview or write its plan
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr compile registration.yaml
  ctr compile --preview registration.yaml
  ctr compile -o plan.json models/ router.yaml
  ctr compile --locked plan.json models/ router.yaml
  ctr compile --format sarif registration.yaml > ctr.sarif
  git show main:registration.yaml | ctr compile --format json -")]
pub(crate) struct Compile {
    /// Files and folders of one document set; `-` is stdin, `REV:PATH` a file in git
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<String>,

    /// Print what the plan does, for a reviewer
    #[arg(long)]
    pub(crate) preview: bool,

    /// How to print; formats for CI servers say nothing of variables that are not
    /// set there, unless --strict is given
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: CompileFormat,

    /// Write the canonical plan; `-` is stdout
    #[arg(short, long, value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Refuse a document whose variables are not all set here
    #[arg(long)]
    pub(crate) strict: bool,

    /// Refuse a document that is not this reviewed plan: a compiled plan, or a
    /// text that begins with its hash
    #[arg(long, value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub(crate) locked: Option<String>,
}

/// Say what changes between two registrations or plans
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "\
ctr diff [OPTIONS] <OLD> <NEW>
       ctr diff [OPTIONS] --git <REV> <PATH>...
       ctr diff [OPTIONS] --live <URL> <PATH>...",
    after_help = "\
Examples:
  ctr diff main:registration.yaml registration.yaml
  ctr diff --git main registration.yaml
  ctr diff --git HEAD~1 --format markdown models/ router.yaml
  ctr diff --live http://127.0.0.1:5678 --exit-code registration.yaml
  ctr diff --exit-code plan.json registration/
  ctr diff --format markdown --fail-on breaking main:registration.yaml registration.yaml
  ctr diff --format json old.yaml new.yaml
  ctr diff --corpus corpus.jsonl --max-moved 5% --max-cost +10% main:registration.yaml registration.yaml"
)]
pub(crate) struct Diff {
    /// OLD and NEW: each a file, a folder, a compiled plan, `REV:PATH` in git,
    /// or `-` for stdin. With --git or --live, the parts of one document set
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,

    /// Compare the paths at this revision with the working tree; what the
    /// revision does not have is new
    #[arg(long, value_name = "REV")]
    pub(crate) git: Option<String>,

    /// Compare the plan that this running proxy serves with the paths
    #[arg(long, value_name = "URL", conflicts_with = "git", value_hint = ValueHint::Url)]
    pub(crate) live: Option<String>,

    /// The variable that holds the proxy's key; `CTR_API_KEY` unless given
    #[arg(long, value_name = "NAME", requires = "live")]
    pub(crate) api_key_env: Option<String>,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: DiffFormat,

    /// Exit with 2 when the plans differ
    #[arg(long)]
    pub(crate) exit_code: bool,

    /// Exit with 1 when a change has this weight or a heavier one
    #[arg(long, value_name = "WEIGHT")]
    pub(crate) fail_on: Option<FailOn>,

    #[command(flatten)]
    pub(crate) corpus: Requests,
}

/// Say where a value of the plan comes from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --config, the first of config.yaml, config.yml and config.json in
~/.claude-trigger-router is read.

Examples:
  ctr why pools.sonnet.endpoints.sonnet-a.priority --config registration.yaml
  ctr why 'pools.sonnet.endpoints[0].priority' -c models/ -c router.yaml
  ctr why models.haiku.interface -c registration.yaml
  ctr why router.slots.default -c main:registration.yaml
  ctr why --format json listen.port -c registration.yaml")]
pub(crate) struct Why {
    /// A value as the plan names it
    pub(crate) path: String,

    /// A file or folder of the document set, `REV:PATH` in git, or `-` for
    /// stdin; may be given several times
    #[arg(short, long, num_args = 1.., value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) config: Vec<String>,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// Turn a config of another gateway into a registration
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The registration goes to stdout or -o, and what could not be carried to stderr.
Secrets are not copied: they become variables, which are named. What becomes of
each setting is in docs/import.md.

Formats:
  litellm   LiteLLM's config.yaml
  ccr       claude-code-router's config.json
  ctr-1.7   claude-trigger-router's config.yaml, up to 1.7
  portkey   a Portkey routing config, or its gateway's conf.json

Examples:
  ctr import litellm config.yaml > registration.yaml
  ctr import litellm config.yaml -o registration.yaml
  ctr import ccr ~/.claude-code-router/config.json --to kdl -o registration.kdl
  ctr import ctr-1.7 ~/.claude-trigger-router/config.yaml --strict
  ctr import portkey support.json --format json")]
pub(crate) struct Import {
    /// What the file is: `litellm`, `ccr`, `ctr-1.7` or `portkey`
    #[arg(value_name = "FORMAT", value_parser = foreign())]
    pub(crate) from: import::Format,

    /// The file; `-` is stdin, `REV:PATH` a file in git
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) input: String,

    /// The syntax to write
    #[arg(long, value_name = "SYNTAX", default_value = "yaml")]
    pub(crate) to: Syntax,

    /// Write the registration here; `-` is stdout
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// Write nothing when anything could not be carried as it was
    #[arg(long)]
    pub(crate) strict: bool,

    /// How to print what was lost
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// Show fallback and hot reload on this machine, without any key
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr demo
  ctr demo --once")]
pub(crate) struct Demo {
    /// End after the tour instead of serving on
    #[arg(long)]
    pub(crate) once: bool,

    /// Listen on this port; a free one unless given
    #[arg(short, long)]
    pub(crate) port: Option<u16>,
}

/// Explain a diagnostic code, or list them all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr explain-code
  ctr explain-code pool/shadowed-by-model")]
pub(crate) struct ExplainCode {
    /// The code as a diagnostic shows it
    pub(crate) code: Option<String>,
}

/// Serve an editor: mistakes, completion, hover, rename
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Speaks the Language Server Protocol over stdin and stdout; an editor starts it.
How to set up editors is in docs/editor.md.

Examples:
  ctr lsp
  ctr lsp --set registration/
  ctr lsp --set models/ router.yaml")]
pub(crate) struct Lsp {
    /// Files and folders that are one document set; any other file is looked
    /// at by itself
    #[arg(long, num_args = 1.., value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) set: Vec<PathBuf>,

    /// Accepted and without effect, as some editors pass it: stdin and stdout
    /// are what is spoken over
    #[arg(long, hide = true)]
    pub(crate) stdio: bool,
}

/// Print the JSON Schema of a registration, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr schema > registration.schema.json
  ctr schema -o .vscode/registration.schema.json")]
pub(crate) struct Schema {
    /// Write it to a file
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr completions bash > ~/.local/share/bash-completion/completions/ctr
  ctr completions zsh > ~/.zfunc/_ctr
  ctr completions fish > ~/.config/fish/completions/ctr.fish")]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// Print a manual page, or write them all
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ctr man compile | man -l -
  ctr man -o ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The command whose page is printed; that of `ctr` unless given
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    pub(crate) page: Option<String>,

    /// Write the pages of all commands into this folder
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// Where a terminal shows it; `NO_COLOR` and `CLICOLOR_FORCE` are heard
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Syntax {
    /// For people; with comments
    Yaml,
    /// KDL 2; with comments
    Kdl,
    /// For programs; comments are left out
    Json,
}

impl From<Syntax> for document::Syntax {
    fn from(syntax: Syntax) -> Self {
        match syntax {
            Syntax::Yaml => Self::Yaml,
            Syntax::Kdl => Self::Kdl,
            Syntax::Json => Self::Json,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompileFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// A JUnit report, for CI servers
    Junit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// The comment of a pull request
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Any change
    Quiet,
    /// Some requests are served differently
    Notable,
    /// Some requests may be refused, or callers must change
    Breaking,
    /// Takes effect only when the process is started again
    Restart,
}

impl FailOn {
    /// The lightest weight that is refused.
    pub(crate) fn weight(self) -> Weight {
        match self {
            Self::Quiet => Weight::Quiet,
            Self::Notable => Weight::Notable,
            Self::Breaking => Weight::Breaking,
            Self::Restart => Weight::Restart,
        }
    }
}

fn foreign() -> impl TypedValueParser<Value = import::Format> {
    let words = import::Format::WORDS.iter().map(|(word, _)| *word);
    PossibleValuesParser::new(words).map(|word| {
        let known = import::Format::WORDS
            .iter()
            .find(|(known, _)| *known == word);
        known.map_or(import::Format::Litellm, |(_, format)| *format)
    })
}
