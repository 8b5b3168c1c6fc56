//! Calls of tools and their results as they are told to a model that has no tools.

use super::super::anthropic;
use super::super::json::{Json, Object, Text};

/// In a result without words.
const BESIDE: &str = "attached below";

/// Parts of text, by the protocol and who says it.
const PROSE: [&str; 3] = ["text", "input_text", "output_text"];

/// A call as text.
pub(super) fn call<'a>(name: Text<'a>, arguments: Text<'a>) -> Text<'a> {
    let parts = [
        "[tool call: ".into(),
        name,
        "(".into(),
        arguments,
        ")]".into(),
    ];
    Text::joined(&parts, "")
}

/// What a call is made with; its JSON where it is no text.
pub(super) fn arguments<'a>(arguments: Option<&Json<'a>>) -> Text<'a> {
    match arguments {
        Some(Json::Text(text)) => text.clone(),
        Some(other) if !other.is_null() => anthropic::arguments(Some(other)),
        _ => Text::default(),
    }
}

/// What a message says, or a tool answers.
#[derive(Default)]
pub(super) struct Said<'a> {
    pub(super) texts: Vec<Text<'a>>,
    /// Pictures, files and whatever else is not text.
    pub(super) others: Vec<Json<'a>>,
}

impl<'a> Said<'a> {
    /// Of a string or a list of parts; what is neither is taken as its JSON.
    pub(super) fn of(content: Option<&Json<'a>>) -> Self {
        let mut said = Self::default();
        match content {
            Some(Json::List(parts)) => parts.iter().for_each(|part| said.add(part)),
            Some(other) => said.add(other),
            None => {}
        }
        said
    }

    fn add(&mut self, part: &Json<'a>) {
        let is_prose = part
            .get("type")
            .is_none_or(|kind| PROSE.iter().any(|prose| kind.is(prose)));
        if !is_prose {
            self.others.push(part.clone());
            return;
        }
        let text = part.text_at("text");
        let text = text.unwrap_or_else(|| arguments(Some(part)));
        if !text.is_empty() {
            self.texts.push(text);
        }
    }

    /// The result of a call as text, for whatever stands beside it.
    pub(super) fn result(&self, is_error: bool) -> Text<'a> {
        let beside = (self.texts.is_empty() && !self.others.is_empty()).then(|| BESIDE.into());
        let texts: Vec<Text<'a>> = self.texts.iter().cloned().chain(beside).collect();
        let kind = if is_error { "error" } else { "result" };
        let parts = [
            "[tool ".into(),
            kind.into(),
            ": ".into(),
            Text::joined(&texts, "\n"),
            "]".into(),
        ];
        Text::joined(&parts, "")
    }
}

/// A text with other parts behind it as the content of a message; `kind` is the type of a
/// part of text.
pub(super) fn content<'a>(kind: &'static str, text: Text<'a>, others: Vec<Json<'a>>) -> Json<'a> {
    if others.is_empty() {
        return text.into();
    }
    let mut parts = vec![Object::of_type(kind).with("text", text).into()];
    parts.extend(others);
    parts.into()
}
