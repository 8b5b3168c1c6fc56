//! `Providers`, the upstreams of older files: each stands for several models.

use super::key::{Key, Meaning, Takes, key};
use super::read::{Fields, Reader, join};
use crate::source::{Span, Spanned};
use crate::tree::{Node, Value};

pub(super) const PROVIDER: &[Key] = &[
    key(
        "name",
        Takes::Text(Meaning::ProviderName),
        "first half of a `provider,model` reference",
    )
    .required(),
    key(
        "api_base_url",
        Takes::Text(Meaning::Url),
        "the upstream's URL",
    )
    .required(),
    key(
        "api_key",
        Takes::Text(Meaning::Secret),
        "the upstream's key, as a variable",
    ),
    key(
        "models",
        Takes::List(&Takes::Text(Meaning::ProviderModel)),
        "names the upstream knows its models by",
    )
    .required(),
    key(
        "transformer",
        Takes::Anything,
        "hints for another engine; only the name `anthropic` says something here",
    ),
];

/// One provider as written.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderEntry {
    /// Position in its list in the document set, from 0.
    pub index: usize,
    /// Its path, for example `Providers[0]`.
    pub path: String,
    /// A short place that stands for it.
    pub head: Span,
    /// `name`
    pub name: Option<Spanned<String>>,
    /// `api_base_url`
    pub api: Option<Spanned<String>>,
    /// `api_key`
    pub key: Option<Spanned<String>>,
    /// `models`
    pub models: Vec<Spanned<String>>,
    /// Whether `transformer` says that the upstream speaks Anthropic Messages.
    pub is_anthropic: bool,
}

impl ProviderEntry {
    /// Its `provider,model` references, each with the place of the model's name.
    pub fn references(&self) -> impl Iterator<Item = (String, Span)> {
        let name = self.name.as_ref().map_or("", |name| name.value.trim());
        self.models
            .iter()
            .map(move |model| (format!("{name},{}", model.value.trim()), model.span))
    }
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Vec<ProviderEntry> {
    let mut providers = Vec::new();
    for (at, fields) in reader.maps(fields, "Providers", "", PROVIDER) {
        let path = format!("Providers[{at}]");
        let models = reader.texts(&fields, "models", &path);
        let has_gap = reader.gaps.has(&join(&path, "models"));
        // A model that is not read may be the one that a reference is to.
        reader.whole &= !(models.is_empty() || has_gap);
        if models.is_empty() && !has_gap {
            reader.missing(
                "models",
                &path,
                fields.head,
                "add the names the upstream knows, for example `models: [deepseek-chat]`",
            );
        }
        providers.push(ProviderEntry {
            index: at,
            head: fields.head,
            name: reader.required_text(
                &fields,
                "name",
                &path,
                "add the name that `provider,model` references begin with",
            ),
            api: reader.required_text(
                &fields,
                "api_base_url",
                &path,
                "add the upstream's URL, for example `api_base_url: \"https://api.deepseek.com/v1\"`",
            ),
            key: reader.text(&fields, "api_key", &path),
            models,
            is_anthropic: fields.get("transformer").is_some_and(names_anthropic),
            path,
        });
    }
    providers
}

/// Whether `{use: [Anthropic]}` stands in a transformer.
fn names_anthropic(node: &Node<'_>) -> bool {
    let Value::Map(entries) = &node.value else {
        return false;
    };
    let used = entries.iter().find(|entry| entry.key.value == "use");
    let Some(Value::List(names)) = used.map(|entry| &entry.value.value) else {
        return false;
    };
    let is_anthropic = |name: &Node<'_>| match &name.value {
        Value::Scalar(scalar) => scalar.text.eq_ignore_ascii_case("anthropic"),
        _ => false,
    };
    names.iter().any(is_anthropic)
}
