//! A whole answer of Messages, both ways, and what both ways share with streams.

use super::super::json::{Json, Object, Text};
use super::super::neutral::{
    Answer, Citation, Dropped, Part, Seal, Stop, Thought, ToolCall, Usage,
};
use super::read_request::arguments;
use super::write_request::{citation, input};

/// Reads an answer that was parsed with [`OPAQUE`](super::OPAQUE); none when it is no answer.
pub fn read_answer<'a>(body: &Json<'a>, dropped: &mut Dropped) -> Option<Answer<'a>> {
    let Some(Json::List(content)) = body.get("content") else {
        return None;
    };
    let mut parts = Vec::with_capacity(content.len());
    for block in content {
        parts.extend(part(block, dropped));
    }
    parts.extend(explanation(body).map(Part::Refusal));
    Some(Answer {
        id: body.text_at("id").unwrap_or_default(),
        model: body.text_at("model").unwrap_or_default(),
        parts,
        stop: read_stop(body),
        usage: body
            .get("usage")
            .map(|usage| read_usage(usage, Usage::default()))
            .unwrap_or_default(),
    })
}

fn part<'a>(block: &Json<'a>, dropped: &mut Dropped) -> Option<Part<'a>> {
    let text_at = |name| block.text_at(name).unwrap_or_default();
    let kind = text_at("type");
    Some(match &*kind.plain() {
        "text" => {
            let cited = block.get("citations").map(Json::items).unwrap_or_default();
            let citations = cited.iter().filter_map(|one| read_citation(one, dropped));
            Part::Text(text_at("text"), citations.collect())
        }
        "thinking" => Part::Thought(Thought {
            text: text_at("thinking"),
            seal: Seal::from_signature(text_at("signature")),
        }),
        "redacted_thinking" => Part::Thought(Thought {
            text: Text::default(),
            seal: Some(Seal::Redacted(text_at("data"))),
        }),
        "tool_use" => Part::ToolCall(ToolCall {
            id: text_at("id"),
            name: text_at("name"),
            arguments: arguments(block.get("input")),
        }),
        other => {
            dropped.note_field("content.", other);
            return None;
        }
    })
}

/// A page of the web; places in documents are known to this protocol alone.
pub(super) fn read_citation<'a>(from: &Json<'a>, dropped: &mut Dropped) -> Option<Citation<'a>> {
    let Some(url) = from.text_at("url") else {
        dropped.note("citations");
        return None;
    };
    Some(Citation {
        url,
        title: from.text_at("title"),
        quote: from.text_at("cited_text"),
    })
}

/// From `stop_reason` and `stop_sequence`.
pub(super) fn read_stop<'a>(from: &Json<'a>) -> Stop<'a> {
    let reason = from.text_at("stop_reason").unwrap_or_default();
    match &*reason.plain() {
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "stop_sequence" => Stop::Sequence(from.text_at("stop_sequence")),
        "tool_use" => Stop::Tool,
        "refusal" => Stop::Refusal,
        "pause_turn" => Stop::Pause,
        _ => Stop::End,
    }
}

/// Why the model declines, where `stop_details` say that.
pub(super) fn explanation<'a>(from: &Json<'a>) -> Option<Text<'a>> {
    let text = from.get("stop_details")?.text_at("explanation")?;
    (!text.is_empty()).then_some(text)
}

/// `stop_reason` and `stop_sequence`.
pub(super) fn write_stop<'a>(stop: Stop<'a>, out: Object<'a>) -> Object<'a> {
    let mut sequence = None;
    let reason = match stop {
        Stop::End => "end_turn",
        Stop::Length => "max_tokens",
        Stop::Sequence(text) => {
            sequence = text;
            "stop_sequence"
        }
        Stop::Tool => "tool_use",
        Stop::Refusal => "refusal",
        Stop::Pause => "pause_turn",
    };
    out.with("stop_reason", reason)
        .with("stop_sequence", sequence.map_or(Json::NULL, Json::from))
}

/// What `usage` says, over what is known already: later events of a stream say less.
pub(super) fn read_usage(usage: &Json<'_>, known: Usage) -> Usage {
    let number = |name: &str, known: u64| usage.count_at(name).unwrap_or(known);
    let details = usage.get("output_tokens_details");
    Usage {
        input: number("input_tokens", known.input),
        cache_read: number("cache_read_input_tokens", known.cache_read),
        cache_write: number("cache_creation_input_tokens", known.cache_write),
        output: number("output_tokens", known.output),
        reasoning: details.map_or(known.reasoning, |details| {
            Usage::number(details, "thinking_tokens").max(known.reasoning)
        }),
    }
}

pub(super) fn write_usage<'a>(usage: Usage) -> Object<'a> {
    Object::new()
        .with("input_tokens", usage.input)
        .with("cache_creation_input_tokens", usage.cache_write)
        .with("cache_read_input_tokens", usage.cache_read)
        .with("output_tokens", usage.output)
}

/// The upstream's name for an answer, as a client of this protocol expects it to begin.
pub(super) fn message_id<'a>(id: &Text<'a>) -> Text<'a> {
    if id.written().starts_with("msg_") {
        return id.clone();
    }
    let bare = ["chatcmpl-", "resp_"]
        .iter()
        .find_map(|start| id.after(start));
    Text::joined(&["msg_".into(), bare.unwrap_or_else(|| id.clone())], "")
}

/// Writes an answer for a client; thinking only where it `thinks`.
pub fn write_answer(answer: Answer<'_>, thinks: bool, dropped: &mut Dropped) -> String {
    let mut content = Vec::with_capacity(answer.parts.len());
    for part in answer.parts {
        content.extend(block(part, thinks, dropped));
    }
    let out = Object::new()
        .with("id", message_id(&answer.id))
        .with("type", "message")
        .with("role", "assistant")
        .with("model", answer.model)
        .with("content", content);
    write_stop(answer.stop, out)
        .with("usage", write_usage(answer.usage))
        .written()
}

fn block<'a>(part: Part<'a>, thinks: bool, dropped: &mut Dropped) -> Option<Json<'a>> {
    let out = match part {
        Part::Refusal(text) if text.is_empty() => return None,
        Part::Text(text, citations) if text.is_empty() && citations.is_empty() => return None,
        Part::Refusal(text) => Object::of_type("text").with("text", text),
        Part::Text(text, citations) => {
            let out = Object::of_type("text").with("text", text);
            if citations.is_empty() {
                out
            } else {
                let cited = citations.into_iter().map(|one| citation(one).into());
                out.with("citations", cited.collect::<Vec<Json<'a>>>())
            }
        }
        Part::Thought(_) if !thinks => {
            dropped.note("thinking");
            return None;
        }
        Part::Thought(Thought {
            seal: Some(Seal::Redacted(data)),
            ..
        }) => Object::of_type("redacted_thinking").with("data", data),
        Part::Thought(thought) => {
            let signature = thought.seal.as_ref().map(Seal::to_signature);
            Object::of_type("thinking")
                .with("thinking", thought.text)
                .with("signature", signature.unwrap_or_default())
        }
        Part::ToolCall(call) => Object::of_type("tool_use")
            .with("id", call.id)
            .with("name", call.name)
            .with("input", input(&call.arguments)),
        Part::Image(..) | Part::Document(..) | Part::ToolResult(_) => return None,
    };
    Some(out.into())
}
