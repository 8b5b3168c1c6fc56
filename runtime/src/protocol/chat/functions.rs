//! `functions` and `function_call`, from before there were tools. Such calls have no ids,
//! which every other protocol asks for: they get some here.

use super::super::json::{Json, Text};
use super::super::neutral::{ToolCall, ToolChoice};
use super::answer::arguments;

/// The calls of a conversation, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct Called<'a> {
    count: usize,
    /// What the last one calls.
    name: Text<'a>,
}

impl<'a> Called<'a> {
    /// The call of a message of the model, if it has one.
    pub(super) fn call(&mut self, message: &Json<'a>) -> Option<ToolCall<'a>> {
        let function = message.get("function_call")?;
        self.name = function.text_at("name")?;
        self.count += 1;
        Some(ToolCall {
            id: self.id(),
            name: self.name.clone(),
            arguments: arguments(function),
        })
    }

    /// The id of the call that a message of a function answers; none where that is not the
    /// last one.
    pub(super) fn answered(&self, message: &Json<'a>) -> Option<Text<'a>> {
        let name = message.text_at("name")?;
        (self.count > 0 && name.plain() == self.name.plain()).then(|| self.id())
    }

    fn id(&self) -> Text<'a> {
        Text::from_string(format!("function_call_{}", self.count))
    }
}

/// What `function_call` of a request chooses.
pub(super) fn choice<'a>(choice: &Json<'a>) -> Option<ToolChoice<'a>> {
    match choice.text() {
        Some(word) if word.is("none") => Some(ToolChoice::None),
        Some(_) => Some(ToolChoice::Auto),
        None => choice.text_at("name").map(ToolChoice::Named),
    }
}
