//! The conversation as one of two sides, where a result follows its call at once, and has
//! its id.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Message, Part, Request, Role};
use crate::protocol::json::Text;

impl Request<'_> {
    /// Makes the conversation one of two sides: what the operator puts in is part of what
    /// the user says next. Nothing comes between calls and their results; these are the
    /// first that the user says behind the calls.
    pub fn make_dialogue(&mut self) {
        let mut notes = Vec::new();
        for message in std::mem::take(&mut self.messages) {
            let last = self.messages.last().map_or(&[][..], |last| &last.parts);
            let waits = last.iter().any(|part| matches!(part, Part::ToolCall(_)));
            match message.role {
                Role::System => {
                    notes.extend(message.or_reminder().parts);
                    continue;
                }
                Role::Assistant if waits => {}
                Role::Assistant | Role::User => self.say(Role::User, std::mem::take(&mut notes)),
            }
            self.say(message.role, message.parts);
        }
        self.say(Role::User, notes);
        self.fetch_results();
        for message in &mut self.messages {
            let is_other = |part: &Part<'_>| !matches!(part, Part::ToolResult(_));
            message.parts.sort_by_key(is_other);
        }
    }

    /// Moves results to right behind their calls, where they come later than that.
    fn fetch_results(&mut self) {
        let asks = self.ends_with_user();
        // Where results belong, by the ids of calls that have none so far.
        let mut open: HashMap<String, Vec<usize>> = HashMap::new();
        for Message { role, parts } in std::mem::take(&mut self.messages) {
            let next = self.messages.len() + 1;
            let mut kept = Vec::with_capacity(parts.len());
            for part in parts {
                let place = match &part {
                    Part::ToolCall(call) => {
                        let id = call.id.plain().into_owned();
                        open.entry(id).or_default().push(next);
                        None
                    }
                    Part::ToolResult(result) => {
                        open.get_mut(&*result.id.plain()).and_then(Vec::pop)
                    }
                    _ => None,
                };
                match place.and_then(|place| self.messages.get_mut(place)) {
                    Some(earlier) => earlier.parts.push(part),
                    None => kept.push(part),
                }
            }
            self.messages.push(Message { role, parts: kept });
        }
        // What has nothing left is no message.
        for message in std::mem::take(&mut self.messages) {
            self.say(message.role, message.parts);
        }
        if asks && !self.ends_with_user() {
            self.end_with_user();
        }
    }

    /// Gives calls different ids where they have none, or one that an earlier call has, and
    /// their results the same: results of one id, or of none, come in the order of the calls.
    pub fn name_calls(&mut self) {
        if self.has_named_calls() {
            return;
        }
        let mut ids = Ids::of(self.call_ids());
        let mut open: HashMap<String, VecDeque<Text<'_>>> = HashMap::new();
        let mut has_user_spoken = false;
        for message in &mut self.messages {
            match message.role {
                // Where only the operator spoke in between, results may still come.
                Role::Assistant if std::mem::take(&mut has_user_spoken) => open.clear(),
                Role::User => has_user_spoken = true,
                Role::Assistant | Role::System => {}
            }
            for part in &mut message.parts {
                match part {
                    Part::ToolCall(call) => {
                        let own = call.id.plain().into_owned();
                        if let Some(other) = ids.in_place_of(&own) {
                            call.id = Text::from_string(other);
                        }
                        open.entry(own).or_default().push_back(call.id.clone());
                    }
                    Part::ToolResult(result) => {
                        let called = open.get_mut(&*result.id.plain());
                        if let Some(id) = called.and_then(VecDeque::pop_front) {
                            result.id = id;
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether somebody else than the model spoke last.
    pub fn ends_with_user(&self) -> bool {
        let last = self.messages.last();
        last.is_some_and(|last| last.role != Role::Assistant)
    }

    /// Puts what the model said last before what the user did, or it would go on with it.
    fn end_with_user(&mut self) {
        let (model, user) = (self.messages.pop(), self.messages.pop());
        for message in [model, user].into_iter().flatten() {
            self.say(message.role, message.parts);
        }
    }
}

impl Request<'_> {
    /// Whether every call has an id that no other has, as nearly always.
    fn has_named_calls(&self) -> bool {
        let mut seen = HashSet::new();
        let mut parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.all(|part| match part {
            Part::ToolCall(call) => !call.id.is_empty() && seen.insert(call.id.plain()),
            Part::ToolResult(result) => !result.id.is_empty(),
            _ => true,
        })
    }
}

/// The ids of calls of a conversation.
struct Ids {
    taken: HashSet<String>,
    /// How many calls of an id have come.
    counts: HashMap<String, u64>,
}

impl Ids {
    fn of(taken: Vec<String>) -> Self {
        Self {
            taken: taken.into_iter().collect(),
            counts: HashMap::new(),
        }
    }

    /// Another id for the next call of this one, where it needs another.
    fn in_place_of(&mut self, own: &str) -> Option<String> {
        let count = self.counts.entry(own.to_owned()).or_default();
        *count += 1;
        let start = match own {
            "" => "no_id",
            _ if *count == 1 => return None,
            own => own,
        };
        loop {
            let other = format!("{start}_{count}");
            if self.taken.insert(other.clone()) {
                return Some(other);
            }
            *count += 1;
        }
    }
}
