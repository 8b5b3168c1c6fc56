//! A replay for programs. Keys are a promise.

use serde_json::{Map, Value, json};

use super::{Places, source_path};
use crate::replay::{Moved, Report, Went};
use crate::route::Source;

/// `{"requests","decided","not_recorded","moved","moves":[…],"models":{…},"costs":{…},
/// "peaks":{…},"undecidable":{…},"bad_lines":{…}}`.
pub fn json(report: &Report<'_>, places: Places<'_>) -> Value {
    let moves: Vec<Value> = report
        .moves()
        .iter()
        .map(|moved| one(moved, report, places))
        .collect();
    let models: Vec<Value> = report
        .models()
        .map(|(name, models)| {
            let mut value = went(name);
            if let Some(value) = value.as_object_mut() {
                value.remove("endpoint");
                value.insert("before".to_owned(), json!(models.before));
                value.insert("after".to_owned(), json!(models.after));
            }
            value
        })
        .collect();
    let costs: Map<String, Value> = report
        .costs()
        .map(|(currency, cost)| {
            let value = json!({
                "before": cost.before, "after": cost.after,
                "percent": cost.percent(), "requests": cost.requests,
            });
            (currency.to_owned(), value)
        })
        .collect();
    let peaks: Map<String, Value> = report
        .peaks()
        .map(|(model, before, after, (rpm, tpm))| {
            let of = |before: u64, after: u64, declared: Option<u64>| {
                json!({ "before": before, "after": after, "declared": declared })
            };
            let value = json!({
                "rpm": of(before.rpm, after.rpm, rpm), "tpm": of(before.tpm, after.tpm, tpm),
            });
            (model.to_owned(), value)
        })
        .collect();
    json!({
        "requests": report.requests,
        "decided": report.decided,
        "not_recorded": report.not_recorded,
        "moved": report.moved(),
        "moves": moves,
        "models": models,
        "costs": costs,
        "peaks": peaks,
        "undecidable": undecidable(report),
        "bad_lines": bad_lines(report),
    })
}

fn one(moved: &Moved<'_>, report: &Report<'_>, places: Places<'_>) -> Value {
    let (kind, name) = moved.source.map_or((None, None), |source| {
        let (kind, name) = kind(source);
        (Some(kind), name)
    });
    let path = moved.source.and_then(|source| source_path(source, report));
    json!({
        "requests": moved.amount.requests,
        "from": went(moved.from),
        "to": went(moved.to),
        "by": kind,
        "name": name,
        "place": path.and_then(|path| places(&path)),
        "cost": moved.amount.currency.is_some().then_some(moved.amount.cost),
        "currency": moved.amount.currency,
    })
}

fn went(went: Went<'_>) -> Value {
    match went {
        Went::To { model, endpoint } => json!({ "model": model, "endpoint": endpoint }),
        Went::Elsewhere => json!({ "model": null }),
        Went::Refused(why) => json!({ "refused": why.status(), "why": why.why() }),
    }
}

fn kind(source: Source<'_>) -> (&'static str, Option<&str>) {
    match source {
        Source::ExplicitModel => ("explicit_model", None),
        Source::Rule(name) => ("rule", Some(name)),
        Source::Sticky => ("session", None),
        Source::Semantic(name) => ("likeness", Some(name)),
        Source::Candidates => ("candidates", None),
        Source::Subagent => ("subagent", None),
        Source::Slot(slot) => ("slot", Some(slot.word())),
    }
}

fn undecidable(report: &Report<'_>) -> Value {
    let found = &report.undecidable;
    let text: Vec<Value> = found
        .text
        .iter()
        .map(|(rule, count)| json!({ "rule": rule, "requests": count }))
        .collect();
    let answer: Vec<Value> = found
        .answer
        .iter()
        .map(|(model, count)| json!({ "model": model, "requests": count }))
        .collect();
    json!({ "requests": found.count(), "without_text": text, "without_answer": answer })
}

fn bad_lines(report: &Report<'_>) -> Value {
    let first: Vec<Value> = report
        .bad
        .first
        .iter()
        .map(|(line, why)| json!({ "line": line, "what": why.to_string() }))
        .collect();
    json!({ "count": report.bad.count, "first": first })
}
