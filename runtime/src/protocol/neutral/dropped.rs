//! What could not be carried, to be said in a header and in the log.

use std::borrow::Cow;

/// Most names that are kept; a body may hold any number of unknown fields.
const LIMIT: usize = 24;

/// Names of fields and features, each once, in the order they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    names: Vec<Cow<'static, str>>,
}

impl Dropped {
    /// Notes a name of the program's own.
    pub fn note(&mut self, name: &'static str) {
        self.add(Cow::Borrowed(name));
    }

    /// Notes a name from a body, made fit for a header.
    pub fn note_field(&mut self, within: &str, name: &str) {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "_-.".contains(c) {
                c
            } else {
                '_'
            }
        };
        let name: String = name.chars().take(40).map(plain).collect();
        self.add(Cow::Owned(format!("{within}{name}")));
    }

    fn add(&mut self, name: Cow<'static, str>) {
        if self.names.len() < LIMIT && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Adds what another has.
    pub fn extend(&mut self, other: &Self) {
        for name in &other.names {
            self.add(name.clone());
        }
    }

    /// Whether this name was noted.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Whether all was carried.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, in the order they were met.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The names with commas between, as the header has them.
    pub fn words(&self) -> String {
        self.names.join(", ")
    }
}
