//! What could not be carried, to be said in a header and in the log.

use std::borrow::Cow;

use super::super::json::{Json, Text};

/// Most names that are kept; a body may hold any number of unknown fields.
const LIMIT: usize = 24;

/// After the last name of a list that others would not fit into.
const MORE: &str = "...";

/// Names of fields and features, each once, in the order they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    names: Vec<Cow<'static, str>>,
    /// Whether there were others.
    has_more: bool,
}

impl Dropped {
    /// Notes a name of the program's own.
    pub fn note(&mut self, name: &'static str) {
        self.add(Cow::Borrowed(name));
    }

    /// What is read of a value; where that is nothing and the value says something, notes
    /// its name.
    pub fn read<'j, 'a, T>(
        &mut self,
        name: &'static str,
        value: Option<&'j Json<'a>>,
        read: impl FnOnce(&'j Json<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = value?;
        let found = read(value);
        if found.is_none() && !value.is_nothing() {
            self.note(name);
        }
        found
    }

    /// The text of a member; something else there is noted.
    pub fn text_at<'a>(&mut self, within: &str, object: &Json<'a>, name: &str) -> Option<Text<'a>> {
        let value = object.get(name)?;
        if value.text().is_none() && !value.is_nothing() {
            self.note_field(within, name);
        }
        value.text().cloned()
    }

    /// Notes a name from a body, made fit for a header; where it is empty, what it is within.
    pub fn note_field(&mut self, within: &str, name: &str) {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "_-.".contains(c) {
                c
            } else {
                '_'
            }
        };
        let name: String = name.chars().take(40).map(plain).collect();
        let whole = match name.is_empty() {
            true => within.trim_end_matches('.').to_owned(),
            false => format!("{within}{name}"),
        };
        self.add(Cow::Owned(whole));
    }

    /// Notes the members of an object that say something and are not `known`.
    pub fn note_unknown(&mut self, within: &str, object: &Json<'_>, known: &[&str]) {
        for (name, value) in object.members() {
            if !known.contains(&&**name) && !value.is_nothing() {
                self.note_field(within, name);
            }
        }
    }

    fn add(&mut self, name: Cow<'static, str>) {
        if self.names.contains(&name) {
            return;
        }
        if self.names.len() < LIMIT {
            self.names.push(name);
        } else {
            self.has_more = true;
        }
    }

    /// Adds what another has.
    pub fn extend(&mut self, other: &Self) {
        for name in &other.names {
            self.add(name.clone());
        }
        self.has_more |= other.has_more;
    }

    /// Whether this name was noted.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Whether all was carried.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, in the order they were met; `...` at the end tells of more.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let more = self.has_more.then_some(MORE);
        self.names.iter().map(|name| &**name).chain(more)
    }

    /// The names with commas between, as the header has them.
    pub fn words(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_list_tells_of_more() {
        let mut dropped = Dropped::default();
        for at in 0..LIMIT {
            dropped.note_field("x.", &at.to_string());
        }
        let full = dropped.words();
        assert!(full.starts_with("x.0, x.1, ") && full.ends_with(", x.23"));
        dropped.note_field("x.", "3");
        assert_eq!(dropped.words(), full);
        dropped.note("top_k");
        dropped.note("stop");
        assert_eq!(dropped.words(), format!("{full}, ..."));
        let mut other = Dropped::default();
        other.note("store");
        other.extend(&dropped);
        assert!(other.words().starts_with("store, x.0, "));
        assert!(other.words().ends_with(", x.22, ..."));
    }
}
