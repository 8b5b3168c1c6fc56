use crate::{Place, QUICK_START, assert_story, tell};

/// As claude-trigger-router keeps it.
const SETTINGS: &str = r#"{"PORT": 3456, "Models": [{"id": "haiku", "api": "https://api.anthropic.com",
 "key": "${KEY}", "interface": "anthropic", "model": "claude-haiku-4-5"}], "Router": {"default": "haiku"}}"#;

#[test]
fn a_registration_is_written_in_every_syntax() {
    let place = Place::quick_start().with("config.json", SETTINGS);
    assert_story!(
        "convert-kdl",
        place.story("convert --to kdl registration.yaml")
    );
    assert_story!(
        "convert-json",
        place.story("convert --to json registration.yaml")
    );
    assert_story!(
        "convert-settings",
        place.story("convert --to yaml config.json")
    );
}

#[test]
fn there_and_back_is_the_same_plan() {
    let place = Place::quick_start();
    assert_eq!(place.exit("convert --to kdl -o r.kdl registration.yaml"), 0);
    assert_eq!(place.exit("convert --to json -o r.json r.kdl"), 0);
    assert_eq!(place.exit("convert --to yaml -o r.yaml r.kdl"), 0);
    for (one, other) in [
        ("registration.yaml", "r.kdl"),
        ("r.kdl", "r.json"),
        ("r.json", "r.yaml"),
    ] {
        assert_eq!(
            place.exit(&format!("diff --exit-code {one} {other}")),
            0,
            "{one} {other}"
        );
    }
    assert_eq!(place.exit("fmt --check r.kdl r.json r.yaml"), 0);
    // Comments came along.
    let comments = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(comments(&place.read("r.yaml")), comments(QUICK_START));
}

#[test]
fn stdin_is_converted_too() {
    let place = Place::new();
    let from = |arguments: &str, text: &str| {
        let told = place.ctr(arguments).write_stdin(text).output().unwrap();
        tell(arguments, &told)
    };
    assert_story!("convert-stdin", from("convert --to yaml -o - -", SETTINGS));
    assert_story!(
        "convert-stdin-kdl",
        from(
            "convert --to yaml --stdin-name r.kdl -",
            "PORT 5678 // the usual one\n"
        )
    );
}

#[test]
fn what_cannot_be_converted_is_told() {
    let place = Place::new()
        .with("bad.yaml", "Models: [\n")
        .with("loose.json", "{\"PORT\": 5678,}")
        .with("models.yaml", "models: {a: 1}\nmodle: 1\n")
        .with("dash.yaml", "LOG: {a: [{\"-\": {b: 1}}]}\n")
        .with("set/a.yaml", "PORT: 1\n")
        .with("set/b.yaml", "HOST: a\n");
    assert_story!("convert-broken", place.story("convert --to kdl bad.yaml"));
    assert_story!("convert-loose", place.story("convert --to kdl loose.json"));
    assert_story!(
        "convert-unsaid",
        place.story("convert --to kdl models.yaml")
    );
    assert_story!(
        "convert-unsaid-deep",
        place.story("convert --to kdl dash.yaml")
    );
    assert_story!("convert-folder", place.story("convert --to kdl set"));
    assert_story!(
        "convert-missing",
        place.story("convert --to kdl missing.yaml")
    );
    assert_story!(
        "convert-nowhere",
        place.story("convert --to kdl -o nowhere/r.kdl set/a.yaml")
    );
    assert_eq!(place.exit("convert --to json dash.yaml"), 0);
}

#[test]
fn the_source_is_not_overwritten() {
    let place = Place::quick_start();
    assert_story!(
        "convert-own-input",
        place.story("convert --to yaml -o registration.yaml registration.yaml")
    );
    assert_story!(
        "convert-ending",
        place.story("convert --to kdl -o registration.yaml registration.yaml")
    );
    assert_eq!(place.read("registration.yaml"), QUICK_START);
}
