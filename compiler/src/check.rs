//! Does what was written fit together? The passes run in a fixed order over a
//! typed registration and report; together they are the only maker of
//! [`Checked`], which the plan is lowered from.

mod ability;
mod access;
mod called;
mod cascade;
mod fallback;
mod governance;
mod keys;
mod legacy;
mod members;
mod models;
mod network;
mod numbers;
mod pools;
mod positions;
mod rates;
mod reach;
mod references;
mod rules;
mod services;
mod settings;
mod shared;
mod slots;
mod smart;
mod targets;
mod unapplied;
mod variables;
mod weights;

use std::collections::BTreeMap;

pub(crate) use models::wrong_url;
pub(crate) use network::is_public as is_public_host;

use crate::VariableUse;
use crate::diagnostic::Problems;
use crate::plan::Slot;
use crate::registration::Registration;
use crate::source::{Sources, Spanned};
pub(crate) use pools::provider_name;
use references::Reference;
use targets::Targets;

/// A registration whose names are resolved. Where it came with errors it may
/// have gaps, and no plan is made of it.
#[derive(Clone, Debug)]
pub struct Checked {
    pub(crate) registration: Registration,
    /// Members of each pool, in document order; empty where pools are switched off.
    pub(crate) pools: BTreeMap<String, Vec<Member>>,
    /// Which entry of `Registration.pools` is about a pool, by the pool's id.
    pub(crate) pool_entries: BTreeMap<String, usize>,
    /// The slots that resolve.
    pub(crate) slots: BTreeMap<Slot, Spanned<String>>,
    pub(crate) variables: Vec<VariableUse>,
}

/// A pool member with the names compilation gives it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Index into `Registration.models`.
    pub(crate) entry: usize,
    pub(crate) endpoint_id: String,
    pub(crate) provider: String,
    /// Where the endpoint id comes from, when it was not written.
    pub(crate) id_because: Option<&'static str>,
}

/// Runs all passes. `sources` are what the registration was read from, for
/// places inside of texts. `complete` is false when part of the text could not be
/// read; what then only seems to be missing is not reported.
pub fn check(
    registration: Registration,
    sources: &Sources,
    complete: bool,
    problems: &mut Problems,
) -> Checked {
    // A value that could not be read may be the one that makes a difference.
    let certain = complete && !problems.has_errors();
    models::check(&registration, complete, problems);
    let pools = pools::check(&registration, problems);
    let pool_entries = settings::check(&registration, &pools, complete, problems);
    services::check(&registration, complete, problems);
    legacy::check(&registration, problems);
    smart::check(&registration, sources, complete, certain, problems);
    governance::check(&registration, problems);
    let named = references::check(&registration, &pools, complete, problems);
    access::check(&registration, problems);
    keys::check(&registration, problems);
    numbers::check(&registration, problems);
    network::check(&registration, problems);
    let resolved = named.len() == references::all(&registration).len();
    let seen = members::pools(&registration, &pools, &pool_entries);
    reach::check(&seen, &named, resolved, certain, problems);
    if certain {
        positions::check(&seen, problems);
        shared::check(&seen, problems);
        fallback::check(&seen, problems);
        rates::check(&seen, problems);
        let targets = Targets::of(&registration, &seen, &named);
        slots::check(&registration.router, &named, &targets, problems);
        slots::blind(&registration, problems);
        cascade::check(&registration, &targets, problems);
        weights::check(&seen, problems);
    }
    unapplied::check(&registration, problems);
    let variables = variables::check(&registration, sources, problems);
    let slots = named.iter().filter_map(Reference::of_slot).collect();
    Checked {
        registration,
        pools,
        pool_entries,
        slots,
        variables,
    }
}
