//! Documents of any size: pools as people write them, in one file and in many,
//! and shapes that a careless pass would need the square of their size for.

use std::fmt::Write;

use ctr_compiler::source::Sources;

/// How a document is written.
#[derive(Clone, Copy)]
pub(super) enum Syntax {
    Yaml,
    Kdl,
}

/// `window` tokens each, which documents may differ in.
pub(super) fn pools(endpoints: usize, files: usize, syntax: Syntax, window: usize) -> Sources {
    let mut sources = Sources::new();
    let each = endpoints.div_ceil(files);
    for file in 0..files {
        let ids = file * each..endpoints.min((file + 1) * each);
        match syntax {
            Syntax::Yaml => {
                let mut text = String::new();
                if file == 0 {
                    text.push_str("Router:\n  default: pool-0\n");
                }
                text.push_str("Registration:\n  enabled: true\n  models:\n");
                ids.for_each(|at| yaml(&mut text, at, window));
                sources.add(format!("{file:03}.yaml"), text);
            }
            Syntax::Kdl => {
                let mut text = String::new();
                if file == 0 {
                    text.push_str("router default=\"pool-0\"\n");
                }
                text.push_str("registration enabled=#true {\n");
                ids.for_each(|at| kdl(&mut text, at, window));
                text.push_str("}\n");
                sources.add(format!("{file:03}.kdl"), text);
            }
        }
    }
    sources
}

fn yaml(text: &mut String, at: usize, window: usize) {
    let pool = at / 3;
    let _ = write!(
        text,
        "    - id: pool-{pool}\n      api: \"https://host-{at}.example/v1\"\n      key: \"${{KEY_{at}}}\"\n      interface: anthropic\n      model: claude-sonnet-4-5\n      metadata:\n        pool_endpoint_id: endpoint-{at}\n        pool_priority: {at}\n        context_window_tokens: {window}\n        cost_per_1m_input_tokens: 3\n        cost_per_1m_output_tokens: 15\n        rate_limit_rpm: 120\n",
    );
}

fn kdl(text: &mut String, at: usize, window: usize) {
    let pool = at / 3;
    let _ = write!(
        text,
        "  endpoint \"pool-{pool}\" {{\n    api \"https://host-{at}.example/v1\"\n    key \"${{KEY_{at}}}\"\n    interface \"anthropic\"\n    model \"claude-sonnet-4-5\"\n    metadata {{\n      pool_endpoint_id \"endpoint-{at}\"\n      pool_priority {at}\n      context_window_tokens {window}\n      cost_per_1m_input_tokens 3\n      cost_per_1m_output_tokens 15\n      rate_limit_rpm 120\n    }}\n  }}\n",
    );
}

/// A document of one shape with this many entries.
pub(super) type Shape = fn(usize) -> Sources;

/// Shapes by what they hold much of.
pub(super) const SHAPES: &[(&str, Shape)] = &[
    ("models", |count| {
        entries(count, "Models:\n", |at| format!("{{id: m-{at}, {REST}}}"))
    }),
    ("endpoints of one pool", |count| {
        entries(count, POOLS, |at| {
            format!("{{id: p, {REST}, metadata: {{pool_endpoint_id: e-{at}}}}}")
        })
    }),
    ("endpoints without ids", |count| {
        entries(count, POOLS, |_| format!("{{id: p, {REST}}}"))
    }),
    ("endpoints of one id", |count| {
        entries(count, POOLS, |_| {
            format!("{{id: p, {REST}, metadata: {{pool_endpoint_id: e}}}}")
        })
    }),
    ("models of one id", |count| {
        entries(count, "Models:\n", |_| format!("{{id: m, {REST}}}"))
    }),
    ("misspelt keys", |count| {
        entries(count, "Models:\n", |at| {
            format!("{{id: m-{at}, {REST}, metdata: {{}}}}")
        })
    }),
    ("unknown services", |count| {
        let services: String = (0..count / 2)
            .map(|at| format!("    - {{id: service-{at}, base_url: \"https://s.example\"}}\n"))
            .collect();
        let head =
            format!("Registration:\n  enabled: true\n  upstream_services:\n{services}  models:\n");
        entries(count / 2, &head, |at| {
            format!("{{id: p, {REST}, metadata: {{upstream_service_id: sercive-{at}}}}}")
        })
    }),
    ("rules", |count| {
        entries(count, &rules("Router: {default: m}"), |at| {
            format!(
                "{{name: r-{at}, model: m, patterns: [{{type: exact, keywords: [word-{at}, phrase {at}]}}]}}"
            )
        })
    }),
    ("rules with a regex each", |count| {
        entries(count, &rules("Router: {default: m}"), |at| {
            format!("{{name: r-{at}, model: m, patterns: [{{type: regex, pattern: 'a{at}b+'}}]}}")
        })
    }),
    ("rules of unknown models", |count| {
        entries(count, &rules("Router: {default: m}"), |at| {
            format!("{{name: r-{at}, model: n-{at}, patterns: [{{type: exact, keywords: [w]}}]}}")
        })
    }),
    ("entries through an alias", |count| {
        entries(count, "LOG: &base {key: \"${K}\"}\nModels:\n", |at| {
            format!("{{<<: *base, id: m-{at}, api: \"https://a.example\", model: m}}")
        })
    }),
    ("problems in one line", |count| {
        let items: Vec<String> = (0..count)
            .map(|at| format!("{{id: m-{at}, {REST}, x: 1}}"))
            .collect();
        Sources::single("r.json", format!("{{Models: [{}]}}", items.join(",")))
    }),
    ("sections in files that disagree", |count| {
        let mut sources = Sources::new();
        for at in 0..count / 10 {
            sources.add(
                format!("{at}.yaml"),
                format!("PORT: {}\nLOG_LEVEL: info\n", at + 1),
            );
        }
        sources
    }),
];

const REST: &str = "api: \"https://a.example\", key: \"${K}\", model: m, interface: anthropic";

fn rules(head: &str) -> String {
    format!("{head}\nModels:\n    - {{id: m, {REST}}}\nSmartRouter:\n  enabled: true\n  rules:\n")
}

const POOLS: &str = "Registration:\n  enabled: true\n  models:\n";

fn entries(count: usize, head: &str, entry: impl Fn(usize) -> String) -> Sources {
    let mut text = head.to_owned();
    for at in 0..count {
        let _ = writeln!(text, "    - {}", entry(at));
    }
    Sources::single("r.yaml", text)
}
