//! Writing a product to a file so that a reader never sees half of it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes `text` beside `path` and renames it into place. A file that is there
/// keeps its permissions; a link is followed; what is no ordinary file
/// (`/dev/stdout`, a pipe) is written to directly.
///
/// # Errors
/// As the file system says; `path` is then as it was.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let there = fs::metadata(&target).ok();
    if there
        .as_ref()
        .is_some_and(|found| !found.is_file() && !found.is_dir())
    {
        return OpenOptions::new()
            .write(true)
            .open(&target)?
            .write_all(text.as_bytes());
    }
    let draft = draft_of(&target)?;
    let kept = there.map(|found| found.permissions());
    let written = write_new(&draft, text, kept).and_then(|()| fs::rename(&draft, &target));
    if written.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write_new(path: &Path, text: &str, kept: Option<Permissions>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // What only its owner may read must not lie open for a moment.
    #[cfg(unix)]
    if kept.is_some() {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(path)?;
    if let Some(kept) = kept {
        file.set_permissions(kept)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn draft_of(target: &Path) -> io::Result<PathBuf> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    let mut draft = std::ffi::OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}.tmp", std::process::id()));
    Ok(target.with_file_name(draft))
}
