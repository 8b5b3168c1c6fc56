//! Tree → typed values: the one place where a text becomes a number, a
//! boolean or a word, by the type its key expects.
//!
//! - text: any scalar as written, so `model: 4.1` is the text `4.1`;
//! - boolean: `true`, `false`, and `yes`, `no`, `on`, `off` unquoted;
//! - number: decimal and unquoted; `010` is refused because readers disagree on it;
//! - a quoted text is text, never a number or a boolean.

mod many;
mod number;

use std::fmt::Display;

use super::gaps::Gaps;
use super::key::{Key, Standing, Takes};
use super::path::Path;
use crate::diagnostic::{Code, Diagnostic, Problems, did_you_mean, nearest};
use crate::source::{Span, Spanned};
use crate::tree::{Entry, Node, Scalar, Value};

pub(super) use super::path::join;

/// What reading reports to, and whether absence may be reported.
pub(super) struct Reader<'p> {
    pub(super) problems: &'p mut Problems,
    /// False when part of the text could not be read: what seems missing may be there.
    pub(super) complete: bool,
    /// False as soon as a section, a list or a name could not be read: names
    /// that seem to exist nowhere may have been meant there.
    pub(super) whole: bool,
    /// Where a mistake was told.
    pub(super) gaps: Gaps,
}

/// The entries of a map by known key; values in the order of `keys`.
pub(super) struct Fields<'t, 's> {
    keys: &'static [Key],
    found: Vec<Option<&'t Entry<'s>>>,
    /// A short place that stands for the map.
    pub(super) head: Span,
}

impl<'t, 's> Fields<'t, 's> {
    /// The node of a key, unless it is absent, null or unreadable.
    pub(super) fn get(&self, name: &str) -> Option<&'t Node<'s>> {
        self.entry(name)
            .map(|entry| &entry.value)
            .filter(|node| !matches!(node.value, Value::Null | Value::Broken))
    }

    /// The keys that were written in their old spelling: the current one and the old one.
    pub(super) fn old(&self) -> Vec<(&'static str, &'static str)> {
        let spelt = |(key, entry): (&Key, &Option<&Entry<'_>>)| {
            let old = key.old?;
            let entry = (*entry)?;
            (entry.key.value == old).then_some((key.name, old))
        };
        self.keys
            .iter()
            .zip(&self.found)
            .filter_map(spelt)
            .collect()
    }

    /// What a key takes.
    fn takes(&self, name: &str) -> Takes {
        let key = self.keys.iter().find(|key| key.name == name);
        key.map_or(Takes::Anything, |key| key.takes)
    }

    /// Whether a key holds a value of any kind, so that a wrong one is reported as
    /// wrong and not as missing.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.entry(name)
            .is_some_and(|entry| match &entry.value.value {
                Value::Null => false,
                Value::Scalar(scalar) => !scalar.text.trim().is_empty(),
                Value::List(_) | Value::Map(_) | Value::Broken => true,
            })
    }

    /// Whether a key was written, whatever its value.
    pub(super) fn entry(&self, name: &str) -> Option<&'t Entry<'s>> {
        let at = self.keys.iter().position(|key| key.name == name);
        debug_assert!(at.is_some(), "`{name}` is read and not in the table");
        let at = at?;
        self.found.get(at).copied().flatten()
    }
}

impl Reader<'_> {
    /// Notes that a mistake is told at a path. Once problems find no room, none of
    /// those that gaps would hold back does.
    pub(super) fn gap(&mut self, path: &(impl Display + ?Sized)) {
        if !self.problems.is_full() {
            self.gaps.note(path.to_string());
        }
    }

    /// Sorts the entries of a map into `keys` and reports the others. `inside`
    /// is the path of the map, empty at the top.
    pub(super) fn fields<'t, 's>(
        &mut self,
        node: &'t Node<'s>,
        keys: &'static [Key],
        inside: &str,
    ) -> Option<Fields<'t, 's>> {
        let Value::Map(entries) = &node.value else {
            match node.value {
                Value::Null => {}
                Value::Broken => self.gap(inside),
                _ => self.wrong_type(node, inside, "a map"),
            }
            self.whole &= matches!(node.value, Value::Null);
            return None;
        };
        let mut found: Vec<Option<&'t Entry<'s>>> = keys.iter().map(|_| None).collect();
        let mut misspelt = Vec::new();
        for entry in entries {
            let name = entry.key.value.as_ref();
            let at = keys.iter().position(|key| key.is_spelt(name));
            if entry.value.is_broken() {
                self.whole = false;
                let name = at.map_or(name, |at| keys[at].name);
                self.gap(&Path { inside, name });
            }
            match at {
                Some(at) => self.place(&mut found[at], entry, &keys[at]),
                None => {
                    let near = self.unknown_key(name, entry.key.span, keys, inside);
                    misspelt.extend(near.map(|near| (near, entry)));
                }
            }
        }
        // A misspelt key is refused; reading its value as what was meant keeps
        // the mistake from being told again as something that is missing.
        for (near, entry) in misspelt {
            if let Some(at) = keys.iter().position(|key| key.name == near) {
                found[at].get_or_insert(entry);
            }
        }
        for (key, entry) in keys.iter().zip(&found) {
            if let Some(entry) = entry.filter(|entry| key.old == Some(entry.key.value.as_ref())) {
                self.old_spelling(entry, key.name);
            }
        }
        Some(Fields {
            keys,
            found,
            head: node.head(),
        })
    }

    /// Puts an entry in its slot; the current spelling wins over the old one.
    fn place<'t, 's>(&mut self, slot: &mut Option<&'t Entry<'s>>, entry: &'t Entry<'s>, key: &Key) {
        let is_old = key.old.is_some_and(|old| old == entry.key.value);
        let name = key.name;
        match slot {
            Some(other) => {
                let (old, current) = if is_old {
                    (entry, *other)
                } else {
                    (*other, entry)
                };
                self.problems.push(
                    Diagnostic::new(
                        Code::DocumentBothSpellings,
                        format!("`{}` and `{name}` are the same key", old.key.value),
                    )
                    .at(old.key.span, "the old spelling, ignored")
                    .at(current.key.span, "the current spelling, used")
                    .help(format!("remove `{}`", old.key.value)),
                );
                *slot = Some(current);
            }
            None => *slot = Some(entry),
        }
    }

    fn old_spelling(&mut self, entry: &Entry<'_>, name: &str) {
        let span = entry.key.span;
        self.problems.push(
            Diagnostic::new(
                Code::DocumentOldSpelling,
                format!("`{}` is now spelt `{name}`", entry.key.value),
            )
            .at(span, "the old spelling")
            .help(format!("rename it to `{name}`"))
            .fix(span, name),
        );
    }

    /// Reports `{key:value}`, which YAML reads as one word, where a known key
    /// stands before the colon; false where this is something else.
    fn glued_key(&mut self, name: &str, span: Span, keys: &[Key], inside: &str) -> bool {
        let Some((key, _)) = name.split_once(':') else {
            return false;
        };
        let Some(known) = keys.iter().find(|known| known.is_spelt(key)) else {
            return false;
        };
        // The value is there, only not where it can be read.
        (self.whole, self.complete) = (false, false);
        let path = Path {
            inside,
            name: known.name,
        };
        self.gap(&path);
        let mut diagnostic = Diagnostic::new(
            Code::DocumentMisspeltKey,
            format!("`{key}` has no space after its colon"),
        )
        .at(span, "this is one word to YAML, and no key with a value")
        .help(format!("write `{key}: …`, with a space"));
        if span.range().len() == name.len() {
            let colon = span.slice(key.len() + 1..key.len() + 1);
            diagnostic = diagnostic.fix(colon, " ");
        }
        self.problems.push(diagnostic);
        true
    }

    /// Reports a key that is not known; returns the known one it was meant to be.
    fn unknown_key(
        &mut self,
        name: &str,
        span: Span,
        keys: &[Key],
        inside: &str,
    ) -> Option<&'static str> {
        if self.glued_key(name, span, keys, inside) {
            return None;
        }
        let place = if inside.is_empty() {
            "a registration".to_owned()
        } else {
            format!("`{inside}`")
        };
        let known: Vec<&'static str> = keys
            .iter()
            .filter(|key| key.standing != Standing::Refused)
            .map(|key| key.name)
            .collect();
        let near = nearest(name, known.iter().copied())
            .and_then(|near| known.iter().copied().find(|known| *known == near));
        let diagnostic = match near {
            Some(near) => Diagnostic::new(
                Code::DocumentMisspeltKey,
                format!("{place} has no key `{name}`"),
            )
            .at(span, "this key is not known")
            .help(format!("did you mean `{near}`?"))
            .fix(span, near),
            None => Diagnostic::new(
                Code::DocumentUnknownKey,
                format!("{place} has no key `{name}`"),
            )
            .at(span, "this key has no effect")
            .help(did_you_mean(name, &known, "keys")),
        };
        self.problems.push(diagnostic);
        near
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong_type(
        &mut self,
        node: &Node<'_>,
        path: &(impl Display + ?Sized),
        wanted: &str,
    ) {
        self.gap(path);
        self.problems.push(
            Diagnostic::new(Code::DocumentWrongType, format!("`{path}` takes {wanted}"))
                .at(node.head(), format!("this is {}", node.kind()))
                .help(match wanted {
                    "a map" => "write a map: one `name: value` a line, indented".to_owned(),
                    "a list" => {
                        "write a list: each item on a line of its own, after `- `".to_owned()
                    }
                    _ => format!("write {wanted}"),
                }),
        );
    }

    /// Reports an item of a list of maps that says nothing.
    pub(super) fn empty_item(&mut self, node: &Node<'_>, path: &str) {
        self.whole = false;
        self.wrong_type(node, path, "a map");
    }

    /// Reports a required key that is absent or null.
    pub(super) fn missing(&mut self, name: &str, path: &str, at: Span, help: impl Into<String>) {
        if self.complete {
            self.gap(&Path { inside: path, name });
            self.problems.push(
                Diagnostic::new(
                    Code::DocumentMissingKey,
                    format!("`{path}` has no `{name}`"),
                )
                .at(at, format!("`{name}` is required here"))
                .help(help),
            );
        }
    }

    /// The scalar of a key, or a report that it is none.
    fn scalar<'t, 's>(
        &mut self,
        node: &'t Node<'s>,
        path: &impl Display,
        wanted: &str,
    ) -> Option<&'t Scalar<'s>> {
        match &node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => {
                self.wrong_type(node, path, wanted);
                None
            }
        }
    }

    /// A text, trimmed. An empty one counts as absent.
    pub(super) fn text(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
    ) -> Option<Spanned<String>> {
        let node = fields.get(name)?;
        let Some(scalar) = self.scalar(node, &Path { inside, name }, "a text") else {
            self.whole = false;
            return None;
        };
        let text = scalar.text.trim();
        (!text.is_empty()).then(|| Spanned::new(text.to_owned(), node.span))
    }

    /// A text that must be there.
    pub(super) fn required_text(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
        help: &str,
    ) -> Option<Spanned<String>> {
        let text = self.text(fields, name, inside);
        if text.is_none() && !fields.is_written(name) {
            // Without its name an entry may be the one that another refers to.
            self.whole &= !matches!(name, "id" | "name");
            self.missing(name, inside, fields.head, help);
        }
        text
    }

    /// A boolean.
    pub(super) fn boolean(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
    ) -> Option<Spanned<bool>> {
        let node = fields.get(name)?;
        let path = Path { inside, name };
        let scalar = self.scalar(node, &path, "`true` or `false`")?;
        let value = match scalar.text.as_ref() {
            _ if scalar.quoted => None,
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        };
        if value.is_none() {
            self.not_plain(
                node,
                scalar,
                &path,
                "`true` or `false`",
                matches!(scalar.text.as_ref(), "true" | "false"),
            );
        }
        value.map(|value| Spanned::new(value, node.span))
    }

    /// One of a closed set of words.
    pub(super) fn word<T: Clone>(
        &mut self,
        fields: &Fields<'_, '_>,
        name: &str,
        inside: &str,
        words: &[(&'static str, T)],
    ) -> Option<Spanned<T>> {
        let node = fields.get(name)?;
        let path = Path { inside, name };
        let scalar = self.scalar(node, &path, "a word")?;
        let value = self.one_of(&scalar.text, node.span, &path, words)?;
        Some(Spanned::new(value, node.span))
    }

    /// The value of a text that must be one of a closed set of words.
    pub(super) fn one_of<T: Clone>(
        &mut self,
        word: &str,
        span: Span,
        path: &impl Display,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        if let Some((_, value)) = words.iter().find(|(known, _)| *known == word) {
            return Some(value.clone());
        }
        self.gap(path);
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let mut diagnostic = Diagnostic::new(
            Code::DocumentUnknownValue,
            format!("`{path}` cannot be `{word}`"),
        )
        .at(span, "this value is not known")
        .help(did_you_mean(word, &known, "values"));
        if let Some(near) = nearest(word, known) {
            diagnostic = diagnostic.fix(span, near);
        }
        self.problems.push(diagnostic);
        None
    }

    fn not_plain(
        &mut self,
        node: &Node<'_>,
        scalar: &Scalar<'_>,
        path: &impl Display,
        wanted: &str,
        unquote: bool,
    ) {
        self.gap(path);
        let text = scalar.text.as_ref();
        let mut diagnostic =
            Diagnostic::new(Code::DocumentWrongType, format!("`{path}` takes {wanted}"))
                .at(node.span, format!("this is {}", node.kind()));
        diagnostic = if scalar.quoted && unquote {
            diagnostic
                .help(format!("remove the quotes: `{text}`"))
                .fix(node.span, text)
        } else if text.contains("${") {
            diagnostic.help("write the value itself; `${NAME}` is read in texts only")
        } else if text.len() > 1
            && text.starts_with('0')
            && text.chars().all(|c| c.is_ascii_digit())
        {
            let bare = text.trim_start_matches('0');
            diagnostic.help(format!(
                "write `{}` without leading zeros",
                if bare.is_empty() { "0" } else { bare }
            ))
        } else {
            diagnostic.help(format!("write {wanted}"))
        };
        self.problems.push(diagnostic);
    }
}
