//! What an operator should look at, as one list with a next action each:
//! problems of the document, and what a model is declared not to do.

use serde_json::{Value, json};

use crate::Compiled;
use crate::diagnostic::{Diagnostic, Problems, Severity};
use crate::plan::{Endpoint, ItemOrigin};
use crate::render::problems;

/// Keys at the top of a document; a backticked text that starts with one is a path.
const TOP: &[&str] = &[
    "API_TIMEOUT_MS",
    "APIKEY",
    "Auth",
    "Governance",
    "HOST",
    "LOG_LEVEL",
    "Models",
    "PORT",
    "Providers",
    "Registration",
    "Router",
    "Runtime",
    "SmartRouter",
];

/// The report: issues in the order they were found, then those about capabilities. Its
/// summary counts those too that it has no room for.
pub(super) fn report(problems: &Problems, capabilities: &Capabilities) -> Value {
    let first = problems::first(problems);
    let omitted = problems.len() - first.len();
    let issues = first.into_iter().map(issue);
    let issues = issues.chain(capabilities.entries.iter().map(Capability::issue));
    let count = |severity| {
        let entries = capabilities.entries.iter();
        let entries = entries.filter(|entry| entry.severity() == severity);
        problems.count(severity) + entries.count()
    };
    let mut summary = json!({
        "total": problems.len() + capabilities.entries.len(),
        "error": count(Severity::Error),
        "warning": count(Severity::Warning),
        "info": count(Severity::Note),
    });
    if omitted > 0 {
        summary["omitted"] = json!(omitted);
    }
    json!({ "issues": issues.collect::<Vec<_>>(), "summary": summary })
}

/// The headlines of warnings.
pub(super) fn warnings(problems: &Problems) -> Value {
    let warnings = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Warning);
    problems::texts(warnings, |problem| problem.headline.clone())
}

/// The word that operators' scripts know.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "info",
    }
}

fn issue(problem: &Diagnostic) -> Value {
    let mut issue = json!({
        "severity": word(problem.severity),
        "source": "schema",
        "code": problem.code.as_str(),
        "message": problem.headline,
        "action": problem.help.as_deref().unwrap_or("look at this place in the registration"),
    });
    if let Some(path) = path(&problem.headline) {
        issue["path"] = json!(path);
    }
    issue
}

/// The first backticked text of a headline that is a path in the document.
fn path(headline: &str) -> Option<&str> {
    headline.split('`').skip(1).step_by(2).find(|quoted| {
        let top = quoted.split(['.', '[']).next().unwrap_or(quoted);
        TOP.contains(&top)
    })
}

/// What declared capabilities change about requests.
pub(super) struct Capabilities {
    entries: Vec<Capability>,
}

struct Capability {
    path: String,
    model: String,
    limit: Limit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    Thinking,
    Tools,
    Images,
}

impl Limit {
    fn code(self) -> &'static str {
        match self {
            Self::Thinking => "thinking_ignored",
            Self::Tools => "tools_text_fallback",
            Self::Images => "images_text_fallback",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Thinking => {
                "`thinking` is set, but the model is declared not to support reasoning"
            }
            Self::Tools => "the model is declared not to support tools",
            Self::Images => "the model is declared not to support images",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Thinking => "remove `thinking`, or write `supports_reasoning: true`",
            Self::Tools => "route requests with tools to a model that supports them",
            Self::Images => "route requests with images to a model that supports them",
        }
    }
}

impl Capabilities {
    pub(super) fn of(compiled: &Compiled) -> Self {
        let mut entries = Vec::new();
        let Some(plan) = &compiled.plan else {
            return Self { entries };
        };
        let origins = &compiled.provenance;
        for (id, endpoint) in &plan.models {
            note(
                &mut entries,
                id,
                endpoint,
                &place("Models", origins.models.get(id)),
            );
        }
        for (id, pool) in &plan.pools {
            for (at, endpoint) in pool.endpoints.iter().enumerate() {
                let origin = origins.pools.get(id).and_then(|members| members.get(at));
                note(
                    &mut entries,
                    id,
                    endpoint,
                    &place("Registration.models", origin),
                );
            }
        }
        Self { entries }
    }

    pub(super) fn to_json(&self) -> Value {
        let entries: Vec<Value> = self.entries.iter().map(Capability::to_json).collect();
        let warn = self
            .entries
            .iter()
            .filter(|entry| entry.limit == Limit::Thinking)
            .count();
        let summary = json!({ "total": entries.len(), "warn": warn, "info": entries.len() - warn });
        json!({ "entries": entries, "summary": summary })
    }
}

impl Capability {
    fn severity(&self) -> Severity {
        match self.limit {
            Limit::Thinking => Severity::Warning,
            Limit::Tools | Limit::Images => Severity::Note,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "path": self.path,
            "modelId": self.model,
            "level": if self.limit == Limit::Thinking { "warn" } else { "info" },
            "code": self.limit.code(),
            "message": self.limit.message(),
        })
    }

    fn issue(&self) -> Value {
        json!({
            "severity": word(self.severity()),
            "source": "capability",
            "code": self.limit.code(),
            "message": format!("model `{}`: {}", self.model, self.limit.message()),
            "path": self.path,
            "action": self.limit.action(),
        })
    }
}

/// Path of an entry; only the list where its position is not known.
fn place(list: &str, origin: Option<&ItemOrigin>) -> String {
    origin.map_or_else(
        || list.to_owned(),
        |origin| format!("{list}[{}]", origin.index),
    )
}

fn note(entries: &mut Vec<Capability>, id: &str, endpoint: &Endpoint, place: &str) {
    let can = &endpoint.capabilities;
    let limits = [
        (
            Limit::Thinking,
            "thinking",
            !can.reasoning && endpoint.thinking.is_some(),
        ),
        (Limit::Tools, "metadata.supports_tools", !can.tools),
        (Limit::Images, "metadata.supports_images", !can.images),
    ];
    for (limit, key, _) in limits.into_iter().filter(|(_, _, applies)| *applies) {
        entries.push(Capability {
            path: format!("{place}.{key}"),
            model: id.to_owned(),
            limit,
        });
    }
}
