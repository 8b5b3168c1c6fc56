//! The rules of a plan against a text: which match, at a cost that follows the
//! text and not the number of rules.
//!
//! All keywords go into one automaton, which runs only where a sample of the text
//! says that one may stand. So do literals that a regular expression cannot match
//! without; the expression itself is run only where one of its literals occurs (as
//! RE2's `FilteredRE2` does). Expressions without such a literal share one set.
//! Keywords are compared as claude-trigger-router does: as parts of words, in lower
//! case unless the rule says otherwise.

mod literals;
pub(crate) mod lower;
mod sieve;
mod stretches;
mod words;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::plan::{Pattern, Rule};
use words::Words;

/// Bytes that one compiled expression may take.
pub const REGEX_BYTES: usize = 16 << 20;

/// Bytes that a set of expressions may take.
const SET_BYTES: usize = 64 << 20;

/// The one letter that an expression takes for an ASCII one and that lower case keeps.
const LONG_S: char = 'ſ';

/// The rules of a plan, ready to be asked. A disabled rule never matches.
#[derive(Default)]
pub struct Matcher {
    /// Keywords and literals in lower case.
    folded: Words<Says>,
    /// Keywords whose case counts.
    exact: Words<Says>,
    /// Expressions that run where one of their literals occurs.
    gated: Vec<Expression>,
    /// Expressions that always run.
    always: RegexSet,
    /// The rules of `always`, by position.
    owners: Vec<usize>,
    /// Expressions that always run and are too large for one set together.
    alone: Vec<Expression>,
}

/// What the occurrence of a word says.
#[derive(Clone, Copy)]
enum Says {
    /// The rule at this position matches.
    Rule(usize),
    /// The expression at this position may match.
    Expression(usize),
}

/// One regular expression and the rule it belongs to.
struct Expression {
    rule: usize,
    regex: Regex,
}

/// An expression of a rule that cannot be used, which the compiler has refused before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern {
    /// The rule.
    pub rule: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}`: {}", self.rule, self.what)
    }
}

impl std::error::Error for BadPattern {}

impl Matcher {
    /// Prepares the rules of a plan, in their order.
    ///
    /// # Errors
    /// The first rule with an expression that cannot be compiled.
    pub fn new(rules: &[Rule]) -> Result<Self, BadPattern> {
        let mut building = Building::default();
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            for pattern in &rule.patterns {
                building.add(at, pattern).map_err(|error| BadPattern {
                    rule: rule.name.clone(),
                    what: error.to_string(),
                })?;
            }
        }
        building.finish()
    }

    /// Position of the first rule that matches.
    pub fn first(&self, text: &str) -> Option<usize> {
        let mut best = usize::MAX;
        self.search(text, |rule| {
            best = best.min(rule);
            best > 0
        });
        (best < usize::MAX).then_some(best)
    }

    /// Positions of all rules that match, in their order.
    pub fn all(&self, text: &str) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        self.search(text, |rule| {
            all.insert(rule);
            true
        });
        all
    }

    /// Whether a rule may match a text of which these are the parts, as
    /// [`Written::parts`](crate::route::Written::parts) has them. Where this says no, none
    /// does.
    pub fn may_match(&self, parts: &[&[u8]]) -> bool {
        let may_be = |words: &Words<Says>| words.may_be_in(parts);
        !self.always.is_empty()
            || !self.alone.is_empty()
            || may_be(&self.exact)
            || may_be(&self.folded)
    }

    /// Tells `found` each rule that matches, some more than once, until it says stop.
    fn search(&self, text: &str, mut found: impl FnMut(usize) -> bool) {
        let is_ascii = text.is_ascii();
        let mut maybe: BTreeSet<usize> = match !is_ascii && text.contains(LONG_S) {
            true => (0..self.gated.len()).collect(),
            false => BTreeSet::new(),
        };
        let folded = match is_ascii {
            true => Cow::Borrowed(text),
            false => lower::beyond_ascii(text),
        };
        for (words, text) in [(&self.exact, text), (&self.folded, &*folded)] {
            let goes_on = words.search(text, |says| match says {
                Says::Rule(rule) => found(rule),
                Says::Expression(at) => {
                    maybe.insert(at);
                    true
                }
            });
            if !goes_on {
                return;
            }
        }
        for expression in maybe.into_iter().filter_map(|at| self.gated.get(at)) {
            if expression.regex.is_match(text) && !found(expression.rule) {
                return;
            }
        }
        for expression in &self.alone {
            if expression.regex.is_match(text) && !found(expression.rule) {
                return;
            }
        }
        if self.always.is_empty() {
            return;
        }
        for at in self.always.matches(text) {
            if self.owners.get(at).is_some_and(|rule| !found(*rule)) {
                return;
            }
        }
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher")
            .field("words", &(self.folded.count() + self.exact.count()))
            .field("expressions", &(self.gated.len() + self.owners.len()))
            .finish()
    }
}

#[derive(Default)]
struct Building {
    folded: Vec<(String, Says)>,
    exact: Vec<(String, Says)>,
    gated: Vec<Expression>,
    /// Each with its text, flags included.
    always: Vec<(String, Expression)>,
}

impl Building {
    fn add(&mut self, rule: usize, pattern: &Pattern) -> Result<(), regex::Error> {
        match pattern {
            Pattern::Exact {
                case_sensitive,
                keywords,
            } => {
                let keywords = keywords.iter().filter(|keyword| !keyword.trim().is_empty());
                for keyword in keywords {
                    match case_sensitive {
                        true => self.exact.push((keyword.clone(), Says::Rule(rule))),
                        false => {
                            self.folded.push((keyword.to_lowercase(), Says::Rule(rule)));
                        }
                    }
                }
            }
            Pattern::Regex {
                case_sensitive,
                pattern,
            } => {
                let regex = compiled(pattern, *case_sensitive)?;
                match literals::required(pattern) {
                    Some(literals) => {
                        let at = self.gated.len();
                        self.gated.push(Expression { rule, regex });
                        let says = Says::Expression(at);
                        let literals = literals.into_iter();
                        self.folded.extend(literals.map(|literal| (literal, says)));
                    }
                    None => {
                        let flags = if *case_sensitive { "(?m)" } else { "(?mi)" };
                        let text = format!("{flags}(?:{pattern})");
                        self.always.push((text, Expression { rule, regex }));
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Matcher, BadPattern> {
        let too_many = |error: aho_corasick::BuildError| BadPattern {
            rule: String::new(),
            what: error.to_string(),
        };
        let mut matcher = Matcher {
            folded: Words::new(self.folded, true).map_err(too_many)?,
            exact: Words::new(self.exact, false).map_err(too_many)?,
            gated: self.gated,
            ..Matcher::default()
        };
        let set = RegexSetBuilder::new(self.always.iter().map(|(text, _)| text))
            .size_limit(SET_BYTES)
            .build();
        match set {
            Ok(set) => {
                matcher.always = set;
                let owners = self.always.into_iter().map(|(_, it)| it.rule);
                matcher.owners = owners.collect();
            }
            Err(_) => matcher.alone = self.always.into_iter().map(|(_, it)| it).collect(),
        }
        Ok(matcher)
    }
}

/// A rule's expression: line by line, and without regard to capitals unless they count.
///
/// # Errors
/// When it is no expression, or compiles to more than [`REGEX_BYTES`].
pub fn compiled(pattern: &str, case_sensitive: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .multi_line(true)
        .case_insensitive(!case_sensitive)
        .size_limit(REGEX_BYTES)
        .build()
}
