//! A document that is about to be written: names, values and comments in the
//! order they will stand, without places. An importer makes one, `fmt` and
//! `convert` read one from a source, and a writer turns it into text. What a
//! value means is not asked here.

/// A whole document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Sections in order.
    pub entries: Vec<Entry>,
    /// Comment lines after the last section.
    pub tail: Vec<String>,
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name.
    pub key: String,
    /// The value.
    pub item: Item,
    /// What is said about it.
    pub comments: Comments,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The value.
    pub item: Item,
    /// What is said about it.
    pub comments: Comments,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written, for example `0.25` or `60000`.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Element>),
    /// A map, each key once.
    Map(Vec<Entry>),
}

/// Comments without their marks, one text a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// Lines above.
    pub above: Vec<String>,
    /// Behind the value, on its line.
    pub beside: Option<String>,
}

impl Entry {
    /// An entry without comments.
    pub fn new(key: impl Into<String>, item: Item) -> Self {
        Self {
            key: key.into(),
            item,
            comments: Comments::default(),
        }
    }
}

impl From<Item> for Element {
    /// An element without comments.
    fn from(item: Item) -> Self {
        Self {
            item,
            comments: Comments::default(),
        }
    }
}

impl Item {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map of entries without comments.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter();
        Self::Map(entries.map(|(key, item)| Entry::new(key, item)).collect())
    }

    /// A list of items without comments.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().map(Element::from).collect())
    }
}
