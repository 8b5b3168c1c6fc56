//! What the user wrote, typed: a document set as structs in which every leaf
//! keeps its place.
//!
//! Reading never stops at a mistake: what cannot be read is reported once and
//! left out. Whether names exist and numbers fit together is asked later, in
//! `check`; which defaults apply is decided in `plan`.

mod address;
mod model;
mod pool;
mod read;
mod router;
mod sections;

use std::collections::BTreeSet;

use crate::diagnostic::Problems;
use crate::plan::{LogLevel, Mode};
use crate::source::{Span, Spanned};
use crate::tree::Root;

pub use address::{inferred_interface, literal_host, normal_url, shown_url};
pub use model::{Metadata, ModelEntry};
pub use pool::{Pools, ServiceEntry};
pub use router::RouterSection;

/// A document set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registration {
    /// A place that stands for the whole document; absent when it has no text.
    pub head: Option<Span>,
    /// `HOST`
    pub host: Option<Spanned<String>>,
    /// `PORT`
    pub port: Option<Spanned<u16>>,
    /// `APIKEY`
    pub api_key: Option<Spanned<String>>,
    /// `API_TIMEOUT_MS`; zero and below mean no limit.
    pub timeout_ms: Option<Spanned<i64>>,
    /// `LOG_LEVEL`
    pub log_level: Option<Spanned<LogLevel>>,
    /// `Runtime.mode`
    pub mode: Option<Spanned<Mode>>,
    /// `Models`
    pub models: Vec<ModelEntry>,
    /// `Registration`
    pub pools: Option<Pools>,
    /// `Router`
    pub router: RouterSection,
    /// Known sections that were given and have no effect yet.
    pub inert: BTreeSet<&'static str>,
    /// Whether every section, list and name could be read. When not, a name
    /// that seems to be missing may be there, and must not be reported.
    pub whole: bool,
}

/// Reads a tree. Reports unknown and misspelt keys, wrong types, missing keys,
/// values outside their words or ranges, and sections without effect.
pub fn read(root: &Root<'_>, problems: &mut Problems) -> Registration {
    sections::read(root, problems)
}
