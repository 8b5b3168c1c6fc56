//! `SmartRouter`, and the parts of it that `Router`, `TriggerRouter` and
//! `Governance` have as well.

use super::key::{Key, MODEL_REF, Meaning, POSITIVE, TEXT, Takes, key};
use super::read::{Fields, Reader, join};
use super::rule::{RULE, RuleEntry, rules};
use crate::plan::{AnalysisScope, NoMatch, SemanticMode};
use crate::source::{Span, Spanned};
use crate::tree::Value;

pub(super) const SMART_ROUTER: &[Key] = &[
    key(
        "enabled",
        Takes::Boolean,
        "whether rules, likeness and candidates are asked before the slots",
    )
    .or("false"),
    ANALYSIS_SCOPE,
    key(
        "rules",
        Takes::List(&Takes::Map(RULE)),
        "rules by keyword, pattern or likeness; the highest priority that matches wins",
    ),
    ROUTER_MODEL,
    CANDIDATES,
    key(
        "semantic",
        SEMANTIC_BLOCK,
        "matching by likeness to a rule's prototype; a lone `true` or `false` is its `enabled`",
    ),
    key(
        "sticky",
        STICKY_BLOCK,
        "what a session keeps; a lone `true` or `false` is its `enabled`",
    ),
    CACHE_TTL,
    MAX_TOKENS,
    FALLBACK,
    ROUTER_HINT,
];

pub(super) const ANALYSIS_SCOPE: Key = key(
    "analysis_scope",
    Takes::Word(AnalysisScope::NAMES),
    "which messages of the user are looked at",
)
.or("last_message");

pub(super) const ROUTER_MODEL: Key = key(
    "router_model",
    MODEL_REF,
    "the model that chooses among the candidates; absent means nobody is asked",
);

pub(super) const CANDIDATES: Key = key(
    "candidates",
    Takes::List(&Takes::Map(CANDIDATE)),
    "the models that `router_model` chooses among, at least two",
);

pub(super) const CACHE_TTL: Key = key(
    "cache_ttl",
    POSITIVE,
    "how long a choice of `router_model` is remembered, in milliseconds",
)
.or("600000");

pub(super) const MAX_TOKENS: Key = key(
    "max_tokens",
    POSITIVE,
    "tokens that `router_model` may answer with",
)
.or("256");

pub(super) const FALLBACK: Key = key(
    "fallback",
    Takes::Word(NoMatch::NAMES),
    "where a request goes that nothing here takes: on to the slots, with either word",
)
.or("default");

pub(super) const ROUTER_HINT: Key = key(
    "router_hint",
    Takes::Map(HINT),
    "what `router_model` is told beside the text",
);

const CANDIDATE: &[Key] = &[
    key("model", MODEL_REF, "a model that may be chosen").required(),
    key(
        "description",
        TEXT,
        "what it is good at, as `router_model` is told",
    )
    .required(),
];

/// What takes `semantic`, wherever it stands.
pub(super) const SEMANTIC_BLOCK: Takes = Takes::Either(&Takes::Boolean, &Takes::Map(SEMANTIC));

/// What takes `sticky`, wherever it stands.
pub(super) const STICKY_BLOCK: Takes = Takes::Either(&Takes::Boolean, &Takes::Map(STICKY));

const SEMANTIC: &[Key] = &[
    key(
        "enabled",
        Takes::Boolean,
        "whether it is asked; on where nothing says otherwise and the smart router is on",
    ),
    key(
        "mode",
        Takes::Word(SemanticMode::NAMES),
        "how likeness is found: by shared words, or by asking a model",
    )
    .or("embedding"),
    key(
        "threshold",
        Takes::Ratio,
        "the least likeness that counts; 0.2 where `enabled` is left out",
    )
    .or("0.85"),
    key(
        "prototypes",
        Takes::Named(Meaning::RuleRef, &TEXT),
        "texts that are like a rule's requests, by rule name",
    ),
    key(
        "classifier_model",
        MODEL_REF,
        "the model that classifies; only in mode `classifier`",
    ),
];

const STICKY: &[Key] = &[
    key(
        "enabled",
        Takes::Boolean,
        "whether a session keeps its model; on where nothing says otherwise and the smart router is on",
    ),
    key(
        "session_ttl_ms",
        POSITIVE,
        "how long it is kept, in milliseconds",
    )
    .or("3600000"),
    key(
        "fingerprint_similarity_threshold",
        Takes::Ratio,
        "the least likeness of two tasks that counts as the same",
    )
    .or("0.82"),
    key(
        "break_on_explicit_route",
        Takes::Boolean,
        "whether a request for a named model ends it",
    )
    .or("true"),
    key(
        "alignment",
        Takes::Map(ALIGNMENT),
        "telling the next model of a session what the last one did",
    ),
];

const ALIGNMENT: &[Key] = &[
    key("enabled", Takes::Boolean, "whether it is done").or("false"),
    key(
        "summarizer_model",
        MODEL_REF,
        "the model that writes the summary; else `router_model`, else `Router.default`",
    ),
    key("max_summary_tokens", POSITIVE, "tokens a summary may have").or("256"),
];

const HINT: &[Key] = &[
    key(
        "include_task_summary",
        Takes::Boolean,
        "the beginning of the task",
    )
    .or("false"),
    key(
        "include_top_route_candidates",
        Takes::Boolean,
        "the descriptions of the first rules",
    )
    .or("false"),
];

/// `SmartRouter` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SmartSection {
    /// The key of the section.
    pub head: Option<Span>,
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `analysis_scope`
    pub analysis_scope: Option<Spanned<AnalysisScope>>,
    /// `rules`
    pub rules: Vec<RuleEntry>,
    /// What chooses, and among what.
    pub choice: Choice,
    /// `semantic`
    pub semantic: Option<SemanticBlock>,
    /// `sticky`
    pub sticky: Option<StickyBlock>,
}

/// Choosing by a model, which `SmartRouter` and `Router.decision` have alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The path of the map it stands in.
    pub path: &'static str,
    /// `router_model`
    pub router_model: Option<Spanned<String>>,
    /// `candidates`
    pub candidates: Vec<CandidateEntry>,
    /// `cache_ttl`
    pub cache_ttl: Option<Spanned<i64>>,
    /// `max_tokens`
    pub max_tokens: Option<Spanned<i64>>,
    /// `fallback`
    pub fallback: Option<Spanned<NoMatch>>,
    /// `router_hint.include_task_summary`
    pub include_task_summary: Option<Spanned<bool>>,
    /// `router_hint.include_top_route_candidates`
    pub include_top_route_candidates: Option<Spanned<bool>>,
}

/// One candidate as written.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateEntry {
    /// Its path, for example `SmartRouter.candidates[0]`.
    pub path: String,
    /// A short place that stands for it.
    pub head: Span,
    /// `model`
    pub model: Option<Spanned<String>>,
    /// `description`
    pub description: Option<Spanned<String>>,
}

/// `semantic` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SemanticBlock {
    /// The path of the block.
    pub path: &'static str,
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `mode`
    pub mode: Option<Spanned<SemanticMode>>,
    /// `threshold`
    pub threshold: Option<Spanned<f64>>,
    /// `prototypes`: rule names and texts.
    pub prototypes: Vec<(Spanned<String>, Spanned<String>)>,
    /// `classifier_model`
    pub classifier_model: Option<Spanned<String>>,
}

/// `sticky` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StickyBlock {
    /// The path of the block.
    pub path: &'static str,
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `session_ttl_ms`
    pub session_ttl_ms: Option<Spanned<i64>>,
    /// `fingerprint_similarity_threshold`
    pub similarity: Option<Spanned<f64>>,
    /// `break_on_explicit_route`
    pub break_on_explicit_route: Option<Spanned<bool>>,
    /// `alignment.enabled`
    pub alignment: Option<Spanned<bool>>,
    /// `alignment.summarizer_model`
    pub summarizer_model: Option<Spanned<String>>,
    /// `alignment.max_summary_tokens`
    pub max_summary_tokens: Option<Spanned<i64>>,
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<SmartSection> {
    const PATH: &str = "SmartRouter";
    let head = fields.entry(PATH)?.key.span;
    let inner = reader.fields(fields.get(PATH)?, SMART_ROUTER, PATH)?;
    Some(SmartSection {
        head: Some(head),
        enabled: reader.boolean(&inner, "enabled", PATH),
        analysis_scope: reader.word(&inner, "analysis_scope", PATH, AnalysisScope::WORDS),
        rules: rules(reader, &inner, PATH),
        choice: choice(reader, &inner, PATH),
        semantic: semantic(reader, &inner, "SmartRouter.semantic", PATH),
        sticky: sticky(reader, &inner, "SmartRouter.sticky", PATH),
    })
}

/// `router_model`, `candidates` and what goes with them, of a map at `inside`.
pub(super) fn choice(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    inside: &'static str,
) -> Choice {
    let mut candidates = Vec::new();
    for (at, fields) in reader.maps(fields, "candidates", inside, CANDIDATE) {
        let path = format!("{inside}.candidates[{at}]");
        candidates.push(CandidateEntry {
            head: fields.head,
            model: reader.required_text(
                &fields,
                "model",
                &path,
                "add the model or pool that may be chosen",
            ),
            description: reader.required_text(
                &fields,
                "description",
                &path,
                "say what it is good at; `router_model` chooses by this text",
            ),
            path,
        });
    }
    let hint_path = join(inside, "router_hint");
    let hint = fields
        .get("router_hint")
        .and_then(|node| reader.fields(node, HINT, &hint_path));
    let hint = |reader: &mut Reader<'_>, name| {
        let hint = hint.as_ref()?;
        reader.boolean(hint, name, &hint_path)
    };
    Choice {
        path: inside,
        router_model: reader.text(fields, "router_model", inside),
        candidates,
        cache_ttl: reader.integer(fields, "cache_ttl", inside),
        max_tokens: reader.integer(fields, "max_tokens", inside),
        fallback: reader.word(fields, "fallback", inside, NoMatch::WORDS),
        include_task_summary: hint(reader, "include_task_summary"),
        include_top_route_candidates: hint(reader, "include_top_route_candidates"),
    }
}

/// `semantic` of a map at `inside`. A lone boolean is its `enabled`.
pub(super) fn semantic(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &'static str,
    inside: &str,
) -> Option<SemanticBlock> {
    let node = fields.get("semantic")?;
    let mut block = SemanticBlock {
        path,
        ..SemanticBlock::default()
    };
    if let Value::Scalar(_) = node.value {
        block.enabled = reader.boolean(fields, "semantic", inside);
        return Some(block);
    }
    let inner = reader.fields(node, SEMANTIC, path)?;
    block.enabled = reader.boolean(&inner, "enabled", path);
    block.mode = reader.word(&inner, "mode", path, SemanticMode::WORDS);
    block.threshold = reader.amount(&inner, "threshold", path);
    block.prototypes = reader.named_texts(&inner, "prototypes", path);
    block.classifier_model = reader.text(&inner, "classifier_model", path);
    Some(block)
}

/// `sticky` of a map at `inside`. A lone boolean is its `enabled`.
pub(super) fn sticky(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &'static str,
    inside: &str,
) -> Option<StickyBlock> {
    let node = fields.get("sticky")?;
    let mut block = StickyBlock {
        path,
        ..StickyBlock::default()
    };
    if let Value::Scalar(_) = node.value {
        block.enabled = reader.boolean(fields, "sticky", inside);
        return Some(block);
    }
    let inner = reader.fields(node, STICKY, path)?;
    block.enabled = reader.boolean(&inner, "enabled", path);
    block.session_ttl_ms = reader.integer(&inner, "session_ttl_ms", path);
    block.similarity = reader.amount(&inner, "fingerprint_similarity_threshold", path);
    block.break_on_explicit_route = reader.boolean(&inner, "break_on_explicit_route", path);
    let path = join(path, "alignment");
    if let Some(inner) = inner
        .get("alignment")
        .and_then(|node| reader.fields(node, ALIGNMENT, &path))
    {
        block.alignment = reader.boolean(&inner, "enabled", &path);
        block.summarizer_model = reader.text(&inner, "summarizer_model", &path);
        block.max_summary_tokens = reader.integer(&inner, "max_summary_tokens", &path);
    }
    Some(block)
}
