//! Requests of Chat Completions.

use super::super::json::{Json, Object, Text};
use super::{Lacks, PICTURE, Taken, call, result, texts};

pub(super) fn adapt(body: &mut Object<'_>, lacks: Lacks, taken: &mut Taken) {
    if lacks.reasoning {
        taken.reasoning |= body.remove("reasoning_effort").is_some();
    }
    if lacks.tools {
        taken.tools |= body.remove("tools").is_some();
        body.remove("tool_choice");
        body.remove("parallel_tool_calls");
    }
    let messages = body.get_mut("messages").and_then(Json::items_mut);
    for one in messages.into_iter().flatten() {
        if let Some(one) = one.object_mut() {
            message(one, lacks, taken);
        }
    }
}

fn message<'a>(message: &mut Object<'a>, lacks: Lacks, taken: &mut Taken) {
    if lacks.reasoning {
        taken.reasoning |= message.remove("reasoning_content").is_some();
    }
    if lacks.images
        && let Some(parts) = message.get_mut("content").and_then(Json::items_mut)
    {
        for part in parts {
            if part.get("type").is_some_and(|kind| kind.is("image_url")) {
                taken.images = true;
                *part = Object::of_type("text").with("text", PICTURE).into();
            }
        }
    }
    if !lacks.tools {
        return;
    }
    if message.get("role").is_some_and(|role| role.is("tool")) {
        taken.tools = true;
        let text = result(&texts(message.get("content")));
        *message = Object::new().with("role", "user").with("content", text);
    } else if let Some(calls) = message.remove("tool_calls") {
        taken.tools = true;
        let mut said: Vec<Text<'a>> = texts(message.get("content"));
        for one in calls.items() {
            let function = one.get("function").unwrap_or(&Json::NULL);
            let text_at = |name| function.text_at(name).unwrap_or_default();
            said.push(call(text_at("name"), text_at("arguments")));
        }
        message.set("content", Text::joined(&said, "\n"));
    }
}
