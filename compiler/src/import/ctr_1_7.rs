//! A config of claude-trigger-router up to 1.7 → a document in the current
//! spelling. It is a registration already, so it is first compiled as one, and
//! what is wrong with it is said by the compiler. Then old keys get their
//! current names, `Providers` become models, `TriggerRouter` becomes
//! `SmartRouter`, and literal secrets become variables.

mod models;
mod smart;

use super::endpoint::Desk;
use super::field::{Map, says_nothing, text};
use super::kind;
use super::{Count, Format, Tally};
use crate::diagnostic::{Code, Problems, Severity};
use crate::document::{Document, Entry, Item, Words};
use crate::plan::Slot;
use crate::registration::shown_url;
use crate::source::{Sources, Span};
use crate::tree::{self, Node, Scalar, Value};
use crate::{Limits, Settings, compile_within};

/// Sections in the order they are written.
const SECTIONS: &[&str] = &[
    "HOST",
    "PORT",
    "APIKEY",
    "API_TIMEOUT_MS",
    "LOG_LEVEL",
    "LOG",
    "PROXY_URL",
    "forceUseImageAgent",
    "Runtime",
    "Models",
    "Registration",
    "Router",
    "SmartRouter",
    "Governance",
    "Auth",
    "Lint",
];

/// Sections that become another one, and those that never had an effect.
const ELSEWHERE: &[&str] = &["Providers", "TriggerRouter", "NON_INTERACTIVE_MODE"];

/// Keys of a model, and of whatever else has an id, in the order they are written.
const MODEL: &[&str] = &[
    "id",
    "api",
    "key",
    "key_header",
    "interface",
    "model",
    "thinking",
    "metadata",
];

/// Keys whose text is a secret, wherever they stand.
const SECRETS: &[&str] = &["key", "api_key", "auth_token", "APIKEY"];

pub(super) fn import(
    root: Map<'_, '_>,
    sources: &Sources,
    limits: &Limits,
    desk: &mut Desk<'_>,
) -> (Document, Tally) {
    refuse_what_does_not_compile(sources, limits, desk);
    let whole = tree::read(sources, limits, &mut Problems::default());
    desk.words = Words::needed(&whole);
    let mut tally = Tally {
        slots: slots(root),
        ..Tally::default()
    };
    let models = models::read(root, desk, &mut tally);
    let is_remote = root
        .map("Runtime")
        .is_some_and(|runtime| runtime.get("remote_service").is_some());
    if tally.names == 0 && !is_remote && !desk.problems.has_errors() {
        desk.problems.push(super::no_models(root.head));
    }
    let mut entries = Vec::new();
    for section in SECTIONS {
        let item = match *section {
            "Models" => models.clone(),
            "SmartRouter" => smart::read(root, desk),
            "Auth" => auth(root, desk),
            "Governance" => given(root, section).map(|node| smart::governance(node, desk)),
            _ => given(root, section).map(|node| copy(node, section, section, desk)),
        };
        entries.extend(item.map(|item| Entry::new(*section, item)));
    }
    leftovers(root, desk);
    if let Some(first) = entries.first_mut() {
        first.comments.above = super::head(Format::Ctr17).to_vec();
    }
    let document = Document {
        entries,
        tail: Vec::new(),
    };
    (document, tally)
}

/// A section, also one with nothing in it.
fn given<'t, 's>(root: Map<'t, 's>, section: &str) -> Option<&'t Node<'s>> {
    let node = &root.entry(section)?.value;
    (!matches!(node.value, Value::Null | Value::Broken)).then_some(node)
}

/// What the compiler finds wrong is wrong in the foreign file, at that place.
fn refuse_what_does_not_compile(sources: &Sources, limits: &Limits, desk: &mut Desk<'_>) {
    let settings = Settings {
        limits: *limits,
        ..Settings::default()
    };
    let compiled = compile_within(sources, &settings);
    let errors = compiled.problems.iter();
    for error in errors.filter(|found| found.severity == Severity::Error) {
        desk.problems.push(error.clone());
    }
}

/// How many slots name something; where they lead was asked when the file was compiled.
fn slots(root: Map<'_, '_>) -> Count {
    let router = root.map("Router");
    let words = Slot::WORDS.iter();
    let found = words
        .filter(|(word, _)| router.is_some_and(|router| router.text(word).is_some()))
        .count();
    Count {
        found,
        carried: found,
    }
}

/// `Auth` without what the proxy counted, which is no part of a registration.
fn auth(root: Map<'_, '_>, desk: &mut Desk<'_>) -> Option<Item> {
    let auth = root.map("Auth")?;
    if let Some(usage) = auth
        .entry("quota_usage")
        .filter(|entry| !says_nothing(&entry.value))
    {
        desk.losses.say(
            Code::ImportNotCarried,
            "counts of what keys have used are not carried",
            usage.key.span,
            "a registration says what is wanted, not what was observed",
            "expect quotas to begin anew",
        );
    }
    let entries = auth.entries.iter();
    let kept: Vec<Entry> = entries
        .filter(|entry| entry.key.value != "quota_usage" && !says_nothing(&entry.value))
        .map(|entry| {
            let key = entry.key.value.as_ref();
            Entry::new(key, copy(&entry.value, key, "AUTH", desk))
        })
        .collect();
    (!kept.is_empty()).then_some(Item::Map(kept))
}

fn leftovers(root: Map<'_, '_>, desk: &mut Desk<'_>) {
    for entry in root.entries {
        let key = entry.key.value.as_ref();
        if SECTIONS.contains(&key) || ELSEWHERE.contains(&key) || says_nothing(&entry.value) {
            continue;
        }
        if key == "CUSTOM_ROUTER_PATH" {
            desk.losses.say(
                Code::ImportNotCarried,
                "a custom router is not carried",
                entry.key.span,
                "no script is run",
                "write what it decides as slots and rules",
            );
        } else {
            desk.losses.key(&kind::UNKNOWN, key, entry.key.span);
        }
    }
}

/// A node as it will be written. `key` is the key it stands under, and `owner`
/// what a secret below it is named after.
fn copy(node: &Node<'_>, key: &str, owner: &str, desk: &mut Desk<'_>) -> Item {
    match &node.value {
        Value::Null | Value::Broken => Item::Null,
        Value::Scalar(scalar) => scalar_item(scalar, node.span, key, owner, desk),
        Value::List(items) => Item::list(items.iter().map(|item| copy(item, key, owner, desk))),
        Value::Map(entries) => {
            let map = Map::of(node);
            let owner = map.and_then(|map| map.text("id")).unwrap_or(owner);
            let is_renamed = |key: &str| current(key) != key;
            let has = |key: &str| map.is_some_and(|map| map.entry(key).is_some());
            let mut copied = Vec::with_capacity(entries.len());
            for entry in entries {
                let key = entry.key.value.as_ref();
                // Of two spellings the current one counts.
                if !(is_renamed(key) && has(current(key))) {
                    let item = copy(&entry.value, key, owner, desk);
                    copied.push(Entry::new(current(key), item));
                }
            }
            let place = |entry: &Entry| MODEL.iter().position(|key| *key == entry.key);
            if copied.iter().any(|entry| entry.key == "id") {
                copied.sort_by_key(|entry| place(entry).unwrap_or(MODEL.len()));
            }
            Item::Map(copied)
        }
    }
}

/// The current spelling of a key of an entry.
fn current(key: &str) -> &str {
    match key {
        "api_base_url" => "api",
        "api_key" => "key",
        "protocol" => "interface",
        key => key,
    }
}

fn scalar_item(
    scalar: &Scalar<'_>,
    span: Span,
    key: &str,
    owner: &str,
    desk: &mut Desk<'_>,
) -> Item {
    let written = scalar.text.as_ref();
    if SECRETS.contains(&key) && !written.trim().is_empty() {
        let name = match (key, owner) {
            ("APIKEY", _) => "CTR_API_KEY".to_owned(),
            ("auth_token", "Runtime") => "CTR_REMOTE_AUTH_TOKEN".to_owned(),
            ("auth_token", owner) => super::secret::variable_name(owner, "AUTH_TOKEN"),
            (_, owner) => super::secret::variable_name(owner, "API_KEY"),
        };
        return Item::Text(desk.keys.key(written.trim(), &name, span).text);
    }
    if written.contains("://") && shown_url(written.trim()).1 {
        let name = super::secret::variable_name(owner, "URL");
        return Item::Text(desk.keys.key(written.trim(), &name, span).text);
    }
    if scalar.quoted {
        return Item::text(written);
    }
    desk.words.item(written, span)
}

/// The text of a node, for modules below.
fn word<'t>(map: Map<'t, '_>, key: &str) -> Option<&'t str> {
    map.get(key).and_then(text)
}
