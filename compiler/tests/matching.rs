//! The prepared rules say what asking each rule by itself says.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::borrow::Cow;
use std::collections::BTreeSet;

use ctr_compiler::matching::Matcher;
use ctr_compiler::plan::{Pattern, Rule};
use ctr_compiler::route::{Text, Written};
use proptest::prelude::*;
use proptest::sample::select;

fn rule(patterns: Vec<Pattern>) -> Rule {
    Rule {
        description: None,
        enabled: true,
        model: "m".to_owned(),
        name: "r".to_owned(),
        patterns,
        priority: 0,
        prototype: None,
    }
}

fn exact(keywords: &[&str], case_sensitive: bool) -> Pattern {
    Pattern::Exact {
        case_sensitive,
        keywords: keywords.iter().map(ToString::to_string).collect(),
    }
}

fn regex(pattern: &str, case_sensitive: bool) -> Pattern {
    Pattern::Regex {
        case_sensitive,
        pattern: pattern.to_owned(),
    }
}

/// A text by its lines, which have nothing that is written in another way.
struct Lines<'l>(&'l str);

impl Written for Lines<'_> {
    fn parts(&self) -> Vec<&[u8]> {
        self.0.lines().map(str::as_bytes).collect()
    }

    fn plain(&self) -> &str {
        self.0
    }

    fn beginning(&self, _: usize) -> Cow<'_, str> {
        self.0.into()
    }
}

/// What a rule says, asked by itself.
fn plainly(pattern: &Pattern, text: &str) -> bool {
    match pattern {
        Pattern::Exact {
            case_sensitive: true,
            keywords,
        } => keywords.iter().any(|keyword| text.contains(keyword)),
        Pattern::Exact { keywords, .. } => keywords
            .iter()
            .any(|keyword| text.to_lowercase().contains(&keyword.to_lowercase())),
        Pattern::Regex {
            case_sensitive,
            pattern,
        } => regex::RegexBuilder::new(pattern)
            .multi_line(true)
            .case_insensitive(!case_sensitive)
            .build()
            .unwrap()
            .is_match(text),
    }
}

#[test]
fn of_a_task_its_beginning_is_kept() {
    let long = "é".repeat(2_001);
    assert_eq!(Text::from(&*long).task().chars().count(), 2_000);
    let ascii = "a".repeat(2_001);
    assert_eq!(Text::Written(&Lines(&ascii)).task(), &ascii[..2_000]);
    assert_eq!(Text::from("short").task(), "short");
}

#[test]
fn the_first_rule_that_matches_wins() {
    let rules = [
        rule(vec![exact(&["Architecture"], true)]),
        rule(vec![exact(&["system design", "architecture"], false)]),
        rule(vec![regex("^fix .* test$", false)]),
        rule(vec![regex(r"\d{4}", false)]),
    ];
    let matcher = Matcher::new(&rules).unwrap();
    let first = |text: &str| matcher.first(text);
    assert_eq!(first("The Architecture"), Some(0));
    assert_eq!(first("the ARCHITECTURE of 1999"), Some(1));
    assert_eq!(first("please\nFix the flaky TEST\nnow"), Some(2));
    assert_eq!(first("please fix the test now"), None);
    assert_eq!(first("in 1999"), Some(3));
    assert_eq!(first(""), None);
    assert_eq!(
        matcher.all("Architecture of 1999"),
        BTreeSet::from([0, 1, 3])
    );
}

#[test]
fn what_is_switched_off_or_blank_matches_nothing() {
    let mut off = rule(vec![exact(&["a"], false)]);
    off.enabled = false;
    let blank = rule(vec![exact(&["", "  "], false)]);
    let matcher = Matcher::new(&[off, blank]).unwrap();
    assert_eq!(matcher.first("a b  c"), None);
}

#[test]
fn an_expression_that_is_none_is_named() {
    let error = Matcher::new(&[rule(vec![regex("(", false)])]).unwrap_err();
    assert_eq!(error.rule, "r");
    assert!(Matcher::new(&[rule(vec![regex("(?:a{1000}){1000}", false)])]).is_err());
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let words = select(
        &[
            "a", "poem", "Poem", "fix", "ſ", "straße", "STRASSE", "K", "é", "test\n", "o", " ",
            "ab c",
        ][..],
    );
    let keywords = prop::collection::vec(words, 1..4);
    let expressions = select(
        &[
            "poems?",
            "^fix",
            "test$",
            "a.c",
            "(?i)kelvin",
            "[a-c]+x",
            "(fix|test) it",
            "s{2}",
            "straße",
            "k",
            r"\bpoem\b",
            "é|e",
            "(?s)a.*b",
            "x*",
            "poe(m|t)ry?",
        ][..],
    );
    let keywords = keywords.prop_filter("blank keywords match nothing", |keywords| {
        keywords.iter().all(|keyword| !keyword.trim().is_empty())
    });
    prop_oneof![
        (keywords, any::<bool>()).prop_map(|(keywords, case)| exact(&keywords, case)),
        (expressions, any::<bool>()).prop_map(|(pattern, case)| regex(pattern, case)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn prepared_or_one_by_one(
        patterns in prop::collection::vec(prop::collection::vec(any_pattern(), 0..3), 0..5),
        parts in prop::collection::vec(
            select(&["poem", "POEM", "fix it", "\n", "TEST", "straſse", "K", "ss", "é", "É", "a", "b", "x", " ", "kelvin"][..]),
            0..8,
        ),
    ) {
        let text = parts.concat();
        let rules: Vec<Rule> = patterns.into_iter().map(rule).collect();
        let matcher = Matcher::new(&rules).unwrap();
        let one_by_one: BTreeSet<usize> = rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.patterns.iter().any(|pattern| plainly(pattern, &text)))
            .map(|(at, _)| at)
            .collect();
        prop_assert_eq!(matcher.first(&text), one_by_one.first().copied());
        if text.is_ascii() && !text.is_empty() {
            let looked = Text::Written(&Lines(&text));
            prop_assert_eq!(looked.first_rule(&matcher), one_by_one.first().copied());
        }
        prop_assert_eq!(matcher.all(&text), one_by_one);
    }
}
