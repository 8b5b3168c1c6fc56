//! The laws of the fuzz targets, held against every fixture, and against the
//! inputs that once broke one of them (fixtures/found/TARGET/NAME).
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests fail by panicking and read fixtures"
)]

#[expect(unreachable_pub, reason = "public for the targets")]
#[path = "../../fuzz/src/registration/mod.rs"]
mod laws;

use std::fs;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// Every file below a folder, sorted; none where there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    paths.into_iter().flat_map(below).collect()
}

/// Names the input when its law is broken.
fn hold(law: laws::Law, path: &Path) {
    let data = fs::read(path).unwrap();
    let held = std::panic::catch_unwind(|| law(&data));
    assert!(held.is_ok(), "{}", path.display());
}

#[test]
fn fixtures_keep_the_laws() {
    let all = files(&fixtures());
    for (target, law) in laws::LAWS {
        let ending = if *target == "kdl" { "kdl" } else { "yaml" };
        let suits = |path: &&PathBuf| path.extension().is_some_and(|found| found == ending);
        let mut suiting = all.iter().filter(suits).peekable();
        assert!(suiting.peek().is_some(), "no fixture for `{target}`");
        suiting.for_each(|path| hold(*law, path));
    }
}

#[test]
fn what_was_found_once_is_not_found_again() {
    let found = fixtures().join("found");
    for (target, law) in laws::LAWS {
        let inputs = files(&found.join(target));
        inputs.iter().for_each(|path| hold(*law, path));
    }
}
