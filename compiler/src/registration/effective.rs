//! Which of the places where a smart router can be written counts.
//!
//! `Router.routes`, `decision` and `defaults` go before `SmartRouter`, which goes
//! before `TriggerRouter`; `Governance.semantic` and `sticky` count where no
//! other place has the block (as claude-trigger-router 1.7.0 derives it).

use super::{
    CandidateEntry, Choice, Registration, RuleEntry, SemanticBlock, SmartSection, StickyBlock,
    TriggerSection, Unified,
};
use crate::plan::AnalysisScope;
use crate::source::{Span, Spanned};

/// The smart router that counts, and where each part of it is written.
#[derive(Clone, Debug)]
pub struct Effective<'r> {
    /// A place that stands for it.
    pub head: Span,
    /// Whether it is switched on, and by what.
    pub enabled: Enabled<'r>,
    /// The path and value of `analysis_scope`.
    pub analysis_scope: Option<(&'static str, &'r Spanned<AnalysisScope>)>,
    /// The rules.
    pub rules: &'r [RuleEntry],
    /// Where choosing is written; the first that has a key counts.
    pub choices: Vec<&'r Choice>,
    /// Where `semantic` is written; the first that has a key counts.
    pub semantic: Vec<&'r SemanticBlock>,
    /// Where `sticky` is written; the first that has a key counts.
    pub sticky: Vec<&'r StickyBlock>,
    /// `TriggerRouter`, where it is what counts.
    pub trigger: Option<&'r TriggerSection>,
}

/// Whether a smart router is on.
#[derive(Clone, Copy, Debug)]
pub struct Enabled<'r> {
    /// The key that says it, or would.
    pub key: &'static str,
    /// What is written.
    pub written: Option<&'r Spanned<bool>>,
    /// What counts where nothing is written.
    pub default: bool,
}

impl Enabled<'_> {
    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.written.map_or(self.default, |written| written.value)
    }
}

/// A key's path and what is written there.
pub type Found<'r, T> = Option<(&'static str, &'r Spanned<T>)>;

impl<'r> Effective<'r> {
    /// The first place of choosing that has a key; `keys` are its paths in
    /// `Router.decision` and in `SmartRouter`.
    pub fn choice<T>(
        &self,
        keys: [&'static str; 2],
        key: impl Fn(&'r Choice) -> Option<&'r Spanned<T>>,
    ) -> Found<'r, T> {
        self.choices.iter().find_map(|choice| {
            let at = usize::from(choice.path == "SmartRouter");
            Some((keys[at], key(choice)?))
        })
    }

    /// `router_model`.
    pub fn router_model(&self) -> Found<'r, String> {
        self.choice(
            ["Router.decision.router_model", "SmartRouter.router_model"],
            |choice| choice.router_model.as_ref(),
        )
    }

    /// The candidates of the first place that has any.
    pub fn candidates(&self) -> &'r [CandidateEntry] {
        let mut lists = self.choices.iter().map(|choice| &choice.candidates);
        lists
            .find(|list| !list.is_empty())
            .map_or(&[], Vec::as_slice)
    }

    /// The model that classifies: `classifier_model`, else `TriggerRouter.intent_model`.
    pub fn classifier_model(&self) -> Found<'r, String> {
        let written = self.semantic.iter().find_map(|block| {
            let path = match block.path {
                "Router.defaults.semantic" => "Router.defaults.semantic.classifier_model",
                "SmartRouter.semantic" => "SmartRouter.semantic.classifier_model",
                _ => "Governance.semantic.classifier_model",
            };
            Some((path, block.classifier_model.as_ref()?))
        });
        let old = self.trigger.filter(|trigger| trigger.classifies());
        let old = old.and_then(|trigger| trigger.intent_model.as_ref());
        written.or_else(|| old.map(|model| ("TriggerRouter.intent_model", model)))
    }

    /// `summarizer_model`, as written.
    pub fn summarizer_model(&self) -> Found<'r, String> {
        self.sticky.iter().find_map(|block| {
            let path = match block.path {
                "Router.defaults.sticky" => "Router.defaults.sticky.alignment.summarizer_model",
                "SmartRouter.sticky" => "SmartRouter.sticky.alignment.summarizer_model",
                _ => "Governance.sticky.alignment.summarizer_model",
            };
            Some((path, block.summarizer_model.as_ref()?))
        })
    }
}

impl Registration {
    /// The smart router that counts, switched on or not; none where none is written.
    pub fn smart_router(&self) -> Option<Effective<'_>> {
        let unified = self.router.unified.as_ref();
        let smart = self.smart.as_ref();
        let trigger = self
            .trigger
            .as_ref()
            .filter(|_| unified.is_none() && smart.is_none());
        let head = unified
            .and_then(|unified| unified.head)
            .or_else(|| smart.and_then(|smart| smart.head))
            .or_else(|| trigger.map(|trigger| trigger.head))?;
        let scope = smart.and_then(|smart| smart.analysis_scope.as_ref());
        let old_scope = trigger.and_then(|trigger| trigger.analysis_scope.as_ref());
        Some(Effective {
            head,
            enabled: enabled(unified, smart, trigger),
            analysis_scope: scope
                .map(|scope| ("SmartRouter.analysis_scope", scope))
                .or_else(|| old_scope.map(|scope| ("TriggerRouter.analysis_scope", scope))),
            rules: rules(unified, smart, trigger),
            choices: unified
                .map(|unified| &unified.choice)
                .filter(|choice| !choice.path.is_empty())
                .into_iter()
                .chain(smart.map(|smart| &smart.choice))
                .collect(),
            semantic: self.semantic_blocks(),
            sticky: self.sticky_blocks(),
            trigger,
        })
    }

    fn semantic_blocks(&self) -> Vec<&SemanticBlock> {
        let unified = self.router.unified.as_ref();
        let here = unified.and_then(|unified| unified.semantic.as_ref());
        let smart = self
            .smart
            .as_ref()
            .and_then(|smart| smart.semantic.as_ref());
        let old = self.governance.as_ref();
        let old = old.and_then(|old| old.semantic.as_ref());
        let old = old.filter(|_| here.is_none() && smart.is_none());
        here.into_iter().chain(smart).chain(old).collect()
    }

    fn sticky_blocks(&self) -> Vec<&StickyBlock> {
        let unified = self.router.unified.as_ref();
        let here = unified.and_then(|unified| unified.sticky.as_ref());
        let smart = self.smart.as_ref().and_then(|smart| smart.sticky.as_ref());
        let old = self.governance.as_ref();
        let old = old.and_then(|old| old.sticky.as_ref());
        let old = old.filter(|_| here.is_none() && smart.is_none());
        here.into_iter().chain(smart).chain(old).collect()
    }
}

fn enabled<'r>(
    unified: Option<&'r Unified>,
    smart: Option<&'r SmartSection>,
    trigger: Option<&'r TriggerSection>,
) -> Enabled<'r> {
    let smart_enabled = smart.and_then(|smart| smart.enabled.as_ref());
    let (key, written, default) = match (unified, trigger) {
        (Some(unified), _) => match &unified.smart_fallback {
            None if smart_enabled.is_some() => ("SmartRouter.enabled", smart_enabled, true),
            written => ("Router.decision.smart_fallback", written.as_ref(), true),
        },
        (None, Some(trigger)) => ("TriggerRouter.enabled", trigger.enabled.as_ref(), true),
        (None, None) => ("SmartRouter.enabled", smart_enabled, false),
    };
    Enabled {
        key,
        written,
        default,
    }
}

fn rules<'r>(
    unified: Option<&'r Unified>,
    smart: Option<&'r SmartSection>,
    trigger: Option<&'r TriggerSection>,
) -> &'r [RuleEntry] {
    match (unified, smart, trigger) {
        (Some(unified), _, _) if unified.routes_head.is_some() => &unified.routes,
        (_, Some(smart), _) => &smart.rules,
        (_, _, Some(trigger)) => &trigger.rules,
        _ => &[],
    }
}
