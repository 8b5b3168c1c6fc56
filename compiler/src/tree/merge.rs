//! Several files as one document: maps are joined key by key, lists of maps
//! one after the other, and anything else must agree.

use std::collections::HashMap;

use super::{Entry, Node, Value};
use crate::diagnostic::{Code, Diagnostic, Problems};

/// Joins `next` into `first`. The order of files is the order of list items.
pub(super) fn merge<'s>(first: Node<'s>, next: Node<'s>, problems: &mut Problems) -> Node<'s> {
    let span = first.span;
    let value = match (first.value, next.value) {
        (Value::Map(mine), Value::Map(theirs)) => Value::Map(merge_maps(mine, theirs, problems)),
        (mine, _) => mine,
    };
    Node { value, span }
}

fn merge_maps<'s>(
    mut mine: Vec<Entry<'s>>,
    theirs: Vec<Entry<'s>>,
    problems: &mut Problems,
) -> Vec<Entry<'s>> {
    let known: HashMap<String, usize> = mine
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry.key.value.to_string(), at))
        .collect();
    for entry in theirs {
        match known.get(entry.key.value.as_ref()) {
            None => mine.push(entry),
            Some(at) => merge_entry(&mut mine[*at], entry, problems),
        }
    }
    mine
}

fn merge_entry<'s>(mine: &mut Entry<'s>, theirs: Entry<'s>, problems: &mut Problems) {
    let value = std::mem::replace(&mut mine.value.value, Value::Broken);
    mine.value.value = match (value, theirs.value.value) {
        (Value::Map(a), Value::Map(b)) => Value::Map(merge_maps(a, b, problems)),
        (Value::List(mut a), Value::List(b)) if of_maps(&a) && of_maps(&b) => {
            a.extend(b);
            Value::List(a)
        }
        (kept, Value::Null | Value::Broken) => kept,
        (Value::Null | Value::Broken, other) => {
            mine.key = theirs.key;
            mine.value.span = theirs.value.span;
            other
        }
        (a, b) => {
            if !same(&a, &b) {
                let key = &mine.key.value;
                problems.push(
                    Diagnostic::new(
                        Code::DocumentConflict,
                        format!("two files give `{key}` different values"),
                    )
                    .at(theirs.key.span, "given again here")
                    .at(mine.key.span, "first given here")
                    .help(format!("keep `{key}` in one of the files")),
                );
            }
            a
        }
    };
}

fn of_maps(items: &[Node<'_>]) -> bool {
    items
        .iter()
        .all(|item| matches!(item.value, Value::Map(_) | Value::Broken))
}

/// Equal but for places.
fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Scalar(a), Value::Scalar(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.value, &b.value))
        }
        _ => false,
    }
}
