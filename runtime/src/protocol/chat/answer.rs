//! A whole answer of Chat Completions, both ways, and what both share with streams.

use super::super::failure;
use super::super::forms::{Forms, arguments, unwrapped};
use super::super::json::{Json, Object, Text};
use super::super::neutral::{
    Answer, Citation, Dropped, Part, Seal, Signed, Signer, Stop, Thought, ToolCall, Usage,
};
use super::super::usage::completion;

/// Fields of a message, or of a delta, that are read or that nobody misses.
const FIELDS: [&str; 9] = [
    "annotations",
    "content",
    "function_call",
    "reasoning",
    "reasoning_content",
    "refusal",
    "role",
    // Together's number of the token that `content` spells.
    "token_id",
    "tool_calls",
];

/// How a call from before there were tools is named where it is none: beside other calls,
/// which some servers tell in both ways, or where nothing is called. In a stream it is one where
/// it comes ahead of those.
pub(super) const FUNCTION_CALL: &str = "message.function_call";

/// Reads an answer that was parsed with [`OPAQUE`](super::OPAQUE); none when it is no answer,
/// or one that [`failed`].
pub fn read_answer<'a>(body: &Json<'a>, dropped: &mut Dropped) -> Option<Answer<'a>> {
    let choices = body.get("choices")?.items();
    let choice = choices.first()?;
    if choice_failed(choice).is_some() {
        return None;
    }
    if choices.len() > 1 {
        dropped.note("choices");
    }
    let message = choice.get("message")?;
    let mut parts = Vec::new();
    parts.extend(thinking(message).map(Part::Thought));
    note_others(message, dropped);
    let text = text(message.get("content"));
    let pages = citations(message, dropped);
    if !text.is_empty() {
        parts.push(Part::Text(text, pages));
    } else if !pages.is_empty() {
        dropped.note("annotations");
    }
    let refusal = message.text_at("refusal").filter(|text| !text.is_empty());
    parts.extend(refusal.map(Part::Refusal));
    let calls = calls(message, dropped);
    let has_calls = !calls.is_empty();
    parts.extend(calls);
    let refuses = parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    Some(Answer {
        id: body.text_at("id").unwrap_or_default(),
        model: body.text_at("model").unwrap_or_default(),
        parts,
        stop: read_stop(choice.get("finish_reason"), has_calls, refuses),
        usage: body.get("usage").map(read_usage).unwrap_or_default(),
    })
}

/// The calls of a message, each behind what seals it.
fn calls<'a>(message: &Json<'a>, dropped: &mut Dropped) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let calls = message.get("tool_calls").map(Json::items);
    for call in calls.unwrap_or_default() {
        let function = call.get("function").unwrap_or(&Json::NULL);
        let seal = call_seal(call, false, dropped).map(Some);
        parts.extend(seal.map(|seal| {
            let text = Text::default();
            Part::Thought(Thought { text, seal })
        }));
        parts.push(Part::ToolCall(ToolCall {
            id: call.text_at("id").unwrap_or_default(),
            name: function.text_at("name").unwrap_or_default(),
            arguments: arguments(function),
        }));
    }
    if let Some(function) = message.get("function_call") {
        let arguments = arguments(function);
        match name_of(function) {
            Some(name) if parts.is_empty() => parts.push(Part::ToolCall(ToolCall {
                id: Text::default(),
                name,
                arguments,
            })),
            None if arguments.is_blank() => {}
            _ => dropped.note(FUNCTION_CALL),
        }
    }
    parts
}

/// The name of what is called.
pub(super) fn name_of<'a>(function: &Json<'a>) -> Option<Text<'a>> {
    function.text_at("name").filter(|name| !name.is_empty())
}

/// The failure that an answer of status 200 may still be: kind and message.
pub fn failed<'a>(body: &Json<'a>) -> Option<(Text<'a>, Text<'a>)> {
    choice_failed(body.get("choices")?.items().first()?)
}

/// The failure that a choice tells of, in an error of its own or as why it ends.
pub(super) fn choice_failed<'a>(choice: &Json<'a>) -> Option<(Text<'a>, Text<'a>)> {
    let reason = choice.text_at("finish_reason");
    let reason = reason.filter(|reason| failure::is_given_up(&reason.plain()));
    if let Some((kind, message)) = error_in(choice) {
        let kind = Some(kind).filter(|kind| !kind.is_empty()).or(reason);
        return Some((kind.unwrap_or_default(), message));
    }
    let reason = reason?;
    let message = ["the answer ended with `".into(), reason.clone(), "`".into()];
    Some((reason, Text::joined(&message, "")))
}

/// Kind and message of what stands under `error`, if anything does.
pub(super) fn error_in<'a>(holder: &Json<'a>) -> Option<(Text<'a>, Text<'a>)> {
    let error = holder.get("error").filter(|error| !error.is_nothing())?;
    let message = error.text_at("message").or_else(|| error.text().cloned());
    Some((failure::kind_in(error), message.unwrap_or_default()))
}

/// Thinking, under either of the names that servers have for it, or in the content's list.
pub(super) fn thinking<'a>(message: &Json<'a>) -> Option<Thought<'a>> {
    let thought = |text: Text<'a>, seal| {
        let seal = Some(seal);
        (!text.is_empty()).then_some(Thought { text, seal })
    };
    let named = ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|name| thought(message.text_at(name)?, Seal::Content));
    named.or_else(|| {
        let items = message.get("content")?.items().iter();
        let listed = items.filter_map(|item| item.get("thinking"));
        let texts: Vec<Text<'a>> = listed.map(|inside| text(Some(inside))).collect();
        thought(Text::joined(&texts, ""), Seal::Listed)
    })
}

/// Names what of a message is not read: fields that are not known, and what of its content's
/// list is neither text nor thinking.
pub(super) fn note_others(message: &Json<'_>, dropped: &mut Dropped) {
    dropped.note_unknown("message.", message, &FIELDS);
    let content = message.get("content").map(Json::items);
    for item in content.unwrap_or_default() {
        let is_read = ["text", "thinking"]
            .iter()
            .any(|name| item.get(name).is_some());
        if let Some(kind) = item.text_at("type").filter(|_| !is_read) {
            dropped.note_field("content.", &kind.plain());
        }
    }
}

/// The text of a content, also where it comes as a list.
pub(super) fn text<'a>(content: Option<&Json<'a>>) -> Text<'a> {
    match content {
        Some(Json::Text(text)) => text.clone(),
        Some(Json::List(items)) => {
            let texts: Vec<Text<'a>> = items
                .iter()
                .filter_map(|item| item.text_at("text"))
                .collect();
            Text::joined(&texts, "")
        }
        _ => Text::default(),
    }
}

/// What Gemini wants to see beside a call again, which has begun where that is late.
pub(super) fn call_seal<'a>(
    call: &Json<'a>,
    is_late: bool,
    dropped: &mut Dropped,
) -> Option<Seal<'a>> {
    let extra = call.get("extra_content")?;
    let found = Signer::ALL.into_iter().find_map(|by| {
        let signature = extra.get(by.word())?.text_at("thought_signature")?;
        Some((Signed { by, is_late }, signature))
    });
    if found.is_none() && !extra.is_nothing() {
        dropped.note("tool_calls.extra_content");
    }
    let (signed, signature) = found?;
    (!signature.is_empty()).then_some(Seal::Call(signed, signature))
}

/// Pages of the web in `annotations`.
pub(super) fn citations<'a>(message: &Json<'a>, dropped: &mut Dropped) -> Vec<Citation<'a>> {
    let all = message
        .get("annotations")
        .map(Json::items)
        .unwrap_or_default();
    let page = |annotation: &Json<'a>| {
        let page = annotation.get("url_citation")?;
        Some(Citation {
            url: page.text_at("url")?,
            title: page.text_at("title"),
            quote: None,
        })
    };
    let pages: Vec<_> = all.iter().filter_map(page).collect();
    if pages.len() < all.len() {
        dropped.note("annotations");
    }
    pages
}

/// From `finish_reason`; many servers say `stop` also where tools are called.
pub(super) fn read_stop<'a>(reason: Option<&Json<'a>>, calls: bool, refuses: bool) -> Stop<'a> {
    let reason = reason.and_then(Json::text).cloned().unwrap_or_default();
    match &*reason.plain() {
        // The latter where the context is full.
        "length" | "model_length" => Stop::Length,
        "sensitive" => Stop::Refusal,
        // Some say behind it what it was.
        filter if filter.starts_with("content_filter") => Stop::Refusal,
        _ if calls => Stop::Tool,
        _ if refuses => Stop::Refusal,
        _ => Stop::End,
    }
}

/// Whether an answer that ends so may end in the middle of its last part.
pub(super) fn is_cut(stop: &Stop<'_>) -> bool {
    matches!(stop, Stop::Length | Stop::Refusal)
}

/// The word for why an answer ends; whoever refuses `in_words` has answered.
fn stop_word(stop: &Stop<'_>, in_words: bool, forms: &Forms) -> &'static str {
    match stop {
        Stop::Refusal if in_words => "stop",
        Stop::Tool if forms.is_old() => "function_call",
        Stop::End | Stop::Sequence(_) | Stop::Pause => "stop",
        Stop::Length => "length",
        Stop::Tool => "tool_calls",
        Stop::Refusal => "content_filter",
    }
}

/// What `usage` says; what was read from a cache is part of the prompt there.
pub(super) fn read_usage(usage: &Json<'_>) -> Usage {
    let nothing = Json::NULL;
    let prompt = usage.get("prompt_tokens_details").unwrap_or(&nothing);
    let output = usage.get("completion_tokens_details").unwrap_or(&nothing);
    let cache_read = Usage::number(prompt, "cached_tokens")
        .max(Usage::number(usage, "prompt_cache_hit_tokens"))
        .max(Usage::number(usage, "cached_tokens"));
    let cache_write = Usage::number(prompt, "cache_write_tokens");
    let all = Usage::number(usage, "prompt_tokens");
    Usage {
        input: all.saturating_sub(cache_read).saturating_sub(cache_write),
        cache_read,
        cache_write,
        output: completion(usage).unwrap_or(0),
        reasoning: Usage::number(output, "reasoning_tokens"),
    }
}

pub(super) fn write_usage<'a>(usage: Usage) -> Object<'a> {
    let all = usage.all_input();
    let wrote = Some(usage.cache_write).filter(|tokens| *tokens > 0);
    let prompt = Object::new()
        .with("cached_tokens", usage.cache_read)
        .with_some("cache_write_tokens", wrote);
    Object::new()
        .with("prompt_tokens", all)
        .with("completion_tokens", usage.output)
        .with("total_tokens", all.saturating_add(usage.output))
        .with("prompt_tokens_details", prompt)
        .with(
            "completion_tokens_details",
            Object::new().with("reasoning_tokens", usage.reasoning),
        )
}

/// The upstream's name for an answer, as a client of this protocol expects it to begin.
pub(super) fn completion_id<'a>(id: &Text<'a>) -> Text<'a> {
    if id.written().starts_with("chatcmpl-") {
        return id.clone();
    }
    let bare = ["msg_", "resp_"].iter().find_map(|start| id.after(start));
    Text::joined(
        &["chatcmpl-".into(), bare.unwrap_or_else(|| id.clone())],
        "",
    )
}

/// A page of the web that backs the text between two characters.
pub(super) fn annotation<'a>(citation: Citation<'a>, from: usize, to: usize) -> Object<'a> {
    let page = Object::new()
        .with("url", citation.url)
        .with("title", citation.title.unwrap_or_default())
        .with("start_index", from)
        .with("end_index", to);
    Object::of_type("url_citation").with("url_citation", page)
}

/// Writes an answer for a client whose tools had these forms, as made at `created`, in
/// seconds since the Unix epoch.
pub fn write_answer(answer: Answer<'_>, created: u64, forms: &Forms) -> String {
    let (mut texts, mut thoughts, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    let mut calls: Vec<Json<'_>> = Vec::new();
    // The endpoint was told to call one at a time; if it did not, the rest is not lost.
    let mut function_call = None;
    let mut annotations: Vec<Json<'_>> = Vec::new();
    let mut length = 0;
    let last = answer.parts.len().saturating_sub(1);
    for (at, part) in answer.parts.into_iter().enumerate() {
        let is_cut = at == last && is_cut(&answer.stop);
        match part {
            Part::Text(text, citations) => {
                let end = length + text.plain().chars().count();
                let cited = citations
                    .into_iter()
                    .map(|one| annotation(one, length, end).into());
                annotations.extend(cited);
                length = end;
                texts.push(text);
            }
            Part::Thought(thought) => thoughts.push(thought.text),
            Part::Refusal(text) => refusals.push(text),
            Part::ToolCall(call) if forms.is_old() && function_call.is_none() => {
                let arguments = call_arguments(&call, is_cut);
                let function = Object::new().with("name", call.name);
                function_call = Some(function.with("arguments", arguments));
            }
            Part::ToolCall(call) => calls.push(tool_call(call, is_cut, forms).into()),
            Part::Image(..) | Part::Document(..) | Part::ToolResult(_) => {}
        }
    }
    let or_null = |texts: &[Text<'_>]| match texts {
        [] => Json::NULL,
        texts => Text::joined(texts, "").into_owned().into(),
    };
    thoughts.retain(|text| !text.is_empty());
    let mut message = Object::new()
        .with("role", "assistant")
        .with("content", or_null(&texts))
        .with("refusal", or_null(&refusals));
    if !thoughts.is_empty() {
        message.push("reasoning_content", or_null(&thoughts));
    }
    message.push("annotations", annotations);
    if let Some(function) = function_call {
        message.push("function_call", function);
    }
    if !calls.is_empty() {
        message.push("tool_calls", calls);
    }
    let reason = stop_word(&answer.stop, !refusals.is_empty(), forms);
    let choice = Object::new()
        .with("index", 0u64)
        .with("message", message)
        .with("logprobs", Json::NULL)
        .with("finish_reason", reason);
    Object::new()
        .with("id", completion_id(&answer.id))
        .with("object", "chat.completion")
        .with("created", created)
        .with("model", answer.model)
        .with("choices", vec![choice.into()])
        .with("usage", write_usage(answer.usage))
        .written()
}

/// The arguments of a call: nothing only where the answer is cut before they came.
fn call_arguments<'a>(call: &ToolCall<'a>, is_cut: bool) -> Text<'a> {
    if is_cut {
        call.arguments.clone()
    } else {
        call.some_arguments()
    }
}

fn tool_call<'a>(call: ToolCall<'a>, is_cut: bool, forms: &Forms) -> Object<'a> {
    let (kind, name, value) = if forms.is_custom(&call.name) {
        ("custom", "input", unwrapped(&call.arguments))
    } else {
        ("function", "arguments", call_arguments(&call, is_cut))
    };
    let inside = Object::new().with("name", call.name).with(name, value);
    Object::new()
        .with("id", call.id)
        .with("type", kind)
        .with(kind, inside)
}

/// The last choice of a stream, of an answer that perhaps refuses `in_words`.
pub(super) fn last_choice(stop: &Stop<'_>, in_words: bool, forms: &Forms) -> Object<'static> {
    Object::new()
        .with("index", 0u64)
        .with("delta", Object::new())
        .with("logprobs", Json::NULL)
        .with("finish_reason", stop_word(stop, in_words, forms))
}
