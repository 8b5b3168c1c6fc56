//! What a plan has that can be varied, and its variants.

use serde::Serialize;

use crate::plan::{Plan, Rule, SemanticMode, Slot};

/// Thresholds of tokens that are tried: as many, with as many prompts between them.
const THRESHOLDS: usize = 32;
/// Steps of likeness that are tried, from one to as many.
const LIKENESS: u32 = 20;

/// Something that can be varied.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Knob {
    /// `longContextThreshold`, and the values that are tried.
    LongContext(Vec<u64>),
    /// How alike a text must be to the prototype of this rule.
    Likeness(String),
    /// Where these neighbours stand: the one that is asked first, and the next.
    Order(usize),
}

/// A value, and what it would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Which: as a plan names it, a rule by its name.
    pub path: String,
    /// As it is.
    pub before: String,
    /// As it would be; absent where it is only told what can be varied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// All that a plan has. `tokens` are those of prompts, ascending.
pub(super) fn all(plan: &Plan, tokens: &[u64]) -> Vec<Knob> {
    let mut knobs = Vec::new();
    if plan.router.slots.contains_key(&Slot::LongContext) {
        let last = tokens.len().saturating_sub(1);
        let values = (0..=THRESHOLDS).filter_map(|nth| tokens.get(last * nth / THRESHOLDS));
        let mut values: Vec<u64> = values.copied().collect();
        values.dedup();
        knobs.push(Knob::LongContext(values));
    }
    let Some(smart) = &plan.smart_router else {
        return knobs;
    };
    if smart.semantic.enabled && smart.semantic.mode == SemanticMode::Embedding {
        let alike = smart.rules.iter().filter(|rule| is_alike(rule));
        knobs.extend(alike.map(|rule| Knob::Likeness(rule.name.clone())));
    }
    knobs.extend((1..smart.rules.len()).map(|next| Knob::Order(next - 1)));
    knobs
}

fn is_alike(rule: &Rule) -> bool {
    rule.enabled && rule.prototype.is_some()
}

impl Knob {
    /// The plan with every other value of this.
    pub(super) fn variants(&self, plan: &Plan) -> Vec<Plan> {
        let with = |change: &dyn Fn(&mut Plan)| {
            let mut variant = plan.clone();
            change(&mut variant);
            variant
        };
        let all: Vec<Plan> = match self {
            Self::LongContext(values) => {
                let set = |value: &u64| with(&|plan| plan.router.long_context_threshold = *value);
                values.iter().map(set).collect()
            }
            Self::Likeness(name) => (1..=LIKENESS)
                .map(|step| {
                    with(&|plan| {
                        if let Some(threshold) = likeness_of(plan, name) {
                            *threshold = f64::from(step) / f64::from(LIKENESS);
                        }
                    })
                })
                .collect(),
            Self::Order(at) => vec![with(&|plan| {
                let rules = plan.smart_router.as_mut().map(|smart| &mut smart.rules);
                if let Some(rules) = rules.filter(|rules| at + 1 < rules.len()) {
                    rules.swap(*at, at + 1);
                }
            })],
        };
        all.into_iter().filter(|variant| variant != plan).collect()
    }

    /// What it is now.
    pub(super) fn present(&self, plan: &Plan) -> Setting {
        let rule = |at: usize| {
            let rules = plan.smart_router.as_ref().map(|smart| &smart.rules);
            let rule = rules.and_then(|rules| rules.get(at));
            rule.map_or("", |rule| &rule.name)
        };
        let (path, before) = match self {
            Self::LongContext(_) => (
                LONG_CONTEXT.to_owned(),
                plan.router.long_context_threshold.to_string(),
            ),
            Self::Likeness(name) => (likeness_path(name), likeness(plan, name)),
            Self::Order(at) => (ORDER.to_owned(), format!("{}, {}", rule(*at), rule(at + 1))),
        };
        Setting {
            path,
            before,
            after: None,
        }
    }
}

const LONG_CONTEXT: &str = "router.long_context_threshold";
const ORDER: &str = "smart_router.rules";

fn likeness_path(name: &str) -> String {
    format!("smart_router.rules.{name}.prototype.threshold")
}

fn likeness_of<'p>(plan: &'p mut Plan, name: &str) -> Option<&'p mut f64> {
    let mut rules = plan.smart_router.as_mut()?.rules.iter_mut();
    let rule = rules.find(|rule| rule.name == name)?;
    Some(&mut rule.prototype.as_mut()?.threshold)
}

fn likeness(plan: &Plan, name: &str) -> String {
    let rules = plan.smart_router.as_ref().map(|smart| smart.rules.iter());
    let rule = rules.into_iter().flatten().find(|rule| rule.name == name);
    let prototype = rule.and_then(|rule| rule.prototype.as_ref());
    prototype.map_or(String::new(), |prototype| prototype.threshold.to_string())
}

/// What differs between a plan and a variant of it.
pub(super) fn changed(plan: &Plan, variant: &Plan) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut add = |path: String, before: String, after: String| {
        if before != after {
            settings.push(Setting {
                path,
                before,
                after: Some(after),
            });
        }
    };
    let threshold = |plan: &Plan| plan.router.long_context_threshold.to_string();
    add(LONG_CONTEXT.to_owned(), threshold(plan), threshold(variant));
    let names = |plan: &Plan| -> Vec<String> {
        let rules = plan.smart_router.as_ref().map(|smart| smart.rules.iter());
        rules
            .into_iter()
            .flatten()
            .map(|rule| rule.name.clone())
            .collect()
    };
    let before = names(plan);
    for name in &before {
        add(
            likeness_path(name),
            likeness(plan, name),
            likeness(variant, name),
        );
    }
    add(
        ORDER.to_owned(),
        before.join(", "),
        names(variant).join(", "),
    );
    settings
}
