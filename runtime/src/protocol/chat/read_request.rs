//! A request of a Chat Completions client.

use super::super::forms::{Forms, arguments, wrapped};
use super::super::json::{Json, Text};
use super::super::neutral::{
    Detail, Dropped, Effort, Format, Part, Request, Role, Seal, Source, Thinking, Thought, Tool,
    ToolCall, ToolChoice, ToolResult,
};
use super::super::place::{Place, Said};
use super::super::translate::Unreadable;
use super::functions::{self, Called};

/// Where the conversation stands.
const MESSAGES: Place<'static> = Place::Field("messages");

/// Fields of a message that are read here.
const MESSAGE: [&str; 7] = [
    "role",
    "content",
    "refusal",
    "reasoning_content",
    "tool_calls",
    "function_call",
    "tool_call_id",
];

/// Reads a request whose text was parsed with [`OPAQUE`](super::OPAQUE), and
/// the forms its tools had.
///
/// # Errors
/// When there is no conversation in it, or something else in a place of one.
pub fn read_request<'a>(
    body: &Json<'a>,
    dropped: &mut Dropped,
) -> Result<(Request<'a>, Forms), Unreadable> {
    let mut request = Request::default();
    let mut forms = Forms::default();
    for (name, value) in body.members() {
        let field = Some(value);
        match &**name {
            "model" | "messages" => {}
            "tools" => {
                let items = dropped.read("tools", field, Json::list).unwrap_or_default();
                let tools = items.iter();
                let tools = tools.filter_map(|item| tool(item, &mut forms, dropped));
                request.tools.extend(tools);
            }
            "functions" if !value.is_nothing() => {
                forms.set_old();
                request.parallel_tools = Some(false);
                let items = dropped.read("functions", field, Json::list);
                let items = items.unwrap_or_default().iter();
                request
                    .tools
                    .extend(items.filter_map(|item| function(item, dropped)));
            }
            "function_call" => {
                let choice = dropped.read("function_call", field, functions::choice);
                request.tool_choice = choice.or(request.tool_choice);
            }
            "tool_choice" => request.tool_choice = tool_choice(value, dropped),
            "parallel_tool_calls" => {
                request.parallel_tools = dropped.read("parallel_tool_calls", field, Json::flag);
            }
            "max_completion_tokens" => {
                let limit = dropped.read("max_completion_tokens", field, Json::count);
                request.max_tokens = limit.or(request.max_tokens);
            }
            "max_tokens" => {
                let limit = dropped.read("max_tokens", field, Json::count);
                request.max_tokens = request.max_tokens.or(limit);
            }
            "temperature" => request.temperature = Some(value.clone()),
            "top_p" => request.top_p = Some(value.clone()),
            "top_k" => request.top_k = Some(value.clone()),
            "stop" => request.stop = stop(value, dropped),
            "stream" => request.stream = dropped.read("stream", field, Json::flag) == Some(true),
            "stream_options" => {
                let options = dropped.read("stream_options", field, Json::object);
                let usage = options.and_then(|options| options.get("include_usage"));
                let usage = dropped.read("stream_options.include_usage", usage, Json::flag);
                request.stream_usage = usage == Some(true);
            }
            "reasoning_effort" => {
                request.thinking = dropped.read("reasoning_effort", field, thinking);
            }
            "response_format" => request.format = format(value, dropped),
            "safety_identifier" | "user" => end_user(body, &mut request, dropped),
            // An empty one asks for a search as well.
            "web_search_options" if !value.is_null() => dropped.note("web_search_options"),
            other if is_default(other, value) => {}
            other => dropped.note_field("", other),
        }
    }
    conversation(body, &mut request, dropped)?;
    Ok((request, forms))
}

fn conversation<'a>(
    body: &Json<'a>,
    request: &mut Request<'a>,
    dropped: &mut Dropped,
) -> Result<(), Unreadable> {
    let messages = body.get("messages").ok_or_else(|| MESSAGES.is("missing"))?;
    let Json::List(messages) = messages else {
        return Err(MESSAGES.is("not a list"));
    };
    if messages.is_empty() {
        return Err(MESSAGES.is("empty"));
    }
    let mut called = Called::default();
    for (at, one) in MESSAGES.objects(messages)? {
        let place = Place::Item(&MESSAGES, at);
        message(one, &place, &mut called, request, dropped)?;
    }
    called.end(request);
    Ok(())
}

/// Takes the end user, under either of the names that OpenAI's protocols have; the newer one
/// counts.
pub(crate) fn end_user<'a>(body: &Json<'a>, request: &mut Request<'a>, dropped: &mut Dropped) {
    let mut named = |name| dropped.read(name, body.get(name), Json::text).cloned();
    let (newer, older) = (named("safety_identifier"), named("user"));
    request.user = newer.or(older);
}

/// Whether a field says what would be so without it.
pub(crate) fn is_default(name: &str, value: &Json<'_>) -> bool {
    let says_so = match name {
        "n" => value.count() == Some(1),
        "frequency_penalty" | "presence_penalty" => value.count() == Some(0),
        "service_tier" => value.is("auto") || value.is("default"),
        "modalities" => value.items().iter().all(|item| item.is("text")),
        "truncation" => value.is("disabled"),
        _ => false,
    };
    says_so || value.is_nothing()
}

fn message<'a>(
    from: &Json<'a>,
    place: &Place<'_>,
    called: &mut Called<'a>,
    request: &mut Request<'a>,
    dropped: &mut Dropped,
) -> Result<(), Unreadable> {
    let role = dropped
        .text_at("messages.", from, "role")
        .unwrap_or_default();
    let fields = match role.is("function") {
        true => &["role", "content", "name"][..],
        false => &MESSAGE,
    };
    dropped.note_unknown("messages.", from, fields);
    let said = content(from, place, dropped)?;
    match &*role.plain() {
        "system" | "developer" => request.instruct(said),
        "assistant" => {
            let mut parts = assistant(from, said, dropped);
            parts.extend(called.call(from, request).map(Part::ToolCall));
            request.say(Role::Assistant, parts);
        }
        "tool" | "function" => {
            let id = match role.is("tool") {
                true => {
                    let id = dropped.text_at("messages.", from, "tool_call_id");
                    Some(id.unwrap_or_default())
                }
                false => called.answered(from),
            };
            let Some(id) = id else {
                dropped.note("messages.function");
                return Ok(());
            };
            let result = ToolResult {
                id,
                parts: said,
                is_error: false,
            };
            request.say(Role::User, vec![Part::ToolResult(result)]);
        }
        other => {
            if !matches!(other, "user" | "") {
                dropped.note("messages.role");
            }
            let mut parts = said;
            if parts.is_empty() && !request.messages.is_empty() {
                // The model does not go on with what it said where the user says nothing.
                parts.push(Part::prose(""));
            }
            request.say(Role::User, parts);
        }
    }
    Ok(())
}

/// The parts of what the model said; its content among them.
fn assistant<'a>(from: &Json<'a>, said: Vec<Part<'a>>, dropped: &mut Dropped) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    if let Some(text) = dropped
        .text_at("messages.", from, "reasoning_content")
        .filter(|text| !text.is_empty())
    {
        parts.push(Part::Thought(Thought {
            text,
            seal: Some(Seal::Content),
        }));
    }
    parts.extend(said);
    let refusal = dropped.text_at("messages.", from, "refusal");
    parts.extend(refusal.map(Part::Refusal));
    let calls = dropped.read("messages.tool_calls", from.get("tool_calls"), Json::list);
    for call in calls.unwrap_or_default() {
        parts.extend(tool_call(call, dropped));
    }
    parts
}

fn tool_call<'a>(call: &Json<'a>, dropped: &mut Dropped) -> Option<Part<'a>> {
    let (name, arguments) = match (call.get("function"), call.get("custom")) {
        (Some(function), _) => (function.text_at("name"), arguments(function)),
        (None, Some(custom)) => {
            let input = dropped.text_at("messages.tool_calls.", custom, "input");
            (custom.text_at("name"), wrapped(input.unwrap_or_default()))
        }
        (None, None) => (None, Text::default()),
    };
    let Some(name) = name else {
        if !call.is_nothing() {
            dropped.note("messages.tool_calls");
        }
        return None;
    };
    let fields = ["type", "index", "id", "function", "custom"];
    dropped.note_unknown("messages.tool_calls.", call, &fields);
    Some(Part::ToolCall(ToolCall {
        // Some clients send none; whoever writes the request numbers such calls.
        id: dropped
            .text_at("messages.tool_calls.", call, "id")
            .unwrap_or_default(),
        name,
        arguments,
    }))
}

/// The parts of the content of a message that stands at a place.
fn content<'a>(
    message: &Json<'a>,
    place: &Place<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Part<'a>>, Unreadable> {
    let place = Place::Member(place, "content");
    match place.said(message.get("content"))? {
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
    if matches!(kind, "text" | "refusal" | "image_url" | "file") {
        dropped.note_unknown("content.", item, &["type", kind]);
    }
    let within = item.get(kind).unwrap_or(&Json::NULL);
    match kind {
        "text" => dropped.text_at("content.", item, kind).map(Part::prose),
        "refusal" => dropped.text_at("content.", item, kind).map(Part::Refusal),
        "image_url" => {
            let url = within.text().cloned().or_else(|| within.text_at("url"));
            let Some(url) = url else {
                dropped.note("content.image_url");
                return None;
            };
            Some(Part::Image(Source::from_url(url), detail(within, dropped)))
        }
        "file" => {
            let Some(data) = within.text_at("file_data") else {
                dropped.note("content.file");
                return None;
            };
            Some(Part::Document(
                Source::from_file_data(data),
                dropped.text_at("content.file.", within, "filename"),
            ))
        }
        other => {
            dropped.note_field("content.", other);
            None
        }
    }
}

/// What a picture's `detail` says.
pub(crate) fn detail(image: &Json<'_>, dropped: &mut Dropped) -> Option<Detail> {
    let word = dropped.text_at("content.", image, "detail")?;
    match &*word.plain() {
        "low" => Some(Detail::Low),
        "high" => Some(Detail::High),
        "auto" | "" => None,
        _ => {
            dropped.note("content.detail");
            None
        }
    }
}

fn tool<'a>(tool: &Json<'a>, forms: &mut Forms, dropped: &mut Dropped) -> Option<Tool<'a>> {
    if let custom @ Some(_) = tool.get("custom") {
        return dropped.read("tools", custom, |custom| forms.custom(custom));
    }
    let Some(function) = tool.get("function") else {
        let kind = tool.text_at("type").unwrap_or_default();
        dropped.note_field("tools.", &kind.plain());
        return None;
    };
    dropped.note_unknown("tools.", tool, &["type", "function"]);
    self::function(function, dropped)
}

/// A function that may be called; nothing where it has no name.
pub(crate) fn function<'a>(function: &Json<'a>, dropped: &mut Dropped) -> Option<Tool<'a>> {
    let fields = ["type", "name", "description", "parameters", "strict"];
    dropped.note_unknown("tools.", function, &fields);
    let Some(name) = function.text_at("name") else {
        dropped.note("tools");
        return None;
    };
    Some(Tool {
        name,
        description: dropped.text_at("tools.", function, "description"),
        schema: function
            .get("parameters")
            .filter(|schema| !schema.is_null())
            .cloned(),
        strict: dropped.read("tools.strict", function.get("strict"), Json::flag),
    })
}

fn tool_choice<'a>(choice: &Json<'a>, dropped: &mut Dropped) -> Option<ToolChoice<'a>> {
    if choice.text().is_some() {
        return dropped.read("tool_choice", Some(choice), choice_word);
    }
    let function = ["function", "custom"]
        .iter()
        .find_map(|kind| choice.get(kind)?.text_at("name"));
    if function.is_none() && !choice.is_nothing() {
        dropped.note("tool_choice");
    }
    function.map(ToolChoice::Named)
}

/// What a word for the choice of a tool says, in either of OpenAI's protocols.
pub(crate) fn choice_word<'a>(choice: &Json<'_>) -> Option<ToolChoice<'a>> {
    match &*choice.text()?.plain() {
        "none" => Some(ToolChoice::None),
        "required" => Some(ToolChoice::Any),
        "auto" => Some(ToolChoice::Auto),
        _ => None,
    }
}

fn stop<'a>(stop: &Json<'a>, dropped: &mut Dropped) -> Vec<Text<'a>> {
    let texts = match stop {
        Json::Text(_) => std::slice::from_ref(stop),
        other => dropped
            .read("stop", Some(other), Json::list)
            .unwrap_or_default(),
    };
    let texts = texts.iter().map(Some);
    texts
        .filter_map(|text| dropped.read("stop", text, Json::text))
        .cloned()
        .collect()
}

/// What a word of effort says.
pub(crate) fn thinking(effort: &Json<'_>) -> Option<Thinking> {
    let word = effort.text()?;
    if word.is("none") {
        return Some(Thinking::None);
    }
    Some(Thinking::Effort(Effort::from_word(word)))
}

fn format<'a>(format: &Json<'a>, dropped: &mut Dropped) -> Option<Format<'a>> {
    let kind = format.text_at("type").unwrap_or_default();
    if kind.is("text") {
        return None;
    }
    dropped.read("response_format", Some(format), |format| {
        if kind.is("json_object") {
            return Some(Format::Object);
        }
        let schema = format.get("json_schema")?;
        Some(Format::Schema {
            name: schema.text_at("name"),
            schema: schema.get("schema")?.clone(),
            strict: schema.get("strict").and_then(Json::flag),
        })
    })
}
