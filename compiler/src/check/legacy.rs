//! Sections of older files: what they are called today, and which are not read
//! because a newer form stands beside them.

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::Registration;
use crate::source::Span;

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    trigger(registration, problems);
    routes(registration, problems);
    providers(registration, problems);
    governance(registration, problems);
}

/// `TriggerRouter`. Renaming its key is enough where it says whether it is on,
/// since the two sections differ in what they take that for.
fn trigger(registration: &Registration, problems: &mut Problems) {
    let Some(trigger) = &registration.trigger else {
        return;
    };
    let unified = registration.router.unified.as_ref();
    let newer = unified
        .and_then(|unified| unified.head)
        .or_else(|| registration.smart.as_ref().and_then(|smart| smart.head));
    if let Some(newer) = newer {
        problems.push(beside("TriggerRouter", trigger.head, newer));
        return;
    }
    if registration.gaps.has("SmartRouter") {
        return;
    }
    let diagnostic = old("TriggerRouter", "SmartRouter", trigger.head);
    let is_same =
        trigger.enabled.is_some() && trigger.classifies.is_none() && trigger.intent_model.is_none();
    problems.push(match is_same {
        true => diagnostic
            .help("rename it to `SmartRouter`")
            .fix(trigger.head, "SmartRouter"),
        false => diagnostic.help(rewritten("SmartRouter")),
    });
}

fn routes(registration: &Registration, problems: &mut Problems) {
    let unified = registration.router.unified.as_ref();
    let routes = unified.and_then(|unified| unified.routes_head);
    let smart = registration.smart.as_ref();
    let rules = smart.filter(|smart| !smart.rules.is_empty());
    if let (Some(routes), Some(rule)) = (routes, rules.and_then(|smart| smart.rules.first())) {
        problems.push(
            Diagnostic::new(
                Code::DocumentBothSpellings,
                "`SmartRouter.rules` and `Router.routes` both give rules",
            )
            .at(rule.head, "these are ignored")
            .at(routes, "these are used")
            .help("move the rules to one of the two places"),
        );
    }
}

fn providers(registration: &Registration, problems: &mut Problems) {
    let Some(head) = registration.providers_head else {
        return;
    };
    if registration.providers.is_empty() {
        return;
    }
    match registration.models.first() {
        Some(model) => problems.push(beside("Providers", head, model.head)),
        None => problems.push(old("Providers", "Models", head).help(rewritten("Models"))),
    }
}

fn governance(registration: &Registration, problems: &mut Problems) {
    let Some(governance) = &registration.governance else {
        return;
    };
    let smart = registration.smart.as_ref();
    let unified = registration.router.unified.as_ref();
    let newer = |here: Option<()>, there: Option<()>| {
        let there = there.and(unified).and_then(|unified| unified.head);
        let here = here.and(smart).and_then(|smart| smart.head);
        there.or(here)
    };
    let blocks = [
        (
            "Governance.semantic",
            "SmartRouter.semantic",
            governance
                .semantic_head
                .filter(|_| governance.semantic.is_some()),
            newer(
                smart.and_then(|smart| smart.semantic.as_ref()).map(|_| ()),
                unified
                    .and_then(|unified| unified.semantic.as_ref())
                    .map(|_| ()),
            ),
        ),
        (
            "Governance.sticky",
            "SmartRouter.sticky",
            governance
                .sticky_head
                .filter(|_| governance.sticky.is_some()),
            newer(
                smart.and_then(|smart| smart.sticky.as_ref()).map(|_| ()),
                unified
                    .and_then(|unified| unified.sticky.as_ref())
                    .map(|_| ()),
            ),
        ),
    ];
    for (was, now, head, newer) in blocks {
        match (head, newer) {
            (Some(head), Some(newer)) => problems.push(beside(was, head, newer)),
            (Some(head), None) => {
                problems.push(old(was, now, head).help(format!("move it to `{now}`")));
            }
            (None, _) => {}
        }
    }
}

fn old(was: &str, now: &str, head: Span) -> Diagnostic {
    Diagnostic::new(
        Code::DocumentOldSpelling,
        format!("`{was}` is now spelt `{now}`"),
    )
    .at(head, "the old spelling")
}

fn rewritten(now: &str) -> String {
    format!("write it as `{now}`; `ctr import ctr-1.7` does so for the whole file")
}

fn beside(was: &str, head: Span, newer: Span) -> Diagnostic {
    Diagnostic::new(
        Code::DocumentBothSpellings,
        format!("`{was}` stands beside the form that took its place"),
    )
    .at(head, "the old form, ignored")
    .at(newer, "the current form, used")
    .help(format!("remove `{was}`"))
}
