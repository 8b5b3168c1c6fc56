//! The README shows what the binary prints, and the files it names are there.

use std::path::Path;

use assert_cmd::Command;

use crate::Place;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A command as it is typed, with the variables that stand before it and no others.
fn typed(place: &Place, line: &str) -> Command {
    let (variables, arguments) = line.split_once("ctr ").unwrap();
    let mut command = place.ctr(arguments);
    command
        .env_remove("PRIMARY_KEY")
        .env_remove("SECONDARY_KEY");
    for variable in variables.split_whitespace() {
        let (name, value) = variable.split_once('=').unwrap();
        command.env(name, value);
    }
    command.current_dir(root());
    command
}

/// Every `text` block that begins with a command goes on with what it prints, or, up
/// to `…`, with how that begins.
#[test]
fn outputs_in_the_documents_are_real() {
    for (page, count) in [
        ("README.md", 2),
        ("docs/evaluation.md", 6),
        ("docs/outcomes.md", 3),
    ] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let blocks: Vec<&str> = text.split("```text\n$ ").skip(1).collect();
        assert_eq!(blocks.len(), count, "{page}");
        for block in blocks {
            let block = block.split("```").next().unwrap();
            let (line, shown) = block.split_once('\n').unwrap();
            let output = typed(&Place::new(), line).output().unwrap();
            let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            match shown.trim_end().strip_suffix('…') {
                Some(beginning) => assert!(printed.starts_with(beginning), "{page}: {line}"),
                None => assert_eq!(printed.trim_end(), shown.trim_end(), "{page}: {line}"),
            }
        }
    }
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    for page in [
        "README.md",
        "docs/ARCHITECTURE.md",
        "docs/diagnostics/README.md",
        "docs/evaluation.md",
        "docs/http.md",
        "docs/import.md",
        "docs/kdl.md",
        "docs/layout.md",
        "docs/outcomes.md",
    ] {
        let path = root().join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(
                    path.parent().unwrap().join(target).exists(),
                    "{page}: {link}"
                );
            }
        }
    }
}

/// The registration the README shows in short compiles.
#[test]
fn the_registration_in_the_readme_compiles() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let yaml = readme
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let place = Place::new().with("registration.yaml", yaml);
    assert_eq!(place.exit("compile registration.yaml"), 0);
}
