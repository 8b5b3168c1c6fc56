//! The smart router, governance, access and the remote service of a preview.

use std::fmt::Write;

use super::{resolved, table};
use crate::plan::{Governance, ManagedKey, Pattern, Plan, Recording, Rule, SmartRouter};

pub(super) fn text(out: &mut String, plan: &Plan) {
    if let Some(smart) = &plan.smart_router {
        smart_router(out, plan, smart);
    }
    governed(out, &plan.governance);
    if !plan.managed_keys.is_empty() {
        keys(out, plan);
    }
    if let Some(corpus) = &plan.runtime.corpus {
        recorded(out, corpus);
    }
    if let Some(remote) = &plan.runtime.remote_service {
        let key = match &remote.auth_token {
            Some(token) => format!("key {token}"),
            None => "no key".to_owned(),
        };
        let _ = writeln!(out, "\nremote service\n  {}  {key}", remote.base_url.url);
    }
}

fn recorded(out: &mut String, corpus: &Recording) {
    let Recording {
        max_bytes,
        path,
        sample,
        text,
    } = corpus;
    let texts = if *text { "with" } else { "without" };
    let share = sample * 100.0;
    let _ = writeln!(
        out,
        "\nrecorded requests\n  {path}  {share} %  {texts} texts  up to {max_bytes} bytes"
    );
}

fn smart_router(out: &mut String, plan: &Plan, smart: &SmartRouter) {
    let _ = writeln!(out, "\nsmart router (looks at {})", smart.analysis_scope);
    let rows: Vec<Vec<String>> = smart.rules.iter().map(|rule| row(plan, rule)).collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
    if smart.semantic.enabled {
        let how = match &smart.semantic.classifier_model {
            Some(model) => format!("by asking {}", resolved(plan, model)),
            None => "by shared words".to_owned(),
        };
        let _ = writeln!(
            out,
            "  then likeness {how}, at least {}",
            smart.semantic.threshold
        );
    }
    if let Some(model) = &smart.router_model {
        let _ = writeln!(out, "  then {} chooses among", resolved(plan, model));
        let rows: Vec<Vec<String>> = smart
            .candidates
            .iter()
            .map(|candidate| {
                vec![
                    resolved(plan, &candidate.model),
                    candidate.description.clone(),
                ]
            })
            .collect();
        for line in table::align(&rows) {
            let _ = writeln!(out, "    {line}");
        }
    }
    if smart.sticky.enabled {
        let _ = writeln!(
            out,
            "  a session keeps its model for {} s",
            smart.sticky.session_ttl_ms as f64 / 1000.0
        );
    }
    if let Some(model) = &smart.sticky.alignment.summarizer_model {
        let _ = writeln!(
            out,
            "  {} sums up when the model changes",
            resolved(plan, model)
        );
    }
    let _ = writeln!(out, "  else the slots");
}

fn row(plan: &Plan, rule: &Rule) -> Vec<String> {
    let mut patterns: Vec<String> = rule.patterns.iter().map(pattern).collect();
    if let Some(prototype) = &rule.prototype {
        patterns.push(format!("likeness of {}", prototype.threshold));
    }
    vec![
        if rule.enabled { "" } else { "off" }.to_owned(),
        rule.priority.to_string(),
        rule.name.clone(),
        resolved(plan, &rule.model),
        patterns.join(" | "),
    ]
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Exact { keywords, .. } => {
            let quoted: Vec<String> = keywords.iter().map(|word| format!("{word:?}")).collect();
            quoted.join(", ")
        }
        Pattern::Regex { pattern, .. } => format!("/{pattern}/"),
    }
}

fn governed(out: &mut String, governance: &Governance) {
    if governance.cascade.is_none() && governance.shadow.is_none() {
        return;
    }
    out.push_str("\ngovernance\n");
    if let Some(cascade) = &governance.cascade {
        let levels: Vec<String> = cascade
            .levels
            .iter()
            .map(|level| format!("{} → {}", level.from, level.to))
            .collect();
        let _ = writeln!(
            out,
            "  a failed answer is asked for again: {}; at most {} attempts",
            levels.join(", "),
            cascade.max_attempts
        );
    }
    if let Some(shadow) = &governance.shadow {
        let judge = match &shadow.verifier_model {
            Some(model) => format!(", judged by {model}"),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "  {} of answers are looked over ({}){judge}",
            shadow.sample_rate, shadow.mode
        );
    }
}

fn keys(out: &mut String, plan: &Plan) {
    out.push_str("\nmanaged keys\n");
    let rows: Vec<Vec<String>> = plan
        .managed_keys
        .iter()
        .map(|(id, key)| vec![id.clone(), scopes(key), standing(key)])
        .collect();
    for line in table::align(&rows) {
        let _ = writeln!(out, "  {line}");
    }
}

fn scopes(key: &ManagedKey) -> String {
    let words: Vec<&str> = key.scopes.iter().map(|scope| scope.word()).collect();
    if words.is_empty() {
        return "no scope".to_owned();
    }
    words.join(", ")
}

fn standing(key: &ManagedKey) -> String {
    match (&key.revoked_at, &key.expires_at) {
        (Some(time), _) => format!("revoked {time}"),
        (None, Some(time)) => format!("until {time}"),
        (None, None) => String::new(),
    }
}
