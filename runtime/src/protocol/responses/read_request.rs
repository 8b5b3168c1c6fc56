//! A request of a Responses client.

use super::super::chat;
use super::super::forms::{self, Forms};
use super::super::json::{Json, Text};
use super::super::neutral::{
    Dropped, Format, Part, Request, Role, Seal, Source, Thinking, Thought, Tool, ToolChoice,
    ToolResult,
};
use super::super::place::{Place, Said};
use super::super::translate::Unreadable;

/// What an endpoint keeps, and why a request that builds on it goes nowhere else.
const KEPT: [(&str, &str); 4] = [
    (
        "previous_response_id",
        "`previous_response_id` works only where that response was made",
    ),
    (
        "conversation",
        "`conversation` works only at an endpoint that speaks Responses",
    ),
    (
        "prompt",
        "`prompt` works only at an endpoint that speaks Responses",
    ),
    (
        "background",
        "`background` works only at an endpoint that speaks Responses",
    ),
];

/// Where the conversation stands.
const INPUT: Place<'static> = Place::Field("input");

/// Items that are read here, and their fields besides those that all have.
const ITEMS: [(&str, &[&str]); 7] = [
    ("", &["role", "content"]),
    ("message", &["role", "content"]),
    ("reasoning", &["summary", "content", "encrypted_content"]),
    (
        "function_call",
        &["call_id", "namespace", "name", "arguments"],
    ),
    ("custom_tool_call", &["call_id", "name", "input"]),
    ("function_call_output", &["call_id", "output"]),
    ("custom_tool_call_output", &["call_id", "output"]),
];

/// Parts of a message that are read here, and their fields.
const CONTENT: [(&str, &[&str]); 6] = [
    ("input_text", &["type", "text"]),
    ("output_text", &["type", "text"]),
    ("text", &["type", "text"]),
    ("refusal", &["type", "refusal"]),
    ("input_image", &["type", "image_url", "file_id", "detail"]),
    (
        "input_file",
        &["type", "file_data", "file_url", "file_id", "filename"],
    ),
];

/// Reads a request whose text was parsed with [`OPAQUE`](super::OPAQUE), and
/// the forms its tools had.
///
/// # Errors
/// When there is no conversation in it, or something else in a place of one, or it builds on
/// what an endpoint keeps.
pub fn read_request<'a>(
    body: &Json<'a>,
    dropped: &mut Dropped,
) -> Result<(Request<'a>, Forms), Unreadable> {
    let mut request = Request::default();
    let mut forms = Forms::default();
    for (name, value) in body.members() {
        let field = Some(value);
        match &**name {
            "model" | "input" => {}
            "include" => include(value, dropped),
            "store" => {
                if !value.is_nothing() {
                    dropped.note("store");
                }
            }
            "instructions" => match value.text() {
                Some(text) => request.system.push(text.clone()),
                None if value.is_nothing() => {}
                None => return Err(Place::Field("instructions").is("not text")),
            },
            "tools" => {
                let items = dropped.read("tools", field, Json::list);
                for item in items.unwrap_or_default() {
                    tool(item, &mut forms, &mut request.tools, dropped);
                }
            }
            "tool_choice" => request.tool_choice = tool_choice(value, dropped),
            "parallel_tool_calls" => {
                request.parallel_tools = dropped.read("parallel_tool_calls", field, Json::flag);
            }
            "max_output_tokens" => {
                request.max_tokens = dropped.read("max_output_tokens", field, Json::count);
            }
            "temperature" => request.temperature = Some(value.clone()),
            "top_p" => request.top_p = Some(value.clone()),
            "stream" => request.stream = dropped.read("stream", field, Json::flag) == Some(true),
            "reasoning" => request.thinking = thinking(value, dropped),
            "text" => request.format = text(value, dropped),
            "safety_identifier" | "user" => chat::end_user(body, &mut request, dropped),
            other if chat::is_default(other, value) => {}
            other => match KEPT.iter().find(|(kept, _)| *kept == other) {
                Some((_, why)) => return Err(Unreadable((*why).into())),
                None => dropped.note_field("", other),
            },
        }
    }
    read_input(body.get("input"), &mut request, dropped)?;
    Ok((request, forms))
}

/// What an answer holds besides; thinking comes with its seal wherever there is one.
fn include(list: &Json<'_>, dropped: &mut Dropped) {
    let items = dropped.read("include", Some(list), Json::list);
    for wanted in items.unwrap_or_default().iter().filter_map(Json::text) {
        if !wanted.is("reasoning.encrypted_content") {
            dropped.note_field("include.", &wanted.plain());
        }
    }
}

fn read_input<'a>(
    input: Option<&Json<'a>>,
    request: &mut Request<'a>,
    dropped: &mut Dropped,
) -> Result<(), Unreadable> {
    if input.is_none_or(Json::is_null) {
        return Err(INPUT.is("missing"));
    }
    match INPUT.said(input)? {
        Said::Text(text) => request.say(Role::User, vec![Part::prose(text.clone())]),
        // What the model is told is enough to begin with.
        Said::List([]) if request.system.is_empty() => return Err(INPUT.is("empty")),
        Said::List(items) => {
            for (at, item) in INPUT.objects(items)? {
                read_item(item, &Place::Item(&INPUT, at), request, dropped)?;
            }
        }
    }
    Ok(())
}

fn read_item<'a>(
    item: &Json<'a>,
    place: &Place<'_>,
    request: &mut Request<'a>,
    dropped: &mut Dropped,
) -> Result<(), Unreadable> {
    let text_at = |name| item.text_at(name).unwrap_or_default();
    let kind = text_at("type");
    let kind = &*kind.plain();
    if let Some((_, fields)) = ITEMS.iter().find(|(known, _)| *known == kind) {
        let own = ["type", "id", "status"];
        dropped.note_unknown("input.", item, &[&own, *fields].concat());
    }
    match kind {
        "" | "message" => {
            let said = content(
                item.get("content"),
                &Place::Member(place, "content"),
                dropped,
            )?;
            message(item, said, request, dropped);
        }
        "reasoning" => request.say(Role::Assistant, vec![Part::Thought(thought(item))]),
        "function_call" | "custom_tool_call" => {
            let call = forms::call(item).map(Part::ToolCall);
            request.say(Role::Assistant, call.into_iter().collect());
        }
        "function_call_output" | "custom_tool_call_output" => {
            let result = ToolResult {
                id: text_at("call_id"),
                parts: content(item.get("output"), &Place::Member(place, "output"), dropped)?,
                is_error: false,
            };
            request.say(Role::User, vec![Part::ToolResult(result)]);
        }
        "item_reference" => {
            let why = "`item_reference` works only where that item was made";
            return Err(Unreadable(why.into()));
        }
        other => dropped.note_field("input.", other),
    }
    Ok(())
}

fn message<'a>(
    item: &Json<'a>,
    parts: Vec<Part<'a>>,
    request: &mut Request<'a>,
    dropped: &mut Dropped,
) {
    let role = dropped.text_at("input.", item, "role").unwrap_or_default();
    match &*role.plain() {
        "assistant" => request.say(Role::Assistant, parts),
        "system" | "developer" => request.instruct(parts),
        other => {
            if !matches!(other, "user" | "") {
                dropped.note("input.role");
            }
            request.say(Role::User, parts);
        }
    }
}

/// The thinking of a reasoning item, which is mostly a summary.
pub(super) fn thought<'a>(item: &Json<'a>) -> Thought<'a> {
    let texts = |name| {
        let list = item.get(name).map(Json::items).unwrap_or_default();
        list.iter()
            .filter_map(|part| part.text_at("text"))
            .collect::<Vec<_>>()
    };
    let (content, summary) = (texts("content"), texts("summary"));
    let texts = if content.is_empty() { summary } else { content };
    let sealed = item
        .text_at("encrypted_content")
        .filter(|content| !content.is_empty());
    Thought {
        text: Text::joined(&texts, "\n\n"),
        seal: sealed
            .map(|content| Seal::from_encrypted(item.text_at("id").unwrap_or_default(), content)),
    }
}

/// The parts of a content, or of an output, that stands at a place.
fn content<'a>(
    content: Option<&Json<'a>>,
    place: &Place<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Part<'a>>, Unreadable> {
    match place.said(content)? {
        Said::Text(text) if text.is_empty() => Ok(Vec::new()),
        Said::Text(text) => Ok(vec![Part::prose(text.clone())]),
        Said::List(items) => {
            let items = place.objects(items)?;
            Ok(items.filter_map(|(_, item)| part(item, dropped)).collect())
        }
    }
}

fn part<'a>(item: &Json<'a>, dropped: &mut Dropped) -> Option<Part<'a>> {
    let kind = item.text_at("type").unwrap_or_default();
    let kind = &*kind.plain();
    if let Some((_, fields)) = CONTENT.iter().find(|(known, _)| *known == kind) {
        dropped.note_unknown("content.", item, fields);
    }
    match kind {
        "input_text" | "output_text" | "text" => {
            dropped.text_at("content.", item, "text").map(Part::prose)
        }
        "refusal" => dropped.text_at("content.", item, kind).map(Part::Refusal),
        "input_image" => match item.text_at("image_url") {
            Some(url) => Some(Part::Image(
                Source::from_url(url),
                chat::detail(item, dropped),
            )),
            None => {
                dropped.note("content.input_image");
                None
            }
        },
        "input_file" => {
            let data = item.text_at("file_data").map(Source::from_file_data);
            let source = data.or_else(|| item.text_at("file_url").map(Source::Url));
            if source.is_none() {
                dropped.note("content.input_file");
            }
            Some(Part::Document(source?, item.text_at("filename")))
        }
        other => {
            dropped.note_field("content.", other);
            None
        }
    }
}

fn tool<'a>(tool: &Json<'a>, forms: &mut Forms, tools: &mut Vec<Tool<'a>>, dropped: &mut Dropped) {
    let kind = tool.text_at("type").unwrap_or_default();
    match &*kind.plain() {
        "function" => tools.extend(chat::function(tool, dropped)),
        "custom" => {
            dropped.note_unknown("tools.", tool, &["type", "name", "description", "format"]);
            tools.extend(dropped.read("tools", Some(tool), |tool| forms.custom(tool)));
        }
        "namespace" => {
            let fields = ["type", "name", "description", "tools"];
            dropped.note_unknown("tools.namespace.", tool, &fields);
            let space = tool.text_at("name").unwrap_or_default();
            let about = tool.text_at("description").filter(|text| !text.is_empty());
            let inner = dropped.read("tools.namespace.tools", tool.get("tools"), Json::list);
            for inner in inner.unwrap_or_default() {
                let Some(mut function) = chat::function(inner, dropped) else {
                    continue;
                };
                function.name = forms.within(&space, &function.name);
                if let Some(about) = &about {
                    let own = function.description.filter(|text| !text.is_empty());
                    let both: Vec<Text<'a>> = [about.clone()].into_iter().chain(own).collect();
                    function.description = Some(Text::joined(&both, "\n\n"));
                }
                tools.push(function);
            }
        }
        other => dropped.note_field("tools.", other),
    }
}

fn tool_choice<'a>(choice: &Json<'a>, dropped: &mut Dropped) -> Option<ToolChoice<'a>> {
    if choice.text().is_some() {
        return dropped.read("tool_choice", Some(choice), chat::choice_word);
    }
    let kind = choice.text_at("type");
    let is_named = kind.is_some_and(|kind| kind.is("function") || kind.is("custom"));
    if !is_named && !choice.is_nothing() {
        dropped.note("tool_choice");
        return None;
    }
    choice.text_at("name").map(ToolChoice::Named)
}

/// What `reasoning` says; without an effort it leaves that to the model.
fn thinking(reasoning: &Json<'_>, dropped: &mut Dropped) -> Option<Thinking> {
    dropped.read("reasoning", Some(reasoning), Json::object)?;
    if reasoning.is_nothing() {
        return None;
    }
    let effort = dropped.read("reasoning.effort", reasoning.get("effort"), chat::thinking);
    Some(effort.unwrap_or(Thinking::Effort(None)))
}

/// The form of the answer that `text` says.
fn text<'a>(text: &Json<'a>, dropped: &mut Dropped) -> Option<Format<'a>> {
    dropped.read("text", Some(text), Json::object)?;
    dropped.read("text.verbosity", text.get("verbosity"), |_| None::<()>);
    let form = text.get("format")?;
    if form.get("type").is_some_and(|kind| kind.is("text")) {
        return None;
    }
    dropped.read("text.format", Some(form), format)
}

fn format<'a>(format: &Json<'a>) -> Option<Format<'a>> {
    let kind = format.text_at("type")?;
    if kind.is("json_object") {
        return Some(Format::Object);
    }
    Some(Format::Schema {
        name: format.text_at("name"),
        schema: format.get("schema")?.clone(),
        strict: format.get("strict").and_then(Json::flag),
    })
}
