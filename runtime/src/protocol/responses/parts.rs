//! The parts of a stream: which go on, and what came of each.
//!
//! Servers tell a part in pieces, whole at its end, whole with its item, and whole
//! with the response, and not all of them in all these ways. What is told whole adds
//! only what had not come before.

use super::super::json::Text;
use super::super::neutral::{Delta, Event, Opening, Part, Thought, ToolCall};

/// Where a part is: the number of its item, and which content of a message; 0 for
/// other items.
pub(super) type Place = (u64, u64);

/// Which kind a part is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
    Refusal,
    Call,
}

/// All parts that have begun, in their order.
#[derive(Debug, Default)]
pub(super) struct Parts {
    list: Vec<Begun>,
}

/// A part that has begun; its number is its place in the list.
#[derive(Debug)]
struct Begun {
    place: Place,
    kind: Kind,
    /// By which a call is known; empty for others.
    call: Text<'static>,
    /// What came of it, while it is open.
    came: Text<'static>,
    /// Bytes of it that came before its latest paragraph.
    before: usize,
    is_open: bool,
    is_cited: bool,
}

impl Parts {
    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them is a call.
    pub(super) fn calls(&self) -> bool {
        self.list.iter().any(|part| part.kind == Kind::Call)
    }

    /// Whether a part goes on there of which something came.
    pub(super) fn has_come(&self, place: Place) -> bool {
        let open = self.open_at(place).and_then(|at| self.list.get(at));
        open.is_some_and(|part| !part.came.is_empty())
    }

    /// Whether a part goes on there.
    pub(super) fn is_open(&self, place: Place) -> bool {
        self.open_at(place).is_some()
    }

    /// A part begins; its number.
    pub(super) fn begin<'a>(
        &mut self,
        place: Place,
        part: Opening<'a>,
        out: &mut Vec<Event<'a>>,
    ) -> usize {
        let at = self.list.len();
        let call = match &part {
            Opening::ToolCall { id, .. } => id.clone().into_owned(),
            _ => Text::default(),
        };
        self.list.push(Begun {
            place,
            kind: Kind::of_opening(&part),
            call,
            came: Text::default(),
            before: 0,
            is_open: true,
            is_cited: false,
        });
        out.push(Event::Open { at, part });
        at
    }

    /// More of a part, which begins with it where it has not begun.
    pub(super) fn grow<'a>(
        &mut self,
        place: Place,
        opening: Opening<'a>,
        delta: Delta<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        let at = match self.open_at(place) {
            Some(at) => at,
            None => self.begin(place, opening, out),
        };
        if let Some(part) = self.list.get_mut(at) {
            match &delta {
                Delta::Text(more) | Delta::Arguments(more) => part.came.push(more),
                Delta::Citation(_) => part.is_cited = true,
                Delta::Seal(_) => {}
            }
        }
        out.push(Event::Delta { at, delta });
    }

    /// A thought goes on with another paragraph.
    pub(super) fn break_off<'a>(&mut self, place: Place, out: &mut Vec<Event<'a>>) {
        self.grow(place, Opening::Thought, Delta::Text("\n\n".into()), out);
        if let Some(at) = self.open_at(place) {
            self.list[at].before = self.list[at].came.written().len();
        }
    }

    /// A part is complete.
    pub(super) fn close(&mut self, place: Place, out: &mut Vec<Event<'_>>) {
        if let Some(at) = self.open_at(place) {
            self.close_at(at, out);
        }
    }

    /// All parts of an item are complete.
    pub(super) fn close_item(&mut self, item: u64, out: &mut Vec<Event<'_>>) {
        for at in 0..self.list.len() {
            if self.list[at].place.0 == item {
                self.close_at(at, out);
            }
        }
    }

    /// All parts are complete.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event<'_>>) {
        for at in 0..self.list.len() {
            self.close_at(at, out);
        }
    }

    /// Whether the parts that have begun are among those of whole items: their kinds and
    /// places agree. With servers that number items in another way they do not, and a whole
    /// part may have come under another number.
    pub(super) fn fit<'a>(&self, items: &[(u64, Vec<(u64, Part<'a>)>)]) -> bool {
        let whole = |(item, content): Place| {
            let (_, parts) = items.iter().find(|(index, _)| *index == item)?;
            let (_, part) = parts.iter().find(|(number, _)| *number == content)?;
            Kind::of(part)
        };
        let mut parts = self.list.iter();
        parts.all(|part| whole(part.place) == Some(part.kind))
    }

    /// As [`Parts::fit`], of one item.
    pub(super) fn fit_item<'a>(&self, item: u64, parts: &[(u64, Part<'a>)]) -> bool {
        let whole = |content| parts.iter().find(|(number, _)| *number == content);
        let mut own = self.list.iter().filter(|part| part.place.0 == item);
        own.all(|own| whole(own.place.1).and_then(|(_, part)| Kind::of(part)) == Some(own.kind))
    }

    /// A part as a whole: what had not come of it. Where nothing has begun in that place, it
    /// begins if it `may`; a call, if none has its id.
    pub(super) fn complete<'a>(
        &mut self,
        place: Place,
        whole: Part<'a>,
        may: bool,
        out: &mut Vec<Event<'a>>,
    ) {
        match whole {
            Part::Text(text, citations) => {
                self.come(place, (Opening::Text, text), may, out);
                let open = self.open_at(place).map(|at| &self.list[at]);
                if open.is_some_and(|part| part.kind == Kind::Text && !part.is_cited) {
                    for citation in citations {
                        self.grow(place, Opening::Text, Delta::Citation(citation), out);
                    }
                }
            }
            Part::Refusal(text) => self.come(place, (Opening::Refusal, text), may, out),
            Part::Thought(Thought { text, seal }) => {
                self.come(place, (Opening::Thought, text), may, out);
                if let Some(seal) = seal {
                    self.grow(place, Opening::Thought, Delta::Seal(seal), out);
                }
            }
            Part::ToolCall(call) => self.complete_call(place, call, out),
            // No model answers with these.
            Part::Image(..) | Part::Document(..) | Part::ToolResult(_) => {}
        }
    }

    /// The latest paragraph of a thought as a whole.
    pub(super) fn complete_paragraph<'a>(
        &mut self,
        place: Place,
        text: Text<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        match self.open_at(place) {
            Some(at) => {
                let part = &self.list[at];
                let came = part.came.written().get(part.before..).unwrap_or_default();
                if let Some(rest) = rest(&text, came) {
                    self.grow(place, Opening::Thought, Delta::Text(rest), out);
                }
            }
            None => self.come(place, (Opening::Thought, text), true, out),
        }
    }

    /// All arguments of a call that has begun.
    pub(super) fn complete_arguments<'a>(
        &mut self,
        place: Place,
        arguments: &Text<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        let Some(part) = self.open_at(place).map(|at| &self.list[at]) else {
            return;
        };
        let missing = rest(arguments, part.came.written());
        if let Some(rest) = missing.filter(|_| part.kind == Kind::Call) {
            self.grow(place, Opening::Text, Delta::Arguments(rest), out);
        }
    }

    fn complete_call<'a>(&mut self, place: Place, call: ToolCall<'a>, out: &mut Vec<Event<'a>>) {
        let ToolCall {
            id,
            name,
            arguments,
        } = call;
        let has_begun = match id.is_empty() {
            true => self.list.iter().any(|part| part.place == place),
            false => self.list.iter().any(|part| part.call == id),
        };
        if !has_begun && !self.is_open(place) {
            self.begin(place, Opening::ToolCall { id, name }, out);
        }
        self.complete_arguments(place, &arguments, out);
    }

    /// Text of a part as a whole.
    fn come<'a>(
        &mut self,
        place: Place,
        (opening, text): (Opening<'a>, Text<'a>),
        may_begin: bool,
        out: &mut Vec<Event<'a>>,
    ) {
        let missing = match self.open_at(place).map(|at| &self.list[at]) {
            Some(part) if part.kind == Kind::of_opening(&opening) => {
                rest(&text, part.came.written())
            }
            Some(_) => None,
            None if may_begin && !self.list.iter().any(|part| part.place == place) => {
                rest(&text, "")
            }
            None => None,
        };
        if let Some(missing) = missing {
            self.grow(place, opening, Delta::Text(missing), out);
        }
    }

    fn open_at(&self, place: Place) -> Option<usize> {
        let mut parts = self.list.iter();
        parts.position(|part| part.is_open && part.place == place)
    }

    fn close_at(&mut self, at: usize, out: &mut Vec<Event<'_>>) {
        let part = &mut self.list[at];
        if std::mem::replace(&mut part.is_open, false) {
            part.came = Text::default();
            out.push(Event::Close { at });
        }
    }
}

impl Kind {
    fn of(part: &Part<'_>) -> Option<Self> {
        match part {
            Part::Text(..) => Some(Self::Text),
            Part::Thought(_) => Some(Self::Thought),
            Part::Refusal(_) => Some(Self::Refusal),
            Part::ToolCall(_) => Some(Self::Call),
            Part::Image(..) | Part::Document(..) | Part::ToolResult(_) => None,
        }
    }

    fn of_opening(part: &Opening<'_>) -> Self {
        match part {
            Opening::Text => Self::Text,
            Opening::Thought => Self::Thought,
            Opening::Refusal => Self::Refusal,
            Opening::ToolCall { .. } => Self::Call,
        }
    }
}

/// What of a whole text had not come, where what came is its beginning; none where nothing
/// is missing. The same text may be written with other escapes.
fn rest<'a>(whole: &Text<'a>, came: &str) -> Option<Text<'a>> {
    let rest = whole.after(came).or_else(|| {
        let (whole, came) = (whole.plain(), Text::from_written(came));
        let rest = whole.strip_prefix(&*came.plain())?;
        Some(Text::from_string(rest.to_owned()))
    });
    rest.filter(|rest| !rest.is_empty())
}
