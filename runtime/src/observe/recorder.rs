//! What the thread writes of requests, and what it says when it cannot.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ctr_compiler::corpus::{Request, write_request};
use ctr_compiler::plan::Recording;

use super::corpus_file::CorpusFile;
use super::looks::Looks;
use super::queue::Shared;
use crate::pool::create_private;

/// The file that is written to, and how that goes.
pub(super) struct Recorder {
    shared: Arc<Shared>,
    path: PathBuf,
    file: Option<CorpusFile>,
    /// Lines that are not in the file yet.
    pending: u64,
    lines: u64,
}

impl Recorder {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            path: PathBuf::new(),
            file: None,
            pending: 0,
            lines: 0,
        }
    }

    /// Writes a request; `looks` is what was looked for in its text.
    pub(super) fn record(
        &mut self,
        (recording, path): (&Recording, PathBuf),
        looks: &Looks,
        request: &Request,
    ) {
        let most = self.shared.record.as_ref().and_then(|it| it.requests);
        if most.is_some_and(|most| self.lines >= most) {
            return;
        }
        if path != self.path {
            self.flush();
            self.file = None;
            self.path = path;
        }
        if let Err(error) = self.write(recording, looks, request) {
            // What was written before is in the file first, so that it does not look
            // as if writing went on, or is lost with the file.
            let lost = match &self.file {
                Some(_) => {
                    self.flush();
                    0
                }
                None => std::mem::take(&mut self.pending),
            };
            return self.fails(lost + 1, &error);
        }
        self.pending += 1;
        self.lines += 1;
        if most == Some(self.lines) {
            self.flush();
            self.shared.reached.notify_one();
        }
    }

    fn write(&mut self, recording: &Recording, looks: &Looks, request: &Request) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                if let Some(directory) = self.shared.directory()
                    && self.path.starts_with(directory)
                {
                    create_private(directory)?;
                }
                self.file.insert(CorpusFile::open(&self.path)?)
            }
        };
        let most = recording.max_bytes;
        if file.bytes() >= most {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("it has the {most} bytes that it may have"),
            ));
        }
        let written = match &looks.finder {
            Some(finder) => file.tell(finder.set()),
            None => Ok(()),
        };
        let written = written.and_then(|()| file.write(&write_request(request)));
        if written.is_err() {
            // Half a line may be there, which opening it again makes whole.
            self.file = None;
        }
        written
    }

    /// Hands what gathered to the system.
    pub(super) fn flush(&mut self) {
        let many = std::mem::take(&mut self.pending);
        if many == 0 {
            return;
        }
        match self.file.as_mut().map_or(Ok(()), CorpusFile::flush) {
            Ok(()) => {
                if self.shared.counts.writes(many) {
                    tracing::info!("requests are recorded again");
                }
            }
            Err(error) => {
                self.file = None;
                self.fails(many, &error);
            }
        }
    }

    fn fails(&self, many: u64, error: &io::Error) {
        let path = self.path.display();
        if self.shared.counts.fails(many, format!("`{path}`: {error}")) {
            tracing::warn!(%path, %error, "requests cannot be recorded; they are served all the same");
        }
    }
}
