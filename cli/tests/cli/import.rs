use crate::{Place, assert_story};

const LITELLM: &str = "\
model_list:
  - model_name: chat
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-0123456789abcdef
  - model_name: spare
    litellm_params: {model: bedrock/anthropic.claude-sonnet-4-5, aws_region_name: eu-west-1}
litellm_settings:
  fallbacks: [{chat: [spare]}, {chta: [spare]}]
";

const CCR: &str = "\
{
  \"Providers\": [
    {\"name\": \"a\", \"api_base_url\": \"https://a.example/v1\", \"api_key\": \"$A_KEY\", \"models\": [\"m\"]}
  ],
  \"Router\": {\"default\": \"a,m\"}
}
";

#[test]
fn a_registration_goes_to_stdout_and_what_was_lost_to_stderr() {
    let place = Place::new().with("config.yaml", LITELLM);
    assert_story!("import", place.story("import litellm config.yaml"));
    assert_story!(
        "import-json",
        place.story("import litellm config.yaml --format json --to kdl")
    );
}

#[test]
fn what_is_imported_compiles() {
    let place = Place::new()
        .with("config.yaml", LITELLM)
        .with("config.json", CCR);
    for (asked, written) in [
        ("litellm config.yaml", "one.yaml"),
        ("litellm config.yaml --to kdl", "two.kdl"),
        ("ccr config.json", "three.yaml"),
        ("ccr config.json --to kdl --format json", "four.kdl"),
    ] {
        assert_eq!(place.exit(&format!("import {asked} -o {written}")), 0);
        assert_eq!(place.exit(&format!("compile {written}")), 0, "{asked}");
    }
    let told = place
        .ctr("import ccr -o - -")
        .write_stdin(CCR)
        .output()
        .unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    assert_eq!(text, place.read("three.yaml"));
    let told = String::from_utf8(told.stderr).unwrap();
    assert_eq!(told, "-: 1 model, 1 slot\n");
}

#[test]
fn warnings_refuse_only_where_that_is_asked_for() {
    let place = Place::new()
        .with("config.yaml", LITELLM)
        .with("config.json", CCR);
    let told = place
        .ctr("import litellm config.yaml --strict -o r.yaml")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    assert!(told.stdout.is_empty());
    assert!(!place.path("r.yaml").exists());
    let words = String::from_utf8(told.stderr).unwrap();
    assert!(
        words.contains("`--strict` refuses an import with 4 warnings"),
        "{words}"
    );
    assert_eq!(place.exit("import ccr config.json --strict"), 0);
}

#[test]
fn a_file_that_is_not_what_it_is_said_to_be() {
    let place = Place::new()
        .with("config.yaml", LITELLM)
        .with("broken.json", &CCR.replace("],", "]"));
    assert_story!("import-wrong-format", place.story("import ccr config.yaml"));
    assert_story!("import-broken", place.story("import ccr broken.json"));
}

#[test]
fn exits_tell_files_from_arguments() {
    let place = Place::new().with("config.yaml", LITELLM);
    for (asked, code) in [
        ("import litellm missing.yaml", 3),
        ("import litellm config.yaml -o nowhere/r.yaml", 3),
        ("import litellm", 64),
        ("import lite config.yaml", 64),
        ("import litellm config.yaml --to toml", 64),
        ("import litellm .", 64),
        ("import litellm config.yaml -o config.yaml", 64),
        ("import litellm config.yaml -o - --format json", 64),
    ] {
        assert_eq!(place.exit(asked), code, "{asked}");
    }
    assert_eq!(place.read("config.yaml"), LITELLM);
}
