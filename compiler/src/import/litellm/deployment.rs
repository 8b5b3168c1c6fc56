//! An item of `model_list` → an endpoint under its `model_name`.

use super::super::amount;
use super::super::draft::Endpoint;
use super::super::endpoint::{Asked, Off};
use super::super::field::{Map, flag, says_nothing, text};
use super::super::provider::{self, Provider, Shape};
use super::reference::Environment;
use super::{Lite, keys};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Item;
use crate::source::Span;
use crate::tree::Node;

/// The version LiteLLM asks Azure for when a config names none.
const AZURE_VERSION: &str = "${AZURE_API_VERSION:-2025-02-01-preview}";

/// Beginnings and parts of the names of models that do not chat.
const NOT_CHAT: &[&str] = &["embed", "dall-e", "whisper", "tts-", "gpt-image", "rerank"];

/// The maps a deployment is told in.
#[derive(Clone, Copy)]
struct Told<'t, 's> {
    entry: Map<'t, 's>,
    params: Map<'t, 's>,
    info: Option<Map<'t, 's>>,
    credential: Option<Map<'t, 's>>,
}

impl<'t, 's> Told<'t, 's> {
    /// A parameter of the call; a credential has what the deployment leaves out.
    fn param(self, name: &str) -> Option<&'t Node<'s>> {
        let given = self.params.get(name);
        given.or_else(|| self.credential.and_then(|credential| credential.get(name)))
    }

    /// A fact that may stand in any of the maps.
    fn fact(self, name: &str) -> Option<&'t Node<'s>> {
        let pricing = || self.info.and_then(|info| info.map("pricing"));
        let maps = [Some(self.params), self.info, Some(self.entry)];
        let found = maps.into_iter().flatten().find_map(|map| map.get(name));
        found.or_else(|| pricing().and_then(|pricing| pricing.get(name)))
    }
}

pub(super) fn read<'t, 's>(lite: &mut Lite<'t, 's, '_, '_>, item: &'t Node<'s>) {
    let Some((name, told)) = told(lite, item) else {
        return;
    };
    let span = told
        .entry
        .get("model_name")
        .map_or(item.head(), |node| node.span);
    let Some(name) = lite.desk.name(name, span) else {
        return;
    };
    let Some(mut endpoint) = endpoint(lite, &name, told) else {
        return;
    };
    wildcard(lite, &name, span, &endpoint);
    facts(lite, told, &mut endpoint);
    if let Some(id) = told.info.and_then(|info| info.text("id")) {
        let at = lite
            .draft
            .name(&name)
            .map_or(0, |known| known.endpoints.len());
        let known = (name.clone(), at);
        lite.by_id.entry(id).or_insert(known);
        // An id that is as long as a hash tells a reader nothing.
        if id.chars().count() <= 32 && !id.contains("${") {
            endpoint.id = Some(id.to_owned());
        }
    }
    keys::leftovers(told.entry, keys::ENTRY, &mut lite.desk.losses);
    keys::leftovers(told.params, keys::PARAMS, &mut lite.desk.losses);
    if let Some(info) = told.info {
        keys::leftovers(info, keys::INFO, &mut lite.desk.losses);
    }
    lite.tally.models += 1;
    lite.draft.add(&name, span, endpoint);
}

/// The name and the maps, or a report of what is missing.
fn told<'t, 's>(
    lite: &mut Lite<'t, 's, '_, '_>,
    item: &'t Node<'s>,
) -> Option<(&'t str, Told<'t, 's>)> {
    let mut refuse = |span: Span, headline: &str, label: String| {
        lite.desk.problems.push(
            Diagnostic::new(Code::ImportInvalid, headline)
                .at(span, label)
                .help("write `model_name` and `litellm_params` with a `model` in it"),
        );
    };
    let Some(entry) = Map::of(item) else {
        if !says_nothing(item) {
            let label = format!("this is {}", item.kind());
            refuse(item.head(), "an item of `model_list` is not a map", label);
        }
        return None;
    };
    let Some(name) = entry.text("model_name") else {
        refuse(
            entry.head,
            "a deployment has no `model_name`",
            "required here".to_owned(),
        );
        return None;
    };
    let params = entry.map("litellm_params");
    let Some(params) = params.filter(|params| params.text("model").is_some()) else {
        let headline = format!("deployment `{name}` has no `litellm_params.model`");
        refuse(
            entry.head,
            &headline,
            "it says nothing of what to call".to_owned(),
        );
        return None;
    };
    let credential = lite.credentials.of(params, lite.desk);
    let info = entry.map("model_info");
    Some((
        name,
        Told {
            entry,
            params,
            info,
            credential,
        },
    ))
}

fn endpoint<'t>(
    lite: &mut Lite<'t, '_, '_, '_>,
    name: &str,
    told: Told<'t, '_>,
) -> Option<Endpoint> {
    let node = told.params.get("model")?;
    let written = text(node)?;
    let base = told.param("api_base").or_else(|| told.param("base_url"));
    let base = base.and_then(|node| Some((text(node)?, node.span)));
    let base = base.map(|(text, span)| (lite.value(text, span, false), span));
    let version = told.param("api_version");
    let version = version.and_then(|node| Some((text(node)?, node.span)));
    let version = version.map(|(text, span)| lite.value(text, span, false));
    let key = told.param("api_key");
    let key = key.and_then(|node| Some((text(node)?, node.span)));
    let key = key.map(|(text, span)| (lite.value(text, span, true), span));
    let key = key.as_ref().map(|(text, span)| (text.as_str(), *span));
    let model = lite.value(written, node.span, false);
    let mut asked = Asked {
        owner: name,
        provider: "unknown",
        shape: Shape::Openai,
        base,
        usual_base: String::new(),
        model: (model, node.span),
        version: version.unwrap_or_else(|| AZURE_VERSION.to_owned()),
        key,
        usual_key: "",
        is_keyless: false,
        off: None,
        head: node.span,
    };
    who(lite, told, written, node.span, &mut asked);
    if told.info.and_then(|info| info.text("mode")) == Some("responses")
        && asked.shape != Shape::Responses
        && asked.off.is_none()
    {
        by_responses(&mut asked);
    }
    if let Some(why) = not_chat(told, &asked.model.0) {
        asked.off.get_or_insert(why);
    }
    if asked.model.0.contains('*') {
        asked.off = Some(Off {
            what: "a wildcard".to_owned(),
            because: "it passes on whatever name is asked for",
            help: "add a model for each name that clients ask for",
        });
    }
    if told.params.get("mock_response").is_some() {
        let why = "its answers are made up by `mock_response`";
        asked.off = Some(Off::until_replaced(why));
    }
    Some(lite.desk.endpoint(&asked))
}

/// Finds out who serves the model, as LiteLLM does: an explicit provider, the
/// prefix of the model, the list of known models.
fn who<'a>(
    lite: &mut Lite<'_, '_, '_, '_>,
    told: Told<'a, '_>,
    written: &'a str,
    span: Span,
    asked: &mut Asked<'a>,
) {
    let explicit = told.params.text("custom_llm_provider");
    let is_reference = Environment::is_reference(written);
    let (prefix, rest) = match written.split_once('/') {
        Some((prefix, rest)) if !is_reference => (Some(prefix), rest),
        _ => (None, written),
    };
    let known = match explicit {
        Some(explicit) => provider::find(explicit),
        None => match prefix {
            Some(prefix) => provider::find(prefix),
            None if is_reference => None,
            None => provider::of_bare_model(written),
        },
    };
    let Some(known) = known else {
        unknown(lite, explicit.or(prefix), is_reference, span, asked);
        return;
    };
    asked.of(known, explicit.or(prefix).unwrap_or(known.name()));
    let is_prefixed = prefix.is_some_and(|prefix| names(known, prefix));
    if is_prefixed {
        asked.model.0 = of_its_route(rest, asked).to_owned();
    }
    if matches!(known.shape, Shape::Uncallable(_)) && !is_reference {
        // Its prefix is all that is left of what was meant.
        asked.model.0 = written.to_owned();
    }
    if known.name() == "gemini" && asked.base.is_some() {
        asked.off = Some(Off::until_replaced(
            "Gemini's own API is served at that URL",
        ));
    }
    let is_coheres_own = |base: &str| {
        ["/v1/chat", "/v2/chat"]
            .iter()
            .any(|tail| base.ends_with(tail))
    };
    let base = asked
        .base
        .as_ref()
        .map(|(base, _)| base.trim_end_matches('/'));
    if known.name() == "cohere" && base.is_some_and(is_coheres_own) {
        asked.off = Some(Off::until_replaced(
            "Cohere's own API is served at that URL",
        ));
    }
    if asked.model.0.is_empty() {
        asked.model.0 = written.to_owned();
        asked
            .off
            .get_or_insert_with(|| Off::until_replaced("it names no model"));
    }
}

fn names(provider: &Provider, prefix: &str) -> bool {
    provider::find(prefix).is_some_and(|found| found.name() == provider.name())
}

fn unknown<'a>(
    lite: &mut Lite<'_, '_, '_, '_>,
    name: Option<&'a str>,
    is_reference: bool,
    span: Span,
    asked: &mut Asked<'a>,
) {
    asked.provider = name.unwrap_or("unknown");
    if is_reference {
        asked.off = Some(Off::until_replaced(
            "its model and provider are read from a variable",
        ));
    } else if asked.base.is_some() {
        lite.desk.losses.say(
            Code::ImportApproximated,
            "a provider that is not known is taken to be OpenAI-compatible",
            span,
            "its `api_base` is called with this name",
            "check the endpoint's `interface` and `model`",
        );
    } else {
        asked.off = Some(Off::until_replaced(match name {
            Some(name) => format!("provider `{name}` is not known"),
            None => "nothing tells its provider".to_owned(),
        }));
    }
}

/// The model's name without what LiteLLM reads ahead of it: a family of Azure's models, or that
/// it is asked by the Responses API.
fn of_its_route<'m>(model: &'m str, asked: &mut Asked<'_>) -> &'m str {
    let family = ["o_series/", "gpt5_series/"];
    let family = family.iter().find_map(|family| model.strip_prefix(family));
    if let Some(model) = family.filter(|_| asked.shape == Shape::Azure) {
        return model;
    }
    match model.strip_prefix("responses/") {
        Some(model) if matches!(asked.shape, Shape::Azure | Shape::Openai) => {
            by_responses(asked);
            model
        }
        _ => model,
    }
}

/// Has a deployment asked by the Responses API.
fn by_responses(asked: &mut Asked<'_>) {
    if asked.shape == Shape::Openai {
        asked.shape = Shape::Responses;
        return;
    }
    let off = Off::until_replaced("the Responses API of this provider");
    asked.off = Some(off.because("the URL at which it serves that is not known"));
}

/// Why a deployment serves something else than chat.
fn not_chat(told: Told<'_, '_>, model: &str) -> Option<Off> {
    let mode = told.info.and_then(|info| info.text("mode"));
    match mode {
        Some("chat" | "responses") => None,
        Some(mode) => Some(Off::for_chat(format!("mode `{mode}` is not served"))),
        None => {
            let other = NOT_CHAT.iter().any(|part| model.contains(part));
            other.then(|| Off::for_chat("its model does not chat"))
        }
    }
}

/// A name with `*` is one name here, and the one that matches all is the default.
fn wildcard(lite: &mut Lite<'_, '_, '_, '_>, name: &str, span: Span, endpoint: &Endpoint) {
    if !name.contains('*') || endpoint.off.is_some() {
        return;
    }
    if name == "*" {
        lite.default = Some(name.to_owned());
        return;
    }
    lite.desk.losses.say(
        Code::ImportApproximated,
        "a pattern of names is carried as one name",
        span,
        "only requests for exactly this name reach it",
        "add a model for each name that clients ask for, or make it `Router.default`",
    );
}

fn facts(lite: &mut Lite<'_, '_, '_, '_>, told: Told<'_, '_>, endpoint: &mut Endpoint) {
    let metadata = &mut endpoint.metadata;
    let label = told.info.and_then(|info| info.text("display_name"));
    metadata.extend(label.map(|label| ("label", Item::text(label))));
    for (theirs, ours) in [
        ("supports_reasoning", "supports_reasoning"),
        ("supports_function_calling", "supports_tools"),
        ("supports_vision", "supports_images"),
    ] {
        let given = told.fact(theirs).and_then(flag);
        metadata.extend(given.map(|given| (ours, Item::Bool(given))));
    }
    for (theirs, ours) in [
        ("max_input_tokens", "safe_input_tokens"),
        ("rpm", "rate_limit_rpm"),
        ("tpm", "rate_limit_tpm"),
    ] {
        let read = |text: &str| amount::whole(text, 0).filter(|number| *number > 0);
        let number = number(lite, told, theirs, |text| {
            read(text).map(|number| number.to_string())
        });
        metadata.extend(number.map(|number| (ours, number)));
    }
    for (theirs, ours) in [
        ("input_cost_per_token", "cost_per_1m_input_tokens"),
        ("output_cost_per_token", "cost_per_1m_output_tokens"),
    ] {
        let number = number(lite, told, theirs, |text| amount::shifted(text, 6));
        metadata.extend(number.map(|number| (ours, number)));
    }
    let order = told
        .params
        .text("order")
        .and_then(|text| amount::whole(text, 0));
    endpoint.tier = usize::try_from(order.unwrap_or(1) - 1).unwrap_or(0).min(99);
    endpoint.thinking = thinking(lite, told);
}

/// A number of some map, or a report that it is none that counts.
fn number(
    lite: &mut Lite<'_, '_, '_, '_>,
    told: Told<'_, '_>,
    name: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Option<Item> {
    let node = told.fact(name)?;
    let number = text(node).and_then(read);
    if number.is_none() {
        lite.desk.losses.say(
            Code::ImportNotCarried,
            &format!("`{name}` is not carried, since it is no number that counts"),
            node.span,
            "left out",
            "write the number itself",
        );
    }
    number.map(Item::Number)
}

/// `thinking` of Anthropic, or the effort that OpenAI's models take.
fn thinking(lite: &mut Lite<'_, '_, '_, '_>, told: Told<'_, '_>) -> Option<Item> {
    if let Some(map) = told.params.map("thinking") {
        let is_off = map.text("type") == Some("disabled");
        let mode = Item::text(if is_off { "off" } else { "on" });
        let budget = map
            .text("budget_tokens")
            .and_then(|text| amount::whole(text, 0));
        return Some(match budget.filter(|budget| *budget > 0 && !is_off) {
            Some(budget) => Item::map([
                ("mode", mode),
                ("budget_tokens", Item::Number(budget.to_string())),
            ]),
            None => mode,
        });
    }
    let node = told.params.get("reasoning_effort")?;
    let (effort, is_exact) = match text(node)? {
        "none" | "disable" => ("off", true),
        "low" => ("low", true),
        "medium" => ("medium", true),
        "high" => ("high", true),
        "minimal" => ("low", false),
        _ => ("high", false),
    };
    if !is_exact {
        lite.desk.losses.say(
            Code::ImportApproximated,
            "an effort of reasoning becomes the nearest there is",
            node.span,
            &format!("becomes `thinking: {effort}`"),
            "change `thinking` if another effort is meant",
        );
    }
    Some(Item::text(effort))
}
