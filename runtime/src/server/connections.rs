//! Accepts connections, serves them, and lets them end.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use foldhash::HashMap;
use futures_util::task::AtomicWaker;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection;
use crate::cut::Cut;
use crate::http1::{Request, Response};

/// How long running requests may go on once the proxy stops.
const DRAIN: Duration = Duration::from_secs(30);
/// How long what they are told may go out after that.
const WORDS: Duration = Duration::from_secs(1);
/// Pause when no connection can be accepted, as when there are no file
/// descriptors left: asking again at once would only burn time.
const REST: Duration = Duration::from_millis(100);

/// Answers HTTP/1 until `stopped` ends, then stops to accept and lets running requests
/// finish for at most 30 s. Then it makes the cut, and ends what goes on for another second.
/// What `answer` is doing is dropped when its client goes away.
pub async fn accept<F, A>(
    listener: TcpListener,
    answer: F,
    mut stopped: oneshot::Receiver<()>,
    cut: Cut,
) where
    F: Fn(Box<Request<Body>>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let mut connections = Connections::default();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            // Ended ones are taken out, so that the set holds what is open.
            () = connections.one_ends(), if !connections.running.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connections.begin(stream, answer.clone()),
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    sleep(REST).await;
                }
            },
        }
    }
    drop(listener);
    connections.end(&cut).await;
}

/// What is open.
#[derive(Default)]
struct Connections {
    running: JoinSet<()>,
    open: HashMap<Id, Open>,
}

/// One that is open.
struct Open {
    /// Dropped to let it know that it is to end.
    stop: Option<oneshot::Sender<()>>,
    /// Wakes it wherever it waits, to see that the cut was made.
    waker: Arc<AtomicWaker>,
}

impl Connections {
    fn begin<F, A>(&mut self, stream: TcpStream, answer: F)
    where
        F: Fn(Box<Request<Body>>) -> A + Send + 'static,
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        // Without it every answer on a kept-alive connection waits for the peer's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY: {error}");
        }
        let (stop, stopping) = oneshot::channel();
        let waker = Arc::<AtomicWaker>::default();
        let wakes = Arc::clone(&waker);
        let running = self.running.spawn(async move {
            // A task is woken by the same waker as long as it lives.
            poll_fn(|cx| {
                wakes.register(cx.waker());
                Poll::Ready(())
            })
            .await;
            connection::serve(stream, answer, stopping).await;
        });
        let stop = Some(stop);
        self.open.insert(running.id(), Open { stop, waker });
    }

    async fn one_ends(&mut self) {
        if let Some(ended) = self.running.join_next_with_id().await {
            let id = ended.map_or_else(|error: JoinError| error.id(), |(id, ())| id);
            self.open.remove(&id);
        }
    }

    /// Lets running requests finish, and ends what goes on for too long: in words first.
    async fn end(&mut self, cut: &Cut) {
        for open in self.open.values_mut() {
            open.stop = None;
        }
        if !self.all_end(DRAIN).await {
            tracing::warn!(
                open = self.running.len(),
                "requests still running are ended"
            );
            cut.make();
            for open in self.open.values() {
                open.waker.wake();
            }
            self.all_end(WORDS).await;
        }
        self.running.shutdown().await;
    }

    /// Whether all end in this time.
    async fn all_end(&mut self, limit: Duration) -> bool {
        let all = async {
            while !self.running.is_empty() {
                self.one_ends().await;
            }
        };
        timeout(limit, all).await.is_ok()
    }
}

/// The peer was gone before it was accepted, which says nothing about us.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
