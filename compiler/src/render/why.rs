//! The reason of a value as text and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::table::on_one_line;
use crate::source::{Sources, Span};
use crate::why::{Answer, Origin};

/// `path: value`, and where it comes from.
pub fn text(answer: &Answer, sources: &Sources) -> String {
    let path = on_one_line(&answer.path);
    let mut out = format!("{path}: {}\n", shown(&answer.value));
    let entry = match &answer.origin {
        Origin::Written { key, span, old } => {
            let _ = writeln!(out, "  written at {}, as `{key}`", sources.place(*span));
            if let Some(old) = old {
                let _ = writeln!(out, "  in its old spelling, `{old}`");
            }
            None
        }
        Origin::Filled {
            key,
            because,
            entry,
        } => {
            let _ = writeln!(out, "  filled in: {because}; `{key}` would set it");
            *entry
        }
        Origin::Made { because, entry } => {
            let _ = writeln!(out, "  not written: {because}");
            *entry
        }
        Origin::Absent { key, entry } => {
            let _ = writeln!(
                out,
                "  not written, and not filled in; `{key}` would set it"
            );
            *entry
        }
    };
    if let Some(span) = entry {
        let _ = writeln!(out, "  its entry is at {}", sources.place(span));
    }
    out
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => on_one_line(text).into_owned(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

/// `{"path","value","origin","key","spelling","because","place"}`. `origin` is
/// `written`, `filled`, `made` or `absent`; `spelling` is the old one where it
/// was used; `place` is the value's, or else that of its entry.
pub fn json(answer: &Answer, sources: &Sources) -> Value {
    let (origin, key, spelling, because, span) = match &answer.origin {
        Origin::Written { key, span, old } => ("written", Some(key), *old, None, Some(*span)),
        Origin::Filled {
            key,
            because,
            entry,
        } => ("filled", Some(key), None, Some(*because), *entry),
        Origin::Made { because, entry } => ("made", None, None, Some(*because), *entry),
        Origin::Absent { key, entry } => ("absent", Some(key), None, None, *entry),
    };
    json!({
        "path": answer.path,
        "value": answer.value,
        "origin": origin,
        "key": key,
        "spelling": spelling,
        "because": because,
        "place": span.map(|span| place(span, sources)),
    })
}

fn place(span: Span, sources: &Sources) -> Value {
    let source = sources.get(span.source);
    let position = source.position(span.start as usize);
    json!({ "file": source.name(), "line": position.line, "column": position.column })
}
