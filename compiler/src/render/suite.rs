//! What came of route tests: for people, for programs, and for CI servers.

use std::fmt::Write;

use serde_json::{Value, json};

use super::explain::{line, place};
use super::junit::{attribute, content};
use super::table;
use crate::source::Places;
use crate::suite::{Coverage, Failed, Item, Kind, Mutation, Ran, Report};

/// Survivors and unreached things that are listed; the JSON has all of them.
const LISTED: usize = 40;

/// Failed tests, then what was reached, then changes that nobody noticed.
pub fn text(report: &Report, places: &Places) -> String {
    let mut out = String::new();
    for ran in report.ran.iter().filter(|ran| !ran.failed.is_empty()) {
        failed(&mut out, ran, places);
    }
    let (all, failed) = (report.ran.len(), report.failed());
    let noun = if all == 1 { "test" } else { "tests" };
    let _ = writeln!(
        out,
        "{all} {noun}: {} passed, {failed} failed",
        all - failed
    );
    coverage(&mut out, &report.coverage, places);
    if let Some(found) = &report.mutation {
        mutation(&mut out, found, places);
    }
    out
}

fn failed(out: &mut String, ran: &Ran, places: &Places) {
    let _ = writeln!(out, "FAILED  {}  ({})", named(ran), line(ran.span, places));
    let rows: Vec<Vec<String>> = ran.failed.iter().map(cells).collect();
    for row in table::align(&rows) {
        let _ = writeln!(out, "  {row}");
    }
    if let Some(decided) = decided(ran, places) {
        let _ = writeln!(out, "  {decided}");
    }
    out.push('\n');
}

fn named(ran: &Ran) -> &str {
    match ran.name.as_str() {
        "" => "a test without a name",
        name => name,
    }
}

fn cells(failed: &Failed) -> Vec<String> {
    match &failed.expected {
        Some(expected) => vec![
            failed.what.clone(),
            format!("expected {expected}"),
            format!("actual {}", failed.actual),
        ],
        None => vec![failed.what.clone(), failed.actual.clone()],
    }
}

/// The step that decided, and the line behind it.
fn decided(ran: &Ran, places: &Places) -> Option<String> {
    let went = ran.went.as_ref()?;
    let line = line(went.line, places);
    Some(match (went.step, line.as_str()) {
        ("none", _) => "no step decided".to_owned(),
        (step, "") => format!("decided by step {step}"),
        (step, line) => format!("decided by step {step} ({line})"),
    })
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Rule => "rules",
        Kind::Slot => "slots",
        Kind::Pool => "pools",
        Kind::Endpoint => "endpoints",
    }
}

fn coverage(out: &mut String, coverage: &Coverage, places: &Places) {
    let (all, reached) = coverage.count(None);
    let _ = writeln!(
        out,
        "\ncoverage {:.1} %: {reached} of {all} reached",
        coverage.percent()
    );
    for (_, kind) in Kind::WORDS {
        let (all, reached) = coverage.count(Some(*kind));
        if all == 0 {
            continue;
        }
        let _ = writeln!(out, "  {reached} of {all} {}", plural(*kind));
        let missed: Vec<&Item> = coverage
            .unreached()
            .filter(|item| item.kind == *kind)
            .collect();
        let rows: Vec<Vec<String>> = missed
            .iter()
            .take(LISTED)
            .map(|item| {
                let name = format!("not {}", item.name);
                vec![name, line(item.span, places)]
            })
            .collect();
        for row in table::align(&rows) {
            let _ = writeln!(out, "    {row}");
        }
        more(out, missed.len(), "    ");
    }
}

fn more(out: &mut String, count: usize, indent: &str) {
    if count > LISTED {
        let more = count - LISTED;
        let _ = writeln!(out, "{indent}… and {more} more; `--format json` has all");
    }
}

fn mutation(out: &mut String, mutation: &Mutation, places: &Places) {
    let (tried, survived) = (mutation.tried, mutation.survivors.len());
    let _ = writeln!(
        out,
        "\nchanges {:.1} %: {} of {tried} noticed",
        mutation.percent(),
        tried - survived.min(tried)
    );
    let rows: Vec<Vec<String>> = mutation
        .survivors
        .iter()
        .take(LISTED)
        .map(|mutant| vec![mutant.what.clone(), line(mutant.span, places)])
        .collect();
    if !rows.is_empty() {
        out.push_str("  no test notices that\n");
    }
    for row in table::align(&rows) {
        let _ = writeln!(out, "    {row}");
    }
    more(out, survived, "    ");
}

/// Everything, for programs.
pub fn json(report: &Report, places: &Places) -> Value {
    let items = |item: &Item| {
        json!({
            "kind": item.kind,
            "name": item.name,
            "reached": item.is_reached,
            "place": place(item.span, places),
        })
    };
    let coverage = &report.coverage;
    let (all, reached) = coverage.count(None);
    json!({
        "schema": "ctr.test/1",
        "tests": report.ran.iter().map(|ran| test(ran, places)).collect::<Vec<_>>(),
        "passed": report.ran.len() - report.failed(),
        "failed": report.failed(),
        "coverage": {
            "percent": coverage.percent(),
            "all": all,
            "reached": reached,
            "items": coverage.items.iter().map(items).collect::<Vec<_>>(),
        },
        "mutation": report.mutation.as_ref().map(|mutation| json!({
            "tried": mutation.tried,
            "percent": mutation.percent(),
            "survivors": mutation.survivors.iter().map(|mutant| json!({
                "what": mutant.what,
                "place": place(mutant.span, places),
            })).collect::<Vec<_>>(),
        })),
    })
}

fn test(ran: &Ran, places: &Places) -> Value {
    let failed = ran.failed.iter().map(|failed| {
        json!({
            "what": failed.what,
            "expected": failed.expected,
            "actual": failed.actual,
            "place": place(failed.span, places),
        })
    });
    let went = ran.went.as_ref().map(|went| {
        json!({
            "model": went.model,
            "endpoint": went.endpoint,
            "status": went.status,
            "reasons": went.reasons,
            "step": went.step,
            "line": place(went.line, places),
        })
    });
    json!({
        "name": ran.name,
        "passed": ran.failed.is_empty(),
        "place": place(ran.span, places),
        "failed": failed.collect::<Vec<_>>(),
        "went": went,
    })
}

/// One suite, `ctr test`, with a test case for every test in order.
pub fn junit(report: &Report, places: &Places) -> String {
    let (tests, failures) = (report.ran.len(), report.failed());
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\"");
    let mut cases = String::new();
    for ran in &report.ran {
        case(&mut cases, ran, places);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites {counts}>\n  <testsuite name=\"ctr test\" {counts} skipped=\"0\">\n\
         {cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(out: &mut String, ran: &Ran, places: &Places) {
    let file = ran
        .span
        .and_then(|span| places.line(span))
        .map(|(file, _)| file);
    let file = attribute(file.unwrap_or_default());
    let name = attribute(named(ran));
    let open = format!("    <testcase classname=\"ctr test\" name=\"{name}\" file=\"{file}\"");
    let Some(first) = ran.failed.first() else {
        let _ = writeln!(out, "{open}/>");
        return;
    };
    let mut told = format!("{}\n", line(ran.span, places));
    for failed in &ran.failed {
        let _ = writeln!(told, "{}", cells(failed).join("  "));
    }
    told.extend(decided(ran, places).map(|decided| format!("{decided}\n")));
    let _ = writeln!(
        out,
        "{open}>\n      <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>",
        attribute(&cells(first).join("  ")),
        attribute(&first.what),
        content(&told)
    );
}
