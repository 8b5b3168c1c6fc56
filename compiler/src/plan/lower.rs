//! Checked registration → plan. Every default becomes explicit here, and only
//! here, and is noted as filled in.

mod access;
mod governance;
mod pool;
mod provider;
mod smart;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{
    Address, Capabilities, Cost, Endpoint, Filled, ItemOrigin, Listen, LogLevel, Plan, Provenance,
    RateLimit, Router, SCHEMA, SecretRef, Secrets, Source, Traced, UpstreamService,
};
use crate::Compiled;
use crate::check::Checked;
use crate::registration::{ModelEntry, Registration, inferred_interface, normal_url, shown_url};
use crate::source::Spanned;

const HOST: &str = "127.0.0.1";
const PORT: u16 = 5678;
const TIMEOUT_MS: i64 = 600_000;
/// Tokens from which `Router.longContext` is used where nothing is written.
pub(crate) const LONG_CONTEXT_THRESHOLD: i64 = 60_000;
/// What Claude Code asks for in the background, in its versions 1 and 2.
const BACKGROUND_MODELS: [&str; 2] = ["claude-3-5-haiku*", "claude-haiku-*"];
const DEFAULT: &str = "default";

/// Makes the plan. An entry that lacks something required was reported and is left out.
pub(crate) fn lower(mut checked: Checked) -> Compiled {
    let members = std::mem::take(&mut checked.pools);
    let mut lowering = Lowering {
        secrets: Secrets::default(),
        provenance: Provenance::default(),
    };
    let registration = &checked.registration;
    let listen = lowering.listen(registration);
    let log_level = lowering.filled(
        "LOG_LEVEL",
        registration.log_level.as_ref(),
        LogLevel::Debug,
    );
    let timeout = lowering.filled(
        "API_TIMEOUT_MS",
        registration.timeout_ms.as_ref(),
        TIMEOUT_MS,
    );
    let plan = Plan {
        prepared: Default::default(),
        governance: lowering.governance(registration),
        listen,
        log_level,
        managed_keys: lowering.managed_keys(registration),
        models: lowering.models(registration).into(),
        pools: lowering
            .pools(registration, members, &checked.pool_entries)
            .into(),
        router: lowering.router(&checked),
        runtime: lowering.runtime(registration),
        schema: SCHEMA.to_owned(),
        smart_router: lowering.smart_router(registration),
        upstream_services: lowering.services(registration),
        upstream_timeout_ms: u64::try_from(timeout).ok().filter(|timeout| *timeout > 0),
    };
    Compiled {
        provenance: lowering.provenance,
        secrets: lowering.secrets,
        variables: checked.variables,
        ..Compiled::from(plan)
    }
}

struct Lowering {
    secrets: Secrets,
    provenance: Provenance,
}

impl Lowering {
    /// A value at the top of the document, or its default, noted.
    fn filled<T: Clone + ToString>(
        &mut self,
        key: &'static str,
        written: Option<&Spanned<T>>,
        default: T,
    ) -> T {
        match written {
            Some(written) => {
                self.provenance.written.push((key, written.span));
                written.value.clone()
            }
            None => {
                let value = Cow::Owned(default.to_string());
                self.provenance.filled.push(Filled {
                    key,
                    value,
                    because: DEFAULT,
                });
                default
            }
        }
    }

    /// A value of a section, or its default; noted either way.
    fn traced<T: Clone + ToString>(
        &mut self,
        path: impl Into<String>,
        key: impl Into<Cow<'static, str>>,
        written: Option<&Spanned<T>>,
        default: T,
    ) -> T {
        self.traced_or(path, key, written, default, DEFAULT)
    }

    /// [`Lowering::traced`] with another reason than that it is the default.
    fn traced_or<T: Clone + ToString>(
        &mut self,
        path: impl Into<String>,
        key: impl Into<Cow<'static, str>>,
        written: Option<&Spanned<T>>,
        default: T,
        because: &'static str,
    ) -> T {
        let source = match written {
            Some(written) => Source::Written(written.span),
            None => Source::Filled(default.to_string(), because),
        };
        self.note(path, key, source);
        written.map_or(default, |written| written.value.clone())
    }

    /// A value of a section that may be absent; noted where it is written.
    fn traced_if<T: Clone>(
        &mut self,
        path: impl Into<String>,
        key: impl Into<Cow<'static, str>>,
        written: Option<&Spanned<T>>,
    ) -> Option<T> {
        let written = written?;
        self.note(path, key, Source::Written(written.span));
        Some(written.value.clone())
    }

    fn note(&mut self, path: impl Into<String>, key: impl Into<Cow<'static, str>>, source: Source) {
        self.provenance.traced.push(Traced {
            path: path.into(),
            key: key.into(),
            source,
        });
    }

    fn listen(&mut self, registration: &Registration) -> Listen {
        let host = self.filled("HOST", registration.host.as_ref(), HOST.to_owned());
        let port = self.filled("PORT", registration.port.as_ref(), PORT);
        let api_key = registration.api_key.as_ref().map(|key| {
            self.provenance.written.push(("APIKEY", key.span));
            SecretRef::from_text(&key.value, &mut self.secrets)
        });
        Listen {
            api_key,
            host,
            port,
        }
    }

    fn models(&mut self, registration: &Registration) -> BTreeMap<String, Endpoint> {
        let mut models = BTreeMap::new();
        for entry in &registration.models {
            let Some(id) = &entry.id else { continue };
            let mut filled = Vec::new();
            let identity = Identity {
                id: id.value.clone(),
                provider: format!("model__{}", id.value),
            };
            if let Some(endpoint) = self.endpoint(entry, identity, &mut filled) {
                self.provenance
                    .models
                    .insert(id.value.clone(), origin(entry, filled));
                models.insert(id.value.clone(), endpoint);
            }
        }
        for provider in registration.used_providers() {
            self.provider(provider, &mut models);
        }
        models
    }

    fn endpoint(
        &mut self,
        entry: &ModelEntry,
        identity: Identity,
        filled: &mut Vec<Filled>,
    ) -> Option<Endpoint> {
        let (api, key, model) = (
            entry.api.as_ref()?,
            entry.key.as_ref()?,
            entry.model.as_ref()?,
        );
        let interface = match &entry.interface {
            Some(interface) => interface.value,
            None => {
                let interface = inferred_interface(&api.value, &model.value);
                note(
                    filled,
                    "interface",
                    Cow::Borrowed(interface.word()),
                    "from the URL and the model name",
                );
                interface
            }
        };
        let pooled = entry.list != "Models";
        let metadata = &entry.metadata;
        let priority = priority(entry);
        if pooled && metadata.pool_priority.is_none() {
            note(
                filled,
                "pool_priority",
                Cow::Owned(priority.to_string()),
                "its position",
            );
        }
        let tokens = |number: &Option<Spanned<i64>>| {
            number.as_ref().map(|number| number.value.unsigned_abs())
        };
        Some(Endpoint {
            api: self.address(&normal_url(&api.value, interface)),
            capabilities: Capabilities {
                context_window_tokens: tokens(&metadata.context_window_tokens),
                images: flag(filled, "supports_images", metadata.supports_images.as_ref()),
                reasoning: flag(
                    filled,
                    "supports_reasoning",
                    metadata.supports_reasoning.as_ref(),
                ),
                safe_input_tokens: tokens(&metadata.safe_input_tokens),
                tokenizer: metadata.tokenizer.as_ref().map(|tokenizer| tokenizer.value),
                tools: flag(filled, "supports_tools", metadata.supports_tools.as_ref()),
            },
            cost: cost(entry, filled),
            enabled: !pooled || flag(filled, "pool_enabled", metadata.pool_enabled.as_ref()),
            id: identity.id,
            interface,
            key: SecretRef::from_text(&key.value, &mut self.secrets),
            key_header: entry.key_header.as_ref().map(|header| header.value),
            label: metadata.label.as_ref().map(|label| label.value.clone()),
            model: model.value.clone(),
            priority,
            provider: identity.provider,
            rate_limit: rate_limit(
                tokens(&metadata.rate_limit_rpm),
                tokens(&metadata.rate_limit_tpm),
            ),
            thinking: entry
                .thinking
                .as_ref()
                .map(|thinking| thinking.value.clone()),
            upstream_service: metadata
                .upstream_service_id
                .as_ref()
                .map(|id| id.value.clone()),
            vendor_hint: metadata.vendor_hint.as_ref().map(|hint| hint.value.clone()),
            weight: metadata
                .pool_weight
                .as_ref()
                .and_then(|weight| u32::try_from(weight.value).ok()),
        })
    }

    fn address(&mut self, url: &str) -> Address {
        let (shown, hidden) = shown_url(url);
        Address {
            secret: hidden.then(|| self.secrets.keep(url)),
            url: shown.into_owned(),
        }
    }

    fn router(&mut self, checked: &Checked) -> Router {
        let written = checked.registration.router.long_context_threshold.as_ref();
        let threshold = self.filled(
            "Router.longContextThreshold",
            written,
            LONG_CONTEXT_THRESHOLD,
        );
        let mut slots = BTreeMap::new();
        for (slot, name) in &checked.slots {
            self.provenance.slots.insert(*slot, name.span);
            slots.insert(*slot, name.value.clone());
        }
        let force = checked.registration.force_image_agent.as_ref();
        let force_image_agent = self.filled("forceUseImageAgent", force, false);
        let written = checked.registration.router.background_models.as_ref();
        Router {
            background_models: self.background_models(written),
            force_image_agent,
            long_context_threshold: threshold.unsigned_abs(),
            slots,
        }
    }

    /// The names, sorted, each once.
    fn background_models(&mut self, written: Option<&Spanned<Vec<String>>>) -> Vec<String> {
        const KEY: &str = "Router.backgroundModels";
        let mut names = match written {
            Some(written) => {
                self.provenance.written.push((KEY, written.span));
                written.value.clone()
            }
            None => {
                let value = Cow::Owned(BACKGROUND_MODELS.join(", "));
                self.provenance.filled.push(Filled {
                    key: KEY,
                    value,
                    because: DEFAULT,
                });
                BACKGROUND_MODELS.map(str::to_owned).to_vec()
            }
        };
        names.sort_unstable();
        names.dedup();
        names
    }

    fn services(&mut self, registration: &Registration) -> BTreeMap<String, UpstreamService> {
        let mut services = BTreeMap::new();
        let Some(section) = &registration.pools else {
            return services;
        };
        for entry in &section.services {
            let (Some(id), Some(base)) = (&entry.id, &entry.base_url) else {
                continue;
            };
            let auth_token = entry.auth_token.as_ref();
            let mut written = vec![("id", id.span), ("base_url", base.span)];
            written.extend(auth_token.map(|token| ("auth_token", token.span)));
            self.provenance.services.insert(id.value.clone(), written);
            let service = UpstreamService {
                auth_token: auth_token
                    .map(|token| SecretRef::from_text(&token.value, &mut self.secrets)),
                base_url: self.address(base.value.trim_end_matches('/')),
            };
            services.insert(id.value.clone(), service);
        }
        services
    }
}

/// What is preferred: as written, else the position in a pool.
fn priority(entry: &ModelEntry) -> i64 {
    let position = || match entry.list {
        "Models" => 0,
        _ => i64::try_from(entry.index + 1).unwrap_or(i64::MAX),
    };
    let written = entry.metadata.pool_priority.as_ref();
    written.map_or_else(position, |number| number.value)
}

/// The names an endpoint is known by.
struct Identity {
    id: String,
    provider: String,
}

fn origin(entry: &ModelEntry, filled: Vec<Filled>) -> ItemOrigin {
    ItemOrigin {
        span: entry.head,
        list: entry.list,
        index: entry.index,
        written: entry.written(),
        old: entry.old.clone(),
        filled,
    }
}

fn note(
    filled: &mut Vec<Filled>,
    key: &'static str,
    value: Cow<'static, str>,
    because: &'static str,
) {
    filled.push(Filled {
        key,
        value,
        because,
    });
}

/// A switch that is on unless written off.
fn flag(filled: &mut Vec<Filled>, key: &'static str, written: Option<&Spanned<bool>>) -> bool {
    match written {
        Some(written) => written.value,
        None => {
            note(filled, key, Cow::Borrowed("true"), DEFAULT);
            true
        }
    }
}

fn cost(entry: &ModelEntry, filled: &mut Vec<Filled>) -> Option<Cost> {
    let amount = |number: &Option<Spanned<f64>>| number.as_ref().map(|number| number.value);
    let (input_per_1m, output_per_1m) = (
        amount(&entry.metadata.cost_input),
        amount(&entry.metadata.cost_output),
    );
    if input_per_1m.is_none() && output_per_1m.is_none() {
        return None;
    }
    let currency = match &entry.metadata.cost_currency {
        Some(currency) => currency.value.clone(),
        None => {
            note(filled, "cost_currency", Cow::Borrowed("USD"), DEFAULT);
            "USD".to_owned()
        }
    };
    Some(Cost {
        currency,
        input_per_1m,
        output_per_1m,
    })
}

fn rate_limit(rpm: Option<u64>, tpm: Option<u64>) -> Option<RateLimit> {
    (rpm.is_some() || tpm.is_some()).then_some(RateLimit { rpm, tpm })
}
