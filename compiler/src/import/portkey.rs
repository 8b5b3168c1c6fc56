//! Portkey's files → a draft: a routing config (`strategy` and `targets`), or
//! the `conf.json` of its gateway (`integrations`).
//!
//! A routing config has no name and takes whatever is asked for, so it becomes
//! one pool, named after the file, that is the default. Nested targets are laid
//! flat: each step of a fallback is a tier of the pool.

mod integration;
mod target;

use super::Tally;
use super::amount;
use super::draft::Draft;
use super::endpoint::Desk;
use super::field::{Map, flag, says_nothing, text};
use super::kind::{self, Kind};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Item;
use crate::plan::{Slot, Strategy};
use crate::source::{Sources, Span};
use crate::tree::Node;

/// What is known while a file is read.
struct Config<'d, 'p> {
    desk: &'d mut Desk<'p>,
    draft: Draft,
    tally: Tally,
    /// Where load is spread for the first time.
    spread: Option<Span>,
    /// The longest timeout of a request, in milliseconds.
    timeout: Option<i64>,
}

/// How a node of the tree of targets uses them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Single,
    Fallback,
    Spread,
    Conditional,
}

/// Reads a file.
pub(super) fn import(root: Map<'_, '_>, sources: &Sources, desk: &mut Desk<'_>) -> (Draft, Tally) {
    let mut config = Config {
        desk,
        draft: Draft::default(),
        tally: Tally::default(),
        spread: None,
        timeout: None,
    };
    if let Some(entry) = root.entry("integrations") {
        integration::read(&mut config, root, &entry.value);
    } else {
        config.routing(root, &name_of(sources));
    }
    config.finish()
}

/// The pool's name: the file's without its folder and ending.
fn name_of(sources: &Sources) -> String {
    let name = sources
        .iter()
        .next()
        .map_or("", |(_, source)| source.name());
    let name = name.rsplit(['/', '\\', ':']).next().unwrap_or(name);
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or("");
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    match !stem.is_empty() && stem.chars().all(plain) {
        true => stem.to_owned(),
        false => "portkey".to_owned(),
    }
}

impl Config<'_, '_> {
    fn routing(&mut self, root: Map<'_, '_>, name: &str) {
        if mode(self, root) == Mode::Conditional {
            self.conditional(root);
            return;
        }
        let is_target = root.has_any(&["provider", "virtual_key", "custom_host"]);
        let next = match root.items("targets").is_empty() && !is_target {
            true => 0,
            false => self.walk(root, name, 0, target::Inherited::default()),
        };
        if self.draft.name(name).is_none() {
            return;
        }
        self.tally.fallbacks.found = next.saturating_sub(1);
        self.tally.fallbacks.carried = next.saturating_sub(1);
        self.default(name);
    }

    /// Adds the targets below a node to a pool; returns the tier after theirs.
    fn walk(
        &mut self,
        node: Map<'_, '_>,
        name: &str,
        tier: usize,
        inherited: target::Inherited<'_>,
    ) -> usize {
        let inherited = inherited.with(node);
        let targets = node.items("targets");
        if targets.is_empty() {
            target::read(self, node, name, tier, &inherited);
            return tier + 1;
        }
        self.leftovers(node);
        let mode = mode(self, node);
        let mut next = tier;
        for (at, item) in targets.iter().enumerate() {
            let Some(child) = Map::of(item) else {
                self.not_a_target(item);
                continue;
            };
            if mode == Mode::Single && at > 0 {
                self.desk.losses.say(
                    Code::ImportNotCarried,
                    "targets after the first are not carried",
                    child.head,
                    "mode `single` uses the first only",
                    "write `mode: fallback` if they should be tried",
                );
                continue;
            }
            let start = match mode {
                Mode::Fallback => next,
                Mode::Single | Mode::Spread | Mode::Conditional => tier,
            };
            next = next.max(self.walk(child, name, start, inherited));
        }
        if mode == Mode::Spread && targets.len() > 1 {
            let strategy = node.entry("strategy");
            self.spread
                .get_or_insert(strategy.map_or(node.head, |entry| entry.key.span));
        }
        next
    }

    /// Conditions look at a request, which no rule here does; each target is a
    /// name of its own, to be asked for by it.
    fn conditional(&mut self, root: Map<'_, '_>) {
        let strategy = root.map("strategy");
        for condition in strategy.map_or(&[][..], |strategy| strategy.items("conditions")) {
            self.desk.losses.say(
                Code::ImportNotCarried,
                "conditions on requests are not carried",
                condition.head(),
                "its target is a name of its own here",
                "ask for the target by its name",
            );
        }
        self.leftovers(root);
        for (at, item) in root.items("targets").iter().enumerate() {
            let Some(child) = Map::of(item) else {
                self.not_a_target(item);
                continue;
            };
            let name = child
                .text("name")
                .map_or_else(|| format!("target-{}", at + 1), str::to_owned);
            if let Some(name) = self.desk.name(&name, item.head()) {
                self.walk(child, &name, 0, target::Inherited::default().with(root));
            }
        }
        let default = strategy.and_then(|strategy| strategy.get("default"));
        let Some(node) = default else { return };
        match text(node).filter(|name| self.draft.name(name).is_some()) {
            Some(name) => self.default(name),
            None => self.desk.losses.say(
                Code::ImportDanglingReference,
                "the default of the conditions leads nowhere",
                node.span,
                "no target has this name",
                "give a target this name",
            ),
        }
    }

    fn default(&mut self, name: &str) {
        self.tally.slots.found = 1;
        if self
            .draft
            .name(name)
            .is_some_and(super::draft::Name::is_live)
        {
            self.tally.slots.carried = 1;
            self.draft.slots.push((Slot::Default, name.to_owned()));
        }
    }

    fn not_a_target(&mut self, item: &Node<'_>) {
        if !says_nothing(item) {
            self.desk.problems.push(
                Diagnostic::new(Code::ImportInvalid, "a target is not a map")
                    .at(item.head(), format!("this is {}", item.kind()))
                    .help("write a target with its `provider` and `api_key`"),
            );
        }
    }

    /// Reports what stands around targets and has no counterpart.
    fn leftovers(&mut self, node: Map<'_, '_>) {
        if let Some(timeout) = node
            .text("request_timeout")
            .and_then(|text| amount::whole(text, 0))
        {
            self.timeout = self.timeout.max(Some(timeout).filter(|ms| *ms > 0));
        }
        self.overrides(node.map("override_params"));
        let strategy = node.map("strategy");
        let codes = strategy.and_then(|strategy| strategy.entry("on_status_codes"));
        for entry in codes.into_iter().chain(node.entries) {
            let key = entry.key.value.as_ref();
            if target::CARRIED.contains(&key) || says_nothing(&entry.value) {
                continue;
            }
            if flag(&entry.value) != Some(false) {
                self.desk.losses.key(kind_of(key), key, entry.key.span);
            }
        }
    }

    /// The parameters that an override sets, apart from the model.
    fn overrides(&mut self, params: Option<Map<'_, '_>>) {
        for entry in params.map_or(&[][..], |map| map.entries) {
            let key = entry.key.value.as_ref();
            if key != "model" && !says_nothing(&entry.value) {
                self.desk.losses.key(&kind::PARAMETERS, key, entry.key.span);
            }
        }
    }

    fn finish(mut self) -> (Draft, Tally) {
        let names = self.draft.names();
        let is_tiered = names.iter().any(|name| name.next_tier() > 1);
        self.tally.names = names.len();
        self.tally.pools = names.iter().filter(|name| name.endpoints.len() > 1).count();
        self.tally.models = names.iter().map(|name| name.endpoints.len()).sum();
        if let Some(span) = self.spread {
            self.draft.strategy = Some(if is_tiered {
                Strategy::Priority
            } else {
                Strategy::RoundRobin
            });
            let (headline, label) = match is_tiered {
                true => (
                    "load is not spread, since fallbacks must come last",
                    "becomes strategy `priority`",
                ),
                false => (
                    "load is spread evenly, whatever the weights are",
                    "becomes strategy `round-robin`",
                ),
            };
            let help = match is_tiered {
                true => "give the endpoints the `pool_priority` that you want",
                false => "use strategy `weighted` with `pool_weight` where weights differ",
            };
            self.desk
                .losses
                .say(Code::ImportApproximated, headline, span, label, help);
        }
        if let Some(ms) = self.timeout {
            self.draft
                .set("API_TIMEOUT_MS", Item::Number(ms.to_string()));
        }
        (self.draft, self.tally)
    }
}

/// How a node uses its targets; a word that is not known counts as a fallback.
fn mode(config: &mut Config<'_, '_>, node: Map<'_, '_>) -> Mode {
    let Some(word) = node
        .map("strategy")
        .and_then(|strategy| strategy.get("mode"))
    else {
        return Mode::Single;
    };
    match text(word) {
        Some("single") => Mode::Single,
        Some("fallback") => Mode::Fallback,
        Some("loadbalance") => Mode::Spread,
        Some("conditional") => Mode::Conditional,
        _ => {
            config.desk.losses.say(
                Code::ImportApproximated,
                "a mode that is not known becomes a fallback",
                word.head(),
                "targets are tried in order",
                "write `fallback`, `loadbalance`, `single` or `conditional`",
            );
            Mode::Fallback
        }
    }
}

fn kind_of(key: &str) -> &'static Kind {
    match key {
        "retry" | "on_status_codes" | "circuit_breaker" | "cb_config" => &kind::RETRIES,
        "cache" => &kind::CACHING,
        "input_guardrails"
        | "output_guardrails"
        | "before_request_hooks"
        | "after_request_hooks"
        | "default_input_guardrails"
        | "default_output_guardrails"
        | "plugins_enabled"
        | "credentials"
        | "plugins" => &kind::GUARDS,
        "forward_headers"
        | "custom_headers"
        | "strict_open_ai_compliance"
        | "openai_organization"
        | "openai_project"
        | "anthropic_version"
        | "anthropic_beta" => &kind::HEADERS,
        "metadata" | "weight" => &kind::TAGS,
        "admin_token" => &kind::BUDGETS,
        key if key.starts_with("aws_")
            || key.starts_with("vertex_")
            || key.starts_with("azure_") =>
        {
            &kind::ACCOUNTS
        }
        _ => &kind::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_named_after_its_file() {
        for (name, wanted) in [
            ("configs/support-bot.json", "support-bot"),
            ("main:configs/bot.v2.json", "bot"),
            ("<stdin>", "portkey"),
            ("a b.json", "portkey"),
            (".json", "json"),
            ("", "portkey"),
        ] {
            assert_eq!(name_of(&Sources::single(name, "")), wanted);
        }
    }
}
