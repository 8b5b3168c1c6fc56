//! Rules of the smart router that counts: patterns that cannot be used, and
//! rules and patterns that never decide because another takes all they match.
//!
//! A rule takes a message when one of its patterns occurs in it; the highest
//! priority is asked first, as written among equals. Only what is sure is said:
//! a keyword takes what holds it, whatever stands around it.

mod contained;
mod taken;

use std::collections::HashSet;

use regex_syntax::hir::Hir;

use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::pattern::{self, Because, Refused};
use crate::registration::{Effective, Matcher, PatternEntry, RuleEntry};
use crate::source::{Sources, Spanned};

/// A rule that is asked.
struct Asked<'r> {
    entry: &'r RuleEntry,
    name: &'r str,
    patterns: Vec<Part<'r>>,
    /// Whether likeness can bring it a message that no pattern of it matches.
    has_likeness: bool,
}

/// A pattern of it.
struct Part<'r> {
    case_sensitive: bool,
    what: What<'r>,
}

enum What<'r> {
    Keywords(&'r [Spanned<String>]),
    /// None where the pattern was refused.
    Regex(&'r Spanned<String>, Option<Hir>),
}

/// `certain` is false when something could not be read; then each pattern is
/// judged alone.
pub(super) fn check(
    smart: &Effective<'_>,
    sources: &Sources,
    certain: bool,
    problems: &mut Problems,
) {
    let says = smart.rules.iter().filter(|rule| rule.says_something());
    let mut order: Vec<&RuleEntry> = says.filter(|rule| rule.is_enabled()).collect();
    order.sort_by_key(|rule| {
        let priority = rule.priority.as_ref();
        std::cmp::Reverse(priority.map_or(0, |priority| priority.value))
    });
    let likeness = Likeness::of(smart);
    let mut asked = Vec::with_capacity(order.len());
    for entry in order {
        let name = entry.name.as_ref().map_or("", |name| name.value.as_str());
        let read = |pattern| part(pattern, entry, sources, problems);
        asked.push(Asked {
            entry,
            name,
            patterns: entry.patterns.iter().map(read).collect(),
            has_likeness: likeness.reaches(entry),
        });
    }
    if certain {
        taken::check(&asked, problems);
    }
}

/// How messages are likened to rules.
struct Likeness<'r> {
    enabled: bool,
    /// Rules that `prototypes` names.
    named: HashSet<&'r str>,
}

impl<'r> Likeness<'r> {
    fn of(smart: &Effective<'r>) -> Self {
        let mut blocks = smart.semantic.iter();
        let enabled = blocks.find_map(|block| block.enabled.as_ref());
        let prototypes = smart.semantic.iter().flat_map(|block| &block.prototypes);
        Self {
            enabled: enabled.is_none_or(|enabled| enabled.value),
            named: prototypes.map(|(name, _)| name.value.as_str()).collect(),
        }
    }

    fn reaches(&self, rule: &RuleEntry) -> bool {
        let takes_part = rule.semantic.as_ref().is_none_or(|takes| takes.value);
        let name = rule.name.as_ref();
        let is_named = name.is_some_and(|name| self.named.contains(name.value.as_str()));
        let has_text = rule.prototype.is_some() || rule.description.is_some() || is_named;
        self.enabled && takes_part && has_text
    }
}

fn part<'r>(
    entry: &'r PatternEntry,
    rule: &RuleEntry,
    sources: &Sources,
    problems: &mut Problems,
) -> Part<'r> {
    let case_sensitive = entry.case_sensitive.as_ref();
    let what = match &entry.matcher {
        Matcher::Keywords(words) => What::Keywords(words),
        Matcher::Regex(text) => {
            let read = pattern::read(&text.value);
            match &read {
                Err(refused) => problems.push(told(refused, text, rule, sources)),
                Ok(hir) => usable(hir, text, rule, problems),
            }
            What::Regex(text, read.ok())
        }
    };
    Part {
        case_sensitive: case_sensitive.is_some_and(|case| case.value),
        what,
    }
}

fn told(
    refused: &Refused,
    text: &Spanned<String>,
    rule: &RuleEntry,
    sources: &Sources,
) -> Diagnostic {
    let (code, headline) = match refused.because {
        Because::Syntax => (Code::RuleInvalidRegex, "is no regular expression"),
        Because::TooLarge => (Code::RuleInvalidRegex, "is too large"),
        Because::NotLinear => (Code::RuleNotLinearRegex, "cannot be matched in linear time"),
    };
    let place = sources.within(text, refused.range.clone());
    Diagnostic::new(code, format!("a pattern of {} {headline}", rule.called()))
        .at(place, refused.what.clone())
        .help(refused.help)
}

/// What can be read and is surely not meant.
fn usable(hir: &Hir, text: &Spanned<String>, rule: &RuleEntry, problems: &mut Problems) {
    if let Some(inner) = pattern::between_slashes(&text.value) {
        problems.push(
            Diagnostic::new(
                Code::RuleSlashedRegex,
                format!("a pattern of {} stands between slashes", rule.called()),
            )
            .at(text.span, "the slashes and the flags are looked for, too")
            .help(format!(
                "write `{inner}`; capitals count only with `caseSensitive: true`"
            )),
        );
    } else if pattern::matches_everything(hir) {
        problems.push(
            Diagnostic::new(
                Code::RuleMatchesEverything,
                format!("a pattern of {} matches every message", rule.called()),
            )
            .at(text.span, "this matches where nothing is written")
            .help("write what a message must hold; `Router.default` takes what no rule does"),
        );
    }
}
