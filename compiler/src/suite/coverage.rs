//! What tests reach of a plan: rules and slots that decide, pools and endpoints
//! that requests go to.

use std::collections::BTreeSet;

use super::Ran;
use crate::explain::{member_line, model_line, rule_line};
use crate::plan::{Plan, Provenance, Target, words};
use crate::source::Span;

words! {
    /// What can be reached.
    Kind {
        /// A rule that is asked.
        Rule = "rule",
        /// A slot that names something.
        Slot = "slot",
        /// A pool that can be asked for.
        Pool = "pool",
        /// An endpoint that is switched on.
        Endpoint = "endpoint",
    }
}

/// One thing that can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where it was written.
    pub span: Option<Span>,
    /// Whether a test reaches it.
    pub is_reached: bool,
}

/// Everything that can be reached, in the order of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// By kind, then in the order of the plan.
    pub items: Vec<Item>,
}

impl Coverage {
    /// What these tests reach, whether they hold or not.
    pub fn of(plan: &Plan, provenance: &Provenance, ran: &[Ran]) -> Self {
        let reached: BTreeSet<(Kind, &str)> = ran
            .iter()
            .filter_map(|ran| ran.went.as_ref())
            .flat_map(|went| {
                went.reached
                    .iter()
                    .map(|(kind, name)| (*kind, name.as_str()))
            })
            .collect();
        let mut items = Vec::new();
        let mut add = |kind, name: &str, span| {
            items.push(Item {
                kind,
                name: name.to_owned(),
                span,
                is_reached: reached.contains(&(kind, name)),
            });
        };
        if let Some(smart) = &plan.smart_router {
            for rule in smart.rules.iter().filter(|rule| rule.enabled) {
                add(
                    Kind::Rule,
                    &rule.name,
                    rule_line(plan, provenance, &rule.name),
                );
            }
        }
        for slot in plan.router.slots.keys() {
            add(Kind::Slot, slot.word(), provenance.slots.get(slot).copied());
        }
        let pools = plan.pools.iter();
        let pools: Vec<_> = pools
            .filter(|(id, _)| !plan.models.contains_key(id))
            .collect();
        for (id, pool) in &pools {
            let span = model_line(provenance, Target::Pool(id, pool));
            add(Kind::Pool, id, span);
        }
        for (id, endpoint) in plan.models.iter().filter(|(_, model)| model.enabled) {
            let span = model_line(provenance, Target::Model(id, endpoint));
            add(Kind::Endpoint, &endpoint.id, span);
        }
        for (id, pool) in &pools {
            for member in pool.endpoints.iter().filter(|member| member.enabled) {
                let span = member_line(plan, provenance, id, &member.id);
                add(Kind::Endpoint, &member.id, span);
            }
        }
        Self { items }
    }

    /// How many there are, and how many are reached; of one kind, or of all.
    pub fn count(&self, kind: Option<Kind>) -> (usize, usize) {
        let of_kind = |item: &&Item| kind.is_none_or(|kind| item.kind == kind);
        let all = self.items.iter().filter(of_kind);
        (
            all.clone().count(),
            all.filter(|item| item.is_reached).count(),
        )
    }

    /// Part of all that is reached, in per cent; 100 where there is nothing.
    pub fn percent(&self) -> f64 {
        match self.count(None) {
            (0, _) => 100.0,
            (all, reached) => reached as f64 * 100.0 / all as f64,
        }
    }

    /// What no test reaches.
    pub fn unreached(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.is_reached)
    }
}
