//! Where each part of a plan was written, and what was filled in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::plan::Slot;
use crate::source::Span;

/// A side table beside a plan. It holds places; the plan holds none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Model entries by id.
    pub models: BTreeMap<String, ItemOrigin>,
    /// Pool members by pool id, in the order of the plan.
    pub pools: BTreeMap<String, Vec<ItemOrigin>>,
    /// Values of slots.
    pub slots: BTreeMap<Slot, Span>,
    /// Upstream services by id.
    pub services: BTreeMap<String, Vec<Written>>,
    /// Values outside of models, pools, slots and services that were written.
    pub written: Vec<Written>,
    /// Defaults outside of models and pools, in plan order.
    pub filled: Vec<Filled>,
    /// Values of the smart router, governance, access and the runtime, in plan order.
    pub traced: Vec<Traced>,
}

/// A value of a section, by its path in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The path in the plan, for example `smart_router.rules[0].priority`.
    pub path: String,
    /// The key in the document that says it, or would.
    pub key: Cow<'static, str>,
    /// Where the value comes from.
    pub source: Source,
}

/// Where a traced value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was written here.
    Written(Span),
    /// It was filled in: the value, and what it comes from.
    Filled(String, &'static str),
}

/// Where a model entry or a pool member was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemOrigin {
    /// The entry.
    pub span: Span,
    /// The list it stands in: `Models`, `Registration.models` or `Providers`.
    pub list: &'static str,
    /// Position in its list in the document set, from 0.
    pub index: usize,
    /// The values that were written.
    pub written: Vec<Written>,
    /// Keys that were written in their old spelling: the current one and the old one.
    pub old: Vec<(&'static str, &'static str)>,
    /// What the document left out, in plan order.
    pub filled: Vec<Filled>,
}

/// A key and the place of its value.
pub type Written = (&'static str, Span);

/// A value that the document left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The key as a document would write it.
    pub key: &'static str,
    /// The value that was filled in.
    pub value: Cow<'static, str>,
    /// Where that value comes from.
    pub because: &'static str,
}
