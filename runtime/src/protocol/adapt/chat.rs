//! Requests of Chat Completions.

use super::super::json::{Json, Object, Text};
use super::tools_as_text::{Said, arguments, call, content};
use super::{Lacks, PICTURE, Taken};

pub(super) fn adapt(body: &mut Object<'_>, lacks: Lacks, taken: &mut Taken) {
    if lacks.reasoning {
        taken.reasoning |= body.remove("reasoning_effort").is_some();
    }
    if lacks.tools {
        for name in ["tools", "functions"] {
            taken.tools |= body.remove(name).is_some();
        }
        for name in ["tool_choice", "function_call", "parallel_tool_calls"] {
            body.remove(name);
        }
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
    if lacks.tools {
        taken.tools |= without_tools(message);
    }
}

/// Turns calls and results into text; whether there were any.
fn without_tools(message: &mut Object<'_>) -> bool {
    let is_result = message
        .get("role")
        .is_some_and(|role| role.is("tool") || role.is("function"));
    if is_result {
        let said = Said::of(message.get("content"));
        let content = content("text", said.result(false), said.others);
        *message = Object::new().with("role", "user").with("content", content);
        return true;
    }
    let calls = message.remove("tool_calls").unwrap_or(Json::NULL);
    let mut calls: Vec<Text<'_>> = calls.items().iter().map(made).collect();
    let old = message.remove("function_call");
    calls.extend(old.filter(|old| !old.is_null()).as_ref().map(function));
    if calls.is_empty() {
        return false;
    }
    let mut said = Said::of(message.get("content"));
    said.texts.append(&mut calls);
    let text = Text::joined(&said.texts, "\n");
    message.set("content", content("text", text, said.others));
    true
}

/// A call as text, of whatever kind it is.
fn made<'a>(made: &Json<'a>) -> Text<'a> {
    let kind = made.text_at("type").unwrap_or_default();
    match (made.get("function"), made.get("custom")) {
        (Some(of), _) => function(of),
        (_, Some(custom)) => {
            let name = custom.text_at("name").unwrap_or_default();
            call(name, arguments(custom.get("input")))
        }
        _ => call(kind, arguments(Some(made))),
    }
}

fn function<'a>(function: &Json<'a>) -> Text<'a> {
    let name = function.text_at("name").unwrap_or_default();
    call(name, arguments(function.get("arguments")))
}
