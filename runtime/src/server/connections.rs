//! Accepts connections, serves them, and lets them end.

use std::io;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::front::Front;

/// How long running requests may go on once the proxy stops.
const DRAIN: Duration = Duration::from_secs(30);
/// How long a connection may take for a request's head, or stay without a
/// request. Longer than the 60 s after which common load balancers drop a
/// connection, so that none of them picks one that is about to close.
const HEAD: Duration = Duration::from_secs(75);
/// Pause when no connection can be accepted, as when there are no file
/// descriptors left: asking again at once would only burn time.
const REST: Duration = Duration::from_millis(100);

/// Serves until `stopped`, then stops to accept and lets requests finish.
pub(super) async fn serve(listener: TcpListener, front: Front, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            // Ended ones are taken out, so that the set holds what is open.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, front.clone(), graceful.watcher()));
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    sleep(REST).await;
                }
            },
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!(open = connections.len(), "requests still running are ended");
    }
    connections.shutdown().await;
}

async fn connection(
    stream: TcpStream,
    front: Front,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Without it every answer on a kept-alive connection waits for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("no TCP_NODELAY: {error}");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| front.clone().answer(request)),
        );
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("connection ended: {error}");
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
