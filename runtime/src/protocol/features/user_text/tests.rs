use ctr_compiler::matching::Matcher;
use ctr_compiler::plan::{AnalysisScope, Interface, Pattern, Rule};
use ctr_compiler::route::Text as Looked;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::super::Features;
use super::*;

/// A rule for each keyword.
fn rules(keywords: &[&str]) -> Matcher {
    let rule = |keyword: &&str| Rule {
        description: None,
        enabled: true,
        model: "m".to_owned(),
        name: (*keyword).to_owned(),
        patterns: vec![Pattern::Exact {
            case_sensitive: false,
            keywords: vec![(*keyword).to_owned()],
        }],
        priority: 0,
        prototype: None,
    };
    Matcher::new(&keywords.iter().map(rule).collect::<Vec<_>>()).expect("rules")
}

fn read(body: &str) -> Option<UserText> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Features::read(&body, Interface::Anthropic, AnalysisScope::LastMessage).text
}

fn by_parts(parts: &[String]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|text| json!({"type": "text", "text": text}))
        .collect();
    json!({"messages": [{"role": "user", "content": parts}]}).to_string()
}

/// The parts with line breaks between them, but none at the beginning.
fn joined(parts: &[String]) -> String {
    let mut all = String::new();
    for part in parts {
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(part);
    }
    all
}

#[test]
fn a_long_text_is_put_together_when_it_is_asked_for() {
    let long = "Some prose, with a \"word\" or two.\n".repeat(100);
    let both = [long.clone(), long];
    let text = read(&by_parts(&both)).expect("a text");
    assert!(matches!(text.looked_at(), Looked::Written(_)));
    assert_eq!(text.looked_at().first_rule(&rules(&["topic"])), None);
    assert_eq!(text.looked_at().task(), &joined(&both)[..2_000]);
    assert!(text.plain.get().is_none(), "nothing asked for it");
    let spanning = rules(&["topic", "two.\n\nsome"]);
    assert_eq!(text.looked_at().first_rule(&spanning), Some(1));
    assert!(matches!(text.looked_at(), Looked::Plain(_)));
    assert_eq!(text.looked_at().task(), &joined(&both)[..2_000]);
}

#[test]
fn a_body_is_let_go_of() {
    let long = "prose ".repeat(500);
    let mut text = read(&by_parts(std::slice::from_ref(&long))).expect("a text");
    text.leave_body();
    assert!(text.written.is_empty());
    assert_eq!(text.plain(), long);
}

#[test]
fn what_would_hide_a_keyword_is_put_together_at_once() {
    let long = "prose ".repeat(500);
    let waits = |text: &str| {
        let body = format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}]}}"#);
        let text = read(&body).expect("a text");
        let first = text.looked_at().first_rule(&rules(&["topic"]));
        assert_eq!(
            first,
            text.plain().contains("topic").then_some(0),
            "{body:.90}"
        );
        text.written.len() == 1
    };
    assert!(waits(&format!("{long} topic \\n {long}")));
    assert!(!waits(&format!("{long} t\\u006fpic {long}")));
    assert!(!waits(&format!("{long} a\\/b {long}")));
    assert!(!waits(&format!("{long} é {long}")));
    assert!(!waits(&format!("\\n{long}")), "it may be blank");
    assert!(!waits("short"));
}

#[test]
fn a_beginning_ends_between_escapes() {
    for letters in 0..4 {
        let text = "a".repeat(letters) + &"\"".repeat(3_000);
        let read = read(&by_parts(&["x".to_owned(), text.clone()])).expect("a text");
        let task = format!("x\n{text}");
        assert_eq!(read.looked_at().task(), &task[..2_000]);
        assert!(read.plain.get().is_none());
    }
}

fn any_part() -> impl Strategy<Value = String> {
    let words = &[
        "prose ", "topic", "line\n", "\"q\"", "a\\b", "\t", "/", "", " ", "u",
    ];
    let piece = (select(&words[..]), 1..600_usize).prop_map(|(word, n)| word.repeat(n));
    let others = prop_oneof![
        40 => Just(""), 1 => Just("é"), 1 => Just("ſ"), 1 => Just("\u{7f}"), 1 => Just("\u{7}")
    ];
    (prop::collection::vec(piece, 0..6), others).prop_map(|(pieces, other)| pieces.concat() + other)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_put_off_is_the_same(parts in prop::collection::vec(any_part(), 1..5)) {
        let plain = joined(&parts);
        let text = read(&by_parts(&parts));
        prop_assert_eq!(text.is_none(), plain.trim().is_empty());
        if let Some(text) = text {
            let task: String = plain.chars().take(2_000).collect();
            prop_assert_eq!(text.looked_at().task(), task);
            for keywords in [&["topic", "e\nl", "\"q", "b"][..], &["c t", "/u", "etopic"], &["zz"]] {
                let rules = rules(keywords);
                // What one asked for is not put together for the next.
                let text = text.clone();
                prop_assert_eq!(text.looked_at().first_rule(&rules), rules.first(&plain));
            }
            prop_assert_eq!(text.plain(), plain);
        }
    }
}
