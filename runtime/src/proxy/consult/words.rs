//! What models are asked, and how their answers are read.

use std::fmt::Write;

use ctr_compiler::plan::SmartRouter;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Characters of a task that stand for it (claude-trigger-router 1.7.0).
const SUMMARY: usize = 240;
/// Rules that a choosing model is told of (claude-trigger-router 1.7.0).
const TOP_RULES: usize = 3;
/// Characters of a text that a model is asked about; the beginning says the most.
const TEXT: usize = 8_000;

/// Asks which rule a text is like.
pub(super) fn classify(smart: &SmartRouter, text: &str) -> String {
    let mut prompt = String::from(
        "Classify the request below. Answer with JSON only: \
         {\"intent\": \"<one of the intents, or none>\", \"confidence\": <0 to 1>, \"evidence\": [\"<words of the request>\"]}\n\nIntents:\n",
    );
    for rule in smart.rules.iter().filter(|rule| rule.enabled) {
        if let Some(prototype) = &rule.prototype {
            let _ = writeln!(prompt, "- {}: {}", rule.name, prototype.text);
        }
    }
    request(&mut prompt, text);
    prompt
}

/// Asks which candidate is to answer.
pub(super) fn choose(smart: &SmartRouter, text: &str) -> String {
    let mut prompt = String::from(
        "Choose the model that should answer the request below. Answer with JSON only: \
         {\"model\": \"<one of the models, exactly as written>\", \"confidence\": <0 to 1>, \"reasoning\": \"<one sentence>\"}\n\nModels:\n",
    );
    for candidate in &smart.candidates {
        let _ = writeln!(prompt, "- {}: {}", candidate.model, candidate.description);
    }
    if smart.router_hint.include_top_route_candidates {
        let described = smart
            .rules
            .iter()
            .filter(|rule| rule.enabled)
            .filter_map(|rule| Some((rule, rule.description.as_ref()?)));
        for (at, (rule, description)) in described.take(TOP_RULES).enumerate() {
            let head = if at == 0 {
                "\nRules that may apply:\n"
            } else {
                ""
            };
            let _ = writeln!(
                prompt,
                "{head}- {} → {}: {description}",
                rule.name, rule.model
            );
        }
    }
    if smart.router_hint.include_task_summary {
        let summary: String = text.chars().take(SUMMARY).collect();
        let _ = write!(
            prompt,
            "\nThe task begins: {}\n",
            summary.replace('\n', " ")
        );
    }
    request(&mut prompt, text);
    prompt
}

/// Asks for a summary of a conversation.
pub(super) fn summarize(conversation: &str) -> String {
    format!(
        "Another model takes over the conversation below. Sum up in a few sentences what it must know: \
         the goal, what was decided, and what is open. Answer with the summary only.\n\n<conversation>\n{conversation}\n</conversation>\n"
    )
}

/// A summary as the model is told it.
pub(super) fn context(from: &str, to: &str, summary: &str) -> String {
    let summary = summary.trim();
    format!(
        "<CTR-CONTEXT-ALIGNMENT from=\"{from}\" to=\"{to}\">\n{summary}\n</CTR-CONTEXT-ALIGNMENT>"
    )
}

fn request(prompt: &mut String, text: &str) {
    let text: String = text.chars().take(TEXT).collect();
    let _ = write!(prompt, "\n<request>\n{text}\n</request>\n");
}

/// The text of an answer in Anthropic's protocol.
pub(in crate::proxy) fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Message {
        content: Vec<Block>,
    }
    #[derive(Deserialize)]
    struct Block {
        #[serde(default)]
        text: String,
    }
    let message: Message = serde_json::from_slice(body).ok()?;
    Some(
        message
            .content
            .into_iter()
            .map(|block| block.text)
            .collect(),
    )
}

/// The rule that a classifier names, and how sure it is.
pub(super) fn classified(said: &str) -> Option<(String, f64)> {
    #[derive(Deserialize)]
    struct Answer {
        intent: String,
        confidence: f64,
    }
    let answer: Answer = json(said)?;
    let is_share = (0.0..=1.0).contains(&answer.confidence);
    is_share.then_some((answer.intent, answer.confidence))
}

/// What a choosing model chose.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(in crate::proxy) struct Choice {
    /// The candidate's name.
    pub(super) model: String,
    /// How sure it is, from 0 to 1, where it says so.
    #[serde(rename = "confidence", default, deserialize_with = "share")]
    pub(super) sure: Option<f64>,
}

/// The choice that a choosing model names.
pub(super) fn chosen(said: &str) -> Option<Choice> {
    json(said)
}

/// A number from 0 to 1; none of anything else.
fn share<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let number = value.as_f64();
    Ok(number.filter(|number| (0.0..=1.0).contains(number)))
}

/// The JSON object in what a model said, which may have prose or a fence around it.
fn json<T: DeserializeOwned>(said: &str) -> Option<T> {
    let start = said.find('{')?;
    let end = said.rfind('}')?;
    serde_json::from_str(said.get(start..=end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_in_prose() {
        let choice = |model: &str, sure| {
            let model = model.to_owned();
            Some(Choice { model, sure })
        };
        assert_eq!(chosen("{\"model\": \"deep\"}"), choice("deep", None));
        let fenced = "Sure!\n```json\n{\"model\":\"a\",\"confidence\":1}\n```";
        assert_eq!(chosen(fenced), choice("a", Some(1.0)));
        for odd in ["7", "\"high\"", "null"] {
            let odd = format!("{{\"model\":\"a\",\"confidence\":{odd}}}");
            assert_eq!(chosen(&odd), choice("a", None), "{odd}");
        }
        for nonsense in ["", "deep", "}{", "{\"model\": 1}", "{\"modell\": \"deep\"}"] {
            assert_eq!(chosen(nonsense), None, "{nonsense}");
        }
        let sure = "{\"intent\":\"design\",\"confidence\":0.5,\"evidence\":[]}";
        assert_eq!(classified(sure), Some(("design".to_owned(), 0.5)));
        assert_eq!(classified(&sure.replace("0.5", "1.5")), None);
    }

    #[test]
    fn an_answer_is_the_text_of_its_blocks() {
        let body =
            br#"{"content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"{}"}]}"#;
        assert_eq!(said(body).as_deref(), Some("{}"));
        assert_eq!(said(b"{}"), None);
    }
}
