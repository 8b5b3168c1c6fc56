//! A provider of claude-code-router → an endpoint for each of its models.

use std::collections::HashMap;

use super::super::draft::Endpoint;
use super::super::endpoint::{Asked, Off};
use super::super::field::{Map, flag, items, says_nothing, text};
use super::super::kind;
use super::super::provider::{self, Shape};
use super::super::secret::variable_name;
use super::transformer::{Meaning, meaning, used};
use super::{Config, with_braces};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Item;
use crate::plan::Interface;
use crate::registration::inferred_interface;
use crate::source::Span;
use crate::tree::{Node, Value};

/// Keys of a provider that are read.
const CARRIED: &[&str] = &[
    "name",
    "api_base_url",
    "baseUrl",
    "api_key",
    "apiKey",
    "models",
    "transformer",
    "type",
];

/// Where Gemini's own API is served, which the `gemini` transformer speaks.
const GEMINI: &str = "https://generativelanguage.googleapis.com/";

/// A provider as far as its models share it.
struct Told<'t> {
    name: &'t str,
    base: Option<(String, Span)>,
    key: Option<(String, Span)>,
    key_name: String,
    shape: Shape,
    off: Option<Off>,
    thinks: bool,
}

pub(super) fn read(config: &mut Config<'_, '_>, item: &Node<'_>) {
    let Some((map, told)) = told(config, item) else {
        return;
    };
    let transformer = map.map("transformer").or_else(|| map.map("transformers"));
    let own: HashMap<&str, &Node<'_>> = transformer
        .map_or(&[][..], |transformer| transformer.entries)
        .iter()
        .filter_map(|entry| Some((entry.key.value.as_ref(), Map::of(&entry.value)?.get("use")?)))
        .collect();
    for model in map.items("models") {
        let Some(name) = text(model) else {
            refuse(
                config,
                model.head(),
                "a model is not a name",
                "a text is expected",
            );
            continue;
        };
        config.tally.models += 1;
        let id = format!("{},{name}", told.name);
        let Some(id) = config.desk.name(&id, model.span) else {
            continue;
        };
        if let Some(first) = config.draft.name(&id) {
            let first = first.span;
            repeated(config, &id, model.span, first);
            continue;
        }
        let own = own.get(name).copied();
        options(config, own);
        let own = used(own);
        let endpoint = endpoint(config, &told, name, &own, model.span);
        config
            .by_model
            .entry(name.to_owned())
            .or_insert_with(|| id.clone());
        config.draft.add(&id, model.span, endpoint);
    }
    for entry in map.entries {
        let key = entry.key.value.as_ref();
        let is_idle = says_nothing(&entry.value) || flag(&entry.value) == Some(false);
        if !CARRIED.contains(&key) && !is_idle {
            let kind = match key {
                "stream" | "tokenizer" => &kind::PARAMETERS,
                _ => &kind::UNKNOWN,
            };
            config.desk.losses.key(kind, key, entry.key.span);
        }
    }
}

fn told<'t, 's>(
    config: &mut Config<'_, '_>,
    item: &'t Node<'s>,
) -> Option<(Map<'t, 's>, Told<'t>)> {
    let Some(map) = Map::of(item) else {
        if !says_nothing(item) {
            refuse(
                config,
                item.head(),
                "an item of `Providers` is not a map",
                "a provider is expected",
            );
        }
        return None;
    };
    let Some(name) = map.text("name") else {
        refuse(
            config,
            map.head,
            "a provider has no `name`",
            "slots name it by this",
        );
        return None;
    };
    if !map
        .get("models")
        .is_some_and(|node| matches!(node.value, Value::List(_)))
    {
        let headline = format!("provider `{name}` has no list of `models`");
        refuse(config, map.head, &headline, "it serves nothing");
        return None;
    }
    let base = map.get("api_base_url").or_else(|| map.get("baseUrl"));
    let base = base.and_then(|node| Some((with_braces(text(node)?), node.span)));
    let key = map.get("api_key").or_else(|| map.get("apiKey"));
    let key = key.and_then(|node| Some((with_braces(text(node)?), node.span)));
    let mut told = Told {
        name,
        key_name: variable_name(name, "API_KEY"),
        shape: Shape::Openai,
        off: None,
        thinks: false,
        base,
        key,
    };
    if let Some((base, _)) = &told.base
        && inferred_interface(base, "") == Interface::Anthropic
    {
        told.shape = Shape::Anthropic;
    }
    if let Some((base, _)) = &told.base
        && base.ends_with("/responses")
    {
        told.shape = Shape::Responses;
    }
    let transformer = map.map("transformer").or_else(|| map.map("transformers"));
    let list = transformer.and_then(|transformer| transformer.get("use"));
    options(config, list);
    for (name, span) in used(list) {
        transform(config, name, span, &mut told);
    }
    Some((map, told))
}

/// Takes from a transformer what is done here, and names the rest.
fn transform(config: &mut Config<'_, '_>, name: &str, span: Span, told: &mut Told<'_>) {
    match meaning(name) {
        Meaning::Interface(shape) => told.shape = shape.unwrap_or(told.shape),
        Meaning::Reasoning => told.thinks = true,
        Meaning::Uncallable(why) => {
            told.off = Some(Off::until_replaced(format!("transformer `{name}`")).because(why));
        }
        Meaning::Gemini => gemini(config, span, told),
        Meaning::Changes => {
            config.desk.losses.key(&kind::TRANSFORMERS, name, span);
        }
    }
}

/// Says of options that change requests where their transformer does not.
fn options(config: &mut Config<'_, '_>, list: Option<&Node<'_>>) {
    for item in list.map_or(&[][..], items) {
        let [name, options] = items(item) else {
            continue;
        };
        let is_told = text(name).is_none_or(|name| matches!(meaning(name), Meaning::Changes));
        if !is_told && !says_nothing(options) {
            config.desk.losses.say(
                Code::ImportNotCarried,
                "options of a transformer are not carried",
                options.head(),
                "requests go out without them",
                "check what the provider does where they are left out",
            );
        }
    }
}

/// Gemini also serves an API that is compatible with OpenAI's.
fn gemini(config: &mut Config<'_, '_>, span: Span, told: &mut Told<'_>) {
    let compatible = provider::find("gemini").map_or("", |gemini| gemini.base);
    match &mut told.base {
        Some((base, _)) if base.starts_with(GEMINI) => {
            *base = format!("{compatible}/chat/completions");
            config.desk.losses.say(
                Code::ImportApproximated,
                "Gemini is called through its OpenAI-compatible API",
                span,
                "its own API is not spoken",
                "check that the models are served there",
            );
        }
        Some((base, _)) if base.ends_with("/chat/completions") => {
            config.desk.losses.say(
                Code::ImportApproximated,
                "a URL for Chat Completions is called so",
                span,
                "this transformer is for Gemini's own API",
                "check which API the URL serves",
            );
        }
        _ => {
            told.off = Some(Off::until_replaced(
                "Gemini's own API is served at that URL",
            ));
        }
    }
}

fn endpoint(
    config: &mut Config<'_, '_>,
    told: &Told<'_>,
    model: &str,
    own: &[(&str, Span)],
    span: Span,
) -> Endpoint {
    let mut mine = Told {
        name: told.name,
        base: told.base.clone(),
        key: told.key.clone(),
        key_name: told.key_name.clone(),
        shape: told.shape,
        off: told.off.clone(),
        thinks: told.thinks,
    };
    for (name, span) in own {
        transform(config, name, *span, &mut mine);
    }
    let asked = Asked {
        owner: told.name,
        provider: told.name,
        shape: mine.shape,
        base: mine.base,
        usual_base: String::new(),
        model: (model.to_owned(), span),
        version: String::new(),
        key: mine.key.as_ref().map(|(text, span)| (text.as_str(), *span)),
        usual_key: &mine.key_name,
        is_keyless: false,
        off: mine.off,
        head: span,
    };
    let mut endpoint = config.desk.endpoint(&asked);
    if mine.thinks {
        endpoint
            .metadata
            .push(("supports_reasoning", Item::Bool(true)));
    }
    endpoint
}

fn repeated(config: &mut Config<'_, '_>, id: &str, again: Span, first: Span) {
    config.desk.problems.push(
        Diagnostic::new(
            Code::ImportNotCarried,
            format!("`{id}` is listed twice, and carried once"),
        )
        .at(again, "listed again here")
        .at(first, "first listed here")
        .help("remove one of them"),
    );
}

fn refuse(config: &mut Config<'_, '_>, span: Span, headline: &str, label: &str) {
    config.desk.problems.push(
        Diagnostic::new(Code::ImportInvalid, headline)
            .at(span, label)
            .help("write a provider as a map with `name`, `api_base_url`, `api_key` and `models`"),
    );
}
