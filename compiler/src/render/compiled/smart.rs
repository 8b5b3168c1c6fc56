//! `smartRouterExplanation`: the smart router as operators' scripts read it.

use serde_json::{Value, json};

use crate::plan::{Pattern, Plan, Rule, SmartRouter, Target};

/// The order in which a request is looked at.
const ROUTE_ORDER: [&str; 5] = [
    "rules by priority; the first that matches wins",
    "semantic match, when it is enabled",
    "choice of router_model among the candidates, when it is configured",
    "sticky correction of a semantic match or a choice",
    "fallback to the slots",
];

/// The explanation; `{"enabled": false}` where it is switched off.
pub(super) fn explanation(plan: &Plan) -> Value {
    let Some(smart) = &plan.smart_router else {
        return json!({ "enabled": false });
    };
    let named = |name: Option<&String>| reference(plan, name.map_or("", String::as_str));
    let rules = smart.rules.iter().enumerate();
    let candidates = smart.candidates.iter().enumerate().map(|(at, candidate)| {
        json!({
            "order": at + 1,
            "model": reference(plan, &candidate.model),
            "description": candidate.description,
        })
    });
    json!({
        "enabled": true,
        "analysisScope": smart.analysis_scope,
        "routeOrder": ROUTE_ORDER,
        "rules": rules.map(|(at, entry)| rule(plan, at + 1, entry)).collect::<Vec<_>>(),
        "routerModel": named(smart.router_model.as_ref()),
        "candidates": candidates.collect::<Vec<_>>(),
        "fallback": smart.fallback,
        "cacheTtl": smart.cache_ttl_ms,
        "maxTokens": smart.max_tokens,
        "semantic": {
            "enabled": smart.semantic.enabled,
            "mode": smart.semantic.mode,
            "threshold": smart.semantic.threshold,
            "classifierModel": named(smart.semantic.classifier_model.as_ref()),
            "prototypeCount": smart.rules.iter().filter(|rule| rule.prototype.is_some()).count(),
        },
        "sticky": {
            "enabled": smart.sticky.enabled,
            "sessionTtlMs": smart.sticky.session_ttl_ms,
            "fingerprintSimilarityThreshold": smart.sticky.fingerprint_similarity_threshold,
            "breakOnExplicitRoute": smart.sticky.break_on_explicit_route,
            "alignment": {
                "enabled": smart.sticky.alignment.enabled,
                "summarizerModel": named(smart.sticky.alignment.summarizer_model.as_ref()),
                "maxSummaryTokens": smart.sticky.alignment.max_summary_tokens,
            },
        },
        "warnings": warnings(smart),
    })
}

fn rule(plan: &Plan, order: usize, rule: &Rule) -> Value {
    let prototype = rule.prototype.as_ref();
    json!({
        "order": order,
        "name": rule.name,
        "enabled": rule.enabled,
        "priority": rule.priority,
        "description": rule.description,
        "model": reference(plan, &rule.model),
        "patternCount": rule.patterns.len(),
        "patterns": rule.patterns.iter().map(pattern).collect::<Vec<_>>(),
        "semantic": {
            "enabled": prototype.is_some(),
            "prototype": prototype.map(|prototype| &prototype.text),
            "threshold": prototype.map(|prototype| prototype.threshold),
        },
    })
}

fn pattern(pattern: &Pattern) -> Value {
    match pattern {
        Pattern::Exact { keywords, .. } => json!({ "type": "exact", "keywords": keywords }),
        Pattern::Regex { pattern, .. } => json!({ "type": "regex", "pattern": pattern }),
    }
}

/// A name and what it stands for: `empty`, `resolved`, `legacy` or `missing`.
fn reference(plan: &Plan, name: &str) -> Value {
    let target = plan.resolve(name);
    let endpoint = target.and_then(|target| match target {
        Target::Model(_, endpoint) | Target::Endpoint(endpoint) => Some(endpoint),
        Target::Pool(_, pool) => pool.endpoints.iter().find(|endpoint| endpoint.enabled),
    });
    let status = match target {
        _ if name.is_empty() => "empty",
        Some(_) if name.contains(',') => "legacy",
        Some(_) => "resolved",
        None => "missing",
    };
    json!({
        "ref": name,
        "status": status,
        "target": endpoint.map(|endpoint| json!({
            "providerName": endpoint.provider,
            "modelName": endpoint.model,
            "protocol": endpoint.interface,
        })),
    })
}

fn warnings(smart: &SmartRouter) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if smart.rules.is_empty() {
        warnings.push("the smart router is enabled and has no rules");
    }
    warnings
}
