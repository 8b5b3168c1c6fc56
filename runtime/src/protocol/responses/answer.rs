//! A whole answer of Responses, both ways, and what both share with streams.

use super::super::failure;
use super::super::forms::{self, Forms};
use super::super::json::{Json, Object, Text};
use super::super::neutral::{Answer, Citation, Dropped, Part, Stop, Usage};
use super::item::{Item, Kind};
use super::read_request::thought;

/// Reads an answer that was parsed with [`OPAQUE`](super::OPAQUE); none when it is no answer.
pub fn read_answer<'a>(body: &Json<'a>, dropped: &mut Dropped) -> Option<Answer<'a>> {
    let Some(Json::List(output)) = body.get("output") else {
        return None;
    };
    if body.get("status").is_some_and(|status| status.is("failed")) {
        return None;
    }
    let mut parts = Vec::new();
    for item in output {
        read_item(item, &mut parts, dropped);
    }
    let stop = read_stop(body, &parts);
    Some(Answer {
        id: body.text_at("id").unwrap_or_default(),
        model: body.text_at("model").unwrap_or_default(),
        parts,
        stop,
        usage: body.get("usage").map(read_usage).unwrap_or_default(),
    })
}

/// The failure that an answer of status 200 may still be: kind and message.
pub fn failed<'a>(response: &Json<'a>) -> Option<(Text<'a>, Text<'a>)> {
    let error = response.get("error").filter(|error| !error.is_nothing())?;
    Some((
        failure::kind_in(error),
        error.text_at("message").unwrap_or_default(),
    ))
}

pub(super) fn read_item<'a>(item: &Json<'a>, parts: &mut Vec<Part<'a>>, dropped: &mut Dropped) {
    let kind = item.text_at("type").unwrap_or_default();
    match &*kind.plain() {
        "message" => {
            for part in item.get("content").map(Json::items).unwrap_or_default() {
                parts.extend(read_part(part, dropped));
            }
        }
        "reasoning" => {
            let thought = thought(item);
            if thought.seal.is_some() || !thought.text.is_empty() {
                parts.push(Part::Thought(thought));
            }
        }
        "function_call" | "custom_tool_call" => {
            parts.extend(forms::call(item).map(Part::ToolCall));
        }
        other => dropped.note_field("output.", other),
    }
}

pub(super) fn read_part<'a>(part: &Json<'a>, dropped: &mut Dropped) -> Option<Part<'a>> {
    if let Some(refusal) = part.text_at("refusal") {
        return Some(Part::Refusal(refusal));
    }
    let annotations = part.get("annotations").map(Json::items).unwrap_or_default();
    let citations: Vec<_> = annotations.iter().filter_map(read_citation).collect();
    if citations.len() < annotations.len() {
        dropped.note("annotations");
    }
    part.text_at("text").map(|text| Part::Text(text, citations))
}

pub(super) fn read_citation<'a>(annotation: &Json<'a>) -> Option<Citation<'a>> {
    Some(Citation {
        url: annotation.text_at("url")?,
        title: annotation.text_at("title"),
        quote: None,
    })
}

/// From `incomplete_details`, or from what was answered.
fn read_stop<'a>(response: &Json<'a>, parts: &[Part<'a>]) -> Stop<'a> {
    let calls = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    let refuses = parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    stop_of(response, calls, refuses)
}

pub(super) fn stop_of<'a>(response: &Json<'a>, calls: bool, refuses: bool) -> Stop<'a> {
    let details = response.get("incomplete_details");
    match details.and_then(|details| details.text_at("reason")) {
        Some(reason) if reason.is("content_filter") => Stop::Refusal,
        Some(_) => Stop::Length,
        None if calls => Stop::Tool,
        None if refuses => Stop::Refusal,
        None => Stop::End,
    }
}

pub(super) fn read_usage(usage: &Json<'_>) -> Usage {
    let nothing = Json::NULL;
    let input = usage.get("input_tokens_details").unwrap_or(&nothing);
    let output = usage.get("output_tokens_details").unwrap_or(&nothing);
    let cache_read = Usage::number(input, "cached_tokens");
    let cache_write = Usage::number(input, "cache_write_tokens");
    let all = Usage::number(usage, "input_tokens");
    Usage {
        input: all.saturating_sub(cache_read).saturating_sub(cache_write),
        cache_read,
        cache_write,
        output: Usage::number(usage, "output_tokens"),
        reasoning: Usage::number(output, "reasoning_tokens"),
    }
}

fn write_usage<'a>(usage: Usage) -> Object<'a> {
    let all = usage.all_input();
    let wrote = Some(usage.cache_write).filter(|tokens| *tokens > 0);
    let input = Object::new()
        .with("cached_tokens", usage.cache_read)
        .with_some("cache_write_tokens", wrote);
    Object::new()
        .with("input_tokens", all)
        .with("input_tokens_details", input)
        .with("output_tokens", usage.output)
        .with(
            "output_tokens_details",
            Object::new().with("reasoning_tokens", usage.reasoning),
        )
        .with("total_tokens", all.saturating_add(usage.output))
}

/// What every response object says besides the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echo {
    /// Seconds since the Unix epoch.
    pub created: u64,
    /// Whether several tools may be called at once.
    pub parallel_tools: bool,
    /// `metadata` as the request had it.
    pub metadata: Option<String>,
    /// The forms its tools had.
    pub forms: Forms,
}

impl Echo {
    /// The response object in this state.
    pub(super) fn response<'a>(
        &self,
        (id, model): (Text<'a>, Text<'a>),
        status: &'static str,
        output: Vec<Json<'a>>,
    ) -> Object<'a> {
        let metadata = self.metadata.clone().map(|raw| Json::Raw(raw.into()));
        let format = Object::new().with("format", Object::of_type("text"));
        let mut response = Object::new()
            .with("id", id)
            .with("object", "response")
            .with("created_at", self.created)
            .with("status", status)
            .with("background", false)
            .with("error", Json::NULL)
            .with("incomplete_details", Json::NULL)
            .with("instructions", Json::NULL)
            .with("metadata", metadata.unwrap_or_else(|| Object::new().into()))
            .with("model", model)
            .with("output", output)
            .with("parallel_tool_calls", self.parallel_tools);
        for unknown in [
            "previous_response_id",
            "temperature",
            "top_p",
            "max_output_tokens",
            "user",
        ] {
            response.push(unknown, Json::NULL);
        }
        response
            .with("store", false)
            .with("text", format)
            .with("tool_choice", "auto")
            .with("tools", Vec::new())
            .with("truncation", "disabled")
            .with("usage", Json::NULL)
    }

    /// The response object of a whole answer.
    pub(super) fn ended<'a>(
        &self,
        names: (Text<'a>, Text<'a>),
        items: &'a [Item],
        stop: &Stop<'_>,
        usage: Usage,
    ) -> Object<'a> {
        let cut = cut(items, stop);
        let status = if cut.is_some() {
            "incomplete"
        } else {
            "completed"
        };
        let numbers = 0..items.len();
        let output = numbers.map(|at| items[at].ended(is_cut(items, at, stop)).into());
        let mut response = self.response(names, status, output.collect());
        if let Some(reason) = cut {
            response.set("incomplete_details", Object::new().with("reason", reason));
        }
        response.set("usage", write_usage(usage));
        response
    }
}

/// Why an answer of these items is not complete; whoever refuses in words has answered.
fn cut(items: &[Item], stop: &Stop<'_>) -> Option<&'static str> {
    match stop {
        Stop::Length => Some("max_output_tokens"),
        Stop::Refusal if items.iter().any(|item| item.kind == Kind::Refusal) => None,
        Stop::Refusal => Some("content_filter"),
        _ => None,
    }
}

/// Whether an answer that ends so ends in the middle of this item: it is the last, or a
/// call that went on beside others.
pub(super) fn is_cut(items: &[Item], at: usize, stop: &Stop<'_>) -> bool {
    (at + 1 == items.len() || items[at].is_half_a_call()) && cut(items, stop).is_some()
}

/// The upstream's name for an answer, as a client of this protocol expects it to begin.
pub(super) fn response_id<'a>(id: &Text<'a>) -> Text<'a> {
    if id.written().starts_with("resp_") {
        return id.clone();
    }
    Text::joined(&["resp_".into(), bare_id(id)], "")
}

/// A name without what tells its protocol.
pub(super) fn bare_id<'a>(id: &Text<'a>) -> Text<'a> {
    let starts = ["msg_", "chatcmpl-", "resp_"];
    let bare = starts.iter().find_map(|start| id.after(start));
    bare.unwrap_or_else(|| id.clone())
}

/// Writes an answer for a client.
pub fn write_answer(answer: Answer<'_>, echo: &Echo) -> String {
    let bare = bare_id(&answer.id);
    let mut items = Vec::with_capacity(answer.parts.len());
    for part in answer.parts {
        let item = Item::of(part, &bare, items.len(), &echo.forms);
        items.extend(item);
    }
    let names = (response_id(&answer.id), answer.model);
    echo.ended(names, &items, &answer.stop, answer.usage)
        .written()
}
