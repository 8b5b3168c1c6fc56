//! Small changes of a plan, each of which a good suite of tests notices.

use std::mem;

use super::{Case, holds};
use crate::explain::{member_line, rule_line, traced};
use crate::plan::{Pattern, Plan, Provenance, Slot};
use crate::source::Span;

/// One small change.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutant {
    /// What is changed, in words.
    pub what: String,
    /// The line of the registration that says otherwise.
    pub span: Option<Span>,
    change: Change,
}

#[derive(Clone, Debug, PartialEq)]
enum Change {
    DropRule(usize),
    /// A rule and the one after it.
    SwapRules(usize),
    RuleTarget(usize, String),
    /// Rule, pattern, keyword; a pattern's last keyword goes with it.
    DropKeyword(usize, usize, usize),
    DropPattern(usize, usize),
    Likeness(usize, f64),
    SlotTarget(Slot, String),
    DropSlot(Slot),
    Threshold(u64),
    /// Pool and member.
    Disable(String, usize),
    /// Pool and two members.
    SwapPriorities(String, usize, usize),
}

/// The small changes of a plan, in its order; of more than `most`, that many,
/// spread over all.
pub fn mutants(plan: &Plan, provenance: &Provenance, most: usize) -> Vec<Mutant> {
    let mut making = Making {
        plan,
        provenance,
        all: Vec::new(),
    };
    making.rules();
    making.slots();
    making.pools();
    let all = making.all;
    let count = all.len();
    if count <= most {
        return all;
    }
    let kept = |at: usize| at * most / count != (at + 1) * most / count;
    let all = all.into_iter().enumerate();
    all.filter_map(|(at, mutant)| kept(at).then_some(mutant))
        .collect()
}

impl Mutant {
    /// Whether one of the tests, all of which hold without the change, no longer does.
    pub fn is_noticed(&self, plan: &Plan, cases: &[Case<'_>]) -> bool {
        let changed = self.applied(plan);
        !cases.iter().all(|case| holds(&changed, case))
    }

    fn applied(&self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        self.apply(&mut plan);
        plan
    }

    /// Indices were taken from the same plan; where they lead nowhere, nothing changes.
    fn apply(&self, plan: &mut Plan) -> Option<()> {
        match &self.change {
            Change::DropRule(at) => {
                plan.smart_router.as_mut()?.rules.get_mut(*at)?.enabled = false;
            }
            Change::SwapRules(at) => {
                let rules = &mut plan.smart_router.as_mut()?.rules;
                if at + 1 < rules.len() {
                    rules.swap(*at, at + 1);
                }
            }
            Change::RuleTarget(at, to) => {
                let rule = plan.smart_router.as_mut()?.rules.get_mut(*at)?;
                rule.model.clone_from(to);
            }
            Change::DropKeyword(rule, pattern, at) => {
                let rule = plan.smart_router.as_mut()?.rules.get_mut(*rule)?;
                if let Pattern::Exact { keywords, .. } = rule.patterns.get_mut(*pattern)?
                    && *at < keywords.len()
                {
                    keywords.remove(*at);
                }
            }
            Change::DropPattern(rule, at) => {
                let rule = plan.smart_router.as_mut()?.rules.get_mut(*rule)?;
                if *at < rule.patterns.len() {
                    rule.patterns.remove(*at);
                }
            }
            Change::Likeness(at, threshold) => {
                let rule = plan.smart_router.as_mut()?.rules.get_mut(*at)?;
                rule.prototype.as_mut()?.threshold = *threshold;
            }
            Change::SlotTarget(slot, to) => {
                plan.router.slots.insert(*slot, to.clone());
            }
            Change::DropSlot(slot) => {
                plan.router.slots.remove(slot);
            }
            Change::Threshold(threshold) => plan.router.long_context_threshold = *threshold,
            Change::Disable(pool, at) => {
                plan.pools.get_mut(pool)?.endpoints.get_mut(*at)?.enabled = false;
            }
            Change::SwapPriorities(pool, one, other) => {
                let members = &mut plan.pools.get_mut(pool)?.endpoints;
                let taken = members.get(*other)?.priority;
                let given = mem::replace(&mut members.get_mut(*one)?.priority, taken);
                members.get_mut(*other)?.priority = given;
            }
        }
        Some(())
    }
}

struct Making<'m> {
    plan: &'m Plan,
    provenance: &'m Provenance,
    all: Vec<Mutant>,
}

impl Making<'_> {
    fn add(&mut self, what: String, span: Option<Span>, change: Change) {
        self.all.push(Mutant { what, span, change });
    }

    /// Another model than this one, for targets to be moved to.
    fn other(&self, than: &str) -> Option<String> {
        let target = self.plan.resolve(than).map(|target| target.name());
        let mut ids = self.plan.logical_ids();
        let other = ids.find(|id| target != Some(*id));
        other.map(str::to_owned)
    }

    fn rules(&mut self) {
        let Some(smart) = &self.plan.smart_router else {
            return;
        };
        let rules = &smart.rules;
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            let name = &rule.name;
            let line = rule_line(self.plan, self.provenance, name);
            let of = |key: &str| {
                traced(self.provenance, &format!("smart_router.rules[{at}].{key}")).or(line)
            };
            self.add(
                format!("rule `{name}` is dropped"),
                line,
                Change::DropRule(at),
            );
            if let Some(next) = rules.get(at + 1).filter(|next| next.model != rule.model) {
                self.add(
                    format!("rule `{}` is asked before rule `{name}`", next.name),
                    of("priority"),
                    Change::SwapRules(at),
                );
            }
            if let Some(other) = self.other(&rule.model) {
                self.add(
                    format!(
                        "rule `{name}` goes to `{other}` in place of `{}`",
                        rule.model
                    ),
                    of("model"),
                    Change::RuleTarget(at, other),
                );
            }
            for (number, pattern) in rule.patterns.iter().enumerate() {
                let line = of(&format!("patterns[{number}]"));
                self.pattern(at, name, number, pattern, line);
            }
            if let Some(prototype) = &rule.prototype {
                let half = prototype.threshold / 2.0;
                for threshold in [half, f64::midpoint(prototype.threshold, 1.0)] {
                    self.add(
                        format!(
                            "rule `{name}` wants a likeness of {threshold:.3} in place of {}",
                            prototype.threshold
                        ),
                        of("prototype.threshold"),
                        Change::Likeness(at, threshold),
                    );
                }
            }
        }
    }

    fn pattern(
        &mut self,
        rule: usize,
        name: &str,
        at: usize,
        pattern: &Pattern,
        line: Option<Span>,
    ) {
        match pattern {
            Pattern::Exact { keywords, .. } => {
                for (number, keyword) in keywords.iter().enumerate() {
                    self.add(
                        format!("keyword `{keyword}` of rule `{name}` is dropped"),
                        line,
                        Change::DropKeyword(rule, at, number),
                    );
                }
            }
            Pattern::Regex { pattern, .. } => self.add(
                format!("`/{pattern}/` of rule `{name}` is dropped"),
                line,
                Change::DropPattern(rule, at),
            ),
        }
    }

    fn slots(&mut self) {
        for (slot, name) in &self.plan.router.slots {
            let line = self.provenance.slots.get(slot).copied();
            if let Some(other) = self.other(name) {
                self.add(
                    format!("slot `{slot}` goes to `{other}` in place of `{name}`"),
                    line,
                    Change::SlotTarget(*slot, other),
                );
            }
            self.add(
                format!("slot `{slot}` is dropped"),
                line,
                Change::DropSlot(*slot),
            );
        }
        if !self.plan.router.slots.contains_key(&Slot::LongContext) {
            return;
        }
        let threshold = self.plan.router.long_context_threshold;
        let mut written = self.provenance.written.iter();
        let line = written.find(|(key, _)| *key == "Router.longContextThreshold");
        let line = line.map(|(_, span)| *span);
        let line = line.or_else(|| self.provenance.slots.get(&Slot::LongContext).copied());
        for other in [threshold / 2, threshold.saturating_mul(2)] {
            self.add(
                format!("`longContextThreshold` is {other} in place of {threshold}"),
                line,
                Change::Threshold(other),
            );
        }
    }

    fn pools(&mut self) {
        for (id, pool) in &self.plan.pools {
            if self.plan.models.contains_key(id) {
                continue;
            }
            let members = pool.endpoints.iter().enumerate();
            let enabled: Vec<_> = members.filter(|(_, member)| member.enabled).collect();
            for (at, member) in &enabled {
                self.add(
                    format!("endpoint `{}` of `{id}` is switched off", member.id),
                    member_line(self.plan, self.provenance, id, &member.id),
                    Change::Disable(id.clone(), *at),
                );
            }
            for pair in enabled.windows(2) {
                let [(one, first), (other, second)] = pair else {
                    continue;
                };
                if first.priority != second.priority {
                    self.add(
                        format!(
                            "endpoints `{}` and `{}` of `{id}` change priorities",
                            first.id, second.id
                        ),
                        member_line(self.plan, self.provenance, id, &first.id),
                        Change::SwapPriorities(id.clone(), *one, *other),
                    );
                }
            }
        }
    }
}
