//! Requests of Messages.

use super::super::anthropic::arguments;
use super::super::json::{Json, Object, Text};
use super::super::neutral::Seal;
use super::tools_as_text::{Said, call};
use super::{Lacks, PICTURE, Taken};

pub(super) fn adapt(body: &mut Object<'_>, lacks: Lacks, taken: &mut Taken) {
    if lacks.reasoning {
        taken.reasoning |= without_thinking(body) | without_effort(body);
        taken.reasoning |= without_blocks(body, is_thought);
    }
    if lacks.tools {
        taken.tools |= body.remove("tools").is_some();
        body.remove("tool_choice");
    }
    let messages = body.get_mut("messages").and_then(Json::items_mut);
    for message in messages.into_iter().flatten() {
        if let Some(blocks) = blocks_mut(message) {
            for one in &mut *blocks {
                block(one, lacks, taken);
            }
            if lacks.tools {
                taken.tools |= without_results(blocks);
            }
        }
    }
}

fn blocks_mut<'j, 'a>(message: &'j mut Json<'a>) -> Option<&'j mut Vec<Json<'a>>> {
    message.object_mut()?.get_mut("content")?.items_mut()
}

/// Takes blocks out of messages, and messages that have no other, which are refused; the
/// turns around such a one are taken as one. Whether there were any.
fn without_blocks(body: &mut Object<'_>, is_out: fn(&Json<'_>) -> bool) -> bool {
    let mut taken = false;
    let messages = body.get_mut("messages").and_then(Json::items_mut);
    if let Some(messages) = messages {
        messages.retain_mut(|message| {
            let Some(blocks) = blocks_mut(message) else {
                return true;
            };
            let before = blocks.len();
            blocks.retain(|block| !is_out(block));
            let had = blocks.len() < before;
            taken |= had;
            !(had && blocks.is_empty())
        });
    }
    taken
}

fn is_thought(block: &Json<'_>) -> bool {
    is_of(block, "thinking") || is_of(block, "redacted_thinking")
}

/// Whether there was any thinking of another maker. Anthropic's goes before the
/// calls it led to; where these are left alone, nothing more is thought about them.
pub(super) fn without_foreign(body: &mut Object<'_>) -> bool {
    let taken = without_blocks(body, is_foreign);
    let is_enabled = body
        .get("thinking")
        .and_then(|thinking| thinking.get("type"))
        .is_some_and(|kind| kind.is("enabled"));
    if taken && is_enabled && is_amid_calls(body) {
        without_thinking(body);
    }
    taken
}

/// Whether the conversation is in the middle of calls that were not thought about;
/// Anthropic takes no thinking from there on.
pub(super) fn is_amid_calls(body: &Object<'_>) -> bool {
    let messages = body.get("messages").map_or(&[][..], Json::items);
    let is_answer = |message: &&Json<'_>| {
        let role = message.get("role");
        role.is_some_and(|role| role.is("assistant"))
    };
    let last = messages.iter().rev().find(is_answer);
    let Some(blocks) = last.and_then(|last| last.get("content")) else {
        return false;
    };
    let blocks = blocks.items();
    !blocks.first().is_some_and(is_thought) && blocks.iter().any(|block| is_of(block, "tool_use"))
}

/// Takes thinking out, and what is to be done about earlier thinking, which is refused
/// without it. Whether there was any.
pub(super) fn without_thinking(body: &mut Object<'_>) -> bool {
    let had = body.remove("thinking").is_some();
    without_edits(body) | had
}

/// The edits that clear thinking, and what is empty without them.
fn without_edits(body: &mut Object<'_>) -> bool {
    let Some(context) = body
        .get_mut("context_management")
        .and_then(Json::object_mut)
    else {
        return false;
    };
    let Some(edits) = context.get_mut("edits").and_then(Json::items_mut) else {
        return false;
    };
    let before = edits.len();
    edits.retain(|edit| {
        let kind = edit.text_at("type").unwrap_or_default();
        !kind.plain().starts_with("clear_thinking")
    });
    let had = edits.len() < before;
    if had && edits.is_empty() {
        context.remove("edits");
        remove_empty(body, "context_management");
    }
    had
}

/// Takes the effort out, of the request and of messages that repeat it; whether there was one.
pub(super) fn without_effort(body: &mut Object<'_>) -> bool {
    let messages = body.get_mut("messages").and_then(Json::items_mut);
    let messages = messages.into_iter().flatten();
    let of_messages = messages
        .filter_map(Json::object_mut)
        .fold(false, |had, message| without_own_effort(message) | had);
    without_own_effort(body) | of_messages
}

fn without_own_effort(object: &mut Object<'_>) -> bool {
    let config = object.get_mut("output_config").and_then(Json::object_mut);
    let had = config.is_some_and(|config| config.remove("effort").is_some());
    if had {
        remove_empty(object, "output_config");
    }
    had
}

fn remove_empty(object: &mut Object<'_>, name: &str) {
    if object.get(name).is_some_and(Json::is_nothing) {
        object.remove(name);
    }
}

fn is_foreign(block: &Json<'_>) -> bool {
    block.get("type").is_some_and(|kind| kind.is("thinking"))
        && block
            .get("signature")
            .and_then(Json::text)
            .is_none_or(|signature| {
                let seal = Seal::from_signature(signature.clone());
                !matches!(seal, Some(Seal::Signature(_)))
            })
}

fn block(block: &mut Json<'_>, lacks: Lacks, taken: &mut Taken) {
    let Some(kind) = block.text_at("type") else {
        return;
    };
    let text = if lacks.images && kind.is("image") {
        taken.images = true;
        PICTURE.into()
    } else if lacks.tools && kind.is("tool_use") {
        taken.tools = true;
        let name = block.text_at("name").unwrap_or_default();
        call(name, arguments(block.get("input")))
    } else {
        pictures(block, lacks, taken);
        return;
    };
    *block = Object::of_type("text").with("text", text).into();
}

/// Turns results of tools into text, with the rest of each behind it; whether there were any.
fn without_results(blocks: &mut Vec<Json<'_>>) -> bool {
    let is_result = |block: &Json<'_>| is_of(block, "tool_result");
    if !blocks.iter().any(is_result) {
        return false;
    }
    for block in std::mem::take(blocks) {
        if !is_result(&block) {
            blocks.push(block);
            continue;
        }
        let is_error = block.get("is_error").and_then(Json::flag) == Some(true);
        let mut said = Said::of(block.get("content"));
        said.others.retain(|part| {
            // These stand in results only.
            let is_reference = is_of(part, "tool_reference");
            if is_reference {
                said.texts.push(reference(part));
            }
            !is_reference
        });
        let text = Object::of_type("text").with("text", said.result(is_error));
        blocks.push(text.into());
        blocks.append(&mut said.others);
    }
    true
}

/// A tool that was found.
fn reference<'a>(found: &Json<'a>) -> Text<'a> {
    let name = found.text_at("tool_name").unwrap_or_default();
    Text::joined(&["[tool ".into(), name, "]".into()], "")
}

/// The pictures in the result of a tool or in a document.
fn pictures(within: &mut Json<'_>, lacks: Lacks, taken: &mut Taken) {
    let is_document = is_of(within, "document");
    if !lacks.images || !(is_document || is_of(within, "tool_result")) {
        return;
    }
    let holder = match is_document {
        true => within
            .object_mut()
            .and_then(|block| block.get_mut("source")),
        false => Some(within),
    };
    let content = holder
        .and_then(Json::object_mut)
        .and_then(|holder| holder.get_mut("content"));
    for inner in content.and_then(Json::items_mut).into_iter().flatten() {
        if is_of(inner, "image") {
            taken.images = true;
            *inner = Object::of_type("text").with("text", PICTURE).into();
        } else {
            pictures(inner, lacks, taken);
        }
    }
}

fn is_of(block: &Json<'_>, kind: &str) -> bool {
    block.get("type").is_some_and(|of| of.is(kind))
}
