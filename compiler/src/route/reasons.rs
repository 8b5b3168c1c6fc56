//! What a decision says of itself: short strings that traces keep, explanations
//! show and tests of routes ask for.
//!
//! They are those of claude-trigger-router 1.7.0, and four of our own for what it
//! does not name: `explicit_model`, `subagent_model`, `slot:<slot>` and
//! `image_agent:<model>`.

use super::{Classified, Decision, NoRoute, RequestFeatures, Source, choose, likeness, same_task};
use crate::plan::{Plan, Slot};

/// The request came.
pub const RECEIVED: &str = "request_received";
/// The model that takes a conversation over is told what was said before.
pub const ALIGNED: &str = "context_alignment";
/// Another endpoint of the pool answered than the one that was tried first.
pub const FALLBACK_EXECUTED: &str = "model_pool_fallback_executed";
/// Other endpoints of the pool were tried, and none of them answered.
pub const FALLBACK_FAILED: &str = "model_pool_fallback_failed";

/// Why a request goes where it goes, or nowhere, in the order it came about. The
/// plan and the features are those of the decision. A refusal that has no string
/// of its own adds none.
pub fn reasons(
    plan: &Plan,
    features: &RequestFeatures<'_>,
    decided: Result<&Decision<'_>, &NoRoute>,
) -> Vec<String> {
    let mut said = Vec::new();
    let chosen = match decided {
        Ok(decision) if decision.instead_of.is_none() => Some(decision.source),
        // What was chosen first is in no decision that came instead.
        Ok(_) | Err(_) => choose(plan, features).map(|choice| choice.source),
    };
    if let Some(source) = chosen {
        if is_after_the_smart_router(source) && is_asked(plan, features) {
            said.push("smart_router:no_match".to_owned());
        }
        said.push(of_source(source));
    }
    match decided {
        Ok(decision) => {
            if let Some(narrow) = decision.instead_of {
                let wide = decision.model;
                said.push(format!("context_window_fallback:{narrow}->{wide}"));
            }
            if let Some(asked) = decision.image_agent {
                said.push(format!("image_agent:{asked}"));
            }
            if let (Some(_), Some(first)) = (decision.pool, decision.candidates.first()) {
                let (model, endpoint) = (decision.model, &first.endpoint.id);
                said.push(format!("model_pool:{model}:{endpoint}"));
            }
        }
        Err(NoRoute::Window { model, .. }) => {
            said.push(format!("context_window_exceeded:{model}"));
        }
        Err(_) => {}
    }
    said
}

/// Another endpoint of a pool is tried, after one that failed.
pub fn fallback(model: &str, endpoint: &str) -> String {
    format!("model_pool_fallback:{model}:{endpoint}")
}

/// How sure the step is that chose, from 0 to 1: a rule that matches is; likeness
/// and a session's task are as sure as the texts are alike, a classifier as it
/// says. None of other steps.
pub fn confidence(plan: &Plan, features: &RequestFeatures<'_>, source: Source<'_>) -> Option<f64> {
    match (source, features.answers.classified) {
        (Source::Rule(_), _) => Some(1.0),
        (Source::Semantic(_), Classified::Rule(_, confidence)) => Some(confidence),
        (Source::Semantic(name), _) => {
            let rules = &plan.smart_router.as_ref()?.rules;
            let prototype = rules.iter().find(|rule| rule.name == name)?;
            let prototype = prototype.prototype.as_ref()?;
            likeness(features.text?.plain(), std::iter::once(&*prototype.text)).next()
        }
        (Source::Sticky, _) => {
            let task = features.text?.task();
            Some(same_task(&task, features.session.last_text?))
        }
        _ => None,
    }
}

/// The step that chose.
pub fn of_source(source: Source<'_>) -> String {
    match source {
        Source::ExplicitModel => "explicit_model".to_owned(),
        Source::Rule(name) => format!("smart_rule:{name}"),
        Source::Sticky => "sticky_correction".to_owned(),
        Source::Semantic(name) => format!("semantic_match:{name}"),
        Source::Candidates => "smart_router".to_owned(),
        Source::Subagent => "subagent_model".to_owned(),
        Source::Slot(slot) => format!("slot:{}", slot.word()),
    }
}

/// Whether a step of the chain is only asked when the smart router passed.
fn is_after_the_smart_router(source: Source<'_>) -> bool {
    match source {
        Source::Slot(slot) => slot != Slot::Image,
        Source::Subagent => true,
        _ => false,
    }
}

/// Whether the smart router looks at a request at all.
fn is_asked(plan: &Plan, features: &RequestFeatures<'_>) -> bool {
    let has_text = features.text.is_some_and(|text| !text.is_blank());
    plan.smart_router.is_some() && !features.is_tool_result && has_text
}
