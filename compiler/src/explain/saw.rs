//! What a step saw, in words.

use crate::matching::Matcher;
use crate::plan::{Pattern, Plan, Rule, Slot, Tokenizer};
use crate::route::{Choice, Passed, RequestFeatures, Source, Step};

/// Characters of a keyword or an expression that are shown.
const SHOWN: usize = 60;

/// What a step saw; empty where its answer says all.
pub(super) fn saw(
    plan: &Plan,
    features: &RequestFeatures<'_>,
    step: Step,
    said: &Result<Choice<'_>, Passed<'_>>,
) -> String {
    match (step, said) {
        (Step::ExplicitModel, _) => quoted(features.model),
        (Step::Subagent, _) => quoted(features.subagent),
        (Step::Rules, Ok(choice)) => matched(plan, features, choice).unwrap_or_default(),
        (Step::Semantic, Ok(_)) => "the text is like its prototype".to_owned(),
        (Step::Sticky, _) => quoted(features.session.last_model),
        (_, Err(Passed::Unanswered(model))) => format!("`{model}` was not asked"),
        (Step::Slot(slot), _) if plan.router.slots.contains_key(&slot) => {
            slot_saw(plan, features, slot)
        }
        _ => String::new(),
    }
}

fn quoted(name: Option<&str>) -> String {
    name.map_or(String::new(), |name| format!("`{}`", short(name)))
}

fn slot_saw(plan: &Plan, features: &RequestFeatures<'_>, slot: Slot) -> String {
    match slot {
        Slot::LongContext => {
            let tokens = features.tokens.in_full(Tokenizer::Cl100k);
            let threshold = plan.router.long_context_threshold;
            let last = features.session.last_input_tokens;
            let last = last.map_or(String::new(), |last| format!(", {last} before"));
            format!("{tokens} tokens{last}; goes from {threshold} on")
        }
        Slot::Background => quoted(features.model),
        Slot::Think if features.thinking => "thinking is asked for".to_owned(),
        Slot::WebSearch if features.web_search => "a web search is offered".to_owned(),
        Slot::Image if features.image_in_last => "the last message has an image".to_owned(),
        _ => String::new(),
    }
}

/// The keyword or the expression of a rule that matches.
fn matched(plan: &Plan, features: &RequestFeatures<'_>, choice: &Choice<'_>) -> Option<String> {
    let Source::Rule(name) = choice.source else {
        return None;
    };
    let rules = &plan.smart_router.as_ref()?.rules;
    let rule = rules
        .iter()
        .find(|rule| rule.enabled && rule.name == name)?;
    let text = features.text?.plain();
    let pattern = rule
        .patterns
        .iter()
        .find(|pattern| occurs(rule, (*pattern).clone(), text))?;
    Some(match pattern {
        Pattern::Regex { pattern, .. } => format!("/{}/ matches", short(pattern)),
        Pattern::Exact {
            case_sensitive,
            keywords,
        } => {
            let alone = |keyword: &String| Pattern::Exact {
                case_sensitive: *case_sensitive,
                keywords: vec![keyword.clone()],
            };
            let mut keywords = keywords.iter();
            let keyword = keywords.find(|keyword| occurs(rule, alone(keyword), text))?;
            format!("\"{}\" occurs", short(keyword))
        }
    })
}

/// Asks the one matcher, so that it is what the decision went by.
fn occurs(rule: &Rule, pattern: Pattern, text: &str) -> bool {
    let alone = Rule {
        patterns: vec![pattern],
        ..rule.clone()
    };
    Matcher::new(&[alone]).is_ok_and(|matcher| matcher.first(text).is_some())
}

fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
