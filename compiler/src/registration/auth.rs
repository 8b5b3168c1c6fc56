//! `Auth`: managed keys that a registration carries. What they have used is
//! observed, not declared, and is not read.

use super::key::{Key, Meaning, POSITIVE, TEXT, Takes, key};
use super::read::{Fields, Reader, join};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Scope;
use crate::source::{Span, Spanned};

pub(super) const AUTH: &[Key] = &[
    key(
        "managed_keys",
        Takes::List(&Takes::Map(MANAGED_KEY)),
        "keys that were handed out",
    ),
    key(
        "quota_usage",
        Takes::Anything,
        "what keys have used; observed by the proxy, not read from here",
    )
    .legacy(),
];

const MANAGED_KEY: &[Key] = &[
    key("id", TEXT, "the key's id").required(),
    key("label", TEXT, "a name for people"),
    key("key_hash", TEXT, "SHA-256 of the secret, in hex").required(),
    key(
        "key_prefix",
        TEXT,
        "the secret's first characters, for people",
    ),
    key(
        "key_suffix",
        TEXT,
        "the secret's last characters, for people",
    ),
    key("scopes", SCOPES, "what the key may do"),
    key("created_at", Takes::Text(Meaning::Time), "when it was made"),
    key(
        "expires_at",
        Takes::Text(Meaning::Time),
        "when it ceases to count",
    ),
    key(
        "revoked_at",
        Takes::Text(Meaning::Time),
        "when it was revoked",
    ),
    key("quota", Takes::Map(QUOTA), "how much it may ask for"),
];

const QUOTA: &[Key] = &[
    key("request_limit", POSITIVE, "requests in a window"),
    key("token_limit", POSITIVE, "tokens in a window"),
    key(
        "window_seconds",
        POSITIVE,
        "length of a window; absent means that counting never starts again",
    ),
];

pub(super) const SCOPES: Takes = Takes::List(&Takes::Word(Scope::NAMES));

/// One managed key as written.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedKeyEntry {
    /// Its path, for example `Auth.managed_keys[0]`.
    pub path: String,
    /// A short place that stands for the key.
    pub head: Span,
    /// `id`
    pub id: Option<Spanned<String>>,
    /// `label`
    pub label: Option<Spanned<String>>,
    /// `key_hash`
    pub key_hash: Option<Spanned<String>>,
    /// `scopes` that are known
    pub scopes: Vec<Spanned<Scope>>,
    /// The key `scopes`, if it is there.
    pub scopes_head: Option<Span>,
    /// `expires_at`
    pub expires_at: Option<Spanned<String>>,
    /// `revoked_at`
    pub revoked_at: Option<Spanned<String>>,
    /// `quota.request_limit`
    pub request_limit: Option<Spanned<i64>>,
    /// `quota.token_limit`
    pub token_limit: Option<Spanned<i64>>,
    /// `quota.window_seconds`
    pub window_seconds: Option<Spanned<i64>>,
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Vec<ManagedKeyEntry> {
    let Some(inner) = fields
        .get("Auth")
        .and_then(|node| reader.fields(node, AUTH, "Auth"))
    else {
        return Vec::new();
    };
    let mut keys = Vec::new();
    for (at, fields) in reader.maps(&inner, "managed_keys", "Auth", MANAGED_KEY) {
        keys.push(managed_key(
            reader,
            &fields,
            format!("Auth.managed_keys[{at}]"),
        ));
    }
    keys
}

fn managed_key(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: String) -> ManagedKeyEntry {
    let quota_path = join(&path, "quota");
    let quota = fields
        .get("quota")
        .and_then(|node| reader.fields(node, QUOTA, &quota_path));
    let limit = |reader: &mut Reader<'_>, name| {
        let quota = quota.as_ref()?;
        reader.integer(quota, name, &quota_path)
    };
    let scopes = scopes(reader, fields, "scopes", &path);
    // For people, and of no consequence; looked at so that a mistake is told.
    for name in ["key_prefix", "key_suffix"] {
        reader.text(fields, name, &path);
    }
    time(reader, fields, "created_at", &path);
    ManagedKeyEntry {
        head: fields.head,
        id: reader.required_text(fields, "id", &path, "add the key's id"),
        label: reader.text(fields, "label", &path),
        key_hash: reader.required_text(
            fields,
            "key_hash",
            &path,
            "add the SHA-256 of the key, in hex; never the key itself",
        ),
        scopes,
        scopes_head: fields.entry("scopes").map(|entry| entry.key.span),
        expires_at: time(reader, fields, "expires_at", &path),
        revoked_at: time(reader, fields, "revoked_at", &path),
        request_limit: limit(reader, "request_limit"),
        token_limit: limit(reader, "token_limit"),
        window_seconds: limit(reader, "window_seconds"),
        path,
    }
}

/// Scopes by their words; unknown ones are reported and left out.
pub(super) fn scopes(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    name: &str,
    inside: &str,
) -> Vec<Spanned<Scope>> {
    let path = join(inside, name);
    let mut scopes = Vec::new();
    for text in reader.texts(fields, name, inside) {
        if let Some(scope) = reader.one_of(&text.value, text.span, &path, Scope::WORDS) {
            scopes.push(Spanned::new(scope, text.span));
        }
    }
    scopes
}

/// A date, or a date and time with an offset.
fn time(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    name: &str,
    inside: &str,
) -> Option<Spanned<String>> {
    let text = reader.text(fields, name, inside)?;
    let is_time = text.value.parse::<jiff::Timestamp>().is_ok()
        || text.value.parse::<jiff::civil::Date>().is_ok();
    if is_time {
        return Some(text);
    }
    let path = join(inside, name);
    reader.gap(&path);
    reader.problems.push(
        Diagnostic::new(
            Code::DocumentWrongType,
            format!("`{path}` takes a point in time"),
        )
        .at(text.span, "this is neither a date nor a date and time")
        .help("write it as `2027-01-31T12:00:00Z`, or as `2027-01-31`"),
    );
    None
}
