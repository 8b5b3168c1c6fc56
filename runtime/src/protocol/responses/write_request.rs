//! A request to a Responses endpoint. Nothing is stored there: the client knows
//! no way to build on it or to delete it.

use super::super::chat::{effort_word, fitting_user, parameters, push_sampling};
use super::super::json::{Json, Object, Text};
use super::super::names::Names;
use super::super::neutral::{
    Detail, Dropped, Format, Message, Part, Request, Role, Seal, Source, Tool, ToolChoice,
    ToolResult,
};

/// Least limit of an answer that is taken.
const LEAST_TOKENS: u64 = 16;

/// Writes a request for this model; `names` shortens those of tools.
pub fn write_request(
    mut request: Request<'_>,
    model: &str,
    names: &mut Names,
    dropped: &mut Dropped,
) -> String {
    request.name_calls();
    let thinks = request.thinks();
    let mut out = Object::new().with("model", model);
    let system: Vec<Text<'_>> = request
        .system
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    if !system.is_empty() {
        out.push("instructions", Text::joined(&system, "\n\n"));
    }
    let mut input = Vec::with_capacity(request.messages.len());
    for one in request.messages {
        message(one, names, &mut input, dropped);
    }
    out.push("input", input);
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
        out.push("max_output_tokens", limit.max(LEAST_TOKENS));
    }
    let sampling = [request.temperature, request.top_p, request.top_k];
    push_sampling(sampling, &mut out, dropped);
    if !request.stop.is_empty() {
        dropped.note("stop");
    }
    let effort = request.thinking.and_then(effort_word);
    if thinks {
        let reasoning = Object::new()
            .with_some("effort", effort)
            .with("summary", "auto");
        out.push("reasoning", reasoning);
        out.push("include", vec!["reasoning.encrypted_content".into()]);
    } else if let Some(none) = effort {
        out.push("reasoning", Object::new().with("effort", none));
    }
    if let Some(format) = request.format {
        out.push("text", Object::new().with("format", text_format(format)));
    }
    if let Some(user) = fitting_user(request.user, dropped) {
        out.push("safety_identifier", user);
    }
    out.push("store", false);
    if request.stream {
        out.push("stream", true);
    }
    out.written()
}

fn tool<'a>(tool: Tool<'a>, names: &mut Names) -> Object<'a> {
    Object::of_type("function")
        .with("name", names.fit(tool.name))
        .with_some("description", tool.description)
        .with("parameters", parameters(tool.schema))
        // Left out, it would be on.
        .with("strict", tool.strict == Some(true))
}

fn tool_choice<'a>(choice: ToolChoice<'a>, names: &mut Names) -> Json<'a> {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::Any => "required".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Named(name) => Object::of_type("function")
            .with("name", names.fit(name))
            .into(),
    }
}

fn text_format<'a>(format: Format<'a>) -> Object<'a> {
    match format {
        Format::Object => Object::of_type("json_object"),
        Format::Schema {
            name,
            schema,
            strict,
        } => Object::of_type("json_schema")
            .with("name", name.unwrap_or_else(|| "answer".into()))
            .with("schema", schema)
            .with("strict", strict == Some(true)),
    }
}

fn message<'a>(
    message: Message<'a>,
    names: &mut Names,
    out: &mut Vec<Json<'a>>,
    dropped: &mut Dropped,
) {
    match message.role {
        Role::Assistant => {
            for part in message.parts {
                out.extend(assistant(part, names, dropped).map(Json::from));
            }
        }
        Role::User => {
            let (results, rest): (Vec<_>, Vec<_>) = message
                .parts
                .into_iter()
                .partition(|part| matches!(part, Part::ToolResult(_)));
            for part in results {
                if let Part::ToolResult(result) = part {
                    out.push(tool_result(result).into());
                }
            }
            said("user", rest, out);
        }
        Role::System => said("developer", message.parts, out),
    }
}

fn said<'a>(role: &'static str, parts: Vec<Part<'a>>, out: &mut Vec<Json<'a>>) {
    let content: Vec<Json<'a>> = parts.into_iter().filter_map(input_part).collect();
    if !content.is_empty() {
        let message = Object::of_type("message").with("role", role);
        out.push(message.with("content", content).into());
    }
}

fn input_part<'a>(part: Part<'a>) -> Option<Json<'a>> {
    let item = match part {
        Part::Text(text, _) | Part::Refusal(text) if text.is_empty() => return None,
        Part::Text(text, _) | Part::Refusal(text) => {
            Object::of_type("input_text").with("text", text)
        }
        Part::Image(source, detail) => Object::of_type("input_image")
            .with("image_url", source.to_url())
            .with("detail", detail.map_or("auto", Detail::word)),
        Part::Document(Source::Url(url), _) => Object::of_type("input_file").with("file_url", url),
        Part::Document(source, name) => Object::of_type("input_file")
            .with("filename", name.unwrap_or_else(|| "document.pdf".into()))
            .with("file_data", source.to_url()),
        Part::ToolCall(_) | Part::ToolResult(_) | Part::Thought(_) => return None,
    };
    Some(item.into())
}

fn tool_result<'a>(result: ToolResult<'a>) -> Object<'a> {
    let mut parts = result.parts;
    if result.is_error {
        // There is no field for it.
        parts.insert(0, Part::prose("Error: "));
    }
    let texts: Option<Vec<Text<'a>>> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text, _) => Some(text.clone()),
            _ => None,
        })
        .collect();
    let output: Json<'a> = match texts {
        Some(texts) if result.is_error => Text::joined(&texts, "").into(),
        Some(texts) => Text::joined(&texts, "\n\n").into(),
        None => parts
            .into_iter()
            .filter_map(input_part)
            .collect::<Vec<_>>()
            .into(),
    };
    Object::of_type("function_call_output")
        .with("call_id", result.id)
        .with("output", output)
}

fn assistant<'a>(part: Part<'a>, names: &mut Names, dropped: &mut Dropped) -> Option<Object<'a>> {
    let message = |part: Object<'a>| {
        Object::of_type("message")
            .with("role", "assistant")
            .with("content", vec![part.into()])
    };
    Some(match part {
        Part::Text(text, _) if text.is_empty() => return None,
        Part::Text(text, _) => message(Object::of_type("output_text").with("text", text)),
        Part::Refusal(text) => message(Object::of_type("refusal").with("refusal", text)),
        Part::ToolCall(call) => Object::of_type("function_call")
            .with("arguments", call.some_arguments())
            .with("call_id", call.id)
            .with("name", names.fit(call.name)),
        Part::Thought(thought) => match thought.seal {
            Some(Seal::Encrypted(id, content)) => {
                let text = Some(thought.text).filter(|text| !text.is_empty());
                let summary =
                    text.map(|text| Object::of_type("summary_text").with("text", text).into());
                Object::of_type("reasoning")
                    .with("id", id)
                    .with("summary", summary.into_iter().collect::<Vec<Json<'a>>>())
                    .with("encrypted_content", content)
            }
            _ => {
                dropped.note("thinking");
                return None;
            }
        },
        Part::Image(..) | Part::Document(..) | Part::ToolResult(_) => return None,
    })
}
