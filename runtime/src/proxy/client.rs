//! The HTTP client towards upstreams: one pool of connections for all of them.
//! A proxy that is asked for its plan is called in the same way.

use std::sync::Arc;
use std::time::Duration;

use http_body::Body;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use super::body::Spliced;

/// An address that does not even accept a connection in this time counts as
/// down, so that another endpoint gets its turn while the client still waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) type Client = Legacy<HttpsConnector<HttpConnector>, Spliced>;

/// A client that trusts what the system trusts. Where that cannot be read,
/// `http` upstreams still work and `https` ones fail by their certificate.
pub(crate) fn client<B>() -> Legacy<HttpsConnector<HttpConnector>, B>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.enforce_http(false);
    let tls = HttpsConnectorBuilder::new().with_tls_config(tls());
    let connector = tls.https_or_http().enable_http1().wrap_connector(tcp);
    Legacy::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector)
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
