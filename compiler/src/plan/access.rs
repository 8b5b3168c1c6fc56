//! Who may call, in a plan: managed keys that a registration carries.

use serde::{Deserialize, Serialize};

use super::SecretRef;
use super::words::words;

/// A key that was handed out; its secret is known to its owner only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedKey {
    /// When it ceases to count, as written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<String>,
    /// Fingerprint of the SHA-256 of its secret, which is what callers are compared with.
    pub key_hash: SecretRef,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// How much it may ask for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quota: Option<Quota>,
    /// When it was revoked, as written; absent while it counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<String>,
    /// What it may do, sorted, each once.
    pub scopes: Vec<Scope>,
}

/// How much a key may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests in a window.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_limit: Option<u64>,
    /// Tokens in a window.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token_limit: Option<u64>,
    /// Length of a window; absent means that counting never starts again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window_seconds: Option<u64>,
}

/// What a deployment promises about who may call. It describes, and refuses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// The bootstrap key is for administrators only.
    pub bootstrap_key_admin_only: bool,
    /// A public listener asks for a key.
    pub public_host_requires_auth: bool,
    /// Scopes a client's key should have.
    pub recommended_client_scopes: Vec<Scope>,
    /// Scopes an operator's key should have.
    pub recommended_operator_scopes: Vec<Scope>,
    /// An HTTPS proxy stands in front.
    pub require_https_proxy: bool,
}

impl Default for Security {
    /// The values of claude-trigger-router 1.7.0.
    fn default() -> Self {
        Self {
            bootstrap_key_admin_only: true,
            public_host_requires_auth: true,
            recommended_client_scopes: vec![Scope::Client, Scope::ReadOnly],
            recommended_operator_scopes: vec![Scope::Operator],
            require_https_proxy: false,
        }
    }
}

words! {
    /// What a key may do.
    Scope {
        /// Everything.
        Admin = "admin",
        /// Operate the service and look at it.
        Operator = "operator",
        /// Call models.
        Client = "client",
        /// Look at it.
        ReadOnly = "read-only",
    }
}
