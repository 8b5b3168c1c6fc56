//! Thinking as the plan wants it of a model, whatever the client asked for: never,
//! always, or as asked, and then how much.

use ctr_compiler::plan::{Effort as PlanEffort, Thinking, ThinkingMode};

use super::super::Protocol;
use super::super::json::{Json, Object, Text};
use super::super::neutral::{Dropped, Effort};
use super::messages::{is_amid_calls, without_effort, without_thinking};

/// Least budget that Anthropic takes.
const LEAST_BUDGET: u64 = 1024;

/// Changes a request, parsed with the opaque names of its `protocol`, that goes to an
/// endpoint of the second one; what a model that thinks does not take is noted. Whether
/// anything was changed.
pub fn think(
    body: &mut Json<'_>,
    protocol: Protocol,
    endpoint: Protocol,
    thinking: &Thinking,
    dropped: &mut Dropped,
) -> bool {
    let Some(body) = body.object_mut() else {
        return false;
    };
    match (thinking.mode, protocol) {
        (Some(ThinkingMode::Off), _) => without(body, protocol),
        (mode, Protocol::Messages) => messages(body, mode, endpoint, thinking, dropped),
        (mode, Protocol::Chat) => {
            let asked = body.get("reasoning_effort").and_then(Json::text).cloned();
            let Some(effort) = effort(mode, asked.as_ref(), thinking) else {
                return false;
            };
            body.set("reasoning_effort", effort);
            true
        }
        (mode, Protocol::Responses) => {
            let asked = body.get("reasoning").and_then(|it| it.text_at("effort"));
            let Some(effort) = effort(mode, asked.as_ref(), thinking) else {
                return false;
            };
            match body.get_mut("reasoning").and_then(Json::object_mut) {
                Some(reasoning) => reasoning.set("effort", effort),
                None => body.set("reasoning", Object::new().with("effort", effort)),
            }
            true
        }
    }
}

fn without(body: &mut Object<'_>, protocol: Protocol) -> bool {
    match protocol {
        Protocol::Messages => without_thinking(body) | without_effort(body),
        Protocol::Chat => body.remove("reasoning_effort").is_some(),
        Protocol::Responses => body.remove("reasoning").is_some(),
    }
}

/// The word that is to be said; none where nothing changes.
fn effort<'a>(
    mode: Option<ThinkingMode>,
    asked: Option<&Text<'a>>,
    thinking: &Thinking,
) -> Option<Text<'a>> {
    let is_asked = asked.is_some_and(|asked| !asked.is("none"));
    if !is_asked && mode != Some(ThinkingMode::On) {
        return None;
    }
    let own = thinking.effort.map(PlanEffort::word);
    let of_budget = thinking
        .budget_tokens
        .map(|budget| Effort::of_budget(budget).word());
    let word = match (own.or(of_budget), is_asked) {
        (Some(word), _) => word,
        (None, false) => Effort::Medium.word(),
        (None, true) => return None,
    };
    Some(Text::from(word)).filter(|word| asked != Some(word))
}

fn messages(
    body: &mut Object<'_>,
    mode: Option<ThinkingMode>,
    endpoint: Protocol,
    thinking: &Thinking,
    dropped: &mut Dropped,
) -> bool {
    let kind = body.get("thinking").and_then(|it| it.text_at("type"));
    let is_asked = kind.as_ref().is_some_and(|kind| !kind.is("disabled"));
    let is_own = endpoint == Protocol::Messages;
    if !is_asked {
        let is_wanted = mode == Some(ThinkingMode::On) && !is_amid_calls(body);
        if !is_wanted || (is_own && is_set_on(body)) {
            return false;
        }
    }
    // Many models that think with a budget refuse an effort; one is said to others, and read
    // by the translation.
    let is_adaptive = mode == Some(ThinkingMode::Adaptive);
    let takes_effort =
        !is_own || is_adaptive || kind.is_some_and(|kind| kind.is("adaptive")) || has_effort(body);
    let mut changed = false;
    if let Some(effort) = thinking.effort.filter(|_| takes_effort) {
        match body.get_mut("output_config").and_then(Json::object_mut) {
            Some(config) => config.set("effort", effort.word()),
            None => body.set("output_config", Object::new().with("effort", effort.word())),
        }
        changed = true;
    }
    if is_own && is_adaptive {
        adaptively(body);
        return true;
    }
    let of_effort = thinking.effort.map(|effort| {
        let known = Effort::from_word(&Text::from(effort.word()));
        known.unwrap_or(Effort::Medium).budget()
    });
    let budget = match (thinking.budget_tokens, of_effort, is_asked) {
        (Some(budget), _, _) => budget,
        (None, Some(budget), false) => budget,
        (None, Some(budget), true) if !takes_effort => budget,
        (None, None, false) => Effort::Medium.budget(),
        (None, _, true) => return changed,
    };
    // The limit of the answer holds the thinking, too; half of it stays for the rest.
    let limit = body.get("max_tokens").and_then(Json::count);
    let budget = match limit {
        Some(limit) if limit <= budget => limit / 2,
        _ => budget,
    };
    if budget < LEAST_BUDGET {
        return changed;
    }
    let wanted = Object::of_type("enabled").with("budget_tokens", budget);
    body.set("thinking", wanted);
    if is_own && !is_asked {
        without_sampling(body, dropped);
    }
    true
}

/// Whether the client said how hard the model thinks, and so knows that it takes that.
fn has_effort(body: &Object<'_>) -> bool {
    let effort = body.get("output_config").and_then(|it| it.get("effort"));
    effort.is_some_and(|effort| !effort.is_null())
}

/// Whether a request says how the answer begins, with a tool that has to be called or in
/// words; Anthropic takes no thinking before that.
fn is_set_on(body: &Object<'_>) -> bool {
    let choice = body.get("tool_choice").and_then(|it| it.get("type"));
    let is_forced = choice.is_some_and(|kind| kind.is("any") || kind.is("tool"));
    let messages = body.get("messages").map_or(&[][..], Json::items);
    let last = messages.last().and_then(|message| message.get("role"));
    is_forced || last.is_some_and(|role| role.is("assistant"))
}

/// Takes out what a model that thinks refuses. The client did not ask for thinking, so it
/// could not know.
fn without_sampling(body: &mut Object<'_>, dropped: &mut Dropped) {
    for name in ["temperature", "top_p", "top_k"] {
        if body.get(name).is_some_and(|it| !is_taken(name, it)) {
            body.remove(name);
            dropped.note(name);
        }
    }
}

/// Whether a model that thinks takes this.
fn is_taken(name: &str, value: &Json<'_>) -> bool {
    let number = value.raw().and_then(|raw| raw.parse::<f64>().ok());
    let suits = |number: f64| match name {
        "temperature" => number == 1.0,
        "top_p" => (0.95..=1.0).contains(&number),
        _ => false,
    };
    value.is_null() || number.is_some_and(suits)
}

/// Asks for the thinking that a budget stands for without one.
fn adaptively(body: &mut Object<'_>) {
    let Some(thinking) = body.get_mut("thinking").and_then(Json::object_mut) else {
        return;
    };
    let budget = thinking.remove("budget_tokens");
    thinking.set("type", "adaptive");
    let effort = budget.as_ref().and_then(Json::count).map(Effort::of_budget);
    if let Some(effort) = effort {
        match body.get_mut("output_config").and_then(Json::object_mut) {
            Some(config) if config.get("effort").is_some_and(|said| !said.is_null()) => {}
            Some(config) => config.set("effort", effort.adaptive()),
            None => body.set(
                "output_config",
                Object::new().with("effort", effort.adaptive()),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::translate::opaque;

    fn thinks(
        mode: Option<ThinkingMode>,
        effort: Option<PlanEffort>,
        budget: Option<u64>,
    ) -> Thinking {
        Thinking {
            budget_tokens: budget,
            effort,
            mode,
        }
    }

    /// The request as it goes on; none where nothing was changed.
    fn told(protocol: Protocol, thinking: &Thinking, body: &str) -> Option<String> {
        let mut json = Json::parse(body, opaque(protocol)).expect("JSON");
        let mut dropped = Dropped::default();
        let changed = think(&mut json, protocol, protocol, thinking, &mut dropped);
        assert!(dropped.is_empty());
        changed.then(|| json.to_string())
    }

    #[test]
    fn off_is_never() {
        let off = thinks(Some(ThinkingMode::Off), None, None);
        for (protocol, body, wanted) in [
            (
                Protocol::Messages,
                r#"{"thinking":{"type":"enabled"},"x":1,"output_config":{"effort":"low"}}"#,
                r#"{"x":1}"#,
            ),
            (
                Protocol::Messages,
                r#"{"thinking":{"type":"enabled"},"output_config":{"effort":"low","format":1},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"},{"type":"clear_tool_uses_20250919"}]}}"#,
                r#"{"output_config":{"format":1},"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}}"#,
            ),
            (
                Protocol::Messages,
                r#"{"thinking":{"type":"adaptive"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},"x":1}"#,
                r#"{"x":1}"#,
            ),
            (
                Protocol::Messages,
                r#"{"output_config":{"effort":"low"},"messages":[{"role":"user","content":"t","output_config":{"effort":"low"}}]}"#,
                r#"{"messages":[{"role":"user","content":"t"}]}"#,
            ),
            (
                Protocol::Messages,
                r#"{"thinking":{"type":"adaptive"},"context_management":{"edits":[]},"output_config":{}}"#,
                r#"{"context_management":{"edits":[]},"output_config":{}}"#,
            ),
            (
                Protocol::Chat,
                r#"{"reasoning_effort":"high","x":1}"#,
                r#"{"x":1}"#,
            ),
            (
                Protocol::Responses,
                r#"{"reasoning":{"effort":"low"},"x":1}"#,
                r#"{"x":1}"#,
            ),
        ] {
            assert_eq!(told(protocol, &off, body).as_deref(), Some(wanted));
            assert_eq!(told(protocol, &off, wanted), None);
        }
    }

    #[test]
    fn on_is_always() {
        let on = thinks(Some(ThinkingMode::On), None, None);
        let high = thinks(Some(ThinkingMode::On), Some(PlanEffort::High), None);
        for (protocol, thinking, body, wanted) in [
            (
                Protocol::Messages,
                &on,
                r#"{"x":1}"#,
                r#"{"x":1,"thinking":{"type":"enabled","budget_tokens":8192}}"#,
            ),
            (
                Protocol::Messages,
                &on,
                r#"{"max_tokens":4000}"#,
                r#"{"max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000}}"#,
            ),
            (
                Protocol::Messages,
                &high,
                "{}",
                r#"{"thinking":{"type":"enabled","budget_tokens":16384}}"#,
            ),
            (
                Protocol::Messages,
                &high,
                r#"{"thinking":{"type":"enabled","budget_tokens":2000}}"#,
                r#"{"thinking":{"type":"enabled","budget_tokens":16384}}"#,
            ),
            (
                Protocol::Messages,
                &high,
                r#"{"thinking":{"type":"adaptive"}}"#,
                r#"{"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}}"#,
            ),
            (
                Protocol::Messages,
                &high,
                r#"{"output_config":{"effort":"low"},"thinking":{"type":"enabled","budget_tokens":2000}}"#,
                r#"{"output_config":{"effort":"high"},"thinking":{"type":"enabled","budget_tokens":2000}}"#,
            ),
            (
                Protocol::Chat,
                &on,
                "{}",
                r#"{"reasoning_effort":"medium"}"#,
            ),
            (
                Protocol::Chat,
                &high,
                r#"{"reasoning_effort":"none"}"#,
                r#"{"reasoning_effort":"high"}"#,
            ),
            (
                Protocol::Responses,
                &high,
                r#"{"reasoning":{"summary":"auto"}}"#,
                r#"{"reasoning":{"summary":"auto","effort":"high"}}"#,
            ),
        ] {
            assert_eq!(told(protocol, thinking, body).as_deref(), Some(wanted));
        }
        assert_eq!(
            told(Protocol::Messages, &on, r#"{"max_tokens":1000}"#),
            None
        );
        let amid = r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{}}]},{"role":"user","content":[{"type":"tool_result"}]}]}"#;
        assert_eq!(told(Protocol::Messages, &on, amid), None);
        let thought = amid.replace(
            r#"[{"type":"tool_use"#,
            r#"[{"type":"thinking"},{"type":"tool_use"#,
        );
        assert!(told(Protocol::Messages, &on, &thought).is_some());
    }

    #[test]
    fn nothing_is_thought_before_a_forced_tool_or_a_begun_answer() {
        let high = thinks(Some(ThinkingMode::On), Some(PlanEffort::High), None);
        for body in [
            r#"{"tool_choice":{"type":"any"}}"#,
            r#"{"tool_choice":{"type":"tool","name":"a"}}"#,
            r#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"{"}]}"#,
        ] {
            assert_eq!(told(Protocol::Messages, &high, body), None);
            let mut json = Json::parse(body, &[]).expect("JSON");
            let dropped = &mut Dropped::default();
            assert!(think(
                &mut json,
                Protocol::Messages,
                Protocol::Chat,
                &high,
                dropped
            ));
        }
        assert!(
            told(
                Protocol::Messages,
                &high,
                r#"{"tool_choice":{"type":"auto"}}"#
            )
            .is_some()
        );
    }

    #[test]
    fn a_model_made_to_think_is_not_told_what_it_refuses_then() {
        let on = thinks(Some(ThinkingMode::On), None, Some(2000));
        let enabled = r#""thinking":{"type":"enabled","budget_tokens":2000}"#;
        for (endpoint, sampling, left, names) in [
            (
                Protocol::Messages,
                r#""temperature":0.2,"top_p":0.3,"top_k":5"#,
                "",
                "temperature, top_p, top_k",
            ),
            (
                Protocol::Messages,
                r#""temperature":1.0,"top_p":0.95,"top_k":null"#,
                r#""temperature":1.0,"top_p":0.95,"top_k":null"#,
                "",
            ),
            (
                Protocol::Chat,
                r#""temperature":0.2"#,
                r#""temperature":0.2"#,
                "",
            ),
        ] {
            let body = format!("{{{sampling}}}");
            let mut json = Json::parse(&body, &[]).expect("JSON");
            let mut dropped = Dropped::default();
            assert!(think(
                &mut json,
                Protocol::Messages,
                endpoint,
                &on,
                &mut dropped
            ));
            let comma = if left.is_empty() { "" } else { "," };
            assert_eq!(json.to_string(), format!("{{{left}{comma}{enabled}}}"));
            assert_eq!(dropped.words(), names);
        }
        // What the client asks for together is its own.
        let asked = r#"{"temperature":0.2,"tool_choice":{"type":"any"},"thinking":{"type":"enabled","budget_tokens":3000}}"#;
        let still = told(Protocol::Messages, &on, asked).expect("another budget");
        assert_eq!(still, asked.replace("3000", "2000"));
    }

    #[test]
    fn auto_is_as_asked_and_then_as_much_as_the_plan_says() {
        let auto = thinks(Some(ThinkingMode::Auto), None, Some(3000));
        assert_eq!(told(Protocol::Messages, &auto, "{}"), None);
        assert_eq!(told(Protocol::Chat, &auto, "{}"), None);
        assert_eq!(
            told(
                Protocol::Messages,
                &auto,
                r#"{"thinking":{"type":"enabled","budget_tokens":9000}}"#
            )
            .as_deref(),
            Some(r#"{"thinking":{"type":"enabled","budget_tokens":3000}}"#)
        );
        assert_eq!(
            told(Protocol::Chat, &auto, r#"{"reasoning_effort":"low"}"#).as_deref(),
            Some(r#"{"reasoning_effort":"medium"}"#)
        );
        let plain = thinks(None, None, None);
        assert_eq!(
            told(
                Protocol::Messages,
                &plain,
                r#"{"thinking":{"type":"enabled"}}"#
            ),
            None
        );
        assert_eq!(
            told(Protocol::Chat, &plain, r#"{"reasoning_effort":"low"}"#),
            None
        );
    }

    #[test]
    fn adaptive_thinking_stays_unless_the_plan_has_a_budget() {
        let asked = r#"{"thinking":{"type":"adaptive","display":"omitted"}}"#;
        for mode in [None, Some(ThinkingMode::Auto), Some(ThinkingMode::On)] {
            let plain = thinks(mode, None, None);
            assert_eq!(told(Protocol::Messages, &plain, asked), None, "{mode:?}");
            let budget = thinks(mode, None, Some(4096));
            assert_eq!(
                told(Protocol::Messages, &budget, asked).as_deref(),
                Some(r#"{"thinking":{"type":"enabled","budget_tokens":4096}}"#),
                "{mode:?}"
            );
            let low = thinks(mode, Some(PlanEffort::Low), None);
            assert_eq!(
                told(Protocol::Messages, &low, asked).as_deref(),
                Some(
                    r#"{"thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"low"}}"#
                ),
                "{mode:?}"
            );
            let mut elsewhere = Json::parse(asked, &[]).expect("JSON");
            assert!(think(
                &mut elsewhere,
                Protocol::Messages,
                Protocol::Chat,
                &budget,
                &mut Dropped::default()
            ));
            assert_eq!(
                elsewhere.to_string(),
                r#"{"thinking":{"type":"enabled","budget_tokens":4096}}"#
            );
        }
    }
}
