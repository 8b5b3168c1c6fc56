//! `Runtime`: the deployment role, a remote service to forward to, what a
//! deployment promises about access, and what is recorded of its requests.

use super::auth::{SCOPES, scopes};
use super::key::{Key, Meaning, POSITIVE, TEXT, Takes, key};
use super::read::{Fields, Reader};
use crate::plan::{Mode, Scope};
use crate::source::{Span, Spanned};

pub(super) const RUNTIME: &[Key] = &[
    key("mode", Takes::Word(Mode::NAMES), "the deployment role").or("local"),
    key(
        "remote_service",
        Takes::Map(REMOTE),
        "another ctr that requests are forwarded to",
    ),
    key(
        "security",
        Takes::Map(SECURITY),
        "what the deployment promises about access; it describes, and refuses nothing",
    ),
    key(
        "corpus",
        Takes::Map(CORPUS),
        "a file in which requests are recorded, to be replayed later",
    ),
];

const CORPUS: &[Key] = &[
    key(
        "path",
        TEXT,
        "the file; a relative path is one in the state directory",
    )
    .required(),
    key(
        "text",
        Takes::Boolean,
        "whether texts are kept, after what looks like a secret is taken out",
    )
    .or("false"),
    key(
        "max_bytes",
        POSITIVE,
        "recording ends when the file has so many bytes",
    )
    .or("1073741824"),
    key(
        "sample",
        Takes::Ratio,
        "the share of requests that is recorded",
    )
    .or("1"),
];

const REMOTE: &[Key] = &[
    key("enabled", Takes::Boolean, "whether requests are forwarded").or("false"),
    key(
        "base_url",
        Takes::Text(Meaning::Url),
        "the URL of the other ctr; required where it is enabled",
    ),
    key(
        "auth_token",
        Takes::Text(Meaning::Secret),
        "the key the other ctr asks for",
    ),
];

const SECURITY: &[Key] = &[
    key(
        "public_host_requires_auth",
        Takes::Boolean,
        "a public listener asks for a key",
    )
    .or("true"),
    key(
        "bootstrap_key_admin_only",
        Takes::Boolean,
        "`APIKEY` is for administrators only",
    )
    .or("true"),
    key(
        "require_https_proxy",
        Takes::Boolean,
        "an HTTPS proxy stands in front",
    )
    .or("false"),
    key(
        "recommended_client_scopes",
        SCOPES,
        "scopes a client's key should have",
    )
    .or("[client, read-only]"),
    key(
        "recommended_operator_scopes",
        SCOPES,
        "scopes an operator's key should have",
    )
    .or("[operator]"),
];

/// `Runtime` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeSection {
    /// The key of the section.
    pub head: Span,
    /// `mode`
    pub mode: Option<Spanned<Mode>>,
    /// `remote_service`
    pub remote: Option<RemoteBlock>,
    /// `security`
    pub security: SecurityBlock,
    /// `corpus`
    pub corpus: Option<CorpusBlock>,
}

/// `corpus` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct CorpusBlock {
    /// `path`
    pub path: Spanned<String>,
    /// `text`
    pub text: Option<Spanned<bool>>,
    /// `max_bytes`
    pub max_bytes: Option<Spanned<i64>>,
    /// `sample`
    pub sample: Option<Spanned<f64>>,
}

/// `remote_service` as written.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteBlock {
    /// The key of the block.
    pub head: Span,
    /// `enabled`
    pub enabled: Option<Spanned<bool>>,
    /// `base_url`
    pub base_url: Option<Spanned<String>>,
    /// `auth_token`
    pub auth_token: Option<Spanned<String>>,
}

impl RemoteBlock {
    /// Whether requests are forwarded.
    pub fn is_on(&self) -> bool {
        self.enabled.as_ref().is_some_and(|enabled| enabled.value)
    }
}

/// `security` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecurityBlock {
    /// `public_host_requires_auth`
    pub public_host_requires_auth: Option<Spanned<bool>>,
    /// `bootstrap_key_admin_only`
    pub bootstrap_key_admin_only: Option<Spanned<bool>>,
    /// `require_https_proxy`
    pub require_https_proxy: Option<Spanned<bool>>,
    /// `recommended_client_scopes`, where it is written
    pub client_scopes: Option<Spanned<Vec<Scope>>>,
    /// `recommended_operator_scopes`, where it is written
    pub operator_scopes: Option<Spanned<Vec<Scope>>>,
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<RuntimeSection> {
    let head = fields.entry("Runtime")?.key.span;
    let inner = reader.fields(fields.get("Runtime")?, RUNTIME, "Runtime")?;
    Some(RuntimeSection {
        head,
        mode: reader.word(&inner, "mode", "Runtime", Mode::WORDS),
        remote: remote(reader, &inner),
        security: security(reader, &inner),
        corpus: corpus(reader, &inner),
    })
}

fn corpus(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<CorpusBlock> {
    const PATH: &str = "Runtime.corpus";
    let inner = reader.fields(fields.get("corpus")?, CORPUS, PATH)?;
    let help = "add a file, for example `path: corpus.jsonl`";
    let path = reader.required_text(&inner, "path", PATH, help);
    let text = reader.boolean(&inner, "text", PATH);
    let max_bytes = reader.integer(&inner, "max_bytes", PATH);
    let sample = reader.amount(&inner, "sample", PATH);
    Some(CorpusBlock {
        path: path?,
        text,
        max_bytes,
        sample,
    })
}

fn remote(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> Option<RemoteBlock> {
    const PATH: &str = "Runtime.remote_service";
    let head = fields.entry("remote_service")?.key.span;
    let inner = reader.fields(fields.get("remote_service")?, REMOTE, PATH)?;
    let enabled = reader.boolean(&inner, "enabled", PATH);
    let base_url = reader.text(&inner, "base_url", PATH);
    let is_on = enabled.as_ref().is_some_and(|enabled| enabled.value);
    if is_on && base_url.is_none() && !inner.is_written("base_url") {
        let help =
            "add the URL of the other ctr, for example `base_url: \"https://router.example\"`";
        reader.missing("base_url", PATH, inner.head, help);
    }
    Some(RemoteBlock {
        head,
        enabled,
        base_url,
        auth_token: reader.text(&inner, "auth_token", PATH),
    })
}

fn security(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> SecurityBlock {
    const PATH: &str = "Runtime.security";
    let Some(inner) = fields
        .get("security")
        .and_then(|node| reader.fields(node, SECURITY, PATH))
    else {
        return SecurityBlock::default();
    };
    let listed = |reader: &mut Reader<'_>, name| {
        let node = inner.get(name)?;
        let scopes = scopes(reader, &inner, name, PATH);
        let scopes = scopes.into_iter().map(|scope| scope.value).collect();
        Some(Spanned::new(scopes, node.span))
    };
    SecurityBlock {
        public_host_requires_auth: reader.boolean(&inner, "public_host_requires_auth", PATH),
        bootstrap_key_admin_only: reader.boolean(&inner, "bootstrap_key_admin_only", PATH),
        require_https_proxy: reader.boolean(&inner, "require_https_proxy", PATH),
        client_scopes: listed(reader, "recommended_client_scopes"),
        operator_scopes: listed(reader, "recommended_operator_scopes"),
    }
}
