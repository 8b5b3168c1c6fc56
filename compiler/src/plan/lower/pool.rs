//! Pools: members in their order, and the settings of each, which are those of
//! its own entry, else those of the section, else the defaults.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{DEFAULT, Identity, Lowering, origin, priority};
use crate::check::Member;
use crate::plan::pool::MAX_RETRIES;
use crate::plan::{
    Endpoint, Filled, HealthPolicy, ItemOrigin, OnAllOpen, Pool, RetryBudget, Source, Strategy,
};
use crate::registration::{ModelEntry, PoolEntry, PoolSettings, Registration};

/// A number that can be set: its key for all pools, and where the value goes.
type Number = (&'static str, fn(&mut Pool, u64));

const NUMBERS: [Number; 12] = [
    ("Registration.max_retries", |pool, n| {
        pool.max_retries = small(n);
    }),
    ("Registration.retry_budget.percent", |pool, n| {
        pool.retry_budget.percent = small(n);
    }),
    ("Registration.retry_budget.min_per_second", |pool, n| {
        pool.retry_budget.min_per_second = small(n);
    }),
    ("Registration.retry_budget.window_seconds", |pool, n| {
        pool.retry_budget.window_seconds = small(n);
    }),
    ("Registration.health.cooldown_ms", |pool, n| {
        pool.health.cooldown_ms = n;
    }),
    ("Registration.health.failures_to_open", |pool, n| {
        pool.health.failures_to_open = small(n);
    }),
    ("Registration.health.open_ms", |pool, n| {
        pool.health.open_ms = n;
    }),
    ("Registration.health.half_open_trials", |pool, n| {
        pool.health.half_open_trials = small(n);
    }),
    ("Registration.health.retry_after_max_ms", |pool, n| {
        pool.health.retry_after_max_ms = n;
    }),
    ("Registration.health.latency_window", |pool, n| {
        pool.health.latency_window = small(n);
    }),
    ("Registration.health.latency_max_age_ms", |pool, n| {
        pool.health.latency_max_age_ms = n;
    }),
    ("Registration.health.ewma_decay_ms", |pool, n| {
        pool.health.ewma_decay_ms = n;
    }),
];

/// The words and switches that can be set, by their key for all pools.
const WORDS: [&str; 3] = [
    "Registration.strategy",
    "Registration.on_all_open",
    "Registration.enforce_rate_limits",
];

/// Every range of a key lies within it.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The path of a setting in a pool, from its key for all pools.
fn path(key: &'static str) -> &'static str {
    key.strip_prefix("Registration.").unwrap_or(key)
}

impl Lowering {
    /// `members` of each pool in document order, and which entry of
    /// `Registration.pools` is about it.
    pub(super) fn pools(
        &mut self,
        registration: &Registration,
        members: BTreeMap<String, Vec<Member>>,
        entries: &BTreeMap<String, usize>,
    ) -> BTreeMap<String, Pool> {
        let mut pools = BTreeMap::new();
        let Some(section) = &registration.pools else {
            return pools;
        };
        if members.is_empty() {
            return pools;
        }
        let common = self.common(&section.settings);
        for (id, mut members) in members {
            members.sort_by(|a, b| {
                let order = |member: &Member| priority(&section.models[member.entry]);
                (order(a), &a.endpoint_id).cmp(&(order(b), &b.endpoint_id))
            });
            let mut endpoints = Vec::with_capacity(members.len());
            let mut origins = Vec::with_capacity(members.len());
            for member in members {
                let made = self.member(&section.models[member.entry], member);
                if let Some((endpoint, origin)) = made {
                    endpoints.push(endpoint);
                    origins.push(origin);
                }
            }
            self.provenance.pools.insert(id.clone(), origins);
            let mut pool = Pool {
                endpoints,
                ..common.clone()
            };
            if let Some(at) = entries.get(&id) {
                self.own(&id, &section.pools[*at], &mut pool);
            }
            pools.insert(id, pool);
        }
        pools
    }

    /// A pool without members, as the section and the defaults have it.
    fn common(&mut self, written: &PoolSettings) -> Pool {
        let mut pool = Pool {
            endpoints: Vec::new(),
            enforce_rate_limits: false,
            health: HealthPolicy::default(),
            max_retries: MAX_RETRIES,
            on_all_open: OnAllOpen::FailOpen,
            retry_budget: RetryBudget::default(),
            strategy: Strategy::Priority,
        };
        put(&mut pool, written);
        let values: BTreeMap<&str, String> = pool.settings().into_iter().collect();
        let spans: BTreeMap<&str, _> = written.written().collect();
        let keys = NUMBERS.iter().map(|(key, _)| *key);
        for key in WORDS.into_iter().chain(keys) {
            match spans.get(path(key)) {
                Some(span) => self.provenance.written.push((key, *span)),
                None => self.provenance.filled.push(Filled {
                    key,
                    value: Cow::Owned(values.get(path(key)).cloned().unwrap_or_default()),
                    because: DEFAULT,
                }),
            }
        }
        pool
    }

    /// What the pool's own entry says.
    fn own(&mut self, id: &str, entry: &PoolEntry, pool: &mut Pool) {
        put(pool, &entry.settings);
        for (name, span) in entry.settings.written() {
            self.note(
                format!("pools.{id}.{name}"),
                format!("Registration.pools[{}].{name}", entry.index),
                Source::Written(span),
            );
        }
    }

    fn member(&mut self, entry: &ModelEntry, member: Member) -> Option<(Endpoint, ItemOrigin)> {
        let mut filled = Vec::new();
        if let Some(because) = member.id_because {
            let value = Cow::Owned(member.endpoint_id.clone());
            filled.push(Filled {
                key: "pool_endpoint_id",
                value,
                because,
            });
        }
        let identity = Identity {
            id: member.endpoint_id,
            provider: member.provider,
        };
        let endpoint = self.endpoint(entry, identity, &mut filled)?;
        Some((endpoint, origin(entry, filled)))
    }
}

fn put(pool: &mut Pool, written: &PoolSettings) {
    if let Some(strategy) = &written.strategy {
        pool.strategy = strategy.value;
    }
    if let Some(word) = &written.on_all_open {
        pool.on_all_open = word.value;
    }
    if let Some(flag) = &written.enforce_rate_limits {
        pool.enforce_rate_limits = flag.value;
    }
    for (key, set) in &NUMBERS {
        if let Some(number) = written.number(path(key)) {
            set(pool, number.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_key() {
        let numbers = NUMBERS.iter().map(|(key, _)| *key);
        let mut keys: Vec<&str> = WORDS.into_iter().chain(numbers).map(path).collect();
        let mut settings = Pool::SETTINGS.to_vec();
        keys.sort_unstable();
        settings.sort_unstable();
        assert_eq!(keys, settings);
    }
}
