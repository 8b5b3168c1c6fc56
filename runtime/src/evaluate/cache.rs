//! Answers that were asked for before, one owner-only file each. A file that cannot
//! be read is as good as none; one that cannot be written is asked for again.
//!
//! Only answers are kept. What failed is asked again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Kept;
use super::call::Said;
use crate::pool::{create_private, open_private};

/// Bytes that a file may have.
const LARGEST: u64 = 32 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    output: String,
    latency_ms: f64,
}

pub(super) struct Cache(Kept);

impl Cache {
    pub(super) fn new(kept: &Kept) -> Self {
        Self(kept.clone())
    }

    /// By the whole request, which names the model, by what answers depend on, and
    /// by the number of the repeat.
    fn path(&self, body: &Value, repeat: usize) -> PathBuf {
        let key = format!("{}\n{repeat}\n{body}", self.0.scope);
        let hash = blake3::hash(key.as_bytes()).to_hex();
        self.0.directory.join(format!("{hash}.json"))
    }

    pub(super) fn get(&self, body: &Value, repeat: usize) -> Option<Said> {
        let mut text = String::new();
        let file = File::open(self.path(body, repeat)).ok()?;
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        let written: Written = serde_json::from_str(&text).ok()?;
        Some(Said {
            text: written.output,
            latency_ms: written.latency_ms,
        })
    }

    pub(super) fn put(&self, body: &Value, repeat: usize, said: &Said) {
        let path = self.path(body, repeat);
        if let Err(error) = write(&self.0.directory, &path, said) {
            tracing::warn!(%error, "an answer cannot be kept");
        }
    }
}

/// Writes beside and renames, so that nobody reads half of it.
fn write(directory: &Path, path: &Path, said: &Said) -> std::io::Result<()> {
    create_private(directory)?;
    let text = serde_json::to_vec(&Written {
        output: said.text.clone(),
        latency_ms: said.latency_ms,
    })?;
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    open_private(&beside)?.write_all(&text)?;
    fs::rename(&beside, path)
}
