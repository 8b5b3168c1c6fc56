//! Activation: a compiled plan becomes a live one.
//!
//! Here, and only here, variables and secrets get their values. A live plan is
//! built whole before it is swapped in, and is never changed afterwards.

mod places;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ctr_compiler::Compiled;
use ctr_compiler::health::{NotNow, Terms};
use ctr_compiler::plan::{Endpoint, Hash, Interface, KeyHeader, Plan, Secrets};
use ctr_compiler::registration::shown_url;
use ctr_compiler::variable::{self, Unset};
use foldhash::{HashMap, HashSet};
use http::header::HeaderName;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

pub use places::Places;

use crate::clock::Clock;
use crate::pool::{Adopted, Entered, Lots, PoolRecord, Record, Records, Way};
use crate::protocol::Protocol;
use crate::protocol::chat::Dialect;

/// A plan with its secrets, ready to serve.
pub struct Live {
    /// What came of compiling; `compiled.plan` is always present here.
    pub compiled: Compiled,
    /// Hash of the plan.
    pub hash: Hash,
    /// The hash's first digits, as response headers carry them.
    pub hash_header: HeaderValue,
    /// What a caller must send, if anything; a header can carry it.
    pub api_key: Option<String>,
    /// Whether its endpoints speak more than one protocol.
    pub is_mixed: bool,
    /// Where the registration says what decides.
    pub places: Places,
    /// By provider, then by the name the plan has for the model: a legacy
    /// provider has several.
    upstreams: HashMap<String, Vec<(String, Upstream)>>,
    pools: HashMap<String, Arc<PoolRecord>>,
    lots: Arc<Lots>,
    clock: Clock,
}

/// One endpoint with everything a request to it needs.
pub struct Upstream {
    /// Scheme, authority, path and query of the endpoint's API.
    pub uri: Uri,
    /// Header the upstream's key travels in.
    pub auth_name: HeaderName,
    /// The key, marked sensitive; absent when the key is empty.
    pub auth_value: Option<HeaderValue>,
    /// The endpoint id as response headers carry it.
    pub id_header: HeaderValue,
    /// Name of the model at the upstream.
    pub model: String,
    /// What it speaks there.
    pub speaks: Protocol,
    /// What its server takes, where that is Chat Completions.
    pub dialect: Dialect,
    /// Whose account it is: a hash of server and key. What an account keeps is
    /// found again by it.
    pub account: Account,
    /// Until when (epoch milliseconds) it is taken to serve no responses.
    no_responses_until: AtomicU64,
    /// What is known about its health.
    pub record: Arc<Record>,
    /// What the plan says about it.
    pub terms: Arc<Terms>,
}

/// A hash of a server's name and a key.
pub type Account = [u8; 32];

/// How long an address that was not served is left alone.
const NOT_SERVED_MS: u64 = 10 * 60 * 1000;

/// Why a plan cannot go live. Holds names, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivateError {
    /// Variables without a value, sorted, each once.
    Unset(Vec<Unset>),
    /// A value that only became wrong once its variables were put in.
    Value {
        /// The endpoint.
        endpoint: String,
        /// What is wrong, without the value.
        what: &'static str,
    },
    /// The caller's key is one that no caller can send.
    ApiKey,
    /// The plan needs a literal secret that only the source document has.
    MissingSecret {
        /// The endpoint, or `APIKEY`.
        place: String,
    },
}

impl fmt::Display for ActivateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(unset) => {
                let told: Vec<String> = unset.iter().map(Unset::to_string).collect();
                f.write_str(&told.join(", "))
            }
            Self::Value { endpoint, what } => write!(f, "endpoint `{endpoint}`: {what}"),
            Self::ApiKey => {
                f.write_str("`APIKEY` has characters no header can carry, or white space at an end")
            }
            Self::MissingSecret { place } => write!(
                f,
                "the secret of `{place}` is not in the plan; start from the registration"
            ),
        }
    }
}

impl std::error::Error for ActivateError {}

impl Live {
    /// Resolves variables with `env`, secrets from the compiled document, and
    /// takes over the records of endpoints that were known before.
    ///
    /// # Errors
    /// [`ActivateError`]; nothing has changed then.
    ///
    /// # Panics
    /// When `compiled` has no plan, which the caller has checked.
    pub fn activate(
        compiled: Compiled,
        env: &dyn Fn(&str) -> Option<String>,
        records: &Records,
    ) -> Result<Self, ActivateError> {
        let plan = compiled
            .plan
            .as_ref()
            .expect("only a compiled plan is activated");
        let mut resolver = Resolver {
            env,
            secrets: &compiled.secrets,
            unset: Vec::new(),
        };
        let api_key = match &plan.listen.api_key {
            Some(secret) => {
                let text = secret.text(&compiled.secrets);
                let text = text.ok_or_else(|| ActivateError::MissingSecret {
                    place: "APIKEY".to_owned(),
                })?;
                Some(resolver.expand(text)).filter(|key| !key.is_empty())
            }
            None => None,
        };
        let mut parts = Vec::new();
        for endpoint in plan.endpoints() {
            parts.push((endpoint, resolver.endpoint(endpoint)?));
        }
        if !resolver.unset.is_empty() {
            resolver.unset.sort();
            resolver.unset.dedup();
            return Err(ActivateError::Unset(resolver.unset));
        }
        if !api_key.as_deref().is_none_or(can_be_sent) {
            return Err(ActivateError::ApiKey);
        }
        let mut resolved = Vec::new();
        for (endpoint, parts) in parts {
            resolved.push((endpoint, Upstream::new(endpoint, parts)?));
        }
        let mut upstreams: HashMap<String, Vec<(String, Upstream)>> = HashMap::default();
        let Adopted {
            endpoints,
            pools,
            lots,
            clock,
        } = records.adopt(plan);
        for ((endpoint, mut upstream), (record, terms)) in resolved.into_iter().zip(endpoints) {
            record.is_asked_as(upstream.account);
            (upstream.record, upstream.terms) = (record, terms);
            upstreams
                .entry(endpoint.provider.clone())
                .or_default()
                .push((endpoint.model.clone(), upstream));
        }
        let speaks = |interface| {
            plan.endpoints()
                .any(|endpoint| endpoint.interface == interface)
        };
        let is_mixed = speaks(Interface::Anthropic) && speaks(Interface::Openai);
        // What a decision is made by is prepared here, and not by the first request.
        plan.rules();
        plan.resolve("");
        let hash = plan.hash();
        let hash_header =
            HeaderValue::from_str(hash.short()).expect("hex digits are a header value");
        Ok(Self {
            hash,
            hash_header,
            api_key,
            is_mixed,
            places: Places::default(),
            upstreams,
            pools,
            lots,
            clock,
            compiled,
        })
    }

    /// The same, knowing where the registration says what decides.
    #[must_use]
    pub fn written_at(self, places: Places) -> Self {
        Self { places, ..self }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        self.compiled
            .plan
            .as_ref()
            .expect("a live plan was compiled")
    }

    /// The retry budget of a pool.
    pub fn pool(&self, id: &str) -> Option<&PoolRecord> {
        self.pools.get(id).map(|pool| &**pool)
    }

    /// The number of the next request, and its ticket for strategies that draw lots.
    pub fn draw(&self) -> (u64, u64) {
        self.lots.draw()
    }

    /// Tells the time that records are kept by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What a request to `endpoint` needs.
    pub fn upstream(&self, endpoint: &Endpoint) -> &Upstream {
        let mut models = self.upstreams.get(&endpoint.provider).into_iter().flatten();
        let found = models.find(|(model, _)| *model == endpoint.model);
        let found = found.expect("activation made one for every endpoint of the plan");
        &found.1
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

struct Resolver<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    secrets: &'a Secrets,
    unset: Vec<Unset>,
}

impl Resolver<'_> {
    fn expand(&mut self, text: &str) -> String {
        variable::expand(text, self.env).unwrap_or_else(|unset| {
            self.unset.push(unset);
            String::new()
        })
    }

    fn endpoint(&mut self, endpoint: &Endpoint) -> Result<Parts, ActivateError> {
        let missing = || ActivateError::MissingSecret {
            place: endpoint.id.clone(),
        };
        let api = match &endpoint.api.secret {
            Some(fingerprint) => self.secrets.reveal(fingerprint).ok_or_else(missing)?,
            None => &endpoint.api.url,
        };
        let key = endpoint.key.text(self.secrets).ok_or_else(missing)?;
        Ok(Parts {
            api: self.expand(api),
            key: self.expand(key),
            model: self.expand(&endpoint.model),
        })
    }
}

/// The values of an endpoint once variables are put in.
struct Parts {
    api: String,
    key: String,
    model: String,
}

impl Upstream {
    fn new(endpoint: &Endpoint, parts: Parts) -> Result<Self, ActivateError> {
        let Parts { api, key, model } = parts;
        let wrong = |what| ActivateError::Value {
            endpoint: endpoint.id.clone(),
            what,
        };
        let url = ctr_compiler::registration::normal_url(&api, endpoint.interface);
        let uri: Uri = url
            .parse()
            .map_err(|_| wrong("its `api` is not a URL once its variables are put in"))?;
        let uri = without_credentials(uri)
            .ok_or_else(|| wrong("its `api` is not an http or https URL"))?;
        let header = endpoint.key_header.unwrap_or(match endpoint.interface {
            Interface::Anthropic => KeyHeader::XApiKey,
            Interface::Openai => KeyHeader::Authorization,
        });
        let value = match header {
            KeyHeader::Authorization => format!("Bearer {key}"),
            KeyHeader::XApiKey | KeyHeader::ApiKey => key.clone(),
        };
        let auth_name = HeaderName::from_static(header.word());
        let mut auth_value = HeaderValue::from_str(&value)
            .map_err(|_| wrong("its `key` has characters no header can carry"))?;
        auth_value.set_sensitive(true);
        let id: String = endpoint
            .id
            .chars()
            .map(|c| if c.is_ascii_graphic() { c } else { '_' })
            .collect();
        let id_header = HeaderValue::from_str(&id).expect("graphic ASCII is a header value");
        let speaks = match endpoint.interface {
            Interface::Anthropic => Protocol::Messages,
            Interface::Openai if is_responses(&uri) => Protocol::Responses,
            Interface::Openai => Protocol::Chat,
        };
        Ok(Self {
            speaks,
            dialect: Dialect::of(&uri),
            account: account(&uri, &key),
            no_responses_until: AtomicU64::new(0),
            uri,
            auth_name,
            auth_value: (!key.is_empty()).then_some(auth_value),
            id_header,
            model,
            record: Arc::default(),
            terms: Arc::default(),
        })
    }
}

impl Upstream {
    /// The key it is asked with.
    pub fn key(&self) -> Option<&[u8]> {
        let value = self.auth_value.as_ref()?.as_bytes();
        Some(value.strip_prefix(b"Bearer ").unwrap_or(value))
    }

    /// What nobody else is to learn of how it is asked: its key, and words of its address that
    /// are not shown, as they are written there.
    pub fn secrets(&self) -> Vec<Vec<u8>> {
        let url = self.uri.to_string();
        let marks = ['/', '?', '&', ';', '='];
        let (shown, hides) = shown_url(&url);
        let shown: HashSet<&str> = shown.split(marks).collect();
        let hidden = url.split(marks).filter(|word| !shown.contains(word));
        let hidden = hides.then_some(hidden).into_iter().flatten();
        let words = hidden.map(|word| word.as_bytes().to_vec());
        let key = self.key().map(<[u8]>::to_vec);
        key.into_iter().chain(words).collect()
    }

    /// Lets a request in; see [`Record::enter`].
    ///
    /// # Errors
    /// As there.
    pub fn enter(&self, way: &Way<'_>, regardless: bool) -> Result<Entered, NotNow> {
        let terms = &self.terms;
        self.record.enter(terms, self.account, way, regardless)
    }

    /// Whether it may be asked for responses beside its chat completions.
    pub fn may_serve_responses(&self, now_ms: u64) -> bool {
        now_ms >= self.no_responses_until.load(Ordering::Relaxed)
    }

    /// Notes that it serves no responses. A server that learns to is asked again
    /// after a while.
    pub fn serves_no_responses(&self, now_ms: u64) {
        let until = now_ms.saturating_add(NOT_SERVED_MS);
        self.no_responses_until.store(until, Ordering::Relaxed);
    }
}

/// Whether a header can carry a key to its last byte: white space at its ends is
/// no part of a value.
fn can_be_sent(key: &str) -> bool {
    HeaderValue::from_str(key).is_ok() && key.trim_ascii() == key
}

/// An OpenAI endpoint whose address is that of responses speaks nothing else.
fn is_responses(uri: &Uri) -> bool {
    uri.path().trim_end_matches('/').ends_with("/responses")
}

fn account(uri: &Uri, key: &str) -> Account {
    let mut hasher = blake3::Hasher::new();
    let server = uri.authority().map_or("", Authority::as_str);
    hasher.update(server.as_bytes());
    hasher.update(b"\0");
    hasher.update(key.as_bytes());
    hasher.finalize().into()
}

/// Keeps scheme, host, port, path and query; user-info is not sent in a URL.
fn without_credentials(uri: Uri) -> Option<Uri> {
    let parts = uri.into_parts();
    let scheme = parts
        .scheme
        .filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)?;
    let authority = parts.authority?;
    let host = authority.as_str().rsplit('@').next()?;
    let authority: Authority = host.parse().ok()?;
    let path = parts
        .path_and_query
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(path)
        .build()
        .ok()
}
