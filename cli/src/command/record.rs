//! `ctr record`: serve, and write down the requests for a replay.

use std::fs;
use std::time::Duration;

use ctr_compiler::plan;
use ctr_runtime::counts::Counts;
use ctr_runtime::observe::{Observer, Record, check_corpus};

use super::start;
use crate::args::{self, Format};
use crate::exit::{Exit, Stopped};
use crate::report::{Terminal, counted, printable};

pub(super) fn run(asked: args::Record, terminal: &Terminal) -> Result<Exit, Stopped> {
    let path = &asked.output;
    let to = path.display().to_string();
    // A name that is no text could be written to under another name only.
    if path.to_str().is_none() {
        return Err(
            Stopped::usage("the file's name is not UTF-8").help("choose another after `-o`")
        );
    }
    // Told before anything listens: a proxy only warns of it and serves on.
    check_corpus(path).map_err(|error| {
        Stopped::could_not(format!("cannot record in `{to}`: {error}"))
            .help("name a file after `-o` that is new or holds a corpus")
    })?;
    let record = Record {
        to: plan::Recording {
            text: asked.text,
            max_bytes: u64::MAX,
            ..plan::Recording::to(to)
        },
        requests: asked.requests,
    };
    let recording = Recording {
        record,
        duration: asked.duration,
    };
    start::run_serving(asked.serving, Some(&recording), terminal)
}

/// What is recorded while it is served, and for how long.
pub(super) struct Recording {
    pub(super) record: Record,
    duration: Option<Duration>,
}

impl Recording {
    /// The file, for people.
    pub(super) fn file(&self) -> String {
        printable(&format!("`{}`", self.record.to.path), false).into_owned()
    }

    /// Waits until it is over by itself.
    pub(super) fn end(&self, observer: Observer) -> impl Future<Output = ()> + use<> {
        let duration = self.duration;
        async move {
            let elapsed = async {
                match duration {
                    Some(duration) => tokio::time::sleep(duration).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = observer.reached() => {}
                () = elapsed => {}
            }
        }
    }

    /// Tells what was written.
    pub(super) fn tell(
        &self,
        counts: &Counts,
        format: Format,
        terminal: &Terminal,
    ) -> Result<Exit, Stopped> {
        let written = usize::try_from(counts.written()).unwrap_or(usize::MAX);
        let bytes = fs::metadata(&self.record.to.path).map_or(0, |found| found.len());
        if format == Format::Text {
            let mut line = format!(
                "recorded {} in {}",
                counted(written, "request"),
                self.file()
            );
            line.push_str(&format!(", which has {bytes} bytes"));
            if counts.dropped() > 0 {
                line.push_str(&format!("; {} had no room to wait", counts.dropped()));
            }
            terminal.text(&format!("{line}\n"))?;
        }
        match counts.failed() {
            0 => Ok(Exit::Fine),
            many => {
                let many = usize::try_from(many).unwrap_or(usize::MAX);
                let why = counts.error().unwrap_or_default();
                Err(Stopped::could_not(format!(
                    "{} could not be recorded: {why}",
                    counted(many, "request")
                )))
            }
        }
    }
}
