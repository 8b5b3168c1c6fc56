//! How many requests and tokens a minute go to a target, at its peak.
//!
//! Minutes are those of the clock. Lines stand nearly in the order of time, so
//! only the last hour or so of minutes is kept; a line from before it counts in
//! a minute of its own.

use std::collections::BTreeMap;

use crate::plan::{Plan, Target};

/// Minutes that are still counted.
const OPEN: usize = 64;

/// What goes to one target.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// By minute: requests and tokens.
    open: BTreeMap<u64, (u64, u64)>,
    peak: Peak,
}

/// The most in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// Requests.
    pub rpm: u64,
    /// Tokens, in and out.
    pub tpm: u64,
}

impl Load {
    pub(super) fn add(&mut self, at_ms: u64, tokens: u64) {
        let minute = self.open.entry(at_ms / 60_000).or_default();
        minute.0 += 1;
        minute.1 = minute.1.saturating_add(tokens);
        self.peak.rpm = self.peak.rpm.max(minute.0);
        self.peak.tpm = self.peak.tpm.max(minute.1);
        if self.open.len() > OPEN {
            self.open.pop_first();
        }
    }

    /// The most in one minute so far.
    pub fn peak(&self) -> Peak {
        self.peak
    }
}

/// What the enabled endpoints of a target may take together; of each kind none
/// where one of them declares no limit.
pub(super) fn declared(plan: &Plan, model: &str) -> (Option<u64>, Option<u64>) {
    let Some(target) = plan.resolve(model) else {
        return (None, None);
    };
    let limits = || enabled(&target).map(|endpoint| endpoint.rate_limit.as_ref());
    let rpm = limits().map(|limit| limit?.rpm).sum::<Option<u64>>();
    let tpm = limits().map(|limit| limit?.tpm).sum::<Option<u64>>();
    (rpm, tpm)
}

fn enabled<'p>(target: &Target<'p>) -> impl Iterator<Item = &'p crate::plan::Endpoint> {
    target
        .endpoints()
        .iter()
        .filter(|endpoint| endpoint.enabled)
}
