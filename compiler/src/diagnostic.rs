//! What the compiler says about a document.
//!
//! A [`Diagnostic`] is a flat fact: code, headline, places, help. It is made
//! where the mistake is found and knows nothing about how it will be shown;
//! `miette` is one dress for it ([`Shown`]), JSON another.

mod code;
mod nearest;
mod shown;

pub use code::{Code, Severity};
pub use nearest::{did_you_mean, nearest};
pub(crate) use nearest::{nearest_name, one_of};
pub use shown::Shown;

use std::cmp::Ordering;

use crate::source::{Span, masked, obeyed};

/// Characters of a user's word that are repeated.
const WORD: usize = 80;

/// Characters of a text outside backticks, which is ours unless a word holds a backtick.
const TEXT: usize = 400;

/// One mistake, or one thing worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Lower case, no period, the user's words in backticks.
    pub headline: String,
    /// The place, then other places. Empty only when the document set has no text at all.
    pub labels: Vec<Label>,
    /// What to do, starting with a verb.
    pub help: Option<String>,
    /// A change that would mend it.
    pub fix: Option<Fix>,
}

/// A place and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What this place is.
    pub text: String,
}

/// A replacement that mends a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

impl Diagnostic {
    /// A diagnostic of a code, at the severity its table gives.
    pub fn new(code: Code, headline: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            headline: repeatable(&headline.into()),
            labels: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// Adds a place; the first is the primary one.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: repeatable(&text.into()),
        });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(repeatable(&help.into()));
        self
    }

    /// Offers a replacement.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix {
            span,
            replacement: replacement.into(),
        });
        self
    }

    /// The primary place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// A text that may be printed: words in backticks, which are the user's, are
/// cut when they are very long and hide what looks like a secret; characters
/// that a terminal would obey are spelt out.
fn repeatable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        let is_word = at % 2 == 1;
        if at > 0 {
            out.push('`');
        }
        if out.len() > 4 * TEXT {
            out.push('…');
            break;
        }
        let shown = if is_word { WORD } else { TEXT };
        let cut = part.char_indices().nth(shown).map(|(cut, _)| cut);
        let part = &part[..cut.unwrap_or(part.len())];
        // Whoever repeats a reference leaves out its default, and `${A_KEY:-…}` names no secret.
        let part = if is_word && !part.starts_with("${") {
            masked(part)
        } else {
            part.to_owned()
        };
        for c in part.chars() {
            match c.is_control() || obeyed(c) {
                true => out.extend(c.escape_default()),
                false => out.push(c),
            }
        }
        out.extend(cut.map(|_| '…'));
    }
    out
}

fn too_many(most: usize, next: &Diagnostic) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::SourceTooManyProblems,
        format!("there are more than {most} problems"),
    )
    .help("mend those that are told, and compile again");
    match next.span() {
        Some(span) => diagnostic.at(span, "this one, and what was found after it, is left out"),
        None => diagnostic,
    }
}

/// Words that those of one document are compared with, in order to guess what they
/// were meant to be. Names that exist nowhere, beside as many that do, must not take
/// the square of their number.
const COMPARED: usize = 200_000;

/// Everything found in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    found: Vec<Diagnostic>,
    most: Option<usize>,
    compared: usize,
}

impl Problems {
    /// None yet, with room for `most`.
    pub(crate) fn within(most: usize) -> Self {
        Self {
            most: Some(most),
            ..Self::default()
        }
    }

    /// Adds one. In place of the first that finds no room stands that there are
    /// more; the others are left out.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let most = self.most.unwrap_or(usize::MAX);
        match self.found.len().cmp(&most) {
            Ordering::Less => self.found.push(diagnostic),
            Ordering::Equal => self.found.push(too_many(most, &diagnostic)),
            Ordering::Greater => {}
        }
    }

    /// Whether those that are added now are left out.
    pub(crate) fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.found.len() > most)
    }

    /// Puts them in the order they are read: by place, then by code, then by
    /// headline. What has no place comes first.
    pub fn sort(&mut self) {
        self.found.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.span(), d.code.as_str());
            key(a)
                .cmp(&key(b))
                .then_with(|| a.headline.cmp(&b.headline))
        });
    }

    /// [`nearest`], as long as this document has not been compared with very many words.
    pub(crate) fn guess<'c>(&mut self, word: &str, candidates: &[&'c str]) -> Option<&'c str> {
        self.compared = self.compared.saturating_add(candidates.len());
        let candidates = candidates.iter().copied();
        (self.compared <= COMPARED).then(|| nearest(word, candidates))?
    }

    /// Lets `change` have each of them.
    pub(crate) fn adapt(&mut self, change: impl FnMut(&mut Diagnostic)) {
        self.found.iter_mut().for_each(change);
    }

    /// Keeps those for which `keep` says so, which may change them.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&mut Diagnostic) -> bool) {
        self.found.retain_mut(keep);
    }

    /// Makes warnings of the errors at these positions, and returns those.
    pub(crate) fn soften(&mut self, positions: std::ops::Range<usize>) -> Self {
        let mut softened = Self::default();
        let some = self.found.iter_mut().skip(positions.start);
        for diagnostic in some.take(positions.len()) {
            diagnostic.severity = diagnostic.severity.max(Severity::Warning);
            softened.push(diagnostic.clone());
        }
        softened
    }

    /// Adds all of another run.
    pub fn add(&mut self, others: &Self) {
        others.iter().for_each(|other| self.push(other.clone()));
    }

    /// Makes every warning of `code` an error.
    pub fn deny(&mut self, code: Code) {
        for diagnostic in self.found.iter_mut().filter(|found| found.code == code) {
            diagnostic.severity = Severity::Error;
        }
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter()
    }

    /// How many have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.found
            .iter()
            .filter(|found| found.severity == severity)
            .count()
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|found| found.severity == Severity::Error)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }
}
