use std::fs;
use std::path::Path;

use crate::{Place, QUICK_START, assert_story, tell};

const UNTIDY: &str = "HOST:   127.0.0.1 # here only\nRouter: { default: haiku }\nAPIKEY:  sk-0123456789abcdef\nModels:\n- {id: haiku, api: 'https://api.anthropic.com', key: \"${KEY}\", model: claude-haiku-4-5}\n";
const UNTIDY_KDL: &str = "HOST   \"127.0.0.1\"; PORT 5678 // the usual one\n";

fn untidy() -> Place {
    Place::new()
        .with("set/a.yaml", UNTIDY)
        .with("set/b.kdl", UNTIDY_KDL)
        .with("set/c.json", "{\"LOG_LEVEL\":\"info\"}")
        .with("set/d.yaml", "PORT: 5678\n")
        .with("set/.hidden.yaml", "PORT:   1\n")
        .with("set/further/e.yaml", "PORT:   1\n")
}

#[test]
fn files_are_formatted_in_their_place() {
    let place = untidy();
    assert_story!("fmt", place.story("fmt set"));
    assert_story!("fmt-again", place.story("fmt set"));
    assert_eq!(place.exit("fmt --check set"), 0);
    assert_eq!(place.read("set/.hidden.yaml"), "PORT:   1\n");
    assert_eq!(place.read("set/further/e.yaml"), "PORT:   1\n");
    let all = ["a.yaml", "b.kdl", "c.json", "d.yaml"];
    let all = all.map(|name| format!("--- {name}\n{}", place.read(&format!("set/{name}"))));
    assert_story!("fmt-files", all.concat());
    // No draft is left behind.
    assert_eq!(fs::read_dir(place.path("set")).unwrap().count(), 6);
}

#[test]
fn check_changes_nothing_and_shows_what_would() {
    let place = untidy();
    assert_story!("fmt-check", place.story("fmt --check set"));
    assert_story!(
        "fmt-check-json",
        place.story("fmt --check --format json set")
    );
    assert_eq!(place.read("set/a.yaml"), UNTIDY);
    assert_eq!(place.read("set/b.kdl"), UNTIDY_KDL);
    let painted = place.ctr("fmt --check --color always set/a.yaml");
    let painted = { painted }.output().unwrap();
    let painted = String::from_utf8(painted.stdout).unwrap();
    assert!(painted.contains("\u{1b}[32m+HOST: 127"), "{painted}");
    assert!(!painted.contains("0123"), "{painted}");
}

#[test]
fn what_is_wrong_with_one_file_does_not_stop_the_others() {
    let place = untidy()
        .with("bad.yaml", "Models: [\n")
        .with("bad.kdl", "PORT: 5678\n")
        .with("twice.yaml", "PORT: 1\nPORT: 2\n")
        .with("loose.json", "{\"PORT\": 5678,}")
        .with("word.yaml", "hello\n")
        .with("empty/readme.md", "");
    assert_story!(
        "fmt-errors",
        place.story("fmt bad.yaml bad.kdl twice.yaml loose.json word.yaml set/a.yaml")
    );
    assert_eq!(place.exit("fmt --check set/a.yaml"), 0);
    assert_eq!(place.read("bad.yaml"), "Models: [\n");
    assert_eq!(place.read("loose.json"), "{\"PORT\": 5678,}");
    assert_story!(
        "fmt-unreadable",
        place.story("fmt missing.yaml empty bad.yaml set/b.kdl set/b.kdl")
    );
    assert_story!(
        "fmt-errors-json",
        place.story("fmt --format json missing.yaml loose.json bad.yaml set/c.json set/d.yaml")
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let place = Place::new();
    fs::write(place.path("latin.yaml"), b"label: f\xfcnf\n").unwrap();
    fs::write(place.path("marked.yaml"), b"\xEF\xBB\xBFPORT: 5678\n").unwrap();
    fs::write(
        place.path("windows.yaml"),
        b"PORT: 5678\r\nLOG: |\r\n  a\r\n  b\r\n",
    )
    .unwrap();
    assert_eq!(place.exit("fmt latin.yaml"), 1);
    assert_eq!(place.exit("fmt --check marked.yaml"), 1);
    assert_eq!(place.exit("fmt marked.yaml windows.yaml"), 0);
    assert_eq!(place.read("marked.yaml"), "PORT: 5678\n");
    assert_eq!(
        place.read("windows.yaml"),
        "PORT: 5678\n\nLOG: |\n  a\n  b\n"
    );
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_and_links_stay_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let place = Place::new().with("a.yaml", UNTIDY).with("b.yaml", UNTIDY);
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(place.path("a.yaml"), PermissionsExt::from_mode(0o640)).unwrap();
    symlink("a.yaml", place.path("link.yaml")).unwrap();
    assert_eq!(place.exit("fmt link.yaml"), 0);
    assert_ne!(place.read("a.yaml"), UNTIDY);
    assert_eq!(mode("a.yaml"), 0o640);
    assert!(place.path("link.yaml").is_symlink());
    fs::set_permissions(place.path("b.yaml"), PermissionsExt::from_mode(0o444)).unwrap();
    assert_story!("fmt-read-only", place.story("fmt b.yaml"));
    assert_eq!(place.read("b.yaml"), UNTIDY);
}

#[test]
fn stdin_is_formatted_to_stdout() {
    let place = Place::new();
    let from = |arguments: &str, text: &str| {
        let told = place.ctr(arguments).write_stdin(text).output().unwrap();
        tell(arguments, &told)
    };
    assert_story!("fmt-stdin", from("fmt -", UNTIDY));
    assert_story!("fmt-stdin-check", from("fmt --check -", "PORT:   1"));
    assert_story!(
        "fmt-stdin-kdl",
        from("fmt --stdin-name r.kdl -", UNTIDY_KDL)
    );
    assert_story!("fmt-stdin-json", from("fmt -", "{\"PORT\":1}"));
    assert_story!("fmt-stdin-broken", from("fmt -", "a: [\n"));
    let told = place
        .ctr("fmt -")
        .write_stdin(QUICK_START)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(told.stdout).unwrap(), QUICK_START);
}

/// What the README and the demo start from is an example of the layout.
#[test]
fn the_quick_start_is_formatted() {
    let place = Place::quick_start();
    assert_eq!(place.exit("fmt --check registration.yaml"), 0);
}

/// The pages about it show what is printed.
#[test]
fn outputs_in_the_documents_are_real() {
    let place = Place::new().with(
        "registration.yaml",
        "HOST:   127.0.0.1\nModels:\n- {id: haiku}\n",
    );
    let arguments = "fmt --check registration.yaml";
    let told = place.ctr(arguments).output().unwrap();
    let printed = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    let shown = format!("$ ctr {arguments}\n{printed}```");
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    for page in ["docs/layout.md", "CHANGELOG.md"] {
        let page = fs::read_to_string(root.join(page)).unwrap();
        // An entry of the changelog is indented.
        let page = page.replace("\n  ", "\n");
        assert!(page.contains(&shown.replace("\n  ", "\n")), "{shown}");
    }
}
