//! The plan: what a registration means, with every name resolved and every
//! default filled in.
//!
//! A plan knows no source text and holds no secret. Its canonical JSON has
//! sorted keys (fields here are declared in that order, and a test holds them
//! to it), so that the same meaning always gives the same bytes and the same
//! hash. Where a value came from is told by [`Provenance`], beside the plan.

mod access;
pub mod canonical;
mod governance;
mod index;
mod lower;
mod named;
mod pool;
mod prepared;
mod price;
mod provenance;
mod recording;
mod secret;
mod smart;
pub(crate) mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::nearest_name;
use crate::registration::is_public_host;

pub(crate) use words::words;

pub use access::{ManagedKey, Quota, Scope, Security};
pub use canonical::{Hash, ReadPlanError};
pub use governance::{
    AnomalyThresholds, Cascade, CascadeLevel, CascadeTriggers, Governance, Shadow, ShadowChecks,
    ShadowMode,
};
pub(crate) use lower::{LONG_CONTEXT_THRESHOLD, lower};
pub use named::Named;
pub use pool::{HealthPolicy, OnAllOpen, Pool, RetryBudget, Strategy};
pub use price::{Paid, Priced};
pub use provenance::{Filled, ItemOrigin, Provenance, Source, Traced, Written};
pub use recording::Recording;
pub(crate) use secret::is_lone_variable;
pub use secret::{Fingerprint, SecretRef, Secrets};
pub use smart::{
    Alignment, AnalysisScope, Candidate, NoMatch, Pattern, PatternKind, Prototype, RouterHint,
    Rule, Semantic, SemanticMode, SmartRouter, Sticky,
};

/// Version of the plan's JSON form; a reader refuses any other.
pub const SCHEMA: &str = "ctr.plan/1";

/// A compiled registration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What is done about answers.
    #[serde(skip_serializing_if = "is_default", default)]
    pub governance: Governance,
    /// Where the proxy listens and what it asks of a caller.
    pub listen: Listen,
    /// Least severe log line that is written.
    pub log_level: LogLevel,
    /// Keys that were handed out, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub managed_keys: BTreeMap<String, ManagedKey>,
    /// Logical models with one endpoint each, by id; for a model of a legacy
    /// provider, the id is its `provider,model` reference.
    pub models: Named<Endpoint>,
    /// Pools by logical model id. A pool whose id is also in `models` is shadowed.
    pub pools: Named<Pool>,
    /// Scenario slots.
    pub router: Router,
    /// Deployment role.
    pub runtime: Runtime,
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What is asked before the slots; absent unless it is switched on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub smart_router: Option<SmartRouter>,
    /// Upstream services by id; references for observation, no traffic goes to them.
    pub upstream_services: BTreeMap<String, UpstreamService>,
    /// Longest wait for an upstream in milliseconds; absent means no limit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_timeout_ms: Option<u64>,
    #[serde(skip)]
    prepared: prepared::Prepared,
}

/// Where the proxy listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The bootstrap key a caller must send, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub api_key: Option<SecretRef>,
    /// Host name or address, may hold `${NAME}`.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Sections that few documents have are left out of the JSON where they say nothing of their own.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Listen {
    /// Whether this listens on an address that others than this machine may reach.
    pub fn is_public(&self) -> bool {
        is_public_host(&self.host)
    }
}

/// Deployment role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// What is recorded of requests; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub corpus: Option<Recording>,
    /// `local`, `server` or `cloud`.
    pub mode: Mode,
    /// Another ctr that requests are forwarded to; absent unless it is switched on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remote_service: Option<UpstreamService>,
    /// What the deployment promises about access.
    #[serde(skip_serializing_if = "is_default", default)]
    pub security: Security,
}

/// One upstream that can answer: a model entry or a member of a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Where requests go.
    pub api: Address,
    /// What the upstream model can do.
    pub capabilities: Capabilities,
    /// Declared price.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<Cost>,
    /// Whether it may serve; a disabled endpoint stays listed.
    pub enabled: bool,
    /// Unique over all pools; for a model entry, the model's id.
    pub id: String,
    /// Wire protocol.
    pub interface: Interface,
    /// Name of the upstream key.
    pub key: SecretRef,
    /// Header that carries the key; absent means the one its protocol has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key_header: Option<KeyHeader>,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// Name of the model at the upstream.
    pub model: String,
    /// Smaller is preferred.
    pub priority: i64,
    /// Internal provider name, unique over the plan; first half of a `provider,model` reference.
    pub provider: String,
    /// Declared limits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate_limit: Option<RateLimit>,
    /// What the model does with thinking.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thinking: Option<Thinking>,
    /// Upstream service it belongs to, as written; may name none that exists.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_service: Option<String>,
    /// Vendor, for display.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vendor_hint: Option<String>,
    /// Its part of the requests, beside those of the others, where the pool is `weighted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weight: Option<u32>,
}

impl Endpoint {
    /// The `provider,model` form of this endpoint.
    pub fn legacy_ref(&self) -> String {
        format!("{},{}", self.provider, self.model)
    }
}

/// A URL without what must not be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Fingerprint of the full URL where it carries a credential; the full text is in [`Secrets`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub secret: Option<Fingerprint>,
    /// The URL without user-info and secret query values; may hold `${NAME}`.
    pub url: String,
}

/// What an endpoint can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Total window in tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context_window_tokens: Option<u64>,
    /// Images in messages.
    pub images: bool,
    /// Thinking.
    pub reasoning: bool,
    /// Input limit in tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub safe_input_tokens: Option<u64>,
    /// How its tokens are counted; absent means as `cl100k` does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokenizer: Option<Tokenizer>,
    /// Tool calls.
    pub tools: bool,
}

/// Declared price per million tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// ISO 4217 code as written.
    pub currency: String,
    /// Per 1,000,000 input tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input_per_1m: Option<f64>,
    /// Per 1,000,000 output tokens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output_per_1m: Option<f64>,
}

/// Declared limits of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rpm: Option<u64>,
    /// Tokens per minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tpm: Option<u64>,
}

/// Thinking as configured for a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thinking {
    /// Token budget.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub budget_tokens: Option<u64>,
    /// Effort.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effort: Option<Effort>,
    /// Mode.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mode: Option<ThinkingMode>,
}

/// Scenario slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// Names of small models that clients ask for in the background; `*` stands
    /// for any characters.
    pub background_models: Vec<String>,
    /// Whether no image goes to the model that answers: it asks the image agent, which
    /// asks slot `image`.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub force_image_agent: bool,
    /// Tokens from which `longContext` is used.
    pub long_context_threshold: u64,
    /// What each configured slot names: a logical model id or a `provider,model` reference.
    #[serde(serialize_with = "canonical::by_word")]
    pub slots: BTreeMap<Slot, String>,
}

impl Router {
    /// Whether a model that is asked for is one of [`Router::background_models`].
    pub fn is_background(&self, asked: &str) -> bool {
        self.background_models
            .iter()
            .any(|pattern| matches_pattern(pattern, asked))
    }
}

/// Whether a name is of a pattern in which `*` stands for any characters.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// A service that endpoints refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamService {
    /// Token for observing it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auth_token: Option<SecretRef>,
    /// Base URL without a trailing `/`.
    pub base_url: Address,
}

words! {
    /// Wire protocol of an upstream.
    Interface {
        /// Anthropic Messages.
        Anthropic = "anthropic",
        /// OpenAI Chat Completions.
        Openai = "openai",
    }
}
words! {
    /// Header that carries an upstream's key.
    KeyHeader {
        /// As a bearer token; the one of OpenAI Chat Completions.
        Authorization = "authorization",
        /// As it is; the one of Anthropic Messages.
        XApiKey = "x-api-key",
        /// As it is; the one of Azure OpenAI.
        ApiKey = "api-key",
    }
}
words! {
    /// Deployment role.
    Mode {
        /// One developer's machine.
        Local = "local",
        /// A shared service.
        Server = "server",
        /// A shared service in a cloud.
        Cloud = "cloud",
    }
}
words! {
    /// Least severe log line that is written.
    LogLevel {
        /// Only what ends the process.
        Fatal = "fatal",
        /// Failures.
        Error = "error",
        /// Failures and warnings.
        Warn = "warn",
        /// What an operator wants to see.
        Info = "info",
        /// What a developer wants to see.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}
words! {
    /// Effort of thinking.
    Effort {
        /// Least.
        Low = "low",
        /// Middle.
        Medium = "medium",
        /// Most.
        High = "high",
    }
}
words! {
    /// A vocabulary of tokens, as OpenAI names it.
    Tokenizer {
        /// `cl100k_base`.
        Cl100k = "cl100k",
        /// `o200k_base`.
        O200k = "o200k",
    }
}
words! {
    /// Whether a model thinks.
    ThinkingMode {
        /// As the request says; Anthropic endpoints are asked for it as `adaptive`, never
        /// with a budget.
        Adaptive = "adaptive",
        /// As the request says.
        Auto = "auto",
        /// Never.
        Off = "off",
        /// Always.
        On = "on",
    }
}
words! {
    /// Scenario slots of `Router`, in the order a review reads them.
    Slot {
        /// Everything that no other slot takes.
        Default = "default",
        /// Requests that ask for thinking.
        Think = "think",
        /// Large input.
        LongContext = "longContext",
        /// A client's small background requests.
        Background = "background",
        /// Requests with a web search.
        WebSearch = "webSearch",
        /// Requests with images.
        Image = "image",
    }
}

/// What a name in a slot or a request stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'p> {
    /// A model entry.
    Model(&'p str, &'p Endpoint),
    /// A pool that no model of the same id shadows.
    Pool(&'p str, &'p Pool),
    /// One endpoint, named by its `provider,model` reference.
    Endpoint(&'p Endpoint),
}

impl<'p> Target<'p> {
    /// The name it goes by: its id.
    pub fn name(&self) -> &'p str {
        match self {
            Target::Model(id, _) | Target::Pool(id, _) => id,
            Target::Endpoint(endpoint) => &endpoint.id,
        }
    }

    /// The endpoints behind it, in the order of the plan.
    pub fn endpoints(&self) -> &'p [Endpoint] {
        match self {
            Target::Model(_, endpoint) | Target::Endpoint(endpoint) => {
                std::slice::from_ref(endpoint)
            }
            Target::Pool(_, pool) => &pool.endpoints,
        }
    }

    /// Whether anything behind it is enabled.
    pub fn is_enabled(&self) -> bool {
        match self {
            Target::Model(_, endpoint) | Target::Endpoint(endpoint) => endpoint.enabled,
            Target::Pool(_, pool) => pool.endpoints.iter().any(|endpoint| endpoint.enabled),
        }
    }
}

impl Plan {
    /// Every endpoint: those of models by id, then those of pools by pool id, priority, id.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.models
            .values()
            .chain(self.pools.values().flat_map(|pool| &pool.endpoints))
    }

    /// The ids a client may ask for, sorted, each once.
    pub fn logical_ids(&self) -> impl Iterator<Item = &str> {
        let pools = self.pools.keys().filter(|id| !self.models.contains_key(id));
        let mut ids: Vec<&str> = self
            .models
            .keys()
            .chain(pools)
            .map(String::as_str)
            .collect();
        ids.sort_unstable();
        ids.into_iter()
    }

    /// The id that a name which is none was most likely meant for.
    pub fn nearest_id(&self, name: &str) -> Option<&str> {
        let ids: Vec<&str> = self.logical_ids().collect();
        nearest_name(name, &ids)
    }
}
