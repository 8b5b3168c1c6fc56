//! What an editor asks of a document set: what may stand here, what is this,
//! where is it given, and what if it had another name.
//!
//! Pure functions of texts and a byte offset. Documents are taken as they are
//! while somebody types; nothing here reports a mistake, and no answer holds a
//! secret.

mod complete;
mod hover;
mod names;
mod outline;
mod rename;
mod spell;

pub use complete::{Completion, Offer, complete};
pub use hover::{Hover, hover};
pub use names::Kind;
pub use rename::{Renamable, renamable, rename};

use crate::registration::VOCABULARY;
use crate::source::{SourceId, Sources, Span};
use crate::tree::Value;
use names::{Mention, mentions};

/// Where the name at a place is given: the entry of a model, every entry of a
/// pool, a service, a rule. In the order of the sources.
pub fn definitions(sources: &Sources, id: SourceId, offset: usize) -> Vec<Span> {
    let all = mentions(sources);
    let Some(asked) = at(&all, id, offset) else {
        return Vec::new();
    };
    let given = all
        .iter()
        .filter(|other| other.is_given && other.is_same(asked));
    given.map(|found| found.span).collect()
}

/// Every place of the name at a place; without `given`, those that only use it.
pub fn references(sources: &Sources, id: SourceId, offset: usize, given: bool) -> Vec<Span> {
    let all = mentions(sources);
    let Some(asked) = at(&all, id, offset) else {
        return Vec::new();
    };
    let same = all.iter().filter(|other| other.is_same(asked));
    same.filter(|other| given || !other.is_given)
        .map(|found| found.span)
        .collect()
}

/// Whether a text says anything of a registration: an editor shows many YAML
/// files to a server, and most of them are none. An empty text may become one.
pub fn is_registration(sources: &Sources, id: SourceId) -> bool {
    match names::tree(sources, id).value {
        Value::Map(entries) => entries.iter().any(|entry| {
            let name = entry.key.value.as_ref();
            VOCABULARY.iter().any(|key| key.is_spelt(name))
        }),
        Value::List(_) => false,
        Value::Null | Value::Scalar(_) | Value::Broken => true,
    }
}

/// The name at a place.
fn at(all: &[Mention], id: SourceId, offset: usize) -> Option<&Mention> {
    all.iter().find(|mention| is_at(mention.span, id, offset))
}

fn is_at(span: Span, id: SourceId, offset: usize) -> bool {
    let range = span.range();
    span.source == id && range.start <= offset && offset <= range.end
}
