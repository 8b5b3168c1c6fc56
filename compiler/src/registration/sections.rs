//! The top level: which sections exist, and which have no effect yet.

use super::read::{Fields, Key, Reader, key};
use super::{Registration, model, pool, router};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::plan::{LogLevel, Mode};
use crate::source::Spanned;
use crate::tree::{Entry, Root, Value};

const SECTIONS: &[Key] = &[
    key("HOST"),
    key("PORT"),
    key("APIKEY"),
    key("API_TIMEOUT_MS"),
    key("LOG_LEVEL"),
    key("Models"),
    key("Router"),
    key("Registration"),
    key("Runtime"),
    key("PROXY_URL"),
    key("LOG"),
    key("NON_INTERACTIVE_MODE"),
    key("CUSTOM_ROUTER_PATH"),
    key("forceUseImageAgent"),
    key("Providers"),
    key("SmartRouter"),
    key("TriggerRouter"),
    key("Auth"),
    key("Governance"),
];

/// Sections of the reference that are read by name only.
const INERT: &[(&str, &str)] = &[
    ("PROXY_URL", "upstreams are called directly"),
    ("LOG", "logs go to standard error"),
    ("NON_INTERACTIVE_MODE", "it never had an effect"),
    ("CUSTOM_ROUTER_PATH", "no script is run"),
    ("forceUseImageAgent", "images pass through"),
    (
        "Providers",
        "slots that name its models lead nowhere; declare them under `Models`",
    ),
    ("SmartRouter", "its rules are not applied"),
    ("TriggerRouter", "its rules are not applied"),
    ("Auth", "only `APIKEY` is asked for"),
    ("Governance", "nothing of it is applied"),
];

const RUNTIME: &[Key] = &[key("mode"), key("remote_service"), key("security")];

pub(super) fn read(root: &Root<'_>, problems: &mut Problems) -> Registration {
    let mut reader = Reader {
        problems,
        complete: root.complete,
        whole: root.complete,
    };
    let mut registration = Registration::default();
    let Some(fields) = reader.fields(&root.node, SECTIONS, "") else {
        return registration;
    };
    registration.head = Some(fields.head);
    registration.host = reader.text(&fields, "HOST", "");
    registration.port = reader
        .integer(&fields, "PORT", "", 1..=65_535)
        .as_ref()
        .and_then(port);
    registration.api_key = reader.text(&fields, "APIKEY", "");
    registration.timeout_ms = reader.integer(&fields, "API_TIMEOUT_MS", "", i64::MIN..=i64::MAX);
    registration.log_level = reader.word(&fields, "LOG_LEVEL", "", LogLevel::WORDS);
    registration.models = model::read_list(&mut reader, &fields, "Models", "");
    registration.router = router::read(&mut reader, &fields, &mut registration.inert);
    registration.pools = pool::read(&mut reader, &fields);
    registration.mode = runtime(&mut reader, &fields, &mut registration.inert);
    for (name, consequence) in INERT {
        if let Some(entry) = fields.entry(name) {
            inert(
                &mut reader,
                entry,
                name,
                consequence,
                &mut registration.inert,
            );
        }
    }
    registration.whole = reader.whole;
    registration
}

fn port(number: &Spanned<i64>) -> Option<Spanned<u16>> {
    u16::try_from(number.value)
        .ok()
        .map(|value| Spanned::new(value, number.span))
}

fn runtime(
    reader: &mut Reader<'_>,
    fields: &Fields<'_, '_>,
    known: &mut std::collections::BTreeSet<&'static str>,
) -> Option<Spanned<Mode>> {
    let inner = reader.fields(fields.get("Runtime")?, RUNTIME, "Runtime")?;
    for (name, path, consequence) in [
        (
            "remote_service",
            "Runtime.remote_service",
            "requests are served here",
        ),
        (
            "security",
            "Runtime.security",
            "it describes a policy; nothing is enforced from it",
        ),
    ] {
        if let Some(entry) = inner.entry(name) {
            inert(reader, entry, path, consequence, known);
        }
    }
    reader.word(&inner, "mode", "Runtime", Mode::WORDS)
}

/// Reports a section that is known and has no effect yet.
pub(super) fn inert(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    path: &'static str,
    consequence: &str,
    known: &mut std::collections::BTreeSet<&'static str>,
) {
    if matches!(entry.value.value, Value::Null) {
        return;
    }
    known.insert(path);
    reader.problems.push(
        Diagnostic::new(
            Code::DocumentNotSupportedYet,
            format!("`{path}` is not supported yet"),
        )
        .at(
            entry.key.span,
            format!("read and left aside; {consequence}"),
        )
        .help(format!(
            "keep `{path}` if another reader of this file needs it; it changes nothing here"
        )),
    );
}
