//! What a model that takes a conversation over is told of it, before the client's
//! own system prompt.

use super::super::Protocol;
use super::super::json::{Json, Object, Text};

/// Puts a text before the system prompt of a request, parsed with the opaque names
/// of its protocol.
pub fn prepend(body: &mut Json<'_>, protocol: Protocol, text: &str) {
    let Some(body) = body.object_mut() else {
        return;
    };
    let told = || Text::from_string(text.to_owned());
    match protocol {
        Protocol::Messages => match body.get_mut("system") {
            Some(Json::List(blocks)) => {
                blocks.insert(0, Object::of_type("text").with("text", told()).into());
            }
            Some(Json::Text(system)) => *system = before(told(), system),
            _ => body.set("system", told()),
        },
        Protocol::Chat => {
            let message = Object::new().with("role", "system").with("content", told());
            if let Some(messages) = body.get_mut("messages").and_then(Json::items_mut) {
                messages.insert(0, message.into());
            }
        }
        Protocol::Responses => match body.get_mut("instructions") {
            Some(Json::Text(instructions)) => *instructions = before(told(), instructions),
            _ => body.set("instructions", told()),
        },
    }
}

fn before<'a>(told: Text<'a>, system: &Text<'a>) -> Text<'a> {
    Text::joined(&[told, system.clone()], "\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::translate::opaque;

    #[test]
    fn it_stands_before_the_system_prompt() {
        for (protocol, body, wanted) in [
            (
                Protocol::Messages,
                r#"{"messages":[]}"#,
                r#"{"messages":[],"system":"so far"}"#,
            ),
            (
                Protocol::Messages,
                r#"{"system":"be kind"}"#,
                r#"{"system":"so far\n\nbe kind"}"#,
            ),
            (
                Protocol::Messages,
                r#"{"system":[{"type":"text","text":"be kind"}]}"#,
                r#"{"system":[{"type":"text","text":"so far"},{"type":"text","text":"be kind"}]}"#,
            ),
            (
                Protocol::Chat,
                r#"{"messages":[{"role":"user"}]}"#,
                r#"{"messages":[{"role":"system","content":"so far"},{"role":"user"}]}"#,
            ),
            (
                Protocol::Responses,
                r#"{"instructions":"be kind"}"#,
                r#"{"instructions":"so far\n\nbe kind"}"#,
            ),
            (
                Protocol::Responses,
                r#"{"input":"x"}"#,
                r#"{"input":"x","instructions":"so far"}"#,
            ),
        ] {
            let mut json = Json::parse(body, opaque(protocol)).expect("JSON");
            prepend(&mut json, protocol, "so far");
            assert_eq!(json.to_string(), wanted);
        }
    }
}
