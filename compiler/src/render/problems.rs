//! Diagnostics as JSON, with lines and columns.

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Label, Problems, Severity};
use crate::lint::Waived;
use crate::source::{Sources, Span};

/// Most problems that an answer over HTTP has, each some hundred bytes: a text of 8 MiB may
/// have half a million, and nobody mends more than these at once.
pub const MOST: usize = 1_000;

/// The problems that an answer has room for: all of them in their order, or, of more than
/// [`MOST`], errors before others.
pub fn first(problems: &Problems) -> Vec<&Diagnostic> {
    let mut first: Vec<_> = problems.iter().collect();
    if first.len() > MOST {
        first.sort_by_key(|problem| problem.severity != Severity::Error);
        first.truncate(MOST);
    }
    first
}

/// The texts of as many problems, and how many there are besides.
pub(super) fn texts<'d>(
    mut problems: impl Iterator<Item = &'d Diagnostic>,
    text: impl Fn(&Diagnostic) -> String,
) -> Value {
    let first = problems.by_ref().take(MOST);
    let mut texts: Vec<Value> = first.map(|problem| json!(text(problem))).collect();
    let more = problems.count();
    if more > 0 {
        texts.push(json!(format!("and {more} more")));
    }
    texts.into()
}

/// An array, in the order given. Each has `code`, `severity`, `message`, the
/// primary place (`file`, `line`, `column`, `end_line`, `end_column`, all
/// counted from 1, columns in characters; absent where there is none), its
/// `label`, `help`, `related` places, and a `fix` where there is one: a place
/// and the `replacement` for what stands there.
pub fn json<'d>(diagnostics: impl IntoIterator<Item = &'d Diagnostic>, sources: &Sources) -> Value {
    Value::Array(
        diagnostics
            .into_iter()
            .map(|diagnostic| one(diagnostic, sources))
            .collect(),
    )
}

/// As [`json()`], of what is waived: each has besides a `waiver` with `reason`,
/// `until` and its place.
pub fn waived(waived: &[Waived], sources: &Sources) -> Value {
    let one = |waived: &Waived| {
        let mut value = one(&waived.diagnostic, sources);
        value["waiver"] = place(waived.span, sources);
        value["waiver"]["reason"] = json!(waived.reason);
        value["waiver"]["until"] = json!(waived.until.to_string());
        value
    };
    waived.iter().map(one).collect()
}

fn one(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let mut value = json!({
        "code": diagnostic.code.as_str(),
        "severity": diagnostic.severity.word(),
        "message": diagnostic.headline,
        "help": diagnostic.help,
    });
    let labels = diagnostic.labels.split_first();
    if let Some((first, _)) = labels {
        merge(&mut value, labelled(first, sources));
    }
    let others = labels.map_or(&[] as &[Label], |(_, others)| others);
    value["related"] = others
        .iter()
        .map(|label| labelled(label, sources))
        .collect();
    if let Some(fix) = &diagnostic.fix {
        let mut replaced = place(fix.span, sources);
        replaced["replacement"] = json!(fix.replacement);
        value["fix"] = replaced;
    }
    value
}

fn labelled(label: &Label, sources: &Sources) -> Value {
    let mut value = place(label.span, sources);
    value["label"] = json!(label.text);
    value
}

fn place(span: Span, sources: &Sources) -> Value {
    let source = sources.get(span.source);
    let (start, end) = (
        source.position(span.start as usize),
        source.position(span.end as usize),
    );
    json!({
        "file": source.name(),
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    })
}

fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(value), Value::Object(more)) = (value, more) {
        value.extend(more);
    }
}
