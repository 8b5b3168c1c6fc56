//! Starts a proxy, keeps it listening, and stops it without cutting answers short.
//!
//! What is answered is decided elsewhere: model calls in `proxy`, the rest in
//! `admin`. This file owns the socket and the life of the process's tasks.

mod answer;
mod connection;
mod connections;
mod front;
mod head;
mod listen;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ctr_compiler::Compiled;
use ctr_compiler::plan::Plan;
use ctr_compiler::source::Sources;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

pub use self::connections::accept;
use self::front::Front;
use self::listen::Bound;
use crate::activate::{ActivateError, Live};
use crate::admin;
pub use crate::cut::Cut;
use crate::evaluate::Log;
use crate::observe::{Candidate, Following, Observer, Observing, Thread};
use crate::pool::{Records, Saver, StateFile};
use crate::proxy::Proxy;
use crate::reload::{LoadError, Look, OtherPlan, ReadError, Reload, load};
use crate::settings::Settings;
use crate::trace::Writer;

/// Why a proxy did not start.
#[derive(Debug)]
pub enum StartError {
    /// A registration file cannot be read.
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
    /// A compiled plan needs secrets that only its registration holds.
    LiteralSecrets {
        /// Where, as paths in the plan.
        places: Vec<String>,
    },
    /// The plan is good, and something it needs is not here.
    Activate(ActivateError),
    /// The registration that is to decide beside it is no plan.
    Shadow(LoadError),
    /// The host is none, or none of this machine's.
    Host {
        /// The host as asked for.
        host: String,
        /// Why not.
        why: String,
    },
    /// Nothing can listen there.
    Bind {
        /// `host:port` as asked for.
        addr: String,
        /// Why not.
        source: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Refused { .. } => f.write_str("the registration has errors"),
            Self::Other(other) => other.fmt(f),
            Self::LiteralSecrets { places } => {
                let places = places.join("`, `");
                write!(
                    f,
                    "a plan is served without literal secrets, and needs one at `{places}`"
                )
            }
            Self::Activate(error) => error.fmt(f),
            Self::Shadow(error) => write!(f, "shadow: {error}"),
            Self::Host { host, why } => write!(f, "cannot listen on host `{host}`: {why}"),
            Self::Bind { addr, source } => write!(f, "cannot listen on `{addr}`: {source}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<LoadError> for StartError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read(error) => Self::Read(error),
            LoadError::Refused { compiled, sources } => Self::Refused { compiled, sources },
            LoadError::Other(other) => Self::Other(other),
            LoadError::Activate(error) => Self::Activate(error),
        }
    }
}

/// Reads the registration, listens, and serves until [`Running::stop`].
///
/// A public host without any key is not listened on: the proxy listens on
/// 127.0.0.1 instead and says so in the log.
///
/// # Errors
/// [`StartError`]; nothing is left running then.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let kept = Kept::new(&settings);
    let (reading, known) = (settings.clone(), kept.clone());
    let loaded = in_background(move || {
        known.restore();
        load(&reading, &known.records)
    });
    let loaded = loaded.await?;
    let shadow = shadow(&settings).await?;
    let bound = listen::bind(&settings, &loaded.live).await?;
    let records = Arc::clone(&kept.records);
    let reload = Reload::start(&settings, loaded, records, !bound.addr.ip().is_loopback());
    Ok(serve(bound, reload, kept, &settings, shadow))
}

/// As [`start`], with a compiled plan in place of a registration. Nothing is
/// read or watched, so the plan stays as long as the process.
///
/// # Errors
/// [`StartError`]; nothing is left running then.
pub async fn start_plan(plan: Plan, settings: Settings) -> Result<Running, StartError> {
    OtherPlan::refuse(&plan, &settings).map_err(StartError::Other)?;
    let places = plan.literal_secrets();
    if !places.is_empty() {
        return Err(StartError::LiteralSecrets { places });
    }
    let kept = Kept::new(&settings);
    let known = kept.clone();
    in_background(move || known.restore()).await;
    let live =
        Live::activate(plan.into(), &*settings.env, &kept.records).map_err(StartError::Activate)?;
    let shadow = shadow(&settings).await?;
    let bound = listen::bind(&settings, &live).await?;
    let reload = Reload::fixed(live);
    Ok(serve(bound, reload, kept, &settings, shadow))
}

/// Reads what is to decide beside the plan, and how its files looked before.
async fn shadow(settings: &Settings) -> Result<Option<(Candidate, Look)>, StartError> {
    if settings.shadow.is_empty() {
        return Ok(None);
    }
    let inputs = settings.shadow.clone();
    let read = in_background(move || {
        let look = Look::at(&inputs);
        Candidate::read(&inputs).map(|candidate| (candidate, look))
    });
    read.await.map(Some).map_err(StartError::Shadow)
}

/// What outlives plans: the records, and the file in which they outlive the process.
#[derive(Clone)]
struct Kept {
    records: Arc<Records>,
    file: Option<Arc<StateFile>>,
    directory: Option<PathBuf>,
}

impl Kept {
    fn new(settings: &Settings) -> Self {
        let directory = settings.state_dir.as_deref();
        Self {
            records: Arc::default(),
            directory: directory.map(Path::to_owned),
            file: directory.map(|directory| Arc::new(StateFile::new(directory))),
        }
    }

    /// Takes over what an earlier process left.
    fn restore(&self) {
        if let Some(file) = &self.file {
            self.records.restore(file.read());
        }
    }
}

/// Work that touches files.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn serve(
    bound: Bound,
    reload: Reload,
    kept: Kept,
    settings: &Settings,
    shadow: Option<(Candidate, Look)>,
) -> Running {
    survive_full_files();
    let Bound {
        listener,
        addr,
        names,
    } = bound;
    let names = Arc::new(names);
    let Kept {
        records,
        file,
        directory,
    } = kept;
    let (traces, writer) = Writer::start(directory.as_deref());
    let Observing {
        observer,
        thread,
        following,
    } = Observing::start(settings, reload.live(), shadow);
    let proxy = Proxy::new(Arc::clone(reload.live()))
        .with_traces(traces.clone())
        .with_observer(observer.clone());
    let router = admin::router(admin::Told {
        reload: &reload,
        records: Arc::clone(&records),
        state: file.clone(),
        proxy: proxy.clone(),
        traces,
        observer: observer.clone(),
        history: Log::new(directory.as_deref()),
        port: addr.port(),
        names: Arc::clone(&names),
    });
    let cut = proxy.cut();
    let front = Front::new(proxy, router, Arc::clone(reload.live()), names);
    let saver = file.map(|file| Saver::start(file, records, Arc::clone(reload.live())));
    let (stop, stopped) = oneshot::channel();
    let answer = move |request| front.clone().answer(request);
    let serving = tokio::spawn(accept(listener, answer, stopped, cut.clone()));
    tracing::info!(%addr, hash = reload.live().load().hash.short(), "listening");
    Running {
        addr,
        reload,
        stop: Some(stop),
        cut,
        serving,
        saver,
        writer,
        observer,
        thread,
        _following: following,
    }
}

/// A proxy that serves. Dropping it ends it at once.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    reload: Reload,
    stop: Option<oneshot::Sender<()>>,
    cut: Cut,
    serving: JoinHandle<()>,
    saver: Option<Saver>,
    writer: Writer,
    observer: Observer,
    thread: Thread,
    _following: Option<Following>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The plan of the moment.
    pub fn live(&self) -> Arc<Live> {
        self.reload.live().load_full()
    }

    /// The task that keeps the plan in step with the files.
    pub fn reload(&self) -> &Reload {
        &self.reload
    }

    /// Tells what is recorded, and what a shadow would change.
    pub fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Stops to accept, lets running requests finish for at most 30 s, tells those that did
    /// not that they end, and ends.
    pub async fn stop(mut self) {
        self.drain().await;
    }

    /// Serves until SIGINT or SIGTERM, then stops as [`Running::stop`] does. A
    /// second signal ends it at once.
    ///
    /// Signals count from this call on, not from the first poll: whoever is told
    /// after it that the proxy serves may send one at once.
    pub fn wait(self) -> impl Future<Output = ()> {
        self.wait_until(std::future::pending())
    }

    /// As [`Running::wait`], and stops as well when `end` comes.
    pub fn wait_until(mut self, end: impl Future<Output = ()>) -> impl Future<Output = ()> {
        let mut signals = Signals::new();
        async move {
            tokio::select! {
                () = signals.next() => {}
                () = end => {}
                _ = &mut self.serving => return,
            }
            tracing::info!("stopping: running requests may finish; a second signal ends them");
            tokio::select! {
                () = self.drain() => {}
                () = signals.next() => tracing::warn!("ended at once"),
            }
        }
    }

    async fn drain(&mut self) {
        // Nobody listens any more when it has ended by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Err(error) = (&mut self.serving).await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
        if let Some(mut saver) = self.saver.take() {
            saver.finish().await;
        }
        self.writer.finish().await;
        self.thread.finish().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is told any more; it keeps clients from being taken to have left.
        self.cut.make();
        self.serving.abort();
    }
}

/// Makes a write that goes over the limit on the size of files (`ulimit -f`) fail as one on
/// a full disk does: unless somebody listens to its signal, it ends the process.
#[cfg(target_os = "linux")]
fn survive_full_files() {
    use tokio::signal::unix::{SignalKind, signal};
    /// SIGXFSZ, which has this number on all processors but MIPS and PA-RISC.
    const FILE_TOO_LARGE: i32 = 25;
    // Who listens once does so for as long as the process lives. Where this fails, files
    // are as dangerous as before, and no worse.
    let _ = signal(SignalKind::from_raw(FILE_TOO_LARGE));
}

#[cfg(not(target_os = "linux"))]
fn survive_full_files() {}

/// What asks a process to end.
struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
        }
    }

    async fn next(&mut self) {
        async fn one(signal: &mut Option<tokio::signal::unix::Signal>) {
            if let Some(signal) = signal
                && signal.recv().await.is_some()
            {
                return;
            }
            std::future::pending::<()>().await;
        }
        tokio::select! {
            () = one(&mut self.terminate) => {}
            () = one(&mut self.interrupt) => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self {}
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
