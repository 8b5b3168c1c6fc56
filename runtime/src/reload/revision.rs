//! Files as git has them in a revision.
//!
//! The `git` of the user is asked, without a shell, since it alone knows the
//! user's repositories, worktrees, alternates and partial clones. Nothing is
//! checked out.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use ctr_compiler::source::Sources;

use super::read::{ReadError, is_registration, limited, nothing_in};

/// Adds the file `path` of `revision`, or the registration files of the
/// directory it is there. `path` is relative to the current directory.
pub(super) fn read(revision: &str, path: &str, sources: &mut Sources) -> Result<(), ReadError> {
    let name = format!("{revision}:{path}");
    if revision.starts_with('-') {
        let what = "a revision cannot start with `-`, which git takes for an option";
        return Err(ReadError::new(
            name,
            what,
            "name a branch, a tag or a commit",
        ));
    }
    let asked = Asked { name: &name };
    asked.text(
        &[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("{revision}^{{tree}}"),
        ],
        || {
            (
                "git knows no such revision".to_owned(),
                "check it with `git rev-parse`, and fetch it if it is elsewhere",
            )
        },
    )?;
    // With `./` git counts from the current directory, and a path cannot be taken for an option.
    let object = format!("{revision}:./{path}");
    let kind = asked.text(&["cat-file", "-t", &object], || {
        (
            format!("revision `{revision}` has no `{path}`"),
            "check the path; it counts from the current directory",
        )
    })?;
    if kind.trim_ascii() == b"tree" {
        return asked.directory(&object, sources);
    }
    let text = asked.text(&["cat-file", "blob", &object], not_a_file)?;
    sources.add(name, text);
    Ok(())
}

/// Where a revision may have a path of the working tree, counted from the current directory:
/// as it is written, and where its links lead.
///
/// # Errors
/// [`ReadError`] when git knows no working tree here, or the path leads out of it.
pub fn places(revision: &str, path: &str) -> Result<[String; 2], ReadError> {
    let name = format!("{revision}:{path}");
    let asked = Asked { name: &name };
    let up = asked.text(&["rev-parse", "--show-cdup"], || {
        (
            "git has no working tree here".to_owned(),
            "run ctr inside of a working tree",
        )
    })?;
    let up = String::from_utf8_lossy(up.trim_ascii());
    let here = env::current_dir().unwrap_or_default();
    let top = here.join(&*up);
    let top = top.canonicalize().unwrap_or(top);
    let from_top = |path: &Path| Some(format!("{up}{}", path.strip_prefix(&top).ok()?.to_str()?));
    let asked_for = Path::new(path);
    let written = match asked_for.strip_prefix(&here) {
        Ok(below) => below.to_str().map(str::to_owned),
        Err(_) if asked_for.is_relative() => Some(path.to_owned()),
        Err(_) => from_top(asked_for),
    };
    let followed = match asked_for.canonicalize() {
        Ok(followed) => from_top(&followed),
        Err(_) => written.clone(),
    };
    let Some(followed) = followed else {
        return Err(ReadError::new(
            name,
            "it is not in the working tree",
            "name files or folders of the working tree",
        ));
    };
    Ok([written.unwrap_or_else(|| followed.clone()), followed])
}

fn not_a_file() -> (String, &'static str) {
    (
        "git has no file there".to_owned(),
        "name a file or a directory of files",
    )
}

/// Questions to git about one input.
struct Asked<'n> {
    name: &'n str,
}

impl Asked<'_> {
    fn directory(&self, object: &str, sources: &mut Sources) -> Result<(), ReadError> {
        // Without `--full-tree` git leaves out what is not below the current directory.
        let listing = self.text(&["ls-tree", "--full-tree", "-z", object], not_a_file)?;
        let mut files: Vec<(&[u8], &str)> = listing
            .split(|byte| *byte == 0)
            .filter_map(regular_file)
            .collect();
        files.retain(|(name, _)| {
            str::from_utf8(name).is_ok_and(|name| is_registration(OsStr::new(name)))
        });
        if files.is_empty() {
            return Err(nothing_in(self.name));
        }
        files.sort_unstable();
        for (file, hash) in files {
            let name = format!(
                "{}/{}",
                self.name.trim_end_matches('/'),
                String::from_utf8_lossy(file)
            );
            let text = self.text(&["cat-file", "blob", hash], not_a_file)?;
            sources.add(name, text);
        }
        Ok(())
    }

    /// What git answers, as bytes; when it refuses, what `otherwise` says.
    fn text(
        &self,
        arguments: &[&str],
        otherwise: impl Fn() -> (String, &'static str),
    ) -> Result<Vec<u8>, ReadError> {
        let answer = run(arguments).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ReadError::new(
                self.name,
                "there is no `git` here",
                "install git, or name a file",
            ),
            _ => ReadError::new(
                self.name,
                format!("git cannot be run: {error}"),
                "check that `git` runs in this directory",
            ),
        })?;
        match answer {
            Answer::Text(text) => Ok(text),
            Answer::Refused(said) if said.contains("not a git repository") => Err(ReadError::new(
                self.name,
                "this directory is in no git repository",
                "run ctr inside of the repository",
            )),
            Answer::Refused(said) if said.contains("dubious ownership") => {
                let help = "add the repository to git's `safe.directory`";
                Err(ReadError::new(
                    self.name,
                    "git does not trust this repository, which belongs to another user",
                    help,
                ))
            }
            Answer::Refused(said) => {
                let (what, help) = otherwise();
                let error = ReadError::new(self.name, what, help);
                let is_missing = ["does not exist in", "exists on disk, but not in"]
                    .iter()
                    .any(|words| said.contains(words));
                Err(if is_missing { error.missing() } else { error })
            }
        }
    }
}

enum Answer {
    Text(Vec<u8>),
    Refused(String),
}

fn run(arguments: &[&str]) -> io::Result<Answer> {
    let mut child = Command::new("git")
        .args(arguments)
        // Messages are looked at, so they must not be translated.
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = child.stdout.take().map(limited).transpose();
    // A file over the limit leaves git writing to a closed pipe, which ends it; what was read counts.
    let mut complaint = Vec::new();
    if let Some(errors) = child.stderr.take() {
        errors.take(4096).read_to_end(&mut complaint)?;
    }
    let status = child.wait()?;
    let said = said?.unwrap_or_default();
    if status.success() || said.len() > ctr_compiler::Limits::default().source_bytes {
        return Ok(Answer::Text(said));
    }
    Ok(Answer::Refused(
        String::from_utf8_lossy(&complaint).into_owned(),
    ))
}

/// Name and hash of an `ls-tree` line that is a regular file: `mode SP type SP hash TAB name`.
fn regular_file(line: &[u8]) -> Option<(&[u8], &str)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let mut words = str::from_utf8(&line[..tab]).ok()?.split(' ');
    let (mode, _, hash) = (words.next()?, words.next()?, words.next()?);
    mode.starts_with("100").then_some((&line[tab + 1..], hash))
}
