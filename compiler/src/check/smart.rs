//! The smart router that counts: rules that say what they match, names that
//! tell rules apart, and enough to choose among.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::SemanticMode;
use crate::registration::{Effective, Registration, RuleEntry};
use crate::source::Span;

/// A smart router that is switched off is not asked, and not judged.
pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    let smart = registration.smart_router();
    let Some(smart) = smart.filter(|smart| smart.enabled.is_on()) else {
        return;
    };
    names(smart.rules, problems);
    for rule in smart.rules.iter().filter(|rule| matches_nothing(rule)) {
        problems.push(no_pattern(rule));
    }
    candidates(&smart, problems);
    classifier(&smart, problems);
}

fn names(rules: &[RuleEntry], problems: &mut Problems) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for name in rules.iter().filter_map(|rule| rule.name.as_ref()) {
        if let Some(first) = seen.get(name.value.as_str()) {
            problems.push(
                Diagnostic::new(
                    Code::RuleDuplicateName,
                    format!("two rules have the name `{}`", name.value),
                )
                .at(name.span, "given again here")
                .at(*first, "first given here")
                .help("rename one; route reasons and reviews tell rules apart by their names"),
            );
        } else {
            seen.insert(&name.value, name.span);
        }
    }
}

fn matches_nothing(rule: &RuleEntry) -> bool {
    rule.patterns.is_empty() && rule.description.is_none() && !rule.has_profile
}

fn no_pattern(rule: &RuleEntry) -> Diagnostic {
    let name = rule.name.as_ref().map_or("", |name| name.value.as_str());
    Diagnostic::new(
        Code::RuleNoPattern,
        format!("rule `{name}` says nothing that a request could match"),
    )
    .at(
        rule.head,
        "it has no pattern, no description and no semantic profile",
    )
    .help("add `patterns`, or a `description` that its requests are like")
}

fn candidates(smart: &Effective<'_>, problems: &mut Problems) {
    let candidates = smart.candidates();
    let Some((path, model)) = smart.router_model() else {
        return;
    };
    if candidates.len() >= 2 {
        return;
    }
    let mut diagnostic = Diagnostic::new(
        Code::RouterTooFewCandidates,
        format!("`{path}` has nothing to choose among"),
    )
    .at(model.span, "this model would be asked to choose");
    if let Some(only) = candidates.first() {
        diagnostic = diagnostic.at(only.head, "the only candidate");
    }
    problems.push(diagnostic.help("add at least two `candidates`, or remove `router_model`"));
}

fn classifier(smart: &Effective<'_>, problems: &mut Problems) {
    let mode = smart.semantic.iter().find_map(|block| block.mode.as_ref());
    let Some(mode) = mode.filter(|mode| mode.value == SemanticMode::Classifier) else {
        return;
    };
    if smart.classifier_model().is_none() {
        problems.push(
            Diagnostic::new(
                Code::DocumentMissingKey,
                "mode `classifier` has no `classifier_model`",
            )
            .at(mode.span, "a model must be asked in this mode")
            .help("add `classifier_model` beside `mode`, or write `mode: embedding`"),
        );
    }
}
