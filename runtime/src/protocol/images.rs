//! Images out of a request, and a tool in, by which the model that does not see
//! them asks about them.
//!
//! The request stays in its client's protocol, with all that is unknown here in
//! its place. An image that only its endpoint can fetch stays where it is.

mod turn;

use super::Protocol;
use super::json::{Json, Object, Text};
use super::neutral::Source;
use super::translate::opaque;

pub use turn::add_turn;

/// What the tool is called (claude-trigger-router 1.7.0), and what where the client
/// has one of that name.
const NAMES: [&str; 2] = ["analyzeImage", "ctr_analyzeImage"];

const DESCRIPTION: &str = "Looks at images of this conversation, which stand in it as \
    [Image #n], and answers a question about them.";

const SCHEMA: &str = r##"{"type":"object","properties":{"imageId":{"type":"array","items":{"type":"string"},"description":"The numbers of the images: \"1\" for [Image #1]"},"task":{"type":"string","description":"What is to be found out, with all that is needed to answer it"},"regions":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"x":{"type":"number"},"y":{"type":"number"},"w":{"type":"number"},"h":{"type":"number"},"units":{"type":"string","enum":["px","pct"]}}},"description":"Parts of the images to look at, if not at all of them"}},"required":["imageId","task"]}"##;

/// An image that was taken out.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Where it is.
    pub source: Source<'static>,
    /// Of what it is, or of its address.
    pub hash: [u8; 32],
}

/// A request without its images.
#[derive(Debug)]
pub struct Taken {
    /// In the client's protocol.
    pub body: String,
    /// The images, `[Image #1]` first.
    pub images: Vec<Image>,
    /// What the tool is called in it.
    pub tool: &'static str,
    /// Whether the answer was to be kept where it is made, and is not.
    pub is_not_kept: bool,
}

/// Takes the images out of a request; none where there are none, or it is no
/// request.
pub fn take(body: &[u8], protocol: Protocol) -> Option<Taken> {
    let mut json = Json::read(body, opaque(protocol)).ok()?;
    let object = json.object_mut()?;
    let mut images = Vec::new();
    let list = match protocol {
        Protocol::Responses => "input",
        Protocol::Messages | Protocol::Chat => "messages",
    };
    for message in object.get_mut(list).and_then(Json::items_mut)? {
        for name in ["content", "output"] {
            let parts = message.object_mut().and_then(|it| it.get_mut(name));
            parts.into_iter().for_each(|it| parts_of(it, &mut images));
        }
    }
    if images.is_empty() {
        return None;
    }
    let tool = name_of_tool(object.get("tools"));
    add_tool(object, protocol, tool);
    add_note(object, protocol, &note(tool));
    let is_not_kept =
        protocol == Protocol::Responses && object.get("store").and_then(Json::flag) != Some(false);
    if is_not_kept {
        object.set("store", false);
    }
    Some(Taken {
        body: json.written(),
        images,
        tool,
        is_not_kept,
    })
}

/// Puts texts in place of the images in a list, and in the results of tools in it.
fn parts_of<'a>(list: &mut Json<'a>, images: &mut Vec<Image>) {
    for part in list.items_mut().into_iter().flatten() {
        let kind = part.text_at("type").unwrap_or_default();
        if kind.is("tool_result") {
            let inner = part.object_mut().and_then(|it| it.get_mut("content"));
            inner.into_iter().for_each(|it| parts_of(it, images));
            continue;
        }
        let Some(source) = source(part, &kind) else {
            continue;
        };
        images.push(image(&source));
        let text = format!(
            "[Image #{}] (an image that is not shown to you)",
            images.len()
        );
        let kind = if kind.is("input_image") {
            "input_text"
        } else {
            "text"
        };
        let cached = part.get("cache_control").cloned();
        *part = Object::of_type(kind)
            .with("text", Text::from_string(text))
            .with_some("cache_control", cached)
            .into();
    }
}

/// Where the image is that a part shows; none of another part.
fn source<'a>(part: &Json<'a>, kind: &Text<'a>) -> Option<Source<'a>> {
    match &*kind.plain() {
        "image" => {
            let source = part.get("source")?;
            let kind = source.text_at("type")?;
            match &*kind.plain() {
                "base64" => {
                    let media = source.text_at("media_type")?;
                    Some(Source::Base64(media, source.text_at("data")?))
                }
                "url" => source.text_at("url").map(Source::Url),
                _ => None,
            }
        }
        "image_url" => match part.get("image_url")? {
            Json::Text(url) => Some(Source::from_url(url.clone())),
            object => object.text_at("url").map(Source::from_url),
        },
        "input_image" => part.text_at("image_url").map(Source::from_url),
        _ => None,
    }
}

fn image(source: &Source<'_>) -> Image {
    let (source, content) = match source {
        Source::Base64(media, data) => (
            Source::Base64(media.clone().into_owned(), data.clone().into_owned()),
            data,
        ),
        Source::Url(url) => (Source::Url(url.clone().into_owned()), url),
    };
    Image {
        source,
        hash: blake3::hash(content.plain().as_bytes()).into(),
    }
}

fn name_of_tool(tools: Option<&Json<'_>>) -> &'static str {
    let is_taken = tools
        .map(Json::items)
        .unwrap_or_default()
        .iter()
        .any(|tool| {
            let function = tool.get("function").unwrap_or(tool);
            function.get("name").is_some_and(|name| name.is(NAMES[0]))
        });
    NAMES[usize::from(is_taken)]
}

fn note(tool: &str) -> String {
    format!(
        "Images of this conversation are not shown to you; each stands in it as [Image #1], \
         [Image #2] and so on. When you need to know what one shows, call the tool `{tool}` \
         with its number and what you want to know. Do not guess what an image shows, and do \
         not speak of the tool."
    )
}

fn add_tool(body: &mut Object<'_>, protocol: Protocol, name: &'static str) {
    let schema = || Json::Raw(SCHEMA.into());
    let described = || {
        Object::new()
            .with("name", name)
            .with("description", DESCRIPTION)
    };
    let tool = match protocol {
        Protocol::Messages => described().with("input_schema", schema()),
        Protocol::Chat => {
            let function = described().with("parameters", schema());
            Object::of_type("function").with("function", function)
        }
        Protocol::Responses => Object::of_type("function")
            .with("name", name)
            .with("description", DESCRIPTION)
            .with("parameters", schema())
            .with("strict", false),
    };
    match body.get_mut("tools").and_then(Json::items_mut) {
        Some(tools) => tools.push(tool.into()),
        None => body.set("tools", vec![tool.into()]),
    }
}

/// Puts a text behind what the operator says first.
fn add_note(body: &mut Object<'_>, protocol: Protocol, note: &str) {
    let note = Text::from_string(note.to_owned());
    let behind = |text: &Text<'_>| {
        let whole = [text.clone().into_owned(), note.clone()];
        Text::joined(&whole, "\n\n")
    };
    match protocol {
        Protocol::Messages => match body.get_mut("system") {
            Some(Json::List(blocks)) => {
                blocks.push(Object::of_type("text").with("text", note).into());
            }
            Some(Json::Text(system)) => *system = behind(system),
            _ => body.set("system", note),
        },
        Protocol::Chat => {
            let message = Object::new().with("role", "system").with("content", note);
            if let Some(messages) = body.get_mut("messages").and_then(Json::items_mut) {
                let is_operators = |message: &Json<'_>| {
                    let role = message.text_at("role").unwrap_or_default();
                    role.is("system") || role.is("developer")
                };
                let others = messages.iter().position(|message| !is_operators(message));
                messages.insert(others.unwrap_or(messages.len()), message.into());
            }
        }
        Protocol::Responses => match body.get_mut("instructions") {
            Some(Json::Text(instructions)) => *instructions = behind(instructions),
            _ => body.set("instructions", note),
        },
    }
}

#[cfg(test)]
mod tests;
