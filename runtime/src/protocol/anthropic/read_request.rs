//! A request of a Messages client.

use super::super::json::{Json, Text};
use super::super::neutral::{
    Dropped, Effort, Format, Part, Request, Role, Seal, Source, Thinking, Thought, Tool, ToolCall,
    ToolChoice, ToolResult,
};
use super::super::place::{Place, Said};
use super::super::translate::Unreadable;

/// Where the conversation stands.
const MESSAGES: Place<'static> = Place::Field("messages");

/// Blocks that are read here, and their fields.
const BLOCKS: [(&str, &[&str]); 8] = [
    ("text", &["text"]),
    ("image", &["source"]),
    ("tool_use", &["id", "name", "input"]),
    ("tool_result", &["tool_use_id", "content", "is_error"]),
    ("thinking", &["thinking", "signature"]),
    ("redacted_thinking", &["data"]),
    ("search_result", &["title", "source", "content"]),
    ("tool_reference", &["tool_name"]),
];

/// Reads a request whose text was parsed with [`OPAQUE`](super::OPAQUE).
///
/// # Errors
/// When there is no conversation in it, or something else in a place of one.
pub fn read_request<'a>(body: &Json<'a>, dropped: &mut Dropped) -> Result<Request<'a>, Unreadable> {
    let mut request = Request::default();
    let mut effort = None;
    for (name, value) in body.members() {
        let field = Some(value);
        match &**name {
            "model" | "messages" => {}
            "system" => request.system = system(value, dropped)?,
            "tools" => {
                let items = dropped.read("tools", field, Json::list).unwrap_or_default();
                let tools = items.iter().filter_map(|item| tool(item, dropped));
                request.tools = tools.collect();
            }
            "tool_choice" => tool_choice(value, &mut request, dropped),
            "max_tokens" => request.max_tokens = dropped.read("max_tokens", field, Json::count),
            "temperature" => request.temperature = Some(value.clone()),
            "top_p" => request.top_p = Some(value.clone()),
            "top_k" => request.top_k = Some(value.clone()),
            "stop_sequences" => {
                let items = dropped.read("stop_sequences", field, Json::list);
                let texts = items.unwrap_or_default().iter().map(Some);
                request.stop = texts
                    .filter_map(|text| dropped.read("stop_sequences", text, Json::text))
                    .cloned()
                    .collect();
            }
            "stream" => request.stream = dropped.read("stream", field, Json::flag) == Some(true),
            "metadata" => request.user = user(value, dropped),
            "thinking" => request.thinking = thinking(value, dropped),
            "output_config" => effort = output_config(value, &mut request, dropped),
            "output_format" => request.format = dropped.read("output_format", field, format),
            _ if value.is_nothing() => {}
            other => dropped.note_field("", other),
        }
    }
    match (request.thinking, effort) {
        (_, None) | (Some(Thinking::Off), _) => {}
        (Some(_), effort) => request.thinking = Some(Thinking::Effort(effort)),
        // Without thinking it is the effort of the answer alone.
        (None, Some(_)) => dropped.note("output_config.effort"),
    }
    let messages = body.get("messages").ok_or_else(|| MESSAGES.is("missing"))?;
    let Json::List(messages) = messages else {
        return Err(MESSAGES.is("not a list"));
    };
    if messages.is_empty() {
        return Err(MESSAGES.is("empty"));
    }
    for (at, message) in MESSAGES.objects(messages)? {
        let place = Place::Item(&MESSAGES, at);
        let role = dropped.read("messages.role", message.get("role"), role);
        let fields = ["role", "content", "output_config"];
        dropped.note_unknown("messages.", message, &fields);
        if !repeats(message.get("output_config"), body.get("output_config")) {
            dropped.note("messages.output_config");
        }
        let said = content(message, &place, dropped)?;
        request.say(role.unwrap_or(Role::User), said);
    }
    Ok(request)
}

fn role(role: &Json<'_>) -> Option<Role> {
    Some(match &*role.text()?.plain() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return None,
    })
}

/// The parts of the content of what stands at a place: a message, the result of a tool or
/// the source of a document.
fn content<'a>(
    holder: &Json<'a>,
    place: &Place<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Part<'a>>, Unreadable> {
    let place = Place::Member(place, "content");
    let blocks = match place.said(holder.get("content"))? {
        Said::Text(text) => return Ok(vec![Part::prose(text.clone())]),
        Said::List(blocks) => blocks,
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in place.objects(blocks)? {
        let place = Place::Item(&place, at);
        if block.get("type").is_some_and(|kind| kind.is("document")) {
            parts.extend(document(block, &place, dropped)?);
        } else {
            parts.extend(part(block, &place, dropped)?);
        }
    }
    Ok(parts)
}

fn part<'a>(
    block: &Json<'a>,
    place: &Place<'_>,
    dropped: &mut Dropped,
) -> Result<Option<Part<'a>>, Unreadable> {
    let kind = block.text_at("type").unwrap_or_default();
    let kind = &*kind.plain();
    let Some((_, fields)) = BLOCKS.iter().find(|(known, _)| *known == kind) else {
        dropped.note_field("content.", kind);
        return Ok(None);
    };
    note_rest("content.", block, fields, dropped);
    let mut text_at = |name| {
        let text = dropped.text_at("content.", block, name);
        text.unwrap_or_default()
    };
    Ok(Some(match kind {
        "text" => Part::prose(text_at("text")),
        "image" => {
            let from = source(block.get("source").unwrap_or(&Json::NULL), dropped);
            return Ok(from.map(|from| Part::Image(from, None)));
        }
        "tool_use" => Part::ToolCall(ToolCall {
            id: text_at("id"),
            name: text_at("name"),
            arguments: arguments(block.get("input")),
        }),
        "tool_result" => Part::ToolResult(ToolResult {
            id: text_at("tool_use_id"),
            parts: content(block, place, dropped)?,
            is_error: dropped.read("content.is_error", block.get("is_error"), Json::flag)
                == Some(true),
        }),
        "thinking" => Part::Thought(Thought {
            text: text_at("thinking"),
            seal: Seal::from_signature(text_at("signature")),
        }),
        "redacted_thinking" => Part::Thought(Thought {
            text: Text::default(),
            seal: Some(Seal::Redacted(text_at("data"))),
        }),
        "search_result" => {
            let mut texts = vec![text_at("title"), text_at("source")];
            let within = Place::Member(place, "content");
            texts.extend(texts_of(block.get("content"), &within, dropped)?);
            Part::prose(Text::joined(&texts, "\n"))
        }
        "tool_reference" => {
            let note = ["[tool ".into(), text_at("tool_name"), "]".into()];
            Part::prose(Text::joined(&note, ""))
        }
        _ => return Ok(None),
    }))
}

/// Notes what a block, a tool or a system text has besides these fields.
fn note_rest(within: &str, block: &Json<'_>, fields: &[&str], dropped: &mut Dropped) {
    for (name, value) in block.members() {
        match &**name {
            _ if value.is_nothing() => {}
            // Marks that only this protocol has, wherever they stand.
            "cache_control" | "citations" => dropped.note_field("", name),
            "type" => {}
            name if fields.contains(&name) => {}
            name => dropped.note_field(within, name),
        }
    }
}

/// The JSON text of a call's arguments.
pub(crate) fn arguments<'a>(input: Option<&Json<'a>>) -> Text<'a> {
    match input {
        Some(Json::Raw(std::borrow::Cow::Borrowed(raw))) => Text::from_plain(raw),
        Some(other) => Text::from_string(other.written()),
        None => "{}".into(),
    }
}

fn source<'a>(source: &Json<'a>, dropped: &mut Dropped) -> Option<Source<'a>> {
    let kind = source.text_at("type").unwrap_or_default();
    let kind = &*kind.plain();
    let read = match kind {
        "base64" => source
            .text_at("media_type")
            .zip(source.text_at("data"))
            .map(|(media, data)| Source::Base64(media, data)),
        "url" => source.text_at("url").map(Source::Url),
        _ => None,
    };
    if read.is_none() {
        dropped.note_field("content.source.", kind);
    }
    read
}

/// A file behind what is said about it; one that is text is given as text, with its pictures
/// in their places.
fn document<'a>(
    block: &Json<'a>,
    place: &Place<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Part<'a>>, Unreadable> {
    note_rest("content.", block, &["title", "context", "source"], dropped);
    let title = dropped.text_at("content.", block, "title");
    let context = dropped
        .text_at("content.", block, "context")
        .filter(|text| !text.is_empty());
    let from = block.get("source").unwrap_or(&Json::NULL);
    let kind = from.text_at("type").unwrap_or_default();
    let within = match &*kind.plain() {
        "text" => {
            let text = dropped.text_at("content.source.", from, "data");
            text.map(Part::prose).into_iter().collect()
        }
        "content" => content(from, &Place::Member(place, "source"), dropped)?,
        _ => {
            let file = source(from, dropped).map(|source| Part::Document(source, title));
            return Ok(context.map(Part::prose).into_iter().chain(file).collect());
        }
    };
    let about = title.into_iter().chain(context).map(Part::prose);
    Ok(with_joined_texts(about.chain(within)))
}

/// Parts, with texts that follow each other as one, each on a line of its own.
fn with_joined_texts<'a>(parts: impl Iterator<Item = Part<'a>>) -> Vec<Part<'a>> {
    let mut out = Vec::new();
    let mut texts: Vec<Text<'a>> = Vec::new();
    let joined = |texts: &mut Vec<Text<'a>>| {
        let texts = std::mem::take(texts);
        (!texts.is_empty()).then(|| Part::prose(Text::joined(&texts, "\n")))
    };
    for part in parts {
        match part {
            Part::Text(text, _) => texts.push(text),
            other => {
                out.extend(joined(&mut texts));
                out.push(other);
            }
        }
    }
    out.extend(joined(&mut texts));
    out
}

/// The texts of a string or of a list of text blocks.
fn texts_of<'a>(
    content: Option<&Json<'a>>,
    place: &Place<'_>,
    dropped: &mut Dropped,
) -> Result<Vec<Text<'a>>, Unreadable> {
    match place.said(content)? {
        Said::Text(text) => Ok(vec![text.clone()]),
        Said::List(blocks) => {
            let blocks = place.objects(blocks)?;
            Ok(blocks
                .filter_map(|(_, block)| dropped.text_at("content.", block, "text"))
                .collect())
        }
    }
}

fn system<'a>(system: &Json<'a>, dropped: &mut Dropped) -> Result<Vec<Text<'a>>, Unreadable> {
    for block in system.items() {
        note_rest("system.", block, &["text"], dropped);
    }
    texts_of(Some(system), &Place::Field("system"), dropped)
}

fn tool<'a>(tool: &Json<'a>, dropped: &mut Dropped) -> Option<Tool<'a>> {
    match tool.text_at("type") {
        Some(kind) if !kind.is("custom") => {
            dropped.note_field("tools.", &kind.plain());
            return None;
        }
        _ => {}
    }
    let fields = ["name", "description", "input_schema", "strict"];
    note_rest("tools.", tool, &fields, dropped);
    let Some(name) = tool.text_at("name") else {
        dropped.note("tools");
        return None;
    };
    Some(Tool {
        name,
        description: dropped.text_at("tools.", tool, "description"),
        schema: tool.get("input_schema").cloned(),
        strict: dropped.read("tools.strict", tool.get("strict"), Json::flag),
    })
}

fn tool_choice<'a>(choice: &Json<'a>, request: &mut Request<'a>, dropped: &mut Dropped) {
    let chosen = |choice: &Json<'a>| match &*choice.text_at("type")?.plain() {
        "auto" => Some(ToolChoice::Auto),
        "any" => Some(ToolChoice::Any),
        "none" => Some(ToolChoice::None),
        "tool" => choice.text_at("name").map(ToolChoice::Named),
        _ => None,
    };
    request.tool_choice = dropped.read("tool_choice", Some(choice), chosen);
    let alone = choice.get("disable_parallel_tool_use");
    let alone = dropped.read("tool_choice.disable_parallel_tool_use", alone, Json::flag);
    request.parallel_tools = alone.map(|alone| !alone);
}

fn user<'a>(metadata: &Json<'a>, dropped: &mut Dropped) -> Option<Text<'a>> {
    dropped.read("metadata", Some(metadata), Json::object)?;
    for (name, value) in metadata.members() {
        if name != "user_id" && !value.is_nothing() {
            dropped.note_field("metadata.", name);
        }
    }
    dropped.text_at("metadata.", metadata, "user_id")
}

fn thinking(thinking: &Json<'_>, dropped: &mut Dropped) -> Option<Thinking> {
    let kind = dropped.read("thinking", Some(thinking), |it| it.text_at("type"))?;
    if kind.is("disabled") {
        return Some(Thinking::Off);
    }
    let budget = thinking.get("budget_tokens");
    let budget = dropped.read("thinking.budget_tokens", budget, Json::count);
    Some(budget.map_or(Thinking::Effort(None), Thinking::Budget))
}

/// Takes the form of the answer; the effort, if it says one.
fn output_config<'a>(
    config: &Json<'a>,
    request: &mut Request<'a>,
    dropped: &mut Dropped,
) -> Option<Effort> {
    dropped.read("output_config", Some(config), Json::object)?;
    let mut effort = None;
    for (name, value) in config.members() {
        let field = Some(value);
        match &**name {
            "format" => request.format = dropped.read("output_config.format", field, format),
            "effort" => {
                let word = |value: &Json<'_>| value.text().and_then(Effort::from_word);
                effort = dropped.read("output_config.effort", field, word);
            }
            _ if value.is_nothing() => {}
            other => dropped.note_field("output_config.", other),
        }
    }
    effort
}

/// Whether what a message says of the answer is said of all of them, as Claude Code says
/// its effort once more.
fn repeats(config: Option<&Json<'_>>, of_all: Option<&Json<'_>>) -> bool {
    let is_same = |name: &str, value| of_all.and_then(|all| all.get(name)) == Some(value);
    config.is_none_or(|config| match config {
        Json::Object(_) => config
            .members()
            .iter()
            .all(|(name, value)| value.is_nothing() || is_same(name, value)),
        other => other.is_nothing(),
    })
}

fn format<'a>(format: &Json<'a>) -> Option<Format<'a>> {
    let schema = format.get("schema")?.clone();
    Some(Format::Schema {
        name: None,
        schema,
        strict: None,
    })
}
