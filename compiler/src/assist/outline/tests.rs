//! The shape of a text is the shape of its tree, wherever it parses.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::assist::names::tree;
use crate::source::{SourceId, Sources};
use crate::tree::{Node, Value};

/// Every key with a scalar on its line: path, name, and where the value begins.
type Found = BTreeSet<(String, String, usize)>;

fn in_tree(node: &Node<'_>, path: &str, found: &mut Found) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                let name = entry.key.value.to_string();
                if let Value::Scalar(_) = entry.value.value {
                    let start = entry.value.span.range().start;
                    found.insert((path.to_owned(), name.clone(), start));
                }
                in_tree(&entry.value, &format!("{path}/{name}"), found);
            }
        }
        Value::List(items) => {
            for item in items {
                in_tree(item, &format!("{path}/-"), found);
            }
        }
        Value::Null | Value::Scalar(_) | Value::Broken => {}
    }
}

fn shown(path: &[Step<'_>]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Key(name) => format!("/{name}"),
        Step::Item => "/-".to_owned(),
    });
    steps.collect()
}

fn in_outline(outline: &Outline<'_>, text: &str) -> Found {
    let scalars = outline.entries.iter().filter(|entry| {
        let value = &text[entry.value.clone()];
        !value.is_empty()
            && !value.starts_with(['{', '[', '|', '>', '*', '~'])
            && value != "null"
            && value != "#null"
    });
    scalars
        .map(|entry| {
            let path = shown(&outline.path(entry.level));
            (path, entry.name.to_owned(), entry.value.start)
        })
        .collect()
}

/// Texts that parse without a mistake of syntax.
fn texts() -> Vec<(String, Sources, SourceId)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.to_string_lossy().into_owned();
            // Files of other programs and answers to tasks are no registrations, and
            // some are hardly JSON.
            if ["/import/", "/protocol/", "/evaluate/"]
                .iter()
                .any(|other| name.contains(other))
            {
                continue;
            }
            let is_one = [".yaml", ".yml", ".json", ".kdl"]
                .iter()
                .any(|end| name.ends_with(end));
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            let sources = Sources::single(name.clone(), text);
            let (id, source) = sources.iter().next().unwrap();
            let compiled = crate::compile(&sources);
            let is_readable = !compiled.problems.iter().any(|found| {
                let code = found.code.as_str();
                code.starts_with("syntax/") || code.starts_with("source/")
            });
            // What an alias repeats stands elsewhere, and a block text begins elsewhere.
            // Layouts as odd as `fmt` mends, and what `/-` takes out, are more than a
            // reader of lines follows.
            let is_plain = !source.text().contains("<<:")
                && !source.text().contains(": *")
                && !name.contains("/fixtures/fmt/")
                && !name.contains("/fixtures/convert/");
            if is_one && is_readable && is_plain {
                texts.push((name, sources, id));
            }
        }
    }
    texts
}

#[test]
fn keys_and_values_are_those_of_the_tree() {
    let mut count = 0;
    for (name, sources, id) in texts() {
        let source = sources.get(id);
        let mut expected = Found::new();
        in_tree(&tree(&sources, id), "", &mut expected);
        let outline = Outline::of(source, None);
        assert_eq!(in_outline(&outline, source.text()), expected, "{name}");
        count += expected.len();
    }
    assert!(count > 400, "{count}");
}

#[test]
fn a_cursor_stands_where_the_tree_says() {
    let mut count = 0;
    for (name, sources, id) in texts() {
        let source = sources.get(id);
        let mut expected = Found::new();
        in_tree(&tree(&sources, id), "", &mut expected);
        for (path, key, start) in expected {
            let outline = Outline::of(source, Some(start + 1));
            let place = || format!("{name}: {path}/{key} at {start}");
            let cursor = outline
                .cursor
                .as_ref()
                .unwrap_or_else(|| panic!("{}", place()));
            match cursor.slot {
                Slot::Value(map, found) | Slot::Argument(map, found, _) => {
                    assert_eq!(
                        (shown(&outline.path(map)).as_str(), found),
                        (path.as_str(), key.as_str()),
                        "{}",
                        place()
                    );
                }
                slot => panic!("{}: {slot:?}", place()),
            }
            count += 1;
        }
    }
    assert!(count > 400, "{count}");
}

#[test]
fn any_cut_of_a_text_has_a_shape() {
    for (_, sources, id) in texts() {
        let text = sources.get(id).text();
        for end in (0..=text.len())
            .filter(|end| text.is_char_boundary(*end))
            .step_by(7)
        {
            let cut = Sources::single(sources.get(id).name(), &text[..end]);
            let (_, source) = cut.iter().next().unwrap();
            let outline = Outline::of(source, Some(end));
            for entry in &outline.entries {
                assert!(source.text().get(entry.key.clone()).is_some());
                assert!(source.text().get(entry.value.clone()).is_some());
                outline.takes(entry.level);
            }
        }
    }
}
