//! What the user wrote, typed: a document set as structs in which every leaf
//! keeps its place.
//!
//! Reading never stops at a mistake: what cannot be read is reported once and
//! left out. Whether names exist and numbers fit together is asked later, in
//! `check`; which defaults apply is decided in `plan`.

mod address;
mod auth;
mod effective;
mod gaps;
mod governance;
mod host;
mod key;
mod lint;
mod model;
mod path;
mod pool;
mod provider;
mod read;
mod route_test;
mod router;
mod rule;
mod runtime;
mod sections;
mod smart;
mod trigger;

use crate::diagnostic::Problems;
use crate::plan::{LogLevel, Mode};
use crate::source::{Span, Spanned};
use crate::tree::Root;

pub use address::{inferred_interface, is_exact, literal_host, normal_url, shown_url};
pub use auth::ManagedKeyEntry;
pub use effective::{Effective, Enabled, Found};
pub use gaps::Gaps;
pub use governance::{CascadeBlock, GovernanceSection, LevelEntry, ShadowBlock, Thresholds};
pub use host::{is_public_host, not_a_host};
pub use key::{Key, Meaning, Standing, Takes};
pub use lint::{Level, LintSection, WaiverEntry};
pub use model::{Metadata, ModelEntry};
pub use pool::{PoolEntry, PoolSettings, Pools, ServiceEntry};
pub use provider::ProviderEntry;
pub use route_test::{Expect, Named, Spoken, TestEntry, When};
pub use router::{RouterSection, Unified};
pub use rule::{Matcher, PatternEntry, RuleEntry};
pub use runtime::{CorpusBlock, RemoteBlock, RuntimeSection, SecurityBlock};
pub use sections::VOCABULARY;
pub use smart::{CandidateEntry, Choice, SemanticBlock, SmartSection, StickyBlock};
pub use trigger::TriggerSection;

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
    /// `Models`
    pub models: Vec<ModelEntry>,
    /// `Providers`
    pub providers: Vec<ProviderEntry>,
    /// The key `Providers`, if it is there.
    pub providers_head: Option<Span>,
    /// `Registration`
    pub pools: Option<Pools>,
    /// `Router`
    pub router: RouterSection,
    /// `SmartRouter`
    pub smart: Option<SmartSection>,
    /// `TriggerRouter`
    pub trigger: Option<TriggerSection>,
    /// `Runtime`
    pub runtime: Option<RuntimeSection>,
    /// `Auth.managed_keys`
    pub managed_keys: Vec<ManagedKeyEntry>,
    /// `Governance`
    pub governance: Option<GovernanceSection>,
    /// `Lint`
    pub lint: LintSection,
    /// `forceUseImageAgent`
    pub force_image_agent: Option<Spanned<bool>>,
    /// `Tests`
    pub tests: Vec<TestEntry>,
    /// Which of the problems, in the order they were found, are those of `Tests`.
    pub test_problems: std::ops::Range<usize>,
    /// Whether every section, list and name could be read. When not, a name
    /// that seems to be missing may be there, and must not be reported.
    pub whole: bool,
    /// Where a mistake was told while reading, outside of `Tests`.
    pub gaps: Gaps,
}

impl Registration {
    /// Whether pools are switched on.
    pub fn has_pools(&self) -> bool {
        let enabled = self.pools.as_ref().and_then(|pools| pools.enabled.as_ref());
        enabled.is_some_and(|enabled| enabled.value)
    }

    /// Whether requests are forwarded to another ctr, or perhaps meant to be, so that
    /// no model is needed here.
    pub fn may_forward(&self) -> bool {
        let Some(runtime) = &self.runtime else {
            return false;
        };
        let is_local = runtime
            .mode
            .as_ref()
            .is_none_or(|mode| mode.value == Mode::Local);
        let is_on = runtime.remote.as_ref().is_some_and(RemoteBlock::is_on);
        is_local && (is_on || self.gaps.has("Runtime.remote_service.enabled"))
    }

    /// `Providers`, which count only where there are no `Models`.
    pub fn used_providers(&self) -> &[ProviderEntry] {
        if self.models.is_empty() {
            &self.providers
        } else {
            &[]
        }
    }

    /// `Providers` that do not count.
    pub fn ignored_providers(&self) -> &[ProviderEntry] {
        if self.models.is_empty() {
            &[]
        } else {
            &self.providers
        }
    }
}

/// Reads a tree. Reports unknown and misspelt keys, wrong types, missing keys,
/// values outside their words or ranges, and sections without effect.
pub fn read(root: &Root<'_>, problems: &mut Problems) -> Registration {
    sections::read(root, problems)
}
