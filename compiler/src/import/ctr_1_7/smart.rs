//! `SmartRouter`, with what older configs say under `TriggerRouter` and
//! `Governance`. What it says itself always wins, as in 1.7.

use super::super::endpoint::Desk;
use super::super::field::{Map, flag, says_nothing};
use super::{copy, word};
use crate::diagnostic::Code;
use crate::document::{Entry, Item};
use crate::tree::Node;

/// Keys of `Router` that are another way to write the smart router.
const UNIFIED: [&str; 3] = ["routes", "decision", "defaults"];

/// Blocks that had their home under `Governance`.
const MOVED: [&str; 2] = ["sticky", "semantic"];

/// The section, if any of its sources is there.
pub(super) fn read(root: Map<'_, '_>, desk: &mut Desk<'_>) -> Option<Item> {
    let own = root.map("SmartRouter");
    let own = own.map_or(&[][..], |own| own.entries);
    let mut entries: Vec<Entry> = own
        .iter()
        .filter(|entry| !says_nothing(&entry.value))
        .map(|entry| copied(entry.key.value.as_ref(), &entry.value, desk))
        .collect();
    if let Some(trigger) = root.map("TriggerRouter") {
        from_trigger(root, trigger, &mut entries, desk);
    }
    let governance = root.map("Governance");
    let defaults = root.map("Router").and_then(|router| router.map("defaults"));
    for key in MOVED {
        if let Some(node) = governance.and_then(|governance| governance.get(key))
            && entries.iter().all(|entry| entry.key != key)
            && defaults.is_none_or(|defaults| defaults.get(key).is_none())
        {
            entries.push(copied(key, node, desk));
        }
    }
    (!entries.is_empty()).then_some(Item::Map(entries))
}

/// `Governance` without the blocks that moved.
pub(super) fn governance(node: &Node<'_>, desk: &mut Desk<'_>) -> Item {
    let Some(map) = Map::of(node) else {
        return copy(node, "Governance", "Governance", desk);
    };
    let kept = map.entries.iter();
    let kept = kept.filter(|entry| !MOVED.contains(&entry.key.value.as_ref()));
    Item::Map(
        kept.map(|entry| copied(entry.key.value.as_ref(), &entry.value, desk))
            .collect(),
    )
}

/// Adds what `TriggerRouter` says where it counts: where neither `SmartRouter`
/// nor the rules of `Router` are there. Rules that wait behind a `SmartRouter`
/// that is off are kept with it, where they change nothing and are not lost.
fn from_trigger(
    root: Map<'_, '_>,
    trigger: Map<'_, '_>,
    entries: &mut Vec<Entry>,
    desk: &mut Desk<'_>,
) {
    let router = root.map("Router");
    let is_unified = router.is_some_and(|router| router.has_any(&UNIFIED));
    let own = root.map("SmartRouter");
    if own.is_none() && !is_unified {
        counting(trigger, entries, desk);
        return;
    }
    let own = own.filter(|_| !is_unified);
    let is_off = own.is_some_and(|own| own.get("enabled").and_then(flag) != Some(true));
    let rules = trigger.get("rules").filter(|_| is_off);
    let rules = rules.filter(|_| entries.iter().all(|entry| entry.key != "rules"));
    let entry = root.entry("TriggerRouter");
    let span = entry.map_or(trigger.head, |entry| entry.key.span);
    match rules {
        Some(rules) => {
            entries.push(copied("rules", rules, desk));
            desk.losses.say(
                Code::ImportApproximated,
                "rules of `TriggerRouter` wait behind `SmartRouter`, which is off",
                span,
                "carried into `SmartRouter`; as in 1.7, nothing applies them",
                "write `enabled: true` under `SmartRouter` to apply the rules",
            );
        }
        None => desk.losses.say(
            Code::ImportNotCarried,
            "`TriggerRouter` is not carried, since rules are written elsewhere",
            span,
            "1.7 leaves it aside too",
            "add what is missing to the rules that count",
        ),
    }
}

/// The section as `TriggerRouter` alone says it.
fn counting(trigger: Map<'_, '_>, entries: &mut Vec<Entry>, desk: &mut Desk<'_>) {
    let is_on = trigger.get("enabled").and_then(flag) != Some(false);
    entries.push(Entry::new("enabled", Item::Bool(is_on)));
    for key in ["analysis_scope", "rules"] {
        entries.extend(trigger.get(key).map(|node| copied(key, node, desk)));
    }
    let classifies = trigger.get("llm_intent_recognition").and_then(flag) == Some(true);
    if let (true, Some(model)) = (classifies, word(trigger, "intent_model")) {
        let semantic = [
            ("enabled", Item::Bool(true)),
            ("mode", Item::text("classifier")),
            ("classifier_model", Item::text(model)),
        ];
        entries.push(Entry::new("semantic", Item::map(semantic)));
    }
}

fn copied(key: &str, node: &Node<'_>, desk: &mut Desk<'_>) -> Entry {
    Entry::new(key, copy(node, key, "SmartRouter", desk))
}
