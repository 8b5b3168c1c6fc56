//! A turn of the conversation that the client does not see: what the model said,
//! and what its calls gave.

use super::super::forms::Forms;
use super::super::json::{Json, Object, Text};
use super::super::neutral::{Answer, Dropped, ToolResult};
use super::super::responses::Echo;
use super::super::translate::opaque;
use super::super::{Protocol, anthropic, chat, responses};
use crate::protocol::neutral::Part;

/// The request with one more turn; none where it is no request.
pub fn add_turn(
    body: &str,
    protocol: Protocol,
    answer: Answer<'_>,
    results: Vec<ToolResult<'_>>,
) -> Option<String> {
    let mut json = Json::parse(body, opaque(protocol)).ok()?;
    let object = json.object_mut()?;
    let mut unsaid = Dropped::default();
    let said = match protocol {
        Protocol::Messages => anthropic::write_answer(answer, true, &mut unsaid),
        Protocol::Chat => chat::write_answer(answer, 0, &Forms::default()),
        Protocol::Responses => responses::write_answer(answer, &Echo::default()),
    };
    let said = Json::parse(&said, opaque(protocol)).ok()?;
    let results = results.into_iter().map(|one| result(one, protocol).into());
    let turn: Vec<Json<'_>> = match protocol {
        Protocol::Messages => {
            let content = said.get("content")?.clone();
            let given = results.collect::<Vec<Json<'_>>>();
            vec![
                message("assistant", content),
                message("user", Json::from(given)),
            ]
        }
        Protocol::Chat => {
            let mut message = said
                .get("choices")?
                .items()
                .first()?
                .get("message")?
                .clone();
            let members = message.object_mut()?;
            members.remove("annotations");
            members.remove("refusal");
            std::iter::once(message).chain(results).collect()
        }
        Protocol::Responses => {
            let is_known = |item: &&Json<'_>| {
                // What is neither kept there nor sealed here is known to nobody.
                let is_thought = item.get("type").is_some_and(|kind| kind.is("reasoning"));
                !is_thought || item.get("encrypted_content").is_some()
            };
            let items = said.get("output")?.items();
            items
                .iter()
                .filter(is_known)
                .cloned()
                .chain(results)
                .collect()
        }
    };
    let list = match protocol {
        Protocol::Responses => "input",
        Protocol::Messages | Protocol::Chat => "messages",
    };
    object.get_mut(list)?.items_mut()?.extend(turn);
    Some(json.written())
}

fn message<'a>(role: &'static str, content: impl Into<Json<'a>>) -> Json<'a> {
    Object::new()
        .with("role", role)
        .with("content", content)
        .into()
}

/// What a call gave; it is text.
fn result<'a>(result: ToolResult<'a>, protocol: Protocol) -> Object<'a> {
    let texts = result.parts.into_iter().filter_map(|part| match part {
        Part::Text(text, _) => Some(text),
        _ => None,
    });
    let mut text = Text::joined(&texts.collect::<Vec<_>>(), "\n\n");
    if result.is_error && protocol != Protocol::Messages {
        // There is no field for it.
        text = Text::joined(&["Error: ".into(), text], "");
    }
    match protocol {
        Protocol::Messages => Object::of_type("tool_result")
            .with("tool_use_id", result.id)
            .with("content", text)
            .with_some("is_error", result.is_error.then_some(true)),
        Protocol::Chat => Object::new()
            .with("role", "tool")
            .with("tool_call_id", result.id)
            .with("content", text),
        Protocol::Responses => Object::of_type("function_call_output")
            .with("call_id", result.id)
            .with("output", text),
    }
}
