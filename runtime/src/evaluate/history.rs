//! `benchmark-history.json`: what evaluations came to, from one run to the next. A
//! proxy and commands write the same file, one at a time.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ctr_compiler::evaluate::{Entry, History};

use crate::pool::{create_private, open_private};

/// The file's name, which claude-trigger-router's is too.
pub const NAME: &str = "benchmark-history.json";

/// Far above what [`ctr_compiler::evaluate::KEPT`] entries need.
const LARGEST: u64 = 32 << 20;

/// Why a history cannot be read or written.
#[derive(Debug)]
pub enum HistoryError {
    /// The file system says so.
    File(io::Error),
    /// What stands there is no history; it is left as it is.
    Text(String),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Text(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for HistoryError {}

impl From<io::Error> for HistoryError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// The file, which need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryFile(PathBuf);

impl HistoryFile {
    /// At this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// In the directory where the proxy keeps its records.
    pub fn in_directory(directory: &Path) -> Self {
        Self(directory.join(NAME))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What it holds; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> Result<History, HistoryError> {
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(History::default()),
            opened => opened?,
        };
        let mut text = String::new();
        let length = file.take(LARGEST + 1).read_to_string(&mut text)?;
        if length as u64 > LARGEST {
            return Err(HistoryError::Text(
                "it is larger than any history".to_owned(),
            ));
        }
        History::read(&text).map_err(HistoryError::Text)
    }

    /// Takes one more and tells what it holds then. Whoever else adds to it waits.
    ///
    /// # Errors
    /// When it cannot be read or written; it is then as it was.
    pub fn add(&self, entry: Entry) -> Result<History, HistoryError> {
        let directory = match self.0.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        create_private(directory)?;
        let locking = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.beside("lock"))?;
        locking.lock()?;
        let mut history = self.read()?;
        history.add(entry);
        let beside = self.beside(&format!("{}.tmp", std::process::id()));
        let written = open_private(&beside)
            .and_then(|mut file| {
                file.write_all(history.write().as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&beside, &self.0));
        if written.is_err() {
            // It is of no use half written, and there may be none.
            let _ = fs::remove_file(&beside);
        }
        written?;
        Ok(history)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        self.0.with_file_name(format!(".{name}.{ending}"))
    }
}

/// Where a proxy keeps its history: in the file, or as long as it runs.
#[derive(Debug)]
pub(crate) enum Log {
    File(HistoryFile),
    Memory(Mutex<History>),
}

impl Log {
    /// In the directory where records outlive the process, if there is one.
    pub(crate) fn new(directory: Option<&Path>) -> Self {
        match directory {
            Some(directory) => Self::File(HistoryFile::in_directory(directory)),
            None => Self::Memory(Mutex::default()),
        }
    }

    pub(crate) fn path(&self) -> Option<String> {
        match self {
            Self::File(file) => Some(file.path().display().to_string()),
            Self::Memory(_) => None,
        }
    }

    pub(crate) fn read(&self) -> Result<History, HistoryError> {
        match self {
            Self::File(file) => file.read(),
            Self::Memory(history) => Ok(lock(history).clone()),
        }
    }

    pub(crate) fn add(&self, entry: Entry) -> Result<History, HistoryError> {
        match self {
            Self::File(file) => file.add(entry),
            Self::Memory(history) => {
                let mut history = lock(history);
                history.add(entry);
                Ok(history.clone())
            }
        }
    }
}

fn lock(history: &Mutex<History>) -> MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn entry(id: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            created_at: format!("2026-01-01T00:00:0{id}Z"),
            ..Entry::default()
        }
    }

    #[test]
    fn entries_outlive_the_process_and_no_writer_loses_another_s() {
        let folder = TempDir::new().expect("a folder");
        let file = HistoryFile::in_directory(&folder.path().join("deep"));
        assert_eq!(file.read().expect("none is there").entries(), []);
        std::thread::scope(|scope| {
            for id in 0..8 {
                let file = &file;
                scope.spawn(move || file.add(entry(&id.to_string())).map(|_| ()));
            }
        });
        let history = file.read().expect("reads");
        let ids: Vec<&str> = history.entries().iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    }

    #[test]
    fn what_is_no_history_is_left_as_it_is() {
        let folder = TempDir::new().expect("a folder");
        for text in [
            "",
            "{",
            "{}",
            "3",
            r#"{"version":2,"entries":[]}"#,
            r#"[{"id":"a"}]"#,
        ] {
            let path = folder.path().join("history.json");
            fs::write(&path, text).expect("writes");
            assert!(HistoryFile::new(&path).add(entry("1")).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).expect("reads"), text);
        }
    }
}
