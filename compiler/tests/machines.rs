//! Outputs for machines keep the rules of their format, whatever is found:
//! every fixture there is goes through each of them.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read fixtures and fail by panicking"
)]

#[expect(dead_code, reason = "shared with tests that use all of it")]
mod support;

use std::path::{Path, PathBuf};

use ctr_compiler::diagnostic::Problems;
use ctr_compiler::source::{Source, Sources};
use ctr_compiler::{compile, render, unset_variables};
use serde_json::Value;

/// What every document of the fixtures is told.
fn found() -> Vec<(PathBuf, Sources, Problems)> {
    let mut files = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures"),
        &mut files,
    );
    files.sort();
    let told: Vec<_> = files
        .into_iter()
        .map(|path| {
            let sources = Sources::single(
                path.file_name().unwrap().to_string_lossy(),
                std::fs::read(&path).unwrap(),
            );
            let compiled = compile(&sources);
            let mut problems = compiled.problems.clone();
            for unset in unset_variables(&compiled, &|_| None) {
                problems.push(unset);
            }
            problems.sort();
            (path, sources, problems)
        })
        .collect();
    assert!(told.iter().any(|(_, _, problems)| problems.has_errors()));
    told
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let (mut related, mut fixes) = (0, 0);
    for (path, sources, problems) in found() {
        let log = render::sarif::json(problems.iter(), &[], &sources, "1.2.3");
        let check = std::panic::AssertUnwindSafe(|| assert_sarif(&log, &sources, &problems));
        let told = std::panic::catch_unwind(check);
        assert!(told.is_ok(), "{}: {log:#}", path.display());
        related += problems
            .iter()
            .filter(|found| found.labels.len() > 1)
            .count();
        fixes += problems.iter().filter(|found| found.fix.is_some()).count();
    }
    assert!(related > 0 && fixes > 0, "fixtures show nothing of these");
}

/// The schema is that of OASIS; tests/data says where it is from.
#[test]
fn sarif_validates() {
    // With a bracket too many, two patterns of it are no regular expressions.
    let text = include_str!("data/sarif-2.1.0.json").replace("{2}]?$", "{2}$");
    let schema = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0", "runs": [{}] })));
    let mut suppressed = 0;
    for (path, sources, problems) in found() {
        let waived = compile(&sources).waived;
        suppressed += waived.len();
        let log = render::sarif::json(problems.iter(), &waived, &sources, "1.2.3");
        let errors = validator.iter_errors(&log).map(|error| error.to_string());
        assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{}", path.display());
    }
    assert!(suppressed > 0, "fixtures waive nothing");
}

fn assert_sarif(log: &Value, sources: &Sources, problems: &Problems) {
    assert_eq!(log["version"], "2.1.0");
    let [run] = list(log, "runs").try_into().unwrap();
    assert_eq!(run["columnKind"], "utf16CodeUnits");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "ctr");
    assert_eq!(driver["version"], "1.2.3");
    let rules = list(driver, "rules");
    for rule in &rules {
        assert!(is_text(&rule["shortDescription"]["text"]), "{rule}");
        assert!(is_text(&rule["help"]["text"]), "{rule}");
    }
    let results = list(&run, "results");
    assert_eq!(results.len(), problems.len());
    let mut used = vec![false; rules.len()];
    for (result, diagnostic) in results.iter().zip(problems.iter()) {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        used[rule] = true;
        assert_eq!(result["ruleId"], diagnostic.code.as_str());
        assert_eq!(
            list(result, "relatedLocations").len(),
            diagnostic.labels.len().saturating_sub(1)
        );
        assert_eq!(
            list(result, "fixes").len(),
            usize::from(diagnostic.fix.is_some())
        );
        assert_result(result, sources.iter().next().unwrap().1);
    }
    assert!(used.iter().all(|used| *used), "a rule nobody breaks");
}

fn assert_result(result: &Value, source: &Source) {
    let level = result["level"].as_str().unwrap();
    assert!(["error", "warning", "note"].contains(&level), "{level}");
    assert!(is_text(&result["message"]["text"]), "{result}");
    assert_eq!(list(result, "locations").len(), 1, "{result}");
    for location in [list(result, "locations"), list(result, "relatedLocations")].concat() {
        assert_place(&location["physicalLocation"], source);
    }
    for fix in list(result, "fixes") {
        let [change] = list(&fix, "artifactChanges").try_into().unwrap();
        assert!(is_text(&change["artifactLocation"]["uri"]), "{change}");
        for replacement in list(&change, "replacements") {
            assert!(replacement["insertedContent"]["text"].is_string());
            assert_region(&replacement["deletedRegion"], source);
        }
    }
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// A place names its file; without a region it is the whole of it.
fn assert_place(place: &Value, source: &Source) {
    assert!(is_text(&place["artifactLocation"]["uri"]), "{place}");
    if let Some(region) = place.get("region") {
        assert_region(region, source);
    }
}

/// Both ends stand on a line of the source, at most behind its last unit.
fn assert_region(region: &Value, source: &Source) {
    let position = |line: &str, column: &str| {
        let number = |key: &str| usize::try_from(region[key].as_u64().unwrap()).unwrap();
        let (line, column) = (number(line), number(column));
        assert!((1..=source.line_count()).contains(&line), "{region}");
        let start = source.line_range(line - 1).start;
        let rest = &source.text()[start..];
        let break_at = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let units: usize = rest[..break_at].chars().map(char::len_utf16).sum();
        assert!((1..=units + 1).contains(&column), "{region}");
        (line, column)
    };
    let (start, end) = (
        position("startLine", "startColumn"),
        position("endLine", "endColumn"),
    );
    assert!(start <= end, "{region}");
}

/// Offset of a line and a column in characters, both counted from 1.
fn offset(text: &str, line: &Value, column: &Value) -> usize {
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap() - 1;
    let source = Sources::single("", text);
    let (_, source) = source.iter().next().unwrap();
    let start = source.line_range(number(line)).start;
    let rest = &text[start..];
    let column = rest.char_indices().nth(number(column));
    start + column.map_or(rest.len(), |(at, _)| at)
}

#[test]
fn json_says_where_and_how_to_mend_it() {
    let mut fixes = 0;
    for (path, sources, problems) in found() {
        let list = render::problems::json(problems.iter(), &sources);
        let text = sources.iter().next().unwrap().1.text();
        let list = list.as_array().unwrap();
        assert_eq!(list.len(), problems.len());
        for (told, found) in list.iter().zip(problems.iter()) {
            let place = |part: &Value| {
                offset(text, &part["line"], &part["column"])
                    ..offset(text, &part["end_line"], &part["end_column"])
            };
            assert_eq!(told["code"], found.code.as_str());
            assert_eq!(told["severity"], found.severity.word());
            assert_eq!(told["message"], found.headline);
            match found.span() {
                Some(span) => assert_eq!(place(told), span.range(), "{}", path.display()),
                None => assert!(told["line"].is_null() && told["file"].is_null()),
            }
            let related = told["related"].as_array().unwrap();
            assert_eq!(related.len(), found.labels.len().saturating_sub(1));
            match &found.fix {
                Some(fix) => {
                    assert_eq!(place(&told["fix"]), fix.span.range(), "{}", path.display());
                    assert_eq!(told["fix"]["replacement"], fix.replacement);
                    fixes += 1;
                }
                None => assert!(told["fix"].is_null()),
            }
        }
    }
    assert!(fixes > 5, "{fixes}");
}

#[test]
fn every_line_for_github_is_one_command() {
    for (path, sources, problems) in found() {
        let text = render::github::text(problems.iter(), &sources);
        assert_eq!(text.lines().count(), problems.len(), "{}", path.display());
        for line in text.lines() {
            let (head, message) = line[2..].split_once("::").unwrap();
            let (command, properties) = head.split_once(' ').unwrap();
            assert!(["error", "warning", "notice"].contains(&command), "{line}");
            assert!(
                properties.split(',').all(|pair| pair.contains('=')),
                "{line}"
            );
            assert!(!message.is_empty(), "{line}");
        }
    }
}

#[test]
fn junit_is_well_formed() {
    for (path, sources, problems) in found() {
        let text = render::junit::text(problems.iter(), &sources);
        let failed = text.matches("<failure ").count();
        assert_eq!(
            failed,
            usize::from(problems.has_errors()),
            "{}",
            path.display()
        );
        let mut open = Vec::new();
        let body = text.split_once("?>\n").unwrap().1;
        for (at, part) in body.split('<').enumerate().skip(1) {
            let (tag, content) = part
                .split_once('>')
                .unwrap_or_else(|| panic!("{at}: {part}"));
            assert!(!content.contains('>'), "{part}");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{part}"),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap()),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}
