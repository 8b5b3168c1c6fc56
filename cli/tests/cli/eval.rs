//! Tasks, answers, models that are asked, and how it went over time.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::{Place, assert_story};

mod asked;

macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../fixtures/evaluate/", $name)),
        )
    };
}

/// With every file of the fixtures.
fn place() -> Place {
    let files = [
        fixture!("results.json"),
        fixture!("mistakes.json"),
        fixture!("history.json"),
        fixture!("tasks.yaml"),
        fixture!("broken-tasks.yaml"),
        fixture!("own-results.json"),
        fixture!("repeats.json"),
        fixture!("repeats-worse.json"),
    ];
    let place = Place::new();
    files
        .into_iter()
        .fold(place, |place, (name, text)| place.with(name, text))
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What `ctr eval` prints as JSON.
fn printed(place: &Place, arguments: &str) -> Value {
    json(
        &place
            .ctr(&format!("eval {arguments} --json"))
            .output()
            .unwrap(),
    )
}

#[test]
fn tasks_are_listed() {
    let place = place();
    assert_story!("eval-tasks", place.story("eval --tasks"));
    assert_story!("eval-tasks-json", place.story("eval --tasks --json"));
    assert_story!(
        "eval-tasks-own",
        place.story("eval --tasks --tasks-file tasks.yaml")
    );
    assert_story!(
        "eval-tasks-broken",
        place.story("eval --tasks --tasks-file broken-tasks.yaml")
    );
}

/// The manifest is a file of tasks, and says the same when it is read again.
#[test]
fn the_manifest_can_be_read_again() {
    for of in ["", "--tasks-file tasks.yaml"] {
        let manifest = printed_text(&place(), &format!("--tasks --json {of}"));
        let place = place().with("manifest.json", &manifest);
        let again = printed_text(&place, "--tasks --tasks-file manifest.json --json");
        assert_eq!(again, manifest);
    }
}

fn printed_text(place: &Place, arguments: &str) -> String {
    let output = place.ctr(&format!("eval {arguments}")).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn answers_are_scored() {
    let place = place();
    assert_story!("eval-input", place.story("eval --input results.json"));
    assert_story!(
        "eval-input-json",
        place.story("eval --input results.json --json")
    );
    for format in ["markdown", "junit", "html"] {
        let told = place.story(&format!("eval --input results.json --format {format}"));
        match format {
            "markdown" => assert_story!("eval-input-markdown", told),
            "junit" => assert_story!("eval-input-junit", told),
            _ => assert_story!("eval-input-html", told),
        }
    }
    let own = "eval --input own-results.json --tasks-file tasks.yaml";
    assert_story!("eval-input-own", place.story(own));
    assert_story!("eval-repeats", place.story("eval --input repeats.json"));
}

/// No report repeats what a model said.
#[test]
fn no_report_holds_an_answer() {
    let place = place();
    for format in ["text", "json", "markdown", "junit", "html"] {
        let asked = format!("eval --input results.json --format {format}");
        let told = place.story(&asked);
        assert!(!told.contains("averagePrice"), "{format}");
        assert!(!told.contains("queue length"), "{format}");
    }
    assert_eq!(place.exit("eval --input results.json --save-history"), 0);
    let saved = place.read(".claude-trigger-router/benchmark-history.json");
    assert!(saved.contains("vendor,haiku-4") && !saved.contains("averagePrice"));
}

#[test]
fn mistakes_are_named_by_their_rows_and_the_rest_is_scored() {
    let place = place()
        .with("empty.json", "[]")
        .with("cut.json", "[{\"taskId\"");
    let place = place.with("none.json", r#"[{"taskId": "x", "model": "m"}]"#);
    let lines = [
        "--input mistakes.json --save-history",
        "--input none.json",
        "--input empty.json",
        "--input cut.json",
        "--input broken-tasks.yaml",
        "--input missing.json",
        "--input results.json --compare results.json",
        "--input results.json --format svg",
        "--history --format junit",
        "--history --history-file tasks.yaml",
        "--run",
        "--run --models ;",
        "--run --models a --concurrency 9",
        "--run --models a --base-url http://u:p@a.test",
        "--run --models a --base-url http://a.test --tasks-file tasks.yaml",
        "--tasks --run --models a",
        "",
    ];
    let stories = lines.map(|line| place.story(&format!("eval {line}")));
    assert_story!("eval-refused", stories.join("\n"));
    assert!(!Path::new(&place.path(".claude-trigger-router")).exists());
}

#[test]
fn a_baseline_is_compared_with() {
    let place = place();
    let baseline = place
        .ctr("eval --input repeats.json --json")
        .output()
        .unwrap();
    let place = place.with(
        "baseline.json",
        &String::from_utf8(baseline.stdout).unwrap(),
    );
    let worse = "eval --input repeats-worse.json --compare baseline.json";
    assert_story!("eval-compare", place.story(worse));
    assert_story!(
        "eval-compare-markdown",
        place.story(&format!("{worse} --format markdown"))
    );
    assert_eq!(place.exit(&format!("{worse} --json")), 1);
    let same = "--input repeats.json --compare baseline.json";
    assert_eq!(place.exit(&format!("eval {same}")), 0);
    let told = printed(&place, same);
    assert_eq!(told["comparison"]["regressed"], false);
    assert_eq!(told["report"]["totalRuns"], 10);
    // Other models altogether.
    let other = place
        .story("eval --input own-results.json --tasks-file tasks.yaml --compare baseline.json");
    assert!(other.ends_with("--- exit 1\n"), "{other}");
}

#[test]
fn history_is_told() {
    let place = place();
    let history = "eval --history --history-file history.json";
    assert_story!("eval-history", place.story(history));
    for (format, name) in [("json", "json"), ("svg", "svg"), ("html", "html")] {
        let told = place.story(&format!("{history} --format {format}"));
        match name {
            "json" => assert_story!("eval-history-json", told),
            "svg" => assert_story!("eval-history-svg", told),
            _ => assert_story!("eval-history-html", told),
        }
    }
    assert_story!("eval-history-none", place.story("eval --history"));
}

#[test]
fn the_newest_fifty_are_kept() {
    let place = place();
    let entries: Vec<Value> = (0..60)
        .map(|at| {
            serde_json::json!({ "id": format!("e{at:02}"), "createdAt": format!("2026-01-01T00:00:{at:02}.000Z") })
        })
        .collect();
    let place = place.with("old.json", &serde_json::to_string(&entries).unwrap());
    let save = "eval --input results.json --save-history --history-file old.json";
    let save = format!("{save} --history-label nightly");
    assert_eq!(place.exit(&save), 0);
    let told: Value = serde_json::from_str(&place.read("old.json")).unwrap();
    let kept = told["entries"].as_array().unwrap();
    assert_eq!((told["version"].as_i64(), kept.len()), (Some(1), 50));
    assert_eq!(kept[0]["id"], "e11");
    let last = &kept[49];
    assert_eq!(
        (&last["label"], &last["source"]),
        (&"nightly".into(), &"input".into())
    );
    let digits: String = last["createdAt"]
        .as_str()
        .unwrap()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    assert_eq!(last["id"], format!("bench_{digits}_6"));
    assert_eq!(digits.len(), "20260101000000000".len());
}

/// The tasks that the page shows are tasks.
#[test]
fn the_tasks_of_the_page_can_be_read() {
    let page = include_str!("../../../docs/evaluation.md");
    let yaml = page.split("```yaml\n").nth(1).unwrap();
    let place = Place::new().with("tasks.yaml", yaml.split("```").next().unwrap());
    assert_eq!(place.exit("eval --tasks --tasks-file tasks.yaml"), 0);
}
