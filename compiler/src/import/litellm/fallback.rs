//! Fallbacks and aliases of a LiteLLM config. Pools fall back inside, so the
//! deployments of a fallback's target become later endpoints of its source; an
//! alias becomes a name with the endpoints of what it stands for.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::super::draft::{Endpoint, Name};
use super::super::field::{Map, items, text};
use super::Lite;
use crate::diagnostic::{Code, did_you_mean};
use crate::plan::Slot;
use crate::source::Span;
use crate::tree::Node;

/// Endpoints that fallbacks and aliases may add; no real config comes near it.
const COPIES: usize = 10_000;

/// Names that are looked for among those that exist.
const SUGGESTED: usize = 32;

/// Where LiteLLM looks for fallbacks, the first before the second.
const SECTIONS: [&str; 2] = ["router_settings", "litellm_settings"];

/// A name and where it was written.
type Written<'t> = (&'t str, Span);

/// From one name to others, in order.
struct Fallback<'t> {
    from: Written<'t>,
    to: Vec<Written<'t>>,
}

/// Where the target of a fallback is: a name, or one deployment of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    name: String,
    only: Option<usize>,
}

/// Aliases by name, with what they stand for.
type Aliases<'t> = BTreeMap<&'t str, (Written<'t>, Span)>;

pub(super) fn read<'t, 's>(lite: &mut Lite<'t, 's, '_, '_>, root: Map<'t, 's>) {
    let aliases = aliases(lite, root);
    let mut copies = Copies {
        planned: Vec::new(),
        left: COPIES,
        tiers: BTreeMap::new(),
        known: BTreeSet::new(),
    };
    let mut sources = HashSet::new();
    for item in entries(root, "fallbacks") {
        lite.tally.fallbacks.found += 1;
        let Some(parsed) = parsed(lite, item) else {
            continue;
        };
        let mut is_carried = false;
        for fallback in &parsed {
            let Some(from) = source(lite, &aliases, fallback.from) else {
                continue;
            };
            let to = targets(lite, &aliases, &fallback.to);
            sources.insert(from.clone());
            is_carried |= copies.plan(lite, &from, &to, fallback.from.1);
        }
        lite.tally.fallbacks.carried += usize::from(is_carried);
    }
    defaults(lite, root, &aliases, &sources, &mut copies);
    copies.add(lite);
    context_window(lite, root, &aliases);
    for item in entries(root, "content_policy_fallbacks") {
        lite.tally.fallbacks.found += 1;
        lite.desk.losses.say(
            Code::ImportNotCarried,
            "fallbacks after a refusal of content are not carried",
            item.head(),
            "an answer is passed on, whatever it says",
            "send the request again from the client",
        );
    }
    for (alias, (target, span)) in &aliases {
        stand_for(lite, &aliases, &mut copies, (alias, *span), *target);
    }
}

/// The items of a list of fallbacks, of both sections.
fn entries<'t, 's>(root: Map<'t, 's>, key: &str) -> impl Iterator<Item = &'t Node<'s>> {
    let lists = SECTIONS.map(|section| root.map(section).map_or(&[][..], |map| map.items(key)));
    lists.into_iter().flatten()
}

/// `{name: [names]}`; one that is something else is reported.
fn parsed<'t>(lite: &mut Lite<'t, '_, '_, '_>, item: &'t Node<'_>) -> Option<Vec<Fallback<'t>>> {
    let map = Map::of(item);
    let is_list = |node: &Node<'_>| !items(node).is_empty() || text(node).is_some();
    let is_stray = |map: &Map<'_, '_>| map.has_any(&["context_window"]);
    let map = map.filter(|map| !is_stray(map) && map.entries.iter().all(|one| is_list(&one.value)));
    let Some(map) = map else {
        lite.desk.losses.say(
            Code::ImportNotCarried,
            "a fallback that is no `name: [names]` is not carried",
            item.head(),
            "LiteLLM does not understand this either",
            "write it as `name: [names]`",
        );
        return None;
    };
    let fallbacks = map.entries.iter().map(|entry| Fallback {
        from: (entry.key.value.as_ref(), entry.key.span),
        to: named(&entry.value),
    });
    Some(fallbacks.collect())
}

/// The names in a list of names, of maps with a `model`, or alone.
fn named<'t>(node: &'t Node<'_>) -> Vec<Written<'t>> {
    let name = |node: &'t Node<'_>| match Map::of(node) {
        Some(map) => map.text("model").map(|name| (name, node.head())),
        None => text(node).map(|name| (name, node.span)),
    };
    let alone = text(node).map(|name| (name, node.span));
    items(node).iter().filter_map(name).chain(alone).collect()
}

/// The name that a fallback starts from.
fn source(
    lite: &mut Lite<'_, '_, '_, '_>,
    aliases: &Aliases<'_>,
    (name, span): Written<'_>,
) -> Option<String> {
    let name = name.trim();
    let name = aliases.get(name).map_or(name, |((target, _), _)| target);
    if lite.draft.name(name).is_some() {
        return Some(name.to_owned());
    }
    dangling(
        lite,
        name,
        span,
        "a fallback from",
        "no model has this name",
    );
    None
}

/// What fallbacks lead to; names that do not exist are reported.
fn targets(
    lite: &mut Lite<'_, '_, '_, '_>,
    aliases: &Aliases<'_>,
    written: &[Written<'_>],
) -> Vec<Target> {
    let mut found = Vec::new();
    for (name, span) in written {
        let name = aliases.get(name).map_or(*name, |((target, _), _)| target);
        if lite.draft.name(name).is_some() {
            found.push(Target {
                name: name.to_owned(),
                only: None,
            });
        } else if let Some((name, at)) = lite.by_id.get(name) {
            found.push(Target {
                name: name.clone(),
                only: Some(*at),
            });
        } else {
            dangling(lite, name, *span, "a fallback to", "no model has this name");
        }
    }
    found
}

fn dangling(lite: &mut Lite<'_, '_, '_, '_>, name: &str, span: Span, what: &str, label: &str) {
    // Looking for a near name costs as much as there are names.
    lite.suggested += 1;
    let help = match lite.suggested <= SUGGESTED {
        true => did_you_mean(name, &lite.draft.ids(), "models"),
        false => "declare it in `model_list`, or correct the name".to_owned(),
    };
    lite.desk.losses.say(
        Code::ImportDanglingReference,
        &format!("{what} `{name}` leads nowhere"),
        span,
        label,
        &help,
    );
}

/// Endpoints to be added once every fallback was read.
struct Copies {
    planned: Vec<(String, Endpoint)>,
    /// How many more there may be.
    left: usize,
    /// The tier that the next fallback of a name gets.
    tiers: BTreeMap<String, usize>,
    known: BTreeSet<(String, Target)>,
}

impl Copies {
    /// Plans the endpoints of one fallback; tells whether it leads anywhere.
    fn plan(
        &mut self,
        lite: &mut Lite<'_, '_, '_, '_>,
        from: &str,
        to: &[Target],
        span: Span,
    ) -> bool {
        let mut leads = false;
        for target in to {
            if target.name == from {
                // One of its own deployments is tried anyway; all of them are no fallback.
                leads |= target.only.is_some();
                continue;
            }
            let known = (from.to_owned(), target.clone());
            if self.known.contains(&known) {
                leads = true;
                continue;
            }
            let Some(name) = lite.draft.name(&target.name) else {
                continue;
            };
            let count = target.only.map_or(name.endpoints.len(), |_| 1);
            if !self.take(lite, count, span) {
                return false;
            }
            self.known.insert(known);
            let (Some(source), Some(name)) = (lite.draft.name(from), lite.draft.name(&target.name))
            else {
                continue;
            };
            let next = self.tiers.entry(from.to_owned());
            let next = next.or_insert_with(|| source.next_tier());
            let copies = copied(name, target.only, from, *next);
            *next += 1;
            leads = true;
            let added = copies.into_iter().map(|copy| (from.to_owned(), copy));
            self.planned.extend(added);
        }
        leads
    }

    /// Takes room for endpoints; tells where there is none.
    fn take(&mut self, lite: &mut Lite<'_, '_, '_, '_>, count: usize, span: Span) -> bool {
        if let Some(left) = self.left.checked_sub(count) {
            self.left = left;
            return true;
        }
        lite.desk.losses.say(
            Code::ImportNotCarried,
            &format!("fallbacks and aliases beyond {COPIES} endpoints are not carried"),
            span,
            "this one is left out",
            "give fewer names a fallback to a large pool",
        );
        false
    }

    fn add(&mut self, lite: &mut Lite<'_, '_, '_, '_>) {
        for (from, endpoint) in self.planned.drain(..) {
            if let Some(name) = lite.draft.name_mut(&from) {
                name.endpoints.push(endpoint);
            }
        }
    }
}

/// The own endpoints of a name, or one of them, as endpoints of another.
fn copied(name: &Name, only: Option<usize>, for_name: &str, tier: usize) -> Vec<Endpoint> {
    let own = name.endpoints.iter().enumerate();
    let own = own.filter(|(at, one)| one.is_own && only.is_none_or(|only| only == *at));
    let mut copies: Vec<Endpoint> = own
        .map(|(at, endpoint)| Endpoint {
            id: Some(format!("{}-for-{for_name}", name.endpoint_id(at))),
            tier,
            comments: Vec::new(),
            is_own: false,
            ..endpoint.clone()
        })
        .collect();
    if let Some(first) = copies.first_mut() {
        first
            .comments
            .push(format!("`{for_name}` falls back to `{}`", name.id));
    }
    copies
}

/// `default_fallbacks`: for every name that has no fallback of its own.
fn defaults<'t>(
    lite: &mut Lite<'t, '_, '_, '_>,
    root: Map<'t, '_>,
    aliases: &Aliases<'_>,
    sources: &HashSet<String>,
    copies: &mut Copies,
) {
    let written: Vec<Written<'t>> = SECTIONS
        .iter()
        .filter_map(|section| root.map(section)?.get("default_fallbacks"))
        .flat_map(named)
        .collect();
    lite.tally.fallbacks.found += written.len();
    let names: Vec<String> = lite
        .draft
        .names()
        .iter()
        .map(|name| name.id.clone())
        .collect();
    let names = names.into_iter().filter(|name| !sources.contains(name));
    let names: Vec<String> = names.collect();
    for one in written {
        let to = targets(lite, aliases, &[one]);
        for from in &names {
            copies.plan(lite, from, &to, one.1);
        }
        lite.tally.fallbacks.carried += to.len();
    }
}

/// `context_window_fallbacks`: a registration has one slot for long requests.
fn context_window<'t>(lite: &mut Lite<'t, '_, '_, '_>, root: Map<'t, '_>, aliases: &Aliases<'_>) {
    let mut found: Vec<(Vec<Target>, Span)> = Vec::new();
    for item in entries(root, "context_window_fallbacks") {
        lite.tally.fallbacks.found += 1;
        let Some(parsed) = parsed(lite, item) else {
            continue;
        };
        for fallback in parsed {
            if source(lite, aliases, fallback.from).is_some() {
                let to = targets(lite, aliases, &fallback.to);
                found.push((to, fallback.from.1));
            }
        }
    }
    let all: BTreeSet<&Target> = found.iter().flat_map(|(to, _)| to).collect();
    let only = all
        .first()
        .filter(|_| all.len() == 1)
        .map(|target| target.name.clone());
    let only = only.filter(|name| lite.draft.name(name).is_some_and(Name::is_live));
    for (to, span) in &found {
        if let (Some(name), false) = (&only, to.is_empty()) {
            lite.tally.fallbacks.carried += 1;
            lite.desk.losses.say(
                Code::ImportApproximated,
                "a fallback for long requests becomes the slot `longContext`",
                *span,
                &format!("long requests that name no model go to `{name}`"),
                "ask for a model with a larger window by its name",
            );
        } else if !to.is_empty() {
            lite.desk.losses.say(
                Code::ImportNotCarried,
                "fallbacks for long requests are not carried",
                *span,
                "one slot, `longContext`, serves all",
                "name the model with the largest window in `Router.longContext`",
            );
        }
    }
    if let Some(name) = only {
        lite.draft.slots.push((Slot::LongContext, name));
    }
}

/// `model_group_alias`, in both of its forms.
fn aliases<'t>(lite: &mut Lite<'t, '_, '_, '_>, root: Map<'t, '_>) -> Aliases<'t> {
    let section = root.map("router_settings");
    let section = section.and_then(|section| section.map("model_group_alias"));
    let mut found = Aliases::new();
    for entry in section.map_or(&[][..], |section| section.entries) {
        let target = match Map::of(&entry.value) {
            Some(map) => map.text("model"),
            None => text(&entry.value),
        };
        let alias = entry.key.value.trim();
        match target {
            Some(target) if !alias.is_empty() => {
                found.insert(alias, ((target, entry.value.head()), entry.key.span));
            }
            _ => lite.desk.losses.say(
                Code::ImportNotCarried,
                "an alias that stands for no single name is not carried",
                entry.key.span,
                "LiteLLM takes one name here",
                "write a pool of that name, or name one model",
            ),
        }
    }
    found
}

/// Gives an alias the endpoints of what it stands for.
fn stand_for(
    lite: &mut Lite<'_, '_, '_, '_>,
    aliases: &Aliases<'_>,
    room: &mut Copies,
    (alias, span): Written<'_>,
    (target, target_span): Written<'_>,
) {
    if lite.draft.name(alias).is_some() && !aliases.contains_key(target) {
        lite.desk.losses.say(
            Code::ImportNotCarried,
            &format!("alias `{alias}` is also the name of a model"),
            span,
            "the model is kept",
            "rename one of them",
        );
        return;
    }
    let count = lite.draft.name(target).map(|name| name.endpoints.len());
    if !room.take(lite, count.unwrap_or(0), span) {
        return;
    }
    let Some(name) = lite.draft.name(target) else {
        dangling(
            lite,
            target,
            target_span,
            "an alias for",
            "no model has this name",
        );
        return;
    };
    let copies: Vec<Endpoint> = name
        .endpoints
        .iter()
        .enumerate()
        .map(|(at, endpoint)| Endpoint {
            id: Some(format!("{}-as-{alias}", name.endpoint_id(at))),
            is_own: false,
            comments: match at {
                0 => vec![format!("`{alias}` is an alias of `{target}`")],
                _ => endpoint.comments.clone(),
            },
            ..endpoint.clone()
        })
        .collect();
    let Some(alias) = lite.desk.name(alias, span) else {
        return;
    };
    for copy in copies {
        lite.draft.add(&alias, span, copy);
    }
}
