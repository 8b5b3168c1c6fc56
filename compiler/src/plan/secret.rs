//! Secrets are names: what a plan may say about a key, and the table that
//! keeps literal values apart from it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Endpoint, Plan};
use crate::registration::shown_url;
use crate::variable;

/// Marks a fingerprint in a plan, so that it cannot be taken for a value.
const PREFIX: &str = "secret:";

/// A short hash that tells two secrets apart without telling what they are:
/// the first 64 bits of BLAKE3 in key-derivation mode, so that it equals no
/// hash made elsewhere for another purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Fingerprint of a secret text.
    pub fn of(secret: &str) -> Self {
        let hash = blake3::derive_key("ctr 2026 secret fingerprint", secret.as_bytes());
        let hex: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self(format!("{PREFIX}{hex}"))
    }

    /// Where the first fingerprint of a text stands.
    pub fn find(text: &str) -> Option<std::ops::Range<usize>> {
        text.match_indices(PREFIX).find_map(|(start, _)| {
            let end = start + PREFIX.len() + 16;
            let hex = text.get(start + PREFIX.len()..end)?;
            hex.bytes()
                .all(|byte| byte.is_ascii_hexdigit())
                .then_some(start..end)
        })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a plan says in place of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SecretRef {
    /// `${NAME}`, or `${NAME:-}` for one that may be unset: nothing to hide.
    Variable(String),
    /// Anything else; the text itself is in [`Secrets`].
    Kept(Fingerprint),
}

impl SecretRef {
    /// Reads a secret field: a lone `${NAME}` stays readable, any other text
    /// moves into `secrets` and leaves its fingerprint.
    pub(crate) fn from_text(text: &str, secrets: &mut Secrets) -> Self {
        if is_lone_variable(text) {
            Self::Variable(text.to_owned())
        } else {
            Self::Kept(secrets.keep(text))
        }
    }

    /// The text to expand at activation: the reference itself, or what
    /// `secrets` holds for the fingerprint; none if it holds nothing.
    pub fn text<'s>(&'s self, secrets: &'s Secrets) -> Option<&'s str> {
        match self {
            Self::Variable(text) => Some(text),
            Self::Kept(fingerprint) => secrets.reveal(fingerprint),
        }
    }
}

impl SecretRef {
    /// Whether it is anything but a lone `${NAME}`: a fingerprint, or a text
    /// that somebody wrote into a plan.
    fn is_literal(&self) -> bool {
        match self {
            Self::Variable(text) => !text.is_empty() && !is_lone_variable(text),
            Self::Kept(_) => true,
        }
    }
}

impl Plan {
    /// The places of literal secrets that serving needs, as paths in the plan.
    /// Where there are any, the plan cannot be served without its registration.
    pub fn literal_secrets(&self) -> Vec<String> {
        let mut places = Vec::new();
        if self
            .listen
            .api_key
            .as_ref()
            .is_some_and(SecretRef::is_literal)
        {
            places.push("listen.api_key".to_owned());
        }
        let mut look = |path: String, endpoint: &Endpoint| {
            if endpoint.api.secret.is_some() || shown_url(&endpoint.api.url).1 {
                places.push(format!("{path}.api"));
            }
            if endpoint.key.is_literal() {
                places.push(format!("{path}.key"));
            }
        };
        for (id, endpoint) in &self.models {
            look(format!("models.{id}"), endpoint);
        }
        for (id, pool) in &self.pools {
            for endpoint in &pool.endpoints {
                look(format!("pools.{id}.endpoints.{}", endpoint.id), endpoint);
            }
        }
        places
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(text) => f.write_str(text),
            Self::Kept(fingerprint) => fingerprint.fmt(f),
        }
    }
}

impl From<String> for SecretRef {
    fn from(text: String) -> Self {
        if text.starts_with(PREFIX) {
            Self::Kept(Fingerprint(text))
        } else {
            Self::Variable(text)
        }
    }
}

impl From<SecretRef> for String {
    fn from(secret: SecretRef) -> Self {
        secret.to_string()
    }
}

/// Whether a text is exactly one reference that carries no literal part.
pub(crate) fn is_lone_variable(text: &str) -> bool {
    let inside = text
        .strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'));
    inside.is_some_and(|inside| variable::is_name(inside.strip_suffix(":-").unwrap_or(inside)))
}

/// Literal secrets by fingerprint, kept beside a plan and never written out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    kept: BTreeMap<Fingerprint, String>,
}

impl Secrets {
    /// Keeps a text and returns what a plan may say of it.
    pub(crate) fn keep(&mut self, text: &str) -> Fingerprint {
        let fingerprint = Fingerprint::of(text);
        self.kept.insert(fingerprint.clone(), text.to_owned());
        fingerprint
    }

    /// The text behind a fingerprint; it may hold `${NAME}` references.
    pub fn reveal(&self, fingerprint: &Fingerprint) -> Option<&str> {
        self.kept.get(fingerprint).map(String::as_str)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kept.keys()).finish()
    }
}
