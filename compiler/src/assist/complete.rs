//! What may be written at a cursor: keys of the map it stands in, words and
//! names that its key takes, and variables.

mod template;
mod values;

use std::ops::Range;

use super::hover::{about, takes};
use super::outline::{Cursor, Outline, Slot, Step, below, keys_of};
use super::spell::Style;
use crate::registration::{Key, Meaning, Standing, Takes};
use crate::source::{Source, SourceId, Sources, Span};
use template::Layout;
use values::Values;

/// One thing that may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What it is called in a list.
    pub label: String,
    /// What kind of thing it is.
    pub offer: Offer,
    /// One line about it.
    pub detail: String,
    /// More about it, as Markdown.
    pub about: String,
    /// The text that takes the place of `span`.
    pub text: String,
    /// The same with places to fill in, in the snippet syntax of editors.
    pub snippet: Option<String>,
    /// What is replaced: the word at the cursor.
    pub span: Span,
    /// Whether it is for older files only.
    pub is_old: bool,
}

/// What kind of thing is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A key.
    Key,
    /// One of a closed set of words.
    Word,
    /// A name that is given in the document set.
    Name,
    /// A variable.
    Variable,
    /// The default of a key.
    Default,
}

/// What may be written at a byte offset, the likeliest first. `variables` are
/// names of variables that exist; their values are not asked for.
pub fn complete(
    sources: &Sources,
    id: SourceId,
    offset: usize,
    variables: &[String],
) -> Vec<Completion> {
    let source = sources.get(id);
    if let Some(found) = values::variable(sources, id, offset, variables) {
        return found;
    }
    let outline = Outline::of(source, Some(offset));
    let Some(cursor) = &outline.cursor else {
        return Vec::new();
    };
    let place = Place {
        sources,
        id,
        source,
        outline: &outline,
        cursor,
        style: style(source, cursor),
        variables,
    };
    match cursor.slot {
        Slot::Key(map) => place.in_map(map, false),
        Slot::Property(map) => place.in_map(map, true),
        Slot::Item(list) => place.in_list(list),
        Slot::Value(map, name) => place.value_of(map, name),
        Slot::Argument(map, name, inner) => {
            let mut found = place.value_of(map, name);
            found.extend(place.in_map(inner, true));
            found
        }
    }
}

fn style(source: &Source, cursor: &Cursor<'_>) -> Style {
    let is_json = cursor.in_brackets && source.text().trim_start().starts_with('{');
    match source.is_kdl() {
        true => Style::Kdl,
        false if is_json => Style::Json,
        false => Style::Yaml,
    }
}

/// A cursor, and all there is to know about where it stands.
struct Place<'p> {
    sources: &'p Sources,
    id: SourceId,
    source: &'p Source,
    outline: &'p Outline<'p>,
    cursor: &'p Cursor<'p>,
    style: Style,
    variables: &'p [String],
}

impl Place<'_> {
    /// Keys of a map that are not there yet; `on_one_line` leaves those that need more.
    fn in_map(&self, map: usize, on_one_line: bool) -> Vec<Completion> {
        let Some(takes) = self.outline.takes(map) else {
            return Vec::new();
        };
        if let Takes::Named(meaning, _) = takes {
            let word = self.cursor.word.clone();
            return self.values(word).names(*meaning, self.mark());
        }
        let Some(keys) = keys_of(takes) else {
            // What is typed below a key without a value is its value.
            return match self.cursor.slot {
                Slot::Key(_) | Slot::Property(_) => {
                    self.values(self.cursor.word.clone()).of(takes, None)
                }
                _ => Vec::new(),
            };
        };
        let layout = Layout {
            style: self.style,
            in_brackets: self.cursor.in_brackets || on_one_line,
            path: self.outline.path(map),
        };
        let present = self.outline.keys(map, &self.cursor.word);
        let is_there = |key: &Key| present.iter().any(|name| key.is_spelt(name));
        let fits = |key: &&Key| !on_one_line || layout.fits_one_line(&key.takes);
        let mut keys: Vec<&Key> = keys
            .iter()
            .filter(|key| key.standing != Standing::Refused && !is_there(key))
            .filter(fits)
            .collect();
        keys.sort_by_key(|key| (key.standing == Standing::Legacy, !key.required));
        let keys = keys.into_iter();
        let mut found: Vec<_> = keys
            .flat_map(|key| self.key_or_nodes(key, &layout))
            .collect();
        if let (Takes::Codes(..), false) = (takes, on_one_line) {
            let codes = self
                .values(self.cursor.word.clone())
                .names(Meaning::Code, self.mark());
            found.extend(
                codes
                    .into_iter()
                    .filter(|code| !present.contains(&code.label.as_str())),
            );
        }
        found
    }

    /// What stands between a name of the user's and its value.
    fn mark(&self) -> &'static str {
        match (self.cursor.has_mark, self.style) {
            (true, _) => "",
            (false, Style::Kdl) => " ",
            (false, Style::Yaml | Style::Json) => ": ",
        }
    }

    /// A key, or the KDL nodes that stand for its items.
    fn key_or_nodes(&self, key: &Key, layout: &Layout<'_>) -> Vec<Completion> {
        let nodes = layout.several(key);
        if nodes.is_empty() {
            return vec![self.key(key, layout)];
        }
        let offer = |(node, snippet): (&str, String)| Completion {
            label: node.to_owned(),
            text: snippet.replace("$1", ""),
            snippet: Some(snippet),
            ..self.key(key, layout)
        };
        nodes.into_iter().map(offer).collect()
    }

    fn key(&self, key: &Key, layout: &Layout<'_>) -> Completion {
        let name = layout.name(key);
        let (text, snippet) = match self.cursor.has_mark {
            true => (name.clone(), None),
            false => layout.entry(key),
        };
        let (text, snippet) = (self.deeper(text), snippet.map(|text| self.deeper(text)));
        Completion {
            label: name,
            offer: Offer::Key,
            detail: match layout.argument(key) {
                Some(_) => format!("one item of `{}`", key.name),
                None => takes(&key.takes),
            },
            about: about(key),
            text,
            snippet,
            span: self.span(&self.cursor.word),
            is_old: key.standing == Standing::Legacy,
        }
    }

    /// An item: a map begins with its first key, anything else is a value.
    fn in_list(&self, list: usize) -> Vec<Completion> {
        let takes = self
            .outline
            .takes(list)
            .and_then(|list| below(list, Step::Item));
        match takes {
            Some(Takes::Map(keys)) => {
                let layout = Layout {
                    style: self.style,
                    in_brackets: self.cursor.in_brackets,
                    path: self.outline.path(list),
                };
                if self.cursor.in_brackets && self.style != Style::Kdl {
                    return Vec::new();
                }
                let keys = keys.iter().filter(|key| key.standing == Standing::Current);
                keys.map(|key| self.key(key, &layout)).collect()
            }
            Some(takes) => self.values(self.cursor.word.clone()).of(takes, None),
            None => Vec::new(),
        }
    }

    /// Values of a key of a map.
    fn value_of(&self, map: usize, name: &str) -> Vec<Completion> {
        let Some(within) = self.outline.takes(map) else {
            return Vec::new();
        };
        let values = self.values(self.cursor.word.clone());
        match keys_of(within).and_then(|keys| super::outline::find(keys, name)) {
            Some(key) => values.of(&key.takes, key.default),
            None => {
                below(within, Step::Key(name)).map_or(Vec::new(), |takes| values.of(takes, None))
            }
        }
    }

    /// Lines after the first, which an editor puts below the first character of
    /// the line, put below the word: there may be dashes before it.
    fn deeper(&self, text: String) -> String {
        let start = self.cursor.word.start;
        let source = self.source.text();
        let line = &source[self.source.line_range(self.source.line_of(start)).start..start];
        let dashes = line.trim_start_matches([' ', '\t']);
        match dashes.chars().all(|c| matches!(c, '-' | ' ')) && self.style == Style::Yaml {
            true => text.replace('\n', &format!("\n{}", " ".repeat(dashes.len()))),
            false => text,
        }
    }

    fn values(&self, word: Range<usize>) -> Values<'_> {
        Values { place: self, word }
    }

    fn span(&self, word: &Range<usize>) -> Span {
        Span::new(self.id, word.clone())
    }
}
