//! What the command line accepts, and how it says that it does not.

use std::process::Stdio;

use crate::{Place, assert_story, binary};

#[test]
fn help_and_version_are_no_mistake() {
    let place = Place::new();
    for command in [
        "",
        "compile",
        "diff",
        "why",
        "fmt",
        "convert",
        "simulate",
        "replay",
        "corpus import",
        "start",
        "demo",
        "explain-code",
        "schema",
        "lsp",
        "completions",
        "man",
    ] {
        let told = place.ctr(command).arg("--help").output().unwrap();
        assert_eq!(told.status.code(), Some(0), "{command}");
        let text = String::from_utf8_lossy(&told.stdout);
        assert!(
            command.is_empty() || text.contains("Examples:\n  ctr "),
            "{text}"
        );
    }
    assert_eq!(place.exit("--version"), 0);
    assert_story!("help", place.story("--help"));
}

#[test]
fn wrong_usage_is_64() {
    let place = Place::quick_start();
    let wrong = [
        "",
        "compil",
        "compile",
        "compile --format xml registration.yaml",
        "compile -o - --preview registration.yaml",
        "compile -o - --format json registration.yaml",
        "compile -o - --format junit registration.yaml",
        "compile --preview --format sarif registration.yaml",
        "compile --locked - -",
        "diff --format sarif registration.yaml registration.yaml",
        "diff --fail-on heavy registration.yaml registration.yaml",
        "replay registration.yaml",
        "replay - --corpus -",
        "corpus",
        "corpus import ccr x.jsonl",
        "why",
        "why --format sarif listen.port",
        "fmt",
        "fmt - registration.yaml",
        "fmt --stdin-name r.kdl registration.yaml",
        "fmt --format json -",
        "fmt --format sarif registration.yaml",
        "convert registration.yaml",
        "convert --to toml registration.yaml",
        "convert --to kdl registration.yaml registration.yaml",
        "convert --to kdl --stdin-name r.yaml registration.yaml",
        "convert --to kdl -o r.yaml registration.yaml",
        "convert --to yaml -o r.kdl registration.yaml",
        "convert --to yaml -o r.json registration.yaml",
        "convert --to yaml -o registration.yaml registration.yaml",
        "simulate",
        "simulate --kill a registration.yaml",
        "simulate --kill a@ten registration.yaml",
        "simulate --rps 0 registration.yaml",
        "simulate --error-rate a=101% registration.yaml",
        "simulate --latency a registration.yaml",
        "simulate --tokens 5 registration.yaml",
        "simulate --format svg registration.yaml",
        "start --log-format sarif",
        "diff registration.yaml",
        "diff - -",
        "diff registration.yaml registration.yaml registration.yaml",
        "diff --git HEAD",
        "diff --git HEAD -",
        "diff --live http://127.0.0.1:1",
        "diff --live http://127.0.0.1:1 --git HEAD registration.yaml",
        "diff --api-key-env A registration.yaml registration.yaml",
        "start --expect-hash fc596127c622",
        "start --plan plan.json --config registration.yaml",
        "start --port 65536",
        "start --log-level loud",
        "completions tcsh",
        "explain-code nonsense",
    ];
    for arguments in wrong {
        assert_eq!(place.exit(arguments), 64, "ctr {arguments}");
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let told = Place::new().ctr("completions").arg(shell).output().unwrap();
        let script = String::from_utf8_lossy(&told.stdout);
        for command in [
            "compile",
            "diff",
            "why",
            "fmt",
            "convert",
            "simulate",
            "explain",
            "test",
            "start",
            "demo",
            "explain-code",
            "schema",
            "lsp",
            "completions",
            "man",
        ] {
            assert!(script.contains(command), "{shell}: {command}");
        }
        // The others offer no values of arguments, PowerShell and elvish none at all.
        let offers_codes = ["bash", "zsh"].contains(&shell);
        assert_eq!(
            script.contains("pool/shadowed-by-model"),
            offers_codes,
            "{shell}"
        );
        assert_eq!(
            script.contains("fatal"),
            offers_codes || shell == "fish",
            "{shell}"
        );
    }
}

#[test]
fn codes_are_explained() {
    let place = Place::new();
    assert_eq!(place.exit("explain-code pool/shadowed-by-model"), 0);
    assert_story!(
        "explain-code-misspelt",
        place.story("explain-code pool/shadowed-by-modle")
    );
    assert_story!("explain-code-area", place.story("explain-code env/what"));
    let list = place.ctr("explain-code").output().unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("router/unknown-model"));
}

#[test]
fn the_schema_is_printed_or_written() {
    let place = Place::new();
    let told = place.ctr("schema").output().unwrap();
    assert_eq!(told.status.code(), Some(0));
    let printed = String::from_utf8(told.stdout).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["properties"]["PORT"]["maximum"], 65_535);
    assert_eq!(place.exit("schema -o schema.json"), 0);
    assert_eq!(place.read("schema.json"), printed);
    assert_eq!(place.exit("schema -o none/schema.json"), 3);
}

#[test]
fn every_command_has_a_manual_page() {
    let place = Place::new();
    let help = place.ctr("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let commands = list
        .lines()
        .map(|line| line.split_whitespace().next().unwrap());
    assert_eq!(place.exit("man -o pages/man1"), 0);
    let mut count = 0;
    for command in commands.filter(|command| *command != "help") {
        let page = place.read(&format!("pages/man1/ctr-{command}.1"));
        let title = format!(".TH ctr-{command} 1 ");
        assert!(page.contains(&title), "{page}");
        assert!(page.contains("\n.SH EXAMPLES\n.nf\n  ctr "), "{page}");
        let printed = place.ctr("man").arg(command).output().unwrap();
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), page);
        count += 1;
    }
    assert!(count > 8);
    assert!(
        place
            .read("pages/man1/ctr.1")
            .contains(".SH \"EXIT CODES\"")
    );
    assert_eq!(place.exit("man compil"), 64);
    assert_eq!(place.exit("man compile -o pages"), 64);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let mut child = std::process::Command::new(binary())
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let told = child.wait_with_output().unwrap();
    assert_eq!(told.status.code(), Some(0));
    assert!(
        told.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
}
