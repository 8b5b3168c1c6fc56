//! Model entries: unique ids, usable URLs, limits that fit together.

use std::collections::HashMap;

use http::Uri;

use super::called;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::registration::{ModelEntry, Registration};
use crate::source::{Span, Spanned};
use crate::variable::has_reference;

pub(super) fn check(registration: &Registration, complete: bool, problems: &mut Problems) {
    unique_ids(&registration.models, problems);
    let pooled = registration.pools.iter().flat_map(|pools| &pools.models);
    let entries = registration.models.iter().chain(pooled);
    if complete && is_without_models(registration) {
        problems.push(none_declared(registration));
    }
    for called in called::all(registration) {
        if let Some(api) = called.api() {
            url(api, || called.path("api"), problems);
        }
    }
    for entry in entries {
        limits(entry, problems);
    }
}

/// Whether there is no model and no pool, and nothing that stands for one.
pub(super) fn is_without_models(registration: &Registration) -> bool {
    let pooled = registration
        .pools
        .iter()
        .any(|pools| !pools.models.is_empty());
    let legacy = registration.providers_head.is_some();
    registration.models.is_empty() && !pooled && !legacy && !registration.may_forward()
}

fn unique_ids(models: &[ModelEntry], problems: &mut Problems) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for id in models.iter().filter_map(|entry| entry.id.as_ref()) {
        if let Some(first) = seen.get(id.value.as_str()) {
            problems.push(
                Diagnostic::new(Code::ModelDuplicateId, format!("two models have the id `{}`", id.value))
                    .at(id.span, "given again here")
                    .at(*first, "first given here")
                    .help("rename one, or move both to `Registration.models`, where entries of one id are a pool"),
            );
        } else {
            seen.insert(&id.value, id.span);
        }
    }
}

fn none_declared(registration: &Registration) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::ModelNone, "no model is declared")
        .help("add an entry to `Models`, or a pool to `Registration.models`");
    match registration.head {
        Some(head) => diagnostic.at(head, "this registration has nothing to route to"),
        None => diagnostic,
    }
}

fn url(text: &Spanned<String>, path: impl Fn() -> String, problems: &mut Problems) {
    if has_reference(&text.value) {
        return;
    }
    if let Some(label) = wrong_url(&text.value) {
        problems.push(
            Diagnostic::new(
                Code::DocumentInvalidUrl,
                format!("`{}` is not a URL the proxy can call", path()),
            )
            .at(text.span, label)
            .help("write a full URL, for example `https://api.anthropic.com`"),
        );
    }
}

/// What keeps a text without references from being a URL that can be called, as a label.
pub(crate) fn wrong_url(text: &str) -> Option<&'static str> {
    match text.parse::<Uri>() {
        Err(_) => Some("this is not a URL"),
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            Some("this does not start with `http://` or `https://`")
        }
        Ok(uri) if uri.host().is_none_or(str::is_empty) => Some("this names no host"),
        Ok(uri) if has_impossible_port(&uri) => Some("its port is not a number up to 65535"),
        Ok(_) => None,
    }
}

/// The parser keeps any port as it is written, and gives none that is no `u16`.
fn has_impossible_port(uri: &Uri) -> bool {
    let written = uri.authority().map_or("", |authority| {
        let address = authority.as_str();
        let address = address.rsplit('@').next().unwrap_or(address);
        address.strip_prefix(authority.host()).unwrap_or("")
    });
    written.len() > 1 && uri.port_u16().is_none()
}

fn limits(entry: &ModelEntry, problems: &mut Problems) {
    let (Some(safe), Some(window)) = (
        &entry.metadata.safe_input_tokens,
        &entry.metadata.context_window_tokens,
    ) else {
        return;
    };
    if safe.value > window.value {
        problems.push(
            Diagnostic::new(
                Code::DocumentOutOfRange,
                format!(
                    "`safe_input_tokens` cannot be above `context_window_tokens` ({})",
                    window.value
                ),
            )
            .at(safe.span, "more than the whole window")
            .at(window.span, "the window")
            .help(format!(
                "lower `safe_input_tokens` to {} or less",
                window.value
            )),
        );
    }
}
