//! The smart router that counts: rules that say what they match, names that
//! tell rules apart, and enough to choose among.

use std::collections::{HashMap, HashSet};

use super::rules;
use crate::diagnostic::{Code, Diagnostic, Problems, did_you_mean, nearest};
use crate::plan::SemanticMode;
use crate::registration::{Choice, Effective, Gaps, Registration, RuleEntry};
use crate::source::{Sources, Span};

/// Names that a misspelt one is compared with; comparing takes long.
const COMPARED: usize = 256;

/// Keys of a rule or a route that say what it matches.
const SAYING: [&str; 4] = ["patterns", "match", "description", "semantic_profile"];

/// Where a model that classifies can be named.
const CLASSIFYING: [&str; 5] = [
    "Router.defaults.semantic",
    "SmartRouter.semantic",
    "Governance.semantic",
    "TriggerRouter.intent_model",
    "TriggerRouter.llm_intent_recognition",
];

/// A smart router that is switched off is not asked, and not judged.
///
/// `complete` and `certain` are false when something could not be read that
/// may be what seems to be missing, or that makes a difference.
pub(super) fn check(
    registration: &Registration,
    sources: &Sources,
    complete: bool,
    certain: bool,
    problems: &mut Problems,
) {
    let smart = registration.smart_router();
    let Some(smart) = smart.filter(|smart| smart.enabled.is_on()) else {
        return;
    };
    names(smart.rules, problems);
    let gaps = &registration.gaps;
    for rule in smart.rules.iter().filter(|rule| !rule.says_something()) {
        let is_lost = |key| gaps.has(&format!("{}.{key}", rule.path));
        if !SAYING.into_iter().any(is_lost) {
            problems.push(no_pattern(rule));
        }
    }
    candidates(&smart, gaps, problems);
    classifier(&smart, gaps, problems);
    prototypes(&smart, complete, problems);
    if certain {
        idle(&smart, problems);
    }
    rules::check(&smart, sources, certain, problems);
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

fn no_pattern(rule: &RuleEntry) -> Diagnostic {
    Diagnostic::new(
        Code::RuleNoPattern,
        format!("{} says nothing that a request could match", rule.called()),
    )
    .at(
        rule.head,
        "it has no pattern, no description and no semantic profile",
    )
    .help("add `patterns`, or a `description` that its requests are like")
}

fn candidates(smart: &Effective<'_>, gaps: &Gaps, problems: &mut Problems) {
    let candidates = smart.candidates();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for model in candidates.iter().filter_map(|one| one.model.as_ref()) {
        if let Some(first) = seen.get(model.value.as_str()) {
            problems.push(
                Diagnostic::new(
                    Code::RouterDuplicateCandidate,
                    format!("`{}` is a candidate twice", model.value),
                )
                .at(model.span, "given again here")
                .at(*first, "first given here")
                .help("remove one, or describe in one text what it is good at"),
            );
        } else {
            seen.insert(&model.value, model.span);
        }
    }
    let Some((path, model)) = smart.router_model() else {
        return;
    };
    let is_lost = |choice: &&Choice| gaps.has(&format!("{}.candidates", choice.path));
    if candidates.len() >= 2 || smart.choices.iter().any(is_lost) {
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

/// A smart router, or a part of it, that has nothing to do.
fn idle(smart: &Effective<'_>, problems: &mut Problems) {
    if smart.router_model().is_some() {
        return;
    }
    if let Some(first) = smart.candidates().first() {
        problems.push(
            Diagnostic::new(
                Code::RouterUnusedCandidates,
                "there are candidates, and no model is asked to choose",
            )
            .at(first.head, "nothing ever looks at this list")
            .help("name the model that chooses as `router_model`, or remove `candidates`"),
        );
        return;
    }
    let sticky = smart.sticky.iter().find_map(|block| block.enabled.as_ref());
    let keeps = sticky.is_some_and(|sticky| sticky.value);
    if keeps || smart.rules.iter().any(RuleEntry::is_enabled) {
        return;
    }
    let place = smart.enabled.written.map_or(smart.head, |on| on.span);
    let mut diagnostic = Diagnostic::new(
        Code::RouterNothingToAsk,
        "the smart router is on and has nothing to ask",
    )
    .at(place, "switched on, without a rule and without candidates");
    if let Some(rule) = smart.rules.first() {
        let off = rule.enabled.as_ref().map_or(rule.head, |off| off.span);
        diagnostic = diagnostic.at(off, "a rule that is switched off");
    }
    problems
        .push(diagnostic.help("add `rules`, or `router_model` and `candidates`, or switch it off"));
}

/// Prototypes for rules that do not exist.
fn prototypes(smart: &Effective<'_>, complete: bool, problems: &mut Problems) {
    let rules = smart.rules.iter().filter_map(|rule| rule.name.as_ref());
    let names: Vec<&str> = rules.map(|name| name.value.as_str()).collect();
    let known: HashSet<&str> = names.iter().copied().collect();
    let near = &names[..names.len().min(COMPARED)];
    let prototypes = smart.semantic.iter().flat_map(|block| &block.prototypes);
    for (name, _) in prototypes.filter(|(name, _)| complete && !known.contains(name.value.as_str()))
    {
        let mut diagnostic = Diagnostic::new(
            Code::RouterUnknownRule,
            format!(
                "a prototype is for rule `{}`, which does not exist",
                name.value
            ),
        )
        .at(name.span, "no rule has this name")
        .help(did_you_mean(&name.value, near, "rules"));
        if let Some(near) = nearest(&name.value, near.iter().copied()) {
            diagnostic = diagnostic.fix(name.span, near);
        }
        problems.push(diagnostic);
    }
}

fn classifier(smart: &Effective<'_>, gaps: &Gaps, problems: &mut Problems) {
    let mode = smart.semantic.iter().find_map(|block| block.mode.as_ref());
    let Some(mode) = mode.filter(|mode| mode.value == SemanticMode::Classifier) else {
        return;
    };
    let is_lost = CLASSIFYING.into_iter().any(|path| gaps.has(path));
    if smart.classifier_model().is_none() && !is_lost {
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
