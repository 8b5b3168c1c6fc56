//! One entry of `Models` or `Registration.models`.

use super::pool::{clustering, is_written};
use super::read::{Fields, Key, Reader, join, key, renamed};
use crate::plan::{Effort, Interface, Thinking, ThinkingMode};
use crate::source::{Span, Spanned};
use crate::tree::{Node, Value};

const MODEL: &[Key] = &[
    key("id"),
    renamed("api", "api_base_url"),
    renamed("key", "api_key"),
    renamed("interface", "protocol"),
    key("model"),
    key("thinking"),
    key("metadata"),
];

const METADATA: &[Key] = &[
    key("label"),
    key("vendor_hint"),
    key("supports_reasoning"),
    key("supports_tools"),
    key("supports_images"),
    key("context_window_tokens"),
    key("safe_input_tokens"),
    key("pool_endpoint_id"),
    key("pool_priority"),
    key("pool_enabled"),
    key("upstream_service_id"),
    key("cost_per_1m_input_tokens"),
    key("cost_per_1m_output_tokens"),
    key("cost_currency"),
    key("rate_limit_rpm"),
    key("rate_limit_tpm"),
    key("nodes"),
    key("node_id"),
    key("cluster"),
];

const THINKING: &[Key] = &[key("mode"), key("effort"), key("budget_tokens")];

/// The short forms of `thinking`.
const THINKING_WORDS: &[(&str, Thinking)] = &[
    ("off", mode(ThinkingMode::Off)),
    ("auto", mode(ThinkingMode::Auto)),
    ("on", mode(ThinkingMode::On)),
    ("low", effort(Effort::Low)),
    ("medium", effort(Effort::Medium)),
    ("high", effort(Effort::High)),
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
            pool_endpoint_id,
            pool_priority,
            pool_enabled,
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
            ("pool_endpoint_id", place(pool_endpoint_id)),
            ("pool_priority", place(pool_priority)),
            ("pool_enabled", place(pool_enabled)),
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
    /// `pool_endpoint_id`
    pub pool_endpoint_id: Option<Spanned<String>>,
    /// `pool_priority`
    pub pool_priority: Option<Spanned<i64>>,
    /// `pool_enabled`
    pub pool_enabled: Option<Spanned<bool>>,
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
    let items = reader.items(fields, list, inside);
    let list = if inside.is_empty() {
        "Models"
    } else {
        "Registration.models"
    };
    let mut entries = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let path = format!("{list}[{index}]");
        match reader.fields(item, MODEL, &path) {
            Some(fields) => entries.push(entry(reader, &fields, &path, list, index)),
            None if matches!(item.value, Value::Null) => reader.empty_item(item, &path),
            None => {}
        }
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
    let required = |reader: &mut Reader<'_>, name: &'static str, help: &'static str| {
        let text = reader.text(fields, name, path);
        if text.is_none() && !is_written(fields, name) {
            // Without its id an entry may be the one that a slot names.
            reader.whole &= name != "id";
            reader.missing(name, path, fields.head, help);
        }
        text
    };
    ModelEntry {
        index,
        list,
        head: fields.head,
        id: required(
            reader,
            "id",
            "add the name that routing refers to, for example `id: sonnet`",
        ),
        api: required(
            reader,
            "api",
            "add the upstream URL, for example `api: \"https://api.anthropic.com\"`",
        ),
        key: required(
            reader,
            "key",
            "add the upstream key as a variable, for example `key: \"${ANTHROPIC_API_KEY}\"`",
        ),
        interface: reader.word(fields, "interface", path, Interface::WORDS),
        model: required(
            reader,
            "model",
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
        let budget = reader.integer(&inner, "budget_tokens", &path, 1..=i64::MAX);
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
        Value::Scalar(scalar) => match scalar.text.as_ref() {
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
        context_window_tokens: reader.integer(&inner, "context_window_tokens", path, 1..=i64::MAX),
        safe_input_tokens: reader.integer(&inner, "safe_input_tokens", path, 1..=i64::MAX),
        pool_endpoint_id: reader.text(&inner, "pool_endpoint_id", path),
        pool_priority: reader.integer(&inner, "pool_priority", path, i64::MIN..=i64::MAX),
        pool_enabled: reader.boolean(&inner, "pool_enabled", path),
        upstream_service_id: reader.text(&inner, "upstream_service_id", path),
        cost_input: reader.amount(&inner, "cost_per_1m_input_tokens", path),
        cost_output: reader.amount(&inner, "cost_per_1m_output_tokens", path),
        cost_currency: reader.text(&inner, "cost_currency", path),
        rate_limit_rpm: reader.integer(&inner, "rate_limit_rpm", path, 1..=i64::MAX),
        rate_limit_tpm: reader.integer(&inner, "rate_limit_tpm", path, 1..=i64::MAX),
    }
}
