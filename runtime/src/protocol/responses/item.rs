//! Output items, as a client of Responses reads them.

use super::super::forms::{Forms, unwrapped};
use super::super::json::{Json, Object, Text};
use super::super::neutral::{Citation, Delta, Opening, Part, Seal, Thought, ToolCall};

/// An item, as far as it has come.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: Text<'static>,
    pub(super) kind: Kind,
    /// Prose, thinking, a refusal, or a call's arguments.
    pub(super) text: Text<'static>,
    seal: Option<Seal<'static>>,
    citations: Vec<Citation<'static>>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Thought,
    Function {
        call: Text<'static>,
        space: Option<Text<'static>>,
        name: Text<'static>,
    },
    Custom {
        call: Text<'static>,
        name: Text<'static>,
    },
}

impl Item {
    /// The item of a part that begins; `number` makes its id unique in an answer.
    pub(super) fn open(part: Opening<'_>, answer: &Text<'_>, number: usize, forms: &Forms) -> Self {
        let kind = match part {
            Opening::Text => Kind::Text,
            Opening::Refusal => Kind::Refusal,
            Opening::Thought => Kind::Thought,
            Opening::ToolCall { id, name } if forms.is_custom(&name) => Kind::Custom {
                call: id.into_owned(),
                name: name.into_owned(),
            },
            Opening::ToolCall { id, name } => {
                let (space, name) = forms.apart(name);
                Kind::Function {
                    call: id.into_owned(),
                    space: space.map(Text::into_owned),
                    name: name.into_owned(),
                }
            }
        };
        let start = match kind {
            Kind::Text | Kind::Refusal => "msg_",
            Kind::Thought => "rs_",
            Kind::Function { .. } => "fc_",
            Kind::Custom { .. } => "ctc_",
        };
        let id = [
            start.into(),
            answer.clone(),
            Text::from_string(format!("_{number}")),
        ];
        Self {
            id: Text::joined(&id, "").into_owned(),
            kind,
            text: Text::default(),
            seal: None,
            citations: Vec::new(),
        }
    }

    /// The item of a whole part; none where no item is meant for it.
    pub(super) fn of(
        part: Part<'_>,
        answer: &Text<'_>,
        number: usize,
        forms: &Forms,
    ) -> Option<Self> {
        let (opening, text, seal, citations) = match part {
            Part::Text(text, citations) => (Opening::Text, text, None, citations),
            Part::Refusal(text) => (Opening::Refusal, text, None, Vec::new()),
            Part::Thought(Thought { text, seal }) => (Opening::Thought, text, seal, Vec::new()),
            Part::ToolCall(ToolCall {
                id,
                name,
                arguments,
            }) => (Opening::ToolCall { id, name }, arguments, None, Vec::new()),
            Part::Image(..) | Part::Document(..) | Part::ToolResult(_) => return None,
        };
        let mut item = Self::open(opening, answer, number, forms);
        item.text = text.into_owned();
        item.seal = seal.map(Seal::into_owned);
        item.citations = citations.into_iter().map(Citation::into_owned).collect();
        Some(item)
    }

    /// Takes more of the part.
    pub(super) fn grow(&mut self, delta: &Delta<'_>) {
        match delta {
            Delta::Text(more) | Delta::Arguments(more) => self.text.push(more),
            Delta::Seal(seal) => self.seal = Some(seal.clone().into_owned()),
            Delta::Citation(citation) => self.citations.push(citation.clone().into_owned()),
        }
    }

    /// A call's arguments as they are sent: nothing only where it `is_cut`, and plain text
    /// for a custom tool.
    pub(super) fn arguments(&self, is_cut: bool) -> Text<'static> {
        match self.kind {
            Kind::Custom { .. } => unwrapped(&self.text),
            _ if self.text.is_empty() && !is_cut => "{}".into(),
            _ => self.text.clone(),
        }
    }

    /// The content of a message.
    pub(super) fn part(&self) -> Object<'_> {
        if self.kind == Kind::Refusal {
            return Object::of_type("refusal").with("refusal", self.text.clone());
        }
        let annotations = self
            .citations
            .iter()
            .map(|citation| self.annotation(citation).into());
        Object::of_type("output_text")
            .with("text", self.text.clone())
            .with("annotations", annotations.collect::<Vec<Json<'_>>>())
            .with("logprobs", Vec::new())
    }

    /// A source of the text so far.
    pub(super) fn annotation<'c>(&self, citation: &Citation<'c>) -> Object<'c> {
        Object::of_type("url_citation")
            .with("url", citation.url.clone())
            .with("title", citation.title.clone().unwrap_or_default())
            .with("start_index", 0u64)
            .with("end_index", self.text.plain().chars().count())
    }

    /// How many sources the text has.
    pub(super) fn citation_count(&self) -> usize {
        self.citations.len()
    }

    /// The summary of a thought, in a list of at most one.
    fn summary(&self) -> Vec<Json<'_>> {
        if self.text.is_empty() {
            return Vec::new();
        }
        vec![
            Object::of_type("summary_text")
                .with("text", self.text.clone())
                .into(),
        ]
    }

    /// As it is when it begins.
    pub(super) fn begun(&self) -> Object<'_> {
        let out = Object::new().with("id", self.id.clone());
        match &self.kind {
            Kind::Text | Kind::Refusal => out
                .with("type", "message")
                .with("status", "in_progress")
                .with("role", "assistant")
                .with("content", Vec::new()),
            Kind::Thought => out.with("type", "reasoning").with("summary", Vec::new()),
            Kind::Function { call, space, name } => out
                .with("type", "function_call")
                .with("status", "in_progress")
                .with("arguments", "")
                .with("call_id", call.clone())
                .with_some("namespace", space.clone())
                .with("name", name.clone()),
            Kind::Custom { call, name } => out
                .with("type", "custom_tool_call")
                .with("status", "in_progress")
                .with("call_id", call.clone())
                .with("name", name.clone())
                .with("input", ""),
        }
    }

    /// Whether it is a call that nobody can make, since its arguments stop in the middle.
    pub(super) fn is_half_a_call(&self) -> bool {
        matches!(self.kind, Kind::Function { .. } | Kind::Custom { .. })
            && !self.text.is_empty()
            && Json::parse(&self.text.plain(), &[]).is_err()
    }

    /// As it is when nothing more comes; where it `is_cut`, it is not complete.
    pub(super) fn ended(&self, is_cut: bool) -> Object<'_> {
        let mut out = self.begun();
        match &self.kind {
            Kind::Text | Kind::Refusal => out.set("content", vec![self.part().into()]),
            Kind::Thought => {
                out.set("summary", self.summary());
                if let Some(seal) = &self.seal {
                    out.set("encrypted_content", seal.to_encrypted());
                }
                if let Some(Seal::Encrypted(id, _)) = &self.seal
                    && !id.is_empty()
                {
                    // Its maker takes it back under no other name.
                    out.set("id", id.clone());
                }
            }
            Kind::Function { .. } => out.set("arguments", self.arguments(is_cut)),
            Kind::Custom { .. } => out.set("input", self.arguments(is_cut)),
        }
        if out.get("status").is_some() {
            let status = if is_cut { "incomplete" } else { "completed" };
            out.set("status", status);
        }
        out
    }
}
