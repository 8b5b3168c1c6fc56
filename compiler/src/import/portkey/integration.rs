//! `integrations` of the gateway's `conf.json`: accounts with their models. A
//! model is asked for as `@slug/model`, which is its id here too.

use super::super::amount;
use super::super::endpoint::{Asked, Off};
use super::super::field::{Map, flag, items, says_nothing, text};
use super::super::kind;
use super::super::provider::{self, Shape};
use super::super::secret::variable_name;
use super::Config;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Item;
use crate::source::Span;
use crate::tree::Node;

/// Keys of an integration that are read.
const CARRIED: &[&str] = &[
    "provider",
    "slug",
    "name",
    "credentials",
    "rate_limits",
    "models",
];

pub(super) fn read(config: &mut Config<'_, '_>, root: Map<'_, '_>, integrations: &Node<'_>) {
    for item in items(integrations) {
        match Map::of(item) {
            Some(map) => integration(config, map),
            None => refuse(config, item.head(), "an integration is not a map"),
        }
    }
    for entry in root.entries {
        let key = entry.key.value.as_ref();
        let is_off = flag(&entry.value) == Some(false);
        if key != "integrations" && !says_nothing(&entry.value) && !is_off {
            config
                .desk
                .losses
                .key(super::kind_of(key), key, entry.key.span);
        }
    }
}

fn integration(config: &mut Config<'_, '_>, map: Map<'_, '_>) {
    let Some(name) = map.text("provider") else {
        refuse(config, map.head, "an integration has no `provider`");
        return;
    };
    let slug = map.text("slug").unwrap_or(name);
    let limits = limits(config, map);
    for item in map.items("models") {
        let model = Map::of(item);
        let node = model.map_or(Some(item), |model| model.get("slug"));
        let Some((node, word)) = node.and_then(|node| Some((node, text(node)?))) else {
            refuse(config, item.head(), "a model has no `slug`");
            continue;
        };
        let id = format!("@{slug}/{word}");
        let Some(id) = config.desk.name(&id, node.span) else {
            continue;
        };
        let is_active = model
            .and_then(|model| model.text("status"))
            .is_none_or(|status| status == "active");
        let mut endpoint = endpoint(config, map, (name, slug), (word, node.span), is_active);
        endpoint.metadata.extend(limits.iter().cloned());
        config.draft.add(&id, node.span, endpoint);
        for entry in model.map_or(&[][..], |model| model.entries) {
            let key = entry.key.value.as_ref();
            if !matches!(key, "slug" | "status") && !says_nothing(&entry.value) {
                let kind = match key {
                    "pricing_config" => &kind::COSTS,
                    _ => &kind::UNKNOWN,
                };
                config.desk.losses.key(kind, key, entry.key.span);
            }
        }
    }
    for entry in map.entries {
        let key = entry.key.value.as_ref();
        if !CARRIED.contains(&key) && !says_nothing(&entry.value) {
            config.desk.losses.key(&kind::UNKNOWN, key, entry.key.span);
        }
    }
}

fn endpoint(
    config: &mut Config<'_, '_>,
    map: Map<'_, '_>,
    (name, slug): (&str, &str),
    (model, span): (&str, Span),
    is_active: bool,
) -> super::super::draft::Endpoint {
    let credentials = map.map("credentials");
    let written = |key: &str| {
        let node = credentials?.get(key)?;
        Some((text(node)?, node.span))
    };
    let key_name = variable_name(slug, "API_KEY");
    let mut asked = Asked {
        owner: slug,
        provider: "unknown",
        shape: Shape::Openai,
        base: written("customHost").map(|(host, span)| (host.to_owned(), span)),
        usual_base: String::new(),
        model: (model.to_owned(), span),
        version: String::new(),
        key: written("apiKey"),
        usual_key: &key_name,
        is_keyless: false,
        off: None,
        head: span,
    };
    match provider::find(name) {
        Some(known) => asked.of(known, name),
        None if asked.base.is_some() => {}
        None => {
            asked.off = Some(Off::until_replaced(format!(
                "provider `{name}` is not known"
            )));
        }
    }
    asked.usual_key = &key_name;
    if !is_active {
        asked.off = Some(Off::on_purpose("it is not active"));
    }
    if asked.shape == Shape::Azure {
        asked.off = Some(Off::until_replaced(
            "Portkey keeps its resource and deployment",
        ));
    }
    config.desk.endpoint(&asked)
}

/// Limits for a minute; those for longer spans have no counterpart.
fn limits(config: &mut Config<'_, '_>, map: Map<'_, '_>) -> Vec<(&'static str, Item)> {
    let mut found: Vec<(&'static str, Item)> = Vec::new();
    for item in map.items("rate_limits") {
        let Some(limit) = Map::of(item) else { continue };
        let value = limit.text("value").and_then(|text| amount::whole(text, 0));
        let key = match (limit.text("type"), limit.text("unit")) {
            (Some("requests"), Some("rpm")) => Some("rate_limit_rpm"),
            (Some("tokens"), Some("rpm" | "tpm")) => Some("rate_limit_tpm"),
            _ => None,
        };
        let key = key.filter(|key| found.iter().all(|(known, _)| known != key));
        match (key, value.filter(|value| *value > 0)) {
            (Some(key), Some(value)) => found.push((key, Item::Number(value.to_string()))),
            _ => config.desk.losses.say(
                Code::ImportNotCarried,
                "limits for other spans than a minute are not carried",
                limit.head,
                "no limit is declared",
                "declare a limit for a minute, or limit use at the provider",
            ),
        }
    }
    found
}

fn refuse(config: &mut Config<'_, '_>, span: Span, headline: &str) {
    config.desk.problems.push(
        Diagnostic::new(Code::ImportInvalid, headline)
            .at(span, "a part of it is missing")
            .help("write an integration with `provider`, `slug`, `credentials` and `models`"),
    );
}
