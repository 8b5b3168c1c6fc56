//! Log lines of a serving process, on stderr.

mod lines;

use std::io;

use ctr_compiler::plan::LogLevel;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) use self::lines::Flush;
use self::lines::Lines;
use crate::args::Format;
use crate::exit::Stopped;

/// Begins to write log lines of our own crates. Libraries below stay quiet:
/// what matters of theirs reaches ours as an error. The last lines are written
/// when the result is dropped.
///
/// # Errors
/// When the thread that writes them cannot be started.
pub(crate) fn begin(level: LogLevel, format: Format, colour: bool) -> Result<Flush, Stopped> {
    let (writer, flush) = Lines::begin(io::stderr())
        .map_err(|error| Stopped::could_not(format!("cannot start threads: {error}")))?;
    // A prefix of every crate of the project, and of no library.
    let ours = Targets::new().with_target("ctr", filter(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        Format::Text => lines.with_ansi(colour).with_filter(ours).boxed(),
        Format::Json => lines.json().flatten_event(true).with_filter(ours).boxed(),
    };
    // Only a second call in one process could fail, and then lines are written already.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    Ok(flush)
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        // What ends the process is written as an error.
        LogLevel::Fatal | LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
