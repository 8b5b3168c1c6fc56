//! A call in a stream, until its arguments are whole.

use super::super::json::Text;
use super::super::neutral::{Delta, Event};
use super::whole::Whole;

/// In how many chunks later parts go on before a call that nothing came of is taken for one
/// without arguments. Servers write one call after another, and that is soon shown; those
/// that send pieces by turns come back to each before that.
pub(super) const TURNS: u32 = 32;

/// A call, and how far it is.
#[derive(Debug)]
pub(super) struct Call {
    /// None for the one call of an answer from before there were tools.
    pub(super) index: Option<u64>,
    pub(super) id: Text<'static>,
    pub(super) name: Text<'static>,
    pub(super) at: usize,
    pub(super) arguments: Whole,
    /// Arguments of `{}`, kept back until it is known that they are all.
    pub(super) empty: Option<Text<'static>>,
    /// Whether it began, or `empty` came, with the last chunk.
    pub(super) is_fresh: bool,
    /// Whether a thought with its seal is told.
    pub(super) is_sealed: bool,
    /// Chunks since it began in which later parts went on.
    pub(super) passed: u32,
    pub(super) state: State,
}

/// Whether more of its arguments is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Whole,
    /// Taken for one without arguments.
    Bare,
}

impl Call {
    /// One that begins, and is the part of this number.
    pub(super) fn new(
        index: Option<u64>,
        id: Text<'static>,
        name: Text<'static>,
        at: usize,
    ) -> Self {
        Self {
            index,
            id,
            name,
            at,
            arguments: Whole::default(),
            empty: None,
            is_fresh: true,
            is_sealed: false,
            passed: 0,
            state: State::Open,
        }
    }

    /// Whether one of this name that begins among tools is the same, told again: of this one,
    /// from before there were tools, all is told or nothing but the name.
    pub(super) fn is_told_again(&self, name: &Text<'_>) -> bool {
        let is_between = self.state == State::Open && self.arguments.has_begun();
        self.index.is_none() && !is_between && self.name.plain() == name.plain()
    }

    /// Takes the next piece of arguments that go on.
    pub(super) fn push<'a>(&mut self, more: Text<'a>, out: &mut Vec<Event<'a>>) {
        if !self.arguments.has_begun() && is_empty_object(&more) {
            self.empty = Some(more.into_owned());
            self.is_fresh = true;
            return;
        }
        let at = self.at;
        let is_whole = self.arguments.push(&more);
        let delta = Delta::Arguments(more);
        out.push(Event::Delta { at, delta });
        if is_whole {
            self.state = State::Whole;
            out.push(Event::Close { at });
        }
    }

    /// Tells by what follows whether arguments of `{}` are all: another object takes
    /// their place.
    pub(super) fn settle_empty(&mut self, more: &Text<'_>, out: &mut Vec<Event<'_>>) {
        if self.empty.is_none() || more.is_blank() {
            return;
        }
        if more.plain().trim_start().starts_with('{') {
            self.empty = None;
        } else {
            self.end_empty(out);
            self.state = State::Whole;
        }
    }

    /// Arguments of `{}` are all.
    pub(super) fn end_empty(&mut self, out: &mut Vec<Event<'_>>) {
        let at = self.at;
        if let Some(empty) = self.empty.take() {
            self.state = State::Bare;
            let delta = Delta::Arguments(empty);
            out.extend([Event::Delta { at, delta }, Event::Close { at }]);
        }
    }

    /// Later parts went on.
    pub(super) fn pass_over(&mut self, out: &mut Vec<Event<'_>>) {
        self.passed = self.passed.saturating_add(1);
        let is_waited_for = self.state == State::Open && !self.arguments.has_begun();
        if is_waited_for && self.passed >= TURNS {
            self.state = State::Bare;
            out.push(Event::Close { at: self.at });
        }
    }
}

/// Whether it is `{}`, white space aside.
pub(super) fn is_empty_object(arguments: &Text<'_>) -> bool {
    let plain = arguments.plain();
    let inside = plain.trim().strip_prefix('{');
    let inside = inside.and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}
