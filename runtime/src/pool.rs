//! Live endpoint records, keyed by identity, so that they survive a reload; and,
//! saved in a file, the process.
//!
//! What a record means is said in the compiler's `health`; here it is only kept,
//! each behind a lock of its own that is held for one step and never across a wait.

mod file;
mod left;
mod probe;
mod save;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ctr_compiler::health::{Budget, Failure, Health, NotNow, Observed, Permit, Saved, Seen, Terms};
use ctr_compiler::plan::{Endpoint, Plan, RetryBudget};
use foldhash::HashMap;

use crate::activate::Account;
use crate::clock::Clock;

use left::Left;

pub(crate) use file::{NAME as STATE, StateFile, create_private, make_private, open_private};
pub(crate) use probe::{Filter, Probed, Prober};
use save::Changed;
pub(crate) use save::Saver;

/// What makes two endpoints of two plans the same one: id, address, model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    id: String,
    api: String,
    model: String,
}

/// The record of one endpoint, shared by every plan that names it.
#[derive(Debug, Default)]
pub struct Record {
    observed: Mutex<Observed>,
    /// Whose account it is asked with.
    account: Mutex<Option<Account>>,
    changed: Arc<Changed>,
}

impl Record {
    /// What a decision about a request of so many tokens looks at.
    pub fn seen(&self, terms: &Terms, now: u64, tokens: u64) -> Seen {
        lock(&self.observed).seen(terms, now, tokens)
    }

    /// Lets a request of this account in; see [`Observed::enter`].
    ///
    /// # Errors
    /// [`NotNow`] when others took what was free since the decision, or found it failing.
    pub fn enter(
        self: &Arc<Self>,
        terms: &Arc<Terms>,
        account: Account,
        way: &Way<'_>,
        regardless: bool,
    ) -> Result<Entered, NotNow> {
        let now = way.clock.now_ms();
        let permit = lock(&self.observed).enter(terms, now, way.tokens, way.turn, regardless)?;
        if terms.limit.is_some() {
            self.changed.note();
        }
        Ok(Entered {
            record: Arc::clone(self),
            terms: Arc::clone(terms),
            account,
            clock: way.clock.clone(),
            permit,
            used: None,
        })
    }

    /// Notes the account that it is asked with from now on.
    pub fn is_asked_as(&self, account: Account) {
        let mut asked_as = lock(&self.account);
        let before = asked_as.replace(account);
        if before.is_some_and(|before| before != account) {
            lock(&self.observed).has_another_key();
            self.changed.note();
        }
    }

    /// Notes what a probe found; see [`Observed::probed`].
    pub fn probed(&self, terms: &Terms, now: u64, sent: u64, answered: bool) {
        lock(&self.observed).probed(terms, now, sent, answered);
        self.changed.note();
    }

    /// A copy of everything, for views.
    pub fn observed(&self) -> Observed {
        lock(&self.observed).clone()
    }

    /// A copy of how it fared.
    pub fn health(&self) -> Health {
        lock(&self.observed).health.clone()
    }
}

/// What a request brings to the endpoints it tries.
#[derive(Debug)]
pub struct Way<'c> {
    /// Tells the time.
    pub clock: &'c Clock,
    /// Tokens it will probably use.
    pub tokens: u64,
    /// Its number among the requests of the process.
    pub turn: u64,
}

/// A request at an endpoint. Dropping it is leaving.
#[derive(Debug)]
pub struct Entered {
    record: Arc<Record>,
    terms: Arc<Terms>,
    account: Account,
    clock: Clock,
    permit: Permit,
    used: Option<u64>,
}

impl Entered {
    /// Notes that the attempt failed, and for how long the upstream asked to be left alone.
    /// A key that was refused after another took its place is nothing to note.
    pub fn failed(&self, failure: Failure, told_ms: Option<u64>) {
        let now = self.clock.now_ms();
        let asked_as = lock(&self.record.account);
        let is_replaced = asked_as.is_some_and(|account| account != self.account);
        if is_replaced && failure == Failure::Credential {
            return;
        }
        let mut observed = lock(&self.record.observed);
        observed.failed(&self.permit, &self.terms, now, failure, told_ms);
        drop(observed);
        self.record.changed.note();
    }

    /// Notes that not all of the request came; see [`Observed::never_went`].
    pub fn never_went(&self) {
        lock(&self.record.observed).never_went(&self.permit, &self.terms);
    }

    /// Notes that an answer began; see [`Observed::answers`].
    pub fn answers(&mut self) {
        lock(&self.record.observed).answers(&mut self.permit);
    }

    /// Notes that it succeeded, and after how long.
    pub fn succeeded(&self, latency_ms: u64) {
        let now = self.clock.now_ms();
        lock(&self.record.observed).succeeded(&self.permit, &self.terms, now, latency_ms);
        self.record.changed.note();
    }

    /// Whether a limit is enforced, which the tokens of the answer may count against.
    pub fn counts_tokens(&self) -> bool {
        self.terms.limit.is_some()
    }

    /// Notes the tokens that the answer told.
    pub fn used(&mut self, tokens: Option<u64>) {
        self.used = tokens.or(self.used);
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let now = self.clock.now_ms();
        lock(&self.record.observed).leave(&self.permit, &self.terms, now, self.used);
        if self.counts_tokens() {
            self.record.changed.note();
        }
    }
}

/// The retry budget of one pool.
#[derive(Debug, Default)]
pub struct PoolRecord(Mutex<Budget>);

impl PoolRecord {
    /// Counts a request.
    pub fn request(&self, terms: &RetryBudget, now: u64) {
        lock(&self.0).request(terms, now);
    }

    /// Takes one retry, if there is one.
    pub fn retry(&self, terms: &RetryBudget, now: u64) -> bool {
        lock(&self.0).retry(terms, now)
    }
}

/// Numbers for requests, and a number by chance with each.
#[derive(Debug)]
pub struct Lots {
    seed: u64,
    turns: AtomicU64,
}

impl Default for Lots {
    fn default() -> Self {
        Self {
            seed: RandomState::new().hash_one(0),
            turns: AtomicU64::new(0),
        }
    }
}

impl Lots {
    /// The number of the next request, from 1, and its ticket.
    pub fn draw(&self) -> (u64, u64) {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed) + 1;
        (turn, self.seed.wrapping_add(turn.wrapping_mul(SPREAD)))
    }
}

/// Consecutive turns give tickets that are far from each other.
const SPREAD: u64 = 0xd1b5_4a32_d192_ed03;

/// All records. Those that no plan names any more are dropped at the next swap.
#[derive(Debug, Default)]
pub struct Records {
    clock: Clock,
    lots: Arc<Lots>,
    changed: Arc<Changed>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    endpoints: HashMap<Identity, Arc<Record>>,
    pools: HashMap<String, Arc<PoolRecord>>,
    /// What an earlier process left, until a plan asked for it.
    left: Left,
}

/// The records a plan needs.
#[derive(Debug)]
pub struct Adopted {
    /// For every endpoint, in the order of [`Plan::endpoints`], with its terms.
    pub endpoints: Vec<(Arc<Record>, Arc<Terms>)>,
    /// For every pool, by id.
    pub pools: HashMap<String, Arc<PoolRecord>>,
    /// Numbers for requests.
    pub lots: Arc<Lots>,
    /// Tells the time.
    pub clock: Clock,
}

impl Records {
    /// Records that tell the time by a clock of the caller's own.
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            clock,
            ..Self::default()
        }
    }

    /// Takes over what an earlier process left. Only the first plan that is
    /// adopted afterwards asks for it.
    pub(crate) fn restore(&self, left: impl IntoIterator<Item = Saved>) {
        lock(&self.known).left = left.into_iter().collect();
    }

    /// The records of everything in `plan`, keeping those that exist and
    /// forgetting those the plan does not name.
    pub fn adopt(&self, plan: &Plan) -> Adopted {
        let mut known = lock(&self.known);
        let left = std::mem::take(&mut known.left);
        let mut kept = HashMap::default();
        let mut endpoints = Vec::new();
        let now = self.clock.now_ms();
        for (pool, endpoint, terms) in with_terms(plan) {
            let identity = identity(endpoint);
            let record = known.endpoints.get(&identity).cloned();
            let record = record.unwrap_or_else(|| {
                let saved = pool.and_then(|pool| left.of(pool, &identity));
                let observed = saved.map(|saved| Observed::restored(saved, &terms.policy, now));
                Arc::new(Record {
                    observed: Mutex::new(observed.unwrap_or_default()),
                    account: Mutex::default(),
                    changed: Arc::clone(&self.changed),
                })
            });
            kept.insert(identity, Arc::clone(&record));
            endpoints.push((record, terms));
        }
        known.endpoints = kept;
        let mut pools = HashMap::default();
        for id in plan.pools.keys() {
            let record = known.pools.get(id).cloned().unwrap_or_default();
            pools.insert(id.clone(), record);
        }
        known.pools = pools.clone();
        Adopted {
            endpoints,
            pools,
            lots: Arc::clone(&self.lots),
            clock: self.clock.clone(),
        }
    }

    /// What is to be said of every pool endpoint of `plan` to the next process.
    pub fn saved(&self, plan: &Plan) -> Vec<Saved> {
        let known = lock(&self.known);
        let mut all = Vec::new();
        for (id, pool) in &plan.pools {
            for endpoint in &pool.endpoints {
                let identity = identity(endpoint);
                if let Some(record) = known.endpoints.get(&identity) {
                    let mut saved = lock(&record.observed).saved(id, &endpoint.id);
                    saved.api = Some(identity.api);
                    saved.model = Some(identity.model);
                    all.push(saved);
                }
            }
        }
        all
    }
}

/// Every endpoint in the order of [`Plan::endpoints`], with its pool and its terms.
fn with_terms(plan: &Plan) -> impl Iterator<Item = (Option<&str>, &Endpoint, Arc<Terms>)> {
    let alone = Arc::new(Terms::default());
    let models = plan.models.values();
    let models = models.map(move |endpoint| (None, endpoint, Arc::clone(&alone)));
    let pools = plan.pools.iter().flat_map(|(id, pool)| {
        let common = Arc::new(Terms::in_pool(pool, None));
        pool.endpoints.iter().map(move |endpoint| {
            let terms = match &endpoint.rate_limit {
                Some(limit) if pool.enforce_rate_limits => {
                    Arc::new(Terms::in_pool(pool, Some(limit)))
                }
                _ => Arc::clone(&common),
            };
            (Some(id.as_str()), endpoint, terms)
        })
    });
    models.chain(pools)
}

fn identity(endpoint: &Endpoint) -> Identity {
    let api = match &endpoint.api.secret {
        Some(fingerprint) => format!("{}#{fingerprint}", endpoint.api.url),
        None => endpoint.api.url.clone(),
    };
    Identity {
        id: endpoint.id.clone(),
        api,
        model: endpoint.model.clone(),
    }
}

/// What is locked is valid after every statement, so a panic elsewhere leaves
/// nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
