//! The smart router: what counts of several places, and what is filled in.

use std::collections::BTreeMap;

use super::Lowering;
use crate::plan::{
    Alignment, AnalysisScope, Candidate, NoMatch, Pattern, Prototype, RouterHint, Rule, Semantic,
    SemanticMode, Slot, SmartRouter, Source, Sticky,
};
use crate::registration::{
    Choice, Effective, Matcher, PatternEntry, Registration, RuleEntry, SemanticBlock, StickyBlock,
    TriggerSection,
};
use crate::source::Spanned;

const CACHE_TTL_MS: i64 = 600_000;
const MAX_TOKENS: i64 = 256;
const SESSION_TTL_MS: i64 = 3_600_000;
const SIMILARITY: f64 = 0.82;
const MAX_SUMMARY_TOKENS: i64 = 256;
/// The least likeness where the document says whether likeness is asked for.
const THRESHOLD: f64 = 0.85;
/// The least likeness where it is only implied.
const IMPLIED_THRESHOLD: f64 = 0.2;
const IMPLIED: &str = "on with the smart router where nothing says otherwise";
const IMPLIED_VALUE: &str = "since `semantic` is on without being asked for";
const CLASSIFIES: &str = "from `TriggerRouter.llm_intent_recognition`";

impl Lowering {
    /// The smart router, where it is switched on.
    pub(super) fn smart_router(&mut self, registration: &Registration) -> Option<SmartRouter> {
        let smart = registration.smart_router()?;
        if !smart.enabled.is_on() {
            return None;
        }
        self.traced(
            "smart_router.enabled",
            smart.enabled.key,
            smart.enabled.written,
            smart.enabled.default,
        );
        let (scope_key, scope) = match smart.analysis_scope {
            Some((key, scope)) => (key, Some(scope)),
            None => ("SmartRouter.analysis_scope", None),
        };
        let analysis_scope = self.traced(
            "smart_router.analysis_scope",
            scope_key,
            scope,
            AnalysisScope::LastMessage,
        );
        let cache_ttl = self.of_choice(&smart, "cache_ttl", "cache_ttl_ms", CACHE_TTL_MS, |of| {
            of.cache_ttl.as_ref()
        });
        let max_tokens = self.of_choice(&smart, "max_tokens", "max_tokens", MAX_TOKENS, |of| {
            of.max_tokens.as_ref()
        });
        let fallback = self.of_choice(&smart, "fallback", "fallback", NoMatch::Default, |of| {
            of.fallback.as_ref()
        });
        let router_hint = self.router_hint(&smart);
        let router_model = smart.router_model();
        let router_model = router_model
            .and_then(|(key, model)| self.traced_if("smart_router.router_model", key, Some(model)));
        let candidates = self.candidates(&smart);
        let semantic = self.semantic(&smart);
        let sticky = self.sticky(&smart, registration, router_model.as_ref());
        let rules = self.rules(&smart, &semantic);
        Some(SmartRouter {
            analysis_scope,
            cache_ttl_ms: cache_ttl.unsigned_abs(),
            candidates,
            fallback,
            max_tokens: max_tokens.unsigned_abs(),
            router_hint,
            router_model,
            rules,
            semantic,
            sticky,
        })
    }

    /// A key of `SmartRouter` that `Router.decision` has too.
    fn of_choice<T: Clone + ToString>(
        &mut self,
        smart: &Effective<'_>,
        key: &'static str,
        name: &str,
        default: T,
        read: impl Fn(&Choice) -> Option<&Spanned<T>>,
    ) -> T {
        let written = smart
            .choices
            .iter()
            .find_map(|choice| Some((choice.path, read(choice)?)));
        let (inside, written) = match written {
            Some((inside, written)) => (inside, Some(written)),
            None => ("SmartRouter", None),
        };
        self.traced(
            format!("smart_router.{name}"),
            format!("{inside}.{key}"),
            written,
            default,
        )
    }

    fn router_hint(&mut self, smart: &Effective<'_>) -> RouterHint {
        let mut hint =
            |name: &'static str, key: &'static str, read: fn(&Choice) -> Option<&Spanned<bool>>| {
                self.of_choice(smart, key, &format!("router_hint.{name}"), false, read)
            };
        RouterHint {
            include_task_summary: hint(
                "include_task_summary",
                "router_hint.include_task_summary",
                |of| of.include_task_summary.as_ref(),
            ),
            include_top_route_candidates: hint(
                "include_top_route_candidates",
                "router_hint.include_top_route_candidates",
                |of| of.include_top_route_candidates.as_ref(),
            ),
        }
    }

    fn candidates(&mut self, smart: &Effective<'_>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for entry in smart.candidates() {
            let (Some(model), Some(description)) = (&entry.model, &entry.description) else {
                continue;
            };
            let path = format!("smart_router.candidates[{}]", candidates.len());
            for (name, value) in [("description", description), ("model", model)] {
                self.note(
                    format!("{path}.{name}"),
                    format!("{}.{name}", entry.path),
                    Source::Written(value.span),
                );
            }
            candidates.push(Candidate {
                description: description.value.clone(),
                model: model.value.clone(),
            });
        }
        candidates
    }

    fn semantic(&mut self, smart: &Effective<'_>) -> Semantic {
        let blocks = &smart.semantic;
        let toggle = block_value(blocks, |block| block.enabled.as_ref());
        let classifies = smart.trigger.is_some_and(TriggerSection::classifies);
        let because = if classifies { CLASSIFIES } else { IMPLIED };
        let enabled = self.of_semantic("enabled", toggle, true, because);
        let mode = block_value(blocks, |block| block.mode.as_ref());
        let mode = match classifies {
            true => self.of_semantic("mode", mode, SemanticMode::Classifier, CLASSIFIES),
            false => self.of_semantic("mode", mode, SemanticMode::Embedding, super::DEFAULT),
        };
        let threshold = block_value(blocks, |block| block.threshold.as_ref());
        let threshold = match toggle.is_none() && !classifies {
            true => self.of_semantic("threshold", threshold, IMPLIED_THRESHOLD, IMPLIED_VALUE),
            false => self.of_semantic("threshold", threshold, THRESHOLD, super::DEFAULT),
        };
        let classifier = smart.classifier_model();
        let classifier = classifier.filter(|_| mode == SemanticMode::Classifier);
        Semantic {
            classifier_model: classifier.and_then(|(key, model)| {
                self.traced_if("smart_router.semantic.classifier_model", key, Some(model))
            }),
            enabled,
            mode,
            threshold,
        }
    }

    fn of_semantic<T: Clone + ToString>(
        &mut self,
        name: &str,
        written: Option<(&'static str, &Spanned<T>)>,
        default: T,
        because: &'static str,
    ) -> T {
        let inside = written.map_or("SmartRouter.semantic", |(path, _)| path);
        self.traced_or(
            format!("smart_router.semantic.{name}"),
            format!("{inside}.{name}"),
            written.map(|(_, written)| written),
            default,
            because,
        )
    }

    fn sticky(
        &mut self,
        smart: &Effective<'_>,
        registration: &Registration,
        router_model: Option<&String>,
    ) -> Sticky {
        let enabled = self.of_sticky(smart, "enabled", true, IMPLIED, |of| of.enabled.as_ref());
        let default = super::DEFAULT;
        let break_on_explicit_route =
            self.of_sticky(smart, "break_on_explicit_route", true, default, |of| {
                of.break_on_explicit_route.as_ref()
            });
        let similarity = self.of_sticky(
            smart,
            "fingerprint_similarity_threshold",
            SIMILARITY,
            default,
            |of| of.similarity.as_ref(),
        );
        let ttl = self.of_sticky(smart, "session_ttl_ms", SESSION_TTL_MS, default, |of| {
            of.session_ttl_ms.as_ref()
        });
        let alignment = self.of_sticky(smart, "alignment.enabled", false, default, |of| {
            of.alignment.as_ref()
        });
        let max_summary_tokens = self.of_sticky(
            smart,
            "alignment.max_summary_tokens",
            MAX_SUMMARY_TOKENS,
            default,
            |of| of.max_summary_tokens.as_ref(),
        );
        Sticky {
            alignment: Alignment {
                enabled: alignment,
                max_summary_tokens: max_summary_tokens.unsigned_abs(),
                summarizer_model: match alignment {
                    true => self.summarizer(smart, registration, router_model),
                    false => None,
                },
            },
            break_on_explicit_route,
            enabled,
            fingerprint_similarity_threshold: similarity,
            session_ttl_ms: ttl.unsigned_abs(),
        }
    }

    fn of_sticky<T: Clone + ToString>(
        &mut self,
        smart: &Effective<'_>,
        name: &str,
        default: T,
        because: &'static str,
        read: impl Fn(&StickyBlock) -> Option<&Spanned<T>>,
    ) -> T {
        let mut blocks = smart.sticky.iter();
        let written = blocks.find_map(|block| Some((block.path, read(block)?)));
        let inside = written.map_or("SmartRouter.sticky", |(path, _)| path);
        self.traced_or(
            format!("smart_router.sticky.{name}"),
            format!("{inside}.{name}"),
            written.map(|(_, written)| written),
            default,
            because,
        )
    }

    /// The model that writes summaries, where nothing names it: `router_model`,
    /// else `Router.default`, else `intent_model`.
    fn summarizer(
        &mut self,
        smart: &Effective<'_>,
        registration: &Registration,
        router_model: Option<&String>,
    ) -> Option<String> {
        const PATH: &str = "smart_router.sticky.alignment.summarizer_model";
        const KEY: &str = "SmartRouter.sticky.alignment.summarizer_model";
        if let Some((key, model)) = smart.summarizer_model() {
            return self.traced_if(PATH, key, Some(model));
        }
        let default = registration.router.slots.get(&Slot::Default);
        let default = default.map(|name| &name.value);
        let intent = smart
            .trigger
            .and_then(|trigger| trigger.intent_model.as_ref());
        let (model, because) = router_model
            .map(|model| (model, "from `router_model`"))
            .or_else(|| default.map(|model| (model, "from `Router.default`")))
            .or_else(|| intent.map(|model| (&model.value, "from `TriggerRouter.intent_model`")))?;
        self.note(PATH, KEY, Source::Filled(model.clone(), because));
        Some(model.clone())
    }

    /// The rules in the order in which they are asked.
    fn rules(&mut self, smart: &Effective<'_>, semantic: &Semantic) -> Vec<Rule> {
        let priority = |rule: &RuleEntry| rule.priority.as_ref().map_or(0, |number| number.value);
        let mut order: Vec<&RuleEntry> = smart.rules.iter().collect();
        order.sort_by_key(|rule| std::cmp::Reverse(priority(rule)));
        let prototypes = Prototypes::of(&smart.semantic);
        let mut rules = Vec::new();
        for entry in order {
            let path = format!("smart_router.rules[{}]", rules.len());
            let rule = self.rule(entry, &path, semantic, &prototypes);
            rules.extend(rule);
        }
        rules
    }

    fn rule(
        &mut self,
        entry: &RuleEntry,
        path: &str,
        semantic: &Semantic,
        prototypes: &Prototypes<'_>,
    ) -> Option<Rule> {
        let (name, model) = (entry.name.as_ref()?, entry.model.as_ref()?);
        let at = |name: &str| (format!("{path}.{name}"), format!("{}.{name}", entry.path));
        self.note(path, entry.path.clone(), Source::Written(entry.head));
        let (to, key) = at("description");
        let description = self.traced_if(to, key, entry.description.as_ref());
        let (to, key) = at("enabled");
        let enabled = self.traced(to, key, entry.enabled.as_ref(), true);
        let (to, key) = at("model");
        self.note(to, key, Source::Written(model.span));
        let (to, key) = at("name");
        self.note(to, key, Source::Written(name.span));
        let (to, key) = at("priority");
        let priority = self.traced(to, key, entry.priority.as_ref(), 0);
        for (number, pattern) in entry.patterns.iter().enumerate() {
            let (to, key) = at(&format!("patterns[{number}]"));
            self.note(to, key, Source::Written(pattern.head));
        }
        let takes_part = entry
            .semantic
            .as_ref()
            .is_none_or(|semantic| semantic.value);
        let prototype = match semantic.enabled && takes_part {
            true => self.prototype(entry, path, &name.value, semantic, prototypes),
            false => None,
        };
        Some(Rule {
            description,
            enabled,
            model: model.value.clone(),
            name: name.value.clone(),
            patterns: entry.patterns.iter().map(pattern).collect(),
            priority,
            prototype,
        })
    }

    fn prototype(
        &mut self,
        entry: &RuleEntry,
        path: &str,
        name: &str,
        semantic: &Semantic,
        prototypes: &Prototypes<'_>,
    ) -> Option<Prototype> {
        let profile = match entry.path.starts_with("Router.") {
            true => format!("{}.match.semantic_profile", entry.path),
            false => format!("{}.semantic_profile", entry.path),
        };
        let named = prototypes.0.get(name).copied();
        let (text, key) = match (&entry.prototype, named, &entry.description) {
            (Some(text), _, _) => (text, format!("{profile}.prototype")),
            (None, Some((path, text)), _) => (text, format!("{path}.prototypes.{name}")),
            (None, None, Some(text)) => (text, format!("{}.description", entry.path)),
            (None, None, None) => return None,
        };
        self.note(
            format!("{path}.prototype.text"),
            key,
            Source::Written(text.span),
        );
        let threshold = self.traced_or(
            format!("{path}.prototype.threshold"),
            format!("{profile}.threshold"),
            entry.threshold.as_ref(),
            semantic.threshold,
            "that of `semantic`",
        );
        Some(Prototype {
            text: text.value.clone(),
            threshold,
        })
    }
}

/// The first block that has a key, with the block's path.
fn block_value<'r, T>(
    blocks: &[&'r SemanticBlock],
    read: impl Fn(&'r SemanticBlock) -> Option<&'r Spanned<T>>,
) -> Option<(&'static str, &'r Spanned<T>)> {
    let mut blocks = blocks.iter();
    blocks.find_map(|block| Some((block.path, read(block)?)))
}

/// Prototypes by rule name, each with the path of its block.
struct Prototypes<'r>(BTreeMap<&'r str, (&'static str, &'r Spanned<String>)>);

impl<'r> Prototypes<'r> {
    fn of(blocks: &[&'r SemanticBlock]) -> Self {
        let mut all = BTreeMap::new();
        for block in blocks {
            for (name, text) in &block.prototypes {
                all.entry(name.value.as_str()).or_insert((block.path, text));
            }
        }
        Self(all)
    }
}

fn pattern(entry: &PatternEntry) -> Pattern {
    let case_sensitive = entry.case_sensitive.as_ref().is_some_and(|case| case.value);
    match &entry.matcher {
        Matcher::Keywords(keywords) => {
            let mut keywords: Vec<String> = keywords
                .iter()
                .map(|keyword| keyword.value.clone())
                .collect();
            keywords.sort_unstable();
            keywords.dedup();
            Pattern::Exact {
                case_sensitive,
                keywords,
            }
        }
        Matcher::Regex(pattern) => Pattern::Regex {
            case_sensitive,
            pattern: pattern.value.clone(),
        },
    }
}
