//! What inputs are, and how they are read.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use ctr_runtime::reload::{Input, read};
use tempfile::TempDir;

fn names(inputs: &[Input]) -> Vec<String> {
    let sources = read(inputs).unwrap();
    sources
        .iter()
        .map(|(_, source)| {
            let name = Path::new(source.name()).file_name().unwrap();
            name.to_str().unwrap().to_owned()
        })
        .collect()
}

fn refusal(path: &Path) -> (String, String) {
    let error = read(&[Input::Path(path.to_owned())]).unwrap_err();
    let said = error.to_string();
    let name = format!("cannot read `{}`: ", path.display());
    (
        said.strip_prefix(&name).unwrap_or(&said).to_owned(),
        error.help().to_owned(),
    )
}

#[test]
fn arguments_are_paths_standard_input_or_revisions() {
    let revision = |revision: &str, path: &str| Input::Revision {
        revision: revision.into(),
        path: path.into(),
    };
    let path = |path: &str| Input::Path(PathBuf::from(path));
    assert_eq!(Input::parse("-"), Input::Stdin);
    assert_eq!(
        Input::parse("HEAD~1:etc/x.yaml"),
        revision("HEAD~1", "etc/x.yaml")
    );
    assert_eq!(Input::parse("main:-x.yaml"), revision("main", "-x.yaml"));
    assert_eq!(Input::parse("x.yaml"), path("x.yaml"));
    assert_eq!(Input::parse(":x"), path(":x"));
    assert_eq!(Input::parse("x:"), path("x:"));
    assert_eq!(Input::parse(r"C:\x.yaml"), path(r"C:\x.yaml"));
    assert_eq!(Input::parse("c:/x.yaml"), path("c:/x.yaml"));
    let home = TempDir::new().unwrap();
    let odd = home.path().join("main:x.yaml");
    fs::write(&odd, "").unwrap();
    assert_eq!(Input::parse(odd.to_str().unwrap()), Input::Path(odd));
}

#[test]
fn a_directory_is_its_registrations_by_name() {
    let home = TempDir::new().unwrap();
    for name in [
        "b.yaml",
        "a.json",
        "B.yml",
        "c.kdl",
        ".hidden.yaml",
        "notes.txt",
        "yaml",
    ] {
        fs::write(home.path().join(name), "x: 1").unwrap();
    }
    fs::create_dir(home.path().join("deeper.yaml")).unwrap();
    fs::write(home.path().join("deeper.yaml/c.yaml"), "").unwrap();
    assert_eq!(
        names(&[Input::Path(home.path().to_owned())]),
        ["B.yml", "a.json", "b.yaml", "c.kdl"]
    );
}

#[test]
fn the_same_file_counts_once() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("a.yaml");
    fs::write(&file, "").unwrap();
    let again = home.path().join(".").join("a.yaml");
    assert_eq!(
        names(&[
            Input::Path(file),
            Input::Path(again),
            Input::Path(home.path().to_owned())
        ]),
        ["a.yaml"]
    );
}

#[test]
fn what_cannot_be_read_is_named_with_what_to_do() {
    let home = TempDir::new().unwrap();
    let (what, help) = refusal(&home.path().join("none.yaml"));
    assert_eq!(what, "it does not exist");
    assert!(help.starts_with("check the path"));
    let (what, help) = refusal(home.path());
    assert_eq!(what, "this directory holds no registration");
    assert!(help.starts_with("put a `.yaml`"));
}

#[cfg(unix)]
#[test]
fn special_files_are_refused_and_links_to_nothing_are_missing() {
    let home = TempDir::new().unwrap();
    let pipe = home.path().join("pipe.yaml");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(refusal(&pipe).0, "it is a pipe, a socket or a device");
    assert_eq!(
        refusal(Path::new("/dev/zero")).0,
        "it is a pipe, a socket or a device"
    );
    fs::remove_file(&pipe).unwrap();
    std::os::unix::fs::symlink("none", home.path().join("link.yaml")).unwrap();
    assert!(
        read(&[Input::Path(home.path().to_owned())])
            .unwrap_err()
            .to_string()
            .ends_with("it does not exist")
    );
}

#[test]
fn no_more_than_the_limit_is_read() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("large.yaml");
    let most = ctr_compiler::Limits::default().source_bytes;
    let sparse = fs::File::create(&file).unwrap();
    sparse.set_len(u64::try_from(most).unwrap() * 2).unwrap();
    let sources = read(&[Input::Path(file)]).unwrap();
    let (_, source) = sources.iter().next().unwrap();
    assert_eq!(source.text().len(), most + 1);
}
