//! `functions` and `function_call`, from before there were tools. Such calls have no ids,
//! which every other protocol asks for: they get some here.

use std::collections::{HashMap, VecDeque};

use super::super::forms::arguments;
use super::super::json::{Json, Text};
use super::super::neutral::{Part, Request, Role, ToolCall, ToolChoice, ToolResult};

/// The calls of a conversation, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct Called<'a> {
    count: usize,
    /// Calls without results, by what they call; of each only those of one message, the
    /// latest that calls it.
    open: HashMap<String, VecDeque<Open<'a>>>,
    /// Those of earlier messages.
    missed: Vec<Open<'a>>,
}

/// A call without a result so far.
#[derive(Debug)]
struct Open<'a> {
    id: Text<'a>,
    /// Its place among all calls.
    count: usize,
    /// Its message.
    at: usize,
}

impl<'a> Called<'a> {
    /// The call of a message of the model, if it has one, in a request that is read up to
    /// this message.
    pub(super) fn call(
        &mut self,
        message: &Json<'a>,
        request: &Request<'a>,
    ) -> Option<ToolCall<'a>> {
        let function = message.get("function_call")?;
        let name = function.text_at("name")?;
        self.count += 1;
        let count = self.count;
        let id = Text::from_string(format!("function_call_{count}"));
        let at = match request.messages.last() {
            Some(last) if last.role == Role::Assistant => request.messages.len() - 1,
            _ => request.messages.len(),
        };
        let open = self.open.entry(name.plain().into_owned()).or_default();
        if open.front().is_some_and(|earlier| earlier.at != at) {
            self.missed.extend(open.drain(..));
        }
        open.push_back(Open {
            id: id.clone(),
            count,
            at,
        });
        Some(ToolCall {
            id,
            name,
            arguments: arguments(function),
        })
    }

    /// The id of the call that a message of a function answers, which no other answers then;
    /// none where no such call waits.
    pub(super) fn answered(&mut self, message: &Json<'a>) -> Option<Text<'a>> {
        let name = message.text_at("name")?;
        let open = self.open.get_mut(&*name.plain())?;
        open.pop_front().map(|call| call.id)
    }

    /// Gives nothing as the result of calls that have none: here they need none, in every
    /// other protocol they do.
    pub(super) fn end(self, request: &mut Request<'a>) {
        let mut open = self.missed;
        open.extend(self.open.into_values().flatten());
        open.sort_by_key(|call| call.count);
        let mut open = open.into_iter().peekable();
        if open.peek().is_none() {
            return;
        }
        for (at, message) in std::mem::take(&mut request.messages)
            .into_iter()
            .enumerate()
        {
            request.say(message.role, message.parts);
            while let Some(call) = open.next_if(|call| call.at == at) {
                let result = ToolResult {
                    id: call.id,
                    parts: Vec::new(),
                    is_error: false,
                };
                request.say(Role::User, vec![Part::ToolResult(result)]);
            }
        }
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
