//! Managed keys: hashes that are hashes, keys that can be told apart, and
//! keys that may do something.

use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::is_lone_variable;
use crate::registration::{ManagedKeyEntry, Registration};
use crate::source::{Span, Spanned};

/// Hex digits of SHA-256.
const DIGITS: usize = 64;

pub(super) fn check(registration: &Registration, problems: &mut Problems) {
    let mut ids = HashMap::new();
    let mut hashes = HashMap::new();
    for key in &registration.managed_keys {
        if let Some(id) = &key.id {
            let headline = format!("two managed keys have the id `{}`", id.value);
            let help = "rename one; quotas and records are kept by the id";
            twice(&mut ids, id, id.value.clone(), &headline, help, problems);
        }
        let Some(hash) = &key.key_hash else { continue };
        if is_hash(&hash.value) {
            // What is told of a hash is only where it stands.
            let folded = hash.value.to_ascii_lowercase();
            let help = "remove one, or give it a secret of its own";
            twice(
                &mut hashes,
                hash,
                folded,
                "two managed keys have the same hash",
                help,
                problems,
            );
        } else if !is_lone_variable(&hash.value) {
            problems.push(no_hash(key, hash));
        }
    }
    for key in &registration.managed_keys {
        let is_lost = |name| registration.gaps.has(&format!("{}.{name}", key.path));
        let may_nothing = key.scopes.is_empty() && key.revoked_at.is_none();
        if may_nothing && !["scopes", "revoked_at"].into_iter().any(is_lost) {
            problems.push(without_scope(key));
        }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn twice(
    seen: &mut HashMap<String, Span>,
    value: &Spanned<String>,
    known_as: String,
    headline: &str,
    help: &str,
    problems: &mut Problems,
) {
    let first = *seen.entry(known_as).or_insert(value.span);
    if first != value.span {
        problems.push(
            Diagnostic::new(Code::AuthDuplicateKey, headline)
                .at(value.span, "given again here")
                .at(first, "first given here")
                .help(help),
        );
    }
}

fn no_hash(key: &ManagedKeyEntry, hash: &Spanned<String>) -> Diagnostic {
    Diagnostic::new(
        Code::AuthInvalidKeyHash,
        format!("`{}.key_hash` is no SHA-256 hash", key.path),
    )
    .at(
        hash.span,
        "this is not 64 hex digits, and perhaps the secret itself",
    )
    .help("write the SHA-256 of the secret in hex; make a new secret if it stood here")
}

fn without_scope(key: &ManagedKeyEntry) -> Diagnostic {
    let id = key.id.as_ref();
    let name = id.map_or_else(
        || format!("`{}`", key.path),
        |id| format!("managed key `{}`", id.value),
    );
    let place = key.scopes_head.unwrap_or(key.head);
    Diagnostic::new(Code::AuthKeyWithoutScope, format!("{name} has no scope"))
        .at(place, "it may do nothing")
        .help("add what it may do, for example `scopes: [client]`, or remove the key")
}
