//! The plan as canonical JSON, its hash, and reading it back.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufWriter, Write};

use serde::de::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use super::{Plan, SCHEMA, Slot};
use crate::matching::Matcher;

/// BLAKE3 over the canonical JSON, in hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// Reads a whole hash, in either case; none for any other text.
    pub fn from_hex(text: &str) -> Option<Self> {
        let whole = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        whole.then(|| Self(text.to_ascii_lowercase()))
    }

    /// All 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 digits, for people and for headers.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a plan.
#[derive(Debug)]
pub enum ReadPlanError {
    /// Not JSON of the plan's form.
    Malformed(serde_json::Error),
    /// A plan of another version.
    Schema(String),
}

impl fmt::Display for ReadPlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a plan: {error}"),
            Self::Schema(found) => {
                write!(f, "plan has schema `{found}`, this ctr reads `{SCHEMA}`")
            }
        }
    }
}

impl std::error::Error for ReadPlanError {}

/// Slots by their word: in memory they stand in the order of a review, in JSON keys are sorted.
pub(super) fn by_word<S: Serializer>(
    slots: &BTreeMap<Slot, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let sorted: BTreeMap<&str, &String> = slots
        .iter()
        .map(|(slot, name)| (slot.word(), name))
        .collect();
    serializer.collect_map(sorted)
}

impl Plan {
    /// The canonical JSON: UTF-8, no white space, keys sorted, absent values left out.
    pub fn to_canonical_json(&self) -> String {
        serde_json::to_string(self).expect("a plan has string keys and finite numbers only")
    }

    /// BLAKE3 over [`Plan::to_canonical_json`].
    pub fn hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        // Written straight into the hasher, in pieces: the text may be as long as the registration.
        let mut text = BufWriter::with_capacity(1 << 16, &mut hasher);
        let written = serde_json::to_writer(&mut text, self);
        written.expect("a plan has string keys and finite numbers only");
        text.flush().expect("a hasher takes everything");
        drop(text);
        Hash(hasher.finalize().to_hex().to_string())
    }

    /// Whether a text looks like a compiled plan rather than a registration.
    pub fn is_plan(text: &str) -> bool {
        #[derive(Deserialize)]
        struct Head {
            schema: Option<String>,
        }
        text.trim_start().starts_with('{')
            && serde_json::from_str::<Head>(text).is_ok_and(|head| {
                head.schema
                    .is_some_and(|schema| schema.starts_with("ctr.plan/"))
            })
    }

    /// Reads canonical JSON back. White space and key order do not matter.
    ///
    /// # Errors
    /// When the text is not JSON of this form, has another schema version, or a rule
    /// with an expression that cannot be compiled.
    pub fn from_json(text: &str) -> Result<Self, ReadPlanError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head = serde_json::from_str(text).map_err(ReadPlanError::Malformed)?;
        if head.schema != SCHEMA {
            return Err(ReadPlanError::Schema(head.schema));
        }
        let plan: Self = serde_json::from_str(text).map_err(ReadPlanError::Malformed)?;
        if let Some(smart) = &plan.smart_router {
            Matcher::new(&smart.rules)
                .map_err(|error| ReadPlanError::Malformed(serde_json::Error::custom(error)))?;
        }
        Ok(plan)
    }
}
