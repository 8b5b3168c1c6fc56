//! Why a plan has a value: where it was written, what filled it in, or what it
//! was made of.
//!
//! A path names a value as the plan's JSON does, with an endpoint by its id or
//! its position: `pools.sonnet.endpoints.sonnet-a.priority`. The names that a
//! diff and a document use (`supports_tools`, `PORT`, `Router.default`) are
//! understood as well. Ids may hold dots, so each is looked for among those
//! that exist.

mod section;

use serde_json::{Value, json};

use crate::diagnostic::did_you_mean;
use crate::plan::{Endpoint, Filled, ItemOrigin, Plan, Pool, Provenance, Slot, Written};
use crate::source::Span;

/// A value and its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The path with every id written out.
    pub path: String,
    /// The value; null where the plan has none.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The document says it.
    Written {
        /// The key, for example `Registration.models[2].metadata.pool_priority`.
        key: String,
        /// Where the value stands.
        span: Span,
        /// The old spelling that was used for the key.
        old: Option<&'static str>,
    },
    /// The document leaves it out.
    Filled {
        /// The key that would set it.
        key: String,
        /// Where the value comes from instead.
        because: &'static str,
        /// The entry that leaves it out, where it belongs to one.
        entry: Option<Span>,
    },
    /// No key sets it.
    Made {
        /// What it is made of.
        because: &'static str,
        /// The entry it is made for, where it belongs to one.
        entry: Option<Span>,
    },
    /// Neither written nor filled in.
    Absent {
        /// The key that would set it.
        key: String,
        /// The entry that leaves it out, where it belongs to one.
        entry: Option<Span>,
    },
}

/// A path that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What is not there, in words.
    pub what: String,
    /// What to do, starting with a verb or a question.
    pub help: String,
}

/// Values at the top: path in the plan, key in the document.
const SETTINGS: &[(&str, &str)] = &[
    ("listen.host", "HOST"),
    ("listen.port", "PORT"),
    ("listen.api_key", "APIKEY"),
    ("log_level", "LOG_LEVEL"),
    ("upstream_timeout_ms", "API_TIMEOUT_MS"),
    ("runtime.mode", "Runtime.mode"),
    ("router.background_models", "Router.backgroundModels"),
    ("router.force_image_agent", "forceUseImageAgent"),
    (
        "router.long_context_threshold",
        "Router.longContextThreshold",
    ),
];

/// Values of an endpoint: path in it, and the keys that set it, the first of
/// which names it too.
const FIELDS: &[(&str, &[&str])] = &[
    ("api.url", &["api"]),
    (
        "capabilities.context_window_tokens",
        &["context_window_tokens"],
    ),
    ("capabilities.images", &["supports_images"]),
    ("capabilities.reasoning", &["supports_reasoning"]),
    ("capabilities.safe_input_tokens", &["safe_input_tokens"]),
    ("capabilities.tokenizer", &["tokenizer"]),
    ("capabilities.tools", &["supports_tools"]),
    (
        "cost",
        &["cost_per_1m_input_tokens", "cost_per_1m_output_tokens"],
    ),
    ("cost.currency", &["cost_currency"]),
    ("cost.input_per_1m", &["cost_per_1m_input_tokens"]),
    ("cost.output_per_1m", &["cost_per_1m_output_tokens"]),
    ("enabled", &["pool_enabled"]),
    ("id", &["pool_endpoint_id"]),
    ("interface", &["interface"]),
    ("key", &["key"]),
    ("key_header", &["key_header"]),
    ("label", &["label"]),
    ("model", &["model"]),
    ("priority", &["pool_priority"]),
    ("provider", &[]),
    ("rate_limit.rpm", &["rate_limit_rpm"]),
    ("rate_limit.tpm", &["rate_limit_tpm"]),
    ("thinking", &["thinking"]),
    ("thinking.budget_tokens", &["thinking"]),
    ("thinking.effort", &["thinking"]),
    ("thinking.mode", &["thinking"]),
    ("upstream_service", &["upstream_service_id"]),
    ("vendor_hint", &["vendor_hint"]),
    ("weight", &["pool_weight"]),
];

/// Keys of an entry that stand beside `metadata`, not inside of it.
const OUTSIDE: &[&str] = &[
    "id",
    "api",
    "key",
    "key_header",
    "interface",
    "model",
    "thinking",
];

/// Finds the value that a path names.
///
/// # Errors
/// When the path names no value of this plan; with the name that was most
/// likely meant.
pub fn why(plan: &Plan, provenance: &Provenance, path: &str) -> Result<Answer, Unknown> {
    let path = path.trim();
    if let Some((path, key)) = SETTINGS
        .iter()
        .find(|(known, key)| path == *known || path == *key)
    {
        return Ok(setting(plan, provenance, path, key));
    }
    if let Some(answer) = element(plan, provenance, path) {
        return Ok(answer);
    }
    let slot = path
        .strip_prefix("Router.")
        .or_else(|| path.strip_prefix("router.slots."));
    if let Some(word) = slot {
        return of_slot(plan, provenance, word);
    }
    let (section, rest) = path.split_once('.').unwrap_or((path, ""));
    match section {
        "models" => of_model(plan, provenance, rest),
        "pools" => of_pool(plan, provenance, rest),
        "upstream_services" => of_service(plan, provenance, rest),
        "smart_router" | "governance" | "managed_keys" | "runtime" => {
            section::why(plan, provenance, path)
        }
        _ => {
            let settings = SETTINGS.iter().map(|(path, _)| *path);
            let mut known: Vec<&str> = settings.collect();
            known.extend([
                "models",
                "pools",
                "upstream_services",
                "router.slots",
                "smart_router",
                "governance",
                "managed_keys",
                "runtime.corpus",
                "runtime.security",
                "runtime.remote_service",
            ]);
            // A whole path may be misspelt, or only its beginning.
            let near = did_you_mean(path, &known, "paths");
            let help = if near.starts_with("did you mean") {
                near
            } else {
                did_you_mean(section, &known, "paths")
            };
            let what = format!("the plan has no `{path}`");
            Err(Unknown { what, help })
        }
    }
}

fn setting(plan: &Plan, provenance: &Provenance, path: &str, key: &str) -> Answer {
    let value = match path {
        "listen.host" => json!(plan.listen.host),
        "listen.port" => json!(plan.listen.port),
        "listen.api_key" => json!(plan.listen.api_key),
        "log_level" => json!(plan.log_level),
        "upstream_timeout_ms" => json!(plan.upstream_timeout_ms),
        "runtime.mode" => json!(plan.runtime.mode),
        "router.background_models" => json!(plan.router.background_models),
        "router.force_image_agent" => json!(plan.router.force_image_agent),
        _ => json!(plan.router.long_context_threshold),
    };
    Answer {
        path: path.to_owned(),
        value,
        origin: top(provenance, key),
    }
}

/// One of the values of a setting that has several: `router.background_models[0]`.
fn element(plan: &Plan, provenance: &Provenance, path: &str) -> Option<Answer> {
    let (list, index) = path.strip_suffix(']')?.rsplit_once('[')?;
    let (known, key) = SETTINGS.iter().find(|(known, _)| *known == list)?;
    let whole = setting(plan, provenance, known, key);
    let value = whole.value.get(index.parse::<usize>().ok()?)?;
    Some(Answer {
        path: path.to_owned(),
        value: value.clone(),
        origin: whole.origin,
    })
}

/// The origin of a key at the top.
fn top(provenance: &Provenance, key: &str) -> Origin {
    let key = key.to_owned();
    if let Some(span) = place(&provenance.written, &key) {
        return Origin::Written {
            key,
            span,
            old: None,
        };
    }
    match because(&provenance.filled, &key) {
        Some(because) => Origin::Filled {
            key,
            because,
            entry: None,
        },
        None => Origin::Absent { key, entry: None },
    }
}

fn of_slot(plan: &Plan, provenance: &Provenance, word: &str) -> Result<Answer, Unknown> {
    let Some((word, slot)) = Slot::WORDS.iter().find(|(known, _)| *known == word) else {
        let known: Vec<&str> = Slot::WORDS.iter().map(|(word, _)| *word).collect();
        return Err(unknown("slot", word, &known, "slots"));
    };
    let key = format!("Router.{word}");
    let origin = match provenance.slots.get(slot) {
        Some(span) => Origin::Written {
            key,
            span: *span,
            old: None,
        },
        None => Origin::Absent { key, entry: None },
    };
    Ok(Answer {
        path: format!("router.slots.{word}"),
        value: json!(plan.router.slots.get(slot)),
        origin,
    })
}

fn of_model(plan: &Plan, provenance: &Provenance, rest: &str) -> Result<Answer, Unknown> {
    let (id, rest) = take(rest, plan.models.keys(), "model", "models")?;
    let (Some(endpoint), Some(origin)) = (plan.models.get(id), provenance.models.get(id)) else {
        return Err(unknown("model", id, &[], "models"));
    };
    let item = Item {
        path: format!("models.{id}"),
        endpoint,
        origin,
    };
    item.answer(rest)
}

fn of_pool(plan: &Plan, provenance: &Provenance, rest: &str) -> Result<Answer, Unknown> {
    let (id, rest) = take(rest, plan.pools.keys(), "pool", "pools")?;
    let (Some(pool), Some(origins)) = (plan.pools.get(id), provenance.pools.get(id)) else {
        return Err(unknown("pool", id, &[], "pools"));
    };
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    if let Some(rest) = rest.strip_prefix("endpoints") {
        let (at, rest) = member(pool, rest)?;
        if let (Some(endpoint), Some(origin)) = (pool.endpoints.get(at), origins.get(at)) {
            let item = Item {
                path: format!("pools.{id}.endpoints.{}", endpoint.id),
                endpoint,
                origin,
            };
            return item.answer(rest);
        }
    }
    let Some(name) = Pool::SETTINGS.iter().find(|name| **name == rest) else {
        let mut known = Pool::SETTINGS.to_vec();
        known.push("endpoints");
        return Err(unknown(
            &format!("`pools.{id}` value"),
            rest,
            &known,
            "values",
        ));
    };
    let path = format!("pools.{id}.{name}");
    let own = provenance.traced.iter().find(|traced| traced.path == path);
    let origin = match own {
        Some(traced) => section::origin(traced),
        None => top(provenance, &format!("Registration.{name}")),
    };
    Ok(Answer {
        value: inside(&json!(pool), name),
        path,
        origin,
    })
}

/// Position of the member that `.id` or `[0]` names, and what follows.
fn member<'r>(pool: &Pool, rest: &'r str) -> Result<(usize, &'r str), Unknown> {
    if let Some((number, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let at = number.trim().parse::<usize>().ok();
        let count = pool.endpoints.len();
        return match at.filter(|at| *at < count) {
            Some(at) => Ok((at, rest)),
            None => Err(Unknown {
                what: format!("the plan has no endpoint `[{number}]` in this pool"),
                help: format!("count from `[0]` to `[{}]`", count.saturating_sub(1)),
            }),
        };
    }
    let ids = pool.endpoints.iter().map(|endpoint| &endpoint.id);
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let (id, rest) = take(rest, ids, "endpoint", "endpoints")?;
    let at = pool.endpoints.iter().position(|endpoint| endpoint.id == id);
    Ok((at.unwrap_or(0), rest))
}

fn of_service(plan: &Plan, provenance: &Provenance, rest: &str) -> Result<Answer, Unknown> {
    const VALUES: &[&str] = &["base_url", "auth_token"];
    let ids = plan.upstream_services.keys();
    let (id, rest) = take(rest, ids, "upstream service", "services")?;
    let name = match rest.strip_prefix('.').unwrap_or(rest) {
        "base_url.url" => "base_url",
        name => name,
    };
    let service = plan.upstream_services.get(id);
    let value = match (name, service) {
        ("base_url", Some(service)) => json!(service.base_url.url),
        ("auth_token", Some(service)) => json!(service.auth_token),
        _ => {
            return Err(unknown(
                &format!("`upstream_services.{id}` value"),
                name,
                VALUES,
                "values",
            ));
        }
    };
    let written = provenance.services.get(id).map_or(&[][..], Vec::as_slice);
    let key = format!("Registration.upstream_services.{name}");
    let origin = match place(written, name) {
        Some(span) => Origin::Written {
            key,
            span,
            old: None,
        },
        None => Origin::Absent {
            key,
            entry: place(written, "id"),
        },
    };
    Ok(Answer {
        path: format!("upstream_services.{id}.{name}"),
        value,
        origin,
    })
}

/// A model entry or a pool member.
struct Item<'p> {
    path: String,
    endpoint: &'p Endpoint,
    origin: &'p ItemOrigin,
}

impl Item<'_> {
    /// The item itself, or the value of it that `rest` names.
    fn answer(&self, rest: &str) -> Result<Answer, Unknown> {
        let all = json!(self.endpoint);
        let name = rest.strip_prefix('.').unwrap_or(rest);
        if name.is_empty() {
            let origin = Origin::Written {
                key: format!("{}[{}]", self.origin.list, self.origin.index),
                span: self.origin.span,
                old: None,
            };
            return Ok(Answer {
                path: self.path.clone(),
                value: all,
                origin,
            });
        }
        let named = |(path, keys): &&(&str, &[&str])| *path == name || keys.first() == Some(&name);
        // A value goes before a group that its key would name too.
        let by_path = FIELDS.iter().find(|(path, _)| *path == name);
        let Some((path, keys)) = by_path.or_else(|| FIELDS.iter().rev().find(named)) else {
            let known: Vec<&str> = FIELDS.iter().map(|(path, _)| *path).collect();
            return Err(unknown(
                &format!("`{}` value", self.path),
                name,
                &known,
                "values",
            ));
        };
        let value = inside(&all, path);
        Ok(Answer {
            path: format!("{}.{path}", self.path),
            origin: self.origin_of(path, keys, value.is_null()),
            value,
        })
    }

    fn origin_of(&self, path: &str, keys: &[&'static str], absent: bool) -> Origin {
        let alone = self.origin.list != "Registration.models";
        let entry = Some(self.origin.span);
        let keys = match path {
            "id" if alone => &["id"],
            "enabled" if alone => &[][..],
            _ => keys,
        };
        let written = keys
            .iter()
            .find_map(|key| Some((*key, place(&self.origin.written, key)?)));
        if let Some((key, span)) = written {
            let old = self.origin.old.iter().find(|(current, _)| *current == key);
            return Origin::Written {
                key: self.key(key),
                span,
                old: old.map(|(_, old)| *old),
            };
        }
        let filled = keys
            .iter()
            .find_map(|key| Some((*key, because(&self.origin.filled, key)?)));
        match (filled, keys.first()) {
            (Some((key, because)), _) => Origin::Filled {
                key: self.key(key),
                because,
                entry,
            },
            (None, Some(key)) if absent => Origin::Absent {
                key: self.key(key),
                entry,
            },
            _ => Origin::Made {
                because: match path {
                    "provider" => "made of the id",
                    "enabled" => "a model entry is always on",
                    _ => "a model entry has one endpoint",
                },
                entry,
            },
        }
    }

    /// The whole path of a key in the document.
    fn key(&self, key: &str) -> String {
        let between = if OUTSIDE.contains(&key) {
            ""
        } else {
            "metadata."
        };
        format!("{}[{}].{between}{key}", self.origin.list, self.origin.index)
    }
}

fn place(written: &[Written], key: &str) -> Option<Span> {
    let found = written.iter().find(|(known, _)| *known == key);
    found.map(|(_, span)| *span)
}

fn because(filled: &[Filled], key: &str) -> Option<&'static str> {
    let found = filled.iter().find(|filled| filled.key == key);
    found.map(|filled| filled.because)
}

/// The value at a path of names, or null.
fn inside(value: &Value, path: &str) -> Value {
    let found = path
        .split('.')
        .try_fold(value, |value, name| value.get(name));
    found.cloned().unwrap_or_default()
}

/// The longest known id that `rest` begins with, and what follows it.
fn take<'k, 'r>(
    rest: &'r str,
    ids: impl Iterator<Item = &'k String> + Clone,
    noun: &str,
    nouns: &str,
) -> Result<(&'k str, &'r str), Unknown> {
    let after = |id: &'k String| {
        let after = rest.strip_prefix(id.as_str())?;
        (after.is_empty() || after.starts_with(['.', '['])).then_some((id.as_str(), after))
    };
    let longest = ids.clone().filter_map(after).max_by_key(|(id, _)| id.len());
    longest.ok_or_else(|| {
        let word = rest.split('.').next().unwrap_or_default();
        let known: Vec<&str> = ids.map(String::as_str).collect();
        unknown(noun, word, &known, nouns)
    })
}

fn unknown(noun: &str, word: &str, known: &[&str], nouns: &str) -> Unknown {
    let what = if word.is_empty() {
        format!("the path ends too early: it names no {noun}")
    } else {
        format!("the plan has no {noun} `{word}`")
    };
    Unknown {
        what,
        help: did_you_mean(word, known, nouns),
    }
}
