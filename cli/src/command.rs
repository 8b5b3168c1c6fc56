//! One file a command.

mod compile;
mod completions;
mod convert;
mod corpus;
mod demo;
mod diff;
pub(crate) mod eval;
mod explain;
mod explain_code;
mod fmt;
mod import;
mod lsp;
mod man;
mod record;
mod replay;
mod schema;
mod simulate;
mod start;
mod test;
pub(crate) mod tune;
mod why;

use std::env;
use std::num::NonZero;
use std::thread::available_parallelism;

use ctr_compiler::Settings;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Builder;

use crate::args::{Args, Command};
use crate::exit::{Exit, Stopped};
use crate::report::Terminal;

/// Runs what was asked for and tells how it ended.
pub(crate) fn run(args: Args) -> Exit {
    let terminal = Terminal::new(args.color);
    let ended = match args.command {
        Command::Compile(asked) => compile::run(&asked, &terminal),
        Command::Diff(asked) => diff::run(&asked, &terminal),
        Command::Eval(asked) => eval::run(&asked, &terminal),
        Command::Tune(asked) => tune::run(&asked, &terminal),
        Command::Why(asked) => why::run(&asked, &terminal),
        Command::Explain(asked) => explain::run(&asked, &terminal),
        Command::Test(asked) => test::run(&asked, &terminal),
        Command::Import(asked) => import::run(&asked, &terminal),
        Command::Fmt(asked) => fmt::run(&asked, &terminal),
        Command::Convert(asked) => convert::run(&asked, &terminal),
        Command::Simulate(asked) => simulate::run(&asked, &terminal),
        Command::Replay(asked) => replay::run(&asked, &terminal),
        Command::Corpus(asked) => corpus::run(&asked, &terminal),
        Command::Start(asked) => start::run(asked, &terminal),
        Command::Record(asked) => record::run(asked, &terminal),
        Command::Demo(asked) => demo::run(&asked, &terminal),
        Command::ExplainCode(asked) => explain_code::run(&asked, &terminal),
        Command::Lsp(asked) => lsp::run(asked, &terminal),
        Command::Schema(asked) => schema::run(&asked, &terminal),
        Command::Completions(asked) => completions::run(&asked, &terminal),
        Command::Man(asked) => man::run(&asked, &terminal),
    };
    ended.unwrap_or_else(|stopped| {
        terminal.stopped(&stopped);
        stopped.exit
    })
}

/// How a document is judged today, the same for everybody who looks at one moment.
pub(crate) fn as_of_today() -> Settings {
    Settings {
        today: Some(Timestamp::now().to_zoned(TimeZone::UTC).date()),
        ..Settings::default()
    }
}

/// Runs tasks on as many threads as there are processors, or `TOKIO_WORKER_THREADS`
/// says. One thread needs no scheduler for several, which costs a relayed request a tenth.
fn async_runtime() -> Result<tokio::runtime::Runtime, Stopped> {
    let mut builder = match workers() {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let built = builder.enable_all().build();
    built.map_err(|error| Stopped::could_not(format!("cannot start threads: {error}")))
}

fn workers() -> usize {
    let asked = env::var("TOKIO_WORKER_THREADS").ok();
    let asked = asked.and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get))
}
