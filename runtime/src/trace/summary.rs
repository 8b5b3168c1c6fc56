//! What claude-trigger-router tells of a trace beside it: how it was decided, and
//! whether the client's model was kept.
//!
//! There the client's name was compared with the endpoint's, so that nearly every
//! request had switched. Here what the plan knows under both names is compared;
//! where it does not know the client's, nothing is said.

use serde_json::{Value, json};

use super::Trace;

/// What decided, as it shows in the reasons, strongest first.
const SOURCES: [(&str, &str, &str); 10] = [
    ("smart_rule:", "smart_rule", "a rule of the smart router"),
    ("semantic_match:", "semantic_match", "likeness to a rule"),
    ("sticky_correction", "sticky_correction", "the session"),
    ("smart_router", "smart_router", "the smart router's choice"),
    (
        "context_window_",
        "context_window_guard",
        "the length of the request",
    ),
    (
        "model_pool_fallback",
        "model_pool_fallback",
        "a failure in the pool",
    ),
    ("cascade", "cascade", "a second model"),
    ("explicit_model", "explicit_model", "the model asked for"),
    (
        "subagent_model",
        "subagent_model",
        "the marker of a sub-agent",
    ),
    ("slot:", "basic_router", "a slot"),
];

/// A reason that names the smart router and says that it did not decide.
const PASSED: &str = "smart_router:no_match";

/// How the trace's request was decided.
pub fn route_decision(trace: &Trace) -> Value {
    let (source, label) = source(trace);
    let chosen = trace.route_decision.as_ref();
    let confidence = chosen.and_then(|chosen| chosen.confidence);
    let model = trace.final_model.as_deref();
    let headline = match model {
        Some(model) => format!("{model}, by {label}"),
        None => "nowhere".to_owned(),
    };
    without_nulls(json!({
        "requestId": trace.request_id,
        "sessionKey": trace.session_key,
        "source": source,
        "sourceLabel": label,
        "ruleName": rule_name(trace),
        "semanticIntent": trace.semantic_intent,
        "confidence": confidence,
        "confidenceLabel": confidence.map(confidence_label),
        "initialModel": trace.initial_model,
        "finalModel": trace.final_model,
        "fallbackReason": fallback_reason(trace),
        "routeReasons": trace.route_reason,
        "headline": headline,
        "provenance": trace.provenance,
        "continuity": {
            "stickyHit": trace.sticky_hit,
            "alignmentUsed": trace.alignment_used,
            "cascadeTriggered": trace.cascade_triggered,
            "shadowChecked": trace.shadow_checked,
        },
        "latencyMs": trace.latency_ms,
        "startedAt": trace.started_at,
        "completedAt": trace.completed_at,
    }))
}

/// Whether the request went to the model that was asked for.
pub fn switch_continuity(trace: &Trace) -> Value {
    let (source, label) = source(trace);
    let (from, to) = (
        trace.resolved_model.as_deref(),
        trace.final_model.as_deref(),
    );
    let switched = matches!((from, to), (Some(from), Some(to)) if from != to);
    let transition = from.zip(to).filter(|_| switched);
    let transition = transition.map(|(from, to)| format!("{from} -> {to}"));
    let status = match (from, to) {
        (None, _) | (_, None) => "unknown",
        _ if !switched => "stable",
        _ => match (trace.alignment_used, trace.cascade_triggered) {
            (true, false) => "aligned",
            (false, true) => "critical",
            (false, false) | (true, true) => "watch",
        },
    };
    let (headline, action) = told(status);
    let detail: Vec<&str> = [
        transition.as_deref(),
        fallback_reason(trace),
        trace.sticky_hit.then_some("the session kept its model"),
    ]
    .into_iter()
    .flatten()
    .collect();
    without_nulls(json!({
        "requestId": trace.request_id,
        "sessionKey": trace.session_key,
        "status": status,
        "switched": switched,
        "initialModel": trace.initial_model,
        "finalModel": trace.final_model,
        "transition": transition,
        "source": source,
        "sourceLabel": label,
        "ruleName": rule_name(trace),
        "semanticIntent": trace.semantic_intent,
        "stickyHit": trace.sticky_hit,
        "alignmentUsed": trace.alignment_used,
        "cascadeTriggered": trace.cascade_triggered,
        "fallbackReason": fallback_reason(trace),
        "detail": detail,
        "headline": headline,
        "action": action,
        "latencyMs": trace.latency_ms,
        "startedAt": trace.started_at,
        "completedAt": trace.completed_at,
    }))
}

fn told(status: &str) -> (&'static str, &'static str) {
    match status {
        "stable" => ("the model asked for answers", "nothing to do"),
        "aligned" => (
            "another model answers, in line with its session",
            "nothing to do",
        ),
        "watch" => (
            "another model answers than was asked for",
            "see whether the rule or slot behind it is meant",
        ),
        "critical" => (
            "another model answers, and a third was needed",
            "change the rule or slot that chose it",
        ),
        _ => (
            "the plan does not know the model asked for, or none was decided upon",
            "name the model in the registration to compare it",
        ),
    }
}

fn source(trace: &Trace) -> (&'static str, &'static str) {
    let has = |start: &str| {
        let mut reasons = trace.route_reason.iter();
        reasons.any(|reason| reason.starts_with(start) && reason != PASSED)
    };
    let found = SOURCES.iter().find(|(start, _, _)| has(start));
    found.map_or(
        ("basic_router", "the basic router"),
        |(_, source, label)| (source, label),
    )
}

fn rule_name(trace: &Trace) -> Option<&str> {
    let mut reasons = trace.route_reason.iter();
    reasons.find_map(|reason| {
        let rule = reason.strip_prefix("smart_rule:");
        rule.or_else(|| reason.strip_prefix("semantic_match:"))
    })
}

fn fallback_reason(trace: &Trace) -> Option<&str> {
    let mut reasons = trace.route_reason.iter();
    let window = reasons.find(|reason| reason.starts_with("context_window_"));
    let window = window.map(String::as_str);
    let failed = trace.model_pool_fallback_evidence.as_deref();
    let chosen = trace.route_decision.as_ref();
    let passed = chosen.and_then(|chosen| chosen.fallback_reason.as_deref());
    window.or(failed).or(passed)
}

/// How sure the step was that chose, in a word.
fn confidence_label(confidence: f64) -> &'static str {
    match confidence {
        sure if sure >= 0.8 => "high",
        sure if sure >= 0.5 => "medium",
        _ => "low",
    }
}

/// What is not known is left out.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, value| !value.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(reasons: &[&str]) -> Trace {
        Trace {
            route_reason: reasons.iter().map(|&reason| reason.to_owned()).collect(),
            resolved_model: Some("small".to_owned()),
            final_model: Some("large".to_owned()),
            ..Trace::default()
        }
    }

    #[test]
    fn the_source_is_the_strongest_reason() {
        for (reasons, wanted) in [
            (&["request_received", "smart_rule:poem"][..], "smart_rule"),
            (&["semantic_match:poem"], "semantic_match"),
            (&["smart_router:no_match", "slot:default"], "basic_router"),
            (&["smart_router"], "smart_router"),
            (
                &[
                    "explicit_model",
                    "model_pool:m:a",
                    "model_pool_fallback:m:b",
                ],
                "model_pool_fallback",
            ),
            (
                &["slot:default", "context_window_fallback:a->b"],
                "context_window_guard",
            ),
            (&["explicit_model", "model_pool:m:a"], "explicit_model"),
            (&[], "basic_router"),
        ] {
            let told = route_decision(&trace(reasons));
            assert_eq!(told["source"], wanted, "{reasons:?}");
        }
        let told = route_decision(&trace(&["smart_rule:poem"]));
        assert_eq!(told["ruleName"], "poem");
    }

    #[test]
    fn resolved_names_are_compared() {
        let status = |change: &dyn Fn(&mut Trace)| {
            let mut trace = trace(&[]);
            change(&mut trace);
            let told = switch_continuity(&trace);
            (told["status"].clone(), told["switched"].clone())
        };
        let is = |status: &str, switched: bool| (json!(status), json!(switched));
        assert_eq!(status(&|_| {}), is("watch", true));
        assert_eq!(
            status(&|trace| trace.resolved_model = Some("large".to_owned())),
            is("stable", false)
        );
        assert_eq!(
            status(&|trace| trace.resolved_model = None),
            is("unknown", false)
        );
        assert_eq!(
            status(&|trace| trace.final_model = None),
            is("unknown", false)
        );
        assert_eq!(
            status(&|trace| trace.alignment_used = true),
            is("aligned", true)
        );
        assert_eq!(
            status(&|trace| trace.cascade_triggered = true),
            is("critical", true)
        );
        assert_eq!(
            status(&|trace| (trace.alignment_used, trace.cascade_triggered) = (true, true)),
            is("watch", true)
        );
    }
}
