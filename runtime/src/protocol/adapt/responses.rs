//! Requests of Responses.

use super::super::json::{Json, Object, Text};
use super::super::neutral::Seal;
use super::tools_as_text::{Said, arguments, call, content};
use super::{Lacks, PICTURE, Taken};

pub(super) fn adapt(body: &mut Object<'_>, lacks: Lacks, taken: &mut Taken) {
    if lacks.reasoning {
        taken.reasoning |= body.remove("reasoning").is_some();
        if let Some(include) = body.get_mut("include").and_then(Json::items_mut) {
            include.retain(|item| !item.is("reasoning.encrypted_content"));
        }
    }
    if lacks.tools {
        taken.tools |= body.remove("tools").is_some();
        body.remove("tool_choice");
        body.remove("parallel_tool_calls");
    }
    let Some(items) = body.get_mut("input").and_then(Json::items_mut) else {
        return;
    };
    items.retain(|item| {
        let is_thought =
            lacks.reasoning && item.get("type").is_some_and(|kind| kind.is("reasoning"));
        taken.reasoning |= is_thought;
        !is_thought
    });
    for one in items {
        item(one, lacks, taken);
    }
}

/// Whether there was any reasoning of another maker.
pub(super) fn without_foreign(body: &mut Object<'_>) -> bool {
    let mut taken = false;
    let items = body.get_mut("input").and_then(Json::items_mut);
    if let Some(items) = items {
        items.retain(|item| {
            let sealed = item.get("encrypted_content").and_then(Json::text);
            let is_foreign = sealed.is_some_and(|content| {
                let seal = Seal::from_encrypted(Text::default(), content.clone());
                !matches!(seal, Seal::Encrypted(..))
            });
            taken |= is_foreign;
            !is_foreign
        });
    }
    taken
}

fn item(item: &mut Json<'_>, lacks: Lacks, taken: &mut Taken) {
    if lacks.images {
        for name in ["content", "output"] {
            let parts = item.object_mut().and_then(|item| item.get_mut(name));
            for part in parts.and_then(Json::items_mut).into_iter().flatten() {
                if part.get("type").is_some_and(|kind| kind.is("input_image")) {
                    taken.images = true;
                    *part = Object::of_type("input_text").with("text", PICTURE).into();
                }
            }
        }
    }
    let Some(kind) = item.text_at("type").filter(|_| lacks.tools) else {
        return;
    };
    let made = |with| {
        let name = item.text_at("name").unwrap_or_default();
        call(name, arguments(item.get(with))).into()
    };
    let (role, content) = match &*kind.plain() {
        "function_call" => ("assistant", made("arguments")),
        "custom_tool_call" => ("assistant", made("input")),
        "function_call_output" | "custom_tool_call_output" => {
            let said = Said::of(item.get("output"));
            let text = said.result(false);
            ("user", content("input_text", text, said.others))
        }
        _ => return,
    };
    taken.tools = true;
    *item = Object::new()
        .with("role", role)
        .with("content", content)
        .into();
}
