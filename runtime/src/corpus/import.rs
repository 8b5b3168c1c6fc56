//! What other programs keep of requests, as lines of a corpus.
//!
//! Such files know less than a proxy does: no tools, no limits, often no text.
//! What is not there is left out and not guessed. A line that holds no request
//! is counted by what it is; one that cannot be read is named.

mod spend;
mod transcript;

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use ctr_compiler::corpus::{Finder, Request, TextShape, redact, write_patterns, write_request};

use super::{Piece, each_line};

/// Lines that could not be read and are named one by one.
const NAMED: usize = 10;
/// Kinds of lines that are told apart.
const KINDS: usize = 50;

/// What files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Transcripts of Claude Code.
    ClaudeCode,
    /// Spend logs of LiteLLM.
    Litellm,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Requests that were written.
    pub requests: u64,
    /// Lines or rows that were read.
    pub read: u64,
    /// Lines that hold no request, by what they are.
    pub passed_over: BTreeMap<String, u64>,
    /// Lines that could not be read.
    pub bad: u64,
    /// The first of them: file, number, and what is wrong.
    pub first_bad: Vec<String>,
}

impl Imported {
    fn passes_over(&mut self, what: &str) {
        let is_known = self.passed_over.len() < KINDS || self.passed_over.contains_key(what);
        let what = if is_known { what } else { "other" };
        *self.passed_over.entry(what.to_owned()).or_default() += 1;
    }

    fn is_bad(&mut self, file: &str, number: u64, what: &str) {
        self.bad += 1;
        if self.first_bad.len() < NAMED {
            self.first_bad.push(format!("{file}: line {number} {what}"));
        }
    }
}

/// Reads files of one kind and hands over lines of a corpus.
pub struct Importer<'i> {
    kind: Kind,
    out: Out<'i>,
    transcripts: transcript::Transcripts,
}

/// Where requests go.
struct Out<'i> {
    write: &'i mut dyn FnMut(&str) -> io::Result<()>,
    finder: Option<&'i Finder>,
    keeps_text: bool,
    imported: Imported,
}

impl<'i> Importer<'i> {
    /// `write` takes each line of the corpus. With a finder, what it looks for in
    /// a text is noted; `keeps_text` keeps texts, redacted.
    ///
    /// # Errors
    /// As `write` says.
    pub fn new(
        kind: Kind,
        finder: Option<&'i Finder>,
        keeps_text: bool,
        write: &'i mut dyn FnMut(&str) -> io::Result<()>,
    ) -> io::Result<Self> {
        if let Some(finder) = finder {
            write(&write_patterns(finder.set()))?;
        }
        Ok(Self {
            kind,
            out: Out {
                write,
                finder,
                keeps_text,
                imported: Imported::default(),
            },
            transcripts: transcript::Transcripts::default(),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line cannot be written.
    pub fn file(&mut self, name: &str, reader: &mut dyn BufRead) -> io::Result<()> {
        match self.kind {
            Kind::ClaudeCode => {
                let mut written = Ok(());
                let (transcripts, out) = (&mut self.transcripts, &mut self.out);
                let mut number = 0;
                each_line(reader, |piece| {
                    number += 1;
                    if written.is_ok() {
                        written = match piece {
                            Piece::Line(line) => transcripts.line(name, number, line, out),
                            Piece::TooLong => {
                                out.imported.is_bad(name, number, "is too long");
                                Ok(())
                            }
                        };
                    }
                })?;
                written?;
                transcripts.end(out)
            }
            Kind::Litellm => spend::file(name, reader, &mut self.out),
        }
    }

    /// What came of it.
    pub fn finish(self) -> Imported {
        self.out.imported
    }
}

impl Out<'_> {
    fn request(&mut self, request: &Request) -> io::Result<()> {
        self.imported.requests += 1;
        (self.write)(&write_request(request))
    }

    /// What is known of a text.
    fn text(&self, text: Option<&str>) -> Option<TextShape> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        let mut shape = match self.finder {
            Some(finder) => finder.find(text),
            None => TextShape {
                chars: text.chars().count() as u64,
                ..TextShape::default()
            },
        };
        shape.kept = self.keeps_text.then(|| redact(text).into_owned());
        Some(shape)
    }

    /// Which messages are looked at.
    fn scope(&self) -> ctr_compiler::plan::AnalysisScope {
        let last = ctr_compiler::plan::AnalysisScope::LastMessage;
        self.finder.map_or(last, |finder| finder.set().scope)
    }
}

/// A session's name, so that nobody reads it again.
fn session_key(name: &str) -> String {
    blake3::hash(name.as_bytes()).to_hex()[..16].to_owned()
}

/// A time as logs write it, in milliseconds since 1970: RFC 3339, with a blank in
/// place of the `T`, and in UTC where it names no zone.
fn time(text: &str) -> Option<u64> {
    let text = text.trim().replacen(' ', "T", 1);
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let at = zoned.or_else(|| {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    u64::try_from(at?.as_millisecond()).ok()
}
