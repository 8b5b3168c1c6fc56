//! claude-code-router's `config.json` → a draft.
//!
//! A model of a provider becomes a model with the id `provider,model`, which is
//! how its slots name it, so slots are carried as they stand. What transformers
//! do to requests is done here by the interface, or is named.

mod provider;
pub(super) mod transformer;

use std::collections::HashMap;

use super::Tally;
use super::amount;
use super::draft::Draft;
use super::endpoint::Desk;
use super::field::{Map, flag, items, says_nothing, text};
use super::kind::{self, Kind};
use crate::diagnostic::{Code, Diagnostic, did_you_mean, nearest};
use crate::document::Item;
use crate::plan::{LogLevel, Slot};
use crate::registration::{not_a_host, shown_url};
use crate::source::Span;
use crate::tree::{Entry, Node, Value};
use crate::variable::has_reference;

/// What is known while a config is read.
struct Config<'d, 'p> {
    desk: &'d mut Desk<'p>,
    draft: Draft,
    tally: Tally,
    /// The id of the first provider that has a model, by the model's name.
    by_model: HashMap<String, String>,
}

/// Keys at the top that are read or are of some kind.
const TOP: &[(&str, Option<&Kind>)] = &[
    ("Providers", None),
    ("providers", None),
    ("Router", None),
    ("HOST", None),
    ("PORT", None),
    ("APIKEY", None),
    ("API_TIMEOUT_MS", None),
    ("LOG", None),
    ("LOG_LEVEL", None),
    ("PROXY_URL", None),
    ("forceUseImageAgent", None),
    ("CUSTOM_ROUTER_PATH", None),
    ("StatusLine", Some(&kind::PROCESS)),
    ("CLAUDE_PATH", Some(&kind::PROCESS)),
    ("NON_INTERACTIVE_MODE", Some(&kind::PROCESS)),
    ("REWRITE_SYSTEM_PROMPT", Some(&kind::PARAMETERS)),
    ("stream", Some(&kind::PARAMETERS)),
    ("transformers", Some(&kind::TRANSFORMERS)),
    ("plugins", Some(&kind::GUARDS)),
    ("fallback", None),
    ("tokenizer", Some(&kind::PARAMETERS)),
];

/// Reads a config.
pub(super) fn import(root: Map<'_, '_>, desk: &mut Desk<'_>) -> (Draft, Tally) {
    let mut config = Config {
        desk,
        draft: Draft::default(),
        tally: Tally::default(),
        by_model: HashMap::new(),
    };
    for item in config.providers(root) {
        provider::read(&mut config, item);
    }
    config.settings(root);
    config.router(root);
    config.tally.names = config.draft.names().len();
    (config.draft, config.tally)
}

impl Config<'_, '_> {
    fn providers<'t, 's>(&mut self, root: Map<'t, 's>) -> &'t [Node<'s>] {
        let entry = root.entry("Providers").or_else(|| root.entry("providers"));
        let Some(entry) = entry else { return &[] };
        match &entry.value.value {
            Value::List(found) if !found.is_empty() => return found,
            Value::Null | Value::List(_) => {
                self.desk.problems.push(super::no_models(entry.key.span));
            }
            Value::Broken => {}
            Value::Map(_) | Value::Scalar(_) => self.desk.problems.push(
                Diagnostic::new(Code::ImportInvalid, "`Providers` is not a list")
                    .at(entry.key.span, "a list of providers is expected")
                    .help(
                        "write each provider as an item with `name`, `api_base_url` and `models`",
                    ),
            ),
        }
        &[]
    }

    fn settings(&mut self, root: Map<'_, '_>) {
        if let Some(node) = root.get("HOST")
            && let Some(host) = text(node)
        {
            self.host(with_braces(host), node.span);
        }
        self.number(root, "PORT", |port| (1..=65_535).contains(&port));
        self.number(root, "API_TIMEOUT_MS", |_| true);
        if let Some(node) = root.get("APIKEY")
            && let Some(text) = text(node)
        {
            let text = with_braces(text);
            self.desk.readable(&text, node.span);
            let key = self.desk.keys.key(&text, "CTR_API_KEY", node.span);
            let setting = ("APIKEY", Item::Text(key.text), key.comment);
            self.draft.settings.push(setting);
        }
        if let Some(node) = root.get("PROXY_URL")
            && let Some(text) = text(node)
        {
            let proxy = with_braces(text);
            self.desk.readable(&proxy, node.span);
            let proxy = match shown_url(&proxy).1 {
                true => self.desk.keys.key(&proxy, "PROXY_URL", node.span).text,
                false => proxy,
            };
            self.draft.set("PROXY_URL", Item::Text(proxy));
        }
        if root.get("forceUseImageAgent").and_then(flag) == Some(true) {
            self.draft.set("forceUseImageAgent", Item::Bool(true));
        }
        if root.get("LOG").and_then(flag) == Some(false) {
            self.draft.set("LOG", Item::Bool(false));
        }
        if let Some(node) = root.get("LOG_LEVEL")
            && let Some(level) = text(node)
        {
            match LogLevel::WORDS.iter().find(|(word, _)| *word == level) {
                Some((word, _)) => self.draft.set("LOG_LEVEL", Item::text(*word)),
                None => self.say_of(
                    node.span,
                    "a level of logging is not carried",
                    "it is no level here",
                    "write one of the levels of `ctr start --help`",
                ),
            }
        }
        for (key, headline, label, help) in [
            (
                "CUSTOM_ROUTER_PATH",
                "a custom router is not carried",
                "no script is run",
                "write what it decides as slots and rules",
            ),
            (
                "fallback",
                "fallbacks of slots are not carried",
                "a pool falls back here, and not a slot",
                "list the models under one id in `Registration.models`",
            ),
        ] {
            if let Some(entry) = root.entry(key).filter(|entry| !says_nothing(&entry.value)) {
                self.say_of(entry.key.span, headline, label, help);
            }
        }
        for entry in root.entries {
            self.leftover(entry);
        }
    }

    fn host(&mut self, host: String, span: Span) {
        self.desk.readable(&host, span);
        let literal = Some(host.as_str()).filter(|host| !has_reference(host));
        match literal.and_then(not_a_host) {
            None => self.draft.set("HOST", Item::Text(host)),
            Some(what) => self.say_of(
                span,
                "a `HOST` that nothing can listen on is not carried",
                what,
                "write a name or an address alone, as `127.0.0.1`",
            ),
        }
    }

    fn say_of(&mut self, span: Span, headline: &str, label: &str, help: &str) {
        let losses = &mut self.desk.losses;
        losses.say(Code::ImportNotCarried, headline, span, label, help);
    }

    fn leftover(&mut self, entry: &Entry<'_>) {
        let key = entry.key.value.as_ref();
        let known = TOP
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(key));
        let kind = match known {
            Some((known, None)) if *known == key => return,
            Some((_, Some(kind))) => kind,
            Some((_, None)) | None => &kind::UNKNOWN,
        };
        let is_off = Map::of(&entry.value)
            .is_some_and(|map| map.get("enabled").and_then(flag) == Some(false));
        let is_idle = says_nothing(&entry.value) || flag(&entry.value) == Some(false) || is_off;
        if !is_idle {
            self.desk.losses.key(kind, key, entry.key.span);
        }
    }

    fn number(&mut self, root: Map<'_, '_>, key: &'static str, fits: impl Fn(i64) -> bool) {
        let Some(node) = root.get(key) else { return };
        match text(node)
            .and_then(|text| amount::whole(text, 0))
            .filter(|number| fits(*number))
        {
            Some(number) => self.draft.set(key, Item::Number(number.to_string())),
            None => self.desk.losses.say(
                Code::ImportNotCarried,
                &format!("`{key}` is not carried, since it is no number that counts"),
                node.span,
                "left out",
                "write the number itself",
            ),
        }
    }

    fn router(&mut self, root: Map<'_, '_>) {
        let Some(router) = root.map("Router") else {
            return;
        };
        for (word, slot) in Slot::WORDS {
            if let Some(entry) = router.entry(word) {
                self.slot(*slot, entry);
            }
        }
        if let Some(node) = router.get("longContextThreshold") {
            let number = text(node).and_then(|text| amount::whole(text, 0));
            self.draft.long_context_threshold = number.filter(|number| *number > 0);
        }
        for entry in router.entries {
            let key = entry.key.value.as_ref();
            let words = Slot::WORDS.iter().map(|(word, _)| *word);
            let mut known = words.clone().chain(["longContextThreshold"]);
            if known.any(|known| known == key) || says_nothing(&entry.value) {
                continue;
            }
            if let Some(near) = nearest(key, words) {
                self.tally.slots.found += 1;
                self.desk.losses.say(
                    Code::ImportNotCarried,
                    &format!("`Router.{key}` is no slot, and not carried"),
                    entry.key.span,
                    "claude-code-router reads nothing here either",
                    &format!("did you mean `{near}`?"),
                );
            } else {
                self.desk.losses.key(&kind::UNKNOWN, key, entry.key.span);
            }
        }
    }

    fn slot(&mut self, slot: Slot, entry: &Entry<'_>) {
        // A list of one is written where one is meant.
        let node = match items(&entry.value) {
            [only] => only,
            _ => &entry.value,
        };
        if says_nothing(node) {
            return;
        }
        self.tally.slots.found += 1;
        let Some(written) = text(node) else {
            self.desk.losses.say(
                Code::ImportNotCarried,
                &format!("slot `{slot}` names no single model"),
                node.head(),
                "one `provider,model` is expected",
                "write the model that is tried first",
            );
            return;
        };
        if let Some(id) = self.target(slot, written, node.span) {
            self.tally.slots.carried += 1;
            self.draft.slots.push((slot, id));
        }
    }

    /// The id that a slot names; case does not count, and neither does the
    /// provider where a model is named alone.
    fn target(&mut self, slot: Slot, written: &str, span: Span) -> Option<String> {
        let (provider, model) = written.split_once(',').unwrap_or(("", written));
        let wanted = format!("{},{}", provider.trim(), model.trim());
        let mut names = self.draft.names().iter();
        let found = names.find(|name| name.id.eq_ignore_ascii_case(&wanted));
        let alone = || self.by_model.get(written);
        let id = match (found, provider) {
            (Some(found), _) => found.id.clone(),
            (None, "") if alone().is_some() => {
                let id = alone()?.clone();
                self.desk.losses.say(
                    Code::ImportApproximated,
                    "a slot names a model without its provider",
                    span,
                    &format!("taken as `{id}`, the first that has it"),
                    "name the provider too, if another is meant",
                );
                id
            }
            _ => {
                let help = did_you_mean(written, &self.draft.ids(), "models");
                self.desk.losses.say(
                    Code::ImportDanglingReference,
                    &format!("slot `{slot}` names `{written}`, which no provider has"),
                    span,
                    "the slot is left out",
                    &help,
                );
                return None;
            }
        };
        if self
            .draft
            .name(&id)
            .is_some_and(super::draft::Name::is_live)
        {
            return Some(id);
        }
        self.desk.losses.say(
            Code::ImportNotCarried,
            "a slot that names a disabled endpoint is not carried",
            span,
            &format!("`{id}` is imported disabled"),
            "enable the endpoint, and name it in the slot again",
        );
        None
    }
}

/// `$NAME` as `${NAME}`: both are read by claude-code-router.
fn with_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        let name = &after[1..];
        let length = name
            .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(name.len());
        out.push_str(before);
        if length == 0 || name.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('$');
            rest = name;
        } else {
            out.push_str(&format!("${{{}}}", &name[..length]));
            rest = &name[length..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::with_braces;

    #[test]
    fn both_spellings_of_a_variable_are_read() {
        for (text, wanted) in [
            ("$KEY", "${KEY}"),
            ("${KEY}", "${KEY}"),
            ("a-$KEY_1/b", "a-${KEY_1}/b"),
            ("$key $1 $", "$key $1 $"),
            ("$A$B", "${A}${B}"),
        ] {
            assert_eq!(with_braces(text), wanted);
        }
    }
}
