use crate::{Place, QUICK_START, assert_story};

const TRANSCRIPT: &str = include_str!("../../../fixtures/corpus/transcript.jsonl");
const SPEND_LINES: &str = include_str!("../../../fixtures/corpus/spend.jsonl");
const SPEND_TABLE: &str = include_str!("../../../fixtures/corpus/spend.csv");
const SPEND_LIST: &str = include_str!("../../../fixtures/corpus/spend.json");

fn smart(rules: &str) -> String {
    format!("{QUICK_START}\nSmartRouter:\n  enabled: true\n  rules:\n{rules}")
}

const DESIGN: &str = "    - {name: design, priority: 5, model: sonnet, patterns: [{type: exact, keywords: [architecture]}]}\n";
const FAST: &str =
    "    - {name: fast_reply, model: haiku, patterns: [{type: exact, keywords: [thanks]}]}\n";

fn place() -> Place {
    let line = |at: &str, hits: &str, model: &str| {
        format!(
            "{{\"v\":1,\"request\":{{\"at\":\"2026-09-01T10:00:{at}Z\",\"asked\":\"claude\",\"text\":{{\"chars\":9,\"patterns\":\"p\",\"hits\":[{hits}]}},\"decided\":{{\"model\":\"{model}\"}},\"usage\":{{\"input\":1000000,\"output\":1000}}}}}}\n"
        )
    };
    let set = "{\"v\":1,\"patterns\":{\"id\":\"p\",\"scope\":\"last_message\",\"patterns\":[{\"exact\":{\"case_sensitive\":false,\"keywords\":[\"architecture\"]}},{\"exact\":{\"case_sensitive\":false,\"keywords\":[\"thanks\"]}}]}}\n";
    let corpus = [
        set.to_owned(),
        line("01", "1", "sonnet"),
        line("02", "", "sonnet"),
        line("03", "0, 1", "sonnet"),
        "{\"v\":1,\"request\":{\"at\":\"2026-0".to_owned(),
    ];
    Place::new()
        .with("old.yaml", &smart(DESIGN))
        .with("new.yaml", &smart(&format!("{DESIGN}{FAST}")))
        .with("corpus.jsonl", &corpus.concat())
        .with("empty.jsonl", "")
}

#[test]
fn a_diff_tells_which_requests_move() {
    let place = place();
    assert_story!(
        "diff-corpus",
        place.story("diff old.yaml new.yaml --corpus corpus.jsonl")
    );
    assert_story!(
        "diff-corpus-markdown",
        place.story("diff --format markdown old.yaml new.yaml --corpus corpus.jsonl")
    );
    assert_story!(
        "diff-corpus-json",
        place.story("diff --format json old.yaml new.yaml --corpus corpus.jsonl")
    );
}

#[test]
fn budgets_are_exit_codes() {
    let place = place();
    assert_story!(
        "diff-corpus-budget",
        place.story("diff old.yaml new.yaml --corpus corpus.jsonl --max-moved 5%")
    );
    let exit = |limits: &str| {
        place.exit(&format!(
            "diff old.yaml new.yaml --corpus corpus.jsonl {limits}"
        ))
    };
    assert_eq!(exit("--max-moved 50%"), 0);
    assert_eq!(exit("--max-moved 0"), 1);
    assert_eq!(exit("--max-moved five"), 64);
    assert_eq!(exit("--exit-code --max-moved 50%"), 2);
    assert_eq!(place.exit("diff old.yaml new.yaml --max-moved 5%"), 64);
    assert_eq!(place.exit("diff old.yaml new.yaml --corpus none.jsonl"), 3);
    assert_eq!(
        place.exit("diff old.yaml new.yaml --corpus empty.jsonl --max-moved 5%"),
        1
    );
}

#[test]
fn a_plan_is_asked_about_a_record() {
    let place = place();
    assert_story!(
        "replay",
        place.story("replay new.yaml --corpus corpus.jsonl")
    );
    assert_story!(
        "replay-empty",
        place.story("replay new.yaml --corpus empty.jsonl")
    );
    assert_story!("replay-without", place.story("replay new.yaml"));
}

#[test]
fn transcripts_become_a_corpus() {
    let place = place().with("projects/p/a.jsonl", TRANSCRIPT);
    assert_story!(
        "corpus-import-claude-code",
        place.story("corpus import claude-code --patterns new.yaml --text projects")
    );
    assert_eq!(
        place.exit("corpus import claude-code --patterns new.yaml projects -o out.jsonl"),
        0
    );
    let kept = place.read("out.jsonl");
    assert!(
        !kept.contains("fix the test") && !kept.contains("s1\""),
        "{kept}"
    );
    assert_story!(
        "replay-imported",
        place.story("replay new.yaml --corpus out.jsonl")
    );
    assert_eq!(
        place.exit("corpus import claude-code out.jsonl -o out.jsonl"),
        64
    );
}

#[test]
fn spend_logs_become_a_corpus() {
    let place = place()
        .with("spend.jsonl", SPEND_LINES)
        .with("spend.csv", SPEND_TABLE)
        .with("spend.json", SPEND_LIST);
    for (name, story) in [
        ("corpus-import-litellm-lines", "spend.jsonl"),
        ("corpus-import-litellm-table", "spend.csv"),
        ("corpus-import-litellm-list", "spend.json"),
    ] {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../../snapshots/cli");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let told = place.story(&format!(
            "corpus import litellm --patterns new.yaml {story}"
        ));
        settings.bind(|| insta::assert_snapshot!(name, told));
    }
}
