//! `ctr eval`: how good are the models, and the plan that routes to them?

mod ask;
mod history;
pub(super) mod outcomes;
mod tasks;

use clap::{ValueEnum, ValueHint};

use crate::exit::{Exit, Stopped};
use crate::report::Terminal;

/// Say how good models answer, and how good a plan is that chooses among them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --outcomes nothing is called: each prompt of the file is decided as the proxy
would decide it, and what the chosen model scored and cost is looked up. What such a
file holds, and every formula, is in docs/outcomes.md.

--run asks a proxy that is started for it from --config, or the one at --base-url.
The tasks, the formulas and the files are in docs/evaluation.md.

Exit codes:
  0  fine, whether answers passed or not
  1  the document, rows or tasks have mistakes; --compare finds a model significantly
     worse; --min-quality-change or --max-cost refuses the change
  3  could not: a file, the network, no model answered
  64 wrong usage
  130 ended with Ctrl-C; what was finished by then is told

Examples:
  ctr eval --outcomes outcomes.jsonl --plan registration.yaml
  ctr eval --outcomes outcomes.jsonl --plan registration.yaml --map sonnet=gpt-4-1106-preview
  ctr eval --outcomes outcomes.jsonl --compare main:registration.yaml registration.yaml
  ctr eval --outcomes outcomes.jsonl --compare old.yaml new.yaml --max-cost +10%
  ctr eval --outcomes outcomes.jsonl --plan registration.yaml --format svg > plot.svg
  ctr eval --tasks
  ctr eval --run --models 'sonnet;haiku' --config registration.yaml
  ctr eval --run --models sonnet --base-url http://127.0.0.1:5678 --judge-model opus
  ctr eval --run --models sonnet --tasks-file tasks.yaml --repeats 5 --cache answers/
  ctr eval --input results.json --save-history --history-label nightly
  ctr eval --input results.json --compare baseline.json --format markdown
  ctr eval --history
  ctr eval --history --format svg > trend.svg")]
pub(crate) struct Eval {
    #[command(flatten)]
    outcomes: outcomes::Args,

    /// With --outcomes two sides, each a file, a folder, a compiled plan or `REV:PATH` in
    /// git; with tasks an earlier report that --json printed: exit with 1 when a model is
    /// significantly worse
    #[arg(long, num_args = 1..=2, value_name = "SIDE", value_hint = ValueHint::AnyPath)]
    compare: Vec<String>,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    // Last, since its heading holds for what stands behind it.
    #[command(flatten)]
    tasks: Box<tasks::Args>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// A JUnit report, for CI servers
    Junit,
    /// For a comment on a pull request
    Markdown,
    /// One page with plots
    Html,
    /// A plot
    Svg,
}

pub(super) fn run(asked: &Eval, terminal: &Terminal) -> Result<Exit, Stopped> {
    if let Some(asked) = outcomes::asked(asked) {
        return outcomes::run(&asked, terminal);
    }
    match tasks::asked(asked) {
        Some(asked) => tasks::run(&asked, terminal),
        None => Err(Stopped::usage("nothing to evaluate is named").help(
            "give one of `--outcomes FILE`, `--tasks`, `--input FILE`, `--run --models NAMES` and `--history`",
        )),
    }
}
