//! `Registration`: pools of endpoints and the services they refer to.

use super::ModelEntry;
use super::model;
use super::read::{Fields, Key, Reader, key};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Strategy;
use crate::source::{Span, Spanned};
use crate::tree::Value;

const REGISTRATION: &[Key] = &[
    key("enabled"),
    key("strategy"),
    key("models"),
    key("upstream_services"),
    key("nodes"),
    key("node_id"),
    key("cluster"),
];

const SERVICE: &[Key] = &[key("id"), key("base_url"), key("auth_token")];

/// `Registration` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Pools {
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `strategy`
    pub strategy: Option<Spanned<Strategy>>,
    /// `models`; entries of one id are one pool.
    pub models: Vec<ModelEntry>,
    /// `upstream_services`
    pub services: Vec<ServiceEntry>,
    /// The key of the section.
    pub head: Span,
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
    let mut services = Vec::new();
    for (at, item) in reader
        .items(&inner, "upstream_services", "Registration")
        .iter()
        .enumerate()
    {
        let path = format!("Registration.upstream_services[{at}]");
        match reader.fields(item, SERVICE, &path) {
            Some(fields) => services.push(service(reader, &fields, &path, at)),
            None if matches!(item.value, Value::Null) => reader.empty_item(item, &path),
            None => {}
        }
    }
    Some(Pools {
        enabled: reader.boolean(&inner, "enabled", "Registration"),
        strategy: reader.word(&inner, "strategy", "Registration", Strategy::WORDS),
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
    let id = reader.text(fields, "id", path);
    if id.is_none() && !is_written(fields, "id") {
        reader.whole = false;
        reader.missing(
            "id",
            path,
            fields.head,
            "add the id that endpoints refer to, for example `id: dc-a`",
        );
    }
    let base_url = reader.text(fields, "base_url", path);
    if base_url.is_none() && !is_written(fields, "base_url") {
        reader.missing(
            "base_url",
            path,
            fields.head,
            "add its URL, for example `base_url: \"https://a.example\"`",
        );
    }
    ServiceEntry {
        index,
        id,
        base_url,
        auth_token: reader.text(fields, "auth_token", path),
    }
}

/// Whether a key holds a value of any kind, so that a wrong one is reported as wrong and not as missing.
pub(super) fn is_written(fields: &Fields<'_, '_>, name: &str) -> bool {
    fields
        .entry(name)
        .is_some_and(|entry| match &entry.value.value {
            Value::Null => false,
            Value::Scalar(scalar) => !scalar.text.trim().is_empty(),
            Value::List(_) | Value::Map(_) | Value::Broken => true,
        })
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
