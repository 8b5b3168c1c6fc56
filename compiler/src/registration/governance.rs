//! `Governance`: cascade, shadow supervision, thresholds of anomalies, and the
//! old home of `semantic` and `sticky`.

use super::key::{Key, MODEL_REF, POSITIVE, TEXT, TEXTS, Takes, key};
use super::read::{Fields, Reader, join};
use super::smart::{SEMANTIC_BLOCK, STICKY_BLOCK, SemanticBlock, StickyBlock, semantic, sticky};
use crate::plan::ShadowMode;
use crate::source::{Span, Spanned};

pub(super) const GOVERNANCE: &[Key] = &[
    key(
        "enabled",
        Takes::Boolean,
        "whether cascade and shadow supervision are on",
    )
    .or("false"),
    key(
        "cascade",
        Takes::Map(CASCADE),
        "asking a stronger model when an answer shows a failure",
    ),
    key("shadow", Takes::Map(SHADOW), "looking over answers"),
    key(
        "observability",
        Takes::Map(OBSERVABILITY),
        "from which values on a metric is reported",
    ),
    key(
        "semantic",
        SEMANTIC_BLOCK,
        "the old home of `SmartRouter.semantic`",
    )
    .legacy(),
    key(
        "sticky",
        STICKY_BLOCK,
        "the old home of `SmartRouter.sticky`",
    )
    .legacy(),
];

const CASCADE: &[Key] = &[
    key("enabled", Takes::Boolean, "whether it is on").or("false"),
    key("max_attempts", POSITIVE, "attempts in all").or("2"),
    key(
        "stream_guard",
        Takes::Boolean,
        "whether streams are held back and looked at too",
    )
    .or("false"),
    key("triggers", Takes::Map(TRIGGERS), "what counts as a failure"),
    key(
        "levels",
        Takes::List(&Takes::Map(LEVEL)),
        "which model follows which",
    ),
];

const TRIGGERS: &[Key] = &[
    key(
        "compile_failure",
        Takes::Boolean,
        "words of a compiler's failure",
    )
    .or("true"),
    key("test_failure", Takes::Boolean, "words of a failed test run").or("true"),
    key(
        "placeholder_patterns",
        TEXTS,
        "texts that stand for work left undone",
    )
    .or("[\"TODO\", \"...rest of code\", \"placeholder\"]"),
];

const LEVEL: &[Key] = &[
    key("from", MODEL_REF, "the model that failed").required(),
    key("to", MODEL_REF, "the model that is asked next").required(),
    key("reasoning", TEXT, "thinking for the next one"),
];

const SHADOW: &[Key] = &[
    key("enabled", Takes::Boolean, "whether it is on").or("false"),
    key(
        "mode",
        Takes::Word(ShadowMode::NAMES),
        "whether an answer waits until it was looked over",
    )
    .or("async_audit"),
    key(
        "sample_rate",
        Takes::Ratio,
        "share of answers that are looked over",
    )
    .or("0.2"),
    key(
        "verifier_model",
        MODEL_REF,
        "the model that judges; absent means that only the checks do",
    ),
    key("checks", Takes::Map(CHECKS), "what is looked for"),
];

const CHECKS: &[Key] = &[
    key(
        "placeholder_patterns",
        Takes::Boolean,
        "texts that stand for work left undone",
    )
    .or("true"),
    key(
        "length_anomaly",
        Takes::Boolean,
        "answers of a suspicious length",
    )
    .or("true"),
    key(
        "missing_code_block",
        Takes::Boolean,
        "talk of code without any",
    )
    .or("true"),
];

const OBSERVABILITY: &[Key] = &[key(
    "anomaly_thresholds",
    Takes::Map(THRESHOLDS),
    "from which values on a metric is reported",
)];

const THRESHOLDS: &[Key] = &[
    key(
        "min_sample_size",
        POSITIVE,
        "traces below which nothing is reported",
    )
    .or("3"),
    key(
        "cascade_warn_rate",
        Takes::Ratio,
        "rate of cascades that warns",
    )
    .or("0.4"),
    key(
        "cascade_critical_rate",
        Takes::Ratio,
        "rate of cascades that is critical",
    )
    .or("0.6"),
    key(
        "shadow_warn_rate",
        Takes::Ratio,
        "rate of answers looked over that warns",
    )
    .or("0.5"),
    key(
        "shadow_critical_rate",
        Takes::Ratio,
        "rate of answers looked over that is critical",
    )
    .or("0.7"),
    key(
        "latency_warn_ms",
        POSITIVE,
        "mean latency that warns, in milliseconds",
    )
    .or("1500"),
    key(
        "latency_critical_ms",
        POSITIVE,
        "mean latency that is critical, in milliseconds",
    )
    .or("3000"),
    key(
        "spike_warn_rate",
        Takes::Ratio,
        "rate of a bucket that can be a spike",
    )
    .or("0.5"),
    key(
        "spike_delta_rate",
        Takes::Ratio,
        "how far a spike lies above the buckets before it",
    )
    .or("0.3"),
];

/// `Governance` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct GovernanceSection {
    /// The key of the section.
    pub head: Span,
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `cascade`
    pub cascade: Option<CascadeBlock>,
    /// `shadow`
    pub shadow: Option<ShadowBlock>,
    /// `observability.anomaly_thresholds`
    pub thresholds: Thresholds,
    /// `semantic`
    pub semantic: Option<SemanticBlock>,
    /// The key of `semantic`.
    pub semantic_head: Option<Span>,
    /// `sticky`
    pub sticky: Option<StickyBlock>,
    /// The key of `sticky`.
    pub sticky_head: Option<Span>,
}

/// `cascade` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CascadeBlock {
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `max_attempts`
    pub max_attempts: Option<Spanned<i64>>,
    /// `stream_guard`
    pub stream_guard: Option<Spanned<bool>>,
    /// `triggers.compile_failure`
    pub compile_failure: Option<Spanned<bool>>,
    /// `triggers.test_failure`
    pub test_failure: Option<Spanned<bool>>,
    /// `triggers.placeholder_patterns`, where it is written
    pub placeholder_patterns: Option<Spanned<Vec<String>>>,
    /// `levels`
    pub levels: Vec<LevelEntry>,
}

/// One level of a cascade as written.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelEntry {
    /// Its path, for example `Governance.cascade.levels[0]`.
    pub path: String,
    /// `from`
    pub from: Option<Spanned<String>>,
    /// `to`
    pub to: Option<Spanned<String>>,
    /// `reasoning`
    pub reasoning: Option<Spanned<String>>,
}

/// `shadow` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShadowBlock {
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `mode`
    pub mode: Option<Spanned<ShadowMode>>,
    /// `sample_rate`
    pub sample_rate: Option<Spanned<f64>>,
    /// `verifier_model`
    pub verifier_model: Option<Spanned<String>>,
    /// `checks.placeholder_patterns`
    pub placeholder_patterns: Option<Spanned<bool>>,
    /// `checks.length_anomaly`
    pub length_anomaly: Option<Spanned<bool>>,
    /// `checks.missing_code_block`
    pub missing_code_block: Option<Spanned<bool>>,
}

/// `anomaly_thresholds` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// `min_sample_size`
    pub min_sample_size: Option<Spanned<i64>>,
    /// `cascade_warn_rate`
    pub cascade_warn_rate: Option<Spanned<f64>>,
    /// `cascade_critical_rate`
    pub cascade_critical_rate: Option<Spanned<f64>>,
    /// `shadow_warn_rate`
    pub shadow_warn_rate: Option<Spanned<f64>>,
    /// `shadow_critical_rate`
    pub shadow_critical_rate: Option<Spanned<f64>>,
    /// `latency_warn_ms`
    pub latency_warn_ms: Option<Spanned<i64>>,
    /// `latency_critical_ms`
    pub latency_critical_ms: Option<Spanned<i64>>,
    /// `spike_warn_rate`
    pub spike_warn_rate: Option<Spanned<f64>>,
    /// `spike_delta_rate`
    pub spike_delta_rate: Option<Spanned<f64>>,
}

impl GovernanceSection {
    /// Whether cascade and shadow supervision may be on.
    pub fn is_on(&self) -> bool {
        self.enabled.as_ref().is_some_and(|enabled| enabled.value)
    }

    /// The cascade, where it is on.
    pub fn cascade_on(&self) -> Option<&CascadeBlock> {
        let cascade = self.cascade.as_ref().filter(|_| self.is_on())?;
        let enabled = cascade.enabled.as_ref();
        enabled
            .is_some_and(|enabled| enabled.value)
            .then_some(cascade)
    }

    /// Shadow supervision, where it is on.
    pub fn shadow_on(&self) -> Option<&ShadowBlock> {
        let shadow = self.shadow.as_ref().filter(|_| self.is_on())?;
        let enabled = shadow.enabled.as_ref();
        enabled
            .is_some_and(|enabled| enabled.value)
            .then_some(shadow)
    }
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<GovernanceSection> {
    const PATH: &str = "Governance";
    let head = fields.entry(PATH)?.key.span;
    let inner = reader.fields(fields.get(PATH)?, GOVERNANCE, PATH)?;
    let place = |name| inner.entry(name).map(|entry| entry.key.span);
    Some(GovernanceSection {
        head,
        enabled: reader.boolean(&inner, "enabled", PATH),
        cascade: cascade(reader, &inner),
        shadow: shadow(reader, &inner),
        thresholds: thresholds(reader, &inner),
        semantic: semantic(reader, &inner, "Governance.semantic", PATH),
        semantic_head: place("semantic"),
        sticky: sticky(reader, &inner, "Governance.sticky", PATH),
        sticky_head: place("sticky"),
    })
}

fn cascade(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<CascadeBlock> {
    const PATH: &str = "Governance.cascade";
    let inner = reader.fields(fields.get("cascade")?, CASCADE, PATH)?;
    let mut block = CascadeBlock {
        enabled: reader.boolean(&inner, "enabled", PATH),
        max_attempts: reader.integer(&inner, "max_attempts", PATH),
        stream_guard: reader.boolean(&inner, "stream_guard", PATH),
        ..CascadeBlock::default()
    };
    let path = join(PATH, "triggers");
    if let Some(inner) = inner
        .get("triggers")
        .and_then(|node| reader.fields(node, TRIGGERS, &path))
    {
        block.compile_failure = reader.boolean(&inner, "compile_failure", &path);
        block.test_failure = reader.boolean(&inner, "test_failure", &path);
        if let Some(node) = inner.get("placeholder_patterns") {
            let texts = reader.texts(&inner, "placeholder_patterns", &path);
            let texts = texts.into_iter().map(|text| text.value).collect();
            block.placeholder_patterns = Some(Spanned::new(texts, node.span));
        }
    }
    for (at, fields) in reader.maps(&inner, "levels", PATH, LEVEL) {
        let path = format!("{PATH}.levels[{at}]");
        block.levels.push(LevelEntry {
            from: reader.required_text(&fields, "from", &path, "add the model that failed"),
            to: reader.required_text(&fields, "to", &path, "add the model that is asked next"),
            reasoning: reader.text(&fields, "reasoning", &path),
            path,
        });
    }
    Some(block)
}

fn shadow(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<ShadowBlock> {
    const PATH: &str = "Governance.shadow";
    let inner = reader.fields(fields.get("shadow")?, SHADOW, PATH)?;
    let mut block = ShadowBlock {
        enabled: reader.boolean(&inner, "enabled", PATH),
        mode: reader.word(&inner, "mode", PATH, ShadowMode::WORDS),
        sample_rate: reader.amount(&inner, "sample_rate", PATH),
        verifier_model: reader.text(&inner, "verifier_model", PATH),
        ..ShadowBlock::default()
    };
    let path = join(PATH, "checks");
    if let Some(inner) = inner
        .get("checks")
        .and_then(|node| reader.fields(node, CHECKS, &path))
    {
        block.placeholder_patterns = reader.boolean(&inner, "placeholder_patterns", &path);
        block.length_anomaly = reader.boolean(&inner, "length_anomaly", &path);
        block.missing_code_block = reader.boolean(&inner, "missing_code_block", &path);
    }
    Some(block)
}

fn thresholds(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Thresholds {
    const OUTER: &str = "Governance.observability";
    const PATH: &str = "Governance.observability.anomaly_thresholds";
    let inner = fields
        .get("observability")
        .and_then(|node| reader.fields(node, OBSERVABILITY, OUTER));
    let inner = inner
        .as_ref()
        .and_then(|inner| inner.get("anomaly_thresholds"))
        .and_then(|node| reader.fields(node, THRESHOLDS, PATH));
    let Some(inner) = inner else {
        return Thresholds::default();
    };
    Thresholds {
        min_sample_size: reader.integer(&inner, "min_sample_size", PATH),
        cascade_warn_rate: reader.amount(&inner, "cascade_warn_rate", PATH),
        cascade_critical_rate: reader.amount(&inner, "cascade_critical_rate", PATH),
        shadow_warn_rate: reader.amount(&inner, "shadow_warn_rate", PATH),
        shadow_critical_rate: reader.amount(&inner, "shadow_critical_rate", PATH),
        latency_warn_ms: reader.integer(&inner, "latency_warn_ms", PATH),
        latency_critical_ms: reader.integer(&inner, "latency_critical_ms", PATH),
        spike_warn_rate: reader.amount(&inner, "spike_warn_rate", PATH),
        spike_delta_rate: reader.amount(&inner, "spike_delta_rate", PATH),
    }
}
