//! The binary as a user meets it: arguments in, words and exit codes out.
//!
//! A story is told whole in its snapshot: the command, both streams, the exit
//! code. Every run has a folder of its own, an empty environment, and names
//! files as they stand in that folder.

#![expect(clippy::unwrap_used, reason = "tests")]

mod arguments;
mod colour;
mod compile;
mod convert;
mod demo;
mod diff;
mod eval;
mod fmt;
mod guide;
mod import;
mod lint;
mod lsp;
mod outcomes;
mod progress;
mod readme;
mod record;
mod replay;
mod routes;
mod simulate;
mod start;
mod why;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

pub(crate) const QUICK_START: &str =
    include_str!("../../../fixtures/quick-start/registration.yaml");

/// A folder to run `ctr` in.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// With the quick-start registration in `registration.yaml`.
    pub(crate) fn quick_start() -> Self {
        Self::new().with("registration.yaml", QUICK_START)
    }

    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// `ctr` with arguments that hold no blanks.
    pub(crate) fn ctr(&self, arguments: &str) -> Command {
        let mut command = Command::new(binary());
        command
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("PRIMARY_KEY", "first")
            .env("SECONDARY_KEY", "second");
        command
            .current_dir(self.0.path())
            .args(arguments.split_whitespace());
        command
    }

    /// What a run told, on every channel.
    pub(crate) fn story(&self, arguments: &str) -> String {
        tell(arguments, &self.ctr(arguments).output().unwrap())
    }

    /// The exit code of a run.
    pub(crate) fn exit(&self, arguments: &str) -> i32 {
        self.ctr(arguments).output().unwrap().status.code().unwrap()
    }
}

pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_ctr"))
}

pub(crate) fn tell(arguments: &str, output: &Output) -> String {
    let mut story = format!("$ ctr {arguments}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            story.push_str(&format!("--- {name}\n{}", String::from_utf8_lossy(bytes)));
        }
    }
    story.push_str(&format!("--- exit {}\n", output.status.code().unwrap()));
    story
}

/// A snapshot in the repository's folder for them.
macro_rules! assert_story {
    ($name:literal, $story:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../../snapshots/cli");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!($name, $story));
    }};
}
pub(crate) use assert_story;
