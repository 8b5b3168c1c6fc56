//! A stream of Chat Completions chunks, as an upstream sends it.
//!
//! Chunks do not say where a part begins or ends: text ends where a part of another kind
//! begins, or with the answer. Calls may go on by turns, and text between them; one ends
//! where its arguments are whole, or with the answer. Arguments of `{}` are whole only when
//! something else follows: some servers send them ahead of the real ones. Others send
//! nothing at all for a call without arguments.

use super::super::forms::arguments;
use super::super::json::{Json, Malformed, Text};
use super::super::neutral::{Delta, Dropped, Event, Opening, Seal, Thought, Usage};
use super::OPAQUE;
use super::answer::{
    FUNCTION_CALL, call_seal, choice_failed, citations, error_in, name_of, note_others, read_stop,
    read_usage, text, thinking,
};
use super::call::{Call, State, is_empty_object};

/// Turns the data of one event after another into neutral events.
#[derive(Debug, Default)]
pub struct ReadStream {
    is_started: bool,
    /// The part that goes on and is no call.
    open: Option<(usize, Kind)>,
    /// Parts that have begun.
    count: usize,
    calls: Vec<Call>,
    refuses: bool,
    /// Why the answer ends, once that is said.
    reason: Option<Text<'static>>,
    usage: Usage,
    is_over: bool,
    dropped: Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
    /// In the content's list.
    ListedThought,
    Refusal,
}

impl ReadStream {
    /// Reads one event's data.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read<'a>(&mut self, data: &'a str, out: &mut Vec<Event<'a>>) -> Result<(), Malformed> {
        if data.trim() == "[DONE]" {
            self.end(out);
            return Ok(());
        }
        let json = Json::parse(data, OPAQUE)?;
        if let Some((kind, message)) = error_in(&json) {
            self.fail(kind, message, out);
            return Ok(());
        }
        let choices = json.get("choices").map(Json::items).unwrap_or_default();
        let id = json.text_at("id").unwrap_or_default();
        // Kimi tells it in its choice.
        let mut holders = std::iter::once(&json).chain(choices);
        let told = holders.find_map(|holder| {
            let usage = holder.get("usage");
            usage.filter(|usage| !usage.is_nothing())
        });
        // Azure tells what its filters say of the prompt before it has an answer.
        let begins = !id.is_empty() || !choices.is_empty() || told.is_some();
        if begins {
            self.start(id, json.text_at("model").unwrap_or_default(), out);
        }
        if let Some(usage) = told {
            self.usage = read_usage(usage);
        }
        for choice in choices {
            if choice.count_at("index").unwrap_or_default() != 0 {
                self.dropped.note("choices");
                continue;
            }
            if let Some(delta) = choice.get("delta") {
                self.delta(delta, out);
            }
            if let Some((kind, message)) = choice_failed(choice) {
                self.fail(kind, message, out);
                return Ok(());
            }
            let reason = choice.text_at("finish_reason");
            if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
                self.reason = Some(reason.into_owned());
            }
        }
        Ok(())
    }

    /// The stream is over. Some servers leave out `[DONE]`; whoever has said why
    /// the answer ends has ended it.
    pub fn finish(&mut self, out: &mut Vec<Event<'_>>) {
        if self.reason.is_some() {
            self.end(out);
        }
    }

    /// What was met and could not be carried.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    fn fail<'a>(&mut self, kind: Text<'a>, message: Text<'a>, out: &mut Vec<Event<'a>>) {
        self.is_over = true;
        out.push(Event::Failed { kind, message });
    }

    fn start<'a>(&mut self, id: Text<'a>, model: Text<'a>, out: &mut Vec<Event<'a>>) {
        if !std::mem::replace(&mut self.is_started, true) {
            let usage = Usage::default();
            out.push(Event::Start { id, model, usage });
        }
    }

    fn end(&mut self, out: &mut Vec<Event<'_>>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        // It may have said nothing at all.
        self.start(Text::default(), Text::default(), out);
        let reason = self.reason.take().map(Json::from);
        let stop = read_stop(reason.as_ref(), !self.calls.is_empty(), self.refuses);
        for call in &mut self.calls {
            call.end_empty(out);
        }
        // Before the parts that it ends: it tells whether they were cut off.
        out.push(Event::Stop(stop.into_owned()));
        self.close(out);
        let open = self.calls.iter().filter(|call| call.state == State::Open);
        out.extend(open.map(|call| Event::Close { at: call.at }));
        out.extend([Event::Usage(self.usage), Event::End]);
    }

    fn delta<'a>(&mut self, delta: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let before = out.len();
        if let Some(Thought { text, seal }) = thinking(delta) {
            let kind = match seal {
                Some(Seal::Listed) => Kind::ListedThought,
                _ => Kind::Thought,
            };
            self.grow(kind, Opening::Thought, text, out);
        }
        note_others(delta, &mut self.dropped);
        let text = text(delta.get("content"));
        if !text.is_empty() {
            self.grow(Kind::Text, Opening::Text, text, out);
        }
        for citation in citations(delta, &mut self.dropped) {
            match self.open {
                Some((at, Kind::Text)) => out.push(Event::Delta {
                    at,
                    delta: Delta::Citation(citation),
                }),
                _ => self.dropped.note("annotations"),
            }
        }
        if let Some(text) = delta.text_at("refusal").filter(|text| !text.is_empty()) {
            self.refuses = true;
            self.grow(Kind::Refusal, Opening::Refusal, text, out);
        }
        let calls = delta.get("tool_calls").map(Json::items).unwrap_or_default();
        for (nth, call) in calls.iter().enumerate() {
            self.call(call, nth, out);
        }
        if let Some(function) = delta.get("function_call") {
            self.old_call(function, out);
        }
        self.pass_over(before, out);
    }

    /// Ends the calls that are taken for whole because later parts go on, by what of
    /// `out` is new.
    fn pass_over(&mut self, before: usize, out: &mut Vec<Event<'_>>) {
        let new = out[before..].iter().filter_map(|event| match event {
            // A seal is nothing that goes on.
            Event::Delta {
                delta: Delta::Seal(_),
                ..
            }
            | Event::Open {
                part: Opening::Thought,
                ..
            } => None,
            Event::Open { at, .. } | Event::Delta { at, .. } => Some(*at),
            _ => None,
        });
        let latest = new.max();
        for call in &mut self.calls {
            // Within a chunk, nothing tells which comes first.
            if !std::mem::take(&mut call.is_fresh) && latest > Some(call.at) {
                call.end_empty(out);
                call.pass_over(out);
            }
        }
    }

    /// More of a part of this kind; a new one unless it goes on.
    fn grow<'a>(
        &mut self,
        kind: Kind,
        opening: Opening<'a>,
        text: Text<'a>,
        out: &mut Vec<Event<'a>>,
    ) {
        let at = match self.open {
            Some((at, open)) if open == kind => at,
            _ => {
                let at = self.begin(opening, out);
                self.open = Some((at, kind));
                at
            }
        };
        out.push(Event::Delta {
            at,
            delta: Delta::Text(text),
        });
    }

    fn begin<'a>(&mut self, part: Opening<'a>, out: &mut Vec<Event<'a>>) -> usize {
        self.close(out);
        let at = self.count;
        self.count += 1;
        out.push(Event::Open { at, part });
        at
    }

    fn close(&mut self, out: &mut Vec<Event<'_>>) {
        let Some((at, kind)) = self.open.take() else {
            return;
        };
        let seal = match kind {
            Kind::Thought => Some(Seal::Content),
            Kind::ListedThought => Some(Seal::Listed),
            Kind::Text | Kind::Refusal => None,
        };
        out.extend(seal.map(|seal| Event::Delta {
            at,
            delta: Delta::Seal(seal),
        }));
        out.push(Event::Close { at });
    }

    /// More of a call. A call is known by its index; servers that give all of
    /// them one index tell them apart by their ids.
    fn call<'a>(&mut self, call: &Json<'a>, nth: usize, out: &mut Vec<Event<'a>>) {
        let function = call.get("function").unwrap_or(&Json::NULL);
        let index = call.count_at("index").unwrap_or(nth as u64);
        let id = call.text_at("id").filter(|id| !id.is_empty());
        let name = name_of(function);
        let more = arguments(function);
        let known = self.known(index, id.as_ref(), name.is_some());
        let known = known.or_else(|| self.told_again(index, name.as_ref()));
        let seal = call_seal(call, known.is_some(), &mut self.dropped);
        let nth = match (known, name) {
            (Some(known), _) => {
                self.seal_late(known, seal, out);
                known
            }
            (None, Some(name)) => {
                let is_sealed = seal.is_some();
                self.seal(seal, out);
                let nth = self.begin_call(Some(index), id, name, out);
                if let Some(call) = self.calls.get_mut(nth) {
                    call.is_sealed = is_sealed;
                }
                nth
            }
            (None, None) => {
                self.seal(seal, out);
                // Nobody knows what is called.
                if !more.is_blank() {
                    self.dropped.note("tool_calls");
                }
                return;
            }
        };
        if !more.is_empty() {
            self.go_on(nth, more, out);
        }
    }

    /// More of the one call that an answer had before there were tools.
    fn old_call<'a>(&mut self, function: &Json<'a>, out: &mut Vec<Event<'a>>) {
        let more = arguments(function);
        let nth = match (self.calls.first(), name_of(function)) {
            (Some(call), _) if call.index.is_none() => 0,
            (None, Some(name)) => self.begin_call(None, None, name, out),
            (_, None) if more.is_blank() => return,
            _ => return self.dropped.note(FUNCTION_CALL),
        };
        if !more.is_empty() {
            self.go_on(nth, more, out);
        }
    }

    /// A thought of nothing but the seal of a call.
    fn seal<'a>(&mut self, seal: Option<Seal<'a>>, out: &mut Vec<Event<'a>>) {
        let Some(seal) = seal else { return };
        let at = self.begin(Opening::Thought, out);
        let delta = Delta::Seal(seal);
        out.extend([Event::Delta { at, delta }, Event::Close { at }]);
    }

    /// The seal of a call that goes on. Behind others nobody could tell whose it is.
    fn seal_late<'a>(&mut self, nth: usize, seal: Option<Seal<'a>>, out: &mut Vec<Event<'a>>) {
        if seal.is_none() {
            return;
        }
        let last = self.calls.len().saturating_sub(1);
        match self.calls.get_mut(nth) {
            Some(call) if nth == last && !call.is_sealed => {
                call.is_sealed = true;
                self.seal(seal, out);
            }
            _ => self.dropped.note("tool_calls.extra_content"),
        }
    }

    /// The number of the call that goes on: the one of this id, and where no tool is named
    /// the latest of this index, since some servers give every piece an id of its own.
    /// Whoever names a tool again without the id calls it again.
    fn known(&self, index: u64, id: Option<&Text<'_>>, is_named: bool) -> Option<usize> {
        let latest = |fits: &dyn Fn(&Call) -> bool| {
            let fits = |call: &Call| call.index == Some(index) && fits(call);
            self.calls.iter().rposition(fits)
        };
        let same = id.and_then(|id| latest(&|call| call.id.written() == id.written()));
        same.or_else(|| latest(&|_| !is_named))
    }

    /// The number of a call from before there were tools that is told again as one of this
    /// index, and goes on as such.
    fn told_again(&mut self, index: u64, name: Option<&Text<'_>>) -> Option<usize> {
        let first = self.calls.first_mut()?;
        let is_same = first.is_told_again(name?);
        is_same.then(|| {
            first.index = Some(index);
            0
        })
    }

    /// More of a call's arguments.
    fn go_on<'a>(&mut self, nth: usize, more: Text<'a>, out: &mut Vec<Event<'a>>) {
        let Some(call) = self.calls.get_mut(nth) else {
            return;
        };
        call.settle_empty(&more, out);
        match call.state {
            State::Open if call.empty.is_some() => {}
            State::Open => call.push(more, out),
            // White space may follow.
            _ if more.is_blank() => {}
            State::Bare if is_empty_object(&more) => {}
            // No client could read more than that.
            State::Whole => self.dropped.note("tool_calls.arguments"),
            // It may run already, without them.
            State::Bare => {
                let message = "the arguments of a tool call came after other parts";
                self.fail("api_error".into(), message.into(), out);
            }
        }
    }

    /// Its number among calls.
    fn begin_call<'a>(
        &mut self,
        index: Option<u64>,
        id: Option<Text<'a>>,
        name: Text<'a>,
        out: &mut Vec<Event<'a>>,
    ) -> usize {
        let nth = self.calls.len();
        let id = id.unwrap_or_default();
        let (own_id, own_name) = (id.clone().into_owned(), name.clone().into_owned());
        let at = self.begin(Opening::ToolCall { id, name }, out);
        self.calls.push(Call::new(index, own_id, own_name, at));
        nth
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::TURNS;
    use super::*;

    /// Reads chunks: `t` is text, `0` a call that begins, `0:x` its arguments, `+` joins
    /// what comes in one chunk, `.` is the end.
    fn read(chunks: &str) -> String {
        let mut reader = ReadStream::default();
        let mut told = Vec::new();
        for chunk in chunks.split(' ') {
            let data = match chunk {
                "." => "[DONE]".to_owned(),
                "t" => "{\"choices\":[{\"delta\":{\"content\":\"t\"}}]}".to_owned(),
                calls => {
                    let calls: Vec<String> = calls.split('+').map(call).collect();
                    let calls = calls.join(",");
                    format!("{{\"choices\":[{{\"delta\":{{\"tool_calls\":[{calls}]}}}}]}}")
                }
            };
            let mut out = Vec::new();
            reader.read(&data, &mut out).expect("JSON");
            told.extend(out.into_iter().filter_map(|event| match event {
                Event::Open { at, .. } => Some(format!("+{at}")),
                Event::Close { at } => Some(format!("-{at}")),
                Event::Delta {
                    at,
                    delta: Delta::Arguments(text) | Delta::Text(text),
                } => Some(format!("{at}{}", text.plain())),
                Event::Failed { .. } => Some("failed".to_owned()),
                Event::End => Some(".".to_owned()),
                _ => None,
            }));
        }
        told.join(" ")
    }

    fn call(word: &str) -> String {
        let (index, arguments) = word.split_once(':').unwrap_or((word, ""));
        let arguments = Text::from_plain(arguments);
        let arguments = arguments.written();
        if word == index {
            let function = "{\"name\":\"a\",\"arguments\":\"\"}";
            return format!("{{\"index\":{index},\"id\":\"c{index}\",\"function\":{function}}}");
        }
        format!("{{\"index\":{index},\"function\":{{\"arguments\":\"{arguments}\"}}}}")
    }

    #[test]
    fn an_early_empty_object_gives_way_to_the_arguments() {
        for (chunks, told) in [
            ("0+0:{} 0:{\"a\" 0::1} .", "+0 0{\"a\" 0:1} -0 ."),
            ("0 0:{\n} 0:\n 0:{\"a\":1} .", "+0 0{\"a\":1} -0 ."),
            ("0+0:{} 0:{} .", "+0 0{} -0 ."),
            // It is all that comes before another part, or the end.
            ("0+0:{} .", "+0 0{} -0 ."),
            ("0+0:{} 0:} t .", "+0 0{} -0 +1 1t -1 ."),
            ("0+0:{} t 0:{} .", "+0 +1 1t 0{} -0 -1 ."),
            ("0+0:{} 1 1:{\"a\" .", "+0 +1 0{} -0 1{\"a\" -1 ."),
            // What comes in one chunk has no order.
            (
                "0+0:{}+1+1:{\"a\":1} 0:{\"b\" 0::1} .",
                "+0 +1 1{\"a\":1} -1 0{\"b\" 0:1} -0 .",
            ),
            // Too late, which is not kept quiet.
            ("0+0:{} 1 0:{\"a\":1}", "+0 +1 0{} -0 failed"),
            // Pieces of an object.
            ("0 0:{ 0:} 0:{", "+0 0{ 0} -0"),
        ] {
            assert_eq!(read(chunks), told, "{chunks}");
        }
    }

    #[test]
    fn a_call_that_nothing_comes_of_ends_when_it_was_passed_over() {
        let texts = |count: usize| vec!["t"; count].join(" ");
        let told = |count: usize| vec!["1t"; count].join(" ");
        let turns = TURNS as usize;
        let (all, most) = (texts(turns), texts(turns - 1));
        let (all_told, most_told) = (told(turns), told(turns - 1));
        for (chunks, expected) in [
            (format!("0 {all}"), format!("+0 +1 {all_told} -0")),
            (format!("0 {most}"), format!("+0 +1 {most_told}")),
            // Its turn may come late, but not after that.
            (
                format!("0 {most} 0:{{\"a\" {all} 0::1}} ."),
                format!("+0 +1 {most_told} 0{{\"a\" {all_told} 0:1}} -0 -1 ."),
            ),
            (
                format!("0 {all} 0:{{"),
                format!("+0 +1 {all_told} -0 failed"),
            ),
            (format!("0 {all} 0:{{}}"), format!("+0 +1 {all_told} -0")),
        ] {
            assert_eq!(read(&chunks), expected, "{chunks}");
        }
    }

    #[test]
    fn arguments_that_come_by_turns_are_awaited() {
        let pieces = |call: usize| vec![format!("{call}:["); 2 * TURNS as usize].join(" ");
        // All begin before the first has arguments, with one chunk or with several, and
        // then one goes on after another.
        for begin in ["0+1+2", "0 1 2"] {
            let chunks = format!("{begin} {} {} {} .", pieces(0), pieces(1), pieces(2));
            let told = read(&chunks);
            assert!(told.ends_with("2[ -0 -1 -2 ."), "{told}");
        }
        assert_eq!(
            read("0 1 2 2:{ 1:{ 0:{ 2:} 1:} 0:} ."),
            "+0 +1 +2 2{ 1{ 0{ 2} -2 1} -1 0} -0 ."
        );
    }
}
