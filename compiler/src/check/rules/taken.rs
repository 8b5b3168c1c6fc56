//! Patterns whose messages are all taken before they are asked.

use std::collections::HashMap;

use super::contained::Contained;
use super::{Asked, Part, What};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::pattern;
use crate::source::{Span, Spanned};

/// Places that are shown of one mistake.
const SHOWN: usize = 4;

/// `asked` in the order in which rules are asked.
pub(super) fn check(asked: &[Asked<'_>], problems: &mut Problems) {
    let takers = Takers::of(asked);
    let mut first = 0;
    for rule in asked {
        let dead = takers.dead(rule, first);
        let patterns: usize = rule.patterns.iter().map(Part::len).sum();
        first += patterns;
        let taken = dead.iter().filter(|dead| dead.is_taken()).count();
        let said = match taken == patterns && !rule.has_likeness {
            true => never(rule, &dead, &takers),
            false if dead.is_empty() => continue,
            false => some(rule, &dead, &takers),
        };
        problems.push(said);
    }
}

/// What takes messages: every keyword and regular expression, numbered in the
/// order in which they are asked.
struct Takers<'r> {
    all: Vec<Taker<'r>>,
    /// Texts that are looked for without regard to capitals, in small letters.
    folded: Contained,
    exact: Contained,
    /// Regular expressions as written, with whether capitals count.
    regexes: HashMap<(&'r str, bool), usize>,
    /// The first that takes every message.
    everything: Option<usize>,
}

struct Taker<'r> {
    rule: &'r str,
    span: Span,
}

/// A keyword or a regular expression that never decides.
struct Dead<'r> {
    text: &'r Spanned<String>,
    because: Because,
}

enum Because {
    /// The taker of this number comes before it.
    Taken(usize),
    /// The same rule has it already.
    Repeated(Span),
}

impl Dead<'_> {
    fn is_taken(&self) -> bool {
        matches!(self.because, Because::Taken(_))
    }
}

impl<'r> Part<'r> {
    /// Keywords, or the one regular expression.
    fn texts(&self) -> &'r [Spanned<String>] {
        match self.what {
            What::Keywords(words) => words,
            What::Regex(text, _) => std::slice::from_ref(text),
        }
    }

    fn len(&self) -> usize {
        self.texts().len()
    }
}

impl<'r> Takers<'r> {
    fn of(asked: &'r [Asked<'r>]) -> Self {
        let mut takers = Self {
            all: Vec::new(),
            folded: Contained::new([]),
            exact: Contained::new([]),
            regexes: HashMap::new(),
            everything: None,
        };
        let mut folded: Vec<(String, usize)> = Vec::new();
        let mut exact: Vec<(&str, usize)> = Vec::new();
        let parts = asked
            .iter()
            .flat_map(|rule| rule.patterns.iter().map(|part| (rule.name, part)));
        for (rule, part) in parts {
            for text in part.texts() {
                let number = takers.all.len();
                let span = text.span;
                takers.all.push(Taker { rule, span });
                let words = match &part.what {
                    What::Keywords(_) => vec![text.value.as_str()],
                    What::Regex(_, hir) => {
                        takers.regex(text, part.case_sensitive, hir.as_ref(), number)
                    }
                };
                match part.case_sensitive {
                    true => exact.extend(words.into_iter().map(|word| (word, number))),
                    false => folded.extend(words.into_iter().map(|word| (fold(word), number))),
                }
            }
        }
        takers.folded =
            Contained::new(folded.iter().map(|(word, number)| (word.as_str(), *number)));
        takers.exact = Contained::new(exact);
        takers
    }

    /// Notes what a regular expression takes; gives the texts it is a choice of.
    fn regex<'h>(
        &mut self,
        text: &'r Spanned<String>,
        case_sensitive: bool,
        hir: Option<&'h regex_syntax::hir::Hir>,
        number: usize,
    ) -> Vec<&'h str> {
        let Some(hir) = hir else { return Vec::new() };
        let key = (text.value.as_str(), case_sensitive);
        self.regexes.entry(key).or_insert(number);
        if pattern::matches_everything(hir) {
            self.everything.get_or_insert(number);
        }
        pattern::plain_texts(hir).unwrap_or_default()
    }

    /// What never decides of a rule whose first number is `first`.
    fn dead(&self, rule: &Asked<'r>, first: usize) -> Vec<Dead<'r>> {
        let mut seen: HashMap<(String, bool, bool), Span> = HashMap::new();
        let mut dead = Vec::new();
        for part in &rule.patterns {
            for text in part.texts() {
                let taker = self.taker(part, text).filter(|number| *number < first);
                let is_regex = matches!(part.what, What::Regex(..));
                let same = match is_regex || part.case_sensitive {
                    true => text.value.clone(),
                    false => fold(&text.value),
                };
                let key = (same, part.case_sensitive, is_regex);
                let before = seen.get(&key).copied();
                seen.entry(key).or_insert(text.span);
                let because = match (taker, before) {
                    (Some(number), _) => Because::Taken(number),
                    (None, Some(span)) => Because::Repeated(span),
                    (None, None) => continue,
                };
                dead.push(Dead { text, because });
            }
        }
        dead
    }

    /// The first that takes all that a text of a pattern matches; perhaps itself.
    fn taker(&self, part: &Part<'_>, text: &Spanned<String>) -> Option<usize> {
        let holding = |word: &str| {
            let folded = self.folded.least_in(&fold(word));
            let exact = part.case_sensitive.then(|| self.exact.least_in(word));
            [folded, exact.flatten()].into_iter().flatten().min()
        };
        let taker = match &part.what {
            What::Keywords(_) => holding(&text.value),
            What::Regex(_, hir) => {
                let same = |case: bool| self.regexes.get(&(text.value.as_str(), case)).copied();
                let exact = same(true).filter(|_| part.case_sensitive);
                let held = hir.as_ref().and_then(|hir| pattern::held(hir, &holding));
                [same(false), exact, held].into_iter().flatten().min()
            }
        };
        [taker, self.everything].into_iter().flatten().min()
    }
}

/// Small letters where every reader agrees on them.
fn fold(word: &str) -> String {
    word.to_ascii_lowercase()
}

fn never(rule: &Asked<'_>, dead: &[Dead<'_>], takers: &Takers<'_>) -> Diagnostic {
    let name = rule.entry.name.as_ref();
    let place = name.map_or(rule.entry.head, |name| name.span);
    let diagnostic = Diagnostic::new(
        Code::RuleNeverMatches,
        format!("rule `{}` can never match", rule.name),
    );
    if dead.is_empty() {
        return diagnostic
            .at(
                place,
                "it has no pattern, and likeness to it is not asked for",
            )
            .help("add `patterns`, or switch `semantic` on");
    }
    let mut diagnostic = diagnostic.at(place, "rules before it take every message it matches");
    let mut shown = Vec::new();
    for dead in dead {
        let Because::Taken(number) = dead.because else {
            continue;
        };
        let taker = &takers.all[number];
        if shown.len() < SHOWN && !shown.contains(&taker.span) {
            shown.push(taker.span);
            let label = format!("rule `{}` takes what holds this", taker.rule);
            diagnostic = diagnostic.at(taker.span, label);
        }
    }
    diagnostic.help("give it a higher `priority`, or remove it")
}

fn some(rule: &Asked<'_>, dead: &[Dead<'_>], takers: &Takers<'_>) -> Diagnostic {
    let name = rule.name;
    let headline = match dead {
        [only] => format!("`{}` of rule `{name}` never decides", only.text.value),
        _ => format!("{} patterns of rule `{name}` never decide", dead.len()),
    };
    let mut diagnostic = Diagnostic::new(Code::RuleDeadPattern, headline);
    for (at, dead) in dead.iter().take(SHOWN).enumerate() {
        let (label, other) = match dead.because {
            Because::Taken(number) => {
                let taker = &takers.all[number];
                let label = format!("rule `{}` takes it before", taker.rule);
                (label, (taker.span, "by this"))
            }
            Because::Repeated(first) => {
                ("given again here".to_owned(), (first, "first given here"))
            }
        };
        diagnostic = diagnostic.at(dead.text.span, label);
        if at == 0 {
            diagnostic = diagnostic.at(other.0, other.1);
        }
    }
    diagnostic.help(match dead.iter().any(Dead::is_taken) {
        true => "give the rule a higher `priority`, or remove what never decides",
        false => "remove one of the two",
    })
}
