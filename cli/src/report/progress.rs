//! That a long command is still at work: a sign on stderr after a second, and
//! none where nobody would see it move. It is gone before anything is printed.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ctr_compiler::source::Sources;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{counted, printable};

/// Work that ends sooner needs no sign.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two pictures.
const TICK: Duration = Duration::from_millis(100);

/// The whole in bytes, and how many are done.
type Part = (u64, Arc<AtomicU64>);

/// A sign that lasts until this is dropped.
pub(crate) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// That these sources are compiled.
    pub(crate) fn compiling(sources: &Sources) -> Self {
        if !is_seen() {
            return Self(None);
        }
        let bytes: usize = sources.iter().map(|(_, source)| source.text().len()).sum();
        let megabytes = bytes as f64 / 1e6;
        let files = counted(sources.len(), "file");
        let what = match sources.iter().next() {
            Some((_, only)) if sources.len() == 1 => printable(only.name(), false).into_owned(),
            _ => files,
        };
        Self::showing(format!("compiling {what}, {megabytes:.1} MB"), None)
    }

    /// That files of so many bytes are read, of which `seen` says how many were;
    /// where nobody knows how many there are, without a bar.
    pub(crate) fn reading(names: &[String], bytes: u64, seen: &Arc<AtomicU64>) -> Self {
        if !is_seen() {
            return Self(None);
        }
        let what = match names {
            [only] => printable(only, false).into_owned(),
            many => counted(many.len(), "file"),
        };
        let part = (bytes > 0).then(|| (bytes, Arc::clone(seen)));
        Self::showing(format!("reading {what}"), part)
    }

    /// That something is searched for, and nobody knows how long.
    pub(crate) fn searching(what: &str) -> Self {
        match is_seen() {
            true => Self::showing(format!("searching {what}"), None),
            false => Self(None),
        }
    }

    fn showing(what: String, part: Option<Part>) -> Self {
        let (ends, ended) = mpsc::channel();
        let showing = thread::Builder::new().spawn(move || show(&what, part, &ended));
        // Without a thread to spare the work goes on unseen.
        Self(showing.ok().map(|showing| (ends, showing)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((ends, showing)) = self.0.take() {
            drop(ends);
            let _ = showing.join();
        }
    }
}

/// How far a long command is, where somebody sees it. It is gone when this is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// So many steps.
    pub(crate) fn over(steps: usize, what: &'static str) -> Self {
        let target = match is_seen() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Whether stderr is a terminal that can move its cursor.
fn is_seen() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    !is_dumb && io::stderr().is_terminal()
}

fn show(what: &str, part: Option<Part>, ended: &Receiver<()>) {
    let waits = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
    if !waits(PATIENCE) {
        return;
    }
    let (whole, done) = part.unzip();
    let template = match whole {
        Some(_) => "{spinner} {msg} [{bar:30}] {percent} % ({elapsed})",
        None => "{spinner} {msg} ({elapsed})",
    };
    let bar = ProgressBar::with_draw_target(whole, ProgressDrawTarget::stderr())
        .with_elapsed(PATIENCE)
        .with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    loop {
        if let Some(done) = &done {
            bar.set_position(done.load(Ordering::Relaxed));
        }
        bar.tick();
        if !waits(TICK) {
            break;
        }
    }
    bar.finish_and_clear();
}
