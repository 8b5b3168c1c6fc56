//! Managed keys, the deployment role, and what a deployment promises.

use std::collections::BTreeMap;

use super::Lowering;
use crate::plan::{
    ManagedKey, Mode, Quota, Recording, Runtime, Scope, SecretRef, Security, Source,
    UpstreamService,
};
use crate::registration::{CorpusBlock, ManagedKeyEntry, Registration, RemoteBlock, SecurityBlock};
use crate::source::Spanned;

impl Lowering {
    /// Managed keys by id; of two with one id, the first.
    pub(super) fn managed_keys(
        &mut self,
        registration: &Registration,
    ) -> BTreeMap<String, ManagedKey> {
        let mut keys = BTreeMap::new();
        for entry in &registration.managed_keys {
            let (Some(id), Some(hash)) = (&entry.id, &entry.key_hash) else {
                continue;
            };
            if !keys.contains_key(&id.value) {
                let key = self.managed_key(entry, &id.value, hash);
                keys.insert(id.value.clone(), key);
            }
        }
        keys
    }

    fn managed_key(
        &mut self,
        entry: &ManagedKeyEntry,
        id: &str,
        hash: &Spanned<String>,
    ) -> ManagedKey {
        let path = format!("managed_keys.{id}");
        self.note(
            path.clone(),
            entry.path.clone(),
            Source::Written(entry.head),
        );
        let at = |name: &str| (format!("{path}.{name}"), format!("{}.{name}", entry.path));
        let text = |lowering: &mut Self, name, written: &Option<Spanned<String>>| {
            let (to, key) = at(name);
            lowering.traced_if(to, key, written.as_ref())
        };
        let limit = |lowering: &mut Self, name: &str, written: &Option<Spanned<i64>>| {
            let (to, key) = at(&format!("quota.{name}"));
            let number = lowering.traced_if(to, key, written.as_ref());
            number.map(i64::unsigned_abs)
        };
        let (to, key) = at("key_hash");
        self.note(to, key, Source::Written(hash.span));
        if let Some(head) = entry.scopes_head {
            let (to, key) = at("scopes");
            self.note(to, key, Source::Written(head));
        }
        let quota = Quota {
            request_limit: limit(self, "request_limit", &entry.request_limit),
            token_limit: limit(self, "token_limit", &entry.token_limit),
            window_seconds: limit(self, "window_seconds", &entry.window_seconds),
        };
        let none = quota.request_limit.is_none()
            && quota.token_limit.is_none()
            && quota.window_seconds.is_none();
        ManagedKey {
            expires_at: text(self, "expires_at", &entry.expires_at),
            key_hash: SecretRef::from_text(&hash.value, &mut self.secrets),
            label: text(self, "label", &entry.label),
            quota: (!none).then_some(quota),
            revoked_at: text(self, "revoked_at", &entry.revoked_at),
            scopes: sorted(entry.scopes.iter().map(|scope| scope.value).collect()),
        }
    }

    /// The role, and what `Runtime` says beside it.
    pub(super) fn runtime(&mut self, registration: &Registration) -> Runtime {
        let section = registration.runtime.as_ref();
        let mode = section.and_then(|section| section.mode.as_ref());
        let mode = self.filled("Runtime.mode", mode, Mode::Local);
        let remote = section.and_then(|section| section.remote.as_ref());
        let corpus = section.and_then(|section| section.corpus.as_ref());
        Runtime {
            corpus: corpus.map(|corpus| self.recording(corpus)),
            mode,
            remote_service: remote
                .filter(|remote| remote.is_on())
                .and_then(|remote| self.remote(remote)),
            security: section.map_or_else(Security::default, |section| {
                self.security(&section.security)
            }),
        }
    }

    fn recording(&mut self, block: &CorpusBlock) -> Recording {
        let path = |name: &str| format!("runtime.corpus.{name}");
        let key = |name: &str| format!("Runtime.corpus.{name}");
        let max_bytes = self.traced(
            path("max_bytes"),
            key("max_bytes"),
            block.max_bytes.as_ref(),
            i64::try_from(Recording::MAX_BYTES).unwrap_or(i64::MAX),
        );
        let written = Source::Written(block.path.span);
        self.note(path("path"), key("path"), written);
        let (sample, text) = (block.sample.as_ref(), block.text.as_ref());
        Recording {
            max_bytes: max_bytes.unsigned_abs(),
            path: block.path.value.clone(),
            sample: self.traced(path("sample"), key("sample"), sample, 1.0),
            text: self.traced(path("text"), key("text"), text, false),
        }
    }

    fn remote(&mut self, remote: &RemoteBlock) -> Option<UpstreamService> {
        let base = remote.base_url.as_ref()?;
        self.note(
            "runtime.remote_service.base_url",
            "Runtime.remote_service.base_url",
            Source::Written(base.span),
        );
        let token = self.traced_if(
            "runtime.remote_service.auth_token",
            "Runtime.remote_service.auth_token",
            remote.auth_token.as_ref(),
        );
        Some(UpstreamService {
            auth_token: token.map(|token| SecretRef::from_text(&token, &mut self.secrets)),
            base_url: self.address(base.value.trim_end_matches('/')),
        })
    }

    fn security(&mut self, block: &SecurityBlock) -> Security {
        let default = Security::default();
        let mut switch = |name: &str, written: &Option<Spanned<bool>>, default| {
            self.traced(
                format!("runtime.security.{name}"),
                format!("Runtime.security.{name}"),
                written.as_ref(),
                default,
            )
        };
        let bootstrap_key_admin_only = switch(
            "bootstrap_key_admin_only",
            &block.bootstrap_key_admin_only,
            default.bootstrap_key_admin_only,
        );
        let public_host_requires_auth = switch(
            "public_host_requires_auth",
            &block.public_host_requires_auth,
            default.public_host_requires_auth,
        );
        let require_https_proxy = switch(
            "require_https_proxy",
            &block.require_https_proxy,
            default.require_https_proxy,
        );
        Security {
            bootstrap_key_admin_only,
            public_host_requires_auth,
            recommended_client_scopes: self.scopes(
                "recommended_client_scopes",
                &block.client_scopes,
                &default.recommended_client_scopes,
            ),
            recommended_operator_scopes: self.scopes(
                "recommended_operator_scopes",
                &block.operator_scopes,
                &default.recommended_operator_scopes,
            ),
            require_https_proxy,
        }
    }

    fn scopes(
        &mut self,
        name: &str,
        written: &Option<Spanned<Vec<Scope>>>,
        default: &[Scope],
    ) -> Vec<Scope> {
        let words: Vec<&str> = default.iter().map(|scope| scope.word()).collect();
        let source = match written {
            Some(written) => Source::Written(written.span),
            None => Source::Filled(words.join(", "), super::DEFAULT),
        };
        self.note(
            format!("runtime.security.{name}"),
            format!("Runtime.security.{name}"),
            source,
        );
        let scopes = written.as_ref().map(|written| written.value.clone());
        sorted(scopes.unwrap_or_else(|| default.to_vec()))
    }
}

fn sorted(mut scopes: Vec<Scope>) -> Vec<Scope> {
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}
