//! `fmt`: the same text in the canonical layout of its syntax. Nothing is
//! reordered and no spelling is changed; what cannot be followed to the letter
//! is left alone.

use serde::de::IgnoredAny;

use super::read::item;
use super::{json, kdl, yaml};
use crate::Limits;
use crate::diagnostic::Problems;
use crate::source::{Source, SourceId, Sources};
use crate::tree::{self, Root, Value};

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// YAML.
    Yaml,
    /// KDL.
    Kdl,
    /// JSON.
    Json,
}

/// Why a text was not formatted.
#[derive(Clone, Debug, PartialEq)]
pub enum Unformatted {
    /// It has these mistakes of syntax.
    Problems(Problems),
    /// Its name says that it is JSON, and it is not, from this line and column on.
    NotJson(usize, usize),
    /// It would not have stayed the same, which is a defect of ours.
    Defect,
}

impl Syntax {
    /// The syntax of a source: by the ending of its name, else by its text.
    /// JSON is YAML too; where a text is both, it is JSON.
    pub fn of(source: &Source) -> Self {
        if source.is_kdl() {
            return Self::Kdl;
        }
        let text = source.text().trim_start();
        let is_json = source.name().ends_with(".json")
            || (text.starts_with(['{', '[']) && not_json(text).is_none());
        match is_json {
            true => Self::Json,
            false => Self::Yaml,
        }
    }
}

/// Where a text stops being JSON.
fn not_json(text: &str) -> Option<(usize, usize)> {
    let read = serde_json::from_str::<IgnoredAny>(text);
    read.err().map(|error| (error.line(), error.column()))
}

/// The text of one source in the canonical layout. It reads as the same tree,
/// holds every comment, and is itself formatted.
///
/// # Errors
/// When it cannot be read, or would have changed.
pub fn format(sources: &Sources, id: SourceId, limits: &Limits) -> Result<String, Unformatted> {
    let before = read(sources, id, limits)?;
    let source = sources.get(id);
    let formatted = match Syntax::of(source) {
        Syntax::Yaml => yaml::format(source, limits),
        Syntax::Kdl => kdl::format(source),
        Syntax::Json => match not_json(source.text()) {
            Some((line, column)) => return Err(Unformatted::NotJson(line, column)),
            None => Some(json::value(&item(&before.node))),
        },
    };
    let formatted = formatted.ok_or(Unformatted::Defect)?;
    let sources = Sources::single(source.name(), formatted);
    let again = sources
        .iter()
        .next()
        .map(|(id, source)| (id, source.text()));
    let (id, text) = again.ok_or(Unformatted::Defect)?;
    let after = read(&sources, id, limits).map_err(|_| Unformatted::Defect)?;
    match before.node.says_the_same_as(&after.node) {
        true => Ok(text.to_owned()),
        false => Err(Unformatted::Defect),
    }
}

/// The tree of one source, if it was read without a mistake.
pub(super) fn read<'s>(
    sources: &'s Sources,
    id: SourceId,
    limits: &Limits,
) -> Result<Root<'s>, Unformatted> {
    let mut problems = Problems::default();
    let root = tree::parse(id, sources, limits, &mut problems);
    // A lone word is no document; at the start of a line it may be a mark.
    if matches!(root.node.value, Value::Scalar(_)) && root.complete {
        problems.push(tree::not_a_map(&root.node));
    }
    match root.complete && problems.is_empty() {
        true => Ok(root),
        false => Err(Unformatted::Problems(problems)),
    }
}
