use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn prepared(words: &[String], fold: bool) -> Words<usize> {
    let words = words.iter().cloned().zip(0..).collect();
    Words::new(words, fold).unwrap()
}

fn found(words: &Words<usize>, text: &str) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    words.search(text, |word| {
        found.insert(word);
        true
    });
    found
}

/// What looking for one word after another finds.
fn one_by_one(words: &[String], fold: bool, text: &str) -> BTreeSet<usize> {
    let fold = |text: &str| match fold {
        true => text.to_ascii_lowercase(),
        false => text.to_owned(),
    };
    let text = fold(text);
    let occurs = |word: &String| text.contains(&fold(word));
    (0..words.len()).filter(|at| occurs(&words[*at])).collect()
}

#[test]
fn words_of_every_length_are_found_wherever_they_stand() {
    let all: Vec<String> = (1..40)
        .map(|length| "zy-xw_vu!t".repeat(4)[..length].to_owned())
        .collect();
    let all = [
        all,
        vec!["日本".to_owned(), "\0\0".to_owned(), "É".to_owned()],
    ]
    .concat();
    for word in &all {
        let words = prepared(std::slice::from_ref(word), true);
        for before in 0..20 {
            for behind in [0, 1, 2, 3, 16, 200] {
                let text = [&*"a".repeat(before), word, &"a".repeat(behind)].concat();
                assert_eq!(found(&words, &text).len(), 1, "{word} in {text}");
            }
        }
        assert!(found(&words, &"a".repeat(300)).is_empty(), "{word}");
    }
}

#[test]
fn words_that_share_what_is_rare_in_them_are_all_found() {
    let words = ["zqzqzqz", "zqzqzqz and the rest", "the rest and zqzqzqz"];
    let filler = " other ".repeat(99);
    for order in [[0, 1, 2], [1, 2, 0], [2, 0, 1]] {
        let words = prepared(&order.map(|at| words[at].to_owned()), true);
        let text = format!("{filler}the rest and zqzqzqz and the rest{filler}");
        assert_eq!(found(&words, &text), BTreeSet::from([0, 1, 2]));
    }
}

#[test]
fn of_a_text_with_few_words_little_is_looked_at() {
    let words: Vec<String> = (0..1_000).map(|n| format!("topic {n} of these")).collect();
    let words = prepared(&words, true);
    let text = "Please look at the topic of this module, and say what these do. ".repeat(100);
    let stretches = |text: &str| {
        let mut found = Stretches::new(text.len());
        let sieves = words.sieves.iter();
        sieves.for_each(|sieve| sieve.look(text.as_bytes(), &mut found));
        found.in_order()
    };
    assert!(stretches(&text).is_empty());
    let one = format!("{text}Topic 17 of These, please. {text}");
    let looked: usize = stretches(&one)
        .into_iter()
        .map(|stretch| stretch.len())
        .sum();
    assert!((16..60).contains(&looked), "{looked} bytes");
    assert_eq!(found(&words, &one), BTreeSet::from([17]));
    let full = "topic 17 of these, topic 18 of them. ".repeat(100);
    let all: usize = stretches(&full)
        .into_iter()
        .map(|stretch| stretch.len())
        .sum();
    assert_eq!(all, full.len());
}

/// A part of a text as JSON writes it.
fn written(part: &str) -> String {
    let quoted = serde_json::to_string(part).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

#[test]
fn parts_in_which_no_word_can_be_are_told() {
    let words: Vec<String> = (0..100).map(|n| format!("topic {n}x of")).collect();
    let prose = "Please look at the topic of this module.\\n".repeat(50);
    let may_be = |words: &[String], parts: &[&str]| {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        prepared(words, true).may_be_in(&parts)
    };
    assert!(!may_be(&words, &[&prose, &prose]));
    assert!(may_be(
        &words,
        &[&prose, &format!("{prose}Topic 7x of{prose}")]
    ));
    assert!(
        !may_be(&words, &["topic 7x", "of"]),
        "between parts stands something else"
    );
    assert!(
        may_be(&["say \"no\"".to_owned()], &["say"]),
        "it may be written in many ways"
    );
    assert!(!may_be(&[], &[&prose]));
}

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{1,9}",
        "[a-c\\-]{5,14}",
        "(é|É|日|a| ){1,5}",
        select(
            &[
                "topic",
                "Topic 1",
                "needle in",
                "the",
                "e",
                "in",
                "ly re",
                "\n",
                "[{",
                "\0",
                "a \"b\"",
                "\\"
            ][..]
        )
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn all_words_or_one_by_one(
        words in prop::collection::vec(any_word(), 1..20),
        parts in prop::collection::vec((0..40_usize, any::<bool>(), "[ab]{0,4}"), 0..12),
        filler in select(&["", " ", "xyzw", "the rest of it is merely prose. "][..]),
        fold in any::<bool>(),
    ) {
        let mut text = String::new();
        for (at, upper, noise) in parts {
            // Beyond the words, the filler alone.
            let word = words.get(at).map_or("", String::as_str);
            text.push_str(&if upper { word.to_ascii_uppercase() } else { word.to_owned() });
            text.push_str(&noise);
            text.push_str(&filler.repeat(at));
        }
        let prepared = prepared(&words, fold);
        prop_assert_eq!(found(&prepared, &text), one_by_one(&words, fold, &text));
        let parts: Vec<String> = text.split('\n').map(written).collect();
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        for word in words.iter().filter(|word| !word.contains(is_escaped)) {
            let alone = self::prepared(std::slice::from_ref(word), fold);
            let occurs = text.is_ascii() && !found(&alone, &text).is_empty();
            prop_assert!(!occurs || alone.may_be_in(&parts), "{word}");
        }
    }
}
