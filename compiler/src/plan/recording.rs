//! What a proxy records of the requests it serves.

use serde::{Deserialize, Serialize};

/// A file of recorded requests, and what goes into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Recording ends when the file has so many bytes.
    pub max_bytes: u64,
    /// The file; a relative path is one in the state directory.
    pub path: String,
    /// The share of requests that is recorded, 0 to 1.
    pub sample: f64,
    /// Whether texts are kept, redacted.
    pub text: bool,
}

impl Recording {
    /// Bytes of a file where nothing else is said: a gibibyte.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Every request, without texts.
    pub fn to(path: impl Into<String>) -> Self {
        Self {
            max_bytes: Self::MAX_BYTES,
            path: path.into(),
            sample: 1.0,
            text: false,
        }
    }
}
