//! Requests of Messages.

use super::super::anthropic::arguments;
use super::super::json::{Json, Object};
use super::{Lacks, PICTURE, Taken, call, result, texts};

pub(super) fn adapt(body: &mut Object<'_>, lacks: Lacks, taken: &mut Taken) {
    if lacks.reasoning {
        taken.reasoning |= body.remove("thinking").is_some();
        let config = body.get_mut("output_config").and_then(Json::object_mut);
        taken.reasoning |= config.is_some_and(|config| config.remove("effort").is_some());
    }
    if lacks.tools {
        taken.tools |= body.remove("tools").is_some();
        body.remove("tool_choice");
    }
    let messages = body.get_mut("messages").and_then(Json::items_mut);
    for message in messages.into_iter().flatten() {
        let content = message
            .object_mut()
            .and_then(|message| message.get_mut("content"));
        if let Some(blocks) = content.and_then(Json::items_mut) {
            blocks.retain(|block| {
                let is_thought = lacks.reasoning
                    && block
                        .get("type")
                        .is_some_and(|kind| kind.is("thinking") || kind.is("redacted_thinking"));
                taken.reasoning |= is_thought;
                !is_thought
            });
            for one in blocks {
                block(one, lacks, taken);
            }
        }
    }
}

fn block(block: &mut Json<'_>, lacks: Lacks, taken: &mut Taken) {
    let Some(kind) = block.text_at("type") else {
        return;
    };
    let text_at = |name| block.text_at(name).unwrap_or_default();
    let text = if lacks.images && kind.is("image") {
        taken.images = true;
        PICTURE.into()
    } else if lacks.tools && kind.is("tool_use") {
        taken.tools = true;
        call(text_at("name"), arguments(block.get("input")))
    } else if lacks.tools && kind.is("tool_result") {
        taken.tools = true;
        pictures(block, lacks, taken);
        result(&texts(block.get("content")))
    } else {
        if kind.is("tool_result") {
            pictures(block, lacks, taken);
        }
        return;
    };
    *block = Object::of_type("text").with("text", text).into();
}

/// The pictures in the result of a tool.
fn pictures(result: &mut Json<'_>, lacks: Lacks, taken: &mut Taken) {
    let content = result
        .object_mut()
        .and_then(|result| result.get_mut("content"));
    for inner in content.and_then(Json::items_mut).into_iter().flatten() {
        if lacks.images && inner.get("type").is_some_and(|kind| kind.is("image")) {
            taken.images = true;
            *inner = Object::of_type("text").with("text", PICTURE).into();
        }
    }
}
