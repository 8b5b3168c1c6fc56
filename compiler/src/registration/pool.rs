//! `Registration`: pools of endpoints and the services they refer to.

mod settings;

use super::ModelEntry;
use super::key::{Key, Meaning, Takes, both, key, refused};
use super::model;
use super::model::MODEL;
use super::read::{Fields, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Span, Spanned};

pub use settings::PoolSettings;

pub(super) const REGISTRATION: &[Key] = &both::<7, 6, 13>(SECTION, settings::OF_ALL);

const SECTION: [Key; 7] = [
    key("enabled", Takes::Boolean, "whether pools are compiled").or("false"),
    key(
        "models",
        Takes::List(&Takes::Map(MODEL)),
        "endpoints; entries of one `id` are one pool",
    ),
    key(
        "pools",
        Takes::List(&Takes::Map(POOL)),
        "what is different in one pool; all else is as said here for every pool",
    ),
    key(
        "upstream_services",
        Takes::List(&Takes::Map(SERVICE)),
        "services that endpoints belong to; no traffic goes to them by themselves",
    ),
    refused("nodes"),
    refused("node_id"),
    refused("cluster"),
];

const POOL: &[Key] = &both::<1, 6, 7>(
    [key(
        "id",
        Takes::Text(Meaning::PoolRef),
        "the pool: an `id` of `models`",
    )
    .required()],
    settings::OF_ONE,
);

const SERVICE: &[Key] = &[
    key(
        "id",
        Takes::Text(Meaning::ServiceId),
        "the name that `upstream_service_id` refers to",
    )
    .required(),
    key("base_url", Takes::Text(Meaning::Url), "the service's URL").required(),
    key(
        "auth_token",
        Takes::Text(Meaning::Secret),
        "the token for observing it",
    ),
];

/// `Registration` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Pools {
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// What is said of every pool.
    pub settings: PoolSettings,
    /// `pools`: what is said of one.
    pub pools: Vec<PoolEntry>,
    /// `models`; entries of one id are one pool.
    pub models: Vec<ModelEntry>,
    /// `upstream_services`
    pub services: Vec<ServiceEntry>,
    /// The key of the section.
    pub head: Span,
}

/// One item of `pools`.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolEntry {
    /// Position in the list in the document set, from 0.
    pub index: usize,
    /// `id`
    pub id: Option<Spanned<String>>,
    /// Everything else.
    pub settings: PoolSettings,
}

/// One item of `upstream_services`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceEntry {
    /// Position in the list in the document set, from 0.
    pub index: usize,
    /// `id`
    pub id: Option<Spanned<String>>,
    /// `base_url`
    pub base_url: Option<Spanned<String>>,
    /// `auth_token`
    pub auth_token: Option<Spanned<String>>,
}

impl ServiceEntry {
    /// The path of one of its keys, for example `Registration.upstream_services[0].base_url`.
    pub fn path(&self, key: &str) -> String {
        format!("Registration.upstream_services[{}].{key}", self.index)
    }
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<Pools> {
    let head = fields.entry("Registration")?.key.span;
    let inner = reader.fields(fields.get("Registration")?, REGISTRATION, "Registration")?;
    for name in ["nodes", "node_id", "cluster"] {
        clustering(reader, &inner, name, "Registration");
    }
    let mut pools = Vec::new();
    for (at, fields) in reader.maps(&inner, "pools", "Registration", POOL) {
        let path = format!("Registration.pools[{at}]");
        pools.push(PoolEntry {
            index: at,
            id: reader.required_text(
                &fields,
                "id",
                &path,
                "add the id of the pool it is about, for example `id: sonnet`",
            ),
            settings: settings::read(reader, &fields, &path),
        });
    }
    let mut services = Vec::new();
    for (at, fields) in reader.maps(&inner, "upstream_services", "Registration", SERVICE) {
        let path = format!("Registration.upstream_services[{at}]");
        services.push(service(reader, &fields, &path, at));
    }
    Some(Pools {
        enabled: reader.boolean(&inner, "enabled", "Registration"),
        settings: settings::read(reader, &inner, "Registration"),
        pools,
        models: model::read_list(reader, &inner, "models", "Registration"),
        services,
        head,
    })
}

fn service(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    path: &str,
    index: usize,
) -> ServiceEntry {
    let id = reader.required_text(
        fields,
        "id",
        path,
        "add the id that endpoints refer to, for example `id: dc-a`",
    );
    let base_url = reader.required_text(
        fields,
        "base_url",
        path,
        "add its URL, for example `base_url: \"https://a.example\"`",
    );
    ServiceEntry {
        index,
        id,
        base_url,
        auth_token: reader.text(fields, "auth_token", path),
    }
}

/// Refuses `nodes`, `node_id` and `cluster` wherever they stand.
pub(super) fn clustering(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    name: &str,
    inside: &str,
) {
    let Some(entry) = fields.entry(name) else {
        return;
    };
    reader.problems.push(
        Diagnostic::new(
            Code::DocumentClustering,
            format!("`{inside}.{name}` is not supported"),
        )
        .at(
            entry.key.span,
            "a registration knows endpoints, not nodes or clusters",
        )
        .help("list the endpoints under `models` and the services under `upstream_services`"),
    );
}
