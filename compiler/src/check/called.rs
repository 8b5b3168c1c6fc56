//! Everything that names an upstream: model entries, legacy providers, pool
//! members, upstream services and the remote service, as one list.

use crate::registration::{ModelEntry, ProviderEntry, Registration, RemoteBlock, ServiceEntry};
use crate::source::Spanned;

/// Whoever names an upstream.
#[derive(Clone, Copy)]
pub(super) enum Called<'r> {
    Entry(&'r ModelEntry),
    Provider(&'r ProviderEntry),
    Service(&'r ServiceEntry),
    Remote(&'r RemoteBlock),
}

/// All that name an upstream, switched on or not, in document order.
pub(super) fn all(registration: &Registration) -> impl Iterator<Item = Called<'_>> {
    let pools = registration.pools.iter();
    let remote = registration.runtime.iter();
    let models = registration.models.iter().map(Called::Entry);
    models
        .chain(registration.used_providers().iter().map(Called::Provider))
        .chain(
            pools
                .clone()
                .flat_map(|pools| pools.models.iter().map(Called::Entry)),
        )
        .chain(pools.flat_map(|pools| pools.services.iter().map(Called::Service)))
        .chain(remote.flat_map(|runtime| runtime.remote.iter().map(Called::Remote)))
}

impl<'r> Called<'r> {
    /// The path of one of its keys by its current name: `api` or `key`.
    pub(super) fn path(&self, key: &str) -> String {
        match (self, key) {
            (Self::Entry(entry), _) => format!("{}.{key}", entry.path()),
            (Self::Provider(provider), "api") => format!("{}.api_base_url", provider.path),
            (Self::Provider(provider), _) => format!("{}.api_key", provider.path),
            (Self::Service(service), "api") => service.path("base_url"),
            (Self::Service(service), _) => service.path("auth_token"),
            (Self::Remote(_), "api") => "Runtime.remote_service.base_url".to_owned(),
            (Self::Remote(_), _) => "Runtime.remote_service.auth_token".to_owned(),
        }
    }

    /// Its URL.
    pub(super) fn api(&self) -> Option<&'r Spanned<String>> {
        match self {
            Self::Entry(entry) => entry.api.as_ref(),
            Self::Provider(provider) => provider.api.as_ref(),
            Self::Service(service) => service.base_url.as_ref(),
            Self::Remote(remote) => remote.base_url.as_ref(),
        }
    }

    /// Its key.
    pub(super) fn key(&self) -> Option<&'r Spanned<String>> {
        match self {
            Self::Entry(entry) => entry.key.as_ref(),
            Self::Provider(provider) => provider.key.as_ref(),
            Self::Service(service) => service.auth_token.as_ref(),
            Self::Remote(remote) => remote.auth_token.as_ref(),
        }
    }

    /// Whether requests are sent to it.
    pub(super) fn is_in_use(&self, registration: &Registration) -> bool {
        match self {
            Self::Entry(entry) if entry.list == "Models" => true,
            Self::Entry(entry) => {
                let enabled = entry.metadata.pool_enabled.as_ref();
                registration.has_pools() && enabled.is_none_or(|enabled| enabled.value)
            }
            Self::Provider(_) => true,
            Self::Service(_) => false,
            Self::Remote(remote) => remote.is_on(),
        }
    }
}
