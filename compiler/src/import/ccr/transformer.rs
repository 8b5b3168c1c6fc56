//! Transformers: what claude-code-router, and claude-trigger-router after it, do
//! to requests on their way to a provider.

use super::super::field::{Map, items, text};
use super::super::provider::Shape;
use crate::source::Span;
use crate::tree::Node;

/// What a transformer means here.
pub(crate) enum Meaning {
    /// The interface, or nothing that is missed.
    Interface(Option<Shape>),
    /// Gemini's own API.
    Gemini,
    /// The model thinks.
    Reasoning,
    /// An API that cannot be called, for this reason.
    Uncallable(&'static str),
    /// Requests or answers are changed.
    Changes,
}

/// What a transformer of this name means.
pub(crate) fn meaning(name: &str) -> Meaning {
    match name.to_ascii_lowercase().as_str() {
        "anthropic" => Meaning::Interface(Some(Shape::Anthropic)),
        "openai" | "openrouter" | "deepseek" | "groq" | "cerebras" | "siliconflow" | "mistral" => {
            Meaning::Interface(None)
        }
        "gemini" => Meaning::Gemini,
        "reasoning" | "forcereasoning" => Meaning::Reasoning,
        "vertex-gemini" | "vertex-claude" | "vertex-openai" => {
            Meaning::Uncallable("it asks for access tokens that expire")
        }
        "gemini-cli" | "qwen-cli" | "rovo-cli" | "claude-code" => {
            Meaning::Uncallable("it is reached through a session of a user, not by a key")
        }
        "openai-response" | "openai-responses" | "codex" => {
            Meaning::Interface(Some(Shape::Responses))
        }
        _ => Meaning::Changes,
    }
}

/// The names in a list of transformers, of which some come with options.
pub(crate) fn used<'t>(list: Option<&'t Node<'_>>) -> Vec<(&'t str, Span)> {
    let named = |node: &'t Node<'_>| {
        let head = items(node).first().unwrap_or(node);
        Some((text(head)?, head.span))
    };
    list.map_or(&[][..], items)
        .iter()
        .filter_map(named)
        .collect()
}

/// The names that a provider uses, for all of its models and for single ones.
pub(crate) fn all<'t>(provider: Map<'t, '_>) -> Vec<(&'t str, Span)> {
    let transformer = provider.map("transformer");
    let entries = transformer.map_or(&[][..], |transformer| transformer.entries);
    let lists = entries.iter().map(|entry| match Map::of(&entry.value) {
        Some(own) => own.get("use"),
        None => Some(&entry.value),
    });
    lists.flat_map(used).collect()
}
