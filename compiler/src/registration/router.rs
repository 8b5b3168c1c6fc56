//! `Router`: scenario slots, and the form of the smart router that stands
//! beside them (`routes`, `decision`, `defaults`).

use std::collections::BTreeMap;

use super::key::{Key, MODEL_REF, Meaning, POSITIVE, TEXT, TEXTS, Takes, key};
use super::read::{Fields, Reader, join};
use super::rule::{Matcher, PROFILE, PatternEntry, RuleEntry, begin_rule, profile};
use super::smart::{
    CACHE_TTL, CANDIDATES, Choice, FALLBACK, MAX_TOKENS, ROUTER_HINT, ROUTER_MODEL, SEMANTIC_BLOCK,
    STICKY_BLOCK, SemanticBlock, StickyBlock, choice, semantic, sticky,
};
use crate::plan::Slot;
use crate::source::{Span, Spanned};

pub(super) const ROUTER: &[Key] = &[
    key(
        "default",
        MODEL_REF,
        "everything that no other slot takes, such as models that are not declared",
    ),
    key("think", MODEL_REF, "requests that ask for thinking"),
    key(
        "longContext",
        MODEL_REF,
        "large input, and input that another model has no room for",
    ),
    key(
        "longContextThreshold",
        POSITIVE,
        "tokens from which `longContext` is used",
    )
    .or("60000"),
    key(
        "background",
        MODEL_REF,
        "a client's small background requests",
    ),
    key(
        "backgroundModels",
        TEXTS,
        "names of small models that clients ask for in the background; `*` stands for any characters",
    )
    .or("[claude-3-5-haiku*, claude-haiku-*]"),
    key("webSearch", MODEL_REF, "requests with a web search"),
    key("image", MODEL_REF, "requests with images"),
    key(
        "routes",
        Takes::List(&Takes::Map(ROUTE)),
        "rules, written beside the slots; takes the place of `SmartRouter.rules`",
    ),
    key(
        "decision",
        Takes::Map(DECISION),
        "choosing among candidates, written beside the slots",
    ),
    key(
        "defaults",
        Takes::Map(DEFAULTS),
        "what holds for all routes",
    ),
];

const ROUTE: &[Key] = &[
    key(
        "name",
        Takes::Text(Meaning::RuleName),
        "the name that route reasons give",
    )
    .required(),
    key("model", MODEL_REF, "where its requests go").required(),
    key(
        "description",
        TEXT,
        "what it is for; also its prototype, where it has no other",
    ),
    key(
        "priority",
        Takes::Integer(i64::MIN, i64::MAX),
        "higher is asked first; as written among equals",
    )
    .or("0"),
    key("enabled", Takes::Boolean, "whether it is asked").or("true"),
    key("match", Takes::Map(MATCH), "what it matches"),
];

const MATCH: &[Key] = &[
    key(
        "keywords",
        TEXTS,
        "texts that occur in the message; any one is enough",
    ),
    key(
        "regex",
        Takes::Text(Meaning::Pattern),
        "a regular expression that matches somewhere, line by line",
    ),
    key(
        "semantic",
        Takes::Boolean,
        "whether the route takes part in semantic matching",
    )
    .or("true"),
    key(
        "semantic_profile",
        Takes::Map(PROFILE),
        "what its requests are like",
    ),
];

const DECISION: &[Key] = &[
    key(
        "smart_fallback",
        Takes::Boolean,
        "whether routes, likeness and candidates are asked before the slots",
    )
    .or("true"),
    ROUTER_MODEL,
    CANDIDATES,
    CACHE_TTL,
    MAX_TOKENS,
    FALLBACK,
    ROUTER_HINT,
];

const DEFAULTS: &[Key] = &[
    key(
        "sticky",
        STICKY_BLOCK,
        "what a session keeps; a lone `true` or `false` is its `enabled`",
    ),
    key(
        "semantic",
        SEMANTIC_BLOCK,
        "matching by likeness; a lone `true` or `false` is its `enabled`",
    ),
    key(
        "route_trace",
        Takes::Boolean,
        "read and left aside: every request has a trace",
    )
    .or("true"),
];

/// `Router` as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouterSection {
    /// Slots that name something.
    pub slots: BTreeMap<Slot, Spanned<String>>,
    /// `longContextThreshold`
    pub long_context_threshold: Option<Spanned<i64>>,
    /// `backgroundModels`, where it is written
    pub background_models: Option<Spanned<Vec<String>>>,
    /// A place that stands for the section, if there is one.
    pub head: Option<Span>,
    /// `routes`, `decision` and `defaults`, if one of them is there.
    pub unified: Option<Unified>,
}

/// The smart router as `Router` has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unified {
    /// The place of the first of its keys.
    pub head: Option<Span>,
    /// The key of `routes`, if it is there.
    pub routes_head: Option<Span>,
    /// `routes`
    pub routes: Vec<RuleEntry>,
    /// `decision.smart_fallback`
    pub smart_fallback: Option<Spanned<bool>>,
    /// `decision`
    pub choice: Choice,
    /// `defaults.sticky`
    pub sticky: Option<StickyBlock>,
    /// `defaults.semantic`
    pub semantic: Option<SemanticBlock>,
}

pub(super) fn read(reader: &mut Reader<'_>, fields: &Fields<'_, '_>) -> RouterSection {
    let mut router = RouterSection::default();
    let Some(entry) = fields.entry("Router") else {
        return router;
    };
    router.head = Some(entry.key.span);
    let Some(inner) = fields
        .get("Router")
        .and_then(|node| reader.fields(node, ROUTER, "Router"))
    else {
        return router;
    };
    for (word, slot) in Slot::WORDS {
        if let Some(name) = reader.text(&inner, word, "Router") {
            router.slots.insert(*slot, name);
        }
    }
    router.long_context_threshold = reader.integer(&inner, "longContextThreshold", "Router");
    if let Some(node) = inner.get("backgroundModels") {
        let texts = reader.texts(&inner, "backgroundModels", "Router");
        let texts = texts.into_iter().map(|text| text.value).collect();
        router.background_models = Some(Spanned::new(texts, node.span));
    }
    router.unified = unified(reader, &inner);
    router
}

fn unified(reader: &mut Reader<'_>, router: &Fields<'_, '_>) -> Option<Unified> {
    const DECISION_PATH: &str = "Router.decision";
    const DEFAULTS_PATH: &str = "Router.defaults";
    let heads = ["routes", "decision", "defaults"].map(|name| {
        let node = router.get(name);
        node.and_then(|_| router.entry(name))
            .map(|entry| entry.key.span)
    });
    let mut unified = Unified {
        head: Some(heads.iter().flatten().next().copied()?),
        routes_head: heads[0],
        ..Unified::default()
    };
    for (at, fields) in reader.maps(router, "routes", "Router", ROUTE) {
        let path = format!("Router.routes[{at}]");
        unified.routes.push(route(reader, &fields, path));
    }
    if let Some(inner) = router
        .get("decision")
        .and_then(|node| reader.fields(node, DECISION, DECISION_PATH))
    {
        unified.smart_fallback = reader.boolean(&inner, "smart_fallback", DECISION_PATH);
        unified.choice = choice(reader, &inner, DECISION_PATH);
    }
    if let Some(inner) = router
        .get("defaults")
        .and_then(|node| reader.fields(node, DEFAULTS, DEFAULTS_PATH))
    {
        unified.sticky = sticky(reader, &inner, "Router.defaults.sticky", DEFAULTS_PATH);
        unified.semantic = semantic(reader, &inner, "Router.defaults.semantic", DEFAULTS_PATH);
        reader.boolean(&inner, "route_trace", DEFAULTS_PATH);
    }
    Some(unified)
}

fn route(reader: &mut Reader<'_>, fields: &Fields<'_, '_>, path: String) -> RuleEntry {
    let mut rule = begin_rule(reader, fields, path);
    let path = join(&rule.path, "match");
    let Some(inner) = fields
        .get("match")
        .and_then(|node| reader.fields(node, MATCH, &path))
    else {
        return rule;
    };
    let mut push = |matcher| {
        rule.patterns.push(PatternEntry {
            head: inner.head,
            matcher,
            case_sensitive: None,
        });
    };
    let keywords = reader.texts(&inner, "keywords", &path);
    if !keywords.is_empty() {
        push(Matcher::Keywords(keywords));
    }
    if let Some(regex) = reader.text(&inner, "regex", &path) {
        push(Matcher::Regex(regex));
    }
    rule.semantic = reader.boolean(&inner, "semantic", &path);
    let place = std::mem::replace(&mut rule.path, path);
    profile(reader, &inner, &mut rule);
    rule.path = place;
    rule
}
