//! The laws of the fuzz targets of translation, held against its fixtures, and against the
//! inputs that once broke one of them (fixtures/found/TARGET/NAME).
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[expect(unreachable_pub, reason = "public for the targets")]
#[path = "../../fuzz/src/translation.rs"]
mod laws;

use std::fs;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// What is in a folder; nothing where there is none.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Names the input when its law is broken.
fn hold(law: laws::Law, path: &Path) {
    let data = fs::read(path).unwrap();
    let held = std::panic::catch_unwind(|| law(&data));
    assert!(held.is_ok(), "{}", path.display());
}

#[test]
fn fixtures_keep_the_laws() {
    let stories = inside(&fixtures().join("protocol"));
    let all: Vec<PathBuf> = stories.iter().flat_map(|story| inside(story)).collect();
    for (target, law) in laws::LAWS {
        let suits = |path: &&PathBuf| path.file_prefix().is_some_and(|name| name == *target);
        let mut suiting = all.iter().filter(suits).peekable();
        assert!(suiting.peek().is_some(), "no fixture for `{target}`");
        suiting.for_each(|path| hold(*law, path));
    }
}

#[test]
fn what_was_found_once_is_not_found_again() {
    let found = fixtures().join("found");
    for (target, law) in laws::LAWS {
        let inputs = inside(&found.join(target));
        inputs.iter().for_each(|path| hold(*law, path));
    }
}
