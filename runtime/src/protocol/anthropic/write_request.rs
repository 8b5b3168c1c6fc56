//! A request to a Messages endpoint.

use std::borrow::Cow;

use super::super::json::{Json, Object, Text};
use super::super::neutral::{
    Citation, Dropped, Effort, Format, Message, Part, Request, Role, Seal, Thinking, Tool,
    ToolChoice, ToolResult,
};
use super::{files, images, schema};

/// Tokens of an answer whose request names no limit, which this protocol asks
/// for: what every model that is still served can write.
const MAX_TOKENS: u64 = 8192;

/// Least budget of thinking that is taken.
const LEAST_BUDGET: u64 = 1024;

/// In place of a last message of nothing but white space.
const NOTHING_SAID: &str = "(empty)";

/// How thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Budget(u64),
    /// As far as the model likes, perhaps with a word for how far that is.
    Adaptive(Option<&'static str>),
}

/// Writes a request for this model, which takes thinking as `adaptive` or with a budget.
pub fn write_request(
    mut request: Request<'_>,
    model: &str,
    adaptive: bool,
    dropped: &mut Dropped,
) -> String {
    leave_out_blanks(&mut request, dropped);
    request.make_dialogue();
    request.name_calls();
    let (manner, max_tokens) = match adaptive {
        true => adaptively(&request, dropped),
        false => limits(&request, dropped),
    };
    let stream = request.stream;
    let mut out = Object::new()
        .with("model", model)
        .with("max_tokens", max_tokens);
    let mut config = Object::new();
    match manner {
        Some(Manner::Budget(budget)) => {
            let thinking = Object::of_type("enabled").with("budget_tokens", budget);
            out.push("thinking", thinking);
        }
        Some(Manner::Adaptive(effort)) => {
            out.push("thinking", Object::of_type("adaptive"));
            config = config.with_some("effort", effort);
        }
        None => {}
    }
    // Models that take no budget take none of these, thinking or not.
    sampling(&request, adaptive || manner.is_some(), &mut out, dropped);
    if let Some(user) = request.user {
        out.push("metadata", Object::new().with("user_id", user));
    }
    match request.format {
        Some(Format::Schema { schema, .. }) => {
            let schema = schema::fitting(schema, dropped);
            config.push(
                "format",
                Object::of_type("json_schema").with("schema", schema),
            );
        }
        Some(Format::Object) => dropped.note("response_format"),
        None => {}
    }
    let config = Json::from(config);
    if !config.is_nothing() {
        out.push("output_config", config);
    }
    if !request.tools.is_empty() {
        let tools = request.tools.into_iter().map(|one| tool(one, dropped));
        out.push("tools", tools.collect::<Vec<_>>());
        if let Some(choice) = tool_choice(request.tool_choice, request.parallel_tools) {
            out.push("tool_choice", choice);
        }
    }
    let (system, messages) = conversation(request.system, request.messages, dropped);
    if !system.is_empty() {
        out.push("system", system);
    }
    out.push("messages", messages);
    if stream {
        out.push("stream", true);
    }
    out.written()
}

/// Leaves out text without a character that is seen. A model to which nothing else was said
/// last is told so, or it would go on with its own words.
fn leave_out_blanks(request: &mut Request<'_>, dropped: &mut Dropped) {
    let asks = request.ends_with_user();
    for message in &mut request.messages {
        message.parts.retain(|part| !is_blank(part));
    }
    request.messages.retain(|message| !message.parts.is_empty());
    if asks && !request.messages.is_empty() && !request.ends_with_user() {
        dropped.note("messages.content");
        request.say(Role::User, vec![Part::prose(NOTHING_SAID)]);
    }
}

/// Tokens of thinking that a request asks for, if any.
fn wanted(request: &Request<'_>) -> Option<u64> {
    match request.thinking? {
        Thinking::Effort(effort) => Some(effort.unwrap_or(Effort::Medium).budget()),
        Thinking::Budget(budget) => Some(budget.max(LEAST_BUDGET)),
        Thinking::Off | Thinking::None => None,
    }
}

/// Whether a tool has to be called, before which nothing is thought.
fn is_forced(request: &Request<'_>) -> bool {
    matches!(
        request.tool_choice,
        Some(ToolChoice::Any | ToolChoice::Named(_))
    )
}

/// The effort of thinking, if there is to be any, and the limit of the answer. Without a
/// budget thinking fits into any limit, and may begin in the middle of calls.
fn adaptively(request: &Request<'_>, dropped: &mut Dropped) -> (Option<Manner>, u64) {
    let beside = wanted(request).unwrap_or_default();
    let limit = request
        .max_tokens
        .unwrap_or(MAX_TOKENS.saturating_add(beside));
    let effort = match request.thinking {
        Some(Thinking::Off | Thinking::None) | None => return (None, limit),
        Some(Thinking::Effort(effort)) => effort,
        Some(Thinking::Budget(budget)) => Some(Effort::of_budget(budget)),
    };
    if is_forced(request) {
        dropped.note("thinking");
        return (None, limit);
    }
    (Some(Manner::Adaptive(effort.map(Effort::adaptive))), limit)
}

/// The budget of thinking, if there is to be any, and the limit of the answer, which holds it.
fn limits(request: &Request<'_>, dropped: &mut Dropped) -> (Option<Manner>, u64) {
    let Some(wanted) = wanted(request) else {
        return (None, request.max_tokens.unwrap_or(MAX_TOKENS));
    };
    let limit = request
        .max_tokens
        .unwrap_or(MAX_TOKENS.saturating_add(wanted));
    if limit <= LEAST_BUDGET || is_forced(request) || is_in_the_middle(request) {
        dropped.note("thinking");
        return (None, limit);
    }
    // Half of a limit that is not above the budget stays for the answer.
    let budget = if wanted < limit {
        wanted
    } else {
        (limit / 2).max(LEAST_BUDGET)
    };
    (Some(Manner::Budget(budget)), limit)
}

/// Whether results are given for calls that no thinking of this maker led to;
/// it takes up thinking only where it has thought before.
fn is_in_the_middle(request: &Request<'_>) -> bool {
    let [.., calls, results] = request.messages.as_slice() else {
        return false;
    };
    let gives_results = results
        .parts
        .iter()
        .any(|part| matches!(part, Part::ToolResult(_)));
    let is_sealed = |part: &Part<'_>| matches!(part, Part::Thought(thought) if matches!(thought.seal, Some(Seal::Signature(_) | Seal::Redacted(_))));
    gives_results && calls.role == Role::Assistant && !calls.parts.first().is_some_and(is_sealed)
}

/// Temperature and its like; a model that thinks takes none of them.
fn sampling<'a>(request: &Request<'a>, thinks: bool, out: &mut Object<'a>, dropped: &mut Dropped) {
    let number = |value: &Json<'_>| value.raw().and_then(|raw| raw.parse::<f64>().ok());
    if let Some(temperature) = request
        .temperature
        .as_ref()
        .filter(|value| !value.is_null())
    {
        match number(temperature) {
            Some(degree) if thinks => {
                if degree != 1.0 {
                    dropped.note("temperature");
                }
            }
            // The scale ends at 1 here and at 2 elsewhere.
            Some(degree) if degree > 1.0 => {
                dropped.note("temperature");
                out.push("temperature", 1u64);
            }
            _ => out.push("temperature", temperature.clone()),
        }
    }
    if let Some(top_p) = request.top_p.as_ref().filter(|value| !value.is_null()) {
        // One of the two is taken, not both.
        if thinks || out.get("temperature").is_some() {
            if number(top_p) != Some(1.0) {
                dropped.note("top_p");
            }
        } else {
            out.push("top_p", top_p.clone());
        }
    }
    match request.top_k.as_ref().filter(|value| !value.is_null()) {
        Some(_) if thinks => dropped.note("top_k"),
        Some(top_k) => out.push("top_k", top_k.clone()),
        None => {}
    }
    let stop: Vec<Json<'a>> = request
        .stop
        .iter()
        .filter(|stop| !stop.plain().trim().is_empty())
        .map(|stop| stop.clone().into())
        .collect();
    if stop.len() < request.stop.len() {
        dropped.note("stop");
    }
    if !stop.is_empty() {
        out.push("stop_sequences", stop);
    }
}

fn tool<'a>(tool: Tool<'a>, dropped: &mut Dropped) -> Json<'a> {
    if tool.strict == Some(true) {
        dropped.note("tools.strict");
    }
    let schema = match tool.schema {
        Some(schema) if is_object_schema(&schema) => schema,
        Some(Json::Object(mut schema)) => {
            schema.set("type", "object");
            schema.into()
        }
        _ => Object::of_type("object")
            .with("properties", Object::new())
            .into(),
    };
    Object::new()
        .with("name", tool.name)
        .with_some("description", tool.description)
        .with("input_schema", schema)
        .into()
}

/// Whether a schema says that it is one of an object, which this protocol asks for.
fn is_object_schema(schema: &Json<'_>) -> bool {
    match schema {
        Json::Raw(raw) => Json::parse(raw, &["properties"])
            .is_ok_and(|schema| schema.get("type").is_some_and(|kind| kind.is("object"))),
        other => other.get("type").is_some_and(|kind| kind.is("object")),
    }
}

fn tool_choice<'a>(choice: Option<ToolChoice<'a>>, parallel: Option<bool>) -> Option<Object<'a>> {
    let alone = parallel.filter(|parallel| !parallel).map(|_| true);
    let choice = match choice {
        None | Some(ToolChoice::Auto) => {
            alone?;
            Object::of_type("auto")
        }
        Some(ToolChoice::Any) => Object::of_type("any"),
        Some(ToolChoice::None) => return Some(Object::of_type("none")),
        Some(ToolChoice::Named(name)) => Object::of_type("tool").with("name", name),
    };
    Some(choice.with_some("disable_parallel_tool_use", alone))
}

/// The system texts, and the conversation.
fn conversation<'a>(
    system: Vec<Text<'a>>,
    messages: Vec<Message<'a>>,
    dropped: &mut Dropped,
) -> (Vec<Json<'a>>, Vec<Json<'a>>) {
    let mut texts = system;
    let mut turns: Vec<(Role, Vec<Json<'a>>)> = Vec::with_capacity(messages.len());
    for message in messages {
        let parts = message.parts.into_iter();
        let blocks = parts.filter_map(|part| block(part, dropped));
        turns.push((message.role, blocks.collect()));
    }
    texts.retain(|text| !text.is_blank());
    turns.retain(|(_, blocks)| !blocks.is_empty());
    if let Some((Role::Assistant, blocks)) = turns.last_mut() {
        trim_end(blocks);
    }
    let prose = |text: Text<'a>| Json::from(Object::of_type("text").with("text", text));
    if turns.is_empty()
        && let Some(last) = texts.pop()
    {
        // A conversation needs somebody who begins it.
        turns.push((Role::User, vec![prose(last)]));
    }
    let turn = |(role, blocks): (Role, Vec<Json<'a>>)| {
        let role = if role == Role::Assistant {
            "assistant"
        } else {
            "user"
        };
        Json::from(Object::new().with("role", role).with("content", blocks))
    };
    (
        texts.into_iter().map(prose).collect(),
        turns.into_iter().map(turn).collect(),
    )
}

/// Takes off the white space at the end, with which no answer that the model is to go on with
/// is taken.
fn trim_end(blocks: &mut [Json<'_>]) {
    let last = blocks.last_mut().and_then(Json::object_mut);
    if let Some(Json::Text(text)) = last.and_then(|last| last.get_mut("text")) {
        let plain = text.plain();
        let trimmed = plain.trim_end();
        if trimmed.len() < plain.len() {
            *text = Text::from_string(trimmed.to_owned());
        }
    }
}

/// Whether it is text without a character that is seen, which is refused.
fn is_blank(part: &Part<'_>) -> bool {
    matches!(part, Part::Text(text, _) | Part::Refusal(text) if text.is_blank())
}

fn block<'a>(part: Part<'a>, dropped: &mut Dropped) -> Option<Json<'a>> {
    let block = match part {
        Part::Text(text, _) | Part::Refusal(text) => Object::of_type("text").with("text", text),
        Part::Image(from, detail) => images::image(from, detail, dropped),
        Part::Document(from, title) => files::document(from, title, dropped),
        Part::ToolCall(call) => Object::of_type("tool_use")
            .with("id", id(&call.id))
            .with("name", call.name)
            .with("input", input(&call.arguments)),
        Part::ToolResult(result) => tool_result(result, dropped),
        Part::Thought(thought) => match thought.seal {
            Some(Seal::Signature(signature)) => Object::of_type("thinking")
                .with("thinking", thought.text)
                .with("signature", signature),
            Some(Seal::Redacted(data)) => Object::of_type("redacted_thinking").with("data", data),
            _ => {
                dropped.note("thinking");
                return None;
            }
        },
    };
    Some(block.into())
}

fn tool_result<'a>(result: ToolResult<'a>, dropped: &mut Dropped) -> Object<'a> {
    let mut blocks: Vec<Json<'a>> = Vec::new();
    for part in result.parts {
        if !is_blank(&part) {
            blocks.extend(block(part, dropped));
        }
    }
    let out = Object::of_type("tool_result").with("tool_use_id", id(&result.id));
    let out = if blocks.is_empty() {
        out
    } else {
        out.with("content", blocks)
    };
    out.with_some("is_error", result.is_error.then_some(true))
}

/// An id with nothing in it that this protocol refuses. Where something had to be replaced,
/// a hash of it all keeps different ids different.
fn id<'a>(id: &Text<'a>) -> Text<'a> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let whole = id.plain();
    if whole.is_empty() {
        return "call".into();
    }
    if whole.chars().all(is_plain) {
        return id.clone();
    }
    let plain = |c: char| if is_plain(c) { c } else { '_' };
    let beginning: String = whole.chars().map(plain).collect();
    let hash = blake3::hash(whole.as_bytes()).to_hex();
    Text::from_string(format!("{beginning}_{}", &hash[..8]))
}

/// The arguments of a call as an object; what is none is kept as text in one.
pub(super) fn input<'a>(arguments: &Text<'_>) -> Json<'a> {
    let plain = arguments.plain();
    if plain.trim().is_empty() {
        return Object::new().into();
    }
    match Json::parse(&plain, &[]) {
        Ok(Json::Object(_)) => Json::Raw(Cow::Owned(plain.into_owned())),
        _ => {
            let mut out = Object::new();
            out.push("arguments", Text::from_string(plain.into_owned()));
            out.into()
        }
    }
}

/// A source of text as this protocol's answers name it.
pub(super) fn citation<'a>(citation: Citation<'a>) -> Object<'a> {
    Object::of_type("web_search_result_location")
        .with("url", citation.url)
        .with_some("title", citation.title)
        .with("cited_text", citation.quote.unwrap_or_default())
        .with("encrypted_index", "")
}
