//! KDL: a document written, and a text formatted.
//!
//! An empty list cannot be said in KDL; its name is written without a value,
//! which counts as absent. A few names are read as something else where they
//! stand (`model` at the top is an item), so whoever must know that nothing
//! was lost reads the text back.

mod nodes;
mod outline;
mod print;
mod remarks;
mod text;

pub(super) use remarks::remarks;

use super::Document;
use crate::source::Source;

/// Writes a document as the nodes that docs/kdl.md describes.
pub fn write(document: &Document) -> String {
    print::print(&nodes::nodes(document))
}

/// The same text in the canonical layout. None where it cannot be followed,
/// which is never so where the tree was complete.
pub(super) fn format(source: &Source) -> Option<String> {
    outline::outline(source.text()).map(|statements| print::print(&statements))
}
