//! The parts of a stream: which go on, and what came of each.
//!
//! Servers tell a part in pieces, whole at its end, whole with its item, and whole
//! with the response, and not all of them in all these ways. What is told whole adds
//! only what had not come before.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::json::Text;
use super::super::neutral::{Delta, Event, Opening, Part, Thought, ToolCall};

/// Bytes of an open part that are kept to tell what its whole adds.
const KEPT: usize = 1 << 20;

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

/// All parts that have begun.
#[derive(Debug, Default)]
pub(super) struct Parts {
    count: usize,
    open: BTreeMap<Place, Begun>,
    places: BTreeMap<Place, Past>,
    /// Ids of calls.
    calls: HashSet<String>,
}

/// A part that goes on.
#[derive(Debug)]
struct Begun {
    at: usize,
    kind: Kind,
    /// What came of it; none where that is too much to be kept, and its whole adds nothing.
    came: Option<Text<'static>>,
    /// Bytes of it that came before its latest paragraph.
    before: usize,
    is_cited: bool,
}

/// What has begun in a place.
#[derive(Debug)]
struct Past {
    /// None where parts of several kinds have.
    kind: Option<Kind>,
    is_sealed: bool,
}

impl Parts {
    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether one of them is a call.
    pub(super) fn calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Whether a part goes on there of which something came.
    pub(super) fn has_come(&self, place: Place) -> bool {
        let open = self.open.get(&place);
        open.is_some_and(|part| part.came.as_ref().is_none_or(|came| !came.is_empty()))
    }

    /// A part begins; one that goes on in its place is complete.
    pub(super) fn begin<'a>(&mut self, place: Place, part: Opening<'a>, out: &mut Vec<Event<'a>>) {
        self.close(place, out);
        let kind = Kind::of_opening(&part);
        let past = self.places.entry(place).or_insert(Past {
            kind: Some(kind),
            is_sealed: false,
        });
        past.kind = past.kind.filter(|past| *past == kind);
        if let Opening::ToolCall { id, .. } = &part {
            self.calls.insert(id.written().to_owned());
        }
        let at = self.count;
        self.count += 1;
        let begun = Begun {
            at,
            kind,
            came: Some(Text::default()),
            before: 0,
            is_cited: false,
        };
        self.open.insert(place, begun);
        out.push(Event::Open { at, part });
    }

    /// More of a part, which begins with it where none of its kind goes on.
    pub(super) fn grow<'a>(
        &mut self,
        place: Place,
        opening: Opening<'a>,
        delta: Delta<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        if !self.is_open(place, Kind::of_opening(&opening)) {
            self.begin(place, opening, out);
        }
        self.add(place, delta, out);
    }

    /// More arguments of a call, if one goes on there.
    pub(super) fn argue<'a>(
        &mut self,
        place: Place,
        arguments: Text<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        if self.is_open(place, Kind::Call) {
            self.add(place, Delta::Arguments(arguments), out);
        }
    }

    /// A thought goes on with another paragraph.
    pub(super) fn break_off<'a>(&mut self, place: Place, out: &mut Vec<Event<'a>>) {
        self.grow(place, Opening::Thought, Delta::Text("\n\n".into()), out);
        if let Some(part) = self.open.get_mut(&place) {
            part.before = part.came.as_ref().map_or(0, |came| came.written().len());
        }
    }

    /// A part is complete.
    pub(super) fn close(&mut self, place: Place, out: &mut Vec<Event<'_>>) {
        if let Some(part) = self.open.remove(&place) {
            out.push(Event::Close { at: part.at });
        }
    }

    /// All parts of an item are complete.
    pub(super) fn close_item(&mut self, item: u64, out: &mut Vec<Event<'_>>) {
        let own = self.open.range((item, 0)..=(item, u64::MAX));
        let own = own.map(|(place, part)| (part.at, *place)).collect();
        self.close_these(own, out);
    }

    /// What is said or thought is complete; calls may go on.
    pub(super) fn close_prose(&mut self, out: &mut Vec<Event<'_>>) {
        let prose = self.open.iter().filter(|(_, part)| part.kind != Kind::Call);
        let prose = prose.map(|(place, part)| (part.at, *place)).collect();
        self.close_these(prose, out);
    }

    /// All parts are complete.
    pub(super) fn close_all(&mut self, out: &mut Vec<Event<'_>>) {
        let all = self.open.iter();
        let all = all.map(|(place, part)| (part.at, *place)).collect();
        self.close_these(all, out);
    }

    /// Whether the parts that have begun are among those of whole items: their kinds and
    /// places agree. With servers that number items in another way they do not, and a whole
    /// part may have come under another number.
    pub(super) fn fit<'a>(&self, items: &[(u64, Vec<(u64, Part<'a>)>)]) -> bool {
        let whole = items.iter().flat_map(|(item, parts)| {
            let parts = parts.iter();
            parts.map(|(content, part)| ((*item, *content), Kind::of(part)))
        });
        let whole: HashMap<Place, Option<Kind>> = whole.collect();
        let mut places = self.places.iter();
        places.all(|(place, past)| {
            past.kind.is_some() && whole.get(place).copied().flatten() == past.kind
        })
    }

    /// As [`Parts::fit`], of one item, whose contents are in their order.
    pub(super) fn fit_item<'a>(&self, item: u64, parts: &[(u64, Part<'a>)]) -> bool {
        let whole = |content| {
            let at = parts.binary_search_by_key(&content, |(number, _)| *number);
            at.ok().and_then(|at| Kind::of(&parts[at].1))
        };
        let mut own = self.places.range((item, 0)..=(item, u64::MAX));
        own.all(|(place, past)| past.kind.is_some() && whole(place.1) == past.kind)
    }

    /// A part as a whole: what had not come of it. Where nothing has begun in that place, it
    /// begins if it `may`; a call, if none has its id. A seal is told once.
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
                let open = self.open.get(&place);
                if open.is_some_and(|part| part.kind == Kind::Text && !part.is_cited) {
                    for citation in citations {
                        self.grow(place, Opening::Text, Delta::Citation(citation), out);
                    }
                }
            }
            Part::Refusal(text) => self.come(place, (Opening::Refusal, text), may, out),
            Part::Thought(Thought { text, seal }) => {
                self.come(place, (Opening::Thought, text), may, out);
                let may = may || self.is_open(place, Kind::Thought);
                let is_sealed = self.places.get(&place).is_some_and(|past| past.is_sealed);
                if let Some(seal) = seal.filter(|_| may && !is_sealed) {
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
        match self.open.get(&place) {
            Some(part) => {
                let came = part.came.as_ref().map(Text::written);
                let came = came.and_then(|came| came.get(part.before..));
                let missing = came.and_then(|came| rest(&text, came));
                if let Some(rest) = missing.filter(|_| part.kind == Kind::Thought) {
                    self.add(place, Delta::Text(rest), out);
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
        let part = self.open.get(&place);
        if let Some(rest) = part.and_then(|part| part.missing(arguments)) {
            self.argue(place, rest, out);
        }
    }

    fn complete_call<'a>(&mut self, place: Place, call: ToolCall<'a>, out: &mut Vec<Event<'a>>) {
        let ToolCall {
            id,
            name,
            arguments,
        } = call;
        let has_begun = match id.is_empty() {
            true => self.places.contains_key(&place),
            false => self.calls.contains(id.written()),
        };
        if !has_begun && !self.open.contains_key(&place) {
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
        let missing = match self.open.get(&place) {
            Some(part) if part.kind == Kind::of_opening(&opening) => part.missing(&text),
            Some(_) => None,
            None if may_begin && !self.places.contains_key(&place) => rest(&text, ""),
            None => None,
        };
        if let Some(missing) = missing {
            self.grow(place, opening, Delta::Text(missing), out);
        }
    }

    fn is_open(&self, place: Place, kind: Kind) -> bool {
        self.open.get(&place).is_some_and(|part| part.kind == kind)
    }

    fn add<'a>(&mut self, place: Place, delta: Delta<'a>, out: &mut Vec<Event<'a>>) {
        let Some(part) = self.open.get_mut(&place) else {
            return;
        };
        match &delta {
            Delta::Text(more) | Delta::Arguments(more) => part.keep(more),
            Delta::Citation(_) => part.is_cited = true,
            Delta::Seal(_) => {
                if let Some(past) = self.places.get_mut(&place) {
                    past.is_sealed = true;
                }
            }
        }
        out.push(Event::Delta { at: part.at, delta });
    }

    fn close_these(&mut self, mut these: Vec<(usize, Place)>, out: &mut Vec<Event<'_>>) {
        these.sort_unstable();
        for (_, place) in these {
            self.close(place, out);
        }
    }
}

impl Begun {
    /// What of its whole had not come.
    fn missing<'a>(&self, whole: &Text<'a>) -> Option<Text<'a>> {
        rest(whole, self.came.as_ref()?.written())
    }

    fn keep(&mut self, more: &Text<'_>) {
        let came = self.came.take();
        self.came = came.filter(|came| came.written().len() + more.written().len() <= KEPT);
        if let Some(came) = &mut self.came {
            came.push(more);
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
