//! A table by name: sorted, and every row at a position, so that an index can
//! point at it. It is made whole and never changed.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Zip;
use std::ops;
use std::slice;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Rows in order of their names, each name once.
#[derive(Clone, PartialEq)]
pub struct Named<V> {
    names: Vec<String>,
    rows: Vec<V>,
}

impl<V> Named<V> {
    /// The row of this name.
    pub fn get(&self, name: &str) -> Option<&V> {
        let at = self
            .names
            .binary_search_by(|known| known.as_str().cmp(name));
        self.rows.get(at.ok()?)
    }

    /// The row of this name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let at = self
            .names
            .binary_search_by(|known| known.as_str().cmp(name));
        self.rows.get_mut(at.ok()?)
    }

    /// The row at a position, with its name.
    pub fn at(&self, position: usize) -> Option<(&String, &V)> {
        self.names.get(position).zip(self.rows.get(position))
    }

    /// Whether there is a row of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows in order of their names.
    pub fn iter(&self) -> Zip<slice::Iter<'_, String>, slice::Iter<'_, V>> {
        self.names.iter().zip(&self.rows)
    }

    /// Names in order.
    pub fn keys(&self) -> slice::Iter<'_, String> {
        self.names.iter()
    }

    /// Rows without their names, in order of those.
    pub fn values(&self) -> slice::Iter<'_, V> {
        self.rows.iter()
    }
}

impl<V> Default for Named<V> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl<V> From<BTreeMap<String, V>> for Named<V> {
    fn from(rows: BTreeMap<String, V>) -> Self {
        let (names, rows) = rows.into_iter().unzip();
        Self { names, rows }
    }
}

impl<'n, V> IntoIterator for &'n Named<V> {
    type Item = (&'n String, &'n V);
    type IntoIter = Zip<slice::Iter<'n, String>, slice::Iter<'n, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<V> ops::Index<&str> for Named<V> {
    type Output = V;

    fn index(&self, name: &str) -> &V {
        self.get(name).expect("a row of this name")
    }
}

impl<V: fmt::Debug> fmt::Debug for Named<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<V: Serialize> Serialize for Named<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Named<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}
