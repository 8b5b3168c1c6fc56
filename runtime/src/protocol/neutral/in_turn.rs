//! One part after another, where several were answered at once.
//!
//! Endpoints may go to and fro between calls. Clients take what comes for a piece of the
//! part that began last, as their vendors send it, or a part for complete where another
//! goes on: the official SDKs report parts that are not whole, or report others in their
//! place. So parts do not overlap on the way to a client.

use std::collections::VecDeque;

use super::{Citation, Delta, Event, Opening};

/// After how many events that are kept back the client gets a sign of life.
const PING_EVERY: usize = 16;

/// Bytes that may wait, as many as a whole answer may have.
const LIMIT: usize = 32 << 20;

/// Keeps back what comes of a part until those that began before it are complete. Where
/// that is too much, the answer fails: a part that is called complete before it is might be
/// a call that is made with half of its arguments.
#[derive(Debug)]
pub struct InTurn {
    /// The part that goes on.
    current: Option<usize>,
    /// Parts that have begun since, and what came of them. Their numbers rise.
    waiting: VecDeque<(usize, Vec<Event<'static>>)>,
    /// Events that were kept back since the last sign of life.
    unseen: usize,
    /// Bytes that wait, and how many may.
    bytes: usize,
    limit: usize,
    has_failed: bool,
}

impl Default for InTurn {
    fn default() -> Self {
        Self {
            current: None,
            waiting: VecDeque::new(),
            unseen: 0,
            bytes: 0,
            limit: LIMIT,
            has_failed: false,
        }
    }
}

impl InTurn {
    /// Takes the next event, and hands on what may go on with it: its own part if that is
    /// its turn, and what waited for that part to be complete. All is complete at the end.
    /// While parts wait, there are signs of life; what is said in them comes before a failure.
    /// When too much waits, the failure is its own, and nothing follows.
    pub fn take(&mut self, event: Event<'_>, hand: &mut dyn FnMut(Event<'_>)) {
        if self.has_failed {
            return;
        }
        let at = match &event {
            Event::Open { at, .. } | Event::Delta { at, .. } | Event::Close { at } => *at,
            other => {
                match other {
                    Event::End => self.complete(hand),
                    Event::Failed { .. } => self.tell(hand),
                    _ => {}
                }
                hand(event);
                return;
            }
        };
        let opens = matches!(event, Event::Open { .. });
        match self.current {
            Some(current) if current == at => {
                let is_complete = matches!(event, Event::Close { .. });
                hand(event);
                if is_complete {
                    self.current = None;
                    self.go_on(hand);
                }
            }
            Some(_) if opens => {
                self.bytes = self.bytes.saturating_add(weight(&event));
                self.waiting.push_back((at, vec![event.into_owned()]));
                self.stay_alive(hand);
            }
            Some(_) => {
                self.keep(at, event);
                self.stay_alive(hand);
            }
            None if opens => {
                self.current = Some(at);
                hand(event);
            }
            // Of a part that is complete, or never was.
            None => {}
        }
    }

    /// Whether too much waited, and the answer failed of that.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn keep(&mut self, at: usize, event: Event<'_>) {
        let place = self.waiting.binary_search_by_key(&at, |(at, _)| *at);
        let Ok((_, kept)) = place.map(|place| &mut self.waiting[place]) else {
            return;
        };
        self.bytes = self.bytes.saturating_add(weight(&event));
        // Pieces that wait become one.
        match (kept.last_mut(), event) {
            (
                Some(Event::Delta {
                    delta: Delta::Text(text),
                    ..
                }),
                Event::Delta {
                    delta: Delta::Text(more),
                    ..
                },
            )
            | (
                Some(Event::Delta {
                    delta: Delta::Arguments(text),
                    ..
                }),
                Event::Delta {
                    delta: Delta::Arguments(more),
                    ..
                },
            ) => text.push(&more),
            (_, event) => kept.push(event.into_owned()),
        }
    }

    /// Hands on what waited, up to a part that is not complete.
    fn go_on(&mut self, hand: &mut dyn FnMut(Event<'_>)) {
        while self.current.is_none()
            && let Some((at, kept)) = self.waiting.pop_front()
        {
            self.current = Some(at);
            for event in kept {
                self.bytes = self.bytes.saturating_sub(weight(&event));
                if matches!(event, Event::Close { .. }) {
                    self.current = None;
                }
                hand(event);
            }
        }
    }

    fn stay_alive(&mut self, hand: &mut dyn FnMut(Event<'_>)) {
        if self.bytes > self.limit {
            self.has_failed = true;
            self.tell(hand);
            hand(Event::Failed {
                kind: "api_error".into(),
                message: "a part of the answer did not end while too much came after it".into(),
            });
            return;
        }
        self.unseen += 1;
        if self.unseen >= PING_EVERY {
            self.unseen = 0;
            hand(Event::Ping);
        }
    }

    /// Hands on what waited, as far as it is there to be read. Nothing is complete by that:
    /// the part that goes on may be a call which nobody should make, and a client might
    /// take pieces of a call that waited for more of it.
    fn tell(&mut self, hand: &mut dyn FnMut(Event<'_>)) {
        for (_, kept) in self.waiting.drain(..) {
            let is_call = |event: &Event<'_>| {
                let Event::Open { part, .. } = event else {
                    return false;
                };
                matches!(part, Opening::ToolCall { .. })
            };
            if !kept.first().is_some_and(is_call) {
                kept.into_iter().for_each(&mut *hand);
            }
        }
    }

    fn complete(&mut self, hand: &mut dyn FnMut(Event<'_>)) {
        while let Some(at) = self.current.take() {
            hand(Event::Close { at });
            self.go_on(hand);
        }
    }
}

/// About how many bytes it takes to keep an event.
fn weight(event: &Event<'_>) -> usize {
    let text = match event {
        Event::Open {
            part: Opening::ToolCall { id, name },
            ..
        } => id.written().len() + name.written().len(),
        Event::Delta { delta, .. } => match delta {
            Delta::Text(text) | Delta::Arguments(text) => return text.written().len(),
            Delta::Seal(seal) => seal.to_signature().written().len(),
            Delta::Citation(Citation { url, title, quote }) => {
                let texts = [Some(url), title.as_ref(), quote.as_ref()];
                texts
                    .iter()
                    .flatten()
                    .map(|text| text.written().len())
                    .sum()
            }
        },
        _ => 0,
    };
    size_of::<Event<'_>>() + text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::json::Text;

    /// `+0` begins a part, `*0` one that is a call, `0a` goes on with it, `-0` completes it,
    /// `.` is the end and `!` a failure; `p` is a sign of life.
    fn in_turn(events: &str) -> String {
        within(LIMIT, events)
    }

    fn within(limit: usize, events: &str) -> String {
        let mut turns = InTurn {
            limit,
            ..InTurn::default()
        };
        let mut out: Vec<String> = Vec::new();
        for word in events.split(' ') {
            let at = |digit: &str| digit[..1].parse().expect("a digit");
            let event = match word.split_at(1) {
                ("+", digit) => Event::Open {
                    at: at(digit),
                    part: Opening::Text,
                },
                ("*", digit) => Event::Open {
                    at: at(digit),
                    part: Opening::ToolCall {
                        id: Text::default(),
                        name: Text::default(),
                    },
                },
                ("-", digit) => Event::Close { at: at(digit) },
                (".", _) => Event::End,
                ("!", _) => Event::Failed {
                    kind: Text::default(),
                    message: Text::default(),
                },
                ("p", _) => Event::Ping,
                (digit, text) => Event::Delta {
                    at: at(digit),
                    delta: Delta::Text(Text::from_string(text.to_owned())),
                },
            };
            turns.take(event, &mut |event| {
                out.push(match event {
                    Event::Open {
                        at,
                        part: Opening::Text,
                    } => format!("+{at}"),
                    Event::Open { at, .. } => format!("*{at}"),
                    Event::Close { at } => format!("-{at}"),
                    Event::Delta {
                        at,
                        delta: Delta::Text(text),
                    } => format!("{at}{}", text.plain()),
                    Event::Failed { .. } => "!".to_owned(),
                    Event::Ping => "p".to_owned(),
                    _ => ".".to_owned(),
                });
            });
        }
        out.join(" ")
    }

    #[test]
    fn parts_come_one_after_another() {
        for (events, expected) in [
            ("+0 0a 0b -0 +1 1c -1 .", "+0 0a 0b -0 +1 1c -1 ."),
            ("+0 +1 0a 1c 0b 1d -0 -1 .", "+0 0a 0b -0 +1 1cd -1 ."),
            // The second goes on where the first is complete, the third waits.
            (
                "+0 +1 +2 2e 1c -2 -0 1d -1 .",
                "+0 -0 +1 1c 1d -1 +2 2e -2 .",
            ),
            // What nobody completes is complete at the end.
            ("+0 0a +1 1c -1 +2 .", "+0 0a -0 +1 1c -1 +2 -2 ."),
            // Of parts that are complete, or never began, there is no more.
            ("+0 -0 0a -0 7b +1 0c 7d -1 .", "+0 -0 +1 -1 ."),
        ] {
            assert_eq!(in_turn(events), expected, "{events}");
        }
    }

    #[test]
    fn what_is_said_comes_before_a_failure() {
        for (events, expected) in [
            ("+0 0a !", "+0 0a !"),
            ("*0 +1 1a -1 +2 2b !", "*0 +1 1a -1 +2 2b !"),
            // Calls that wait are none to be made, and the first is not complete.
            ("*0 *1 1a -1 +2 2b !", "*0 +2 2b !"),
        ] {
            assert_eq!(in_turn(events), expected, "{events}");
        }
    }

    #[test]
    fn clients_hear_that_parts_wait() {
        assert_eq!(in_turn("*0 +1 p 1a"), "*0 p");
        let pieces = vec!["1a"; 2 * PING_EVERY].join(" ");
        let told = in_turn(&format!("*0 +1 {pieces} -0"));
        assert!(told.starts_with("*0 p p -0 +1 1aa"), "{told}");
        // No part waits.
        let pieces = vec!["0a"; 2 * PING_EVERY].join(" ");
        let told = in_turn(&format!("*0 {pieces} -0"));
        assert!(!told.contains('p'), "{told}");
    }

    #[test]
    fn what_waits_is_bounded() {
        let open = size_of::<Event<'_>>();
        for (more, events, expected) in [
            (4, "*0 +1 1ab 1cd 0a -0 -1 .", "*0 0a -0 +1 1abcd -1 ."),
            (3, "*0 +1 1ab 1cd 0a -0 -1 . p !", "*0 +1 1abcd !"),
            // What was handed on waits no longer.
            (
                2,
                "*0 +1 1ab -0 -1 *2 +3 3ab -2 -3 .",
                "*0 -0 +1 1ab -1 *2 -2 +3 3ab -3 .",
            ),
            (1, "*0 *1 *2 -0", "*0 !"),
            // What goes on does not wait.
            (0, "*0 0a 0b +1 0c -0 -1", "*0 0a 0b 0c -0 +1 -1"),
        ] {
            assert_eq!(within(open + more, events), expected, "{events}");
        }
    }
}
