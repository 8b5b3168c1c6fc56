//! Plans against what models made of prompts, and what could be better.

use crate::{Place, assert_story};

const ROWS: &str = include_str!("../../../fixtures/outcomes/outcomes.jsonl");
const BAD: &str = include_str!("../../../fixtures/outcomes/bad.jsonl");
const OLD: &str = include_str!("../../../fixtures/outcomes/old.yaml");
const NEW: &str = include_str!("../../../fixtures/outcomes/new.yaml");
const BY_LENGTH: &str = include_str!("../../../fixtures/outcomes/by-length.yaml");

fn place() -> Place {
    Place::new()
        .with("outcomes.jsonl", ROWS)
        .with("bad.jsonl", BAD)
        .with("old.yaml", OLD)
        .with("new.yaml", NEW)
        .with("by-length.yaml", BY_LENGTH)
}

#[test]
fn a_plan_is_evaluated() {
    let place = place();
    let line = "eval --outcomes outcomes.jsonl --plan new.yaml";
    assert_story!("eval-outcomes", place.story(line));
    assert_story!(
        "eval-outcomes-json",
        place.story(&format!("{line} --format json"))
    );
    assert_story!(
        "eval-outcomes-curve",
        place.story("eval --outcomes outcomes.jsonl --plan by-length.yaml")
    );
    assert_story!(
        "eval-outcomes-bad",
        place.story("eval --outcomes bad.jsonl --plan new.yaml")
    );
}

#[test]
fn two_plans_are_compared() {
    let place = place();
    let line = "eval --outcomes outcomes.jsonl --compare old.yaml new.yaml";
    assert_story!("eval-outcomes-compare", place.story(line));
    assert_story!(
        "eval-outcomes-markdown",
        place.story(&format!("{line} --format markdown"))
    );
    assert_story!(
        "eval-outcomes-svg",
        place.story(&format!("{line} --format svg"))
    );
    let exit = |limits: &str| place.exit(&format!("{line} {limits}"));
    assert_eq!(exit("--min-quality-change -5.5 --max-cost +1%"), 0);
    assert_eq!(exit("--min-quality-change -0.5"), 1);
    assert_eq!(exit("--max-cost -40%"), 1);
    assert_eq!(exit("--max-cost 5"), 64);
}

/// A compiled plan is asked as its registration is, and standard input is a file.
#[test]
fn plans_and_streams_are_read_alike() {
    let place = place();
    assert_eq!(place.exit("compile -o new.json new.yaml"), 0);
    let told = |arguments: &str| {
        let mut command = place.ctr(arguments);
        let output = command.write_stdin(ROWS).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments}");
        String::from_utf8(output.stdout).unwrap()
    };
    let from_text = told("eval --outcomes outcomes.jsonl --plan new.yaml");
    let from_plan = told("eval --outcomes - --plan new.json");
    assert_eq!(from_plan.replace("new.json", "new.yaml"), from_text);
}

#[test]
fn what_cannot_be_evaluated_is_said() {
    let place = place()
        .with("empty.jsonl", "\n")
        .with(
            "strangers.jsonl",
            "{\"outcomes\": {\"other\": {\"score\": 1}}}\n",
        )
        .with("broken.yaml", "Router: {default: x}\n");
    let stories: Vec<String> = [
        "eval",
        "eval --outcomes outcomes.jsonl",
        "eval --outcomes outcomes.jsonl --compare old.yaml",
        "eval --outcomes missing.jsonl --plan new.yaml",
        "eval --outcomes empty.jsonl --plan new.yaml",
        "eval --outcomes strangers.jsonl --plan new.yaml",
        "eval --outcomes outcomes.jsonl --plan broken.yaml",
        "eval --outcomes outcomes.jsonl --plan new.yaml --map smal=swift-1",
        "eval --outcomes outcomes.jsonl --plan new.yaml --map small=swift-2",
        "eval --outcomes outcomes.jsonl --plan new.yaml --map small",
        "tune --outcomes strangers.jsonl new.yaml",
        "tune --outcomes empty.jsonl new.yaml",
    ]
    .into_iter()
    .map(|line| place.story(line))
    .collect();
    assert_story!("eval-outcomes-refused", stories.join("\n"));
}

#[test]
fn a_change_is_proposed_and_not_made() {
    let place = place();
    let line = "tune --outcomes outcomes.jsonl by-length.yaml";
    assert_story!("tune", place.story(line));
    assert_story!("tune-json", place.story(&format!("{line} --format json")));
    assert_story!("tune-diff", place.story(&format!("{line} --format diff")));
    assert_story!(
        "tune-nothing",
        place.story("tune --outcomes outcomes.jsonl old.yaml")
    );
    assert_eq!(place.read("by-length.yaml"), BY_LENGTH);
    assert_eq!(place.exit("compile -o plan.json new.yaml"), 0);
    assert_eq!(place.exit("tune --outcomes outcomes.jsonl plan.json"), 64);
}
