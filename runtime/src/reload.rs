//! Keeps one live plan in step with the registration files.
//!
//! A save is read, compiled and activated whole before one pointer is swapped;
//! whatever goes wrong on the way leaves the live plan as it is, is said in the
//! log and in [`Status`], and the files stay watched: the next good save goes
//! live. A request that runs holds the plan it began with.

mod changes;
mod read;
mod revision;
mod status;
mod watch;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use ctr_compiler::plan::{Hash, LogLevel, Plan, Provenance};
use ctr_compiler::source::Sources;
use ctr_compiler::{Compiled, compile, variable};
use tokio::sync::watch as announce;
use tokio::task::{JoinHandle, spawn_blocking};

pub use read::{
    Input, ReadError, files, is_test, read, read_request, read_stdin, tests_beside, would_read,
};
pub use revision::places;
pub use status::{Refusal, Status};

pub(crate) use changes::Changes;
pub(crate) use watch::Look;

use crate::activate::{ActivateError, Live, Places};
use crate::pool::Records;
use crate::settings::{Env, Settings};
use changes::Hangups;

const PUBLIC_WITHOUT_KEY: &str = "there is no `APIKEY` any more while the proxy listens on a public address; \
     restart it to listen on 127.0.0.1, or set one";

const OTHER_PLAN: &str = "compile the registration again with this ctr";
const PANICKED: &str = "the registration could not be compiled, which is a defect of ctr; \
     undo the last change and report it";

/// Why files did not become a live plan.
#[derive(Debug)]
pub enum LoadError {
    /// A file cannot be read.
    Read(ReadError),
    /// The registration has errors.
    Refused {
        /// Holds the problems, and no plan.
        compiled: Box<Compiled>,
        /// What they speak of.
        sources: Sources,
    },
    /// The plan is good, and not the one that is to be served.
    Other(OtherPlan),
    /// The plan is good, and something it needs is not here.
    Activate(ActivateError),
}

/// A plan that is not the one that is to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherPlan {
    /// Hash of the plan that is there.
    pub found: Hash,
    /// Hash of the plan that is to be served.
    pub only: Hash,
}

impl OtherPlan {
    /// Compares a plan with the only one that the settings let be served.
    ///
    /// # Errors
    /// When it is another.
    pub(crate) fn refuse(plan: &Plan, settings: &Settings) -> Result<(), Self> {
        let Some(only) = &settings.only else {
            return Ok(());
        };
        let found = plan.hash();
        if found == *only {
            return Ok(());
        }
        let only = only.clone();
        Err(Self { found, only })
    }
}

impl fmt::Display for OtherPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, only } = self;
        write!(
            f,
            "this is plan {found}, and only plan {only} may be served"
        )
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Refused { compiled, sources } => f.write_str(&status::summary(compiled, sources)),
            Self::Other(other) => other.fmt(f),
            Self::Activate(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// A first plan and what the files looked like when it was read.
pub(crate) struct Loaded {
    pub(crate) live: Live,
    look: Look,
}

/// Reads, compiles and activates what the settings name. Blocks.
pub(crate) fn load(settings: &Settings, records: &Records) -> Result<Loaded, LoadError> {
    // Looked at before reading, so that a change in between is seen as one.
    let look = Look::at(&settings.inputs);
    let (compiled, places) = compiled(settings)?;
    let live = Live::activate(compiled, &*settings.env, records).map_err(LoadError::Activate)?;
    let live = live.written_at(places);
    Ok(Loaded { live, look })
}

fn compiled(settings: &Settings) -> Result<(Compiled, Places), LoadError> {
    let paths = settings.inputs.iter().cloned();
    let inputs: Vec<Input> = paths.map(Input::Path).collect();
    let sources = read(&inputs).map_err(LoadError::Read)?;
    let compiled = compile(&sources);
    let Some(plan) = &compiled.plan else {
        return Err(LoadError::Refused {
            compiled: Box::new(compiled),
            sources,
        });
    };
    OtherPlan::refuse(plan, settings).map_err(LoadError::Other)?;
    let places = Places::new(&compiled, &sources);
    Ok((compiled, places))
}

/// A plan that is not activated, and what is known of its text.
pub(crate) struct Read {
    pub(crate) plan: Plan,
    pub(crate) provenance: Provenance,
    pub(crate) sources: Sources,
}

/// Reads and compiles a registration, or reads a compiled plan. Blocks.
///
/// # Errors
/// When there is no plan.
pub(crate) fn read_plan(paths: &[PathBuf]) -> Result<Read, LoadError> {
    let inputs: Vec<Input> = paths.iter().cloned().map(Input::Path).collect();
    let sources = read(&inputs).map_err(LoadError::Read)?;
    let only = sources.iter().next().filter(|_| sources.len() == 1);
    if let Some((_, source)) = only.filter(|(_, source)| Plan::is_plan(source.text())) {
        let read = Plan::from_json(source.text());
        let plan = read.map_err(|error| {
            LoadError::Read(ReadError::new(source.name(), error.to_string(), OTHER_PLAN))
        })?;
        return Ok(Read {
            plan,
            provenance: Provenance::default(),
            sources,
        });
    }
    let mut compiled = compile(&sources);
    match compiled.plan.take() {
        Some(plan) => Ok(Read {
            plan,
            provenance: compiled.provenance,
            sources,
        }),
        None => Err(LoadError::Refused {
            compiled: Box::new(compiled),
            sources,
        }),
    }
}

/// The task that watches, and what it has come to. Dropping it ends the watch.
pub struct Reload {
    live: Arc<ArcSwap<Live>>,
    status: Arc<ArcSwap<Status>>,
    announced: announce::Receiver<()>,
    task: JoinHandle<()>,
}

impl Reload {
    /// Starts to watch. `public` says that others than this machine reach the
    /// listener, so that a plan without a key must not go live.
    pub(crate) fn start(
        settings: &Settings,
        first: Loaded,
        records: Arc<Records>,
        public: bool,
    ) -> Self {
        let status = Status::started(first.live.hash.clone(), epoch_ms());
        let settled = Settled::of(first.live.plan(), settings, first.live.api_key.is_some());
        let (announcing, announced) = announce::channel(());
        let live = Arc::new(ArcSwap::from_pointee(first.live));
        let status = Arc::new(ArcSwap::from_pointee(status));
        let keeper = Keeper {
            settings: settings.clone(),
            records,
            public,
            live: Arc::clone(&live),
            status: Arc::clone(&status),
            announcing,
            // Made here, since a hangup before it would end the process.
            changes: Changes::since(settings.inputs.clone(), first.look),
            settled: settled.clone(),
            told: settled,
        };
        Self {
            live,
            status,
            announced,
            task: tokio::spawn(keeper.run()),
        }
    }

    /// One plan for good: there are no files to watch.
    pub(crate) fn fixed(live: Live) -> Self {
        let (_, announced) = announce::channel(());
        let status = Status::started(live.hash.clone(), epoch_ms());
        Self {
            live: Arc::new(ArcSwap::from_pointee(live)),
            status: Arc::new(ArcSwap::from_pointee(status)),
            announced,
            task: tokio::spawn(stay(Hangups::new())),
        }
    }

    /// The plan of the moment.
    pub fn live(&self) -> &Arc<ArcSwap<Live>> {
        &self.live
    }

    /// What has become of the files so far; read without a lock.
    pub fn status(&self) -> &Arc<ArcSwap<Status>> {
        &self.status
    }

    /// Waits until the status is as `wanted` says. Every reload, refusal and
    /// read without a change is announced; none that lasts is missed.
    pub async fn until(&self, wanted: impl Fn(&Status) -> bool) -> Arc<Status> {
        let mut announced = self.announced.clone();
        loop {
            announced.mark_unchanged();
            let status = self.status.load_full();
            // Without the task nothing will change any more.
            if wanted(&status) || announced.changed().await.is_err() {
                return status;
            }
        }
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reload")
            .field("status", &self.status.load())
            .finish_non_exhaustive()
    }
}

/// What a plan wants that is settled when the process starts, as far as the settings
/// leave it to the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settled {
    host: Option<String>,
    port: Option<u16>,
    log_level: Option<LogLevel>,
}

impl Settled {
    fn of(plan: &Plan, settings: &Settings, has_key: bool) -> Self {
        let host = if plan.listen.is_public() && !has_key {
            "127.0.0.1"
        } else {
            &plan.listen.host
        };
        Self {
            host: settings.host.is_none().then(|| host.to_owned()),
            port: settings.port.is_none().then_some(plan.listen.port),
            log_level: settings.log_level.is_none().then_some(plan.log_level),
        }
    }

    /// The keys that `self` and `other` differ in.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let keys = [
            ("`HOST`", self.host != other.host),
            ("`PORT`", self.port != other.port),
            ("`LOG_LEVEL`", self.log_level != other.log_level),
        ];
        let differing = keys.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(key, _)| key).collect()
    }
}

/// What became of one reading.
enum Outcome {
    Same,
    New(Box<Live>),
    Refused(Refusal),
}

struct Keeper {
    settings: Settings,
    records: Arc<Records>,
    public: bool,
    live: Arc<ArcSwap<Live>>,
    status: Arc<ArcSwap<Status>>,
    announcing: announce::Sender<()>,
    changes: Changes,
    settled: Settled,
    told: Settled,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            self.changes.next().await;
            let outcome = self.attempt().await;
            self.conclude(outcome);
        }
    }

    async fn attempt(&self) -> Outcome {
        let (settings, records) = (self.settings.clone(), Arc::clone(&self.records));
        let (live, public) = (self.live.load_full(), self.public);
        let attempted = spawn_blocking(move || attempt(&settings, &records, &live, public));
        match attempted.await {
            Err(error) if error.is_panic() => {
                // Without this one bad save would end the watch, and nobody be told.
                Outcome::Refused(Refusal::because(PANICKED, epoch_ms()))
            }
            Ok(outcome) => outcome,
            // Only the end of the runtime cancels it, which ends this task as well.
            Err(_) => std::future::pending().await,
        }
    }

    fn conclude(&mut self, outcome: Outcome) {
        let now = epoch_ms();
        let mut status = Status::clone(&self.status.load());
        match outcome {
            Outcome::Same => {
                status.unchanged();
                tracing::debug!(
                    hash = status.hash.short(),
                    "registration read again, nothing changed"
                );
            }
            Outcome::Refused(refusal) => {
                tracing::warn!(
                    hash = status.hash.short(),
                    "registration refused, the plan stays: {}",
                    refusal.summary
                );
                status.refused(refusal);
            }
            Outcome::New(live) => {
                tracing::info!(
                    old = status.hash.short(),
                    new = live.hash.short(),
                    "registration changed, the new plan is live"
                );
                self.tell_restart(&live);
                status.swapped(live.hash.clone(), now);
                self.live.store(Arc::from(live));
            }
        }
        self.status.store(Arc::new(status));
        self.announcing.send_replace(());
    }

    /// A listener cannot move and a log is begun once, so a change of them is said, once.
    fn tell_restart(&mut self, live: &Live) {
        let wanted = Settled::of(live.plan(), &self.settings, live.api_key.is_some());
        if wanted != self.settled && wanted != self.told {
            let keys = wanted.differences(&self.settled).join(" and ");
            tracing::warn!("{keys} changed: restart ctr to go by that");
        }
        self.told = wanted;
    }
}

fn attempt(settings: &Settings, records: &Records, live: &Live, public: bool) -> Outcome {
    let (compiled, places) = match compiled(settings) {
        Ok(compiled) => compiled,
        Err(error) => return Outcome::Refused(Refusal::new(&error, epoch_ms())),
    };
    if compiled
        .plan
        .as_ref()
        .is_some_and(|plan| plan.hash() == live.hash)
    {
        return Outcome::Same;
    }
    // Asked before activation, which takes records over.
    if public && !has_key(&compiled, &settings.env) {
        return Outcome::Refused(Refusal::because(PUBLIC_WITHOUT_KEY, epoch_ms()));
    }
    match Live::activate(compiled, &*settings.env, records) {
        Ok(live) => Outcome::New(Box::new(live.written_at(places))),
        Err(error) => Outcome::Refused(Refusal::new(&LoadError::Activate(error), epoch_ms())),
    }
}

fn has_key(compiled: &Compiled, env: &Env) -> bool {
    let key = compiled
        .plan
        .as_ref()
        .and_then(|plan| plan.listen.api_key.as_ref());
    let text = key.and_then(|key| key.text(&compiled.secrets));
    // An unset variable is activation's to report.
    text.is_some_and(|text| variable::expand(text, &**env).map_or(true, |key| !key.is_empty()))
}

/// Hears hangups, which would end the process otherwise.
async fn stay(mut hangups: Hangups) {
    loop {
        hangups.next().await;
        tracing::info!("a compiled plan is served; there is no registration to read again");
    }
}

/// The wall clock, in milliseconds since the Unix epoch.
pub(crate) fn epoch_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
