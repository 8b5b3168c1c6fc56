//! `model-pool-health.json` in the state directory: endpoint records from one
//! process to the next, in claude-trigger-router's form.
//!
//! What is in it is advice. A file that cannot be read is said and left aside, and
//! kept beside the new one; one that cannot be written is said once. Neither keeps
//! the proxy from serving.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ctr_compiler::health::Saved;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock;

/// The file's name, which claude-trigger-router's is too.
pub(crate) const NAME: &str = "model-pool-health.json";

/// Far above what any plan needs: a thousand endpoints with full windows are 1 MB.
const LARGEST: u64 = 256 << 20;

#[derive(Deserialize)]
struct Found {
    #[serde(default, rename = "updatedAt")]
    updated_at: Value,
    endpoints: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'s> {
    updated_at: u64,
    endpoints: &'s [Saved],
}

/// The file and what is known about it.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// What stands there is not ours, and is moved aside before it is replaced.
    is_bad: AtomicBool,
    /// Whether a failure to write was said.
    is_told: AtomicBool,
    updated_at: Mutex<Option<u64>>,
}

impl StateFile {
    /// The file in this directory, which need not exist.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            path: directory.join(NAME),
            is_bad: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            updated_at: Mutex::new(None),
        }
    }

    /// When it was last written, in epoch milliseconds.
    pub(crate) fn updated_at(&self) -> Option<u64> {
        *lock(&self.updated_at)
    }

    /// What an earlier process left; nothing where there is none, or nothing that
    /// can be read.
    pub(crate) fn read(&self) -> Vec<Saved> {
        match self.parse() {
            Ok(saved) => saved,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "saved endpoint records cannot be read; every endpoint begins healthy");
                self.is_bad.store(true, Ordering::Relaxed);
                Vec::new()
            }
        }
    }

    fn parse(&self) -> io::Result<Vec<Saved>> {
        let mut text = String::new();
        // Asked before opening: opening a pipe without a writer would wait for one.
        if !fs::metadata(&self.path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let file = File::open(&self.path)?;
        let length = file.take(LARGEST + 1).read_to_string(&mut text)?;
        if length as u64 > LARGEST {
            return Err(io::Error::other(
                "the file is larger than any that was saved",
            ));
        }
        let read: Found = serde_json::from_str(&text)?;
        *lock(&self.updated_at) = read.updated_at.as_u64();
        let all = read.endpoints.len();
        let endpoints = read.endpoints.into_iter();
        let saved: Vec<Saved> = endpoints
            .filter_map(|endpoint| serde_json::from_value(endpoint).ok())
            .collect();
        if saved.len() < all {
            let path = self.path.display();
            let unread = all - saved.len();
            tracing::warn!(%path, unread, "some saved endpoint records cannot be read");
        }
        Ok(saved)
    }

    /// Replaces the file in one step.
    pub(crate) fn write(&self, endpoints: &[Saved], now: u64) {
        match self.replace(endpoints, now) {
            Ok(()) => {
                *lock(&self.updated_at) = Some(now);
                self.is_told.store(false, Ordering::Relaxed);
            }
            Err(error) if self.is_told.swap(true, Ordering::Relaxed) => {
                tracing::debug!(%error, "endpoint records cannot be saved");
            }
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "endpoint records cannot be saved; they last as long as this process");
            }
        }
    }

    fn replace(&self, endpoints: &[Saved], now: u64) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        create_private(directory)?;
        if self.is_bad.load(Ordering::Relaxed) {
            fs::rename(&self.path, self.beside("bad"))?;
            self.is_bad.store(false, Ordering::Relaxed);
        }
        let text = serde_json::to_vec(&Written {
            updated_at: now,
            endpoints,
        })?;
        let temporary = self.beside(&format!("{}.tmp", std::process::id()));
        let written = open_private(&temporary)
            .and_then(|mut file| file.write_all(&text))
            .and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            // It is of no use half written, and there may be none.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.path.with_file_name(format!("{NAME}.{ending}"))
    }
}

/// A directory that only its owner enters; one that exists stays as it is.
#[cfg(unix)]
pub(crate) fn create_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

#[cfg(not(unix))]
pub(crate) fn create_private(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// Makes a file that only its owner reads, where there is none.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match private().open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn private() -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// A new file that only its owner reads.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    // Left by a process of the same number that was killed in the middle.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private().open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ctr_compiler::health::{Failure, Health};
    use ctr_compiler::plan::HealthPolicy;
    use tempfile::TempDir;

    fn saved() -> Vec<Saved> {
        let mut health = Health::default();
        health.failed(
            &HealthPolicy::default(),
            1_000,
            1_000,
            Failure::Status,
            None,
        );
        vec![Saved::of(&health, "m", "a")]
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = TempDir::new().expect("a folder");
        let directory = folder.path().join("deep/down");
        let file = StateFile::new(&directory);
        assert_eq!((file.read(), file.updated_at()), (Vec::new(), None));
        file.write(&saved(), 5);
        file.write(&saved(), 6);
        let next = StateFile::new(&directory);
        assert_eq!((next.read(), next.updated_at()), (saved(), Some(6)));
        assert_eq!(names(&directory), [NAME], "nothing is left lying about");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| {
                fs::metadata(path)
                    .expect("it is there")
                    .permissions()
                    .mode()
            };
            assert_eq!(mode(&directory.join(NAME)) & 0o777, 0o600);
            assert_eq!(mode(&directory) & 0o777, 0o700);
        }
    }

    #[test]
    fn what_cannot_be_read_is_kept_beside() {
        let folder = TempDir::new().expect("a folder");
        for broken in ["", "{", "[]", "{\"endpoints\": 3}", "\u{0}"] {
            fs::write(folder.path().join(NAME), broken).expect("writes");
            let file = StateFile::new(folder.path());
            assert_eq!(file.read(), Vec::new());
            let kept = fs::read_to_string(folder.path().join(NAME)).expect("still there");
            assert_eq!(kept, broken, "until something is written");
            file.write(&saved(), 7);
            let bad = folder.path().join(format!("{NAME}.bad"));
            assert_eq!(fs::read_to_string(bad).expect("kept"), broken);
            assert_eq!(StateFile::new(folder.path()).read(), saved());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_waited_for() {
        use std::os::unix::fs::FileTypeExt;
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join(NAME);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo runs").success());
        let file = StateFile::new(folder.path());
        let (reads, read) = std::sync::mpsc::channel();
        std::thread::spawn(move || reads.send((file.read(), file)));
        let (read, file) = read
            .recv_timeout(std::time::Duration::from_secs(30))
            .expect("it is left aside");
        assert_eq!(read, Vec::new());
        file.write(&saved(), 7);
        assert_eq!(StateFile::new(folder.path()).read(), saved());
        let bad = fs::metadata(path.with_extension("json.bad")).expect("kept");
        assert!(bad.file_type().is_fifo());
    }

    #[test]
    fn one_bad_record_spoils_no_other() {
        let folder = TempDir::new().expect("a folder");
        let text = r#"{"updatedAt": "2026-01-01T00:00:00Z", "endpoints": [
            {"modelId": 3},
            {"modelId": "m", "endpointId": "b", "failureCount": 1, "successCount": 2, "latencySamples": [], "unknown": 1}
        ]}"#;
        fs::write(folder.path().join(NAME), text).expect("writes");
        let read = StateFile::new(folder.path()).read();
        assert_eq!(read.len(), 1);
        assert_eq!((&*read[0].endpoint_id, read[0].success_count), ("b", 2));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_end() {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join("taken"), "").expect("writes");
        let file = StateFile::new(&folder.path().join("taken"));
        file.write(&saved(), 1);
        file.write(&saved(), 2);
        assert_eq!(file.updated_at(), None);
    }
}
