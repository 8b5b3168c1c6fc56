//! Values that a key takes: words, names that are given somewhere in the
//! document set, variables, and the key's default.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Completion, Offer, Place};
use crate::assist::outline::{Outline, Slot, Step, find, keys_of};
use crate::assist::spell::Style;
use crate::diagnostic::Code;
use crate::draft;
use crate::registration::{Meaning, Takes};
use crate::source::{SourceId, Sources, Span};

/// Values for the word at a cursor.
pub(super) struct Values<'p> {
    pub(super) place: &'p Place<'p>,
    pub(super) word: Range<usize>,
}

impl Values<'_> {
    /// What `takes` takes.
    pub(super) fn of(&self, takes: &Takes, default: Option<&str>) -> Vec<Completion> {
        let mut found = match takes {
            Takes::Boolean => ["true", "false"].map(|word| self.boolean(word)).into(),
            Takes::Word(words) => {
                let words = words.iter();
                words.map(|word| self.text(word, Offer::Word, "")).collect()
            }
            Takes::Text(meaning) => self.names(*meaning, ""),
            Takes::Either(one, other) => {
                let mut found = self.of(one, default);
                found.extend(self.of(other, None));
                return found;
            }
            Takes::List(inner) if !matches!(inner, Takes::Map(_)) => return self.of(inner, None),
            _ => Vec::new(),
        };
        let default = default.filter(|text| !text.starts_with('['));
        if let Some(text) = default.filter(|_| keys_of(takes).is_none()) {
            match found.iter_mut().find(|found| found.label == text) {
                Some(found) => found.detail.push_str("the default"),
                None if matches!(takes, Takes::Text(_)) => {
                    found.push(self.text(text, Offer::Default, "the default"));
                }
                None => found.push(self.as_is(text, text, Offer::Default, "the default")),
            }
        }
        found
    }

    /// What a text of a meaning can stand for. `mark` follows it.
    pub(super) fn names(&self, meaning: Meaning, mark: &str) -> Vec<Completion> {
        let names = match meaning {
            Meaning::ModelRef => self.models(),
            // An entry of a pool has the id that the others have.
            Meaning::ModelId if self.is_in_pools() => self.given(Meaning::ModelId),
            Meaning::PoolRef => self.pools(),
            Meaning::ServiceRef => self.given(Meaning::ServiceId),
            Meaning::RuleRef => self.given(Meaning::RuleName),
            Meaning::Code => {
                let codes = Code::ALL.iter();
                codes
                    .map(|code| (code.to_string(), code.title().to_owned()))
                    .collect()
            }
            Meaning::Value | Meaning::Url | Meaning::Secret => {
                let names = known_variables(self.place.sources, self.place.variables);
                let reference =
                    |name: String| self.text(&format!("${{{name}}}"), Offer::Variable, "variable");
                return names.into_iter().map(reference).collect();
            }
            _ => Vec::new(),
        };
        let offer = |(name, detail): (String, String)| {
            let mut found = self.text(&name, Offer::Name, &detail);
            found.text.push_str(mark);
            found
        };
        names.into_iter().map(offer).collect()
    }

    /// Everything that can be asked for, as the plan has it, and what only the
    /// shape of an unfinished text shows.
    fn models(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        if let Some(plan) = draft(self.place.sources) {
            for (id, endpoint) in &plan.models {
                found.push((id.clone(), format!("model, `{}`", endpoint.model)));
            }
            for (id, pool) in &plan.pools {
                let count = pool.endpoints.len();
                let plural = if count == 1 { "" } else { "s" };
                found.push((id.clone(), format!("pool of {count} endpoint{plural}")));
            }
        }
        for (name, _) in self.given(Meaning::ModelId) {
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, "model or pool".to_owned()));
            }
        }
        found
    }

    /// Those of [`Self::models`] that are pools, or may be.
    fn pools(&self) -> Vec<(String, String)> {
        let is_model = |detail: &str| detail.starts_with("model, ");
        let all = self.models().into_iter();
        all.filter(|(_, detail)| !is_model(detail)).collect()
    }

    /// Names that stand behind keys of a meaning, in any source.
    fn given(&self, meaning: Meaning) -> Vec<(String, String)> {
        let mut names = BTreeSet::new();
        for (id, source) in self.place.sources.iter() {
            let outline = Outline::of(source, None);
            for entry in &outline.entries {
                let map = outline.takes(entry.level).and_then(keys_of);
                let key = map.and_then(|keys| find(keys, entry.name));
                let is_given = key
                    .is_some_and(|key| matches!(key.takes, Takes::Text(found) if found == meaning));
                let is_here = id == self.place.id && entry.value == self.word;
                let text = source.text()[entry.value.clone()].trim_matches(['"', '\'', '#']);
                if is_given && !is_here && !text.trim().is_empty() {
                    names.insert(text.trim().to_owned());
                }
            }
        }
        names
            .into_iter()
            .map(|name| (name, String::new()))
            .collect()
    }

    /// Whether the cursor is below `Registration`.
    fn is_in_pools(&self) -> bool {
        let (Slot::Value(map, _) | Slot::Argument(map, ..)) = self.place.cursor.slot else {
            return false;
        };
        let path = self.place.outline.path(map);
        path.first() == Some(&Step::Key("Registration"))
    }

    fn boolean(&self, word: &str) -> Completion {
        let text = match self.place.style {
            Style::Kdl => format!("#{word}"),
            Style::Yaml | Style::Json => word.to_owned(),
        };
        self.as_is(word, &text, Offer::Word, "")
    }

    /// A text, in the quotes that are there already or those it needs.
    fn text(&self, text: &str, offer: Offer, detail: &str) -> Completion {
        let source = self.place.source.text();
        let word = &source[self.word.clone()];
        let style = self.place.style;
        let quote = ['"', '\'']
            .into_iter()
            .find(|quote| word.starts_with(*quote));
        let Some(quote) = quote else {
            // A variable in brackets is no YAML without quotes.
            let is_plain = match offer {
                Offer::Word => style == Style::Yaml,
                Offer::Variable => style == Style::Yaml && !self.place.cursor.in_brackets,
                _ => false,
            };
            let spelt = if is_plain {
                text.to_owned()
            } else {
                style.text(text)
            };
            return self.as_is(text, &spelt, offer, detail);
        };
        let end = self.word.end - usize::from(word.len() > 1 && word.ends_with(quote));
        let inner = match quote {
            '\'' => text.replace('\'', "''"),
            _ => style.escaped(text),
        };
        Completion {
            span: Span::new(self.place.id, self.word.start + 1..end),
            ..self.as_is(text, &inner, offer, detail)
        }
    }

    fn as_is(&self, label: &str, text: &str, offer: Offer, detail: &str) -> Completion {
        let before = &self.place.source.text()[..self.word.start];
        let glued = self.place.style == Style::Yaml && before.ends_with(':');
        Completion {
            label: label.to_owned(),
            offer,
            detail: detail.to_owned(),
            about: String::new(),
            text: if glued {
                format!(" {text}")
            } else {
                text.to_owned()
            },
            snippet: None,
            span: self.place.span(&self.word),
            is_old: false,
        }
    }
}

/// Names for a `${` that is open at a place; none where there is none.
pub(super) fn variable(
    sources: &Sources,
    id: SourceId,
    offset: usize,
    variables: &[String],
) -> Option<Vec<Completion>> {
    let source = sources.get(id);
    let line = source.line_range(source.line_of(offset));
    let before = source.text().get(line.start..offset)?;
    let start = before.rfind("${")? + 2;
    if !before[start..].bytes().all(is_name_byte) {
        return None;
    }
    let after = source.text().get(offset..line.end)?;
    let more = after
        .bytes()
        .position(|byte| !is_name_byte(byte))
        .unwrap_or(after.len());
    let is_closed = after[more..].starts_with('}') || after[more..].starts_with(":-");
    let span = Span::new(id, line.start + start..offset + more);
    // What is being typed is no name yet.
    let typed = source.text().get(span.range()).unwrap_or_default();
    let mut names = known_variables(sources, variables);
    let mut uses = source.text().split("${").skip(1);
    let is_typed = |part: &str| {
        let rest = part.strip_prefix(typed);
        rest.is_some_and(|rest| !rest.bytes().next().is_some_and(is_name_byte))
    };
    let is_used = uses.by_ref().any(is_typed) && uses.any(is_typed);
    if !is_used && !variables.iter().any(|name| name == typed) {
        names.remove(typed);
    }
    let offer = |name: String| Completion {
        text: if is_closed {
            name.clone()
        } else {
            format!("{name}}}")
        },
        label: name,
        offer: Offer::Variable,
        detail: "variable".to_owned(),
        about: String::new(),
        snippet: None,
        span,
        is_old: false,
    };
    Some(names.into_iter().map(offer).collect())
}

/// Variables that the document set names, and those that exist.
fn known_variables(sources: &Sources, variables: &[String]) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = variables
        .iter()
        .filter(|name| is_name(name))
        .cloned()
        .collect();
    for (_, source) in sources.iter() {
        for part in source.text().split("${").skip(1) {
            let end = part
                .bytes()
                .position(|byte| !is_name_byte(byte))
                .unwrap_or(part.len());
            if is_name(&part[..end]) {
                names.insert(part[..end].to_owned());
            }
        }
    }
    names
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(is_name_byte)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
