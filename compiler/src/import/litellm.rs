//! LiteLLM's proxy config → a draft.
//!
//! Deployments of one `model_name` are the endpoints of one name. A fallback
//! from `a` to `b` becomes the deployments of `b` as later endpoints of `a`,
//! since a registration falls back inside a pool. docs/import.md has the table.

mod deployment;
mod fallback;
mod keys;
mod reference;

use std::collections::{HashMap, HashSet};

use super::Tally;
use super::amount;
use super::draft::{Draft, Name};
use super::endpoint::Desk;
use super::field::{Map, text};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Item;
use crate::plan::{Slot, Strategy};
use crate::source::Span;
use crate::tree::{Node, Value};
use reference::{Credentials, Environment};

/// What is known while a config is read.
struct Lite<'t, 's, 'd, 'p> {
    desk: &'d mut Desk<'p>,
    draft: Draft,
    tally: Tally,
    environment: Environment<'t>,
    credentials: Credentials<'t, 's>,
    /// Deployments by `model_info.id`: the name and the position under it.
    by_id: HashMap<&'t str, (String, usize)>,
    /// How many near names were looked for.
    suggested: usize,
    /// The name that takes every request for a name that is not declared.
    default: Option<String>,
}

impl<'t> Lite<'t, '_, '_, '_> {
    /// A value as a registration writes it.
    fn value(&mut self, text: &'t str, span: Span, is_secret: bool) -> String {
        self.environment.value(text, span, is_secret, self.desk)
    }
}

/// Every variable that a document speaks of.
pub(super) fn variables(root: &Node<'_>) -> HashSet<String> {
    Environment::names(root)
}

/// Reads a config. Nothing is written where a part of it is invalid.
pub(super) fn import<'t, 's>(root: Map<'t, 's>, desk: &mut Desk<'_>) -> (Draft, Tally) {
    let credentials = Credentials::read(root, desk);
    let mut lite = Lite {
        desk,
        draft: Draft::default(),
        tally: Tally::default(),
        environment: Environment::read(root),
        credentials,
        by_id: HashMap::new(),
        suggested: 0,
        default: None,
    };
    for item in model_list(&mut lite, root) {
        deployment::read(&mut lite, item);
    }
    lite.settings(root);
    fallback::read(&mut lite, root);
    lite.strategy(root);
    lite.finish(root)
}

fn model_list<'t, 's>(lite: &mut Lite<'t, 's, '_, '_>, root: Map<'t, 's>) -> &'t [Node<'s>] {
    let entry = root.entry("model_list");
    let span = entry.map_or(root.head, |entry| entry.key.span);
    match entry.map(|entry| &entry.value.value) {
        Some(Value::List(items)) if !items.is_empty() => return items,
        None | Some(Value::Null | Value::List(_)) => lite.desk.problems.push(
            Diagnostic::new(Code::ImportNoModels, "this config declares no model")
                .at(span, "a registration needs at least one")
                .help("list models here; those in a database can be read from `/model/info`"),
        ),
        Some(Value::Broken) => {}
        Some(Value::Map(_) | Value::Scalar(_)) => lite.desk.problems.push(
            Diagnostic::new(Code::ImportInvalid, "`model_list` is not a list")
                .at(span, "a list of deployments is expected")
                .help("write `- model_name: …` for each deployment"),
        ),
    }
    &[]
}

impl<'t, 's> Lite<'t, 's, '_, '_> {
    /// What stands around the models.
    fn settings(&mut self, root: Map<'t, 's>) {
        let general = root.map("general_settings");
        if let Some(node) = general.and_then(|general| general.get("master_key"))
            && let Some(text) = text(node)
        {
            let text = self.value(text, node.span, true);
            self.desk.readable(&text, node.span);
            let key = self.desk.keys.key(&text, "LITELLM_MASTER_KEY", node.span);
            let setting = ("APIKEY", Item::Text(key.text), key.comment);
            self.draft.settings.push(setting);
        }
        self.timeout(root);
        if let Some(entry) = root.entry("include") {
            self.desk.losses.say(
                Code::ImportNotCarried,
                "included files are not imported",
                entry.key.span,
                "their models are missing",
                "import each of them too; several registrations are one document set",
            );
        }
        let losses = &mut self.desk.losses;
        keys::leftovers(root, keys::TOP, losses);
        for (section, carried) in [
            ("router_settings", keys::ROUTER),
            ("litellm_settings", keys::SETTINGS),
            ("general_settings", keys::GENERAL),
        ] {
            if let Some(map) = root.map(section) {
                keys::leftovers(map, carried, losses);
            }
        }
    }

    /// The router's timeout holds before the one of calls, as in LiteLLM.
    fn timeout(&mut self, root: Map<'t, 's>) {
        let of = |section: &str, key: &str| root.map(section).and_then(|map| map.get(key));
        let router = of("router_settings", "timeout");
        let calls = of("litellm_settings", "request_timeout");
        let Some(node) = router.or(calls) else { return };
        let read = |node: &Node<'_>| text(node).and_then(|text| amount::whole(text, 3));
        match read(node).filter(|ms| *ms > 0) {
            Some(ms) => {
                let number = Item::Number(ms.to_string());
                self.draft.set("API_TIMEOUT_MS", number);
            }
            None => self.desk.losses.say(
                Code::ImportNotCarried,
                "a timeout is not carried, since it is no number that counts",
                node.span,
                "left out",
                "write `API_TIMEOUT_MS` in milliseconds",
            ),
        }
        if let (Some(router), Some(calls)) = (router, calls)
            && read(router) != read(calls)
        {
            self.desk.losses.say(
                Code::ImportApproximated,
                "two timeouts become one",
                calls.span,
                "not carried; the router's timeout holds, as in LiteLLM",
                "set `API_TIMEOUT_MS` to the longest time a call may take",
            );
        }
    }

    /// The strategy of pools without fallbacks; those with any are tried in order.
    fn strategy(&mut self, root: Map<'t, 's>) {
        let router = root.map("router_settings");
        let node = router.and_then(|router| router.get("routing_strategy"));
        let names = self.draft.names().iter();
        let (tiered, even): (Vec<&Name>, Vec<&Name>) = names
            .filter(|name| name.own().count() > 1)
            .partition(|name| name.next_tier() > 1);
        for name in tiered.iter().filter(|name| name.spreads()) {
            self.desk.losses.say(
                Code::ImportApproximated,
                "load is not spread over endpoints that others come behind",
                name.span,
                "its endpoints are tried in their order",
                "give the endpoints the `pool_priority` that you want",
            );
        }
        if tiered.is_empty() && even.is_empty() {
            return;
        }
        let is_even = !even.is_empty();
        let word = node.and_then(text).unwrap_or("simple-shuffle");
        let nearest = match word {
            _ if !is_even => Strategy::Priority,
            "latency-based-routing" => Strategy::LeastLatency,
            "cost-based-routing" => Strategy::CostAware,
            "simple-shuffle" | "least-busy" => Strategy::RoundRobin,
            word if word.starts_with("usage-based-routing") => Strategy::RoundRobin,
            _ => Strategy::Priority,
        };
        self.draft.strategy = Some(nearest);
        let is_untold = node.is_none() && is_even;
        self.draft.strategy_comment =
            is_untold.then_some("LiteLLM shuffles where it is told nothing");
        let is_exact = matches!(
            (word, nearest),
            ("latency-based-routing", Strategy::LeastLatency)
                | ("cost-based-routing", Strategy::CostAware)
        );
        if let Some(node) = node.filter(|_| !is_exact && is_even) {
            self.desk.losses.say(
                Code::ImportApproximated,
                &format!("strategy `{word}` becomes `{nearest}`"),
                node.span,
                "the nearest there is",
                "choose another of the strategies in docs/import.md if it fits better",
            );
        }
    }

    fn finish(mut self, root: Map<'t, 's>) -> (Draft, Tally) {
        self.environment.finish(root, self.desk);
        self.credentials.finish(root, self.desk);
        match self.default {
            Some(name) => self.draft.slots.insert(0, (Slot::Default, name)),
            None => self.draft.tail.extend([
                "LiteLLM refuses names that are not declared, and so does this registration.",
                "Clients that send names of their own, such as Claude Code, need `Router.default`.",
            ]),
        }
        let names = self.draft.names();
        self.tally.names = names.iter().filter(|name| name.own().count() > 0).count();
        self.tally.pools = names.iter().filter(|name| name.own().count() > 1).count();
        (self.draft, self.tally)
    }
}
