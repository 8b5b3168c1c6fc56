//! The registrations that are served.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// One model of two endpoints that speak Anthropic's protocol: the plan needs
/// nothing of a request but its model.
pub(crate) fn plain(upstream: SocketAddr) -> String {
    let mut models = entry("sonnet", upstream, "", "anthropic").repeat(2);
    models.push_str(&entry("late", upstream, "", "anthropic").replace("claude-sonnet-4-5", "late"));
    format!("Router: {{default: sonnet}}\nRegistration:\n  enabled: true\n  models:\n{models}")
}

/// The same in the other protocol, so that every request is translated.
pub(crate) fn translated(upstream: SocketAddr) -> String {
    plain(upstream).replace("anthropic", "openai")
}

/// All slots and this many rules, none of which matches: a request for a model
/// nobody knows walks the whole chain.
pub(crate) fn ruled(upstream: SocketAddr, rules: usize) -> String {
    let mut text = plain(upstream).replace(
        "Router: {default: sonnet}",
        "Router: {default: sonnet, think: sonnet, longContext: sonnet, longContextThreshold: 60000, background: sonnet, webSearch: sonnet, image: sonnet}\nSmartRouter:\n  enabled: true\n  rules:",
    );
    let at = text.find("\nRegistration:").unwrap_or(text.len());
    let mut listed = String::new();
    for n in 0..rules {
        let pattern = match n % 4 {
            0 => format!("{{type: regex, pattern: \"needle{n} .* module\"}}"),
            _ => format!("{{type: exact, keywords: [\"needle {n} in the hay\", \"topic{n}x\"]}}"),
        };
        let _ = write!(
            listed,
            "\n    - {{name: rule-{n}, model: sonnet, patterns: [{pattern}]}}"
        );
    }
    text.insert_str(at, &listed);
    text
}

/// A pool whose first endpoint is `first`, one of `a` and `b`, among models
/// that nobody asks for, so that there are `endpoints` in all.
pub(crate) fn preferring(first: &str, upstream: SocketAddr, endpoints: usize) -> String {
    let mut text =
        "Router: {default: sonnet}\nRegistration:\n  enabled: true\n  models:\n".to_owned();
    for name in ["a", "b"] {
        let priority = if name == first { 1 } else { 2 };
        let _ = writeln!(
            text,
            "    - {{id: sonnet, api: \"http://{upstream}/{name}/v1\", key: \"${{NONE:-}}\", interface: anthropic, model: model-{name}, metadata: {{pool_endpoint_id: {name}, pool_priority: {priority}}}}}"
        );
    }
    for n in 2..endpoints {
        text.push_str(&entry(&format!("other-{n}"), upstream, "", "anthropic"));
    }
    text
}

/// A model of streams that never end.
pub(crate) fn holding(upstream: SocketAddr) -> String {
    let model = entry("sonnet", upstream, "/hold", "anthropic");
    format!("Router: {{default: sonnet}}\nRegistration:\n  enabled: true\n  models:\n{model}")
}

/// A model for each fault, one that nobody serves, and a good one.
pub(crate) fn faulty(upstream: SocketAddr, gone: SocketAddr, timeout_ms: u64) -> String {
    let mut text = format!(
        "API_TIMEOUT_MS: {timeout_ms}\nRouter: {{default: sonnet}}\nRegistration:\n  enabled: true\n  models:\n"
    );
    text.push_str(&entry("gone", gone, "", "anthropic"));
    for fault in crate::upstream::FAULTS {
        text.push_str(&entry(fault, upstream, &format!("/{fault}"), "anthropic"));
    }
    text.push_str(&entry("sonnet", upstream, "", "anthropic"));
    text
}

fn entry(id: &str, upstream: SocketAddr, path: &str, interface: &str) -> String {
    format!(
        "    - {{id: {id}, api: \"http://{upstream}{path}/v1\", key: \"${{NONE:-}}\", interface: {interface}, model: claude-sonnet-4-5}}\n"
    )
}
