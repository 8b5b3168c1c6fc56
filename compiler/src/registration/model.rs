//! One entry of `Models` or `Registration.models`.

use super::key::{Key, Meaning, POSITIVE, TEXT, Takes, key, refused};
use super::pool::clustering;
use super::read::{Fields, Reader, join};
use crate::plan::{Effort, Interface, KeyHeader, Thinking, ThinkingMode, Tokenizer};
use crate::source::{Span, Spanned};
use crate::tree::{Node, Value};

pub(super) const MODEL: &[Key] = &[
    key(
        "id",
        Takes::Text(Meaning::ModelId),
        "the name that slots, rules and clients ask for",
    )
    .required(),
    key(
        "api",
        Takes::Text(Meaning::Url),
        "the upstream's URL; an empty path and one that ends in `/v1` are completed",
    )
    .was("api_base_url")
    .required(),
    key(
        "key",
        Takes::Text(Meaning::Secret),
        "the upstream's key, as a variable such as `${ANTHROPIC_API_KEY}`",
    )
    .was("api_key")
    .required(),
    key(
        "key_header",
        Takes::Word(KeyHeader::NAMES),
        "the header that carries the key; that of `interface` where absent",
    ),
    key(
        "interface",
        Takes::Word(Interface::NAMES),
        "the protocol the upstream speaks; inferred from `api` and `model` where absent",
    )
    .was("protocol"),
    key(
        "model",
        Takes::Text(Meaning::Value),
        "the name the upstream knows the model by",
    )
    .required(),
    key(
        "thinking",
        Takes::Either(&Takes::Word(THINKING_NAMES), &Takes::Map(THINKING)),
        "what the model does with thinking",
    ),
    key(
        "metadata",
        Takes::Map(METADATA),
        "what is known about the model and its place in a pool",
    ),
];

const METADATA: &[Key] = &[
    key("label", TEXT, "a name for people"),
    key("vendor_hint", TEXT, "the vendor, for display"),
    key(
        "supports_reasoning",
        Takes::Boolean,
        "whether the model can think; thinking is dropped otherwise",
    )
    .or("true"),
    key(
        "supports_tools",
        Takes::Boolean,
        "whether the model can call tools; they become text otherwise",
    )
    .or("true"),
    key(
        "supports_images",
        Takes::Boolean,
        "whether the model can see images; they become text otherwise",
    )
    .or("true"),
    key(
        "context_window_tokens",
        POSITIVE,
        "the whole window in tokens",
    ),
    key(
        "safe_input_tokens",
        POSITIVE,
        "the most input tokens to send; at most `context_window_tokens`",
    ),
    key(
        "tokenizer",
        Takes::Word(Tokenizer::NAMES),
        "how its tokens are counted",
    )
    .or("cl100k"),
    key(
        "pool_endpoint_id",
        Takes::Text(Meaning::EndpointId),
        "the endpoint's stable id; else `<id>@<upstream_service_id>`, else made of its position",
    ),
    key(
        "pool_priority",
        Takes::Integer(i64::MIN, i64::MAX),
        "its place in the pool, smaller first; else its position in `models`",
    ),
    key(
        "pool_enabled",
        Takes::Boolean,
        "whether it may serve; a disabled endpoint stays listed",
    )
    .or("true"),
    key(
        "pool_weight",
        Takes::Integer(1, 1_000_000),
        "its part of the requests beside those of the others, where the strategy is `weighted`",
    ),
    key(
        "upstream_service_id",
        Takes::Text(Meaning::ServiceRef),
        "the upstream service it belongs to",
    ),
    key(
        "cost_per_1m_input_tokens",
        Takes::Amount,
        "price of 1,000,000 input tokens",
    ),
    key(
        "cost_per_1m_output_tokens",
        Takes::Amount,
        "price of 1,000,000 output tokens",
    ),
    key("cost_currency", TEXT, "currency of both prices").or("USD"),
    key(
        "rate_limit_rpm",
        POSITIVE,
        "requests a minute that the upstream allows",
    ),
    key(
        "rate_limit_tpm",
        POSITIVE,
        "tokens a minute that the upstream allows",
    ),
    refused("nodes"),
    refused("node_id"),
    refused("cluster"),
];

const THINKING: &[Key] = &[
    key(
        "mode",
        Takes::Word(ThinkingMode::NAMES),
        "`on` asks for it always, `off` never, `auto` as the request says, `adaptive` so too, without a budget",
    ),
    key(
        "effort",
        Takes::Word(Effort::NAMES),
        "how hard the model thinks",
    ),
    key("budget_tokens", POSITIVE, "the most tokens to think with"),
];

/// The words of [`THINKING_WORDS`].
const THINKING_NAMES: &[&str] = &["off", "auto", "on", "low", "medium", "high", "adaptive"];

/// The short forms of `thinking`.
const THINKING_WORDS: &[(&str, Thinking)] = &[
    ("off", mode(ThinkingMode::Off)),
    ("auto", mode(ThinkingMode::Auto)),
    ("on", mode(ThinkingMode::On)),
    ("low", effort(Effort::Low)),
    ("medium", effort(Effort::Medium)),
    ("high", effort(Effort::High)),
    ("adaptive", mode(ThinkingMode::Adaptive)),
];

const fn mode(mode: ThinkingMode) -> Thinking {
    Thinking {
        budget_tokens: None,
        effort: None,
        mode: Some(mode),
    }
}

const fn effort(effort: Effort) -> Thinking {
    Thinking {
        budget_tokens: None,
        effort: Some(effort),
        mode: Some(ThinkingMode::On),
    }
}

/// An entry as written. Required keys are absent only where that was reported.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// Position in its list in the document set, from 0.
    pub index: usize,
    /// `Models` or `Registration.models`.
    pub list: &'static str,
    /// A short place that stands for the entry.
    pub head: Span,
    /// `id`
    pub id: Option<Spanned<String>>,
    /// `api`
    pub api: Option<Spanned<String>>,
    /// `key`
    pub key: Option<Spanned<String>>,
    /// `key_header`
    pub key_header: Option<Spanned<KeyHeader>>,
    /// `interface`
    pub interface: Option<Spanned<Interface>>,
    /// `model`
    pub model: Option<Spanned<String>>,
    /// `thinking`
    pub thinking: Option<Spanned<Thinking>>,
    /// `metadata`
    pub metadata: Metadata,
    /// Keys that were written in their old spelling: the current one and the old one.
    pub old: Vec<(&'static str, &'static str)>,
}

impl ModelEntry {
    /// Every value that was written, with the key a document has for it.
    pub fn written(&self) -> Vec<(&'static str, Span)> {
        // Taken apart by name, so that a new key cannot be forgotten here.
        let Metadata {
            label,
            vendor_hint,
            supports_reasoning,
            supports_tools,
            supports_images,
            context_window_tokens,
            safe_input_tokens,
            tokenizer,
            pool_endpoint_id,
            pool_priority,
            pool_enabled,
            pool_weight,
            upstream_service_id,
            cost_input,
            cost_output,
            cost_currency,
            rate_limit_rpm,
            rate_limit_tpm,
        } = &self.metadata;
        let all = [
            ("id", place(&self.id)),
            ("api", place(&self.api)),
            ("key", place(&self.key)),
            ("key_header", place(&self.key_header)),
            ("interface", place(&self.interface)),
            ("model", place(&self.model)),
            ("thinking", place(&self.thinking)),
            ("label", place(label)),
            ("vendor_hint", place(vendor_hint)),
            ("supports_reasoning", place(supports_reasoning)),
            ("supports_tools", place(supports_tools)),
            ("supports_images", place(supports_images)),
            ("context_window_tokens", place(context_window_tokens)),
            ("safe_input_tokens", place(safe_input_tokens)),
            ("tokenizer", place(tokenizer)),
            ("pool_endpoint_id", place(pool_endpoint_id)),
            ("pool_priority", place(pool_priority)),
            ("pool_enabled", place(pool_enabled)),
            ("pool_weight", place(pool_weight)),
            ("upstream_service_id", place(upstream_service_id)),
            ("cost_per_1m_input_tokens", place(cost_input)),
            ("cost_per_1m_output_tokens", place(cost_output)),
            ("cost_currency", place(cost_currency)),
            ("rate_limit_rpm", place(rate_limit_rpm)),
            ("rate_limit_tpm", place(rate_limit_tpm)),
        ];
        let count = all.iter().filter(|(_, span)| span.is_some()).count();
        let mut written = Vec::with_capacity(count);
        written.extend(all.into_iter().filter_map(|(key, span)| Some((key, span?))));
        written
    }

    /// The path of the entry, for example `Models[0]`.
    pub fn path(&self) -> String {
        format!("{}[{}]", self.list, self.index)
    }
}

fn place<T>(value: &Option<Spanned<T>>) -> Option<Span> {
    value.as_ref().map(|value| value.span)
}

/// `metadata` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// `label`
    pub label: Option<Spanned<String>>,
    /// `vendor_hint`
    pub vendor_hint: Option<Spanned<String>>,
    /// `supports_reasoning`
    pub supports_reasoning: Option<Spanned<bool>>,
    /// `supports_tools`
    pub supports_tools: Option<Spanned<bool>>,
    /// `supports_images`
    pub supports_images: Option<Spanned<bool>>,
    /// `context_window_tokens`
    pub context_window_tokens: Option<Spanned<i64>>,
    /// `safe_input_tokens`
    pub safe_input_tokens: Option<Spanned<i64>>,
    /// `tokenizer`
    pub tokenizer: Option<Spanned<Tokenizer>>,
    /// `pool_endpoint_id`
    pub pool_endpoint_id: Option<Spanned<String>>,
    /// `pool_priority`
    pub pool_priority: Option<Spanned<i64>>,
    /// `pool_enabled`
    pub pool_enabled: Option<Spanned<bool>>,
    /// `pool_weight`
    pub pool_weight: Option<Spanned<i64>>,
    /// `upstream_service_id`
    pub upstream_service_id: Option<Spanned<String>>,
    /// `cost_per_1m_input_tokens`
    pub cost_input: Option<Spanned<f64>>,
    /// `cost_per_1m_output_tokens`
    pub cost_output: Option<Spanned<f64>>,
    /// `cost_currency`
    pub cost_currency: Option<Spanned<String>>,
    /// `rate_limit_rpm`
    pub rate_limit_rpm: Option<Spanned<i64>>,
    /// `rate_limit_tpm`
    pub rate_limit_tpm: Option<Spanned<i64>>,
}

/// Reads a list of entries. `list` is the key, `inside` the path around it.
pub(super) fn read_list(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    list: &'static str,
    inside: &str,
) -> Vec<ModelEntry> {
    let maps = reader.maps(fields, list, inside, MODEL);
    let list = if inside.is_empty() {
        "Models"
    } else {
        "Registration.models"
    };
    let mut entries = Vec::with_capacity(maps.len());
    for (index, fields) in maps {
        let path = format!("{list}[{index}]");
        entries.push(entry(reader, &fields, &path, list, index));
    }
    entries
}

fn entry(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &str,
    list: &'static str,
    index: usize,
) -> ModelEntry {
    ModelEntry {
        index,
        list,
        head: fields.head,
        id: reader.required_text(
            fields,
            "id",
            path,
            "add the name that routing refers to, for example `id: sonnet`",
        ),
        api: reader.required_text(
            fields,
            "api",
            path,
            "add the upstream URL, for example `api: \"https://api.anthropic.com\"`",
        ),
        key: reader.required_text(
            fields,
            "key",
            path,
            "add the upstream key as a variable, for example `key: \"${ANTHROPIC_API_KEY}\"`",
        ),
        key_header: reader.word(fields, "key_header", path, KeyHeader::WORDS),
        interface: reader.word(fields, "interface", path, Interface::WORDS),
        model: reader.required_text(
            fields,
            "model",
            path,
            "add the name the upstream knows, for example `model: claude-sonnet-4-5`",
        ),
        thinking: thinking(reader, fields, path),
        metadata: metadata(reader, fields, path),
        old: fields.old(),
    }
}

fn thinking(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &str,
) -> Option<Spanned<Thinking>> {
    let node = fields.get("thinking")?;
    if let Value::Map(_) = node.value {
        let path = join(path, "thinking");
        let inner = reader.fields(node, THINKING, &path)?;
        let budget = reader.integer(&inner, "budget_tokens", &path);
        let value = Thinking {
            budget_tokens: budget.map(|number| number.value.unsigned_abs()),
            effort: reader
                .word(&inner, "effort", &path, Effort::WORDS)
                .map(|word| word.value),
            mode: thinking_mode(reader, &inner, &path),
        };
        return Some(Spanned::new(value, inner.head));
    }
    match switch(node) {
        Some(mode_given) => Some(Spanned::new(mode(mode_given), node.span)),
        None => reader.word(fields, "thinking", path, THINKING_WORDS),
    }
}

fn thinking_mode(
    reader: &mut Reader<'_>,
    inner: &Fields<'_, '_>,
    path: &str,
) -> Option<ThinkingMode> {
    match inner.get("mode").and_then(switch) {
        Some(mode) => Some(mode),
        None => reader
            .word(inner, "mode", path, ThinkingMode::WORDS)
            .map(|word| word.value),
    }
}

/// `true` and `false`, which YAML 1.1 writers make of `on` and `off`.
fn switch(node: &Node<'_>) -> Option<ThinkingMode> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.quoted => match scalar.text.as_ref() {
            "true" => Some(ThinkingMode::On),
            "false" => Some(ThinkingMode::Off),
            _ => None,
        },
        _ => None,
    }
}

fn metadata(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: &str) -> Metadata {
    let path = &join(path, "metadata");
    let Some(inner) = fields
        .get("metadata")
        .and_then(|node| reader.fields(node, METADATA, path))
    else {
        return Metadata::default();
    };
    for name in ["nodes", "node_id", "cluster"] {
        clustering(reader, &inner, name, path);
    }
    Metadata {
        label: reader.text(&inner, "label", path),
        vendor_hint: reader.text(&inner, "vendor_hint", path),
        supports_reasoning: reader.boolean(&inner, "supports_reasoning", path),
        supports_tools: reader.boolean(&inner, "supports_tools", path),
        supports_images: reader.boolean(&inner, "supports_images", path),
        context_window_tokens: reader.integer(&inner, "context_window_tokens", path),
        safe_input_tokens: reader.integer(&inner, "safe_input_tokens", path),
        tokenizer: reader.word(&inner, "tokenizer", path, Tokenizer::WORDS),
        pool_endpoint_id: reader.text(&inner, "pool_endpoint_id", path),
        pool_priority: reader.integer(&inner, "pool_priority", path),
        pool_enabled: reader.boolean(&inner, "pool_enabled", path),
        pool_weight: reader.integer(&inner, "pool_weight", path),
        upstream_service_id: reader.text(&inner, "upstream_service_id", path),
        cost_input: reader.amount(&inner, "cost_per_1m_input_tokens", path),
        cost_output: reader.amount(&inner, "cost_per_1m_output_tokens", path),
        cost_currency: reader.text(&inner, "cost_currency", path),
        rate_limit_rpm: reader.integer(&inner, "rate_limit_rpm", path),
        rate_limit_tpm: reader.integer(&inner, "rate_limit_tpm", path),
    }
}
