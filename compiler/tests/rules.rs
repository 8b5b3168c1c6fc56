//! What is proved about rules: a pattern that is called dead can be left out
//! without a message going elsewhere, and nothing is said of one that cannot.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write;

use ctr_compiler::compile;
use ctr_compiler::diagnostic::{Code, Diagnostic};
use ctr_compiler::source::Sources;
use proptest::prelude::*;
use proptest::sample::select;

const MODELS: &str = r#"Models:
  - {id: m, api: "https://a.example", key: "${K}", model: m}
  - {id: n, api: "https://a.example", key: "${K}", model: n}
Router: {default: m}
"#;

/// `code: headline` of what is said of rules written as items of `rules`.
fn said(rules: &[&str], more: &str) -> Vec<String> {
    let mut text = format!("{MODELS}SmartRouter:\n  enabled: true\n{more}  rules:\n");
    for rule in rules {
        writeln!(text, "    - {{model: m, {rule}}}").unwrap();
    }
    told(&text)
}

fn told(text: &str) -> Vec<String> {
    let found = compile(&Sources::single("r.yaml", text)).problems;
    let found = found
        .iter()
        .filter(|found| found.code != Code::DocumentNotSupportedYet);
    found
        .map(|found| format!("{}: {}", found.code, found.headline))
        .collect()
}

fn exact(name: &str, words: &str) -> String {
    format!("name: {name}, patterns: [{{type: exact, keywords: [{words}]}}]")
}

fn cased(name: &str, words: &str) -> String {
    format!("name: {name}, patterns: [{{type: exact, caseSensitive: true, keywords: [{words}]}}]")
}

fn regex(name: &str, pattern: &str) -> String {
    format!("name: {name}, patterns: [{{type: regex, pattern: '{pattern}'}}]")
}

#[test]
fn a_rule_is_dead_when_all_it_matches_is_taken() {
    let never = "rule/never-matches: rule `b` can never match";
    let dead = |word: &str| format!("rule/dead-pattern: `{word}` of rule `b` never decides");
    let nothing: Vec<String> = Vec::new();
    for (first, second, wanted) in [
        (exact("a", "fix"), exact("b", "fix"), vec![never.to_owned()]),
        (
            exact("a", "fix"),
            exact("b", "Prefix it"),
            vec![never.to_owned()],
        ),
        (
            exact("a", "fix"),
            exact("b", "fix, test"),
            vec![dead("fix")],
        ),
        (
            exact("a", "fix, test"),
            exact("b", "tests, fixes"),
            vec![never.to_owned()],
        ),
        (exact("a", "fix it"), exact("b", "fix"), nothing.clone()),
        // Capitals.
        (cased("a", "FIX"), exact("b", "FIX"), nothing.clone()),
        (
            cased("a", "FIX"),
            cased("b", "FIX it"),
            vec![never.to_owned()],
        ),
        (cased("a", "FIX"), cased("b", "fix it"), nothing.clone()),
        (exact("a", "fix"), cased("b", "FIX"), vec![never.to_owned()]),
        // Regular expressions.
        (
            regex("a", "fix"),
            exact("b", "fixes"),
            vec![never.to_owned()],
        ),
        (
            regex("a", "fix|test"),
            exact("b", "fixes, tests"),
            vec![never.to_owned()],
        ),
        (regex("a", "fix."), exact("b", "fixes"), nothing.clone()),
        (
            regex("a", "a.*b"),
            regex("b", "a.*b"),
            vec![never.to_owned()],
        ),
        (regex("a", "a.*b"), regex("b", "a.*c"), nothing.clone()),
        (
            exact("a", "fix"),
            regex("b", "please fix .* now"),
            vec![never.to_owned()],
        ),
        (
            exact("a", "fix"),
            regex("b", "(please )?fix"),
            vec![never.to_owned()],
        ),
        (
            exact("a", "fix"),
            regex("b", "please( fix)?"),
            nothing.clone(),
        ),
        (
            exact("a", "fix"),
            regex("b", "fix this|test that"),
            nothing.clone(),
        ),
        (
            exact("a", "fix, test"),
            regex("b", "fix this|test that"),
            vec![never.to_owned()],
        ),
        (exact("a", "fix"), regex("b", "(?i)FIX it"), nothing.clone()),
        // Switched off, a rule takes nothing and is not judged.
        (
            exact("a", "fix") + ", enabled: false",
            exact("b", "fix"),
            nothing.clone(),
        ),
        (
            exact("a", "fix"),
            exact("b", "fix") + ", enabled: false",
            nothing.clone(),
        ),
        // The priority decides who is asked first.
        (
            exact("a", "fix it"),
            exact("b", "fix") + ", priority: 1",
            vec!["rule/never-matches: rule `a` can never match".to_owned()],
        ),
        // Likeness brings what no pattern does.
        (
            exact("a", "fix"),
            exact("b", "fixes") + ", description: mending",
            vec![dead("fixes")],
        ),
    ] {
        assert_eq!(said(&[&first, &second], ""), wanted, "{first}\n{second}");
    }
}

#[test]
fn a_rule_that_is_only_like_something_needs_likeness() {
    let never = ["rule/never-matches: rule `b` can never match"];
    let rule = "name: b, description: mending";
    assert_eq!(said(&[rule], ""), Vec::<String>::new());
    assert_eq!(said(&[rule], "  semantic: {enabled: false}\n"), never);
    let off = "name: b, description: mending, semantic_profile: {enabled: false}";
    assert_eq!(said(&[off], ""), never);
    let nothing = "name: b, semantic_profile: {threshold: 0.5}";
    assert_eq!(said(&[nothing], ""), never);
    let named = "  semantic: {prototypes: {b: mending}}\n";
    assert_eq!(said(&[nothing], named), Vec::<String>::new());
}

#[test]
fn keywords_are_given_once() {
    let dead = |word: &str| {
        vec![format!(
            "rule/dead-pattern: `{word}` of rule `a` never decides"
        )]
    };
    assert_eq!(said(&[&exact("a", "fix, Fix")], ""), dead("Fix"));
    assert_eq!(said(&[&cased("a", "fix, Fix")], ""), Vec::<String>::new());
    assert_eq!(
        said(&[&exact("a", "fix, prefix, fix it")], ""),
        Vec::<String>::new()
    );
    let three = said(&[&exact("a", "fix, fix, fix")], "");
    assert_eq!(
        three,
        ["rule/dead-pattern: 2 patterns of rule `a` never decide"]
    );
    // Blank ones are no keywords.
    let blank = ["rule/no-pattern: rule `a` says nothing that a request could match"];
    assert_eq!(said(&[&exact("a", "\"\", \"  \"")], ""), blank);
    assert_eq!(said(&[&exact("a", "\"\", fix")], ""), Vec::<String>::new());
}

#[test]
fn routes_are_rules() {
    let text = format!(
        "{MODELS}  routes:\n    - {{name: a, model: m, match: {{keywords: [fix], regex: '(?=x)'}}}}\n    - {{name: b, model: m, match: {{keywords: [fixes]}}}}\n"
    );
    let text = text.replace("Router: {default: m}\n", "Router:\n  default: m\n");
    assert_eq!(
        told(&text),
        [
            "rule/not-linear-regex: a pattern of rule `a` cannot be matched in linear time",
            "rule/never-matches: rule `b` can never match"
        ]
    );
}

#[test]
fn a_place_inside_a_pattern_is_found_however_it_is_quoted() {
    for (written, blamed) in [
        ("fix(?=ed)", "(?="),
        ("'fix(?=ed)'", "(?="),
        ("\"ü fix(?=ed)\"", "(?="),
        ("'it''s fix(?=ed)'", "'it''s fix(?=ed)'"),
        ("\"\\\\d(?=ed)\"", "(?="),
        ("\"x\\td(?=ed)\"", "\"x\\td(?=ed)\""),
        ("'\\d(?=ed)'", "(?="),
    ] {
        let text = format!(
            "{MODELS}SmartRouter:\n  enabled: true\n  rules:\n    - name: a\n      model: m\n      patterns: [{{type: regex, pattern: {written}}}]\n"
        );
        assert_eq!(blamed_in("r.yaml", &text), blamed, "{written}");
    }
    let text = "model \"m\" { api \"https://a.example\"; key \"${K}\"; model \"m\"; }\nrouter default=\"m\"\n\
        SmartRouter enabled=#true { rules { - name=\"a\" model=\"m\" { patterns { - type=\"regex\" pattern=#\"\\d(?=ed)\"#; }; }; }; }\n";
    assert_eq!(blamed_in("r.kdl", text), "(?=");
}

fn blamed_in(name: &str, text: &str) -> String {
    let found = compile(&Sources::single(name, text)).problems;
    let found = found
        .iter()
        .find(|found| found.code == Code::RuleNotLinearRegex);
    text[found.unwrap().span().unwrap().range()].to_owned()
}

#[test]
fn what_is_switched_off_is_not_judged() {
    let off = ["", "enabled: false, "].map(|switch| {
        format!("{MODELS}SmartRouter: {{{switch}rules: [{{name: a, model: m, patterns: [{{type: regex, pattern: '(?=x)'}}]}}]}}\n")
    });
    for text in off {
        assert_eq!(told(&text), Vec::<String>::new());
    }
}

#[test]
fn ten_thousand_rules_are_one_finding_each() {
    let rules: Vec<String> = (0..10_000)
        .map(|number| exact(&format!("r{number}"), &format!("word {number}x, {number}")))
        .collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    // `7` takes `17`, `word 17x` and the like: of the first ten, none is taken.
    let found = said(&rules, "");
    assert_eq!(found.len(), 10_000 - 10);
    assert!(
        found
            .iter()
            .all(|found| found.starts_with("rule/never-matches"))
    );
}

/// A keyword or a regular expression, and where it is written.
#[derive(Clone, Debug)]
struct Part {
    regex: bool,
    case_sensitive: bool,
    text: String,
}

/// Rules by priority and parts.
fn rules() -> impl Strategy<Value = Vec<(i64, Vec<Part>)>> {
    let word =
        prop::collection::vec(select(&["a", "b", "A"][..]), 1..4).prop_map(|word| word.concat());
    let pattern = select(
        &[
            "a", "a.*b", "ab|ba", "^a", "a+b", "(a|b)", "a?", ".*", "b(ab)*a", "[ab]a", "(?i)ab",
            "\\bab",
        ][..],
    );
    let keyword = (word, any::<bool>()).prop_map(|(text, case_sensitive)| Part {
        regex: false,
        case_sensitive,
        text,
    });
    let regex = (pattern, any::<bool>()).prop_map(|(text, case_sensitive)| Part {
        regex: true,
        case_sensitive,
        text: text.to_owned(),
    });
    let part = prop_oneof![3 => keyword, 1 => regex];
    prop::collection::vec((0..2_i64, prop::collection::vec(part, 1..4)), 1..6)
}

/// The document, and the place of each part by rule and position.
fn document(rules: &[(i64, Vec<Part>)]) -> (String, Vec<Vec<usize>>) {
    let mut text = format!("{MODELS}SmartRouter:\n  enabled: true\n  rules:\n");
    let mut places = Vec::new();
    for (number, (priority, parts)) in rules.iter().enumerate() {
        write!(
            text,
            "    - {{name: r{number}, model: m, priority: {priority}, patterns: ["
        )
        .unwrap();
        let mut starts = Vec::new();
        for part in parts {
            let (kind, key) = if part.regex {
                ("regex", "pattern: ")
            } else {
                ("exact", "keywords: ")
            };
            write!(
                text,
                "{{type: {kind}, caseSensitive: {}, {key}",
                part.case_sensitive
            )
            .unwrap();
            starts.push(text.len());
            write!(text, "'{}'}}, ", part.text).unwrap();
        }
        places.push(starts);
        text.push_str("]}\n");
    }
    (text, places)
}

/// Which rule takes a message, without the parts in `left_out`.
fn taker(
    rules: &[(i64, Vec<Part>)],
    left_out: &BTreeSet<(usize, usize)>,
    message: &str,
) -> Option<usize> {
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|rule| std::cmp::Reverse(rules[*rule].0));
    order.into_iter().find(|rule| {
        let parts = rules[*rule].1.iter().enumerate();
        let mut counting = parts.filter(|(at, _)| !left_out.contains(&(*rule, *at)));
        counting.any(|(_, part)| matches(part, message))
    })
}

fn matches(part: &Part, message: &str) -> bool {
    let text = if part.regex {
        part.text.clone()
    } else {
        regex::escape(&part.text)
    };
    let built = regex::RegexBuilder::new(&text)
        .multi_line(true)
        .case_insensitive(!part.case_sensitive)
        .build();
    built.unwrap().is_match(message)
}

/// The parts that a finding calls dead.
fn dead(found: &Diagnostic, text: &str, places: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let part_at = |start: usize| {
        let of_rule = |rule: &Vec<usize>| rule.iter().position(|place| *place == start);
        let found = places
            .iter()
            .enumerate()
            .find_map(|(rule, starts)| Some((rule, of_rule(starts)?)));
        found.unwrap()
    };
    let start = |at: usize| found.labels[at].span.range().start;
    match found.code {
        Code::RuleNeverMatches => {
            let name = &text[found.span().unwrap().range()];
            let rule: usize = name.trim_start_matches('r').parse().unwrap();
            (0..places[rule].len()).map(|at| (rule, at)).collect()
        }
        Code::RuleDeadPattern => {
            let others = (2..found.labels.len()).map(start);
            std::iter::once(start(0))
                .chain(others)
                .map(part_at)
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Every text of up to four of these.
fn messages() -> Vec<String> {
    let mut all = vec![String::new()];
    for length in 0..4 {
        let longest: Vec<String> = all
            .iter()
            .filter(|text| text.chars().count() == length)
            .cloned()
            .collect();
        for text in longest {
            all.extend(["a", "b", "A", " "].map(|more| format!("{text}{more}")));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_dead_can_be_left_out(rules in rules()) {
        let (text, places) = document(&rules);
        let found = compile(&Sources::single("r.yaml", text.as_str())).problems;
        prop_assert!(!found.has_errors());
        let dead: BTreeSet<(usize, usize)> = found.iter().flat_map(|found| dead(found, &text, &places)).collect();
        if !dead.is_empty() {
            let none = BTreeSet::new();
            for message in messages() {
                let (with, without) = (taker(&rules, &none, &message), taker(&rules, &dead, &message));
                prop_assert_eq!(with, without, "{} {:?}", message, dead);
            }
        }
    }
}
