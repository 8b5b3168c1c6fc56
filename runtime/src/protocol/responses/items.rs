//! Which item an event of a stream is of.
//!
//! Most servers number their items. Some only name them, or only some of their events, and
//! some neither: these items are numbered here, in the order they appear.

use std::collections::{HashMap, HashSet};

use super::super::json::{Json, Text};

/// The item that an event is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) number: u64,
    /// Whether it has got its number by this event, which has none.
    pub(super) is_new: bool,
}

/// All items that were met.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// By their ids, and those of their calls.
    named: HashMap<String, u64>,
    done: HashSet<u64>,
    latest: Option<u64>,
    /// Whether the latest has an id.
    is_named: bool,
    /// Above all numbers there are.
    next: u64,
}

impl Items {
    /// The item that a piece is of.
    pub(super) fn of_piece(&mut self, event: &Json<'_>) -> Item {
        if let Some(number) = event.count_at("output_index") {
            return self.go_on(number, true);
        }
        let Some(id) = name(event, "item_id") else {
            return self.go_on_or_add(self.going_on(), self.is_named);
        };
        if let Some(number) = self.named.get(id.written()) {
            return self.go_on(*number, true);
        }
        // Some servers name an item first in its pieces.
        let unnamed = self.going_on().filter(|_| !self.is_named);
        let item = self.go_on_or_add(unnamed, true);
        self.named.insert(id.written().to_owned(), item.number);
        item
    }

    /// The item that begins with an event.
    pub(super) fn begins(&mut self, event: &Json<'_>, item: &Json<'_>) -> Item {
        let known = self.known(item);
        self.meet(event, item, known)
    }

    /// The item that is complete with an event, which tells it whole.
    pub(super) fn ends(&mut self, event: &Json<'_>, item: &Json<'_>) -> Item {
        let latest = self.going_on();
        let latest = latest.filter(|_| !self.is_named || names(item).next().is_none());
        let known = self.known(item).or(latest);
        let met = self.meet(event, item, known);
        if !item.is_nothing() {
            self.done.insert(met.number);
        }
        met
    }

    /// Whether an item is complete.
    pub(super) fn is_done(&self, number: u64) -> bool {
        self.done.contains(&number)
    }

    /// The numbers of all items of the output: by their names, or their places where the
    /// names do not tell them apart.
    pub(super) fn numbers(&self, output: &[Json<'_>]) -> Vec<u64> {
        let places = 0..output.len() as u64;
        let by_name = places.clone().zip(output);
        let by_name = by_name.map(|(place, item)| self.known(item).unwrap_or(place));
        let by_name: Vec<u64> = by_name.collect();
        let different: HashSet<u64> = by_name.iter().copied().collect();
        match different.len() == output.len() {
            true => by_name,
            false => places.collect(),
        }
    }

    fn meet(&mut self, event: &Json<'_>, item: &Json<'_>, known: Option<u64>) -> Item {
        let has_id = name(item, "id").is_some();
        let number = event.count_at("output_index").or(known);
        let met = self.go_on_or_add(number, has_id);
        for name in names(item) {
            self.named.insert(name.written().to_owned(), met.number);
        }
        met
    }

    fn known(&self, item: &Json<'_>) -> Option<u64> {
        names(item).find_map(|name| self.named.get(name.written()).copied())
    }

    /// The latest item, unless it is complete.
    fn going_on(&self) -> Option<u64> {
        self.latest.filter(|latest| !self.done.contains(latest))
    }

    fn go_on(&mut self, number: u64, is_named: bool) -> Item {
        self.latest = Some(number);
        self.is_named = is_named;
        self.next = self.next.max(number.saturating_add(1));
        Item {
            number,
            is_new: false,
        }
    }

    fn go_on_or_add(&mut self, number: Option<u64>, is_named: bool) -> Item {
        let item = self.go_on(number.unwrap_or(self.next), is_named);
        Item {
            is_new: number.is_none(),
            ..item
        }
    }
}

/// By which an item is known: its id, and that of its call.
fn names<'a>(item: &Json<'a>) -> impl Iterator<Item = Text<'a>> {
    let names = ["id", "call_id"].into_iter();
    names.filter_map(|field| name(item, field))
}

fn name<'a>(json: &Json<'a>, field: &str) -> Option<Text<'a>> {
    json.text_at(field).filter(|name| !name.is_empty())
}
