//! An upstream that answers by a script, for the demo, tests and benches.
//!
//! A real HTTP server on a loopback port, so that what talks to it meets real
//! sockets: slow heads, cut streams, a server that is gone from one moment to
//! the next. It plays Anthropic Messages, OpenAI Chat Completions and Responses, decides
//! nothing by itself, and every id and number in an answer is fixed. It is no
//! model: the text of an answer is what the script says.

mod answer;
mod anthropic;
mod openai;
mod reply;
mod responses;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use answer::{Answer, Reply};

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, in order of arrival; repeated names stand together.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Received {
    /// The first value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A running scripted upstream. Dropping it stops it.
///
/// Requests to `…/messages`, `…/chat/completions`, `…/responses` (and what is
/// under it) and `…/embeddings` take the next answer of the script, then the
/// default answer for ever. `GET …/models` and
/// `POST …/messages/count_tokens` have one fixed answer and leave the script
/// alone; everything else is a 404 in the protocol's shape.
#[derive(Debug)]
pub struct ScriptedUpstream {
    addr: SocketAddr,
    stage: Arc<Stage>,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl ScriptedUpstream {
    /// Starts on a free loopback port with the answer `hello` for everything.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts at an address: the one of a stopped upstream brings it back.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start_at(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let stage = Arc::new(Stage::new());
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, Arc::clone(&stage), stopped));
        Ok(Self {
            addr,
            stage,
            running: Mutex::new(Some((stop, server))),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Adds an answer to the end of the script.
    pub fn push(&self, answer: Answer) {
        lock(&self.stage.script).push_back(answer);
    }

    /// Replaces what is left of the script.
    pub fn set_script(&self, answers: impl IntoIterator<Item = Answer>) {
        *lock(&self.stage.script) = answers.into_iter().collect();
    }

    /// Replaces the answer that follows when the script is over.
    pub fn set_default(&self, answer: Answer) {
        *lock(&self.stage.default) = answer;
    }

    /// Whether requests are kept for [`Self::received`]; they are unless switched
    /// off, as a bench does that sends a million of them.
    pub fn keep_received(&self, keep: bool) {
        self.stage.keeps.store(keep, Ordering::Relaxed);
    }

    /// Every request so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.stage.received).clone()
    }

    /// Waits until at least `count` requests have been read whole.
    pub async fn wait_received(&self, count: usize) {
        wait_for(&self.stage.arrived, count).await;
    }

    /// How many requests the client left before their answer was complete.
    pub fn aborted(&self) -> usize {
        *self.stage.aborted.borrow()
    }

    /// Waits until at least `count` requests were left by the client.
    pub async fn wait_aborted(&self, count: usize) {
        wait_for(&self.stage.aborted, count).await;
    }

    /// Goes away as a killed process does: when this returns the port refuses
    /// connections and every open one is closed, whatever it was in the middle of.
    pub async fn stop(&self) {
        self.stage.stopping.store(true, Ordering::Relaxed);
        let running = lock(&self.running).take();
        if let Some((stop, server)) = running {
            drop(stop);
            // The server task ends by itself and has nothing to say.
            let _ = server.await;
        }
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        self.stage.stopping.store(true, Ordering::Relaxed);
    }
}

async fn wait_for(counter: &watch::Sender<usize>, count: usize) {
    let reached = counter
        .subscribe()
        .wait_for(|now| *now >= count)
        .await
        .map(|now| *now);
    reached.expect("the counter lives as long as the upstream that is borrowed here");
}

/// Everything a connection shares with the one who wrote the script.
#[derive(Debug)]
struct Stage {
    script: Mutex<VecDeque<Answer>>,
    default: Mutex<Answer>,
    received: Mutex<Vec<Received>>,
    keeps: AtomicBool,
    arrived: watch::Sender<usize>,
    aborted: watch::Sender<usize>,
    stopping: AtomicBool,
}

impl Stage {
    fn new() -> Self {
        Self {
            script: Mutex::default(),
            default: Mutex::new(Answer::text("hello")),
            received: Mutex::default(),
            keeps: AtomicBool::new(true),
            arrived: watch::Sender::new(0),
            aborted: watch::Sender::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    fn note(&self, received: &Received) {
        if self.keeps.load(Ordering::Relaxed) {
            lock(&self.received).push(received.clone());
        }
        self.arrived.send_modify(|count| *count += 1);
    }

    fn next_answer(&self) -> Answer {
        let scripted = lock(&self.script).pop_front();
        scripted.unwrap_or_else(|| lock(&self.default).clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts an answer as aborted when it is dropped before its end, except when
/// the upstream itself goes away.
struct Unfinished(Option<Arc<Stage>>);

impl Unfinished {
    fn finish(&mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(stage) = self
            .0
            .take()
            .filter(|stage| !stage.stopping.load(Ordering::Relaxed))
        {
            stage.aborted.send_modify(|count| *count += 1);
        }
    }
}

async fn serve(listener: TcpListener, stage: Arc<Stage>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(converse(stream, Arc::clone(&stage)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn converse(stream: TcpStream, stage: Arc<Stage>) {
    // Without it a small write waits for the peer's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| answer(request, Arc::clone(&stage)));
    let mut server = http1::Builder::new();
    server.auto_date_header(false);
    // A cut stream and a client that leaves both end here; neither is news.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// The connection closes without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed by the script")
    }
}

impl std::error::Error for Closed {}

async fn answer(request: Request<Incoming>, stage: Arc<Stage>) -> Result<reply::Response, Closed> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let headers = head.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let received = Received {
        method: head.method.as_str().to_owned(),
        target: head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned(),
        headers: headers.collect(),
        body,
    };
    let mut unfinished = Unfinished(Some(Arc::clone(&stage)));
    let asked = reply::Asked::read(&received);
    let fixed = asked.as_ref().err().cloned();
    // The answer is chosen before arrival is told, so that whoever waited for
    // it and then changes the script changes what comes after.
    let scripted = if fixed.is_none() {
        Some(stage.next_answer())
    } else {
        None
    };
    stage.note(&received);
    let (Ok(asked), Some(scripted)) = (asked, scripted) else {
        unfinished.finish();
        return Ok(reply::fixed(fixed.unwrap_or_default()));
    };
    tokio::time::sleep(scripted.delay).await;
    match &scripted.reply {
        Reply::Hang => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
        Reply::Reset => {
            unfinished.finish();
            Err(Closed)
        }
        _ => Ok(reply::play(&asked, scripted, unfinished)),
    }
}
