//! Rules and messages: what is said of patterns is held against `regex` and
//! against looking for each keyword.

use std::collections::BTreeSet;

use ctr_compiler::compile;
use ctr_compiler::diagnostic::{Code, Problems};
use ctr_compiler::source::Sources;
use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

/// One line a rule or a message: `> message`, `= keyword, keyword`, `/ pattern`.
/// A mark written twice (`==`, `//`) lets capitals count. Other lines say nothing.
pub fn rules(data: &[u8]) {
    let text = super::text(data);
    let rules: Vec<Rule<'_>> = text.lines().filter_map(Rule::read).collect();
    let sources = Sources::single("r.json", document(&rules).to_string());
    super::compiled(&sources);
    let told = compile(&sources).problems;
    // JSON has characters that YAML has not.
    if told
        .iter()
        .any(|found| found.code == Code::SyntaxInvalidYaml)
    {
        return;
    }
    let unusable = named(&told, &[Code::RuleInvalidRegex, Code::RuleNotLinearRegex]);
    let never = named(&told, &[Code::RuleNeverMatches]);
    let always = named(&told, &[Code::RuleMatchesEverything]);
    let usable: Vec<(usize, Matcher)> = rules
        .iter()
        .enumerate()
        .filter(|(at, _)| !unusable.contains(at))
        .map(|(at, rule)| (at, rule.matcher()))
        .collect();
    for message in text.lines().filter_map(|line| line.strip_prefix("> ")) {
        let mut taking = usable.iter().filter(|(_, rule)| rule.takes(message));
        if let Some((first, _)) = taking.next() {
            assert!(!never.contains(first), "rule {first} takes {message:?}");
        }
        for (at, rule) in usable.iter().filter(|(at, _)| always.contains(at)) {
            assert!(rule.takes(message), "rule {at} does not take {message:?}");
        }
    }
}

struct Rule<'t> {
    is_regex: bool,
    case_sensitive: bool,
    text: &'t str,
}

impl<'t> Rule<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let marks = [("== ", false), ("= ", false), ("// ", true), ("/ ", true)];
        marks.into_iter().find_map(|(mark, is_regex)| {
            let text = line.strip_prefix(mark)?.trim();
            Some(Self {
                is_regex,
                case_sensitive: mark.len() == 3,
                text,
            })
        })
    }

    fn keywords(&self) -> impl Iterator<Item = &'t str> {
        self.text.split(", ").filter(|word| !word.trim().is_empty())
    }

    fn pattern(&self) -> Value {
        match self.is_regex {
            true => {
                json!({ "type": "regex", "pattern": self.text, "caseSensitive": self.case_sensitive })
            }
            false => {
                let words: Vec<&str> = self.text.split(", ").collect();
                json!({ "type": "exact", "keywords": words, "caseSensitive": self.case_sensitive })
            }
        }
    }

    fn matcher(&self) -> Matcher {
        if self.is_regex {
            let mut builder = RegexBuilder::new(self.text);
            let regex = builder
                .multi_line(true)
                .case_insensitive(!self.case_sensitive);
            return Matcher::Regex(regex.build().expect("an accepted pattern can be built"));
        }
        let fold = |word: &str| match self.case_sensitive {
            true => word.to_owned(),
            false => word.to_ascii_lowercase(),
        };
        Matcher::Keywords(self.keywords().map(fold).collect(), self.case_sensitive)
    }
}

enum Matcher {
    Keywords(Vec<String>, bool),
    Regex(Regex),
}

impl Matcher {
    fn takes(&self, message: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(message),
            Self::Keywords(words, true) => words.iter().any(|word| message.contains(word)),
            Self::Keywords(words, false) => {
                let message = message.to_ascii_lowercase();
                words.iter().any(|word| message.contains(word))
            }
        }
    }
}

fn document(rules: &[Rule<'_>]) -> Value {
    let rule = |(at, rule): (usize, &Rule<'_>)| json!({ "name": format!("r{at}"), "model": "m", "patterns": [rule.pattern()] });
    let rules: Vec<Value> = rules.iter().enumerate().map(rule).collect();
    json!({
        "Models": [{ "id": "m", "api": "https://a.example", "key": "${K}", "interface": "anthropic", "model": "m" }],
        "Router": { "default": "m" },
        "SmartRouter": { "enabled": true, "rules": rules },
    })
}

/// Numbers of the rules that problems of these codes name.
fn named(told: &Problems, codes: &[Code]) -> BTreeSet<usize> {
    let told = told.iter().filter(|found| codes.contains(&found.code));
    let number = |headline: &str| {
        let (_, rest) = headline.split_once("rule `r")?;
        rest.split_once('`')?.0.parse().ok()
    };
    told.filter_map(|found| number(&found.headline)).collect()
}
