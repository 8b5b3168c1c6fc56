//! The README shows what the binary prints, and the files it names are there.

use std::path::Path;

use crate::Place;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every `text` block begins with a command; what follows is what it prints.
#[test]
fn outputs_in_the_readme_are_real() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks: Vec<&str> = readme
        .split("```text\n$ ctr ")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let (arguments, shown) = block.split_once('\n').unwrap();
        let output = Place::new()
            .ctr(arguments)
            .current_dir(root())
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        assert_eq!(
            String::from_utf8(printed).unwrap().trim_end(),
            shown.trim_end(),
            "{arguments}"
        );
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
