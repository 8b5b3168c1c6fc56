//! Tests in files of their own: documents that have `Tests` and nothing else.

use crate::Limits;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::Plan;
use crate::registration::{self, TestEntry};
use crate::source::{SourceId, Sources};
use crate::tree::{self, Value};

/// Reads the tests of one source. Everything found is a warning, except for what
/// keeps the whole text from being read.
pub fn read(
    sources: &Sources,
    id: SourceId,
    plan: Option<&Plan>,
    problems: &mut Problems,
) -> Vec<TestEntry> {
    let mut found = Problems::default();
    let root = tree::parse(id, sources, &Limits::default(), &mut found);
    let registration = registration::read(&root, &mut found);
    found.soften(registration.test_problems.clone());
    if let Value::Map(entries) = &root.node.value {
        for entry in entries.iter().filter(|entry| entry.key.value != "Tests") {
            let known = registration::VOCABULARY;
            if known.iter().any(|key| key.is_spelt(&entry.key.value)) {
                found.push(
                    Diagnostic::new(
                        Code::DocumentUnknownKey,
                        format!("a file of tests has no `{}`", entry.key.value),
                    )
                    .at(entry.key.span, "left aside: only `Tests` counts here")
                    .help("move it into the registration"),
                );
            }
        }
    }
    if let Some(plan) = plan {
        super::check(plan, &registration.tests, &mut found);
    }
    found.sort();
    problems.add(&found);
    registration.tests
}
