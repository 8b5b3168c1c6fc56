//! Where the entries and items of a tree stand, so that comments find them.

use crate::document::remarks::{self, Remark, Slot, dash_before};
use crate::document::{Comments, Line};
use crate::source::{Source, Span};
use crate::tree::{Entry, Node, Value};

/// What each entry and each item is told, in the order of the tree, and the
/// lines after the last. What an alias repeats, and a list that is only
/// gathered from KDL's nodes, stands nowhere and is told nothing.
pub(super) fn attach(
    source: &Source,
    root: &Node<'_>,
    remarks: &[Remark],
) -> (Vec<Comments>, Vec<Line>) {
    let mut places = Places {
        source,
        remarks,
        found: Vec::new(),
    };
    places.below(root, None, None);
    let found = places.found;
    let mut order: Vec<usize> = (0..found.len()).filter(|at| found[*at].is_some()).collect();
    order.sort_by_key(|at| found[*at].as_ref().map(|slot| slot.range.start));
    let mut rank = vec![0; found.len()];
    for (at, place) in order.iter().enumerate() {
        rank[*place] = at;
    }
    let slots: Vec<Slot> = order
        .iter()
        .filter_map(|at| found[*at].clone())
        .map(|slot| Slot {
            parent: slot.parent.map(|parent| rank[parent]),
            ..slot
        })
        .collect();
    let (mut told, tail) = remarks::attach(source, &slots, remarks);
    let taken = |at: usize| match found[at] {
        Some(_) => std::mem::take(&mut told[rank[at]]),
        None => Comments::default(),
    };
    ((0..found.len()).map(taken).collect(), tail)
}

/// Everything stands before it.
const NOWHERE: Option<usize> = Some(usize::MAX);

struct Places<'a> {
    source: &'a Source,
    remarks: &'a [Remark],
    /// A place for each entry and item; none where it stands nowhere.
    found: Vec<Option<Slot>>,
}

impl Places<'_> {
    /// Finds the members of a value in the slot `parent`. Nothing stands before `least`.
    fn below(&mut self, node: &Node<'_>, parent: Option<usize>, least: Option<usize>) {
        let open = !self.source.is_kdl() && !self.is_flow(node);
        let mut least = least;
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    self.entry(entry, parent, &mut least, open);
                }
            }
            Value::List(items) => {
                for item in items {
                    let at = item.span.range();
                    let dash =
                        open.then(|| dash_before(self.source.text(), at.start, self.remarks));
                    let start = dash.flatten().unwrap_or(at.start);
                    let slot = self.slot(start, at.end, parent, &mut least, open);
                    self.below(item, slot.or(parent), slot.map_or(NOWHERE, |_| Some(start)));
                }
            }
            Value::Null | Value::Scalar(_) | Value::Broken => {}
        }
    }

    fn entry(
        &mut self,
        entry: &Entry<'_>,
        parent: Option<usize>,
        least: &mut Option<usize>,
        open: bool,
    ) {
        let (key, value) = (entry.key.span, entry.value.span);
        if self.source.is_kdl() && is_gathered(key, &entry.value) {
            self.found.push(None);
            self.below(&entry.value, parent, None);
            return;
        }
        let start = key.range().start;
        let slot = self.slot(start, value.range().end, parent, least, open);
        self.below(
            &entry.value,
            slot.or(parent),
            slot.map_or(NOWHERE, |_| Some(start)),
        );
    }

    /// Notes a place, unless it is one that an alias leads back to.
    fn slot(
        &mut self,
        start: usize,
        end: usize,
        parent: Option<usize>,
        least: &mut Option<usize>,
        open: bool,
    ) -> Option<usize> {
        let repeated = !self.source.is_kdl() && least.is_some_and(|least| start < least);
        if repeated {
            self.found.push(None);
            return None;
        }
        *least = Some(start + 1);
        self.found.push(Some(Slot {
            range: start..end.max(start),
            parent,
            open,
        }));
        Some(self.found.len() - 1)
    }

    /// Whether brackets say where a list or a map ends.
    fn is_flow(&self, node: &Node<'_>) -> bool {
        let start = node.span.range().start;
        let first = match &node.value {
            Value::Map(entries) => entries.first().map(|entry| entry.key.span),
            Value::List(items) => items.first().map(|item| item.span),
            Value::Null | Value::Scalar(_) | Value::Broken => None,
        };
        let bracket = self.source.text()[start..].starts_with(['{', '[']);
        // An item of a block list may begin with one, and then so does the list.
        bracket && first.is_none_or(|first| first.range().start != start)
    }
}

/// Whether a list has no place of its own: it begins with its first item.
fn is_gathered(key: Span, value: &Node<'_>) -> bool {
    matches!(&value.value, Value::List(items)
        if items.first().is_some_and(|first| first.span.range().start == key.range().start))
}
