//! A target of a Portkey config → an endpoint.

use super::super::amount;
use super::super::endpoint::{Asked, Off};
use super::super::field::Map;
use super::super::provider::{self, Shape};
use super::super::secret::variable_name;
use super::Config;
use crate::diagnostic::Code;
use crate::source::Span;

/// Keys of a config and of a target that are read.
pub(super) const CARRIED: &[&str] = &[
    "name",
    "strategy",
    "targets",
    "provider",
    "virtual_key",
    "api_key",
    "custom_host",
    "override_params",
    "weight",
    "request_timeout",
    "resource_name",
    "azure_resource_name",
    "deployment_id",
    "azure_deployment_id",
    "api_version",
    "azure_api_version",
];

/// The version asked of Azure where a target names none.
const AZURE_VERSION: &str = "${AZURE_API_VERSION:-2025-02-01-preview}";

/// What a target takes from the nodes around it.
#[derive(Clone, Copy, Default)]
pub(super) struct Inherited<'t> {
    model: Option<(&'t str, Span)>,
    provider: Option<(&'t str, Span)>,
}

impl<'t> Inherited<'t> {
    /// With what a node sets for all below it.
    pub(super) fn with(self, node: Map<'t, '_>) -> Self {
        let model = node.map("override_params");
        let model =
            model.and_then(|params| Some((params.text("model")?, params.get("model")?.span)));
        let provider = node
            .text("provider")
            .zip(node.get("provider").map(|node| node.span));
        Self {
            model: model.or(self.model),
            provider: provider.or(self.provider),
        }
    }
}

/// Adds a target to a pool.
pub(super) fn read(
    config: &mut Config<'_, '_>,
    node: Map<'_, '_>,
    name: &str,
    tier: usize,
    inherited: &Inherited<'_>,
) {
    let written = |key: &str| Some((node.text(key)?, node.get(key)?.span));
    let virtual_key = written("virtual_key");
    // `@slug` is a virtual key in its newer spelling.
    let slug = inherited.provider.filter(|(name, _)| name.starts_with('@'));
    let slug = virtual_key.or(slug);
    let provider = inherited
        .provider
        .filter(|(name, _)| !name.starts_with('@'));
    let known = provider.and_then(|(name, _)| provider::find(name));
    let known = known.or_else(|| slug.and_then(|(slug, _)| by_slug(slug)));
    let owner = slug.map_or_else(
        || provider.map_or(name, |(provider, _)| provider).to_owned(),
        |(slug, _)| slug.trim_start_matches('@').to_owned(),
    );
    let model = match inherited.model {
        Some((model, span)) => (model.to_owned(), span),
        None => passed_on(config, &owner, node.head),
    };
    let base = written("custom_host").map(|(host, span)| (host.to_owned(), span));
    let key_name = variable_name(&owner, "API_KEY");
    let mut asked = Asked {
        owner: &owner,
        provider: "unknown",
        shape: Shape::Openai,
        base,
        usual_base: String::new(),
        model,
        version: String::new(),
        key: written("api_key"),
        usual_key: &key_name,
        is_keyless: false,
        off: None,
        head: node.head,
    };
    match known {
        Some(known) => asked.of(known, known.name()),
        None if asked.base.is_some() => {}
        None => {
            let word = provider.or(slug).map_or("", |(word, _)| word);
            asked.off = Some(Off::until_replaced(match word {
                "" => "nothing tells its provider".to_owned(),
                word => format!("provider `{word}` is not known"),
            }));
        }
    }
    if let Some((_, span)) = slug {
        asked.usual_key = &key_name;
        if asked.off.is_none() {
            config.desk.losses.say(
                Code::ImportApproximated,
                "a virtual key becomes a variable",
                span,
                &format!("set `{key_name}` to the provider's own key"),
                "take the key from the provider; Portkey does not give it out",
            );
        }
    }
    if asked.shape == Shape::Azure {
        azure(node, &mut asked);
    }
    if node
        .text("weight")
        .and_then(|text| amount::shifted(text, 0))
        .as_deref()
        == Some("0")
    {
        asked
            .off
            .get_or_insert_with(|| Off::on_purpose("its weight is 0"));
    }
    let mut endpoint = config.desk.endpoint(&asked);
    endpoint.tier = tier;
    endpoint.id = node
        .text("name")
        .filter(|name| !name.contains("${"))
        .map(str::to_owned);
    config.leftovers(node);
    config.draft.add(name, node.head, endpoint);
}

/// A provider whose name a slug begins with, as Portkey makes slugs.
fn by_slug(slug: &str) -> Option<&'static provider::Provider> {
    let slug = slug.trim_start_matches('@');
    let ends = slug.match_indices(['-', '_']).map(|(at, _)| at);
    let ends = ends.chain([slug.len()]).collect::<Vec<_>>();
    ends.into_iter()
        .rev()
        .find_map(|end| provider::find(&slug[..end]))
}

/// Portkey passes on the model that is asked for; an endpoint here has one.
fn passed_on(config: &mut Config<'_, '_>, owner: &str, head: Span) -> (String, Span) {
    let name = variable_name(owner, "MODEL");
    config.desk.losses.say(
        Code::ImportApproximated,
        "a target without a model gets a variable for it",
        head,
        &format!("set `{name}` to the model it serves"),
        "write the model itself; requests do not choose it here",
    );
    (format!("${{{name}}}"), head)
}

fn azure(node: Map<'_, '_>, asked: &mut Asked<'_>) {
    let either = |one: &str, other: &str| node.text(one).or_else(|| node.text(other));
    if let Some(resource) = either("resource_name", "azure_resource_name") {
        asked.usual_base = format!("https://{resource}.openai.azure.com");
    }
    if let Some(deployment) = either("deployment_id", "azure_deployment_id") {
        deployment.clone_into(&mut asked.model.0);
    }
    let version = either("api_version", "azure_api_version").unwrap_or(AZURE_VERSION);
    version.clone_into(&mut asked.version);
}
