//! `TriggerRouter`, the smart router of older files.

use super::key::{Key, MODEL_REF, Takes, key};
use super::read::{Fields, Reader};
use super::rule::{RULE, RuleEntry, rules};
use super::smart::ANALYSIS_SCOPE;
use crate::plan::AnalysisScope;
use crate::source::{Span, Spanned};

pub(super) const TRIGGER_ROUTER: &[Key] = &[
    key(
        "enabled",
        Takes::Boolean,
        "whether its rules are asked before the slots",
    )
    .or("true"),
    ANALYSIS_SCOPE,
    key(
        "llm_intent_recognition",
        Takes::Boolean,
        "whether `intent_model` classifies what no rule takes",
    )
    .or("false"),
    key("intent_model", MODEL_REF, "the model that classifies"),
    key(
        "rules",
        Takes::List(&Takes::Map(RULE)),
        "rules by keyword or pattern",
    ),
];

/// `TriggerRouter` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerSection {
    /// The key of the section.
    pub head: Span,
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `analysis_scope`
    pub analysis_scope: Option<Spanned<AnalysisScope>>,
    /// `llm_intent_recognition`
    pub classifies: Option<Spanned<bool>>,
    /// `intent_model`
    pub intent_model: Option<Spanned<String>>,
    /// `rules`
    pub rules: Vec<RuleEntry>,
}

impl TriggerSection {
    /// Whether `intent_model` classifies what no rule takes.
    pub fn classifies(&self) -> bool {
        let classifies = self.classifies.as_ref();
        classifies.is_some_and(|classifies| classifies.value)
    }
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<TriggerSection> {
    const PATH: &str = "TriggerRouter";
    let head = fields.entry(PATH)?.key.span;
    let inner = reader.fields(fields.get(PATH)?, TRIGGER_ROUTER, PATH)?;
    Some(TriggerSection {
        head,
        enabled: reader.boolean(&inner, "enabled", PATH),
        analysis_scope: reader.word(&inner, "analysis_scope", PATH, AnalysisScope::WORDS),
        classifies: reader.boolean(&inner, "llm_intent_recognition", PATH),
        intent_model: reader.text(&inner, "intent_model", PATH),
        rules: rules(reader, &inner, PATH),
    })
}
