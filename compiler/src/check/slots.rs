//! Slots whose model cannot do what the slot is for, and one that is missing. Of a pool the endpoint
//! that is tried first is judged; whether its fallbacks keep up is told apart.

use super::references::{Reference, User};
use super::targets::Targets;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::{LONG_CONTEXT_THRESHOLD, Slot, ThinkingMode};
use crate::registration::{ModelEntry, Registration, RouterSection};
use crate::source::{Span, Spanned};

const HELP: &str = "name a model that can, or correct what is said of this one";

pub(super) fn check(
    router: &RouterSection,
    references: &[Reference<'_>],
    targets: &Targets<'_>,
    problems: &mut Problems,
) {
    for reference in references {
        let (name, User::Slot(slot)) = (reference.name, reference.user) else {
            continue;
        };
        let Some(entry) = targets.first(&name.value) else {
            continue;
        };
        let metadata = &entry.metadata;
        let unfit = match slot {
            Slot::Think => unthinking(entry).map(|at| (at, "does not think")),
            Slot::WebSearch => off(&metadata.supports_tools).map(|at| (at, "calls no tools")),
            Slot::Image => off(&metadata.supports_images).map(|at| (at, "sees no images")),
            Slot::LongContext => {
                let unfit = narrow(router, name, entry, targets);
                unfit.into_iter().for_each(|found| problems.push(found));
                None
            }
            Slot::Default | Slot::Background => None,
        };
        if let Some((place, what)) = unfit {
            let label = match slot {
                Slot::Think => "requests that ask for thinking go here",
                Slot::WebSearch => "requests with a web search go here",
                _ => "requests with images go here",
            };
            problems.push(
                told(slot, name, &format!("which {what}"))
                    .at(name.span, label)
                    .at(place, "said here")
                    .help(HELP),
            );
        }
    }
}

/// An image agent that has nobody to ask.
pub(super) fn blind(registration: &Registration, problems: &mut Problems) {
    let force = registration.force_image_agent.as_ref();
    let Some(force) = force.filter(|force| force.value) else {
        return;
    };
    if !registration.router.slots.contains_key(&Slot::Image) {
        problems.push(
            Diagnostic::new(
                Code::RouterNoImageModel,
                "the image agent is switched on and has no model to ask",
            )
            .at(
                force.span,
                "without `Router.image`, models get images themselves",
            )
            .help("name a model that sees images as `Router.image`, or switch it off"),
        );
    }
}

fn told(slot: Slot, name: &Spanned<String>, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::RouterUnfitModel,
        format!("slot `{slot}` names `{}`, {what}", name.value),
    )
}

/// Where an ability is switched off.
fn off(ability: &Option<Spanned<bool>>) -> Option<Span> {
    let written = ability.as_ref()?;
    (!written.value).then_some(written.span)
}

fn unthinking(entry: &ModelEntry) -> Option<Span> {
    let thinking = entry.thinking.as_ref();
    let never = thinking.filter(|thinking| thinking.value.mode == Some(ThinkingMode::Off));
    off(&entry.metadata.supports_reasoning).or_else(|| never.map(|thinking| thinking.span))
}

/// The most input tokens an endpoint says it takes.
fn room(entry: &ModelEntry) -> Option<&Spanned<i64>> {
    let metadata = &entry.metadata;
    metadata
        .safe_input_tokens
        .as_ref()
        .or(metadata.context_window_tokens.as_ref())
}

/// `longContext` on a model with less room than what is sent there, or than
/// the model it is sent away from.
fn narrow(
    router: &RouterSection,
    name: &Spanned<String>,
    entry: &ModelEntry,
    targets: &Targets<'_>,
) -> Option<Diagnostic> {
    let here = room(entry)?;
    let written = router.long_context_threshold.as_ref();
    let threshold = written.map_or(LONG_CONTEXT_THRESHOLD, |written| written.value);
    let label = format!("room for {} tokens", here.value);
    if here.value < threshold {
        let mut diagnostic = told(Slot::LongContext, name, "which has no room for long input")
            .at(
                name.span,
                format!("input from {threshold} tokens on goes here"),
            )
            .at(here.span, label);
        if let Some(written) = written {
            diagnostic = diagnostic.at(written.span, "said here");
        }
        return Some(
            diagnostic.help("name a model with more room, or lower `longContextThreshold`"),
        );
    }
    let default = router.slots.get(&Slot::Default)?;
    let there = room(targets.first(&default.value)?)?;
    (here.value < there.value).then(|| {
        told(
            Slot::LongContext,
            name,
            "which has less room than the default",
        )
        .at(name.span, "long input goes here")
        .at(here.span, label)
        .at(there.span, format!("room for {} tokens", there.value))
        .help("name a model with more room, or leave `longContext` out")
    })
}
