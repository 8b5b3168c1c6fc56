//! Accepts connections, serves them, and lets them end.

use std::io;
use std::time::Duration;

use axum::body::Body;
use foldhash::HashMap;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection;
use crate::http1::{Request, Response};

/// How long running requests may go on once the proxy stops.
const DRAIN: Duration = Duration::from_secs(30);
/// Pause when no connection can be accepted, as when there are no file
/// descriptors left: asking again at once would only burn time.
const REST: Duration = Duration::from_millis(100);

/// Answers HTTP/1 until `stopped` ends, then stops to accept and lets running requests
/// finish for at most 30 s. What `answer` is doing is dropped when its client goes away.
pub async fn accept<F, A>(listener: TcpListener, answer: F, mut stopped: oneshot::Receiver<()>)
where
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
    connections.end().await;
}

/// What is open.
#[derive(Default)]
struct Connections {
    running: JoinSet<()>,
    /// Dropped to let one know that it is to end.
    stops: HashMap<Id, oneshot::Sender<()>>,
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
        let running = self
            .running
            .spawn(connection::serve(stream, answer, stopping));
        self.stops.insert(running.id(), stop);
    }

    async fn one_ends(&mut self) {
        if let Some(ended) = self.running.join_next_with_id().await {
            let id = ended.map_or_else(|error: JoinError| error.id(), |(id, ())| id);
            self.stops.remove(&id);
        }
    }

    /// Lets running requests finish, and ends what goes on for too long.
    async fn end(&mut self) {
        self.stops.clear();
        let all = async { while self.running.join_next().await.is_some() {} };
        if timeout(DRAIN, all).await.is_err() {
            tracing::warn!(
                open = self.running.len(),
                "requests still running are ended"
            );
        }
        self.running.shutdown().await;
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
