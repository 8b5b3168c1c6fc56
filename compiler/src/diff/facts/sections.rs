//! The smart router, governance, access and the runtime, side by side.
//!
//! Single values are found by walking the plan's own JSON, so that none can be
//! forgotten; rules, candidates and keys are told one by one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{fields, pairs, push};
use crate::diff::{Change, Subject};
use crate::plan::{ManagedKey, Pattern, Plan, Rule, SmartRouter};

pub(super) fn compare(before: &Plan, after: &Plan, changes: &mut Vec<Change>) {
    settings(before, after, changes);
    rules(before, after, changes);
    candidates(before, after, changes);
    managed_keys(before, after, changes);
}

/// Sections whose single values are settings: path, and the section's JSON.
fn settings(before: &Plan, after: &Plan, changes: &mut Vec<Change>) {
    let sides = [before, after];
    let sections: [(&str, [Value; 2]); 7] = [
        (
            "smart_router",
            sides.map(|plan| smart(plan.smart_router.as_ref())),
        ),
        (
            "governance.cascade",
            sides.map(|plan| json(&plan.governance.cascade)),
        ),
        (
            "governance.shadow",
            sides.map(|plan| json(&plan.governance.shadow)),
        ),
        (
            "governance.anomaly_thresholds",
            sides.map(|plan| json(&plan.governance.anomaly_thresholds)),
        ),
        (
            "runtime.corpus",
            sides.map(|plan| json(&plan.runtime.corpus)),
        ),
        (
            "runtime.remote_service",
            sides.map(|plan| json(&plan.runtime.remote_service)),
        ),
        (
            "runtime.security",
            sides.map(|plan| json(&plan.runtime.security)),
        ),
    ];
    for (path, [old, new]) in sections {
        section(path, &old, &new, changes);
    }
}

/// One section: as a whole where only one side has it, else value by value.
fn section(path: &str, old: &Value, new: &Value, changes: &mut Vec<Change>) {
    let is_there = |value: &Value| !value.is_null();
    if is_there(old) != is_there(new) {
        let side = |value: &Value| is_there(value).then(|| summary(value));
        push(
            changes,
            Subject::Section(path.to_owned()),
            side(old),
            side(new),
        );
        return;
    }
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    leaves(path, old, &mut before);
    leaves(path, new, &mut after);
    for (path, old, new) in pairs(&before, &after) {
        push(
            changes,
            Subject::Setting(path.clone()),
            old.cloned(),
            new.cloned(),
        );
    }
}

/// Everything of it but what is told one by one.
fn smart(smart: Option<&SmartRouter>) -> Value {
    let mut value = json(&smart);
    if let Value::Object(map) = &mut value {
        map.remove("rules");
        map.remove("candidates");
    }
    value
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn leaves(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (name, value) in map {
                leaves(&format!("{path}.{name}"), value, found);
            }
        }
        single => {
            found.insert(path.to_owned(), shown(single));
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            items.join(", ")
        }
        Value::Object(map) => {
            let items: Vec<String> = map
                .iter()
                .map(|(name, value)| format!("{name} {}", shown(value)))
                .collect();
            items.join(" ")
        }
        other => other.to_string(),
    }
}

/// A section in one line: its values, without those that are off.
fn summary(value: &Value) -> String {
    let mut all = BTreeMap::new();
    leaves("", value, &mut all);
    let says = |(name, value): (&String, &String)| {
        let name = name.trim_start_matches('.');
        match value.as_str() {
            "false" => None,
            "true" => Some(name.to_owned()),
            value => Some(format!("{name} {value}")),
        }
    };
    let all: Vec<String> = all.iter().filter_map(says).collect();
    all.join(", ")
}

/// Rules by name; a name that is given again is told apart by `#2`, `#3`, ….
fn by_name(plan: &Plan) -> (Vec<String>, BTreeMap<String, &Rule>) {
    let rules = plan.smart_router.as_ref().map(|smart| &smart.rules);
    let (mut order, mut named) = (Vec::new(), BTreeMap::new());
    for rule in rules.into_iter().flatten() {
        let mut name = rule.name.clone();
        let mut again = 1;
        while named.contains_key(&name) {
            again += 1;
            name = format!("{}#{again}", rule.name);
        }
        order.push(name.clone());
        named.insert(name, rule);
    }
    (order, named)
}

fn rules(before: &Plan, after: &Plan, changes: &mut Vec<Change>) {
    let ((old_order, old_rules), (new_order, new_rules)) = (by_name(before), by_name(after));
    for (name, old, new) in pairs(&old_rules, &new_rules) {
        match (old, new) {
            (Some(old), Some(new)) => {
                fields(&rule_fields(old), &rule_fields(new), changes, |field| {
                    Subject::RuleField(name.clone(), field)
                });
            }
            _ => push(
                changes,
                Subject::Rule(name.clone()),
                old.map(|rule| rule_summary(rule)),
                new.map(|rule| rule_summary(rule)),
            ),
        }
    }
    // A rule of another priority is told as such, and its place follows from it.
    let tied = |name: &&String| {
        let priority = |rules: &BTreeMap<String, &Rule>| rules.get(*name).map(|rule| rule.priority);
        priority(&old_rules).is_some() && priority(&old_rules) == priority(&new_rules)
    };
    order(&old_order, &new_order, tied, Subject::RuleOrder, changes);
}

/// What stands on both sides, where its order differs.
fn order(
    old: &[String],
    new: &[String],
    counts: impl Fn(&&String) -> bool,
    subject: Subject,
    changes: &mut Vec<Change>,
) {
    let listed =
        |side: &[String]| -> Vec<String> { side.iter().filter(&counts).cloned().collect() };
    let (old, new) = (listed(old), listed(new));
    if old != new {
        push(changes, subject, Some(old.join(", ")), Some(new.join(", ")));
    }
}

fn rule_fields(rule: &Rule) -> Vec<super::Field> {
    let Rule {
        description,
        enabled,
        model,
        name: _,
        patterns,
        priority,
        prototype,
    } = rule;
    let prototype = prototype.as_ref();
    vec![
        ("enabled", Some(enabled.to_string())),
        ("model", Some(model.clone())),
        ("priority", Some(priority.to_string())),
        (
            "patterns",
            Some(patterns.iter().map(pattern).collect::<Vec<_>>().join(" | ")),
        ),
        (
            "prototype",
            prototype.map(|prototype| prototype.text.clone()),
        ),
        (
            "threshold",
            prototype.map(|prototype| prototype.threshold.to_string()),
        ),
        ("description", description.clone()),
    ]
}

fn rule_summary(rule: &Rule) -> String {
    let off = if rule.enabled { "" } else { ", disabled" };
    let patterns: Vec<String> = rule.patterns.iter().map(pattern).collect();
    let what = match (&rule.prototype, patterns.is_empty()) {
        (Some(_), true) => "by likeness".to_owned(),
        _ => format!("for {}", patterns.join(" | ")),
    };
    format!("{} {what} at priority {}{off}", rule.model, rule.priority)
}

fn pattern(pattern: &Pattern) -> String {
    let case = |sensitive: &bool| if *sensitive { " in this case" } else { "" };
    match pattern {
        Pattern::Exact {
            case_sensitive,
            keywords,
        } => {
            let quoted: Vec<String> = keywords.iter().map(|word| format!("{word:?}")).collect();
            format!("{}{}", quoted.join(", "), case(case_sensitive))
        }
        Pattern::Regex {
            case_sensitive,
            pattern,
        } => format!("/{pattern}/{}", case(case_sensitive)),
    }
}

fn candidates(before: &Plan, after: &Plan, changes: &mut Vec<Change>) {
    let listed = |plan: &Plan| -> (Vec<String>, BTreeMap<String, String>) {
        let smart = plan.smart_router.as_ref();
        let mut order = Vec::new();
        let mut described: BTreeMap<String, String> = BTreeMap::new();
        for candidate in smart.iter().flat_map(|smart| &smart.candidates) {
            let mut name = candidate.model.clone();
            let mut again = 1;
            while described.contains_key(&name) {
                again += 1;
                name = format!("{}#{again}", candidate.model);
            }
            order.push(name.clone());
            described.insert(name, candidate.description.clone());
        }
        (order, described)
    };
    let ((old_order, old), (new_order, new)) = (listed(before), listed(after));
    for (model, before, after) in pairs(&old, &new) {
        let subject = Subject::Candidate(model.clone());
        push(changes, subject, before.cloned(), after.cloned());
    }
    let both = |model: &&String| old.contains_key(*model) && new.contains_key(*model);
    order(
        &old_order,
        &new_order,
        both,
        Subject::CandidateOrder,
        changes,
    );
}

fn managed_keys(before: &Plan, after: &Plan, changes: &mut Vec<Change>) {
    for (id, old, new) in pairs(&before.managed_keys, &after.managed_keys) {
        match (old, new) {
            (Some(old), Some(new)) => {
                fields(&key_fields(old), &key_fields(new), changes, |field| {
                    Subject::KeyField(id.clone(), field)
                });
            }
            _ => push(
                changes,
                Subject::Key(id.clone()),
                old.map(key_summary),
                new.map(key_summary),
            ),
        }
    }
}

fn key_fields(key: &ManagedKey) -> Vec<super::Field> {
    let ManagedKey {
        expires_at,
        key_hash,
        label,
        quota,
        revoked_at,
        scopes: _,
    } = key;
    vec![
        ("scopes", Some(scopes(key))),
        ("key_hash", Some(key_hash.to_string())),
        ("expires_at", expires_at.clone()),
        ("revoked_at", revoked_at.clone()),
        ("quota", quota.map(|quota| shown(&json(&quota)))),
        ("label", label.clone()),
    ]
}

fn scopes(key: &ManagedKey) -> String {
    let words: Vec<&str> = key.scopes.iter().map(|scope| scope.word()).collect();
    words.join(", ")
}

fn key_summary(key: &ManagedKey) -> String {
    let revoked = if key.revoked_at.is_some() {
        ", revoked"
    } else {
        ""
    };
    // The hash is told as well, so that two keys are never the same change.
    format!("{} ({}){revoked}", scopes(key), key.key_hash)
}
