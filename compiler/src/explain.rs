//! Why a request goes where it goes: what each step of the chain saw and said,
//! what would have decided in place of the one that did, and what became of the
//! endpoints behind it.
//!
//! The steps and the decision are those of [`route`](crate::route); nothing is
//! decided here. The text of a request is looked at and never repeated: what is
//! told of it is the keyword or the expression of the registration that occurs.

mod given;
mod saw;

use crate::plan::{Interface, Plan, Provenance, Source as Origin, Target, Tokenizer};
use crate::route::{
    Choice, Decision, NoRoute, Passed, PoolSnapshot, RequestFeatures, Source, Step, needs, reasons,
    route, steps,
};
use crate::source::Span;

pub(crate) use given::endpoint_ids;
pub use given::{Given, Remembered, Said, Standings};

/// Where a request goes, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation<'p> {
    /// What was looked at.
    pub asked: Asked,
    /// All steps in the order in which they are asked.
    pub steps: Vec<Explained<'p>>,
    /// The step that decides, by position.
    pub decides: Option<usize>,
    /// What would decide if that one did not.
    pub next: Option<Next<'p>>,
    /// The model whose answer the choice waits for, which nobody asked here, and
    /// the step that asks it.
    pub needs: Option<(Step, &'p str)>,
    /// The decision.
    pub outcome: Result<Decision<'p>, NoRoute>,
    /// What a trace says of it.
    pub reasons: Vec<String>,
    /// When it was decided, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// What a request asks for, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `model`
    pub model: Option<String>,
    /// Input tokens by `cl100k`.
    pub tokens: u64,
    /// Characters of the text that rules look at.
    pub text: Option<usize>,
    /// What else the chain looks at, in words.
    pub marks: Vec<&'static str>,
    /// The only interface that will do.
    pub interface: Option<Interface>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained<'p> {
    /// The step.
    pub step: Step,
    /// What it says.
    pub said: Result<Choice<'p>, Passed<'p>>,
    /// What it saw, in words; empty where its answer says all.
    pub saw: String,
    /// The line of the registration behind it.
    pub span: Option<Span>,
}

/// What would decide if the step that does had not.
#[derive(Clone, Debug, PartialEq)]
pub struct Next<'p> {
    /// The step.
    pub step: Step,
    /// What it would choose.
    pub choice: Choice<'p>,
    /// The line behind it.
    pub span: Option<Span>,
}

/// Explains. The same plan, features and snapshot always give the same answer.
pub fn explain<'p>(
    plan: &'p Plan,
    provenance: &Provenance,
    features: &RequestFeatures<'_>,
    snapshot: &PoolSnapshot<'_>,
    now_ms: u64,
) -> Explanation<'p> {
    let looking = Looking {
        plan,
        provenance,
        features,
    };
    let steps: Vec<Explained<'p>> = steps(plan, features)
        .into_iter()
        .map(|(step, said)| Explained {
            step,
            said,
            saw: saw::saw(plan, features, step, &said),
            span: looking.line(step, &said),
        })
        .collect();
    let decides = steps.iter().position(|step| step.said.is_ok());
    let next = decides.and_then(|at| looking.next(&steps, at));
    let outcome = route(plan, features, snapshot);
    let reasons = reasons(plan, features, outcome.as_ref());
    Explanation {
        asked: asked(features),
        decides,
        next,
        needs: needs(plan, features),
        outcome,
        reasons,
        steps,
        now_ms,
    }
}

fn asked(features: &RequestFeatures<'_>) -> Asked {
    let marks = [
        (features.thinking, "thinking"),
        (features.web_search, "a web search"),
        (features.image_in_last, "an image"),
        (
            features.image_anywhere && !features.image_in_last,
            "an image before the last message",
        ),
        (features.is_tool_result, "a tool's result"),
        (features.subagent.is_some(), "a sub-agent's model"),
    ];
    Asked {
        model: features.model.map(str::to_owned),
        tokens: features.tokens.in_full(Tokenizer::Cl100k),
        text: features.text.map(|text| text.plain().chars().count()),
        marks: marks
            .into_iter()
            .filter_map(|(is, what)| is.then_some(what))
            .collect(),
        interface: features.interface,
    }
}

struct Looking<'p, 'l, 'r> {
    plan: &'p Plan,
    provenance: &'l Provenance,
    features: &'l RequestFeatures<'r>,
}

impl<'p> Looking<'p, '_, '_> {
    /// The line behind what a step says: of the rule, the slot, the candidate, or
    /// the model; for a step that passed, of what it is set up by.
    fn line(&self, step: Step, said: &Result<Choice<'p>, Passed<'p>>) -> Option<Span> {
        let model = said.ok().map(|choice| choice.target);
        let of_model = || model.and_then(|target| model_line(self.provenance, target));
        match (step, said) {
            (_, Ok(choice)) if choice.rule().is_some() => {
                rule_line(self.plan, self.provenance, choice.rule()?)
            }
            (Step::Slot(slot), _) => self.provenance.slots.get(&slot).copied(),
            (Step::ExplicitModel | Step::Subagent, Ok(_)) => of_model(),
            (Step::Candidates, Ok(choice)) => candidate_line(self.plan, self.provenance, choice),
            (Step::Candidates, Err(_)) => traced(self.provenance, "smart_router.router_model"),
            (Step::Sticky, _) => traced(self.provenance, "smart_router.sticky.enabled"),
            (Step::Semantic, Err(Passed::Unanswered(_))) => {
                traced(self.provenance, "smart_router.semantic.classifier_model")
            }
            _ => None,
        }
    }

    /// Another rule that matches, or the next step that would decide and does not
    /// stand for the same rule.
    fn next(&self, steps: &[Explained<'p>], decides: usize) -> Option<Next<'p>> {
        let winner = steps.get(decides)?.said.ok()?;
        if let Source::Rule(_) = winner.source
            && let Some(next) = self.next_rule()
        {
            return Some(next);
        }
        let mut after = steps.iter().skip(decides + 1);
        after.find_map(|step| {
            let choice = step.said.ok()?;
            let is_same = winner.rule().is_some() && winner.rule() == choice.rule();
            (!is_same).then_some(Next {
                step: step.step,
                choice,
                span: step.span,
            })
        })
    }

    fn next_rule(&self) -> Option<Next<'p>> {
        let rules = &self.plan.smart_router.as_ref()?.rules;
        let all = self.plan.rules().all(self.features.text?.plain());
        let rule = rules.get(*all.iter().nth(1)?)?;
        let target = self.plan.resolve(&rule.model)?;
        Some(Next {
            step: Step::Rules,
            choice: Choice {
                name: target.name(),
                target,
                source: Source::Rule(&rule.name),
            },
            span: rule_line(self.plan, self.provenance, &rule.name),
        })
    }
}

impl<'p> Choice<'p> {
    /// The rule behind it.
    fn rule(&self) -> Option<&'p str> {
        match self.source {
            Source::Rule(name) | Source::Semantic(name) => Some(name),
            _ => None,
        }
    }
}

/// Where a value of the smart router was written.
pub(crate) fn traced(provenance: &Provenance, path: &str) -> Option<Span> {
    let found = provenance.traced.iter().find(|traced| traced.path == path);
    match found?.source {
        Origin::Written(span) => Some(span),
        Origin::Filled(..) => None,
    }
}

/// Where the first rule of a name was written.
pub(crate) fn rule_line(plan: &Plan, provenance: &Provenance, name: &str) -> Option<Span> {
    let rules = &plan.smart_router.as_ref()?.rules;
    let at = rules.iter().position(|rule| rule.name == name)?;
    traced(provenance, &format!("smart_router.rules[{at}]"))
}

fn candidate_line(plan: &Plan, provenance: &Provenance, choice: &Choice<'_>) -> Option<Span> {
    let candidates = &plan.smart_router.as_ref()?.candidates;
    let named = |name: &str| plan.resolve(name).map(|target| target.name());
    let at = candidates
        .iter()
        .position(|candidate| named(&candidate.model) == Some(choice.name))?;
    traced(provenance, &format!("smart_router.candidates[{at}].model"))
}

/// Where what a name stands for was written; of a pool, its first endpoint.
pub(crate) fn model_line(provenance: &Provenance, target: Target<'_>) -> Option<Span> {
    match target {
        Target::Model(id, _) => Some(provenance.models.get(id)?.span),
        Target::Pool(id, _) => Some(provenance.pools.get(id)?.first()?.span),
        Target::Endpoint(endpoint) => Some(provenance.models.get(&endpoint.id)?.span),
    }
}

/// Where a member of a pool was written.
pub(crate) fn member_line(
    plan: &Plan,
    provenance: &Provenance,
    pool: &str,
    endpoint: &str,
) -> Option<Span> {
    let members = &plan.pools.get(pool)?.endpoints;
    let at = members.iter().position(|member| member.id == endpoint)?;
    Some(provenance.pools.get(pool)?.get(at)?.span)
}
