//! Paths of keys, as messages name them.

use std::fmt;

/// The path of a key in a map, put together only when it is told.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    /// The path of the map; empty at the top.
    pub(super) inside: &'p str,
    pub(super) name: &'p str,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.inside.is_empty() {
            write!(f, "{}.", self.inside)?;
        }
        f.write_str(self.name)
    }
}

/// `inside.name`, or `name` at the top.
pub(super) fn join(inside: &str, name: &str) -> String {
    Path { inside, name }.to_string()
}
