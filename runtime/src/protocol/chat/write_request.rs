//! A request to a Chat Completions endpoint.

use super::super::json::{Json, Object, Text};
use super::super::names::Names;
use super::super::neutral::{
    Detail, Dropped, Effort, Format, Message, Part, Request, Role, Seal, Signer, Source, Thinking,
    Tool, ToolCall, ToolChoice, ToolResult,
};
use super::Dialect;

/// Texts to stop at that are taken.
const STOPS: usize = 4;

/// Longest name of an end user that is taken.
const USER_LIMIT: usize = 64;

/// Writes a request for this model of a server; `names` shortens those of tools.
pub fn write_request(
    mut request: Request<'_>,
    model: &str,
    dialect: Dialect,
    names: &mut Names,
    dropped: &mut Dropped,
) -> String {
    request.make_dialogue();
    request.name_calls();
    dialect.fit(&mut request, model, dropped);
    let mut out = Object::new().with("model", model);
    out.push(
        "messages",
        messages(request.system, request.messages, names, dropped),
    );
    if !request.tools.is_empty() {
        let tools = request.tools.into_iter().map(|one| tool(one, names).into());
        out.push("tools", tools.collect::<Vec<Json<'_>>>());
        if let Some(choice) = request.tool_choice {
            out.push("tool_choice", tool_choice(choice, names));
        }
        if let Some(parallel) = request.parallel_tools {
            out.push("parallel_tool_calls", parallel);
        }
    }
    if let Some(limit) = request.max_tokens {
        out.push(dialect.limit(), limit);
    }
    let sampling = [request.temperature, request.top_p, request.top_k];
    push_sampling(sampling, &mut out, dropped);
    if !request.stop.is_empty() {
        if request.stop.len() > STOPS {
            dropped.note("stop_sequences");
        }
        let stop = request.stop.into_iter().take(STOPS).map(Json::from);
        out.push("stop", stop.collect::<Vec<_>>());
    }
    if let Some(effort) = request.thinking.and_then(effort_word) {
        out.push("reasoning_effort", effort);
    }
    if let Some(format) = request.format {
        out.push("response_format", response_format(format));
    }
    if let Some(user) = fitting_user(request.user, dropped) {
        out.push("user", user);
    }
    if request.stream {
        out.push("stream", true);
        if dialect.asks_for_usage() {
            out.push("stream_options", Object::new().with("include_usage", true));
        }
    }
    out.written()
}

/// The word for how much to think; none leaves it to the model.
pub(crate) fn effort_word(thinking: Thinking) -> Option<&'static str> {
    let effort = match thinking {
        Thinking::Off => return None,
        Thinking::None => return Some("none"),
        Thinking::Effort(effort) => effort?,
        Thinking::Budget(budget) => Effort::of_budget(budget),
    };
    Some(effort.word())
}

/// The end user, unless the name is longer than is taken.
pub(crate) fn fitting_user<'a>(user: Option<Text<'a>>, dropped: &mut Dropped) -> Option<Text<'a>> {
    let user = user.filter(|user| !user.is_empty())?;
    if user.plain().len() > USER_LIMIT {
        dropped.note("metadata.user_id");
        return None;
    }
    Some(user)
}

/// The parameters of a tool, which are asked for.
pub(crate) fn parameters<'a>(schema: Option<Json<'a>>) -> Json<'a> {
    schema.unwrap_or_else(|| {
        Object::of_type("object")
            .with("properties", Object::new())
            .into()
    })
}

/// Adds what OpenAI's protocols know of temperature, `top_p` and `top_k`.
pub(crate) fn push_sampling<'a>(
    [temperature, top_p, top_k]: [Option<Json<'a>>; 3],
    out: &mut Object<'a>,
    dropped: &mut Dropped,
) {
    for (name, value) in [("temperature", temperature), ("top_p", top_p)] {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            out.push(name, value);
        }
    }
    if top_k.is_some_and(|value| !value.is_null()) {
        dropped.note("top_k");
    }
}

fn tool<'a>(tool: Tool<'a>, names: &mut Names) -> Object<'a> {
    let function = Object::new()
        .with("name", names.fit(tool.name))
        .with_some("description", tool.description)
        .with("parameters", parameters(tool.schema))
        .with_some("strict", tool.strict);
    Object::of_type("function").with("function", function)
}

fn tool_choice<'a>(choice: ToolChoice<'a>, names: &mut Names) -> Json<'a> {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::Any => "required".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Named(name) => {
            let function = Object::new().with("name", names.fit(name));
            Object::of_type("function")
                .with("function", function)
                .into()
        }
    }
}

fn response_format<'a>(format: Format<'a>) -> Object<'a> {
    match format {
        Format::Object => Object::of_type("json_object"),
        Format::Schema {
            name,
            schema,
            strict,
        } => {
            let schema = Object::new()
                .with("name", name.unwrap_or_else(|| "answer".into()))
                .with("schema", schema)
                .with_some("strict", strict);
            Object::of_type("json_schema").with("json_schema", schema)
        }
    }
}

fn messages<'a>(
    system: Vec<Text<'a>>,
    messages: Vec<Message<'a>>,
    names: &mut Names,
    dropped: &mut Dropped,
) -> Vec<Json<'a>> {
    let mut out = Vec::with_capacity(messages.len() + 1);
    let system: Vec<Text<'a>> = system.into_iter().filter(|text| !text.is_empty()).collect();
    if !system.is_empty() {
        out.push(said("system", Text::joined(&system, "\n\n")));
    }
    for message in messages {
        match message.role {
            Role::Assistant => out.extend(assistant(message.parts, names, dropped)),
            Role::User | Role::System => user(message.parts, &mut out, dropped),
        }
    }
    out
}

fn said<'a>(role: &'static str, content: impl Into<Json<'a>>) -> Json<'a> {
    Object::new()
        .with("role", role)
        .with("content", content)
        .into()
}

/// Results of tools, each a message, and then what the user says.
fn user<'a>(parts: Vec<Part<'a>>, out: &mut Vec<Json<'a>>, dropped: &mut Dropped) {
    let mut rest = Vec::new();
    let mut attached = Vec::new();
    for part in parts {
        match part {
            Part::ToolResult(result) => out.push(tool_result(result, &mut attached)),
            other => rest.push(other),
        }
    }
    attached.extend(rest);
    if !attached.is_empty()
        && let Some(content) = content(attached, dropped)
    {
        out.push(said("user", content));
    }
}

/// The result as text; pictures and files, for which there is no place, go into `attached`.
fn tool_result<'a>(result: ToolResult<'a>, attached: &mut Vec<Part<'a>>) -> Json<'a> {
    let mut texts = Vec::new();
    for part in result.parts {
        match part {
            Part::Text(text, _) => texts.push(text),
            other => {
                if texts
                    .last()
                    .is_none_or(|text: &Text<'_>| !text.is("[attached below]"))
                {
                    texts.push("[attached below]".into());
                }
                let note = ["[result of call ".into(), result.id.clone(), "]".into()];
                attached.extend([Part::prose(Text::joined(&note, "")), other]);
            }
        }
    }
    let mut text = Text::joined(&texts, "\n\n");
    if result.is_error {
        // There is no field for it.
        text = Text::joined(&["Error: ".into(), text], "");
    }
    Object::new()
        .with("role", "tool")
        .with("tool_call_id", result.id)
        .with("content", text)
        .into()
}

/// Text where it is nothing else, which every server takes; else a list of parts.
fn content<'a>(parts: Vec<Part<'a>>, dropped: &mut Dropped) -> Option<Json<'a>> {
    if let Some(text) = only_text(&parts) {
        return (!text.is_empty()).then(|| text.into());
    }
    let mut items: Vec<Json<'a>> = Vec::with_capacity(parts.len());
    for part in parts {
        let item = match part {
            Part::Text(text, _) | Part::Refusal(text) => Object::of_type("text").with("text", text),
            Part::Image(source, detail) => {
                let url = Object::new()
                    .with("url", source.to_url())
                    .with_some("detail", detail.map(Detail::word));
                Object::of_type("image_url").with("image_url", url)
            }
            Part::Document(source @ Source::Base64(..), name) => {
                let file = Object::new()
                    .with("filename", name.unwrap_or_else(|| "document.pdf".into()))
                    .with("file_data", source.to_url());
                Object::of_type("file").with("file", file)
            }
            Part::Document(Source::Url(url), _) => {
                dropped.note("content.document");
                let note = Text::joined(&["[document: ".into(), url, "]".into()], "");
                Object::of_type("text").with("text", note)
            }
            Part::ToolCall(_) | Part::ToolResult(_) | Part::Thought(_) => continue,
        };
        items.push(item.into());
    }
    (!items.is_empty()).then(|| items.into())
}

fn only_text<'a>(parts: &[Part<'a>]) -> Option<Text<'a>> {
    let mut texts = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(text, _) if text.is_empty() => {}
            Part::Text(text, _) | Part::Refusal(text) => texts.push(text.clone()),
            _ => return None,
        }
    }
    Some(Text::joined(&texts, "\n\n"))
}

fn assistant<'a>(
    parts: Vec<Part<'a>>,
    names: &mut Names,
    dropped: &mut Dropped,
) -> Option<Json<'a>> {
    let mut said = Vec::new();
    let mut calls = Vec::new();
    let mut thoughts = Vec::new();
    // Of the call that follows.
    let mut seal = None;
    for part in parts {
        match part {
            Part::ToolCall(call) => calls.push((call, seal.take())),
            Part::Thought(thought) => match thought.seal {
                Some(Seal::Call(signed, signature)) => {
                    let place = match signed.is_late {
                        true => calls.last_mut().map(|(_, seal)| seal),
                        false => Some(&mut seal),
                    };
                    // There is room for one.
                    if place.is_none_or(|place| place.replace((signed.by, signature)).is_some()) {
                        dropped.note("thinking");
                    }
                }
                Some(Seal::Content) => thoughts.push(thought.text),
                _ => dropped.note("thinking"),
            },
            other => said.push(other),
        }
    }
    if seal.is_some() {
        // Its call is gone.
        dropped.note("thinking");
    }
    let content = content(said, dropped);
    if content.is_none() && calls.is_empty() {
        return None;
    }
    let mut out = Object::new().with("role", "assistant");
    out.push("content", content.unwrap_or(Json::NULL));
    if !thoughts.is_empty() {
        out.push("reasoning_content", Text::joined(&thoughts, "\n\n"));
    }
    if !calls.is_empty() {
        let calls = calls.into_iter();
        let calls = calls.map(|(call, seal)| tool_call(call, seal, names).into());
        out.push("tool_calls", calls.collect::<Vec<Json<'_>>>());
    }
    Some(out.into())
}

/// A call, and what seals it.
fn tool_call<'a>(
    call: ToolCall<'a>,
    seal: Option<(Signer, Text<'a>)>,
    names: &mut Names,
) -> Object<'a> {
    let arguments = call.some_arguments();
    let function = Object::new()
        .with("name", names.fit(call.name))
        .with("arguments", arguments);
    let extra = seal.map(|(by, signature)| {
        let signed = Object::new().with("thought_signature", signature);
        Object::new().with(by.word(), signed)
    });
    Object::new()
        .with("id", call.id)
        .with("type", "function")
        .with("function", function)
        .with_some("extra_content", extra)
}
