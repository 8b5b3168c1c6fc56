//! Where the registration says what decides about requests, in words, so that
//! its text need not be kept: of slots and rules, not of every model.

use std::collections::{BTreeMap, HashMap};

use ctr_compiler::Compiled;
use ctr_compiler::plan::{Slot, Source as Origin};
use ctr_compiler::route::Source;
use ctr_compiler::source::Sources;

/// `file:line:column` by what decides.
#[derive(Clone, Debug, Default)]
pub struct Places {
    slots: BTreeMap<Slot, String>,
    rules: HashMap<String, String>,
}

impl Places {
    /// Those of a registration whose text is at hand.
    pub fn new(compiled: &Compiled, sources: &Sources) -> Self {
        let provenance = &compiled.provenance;
        let slots = provenance.slots.iter();
        let slots = slots.map(|(slot, span)| (*slot, sources.place(*span)));
        let smart = compiled.plan.as_ref();
        let smart = smart.and_then(|plan| plan.smart_router.as_ref());
        let rules = smart.map_or(&[][..], |smart| &smart.rules);
        let mut written: HashMap<usize, String> = HashMap::new();
        for traced in &provenance.traced {
            if let (Some(at), Origin::Written(span)) = (rule(&traced.path), &traced.source) {
                written.entry(at).or_insert_with(|| sources.place(*span));
            }
        }
        let names = rules.iter().enumerate();
        let rules = names.filter_map(|(at, rule)| Some((rule.name.clone(), written.remove(&at)?)));
        Self {
            rules: rules.collect(),
            slots: slots.collect(),
        }
    }

    /// The place of what decided, if it is a slot or a rule.
    pub fn of(&self, source: Source<'_>) -> Option<&str> {
        let place = match source {
            Source::Slot(slot) => self.slots.get(&slot),
            Source::Rule(name) | Source::Semantic(name) => self.rules.get(name),
            _ => None,
        };
        place.map(String::as_str)
    }
}

/// The position in a path of the plan like `smart_router.rules[3].priority`.
fn rule(path: &str) -> Option<usize> {
    let rest = path.strip_prefix("smart_router.rules[")?;
    rest.split_once(']')?.0.parse().ok()
}
