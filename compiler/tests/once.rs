//! One mistake is one diagnostic: what could not be read is not told again as
//! something that is missing, switched off or at its default.

#[expect(dead_code, reason = "shared with a test that makes documents of it")]
mod vocabulary;

use std::collections::BTreeSet;

use ctr_compiler::compile;
use ctr_compiler::registration::{Standing, Takes, VOCABULARY};
use ctr_compiler::source::Sources;
use serde_json::{Value, json};

/// `code: headline` of everything that is said.
fn said(text: &str) -> Vec<String> {
    let found = compile(&Sources::single("r.yaml", text)).problems;
    let lines = found
        .iter()
        .map(|one| format!("{}: {}", one.code, one.headline));
    lines.collect()
}

fn model(id: &str, host: &str, metadata: &Value) -> Value {
    json!({
        "id": id, "api": format!("https://{host}.example/v1"), "key": format!("${{{host}}}"),
        "key_header": "x-api-key", "interface": "anthropic", "model": "m", "metadata": metadata,
        "thinking": {"mode": "on", "effort": "low", "budget_tokens": 2000},
    })
}

/// Most of what a model can have; nothing that is said of it is odd.
fn able() -> Value {
    json!({
        "label": "A", "vendor_hint": "v", "supports_reasoning": true, "supports_tools": true,
        "supports_images": true, "context_window_tokens": 200_000, "safe_input_tokens": 180_000,
        "tokenizer": "cl100k", "cost_per_1m_input_tokens": 20_000,
        "cost_per_1m_output_tokens": 20_000, "cost_currency": "JPY", "rate_limit_rpm": 100,
        "rate_limit_tpm": 100_000, "pool_endpoint_id": "a", "pool_priority": 1,
        "pool_enabled": true, "pool_weight": 1, "upstream_service_id": "at-first",
    })
}

fn endpoint(id: &str, priority: i64) -> Value {
    let mut metadata = able();
    metadata["pool_endpoint_id"] = json!(id);
    metadata["pool_priority"] = json!(priority);
    metadata["upstream_service_id"] = json!(format!("at-{id}"));
    model("pool", id, &metadata)
}

fn settings() -> Value {
    json!({
        "strategy": "weighted", "on_all_open": "reject", "max_retries": 1,
        "enforce_rate_limits": true,
        "retry_budget": {"percent": 10, "min_per_second": 5, "window_seconds": 20},
        "health": {
            "cooldown_ms": 60_000, "failures_to_open": 3, "open_ms": 300_000,
            "half_open_trials": 1, "retry_after_max_ms": 600_000, "latency_window": 20,
            "latency_max_age_ms": 600_000, "ewma_decay_ms": 10_000,
        },
    })
}

fn with(mut map: Value, more: Value) -> Value {
    if let (Some(map), Value::Object(more)) = (map.as_object_mut(), more) {
        map.extend(more);
    }
    map
}

fn rules() -> Value {
    json!([
        {"name": "exact", "model": "pool", "priority": 2, "enabled": true, "patterns": [
            {"type": "exact", "keywords": ["plan"], "caseSensitive": false},
        ]},
        {"name": "regex", "model": "one", "patterns": [{"type": "regex", "pattern": "f.x"}]},
        {"name": "like", "model": "one", "description": "what it is like"},
        {"name": "profile", "model": "one", "semantic_profile": {
            "enabled": true, "prototype": "what it is like", "threshold": 0.5,
        }},
    ])
}

fn choice() -> Value {
    json!({
        "router_model": "one", "cache_ttl": 60_000, "max_tokens": 64, "fallback": "skip",
        "candidates": [
            {"model": "one", "description": "quick"}, {"model": "pool", "description": "deep"},
        ],
        "router_hint": {"include_task_summary": true, "include_top_route_candidates": true},
    })
}

fn semantic() -> Value {
    json!({
        "enabled": true, "mode": "classifier", "threshold": 0.5, "classifier_model": "one",
        "prototypes": {"exact": "what it is like"},
    })
}

fn sticky() -> Value {
    json!({
        "enabled": true, "session_ttl_ms": 60_000, "fingerprint_similarity_threshold": 0.5,
        "break_on_explicit_route": true,
        "alignment": {"enabled": true, "summarizer_model": "one", "max_summary_tokens": 64},
    })
}

fn governance() -> Value {
    json!({
        "enabled": true,
        "cascade": {
            "enabled": true, "max_attempts": 2, "stream_guard": true,
            "triggers": {
                "compile_failure": true, "test_failure": true, "placeholder_patterns": ["TODO"],
            },
            "levels": [{"from": "one", "to": "pool", "reasoning": "high"}],
        },
        "shadow": {
            "enabled": true, "mode": "sync_guard", "sample_rate": 0.5, "verifier_model": "one",
            "checks": {
                "placeholder_patterns": true, "length_anomaly": true, "missing_code_block": true,
            },
        },
        "observability": {"anomaly_thresholds": {
            "min_sample_size": 10, "cascade_warn_rate": 0.9, "cascade_critical_rate": 0.95,
            "shadow_warn_rate": 0.1, "shadow_critical_rate": 0.2, "latency_warn_ms": 5000,
            "latency_critical_ms": 6000, "spike_warn_rate": 0.5, "spike_delta_rate": 0.3,
        }},
    })
}

fn access() -> Value {
    json!({
        "managed_keys": [
            {
                "id": "k", "label": "K", "key_hash": "0".repeat(64), "key_prefix": "a",
                "key_suffix": "b", "scopes": ["client"], "created_at": "2026-01-01",
                "expires_at": "2027-01-01",
                "quota": {"request_limit": 10, "token_limit": 1000, "window_seconds": 60},
            },
            {"id": "old", "key_hash": "1".repeat(64), "revoked_at": "2026-01-01"},
        ],
        "quota_usage": {},
    })
}

fn runtime() -> Value {
    json!({
        "mode": "local",
        "security": {
            "public_host_requires_auth": true, "bootstrap_key_admin_only": true,
            "require_https_proxy": true, "recommended_client_scopes": ["client"],
            "recommended_operator_scopes": ["operator"],
        },
        "corpus": {"path": "c.jsonl", "text": true, "max_bytes": 1_000_000, "sample": 0.5},
    })
}

fn tests() -> Value {
    json!([
        {
            "name": "plans", "model": "x", "text": "a plan", "tokens": 10, "max_tokens": 10,
            "thinking": false, "thinking_budget": 1, "web_search": false, "image": false,
            "tool_result": false, "subagent": "one",
            "endpoints": {"first": "open"},
            "session": {"last_model": "one", "last_input_tokens": 1, "last_text": "x"},
            "answers": {"classified": "like", "confidence": 0.9, "chosen": "one"},
            "expect": {
                "model": "pool", "not_model": ["one"], "endpoint": "second",
                "reason": ["smart_rule:exact"], "status": 200,
            },
        },
        {"name": "bodies", "body": {"model": "x"}, "protocol": "openai-chat",
         "expect": {"model": "pool"}},
        {"name": "files", "request": "request.json", "expect": {"model": "pool"}},
    ])
}

/// Models, a pool and slots, as other keys name them.
fn base() -> Value {
    json!({
        "HOST": "0.0.0.0", "PORT": 5678, "APIKEY": "${CTR_KEY}", "API_TIMEOUT_MS": 60_000,
        "LOG_LEVEL": "info", "forceUseImageAgent": true,
        "Models": [model("one", "one", &able())],
        "Registration": with(settings(), json!({
            "enabled": true,
            "models": [endpoint("first", 1), endpoint("second", 2)],
            "pools": [with(settings(), json!({"id": "pool"}))],
            "upstream_services": [
                {"id": "at-first", "base_url": "https://first.example", "auth_token": "${T1}"},
                {"id": "at-second", "base_url": "https://second.example", "auth_token": "${T2}"},
            ],
        })),
        "Router": {
            "default": "pool", "think": "one", "longContext": "pool",
            "longContextThreshold": 50_000, "background": "one",
            "backgroundModels": ["small-*"], "webSearch": "one", "image": "one",
        },
    })
}

fn current() -> Value {
    json!({
        "LOG": true, "PROXY_URL": "https://proxy.example", "NON_INTERACTIVE_MODE": true,
        "CUSTOM_ROUTER_PATH": "r.js",
        "SmartRouter": with(choice(), json!({
            "enabled": true, "analysis_scope": "full_conversation", "rules": rules(),
            "semantic": semantic(), "sticky": sticky(),
        })),
        "Governance": governance(),
        "Runtime": runtime(),
        "Auth": access(),
        "Lint": {
            "pool/mixed-currencies": "warn",
            "waivers": [{"code": "pool/shared-upstream", "at": "Registration.models.pool",
                         "reason": "r", "until": "2027-01-01"}],
        },
        "Tests": tests(),
    })
}

/// The smart router as `Router` has it.
fn unified() -> Value {
    json!({
        "routes": [
            {"name": "exact", "model": "pool", "priority": 2, "enabled": true,
             "match": {"keywords": ["plan"]}},
            {"name": "regex", "model": "one", "match": {"regex": "f.x"}},
            {"name": "like", "model": "one", "description": "what it is like"},
            {"name": "profile", "model": "one", "match": {"semantic": true, "semantic_profile": {
                "enabled": true, "prototype": "what it is like", "threshold": 0.5,
            }}},
        ],
        "decision": with(choice(), json!({"smart_fallback": true})),
        "defaults": {"semantic": semantic(), "sticky": sticky(), "route_trace": true},
    })
}

/// Documents without an error that have, together, every key there is.
fn documents() -> [Value; 6] {
    let mut routes = base();
    routes["Router"] = with(routes["Router"].clone(), unified());
    let moved = json!({
        "SmartRouter": {"enabled": true, "rules": rules()},
        "Governance": {"semantic": semantic(), "sticky": sticky()},
    });
    let trigger = json!({
        "TriggerRouter": {
            "enabled": true, "analysis_scope": "last_message", "llm_intent_recognition": true,
            "intent_model": "one", "rules": rules(),
        },
        "Governance": {"semantic": {"mode": "classifier"}},
    });
    let providers = json!({
        "Providers": [{
            "name": "p", "api_base_url": "https://p.example", "api_key": "${P}", "models": ["m"],
            "transformer": {"use": ["anthropic"]},
        }],
        "Router": {"default": "p,m"},
    });
    let forwarding = json!({"Runtime": {"mode": "local", "remote_service": {
        "enabled": true, "base_url": "https://other.example", "auth_token": "${OTHER}",
    }}});
    let [current, moved, trigger] = [current(), moved, trigger].map(|more| with(base(), more));
    [current, routes, moved, trigger, providers, forwarding]
}

/// Every key that some document can have, by the keys it stands in.
fn paths(takes: &Takes, inside: &str, found: &mut BTreeSet<String>) {
    match takes {
        Takes::Map(keys) | Takes::Codes(_, keys) => {
            for key in keys.iter().filter(|key| key.standing != Standing::Refused) {
                let path = format!("{inside}.{}", key.name);
                paths(&key.takes, &path, found);
                found.insert(path);
            }
        }
        Takes::List(inner) => paths(inner, inside, found),
        Takes::Either(one, other) => {
            paths(one, inside, found);
            paths(other, inside, found);
        }
        _ => {}
    }
}

/// The keys a document has.
fn written(value: &Value, inside: &str, found: &mut BTreeSet<String>) {
    for item in value.as_array().into_iter().flatten() {
        written(item, inside, found);
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = format!("{inside}.{name}");
        written(value, &path, found);
        found.insert(path);
    }
}

#[test]
fn every_key_is_there_and_right() {
    let (mut all, mut seen) = (BTreeSet::new(), BTreeSet::new());
    paths(&Takes::Map(VOCABULARY), "", &mut all);
    for document in documents() {
        let sources = Sources::single("r.yaml", document.to_string());
        let found = compile(&sources).problems;
        assert!(!found.has_errors(), "{:#?}", said(&document.to_string()));
        written(&document, "", &mut seen);
    }
    let left: Vec<_> = all.difference(&seen).collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_mistake_at_any_key_is_told_once() {
    let mut wrong = Vec::new();
    for document in documents() {
        let before = said(&document.to_string());
        for defect in vocabulary::defects(&document) {
            let mut told = said(&defect.to_string());
            told.retain(|line| !before.contains(line));
            if told.len() != 1 {
                wrong.push(told);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A registration of one model, and more.
fn beside(more: &str) -> String {
    format!(
        "Models: [{{id: m, api: \"https://m.example\", key: \"${{K}}\", model: m}}]\n\
         Router: {{default: m}}\n{more}\n"
    )
}

/// Codes of everything that is said beside a model.
fn codes(more: &str) -> Vec<String> {
    let lines = said(&beside(more));
    let code = |line: &String| line.split(": ").next().unwrap_or_default().to_owned();
    lines.iter().map(code).collect()
}

#[test]
fn what_was_written_and_not_read_is_not_missing() {
    let pool = |enabled: &str| {
        format!(
            "Registration: {{{enabled}, models: [{{id: p, api: \"https://p.example\", \
             key: \"${{P}}\", model: m, metadata: {{pool_endpoint_id: p1}}}}]}}"
        )
    };
    let named = |enabled: &str| {
        let rule = "{name: r, model: p, description: d}";
        format!(
            "{}\nSmartRouter: {{enabled: true, rules: [{rule}]}}",
            pool(enabled)
        )
    };
    let rule = |says: &str| {
        format!("SmartRouter: {{enabled: true, rules: [{{name: r, model: m, {says}}}]}}")
    };
    for (more, wanted) in [
        (pool("enabled: \"yes\""), "document/wrong-type"),
        (pool("enabled:true"), "document/misspelt-key"),
        (pool("enabled: !flag true"), "syntax/unsupported-tag"),
        (pool("enabled: false"), "pool/disabled-registration"),
        (named("enabled: \"yes\""), "document/wrong-type"),
        (named("enabled: false"), "router/unknown-model"),
        (rule("patterns: x"), "document/wrong-type"),
        (rule("patterns: [x]"), "document/wrong-type"),
        (
            rule("patterns: [{type: exakt, keywords: [a]}]"),
            "document/unknown-value",
        ),
        (rule("patterns: [{keywords: [a]}]"), "document/missing-key"),
        (rule("patterns: [{type: regex}]"), "document/missing-key"),
        (rule("description: [x]"), "document/wrong-type"),
        (rule("patterns: []"), "rule/no-pattern"),
        (
            "HOST: 0.0.0.0\nAPIKEY: [x]".to_owned(),
            "document/wrong-type",
        ),
        (
            "HOST: 0.0.0.0\nAPIKEY: !env KEY".to_owned(),
            "syntax/unsupported-tag",
        ),
        (
            "HOST: 0.0.0.0\nAPIKEY: \"\"".to_owned(),
            "listen/public-without-key",
        ),
        (
            "SmartRouter: [x]\nTriggerRouter: {enabled: true}".to_owned(),
            "document/wrong-type",
        ),
    ] {
        assert_eq!(codes(&more), [wanted], "{more}");
    }
}

#[test]
fn two_mistakes_are_two() {
    let lines = said(&beside(
        "HOST: 0.0.0.0\nSmartRouter: {enabled: true, rules: [{name: r, model: m, patterns: x}, \
         {name: s, model: m}, {model: m, patterns: [{type: regex, pattern: \"(\"}]}]}\n\
         Auth: {managed_keys: [{key_hash: \"${H}\"}]}",
    ));
    let wanted = [
        "listen/public-without-key: `HOST` `0.0.0.0` is public and there is no `APIKEY`",
        "document/wrong-type: `SmartRouter.rules[0].patterns` takes a list",
        "rule/no-pattern: rule `s` says nothing that a request could match",
        "document/missing-key: `SmartRouter.rules[2]` has no `name`",
        "rule/invalid-regex: a pattern of `SmartRouter.rules[2]` is no regular expression",
        "auth/key-without-scope: `Auth.managed_keys[0]` has no scope",
        "document/missing-key: `Auth.managed_keys[0]` has no `id`",
        "document/not-supported-yet: managed keys are compiled and not applied yet",
    ];
    assert_eq!(lines, wanted);
}
