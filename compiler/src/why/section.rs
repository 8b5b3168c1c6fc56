//! Values of the smart router, governance, access and the runtime: each was
//! traced when it was lowered, by its path in the plan.

use serde_json::Value;

use super::{Answer, Origin, Unknown, unknown};
use crate::plan::{Plan, Provenance, Source, Traced};

/// Finds the value of a path below one of the traced sections. A rule may be
/// named by its name in place of its position.
pub(super) fn why(plan: &Plan, provenance: &Provenance, path: &str) -> Result<Answer, Unknown> {
    let path = by_position(plan, path);
    let all = serde_json::to_value(plan).unwrap_or_default();
    let traced = exact(provenance, &path);
    let value = value_at(&all, &path).cloned();
    let Some(value) = value.or_else(|| traced.map(switch)) else {
        return Err(not_there(&path, provenance));
    };
    let origin = match traced.or_else(|| around(provenance, &path)) {
        Some(traced) => origin(traced),
        None => Origin::Made {
            because: "a group of values; ask for one of them",
            entry: None,
        },
    };
    Ok(Answer {
        path,
        value,
        origin,
    })
}

/// The value of a switch that the plan tells by having its section at all.
fn switch(traced: &Traced) -> Value {
    match &traced.source {
        Source::Filled(value, _) => serde_json::from_str(value).unwrap_or_default(),
        Source::Written(_) => Value::Bool(true),
    }
}

pub(super) fn origin(traced: &Traced) -> Origin {
    let key = traced.key.clone().into_owned();
    match traced.source {
        Source::Written(span) => Origin::Written {
            key,
            span,
            old: None,
        },
        Source::Filled(_, because) => Origin::Filled {
            key,
            because,
            entry: None,
        },
    }
}

fn exact<'p>(provenance: &'p Provenance, path: &str) -> Option<&'p Traced> {
    provenance.traced.iter().find(|traced| traced.path == path)
}

/// The nearest value that was traced as a whole and that `path` is a part of.
fn around<'p>(provenance: &'p Provenance, path: &str) -> Option<&'p Traced> {
    let inside = |traced: &&Traced| {
        path.strip_prefix(traced.path.as_str())
            .is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    let all = provenance.traced.iter().filter(inside);
    all.max_by_key(|traced| traced.path.len())
}

/// `smart_router.rules.fast.priority` → `smart_router.rules[0].priority`.
fn by_position(plan: &Plan, path: &str) -> String {
    const RULES: &str = "smart_router.rules.";
    let rules = plan.smart_router.as_ref().map(|smart| &smart.rules);
    let (Some(rest), Some(rules)) = (path.strip_prefix(RULES), rules) else {
        return path.to_owned();
    };
    let named = |(at, name): (usize, &str)| {
        let after = rest.strip_prefix(name)?;
        (after.is_empty() || after.starts_with(['.', '['])).then_some((at, name.len(), after))
    };
    let names = rules.iter().map(|rule| rule.name.as_str()).enumerate();
    // Of two rules of one name, the first answers.
    let found = names
        .filter_map(named)
        .rev()
        .max_by_key(|(_, length, _)| *length);
    match found {
        Some((at, _, after)) => format!("smart_router.rules[{at}]{after}"),
        None => path.to_owned(),
    }
}

/// Follows a path; where a key holds dots, the longest that fits is taken.
fn value_at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let path = path.strip_prefix('.').unwrap_or(path);
    if path.is_empty() {
        return Some(value);
    }
    match value {
        Value::Object(map) => {
            let fits = |key: &&String| {
                path.strip_prefix(key.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let key = map.keys().filter(fits).max_by_key(|key| key.len())?;
            value_at(&map[key.as_str()], &path[key.len()..])
        }
        Value::Array(items) => {
            let (number, rest) = path.strip_prefix('[')?.split_once(']')?;
            value_at(items.get(number.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}

fn not_there(path: &str, provenance: &Provenance) -> Unknown {
    let known: Vec<&str> = provenance
        .traced
        .iter()
        .map(|traced| traced.path.as_str())
        .collect();
    let section = path.split('.').next().unwrap_or(path);
    if !known.iter().any(|known| known.starts_with(section)) {
        return Unknown {
            what: format!("the plan has no `{path}`"),
            help: format!(
                "switch `{section}` on first; the document says nothing of it, or switches it off"
            ),
        };
    }
    let mut unknown = unknown("value", path, &known, "paths");
    unknown.what = format!("the plan has no `{path}`");
    unknown
}
