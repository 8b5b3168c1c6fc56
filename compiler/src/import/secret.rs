//! Keys on their way from a foreign file into a registration: as `${NAME}`,
//! never as they stand. A registration is reviewed and kept in git, so a
//! literal key is not copied; it gets a variable, and whoever imports is told
//! which one to set.

use std::collections::{HashMap, HashSet};

use super::field::scalars;
use super::losses::{Losses, listed};
use crate::diagnostic::Code;
use crate::plan::is_lone_variable;
use crate::source::Span;
use crate::tree::Node;

/// Texts that stand where a key is asked for and none is needed.
const PLACEHOLDERS: &[&str] = &[
    "none",
    "null",
    "empty",
    "dummy",
    "fake",
    "fake-key",
    "no-key",
    "no-key-needed",
    "no-key-required",
    "no-auth",
    "no-auth-needed",
    "not-needed",
    "not-required",
    "not-used",
    "notneeded",
    "unused",
    "anything",
    "n/a",
    "ollama",
    "lm-studio",
    "lmstudio",
    "vllm",
    "local",
];

/// A key as a registration writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// One `${NAME}` or `${NAME:-}`.
    pub(super) text: String,
    /// What stands behind it, as a comment.
    pub(super) comment: Option<&'static str>,
}

impl Key {
    /// A variable that must be set.
    pub(super) fn variable(name: &str) -> Self {
        Self {
            text: format!("${{{name}}}"),
            comment: None,
        }
    }

    /// A variable that may stay unset, for an upstream that asks for no key.
    pub(super) fn optional(name: &str) -> Self {
        Self {
            text: format!("${{{name}:-}}"),
            comment: None,
        }
    }
}

/// The variables that keys become.
pub(super) struct Keys {
    /// Names that mean something already.
    taken: HashSet<String>,
    /// The variable of a literal key and the name that was wished for it.
    given: HashMap<(String, String), String>,
    /// The number that the next variable of a wish gets.
    next: HashMap<String, usize>,
    /// Literal keys found, in order.
    literal: Vec<(String, Span)>,
}

impl Keys {
    /// `taken` are the variables that the foreign file uses itself.
    pub(super) fn new(taken: HashSet<String>) -> Self {
        Self {
            taken,
            given: HashMap::new(),
            next: HashMap::new(),
            literal: Vec::new(),
        }
    }

    /// The key for `text`, which is a reference, a placeholder or a literal.
    /// `name` is the variable a literal key gets, if that name is free.
    pub(super) fn key(&mut self, text: &str, name: &str, span: Span) -> Key {
        if is_lone_variable(text) {
            return Key {
                text: text.to_owned(),
                comment: None,
            };
        }
        if PLACEHOLDERS
            .iter()
            .any(|known| text.eq_ignore_ascii_case(known))
        {
            return Key::optional(&self.given(text, name).0);
        }
        let (name, is_new) = self.given(text, name);
        if is_new {
            self.literal.push((name.clone(), span));
        }
        Key {
            comment: is_new.then_some("stood in the imported file; set the variable"),
            ..Key::variable(&name)
        }
    }

    /// The variable of a literal, and whether it is a new one; the same literal
    /// under the same wish is the same variable.
    fn given(&mut self, text: &str, wish: &str) -> (String, bool) {
        let known = (wish.to_owned(), text.to_owned());
        if let Some(name) = self.given.get(&known) {
            return (name.clone(), false);
        }
        let number = self.next.entry(wish.to_owned()).or_insert(1);
        let name = loop {
            let name = match *number {
                1 => wish.to_owned(),
                number => format!("{wish}_{number}"),
            };
            *number += 1;
            if self.taken.insert(name.clone()) {
                break name;
            }
        };
        self.given.insert(known, name.clone());
        (name, true)
    }

    /// Tells of the literal keys, in one diagnostic.
    pub(super) fn finish(mut self, losses: &mut Losses) {
        self.literal.sort_by_key(|(_, span)| *span);
        let names: Vec<&str> = self.literal.iter().map(|(name, _)| name.as_str()).collect();
        let headline = match names.len() {
            1 => "a secret of the file is not copied".to_owned(),
            many => format!("{many} secrets of the file are not copied"),
        };
        let help = format!("set {} where the proxy runs", listed(&names, 8));
        for (name, span) in &self.literal {
            let label = format!("set `{name}` to this");
            losses.say(Code::ImportLiteralSecret, &headline, *span, &label, &help);
        }
    }
}

/// A variable name made of words: `gpt-4o` and `API_KEY` give `GPT_4O_API_KEY`.
pub(super) fn variable_name(words: &str, ending: &str) -> String {
    let mut name = String::with_capacity(words.len() + ending.len() + 1);
    for c in words.chars().take(48) {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_uppercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    match name.chars().next() {
        None => ending.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}_{ending}"),
        Some(_) => format!("{name}_{ending}"),
    }
}

/// Every variable that a document speaks of, as `${NAME}` or `$NAME`.
pub(super) fn references(root: &Node<'_>) -> HashSet<String> {
    let mut names = HashSet::new();
    scalars(root, &mut |text| {
        for (_, rest) in text.match_indices('$').map(|(at, _)| text.split_at(at + 1)) {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            names.insert(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    });
    names
}

/// Whether a text can be the name of a variable.
pub(super) fn is_variable_name(name: &str) -> bool {
    crate::variable::variables(&format!("${{{name}}}")).is_ok_and(|found| {
        found
            .first()
            .is_some_and(|variable| variable.name.len() == name.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_after_what_they_are_for() {
        for (words, wanted) in [
            ("gpt-4o", "GPT_4O_API_KEY"),
            ("groq/llama 3.3", "GROQ_LLAMA_3_3_API_KEY"),
            ("4o", "_4O_API_KEY"),
            ("日本", "API_KEY"),
            ("", "API_KEY"),
        ] {
            assert_eq!(variable_name(words, "API_KEY"), wanted);
            assert!(is_variable_name(wanted));
        }
        assert!(!is_variable_name("A-B"));
        assert!(!is_variable_name("A:-B"));
        assert!(!is_variable_name("A}${B"));
        assert!(!is_variable_name(""));
    }

    #[test]
    fn a_literal_has_one_variable_of_its_own() {
        let span = Span::new(crate::source::SourceId::default(), 0..0);
        let mut keys = Keys::new(HashSet::from(["K".to_owned(), "K_3".to_owned()]));
        let names: Vec<String> = ["${K}", "a", "b", "a", "none", "${K:-x}"]
            .into_iter()
            .map(|text| keys.key(text, "K", span).text)
            .collect();
        assert_eq!(
            names,
            ["${K}", "${K_2}", "${K_4}", "${K_2}", "${K_5:-}", "${K_6}"]
        );
        assert_eq!(keys.literal.len(), 3);
    }
}
