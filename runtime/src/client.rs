//! The HTTP client towards upstreams: one pool of connections for all of them.
//! A proxy that is asked for its plan is called in the same way.
//!
//! A connection is driven by the task whose request it carries, so that an
//! answer reaches the client without waking another task on its way.

mod connection;
mod head;
mod idle;
mod sending;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::future::{Future, poll_fn};
use std::hash::{Hash, Hasher};
use std::hint::cold_path;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Method, Uri};
use http_body::Body;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use tower_service::Service;

use crate::http1::{Malformed, Request, Response};

pub(crate) use connection::Answering;
use connection::Connection;
use idle::Idle;
use sending::{Sending, Unsent};

/// An address that does not even accept a connection in this time counts as
/// down, so that another endpoint gets its turn while the client still waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that can be sent, if it knows its length.
pub(crate) trait Sendable:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
}

impl<B> Sendable for B where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
}

/// Sends requests. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Client {
    connector: HttpsConnector<HttpConnector>,
    idle: Arc<Idle>,
}

/// Whom a connection leads to.
#[derive(Clone, Debug)]
struct Peer {
    is_tls: bool,
    authority: Authority,
}

impl Peer {
    /// As it is written: an authority's own hash folds each letter, to find equal what a
    /// plan seldom writes in two ways.
    fn written(&self) -> (bool, &str) {
        (self.is_tls, self.authority.as_str())
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.written() == other.written()
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.written().hash(state);
    }
}

/// A request that can be sent.
struct Ready<B> {
    address: Uri,
    peer: Peer,
    /// Whether it is a `HEAD`.
    to_head: bool,
    sending: Box<Sending<B>>,
}

impl<B: Sendable> Ready<B> {
    fn new(request: Request<B>) -> Result<Self, SendError> {
        let (head, body) = request.split();
        let peer = Peer::of(&head.uri)?;
        let sending = Sending::new(&head, body, host(&head.uri)).map_err(SendError::Broke)?;
        Ok(Self {
            peer,
            to_head: head.method == Method::HEAD,
            address: head.uri,
            sending: Box::new(sending),
        })
    }
}

/// A request that got no answer.
#[derive(Debug)]
pub(crate) enum SendError {
    /// There is no connection.
    Connect(Box<dyn Error + Send + Sync>),
    /// A request went out, and no answer came.
    Broke(Broke),
    /// A request went out on a kept connection, which broke before a byte of an answer came,
    /// as it does where the upstream closes it at the same time.
    Stale(Broke),
}

/// Why an answer did not come, or not whole.
#[derive(Debug)]
pub(crate) enum Broke {
    /// The connection broke.
    Io(io::Error),
    /// The upstream closed the connection.
    Closed,
    /// What came is no answer, for this reason.
    Malformed(Malformed),
    /// The body of the request did not come, for this reason.
    Request(Box<dyn Error + Send + Sync>),
}

impl From<Malformed> for Broke {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl SendError {
    /// Whether the upstream saw nothing of the request.
    pub(crate) fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_))
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect(_) => "no connection",
            Self::Broke(_) | Self::Stale(_) => "the connection broke",
        })
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Connect(error) => &**error,
            Self::Broke(error) | Self::Stale(error) => error,
        })
    }
}

impl fmt::Display for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("the connection broke"),
            Self::Closed => f.write_str("the connection was closed before the answer's end"),
            Self::Malformed(why) => write!(f, "the answer cannot be read: {why}"),
            Self::Request(_) => f.write_str("the body of the request did not come"),
        }
    }
}

impl Error for Broke {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Request(error) => Some(&**error),
            Self::Closed | Self::Malformed(_) => None,
        }
    }
}

/// The words of the cause below all others, which says the most.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(below) = error.source() {
        error = below;
    }
    error.to_string()
}

impl Client {
    /// A client that trusts what the system trusts. Where that cannot be read,
    /// `http` upstreams still work and `https` ones fail by their certificate.
    pub(crate) fn new() -> Self {
        Self::with(trusting_the_system())
    }

    fn with(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls);
        Self {
            connector: tls.https_or_http().enable_http1().wrap_connector(tcp),
            idle: Arc::default(),
        }
    }

    /// Sends a request to the absolute address it names. Dropping the answer, or
    /// this future, before the end closes the connection.
    ///
    /// # Errors
    /// When there is no answer. A request of which nothing was sent on a kept
    /// connection, since the peer had just closed it, is sent on another one. Where something
    /// was sent, and the connection broke before a byte of an answer, that is
    /// [`SendError::Stale`], and the next request to this peer gets a connection of its own.
    pub(crate) fn request<B: Sendable>(
        &self,
        request: impl Into<Request<B>>,
    ) -> impl Future<Output = Result<Response<Answering>, SendError>> {
        // Written at once: a request in a future would lie there several times.
        let ready = Ready::new(request.into());
        async move { self.send(ready?).await }
    }

    async fn send<B: Sendable>(&self, ready: Ready<B>) -> Result<Response<Answering>, SendError> {
        let Ready {
            address,
            peer,
            to_head,
            mut sending,
        } = ready;
        loop {
            let kept = self.idle.take(&peer);
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => {
                    cold_path();
                    Box::pin(self.connect(&address)).await?
                }
            };
            match connection.send(&mut *sending, to_head).await {
                Ok((head, is_sent)) => {
                    let unsent = (!is_sent).then_some(sending as Box<dyn Unsent>);
                    let idle = Arc::clone(&self.idle);
                    let ends = (head.framing, head.is_kept);
                    let body = Answering::new(connection, ends, unsent, peer, idle);
                    return Ok(head.response.with(body));
                }
                Err(Broke::Io(_) | Broke::Closed) if is_kept && sending.is_untouched() => {}
                Err(broke @ (Broke::Io(_) | Broke::Closed))
                    if is_kept && connection.is_silent() =>
                {
                    cold_path();
                    // What was kept as long as this one may be gone, too.
                    self.idle.forget(&peer);
                    return Err(SendError::Stale(broke));
                }
                Err(broke) => {
                    cold_path();
                    return Err(SendError::Broke(broke));
                }
            }
        }
    }

    async fn connect(&self, address: &Uri) -> Result<Box<Connection>, SendError> {
        let mut connector = self.connector.clone();
        poll_fn(|cx| connector.poll_ready(cx))
            .await
            .map_err(SendError::Connect)?;
        let connecting = connector.call(address.clone());
        let stream = connecting.await.map_err(SendError::Connect)?;
        Ok(Box::new(Connection::new(TokioIo::new(stream))))
    }
}

impl Peer {
    fn of(address: &Uri) -> Result<Self, SendError> {
        match address.authority() {
            Some(authority) => Ok(Self {
                is_tls: is_tls(address),
                authority: authority.clone(),
            }),
            None => Err(SendError::Connect("the address names no host".into())),
        }
    }
}

fn is_tls(address: &Uri) -> bool {
    address.scheme() == Some(&Scheme::HTTPS)
}

/// What `Host` says: no user name, and no port that goes without saying.
fn host(address: &Uri) -> &str {
    let authority = address.authority().map_or("", Authority::as_str);
    let name = memchr::memrchr(b'@', authority.as_bytes()).map_or(0, |at| at + 1);
    let host = &authority[name..];
    let usual = if is_tls(address) { ":443" } else { ":80" };
    host.strip_suffix(usual).unwrap_or(host)
}

fn tls() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the versions rustls defaults to")
}

fn trusting_the_system() -> ClientConfig {
    match tls().with_native_roots() {
        Ok(builder) => builder.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "the system's root certificates cannot be read; https upstreams will not be trusted");
            tls()
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    }
}
