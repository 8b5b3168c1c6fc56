//! What was looked for in texts, and what a plan makes of what was found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::matching::Matcher;
use crate::plan::{AnalysisScope, Pattern, Plan, Rule, SemanticMode};
use crate::route::{Found, likeness};

/// Everything that the rules of a plan look for, each once. Hits are positions
/// in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatternSet {
    /// Made of what follows: sets of one id are the same.
    pub id: String,
    /// Which messages were looked at.
    pub scope: AnalysisScope,
    /// Keywords and expressions; of keywords one each.
    pub patterns: Vec<Pattern>,
    /// Texts that likeness was measured to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prototypes: Vec<String>,
}

impl PatternSet {
    /// What the rules of a plan look for; none where it has no smart router.
    pub fn of(plan: &Plan) -> Option<Self> {
        let smart = plan.smart_router.as_ref()?;
        let mut patterns = BTreeMap::new();
        let mut prototypes = BTreeMap::new();
        let rules = || smart.rules.iter().filter(|rule| rule.enabled);
        for pattern in rules().flat_map(single_patterns) {
            patterns.insert(key(&pattern), pattern);
        }
        for prototype in rules().filter_map(|rule| rule.prototype.as_ref()) {
            prototypes.insert(prototype.text.clone(), ());
        }
        let patterns: Vec<Pattern> = patterns.into_values().collect();
        let prototypes: Vec<String> = match smart.semantic.enabled {
            true => prototypes.into_keys().collect(),
            false => Vec::new(),
        };
        let scope = smart.analysis_scope;
        let content = serde_json::to_vec(&(scope, &patterns, &prototypes)).unwrap_or_default();
        let id = blake3::hash(&content).to_hex()[..16].to_owned();
        Some(Self {
            id,
            scope,
            patterns,
            prototypes,
        })
    }
}

/// The patterns of a rule with one keyword each; a blank one never occurs.
fn single_patterns(rule: &Rule) -> impl Iterator<Item = Pattern> {
    rule.patterns.iter().flat_map(|pattern| match pattern {
        Pattern::Exact {
            case_sensitive,
            keywords,
        } => {
            let said = keywords.iter().filter(|keyword| !keyword.trim().is_empty());
            let single = said.map(|keyword| Pattern::Exact {
                case_sensitive: *case_sensitive,
                keywords: vec![match case_sensitive {
                    true => keyword.clone(),
                    false => keyword.to_lowercase(),
                }],
            });
            single.collect::<Vec<_>>()
        }
        expression @ Pattern::Regex { .. } => vec![expression.clone()],
    })
}

/// What makes two patterns find the same.
fn key(pattern: &Pattern) -> (bool, bool, String) {
    match pattern {
        Pattern::Exact {
            case_sensitive,
            keywords,
        } => {
            let only = keywords.first();
            (false, *case_sensitive, only.cloned().unwrap_or_default())
        }
        Pattern::Regex {
            case_sensitive,
            pattern,
        } => (true, *case_sensitive, pattern.clone()),
    }
}

/// Looks for the patterns of a set in texts.
#[derive(Debug)]
pub struct Finder {
    set: PatternSet,
    matcher: Matcher,
}

impl Finder {
    /// Prepares what a plan looks for; none where it looks for nothing.
    pub fn of(plan: &Plan) -> Option<Self> {
        let set = PatternSet::of(plan)?;
        let alone = |pattern: &Pattern| Rule {
            description: None,
            enabled: true,
            model: String::new(),
            name: String::new(),
            patterns: vec![pattern.clone()],
            priority: 0,
            prototype: None,
        };
        let rules: Vec<Rule> = set.patterns.iter().map(alone).collect();
        // An expression that a plan has was compiled before.
        let matcher = Matcher::new(&rules).ok()?;
        Some(Self { set, matcher })
    }

    /// What is looked for.
    pub fn set(&self) -> &PatternSet {
        &self.set
    }

    /// What occurs in a text, without the text.
    pub fn find(&self, text: &str) -> super::TextShape {
        let prototypes = self.set.prototypes.iter().map(String::as_str);
        let alike = likeness(text, prototypes).enumerate();
        super::TextShape {
            chars: text.chars().count() as u64,
            patterns: Some(self.set.id.clone()),
            hits: self.matcher.all(text).into_iter().collect(),
            likeness: alike.filter(|(_, likeness)| *likeness > 0.0).collect(),
            kept: None,
        }
    }
}

/// What a plan makes of the patterns of a set.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// By pattern of the set: the first rule that has it.
    rule_of: Vec<Option<usize>>,
    /// The first rule with a pattern that was not looked for.
    unknown: Option<usize>,
    /// By rule: the prototype of the set that it has.
    prototype_of: Vec<Option<usize>>,
    classifier: Option<String>,
    router: Option<String>,
}

impl Reading {
    /// What `plan` makes of `set`; of no set, that everything is unknown.
    pub fn new(plan: &Plan, set: Option<&PatternSet>) -> Self {
        let Some(smart) = &plan.smart_router else {
            return Self::default();
        };
        let set = set.filter(|set| set.scope == smart.analysis_scope);
        let mut at = BTreeMap::new();
        let mut prototypes = BTreeMap::new();
        if let Some(set) = set {
            at.extend(set.patterns.iter().map(key).zip(0..));
            prototypes.extend(set.prototypes.iter().map(String::as_str).zip(0..));
        }
        let semantic = &smart.semantic;
        let asks = |model: &Option<String>| {
            let asked = semantic.enabled && semantic.mode == SemanticMode::Classifier;
            model.clone().filter(|_| asked)
        };
        let mut reading = Self {
            rule_of: vec![None; set.map_or(0, |set| set.patterns.len())],
            classifier: asks(&semantic.classifier_model),
            router: smart.router_model.clone(),
            ..Self::default()
        };
        for (rule, number) in smart.rules.iter().zip(0..) {
            let prototype = rule.prototype.as_ref();
            let found = prototype.and_then(|own| prototypes.get(own.text.as_str()));
            reading.prototype_of.push(found.copied());
            for pattern in single_patterns(rule).filter(|_| rule.enabled) {
                match at.get(&key(&pattern)) {
                    Some(at) => {
                        if let Some(first @ None) = reading.rule_of.get_mut::<usize>(*at) {
                            *first = Some(number);
                        }
                    }
                    None => reading.unknown = reading.unknown.or(Some(number)),
                }
            }
        }
        reading
    }

    /// The first rule that matches a text with these hits.
    pub fn rule(&self, hits: &[usize]) -> Found {
        let rules = hits.iter().filter_map(|hit| *self.rule_of.get(*hit)?);
        match (rules.min(), self.unknown) {
            (Some(rule), Some(unknown)) if unknown < rule => Found::Unknown(unknown),
            (Some(rule), _) => Found::Rule(rule),
            (None, Some(unknown)) => Found::Unknown(unknown),
            (None, None) => Found::Nothing,
        }
    }

    /// Likeness to the prototype of a rule; none where it was not measured.
    pub fn likeness(&self, rule: usize, measured: &[(usize, f64)]) -> Option<f64> {
        let wanted = (*self.prototype_of.get(rule)?)?;
        let found = measured.iter().find(|(at, _)| *at == wanted);
        Some(found.map_or(0.0, |(_, likeness)| *likeness))
    }

    /// The model that classifies.
    pub(super) fn classifier(&self) -> Option<&str> {
        self.classifier.as_deref()
    }

    /// The model that chooses among candidates.
    pub(super) fn router(&self) -> Option<&str> {
        self.router.as_deref()
    }
}
