//! Which logical model a request goes to: a chain of steps, of which the first
//! that decides wins.
//!
//! The same plan, rules and features always give the same choice. An explanation
//! asks every step, a decision stops at the first that decides; both ask the
//! same steps, so that they cannot disagree.

use super::features::{Chosen, Classified, RequestFeatures};
use super::likeness::{Likeness, same_task};
use super::recorded::{Found, Recorded};
use super::text::Text;
use crate::plan::{Plan, Rule, SemanticMode, Slot, SmartRouter, Target, Tokenizer};

/// Input tokens above which the session's last usage counts for `longContext`
/// (claude-trigger-router 1.7.0).
const SESSION_TOKENS: u64 = 20_000;

/// The steps in the order in which they are asked.
pub const CHAIN: [Step; 12] = [
    Step::ExplicitModel,
    Step::Slot(Slot::Image),
    Step::Rules,
    Step::Sticky,
    Step::Semantic,
    Step::Candidates,
    Step::Slot(Slot::LongContext),
    Step::Subagent,
    Step::Slot(Slot::Background),
    Step::Slot(Slot::Think),
    Step::Slot(Slot::WebSearch),
    Step::Slot(Slot::Default),
];

/// One step of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The model that the request names.
    ExplicitModel,
    /// Keywords and expressions of rules.
    Rules,
    /// What the session did last.
    Sticky,
    /// Likeness to prototypes.
    Semantic,
    /// A model's choice among candidates.
    Candidates,
    /// The marker of a sub-agent.
    Subagent,
    /// A slot.
    Slot(Slot),
}

impl Step {
    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ExplicitModel => "explicit model",
            Self::Rules => "rules",
            Self::Sticky => "session",
            Self::Semantic => "likeness",
            Self::Candidates => "candidates",
            Self::Subagent => "sub-agent",
            Self::Slot(slot) => slot.word(),
        }
    }
}

/// How the logical model was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source<'p> {
    /// The request named it.
    ExplicitModel,
    /// A rule's keyword or expression.
    Rule(&'p str),
    /// The session's last task was the same.
    Sticky,
    /// Likeness to a rule's prototype.
    Semantic(&'p str),
    /// `router_model` chose it among the candidates.
    Candidates,
    /// The marker of a sub-agent.
    Subagent,
    /// A slot.
    Slot(Slot),
}

/// Where a request goes, before endpoints are looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice<'p> {
    /// The name that was chosen.
    pub name: &'p str,
    /// What it stands for.
    pub target: Target<'p>,
    /// How it was chosen.
    pub source: Source<'p>,
}

/// Why a step did not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed<'p> {
    /// It does not apply to the request.
    Not(&'static str),
    /// It needs the answer of this model, which was not asked.
    Unanswered(&'p str),
    /// It needs a text that was not kept; of rules, the first that does.
    Unrecorded(Option<&'p str>),
}

/// What a choice depends on and that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing<'p> {
    /// The answer of this model, which was not asked.
    Answer(&'p str),
    /// A text that was not kept; of rules, the first that needs it.
    Text(Option<&'p str>),
}

/// Chooses. None where the request names nothing known and there is no default.
pub fn choose<'p>(plan: &'p Plan, features: &RequestFeatures<'_>) -> Option<Choice<'p>> {
    let chain = Chain { plan, features };
    CHAIN.iter().find_map(|step| chain.step(*step).ok())
}

/// The model whose answer the choice depends on and that was not asked yet, and
/// the step that asks it.
pub fn needs<'p>(plan: &'p Plan, features: &RequestFeatures<'_>) -> Option<(Step, &'p str)> {
    let chain = Chain { plan, features };
    for step in CHAIN {
        match chain.step(step) {
            Ok(_) => return None,
            Err(Passed::Unanswered(model)) => return Some((step, model)),
            Err(Passed::Not(_) | Passed::Unrecorded(_)) => {}
        }
    }
    None
}

/// Whether a choice may depend on what a model says; where it cannot, none of them
/// [needs](needs) one.
pub fn asks_models(smart: &SmartRouter) -> bool {
    smart.router_model.is_some() || smart.semantic.classifier_model.is_some()
}

/// What the choice depends on and that a record of the request does not hold.
/// Without it [`choose`] goes on as if the step had nothing to say.
pub fn missing<'p>(plan: &'p Plan, features: &RequestFeatures<'_>) -> Option<Missing<'p>> {
    let chain = Chain { plan, features };
    for step in CHAIN {
        match chain.step(step) {
            Ok(_) => return None,
            Err(Passed::Unanswered(model)) => return Some(Missing::Answer(model)),
            Err(Passed::Unrecorded(rule)) => return Some(Missing::Text(rule)),
            Err(Passed::Not(_)) => {}
        }
    }
    None
}

/// What every step says, in order; the first that decides is the choice.
pub fn steps<'p>(
    plan: &'p Plan,
    features: &RequestFeatures<'_>,
) -> Vec<(Step, Result<Choice<'p>, Passed<'p>>)> {
    let chain = Chain { plan, features };
    CHAIN
        .iter()
        .map(|step| (*step, chain.step(*step)))
        .collect()
}

struct Chain<'p, 'f, 'r> {
    plan: &'p Plan,
    features: &'f RequestFeatures<'r>,
}

type Said<'p> = Result<Choice<'p>, Passed<'p>>;

fn passed<'p>(why: &'static str) -> Said<'p> {
    Err(Passed::Not(why))
}

impl<'p> Chain<'p, '_, '_> {
    fn step(&self, step: Step) -> Said<'p> {
        match step {
            Step::ExplicitModel => self.explicit(),
            Step::Rules => self.rule(),
            Step::Sticky => self.sticky(),
            Step::Semantic => self.semantic(),
            Step::Candidates => self.candidates(),
            Step::Subagent => self.subagent(),
            Step::Slot(slot) => self.slot(slot),
        }
    }

    /// What a name stands for, with the name as the plan has it.
    fn named(&self, name: &str, source: Source<'p>, otherwise: &'static str) -> Said<'p> {
        match self.plan.resolve(name) {
            Some(target) => Ok(Choice {
                name: target.name(),
                target,
                source,
            }),
            None => passed(otherwise),
        }
    }

    fn explicit(&self) -> Said<'p> {
        match self.features.model {
            Some(asked) => self.named(asked, Source::ExplicitModel, "the plan has no such model"),
            None => passed("the request names no model"),
        }
    }

    /// The smart router and what it looks at, where it is to be asked.
    fn smart(&self) -> Result<(&'p SmartRouter, Looked<'_>), Passed<'p>> {
        let Some(smart) = &self.plan.smart_router else {
            return Err(Passed::Not("the smart router is off"));
        };
        if self.features.is_tool_result {
            return Err(Passed::Not("the last message is the result of a tool"));
        }
        let text = self.features.text.filter(|text| !text.is_blank());
        let recorded = self.features.recorded.as_ref();
        match (text, recorded) {
            (None, None) => Err(Passed::Not("there is no text to look at")),
            (text, recorded) => Ok((smart, Looked { text, recorded })),
        }
    }

    fn rule(&self) -> Said<'p> {
        let (smart, looked) = self.smart()?;
        let first = match (looked.recorded.map(|recorded| recorded.rule), looked.text) {
            (Some(Found::Rule(at)), _) => Some(at),
            (Some(Found::Nothing), _) => None,
            (_, Some(text)) => text.first_rule(self.plan.rules()),
            (Some(Found::Unknown(at)), None) => {
                let rule = smart.rules.get(at);
                return Err(Passed::Unrecorded(rule.map(|rule| &*rule.name)));
            }
            (None, None) => None,
        };
        match first.and_then(|at| smart.rules.get(at)) {
            Some(rule) => self.to_rule(rule, Source::Rule(&rule.name)),
            None => passed("no rule matches"),
        }
    }

    fn to_rule(&self, rule: &'p Rule, source: Source<'p>) -> Said<'p> {
        self.named(&rule.model, source, "the rule's model is not in the plan")
    }

    /// The model that the session's last task went to, where this is the same task.
    fn sticky(&self) -> Said<'p> {
        let (smart, looked) = self.smart()?;
        if !smart.sticky.enabled {
            return passed("sessions keep nothing");
        }
        let session = &self.features.session;
        let Some(model) = session.last_model else {
            return passed("nothing is remembered of the session");
        };
        let measured = looked.recorded.and_then(|recorded| recorded.same_task);
        let likeness = match (measured, looked.text, session.last_text) {
            (Some(measured), _, _) => measured,
            (None, Some(text), Some(last)) => same_task(&text.task(), last),
            (None, _, _) if looked.recorded.is_some() => return Err(Passed::Unrecorded(None)),
            (None, _, _) => return passed("nothing is remembered of the session"),
        };
        if likeness < smart.sticky.fingerprint_similarity_threshold {
            return passed("the session's last task was another");
        }
        self.named(
            model,
            Source::Sticky,
            "the plan has the session's model no more",
        )
    }

    /// The rule whose prototype the text is most like; of equals, the first.
    fn semantic(&self) -> Said<'p> {
        let (smart, looked) = self.smart()?;
        if !smart.semantic.enabled {
            return passed("likeness is not asked for");
        }
        let able = self.plan.prototypes();
        if able.is_empty() {
            return passed("no rule has a prototype");
        }
        let able = able
            .iter()
            .filter_map(|at| Some((*at, smart.rules.get(*at)?)));
        let classifier = smart.semantic.classifier_model.as_deref();
        let classifier = classifier.filter(|_| smart.semantic.mode == SemanticMode::Classifier);
        let rule = match (classifier, self.features.answers.classified) {
            (Some(model), Classified::NotAsked) => return Err(Passed::Unanswered(model)),
            (Some(_), Classified::Rule(name, confidence)) => able
                .map(|(_, rule)| rule)
                .find(|rule| rule.name == name)
                .filter(|rule| confidence >= threshold(rule)),
            // A classifier that failed leaves it to shared words, as without one.
            (Some(_), Classified::Failed) | (None, _) => most_alike(able, looked)?,
        };
        match rule {
            Some(rule) => self.to_rule(rule, Source::Semantic(&rule.name)),
            None => passed("the text is like no rule's prototype"),
        }
    }

    fn candidates(&self) -> Said<'p> {
        let (smart, _) = self.smart()?;
        let Some(asked) = smart.router_model.as_deref() else {
            return passed("no model is asked to choose");
        };
        let answer = match self.features.answers.chosen {
            Chosen::NotAsked => return Err(Passed::Unanswered(asked)),
            Chosen::Failed => return passed("the model that chooses gave no answer"),
            Chosen::Model(answer) => answer,
        };
        let mut candidates = smart.candidates.iter();
        match candidates.find(|candidate| candidate.model == answer) {
            Some(candidate) => self.named(
                &candidate.model,
                Source::Candidates,
                "the candidate is not in the plan",
            ),
            None => passed("the answer names no candidate"),
        }
    }

    fn subagent(&self) -> Said<'p> {
        match self.features.subagent {
            Some(asked) => self.named(asked, Source::Subagent, "the plan has no such model"),
            None => passed("no sub-agent names a model"),
        }
    }

    fn slot(&self, slot: Slot) -> Said<'p> {
        let Some(name) = self.plan.router.slots.get(&slot) else {
            return passed("the slot names nothing");
        };
        let (features, router) = (self.features, &self.plan.router);
        let (applies, otherwise) = match slot {
            Slot::Default => (true, ""),
            Slot::Image if router.force_image_agent && features.image_anywhere => {
                (false, "images go to the image agent")
            }
            Slot::Image => (features.image_in_last, "the last message has no image"),
            Slot::LongContext => (self.is_long(), "the input is short enough"),
            Slot::Background => (
                features
                    .model
                    .is_some_and(|model| router.is_background(model)),
                "the model asked for is no background model",
            ),
            Slot::Think => (features.thinking, "no thinking is asked for"),
            Slot::WebSearch => (features.web_search, "no web search is asked for"),
        };
        match applies {
            true => self.named(
                name,
                Source::Slot(slot),
                "the slot's model is not in the plan",
            ),
            false => passed(otherwise),
        }
    }

    /// Tokens are counted only where the slot is there and bytes do not tell.
    fn is_long(&self) -> bool {
        let threshold = self.plan.router.long_context_threshold;
        let last = self.features.session.last_input_tokens;
        let session = last.is_some_and(|last| last > threshold);
        let exceed = |limit| self.features.tokens.exceed(Tokenizer::Cl100k, limit);
        exceed(threshold) || (session && exceed(SESSION_TOKENS))
    }
}

/// What rules look at: a text, or what was found in it, or both.
#[derive(Clone, Copy)]
struct Looked<'l> {
    text: Option<Text<'l>>,
    recorded: Option<&'l Recorded<'l>>,
}

fn most_alike<'p>(
    rules: impl Iterator<Item = (usize, &'p Rule)>,
    looked: Looked<'_>,
) -> Result<Option<&'p Rule>, Passed<'p>> {
    let text = looked.text.map(|text| Likeness::of(text.plain()));
    let mut best: Option<(&Rule, f64)> = None;
    for (at, rule) in rules {
        let Some(prototype) = &rule.prototype else {
            continue;
        };
        let measured = looked
            .recorded
            .and_then(|recorded| (recorded.likeness)(at))
            .or_else(|| text.as_ref().map(|text| text.to(&prototype.text)));
        let Some(likeness) = measured else {
            return Err(Passed::Unrecorded(Some(&rule.name)));
        };
        if likeness >= prototype.threshold && best.is_none_or(|(_, best)| likeness > best) {
            best = Some((rule, likeness));
        }
    }
    Ok(best.map(|(rule, _)| rule))
}

fn threshold(rule: &Rule) -> f64 {
    let prototype = rule.prototype.as_ref();
    prototype.map_or(f64::INFINITY, |prototype| prototype.threshold)
}
