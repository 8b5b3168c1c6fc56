//! The only reader of registration files: paths, standard input and git
//! revisions become [`Sources`].
//!
//! It judges nothing it reads. It never takes more than one byte over the
//! compiler's limit, so that the compiler can say that a text is too large
//! without anybody having held all of it, and it opens nothing that could block.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ctr_compiler::Limits;
use ctr_compiler::source::Sources;

use super::revision;

/// Endings of registration files in a directory.
const ENDINGS: [&str; 4] = ["yaml", "yml", "json", "kdl"];

/// Where a registration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, or a directory of them.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// A file or directory as git has it.
    Revision {
        /// Anything git resolves to a commit or tree: `main`, `HEAD~1`, a hash.
        revision: String,
        /// Relative to the current directory.
        path: String,
    },
}

impl Input {
    /// Reads an argument: `-` is standard input; whatever exists is a path;
    /// `REV:PATH` is a revision; anything else is a path that does not exist yet.
    pub fn parse(text: &str) -> Self {
        if text == "-" {
            return Self::Stdin;
        }
        if Path::new(text).symlink_metadata().is_ok() || has_drive(text) {
            return Self::Path(PathBuf::from(text));
        }
        match text.split_once(':') {
            Some((revision, path)) if !revision.is_empty() && !path.is_empty() => Self::Revision {
                revision: revision.to_owned(),
                path: path.to_owned(),
            },
            _ => Self::Path(PathBuf::from(text)),
        }
    }
}

/// `C:\…` and `C:/…`.
fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

/// Why an input could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    name: String,
    what: String,
    help: String,
    is_missing: bool,
}

impl ReadError {
    pub(super) fn new(
        name: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            what: what.into(),
            help: help.into(),
            is_missing: false,
        }
    }

    /// The same, where what should be read is not there.
    pub(super) fn missing(self) -> Self {
        Self {
            is_missing: true,
            ..self
        }
    }

    /// Whether a revision has no such file or directory, or a directory holds no
    /// registration.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// What to do about it, starting with a verb.
    pub fn help(&self) -> &str {
        &self.help
    }

    fn from_io(name: &str, error: &io::Error) -> Self {
        let (what, help) = match error.kind() {
            io::ErrorKind::NotFound => (
                "it does not exist".to_owned(),
                "check the path, and the directory you are in",
            ),
            io::ErrorKind::PermissionDenied => (
                "permission denied".to_owned(),
                "let the user that runs ctr read it, and enter its directories",
            ),
            io::ErrorKind::NotADirectory => (
                "part of its path is a file, not a directory".to_owned(),
                "check the path",
            ),
            _ => (error.to_string(), "check the file and the disk it is on"),
        };
        Self::new(name, what, help)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`: {}", self.name, self.what)
    }
}

impl std::error::Error for ReadError {}

/// Reads every input in order. A directory stands for its `*.yaml`, `*.yml`,
/// `*.json` and `*.kdl` files that are not hidden, by name; it is not searched further down.
/// What is given twice counts once. Blocks.
///
/// # Errors
/// The first input that cannot be read.
pub fn read(inputs: &[Input]) -> Result<Sources, ReadError> {
    let mut reading = Reading {
        sources: Sources::new(),
        seen: BTreeSet::new(),
    };
    for input in inputs {
        match input {
            Input::Path(path) => reading.path(path)?,
            Input::Stdin => {
                if reading.seen.insert(PathBuf::from("-")) {
                    let text = limited(io::stdin().lock())
                        .map_err(|error| ReadError::from_io("<stdin>", &error))?;
                    reading.sources.add("<stdin>", text);
                }
            }
            Input::Revision { revision, path } => {
                let name = format!("{revision}:{path}");
                // No path on disk has an empty first part before a colon, so the two cannot meet.
                if reading.seen.insert(PathBuf::from(format!(":{name}"))) {
                    revision::read(revision, path, &mut reading.sources)?;
                }
            }
        }
    }
    Ok(reading.sources)
}

/// Reads standard input as a source of this name.
///
/// # Errors
/// As the system says.
pub fn read_stdin(name: &str) -> Result<Sources, ReadError> {
    let text = limited(io::stdin().lock());
    let text = text.map_err(|error| ReadError::from_io("<stdin>", &error))?;
    Ok(Sources::single(name, text))
}

/// The files that a path stands for, in the order they count: itself, or the
/// registration files of a directory.
///
/// # Errors
/// When there is nothing at the path, or a directory holds no registration.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let name = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| ReadError::from_io(&name, &error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let listing = fs::read_dir(path).map_err(|error| ReadError::from_io(&name, &error))?;
    let mut names = Vec::new();
    for entry in listing {
        let entry = entry.map_err(|error| ReadError::from_io(&name, &error))?;
        if is_registration(&entry.file_name()) && !entry.path().is_dir() {
            names.push(entry.file_name());
        }
    }
    if names.is_empty() {
        return Err(nothing_in(&name));
    }
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.into_iter().map(|name| path.join(name)).collect())
}

pub(super) fn nothing_in(name: &str) -> ReadError {
    ReadError::new(
        name,
        "this directory holds no registration",
        "put a `.yaml`, `.yml`, `.json` or `.kdl` file into it, or name a file",
    )
    .missing()
}

/// Whether a name in a directory is one that is read. Route tests are not: what is
/// wrong in one must not keep a registration from being served.
pub(super) fn is_registration(name: &OsStr) -> bool {
    has_ending(name) && !is_test(name)
}

fn has_ending(name: &OsStr) -> bool {
    let ending = Path::new(name).extension().and_then(OsStr::to_str);
    !name.as_encoded_bytes().starts_with(b".")
        && ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Whether this is the name of a file of route tests: `*.test.yaml` and the like.
pub fn is_test(name: &OsStr) -> bool {
    let stem = Path::new(name).file_stem().map(Path::new);
    let inner = stem.and_then(Path::extension).and_then(OsStr::to_str);
    has_ending(name) && inner == Some("test")
}

/// Files of route tests in a directory, by name; in that of a file, where `path`
/// is one.
///
/// # Errors
/// When the directory cannot be read.
pub fn tests_beside(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let directory = match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(path),
    };
    let listed = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    let name = directory.display().to_string();
    let listing = fs::read_dir(listed).map_err(|error| ReadError::from_io(&name, &error))?;
    let mut names = Vec::new();
    for entry in listing {
        let entry = entry.map_err(|error| ReadError::from_io(&name, &error))?;
        if is_test(&entry.file_name()) && !entry.path().is_dir() {
            names.push(entry.file_name());
        }
    }
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// Reads a file that a route test names, up to a limit and one byte.
///
/// # Errors
/// When there is no regular file, or it cannot be read.
pub fn read_request(path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    let name = path.display().to_string();
    let from_io = |error: io::Error| ReadError::from_io(&name, &error);
    if !fs::metadata(path).map_err(from_io)?.is_file() {
        return Err(ReadError::new(
            name.clone(),
            "it is no regular file",
            "name a file that holds a request body",
        ));
    }
    let mut body = Vec::new();
    let file = File::open(path).map_err(from_io)?;
    file.take((most as u64).saturating_add(1))
        .read_to_end(&mut body)
        .map_err(from_io)?;
    Ok(body)
}

/// Whether [`read`] of a directory would take a file of this path, were it there.
pub fn would_read(directory: &Path, file: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let same = match (fs::canonicalize(directory), fs::canonicalize(parent)) {
        (Ok(directory), Ok(parent)) => directory == parent,
        _ => false,
    };
    same && file.file_name().is_some_and(is_registration)
}

/// Everything up to one byte over the compiler's limit.
pub(super) fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let most = u64::try_from(Limits::default().source_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut text = Vec::new();
    from.take(most).read_to_end(&mut text)?;
    Ok(text)
}

struct Reading {
    sources: Sources,
    seen: BTreeSet<PathBuf>,
}

impl Reading {
    fn path(&mut self, path: &Path) -> Result<(), ReadError> {
        for file in files(path)? {
            let name = file.display().to_string();
            let text = self
                .file(&file)
                .map_err(|error| ReadError::from_io(&name, &error))?;
            match text {
                Found::Text(text) => {
                    self.sources.add(name, text);
                }
                Found::Seen => {}
                Found::Special => {
                    return Err(ReadError::new(
                        name,
                        "it is a pipe, a socket or a device",
                        "name a regular file, or pipe the text in and name it `-`",
                    ));
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path) -> io::Result<Found> {
        // Asked before opening: opening a pipe without a writer would wait for one.
        if !fs::metadata(file)?.is_file() {
            return Ok(Found::Special);
        }
        if !self.seen.insert(file.canonicalize()?) {
            return Ok(Found::Seen);
        }
        limited(File::open(file)?).map(Found::Text)
    }
}

/// What is behind the name of a file.
enum Found {
    Text(Vec<u8>),
    Seen,
    Special,
}
