//! A corpus that is written line by line, behind what it holds already. Only its
//! owner reads it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use ctr_compiler::corpus::{PatternSet, write_patterns};

use crate::pool::make_private;

/// What every line of a corpus begins with that was written here.
const BEGINNING: &[u8] = b"{\"v\":";

/// Looks whether requests can be recorded in a file, which is made where it is not
/// there.
///
/// # Errors
/// When it cannot be written, or holds something else than a corpus.
pub fn check_corpus(path: &Path) -> io::Result<()> {
    CorpusFile::open(path).map(drop)
}

/// An open corpus.
#[derive(Debug)]
pub(super) struct CorpusFile {
    out: BufWriter<File>,
    /// Its length, with what is not written yet.
    bytes: u64,
    /// Sets that were told of since it was opened.
    told: BTreeSet<String>,
}

impl CorpusFile {
    /// Opens the file at a path, or makes it.
    ///
    /// # Errors
    /// When that cannot be done, or something else than a corpus is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        make_private(path)?;
        // Asked before opening: opening a pipe without a reader would wait for one.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut file = File::options().read(true).append(true).open(path)?;
        keep_private(&file)?;
        let mut bytes = file.metadata()?.len();
        let mut beginning = Vec::new();
        let most = BEGINNING.len() as u64;
        (&mut file).take(most).read_to_end(&mut beginning)?;
        if bytes > 0 && beginning != BEGINNING {
            return Err(io::Error::other("it holds something else than a corpus"));
        }
        let mut out = BufWriter::new(file);
        if bytes > 0 && !ends_in_a_line(out.get_mut())? {
            // Whoever wrote it was killed in the middle.
            out.write_all(b"\n")?;
            bytes += 1;
        }
        Ok(Self {
            out,
            bytes,
            told: BTreeSet::new(),
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Tells once what is looked for in texts.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn tell(&mut self, set: &PatternSet) -> io::Result<()> {
        if self.told.contains(&set.id) {
            return Ok(());
        }
        self.write(&write_patterns(set))?;
        self.told.insert(set.id.clone());
        Ok(())
    }

    /// Adds a line, which ends in a line break.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.bytes = self.bytes.saturating_add(line.len() as u64);
        Ok(())
    }

    /// Hands what gathered to the system.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn ends_in_a_line(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(unix)]
fn keep_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match file.metadata()?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => file.set_permissions(fs::Permissions::from_mode(0o600)),
    }
}

#[cfg(not(unix))]
fn keep_private(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &[u8]) -> (tempfile::TempDir, io::Result<CorpusFile>) {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("c.jsonl");
        fs::write(&path, text).expect("a file");
        let opened = CorpusFile::open(&path);
        (home, opened)
    }

    #[test]
    fn lines_go_behind_what_is_there() {
        for (before, wanted) in [
            ("", "{\"v\":1}\n"),
            ("{\"v\":1}\n", "{\"v\":1}\n{\"v\":1}\n"),
            ("{\"v\":1,\"re", "{\"v\":1,\"re\n{\"v\":1}\n"),
        ] {
            let (home, file) = opened(before.as_bytes());
            let mut file = file.expect("it opens");
            file.write("{\"v\":1}\n").expect("it is written");
            file.flush().expect("it is written");
            assert_eq!(file.bytes(), wanted.len() as u64);
            let path = home.path().join("c.jsonl");
            assert_eq!(fs::read_to_string(&path).expect("text"), wanted);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(&path).expect("a file").permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
        }
    }

    #[test]
    fn nothing_else_is_written_to() {
        let (home, file) = opened(b"Router: {default: a}\n");
        assert!(file.is_err());
        let text = fs::read(home.path().join("c.jsonl")).expect("text");
        assert_eq!(text, b"Router: {default: a}\n");
        assert!(CorpusFile::open(home.path()).is_err(), "a directory");
    }
}
