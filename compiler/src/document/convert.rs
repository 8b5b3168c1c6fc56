//! `convert`: the same document in another syntax. What is written is read
//! back, because no syntax can say everything.

use std::collections::BTreeMap;

use super::format::{Syntax, Unformatted, read};
use super::read::document;
use super::{Document, Entry, Item, json, kdl, yaml};
use crate::source::{SourceId, Sources};
use crate::{Limits, Settings, compile_within};

/// A document in another syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The text.
    pub text: String,
    /// Comments that the syntax has no place for.
    pub dropped: usize,
}

/// Why a document was not converted.
#[derive(Clone, Debug, PartialEq)]
pub enum Unconverted {
    /// It cannot be read.
    Unread(Unformatted),
    /// The syntax cannot say what stands at this path.
    Unsaid(String),
}

/// One source in another syntax, with its comments where that has them. It
/// has the same plan, if it has one.
///
/// # Errors
/// When the source cannot be read, or the syntax cannot say the same.
pub fn convert(
    sources: &Sources,
    id: SourceId,
    to: Syntax,
    limits: &Limits,
) -> Result<Converted, Unconverted> {
    let root = read(sources, id, limits).map_err(Unconverted::Unread)?;
    let document = document(sources, id, &root, limits);
    let text = document.write(to);
    if let Some(path) = unsaid(&document, to, limits) {
        let path = path.strip_prefix('.').unwrap_or(&path).to_owned();
        return Err(Unconverted::Unsaid(path));
    }
    let mut alone = Sources::new();
    alone.add(sources.get(id).name(), sources.get(id).text());
    let written = Sources::single(to.file_name(), text.as_str());
    let settings = Settings {
        limits: *limits,
        ..Settings::default()
    };
    let plan = |sources: &Sources| compile_within(sources, &settings).plan;
    let before = plan(&alone).map(|plan| plan.hash());
    if before.is_some() && before != plan(&written).map(|plan| plan.hash()) {
        return Err(Unconverted::Unsaid(String::new()));
    }
    let dropped = match to {
        Syntax::Json => document.remarks(),
        Syntax::Yaml | Syntax::Kdl => 0,
    };
    Ok(Converted { text, dropped })
}

impl Syntax {
    /// A name whose ending says the syntax.
    fn file_name(self) -> &'static str {
        match self {
            Self::Yaml => "registration.yaml",
            Self::Kdl => "registration.kdl",
            Self::Json => "registration.json",
        }
    }
}

impl Document {
    /// The text in a syntax.
    pub fn write(&self, syntax: Syntax) -> String {
        match syntax {
            Syntax::Yaml => yaml::write(self),
            Syntax::Kdl => kdl::write(self),
            Syntax::Json => json::write(self),
        }
    }
}

/// The path of something that a syntax says otherwise than the document.
fn unsaid(document: &Document, to: Syntax, limits: &Limits) -> Option<String> {
    let again = |document: &Document| {
        let sources = Sources::single(to.file_name(), document.write(to));
        let (id, _) = sources.iter().next()?;
        let root = read(&sources, id, limits).ok()?;
        Some(self::document(&sources, id, &root, limits).entries)
    };
    let found = |document: &Document| {
        let wanted = Item::Map(document.entries.clone());
        Some(difference(&wanted, &Item::Map(again(document)?), to))
    };
    match found(document) {
        Some(path) => path,
        None => {
            let alone = |entry| Document {
                entries: vec![entry],
                tail: Vec::new(),
            };
            let unsaid = |document: &Document| found(document).is_none_or(|path| path.is_some());
            let mut entries = document.entries.iter();
            let entry = entries.find(|entry| unsaid(&alone((*entry).clone())));
            Some(entry.map_or(String::new(), |entry| narrowed(entry, &alone, &unsaid)))
        }
    }
}

/// The path, within an entry that reads back as something else, of what is the reason.
fn narrowed(
    entry: &Entry,
    alone: &dyn Fn(Entry) -> Document,
    unsaid: &dyn Fn(&Document) -> bool,
) -> String {
    let key = &entry.key;
    let within = |inner: Entry| alone(Entry::new(key, Item::Map(vec![inner])));
    let empty = alone(Entry::new(key, Item::Map(Vec::new())));
    let inner = match &entry.item {
        Item::Map(entries) if !unsaid(&empty) => entries
            .iter()
            .find(|inner| unsaid(&within((*inner).clone()))),
        _ => None,
    };
    let path = inner.map_or(String::new(), |inner| narrowed(inner, &within, unsaid));
    format!(".{key}{path}")
}

/// The path at which two values differ, but for the order of keys. An empty
/// list is nothing in KDL.
fn difference(wanted: &Item, found: &Item, to: Syntax) -> Option<String> {
    match (wanted, found) {
        (Item::List(wanted), Item::Null) if to == Syntax::Kdl && wanted.is_empty() => None,
        (Item::List(wanted), Item::List(found)) if wanted.len() == found.len() => {
            let pairs = wanted.iter().zip(found).enumerate();
            pairs.into_iter().find_map(|(at, (wanted, found))| {
                let path = difference(&wanted.item, &found.item, to)?;
                Some(format!("[{at}]{path}"))
            })
        }
        (Item::Map(wanted), Item::Map(found)) if wanted.len() == found.len() => {
            let found = found.iter().map(|entry| (&entry.key, &entry.item));
            let found: BTreeMap<_, _> = found.collect();
            wanted.iter().find_map(|entry| {
                let path = match found.get(&entry.key) {
                    Some(found) => difference(&entry.item, found, to)?,
                    None => String::new(),
                };
                Some(format!(".{}{path}", entry.key))
            })
        }
        (wanted, found) => (wanted != found).then(String::new),
    }
}
