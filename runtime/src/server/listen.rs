//! Where the proxy listens: settings over the registration, and never on a
//! public address without a key.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use ctr_compiler::registration::not_a_host;
use ctr_compiler::variable;
use tokio::net::{TcpListener, lookup_host};

use super::StartError;
use crate::access::Names;
use crate::activate::{ActivateError, Live};
use crate::settings::Settings;

/// What listens, where, and by which names it may be called.
pub(super) struct Bound {
    pub(super) listener: TcpListener,
    pub(super) addr: SocketAddr,
    pub(super) names: Names,
}

pub(super) async fn bind(settings: &Settings, live: &Live) -> Result<Bound, StartError> {
    let written = &live.plan().listen;
    let host = settings.host.as_ref().unwrap_or(&written.host);
    let host = variable::expand(host, &*settings.env)
        .map_err(|unset| StartError::Activate(ActivateError::Unset(vec![unset])))?;
    let no_host = |why: String| StartError::Host {
        host: host.clone(),
        why,
    };
    if let Some(why) = not_a_host(&host) {
        return Err(no_host(why.to_owned()));
    }
    // An IPv6 address may be written as URLs write it.
    let name = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(&host);
    let port = settings.port.unwrap_or(written.port);
    let addr = if name.contains(':') {
        format!("[{name}]:{port}")
    } else {
        format!("{name}:{port}")
    };
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrNotAvailable => no_host(source.to_string()),
        _ => StartError::Bind {
            addr: addr.clone(),
            source,
        },
    };
    let found = lookup_host((name, port)).await;
    let found = found.map_err(|error| no_host(error.to_string()))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    if live.api_key.is_none() && addresses.iter().any(|address| !address.ip().is_loopback()) {
        tracing::warn!(
            "`{name}` is a public address and there is no `APIKEY`: listening on 127.0.0.1 instead"
        );
        addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    }
    if addresses.is_empty() {
        return Err(no_host("it has no address".to_owned()));
    }
    let listener = TcpListener::bind(addresses.as_slice())
        .await
        .map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok(Bound {
        listener,
        addr,
        names: Names::new(name),
    })
}
