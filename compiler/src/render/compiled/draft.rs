//! What a draft would change, as `POST /api/models/compiled/preview` answers.
//! Both sides are seen with every endpoint healthy, so that the answer tells
//! the documents apart and not the moment.

use serde_json::{Map, Value, json};

use super::{Moment, entry, reports};
use crate::Compiled;
use crate::diagnostic::Severity;
use crate::health::Observed;
use crate::plan::{Plan, Secrets, Target};
use crate::render::problems;
use crate::source::Sources;

const PROVIDER_FIELDS: &[&str] = &["api_base_url", "models", "transformer", "has_api_key"];
const MODEL_FIELDS: &[&str] = &[
    "providerName",
    "modelName",
    "protocol",
    "compatibilityProfile",
    "dispatchFormat",
    "thinking",
    "capabilities",
    "source",
];

/// The answer to a draft.
#[derive(Clone, Debug, PartialEq)]
pub enum Preview {
    /// It compiles: the compiled view, `diff` and `referenceImpact`.
    Accepted(Value),
    /// It does not: `errors` with their places, and the reports.
    Refused(Value),
}

/// Compares a draft with what is live. `sources` are those the draft was compiled from.
pub fn preview(current: &Compiled, draft: &Compiled, sources: &Sources) -> Preview {
    let mut answer = reports(draft);
    let Some(plan) = &draft.plan else {
        answer.insert("success".to_owned(), json!(false));
        answer.insert("message".to_owned(), json!("the draft does not compile"));
        answer.insert("errors".to_owned(), errors(draft, sources));
        return Preview::Refused(Value::Object(answer));
    };
    let after = healthy(plan, &draft.secrets);
    let before = current
        .plan
        .as_ref()
        .map(|plan| healthy(plan, &current.secrets));
    answer.insert("diff".to_owned(), diff(before.as_ref(), &after));
    answer.insert("hash".to_owned(), json!(plan.hash()));
    answer.insert("referenceImpact".to_owned(), reference_impact(plan));
    answer.insert("success".to_owned(), json!(true));
    answer.extend(after.parts());
    Preview::Accepted(Value::Object(answer))
}

fn errors(draft: &Compiled, sources: &Sources) -> Value {
    let errors = draft
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    problems::texts(errors, |error| match error.span() {
        Some(span) => format!("{}: {}", sources.place(span), error.headline),
        None => error.headline.clone(),
    })
}

fn healthy<'p>(plan: &'p Plan, secrets: &'p Secrets) -> Moment<'p> {
    Moment::new(plan, secrets, &|_| Observed::default(), 0)
}

fn diff(before: Option<&Moment<'_>>, after: &Moment<'_>) -> Value {
    let providers = |seen: &Moment<'_>| -> Map<String, Value> {
        let endpoints = seen.plan.endpoints();
        endpoints
            .map(|endpoint| (endpoint.provider.clone(), seen.provider(endpoint)))
            .collect()
    };
    let old = before.map(providers).unwrap_or_default();
    let providers = Changes::between("name", &old, &providers(after), PROVIDER_FIELDS);
    let old = before.map(Moment::model_map).unwrap_or_default();
    let models = Changes::between("modelId", &old, &after.model_map(), MODEL_FIELDS);
    json!({
        "providerChanges": providers.changes,
        "modelChanges": models.changes,
        "summary": {
            "addedProviders": providers.count("added"),
            "removedProviders": providers.count("removed"),
            "changedProviders": providers.count("changed"),
            "addedModels": models.count("added"),
            "removedModels": models.count("removed"),
            "changedModels": models.count("changed"),
        },
    })
}

/// What differs between two tables of objects, by name.
struct Changes {
    changes: Vec<Value>,
}

impl Changes {
    fn between(
        named: &str,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        fields: &[&str],
    ) -> Self {
        let mut changes = Vec::new();
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (before, after) = (old.get(name), new.get(name));
            let differs = |field: &&&str| {
                before.and_then(|it| it.get(**field)) != after.and_then(|it| it.get(**field))
            };
            let fields: Vec<&&str> = fields.iter().filter(differs).collect();
            let kind = match (before, after) {
                (None, _) => "added",
                (_, None) => "removed",
                _ if fields.is_empty() => continue,
                _ => "changed",
            };
            changes.push(json!({ "type": kind, named: name, "before": before, "after": after, "fields": fields }));
        }
        Self { changes }
    }

    fn count(&self, kind: &str) -> usize {
        self.changes
            .iter()
            .filter(|change| change["type"] == kind)
            .count()
    }
}

/// What each slot of the draft names. A slot of a plan always resolves; one
/// that does not is an error with a suggestion of its own.
fn reference_impact(plan: &Plan) -> Value {
    let mut entries = Vec::new();
    let mut legacy = 0_usize;
    for (slot, name) in &plan.router.slots {
        let target = plan.resolve(name);
        let by_reference = matches!(target, Some(Target::Endpoint(_)));
        legacy += usize::from(by_reference);
        let (kind, status) = if by_reference {
            ("legacy", "legacy")
        } else {
            ("modelId", "valid")
        };
        entries.push(json!({
            "path": format!("Router.{slot}"),
            "value": name,
            "referenceType": kind,
            "status": status,
            "resolvedTarget": target.and_then(|target| resolved(&target)),
            "suggestions": [],
        }));
    }
    let ids = entries.len() - legacy;
    let summary = json!({
        "total": entries.len(),
        "modelIdRefs": ids,
        "legacyRefs": legacy,
        "validModelIds": ids,
        "missingModelIds": 0,
    });
    json!({ "entries": entries, "summary": summary })
}

/// Where a target leads while everything is healthy; none if all of it is disabled.
fn resolved(target: &Target<'_>) -> Option<Value> {
    let (id, endpoint, pool) = match *target {
        Target::Model(id, endpoint) => (id, endpoint, None),
        Target::Endpoint(endpoint) => (endpoint.id.as_str(), endpoint, None),
        Target::Pool(id, pool) => (
            id,
            pool.endpoints.iter().find(|endpoint| endpoint.enabled)?,
            Some(pool),
        ),
    };
    let entry = entry(id, endpoint, pool);
    let fields = ["providerName", "modelName", "protocol"];
    Some(
        fields
            .into_iter()
            .map(|field| (field.to_owned(), entry[field].clone()))
            .collect::<Map<_, _>>()
            .into(),
    )
}
