//! Legacy providers: each of their models becomes a logical model whose id is
//! its `provider,model` reference.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Lowering, note};
use crate::plan::{Capabilities, Endpoint, Interface, ItemOrigin, SecretRef};
use crate::registration::{ProviderEntry, inferred_interface, normal_url};

/// What the keys of a model entry are called in a provider.
const OLD: [(&str, &str); 4] = [
    ("api", "api_base_url"),
    ("id", "models"),
    ("key", "api_key"),
    ("model", "models"),
];

const ALL_CAN: &str = "a legacy provider says nothing of it";

impl Lowering {
    /// Adds the models of a provider; one that is there already stays.
    pub(super) fn provider(
        &mut self,
        provider: &ProviderEntry,
        models: &mut BTreeMap<String, Endpoint>,
    ) {
        let (Some(name), Some(api)) = (&provider.name, &provider.api) else {
            return;
        };
        for model in &provider.models {
            let model_name = model.value.trim();
            let id = format!("{},{model_name}", name.value);
            if models.contains_key(&id) {
                continue;
            }
            let mut filled = Vec::new();
            let (interface, because) = match provider.is_anthropic {
                true => (Interface::Anthropic, "from `transformer`"),
                false => (
                    inferred_interface(&api.value, model_name),
                    "from the URL and the model name",
                ),
            };
            note(
                &mut filled,
                "interface",
                Cow::Borrowed(interface.word()),
                because,
            );
            for key in ["supports_images", "supports_reasoning", "supports_tools"] {
                note(&mut filled, key, Cow::Borrowed("true"), ALL_CAN);
            }
            let mut written = vec![("id", model.span), ("api", api.span), ("model", model.span)];
            written.extend(provider.key.as_ref().map(|key| ("key", key.span)));
            let endpoint = Endpoint {
                api: self.address(&normal_url(&api.value, interface)),
                capabilities: Capabilities {
                    context_window_tokens: None,
                    images: true,
                    reasoning: true,
                    safe_input_tokens: None,
                    tokenizer: None,
                    tools: true,
                },
                cost: None,
                enabled: true,
                id: id.clone(),
                interface,
                key: SecretRef::from_text(
                    provider.key.as_ref().map_or("", |key| &key.value),
                    &mut self.secrets,
                ),
                key_header: None,
                label: None,
                model: model_name.to_owned(),
                priority: 0,
                provider: name.value.clone(),
                rate_limit: None,
                thinking: None,
                upstream_service: None,
                vendor_hint: None,
                weight: None,
            };
            let origin = ItemOrigin {
                span: model.span,
                list: "Providers",
                index: provider.index,
                written,
                old: OLD.to_vec(),
                filled,
            };
            self.provenance.models.insert(id.clone(), origin);
            models.insert(id, endpoint);
        }
    }
}
