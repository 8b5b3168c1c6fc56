//! Diagnostics as SARIF 2.1.0, which code scanning and editors read.
//!
//! Columns are counted in UTF-16 units, as `columnKind` says and as most
//! readers assume whatever it says.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::diagnostic::{Code, Diagnostic, Fix, Label};
use crate::lint::Waived;
use crate::source::{Sources, Span};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// One SARIF log with one run: a rule for every code that occurs, in table
/// order, and a result for every diagnostic, in the order given; then one for
/// each that is waived, suppressed with the reason. `version` is that of the tool.
///
/// A diagnostic without a place is put at the first source as a whole, because
/// code scanning refuses results without one.
pub fn json<'d>(
    diagnostics: impl IntoIterator<Item = &'d Diagnostic>,
    waived: &[Waived],
    sources: &Sources,
    version: &str,
) -> Value {
    let diagnostics: Vec<&Diagnostic> = diagnostics.into_iter().collect();
    let accepted = waived.iter().map(|waived| &waived.diagnostic);
    let all = diagnostics.iter().copied().chain(accepted);
    let codes: BTreeSet<Code> = all.map(|found| found.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let told = diagnostics
        .iter()
        .map(|diagnostic| result(diagnostic, &codes, sources));
    let suppressed = waived.iter().map(|waived| {
        let mut result = result(&waived.diagnostic, &codes, sources);
        result["suppressions"] = json!([suppression(waived, sources)]);
        result
    });
    let results: Vec<Value> = told.chain(suppressed).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ctr",
                "version": version,
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

/// The page of a code is named and not linked: `helpUri` must be absolute, and
/// pages belong to the version that speaks.
fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.title() },
        "help": { "text": format!("ctr explain-code {code} (docs/diagnostics/{code}.md)") },
        "defaultConfiguration": { "level": code.severity().word() },
    })
}

fn result(diagnostic: &Diagnostic, codes: &[Code], sources: &Sources) -> Value {
    let mut text = diagnostic.headline.clone();
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    let mut result = json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": codes.binary_search(&diagnostic.code).unwrap_or_default(),
        "level": diagnostic.severity.word(),
        "message": { "text": text },
    });
    match diagnostic.labels.split_first() {
        Some((first, rest)) => {
            result["locations"] = json!([location(first, sources)]);
            if !rest.is_empty() {
                result["relatedLocations"] = rest
                    .iter()
                    .enumerate()
                    .map(|(at, label)| related(at, label, sources))
                    .collect();
            }
        }
        None => {
            if let Some((_, source)) = sources.iter().next() {
                let whole = json!({ "artifactLocation": { "uri": uri(source.name()) } });
                result["locations"] = json!([{ "physicalLocation": whole }]);
            }
        }
    }
    if let Some(fix) = &diagnostic.fix {
        result["fixes"] = json!([repair(fix, diagnostic.help.as_deref(), sources)]);
    }
    result
}

fn suppression(waived: &Waived, sources: &Sources) -> Value {
    let source = sources.get(waived.span.source);
    json!({
        "kind": "inSource",
        "status": "accepted",
        "justification": format!("{} (until {})", waived.reason, waived.until),
        "location": { "physicalLocation": {
            "artifactLocation": { "uri": uri(source.name()) },
            "region": region(waived.span, sources),
        } },
    })
}

fn location(label: &Label, sources: &Sources) -> Value {
    let source = sources.get(label.span.source);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(source.name()) },
            "region": region(label.span, sources),
        },
    });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    location
}

fn related(at: usize, label: &Label, sources: &Sources) -> Value {
    let mut location = location(label, sources);
    location["id"] = json!(at + 1);
    location
}

fn repair(fix: &Fix, help: Option<&str>, sources: &Sources) -> Value {
    let mut repair = json!({
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(sources.get(fix.span.source).name()) },
            "replacements": [{
                "deletedRegion": region(fix.span, sources),
                "insertedContent": { "text": fix.replacement },
            }],
        }],
    });
    if let Some(help) = help {
        repair["description"] = json!({ "text": help });
    }
    repair
}

/// Counted from 1; the end is the column after the last unit.
fn region(span: Span, sources: &Sources) -> Value {
    let source = sources.get(span.source);
    let (start, end) = (
        source.position(span.start as usize),
        source.position(span.end as usize),
    );
    json!({
        "startLine": start.line,
        "startColumn": start.utf16 + 1,
        "endLine": end.line,
        "endColumn": end.utf16 + 1,
    })
}

/// A file name as a URI reference of RFC 3986. The colon of `main:a.yaml` is
/// encoded too, or it would read as a scheme.
fn uri(name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    let mut uri = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_references() {
        assert_eq!(uri("./a/b c.yaml"), "a/b%20c.yaml");
        assert_eq!(uri("/etc/ctr.yaml"), "file:///etc/ctr.yaml");
        assert_eq!(uri("main:ä.yaml"), "main%3A%C3%A4.yaml");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }

    #[test]
    fn columns_are_utf16_and_a_fix_is_a_replacement() {
        let mut sources = Sources::new();
        let id = sources.add("a.yaml", "x: 𝄞b\n");
        let span = Span::new(id, 7..8);
        let found = Diagnostic::new(Code::ModelNone, "none")
            .at(span, "here")
            .at(Span::new(id, 0..1), "there")
            .help("write it")
            .fix(span, "c");
        let log = json([&found], &[], &sources, "1");
        let result = &log["runs"][0]["results"][0];
        assert_eq!(
            result["fixes"][0]["artifactChanges"][0]["replacements"][0],
            json!({
                "deletedRegion": { "startLine": 1, "startColumn": 6, "endLine": 1, "endColumn": 7 },
                "insertedContent": { "text": "c" },
            })
        );
        assert_eq!(result["message"]["text"], "none\nhelp: write it");
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "there");
    }

    #[test]
    fn what_has_no_place_is_at_the_first_source() {
        let sources = Sources::single("a.yaml", "");
        let found = Diagnostic::new(Code::SourceEmpty, "nothing");
        let log = json([&found], &[], &sources, "1");
        assert_eq!(
            log["runs"][0]["results"][0]["locations"],
            json!([{ "physicalLocation": { "artifactLocation": { "uri": "a.yaml" } } }])
        );
    }
}
