//! The workflow of the guide does what the guide says: its steps are run as
//! they are written, in a repository with a pull request.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::{Place, QUICK_START, assert_story, binary};

const WORKFLOW: &str = include_str!("../../../docs/guide/github-actions/ctr.yml");
const GUIDE: &str = include_str!("../../../docs/guide/pull-request.md");

/// The script of the step of this name.
fn step(name: &str) -> String {
    let workflow: serde_yaml::Value = serde_yaml::from_str(WORKFLOW).unwrap();
    let steps = workflow["jobs"]["review"]["steps"].as_sequence().unwrap();
    let step = steps.iter().find(|step| step["name"] == name);
    step.unwrap()["run"].as_str().unwrap().to_owned()
}

/// A repository whose main has the quick start, with `changed` in its place.
fn pull_request(changed: &str) -> (Place, String) {
    let place = Place::new().with("registration/10-all.yaml", QUICK_START);
    let base = main_branch(&place);
    fs::write(place.path("registration/10-all.yaml"), changed).unwrap();
    (place, base)
}

/// Puts a script on the path in place of a program that a machine may not have.
fn stands_in(place: &Place, program: &str, script: &str) {
    let path = place.path("bin").join(program);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Makes what a place holds a repository's main, and says which commit it is.
fn main_branch(place: &Place) -> String {
    // GitHub's own client, which keeps what it is asked to do.
    stands_in(place, "gh", "echo \"gh $*\" >> gh.log");
    let git = |arguments: &[&str]| -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=e@example.com"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(place.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "base"]);
    git(&["rev-parse", "HEAD"])
}

/// Runs a step as the runner does.
fn run(place: &Place, base: &str, name: &str) -> Output {
    bash(place, &step(name))
        .env("REGISTRATION", "registration")
        .env("BASE", base)
        .env("PULL_REQUEST", "7")
        .output()
        .unwrap()
}

/// A script that stops at its first failure, with `ctr` and `gh` on the path.
fn bash(place: &Place, script: &str) -> Command {
    let path = format!(
        "{}:{}:{}",
        place.path("bin").display(),
        binary().parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut command = Command::new("bash");
    command
        .args(["-eo", "pipefail", "-c", script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", place.path(""))
        .current_dir(place.path(""));
    command
}

fn passes(output: &Output) -> bool {
    output.status.success()
}

#[test]
fn a_harmless_change_is_told_and_let_through() {
    let (place, base) =
        pull_request(&QUICK_START.replace("pool_priority: 10", "pool_priority: 30"));
    for name in ["annotate", "scan", "comment", "gate"] {
        let output = run(&place, &base, name);
        assert!(passes(&output), "{name}: {output:?}");
    }
    assert_story!("guide-comment", place.read("comment.md"));
    assert_eq!(
        place.read("gh.log"),
        "gh pr comment 7 --edit-last --create-if-none --body-file comment.md\n"
    );
    let scanned: serde_json::Value = serde_json::from_str(&place.read("ctr.sarif")).unwrap();
    assert_eq!(scanned["version"], "2.1.0");
    // Locked to what was there before, it is refused.
    let plan = place.ctr("compile -o - registration").output().unwrap();
    fs::write(place.path("plan.lock"), &plan.stdout).unwrap();
    assert!(passes(&run(&place, &base, "lock")));
    fs::write(place.path("registration/10-all.yaml"), QUICK_START).unwrap();
    assert_eq!(run(&place, &base, "lock").status.code(), Some(1));
}

#[test]
fn a_registration_that_is_new_is_let_through() {
    let place = Place::new().with("README.md", "");
    let base = main_branch(&place);
    let place = place.with("registration/10-all.yaml", QUICK_START);
    for name in ["annotate", "scan", "comment", "gate"] {
        let output = run(&place, &base, name);
        assert!(passes(&output), "{name}: {output:?}");
    }
    let comment = place.read("comment.md");
    assert!(comment.contains("(new plan "), "{comment}");
}

/// The commands of a section of the guide.
fn commands(section: &str) -> String {
    let (_, section) = GUIDE.split_once(section).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let commands = blocks.map(|block| block.split("```").next().unwrap());
    commands.collect()
}

/// Prints the hash of a report, and fails where it has none.
const JQ: &str =
    "[ \"$*\" = '-er .hash' ] && sed -n 's/^  \"hash\": \"\\(.*\\)\",$/\\1/p' | grep .";

#[test]
fn what_does_not_compile_is_not_locked() {
    let place = Place::new().with("registration/10-all.yaml", "Models: 1\n");
    stands_in(&place, "jq", JQ);
    let script = format!("set +o pipefail\n{}", commands("## 4. "));
    assert!(!passes(&bash(&place, &script).output().unwrap()));
    assert!(!place.path("plan.lock").exists());
}

#[test]
fn what_was_locked_is_what_is_deployed() {
    let place = Place::new().with("registration/10-all.yaml", QUICK_START);
    stands_in(&place, "jq", JQ);
    // What would be served is told, and not served.
    let script = format!(
        "ctr() {{ if [ \"$1\" = start ]; then echo \"$*\"; else command ctr \"$@\"; fi; }}\n{}{}",
        commands("## 4. "),
        commands("## 5. ")
    );
    let output = bash(&place, &script).output().unwrap();
    assert!(passes(&output), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let hash = place.read("plan.lock");
    let start = format!(
        "start --config registration/ --expect-hash {}",
        hash.trim_end()
    );
    assert_eq!(hash.len(), 65);
    assert!(told.contains(&format!("{start}\n")), "{told}");
    assert!(told.ends_with("start --plan plan.json\n"), "{told}");
    assert!(place.read("plan.json").starts_with('{'));
}

#[test]
fn a_change_that_breaks_callers_is_stopped() {
    let without_haiku = QUICK_START
        .lines()
        .filter(|line| !line.contains("background"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("id: haiku", "id: small");
    let (place, base) = pull_request(&without_haiku);
    assert!(passes(&run(&place, &base, "annotate")));
    assert!(passes(&run(&place, &base, "comment")));
    assert!(place.read("comment.md").contains("breaking"));
    assert_eq!(run(&place, &base, "gate").status.code(), Some(1));
}

#[test]
fn a_change_that_does_not_compile_is_annotated_and_still_commented() {
    let (place, base) = pull_request(&QUICK_START.replace("default: sonnet", "default: sonet"));
    let annotated = run(&place, &base, "annotate");
    assert_eq!(annotated.status.code(), Some(1));
    let lines = String::from_utf8(annotated.stdout).unwrap();
    assert!(
        lines.starts_with("::error file=registration/10-all.yaml,line="),
        "{lines}"
    );
    assert!(passes(&run(&place, &base, "scan")));
    assert!(passes(&run(&place, &base, "comment")));
    assert!(place.read("comment.md").contains("does not compile"));
}
