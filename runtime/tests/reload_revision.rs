//! Files as git has them. One test, since the current directory is the process's.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::env;
use std::fs;
use std::process::Command;

use ctr_runtime::reload::{Input, read};
use tempfile::TempDir;

fn git(arguments: &[&str]) {
    let who = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "commit.gpgsign=false",
    ];
    assert!(
        Command::new("git")
            .args(who)
            .args(arguments)
            .output()
            .unwrap()
            .status
            .success(),
        "{arguments:?}"
    );
}

fn shown(argument: &str) -> Vec<(String, String)> {
    let sources = read(&[Input::parse(argument)]).unwrap();
    sources
        .iter()
        .map(|(_, source)| (source.name().to_owned(), source.text().to_owned()))
        .collect()
}

fn refusal(argument: &str) -> String {
    read(&[Input::parse(argument)]).unwrap_err().to_string()
}

#[test]
fn a_revision_is_read_without_checking_it_out() {
    let outside = TempDir::new().unwrap();
    env::set_current_dir(outside.path()).unwrap();
    assert_eq!(
        refusal("main:x.yaml"),
        "cannot read `main:x.yaml`: this directory is in no git repository"
    );

    git(&["init", "--quiet"]);
    fs::create_dir(outside.path().join("etc")).unwrap();
    for (name, text) in [
        ("x.yaml", "old"),
        ("-x.yaml", "dash"),
        ("etc/b.yml", "b"),
        ("etc/a.json", "a"),
        ("etc/n.txt", "n"),
    ] {
        fs::write(outside.path().join(name), text).unwrap();
    }
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "first"]);
    fs::write(outside.path().join("x.yaml"), "new").unwrap();

    let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(shown("main:x.yaml"), [pair("main:x.yaml", "old")]);
    assert_eq!(shown("HEAD:-x.yaml"), [pair("HEAD:-x.yaml", "dash")]);
    assert_eq!(
        shown("main:etc/"),
        [pair("main:etc/a.json", "a"), pair("main:etc/b.yml", "b")]
    );
    assert_eq!(shown("x.yaml"), [pair("x.yaml", "new")]);

    env::set_current_dir(outside.path().join("etc")).unwrap();
    assert_eq!(shown("main:b.yml"), [pair("main:b.yml", "b")]);
    assert_eq!(shown("main:../x.yaml"), [pair("main:../x.yaml", "old")]);

    assert_eq!(
        refusal("none:b.yml"),
        "cannot read `none:b.yml`: git knows no such revision"
    );
    assert_eq!(
        refusal("main:none.yml"),
        "cannot read `main:none.yml`: revision `main` has no `none.yml`"
    );
    assert!(refusal("--output=x:b.yml").contains("cannot start with `-`"));
}
