//! The HTTP client towards upstreams: one pool of connections for all of them.
//! A proxy that is asked for its plan is called in the same way.
//!
//! A connection is driven by the task whose request it carries, so that an
//! answer reaches the client without waking another task on its way.

mod connection;
mod idle;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body::Body;
use hyper::client::conn::http1;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

pub(crate) use connection::Answering;
use connection::Connection;
use idle::Idle;

/// An address that does not even accept a connection in this time counts as
/// down, so that another endpoint gets its turn while the client still waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that can be sent.
pub(crate) trait Sendable:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
}

impl<B> Sendable for B where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
}

/// Sends requests. Clones share their connections.
pub(crate) struct Client<B: Sendable> {
    connector: HttpsConnector<HttpConnector>,
    idle: Arc<Idle<B>>,
}

impl<B: Sendable> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self {
            connector: self.connector.clone(),
            idle: Arc::clone(&self.idle),
        }
    }
}

/// Whom a connection leads to.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Peer {
    is_tls: bool,
    authority: Authority,
}

/// A request that got no answer.
#[derive(Debug)]
pub(crate) enum SendError {
    /// There is no connection.
    Connect(Box<dyn Error + Send + Sync>),
    /// The connection broke, or what came on it is no answer.
    Broke(hyper::Error),
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
            Self::Broke(_) => "the connection broke",
        })
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Connect(error) => &**error,
            Self::Broke(error) => error,
        })
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

impl<B: Sendable> Client<B> {
    /// A client that trusts what the system trusts. Where that cannot be read,
    /// `http` upstreams still work and `https` ones fail by their certificate.
    pub(crate) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls());
        Self {
            connector: tls.https_or_http().enable_http1().wrap_connector(tcp),
            idle: Arc::default(),
        }
    }

    /// Sends a request to the absolute address it names. Dropping the answer, or
    /// this future, before the end closes the connection.
    ///
    /// # Errors
    /// When there is no answer. A request that a kept connection did not take,
    /// since the peer had just closed it, is sent on another one.
    pub(crate) async fn request(
        &self,
        mut request: Request<B>,
    ) -> Result<Response<Answering<B>>, SendError> {
        let address = origin_form(&mut request);
        let peer = Peer::of(&address)?;
        loop {
            let kept = self.idle.take(&peer);
            let is_kept = kept.is_some();
            let connection = match kept {
                Some(connection) => connection,
                None => Box::pin(self.connect(&address)).await?,
            };
            request
                .headers_mut()
                .entry(HOST)
                .or_insert_with(|| connection.host().clone());
            match connection.send(request).await {
                Ok((connection, response)) => {
                    let idle = Arc::clone(&self.idle);
                    return Ok(response.map(|body| Answering::new(body, connection, peer, idle)));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if is_kept => request = unsent,
                    _ => return Err(SendError::Broke(error.into_error())),
                },
            }
        }
    }

    async fn connect(&self, address: &Uri) -> Result<Connection<B>, SendError> {
        let mut connector = self.connector.clone();
        poll_fn(|cx| connector.poll_ready(cx))
            .await
            .map_err(SendError::Connect)?;
        let connecting = connector.call(address.clone());
        let stream = connecting.await.map_err(SendError::Connect)?;
        let shaken = http1::handshake(stream).await;
        let (sender, driver) = shaken.map_err(SendError::Broke)?;
        Ok(Connection::new(sender, driver, host(address)))
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

/// The address of a request, which keeps only the part a server is told.
fn origin_form<B>(request: &mut Request<B>) -> Uri {
    let path = request.uri().path_and_query().cloned();
    let path = path.map_or_else(Uri::default, Uri::from);
    mem::replace(request.uri_mut(), path)
}

/// What `Host` says: no user name, and no port that goes without saying.
fn host(address: &Uri) -> HeaderValue {
    let name = address.host().unwrap_or_default();
    let usual = if is_tls(address) { 443 } else { 80 };
    let host = match address.port_u16() {
        Some(port) if port != usual => HeaderValue::try_from(format!("{name}:{port}")),
        _ => HeaderValue::from_str(name),
    };
    // A host of a valid address is a valid value.
    host.unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn tls() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the versions rustls defaults to");
    match builder.clone().with_native_roots() {
        Ok(builder) => builder.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(%error, "the system's root certificates cannot be read; https upstreams will not be trusted");
            builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    }
}
